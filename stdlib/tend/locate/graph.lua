--- Graph: the shipped locator. Among the services out of line, those whose own dependencies do not explain it.
--
-- A caller sees a service through three things only: whether it answers (`up`), how long that takes, and how often it
-- fails. These are its *face*. So a service explains the trouble of its callers when its face is out of line, or when
-- nothing is known of its face and something else is; a service whose callers are served well explains nothing, however
-- full its memory is, but may be a second culprit of its own. Three traps that a plain walk down the graph falls into:
--
--   a hung service is seen last: its scrape has to time out first, its victims are slow at once. So no culprit is named
--     while a dependency has not been scraped since all this began ("wait").
--   a dead caller starves what it calls: traffic that fell is a symptom of the callers', never a reason to blame.
--   a dependency that is a little slow: 5 ms more below cannot be 5 s more above. Latencies are compared in seconds.
--
-- Pure: services in, a ranking out. Order is by score, then by name, so the same request gives the same answer.
local graph = {}

local CONFIDENT, CERTAIN = 0.9, 0.95

-- A request may call a dependency several times, so a dependency that is slower by a tenth of what its caller lost may
-- still be the reason; one that is slower by less is not.
local LATENCY_FAN_OUT = 10

---@class tend.locate.Context
---@field definition fun(service: string, metric: string): table?   the metric's definition
---@field times fun(service: string): table                         its every_ms, window_ms, timeout_ms
---@field metric_of_rule fun(rule: string): string?                  the metric that a rule judges
---@field points table<string, { points: number, reasons: string[] }>

---@class tend.locate.Suspect
---@field name string
---@field data table            as the request has it
---@field out boolean
---@field hard boolean          some instance does not answer
---@field face string[]         metrics out of line that callers feel: latencies and errors
---@field inner string[]        other metrics out of line
---@field load string[]         traffic out of line: what callers do to it
---@field onset? number         ms: when its own trouble began, load aside
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

local function earlier(a, b)
  if not a then return b end
  if not b then return a end
  return math.min(a, b)
end

local function add_metric(suspect, name, class, numbers)
  if class ~= "load" then suspect.onset = earlier(suspect.onset, numbers.onset_ms) end
  if class == "hard" then suspect.hard = true else table.insert(suspect[class], name) end
end

-- Alerts of single instances count although the service as a whole is in line: one of four that leaks is a fault.
local function add_alerts(suspect, context)
  for _, rule in ipairs(suspect.data.alerts or {}) do
    local name = context.metric_of_rule(rule)
    local numbers = name and suspect.data.metrics and suspect.data.metrics[name] or {}
    local class = name and class_of(name, numbers, context.definition(suspect.name, name)) or "face"
    local seen = class == "hard" and suspect.hard
    for _, metric in ipairs(class ~= "hard" and suspect[class] or {}) do seen = seen or metric == name end
    if not seen and name then add_metric(suspect, name, class, numbers) end
  end
end

local function new_suspect(data, context)
  local suspect = { name = data.name, data = data, out = data.out == true, hard = false, face = {}, inner = {},
    load = {}, explains = {}, explained_by = {}, not_explained = {}, points = 0, reasons = {} }
  for name, numbers in pairs(data.metrics or {}) do
    if numbers.out then
      add_metric(suspect, name, class_of(name, numbers, context.definition(data.name, name)), numbers)
    end
  end
  if suspect.out or #(data.alerts or {}) > 0 then add_alerts(suspect, context) end
  -- One failed scrape of one among many is no fault yet; when the service is out of line anyway, it is a trace.
  if data.up and (data.up <= 0.5 or data.up < 1 and suspect.out) then suspect.hard = true end
  suspect.onset = suspect.onset or data.onset_ms
  suspect.out = suspect.out or suspect.hard or #suspect.face + #suspect.inner + #suspect.load > 0
  suspect.only_load = suspect.out and not suspect.hard and #suspect.face + #suspect.inner == 0 and #suspect.load > 0
  return suspect
end

-- Everything that a service depends on, near or far, in a fixed order; loops are walked once.
local function reach(suspects, name)
  local found, list = {}, {}
  local function walk(from)
    for _, below in ipairs(suspects[from] and suspects[from].data.depends or {}) do
      if not found[below] then
        found[below] = true
        if suspects[below] and below ~= name then list[#list + 1] = below end
        walk(below)
      end
    end
  end
  walk(name)
  return list, found
end

-- Whether each depends on the other: the graph cannot tell who drags whom.
local function in_loop(a, b) return a.reaches[b.name] and b.reaches[a.name] end

-- The largest excess over what was expected among latencies that are out of line, in seconds; 0 when there is none.
local function latency_excess(suspect, context)
  local worst, only = 0, true
  for _, name in ipairs(suspect.face) do
    local definition = context.definition(suspect.name, name)
    local numbers = suspect.data.metrics[name] or {}
    local is_latency = (definition and definition.unit or "s") == "s"
    if is_latency and numbers.P and numbers.E then
      worst = math.max(worst, numbers.P - numbers.E)
    elseif not is_latency then
      only = false
    end
  end
  return worst, only
end

-- Whether something is known of a service's face and all of it is fine: then its callers are served well.
local function face_is_fine(suspect, context)
  if suspect.hard or #suspect.face > 0 then return false end
  for name, numbers in pairs(suspect.data.metrics or {}) do
    local judged = numbers.A ~= nil and not numbers.missing
    if judged and class_of(name, numbers, context.definition(suspect.name, name)) == "face" then return true end
  end
  return false
end

-- How late the trouble of a service may show after that of its victims: a window must fill, a scrape must time out.
local function lag_ms(context, name)
  local times = context.times(name)
  return times.window_ms + 2 * (times.every_ms + times.timeout_ms)
end

-- Whether trouble below explains trouble above, and if not, why not.
local function explains(below, above, context)
  if not below.out or below.only_load then return false end
  if below.onset and above.onset and above.onset + lag_ms(context, below.name) < below.onset then
    local ahead_s = (below.onset - above.onset) / 1000
    return false, ("%s was out of line %.0f s before %s"):format(above.name, ahead_s, below.name)
  end
  if below.hard or below.points > 0 then return true end
  if face_is_fine(below, context) then
    return false, ("%s serves its callers as expected"):format(below.name)
  end
  local lost, only_latency = latency_excess(below, context)
  local felt, felt_only_latency = latency_excess(above, context)
  local comparable = #below.face > 0 and only_latency and felt_only_latency and not above.hard
  if comparable and lost * LATENCY_FAN_OUT < felt then
    return false, ("%s lost only %s"):format(below.name, host.format(lost, "s"))
  end
  return true
end

-- Notes for each service out of line who explains it, and why those below that are out of line do not.
local function link(suspects, context)
  for name, suspect in pairs(suspects) do suspect.below, suspect.reaches = reach(suspects, name) end
  for name, above in pairs(suspects) do
    for _, other in ipairs(above.out and above.below or {}) do
      local below = suspects[other]
      if below.out and not in_loop(below, above) then
        local yes, why = explains(below, above, context)
        if yes then
          above.explained_by[#above.explained_by + 1] = other
          below.explains[name] = true
        elseif why then
          above.not_explained[#above.not_explained + 1] = why
        end
      end
    end
  end
end

-- Traffic that fell or rose is what callers do: explained when anything above or beside is in real trouble.
local function explain_load(suspects)
  local in_trouble
  for name, suspect in pairs(suspects) do
    if suspect.out and not suspect.only_load then in_trouble = in_trouble or name end
  end
  for _, suspect in pairs(suspects) do
    if suspect.only_load and in_trouble then suspect.explained_by[1] = suspect.explained_by[1] or in_trouble end
  end
end

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

local function worst_a(suspect)
  local worst = 0
  for _, numbers in pairs(suspect.data.metrics or {}) do
    if numbers.out then worst = math.max(worst, numbers.A or 0) end
  end
  return worst
end

-- Points: how plainly its own fault shows, how far it is out, whom it explains. Victims keep a quarter, to be ranked
-- still.
local function score_of(suspect)
  local score = 0
  if suspect.hard then score = 3 elseif #suspect.face > 0 then score = 2
  elseif #suspect.inner > 0 then score = 1.5 elseif suspect.out then score = 0.5 end
  if suspect.out then score = score + math.log(1 + math.min(worst_a(suspect), 100)) / 2 end
  score = score + 0.5 * count(suspect.explains)
  local deployed = suspect.data.deployed_ago_s
  if suspect.out and deployed and deployed < 3600 then score = score + 0.5 end
  if #(suspect.explained_by or {}) > 0 then score = score / 4 end
  return score + suspect.points
end

-- Unwatched services that could be behind a root: below it, with nothing known of them.
local function blind_spots(suspect, suspects)
  local unwatched, silent = {}, {}
  for _, name in ipairs(suspect.below) do
    local below = suspects[name]
    if not below.data.watched then
      unwatched[#unwatched + 1] = name
    elseif not below.out then
      local judged = false
      for metric, numbers in pairs(below.data.metrics or {}) do
        judged = judged or metric ~= "scrape_duration" and numbers.A ~= nil and not numbers.missing
      end
      if not judged then silent[#silent + 1] = name end
    end
  end
  return unwatched, silent
end

-- Confidence that acting on this root is right. Each number is a statement of what could make it wrong:
--   0.95  it does not answer; a process that is gone or hangs needs no theory
--   0.9   its face or its inside is out of line, and all below it is watched and in line
--   0.75  it was out of line well before what it depends on, which is out of line too: two faults, or a slow start
--   0.7   three or more services broke on their own at once: a cause that they share is likelier than chance
--   0.6   all its instances are out of line at once and something below is unwatched or silent: it may be its victim
--   0.5   services that depend on each other in a loop: the graph cannot tell them apart; or only its traffic is odd
-- The usual limit for acting is 0.8, so all below 0.8 calls a person.
local function confidence_of(suspect, roots, suspects, context)
  if suspect.only_load or not suspect.out then return 0.5 end
  local confidence = suspect.hard and CERTAIN or CONFIDENT
  local unwatched, silent = blind_spots(suspect, suspects)
  local own = suspect.hard or #suspect.inner > 0 or (suspect.data.out_share or 1) < 1
  if not own and #unwatched + #silent > 0 then confidence = math.min(confidence, 0.6) end
  for _, below in ipairs(suspect.hard and {} or suspect.below) do
    local other = suspects[below]
    if other.out and in_loop(other, suspect) then confidence = math.min(confidence, 0.5) end
    local began_later = (other.onset or 0) > (suspect.onset or 0)
    if other.out and not other.only_load and began_later and not face_is_fine(other, context) then
      confidence = math.min(confidence, 0.75)
    end
  end
  if #roots >= 3 then confidence = math.min(confidence, 0.7) end
  if suspect.points < 0 then confidence = math.min(confidence, 0.5) end
  return confidence
end

-- Reasons -------------------------------------------------------------------------------------------------------------

local function listing(names)
  if #names <= 3 then
    return #names < 2 and (names[1] or "") or table.concat(names, ", ", 1, #names - 1) .. " and " .. names[#names]
  end
  return ("%s, %s and %d more"):format(names[1], names[2], #names - 2)
end

local function metric_sentence(suspect, name, context)
  local numbers = suspect.data.metrics[name] or {}
  local definition = context.definition(suspect.name, name)
  local unit = definition and definition.unit or ""
  if not numbers.P or not numbers.E then return nil end
  local text = ("%s %s where %s was expected"):format(name, host.format(numbers.P, unit), host.format(numbers.E, unit))
  if numbers.F and numbers.A then text = ("%s, F %.3g, A %.3g"):format(text, numbers.F, numbers.A) end
  return text
end

local function up_sentence(suspect)
  if not suspect.hard then return nil end
  local instances, up = suspect.data.instances or 1, suspect.data.up
  local kinds = {}
  for kind in pairs(suspect.data.failures or {}) do kinds[#kinds + 1] = kind end
  return ("up %s of %d%s"):format(up and ("%.0f"):format(up * instances) or "fewer", instances,
    #kinds > 0 and " (" .. table.concat(kinds, ", ") .. ")" or "")
end

local function callers_sentence(suspect, suspects)
  local names, soonest = {}, nil
  for name in pairs(suspect.explains) do
    names[#names + 1] = name
    soonest = earlier(soonest, suspects[name].onset)
  end
  if #names == 0 then return nil end
  local text = ("%s %s on it"):format(listing(names), #names == 1 and "depends" or "depend")
  if not soonest or not suspect.onset then
    return ("%s and %s out of line too"):format(text, #names == 1 and "is" or "are")
  end
  local delay = (soonest - suspect.onset) / 1000
  if delay >= 1 then return ("%s and %s %.0f s later"):format(text, #names == 1 and "follows" or "follow", delay) end
  if delay <= -1 then -- a window had to fill here, or a scrape to time out
    return ("%s and %s seen out of line %.0f s before"):format(text, #names == 1 and "was" or "were", -delay)
  end
  return ("%s and %s out of line since the same time"):format(text, #names == 1 and "is" or "are")
end

local function below_sentence(suspect, suspects)
  if #suspect.explained_by > 0 then
    if suspect.only_load then return "only its traffic changed, which is its callers' doing" end
    return ("explained by %s, which it depends on"):format(listing(suspect.explained_by))
  end
  if #suspect.not_explained > 0 then return table.concat(suspect.not_explained, "; ") end
  local unwatched, silent = blind_spots(suspect, suspects)
  if #unwatched > 0 then return ("it depends on %s, which nobody watches"):format(listing(unwatched)) end
  if #silent > 0 then return ("it depends on %s, of which there is no data"):format(listing(silent)) end
  if #suspect.below > 0 then return "nothing it depends on is out of line" end
end

local function reasons_of(suspect, suspects, context)
  local numbers = {}
  local metrics = {}
  for _, class in ipairs { "face", "inner", "load" } do
    for _, name in ipairs(suspect[class]) do metrics[#metrics + 1] = name end
  end
  numbers[1] = up_sentence(suspect)
  for i = 1, math.min(#metrics, 3) do numbers[#numbers + 1] = metric_sentence(suspect, metrics[i], context) end
  local reasons = {}
  if #numbers > 0 then reasons[1] = table.concat(numbers, "; ") end
  reasons[#reasons + 1] = callers_sentence(suspect, suspects)
  reasons[#reasons + 1] = below_sentence(suspect, suspects)
  local deployed = suspect.data.deployed_ago_s
  if deployed and deployed < 3600 then
    reasons[#reasons + 1] = ("version %s is out since %s"):format(suspect.data.version or "?",
      host.format_duration(math.floor(deployed) * 1000))
  end
  for _, reason in ipairs(suspect.reasons) do reasons[#reasons + 1] = reason end
  return reasons
end

-- Who is it? ----------------------------------------------------------------------------------------------------------

local function find_roots(suspects)
  local roots = {}
  for _, suspect in pairs(suspects) do
    if suspect.out and #suspect.explained_by == 0 then roots[#roots + 1] = suspect end
  end
  -- Services of one loop share the blame; the most telling of them stands for all.
  local chosen = {}
  table.sort(roots, function(a, b)
    if a.score ~= b.score then return a.score > b.score end
    return a.name < b.name
  end)
  for _, root in ipairs(roots) do
    local in_loop_of
    for _, other in ipairs(chosen) do
      if in_loop(root, other) then in_loop_of = other end
    end
    if in_loop_of then
      in_loop_of.explains[root.name], root.explained_by[1] = true, in_loop_of.name
    else
      chosen[#chosen + 1] = root
    end
  end
  return chosen
end

-- Two or more roots below which the same unwatched service stands: it is likelier than all of them at once.
local function blame_unwatched(roots, suspects)
  local shared = {}
  for _, root in ipairs(roots) do
    local own = root.hard or #root.inner > 0 or (root.data.out_share or 1) < 1
    for _, name in ipairs(own and {} or (blind_spots(root, suspects))) do
      shared[name] = shared[name] or {}
      table.insert(shared[name], root)
    end
  end
  for name, victims in pairs(shared) do
    if #victims >= 2 and #victims == #roots then
      local suspect, names = suspects[name], {}
      for _, victim in ipairs(victims) do
        suspect.explains[victim.name] = true
        names[#names + 1] = victim.name
        victim.shares_unwatched = name
      end
      table.sort(names)
      suspect.score = suspect.score + 3
      suspect.reasons[#suspect.reasons + 1] = ("nobody watches it, and %s depend on it"):format(listing(names))
      return suspect
    end
  end
end

-- What nobody watches below a root is worth a look by a person.
local function mention_blind_spots(roots, suspects)
  for _, root in ipairs(roots) do
    local unwatched, silent = blind_spots(root, suspects)
    for why, names in pairs { ["nobody watches it"] = unwatched, ["there is no data of it"] = silent } do
      for _, name in ipairs(names) do
        local suspect = suspects[name]
        suspect.mentioned = true
        suspect.score = math.max(suspect.score, root.score / 4)
        suspect.reasons[#suspect.reasons + 1] = ("%s, and %s depends on it"):format(why, root.name)
      end
    end
  end
end

-- A dependency of a root that nobody has looked at since this began: it may be the one, seen last because it hangs.
local function wait_for(roots, suspects)
  for _, root in ipairs(roots) do
    for _, name in ipairs(root.below) do
      local below = suspects[name]
      local looked_at = below.data.fresh or (below.data.instances or 1) == 0
      if below.data.watched and not below.out and not looked_at then
        return ("%s, which %s depends on, has not been scraped since this began"):format(name, root.name)
      end
    end
  end
end

-- What another root depends on comes first, for it is put right first; else the higher score.
local function order_culprits(roots)
  local ordered, placed = {}, {}
  local function place(root)
    if placed[root] then return end
    placed[root] = true
    for _, other in ipairs(roots) do
      if root.reaches[other.name] then place(other) end
    end
    ordered[#ordered + 1] = root.name
  end
  for _, root in ipairs(roots) do place(root) end -- they are sorted by score
  return ordered
end

--- Ranks the services of an incident.
---@param services table[]  as the locate request has them
---@param context tend.locate.Context
---@return { ranking: table[], culprits: string[], wait: string? }
function graph.rank(services, context)
  local suspects = {}
  for _, data in ipairs(services) do
    local suspect = new_suspect(data, context)
    local given = context.points[data.name]
    if given then suspect.points, suspect.reasons = given.points, given.reasons end
    suspects[data.name] = suspect
  end
  link(suspects, context)
  explain_load(suspects)
  for _, suspect in pairs(suspects) do suspect.score = score_of(suspect) end
  local roots = find_roots(suspects)
  local unwatched = blame_unwatched(roots, suspects)
  mention_blind_spots(unwatched and {} or roots, suspects)
  local ranking = {}
  for _, suspect in pairs(suspects) do
    local is_root = suspect.out and #suspect.explained_by == 0
    if suspect.out or suspect.points > 0 or suspect == unwatched or suspect.mentioned then
      local confidence = suspect.out and 0.1 or 0.2
      if is_root then confidence = confidence_of(suspect, roots, suspects, context) end
      if suspect == unwatched then confidence = 0.6 end
      if suspect.shares_unwatched then confidence = math.min(confidence, 0.4) end
      ranking[#ranking + 1] = { service = suspect.name, score = suspect.score, confidence = confidence,
        reasons = reasons_of(suspect, suspects, context) }
    end
  end
  table.sort(ranking, function(a, b)
    if a.score ~= b.score then return a.score > b.score end
    return a.service < b.service
  end)
  local culprits = unwatched and { unwatched.name } or order_culprits(roots)
  return { ranking = ranking, culprits = culprits, wait = wait_for(roots, suspects) }
end

return graph
