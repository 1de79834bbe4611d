--- Locate: who is at fault in an incident. The shipped locator (tend.locate.graph), the points that the user's
--- tend.locate give, and whether the culprits' remedies fit.
local graph = require "tend.locate.graph"
local lint = require "tend.lint"
local registry = require "tend.registry"
local resolve = require "tend.resolve"
local run = require "tend.run"
local view = require "tend.view"

local locate = {}

local TIMES = { every_ms = 15000, window_ms = 60000, timeout_ms = 10000 }

-- Points and reasons of the user's locators, by service.
local function user_points(request, entry_of, errors)
  local points = {}
  for _, declaration in ipairs(registry.all "locate") do
    for _, service in ipairs(request.services) do
      local entry = entry_of(service)
      if resolve.in_any(declaration.used.on, entry and entry.def.groups or { "*" }, service.name) then
        local seen, state = view.make(service, entry and entry.metrics)
        host.progress("locate", declaration.index)
        local fine, score, reason = host.call(declaration.used.score, seen, { id = request.incident })
        if not fine then
          errors[#errors + 1] = { what = "locate", index = declaration.index, text = tostring(score) }
        elseif type(score) == "number" and score == score and not state.unknown then
          local given = points[service.name] or { points = 0, reasons = {} }
          points[service.name] = given
          given.points = given.points + math.max(-10, math.min(10, score))
          if type(reason) == "string" then given.reasons[#given.reasons + 1] = reason end
        end
      end
    end
  end
  return points
end

-- Whether a playbook is worth trying: its `when` holds, and the control has the verbs that it plainly uses.
local function fits(playbook, service, entry, errors)
  for verb in pairs(lint.verbs(playbook)) do
    if entry and not entry.verbs[verb] then return false end
  end
  if not playbook.used.when then return true end
  local seen, state = view.make(service, entry and entry.metrics)
  host.progress("playbook", playbook.index)
  local fine, holds = host.call(playbook.used.when, seen)
  if not fine then
    errors[#errors + 1] = { what = "playbook", index = playbook.index, text = tostring(holds) }
    return false
  end
  return holds ~= nil and holds ~= false and not state.unknown
end

--- Answers {"kind":"locate"}.
---@param request { incident: string, services: table[] }
---@param resolved tend.Resolved
---@return table
function locate.answer(request, resolved)
  local errors, by_name = {}, {}
  for _, service in ipairs(request.services) do by_name[service.name] = service end
  local entries = {} -- found once: each of them is asked for a few times a metric
  local function entry_of(service)
    entries[service] = entries[service] or run.entry_of(resolved, service.name, service.groups) or false
    return entries[service] or nil
  end
  local context = {
    points = user_points(request, entry_of, errors),
    definition = function(name, metric)
      local entry = by_name[name] and entry_of(by_name[name])
      return entry and entry.metrics[metric]
    end,
    times = function(name)
      local entry = by_name[name] and entry_of(by_name[name])
      return entry and entry.def or TIMES
    end,
    onset_ms = request.onset_ms, edges = request.edges, beside = request.beside or {},
    left = request.left or {},
    metric_of_rule = function(name)
      local rule = registry.find("rule", name)
      local when = rule and rule.used.when
      return type(when) == "string" and when or nil
    end,
    kinds_of_rule = function(name)
      local rule = registry.find("rule", name)
      return rule and rule.used.kinds or {}
    end,
  }
  local answer = graph.rank(request.services, context)
  answer.fits, answer.errors = nil, errors
  local playbooks = registry.all "playbook"
  for _, name in ipairs(answer.culprits) do
    local service, list = by_name[name], {} -- no service: it left discovery
    local entry = service and entry_of(service)
    for i, index in ipairs(service and service.remedies or {}) do
      list[i] = playbooks[index + 1] ~= nil and fits(playbooks[index + 1], service, entry, errors)
    end
    answer.fits = answer.fits or {}
    answer.fits[name] = list
  end
  return answer
end

return locate
