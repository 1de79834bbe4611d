--- View: what `when`, `score` and `p.culprit` see of a service: its metrics by name, and a few facts.
--
-- As in a rule, reading a metric that has no data makes the whole answer unknown: the view remembers that it happened,
-- for a script may have swallowed the consequence. `.missing` says why and is not such a reading.
local view = {}

local NUMBERS = { P = true, E = true, F = true, A = true, eta = true }
local NAN = 0 / 0

local function metric_view(owner, name, data, state)
  return setmetatable({}, {
    __index = function(_, key)
      if key == "missing" then return data.missing end
      if not NUMBERS[key] and key ~= "out" then
        error(("a metric has P E F A out eta missing, not '%s'"):format(tostring(key)), 2)
      end
      if data.missing then
        state.unknown = ("%s of %s has no data: %s"):format(name, owner, data.missing)
        if state.strict then error(state.unknown, 2) end
        return key ~= "out" and NAN or false
      end
      if key == "out" then return data.out == true end
      if not data[key] and key ~= "eta" then -- nothing is expected of it, say
        state.unknown = ("%s of %s has no %s"):format(name, owner, key)
        if state.strict then error(state.unknown, 2) end
      end
      return data[key] or NAN
    end,
    __newindex = function() error("what a script reads cannot be changed", 2) end,
    __metatable = false,
  })
end

-- A script may change what it was given, and nobody else is to see it.
local function copy(value)
  if type(value) ~= "table" then return value end
  local made = {}
  for key, inner in pairs(value) do made[key] = copy(inner) end
  return made
end

-- Every metric that the definition declares is there: with no data when the engine told none.
local function metric_names(data, declared)
  local names = {}
  for name in pairs(data.metrics or {}) do names[name] = data.metrics[name] end
  for name in pairs(declared or {}) do names[name] = names[name] or { missing = "no series" } end
  return names
end

--- Makes the view of a service or an instance.
---@param data table       name, labels, version, out_share, deployed_ago_s, metrics
---@param declared? table  metrics that it has, by name, whatever the data holds
---@param strict? boolean  raise when a metric without data is read
---@return table view
---@return { unknown?: string } state  why the answer is unknown, once it is
function view.make(data, declared, strict)
  local state = { strict = strict }
  local metrics = {}
  local known = metric_names(data, declared)
  for name, numbers in pairs(known) do metrics[name] = metric_view(data.name, name, numbers, state) end
  local facts = {
    name = data.name, labels = data.labels or {}, version = data.version, out_share = data.out_share or 0,
    host = data.host, port = data.port, address = data.address, out = data.out, evidence = copy(data.evidence or {}),
    logs = copy(data.logs or {}), happened = copy(data.happened or {}),
    deployed_within = function(_, text)
      local ms, reason = host.duration(text)
      if not ms then error(reason, 2) end
      return data.deployed_ago_s ~= nil and data.deployed_ago_s * 1000 <= ms
    end,
  }
  local optional = { version = true, host = true, port = true, address = true, out = true }
  local made = setmetatable({}, {
    __index = function(_, key)
      if metrics[key] then return metrics[key] end
      if facts[key] ~= nil or optional[key] then return facts[key] end
      local names = {}
      for name in pairs(metrics) do names[#names + 1] = name end
      error(("no metric '%s' on %s; it has: %s"):format(tostring(key), data.name, table.concat(names, ", ")), 2)
    end,
    __newindex = function() error("what a script reads cannot be changed", 2) end,
    __metatable = false,
  })
  return made, state
end

return view
