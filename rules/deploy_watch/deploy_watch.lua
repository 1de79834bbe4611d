-- Deploy watch: for two hours after a service's version changed it is held against itself an hour before, and its new
-- instances against the old ones. Worse is a page, and a reason to go back to the version before.
--
-- A service has to say where its version stands: version = { series = "app_build_info", label = "version" }.
local tend = require "tend"

-- The last hour at 15 s, less what was out of line: a bad version does not become what is usual.
local before = { last = 240 }
local REQUESTS, FAILED = "http_requests_total", 'http_requests_total{code=~"5.."}'
local TIME = "http_request_duration_seconds"

tend.group "deploy_watch" {
  metrics = {
    -- Twice the errors of before, and at least two in a hundred more; half as slow again, and at least 20 ms.
    errors_since = { tend.share(FAILED, REQUESTS), expect = tend.learned(before), alpha = 1, floor = 0.02 },
    time_since = { tend.mean(TIME), expect = tend.learned(before), alpha = 0.5, floor = "40ms" },
    errors_beside = { tend.share(FAILED, REQUESTS), expect = tend.peers(), alpha = 1, floor = 0.02 },
    time_beside = { tend.mean(TIME), expect = tend.peers(), alpha = 0.5, floor = "40ms" },
  },
}

tend.rule "errors since the deploy" {
  on = "deploy_watch", fire_after = "1m", clear_after = "2m", severity = "page", act = true,
  when = function(s) return s:deployed_within "2h" and s.errors_since.out end,
  summary = "{service}: {errors_since} of requests fail since its version changed",
}
tend.rule "slow since the deploy" {
  on = "deploy_watch", fire_after = "2m", clear_after = "2m", severity = "page", act = true,
  when = function(s) return s:deployed_within "2h" and s.time_since.out end,
  summary = "{service} takes {time_since} since its version changed",
}
-- While only some have it: they are compared with those that do not, under the same load and at the same hour.
tend.rule "the new version is worse" {
  on = "deploy_watch", per = "instance", fire_after = "1m", clear_after = "2m", severity = "page", act = true,
  when = function(s) return s:deployed_within "2h" and (s.errors_beside.out or s.time_beside.out) end,
  summary = "{instance} has a new version: {errors_beside} of its requests fail, they take {time_beside}",
}

-- Put it first: remedies = { "roll back", … }. It fits only while the version is new, and needs a control that can
-- `redeploy`. As every playbook it is dry until somebody arms it: that is the gate before the first time.
tend.playbook "roll back" {
  when = function(s) return s:deployed_within "2h" end,
  within = "5m", limits = { attempts = 1, cooldown = "2h" }, -- going back twice is going forth
  run = function(p) p:redeploy { version = "previous" } end,
}
