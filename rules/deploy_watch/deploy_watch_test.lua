-- What the pack promises: a version that is worse is told and taken back; a fine one, and a fault without one, are not.
local tend = require "tend"
local command = require "tend.control.command"
local test = require "tend.test"
require "tend.pack.deploy_watch"

tend.service "basket" {
  is = "deploy_watch", every = "15s",
  targets = { "http://a:9100/metrics", "http://b:9100/metrics", "http://c:9100/metrics" },
  version = { series = "app_build_info", label = "version" },
  control = command { redeploy = { "/usr/local/bin/deploy", "{service}", "{version}" } },
  remedies = { "roll back" },
}
tend.service "alone" { -- of which there is one instance only
  is = "deploy_watch", every = "15s", targets = { "http://d:9100/metrics" },
  version = { series = "app_build_info", label = "version" },
}
tend.notify "deploy watch's log" { on = "*", to = { require "tend.notify.log" {} } }

local function deploy(on, what)
  what.at, what.on, what.kind = "70m", on, "bad deploy"
  return { what }
end

test.scenario "a version with errors is told and rolled back" {
  world = { basket = 3 }, faults = deploy("basket", { ratio = 0.1 }),
  check = function(run)
    assert(run.alerts["errors since the deploy"].severity == "page")
    assert(run:did "redeploy basket" and run.ended == "recovered")
  end,
}
test.scenario "a version that is slow is told and rolled back" {
  world = { basket = 3 }, faults = deploy("basket", { times = 3 }),
  check = function(run) assert(run.alerts["slow since the deploy"] and run.ended == "recovered") end,
}
test.scenario "one of three that has a bad version is held against the others" {
  world = { basket = 3 }, faults = deploy("basket/2", { ratio = 0.1 }),
  check = function(run)
    assert(run.alerts["the new version is worse"].instance == "basket/2")
    assert(run:did "redeploy basket" and run.ended == "recovered")
  end,
}
test.scenario "a version that is fine is left alone" {
  world = { basket = 3 }, lasts = "100m", faults = deploy("basket", { ratio = 0 }),
  check = function(run) assert(#run.alerts == 0 and #run.steps == 0) end,
}
test.scenario "one more error in a hundred is none" {
  world = { basket = 3 }, lasts = "100m", faults = deploy("basket", { ratio = 0.01 }),
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "errors without a deploy are not this pack's" {
  world = { basket = 3 }, lasts = "2h", faults = { { at = "70m", on = "basket", kind = "errors", lasts = "10m" } },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "a single instance is held against itself, and without a remedy a person is called" {
  world = { alone = 1 }, faults = deploy("alone", { ratio = 0.1, lasts = "20m" }),
  check = function(run) assert(run.alerts["errors since the deploy"] and #run.steps == 0 and #run.pages >= 1) end,
}
test.scenario "a rollback that fails calls a person" {
  world = { basket = 3 }, faults = deploy("basket", { ratio = 0.1, lasts = "20m" }), acts = { redeploy = "fails" },
  check = function(run) assert(#run.steps == 1 and run.steps[1].outcome == "failed" and #run.pages >= 2) end,
}
test.scenario "a new version that cannot be scraped is neither better nor worse" {
  world = { basket = 3 }, lasts = "100m",
  faults = {
    { at = "70m", on = "basket", kind = "bad deploy", ratio = 0.1, lasts = "20m" },
    { at = "70m", on = "basket", kind = "metrics gone", lasts = "20m" },
  },
  check = function(run) assert(#run.alerts == 0) end,
}
