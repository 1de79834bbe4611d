-- What the shop's rules promise, played in virtual time: `tend test examples/shop --env demo`.
local test = require "tend.test"

local shop = { gateway = 2, checkout = 2, payments = 2, stock = 2, ledger = 2 }

-- As shopctl runs it: 40 requests a second; each process works on all that come, holds little and starts at once. A
-- call that is refused is not tried elsewhere, and no request can do without an answer. How near this comes to the
-- processes themselves is what tests/bench/fidelity.py measures.
local demo = {
  ["*"] = { start_up = "100ms", timeout = "1s", workers = 500, room = 0, use = 0.001, needs = 1, failover = false,
    usual = { memory = "2.5MB", traffic = 40 } },
  gateway  = { 1, work = "3ms" },
  checkout = { 1, work = "6ms" },
  payments = { 2, work = "8ms", usual = { traffic = 20 } },
  ledger   = 1,
  stock    = { 2, usual = { traffic = 20 } },
}
local acts = { restart = { takes = "100ms" } } -- shopctl waits until the new process answers

test.scenario "a payments that crashed is restarted" {
  world  = shop,
  faults = { { at = "2m", on = "payments/2", kind = "crash" } },
  check  = function(run)
    assert(run.culprit == "payments", run.culprit)
    assert(run:did "restart payments/2" and #run.steps == 1)
    assert(run.ended == "recovered" and run.recovered_s <= 30)
  end,
}
test.scenario "a hung ledger is cured, and its victims are left alone" {
  world  = { gateway = 2, checkout = 2, payments = 2, stock = 2, ledger = 1 },
  faults = { { at = "2m", on = "ledger", kind = "hang" } },
  check  = function(run)
    assert(run.culprit == "ledger" and run:did "restart ledger/1")
    for _, victim in ipairs { "payments", "checkout", "gateway", "stock" } do
      assert(not run:did("restart " .. victim))
    end
    assert(run.ended == "recovered" and run.recovered_s <= 60)
  end,
}
test.scenario "errors of one stock are its own" {
  world  = shop,
  faults = { { at = "2m", on = "stock/1", kind = "errors", ratio = 0.4 } },
  check  = function(run)
    assert(run.alerts["errors"] and run.culprit == "stock" and run:did "restart stock/1" and #run.steps == 1)
    assert(run.ended == "recovered")
  end,
}
test.scenario "a leak is stopped before memory is full" {
  world  = shop,
  faults = { { at = "2m", on = "checkout/1", kind = "leak", times = 4 } },
  check  = function(run)
    assert(run.alerts["leaking"] and run:did "restart checkout/1" and #run.steps == 1 and run.ended == "recovered")
  end,
}
test.scenario "faster is no fault" {
  series = { ["payments/*.response_time"] = "0.02x60 0.002x60" },
  check  = function(run) assert(#run.alerts == 0 and run.ended == "quiet") end,
}
test.scenario "a restart that worked but said it failed is a recovery" {
  world  = shop,
  faults = { { at = "2m", on = "ledger/1", kind = "crash" } },
  acts   = { restart = "works, but says it failed" },
  check  = function(run)
    assert(run:did "restart ledger/1" and run.ended == "recovered")
  end,
}
test.scenario "a restart that does nothing is no recovery: a person is called" {
  world  = shop,
  faults = { { at = "2m", on = "ledger/1", kind = "crash" } },
  acts   = { restart = "fails" },
  check  = function(run)
    assert(run:did "restart ledger/1" and not run:did "restart payments" and run.ended == "escalated")
    assert(#run.pages >= 1 and run.recovered_s == nil)
  end,
}
test.scenario "most of the fleet dark is our fault, not theirs: one page, no act" {
  world  = shop,
  faults = { { at = "2m", on = "*", kind = "metrics gone" } },
  check  = function(run) assert(#run.pages == 1 and #run.steps == 0) end,
}
test.scenario "half the fleet dark acts on nobody" {
  world  = shop,
  faults = { { at = "2m", on = "payments", kind = "metrics gone" }, { at = "2m", on = "ledger", kind = "metrics gone" },
             { at = "2m", on = "stock/1", kind = "metrics gone" } },
  check  = function(run) assert(#run.steps == 0) end,
}
test.scenario "a ledger that comes back by itself leaves its callers alone" {
  world  = shop,
  faults = { { at = "1m", on = "ledger", kind = "hang", lasts = "3s" } },
  check  = function(run)
    for _, caller in ipairs { "gateway", "checkout", "payments" } do
      assert(not run:did("restart " .. caller), caller .. " only felt it")
    end
  end,
}
test.scenario "two faults at once are two culprits, and both are cured" {
  world  = shop,
  faults = { { at = "2m", on = "stock/1", kind = "crash" }, { at = "2m", on = "ledger/2", kind = "hang" } },
  check  = function(run)
    assert(#run.culprits == 2 and run:did "restart stock/1" and run:did "restart ledger/2" and #run.steps == 2)
    assert(run.ended == "recovered")
  end,
}
test.scenario "a ledger that answers without metrics may be why payments fails: a person is called" {
  world  = shop,
  faults = { { at = "2m", on = "ledger", kind = "metrics gone" }, { at = "2m", on = "payments", kind = "errors" } },
  check  = function(run)
    assert(table.concat(run.culprits, " "):find("payments", 1, true), "its errors are not explained by what is unknown")
    assert(#run.steps == 0 and #run.pages >= 1 and run.ended ~= "recovered")
  end,
}
test.scenario "nothing is wrong, and nothing is done" {
  world  = shop,
  check  = function(run) assert(#run.alerts == 0 and #run.steps == 0 and #run.pages == 0 and run.ended == "quiet") end,
}

-- The four faults of examples/demo.sh, at any time between two scrapes.
local function demonstrates(name, fault, instance)
  fault.at, fault.on = { "2m", "3m" }, instance
  test.scenario(name) {
    world  = demo, acts = acts, spread = true, faults = { fault },
    check  = function(run)
      assert(run.culprit == instance:match "^[^/]+" and run:did("restart " .. instance) and #run.steps == 1)
      assert(run.ended == "recovered" and run.recovered_s <= 15)
    end,
  }
end
demonstrates("the demo: a stock crashes", { kind = "crash" }, "stock/1")
demonstrates("the demo: ledger hangs", { kind = "hang" }, "ledger/1")
demonstrates("the demo: a payments answers errors", { kind = "errors", ratio = 0.8 }, "payments/2")
demonstrates("the demo: a stock leaks", { kind = "leak", per_minute = 720 }, "stock/2") -- 30 MB a second

test.invariant "one of each that has two goes on serving" {
  holds = function(world)
    local payments, checkout = world.payments, world.checkout
    return (payments.instances < 2 or payments.healthy >= 1) and (checkout.instances < 2 or checkout.healthy >= 1)
  end,
}
