--- What the traffic of services tells: which of them do nothing any more, and which merely got more to do
--- (post_mortem.lua).
local ends = require "tend.locate.post_mortem_ends"

local traffic = {}

local RISEN = 0.5 -- points of traffic that rose
local IN_STEP = 1.3 -- times what the traffic grew by, at most: grew with it
local DOUBLED = 2 -- so much more traffic may bring what was never there
local STOPPED = 0.1 -- of a caller's share that is left, at most: does nothing any more
local SILENT = 0.03 -- of what the busiest has left, at most: does nothing, whoever calls it
local DRIVEN = 2.5 -- times what a caller's traffic grew by, at least: the caller's doing

-- How many times as often each service is called as before.
local function find_loads(services, view)
  local strongest = {}
  for _, column in ipairs(view.columns) do
    local service = column.kind == "calls" and column.service and services[column.service]
    local points = service and (column.before or 0) > 0 and column.up * ends.weight(column) or 0
    if points >= RISEN and points > (strongest[column.service] or 0) then
      strongest[column.service], service.load = points, column.after / column.before
    end
  end
end

-- Of what comes and goes while a service works, the share that is left: of all of it, the column with the most.
local function find_what_is_left(services, view, flows)
  local counts, most = {}, {}
  for _, column in ipairs(view.columns) do
    local service = (column.kind == "calls" or column.kind == "network") and column.service and services[column.service]
    local is_silent = column.silence and column.live < 0.5 * column.coverage
    local left = service and (column.left or is_silent and 0)
    if left then
      local name = column.service
      counts[name] = (counts[name] or 0) + 1
      if not most[name] or left > most[name] then most[name], service.last_flow = left, column end
    end
  end
  for name, count in pairs(counts) do
    if count >= (flows[name] or 0) then services[name].left = most[name] end
  end
end

--- Sets of each service `load` (times as often called as before), `left` (share of its traffic) and `last_flow`.
---@param services table<string, table>
---@param view { columns: table[] }
---@param flows table<string, integer>  how many columns each has of what comes and goes while it works
function traffic.measure(services, view, flows)
  for _, service in pairs(services) do service.load, service.left = 1, 1 end
  find_loads(services, view)
  find_what_is_left(services, view, flows)
end

local function has_stopped(service, caller) return service.left <= STOPPED * caller.left end

-- Nobody knows who calls whom: while some still work, who does nothing at all is dead, or all of those share it.
local function stopped_among_all(services, service)
  local busiest, count = 0, 0
  for _, other in pairs(services) do busiest = math.max(busiest, other.left) end
  if service.left > SILENT * busiest then return 0 end
  for _, other in pairs(services) do count = count + (other.left <= SILENT * busiest and 1 or 0) end
  return 1 / count
end

--- Whether a service does nothing any more while one that calls it still works: it is dead, or hangs. A caller that
--- calls none of several any more may have its own reasons, so they share what speaks against them.
---@param services table<string, table>
---@param service table
---@param is_known boolean  whether anything is known of who calls whom
---@return number share  0 … 1
function traffic.stopped(services, service, is_known)
  if not is_known then return stopped_among_all(services, service) end
  local share = 0
  for name in pairs(service.callers) do
    local caller, count = services[name], 0
    if has_stopped(service, caller) then
      for other in pairs(caller.callees) do count = count + (has_stopped(services[other], caller) and 1 or 0) end
      share = math.max(share, 1 / count)
    end
  end
  return share
end

--- Whether a service is called far more by one that is not itself called so much more: what it then feels is load.
---@param services table<string, table>
---@param service table
---@return boolean
function traffic.is_driven(services, service)
  for name in pairs(service.callers) do
    if service.load >= DRIVEN * services[name].load then return true end
  end
  return false
end

--- Whether a resource grew no more than the traffic of its service did.
---@param service table
---@param column table
---@return boolean
function traffic.explains(service, column)
  if service.load <= 1 or not column.before or not column.after then return false end
  if column.before <= 0 then return service.load >= DOUBLED end
  return column.after <= IN_STEP * service.load * column.before
end

return traffic
