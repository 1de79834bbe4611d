-- What the pack promises: a leak is told in time and acted on at its end; growth that stops, or is a burst, is none.
local tend = require "tend"
local command = require "tend.control.command"
local test = require "tend.test"
require "tend.pack.leak"

tend.service "cache" {
  is = "leak", every = "1m", window = "5m",
  targets = { "http://a:9100/metrics", "http://b:9100/metrics" },
  metrics = {
    memory = { expect = "100MiB", out_at = "200MiB" },
    goroutines = { expect = 50, out_at = 1000 },
    container_memory = false,
  },
  control = command { restart = { "/usr/bin/systemctl", "restart", "cache" }, idempotent = true },
  remedies = { "restart the leaking one" },
}
tend.service "slow" {
  is = "leak", every = "5m", window = "15m",
  targets = { "http://c:9100/metrics", "http://d:9100/metrics" },
  metrics = { memory = { expect = "100MiB", out_at = "110MiB" }, container_memory = false },
}
tend.playbook "restart the leaking one" {
  within = "10m",
  run = function(p)
    for i in p:worst_first() do
      p:restart(i)
      p:verify(i)
    end
  end,
}
tend.notify "leak's log" { on = "*", to = { require "tend.notify.log" {} } }

local function severity(run, rule) return run.alerts[rule] and run.alerts[rule].severity end

test.scenario "memory that reaches its limit pages, its process is restarted, and that is the end of it" {
  world = { cache = 2 }, lasts = "4h",
  faults = { { at = "30m", on = "cache/1", kind = "leak", per_minute = 0.01 } }, -- 1 % a minute: full after 100 min
  check = function(run)
    local told, full = run.alerts["memory leaks"], run.alerts["memory is nearly at its end"]
    assert(told.severity == "ticket" and full.severity == "page" and told.fired_s < full.fired_s)
    assert(full.fired_s < 130 * 60) -- before it is at its limit
    assert(run:did "restart cache/1" and not run:did "restart cache/2" and run.ended == "recovered")
  end,
}
test.scenario "goroutines and file descriptors at their limit" {
  series = { ["cache/1.goroutines"] = "50x10 1200x30", ["cache/2.fds"] = "0.1x10 0.95x30" },
  check = function(run)
    assert(severity(run, "goroutines is nearly at its end") == "page")
    assert(severity(run, "file descriptors is nearly at its end") == "page")
  end,
}
test.scenario "growth that stops below the limit is none" {
  series = { ["cache/1.memory"] = "104857600x30 104857600+1048576x60 167772160x240" },
  check = function(run) assert(not run.alerts["memory is nearly at its end"] and #run.steps == 0) end,
}
test.scenario "memory that swings within its bounds is none" {
  series = { ["cache/1.memory"] = "104857600x60 150000000x30 104857600x60 150000000x30 104857600x60" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "what nobody expects anything of is evidence" {
  series = { ["cache/1.threads"] = "10x10 100000x60" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "no data is no leak, and resolves none" {
  series = { ["cache/1.goroutines"] = "50x10 1200x30 _x60", ["cache/2.memory"] = "_x100" },
  check = function(run)
    assert(run.alerts["goroutines leaks"] and not run.alerts["memory leaks"] and run.ended ~= "resolved by itself")
  end,
}
test.scenario "half a percent an hour is told hours before the limit" {
  world = { slow = 2 }, lasts = "26h",
  faults = { { at = "2h", on = "slow/1", kind = "leak", per_minute = 0.005 / 60 } }, -- 10 % more after 20 hours
  check = function(run)
    local told, full = run.alerts["memory leaks"], run.alerts["memory is nearly at its end"]
    assert(told.severity == "ticket" and told.instance == "slow/1" and told.fired_s <= 21 * 3600, told.fired_s)
    assert(not full or full.fired_s >= told.fired_s + 3600)
  end,
}
