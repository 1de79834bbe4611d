-- What logs say of whose fault it is: web → shop → db, mail.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local RULES = [[
local tend = require "tend"
tend.group "*" { every = "1s", window = "10s", metrics = {
  error_rate = { tend.share("e_total", "a_total"), expect = 0, out_at = 0.05 },
} }
tend.service "web" { targets = { "http://a:1/m" }, depends = "shop" }
tend.service "shop" { targets = { "http://a:2/m" }, depends = { "db", "mail" } }
tend.service "db" { targets = { "http://a:3/m" } }
tend.service "mail" { targets = { "http://a:4/m" } }
]]
local DEPENDS = { web = { "shop" }, shop = { "db", "mail" }, db = {}, mail = {} }

local function line(template, given)
  local made = { template = template, level = "error", lines = 214, seconds = 30, expected = 0.1, new = true, up = 25,
    down = 0, lead_s = 40 }
  for key, value in pairs(given or {}) do made[key] = value end
  return made
end

local function failing(logs, onset_ms)
  return { out = true, logs = logs, alerts = { "an alert" }, out_share = 1, onset_ms = onset_ms or 50000,
    metrics = { error_rate = { P = 0.3, E = 0, F = 0.3, A = 6, out = true, onset_ms = onset_ms or 50000 } } }
end

local function locate(given, more)
  local document, entry = fake.load(RULES .. (more or ""))
  suite.same(document.errors, {})
  local services = {}
  for _, name in ipairs { "web", "shop", "db", "mail" } do
    local one = { name = name, watched = true, depends = DEPENDS[name], out = false, fresh = true, out_share = 0,
      instances = 1, up = 1, version = "1", alerts = {}, failures = {}, remedies = {},
      metrics = { error_rate = { P = 0, E = 0, F = 0, A = 0, out = false } } }
    for key, value in pairs(given[name] or {}) do one[key] = value end
    services[#services + 1] = one
  end
  return entry.ask { kind = "locate", incident = "i1", at_ms = 100000, onset_ms = 50000, services = services }
end

local function row(reply, name)
  for _, one in ipairs(reply.ranking) do
    if one.service == name then return one end
  end
end

suite.fact("a new error line of the culprit raises its score and is told", function()
  local quiet = locate { db = failing(), shop = failing() }
  local told = locate { db = failing { line "disk full" }, shop = failing() }
  suite.same(told.culprits, { "db" })
  suite.same(row(told, "db").score - row(quiet, "db").score, 1)
  suite.contains(table.concat(row(told, "db").reasons, "\n"),
    "new log line `disk full` (error), 214 in 30 s, first 40 s before the first symptom")
end)

suite.fact("what a victim logs is told, and is no point for it", function()
  local quiet = locate { db = failing(), shop = failing() }
  local told = locate { db = failing(), shop = failing { line "cannot serve" } }
  suite.same(told.culprits, { "db" })
  suite.same(row(told, "shop").score, row(quiet, "shop").score)
  suite.contains(table.concat(row(told, "shop").reasons, "\n"), "new log line `cannot serve`")
end)

suite.fact("a line that names a service below speaks for that one", function()
  local reply = locate { shop = failing { line "connection to db refused" } }
  suite.same(row(reply, "db").score, 0.5)
  suite.contains(table.concat(row(reply, "db").reasons, "\n"), "shop says so: new log line `connection to db refused`")
  local none = locate { shop = failing { line "adbc refused" } }
  suite.same(row(none, "db"), nil)
end)

suite.fact("a log alone makes no culprit", function()
  local reply = locate { mail = { logs = { line "disk full" } }, web = failing() }
  suite.same(reply.culprits, { "web" })
  suite.same(row(reply, "mail").confidence <= 0.2, true)
end)

suite.fact("lines that are more than usual, or fewer, are told as such", function()
  local reply = locate { db = failing {
    line("retry <*>", { level = "warning", new = false, expected = 8.07, lead_s = -3 }),
    line("served <*>", { level = "info", new = false, up = 0, down = 30, lines = 0, expected = 2400, lead_s = false }),
  } }
  local reasons = table.concat(row(reply, "db").reasons, "\n")
  suite.contains(reasons, "log line `retry <*>` (warning), 214 in 30 s, usually 8.1, first 3 s after the first symptom")
  suite.contains(reasons, "log line `served <*>` came 0 times in 30 s, usually 2400")
end)

suite.fact("a user's locator sees the lines, and what it does to them nobody else sees", function()
  local reply = locate({ db = failing { line "disk full" } }, [[
tend.locate "full" { on = "*", score = function(s)
  local first = s.logs[1]
  if first then
    first.template = "changed"
    return first.lines / 107, "its log says so"
  end
end }]])
  suite.contains(table.concat(row(reply, "db").reasons, "\n"), "`disk full`")
  suite.contains(table.concat(row(reply, "db").reasons, "\n"), "its log says so")
end)
