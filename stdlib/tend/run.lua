--- Run: one run of a playbook: the `p` that `run = function(p)` gets.
--
-- Every reading of the world and every act is an effect, yielded to the engine and answered by it; the script is a pure
-- function of what was frozen at the start and of the answers, so that it can be rebuilt after a crash.
-- A step that fails raises. At the top, what has an undo is undone in reverse order and the run ends.
local template = require "tend.template"
local view = require "tend.view"

local run = {}

---@class tend.RunState
---@field frozen table
---@field verbs table<string, function>  of the culprit's control
---@field undo { name: string, act: function }[]  what to do when the run fails, in order
---@field verified boolean  nothing was done since the incident was verified
---@field context? { verb: string, instance?: table }  the verb that is being carried out

local states = setmetatable({}, { __mode = "k" }) -- p → its state, out of the script's reach

local Run = {}
local run_meta = {
  __index = function(p, key)
    if Run[key] then return Run[key] end
    local frozen = states[p].frozen
    if key == "culprit" then return states[p].culprit_view end
    if key == "alerts" then return frozen.alerts or {} end
    if key == "id" then return frozen.run or "" end
    error(("a playbook has no p:%s"):format(tostring(key)), 2)
  end,
  __newindex = function() error("p cannot be changed", 2) end,
  __metatable = false,
}

local function state_of(p)
  local state = type(p) == "table" and states[p]
  if not state then error("call it with a colon: p:restart(i)", 3) end
  return state
end

-- Where the script is; while undoing, or at the end, the playbook's own line.
local function place(state)
  local at = host.caller()
  return at ~= "" and at or state.playbook.at
end

local function fail(state, text) error(("%s: %s"):format(place(state), text), 0) end

local CHANGES = { exec = true, http = true, mail = true }

-- Asks for one effect and returns the value of its answer; raises when it failed.
local function ask(state, kind, arguments, options)
  options = options or {}
  local context = state.context or {}
  local instance = options.instance or context.instance
  local at = place(state)
  local answer = host.yield {
    kind = kind, args = arguments, verb = context.verb, instance = instance and instance.name,
    undo = state.undoing or false, idempotent = options.idempotent or false, at = at,
  }
  if CHANGES[kind] then state.verified = false end
  if answer.ok then return answer.value or {} end
  local what = context.verb or kind
  local owner = instance and instance.name or state.frozen.culprit.name
  local outcome = answer.outcome == "unknown" and "has an unknown outcome" or "failed"
  error(("%s: %s %s %s: %s"):format(at, what, owner, outcome, answer.error or "no reason was given"), 0)
end

local function duration_ms(state, what, value)
  if type(value) ~= "string" then fail(state, ('%s wants a duration like "30s"'):format(what)) end
  local ms, reason = host.duration(value)
  if not ms then fail(state, ("%s: %s"):format(what, reason)) end
  return ms
end

-- The instance that a script or a control names; nil stays nil.
local function instance_of(state, instance)
  if instance == nil then return nil end
  local name = type(instance) == "table" and instance.name or instance
  local known = state.instances[name]
  if not known then fail(state, ('"%s" is no instance of %s'):format(tostring(name), state.frozen.culprit.name)) end
  return known
end

local function push_undo(state, name, act) state.undo[#state.undo + 1] = { name = name, act = act } end

local function drop_undo(state, name)
  for i = #state.undo, 1, -1 do
    if state.undo[i].name == name then
      table.remove(state.undo, i)
      return
    end
  end
end

-- Acts ----------------------------------------------------------------------------------------------------------------

local function check_keys(state, what, spec, known)
  if type(spec) ~= "table" then fail(state, what .. " wants a table") end
  for key in pairs(spec) do
    if not known[key] then fail(state, ("%s: unknown field %s"):format(what, tostring(key))) end
  end
end

-- A script that lists its programs may start no others; a control's programs are part of its declaration.
local function check_program(state, argv)
  local programs = state.playbook.used.programs
  if not programs or state.context then return end
  for _, program in ipairs(programs) do
    if program == argv[1] then return end
  end
  fail(state, ('p:exec: "%s" is not among the playbook\'s programs'):format(argv[1]))
end

local EXEC = { argv = true, timeout = true, timeout_ms = true, idempotent = true, undo = true }

--- Runs a program: `p:exec { argv = { "systemctl", "restart", "x" }, timeout = "30s", idempotent = true }`.
function Run:exec(spec)
  local state = state_of(self)
  check_keys(state, "p:exec", spec, EXEC)
  local argv = {}
  for i, argument in ipairs(type(spec.argv) == "table" and spec.argv or {}) do
    if type(argument) ~= "string" and type(argument) ~= "number" or tostring(argument):find("%z") then
      fail(state, ("p:exec: argument %d is no text"):format(i))
    end
    argv[i] = tostring(argument)
  end
  if #argv == 0 then fail(state, 'p:exec wants argv = { "program", … }') end
  check_program(state, argv)
  local timeout_ms = spec.timeout_ms or spec.timeout and duration_ms(state, "p:exec: timeout", spec.timeout) or 30000
  local value = ask(state, "exec", { argv = argv, timeout_ms = timeout_ms }, { idempotent = spec.idempotent })
  if spec.undo then push_undo(state, "exec", spec.undo) end
  return value
end

local HTTP = { method = true, url = true, headers = true, body = true, timeout = true, timeout_ms = true,
  idempotent = true, accept = true, undo = true }

local function accepted(status, accept)
  if status >= 200 and status < 300 then return true end
  for _, other in ipairs(accept or {}) do
    if other == status then return true end
  end
  return false
end

--- Sends a request: `p:http { method = "POST", url = "http://…", body = { a = 1 }, accept = { 304 } }`.
function Run:http(spec)
  local state = state_of(self)
  check_keys(state, "p:http", spec, HTTP)
  local method, headers, body = spec.method or "GET", {}, spec.body
  for name, value in pairs(spec.headers or {}) do headers[name] = value end
  if type(body) == "table" and not rawget(body, "secret") and body[1] == nil then
    body = host.json(body)
    headers["Content-Type"] = headers["Content-Type"] or "application/json"
  end
  local timeout_ms = spec.timeout_ms or spec.timeout and duration_ms(state, "p:http: timeout", spec.timeout) or 30000
  local idempotent = spec.idempotent
  if idempotent == nil then idempotent = method == "GET" or method == "HEAD" end
  local value = ask(state, "http", { method = method, url = spec.url, headers = next(headers) and headers, body = body,
    timeout_ms = timeout_ms, accept = spec.accept }, { idempotent = idempotent })
  if value.status and not accepted(value.status, spec.accept) then
    local context = state.context or {}
    fail(state, ("%s %s failed: HTTP %d %s"):format(context.verb or "http",
      context.instance and context.instance.name or state.frozen.culprit.name, value.status,
      tostring(value.body or ""):gsub("%c", " "):sub(1, 200)))
  end
  if spec.undo then push_undo(state, "http", spec.undo) end
  return value
end

--- Sends a mail: `p:mail { to = "ops@example.org", subject = "…", body = "…" }`.
function Run:mail(spec)
  local state = state_of(self)
  check_keys(state, "p:mail", spec, { to = true, subject = true, body = true, server = true })
  return ask(state, "mail", spec)
end

--- Waits: `p:wait "30s"`.
function Run:wait(text)
  local state = state_of(self)
  ask(state, "wait", { ms = duration_ms(state, "p:wait", text) })
end

--- Writes a line into the run's story: `p:note "cache is cold"`.
function Run:note(text) ask(state_of(self), "note", { text = tostring(text) }) end

--- Calls a person: `p:escalate "the disk is full"`.
function Run:escalate(text) ask(state_of(self), "escalate", { text = tostring(text) }) end

--- Waits until samples newer than the last act say that an instance, or without one the incident, is in line again.
function Run:verify(instance)
  local state = state_of(self)
  local one = instance_of(state, instance)
  ask(state, "verify", nil, { instance = one, idempotent = true })
  if not one then state.verified = true end
end

--- The instances that are out of line, the worst first; ends when the incident is cured.
--
--     for i in p:worst_first() do p:restart(i) p:verify(i) end
function Run:worst_first()
  local state = state_of(self)
  return function()
    local name = ask(state, "pick", nil, { idempotent = true }).instance
    return name and instance_of(state, name) or nil
  end
end

--- Calls a function whose steps may fail: `local fine, problem = p:try(function() p:exec { … } end)`.
function Run:try(body, ...)
  state_of(self)
  return pcall(body, ...)
end

--- Another service that the playbook lists in `also`. This version acts on the culprit only, so it raises.
function Run:at(name)
  local state = state_of(self)
  fail(state, ('p:at("%s"): this version of tend acts on the culprit only'):format(tostring(name)))
end

--- Fills {service}, {host} … of a text or a list: for controls.
function Run:fill(what, instance, arguments)
  local state = state_of(self)
  local fine, filled = pcall(template.fill, what, state.frozen.culprit, instance_of(state, instance), arguments)
  if not fine then fail(state, filled) end
  return filled
end

-- Verbs of the control ------------------------------------------------------------------------------------------------

local function carry_out(p, state, verb, instance, arguments)
  local outer = state.context
  state.context = { verb = verb, instance = instance }
  local fine, result = pcall(state.verbs[verb], p, instance, arguments)
  state.context = outer
  if not fine then error(result, 0) end
  return result
end

-- A step on a culprit whose control lacks the verb: the remedy does not fit, and nothing was tried.
local function require_verb(state, verb)
  if state.verbs[verb] then return end
  state.unfit = true
  fail(state, ("%s: its control has no %s"):format(state.frozen.culprit.name, verb))
end

local function refuse_approval(state, verb, arguments)
  if type(arguments) == "table" and arguments.approve then
    fail(state, ("%s wants a person's yes (approve), which this version cannot ask for: not done"):format(verb))
  end
end

-- Out of line before in line, then by the largest alert index, then as they were frozen.
local function by_worst(state)
  local list = {}
  for i, instance in ipairs(state.frozen.culprit.instances or {}) do
    local worst = 0
    for _, metric in pairs(instance.metrics or {}) do worst = math.max(worst, metric.A or 0) end
    list[i] = { instance = instance, out = instance.out and 1 or 0, worst = worst, index = i }
  end
  table.sort(list, function(a, b)
    if a.out ~= b.out then return a.out > b.out end
    if a.worst ~= b.worst then return a.worst > b.worst end
    return a.index < b.index
  end)
  return list
end

--- Restarts an instance; without one each instance in turn, the worst first.
function Run:restart(instance)
  local state = state_of(self)
  require_verb(state, "restart")
  if instance ~= nil then return carry_out(self, state, "restart", instance_of(state, instance)) end
  for _, entry in ipairs(by_worst(state)) do carry_out(self, state, "restart", state.instances[entry.instance.name]) end
end

--- Deploys a version: `p:redeploy { version = "previous" }`.
function Run:redeploy(arguments)
  local state = state_of(self)
  require_verb(state, "redeploy")
  refuse_approval(state, "redeploy", arguments)
  return carry_out(self, state, "redeploy", nil, arguments or {})
end

--- Sets the number of instances: `p:scale(4)`.
function Run:scale(replicas)
  local state = state_of(self)
  require_verb(state, "scale")
  local arguments = type(replicas) == "table" and replicas or { replicas = replicas }
  refuse_approval(state, "scale", arguments)
  local count = arguments.replicas
  if type(count) ~= "number" or count < 1 or count % 1 ~= 0 then
    fail(state, "p:scale wants a whole number, 1 or more")
  end
  return carry_out(self, state, "scale", nil, arguments)
end

-- drain and undrain are each other's undo. Without a control for them they are noted and passed over: a service that no
-- balancer stands before has nothing to be drained from.
local function balance(p, verb, opposite, instance)
  local state = state_of(p)
  local one = instance_of(state, instance)
  if not state.verbs[verb] then
    p:note(("%s has no %s: passed over"):format(state.frozen.culprit.name, verb))
    return
  end
  carry_out(p, state, verb, one)
  local name = one and one.name or ""
  drop_undo(state, "undo " .. verb .. " " .. name)
  if state.verbs[opposite] and verb == "drain" then
    push_undo(state, "undo " .. opposite .. " " .. name, function() carry_out(p, state, opposite, one) end)
  end
end

--- Takes an instance out of its balancer. Undone by undrain when the run fails.
function Run:drain(instance) return balance(self, "drain", "undrain", instance) end

--- Puts an instance back into its balancer.
function Run:undrain(instance) return balance(self, "undrain", "drain", instance) end

-- The run -------------------------------------------------------------------------------------------------------------

local function in_groups(groups, name)
  for _, group in ipairs(groups or {}) do
    if group == name then return true end
  end
  return false
end

--- The resolved definition of a service: its own, else that of the discovery that finds such services.
---@param resolved tend.Resolved
---@param name string
---@param groups? string[]  groups that the service is in, to tell one discovery from another
---@return table? entry
function run.entry_of(resolved, name, groups)
  local own, template_entry, first
  for _, entry in ipairs(resolved and resolved.every or {}) do
    if entry.def.name == name then
      own = own or entry
      if in_groups(groups, entry.from.name) then own = entry end
    elseif entry.def.name == "" then
      first = first or entry
      if in_groups(groups, entry.from.name) then template_entry = entry end
    end
  end
  return own or template_entry or first
end

local function new_instances(frozen, entry)
  local instances = {}
  for _, instance in ipairs(frozen.culprit.instances or {}) do
    local seen = view.make(instance, entry and entry.metrics, true)
    instances[instance.name] = seen
  end
  return instances
end

local function undo_all(state)
  local outcome = "none"
  state.undoing = true
  for i = #state.undo, 1, -1 do
    local fine, problem = pcall(state.undo[i].act, state.p)
    if not fine then return "failed", problem end
    outcome = "done"
  end
  return outcome
end

--- Runs a playbook to its end; called in a coroutine.
---@param playbook tend.Declaration
---@param frozen table
---@param resolved tend.Resolved
---@return table  { ok = true } or { ok = false, error, undo, unfit }
function run.playbook(playbook, frozen, resolved)
  frozen.culprit = frozen.culprit or { name = "?" }
  local entry = run.entry_of(resolved, frozen.culprit.name, frozen.culprit.groups)
  local state = { playbook = playbook, frozen = frozen, verbs = entry and entry.verbs or {}, undo = {},
    verified = false }
  local p = setmetatable({}, run_meta)
  state.p, states[p] = p, state
  state.instances = new_instances(frozen, entry)
  state.culprit_view = view.make(frozen.culprit, entry and entry.metrics, true)
  local fine, problem = host.call(playbook.used.run, p)
  if fine and not state.verified then
    fine, problem = pcall(function() p:verify() end)
  end
  if fine then return { ok = true } end
  local undo, undo_problem = undo_all(state)
  local text = tostring(problem)
  if undo_problem then text = ("%s; and the undo failed: %s"):format(text, tostring(undo_problem)) end
  return { ok = false, error = text, undo = undo, unfit = state.unfit }
end

return run
