--- Resolve: from the declarations to the services, each whole, with its metrics, rules and limits.
local ahead = require "tend.ahead"
local check = require "tend.check"
local given = require "tend.given"
local inherit = require "tend.inherit"
local limits = require "tend.limits"
local metric = require "tend.metric"
local registry = require "tend.registry"
local source = require "tend.source"

local resolve = {}

local EVERY_MS, WINDOW_MS, TIMEOUT_MS = 15000, 60000, 10000

--- All services, discoveries and names of a generation while it is made.
---@class tend.Resolved
---@field services table[]     DEFs of declared services with targets of their own
---@field discoveries table[]
---@field every table[]        all DEFs, templates too
---@field texts string[]       what `tend check` prints of limits

local function declared_names(kinds)
  local names = {}
  for _, kind in ipairs(kinds) do
    for _, declaration in ipairs(registry.all(kind)) do names[#names + 1] = declaration.name end
  end
  return names
end

--- Checks that each name of a field is a service or a group.
---@param declaration tend.Declaration
---@param field string
---@param names string[]
---@param kinds string[]
function resolve.check_names(declaration, field, names, kinds)
  for _, name in ipairs(names or {}) do
    local known = name == "*" and #kinds > 1
    for _, kind in ipairs(kinds) do known = known or registry.find(kind, name) ~= nil end
    if not known then
      local hint = check.suggest(name, declared_names(kinds))
      if hint == "" then hint = ('; if discovery finds it, say so: tend.service "%s" {}'):format(name) end
      local what = #kinds > 1 and "service or group" or "service"
      registry.error(source.field(declaration, { field }),
        ('%s = "%s": there is no such %s%s'):format(field, name, what, hint))
    end
  end
end

local function plain(whole, name, default)
  local origin = whole.plain[name]
  if origin then return origin.value, origin.from end
  return default
end

local function make_metrics(whole, service, texts, owner)
  local list, named = {}, {}
  local fields_of = { up = {}, scrape_duration = {} }
  service.zone = plain(whole, "zone")
  for name, fields in pairs(whole.metrics) do
    if fields == false and fields_of[name] then
      registry.error(service.from.at, ("metric %s is always there; it cannot be removed"):format(name))
    else
      fields_of[name] = fields or nil
    end
  end
  for name, fields in pairs(fields_of) do
    local made = metric.make(name, fields, service)
    if made then
      list[#list + 1], named[name] = made, made
    end
  end
  given.check(named, fields_of, service.name)
  for name, made in pairs(named) do
    local text = owner and (name ~= "up" or next(fields_of.up)) and metric.text(owner, made)
    if text then texts[#texts + 1] = text end
  end
  return list, named
end

local function in_any(names, groups, own)
  for _, name in ipairs(names or {}) do
    if name == own then return true end
    for _, group in ipairs(groups) do
      if name == group then return true end
    end
  end
  return false
end
resolve.in_any = in_any

-- Where a rule's times and clear_below were written, by field, so that `tend tune` can say what to change there.
local function written_at(rule, changes)
  local from = {}
  for _, name in ipairs { "fire_after", "clear_below", "clear_after" } do
    if changes and changes[name] then
      from[name] = source.origin(changes[name].from, { "rules", rule.name, name })
    elseif rule.used[name] then
      from[name] = source.origin(rule, { name })
    end
  end
  return next(from) and from
end

-- The rules that hold for a service: those on it or a group of it, with its own changes.
local function bind_rules(whole, service, metrics, texts, owner)
  local bindings = {}
  for _, rule in ipairs(registry.all "rule") do
    local used, changes = rule.used, whole.rules[rule.name]
    local judged = type(used.when) == "string" and metrics[used.when]
    -- A metric of which nothing is expected is never out of line: such a rule would be dead weight.
    local fits = type(used.when) == "function" or judged and judged.expect
    if in_any(used.on, whole.groups, service.name) and changes ~= false and fits then
      local function get(name, default)
        local change = changes and changes[name]
        if change then return change.value end
        if used[name] == nil or used[name] == false and type(default) ~= "boolean" then return default end
        return used[name]
      end
      local ahead_ms = get("ahead", 0)
      ahead.bind(rule, ahead_ms, metrics)
      texts[#texts + 1] = owner and ahead.text(owner, rule, ahead_ms) or nil
      bindings[#bindings + 1] = {
        rule = rule.index, fire_after_ms = get("fire_after", 0), clear_below = get("clear_below", 0.9),
        clear_after_ms = get("clear_after", 0), missing = get("missing", "hold"), severity = get("severity", "warn"),
        act = get("act", false), ahead_ms = ahead_ms,
        from = written_at(rule, changes) or nil,
      }
      rule.bound = true
    end
  end
  return bindings
end

local function check_rule_changes(whole)
  for name, changes in pairs(whole.rules) do
    if changes and not registry.find("rule", name) then
      for _, origin in pairs(changes) do
        registry.error(source.field(origin.from, { "rules", name }), ('rules: there is no rule "%s"%s'):format(name,
          check.suggest(name, declared_names { "rule" })))
      end
    end
  end
end

local function remedy_indexes(whole)
  local names, from = plain(whole, "remedies", {})
  local indexes = {}
  for _, name in ipairs(names) do
    local playbook = registry.find("playbook", name)
    if playbook then
      indexes[#indexes + 1] = playbook.index
    else
      registry.error(source.field(from, { "remedies" }), ('remedies: there is no playbook "%s"%s'):format(name,
        check.suggest(name, declared_names { "playbook" }, "declared")))
    end
  end
  return indexes
end

--- The verbs that a control table brings, by name; two that bring the same are an error.
---@param control table
---@param declaration tend.Declaration
---@return table<string, function>
local function verbs_of(control, declaration)
  local verbs = {}
  local function add(name, run)
    if type(run) ~= "function" then
      registry.error(source.field(declaration, { "control" }), ("control: %s is no function but %s"):format(
        tostring(name), check.show(run)))
    elseif verbs[name] then
      registry.error(source.field(declaration, { "control" }), ('two controls bring "%s"'):format(name))
    else
      verbs[name] = run
    end
  end
  for _, one in ipairs(control) do
    if type(one) ~= "table" then
      registry.error(source.field(declaration, { "control" }), ("control: %s is no control"):format(check.show(one)))
    else
      for name, run in pairs(one) do add(name, run) end
    end
  end
  for name, run in pairs(control) do
    if type(name) == "string" then add(name, run) end
  end
  return verbs
end

local function times(whole)
  local every, every_from = plain(whole, "every", EVERY_MS)
  local window, window_from = plain(whole, "window", WINDOW_MS)
  local timeout, timeout_from = plain(whole, "timeout", math.min(every, TIMEOUT_MS))
  if every < 100 then
    registry.error(source.field(every_from, { "every" }), 'every is too often; write "100ms" or more')
  elseif timeout < 10 then
    registry.error(source.field(timeout_from, { "timeout" }), 'timeout is too short; write "10ms" or more')
  elseif timeout > every then
    registry.error(source.field(timeout_from, { "timeout" }),
      ("timeout (%s) is longer than every (%s): the next scrape would be due before it"):format(
        host.format_duration(timeout), host.format_duration(every)))
  elseif window < 2 * every then
    local from = window_from or every_from
    local text = "window is shorter than two scrapes: rates, means and shares need two"
    if from then registry.warning(source.field(from, { window_from and "window" or "every" }), text) end
  end
  return every, window, timeout
end

-- The hours of a service, by its own clock: in the zone of the hours, else in that of the service.
local function awake_of(whole)
  local awake, from = plain(whole, "awake")
  if not awake then return nil end
  local zone = awake.zone or plain(whole, "zone")
  if not zone then
    registry.warning(source.field(from, { "awake" }),
      'awake has no time zone, so it is by UTC; write tend.hours("…", "Europe/Berlin"), or zone = "Europe/Berlin"')
  end
  return { hours = awake.text, zone = zone or "UTC" }
end

-- Makes the DEF of a merged service. `owner` is what limits_text calls it; nil: it is not listed.
local function make(whole, service, owner, resolved)
  local metrics, named = make_metrics(whole, service, resolved.texts, owner)
  local every, window, timeout = times(whole)
  local depends, depends_from = plain(whole, "depends", {})
  if depends_from then resolve.check_names(depends_from, "depends", depends, { "service" }) end
  local control, control_from = plain(whole, "control", {})
  local verbs = verbs_of(control, control_from or service.from)
  local version, record = plain(whole, "version"), plain(whole, "record", {})
  if type(record) == "table" then
    for _, selector in ipairs(record) do
      local fine, reason = host.selector(selector)
      if not fine then registry.error(source.field(whole.plain.record.from, { "record" }), "record: " .. reason) end
    end
  else
    record = { '{__name__=~".+"}' }
  end
  local edges, recorded = plain(whole, "edges", {}), {}
  for i, selector in ipairs(record) do recorded[i] = selector end
  for _, edge in ipairs(edges) do recorded[#recorded + 1] = edge.series end
  check_rule_changes(whole)
  limits.check(service, whole.limits, whole.plain.remedies)
  local def = {
    name = service.name, at = service.from.at, groups = whole.groups, targets = service.targets,
    watched = service.watched, every_ms = every, window_ms = window, timeout_ms = timeout, depends = depends,
    version = version, metrics = metrics, rules = bind_rules(whole, service, named, resolved.texts, owner),
    remedies = remedy_indexes(whole),
    limits = limits.complete(whole.limits), verbs = check.names(verbs), record = recorded, edges = edges,
    zone = plain(whole, "zone"),
    awake = awake_of(whole), gone_after_ms = plain(whole, "gone_after"), logs = plain(whole, "logs"),
  }
  resolved.every[#resolved.every + 1] = { def = def, verbs = verbs, whole = whole, from = service.from,
    control_from = control_from, depends_from = depends_from, metrics = named }
  return def
end

local function discovery_of(declaration)
  local targets = declaration.used.targets
  return type(targets) == "table" and targets.is == "discovery" and targets or nil
end

-- Whether the service is found by the discovery of this group: it is in the group, or in no group with a discovery.
local function found_in(service, group)
  local any = false
  for _, layer in ipairs(inherit.layers(service)) do
    if layer == group then return true end
    if layer.kind == "group" and layer.name ~= "*" and discovery_of(layer) then any = true end
  end
  return not any
end

local function members_of(entries)
  return function(group)
    local names = {}
    for _, entry in ipairs(entries) do
      if in_any({ group }, entry.groups) then names[#names + 1] = entry.name end
    end
    return names
  end
end

local function make_discovery(group, overrides, resolved)
  local found = discovery_of(group)
  local discovery = { at = found.at or group.at, group = group.name, overrides = {} }
  for key, value in pairs(found.document) do discovery[key] = value end
  if not discovery.service_label then
    registry.error(discovery.at, 'a discovery needs service = LABEL: which label names the service, like "app"')
  end
  local whole = inherit.merge(inherit.layers(nil, group.name))
  local template = { name = "", from = group, targets = {}, watched = true }
  discovery.template = make(whole, template, group.name .. ":*", resolved)
  for _, service in ipairs(overrides) do
    local merged = inherit.merge(inherit.layers(service, group.name))
    discovery.overrides[#discovery.overrides + 1] = make(merged,
      { name = service.name, from = service, targets = {}, watched = true }, service.name, resolved)
  end
  return discovery
end

-- Sorts declared services into those with targets and those that some discovery has to find.
local function sort_services()
  local own, waiting = {}, {}
  for _, service in ipairs(registry.all "service") do
    local whole = inherit.merge(inherit.layers(service))
    local targets = plain(whole, "targets")
    local faulty = service.fields.targets and not service.used.targets -- which was told already
    if discovery_of(service) then
      registry.error(source.field(service, { "targets" }),
        "a discovery belongs in a group: it finds services; the targets of a service are addresses")
    elseif type(targets) == "table" and targets.is ~= "discovery" then
      own[#own + 1] = { service = service, whole = whole, targets = targets, name = service.name,
        groups = whole.groups }
    elseif not faulty then
      waiting[#waiting + 1] = service
    end
  end
  return own, waiting
end

local function unfound(service)
  local known = {}
  for _, other in ipairs(registry.all "service") do
    if other ~= service then
      for _, name in ipairs(other.used.depends or {}) do known[#known + 1] = name end
      known[#known + 1] = other.name
    end
  end
  local hint = check.suggest(service.name, known)
  if hint == "" then hint = "; give it targets = { … }, or targets = {} when it is known but not watched" end
  registry.error(service.at, ('service "%s" is neither discovered nor given targets%s'):format(service.name, hint))
end

--- Resolves all services of the generation; declarations have been checked field by field before.
---@return tend.Resolved
function resolve.services()
  local resolved = { services = {}, discoveries = {}, every = {}, texts = {} }
  local own, waiting = sort_services()
  local groups = {}
  for _, group in ipairs(registry.all "group") do
    if discovery_of(group) then groups[#groups + 1] = group end
  end
  -- Who is in a group is not known before discovery has looked, so peers are only counted without one.
  local members = #groups == 0 and members_of(own) or nil
  for _, entry in ipairs(own) do
    resolved.services[#resolved.services + 1] = make(entry.whole, { name = entry.name, from = entry.service,
      targets = entry.targets, watched = #entry.targets > 0, instances = #entry.targets, members = members },
      #entry.targets > 0 and entry.name or nil, resolved)
  end
  local found = {}
  for _, group in ipairs(groups) do
    local overrides = {}
    for _, service in ipairs(waiting) do
      if found_in(service, group) then
        overrides[#overrides + 1], found[service] = service, true
      end
    end
    resolved.discoveries[#resolved.discoveries + 1] = make_discovery(group, overrides, resolved)
  end
  for _, service in ipairs(waiting) do
    if not found[service] then unfound(service) end
  end
  return resolved
end

return resolve
