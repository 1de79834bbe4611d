-- No data: what is not watched any more, though nobody wanted that. No rule here acts: nothing is known to be wrong.
local tend = require "tend"

tend.group "no_data" {
  metrics = {
    -- A series that has to be there whenever its target answers. Say which: series = { tend.gauge "my_app_info" }
    series = { tend.rate "http_requests_total", bad = "both" },
  },
}

-- One of many can wait for the morning. `up` is data when a scrape fails: it is 0.
tend.rule "target does not answer" {
  on = "no_data", per = "instance", when = "up", fire_after = "5m", clear_after = "1m", severity = "ticket",
  summary = "{instance} has not answered scrapes for five minutes",
}
-- Half of a service or more: from here on `tend` is blind where it ought to look.
tend.rule "service does not answer" {
  on = "no_data", when = "up", fire_after = "2m", clear_after = "1m", severity = "page",
  summary = "{service}: {up} of its targets answer scrapes",
}
-- Asking for the cause is not reading the metric, so the answer is known while there is no data. A series that never
-- was there is no alert: not every service has every series.
tend.rule "series is gone" {
  on = "no_data", per = "instance", fire_after = "10m", clear_after = "2m", severity = "ticket",
  when = function(s) return s.series.missing == "series gone" end,
  summary = "{instance} answers, but no longer tells what it told before",
}

-- For a job that runs now and then: is = "no_data_job". Here missing data counts too: the timestamp of a job that
-- stopped existing never grows old.
tend.group "no_data_job" {
  metrics = {
    last_success = { tend.age "job_last_success_timestamp_seconds", expect = "1d", out_at = "26h" }, -- each day
  },
}
tend.rule "no success in time" {
  on = "no_data_job", when = "last_success", missing = "warn", fire_after = "2m", severity = "page",
  summary = "{service}: the last success was {last_success} ago",
}
