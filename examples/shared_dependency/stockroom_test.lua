local test = require "tend.test"

test.scenario "orders that hang are restarted" {
  world = { orders = 2, search = 2, stock = 1 },
  faults = { { at = "2m", on = "orders/1", kind = "hang" } },
  check = function(run) assert(run:did "restart orders/1" and not run:did "restart search") end,
}
