-- Loading a generation: what is declared becomes the document.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local SIMPLE = [[
local tend = require "tend"
tend.service "pay" {
  targets = { "http://127.0.0.1:9100/metrics", "http://127.0.0.1:9101/metrics" }, every = "1s", window = "10s",
  control = require "tend.control.command" { restart = { "/bin/svc", "restart", "{service}", "{port}" } },
  metrics = { response_time = { tend.mean "http_request_duration_seconds", expect = "400ms", alpha = 0.5 } },
  remedies = { "restart the worst" },
}
tend.rule "slow" { on = "pay", when = "response_time", fire_after = "2s", act = true }
tend.rule "slow by function" { on = "pay", when = function(s) return s.response_time.out end }
tend.playbook "restart the worst" { run = function(p) for i in p:worst_first() do p:restart(i) end end }
tend.notify "all" { on = "*", to = { require "tend.notify.log" {} } }
]]

suite.fact("a simple setup becomes a document", function()
  local document, entry = fake.load(SIMPLE)
  suite.same(document.errors, {})
  suite.same(document.limits_text, { "pay.response_time  expect 400 ms  alpha 0.5  out of line above 600 ms" })
  local pay = document.services[1]
  suite.same({ pay.name, pay.at, pay.every_ms, pay.window_ms, pay.timeout_ms },
    { "pay", "shop.lua:2", 1000, 10000, 1000 })
  suite.same(pay.verbs, { "restart" })
  suite.same(pay.remedies, { 0 })
  suite.same(pay.rules[1], { rule = 0, fire_after_ms = 2000, clear_below = 0.9, clear_after_ms = 0, missing = "hold",
    severity = "warn", act = true, ahead_ms = 0,
    from = { fire_after = { at = "shop.lua:8", kind = "rule", name = "slow" } } })
  suite.same(entry.rule(0), nil)
  suite.same(type(entry.rule(1)), "function")
end)

suite.fact("what is learned given another metric says so in the document, and to who checks it", function()
  local document = fake.load((SIMPLE:gsub('expect = "400ms", alpha = 0.5 }',
    'expect = tend.learned { given = "traffic" }, alpha = 0.5 }, traffic = { tend.rate "http_requests_total" }')))
  suite.same(document.errors, {})
  suite.same(document.warnings, {})
  suite.same(document.limits_text, { "pay.response_time  expect what is usual for its traffic, learned from its own "
    .. "past  alpha 0.5, or more where its own history reaches more  out of line 50 % above that" })
  local learned = {}
  for _, metric in ipairs(document.services[1].metrics) do
    if metric.name == "response_time" then learned = metric.expect.learned end
  end
  suite.same(learned, { season_ms = 0, zone = "UTC", given = "traffic" })
end)
