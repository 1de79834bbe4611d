--- Environment: the values of env/NAME.lua that `tend.env` shows.
local registry = require "tend.registry"

local environment = {}
local values = {}

-- A copy whose tables refuse changes: two files must not talk to each other through it.
local function frozen(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in pairs(value) do copy[key] = frozen(inner) end
  return copy
end

--- Runs the file that --env chose; without one there are no values.
---@param file? { name: string, text: string }
function environment.load(file)
  values = {}
  if not file then return end
  local chunk, problem = host.compile(file.text, file.name, "rule")
  local fine, result
  if chunk then fine, result = host.call(chunk) else result = problem end
  if not fine then
    local at, text = tostring(result):match("^(.-:%d+): (.*)$")
    registry.error(at or file.name .. ":1", text or tostring(result))
  elseif type(result) ~= "table" then
    registry.error(file.name .. ":1", "the file returns no table; end it with: return { … }")
  else
    values = frozen(result)
  end
end

--- A value, or nil.
---@param name string
---@return any
function environment.get(name)
  return frozen(values[name])
end

--- Names of all values, sorted.
---@return string[]
function environment.names()
  local names = {}
  for name in pairs(values) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

return environment
