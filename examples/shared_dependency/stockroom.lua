-- Two callers of one database, and a limit that lets tend act when it is not sure. README.md says what comes of it.
local tend = require "tend"
local command = require "tend.control.command"

tend.group "*" {
  every = "5s", window = "15s",
  limits = { share = 0.5, min_healthy = 0, cooldown = "1m", per_hour = 20, confidence = 0.5 },
  metrics = {
    response_time = { tend.mean "http_request_duration_seconds", alpha = 1 },
    error_rate = { tend.share('http_requests_total{code=~"5.."}', "http_requests_total"), expect = 0, out_at = 0.05 },
  },
  control = command { restart = { "/usr/local/bin/service", "{service}", "restart" }, idempotent = true },
  remedies = { "restart the worst" },
}
tend.service "orders" {
  targets = { "http://app1:9101/metrics", "http://app2:9101/metrics" }, depends = "stock",
  metrics = { response_time = { expect = "40ms" } },
}
tend.service "search" {
  targets = { "http://app1:9102/metrics", "http://app2:9102/metrics" }, depends = "stock",
  metrics = { response_time = { expect = "30ms" } },
}
tend.service "stock" { -- a database: a tenth of a second is nothing to it, and a lot to those who wait for it
  targets = { "http://db1:9187/metrics" },
  metrics = { response_time = { expect = "5ms", out_at = "250ms" } },
}

tend.rule "down" { on = "*", per = "instance", when = "up", fire_after = "5s", severity = "page", act = true }
tend.rule "slow" {
  on = "*", per = "instance", when = "response_time", fire_after = "5s", severity = "page", act = true,
}
tend.rule "errors" { on = "*", per = "instance", when = "error_rate", fire_after = "5s", severity = "page", act = true }

tend.playbook "restart the worst" {
  within = "45s",
  run = function(p)
    for i in p:worst_first() do
      p:restart(i)
      p:verify(i)
    end
  end,
}
tend.notify "on call" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
