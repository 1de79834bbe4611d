-- Who is at fault: the shipped locator on the shop (gateway → checkout → payments, stock; payments → ledger).
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local RULES = [[
local tend = require "tend"
tend.group "*" { every = "1s", timeout = "800ms", window = "10s", metrics = {
  response_time = { tend.mean "http_request_duration_seconds", alpha = 2, floor = "50ms", expect = "20ms" },
  error_rate = { tend.share("e_total", "a_total"), expect = 0, out_at = 0.05 },
  memory = { tend.gauge "process_resident_memory_bytes", bad = "above", expect = "16MiB", out_at = "120MiB" },
  traffic = { tend.rate "http_requests_total", bad = "both", expect = 100, alpha = 0.5 },
}, control = require "tend.control.command" { restart = { "/bin/svc" } } }
tend.service "gateway" { targets = { "http://a:1/m" }, depends = "checkout" }
tend.service "checkout" { targets = { "http://a:2/m" }, depends = { "payments", "stock" } }
tend.service "payments" { targets = { "http://a:3/m" }, depends = "ledger" }
tend.service "stock" { targets = { "http://a:4/m" } }
tend.service "ledger" { targets = { "http://a:5/m" } }
tend.service "bank" { targets = {} }
tend.rule "down" { on = "*", when = "up" }
tend.rule "leak" { on = "*", per = "instance", when = "memory" }
tend.playbook "restart" { run = function(p) p:restart() end }
tend.playbook "roll back" { when = function(s) return s:deployed_within "30m" and s.out_share > 0.5 end,
  run = function(p) p:note "back" end }
tend.playbook "scale" { run = function(p) p:scale(4) end }
]]

local DEPENDS = { gateway = { "checkout" }, checkout = { "payments", "stock" }, payments = { "ledger" }, stock = {},
  ledger = {}, bank = {} }
local NAMES = { "gateway", "checkout", "payments", "stock", "ledger" }

-- Numbers of a metric that is in line, or out of it since a time.
local function latency(P, onset_ms)
  local F = math.max(0, P - 0.02) / 0.05
  return { P = P, E = 0.02, F = F, A = F / 2, out = F / 2 >= 1, onset_ms = onset_ms }
end
local function share(P, onset_ms) return { P = P, E = 0, A = P / 0.05, F = P, out = P >= 0.05, onset_ms = onset_ms } end
local function memory(mib, onset_ms)
  return { P = mib * 1048576, E = 16777216, F = 1, A = mib / 120, out = mib >= 120, onset_ms = onset_ms }
end
local function traffic(P, onset_ms)
  local F = math.abs(P - 100) / 100
  return { P = P, E = 100, F = F, A = F / 0.5, out = F >= 0.5, onset_ms = onset_ms }
end
local UP_LOST = { P = 0, E = 1, F = 1, A = 2, out = true }

-- A service as the request has it: in line, but for what is given.
local function service(name, given)
  given = given or {}
  local made = { name = name, watched = true, depends = DEPENDS[name], out = false, fresh = true, out_share = 0,
    instances = 1, up = 1, version = "1", alerts = {}, failures = {}, remedies = { 0 }, metrics = {
      response_time = latency(0.02), error_rate = share(0), memory = memory(20), traffic = traffic(100),
      up = { P = 1, E = 1, F = 0, A = 0, out = false },
    } }
  for key, value in pairs(given) do
    if key ~= "metrics" then made[key] = value end
  end
  for key, value in pairs(given.metrics or {}) do
    made.metrics[key] = value
    if value.out then
      made.out, made.out_share = true, given.out_share or 1
      made.onset_ms = math.min(made.onset_ms or math.huge, value.onset_ms or math.huge)
      made.alerts = given.alerts or { "an alert" }
    end
  end
  return made
end

local function hung(onset_ms)
  local none = { missing = "scrape failed" }
  local up = { P = 0, E = 1, F = 1, A = 2, out = true, onset_ms = onset_ms }
  return { up = 0, failures = { READ_TIMEOUT = 1 },
    metrics = { up = up, response_time = none, error_rate = none, memory = none, traffic = none } }
end

-- Asks about the shop; `given[name]` is what is special about a service.
local function locate(given, more, rules, incident)
  local document, entry = fake.load((rules or RULES) .. (more or ""))
  suite.same(document.errors, {})
  local services = {}
  for _, name in ipairs(NAMES) do
    if given[name] ~= "unlisted" then services[#services + 1] = service(name, given[name]) end
  end
  if given.bank then services[#services + 1] = service("bank", given.bank) end
  local request = { kind = "locate", incident = "i1", at_ms = 100000, services = services }
  for key, value in pairs(incident or {}) do request[key] = value end
  return entry.ask(request)
end

local function row(reply, name)
  for _, one in ipairs(reply.ranking) do
    if one.service == name then return one end
  end
  error(name .. " is not ranked")
end

local function culprit(reply, name, at_least)
  suite.same({ reply.culprits, reply.wait }, { { name }, nil })
  suite.same(reply.ranking[1].service, name)
  if row(reply, name).confidence < at_least then
    error(("confidence %.2f is below %.2f"):format(row(reply, name).confidence, at_least), 2)
  end
end

local function slow(P, onset_ms) return { metrics = { response_time = latency(P, onset_ms) } } end

suite.fact("a hung ledger is the culprit, not the services that wait for it", function()
  local reply = locate { ledger = hung(12000), payments = slow(1.9, 10000), checkout = slow(1.95, 11000),
    gateway = { metrics = { response_time = latency(2, 11000), error_rate = share(0.3, 12000) } } }
  culprit(reply, "ledger", 0.85)
  suite.same({ row(reply, "payments").confidence, row(reply, "gateway").confidence }, { 0.1, 0.1 })
  suite.contains(row(reply, "ledger").reasons[1],
    "up 0 of 1 (READ_TIMEOUT: it takes connections and does not answer in time: it hangs)")
  suite.same(row(reply, "ledger").reasons[2],
    "checkout, gateway and payments depend on it and were seen out of line 2 s before")
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "explained by ledger, which it depends on")
  suite.same(reply.fits, { ledger = { true } })
  suite.same(row(reply, "ledger").explains, { "checkout", "gateway", "payments" })
end)

suite.fact("a service that answers without metrics is unknown: it explains nobody, and nobody is sure of it", function()
  local none = { missing = "scrape failed" }
  local up = { P = 0, E = 1, F = 1, A = 2, out = true, onset_ms = 9000 }
  for kind, words in pairs { HTTP_STATUS = "not with metrics (HTTP status 503)", PARSE = "can be read (line 3)",
    TOO_LARGE = "more metrics than are allowed", RESOLVE = "its name has no address", TLS = "no TLS connection" } do
    local mute = { up = 0, failures = { [kind] = 1 }, failed_because = words:match "%((.*)%)",
      metrics = { up = up, response_time = none, error_rate = none, memory = none, traffic = none } }
    local reply = locate { ledger = mute, payments = slow(1.9, 10000) }
    suite.same({ reply.culprits, row(reply, "ledger").confidence, row(reply, "payments").confidence },
      { { "ledger", "payments" }, 0.7, 0.7 })
    suite.contains(row(reply, "ledger").reasons[1], words)
    suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "ledger gives no metrics, so nothing is known")
    mute.alerts = { "down" }
    reply = locate({ ledger = mute, payments = slow(1.9, 10000) }, nil,
      (RULES:gsub('when = "up"', 'when = "up", kinds = { "REFUSED", "' .. kind .. '" }', 1)))
    culprit(reply, "ledger", 0.95) -- the rule says that this is a fault
  end
end)

suite.fact("several ways in which scrapes fail are counted, and one of them that is none of ours is enough", function()
  local failed = { up = 0.25, instances = 4, failures = { HTTP_STATUS = 1, REFUSED = 2 }, metrics = { up = UP_LOST } }
  local reply = locate { stock = failed }
  culprit(reply, "stock", 0.95)
  suite.contains(row(reply, "stock").reasons[1], "up 1 of 4 (HTTP_STATUS 1×, REFUSED 2×)")
end)

suite.fact("while ledger was not scraped since it began, nobody is named for good", function()
  local reply = locate { ledger = { fresh = false }, payments = slow(1.9, 10000), checkout = slow(1.95, 11000) }
  suite.contains(reply.wait, "ledger, which payments depends on, has not been scraped since this began")
end)

suite.fact("while what ledger did not answer may still be felt, nobody is named for good", function()
  local reply = locate { ledger = { failed_ago_s = 5 }, payments = slow(1.9, 10000) }
  suite.contains(reply.wait, "ledger, which payments depends on, did not answer and does again")
  culprit(locate { ledger = { failed_ago_s = 600 }, payments = slow(1.9, 10000) }, "payments", 0.85)
end)

suite.fact("what hangs itself is not excused by a dependency that did not answer just now", function()
  culprit(locate { ledger = { failed_ago_s = 5 }, payments = hung(12000) }, "payments", 0.85)
end)

suite.fact("a dependency that was removed and has no instances is not waited for", function()
  local reply = locate { ledger = { fresh = false, instances = 0 }, payments = slow(1.9, 10000) }
  suite.same(reply.wait, nil)
end)

suite.fact("a crashed leaf whose callers are fine is the culprit all the same", function()
  local reply = locate { stock = { up = 0, failures = { REFUSED = 1 }, metrics = { up = UP_LOST } } }
  culprit(reply, "stock", 0.85)
end)

suite.fact("one that is slow by itself is the culprit, with all below it in line", function()
  local reply = locate { payments = slow(1.9, 10000), checkout = slow(1.95, 11000) }
  culprit(reply, "payments", 0.85)
  local reasons = row(reply, "payments").reasons
  suite.contains(reasons[1], "response_time 1.9 s where 20 ms was expected, F 37.6, A 18.8")
  suite.same(reasons[2], "checkout depends on it and follows 1 s later")
  suite.same(reasons[3], "nothing it depends on is out of line")
end)

suite.fact("two faults in separate branches are two culprits", function()
  local reply = locate { ledger = hung(10000), stock = { metrics = { memory = memory(500, 3000) } },
    payments = slow(1.9, 10000), checkout = slow(1.95, 11000) }
  suite.same(reply.culprits, { "ledger", "stock" })
  assert(row(reply, "ledger").confidence >= 0.8 and row(reply, "stock").confidence >= 0.8)
end)

suite.fact("a leak below does not explain slowness above when its callers are served well", function()
  local reply = locate { ledger = { metrics = { memory = memory(500, 3000) } }, payments = slow(1.9, 10000) }
  suite.same(reply.culprits, { "ledger", "payments" }) -- what the other depends on first
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "ledger serves its callers as expected")
end)

suite.fact("a dependency that lost only a little does not explain a victim that lost much", function()
  local reply = locate { ledger = slow(0.125, 10000), payments = slow(4, 10000) }
  suite.same(reply.culprits, { "ledger", "payments" })
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "ledger lost only 105 ms")
  reply = locate { ledger = slow(0.5, 10000), payments = slow(4, 10000) }
  suite.same(reply.culprits, { "ledger" })
end)

suite.fact("a dependency that is in line yet, but slower by half of what the victim lost, makes it doubtful", function()
  local reply = locate { ledger = slow(0.1, nil), payments = slow(0.16, 10000) }
  suite.same({ reply.culprits, row(reply, "payments").confidence }, { { "payments" }, 0.6 })
end)

suite.fact("one slow instance without an alert is found when it explains what its callers lost", function()
  local stock = slow(0.1, nil)
  stock.out, stock.out_share, stock.instances, stock.alerts, stock.onset_ms = true, 0.5, 2, {}, 9000
  local reply = locate { stock = stock, checkout = slow(0.16, 10000), gateway = slow(0.165, 10000) }
  culprit(reply, "stock", 0.85)
end)

suite.fact("a caller that is gone is a culprit of its own beside a dependency that hangs, not beside one that is gone",
  function()
    local gone = { up = 0, failures = { REFUSED = 1 }, metrics = { up = UP_LOST } }
    local reply = locate { ledger = hung(10000), checkout = gone, gateway = slow(2, 10000) }
    suite.same(reply.culprits, { "ledger", "checkout" })
    suite.same({ row(reply, "ledger").confidence, row(reply, "checkout").confidence }, { 0.95, 0.95 })
    suite.same(locate({ ledger = gone, payments = gone }).culprits, { "ledger" })
  end)

suite.fact("traffic that fell below a dead caller blames nobody there", function()
  local reply = locate { payments = { up = 0, failures = { REFUSED = 1 }, metrics = { up = UP_LOST } },
    ledger = { metrics = { traffic = traffic(0, 9000) } } }
  culprit(reply, "payments", 0.85)
  suite.contains(table.concat(row(reply, "ledger").reasons, "\n"), "only its traffic changed")
end)

suite.fact("odd traffic alone names a suspect that nobody acts on", function()
  local reply = locate { gateway = { metrics = { traffic = traffic(5, 9000) } } }
  suite.same({ reply.culprits, row(reply, "gateway").confidence }, { { "gateway" }, 0.5 })
end)

suite.fact("one that was in trouble long before what it depends on is a suspect of its own, for a person", function()
  local reply = locate { ledger = hung(90000), payments = { metrics = { error_rate = share(0.4, 10000) } } }
  suite.same(reply.culprits, { "ledger", "payments" })
  suite.same({ row(reply, "ledger").confidence, row(reply, "payments").confidence }, { 0.95, 0.75 })
end)

suite.fact("an unwatched dependency lowers the confidence when all instances are slow at once", function()
  DEPENDS.ledger = { "bank" }
  local bank = { watched = false, metrics = {}, instances = 0, fresh = false }
  local reply = locate { ledger = slow(1.9, 10000), bank = bank }
  suite.same({ reply.culprits, row(reply, "ledger").confidence, reply.wait }, { { "ledger" }, 0.7, nil })
  suite.contains(table.concat(row(reply, "bank").reasons, "\n"), "nobody watches it, and ledger depends on it")
  local one = slow(1.9, 10000)
  one.out_share, one.instances = 0.25, 4
  reply = locate { ledger = one, bank = bank }
  assert(row(reply, "ledger").confidence >= 0.85) -- one of four is slow: the bank would be slow for all of them
  DEPENDS.ledger = {}
end)

suite.fact("an unwatched service below all roots is blamed before them, and not acted on", function()
  DEPENDS.ledger, DEPENDS.stock = { "bank" }, { "bank" }
  local reply = locate { ledger = slow(1.9, 10000), stock = slow(1.9, 10000), checkout = slow(2, 10000),
    bank = { watched = false, metrics = {}, instances = 0 } }
  suite.same(reply.culprits, { "bank" })
  assert(row(reply, "bank").confidence < 0.8 and row(reply, "ledger").confidence < 0.8)
  DEPENDS.ledger, DEPENDS.stock = {}, {}
end)

suite.fact("a dependency that left its discovery lowers the confidence, and is no culprit", function()
  local reply = locate { payments = slow(1.9, 10000), ledger = "unlisted" }
  suite.same({ reply.culprits, row(reply, "payments").confidence, reply.wait }, { { "payments" }, 0.7, nil })
  suite.contains(table.concat(row(reply, "ledger").reasons, "\n"), "no discovery lists it, and payments depends on it")
  DEPENDS.stock = { "ledger" }
  reply = locate { payments = slow(1.9, 10000), stock = slow(1.9, 10000), checkout = slow(2, 10000),
    ledger = "unlisted" }
  suite.same(reply.culprits, { "payments", "stock" })
  assert(row(reply, "payments").confidence < 0.8 and row(reply, "stock").confidence < 0.8)
  DEPENDS.stock = {}
end)

suite.fact("a silent dependency lowers the confidence", function()
  local none = { missing = "series gone" }
  local reply = locate { payments = slow(1.9, 10000), ledger = { up = 1, metrics = { up = none, response_time = none,
    error_rate = none, memory = none, traffic = none } } }
  suite.same({ reply.culprits, row(reply, "payments").confidence }, { { "payments" }, 0.7 })
end)

suite.fact("services in a loop are one suspect, and a person decides", function()
  DEPENDS.ledger = { "payments" }
  local reply = locate { payments = slow(1.9, 10000), ledger = slow(1.8, 10000), checkout = slow(2, 10000) }
  suite.same({ reply.culprits, row(reply, "payments").confidence }, { { "payments" }, 0.5 })
  DEPENDS.ledger = {}
end)

suite.fact("three that break at once, each for itself, are for a person", function()
  local reply = locate { payments = { metrics = { memory = memory(500, 1000) } },
    stock = { metrics = { memory = memory(500, 1000) } }, ledger = { metrics = { memory = memory(500, 1000) } } }
  suite.same(#reply.culprits, 3)
  for _, one in ipairs(reply.ranking) do assert(one.confidence < 0.8) end
end)

suite.fact("an alert of one instance counts although the service as a whole is in line", function()
  local reply = locate { stock = { alerts = { "leak" }, out_share = 0.25, instances = 4 } }
  culprit(reply, "stock", 0.85)
end)

suite.fact("out of line without an alert is nobody's culprit, unless it explains one", function()
  local quiet = slow(1.9, 10000)
  quiet.alerts = {}
  local leaking = { alerts = {}, metrics = { memory = memory(500, 3000) } }
  local reply = locate { stock = leaking, ledger = quiet, payments = slow(2, 10000) }
  suite.same(reply.culprits, { "ledger" })
end)

suite.fact("an instance that is out of line without an alert names nobody", function()
  local reply = locate { ledger = { out = true, out_share = 0.25, instances = 4 }, payments = slow(2, 10000) }
  suite.same(reply.culprits, { "payments" })
end)

suite.fact("a victim that times out is still a victim", function()
  local victim = hung(13000)
  local reply = locate { ledger = hung(12000), payments = victim, checkout = slow(2, 10000) }
  culprit(reply, "ledger", 0.85)
end)

suite.fact("nobody out of line, nobody at fault", function()
  suite.same(locate {}, { ranking = {}, culprits = {}, errors = {} })
end)

suite.fact("a user's locator gives points and a reason", function()
  local reply = locate({ payments = slow(1.9, 10000), ledger = { metrics = { memory = memory(500, 3000) } } }, [[
tend.locate "full" { on = "ledger", score = function(s, incident)
  if s.memory.out then return 2, "ledger is full, in " .. incident.id end
end }]])
  suite.same(reply.culprits, { "ledger" }) -- the points say that its callers do feel it
  suite.contains(table.concat(row(reply, "ledger").reasons, "\n"), "ledger is full, in i1")
end)

suite.fact("a locator that reads what has no data gives no points, one that raises is named", function()
  local reply = locate({ ledger = hung(10000) }, [[
tend.locate "reads" { on = "ledger", score = function(s) if not s.memory.out then return 5 end end }
tend.locate "raises" { on = "ledger", score = function(s) return s.memroy.out end }]])
  assert(row(reply, "ledger").score < 5)
  suite.same({ #reply.errors, reply.errors[1].what, reply.errors[1].index }, { 1, "locate", 1 })
  suite.contains(reply.errors[1].text, "no metric 'memroy' on ledger; it has: error_rate, memory, response_time")
end)

suite.fact("a remedy fits when its `when` holds and the control has its verbs", function()
  local given = slow(1.9, 10000)
  given.remedies, given.deployed_ago_s = { 1, 0, 2 }, 60
  suite.same(locate({ payments = given }).fits, { payments = { true, true, false } })
  given.deployed_ago_s = 7200
  suite.same(locate({ payments = given }).fits, { payments = { false, true, false } })
end)

-- Ledger, which payments depends on, left discovery at a time; payments is out of line since 44 s.
local function without_ledger(left_ms, payments)
  local given = { ledger = "unlisted", payments = payments or slow(1.9, 44000), checkout = slow(1.95, 45000) }
  return locate(given, nil, nil, { onset_ms = 44000, left = { ledger = left_ms, mail = left_ms } })
end

suite.fact("who left discovery shortly before its callers were hit is accused, but for a person to look at", function()
  local reply = without_ledger(32000)
  culprit(reply, "ledger", 0.6)
  suite.same({ row(reply, "ledger").confidence, row(reply, "payments").confidence, reply.fits }, { 0.6, 0.1,
    { ledger = {} } })
  suite.contains(row(reply, "ledger").reasons[1], "left discovery 12 s before the first symptom")
  suite.contains(table.concat(row(reply, "ledger").reasons, "\n"), "checkout and payments depend on it")
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "explained by ledger, which it depends on")
  suite.same(#reply.ranking, 3) -- nobody depends on mail
  culprit(without_ledger(44000 + 120000), "ledger", 0.6) -- a health check found it late
end)

suite.fact("who left discovery at another time, or below one in trouble of its own, is only told", function()
  for _, left_ms in ipairs { 44000 - 600001, 44000 + 120001 } do
    local other = without_ledger(left_ms)
    suite.same({ other.culprits, row(other, "payments").confidence }, { { "payments" }, 0.7 })
    local told = table.concat(row(other, "ledger").reasons, "\n")
    suite.contains(told, "no discovery lists it, and payments depends on it")
  end
  local full = { metrics = { memory = memory(500, 44000), response_time = latency(1.9, 44000) } }
  local reply = without_ledger(32000, full)
  suite.same({ reply.culprits, row(reply, "payments").confidence }, { { "payments" }, 0.94 })
  full.metrics.response_time = nil -- payments serves checkout as expected, so checkout does not feel that ledger left
  suite.same(without_ledger(32000, full).culprits, { "payments", "checkout" })
  reply = without_ledger(32000, hung(44000))
  suite.same({ reply.culprits, row(reply, "payments").confidence }, { { "payments" }, 0.95 })
end)

-- A change of one metric as the engine tells it.
local function change(metric, class, kind, onset_ms, more)
  local made = { metric = metric, class = class, kind = kind, points = 2.5, rose = true, before = 0.1, after = 0.9,
    onset_ms = onset_ms, within_ms = 1000, shape = "step" }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

local NOTHING_EXPECTED = { missing = "no series" }
local UNKNOWN_FACE = { response_time = NOTHING_EXPECTED, error_rate = NOTHING_EXPECTED }

suite.fact("a service in line whose CPU rose before its callers were hit is the culprit", function()
  local reply = locate({
    ledger = { metrics = UNKNOWN_FACE, evidence = { change("cpu", "cause", "resource", 4000) } },
    payments = slow(1.9, 44000), checkout = slow(1.95, 45000) }, nil, nil, { onset_ms = 44000 })
  culprit(reply, "ledger", 0.79)
  suite.contains(table.concat(row(reply, "ledger").reasons, "\n"), "cpu 9× its usual 40 s before the first symptom")
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "explained by ledger, which it depends on")
end)

suite.fact("a cause that moves closely with the first symptom is told so, and weighs a little more", function()
  local function asked(correlation, lag_s)
    local moves = correlation and { correlation = correlation, lag_s = lag_s,
      with = { service = "checkout", metric = "response_time" } }
    return locate({
      ledger = { metrics = UNKNOWN_FACE, evidence = { change("cpu", "cause", "resource", 4000, moves) } },
      payments = slow(1.9, 44000), checkout = slow(1.95, 45000) }, nil, nil, { onset_ms = 44000 })
  end
  local before = row(asked(), "ledger")
  local moving = row(asked(1, 15), "ledger")
  suite.contains(table.concat(moving.reasons, "\n"),
    "40 s before the first symptom; it moves with checkout's response_time, 15 s ahead")
  suite.same({ moving.score > before.score, moving.score < before.score + 0.21 }, { true, true })
  suite.same(moving.confidence, before.confidence)
  local behind = row(asked(-0.95, -10), "ledger") -- it follows
  suite.contains(table.concat(behind.reasons, "\n"), "it moves against checkout's response_time, 10 s behind")
  suite.same(behind.score, before.score)
  local loosely = row(asked(0.7, 15), "ledger")
  suite.same({ loosely.score, loosely.reasons }, { before.score, before.reasons })
  local list = { change("cpu", "cause", "resource", 4000, { correlation = 1, lag_s = 15,
    with = { service = "checkout", metric = "response_time" } }),
    change("traffic", "load", "calls", 4000) }
  suite.same(row(locate { stock = { metrics = { memory = memory(500, 3000) }, evidence = list } }, "stock").score,
    row(locate { stock = { metrics = { memory = memory(500, 3000) } } }, "stock").score) -- it follows the load
  local own = change("cpu", "cause", "resource", 4000, { correlation = 0.9, lag_s = 0,
    with = { service = "payments", metric = "response_time" } })
  local payments = slow(1.9, 44000)
  payments.evidence = { own }
  suite.contains(table.concat(row(locate({ payments = payments }), "payments").reasons, "\n"),
    "it moves with its response_time")
end)

-- Stock is slow since 44 s; its interval is 1 s, its time-out 0.8 s.
local function stock_to_which(happened)
  local stock = slow(1.9, 44000)
  stock.happened = happened
  local found = row(locate({ stock = stock }, nil, nil, { onset_ms = 44000 }), "stock")
  return table.concat(found.reasons, "\n"), found.score, found.confidence
end

suite.fact("what was done to a service shortly before the first symptom is told and weighs", function()
  local _, score, confidence = stock_to_which {}
  local cases = {
    { "version", { who = "ann", to = "1.4", why = "fix" },
      "version 1.4 deployed 30 s before the first symptom, told by ann: fix", 0.5 },
    { "version", { who = "ann" }, "deployed 30 s before the first symptom, told by ann", 0.5 },
    { "version", { from = "1.3", to = "1.4" }, "version 1.4 in place of 1.3 30 s before the first symptom", 0.5 },
    { "version", {}, "another build runs 30 s before the first symptom", 0.5 },
    { "config", { who = "ann" }, "config changed 30 s before the first symptom, told by ann", 0.5 },
    { "config", {}, "another config in use 30 s before the first symptom", 0.5 },
    { "flag", { who = "ann", why = "cart" }, "flag changed 30 s before the first symptom, told by ann: cart", 0.5 },
    { "reload", {}, "config reloaded 30 s before the first symptom", 0.5 },
    { "reload failed", {}, "config reload failed 30 s before the first symptom", 0.5 },
    { "restart", { times = 3 }, "process restarted 30 s before the first symptom, 3 times since", 0.25 },
  }
  for _, case in ipairs(cases) do
    local one = { what = case[1], at_ms = 14000, times = 1 }
    for key, value in pairs(case[2]) do one[key] = value end
    local text, with, sure = stock_to_which { one }
    suite.contains(text, case[3])
    suite.same({ math.floor((with - score) * 1000 + 0.5) / 1000, sure }, { case[4], confidence })
  end
end)

suite.fact("what was done long before the first symptom, or after it, tells nothing", function()
  local before, score = stock_to_which {}
  for _, at_ms in ipairs { 44000 - 600001, 44000 + 1801 } do
    local text, with = stock_to_which { { what = "config", at_ms = at_ms, times = 1 } }
    suite.same({ text, with }, { before, score })
  end
  local text = stock_to_which { { what = "restart", at_ms = 45800, times = 1 } }
  suite.contains(text, "process restarted about 2 s after the first symptom")
end)

suite.fact("of what happened the two that say most are told", function()
  local text = stock_to_which { { what = "restart", at_ms = 40000, times = 1 },
    { what = "reload", at_ms = 30000, times = 1 }, { what = "config", at_ms = 20000, times = 1 } }
  suite.contains(text, "another config in use 24 s before the first symptom\nconfig reloaded 14 s before")
  suite.same(text:find("restarted", 1, true), nil)
end)

suite.fact("a cause that came after the trouble, fell, or follows the load accuses nobody", function()
  local late = change("cpu", "cause", "resource", 60000)
  local fell = change("memory", "cause", "resource", 4000, { rose = false })
  local loaded = { change("cpu", "cause", "resource", 4000), change("traffic", "load", "calls", 4000) }
  for _, list in ipairs { { late }, { fell }, loaded, { change("latency", "symptom", "latency", 4000) } } do
    local ledger = { metrics = UNKNOWN_FACE, evidence = list }
    local reply = locate({ ledger = ledger, payments = slow(1.9, 44000) }, nil, nil, { onset_ms = 44000 })
    suite.same(reply.culprits, { "payments" })
  end
end)

-- Threads that are out of line, of a service whose callers' view is not known unless given.
local function piled_up(given)
  local made = { waiting = { "threads" }, metrics = { response_time = NOTHING_EXPECTED, error_rate = NOTHING_EXPECTED,
    threads = { P = 80, E = 10, F = 7, A = 7, out = true, onset_ms = 10000 } } }
  for key, value in pairs(given or {}) do made.metrics[key] = value end
  return made
end

suite.fact("what waits in a service is explained by what is below it, seen or not", function()
  -- below it CPU rose, of which nothing is expected
  local busy = { metrics = UNKNOWN_FACE, evidence = { change("cpu", "cause", "resource", 9000) } }
  local reply = locate({ payments = piled_up(), ledger = busy }, nil, nil, { onset_ms = 10000 })
  culprit(reply, "ledger", 0.79)
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "explained by ledger, which it depends on")
  -- memory is what only the service feels: that of payments is its own fault
  local full = piled_up { threads = { P = 10, E = 10, F = 0, A = 0 }, memory = memory(500, 10000) }
  culprit(locate({ payments = full, ledger = busy }, nil, nil, { onset_ms = 10000 }), "payments", 0.94)
  -- nobody knows how ledger serves
  reply = locate { payments = piled_up(), ledger = { metrics = UNKNOWN_FACE } }
  suite.same({ reply.culprits, row(reply, "payments").confidence }, { { "payments" }, 0.7 })
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "it depends on ledger, of which there is no data")
  culprit(locate { payments = full, ledger = { metrics = UNKNOWN_FACE } }, "payments", 0.94)
end)

suite.fact("what waits in a service is its own fault when nothing below it may be slow", function()
  culprit(locate { payments = piled_up() }, "payments", 0.94) -- the latency of ledger is in line
  culprit(locate { payments = piled_up { response_time = latency(0.02) }, ledger = { metrics = UNKNOWN_FACE } },
    "payments", 0.94) -- its own is
  culprit(locate({ stock = piled_up() }, nil, nil, { edges = 0 }), "stock", 0.94)
  local one_of_three = piled_up()
  one_of_three.out_share, one_of_three.instances = 1 / 3, 3
  culprit(locate { payments = one_of_three, ledger = { metrics = UNKNOWN_FACE } }, "payments", 0.94)
  local foretold = piled_up { threads = { P = 40, E = 10, F = 3, A = 0.8, out = false } }
  foretold.alerts, foretold.out = { "threads" }, true
  local rules = RULES:gsub("metrics = {", [[metrics = {
    threads = { tend.gauge "t", bad = "above", expect = 10, alpha = 4 },]], 1)
  culprit(locate({ payments = foretold, ledger = { metrics = UNKNOWN_FACE } },
    'tend.rule "threads" { on = "*", when = "threads", ahead = "15m" }', rules), "payments", 0.94)
end)

suite.fact("threads that rose make a culprit of a service of which nothing is expected, but a doubtful one", function()
  local function asked(changes, ledger)
    return locate({ checkout = slow(1.95, 45000), payments = { metrics = UNKNOWN_FACE, evidence = changes },
      ledger = ledger }, nil, nil, { onset_ms = 44000 })
  end
  local threads = change("threads", "cause", "waiting", 40000)
  suite.same(row(asked { threads }, "payments").confidence, 0.8)
  suite.same(row(asked({ threads }, { metrics = UNKNOWN_FACE }), "payments").confidence, 0.6)
  local cpu = change("cpu", "cause", "resource", 40000, { points = 1.5 })
  suite.same(row(asked({ threads, cpu }, { metrics = UNKNOWN_FACE }), "payments").confidence, 0.7) -- of the CPU
end)

suite.fact("a service that serves its callers as expected is no culprit, however busy it is", function()
  local reply = locate({ ledger = { evidence = { change("cpu", "cause", "resource", 4000) } },
    payments = slow(1.9, 44000) }, nil, nil, { onset_ms = 44000 })
  suite.same(reply.culprits, { "payments" })
end)

suite.fact("who is only slow may be a victim of what no known dependency connects it with", function()
  local beside = { { name = "search", onset_ms = 9000 } }
  local reply = locate({ stock = slow(1.9, 10000) }, nil, nil, { beside = beside })
  suite.same({ reply.culprits, row(reply, "stock").confidence }, { { "stock" }, 0.3 })
  suite.contains(table.concat(row(reply, "stock").reasons, "\n"), "search is in trouble at the same time")
  beside[1].failed = true
  suite.same(row(locate({ stock = slow(1.9, 10000) }, nil, nil, { beside = beside }), "stock").confidence, 0.05)
  beside[1].onset_ms = 10000 - 7200000 -- two hours ago
  culprit(locate({ stock = slow(1.9, 10000) }, nil, nil, { beside = beside }), "stock", 0.85)
  reply = locate({ stock = slow(1.9, 10000) }, nil, nil, { edges = 0 })
  suite.same(row(reply, "stock").confidence, 0.75)
  culprit(locate({ stock = hung(10000) }, nil, nil, { edges = 0 }), "stock", 0.85)
end)

suite.fact("a user's locator sees the evidence, and cannot change it for others", function()
  local reply = locate({ stock = slow(1.9, 10000), ledger = { metrics = { memory = memory(500, 3000) },
    evidence = { change("cpu", "cause", "resource", 4000) } } }, [[
tend.locate "a" { on = "ledger", score = function(s) s.evidence[1].points = 100 end }
tend.locate "b" { on = "ledger", score = function(s)
  return 1, s.evidence[1].metric .. " " .. s.evidence[1].points end }]])
  suite.contains(table.concat(row(reply, "ledger").reasons, "\n"), "cpu 2.5")
end)

suite.fact("a user's locator sees what was done to a service", function()
  local stock = slow(1.9, 10000)
  stock.happened = { { what = "config", at_ms = 4000, times = 1, who = "ann" } }
  local reply = locate({ stock = stock }, [[
tend.locate "a" { on = "*", score = function(s)
  if s.happened[1] then return 1, s.happened[1].what .. " by " .. s.happened[1].who end end }]])
  suite.contains(table.concat(row(reply, "stock").reasons, "\n"), "config by ann")
end)

-- What only its callers complain of is doubtful beside other trouble that no known dependency connects with it.
suite.fact("who is only slow beside one that does not answer may be its victim", function()
  local reply = locate { payments = slow(1.9, 10000), stock = hung(10000) }
  suite.same(row(reply, "payments").confidence, 0.4)
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"),
    "stock does not answer: it may be a victim of that, though no dependency is known")
  suite.same(row(reply, "stock").confidence, 0.95)
end)

suite.fact("two that are slow alike may be victims of each other, or of what nobody knows", function()
  local reply = locate { payments = slow(1.9, 10000), stock = slow(1.9, 10000) }
  suite.same({ row(reply, "payments").confidence, row(reply, "stock").confidence }, { 0.7, 0.7 })
  suite.contains(table.concat(row(reply, "stock").reasons, "\n"), "payments is in like trouble")
  local failing = { metrics = { error_rate = share(0.3, 10000) } }
  suite.same(row(locate { payments = slow(1.9, 10000), stock = failing }, "payments").confidence, 0.94) -- not alike
end)

suite.fact("what was in trouble just now may be felt still by who is only slow", function()
  local reply = locate { payments = slow(1.9, 10000), stock = { trouble_ago_s = 20 } }
  suite.same(row(reply, "payments").confidence, 0.4)
  suite.contains(table.concat(row(reply, "payments").reasons, "\n"), "stock was in trouble just now")
  suite.same(row(locate { payments = slow(1.9, 10000), stock = { trouble_ago_s = 30 } }, "payments").confidence, 0.94)
end)

suite.fact("trouble begins with what is felt, not with odd traffic before it", function()
  local payments = { metrics = { response_time = latency(1.9, 65000), traffic = traffic(30, 1000) } }
  local reply = locate({ payments = payments }, nil, nil,
    { beside = { { name = "mail", onset_ms = 60000, failed = false } } })
  suite.same(row(reply, "payments").confidence, 0.3) -- at the same time as mail, not a minute before it
end)

suite.fact("points of a user's locator are ten at most, and below none nobody is sure", function()
  local function asked(score)
    return row(locate({ ledger = slow(1.9, 10000) },
      ('tend.locate "a" { on = "ledger", score = function() return %s end }'):format(score)), "ledger")
  end
  suite.same({ asked("1e9").score, asked("-1e9").score }, { asked("10").score, asked("-10").score })
  suite.same({ asked("0").confidence, asked("-1").confidence }, { 0.94, 0.5 })
end)

suite.fact("a remedy whose `when` reads what has no data does not fit, whatever it returns", function()
  local more = 'tend.playbook "sure" { when = function(s) local x = s.%s.P return true end, run = function() end }'
  local function fit(metric)
    local ledger = hung(10000)
    ledger.remedies = { 3 }
    return locate({ ledger = ledger }, more:format(metric)).fits.ledger
  end
  suite.same({ fit "up", fit "memory" }, { { true }, { false } })
end)
