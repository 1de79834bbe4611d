-- What the pack promises: fires, stays quiet just below the limit and just before `fire_after` ends, resolves, no data.
local tend = require "tend"
local test = require "tend.test"
require "tend.pack.saturation"

tend.service "machines" {
  is = "saturation", every = "1m", window = "2m",
  targets = { "http://a:9100/metrics", "http://b:9100/metrics" },
  metrics = { queue = { expect = 10, out_at = 100 } },
}
tend.notify "saturation's log" { on = "*", to = { require "tend.notify.log" {} } }

local function severity(run, rule) return run.alerts[rule] and run.alerts[rule].severity end

test.scenario "a machine busy for a quarter of an hour is a ticket, and its end resolves it" {
  series = { ["machines/1.cpu_busy"] = "0.4x5 0.95x20 0.4x10" },
  check = function(run)
    assert(#run.alerts == 1 and severity(run, "processors are busy") == "ticket")
    assert(run.ended == "resolved by itself")
  end,
}
test.scenario "a machine busy for less, or just below the limit, is none" {
  series = { ["machines/1.cpu_busy"] = "0.4x5 0.95x15 0.4x10", ["machines/2.cpu_busy"] = "0.89x40" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "a disk that is full pages, and one that is cleaned up resolves it" {
  series = { ["machines/1.disk_free"] = "0.3x5 0.04x20 0.3x15" },
  check = function(run)
    assert(severity(run, "disk is used up") == "page" and severity(run, "disk will be used up") == "ticket")
    assert(not run.alerts["inodes is used up"] and run.ended == "resolved by itself")
  end,
}
test.scenario "a disk with a little more than a twentieth left, always, is none" {
  series = { ["machines/1.disk_free"] = "0.06x60" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "a disk that fills within a day is a ticket while there is more than half a day left" {
  series = { ["machines/1.disk_free"] = "0.5x1440 0.5-0.0003x1000" }, -- a twentieth is left after 49 hours
  check = function(run)
    assert(#run.alerts == 1 and severity(run, "disk will be used up") == "ticket")
    assert(run.alerts["disk will be used up"].fired_s < 37 * 3600)
  end,
}
test.scenario "on the first day that is known of a disk, it is one while there is a third of the time left" {
  series = { ["machines/1.disk_free"] = "0.5-0.0003x1200" }, -- a twentieth is left after 25 hours
  check = function(run)
    assert(#run.alerts == 1 and severity(run, "disk will be used up") == "ticket")
    assert(run.alerts["disk will be used up"].fired_s < 17.5 * 3600)
  end,
}
test.scenario "a disk that filled for some hours and then no more is none" {
  series = { ["machines/1.disk_free"] = "0.5-0.0003x400 0.38x800" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "memory of a machine and of a container, and file descriptors" {
  series = {
    ["machines/1.memory_free"] = "0.5x5 0.02x20", ["machines/2.container_memory"] = "0.6x5 0.97x20",
    ["machines/2.fds"] = "0.2x5 0.95x20",
  },
  check = function(run)
    for _, what in ipairs { "memory of the machine", "memory of the container", "file descriptors" } do
      assert(severity(run, what .. " is used up") == "page", what)
    end
    assert(#run.alerts == 6) -- each with its ticket
  end,
}
test.scenario "throttled, and waiting for memory" {
  series = { ["machines/1.throttled"] = "0x5 0.3x20", ["machines/2.memory_pressure"] = "0x5 0.2x20" },
  check = function(run)
    assert(#run.alerts == 2 and run.alerts["throttled"] and run.alerts["memory pressure"])
  end,
}
test.scenario "throttled in a fifth of all periods is none" {
  series = { ["machines/1.throttled"] = "0.2x40" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "a pool that is used up pages, one that is full for a minute does not" {
  series = { ["machines/1.pool"] = "0.3x5 1x1 0.3x10 1x10 0.3x10" },
  check = function(run)
    assert(#run.alerts == 1 and severity(run, "pool is used up") == "page" and run.ended == "resolved by itself")
  end,
}
test.scenario "a long queue of the service, where its owner said what is long" {
  series = { ["machines/*.queue"] = "10x5 150x10 10x10" },
  check = function(run) assert(#run.alerts == 1 and severity(run, "queue is long") == "ticket") end,
}
test.scenario "no data is no saturation, and resolves none" {
  series = { ["machines/1.disk_free"] = "0.3x5 0.04x10 _x30", ["machines/2.fds"] = "0.3x5 _x40" },
  check = function(run) assert(#run.alerts == 1 and run.ended ~= "resolved by itself") end,
}
