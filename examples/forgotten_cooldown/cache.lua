-- A cache that is restarted at most once in ten minutes, by a note that the rules keep themselves. README.md says what
-- comes of it.
local tend = require "tend"
local command = require "tend.control.command"

tend.group "*" { every = "5s", window = "15s" }
tend.service "pages" {
  targets = { "http://web1:9100/metrics", "http://web2:9100/metrics" }, depends = "cache",
  metrics = { response_time = { tend.mean "http_request_duration_seconds", expect = "50ms", alpha = 1 } },
}
tend.service "cache" {
  targets = { "http://cache1:9150/metrics" },
  metrics = {
    response_time = { tend.mean "cache_command_duration_seconds", expect = "2ms", alpha = 3 },
    clock = { tend.gauge "node_time_seconds", bad = "both" }, -- no expect: only to be read
  },
  control = command { restart = { "/usr/bin/systemctl", "restart", "cache" }, idempotent = true },
  remedies = { "restart the cache" },
  limits = { min_healthy = 0, cooldown = "0s" }, -- the playbook looks after that itself
}
tend.rule "slow" { on = "cache", when = "response_time", fire_after = "10s", severity = "page", act = true }

local restarted -- when it was restarted last, by its host's clock
tend.playbook "restart the cache" {
  within = "1m", limits = { attempts = 1 },
  when = function(s) -- a cold cache needs ten minutes to be of use
    local ago = restarted and s.clock.P - restarted
    if ago and ago >= 60 and ago < 660 then return false end
    if not ago or ago >= 660 then restarted = s.clock.P end -- asked again within a minute it is the same restart
    return true
  end,
  run = function(p)
    for i in p:worst_first() do
      p:restart(i)
      p:verify(i)
    end
  end,
}
tend.notify "on call" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
