-- What people are told, by each way.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local NOTICE = {
  key = "k1", status = "firing", incident = "i7", severity = "page", service = "shop", culprit = "ledger",
  confidence = 0.95, summary = "ledger takes <9 s>", reasons = { "up 0 of 1" }, external_url = "http://tend/i7",
  group_key = "g", at = "2026-03-02T10:00:00Z",
  alerts = {
    { status = "firing", labels = { alertname = "slow", service = "a", severity = "page" },
      annotations = { summary = "a is slow" }, startsAt = "2026-03-02T09:59:00Z", fingerprint = "f1" },
    { status = "resolved", labels = { alertname = "slow", service = "b", severity = "page" },
      annotations = { summary = "b is slow" }, startsAt = "2026-03-02T09:58:00Z", endsAt = "2026-03-02T09:59:30Z",
      fingerprint = "f2" },
  },
}

local function ask(way, to, change)
  local document, entry = fake.load('local tend = require "tend"\ntend.notify "on call" { on = "*", to = { ' .. way
    .. " } }")
  suite.same(document.errors, {})
  local notice = {}
  for key, value in pairs(NOTICE) do notice[key] = value end
  for key, value in pairs(change or {}) do notice[key] = value end
  return entry.ask { kind = "notice", notify = 0, to = to or 0, notice = notice }, document
end

suite.fact("log says it in a line", function()
  suite.same(ask 'require "tend.notify.log" {}', { log = "firing i7: ledger takes <9 s>; culprit ledger" })
end)

suite.fact("webhook sends Alertmanager's body, version 4", function()
  local http = ask('require "tend.notify.webhook" { url = tend.secret "chat", token = tend.secret "t" }').http
  suite.same({ http.method, http.url, http.headers.Authorization },
    { "POST", { secret = "chat" }, { "Bearer ", { secret = "t" } } })
  suite.same(http.body, '{"alerts":['
    .. '{"annotations":{"summary":"a is slow"},"endsAt":"0001-01-01T00:00:00Z","fingerprint":"f1",'
    .. '"generatorURL":"http://tend/i7","labels":{"alertname":"slow","service":"a","severity":"page"},'
    .. '"startsAt":"2026-03-02T09:59:00Z","status":"firing"},'
    .. '{"annotations":{"summary":"b is slow"},"endsAt":"2026-03-02T09:59:30Z","fingerprint":"f2",'
    .. '"generatorURL":"http://tend/i7","labels":{"alertname":"slow","service":"b","severity":"page"},'
    .. '"startsAt":"2026-03-02T09:58:00Z","status":"resolved"}],'
    .. '"commonAnnotations":{"culprit":"ledger","reasons":"up 0 of 1","summary":"ledger takes <9 s>"},'
    .. '"commonLabels":{"alertname":"slow","severity":"page"},"externalURL":"http://tend/i7","groupKey":"g",'
    .. '"groupLabels":{"incident":"i7"},"receiver":"on call","status":"firing","truncatedAlerts":0,"version":"4"}')
end)

suite.fact("webhook without alerts has an empty list of them", function()
  local escalated = { alerts = {}, status = "escalated" }
  local body = ask('require "tend.notify.webhook" { url = "http://x/y" }', 0, escalated).http.body
  suite.contains(body, '{"alerts":[],')
  suite.contains(body, '"status":"firing"')
end)

suite.fact("pagerduty triggers and resolves with the incident's key, and never holds the routing key", function()
  local way = 'require "tend.notify.pagerduty" { key = tend.secret "pd" }'
  local body = ask(way).http.body
  suite.same({ body[1], body[2] }, { '{"routing_key":"', { secret = "pd" } })
  suite.contains(body[3], '","client":"tend","dedup_key":"tend/i7","event_action":"trigger"')
  suite.contains(ask(way, 0, { status = "resolved" }).http.body[3],
    '","client":"tend","dedup_key":"tend/i7","event_action":"resolve"}')
end)

suite.fact("slack escapes what it would read as markup", function()
  local body = ask('require "tend.notify.slack" { url = tend.secret "slack" }').http.body
  suite.contains(body, "ledger takes &lt;9 s&gt;")
end)

suite.fact("alertmanager has a way for each address", function()
  local reply, document = ask(
    'require "tend.notify.alertmanager" { urls = { "http://am1:9093", "http://am2:9093/" } }', 1)
  suite.same({ reply.http.url, document.notifies[1].to }, { "http://am2:9093/api/v2/alerts", 2 })
  suite.contains(reply.http.body, '"endsAt":"2026-03-02T09:59:30Z"')
end)

suite.fact("mail hands over a mail whose subject is one line", function()
  local mail = ask('require "tend.notify.mail" { to = "a@b.c", server = "smtp://mail" }', 0,
    { summary = "a\r\nBcc: x" }).mail
  suite.same({ mail.to, mail.server, mail.subject }, { { "a@b.c" }, "smtp://mail", "[firing] i7 a Bcc: x" })
end)

suite.fact("a way that raises is an error with its line", function()
  suite.contains(ask('{ notice = function() error "no way" end }').error, "shop.lua:2: no way")
end)
