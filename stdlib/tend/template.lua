--- Template: fills {service}, {host} and the like into the arguments of a control. One argument stays one argument.
local template = {}

-- What the names stand for: arguments of the verb first, then the instance's labels and facts, then the service's.
local function values_of(culprit, instance, arguments)
  local values = {}
  for name, value in pairs(culprit.labels or {}) do values[name] = value end
  values.version = culprit.version
  if instance then
    for name, value in pairs(instance.labels or {}) do values[name] = value end
    values.host, values.port, values.address = instance.host, instance.port, instance.address
    values.instance, values.version = instance.name, instance.version or values.version
  end
  values.service = culprit.name
  for name, value in pairs(arguments or {}) do values[name] = value end
  return values
end

local function fill_one(text, values, owner)
  return (text:gsub("{([%a_][%w_]*)}", function(name)
    local value = values[name]
    if type(value) ~= "string" and type(value) ~= "number" or value == "" then
      error(('"{%s}" is not known of %s'):format(name, owner), 0)
    end
    value = tostring(value)
    -- A label that looks like an option must not become one, and no value may end a line or a text early.
    if value:sub(1, 1) == "-" then
      error(('{%s} of %s is "%s": a value may not begin with "-"'):format(name, owner, value), 0)
    end
    if value:find("%c") then error(("{%s} of %s has control characters in it"):format(name, owner), 0) end
    return value
  end))
end

--- Fills a text, or each text of a list. Raises when a name is not known or a value could be taken for an option.
---@param what string|string[]
---@param culprit table    name, version, labels
---@param instance? table  nil: the service as a whole
---@param arguments? table of the verb: p:redeploy { version = … }
---@return string|string[]
function template.fill(what, culprit, instance, arguments)
  local values, owner = values_of(culprit, instance, arguments), instance and instance.name or culprit.name
  if type(what) == "string" then return fill_one(what, values, owner) end
  local filled = {}
  for i, text in ipairs(what) do filled[i] = fill_one(text, values, owner) end
  return filled
end

return template
