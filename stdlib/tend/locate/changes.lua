--- Changes: what the past of a service's metrics tells (core/engine/evidence.c), whether anything is expected of them
--- or not.
--
-- A *cause* (CPU, memory, disk, a queue) is what only the service itself feels; a *symptom* is what its callers feel; a
-- *load* is what they do to it. A service that is in line, or of whom nothing is expected, and whose causes left what
-- they were before the trouble above it began, is a suspect: its callers are out of line because of it.
local changes = {}

---@class tend.Change   of one metric, against what it was before the incident
---@field metric string
---@field class "cause"|"symptom"|"load"|"other"
---@field kind string        "resource", "latency", "error", "calls" …
---@field points number      0.7 more is twice as far beyond what it shows in health
---@field rose boolean
---@field before? number     in the metric's unit
---@field after? number
---@field onset_ms integer   when it had left what it was
---@field within_ms integer  it left that at most so long before
---@field shape "step"|"ramp"|"spike"
---@field instance? string   of one instance, which left it further than the service as a whole
---@field peers? number      what the other instances show
---@field correlation? number  −1 to 1: how it moves with the first symptom of the incident (core/locate/correlation.h)
---@field lag_s? number        it does so that much ahead; negative: behind
---@field with? { service: string, metric: string }  that symptom

-- What points of a kind are worth as a cause, from what post-mortems of exported data found (post_mortem.lua).
local WORTH = { resource = 1, waiting = 1, other = 0.5, machine = 0.3, network = 0.3 }
local FALL = 0.2 -- of a resource that fell, against one that rose
local LEAST = 1.0 -- points of a case of its own: more than twice what health reaches
-- In an incident everything moves. Only what moves as closely as this is told, and counts a little.
local CLOSE, CLOSE_POINTS = 0.85, 0.2
local SLACK_MS = 5000 -- a cause may be seen that much after its symptom, besides what a window takes to fill

--- What a change accuses its own service of: 0 for what its callers do to it or feel.
---@param change tend.Change
---@return number points
function changes.worth(change)
  local worth = (change.class == "cause" or change.class == "other") and WORTH[change.kind] or 0
  return change.points * worth * (change.rose and 1 or FALL)
end

-- The most that its load rose by: what more requests take is no fault.
local function load_of(list)
  local most = 0
  for _, change in ipairs(list) do
    if change.class == "load" and change.rose then most = math.max(most, change.points) end
  end
  return most
end

--- The strongest cause among the changes of a service that came not after the trouble it is to explain.
--- What waits in it (threads, connections) is one only where nothing else is: it may wait for what is below.
---@param list tend.Change[]
---@param onset_ms? integer   of that trouble
---@param window_ms integer   what a metric is a mean over
---@return tend.Change? change
---@return number points
function changes.cause(list, onset_ms, window_ms)
  local load, best, most, waiting, waited = load_of(list), nil, 0, nil, 0
  for _, change in ipairs(list) do
    local points = changes.worth(change) - load
    local late = onset_ms and change.onset_ms - change.within_ms > onset_ms + window_ms + SLACK_MS
    if change.kind == "waiting" then
      if points > waited and not late then waiting, waited = change, points end
    elseif points > most and not late then
      best, most = change, points
    end
  end
  if waited > most and not changes.is_case(most) then return waiting, waited end
  return best, most
end

--- Points, few, of a cause that moves with the first symptom and not behind it. They order suspects, and make none.
---@param list tend.Change[]
---@return number points
function changes.moving(list)
  local load, most = load_of(list), 0
  for _, change in ipairs(list) do
    local close = (math.abs(change.correlation or 0) - CLOSE) / (1 - CLOSE)
    if close > 0 and change.lag_s >= 0 then
      most = math.max(most, CLOSE_POINTS * close * math.min(1, changes.worth(change) - load))
    end
  end
  return most
end

--- "moves with checkout's response_time, 15 s ahead"; nil: not closely enough to be told.
---@param change tend.Change
---@param own string    the service that it is of
---@return string?
function changes.movement(change, own)
  local lag_s = change.lag_s
  if not change.with or not lag_s or math.abs(change.correlation) < CLOSE then return nil end
  local whose = change.with.service == own and "its" or change.with.service .. "'s"
  local text = ("moves %s %s %s"):format(change.correlation > 0 and "with" or "against", whose, change.with.metric)
  if math.abs(lag_s) < 1 then return text end
  return ("%s, %.0f s %s"):format(text, math.abs(lag_s), lag_s > 0 and "ahead" or "behind")
end

--- Whether points are a case of their own.
function changes.is_case(points) return points >= LEAST end

--- "40 s before the first symptom"
---@param change tend.Change
---@param onset_ms? integer
---@return string
function changes.moment(change, onset_ms)
  if not onset_ms then return "" end
  local ahead_s = (onset_ms - change.onset_ms) / 1000
  local unsure_s = change.within_ms / 1000
  if math.abs(ahead_s) <= math.max(1, unsure_s) then return " with the first symptom" end
  local about = unsure_s > math.abs(ahead_s) / 4 and "about " or ""
  if ahead_s > 0 then return (" %s%.0f s before the first symptom"):format(about, ahead_s) end
  return (" %s%.0f s after the first symptom"):format(about, -ahead_s)
end

--- "cpu 9× its usual 40 s before the first symptom"
---@param change tend.Change
---@param unit string
---@param onset_ms? integer
---@param own string      the service that it is of
---@return string
function changes.sentence(change, unit, onset_ms, own)
  local before, after = change.before, change.after
  local what = change.metric .. (change.instance and " of " .. change.instance or "")
  local ratio = before and after and before > 0 and after / before
  local text
  if ratio and ratio >= 1.5 and ratio < 1000 then
    text = (ratio < 10 and "%s %.1f× its usual" or "%s %.0f× its usual"):format(what, ratio):gsub("%.0×", "×")
  else
    text = ("%s %s from %s to %s"):format(what, change.rose and "rose" or "fell", host.format(before, unit),
      host.format(after, unit))
  end
  text = text .. changes.moment(change, onset_ms)
  if change.shape == "ramp" then text = text .. ", growing since" end
  local movement = changes.movement(change, own)
  if movement then text = ("%s; it %s"):format(text, movement) end
  if change.peers then text = ("%s (the others: %s)"):format(text, host.format(change.peers, unit)) end
  return text
end

return changes
