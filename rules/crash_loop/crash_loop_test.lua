-- What the pack promises: fires, stays quiet at a deploy, resolves, and no data changes nothing.
local tend = require "tend"
local test = require "tend.test"
require "tend.pack.crash_loop"

tend.service "parser" {
  is = "crash_loop", every = "15s", targets = { "http://a:9100/metrics", "http://b:9100/metrics" },
  rules = { ["container crash loop"] = false }, -- nobody counts for it
  version = { series = "app_build_info", label = "version" },
}
tend.service "pods" { is = "crash_loop", every = "15s", targets = { "http://c:8080/metrics", "http://d:8080/metrics" } }
tend.notify "crash loop's log" { on = "*", to = { require "tend.notify.log" {} } }

-- A process that dies at `at` and is there again 20 s later.
local function dies(at) return { at = at, on = "parser/1", kind = "crash", lasts = "20s" } end

test.scenario "three starts in a quarter of an hour are a crash loop, and when it holds that is over" {
  world = { parser = 2 }, lasts = "40m", faults = { dies "2m", dies "4m", dies "6m" },
  check = function(run)
    assert(#run.alerts == 1 and run.alerts["crash loop"].severity == "page")
    assert(run.alerts["crash loop"].instance == "parser/1" and run.ended == "resolved by itself")
  end,
}
test.scenario "a deploy and its way back are two starts, and none" {
  world = { parser = 2 }, lasts = "30m", faults = { dies "2m", dies "8m" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "three starts in an hour are none" {
  world = { parser = 2 }, lasts = "1h", faults = { dies "2m", dies "20m", dies "40m" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "one that is down is no loop" {
  world = { parser = 2 }, lasts = "40m", faults = { { at = "2m", on = "parser/1", kind = "crash" } },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "one that stays down after its third start is still a loop" {
  world = { parser = 2 }, lasts = "20m",
  faults = { dies "2m", dies "4m", dies "6m", { at = "7m", on = "parser/1", kind = "crash" } },
  check = function(run) assert(run.alerts["crash loop"] and run.ended ~= "resolved by itself") end,
}
test.scenario "where the orchestrator counts, its count is enough" {
  series = { ["pods/1.container_restarts"] = "0x10 1x4 2x4 3x40 0x30" },
  check = function(run) assert(#run.alerts == 1 and run.alerts["container crash loop"]) end,
}
test.scenario "a new version that crashes everywhere is told as that" {
  world = { parser = 2 }, lasts = "20m",
  faults = {
    { at = "2m", on = "parser", kind = "bad deploy", ratio = 0 },
    { at = "4m", on = "parser", kind = "crash", lasts = "20s" },
    { at = "6m", on = "parser", kind = "crash", lasts = "20s" },
  },
  check = function(run) assert(run.alerts["the service crashes at its start"]) end,
}
test.scenario "without the series there is nothing to count" {
  series = { ["parser/*.restarts"] = "_x60", ["pods/*.container_restarts"] = "_x60" },
  check = function(run) assert(#run.alerts == 0) end,
}
