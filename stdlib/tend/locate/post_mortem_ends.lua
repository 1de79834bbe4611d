--- Ends of calls: when it is the caller that is slow to reach all that it calls (post_mortem.lua).
--
-- A slow network of a caller shows on its edges, by about as many milliseconds on each, while those it calls are as
-- quick as ever when they say so themselves. It is the caller's then.
local ends = {}

local LEAST = 0.7 -- points of an edge that is slow
local CALM = 0.5 -- points of what a service says of itself, at most
local ALIKE = 3 -- times the middle one of what they rose by, at most

--- What a column counts for: one that seldom has values in health, or has none now, says less.
---@param column table
---@return number 0 … 1
function ends.weight(column)
  local known = math.min(1, column.coverage / 0.5)
  local live = math.min(1, column.live / math.max(0.1, column.coverage) / 0.5)
  return math.sqrt(known) * live
end

local function is_slow_edge(column)
  local is_latency = column.caller and column.kind == "latency" and not (column.way or column.made or column.server)
  return is_latency and column.before and column.after and column.up * ends.weight(column) >= LEAST
end

-- What each caller sees of those it calls: the strongest column of each, in the order of the callees' names.
local function slow_edges_of(view)
  local by_caller, strongest = {}, {}
  for _, column in ipairs(view.columns) do
    local edge = is_slow_edge(column) and column.caller .. ">" .. column.callee
    if edge and (not strongest[edge] or strongest[edge].up < column.up) then strongest[edge] = column end
  end
  for _, column in pairs(strongest) do
    by_caller[column.caller] = by_caller[column.caller] or {}
    table.insert(by_caller[column.caller], column)
  end
  for _, columns in pairs(by_caller) do
    table.sort(columns, function(a, b) return a.callee < b.callee end)
  end
  return by_caller
end

-- The most that each service says of its own latency.
local function told_by_themselves(view)
  local told = {}
  for _, column in ipairs(view.columns) do
    local name = column.service or column.server and column.callee
    if name and column.kind == "latency" and not column.way then told[name] = math.max(told[name] or 0, column.up) end
  end
  return told
end

local function middle_of(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

-- Whether some of those that are slow to reach say what they are like, and none says that it is slow.
local function are_calm(columns, told, timed)
  local heard = false
  for _, column in ipairs(columns) do
    if (told[column.callee] or 0) >= CALM then return false end
    heard = heard or timed[column.callee] or told[column.callee] ~= nil
  end
  return heard
end

local function common_end(caller, columns)
  local rises, points, callees, strongest = {}, {}, {}, nil
  for i, column in ipairs(columns) do rises[i] = column.after - column.before end
  local most = ALIKE * middle_of(rises)
  for _, column in ipairs(columns) do
    if column.after - column.before <= most then
      points[#points + 1] = column.up * ends.weight(column)
      callees[#callees + 1] = column.callee
      if not strongest or column.up > strongest.up then strongest = column end
    end
  end
  if #callees < 2 then return nil end
  return { caller = caller, points = middle_of(points), callees = callees, column = strongest }
end

--- The callers that are slow to reach most of what they call.
---@param services table<string, { callees: table<string, true> }>
---@param view { columns: table[] }
---@param timed table<string, true>  services that have a latency of their own
---@return { caller: string, points: number, callees: string[], column: table }[]  by caller; the callees are cleared
function ends.common(services, view, timed)
  local told, found = told_by_themselves(view), {}
  for caller, columns in pairs(slow_edges_of(view)) do
    local all = 0
    for _ in pairs(services[caller] and services[caller].callees or {}) do all = all + 1 end
    if #columns >= 2 and 2 * #columns > all and are_calm(columns, told, timed) then
      found[#found + 1] = common_end(caller, columns)
    end
  end
  table.sort(found, function(a, b) return a.caller < b.caller end)
  return found
end

return ends
