-- Each bad rule gives its own file and line, and says what would be right. With TEND_BINARY=build/tend in the
-- environment the same rules also go through `tend check`, which must say the same and exit with 1.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local HEAD = 'local tend = require "tend"\n' -- line 1

local function faults(list)
  local lines = {}
  for _, fault in ipairs(list or {}) do lines[#lines + 1] = fault.at .. ": " .. fault.text end
  return lines
end

-- The error lines of `tend check` on these files, and its exit status.
local function check_for_real(binary, files, secrets)
  local directory = os.tmpname()
  os.remove(directory)
  assert(os.execute(("mkdir -p '%s/rules' '%s/secrets'"):format(directory, directory)) == 0)
  local function write(path, text)
    local file = assert(io.open(directory .. path, "w"))
    file:write(text)
    file:close()
  end
  for name, text in pairs(files) do write("/rules/" .. name, text) end
  for _, name in ipairs(secrets or {}) do write("/secrets/" .. name, "x") end
  local pipe = assert(io.popen(("'%s' check %s '%s/rules' 2>&1; echo $?"):format(binary,
    secrets and ("--secrets '%s/secrets'"):format(directory) or "", directory)))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  os.execute(("rm -r '%s'"):format(directory))
  local status, errors = table.remove(lines), {}
  for _, line in ipairs(lines) do
    if line:find("^[%w_/]+%.lua:%d+: ") and not line:find("^%S+ warning: ") and not line:find("^%S+ looser: ") then
      errors[#errors + 1] = line
    end
  end
  return errors, status
end

-- The rules, after one line of head, give exactly these errors.
local function gives(name, text, wanted, world)
  local binary = os.getenv "TEND_BINARY"
  if binary then
    suite.fact(name .. ", said by tend check", function()
      local files = world and world.files or { ["shop.lua"] = HEAD .. text }
      local lines, status = check_for_real(binary, files, world and world.secrets)
      suite.same({ lines, status }, { type(wanted) == "table" and wanted or { wanted }, "1" })
    end)
  end
  suite.fact(name, function()
    local document = fake.load(HEAD .. text, world)
    suite.same(faults(document.errors), type(wanted) == "table" and wanted or { wanted })
  end)
end

local NOTIFY = 'tend.notify "n" { on = "*", to = { require "tend.notify.log" {} } }\n'

gives("a syntax error", "tend.service {", "shop.lua:2: unexpected symbol near '<eof>'")
gives("an error while loading", "local x = nil\nx.y = 1", "shop.lua:3: attempt to index local 'x' (a nil value)")
gives("bytecode", "", "shop.lua:1: is bytecode; only source text is loaded",
  { files = { ["shop.lua"] = string.dump(function() return 1 end) } })
suite.fact("a module that is not there", function()
  local document = fake.load(HEAD .. 'require "tend.pack.goldn"')
  suite.same(faults(document.errors), { "shop.lua:2: there is no module 'tend.pack.goldn'" })
end)

gives("an unknown field", 'tend.rule "a" {\n  on = "*", when = "up",\n  fire_afterr = "5s",\n}',
  'shop.lua:4: unknown field "fire_afterr"; did you mean "fire_after"?')
gives("an unknown field that is near nothing", 'tend.group "*" { colour = 3 }',
  'shop.lua:2: unknown field "colour"; a group has: awake, control, depends, edges, every, gone_after, is, limits, '
    .. "logs, metrics, record, remedies, rules, targets, timeout, together, version, window, zone")
gives("an unknown field of a metric",
  'tend.service "s" {\n  targets = { "http://a:1/metrics" },\n  metrics = {\n    up = { alfa = 0.5 },\n  },\n}',
  'shop.lua:5: unknown field "alfa"; did you mean "alpha"?')
gives("an unknown option of a control",
  'local c = require "tend.control.systemd" {\n  unit = "x",\n  timout = "3s",\n}',
  'shop.lua:4: unknown field "timout"; did you mean "timeout"?')

gives("an argument of a program that is nil",
  'local c = require "tend.control.command" {\n  restart = { tend.env.shopctl, "restart", tend.env.run },\n}',
  "shop.lua:3: restart = a table has nil as argument 1; does tend.env have what is written there (--env NAME)?")

gives("a duration without a unit",
  'tend.group "*" {}\ntend.rule "a" {\n  on = "*", when = "up",\n  fire_after = "15",\n}',
  'shop.lua:5: fire_after = "15" has no unit; write "15s"')
gives("a duration that is a number", 'tend.group "*" { every = 15 }',
  'shop.lua:2: every = 15 has no unit; write "15s"')
gives("a value of the wrong unit", [[
tend.service "s" {
  targets = { "http://a:1/metrics" },
  metrics = {
    memory = { tend.gauge "process_resident_memory_bytes", bad = "above",
               expect = "400ms", alpha = 1 },
  },
}]], 'shop.lua:6: metrics.memory: expect = "400ms" is a time, but the unit is bytes; write it like "64MiB"')

gives("an unknown service in depends", [[
tend.service "redis" { targets = {} }
tend.service "web" {
  targets = { "http://a:1/metrics" },
  depends = { "redsi" },
}]], 'shop.lua:5: depends = "redsi": there is no such service; did you mean "redis"?')
gives("a cycle in depends", [[
tend.service "a" { targets = {}, depends = "b" }
tend.service "b" { targets = {}, depends = "c" }
tend.service "c" { targets = {},
  depends = "a" }
]], "shop.lua:5: depends: a → b → c → a is a cycle")
gives("a service that depends on itself", 'tend.service "a" { targets = {}, depends = "a" }',
  "shop.lua:2: depends: a → a is a cycle")
gives("a name declared twice", 'tend.service "a" { targets = {} }\ntend.service "a" { targets = {} }',
  'shop.lua:3: service "a" is declared twice, first at shop.lua:2')
gives("a group with the name of a service", 'tend.service "a" { targets = {} }\ntend.group "a" {}',
  'shop.lua:3: group "a" has the name of a service, declared at shop.lua:2')
gives("a rule declared twice in two files", "", 'b.lua:2: rule "r" is declared twice, first at a.lua:2', { files = {
  ["a.lua"] = HEAD .. 'tend.rule "r" { on = "*", when = "up" }',
  ["b.lua"] = HEAD .. 'tend.rule "r" { on = "*", when = "up" }',
} })
gives("a service that nobody finds", 'tend.service "serach" {}\ntend.service "search" { targets = {} }',
  'shop.lua:2: service "serach" is neither discovered nor given targets; did you mean "search"?')
gives("an unknown group", 'tend.group "web" {}\ntend.service "a" { is = "wbe", targets = {} }',
  'shop.lua:3: is = "wbe": there is no such group; did you mean "web"?')
gives("a group that is part of itself", 'tend.group "a" { is = "b" }\ntend.group "b" { is = "a" }\n'
  .. 'tend.service "s" { is = "a", targets = {} }', 'shop.lua:3: is = "a": the group would be part of itself')
gives("a declaration without its table", 'tend.service "a"',
  'shop.lua:2: service "a" has no table: write tend.service "a" { … }')

local function metric(text, targets)
  return ('tend.service "s" {\n  targets = { %s },\n  metrics = {\n    m = { %s },\n  },\n}'):format(
    targets or '"http://a:1/metrics", "http://b:1/metrics"', text)
end
gives("a limit at_once that can never act", 'tend.group "*" {\n  limits = { at_once = 0 },\n}',
  "shop.lua:3: at_once = 0 can never act: nothing would be allowed; write 1 or more")
gives("a share that can never act", 'tend.group "*" { limits = { share = 0 } }',
  "shop.lua:2: share = 0 can never act: nothing would be allowed, or is more than everything; write it like 0.2")
gives("a confidence that is never reached", 'tend.group "*" { limits = { confidence = 1 } }',
  "shop.lua:2: confidence = 1 can never act: no culprit is ever more certain than 0.95")
gives("a min_healthy that can never act", [[
tend.service "s" {
  targets = { "http://a:1/metrics", "http://b:1/metrics" }, remedies = "r",
  limits = { min_healthy = 2 },
}
tend.playbook "r" { run = function(p) p:note "x" end }]],
  'shop.lua:4: "s" can never be acted on: min_healthy is 2 and it has 2 instances; write 1 or less')
gives("one instance and the charter's min_healthy", [[
tend.service "s" {
  targets = { "http://a:1/metrics" },
  remedies = "r",
}
tend.playbook "r" { run = function(p) p:note "x" end }]],
  'shop.lua:3: "s" can never be acted on: min_healthy is 1 (the charter\'s) and it has 1 instance; '
    .. "write limits = { min_healthy = 0 } to say that an outage is accepted")
gives("an alpha that can never fire", metric 'tend.gauge "x", bad = "below", expect = 5, alpha = 1',
  'shop.lua:5: metrics.m: alpha = 1 can never fire with bad = "below": F cannot pass 1; write one below 1')
gives("an alpha of nothing", metric 'tend.rate "x_total", bad = "above", expect = 0, alpha = 0.5',
  "shop.lua:5: metrics.m: alpha = 0.5 can never be reached: it is relative, and 0 has no scale; "
    .. "add floor, or write out_at")
gives("out_at on the good side", metric 'tend.mean "x_seconds", expect = "400ms", out_at = "300ms"',
  'shop.lua:5: metrics.m: out_at = 300 ms is on the good side of expect (400 ms), for bad is "above"')
gives("a constant with no limit", metric 'tend.mean "x_seconds", expect = "400ms"',
  "shop.lua:5: metrics.m: expect without a limit: add alpha (relative) or out_at (in its unit)")
gives("alpha and out_at at once", metric 'tend.mean "x_seconds", expect = "400ms", alpha = 1, out_at = "1s"',
  "shop.lua:5: metrics.m: alpha and out_at are the same limit; write one of them")
gives("given a metric that is not there",
  metric 'tend.mean "x_seconds", expect = tend.learned { given = "upp" }, alpha = 1',
  'shop.lua:5: metrics.m: given = "upp": s has no such metric; did you mean "up"?')
gives("given itself", metric 'tend.mean "x_seconds", expect = tend.learned { given = "m" }, alpha = 1',
  "shop.lua:5: metrics.m: given itself it would always be as expected; name another metric")
gives("given each other", metric('tend.mean "x_seconds", expect = tend.learned { given = "n" }, alpha = 1 },'
  .. ' n = { tend.rate "x_total", bad = "both", expect = tend.learned { given = "m" }, alpha = 1'),
  "shop.lua:5: metrics.m: m given n given m is a circle, in which each would excuse the other; "
    .. 'write a value, or tend.learned { season = "1w" }, for one of them')
gives("given another metric and a season",
  metric 'tend.mean "x_seconds", expect = tend.learned { given = "up", season = "1d" }, alpha = 1',
  "shop.lua:5: tend.learned: given and season are two ways to learn; write one of them")
gives("given another metric and a zone",
  metric 'tend.mean "x_seconds", expect = tend.learned { given = "up", zone = "Europe/Berlin" }, alpha = 1',
  "shop.lua:5: tend.learned: zone is for the hours of a season, and here is none; leave it out")
gives("a zone and no season",
  metric 'tend.mean "x_seconds", expect = tend.learned { zone = "Europe/Berlin" }, alpha = 1',
  'shop.lua:5: tend.learned: zone is for the hours of a season, and here is none; leave it out, or add season = "1w"')
gives("a gauge that says no side", metric 'tend.gauge "x", expect = 5, alpha = 1',
  'shop.lua:5: metrics.m: a gauge must say which side is bad; add bad = "above", "below" or "both"')
gives("peers of one instance", metric('tend.mean "x_seconds", expect = tend.peers(), alpha = 1', '"http://a:1/m"'),
  "shop.lua:5: metrics.m: tend.peers: s has one instance, which has no peers; add targets, or write among = GROUP")
gives("peers among a group that is not there",
  metric 'tend.mean "x_seconds", expect = tend.peers { among = "webb" }, alpha = 1',
  'shop.lua:5: metrics.m: tend.peers: there is no group "webb"')
gives("a metric without a source", metric "expect = 5, alpha = 1",
  'shop.lua:5: metric "m" has no source; write it like m = { tend.gauge "name", … }')
gives("a metric of a text", metric '"x_seconds"',
  'shop.lua:5: "x_seconds" is no source; write it like tend.gauge "name"')

gives("a remedy that is no playbook", [[
tend.service "s" {
  targets = {},
  remedies = { "restart teh worst" },
}
tend.playbook "restart the worst" { run = function(p) p:note "x" end }]],
  'shop.lua:4: remedies: there is no playbook "restart teh worst"; did you mean "restart the worst"?')
gives("a rule on a metric that nobody has", 'tend.service "s" { targets = { "http://a:1/metrics" } }\n'
  .. 'tend.rule "r" { on = "s",\n  when = "uptime" }',
  'shop.lua:4: when = "uptime": nobody it is on has this metric; there is: scrape_duration, up')
gives("a rule that looks ahead of a metric that nobody has",
  'tend.service "s" { targets = { "http://a:1/metrics" } }\n'
  .. 'tend.rule "r" { on = "s", ahead = "1h",\n  when = "uptime" }',
  'shop.lua:4: when = "uptime": nobody it is on has this metric; there is: scrape_duration, up')
gives("a rule that looks ahead of what nobody expects anything of",
  'tend.service "s" { targets = { "http://a:1/metrics" }, metrics = { m = { tend.gauge "x", bad = "above" } } }\n'
  .. 'tend.rule "r" { on = "s", when = "m",\n  ahead = "1h" }',
  "shop.lua:4: ahead: m has no limit that it could reach: give the metric expect and out_at")
gives("a rule on nobody known", 'tend.service "shop" { targets = {} }\ntend.rule "r" { on = "shpo", when = "up" }',
  'shop.lua:3: on = "shpo": there is no such service or group; did you mean "shop"?')
gives("a change of a rule that is not there", [[
tend.service "s" { targets = {},
  rules = { slwo = { severity = "ticket" } } }
tend.rule "slow" { on = "s", when = "up" }]], 'shop.lua:3: rules: there is no rule "slwo"; did you mean "slow"?')
gives("a page that nobody hears", 'tend.service "s" { targets = { "http://a:1/metrics" } }\n'
  .. 'tend.rule "r" {\n  on = "s", when = "up",\n  severity = "page",\n}',
  'shop.lua:5: nobody listens to severity "page" of s: '
    .. 'add tend.notify "…" { on = "*", severity = "page", to = { … } }')
gives("a severity that is misspelt", 'tend.service "s" { targets = { "http://a:1/metrics" } }\n' .. NOTIFY
  .. 'tend.rule "r" { on = "s", when = "up", severity = "pgae" }',
  'shop.lua:4: severity = "pgae" is none that anybody listens to; did you mean "page"?')
gives("two controls with the same verb", [[
local systemd = require "tend.control.systemd"
tend.service "s" {
  targets = {},
  control = { systemd { unit = "a" }, systemd { unit = "b" } },
}]], 'shop.lua:5: two controls bring "restart"')
gives("a secret that is not there", 'local s = tend.secret "chatt"',
  'shop.lua:2: no secret "chatt" in the directory of '
  .. 'secrets; did you mean "chat"?', { secrets = { "chat" } })
gives("hours that are none", 'local h = tend.hours("Mon-Fri 8-20")',
  'shop.lua:2: tend.hours("Mon-Fri 8-20"): "8-20" is no time span; write it like 08:00-20:00')
gives("several faults at once, each with its line", [[
tend.group "*" {
  every = "5",
  window = 60,
}
tend.rule "r" { on = "*" }]], {
  'shop.lua:3: every = "5" has no unit; write "5s"',
  'shop.lua:4: window = 60 has no unit; write "60s"',
  "shop.lua:6: a rule needs when: a metric's name, or a function",
})

suite.fact("A >= 1 in a rule is objected to", function()
  local document = fake.load(HEAD .. [[
tend.service "s" { targets = { "http://a:1/metrics" } }
tend.rule "r" {
  on = "s",
  when = function(s) return s.up.A >= 1 end, -- s.up.A > 1 in a comment is not
}]])
  suite.same(faults(document.warnings),
    { "shop.lua:5: A >= 1 has no hysteresis; .out is true from there on and false again below clear_below" })
end)

suite.fact("a playbook whose verb the control lacks is warned of", function()
  local document = fake.load(HEAD .. [[
tend.service "s" { targets = { "http://a:1/metrics" }, remedies = "r", limits = { min_healthy = 0 },
  control = require "tend.control.systemd" { unit = "s" } }
tend.playbook "r" {
  run = function(p)
    p:redeploy { version = "previous" }
  end,
}]])
  suite.same(faults(document.errors), {})
  suite.same(faults(document.warnings), { 'shop.lua:6: playbook "r" is no remedy for s: its control has no redeploy' })
end)

suite.fact("what this version only keeps is warned of", function()
  local document = fake.load(HEAD .. [[
tend.service "s" {
  targets = {},
}
tend.playbook "r" {
  also = "s",
  run = function(p)
    p:redeploy { version = "previous", approve = { within = "15m" } }
  end,
}]])
  suite.same(faults(document.errors), {})
  suite.same(faults(document.warnings), {
    "shop.lua:6: also is kept, but this version acts on the culprit only",
    "shop.lua:8: approve: this version cannot ask a person for a yes, so the step is never done",
  })
end)

suite.fact("a silence that never ends is an error", function()
  local document = fake.load(HEAD .. 'tend.service "s" { targets = {} }\n'
    .. 'tend.silence "x" { on = "s", from = "2026-12-24" }\ntend.silence "y" { on = "s", till = "2026-12-24" }')
  suite.same(faults(document.errors),
    { 'shop.lua:3: silence "x" never ends: say when, by during, outside or till' })
end)

suite.fact("hours of a silence and of a notify have the zone of the group of all, or are warned of", function()
  local text = NOTIFY:gsub("to =", 'outside = tend.hours "day 1", to =')
    .. 'tend.silence "x" { on = "*", during = tend.hours "day 1 00:00-12:00" }\n'
  local document = fake.load(HEAD .. text)
  suite.same(faults(document.errors), {})
  local by_utc = ' has no time zone, so it is by UTC; write tend.hours("…", "Europe/Berlin"), '
    .. 'or zone = "…" in tend.group "*"'
  suite.same(faults(document.warnings), { "shop.lua:2: outside" .. by_utc, "shop.lua:3: during" .. by_utc })
  document = fake.load(HEAD .. 'tend.group "*" { zone = "Europe/Berlin" }\n' .. text)
  suite.same(faults(document.warnings), {})
  suite.same(document.notifies[1].outside, { hours = "day 1", zone = "Europe/Berlin" })
  suite.same(document.silences[1], { at = "shop.lua:4", name = "x", on = { "*" }, why = "", zone = "Europe/Berlin",
    during = { hours = "day 1 00:00-12:00", zone = "Europe/Berlin" } })
end)

suite.fact("hours without a zone, of a service without one, are warned of", function()
  local document = fake.load(HEAD .. [[
tend.service "s" {
  targets = {},
  awake = tend.hours "06:00-22:00",
}]])
  suite.same(faults(document.errors), {})
  suite.same(faults(document.warnings), { 'shop.lua:4: awake has no time zone, so it is by UTC; write '
    .. 'tend.hours("…", "Europe/Berlin"), or zone = "Europe/Berlin"' })
  suite.same(document.services[1].awake, { hours = "06:00-22:00", zone = "UTC" })
end)

suite.fact("a summary that misspells a metric is warned of, one that names a label is not", function()
  local document = fake.load(HEAD .. 'tend.service "s" { targets = { "http://a:1/m" } }\n'
    .. 'tend.rule "r" { on = "s", when = "up",\n  summary = "{servce} {pod} {up}" }')
  suite.same(faults(document.warnings), { "shop.lua:4: summary: there is no {servce}; did you mean {service}?" })
end)

suite.fact("what the env file lacks is nil, and it cannot be changed", function()
  local document = fake.load(HEAD .. 'assert(tend.env.a == 1 and tend.env.b == nil)\ntend.env.a = 2',
    { env = "return { a = 1 }" })
  suite.same(faults(document.errors), { "shop.lua:3: tend.env cannot be changed; edit the file in env/" })
end)

suite.fact("an env file that returns nothing is an error", function()
  local document = fake.load(HEAD, { env = "local x = 1" })
  suite.same(faults(document.errors), { "env/prod.lua:1: the file returns no table; end it with: return { … }" })
end)

suite.fact("a rule that looks ahead, on a group that has no members yet, is on nobody and no error", function()
  local document = fake.load(HEAD .. 'tend.group "machines" { metrics = { free = { tend.gauge "x", bad = "below",\n'
    .. '  expect = 5, out_at = 1 } } }\ntend.rule "full" { on = "machines", when = "free", ahead = "1h" }')
  suite.same(faults(document.errors), {})
  suite.same(faults(document.warnings), { 'shop.lua:4: rule "full" is on nobody: no service is in machines' })
end)
