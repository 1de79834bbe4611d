--- Given: metrics that are expected by the value of another metric of their service, tend.learned { given = … }.
local check = require "tend.check"
local registry = require "tend.registry"
local source = require "tend.source"

local given = {}

local function load_of(made) return made and made.expect and made.expect.learned and made.expect.learned.given end

-- The metrics from this one around to it again; nil when its loads lead elsewhere.
local function circle(named, name)
  local names, at = { name }, load_of(named[name])
  while at and at ~= name and #names <= 64 do
    names[#names + 1], at = at, load_of(named[at])
  end
  return at == name and names or nil
end

local function check_one(named, name, from, owner)
  local load = load_of(named[name])
  local place = source.field(from, { "metrics", name, "expect" })
  if not named[load] and source.is_packs(from) then
    named[name].expect = nil -- a pack cannot know what there is
  elseif not named[load] then
    registry.error(place, ('metrics.%s: given = "%s": %s has no such metric%s'):format(name, load, owner,
      check.suggest(load, check.names(named), "there is")))
  elseif load == name then
    registry.error(place, ("metrics.%s: given itself it would always be as expected; name another metric"):format(name))
  else
    local names = circle(named, name)
    local first = names and #names > 0
    for _, other in ipairs(names or {}) do first = first and name <= other end
    if first then
      registry.error(place, ("metrics.%s: %s is a circle, in which each would excuse the other; %s"):format(name,
        table.concat(names, " given ") .. " given " .. name,
        'write a value, or tend.learned { season = "1w" }, for one of them'))
    end
  end
end

--- Checks what the metrics of a service are given.
---@param named table<string, table>  as metric.make returns them; an expectation of a pack's may be dropped
---@param fields_of table<string, table<any, tend.Origin>>
---@param owner string
function given.check(named, fields_of, owner)
  for _, name in ipairs(check.names(named)) do
    if load_of(named[name]) then check_one(named, name, fields_of[name].expect.from, owner) end
  end
end

return given
