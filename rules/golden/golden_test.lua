-- What the pack promises: fires, stays quiet just below the limit and just before `fire_after` ends, resolves, no data.
local tend = require "tend"
local test = require "tend.test"
require "tend.pack.golden"

tend.service "payments" {
  is = "golden", every = "5s", window = "10s",
  targets = { "http://a:9100/metrics", "http://b:9100/metrics", "http://c:9100/metrics" },
  metrics = { response_time = { expect = "100ms" }, memory = { expect = "100MiB" } },
}
tend.notify "log" { on = "*", to = { require "tend.notify.log" {} } }

test.scenario "an error burst shorter than fire_after raises no alert" {
  series = { ["payments/*.error_rate"] = "0.001x40 0.2x1 0.001x40" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "errors that last are an alert, and its end resolves it" {
  series = { ["payments/*.error_rate"] = "0.001x40 0.2x20 0.001x40" },
  check = function(run) assert(#run.alerts == 1 and run.alerts["errors"]) end,
}
test.scenario "just below five percent is none" {
  series = { ["payments/*.error_rate"] = "0.001x40 0.049x40" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "no requests are no errors" {
  series = { ["payments/*.error_rate"] = "0.001x40 _x40" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "half as slow again is slow" {
  series = { ["payments/*.response_time"] = "0.1x40 0.151x20" },
  check = function(run) assert(run.alerts["slow"]) end,
}
test.scenario "faster is no fault" {
  series = { ["payments/*.response_time"] = "0.1x40 0.01x40" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "one of three that is twice as slow as the others is found" {
  series = { ["payments/1.p99"] = "0.2x60", ["payments/2.p99"] = "0.2x60", ["payments/3.p99"] = "0.2x20 0.5x40" },
  check = function(run) assert(run.alerts["one is slow"]) end,
}
test.scenario "an instance that does not answer is down" {
  world = { payments = 3 }, faults = { { at = "1m", on = "payments/2", kind = "crash" } },
  check = function(run) assert(run.alerts["down"] and run.culprit == "payments") end,
}
