-- The demo shop: gateway → checkout → payments, stock; payments → ledger. `examples/demo.sh` runs it and breaks it.
local tend = require "tend"
local file = require "tend.discover.file"
local command = require "tend.control.command"
local env = tend.env -- env/demo.lua, or what --env names

tend.group "shop" {
  targets = file { env.targets, service = "app" }, -- shopctl writes the file; a service for each value of "app"
  every = "1s", timeout = "800ms", window = "5s",
  metrics = {
    response_time = { tend.mean "http_request_duration_seconds", alpha = 2, floor = "50ms" }, -- expect: below
    error_rate    = { tend.share('http_requests_total{code=~"5.."}', "http_requests_total"),
                      expect = 0, out_at = 0.05 },
    memory        = { tend.gauge "process_resident_memory_bytes", bad = "above",
                      expect = "16MiB", out_at = "96MiB" },
    traffic       = { tend.rate "http_requests_total", bad = "both" }, -- no expect: evidence only
  },
  control  = command { restart = { env.shopctl, env.run, "restart", "{service}", "{port}" }, idempotent = true },
  remedies = { "restart the worst" },
  -- A demo breaks the same few processes again and again, so it may act more often than a shop that earns money.
  limits   = { at_once = 1, share = 0.5, min_healthy = 0, cooldown = "5s", per_hour = 100 },
}

tend.service "gateway"  { depends = { "checkout" },          metrics = { response_time = { expect = "40ms" } } }
tend.service "checkout" { depends = { "payments", "stock" }, metrics = { response_time = { expect = "35ms" } } }
tend.service "payments" { depends = { "ledger" },            metrics = { response_time = { expect = "20ms" } } }
tend.service "ledger"   { metrics = { response_time = { expect = "8ms" } } }
tend.service "stock"    { metrics = { response_time = { expect = "8ms" } } }

tend.rule "down" {
  on = "shop", per = "instance", when = "up", fire_after = "1s", severity = "page", act = true,
  summary = "{instance} does not answer",
}
tend.rule "slow" {
  on = "shop", per = "instance", when = "response_time", fire_after = "1s", severity = "page", act = true,
  summary = "{instance} takes {response_time}",
}
tend.rule "errors" {
  on = "shop", per = "instance", when = "error_rate", fire_after = "1s", severity = "page", act = true,
  summary = "{instance} answers errors: {error_rate}",
}
tend.rule "leaking" {
  on = "shop", per = "instance", when = "memory", fire_after = "1s", severity = "page", act = true,
  summary = "{instance} holds {memory}",
}

tend.playbook "restart the worst" {
  within = "30s",
  run = function(p)
    for i in p:worst_first() do
      p:restart(i)
      p:verify(i)
    end
  end,
}

local to = { require "tend.notify.log" {} }
if env.webhook then table.insert(to, 1, require "tend.notify.webhook" { url = env.webhook }) end
tend.notify "on call" { on = "*", severity = "page", to = to }
