-- What the controls ask of the world for each verb.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

-- The effects that a script causes on one instance of "pay" whose control is `control`.
local function effects_of(control, script)
  local document, entry = fake.load(([[
local tend = require "tend"
tend.service "pay" { targets = { "http://h1:9100/m", "http://h2:9100/m" }, control = { %s }, remedies = "r" }
tend.playbook "r" { run = function(p) %s end }]]):format(control, script))
  suite.same(document.errors, {})
  local thread, list = coroutine.create(entry.run), {}
  local instance = { name = "pay/h1:9100", host = "h1", port = "9100", address = "h1:9100", out = true,
    labels = { pod = "pay-7d-x" } }
  local frozen = { run = "r9", culprit = { name = "pay", instances = { instance } } }
  local fine, effect = coroutine.resume(thread, { playbook = 0, frozen = frozen })
  while coroutine.status(thread) == "suspended" do
    list[#list + 1] = effect
    fine, effect = coroutine.resume(thread, { ok = true, value = { status = 200 } })
  end
  assert(fine, effect)
  return list, effect
end

suite.fact("systemd restarts the unit, over ssh when a host is named", function()
  local list = effects_of('require "tend.control.systemd" { unit = "{service}", host = "{host}" }', "p:restart()")
  suite.same({ list[1].args, list[1].idempotent, list[1].verb }, {
    { argv = { "systemctl", "--host", "h1", "restart", "pay.service" }, timeout_ms = 90000 }, true, "restart" })
end)

suite.fact("docker restarts the container and waits longer than its grace", function()
  local list = effects_of('require "tend.control.docker" { url = "http://{host}:2375", container = "{service}", '
    .. 'grace = "20s" }', "p:restart()")
  suite.same(list[1].args, { method = "POST", url = "http://h1:2375/v1.41/containers/pay/restart?t=20",
    timeout_ms = 50000 })
end)

local KUBERNETES = 'require "tend.control.kubernetes" { namespace = "shop", deployment = "{service}", pod = "{pod}" }'

suite.fact("kubernetes evicts one pod, and a pod that is gone is no failure", function()
  local list = effects_of(KUBERNETES, "p:restart()")
  suite.same(list[1].args.url, "https://kubernetes.default.svc/api/v1/namespaces/shop/pods/pay-7d-x/eviction")
  suite.same({ list[1].args.accept, list[1].args.headers.Authorization },
    { { 404 }, { "Bearer ", { secret = "kubernetes" } } })
  suite.same(list[1].args.body,
    '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"pay-7d-x","namespace":"shop"}}')
end)

suite.fact("kubernetes scales, and undoes a roll-out only once", function()
  local list = effects_of(KUBERNETES, "p:scale(4) p:redeploy { version = 'previous' }")
  suite.same({ list[1].args.method, list[1].args.body }, { "PATCH", '{"spec":{"replicas":4}}' })
  suite.same({ list[2].args.argv, list[2].idempotent },
    { { "kubectl", "--namespace", "shop", "rollout", "undo", "deployment/pay" }, false })
end)

suite.fact("kubernetes without pods rolls the deployment, named after the run", function()
  local list = effects_of('require "tend.control.kubernetes" { deployment = "{service}" }', "p:restart()")
  suite.contains(list[1].args.body, '"tend/restarted-by":"run r9"')
end)

suite.fact("haproxy drains, waits, and undrains", function()
  local list = effects_of('require "tend.control.haproxy" { server = "{service}/{host}", quiet = "2s" }',
    "p:drain('pay/h1:9100') p:undrain('pay/h1:9100')")
  suite.same({ list[1].args.method, list[1].args.url, list[1].args.body }, { "PUT",
    "http://127.0.0.1:5555/v2/services/haproxy/runtime/servers/h1?backend=pay", '{"admin_state":"drain"}' })
  suite.same({ list[2].kind, list[2].args.ms, list[3].args.body }, { "wait", 2000, '{"admin_state":"ready"}' })
end)

suite.fact("a name from a label cannot leave its part of the path", function()
  local _, ended = effects_of('require "tend.control.docker" { url = "http://h:1", container = "../{service}" }',
    "p:restart()")
  suite.contains(ended.error, '"../pay" is no container name')
end)
