--- Limits: the charter's for a service, what a service may say instead, and where that is looser.
local registry = require "tend.registry"
local source = require "tend.source"

local limits = {}

--- What holds where the user says nothing (at_once is at least one instance, whatever share says).
limits.CHARTER = { at_once = 1, share = 0.1, min_healthy = 1, per_hour = 5, cooldown_ms = 5 * 60 * 1000, attempts = 3,
  confidence = 0.8 }

-- Whether a larger number allows more.
local MORE_IS_LOOSER = { at_once = true, share = true, per_hour = true, attempts = true }

local function shown(name, value)
  if name ~= "cooldown" then return tostring(value) end
  for _, unit in ipairs { { 3600000, "h" }, { 60000, "m" }, { 1000, "s" } } do
    if value % unit[1] == 0 then return ('"%d%s"'):format(value / unit[1], unit[2]) end
  end
  return ('"%dms"'):format(value)
end

local function document_key(name) return name == "cooldown" and "cooldown_ms" or name end

--- The limits of a service, complete.
---@param merged table<string, tend.Origin>
---@return table
function limits.complete(merged)
  local made = {}
  for key, value in pairs(limits.CHARTER) do made[key] = value end
  for name, origin in pairs(merged) do made[document_key(name)] = origin.value end
  return made
end

--- The limits of a playbook: only those given.
---@param fields? table
---@return table? nil when there are none
function limits.given(fields)
  local made
  for name, value in pairs(fields or {}) do
    if value ~= false then
      made = made or {}
      made[document_key(name)] = value
    end
  end
  return made
end

--- Each limit of a service or group that is looser than the charter, as { at, text }.
---@param declaration tend.Declaration
---@return tend.Fault[]
function limits.looser(declaration)
  local found = {}
  for name, value in pairs(declaration.used.limits or {}) do
    local charter = limits.CHARTER[document_key(name)]
    local looser = false
    if value ~= false then
      if MORE_IS_LOOSER[name] then looser = value > charter else looser = value < charter end
    end
    if looser then
      found[#found + 1] = {
        at = source.field(declaration, { "limits", name }),
        text = ("%s: %s = %s is looser than the charter's %s"):format(declaration.name, name, shown(name, value),
          shown(name, charter)),
      }
    end
  end
  return found
end

--- Faults of a service's limits that only show with its instances: min_healthy that no act could ever keep.
---@param service { name: string, from: tend.Declaration, instances?: integer }
---@param merged table<string, tend.Origin>
---@param remedies? tend.Origin
function limits.check(service, merged, remedies)
  local origin = merged.min_healthy
  local least = origin and origin.value or limits.CHARTER.min_healthy
  if not remedies or #remedies.value == 0 or not service.instances or service.instances == 0 then return end
  if least < service.instances then return end
  local from, path = service.from, { "targets" }
  if origin then from, path = origin.from, { "limits", "min_healthy" } end
  registry.error(source.field(from, path),
    ('"%s" can never be acted on: min_healthy is %d%s and it has %d instance%s; %s'):format(service.name, least,
      origin and "" or " (the charter's)", service.instances, service.instances == 1 and "" or "s",
      service.instances == 1 and "write limits = { min_healthy = 0 } to say that an outage is accepted"
        or ("write %d or less"):format(service.instances - 1)))
end

--- Whether a group has a limit of its own for all its members.
---@param group tend.Declaration
---@return number? at_once, number? per_hour
function limits.together(group)
  local together = group.used.together or {}
  return together.at_once or nil, together.per_hour or nil
end

return limits
