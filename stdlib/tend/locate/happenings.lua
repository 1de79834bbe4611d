--- Happenings: what was done to a service or became of its processes shortly before the trouble: a deploy, another
--- configuration, a restart (core/engine/happening.h). Somebody told it (`tend deploy`), or its targets show it.
--
-- It orders suspects that are out of line, and tells a person where to look first; it makes no culprit, as most deploys
-- do no harm.
local changes = require "tend.locate.changes"

local happenings = {}

---@class tend.Happening
---@field what "version"|"config"|"flag"|"reload"|"reload failed"|"restart"
---@field at_ms integer   when it was told, or seen first
---@field times integer   how often since
---@field from? string    the version before
---@field to? string      the version
---@field who? string     who told it; nil: it was seen
---@field why? string

local SHORTLY_MS = 600 * 1000 -- before the first symptom
local TOLD = 2
local POINTS = { version = 0.5, config = 0.5, flag = 0.5, reload = 0.5, ["reload failed"] = 0.5, restart = 0.25 }

--- Those that may be why: shortly before the first symptom, or so soon after it as a scrape may come.
---@param list tend.Happening[]
---@param onset_ms? integer
---@param times table   every_ms and timeout_ms of the service
---@return tend.Happening[]  the newest first
function happenings.near(list, onset_ms, times)
  local near = {}
  for i = #list, 1, -1 do
    local one = list[i]
    local late_ms = onset_ms and one.at_ms - onset_ms or 0
    local is_near = onset_ms and late_ms >= -SHORTLY_MS and late_ms <= times.every_ms + times.timeout_ms
    if is_near then near[#near + 1] = one end
  end
  return near
end

---@param near tend.Happening[]
---@return number points
function happenings.points(near)
  local most = 0
  for _, one in ipairs(near) do most = math.max(most, POINTS[one.what] or 0) end
  return most
end

local function what_of(one)
  if one.what == "version" then
    if one.who then return one.to and ("version %s deployed"):format(one.to) or "deployed" end
    return one.from and one.to and ("version %s in place of %s"):format(one.to, one.from) or "another build runs"
  end
  if one.what == "config" then return one.who and "config changed" or "another config in use" end
  if one.what == "flag" then return "flag changed" end
  if one.what == "reload" then return "config reloaded" end
  if one.what == "reload failed" then return "config reload failed" end
  return "process restarted"
end

-- "config reloaded 30 s before the first symptom"
local function sentence(one, onset_ms, times)
  local within_ms = one.who and 0 or times.every_ms -- what is seen happened since the scrape before
  local text = what_of(one) .. changes.moment({ onset_ms = one.at_ms, within_ms = within_ms }, onset_ms)
  if not one.who and one.times > 1 then text = ("%s, %d times since"):format(text, one.times) end
  if not one.who then return text end
  return ("%s, told by %s%s"):format(text, one.who, one.why and ": " .. one.why or "")
end

--- What is told of them, the plainest first.
---@param near tend.Happening[]
---@param onset_ms? integer
---@param times table
---@return string[]
function happenings.sentences(near, onset_ms, times)
  local ordered = {}
  for i, one in ipairs(near) do ordered[i] = { one = one, index = i } end
  table.sort(ordered, function(a, b)
    local points, others = POINTS[a.one.what] or 0, POINTS[b.one.what] or 0
    if points ~= others then return points > others end
    return a.index < b.index
  end)
  local list = {}
  for i = 1, math.min(#ordered, TOLD) do list[i] = sentence(ordered[i].one, onset_ms, times) end
  return list
end

return happenings
