-- Nearest wins: "*", then `is` from left to right, then the service.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local HEAD = 'local tend = require "tend"\n'

local function load(text)
  local document = fake.load(HEAD .. text)
  suite.same(document.errors, {})
  return document
end

local function named(list, name)
  for _, one in ipairs(list) do
    if one.name == name then return one end
  end
end

suite.fact("the service wins over its groups, the later group over the earlier, any over *", function()
  local document = load [[
tend.group "*" { every = "1s", window = "10s", timeout = "1s", zone = "far" }
tend.group "a" { every = "2s", window = "20s", timeout = "2s" }
tend.group "b" { every = "3s", window = "30s" }
tend.service "s" { is = { "a", "b" }, every = "4s", targets = {} }]]
  local s = document.services[1]
  suite.same({ s.every_ms, s.window_ms, s.timeout_ms, s.zone }, { 4000, 30000, 2000, "far" })
  suite.same(s.groups, { "*", "a", "b" })
end)

suite.fact("a group comes after the groups it is", function()
  local document = load [[
tend.group "base" { every = "1s", window = "10s" }
tend.group "web" { is = "base", every = "2s" }
tend.service "s" { is = "web", targets = {} }]]
  local s = document.services[1]
  suite.same({ s.every_ms, s.window_ms, s.groups }, { 2000, 10000, { "*", "base", "web" } })
end)

suite.fact("a metric merges by field, and false removes it, its field or the rule", function()
  local document = load [[
tend.group "g" { metrics = {
  latency = { tend.mean "x_seconds", alpha = 0.5, floor = "10ms" },
  memory = { tend.gauge "m_bytes", bad = "above", expect = "1MiB", alpha = 1 },
} }
tend.rule "slow" { on = "g", when = "latency" }
tend.rule "full" { on = "g", when = "memory" }
tend.service "s" { is = "g", targets = { "http://a:1/m" }, metrics = { latency = { expect = "400ms", floor = false } } }
tend.service "t" { is = "g", targets = { "http://a:2/m" }, metrics = { memory = false },
  rules = { full = false } }]]
  local latency = named(named(document.services, "s").metrics, "latency")
  suite.same({ latency.expect, latency.alpha, latency.floor, latency.unit, latency.sources },
    { { value = 0.4 }, 0.5, 0, "s", { "x_seconds" } })
  local t = named(document.services, "t")
  suite.same(named(t.metrics, "memory"), nil)
  suite.same(#t.rules, 0) -- nothing is expected of its latency, and it has no memory
  suite.same(#named(document.services, "s").rules, 2)
end)

suite.fact("of alpha and out_at the nearer one holds", function()
  local document = load [[
tend.group "g" { metrics = { latency = { tend.mean "x_seconds", expect = "100ms", alpha = 0.5 } } }
tend.group "h" { is = "g", metrics = { latency = { out_at = "300ms" } } }
tend.service "s" { is = "h", targets = { "http://a:1/m" } }
tend.service "t" { is = "h", targets = { "http://a:2/m" }, metrics = { latency = { alpha = 1 } } }]]
  suite.same(document.limits_text, {
    "s.latency  expect 100 ms  alpha 2  out of line above 300 ms",
    "t.latency  expect 100 ms  alpha 1  out of line above 200 ms",
  })
end)

suite.fact("limits merge by key and say where they are looser than the charter", function()
  local document = load [[
tend.group "*" { limits = { share = 0.2, cooldown = "10m" } }
tend.service "s" { targets = {}, limits = {
  attempts = 2,
  min_healthy = 0,
} }]]
  suite.same(document.services[1].limits, { at_once = 1, share = 0.2, min_healthy = 0, per_hour = 5,
    cooldown_ms = 600000, attempts = 2, confidence = 0.8 })
  suite.same(document.looser, {
    { at = "shop.lua:2", text = "*: share = 0.2 is looser than the charter's 0.1" },
    { at = "shop.lua:5", text = "s: min_healthy = 0 is looser than the charter's 1" },
  })
end)

suite.fact("a service changes a rule for itself", function()
  local document = load [[
tend.rule "down" { on = "*", when = "up", fire_after = "1m", severity = "warn", act = true }
tend.service "s" { targets = { "http://a:1/m" }, rules = { down = { severity = "ticket", act = false } } }]]
  suite.same(document.services[1].rules, { { rule = 0, fire_after_ms = 60000, clear_below = 0.9, clear_after_ms = 0,
    missing = "hold", severity = "ticket", act = false, ahead_ms = 0,
    from = { fire_after = { at = "shop.lua:2", kind = "rule", name = "down" } } } })
end)

suite.fact("a service that discovery finds is an override, resolved as if found there", function()
  local document = load [[
tend.group "shop" {
  targets = require "tend.discover.file" { "/etc/sd/*.json", service = "app" }, every = "2s",
  metrics = { latency = { tend.mean "x_seconds", alpha = 0.5 } },
}
tend.service "search" { metrics = { latency = { expect = "1s" } } }
tend.service "alone" { targets = { "http://a:1/m" } }]]
  local found = document.discoveries[1]
  suite.same({ found.kind, found.globs, found.service_label, found.group, found.at },
    { "file", { "/etc/sd/*.json" }, "app", "shop", "shop.lua:3" })
  suite.same({ found.template.name, found.template.every_ms, found.template.groups }, { "", 2000, { "*", "shop" } })
  suite.same({ #found.overrides, found.overrides[1].name, found.overrides[1].every_ms }, { 1, "search", 2000 })
  suite.same({ #document.services, document.services[1].name }, { 1, "alone" })
end)

suite.fact("units come from the names of series", function()
  local document = load [[
tend.service "s" { targets = { "http://a:1/m" }, metrics = {
  a = { tend.gauge "x_bytes" }, b = { tend.rate "x_total" }, c = { tend.rate "cpu_seconds_total" },
  d = { tend.age "x_timestamp_seconds" }, e = { tend.share("x_total", "y_total") }, f = { tend.gauge "x" },
  g = { tend.gauge "x", unit = "requests" }, h = { tend.quantile(0.9, "x_seconds") }, i = { tend.rate "x_bytes_total" },
} }]]
  local units = {}
  for _, one in ipairs(document.services[1].metrics) do units[one.name] = one.unit end
  suite.same(units, { a = "bytes", b = "/s", c = "ratio", d = "s", e = "ratio", f = "", g = "requests", h = "s",
    i = "bytes/s", up = "", scrape_duration = "s" })
end)

suite.fact("what a playbook is armed for changes with its text, its control and its env values, not with comments",
  function()
    local function armed(control, body, env, comment)
      local document = fake.load(HEAD .. ([[
-- %s
local helper = 1
tend.service "s" { targets = {}, remedies = "r",
  control = require "tend.control.command" { restart = { %s } } }
tend.playbook "r" { run = function(p) %s end }]]):format(comment or "", control, body), { env = env })
      suite.same(document.errors, {})
      return document.playbooks[1].source
    end
    local first = armed('"/a"', "p:restart()", "return { x = 1, path = 'a' }")
    suite.same(armed('"/a"', "p:restart()", "return { x = 2, path = 'a' }", "comment"), first) -- x reaches it not
    assert(armed('"/b"', "p:restart()", "return { x = 1, path = 'a' }") ~= first)
    assert(armed('"/a"', "p:restart(nil)", "return { x = 1, path = 'a' }") ~= first)
    local with_env = armed('tend.env.path', "p:restart()", "return { x = 1, path = 'a' }")
    assert(armed('tend.env.path', "p:restart()", "return { x = 1, path = 'b' }") ~= with_env)
  end)

suite.fact("awake is inherited, is by the nearest clock, and false removes it", function()
  local document = load([[
tend.group "night" { awake = tend.hours("22:00-06:00"), zone = "Europe/Berlin" }
tend.service "batch" { targets = {}, is = "night" }
tend.service "abroad" { targets = {}, is = "night", zone = "Asia/Kolkata" }
tend.service "by day" { targets = {}, is = "night", awake = tend.hours("06:00-22:00", "UTC") }
tend.service "always" { targets = {}, is = "night", awake = false }]])
  local awake = {}
  for _, service in ipairs(document.services) do awake[service.name] = service.awake or "always" end
  suite.same(awake, {
    batch = { hours = "22:00-06:00", zone = "Europe/Berlin" },
    abroad = { hours = "22:00-06:00", zone = "Asia/Kolkata" },
    ["by day"] = { hours = "06:00-22:00", zone = "UTC" },
    always = "always",
  })
end)
