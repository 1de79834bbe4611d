--- Suspect: what an incident's evidence says of one service, taken by itself.
--
-- Metrics are told apart by what they say of whose fault it is: the *face* is what callers feel (latencies, errors),
-- *inner* is what only the service itself feels (memory, queues), *load* is what callers do to it, and *waiting* is
-- what piles up in a service that is slow or whose own calls are (threads, connections): its fault, or that of one
-- below it.
local failures = require "tend.locate.failures"

local suspect = {}

-- What is just out of line may come and go, and so seem to begin long after what it is the victim of. Trouble elsewhere
-- that is older than this is taken for another matter.
local STILL_FELT_MS = 3600 * 1000

---@class tend.locate.Context
---@field definition fun(service: string, metric: string): table?   the metric's definition
---@field times fun(service: string): table                         its every_ms, window_ms, timeout_ms
---@field metric_of_rule fun(rule: string): string?                  the metric that a rule judges
---@field kinds_of_rule fun(rule: string): string[]                   failures of scrapes that it takes for a fault
---@field points table<string, { points: number, reasons: string[] }>
---@field onset_ms? integer     of the first symptom of the incident
---@field edges? integer        dependencies that are known in the whole fleet; nil: not told
---@field left table<string, integer>  ms: when those that discovery no longer lists left it, not long ago
---@field beside { name: string, onset_ms?: integer, failed: boolean }[]  in trouble, or were just now, and connected
---  with no member of the incident; failed: its scrapes did

---@class tend.locate.Suspect
---@field name string
---@field data table            as the request has it
---@field out boolean
---@field hard boolean          some instance does not answer
---@field silent boolean        scrapes fail, but in ways that tell nothing of how it serves (failures.lua)
---@field face string[]         metrics out of line that callers feel: latencies and errors
---@field inner string[]        other metrics out of line
---@field load string[]         traffic out of line: what callers do to it
---@field waiting string[]      threads, connections and the like out of line: more of them
---@field by_instance table<string, boolean>  metrics that an alert of a single instance speaks of
---@field alerted boolean
---@field weak boolean          out of line, but no case of its own
---@field cause? tend.Change    what makes it a case although nothing expected of it is out of line
---@field cause_points? number
---@field onset? number         ms: when its own trouble began, load aside
---@field happened tend.Happening[]   shortly before all this
---@field explains table<string, boolean>
---@field points number         from the user's tend.locate
---@field reasons string[]      the user's

-- What a metric tells of its service. Its kind and unit come from the definition; a metric that is not defined (any
-- more) is judged by its name.
local function class_of(name, numbers, definition)
  local kind, unit = definition and definition.kind, definition and definition.unit
  if name == "up" then return "hard" end
  if name == "scrape_duration" then return "inner" end
  local word = name:lower()
  if word:find("error") or word:find("fail") then return "face" end
  if kind == "rate" then
    local named = word:find("traffic") or word:find("request") or word:find("throughput") or word:find("load")
    local starved = numbers.P and numbers.E and numbers.P < numbers.E
    return (named or starved) and "load" or "inner"
  end
  if word:find("traffic") then return "load" end
  if kind == "mean" or kind == "quantile" then return unit == "s" and "face" or "inner" end
  if word:find("latency") or word:find("response_time") or word:find("^p%d%d") then return "face" end
  return "inner"
end

-- Threads and connections that are more than expected. One that is only foretold to be grows by itself: a leak.
local function is_waiting(data, name, numbers)
  if not numbers.out or not numbers.P or not numbers.E or numbers.P < numbers.E then return false end
  for _, waits in ipairs(data.waiting or {}) do
    if waits == name then return true end
  end
  return false
end

--- The smaller of two times, either of which may be nil.
function suspect.earlier(a, b)
  if not a then return b end
  if not b then return a end
  return math.min(a, b)
end

local function class_in(one, name, numbers, context)
  if is_waiting(one.data, name, numbers) then return "waiting" end
  return class_of(name, numbers, context.definition(one.name, name))
end

local function add_metric(one, name, class, numbers)
  if class ~= "load" then one.onset = suspect.earlier(one.onset, numbers.onset_ms) end
  if class ~= "hard" then table.insert(one[class], name) elseif not one.silent then one.hard = true end
end

-- Alerts of single instances count although the service as a whole is in line: one of four that leaks is a fault.
local function add_alerts(one, context)
  for _, rule in ipairs(one.data.alerts or {}) do
    local name = context.metric_of_rule(rule)
    local numbers = name and one.data.metrics and one.data.metrics[name] or {}
    local class = name and class_in(one, name, numbers, context) or "face"
    local seen = class == "hard" and (one.hard or one.silent)
    for _, metric in ipairs(class ~= "hard" and one[class] or {}) do seen = seen or metric == name end
    if not seen and name then
      one.by_instance[name] = true
      add_metric(one, name, class, numbers)
    end
  end
end

-- Failures of scrapes that an alert of it takes for a fault.
local function named_kinds(data, context)
  local named = {}
  for _, rule in ipairs(data.alerts or {}) do
    for _, kind in ipairs(context.kinds_of_rule(rule)) do named[kind] = true end
  end
  return named
end

--- Makes the suspect of one service of the request.
---@param data table
---@param context tend.locate.Context
---@return tend.locate.Suspect
function suspect.new(data, context)
  local one = { name = data.name, data = data, out = data.out == true, hard = false, face = {}, inner = {},
    load = {}, waiting = {}, by_instance = {}, explains = {}, explained_by = {}, not_explained = {}, points = 0,
    reasons = {}, happened = {} }
  one.silent = failures.is_silent(data.failures, named_kinds(data, context))
  for name, numbers in pairs(data.metrics or {}) do
    if numbers.out then
      add_metric(one, name, class_in(one, name, numbers, context), numbers)
    end
  end
  if one.out or #(data.alerts or {}) > 0 then add_alerts(one, context) end
  -- One failed scrape of one among many is no fault yet; when the service is out of line anyway, it is a trace.
  local is_missed = data.up and (data.up <= 0.5 or data.up < 1 and one.out)
  one.silent = one.silent and is_missed
  one.hard = one.hard or is_missed and not one.silent
  one.onset = one.onset or data.onset_ms
  one.out = one.out or is_missed or #one.face + #one.inner + #one.load + #one.waiting > 0
  -- Odd traffic, or a metric of one instance that no alert speaks of, is no case of its own.
  one.alerted = #(data.alerts or {}) > 0
  local own_case = one.hard or one.silent or #one.face + #one.inner + #one.waiting > 0
    or one.alerted and #one.load == 0
  one.weak = one.out and not own_case
  return one
end

--- The largest excess over what was expected among latencies, out of line or not.
---@return number seconds   0 when there is none
---@return boolean only      nothing but latencies of its face is out of line
function suspect.latency_excess(one, context)
  local worst, only = 0, true
  for name, numbers in pairs(one.data.metrics or {}) do
    local definition = context.definition(one.name, name)
    if class_of(name, numbers, definition) == "face" then
      local is_latency = (definition and definition.unit or "s") == "s"
      if is_latency and numbers.P and numbers.E then worst = math.max(worst, numbers.P - numbers.E) end
      if not is_latency and numbers.out then only = false end
    end
  end
  return worst, only
end

--- Whether something is known of a service's face and all of it is fine: then its callers are served well.
function suspect.face_is_fine(one, context)
  if one.hard or #one.face > 0 then return false end
  for name, numbers in pairs(one.data.metrics or {}) do
    local judged = numbers.A ~= nil and not numbers.missing
    if judged and class_of(name, numbers, context.definition(one.name, name)) == "face" then return true end
  end
  return false
end

-- Which kinds of what callers feel are judged of a service: latency, and errors.
local function judged_faces(one, context)
  local latency, errors = false, false
  for metric, numbers in pairs(one.data.metrics or {}) do
    local definition = context.definition(one.name, metric)
    if numbers.A ~= nil and not numbers.missing and class_of(metric, numbers, definition) == "face" then
      if (definition and definition.unit or "s") == "s" then latency = true else errors = true end
    end
  end
  return latency, errors
end

--- Whether it may merely wait for what is below it: what piles up in it does, and it may well be slow.
---@param one tend.locate.Suspect
---@param context tend.locate.Context
function suspect.waits(one, context)
  if #one.face > 0 or not (#one.waiting > 0 or one.cause and one.cause.kind == "waiting") then return false end
  return not (judged_faces(one, context)) -- its latency is in line: nothing that it waits for is slow
end

--- Whether its trouble is plainly its own, and not felt of others: it does not answer, only it feels it, or only some
--- of its instances are in it.
---@param one tend.locate.Suspect
---@param context tend.locate.Context
function suspect.is_own_case(one, context)
  local calm = one.data.calm_share or 1 - (one.data.out_share or 1)
  local inner = #one.inner > 0 or #one.waiting > 0 and #one.face == 0 and not suspect.waits(one, context)
  return one.hard or inner or one.out and calm > 0
end

-- The largest share of requests that fail, and whether a latency of its face is out of line.
local function face_of(one, context)
  local errors, slow = 0, false
  for _, name in ipairs(one.face) do
    local numbers = one.data.metrics and one.data.metrics[name] or {}
    local definition = context.definition(one.name, name)
    if (definition and definition.unit or "s") == "s" then slow = true
    else errors = math.max(errors, numbers.P or 0) end
  end
  return errors, slow
end

-- Whether another service in the same trouble may be why this one is: both fail and the other fails more (a
-- caller fails no more often than what it calls), or both are slow, when nothing tells them apart.
local function may_be_victim_of(one, other, context)
  local errors, slow = face_of(one, context)
  local other_errors, other_slow = face_of(other, context)
  if slow and other_slow then return true end
  return errors > 0 and other_errors > 0 and errors <= other_errors
end

--- Why one culprit of an incident may be a victim of another one, which no known dependency connects with it, or of a
--- service that was in trouble just now; nil: nothing says so. Only of a service that only its callers complain of.
---@param one tend.locate.Suspect
---@param roots tend.locate.Suspect[]
---@param suspects table<string, tend.locate.Suspect>
---@param context tend.locate.Context
---@return string? reason
---@return number? confidence  in it all the same, at most
function suspect.overshadowed(one, roots, suspects, context)
  local others = {}
  for _, other in ipairs(roots) do
    if other ~= one and not one.reaches[other.name] and not other.reaches[one.name] then others[#others + 1] = other end
  end
  for _, other in ipairs(others) do
    if other.hard then
      return ("%s does not answer: it may be a victim of that, though no dependency is known"):format(other.name), 0.4
    end
  end
  for _, other in ipairs(others) do
    if may_be_victim_of(one, other, context) then
      return ("%s is in like trouble: it may be a victim of that, though no dependency is known")
        :format(other.name),
        0.7
    end
  end
  for name, other in pairs(suspects) do
    local times = context.times(name)
    local felt_ms = 2 * (times.window_ms + times.every_ms + times.timeout_ms)
    local ago_s = not other.out and other ~= one and other.data.trouble_ago_s
    if ago_s and ago_s * 1000 <= felt_ms and not one.reaches[name] and not other.reaches[one.name] then
      return ("%s was in trouble just now: what is felt of it may pass"):format(name), 0.4
    end
  end
end

--- Why a service that only its callers complain of may be a victim of what the graph does not know; nil: nothing says
--- that.
---@param one tend.locate.Suspect
---@param context tend.locate.Context
---@return string? reason
---@return number? confidence  in it all the same, at most
function suspect.unconnected(one, context)
  local times, unconnected = context.times(one.name), nil
  local near_ms = times.window_ms + 2 * (times.every_ms + times.timeout_ms)
  for _, other in ipairs(context.beside or {}) do
    local ahead_ms = one.onset and other.onset_ms and one.onset - other.onset_ms or 0
    if ahead_ms >= -near_ms and ahead_ms <= math.max(near_ms, STILL_FELT_MS) then
      if other.failed then
        return ("%s did not answer at the same time, and no dependency that is known connects them"):format(other.name),
          0.05
      end
      unconnected = unconnected or other.name
    end
  end
  if unconnected then
    return ("%s is in trouble at the same time, and no dependency that is known connects them"):format(unconnected), 0.3
  end
  if context.edges == 0 and not suspect.waits(one, context) then
    return "no dependencies are known, so it may be a victim", 0.75
  end
end

--- Unwatched services that could be behind a root: below it, with nothing known of how they serve.
---@param one tend.locate.Suspect
---@param suspects table<string, tend.locate.Suspect>
---@param context tend.locate.Context
---@return string[] unwatched
---@return string[] silent   watched, but what is out of line of the root (latency, errors) is not judged of them
function suspect.blind_spots(one, suspects, context)
  local unwatched, silent = {}, {}
  local errors, slow = face_of(one, context)
  slow = slow or suspect.waits(one, context)
  for _, name in ipairs(one.below) do
    local below = suspects[name]
    if not below.data.watched then
      unwatched[#unwatched + 1] = name
    elseif below.silent then
      silent[#silent + 1] = name
    elseif not below.out then
      local judges_latency, judges_errors = judged_faces(below, context)
      local is_seen = (judges_latency or judges_errors) and (judges_latency or not slow)
        and (judges_errors or errors == 0)
      if not is_seen then silent[#silent + 1] = name end
    end
  end
  return unwatched, silent
end

return suspect
