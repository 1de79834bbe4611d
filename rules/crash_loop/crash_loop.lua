-- Crash loop: starts again and again. No rule here acts: what dies at its start dies at the next one too, and a restart
-- only adds to it. What often helps is the version before: README.md.
local tend = require "tend"

tend.group "crash_loop" {
  metrics = {
    -- A new process has a new start time. Three in a quarter of an hour: one is a deploy, two are a deploy taken back.
    restarts = { tend.changes "process_start_time_seconds", window = "15m", expect = 0, out_at = 3 },
    -- Where the orchestrator counts. One series, of one container: a cluster's restarts are no service's.
    container_restarts = { tend.changes "kube_pod_container_status_restarts_total", window = "15m", expect = 0,
                           out_at = 3 },
  },
}

-- At once: P looks back by itself. While it is down there is no data, and an alert stays as it is.
tend.rule "crash loop" {
  on = "crash_loop", per = "instance", when = "restarts", clear_below = 0.5, clear_after = "5m", severity = "page",
  summary = "{instance}: starts in a quarter of an hour: {restarts}",
}
tend.rule "container crash loop" {
  on = "crash_loop", per = "instance", when = "container_restarts", clear_below = 0.5, clear_after = "5m",
  severity = "page", summary = "{instance}: starts of its container in a quarter of an hour: {container_restarts}",
}
-- A young service whose instances all do it has a cause of its own: its newest version, its configuration.
tend.rule "the service crashes at its start" {
  on = "crash_loop", fire_after = "1m", clear_after = "5m", severity = "page",
  when = function(s) return s.restarts.out and s:deployed_within "2h" end,
  summary = "{service} has a new version, and starts of an instance in a quarter of an hour are {restarts}",
}
