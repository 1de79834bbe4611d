--- Inherit: what a service is, made whole from "*", its groups and itself. Nearest wins.
--
-- Layers are applied from far to near: "*", then `is` from left to right (each after what it is itself), then the
-- service. `metrics`, `rules` and `limits` merge by key, a metric and a rule by field; anything else is replaced;
-- `false` removes. Each value keeps the declaration that it came from, so that a fault is blamed on the right line.
local check = require "tend.check"
local registry = require "tend.registry"
local source = require "tend.source"

local inherit = {}

---@class tend.Origin   a value and where it was written
---@field value any
---@field from tend.Declaration

---@class tend.Whole     a service with all that it inherits
---@field groups string[]
---@field plain table<string, tend.Origin>
---@field metrics table<string, table<any, tend.Origin>>
---@field rules table<string, table<string, tend.Origin>|false>
---@field limits table<string, tend.Origin>

-- Adds a group's own groups, then itself, each once: of two ways to one group the farther counts.
local function add_group(chain, name, asking, path)
  local group = registry.find("group", name)
  if not group then
    local groups = {}
    for _, declaration in ipairs(registry.all "group") do groups[#groups + 1] = declaration.name end
    registry.error(source.field(asking, { "is" }), ('is = "%s": there is no such group%s'):format(name,
      check.suggest(name, groups)))
    return
  end
  if path[name] then
    registry.error(source.field(asking, { "is" }), ('is = "%s": the group would be part of itself'):format(name))
    return
  end
  if chain[name] then return end
  path[name] = true
  for _, parent in ipairs(group.used.is or {}) do add_group(chain, parent, group, path) end
  path[name] = nil
  if not chain[name] then
    chain[name] = true
    chain[#chain + 1] = group
  end
end

--- The layers of a service, from far to near.
---@param service? tend.Declaration  nil: the template of a discovery
---@param found_in? string           group whose discovery finds it
---@return tend.Declaration[]
function inherit.layers(service, found_in)
  local chain = {}
  if registry.find("group", "*") then add_group(chain, "*", registry.find("group", "*"), {}) end
  if found_in then add_group(chain, found_in, service or registry.find("group", found_in), {}) end
  if service then
    for _, name in ipairs(service.used.is or {}) do add_group(chain, name, service, {}) end
    chain[#chain + 1] = service
  end
  return chain
end

-- Of alpha and out_at the nearer one holds, so the farther one goes.
local RIVAL = { alpha = "out_at", out_at = "alpha" }

local function merge_fields(into, fields, from)
  for key, value in pairs(fields) do
    local removed = value == false and key ~= "act" -- `act = false` is a value like any other
    into[key] = not removed and { value = value, from = from } or nil
    if RIVAL[key] and fields[RIVAL[key]] == nil then into[RIVAL[key]] = nil end
  end
end

local function merge_named(into, named, from)
  for name, fields in pairs(named or {}) do
    if fields == false then
      into[name] = false
    else
      into[name] = into[name] or {}
      merge_fields(into[name], fields, from)
    end
  end
end

local MERGED = { metrics = true, rules = true, limits = true, is = true, together = true }

--- Merges layers to a whole.
---@param layers tend.Declaration[]
---@return tend.Whole
function inherit.merge(layers)
  local whole = { groups = {}, plain = {}, metrics = {}, rules = {}, limits = {} }
  for _, layer in ipairs(layers) do
    local used = layer.used
    if layer.kind == "group" then whole.groups[#whole.groups + 1] = layer.name end
    for key, value in pairs(used) do
      if not MERGED[key] then whole.plain[key] = value ~= false and { value = value, from = layer } or nil end
    end
    merge_named(whole.metrics, used.metrics, layer)
    merge_named(whole.rules, used.rules, layer)
    if used.limits == false then
      whole.limits = {}
    else
      merge_fields(whole.limits, used.limits or {}, layer)
    end
  end
  if whole.groups[1] ~= "*" then table.insert(whole.groups, 1, "*") end
  return whole
end

return inherit
