-- What the pack promises: who is not seen any more is told, a short gap is not, and it resolves when it is seen again.
local tend = require "tend"
local test = require "tend.test"
require "tend.pack.no_data"

tend.group "listed" {
  is = "no_data", targets = require "tend.discover.file" { "/etc/tend/sd/*.json", service = "app" },
}
tend.service "mail" { is = "listed" }
tend.service "nightly" { is = "no_data_job", targets = { "http://c:9091/metrics" }, every = "1m", window = "2m" }
tend.notify "no data's log" { on = "*", to = { require "tend.notify.log" {} } }

local function severity(run, rule) return run.alerts[rule] and run.alerts[rule].severity end

test.scenario "one of three that fails its scrapes for long is a ticket, and its end resolves it" {
  world = { mail = 3 }, lasts = "30m", faults = { { at = "2m", on = "mail/2", kind = "network loss", lasts = "10m" } },
  check = function(run)
    assert(#run.alerts == 1 and severity(run, "target does not answer") == "ticket")
    assert(run.ended == "resolved by itself")
  end,
}
test.scenario "a gap of four minutes is none" {
  world = { mail = 3 }, lasts = "30m", faults = { { at = "2m", on = "mail/2", kind = "metrics gone", lasts = "4m" } },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "two of three is a page" {
  world = { mail = 3 }, lasts = "20m",
  faults = {
    { at = "2m", on = "mail/1", kind = "network loss", lasts = "10m" },
    { at = "2m", on = "mail/2", kind = "hang", lasts = "10m" },
  },
  check = function(run) assert(severity(run, "service does not answer") == "page" and #run.steps == 0) end,
}
test.scenario "a series that vanished from a target that answers" {
  series = { ["mail/1.series"] = "5x20 _x60 5x20" },
  check = function(run)
    assert(#run.alerts == 1 and severity(run, "series is gone") == "ticket" and run.ended == "resolved by itself")
  end,
}
test.scenario "a series that is gone for a few minutes, or with its target, is none" {
  world = { mail = 3 }, series = { ["mail/1.series"] = "5x20 _x36 5x40" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "a target that is gone is told as that, and not as a series too" {
  world = { mail = 3 }, lasts = "40m", faults = { { at = "2m", on = "mail/1", kind = "crash" } },
  check = function(run) assert(run.alerts["target does not answer"] and not run.alerts["series is gone"]) end,
}
test.scenario "one instance that discovery lists no more is no alert" {
  world = { mail = 3 }, lasts = "30m", faults = { { at = "2m", on = "mail/1", kind = "leaves" } },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "a job that had no success in time pages, and its next success resolves it" {
  series = { ["nightly/1.last_success"] = "86000+60x200 60+60x10" },
  check = function(run)
    assert(severity(run, "no success in time") == "page" and run.ended == "resolved by itself")
  end,
}
test.scenario "a success in time is none" {
  series = { ["nightly/1.last_success"] = "86000+60x100 60+60x10" },
  check = function(run) assert(#run.alerts == 0) end,
}
test.scenario "a job of which nothing is known any more is a warning that cannot act" {
  series = { ["nightly/1.last_success"] = "3600x10 _x20" },
  check = function(run) assert(run.alerts["no success in time"] and #run.steps == 0) end,
}
