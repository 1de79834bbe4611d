-- What the pack promises: fires, stays quiet just below the limit and just before `fire_after` ends, resolves, no data.
local tend = require "tend"
local test = require "tend.test"
require "tend.pack.golden"

tend.service "payments" {
  is = "golden", every = "5s", window = "10s",
  targets = { "http://a:9100/metrics", "http://b:9100/metrics", "http://c:9100/metrics" },
  metrics = { response_time = { expect = "100ms" }, memory = { expect = "100MiB" } },
}
tend.service "calm" { -- whose owner says nothing
  is = "golden", every = "5m", window = "10m", targets = { "http://d:9100/metrics", "http://e:9100/metrics" },
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

-- A world with a day: at its top a service that is used to 0.4 of what it can do is half as slow again as at its mean.
local DAY = { swing = 0.5, noise = 0.05 }

test.scenario "what is still being learned pages nobody" {
  world = { calm = { 2, use = 0.4 } }, load = DAY, lasts = "40h",
  faults = { { at = "30h", on = "calm", kind = "slow", lasts = "1h" } },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "from the third day on slow is slower than usual at this hour" {
  world = { calm = { 2, use = 0.4 } }, load = DAY, lasts = "80h",
  faults = { { at = "70h", on = "calm", kind = "slow", times = 3, lasts = "1h" } },
  check = function(run)
    assert(#run.alerts == 1 and run.alerts["slow"].severity == "page")
    assert(run.alerts["slow"].fired_s > 70 * 3600 and run.alerts["slow"].resolved_s >= 71 * 3600)
  end,
}
test.scenario "a surge that slows nobody down is a ticket, and the top of a day is none" {
  world = { calm = { 2, use = 0.1 } }, load = DAY, lasts = "80h",
  faults = { { at = "62h", on = "calm", kind = "surge", lasts = "1h" } },
  check = function(run)
    assert(run.alerts["unusual traffic"].severity == "ticket" and #run.pages == 0)
    for _, alert in ipairs(run.alerts) do assert(alert.fired_s > 62 * 3600) end
  end,
}
test.scenario "one that holds twice what the other does is a ticket, also where nobody says what is right" {
  series = {
    ["calm/1.memory_beside"] = "1e8x20", ["calm/2.memory_beside"] = "1e8x5 2.1e8x10 1e8x5",
  },
  check = function(run) assert(#run.alerts == 1 and run.alerts["one holds more"].severity == "ticket") end,
}
test.scenario "one that holds nearly twice as much is none" {
  series = { ["calm/1.memory_beside"] = "1e8x20", ["calm/2.memory_beside"] = "1e8x5 1.9e8x15" },
  check = function(run) assert(#run.alerts == 0) end,
}
