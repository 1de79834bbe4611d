--- Document: the generation document, which tells the engine all that the user's Lua declares.
--
-- What crosses to C is plain data; functions stay here and are called by index.
local ahead = require "tend.ahead"
local check = require "tend.check"
local fields = require "tend.fields"
local limits = require "tend.limits"
local lint = require "tend.lint"
local registry = require "tend.registry"
local resolve = require "tend.resolve"
local source = require "tend.source"

local document = {}

local DEFAULT_KINDS = { "REFUSED", "READ_TIMEOUT", "CLOSED_EARLY" }
local WITHIN_MS = 60000
local BOTH = { "service", "group" }

local function number_all()
  for _, kind in ipairs { "rule", "playbook", "locate", "notify" } do
    for i, declaration in ipairs(registry.all(kind)) do declaration.index = i - 1 end
  end
end

-- Whether some service is in one of the groups that this rule's pack declares: then it need not be in each of them.
local function pack_is_used(rule, resolved)
  local file = source.place(rule.at)
  for _, group in ipairs(source.is_packs(rule) and registry.all "group" or {}) do
    for _, entry in ipairs(source.place(group.at) == file and resolved.every or {}) do
      if resolve.in_any({ group.name }, entry.def.groups) then return true end
    end
  end
  return false
end

-- A rule on a metric that no service has, or of which nobody expects anything, is a slip.
local function check_rule(rule, resolved)
  local when = rule.used.when
  resolve.check_names(rule, "on", rule.used.on, BOTH)
  if type(when) ~= "string" or rule.bound then return end
  local known, has, removed = {}, false, false
  for _, entry in ipairs(resolved.every) do
    if resolve.in_any(rule.used.on, entry.def.groups, entry.def.name) then
      for name in pairs(entry.metrics) do known[name] = true end
      has = has or entry.metrics[when] ~= nil
      removed = removed or entry.whole.metrics[when] == false
    end
  end
  if not next(known) then
    if pack_is_used(rule, resolved) then return end
    registry.warning(rule.at, ('rule "%s" is on nobody: no service is in %s'):format(rule.name,
      table.concat(rule.used.on or {}, ", ")))
  elseif not has and removed then
    return -- on purpose
  elseif not has then
    registry.error(source.field(rule, { "when" }), ('when = "%s": nobody it is on has this metric%s'):format(when,
      check.suggest(when, check.names(known), "there is")))
  elseif source.is_packs(rule) then
    return -- a pack's rules wait for an expectation
  elseif rule.used.ahead then
    ahead.blame_no_limit(rule)
  else
    registry.warning(source.field(rule, { "when" }),
      ('rule "%s" can never fire: nobody it is on says what is expected of %s'):format(rule.name, when))
  end
end

-- A {word} of a summary is a metric, service, instance or a label; one that nearly is a metric's name is a slip.
local function check_summary(rule, resolved)
  local known = { service = true, instance = true }
  for _, entry in ipairs(resolved.every) do
    if resolve.in_any(rule.used.on, entry.def.groups, entry.def.name) then
      for name in pairs(entry.metrics) do known[name] = true end
    end
  end
  for word in (rule.used.summary or ""):gmatch("{([%w_]+)[%w_.]*}") do
    local hint = not known[word] and check.nearest(word, check.names(known))
    if hint then
      registry.warning(source.field(rule, { "summary" }),
        ('summary: there is no {%s}; did you mean {%s}?'):format(word, hint))
    end
  end
end

local function make_rules(resolved)
  local list = {}
  for i, rule in ipairs(registry.all "rule") do
    local used = rule.used
    check_rule(rule, resolved)
    check_summary(rule, resolved)
    ahead.check(rule)
    list[i] = { name = rule.name, at = rule.at, per = used.per or "service",
      metric = type(used.when) == "string" and used.when or nil, summary = used.summary or "",
      runbook = used.runbook or "", kinds = used.kinds or DEFAULT_KINDS }
  end
  return list
end

local function make_playbooks(resolved)
  local list = {}
  for i, playbook in ipairs(registry.all "playbook") do
    local used = playbook.used
    resolve.check_names(playbook, "also", used.also, { "service" })
    if used.also then
      registry.warning(source.field(playbook, { "also" }), "also is kept, but this version acts on the culprit only")
    end
    list[i] = { name = playbook.name, at = playbook.at, within_ms = used.within or WITHIN_MS,
      limits = limits.given(used.limits), has_when = used.when ~= nil, also = used.also or {},
      source = lint.playbook_source(playbook, resolved) }
  end
  return list
end

-- The zone of what belongs to no one service: that of the group "*".
local function common_zone()
  for _, group in ipairs(registry.all "group") do
    if group.name == "*" and group.used.zone then return group.used.zone end
  end
end

-- Hours as C takes them. Without a zone anywhere they are by UTC, which is rarely meant.
local function calendar(declaration, field)
  local hours = declaration.used[field]
  if not hours then return nil end
  local zone = hours.zone or common_zone()
  if not zone then
    registry.warning(source.field(declaration, { field }), field
      .. ' has no time zone, so it is by UTC; write tend.hours("…", "Europe/Berlin"), or zone = "…" in tend.group "*"')
  end
  return { hours = hours.text, zone = zone or "UTC" }
end

local function make_notifies()
  local list = {}
  for i, notify in ipairs(registry.all "notify") do
    local used = notify.used
    resolve.check_names(notify, "on", used.on, BOTH)
    list[i] = { name = notify.name, at = notify.at, on = used.on or {}, severity = used.severity or {},
      again_ms = used.again or 0, to = #(used.to or {}), during = calendar(notify, "during"),
      outside = calendar(notify, "outside") }
  end
  return list
end

local function make_locates()
  local list = {}
  for i, locate in ipairs(registry.all "locate") do
    resolve.check_names(locate, "on", locate.used.on, BOTH)
    list[i] = { name = locate.name, at = locate.at, on = locate.used.on or {} }
  end
  return list
end

local function make_silences()
  local list = {}
  for i, silence in ipairs(registry.all "silence") do
    local used = silence.used
    resolve.check_names(silence, "on", used.on, BOTH)
    if not (used.during or used.outside or used.till) and not silence.fields.till then
      registry.error(silence.at, ('silence "%s" never ends: say when, by during, outside or till'):format(silence.name))
    end
    list[i] = { name = silence.name, at = silence.at, on = used.on or {}, why = used.why or "", from = used.from,
      till = used.till, zone = common_zone(), during = calendar(silence, "during"),
      outside = calendar(silence, "outside") }
  end
  return list
end

local function make_groups()
  local list = {}
  for i, group in ipairs(registry.all "group") do
    local at_once, per_hour = limits.together(group)
    list[i] = { name = group.name, at_once = at_once, per_hour = per_hour }
  end
  return list
end

-- Whether somebody listens to a severity of this service.
local function heard(severity, def)
  for _, notify in ipairs(registry.all "notify") do
    local listens = not notify.used.severity
    for _, one in ipairs(notify.used.severity or {}) do listens = listens or one == severity end
    if listens and resolve.in_any(notify.used.on, def.groups, def.name) then return true end
  end
  return false
end

local function check_severities(resolved)
  local known = { page = true, ticket = true, warn = true }
  for _, notify in ipairs(registry.all "notify") do
    for _, severity in ipairs(notify.used.severity or {}) do known[severity] = true end
  end
  local rules = registry.all "rule"
  for _, entry in ipairs(resolved.every) do
    for _, binding in ipairs(entry.def.rules) do
      local rule = rules[binding.rule + 1]
      if not known[binding.severity] then
        registry.error(source.field(rule, { "severity" }), ('severity = "%s" is none that anybody listens to%s'):format(
          binding.severity, check.suggest(binding.severity, check.names(known), "there is")))
      elseif binding.severity == "page" and not heard("page", entry.def) then
        registry.error(source.field(rule, { "severity" }),
          ('nobody listens to severity "page" of %s: add tend.notify "…" { on = "*", severity = "page", to = { … } }')
            :format(entry.def.name == "" and "what " .. entry.from.name .. " discovers" or entry.def.name))
      end
    end
  end
end

-- A loop of dependencies has no root, so no culprit could ever be found in it.
local function check_cycles(resolved)
  local edges, from = {}, {}
  for _, entry in ipairs(resolved.every) do
    edges[entry.def.name], from[entry.def.name] = entry.def.depends, entry.depends_from
  end
  local done = {}
  local function visit(name, path)
    for i, above in ipairs(path) do
      if above == name then
        local loop = {}
        for j = i, #path do loop[#loop + 1] = path[j] end
        loop[#loop + 1] = name
        registry.error(source.field(from[path[#path]], { "depends" }), ("depends: %s is a cycle"):format(
          table.concat(loop, " → ")))
        return
      end
    end
    if done[name] then return end
    path[#path + 1] = name
    for _, below in ipairs(edges[name] or {}) do visit(below, path) end
    path[#path] = nil
    done[name] = true
  end
  for name in pairs(edges) do visit(name, {}) end
end

local function looser()
  local list = {}
  for _, declaration in ipairs(registry.list) do
    if declaration.used and (declaration.kind == "service" or declaration.kind == "group") then
      for _, fault in ipairs(limits.looser(declaration)) do list[#list + 1] = fault end
    end
  end
  return list
end

--- Resolves and checks all that was declared.
---@return table document
---@return tend.Resolved? resolved  nil when there were errors before
function document.make()
  local made = { errors = registry.errors, warnings = registry.warnings }
  for _, declaration in ipairs(registry.list) do
    if declaration.fields then
      fields.check(declaration)
    else
      registry.error(declaration.at, ('%s "%s" has no table: write tend.%s "%s" { … }'):format(declaration.kind,
        declaration.name, declaration.kind, declaration.name))
    end
  end
  number_all()
  local resolved = resolve.services()
  made.services, made.discoveries = resolved.services, resolved.discoveries
  made.rules, made.playbooks = make_rules(resolved), make_playbooks(resolved)
  made.locates, made.notifies, made.silences = make_locates(), make_notifies(), make_silences()
  made.groups, made.looser, made.limits_text = make_groups(), looser(), resolved.texts
  check_severities(resolved)
  check_cycles(resolved)
  lint.check(resolved)
  made.modules = host.modules()
  return made, resolved
end

return document
