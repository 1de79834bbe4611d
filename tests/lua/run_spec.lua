-- A run of a playbook: effects out, answers in.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local RULES = [[
local tend = require "tend"
tend.service "pay" {
  targets = { "http://h1:9100/metrics", "http://h2:9100/metrics" },
  control = { %s },
  remedies = { "r" },
}
tend.playbook "r" {
  run = function(p)
%s
  end,
}
]]
local COMMAND = 'require "tend.control.command" { restart = { "/bin/svc", "{service}", "{host}", "{port}" }, '
  .. 'redeploy = { "/bin/deploy", "{service}", "{version}" }, idempotent = true }'

local function frozen()
  return {
    run = "r1", incident = "i1", playbook = "r",
    alerts = { { rule = "slow", service = "shop", instance = "", severity = "page" } },
    culprit = { name = "pay", confidence = 0.9, version = "1.2", out_share = 0.5,
      metrics = { latency = { P = 2, E = 1, F = 1, A = 2, out = true }, memory = { missing = "no series" } },
      instances = {
        { name = "pay/h1:9100", host = "h1", port = "9100", address = "h1:9100", out = false, labels = { zone = "a" },
          metrics = { latency = { A = 0.5 } } },
        { name = "pay/h2:9100", host = "h2", port = "9100", address = "h2:9100", out = true, labels = { zone = "-b" },
          metrics = { latency = { A = 3 } } },
      } },
  }
end

-- Runs a playbook; `answer(effect, n)` answers each effect (nil: done). Returns what was asked for, in words, and the
-- end.
local function play(body, answer, control)
  local document, entry = fake.load(RULES:format(control or COMMAND, body))
  suite.same(document.errors, {})
  local thread = coroutine.create(entry.run)
  local asked, effects = {}, {}
  local fine, effect = coroutine.resume(thread, { playbook = 0, frozen = frozen() })
  while fine and coroutine.status(thread) == "suspended" do
    local words = { effect.undo and "undo" or nil, effect.verb or effect.kind, effect.instance }
    effects[#effects + 1] = effect
    local sentence = {}
    for i = 1, 3 do sentence[#sentence + 1] = words[i] end
    asked[#asked + 1] = table.concat(sentence, " ")
    fine, effect = coroutine.resume(thread, answer and answer(effect, #asked) or { ok = true, value = {} })
  end
  assert(fine, effect)
  return asked, effect, effects
end

-- Picks the instances in turn, then none.
local function picks(...)
  local names, at = { ... }, 0
  return function(effect)
    if effect.kind ~= "pick" then return { ok = true, value = {} } end
    at = at + 1
    return { ok = true, value = { instance = names[at] } }
  end
end

suite.fact("worst_first asks for one instance at a time, and the incident is verified at the end", function()
  local asked, ended, effects = play("for i in p:worst_first() do p:restart(i) p:verify(i) end",
    picks("pay/h2:9100", "pay/h1:9100"))
  suite.same(asked, { "pick", "restart pay/h2:9100", "verify pay/h2:9100", "pick", "restart pay/h1:9100",
    "verify pay/h1:9100", "pick", "verify" })
  suite.same(ended, { ok = true })
  suite.same(effects[2].args, { argv = { "/bin/svc", "pay", "h2", "9100" }, timeout_ms = 30000 })
  suite.same({ effects[2].idempotent, effects[2].kind, effects[2].at }, { true, "exec", "shop.lua:9" })
end)

suite.fact("a verify of the incident at the script's end is not repeated, one before an act is", function()
  suite.same((play "p:restart() p:verify()"), { "restart pay/h2:9100", "restart pay/h1:9100", "verify" })
  suite.same((play "p:verify() p:exec { argv = { '/bin/x' } }"), { "verify", "exec", "verify" })
end)

suite.fact("restart without an instance restarts each, the worst first", function()
  suite.same((play "p:restart()"), { "restart pay/h2:9100", "restart pay/h1:9100", "verify" })
end)

suite.fact("a step that fails ends the run with its line", function()
  local asked, ended = play("p:note 'x'\n    p:restart('pay/h1:9100')\n    p:note 'never'", function(effect)
    if effect.verb == "restart" then return { ok = false, outcome = "failed", error = "exit 1" } end
  end)
  suite.same(asked, { "note", "restart pay/h1:9100" })
  suite.same(ended, { ok = false, error = "shop.lua:10: restart pay/h1:9100 failed: exit 1", undo = "none" })
end)

suite.fact("p:try goes on after a step that failed", function()
  local asked, ended = play("local fine, why = p:try(function() p:exec { argv = { '/bin/x' } } end)\n"
    .. "assert(not fine and why == 'shop.lua:9: exec pay failed: exit 3', why)", function(effect)
      if effect.kind == "exec" then return { ok = false, outcome = "failed", error = "exit 3" } end
    end)
  suite.same(asked, { "exec", "verify" })
  suite.same(ended, { ok = true })
end)

local BALANCED = '{ drain = function(p, i) p:exec { argv = { "/bin/lb", "drain", i.host } } end, '
  .. 'undrain = function(p, i) p:exec { argv = { "/bin/lb", "ready", i.host } } end }, ' .. COMMAND

suite.fact("what has an undo is undone in reverse order when a step fails", function()
  local asked, ended = play("p:drain('pay/h1:9100') p:drain('pay/h2:9100') p:restart('pay/h1:9100')", function(effect)
    if effect.verb == "restart" then return { ok = false, outcome = "failed", error = "exit 1" } end
  end, BALANCED)
  suite.same(asked, { "drain pay/h1:9100", "drain pay/h2:9100", "restart pay/h1:9100", "undo undrain pay/h2:9100",
    "undo undrain pay/h1:9100" })
  suite.same({ ended.ok, ended.undo }, { false, "done" })
end)

suite.fact("what was undrained already is not undone again, and a failed undo is told", function()
  local asked, ended = play("p:drain('pay/h1:9100') p:undrain('pay/h1:9100') p:drain('pay/h2:9100') error 'enough'",
    function(effect)
      if effect.undo then return { ok = false, outcome = "failed", error = "no such server" } end
    end, BALANCED)
  suite.same(asked, { "drain pay/h1:9100", "undrain pay/h1:9100", "drain pay/h2:9100", "undo undrain pay/h2:9100" })
  suite.same(ended.undo, "failed")
  suite.contains(ended.error, "shop.lua:9: enough; and the undo failed: shop.lua:4: undrain pay/h2:9100 failed: no")
end)

suite.fact("an exec brings its own undo", function()
  local asked = play("p:exec { argv = { '/bin/a' }, undo = function(q) q:exec { argv = { '/bin/b' } } end } error 'x'")
  suite.same(asked, { "exec", "undo exec" })
end)

suite.fact("drain without a control is noted and passed over, restart without one makes the remedy unfit", function()
  local asked, ended, effects = play("p:drain('pay/h1:9100') p:restart('pay/h1:9100')", nil, "")
  suite.same(asked, { "note" })
  suite.same(effects[1].args, { text = "pay has no drain: passed over" })
  suite.same(ended, { ok = false, error = "shop.lua:9: pay: its control has no restart", undo = "none", unfit = true })
end)

suite.fact("a value that looks like an option never becomes an argument", function()
  local _, ended = play("p:restart('pay/h2:9100')", nil,
    'require "tend.control.command" { restart = { "/bin/svc", "{zone}" } }')
  suite.same(ended.error, 'shop.lua:9: {zone} of pay/h2:9100 is "-b": a value may not begin with "-"')
end)

suite.fact("arguments of a verb fill its template", function()
  local _, _, effects = play "p:redeploy { version = 'previous' }"
  suite.same(effects[1].args.argv, { "/bin/deploy", "pay", "previous" })
end)

suite.fact("a step that wants a yes is not done without it", function()
  local asked, ended = play "p:redeploy { version = 'previous', approve = { within = '15m' } }"
  suite.same(asked, {})
  suite.contains(ended.error, "redeploy wants a person's yes")
end)

suite.fact("the culprit's view tells what was frozen; reading what has no data raises", function()
  local asked, ended = play("assert(p.culprit.latency.P == 2 and p.culprit.latency.out)\n"
    .. "assert(p.culprit.version == '1.2' and p.culprit.memory.missing == 'no series')\n"
    .. "assert(#p.alerts == 1) return p.culprit.memory.P")
  suite.same({ #asked, ended.error }, { 0, "shop.lua:11: memory of pay has no data: no series" })
end)

suite.fact("a request that is answered with an error fails, but for what is accepted", function()
  local function http(accept)
    local _, ended = play(("p:http { method = 'POST', url = 'http://x/y', accept = %s }"):format(accept),
      function(effect) return { ok = true, value = effect.kind == "http" and { status = 304 } or {} } end)
    return ended
  end
  suite.same(http "{ 304 }".ok, true)
  suite.same(http "nil".error, "shop.lua:9: http pay failed: HTTP 304 ")
end)

suite.fact("a script cannot change p nor call what is not there", function()
  local _, ended = play "p.restart = 1"
  suite.contains(ended.error, "p cannot be changed")
  _, ended = play "p:reboot()"
  suite.contains(ended.error, "a playbook has no p:reboot")
end)

suite.fact("the same answers give the same effects", function()
  local body = "for i in p:worst_first() do p:drain(i) p:restart(i) p:verify(i) p:undrain(i) end"
  local first = play(body, picks("pay/h2:9100"), BALANCED)
  suite.same(play(body, picks("pay/h2:9100"), BALANCED), first)
end)
