--- Graph: the shipped locator. Among the services out of line, those whose own dependencies do not explain it.
--
-- A caller sees a service through three things only: whether it answers (`up`), how long that takes, and how often it
-- fails. These are its *face*. So a service explains the trouble of its callers when its face is out of line, or when
-- nothing is known of its face and something else is; a service whose callers are served well explains nothing, however
-- full its memory is, but may be a second culprit of its own. Three traps that a plain walk down the graph falls into:
--
--   a hung service is seen last: its scrape has to time out first, its victims are slow at once. So no culprit is named
--   while a dependency has not been scraped since all this began ("wait").
--
--   a dead caller starves what it calls: traffic that fell is a symptom of the callers', never a reason to blame.
--
--   a dependency that is a little slow: 5 ms more below cannot be 5 s more above. Latencies are compared in seconds.
--
-- Pure: services in, a ranking out. Order is by score, then by name, so the same request gives the same answer.
local changes = require "tend.locate.changes"
local evidence = require "tend.locate.suspect"
local happenings = require "tend.locate.happenings"
local logs = require "tend.locate.logs"
local reasons = require "tend.locate.reasons"

local graph = {}

local CONFIDENT, CERTAIN = 0.94, 0.95
local LEFT_BEFORE_MS, LEFT_AFTER_MS = 600 * 1000, 120 * 1000 -- the first symptom
local MOST_POINTS = 3 -- of a change: 15 times beyond what health shows

-- A request may call a dependency several times, so a dependency that is slower by a tenth of what its caller lost may
-- still be the reason; one that is slower by less is not.
local LATENCY_FAN_OUT = 10

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

-- How late the trouble of a service may show after that of its victims: a window must fill, a scrape must time out.
local function lag_ms(context, name)
  local times = context.times(name)
  return times.window_ms + 2 * (times.every_ms + times.timeout_ms)
end

-- Whether a dependency lost half or more of what its caller lost: seconds below are the same seconds above. Says
-- nothing when the caller lost more than seconds.
local function lost_as_much(below, above, context)
  if above.hard or #above.inner > 0 or #above.face == 0 then return false end
  local felt, only_latency = evidence.latency_excess(above, context)
  return only_latency and felt > 0 and 2 * evidence.latency_excess(below, context) >= felt
end

-- A process that is gone did not leave because something below is slow or hangs. When that is gone too it may have.
local function is_gone(suspect)
  local gone = false
  for kind in pairs(suspect.data.failures or {}) do
    if kind ~= "REFUSED" then return false end
    gone = true
  end
  return gone
end

-- Whether trouble below explains trouble above, and if not, why not.
local function explains(below, above, context)
  if not below.out or below.weak then return false end
  if below.silent then return false, ("%s gives no metrics, so nothing is known of it"):format(below.name) end
  if below.onset and above.onset and above.onset + lag_ms(context, below.name) < below.onset then
    local ahead_s = (below.onset - above.onset) / 1000
    return false, ("%s was out of line %.0f s before %s"):format(above.name, ahead_s, below.name)
  end
  if is_gone(above) and not is_gone(below) then
    return false, ("it is gone, which %s in trouble does not do to it"):format(below.name)
  end
  if below.hard or below.points > 0 or below.promoted or below.cause then return true end
  if evidence.face_is_fine(below, context) then
    return false, ("%s serves its callers as expected"):format(below.name)
  end
  local lost, only_latency = evidence.latency_excess(below, context)
  local felt, felt_only_latency = evidence.latency_excess(above, context)
  local comparable = #below.face > 0 and only_latency and felt_only_latency and not above.hard
  if comparable and lost * LATENCY_FAN_OUT < felt then
    return false, ("%s lost only %s"):format(below.name, host.format(lost, "s"))
  end
  return true
end

-- One slow instance of several, too little for an alert, is a case after all when it explains what a caller lost.
local function promote_weak(suspects, context)
  for _, above in pairs(suspects) do
    for _, name in ipairs(above.out and not above.weak and above.below or {}) do
      local below = suspects[name]
      if below.weak and #below.load == 0 and lost_as_much(below, above, context) then
        below.weak, below.promoted = false, true
      end
    end
  end
end

-- A service that nobody found out of line is a case after all when what only it feels left what it was before the
-- trouble above it began: nothing may be expected of that metric, or its callers are hit long before its limit is.
local function promote_causes(suspects, context)
  for _, above in pairs(suspects) do
    for _, name in ipairs(above.out and not evidence.is_own_case(above, context) and above.below or {}) do
      local below = suspects[name]
      if not below.out and not below.cause and not evidence.face_is_fine(below, context) then
        local cause, points = changes.cause(below.data.evidence or {}, above.onset, context.times(name).window_ms)
        if changes.is_case(points) then
          below.cause, below.cause_points, below.out, below.weak = cause, points, true, false
          below.onset = cause.onset_ms
        end
      end
    end
  end
end

-- Notes for each service out of line who explains it, and why those below that are out of line do not.
local function link(suspects, context)
  for name, suspect in pairs(suspects) do suspect.below, suspect.reaches = reach(suspects, name) end
  logs.weigh(suspects)
  promote_weak(suspects, context)
  promote_causes(suspects, context)
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

-- Traffic that fell or rose is what callers do: a weak case is explained when anything near is in real trouble.
local function explain_weak(suspects)
  local in_trouble
  for name, suspect in pairs(suspects) do
    if suspect.out and not suspect.weak then in_trouble = in_trouble or name end
  end
  for _, suspect in pairs(suspects) do
    if suspect.weak and in_trouble then suspect.explained_by[1] = suspect.explained_by[1] or in_trouble end
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
  elseif #suspect.inner + #suspect.waiting > 0 then score = 1.5 elseif suspect.out then score = 0.5 end
  score = score + math.min(suspect.cause_points or 0, MOST_POINTS) / 2
  if suspect.out then score = score + math.log(1 + math.min(worst_a(suspect), 100)) / 2 end
  score = score + 0.5 * count(suspect.explains)
  if suspect.out then score = score + changes.moving(suspect.data.evidence or {}) end
  local deployed = suspect.data.deployed_ago_s
  if suspect.out then
    local happened = happenings.points(suspect.happened)
    score = score + (deployed and deployed < 3600 and math.max(0.5, happened) or happened)
  end
  if #(suspect.explained_by or {}) > 0 then score = score / 4 end
  return score + suspect.points
end

-- Whether a dependency that is in line yet is slower by half of what this one lost: it may be on its way out of line.
local function is_shared_by_below(suspect, suspects, context)
  for _, name in ipairs(suspect.below) do
    local below = suspects[name]
    if (not below.out or below.weak) and lost_as_much(below, suspect, context) then return true end
  end
  return false
end

-- Confidence that acting on this root is right. Each number is a statement of what could make it wrong:
--   0.95  it does not answer; a process that is gone or hangs needs no theory
--   0.94  its face or its inside is out of line, and all below it is watched and in line
--   0.75  it was out of line well before what it depends on, which is out of line too: two faults, or a slow start
--   0.7   another culprit of this incident is in the same trouble: by a dependency that nobody declared, perhaps
--   0.4   the same, and that one does not answer, or was in trouble just now
--   0.7   three or more services broke on their own at once: a cause that they share is likelier than chance
--   0.7   all its instances are out of line at once and something below is unwatched, unlisted or silent: a victim?
--   0.7   it answers, but gives no metrics: it may serve its callers well
--   0.6   something below is in line yet, but slower by half of what this one lost
--   0.65 to 0.85  nothing expected of it is out of line, but what only it feels left what it was
--   0.6   the same, but all that did is what waits in it, and something below is unwatched, unlisted or silent
--   0.75  only its callers complain, and no dependencies are known at all
--   0.3   only its callers complain, and something that the graph does not connect with it is in trouble too
--   0.05  the same, and that does not answer
--   0.6   it left discovery at about that time: nothing is known of it, and nothing can be done to it
--   0.5   services that depend on each other in a loop: the graph cannot tell them apart; or only its traffic is odd
-- The usual limit for acting is 0.8, so all below 0.8 calls a person.
local function confidence_of(suspect, roots, suspects, context)
  if suspect.departed then return 0.6 end
  if suspect.weak or not suspect.out then return 0.5 end
  local unwatched, silent = evidence.blind_spots(suspect, suspects, context)
  if suspect.cause then
    local stated = 0.55 + 0.1 * math.min(suspect.cause_points, MOST_POINTS)
    return evidence.waits(suspect, context) and #unwatched + #silent > 0 and math.min(stated, 0.6) or stated
  end
  local confidence = suspect.hard and CERTAIN or CONFIDENT
  local own = evidence.is_own_case(suspect, context)
  if not own and #unwatched + #silent > 0 then confidence = math.min(confidence, 0.7) end
  local _, unconnected = evidence.unconnected(suspect, context)
  if not own and unconnected then confidence = math.min(confidence, unconnected) end
  for _, below in ipairs(suspect.hard and {} or suspect.below) do
    local other = suspects[below]
    if other.out and in_loop(other, suspect) then confidence = math.min(confidence, 0.5) end
    local began_later = (other.onset or 0) > (suspect.onset or 0)
    if other.out and not other.weak and began_later and not evidence.face_is_fine(other, context) then
      confidence = math.min(confidence, 0.75)
    end
  end
  local _, overshadowed = evidence.overshadowed(suspect, roots, suspects, context)
  if not own and overshadowed then confidence = math.min(confidence, overshadowed) end
  if suspect.silent then confidence = math.min(confidence, 0.7) end
  if #roots >= 3 then confidence = math.min(confidence, 0.7) end
  if suspect.points < 0 then confidence = math.min(confidence, 0.5) end
  if is_shared_by_below(suspect, suspects, context) then confidence = math.min(confidence, 0.6) end
  return confidence
end


-- Out of line without an alert is a warning, no incident: it counts when it explains somebody's alert.
local function concerns(suspect, suspects)
  local yes = suspect.alerted
  for name in pairs(suspect.explains) do yes = yes or suspects[name].alerted end
  return yes
end

local function find_roots(suspects)
  local roots, unconcerned = {}, {}
  for _, suspect in pairs(suspects) do
    if suspect.out and #suspect.explained_by == 0 then
      local list = concerns(suspect, suspects) and roots or unconcerned
      list[#list + 1] = suspect
    end
  end
  if #roots == 0 then roots = unconcerned end
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
local function blame_unwatched(roots, suspects, context)
  local shared = {}
  for _, root in ipairs(roots) do
    local unwatched = evidence.blind_spots(root, suspects, context)
    for _, name in ipairs(evidence.is_own_case(root, context) and {} or unwatched) do
      shared[name] = shared[name] or {}
      table.insert(shared[name], root)
    end
  end
  for name, victims in pairs(shared) do
    if #victims >= 2 and #victims == #roots and not suspects[name].data.unlisted then
      local suspect, names = suspects[name], {}
      for _, victim in ipairs(victims) do
        suspect.explains[victim.name] = true
        names[#names + 1] = victim.name
        victim.shares_unwatched = name
      end
      table.sort(names)
      suspect.score = suspect.score + 3
      suspect.reasons[#suspect.reasons + 1] = ("nobody watches it, and %s depend on it"):format(reasons.listing(names))
      return suspect
    end
  end
end

-- Whether it left discovery at about the time when all this began. Health checks take a while to find that a service is
-- no more, so that may be after the first symptom.
local function has_just_left(suspect, context)
  local left_ms = suspect.data.left_ms
  if not left_ms or not context.onset_ms then return false end
  return left_ms >= context.onset_ms - LEFT_BEFORE_MS and left_ms <= context.onset_ms + LEFT_AFTER_MS
end

-- Whether what is below a root is called by it, or by one below it that does not serve its callers as expected.
local function is_felt_through(name, root, suspects, context)
  for _, between in ipairs(root.below) do
    for _, callee in ipairs(suspects[between].data.depends or {}) do
      if callee == name and not evidence.face_is_fine(suspects[between], context) then return true end
    end
  end
  for _, callee in ipairs(root.data.depends or {}) do
    if callee == name then return true end
  end
  return false
end

-- A root that only its callers complain of, and below which a service has just left discovery, is its victim: of the
-- one that left nothing is known, as of a silent one, and there is nothing to act on; but a person should look there.
---@return tend.locate.Suspect[] roots  those that left, then the others
local function blame_departed(roots, suspects, context)
  local departed, others, is_named = {}, {}, {}
  for _, root in ipairs(roots) do
    local is_explained = false
    for _, name in ipairs(evidence.is_own_case(root, context) and {} or root.below) do
      local below = suspects[name]
      if has_just_left(below, context) and is_felt_through(name, root, suspects, context) then
        is_explained = true
        below.departed, below.mentioned = true, true
        below.explains[root.name] = true
        for victim in pairs(root.explains) do below.explains[victim] = true end
        root.explained_by[#root.explained_by + 1] = name
        below.score = math.max(below.score, root.score + 0.5 * count(below.explains))
        if not is_named[name] then departed[#departed + 1] = below end
        is_named[name] = true
      end
    end
    if is_explained then root.score = root.score / 4 else others[#others + 1] = root end
  end
  for _, root in ipairs(others) do departed[#departed + 1] = root end
  return departed
end

-- What nobody watches below a root is worth a look by a person.
local function mention_blind_spots(roots, suspects, context)
  for _, root in ipairs(roots) do
    local unwatched, silent = evidence.blind_spots(root, suspects, context)
    for why, names in pairs { ["nobody watches it"] = unwatched, ["there is no data of it"] = silent } do
      for _, name in ipairs(names) do
        local suspect = suspects[name]
        suspect.mentioned = true
        suspect.score = math.max(suspect.score, root.score / 4)
        local told = suspect.data.unlisted and "no discovery lists it" or why
        suspect.reasons[#suspect.reasons + 1] = ("%s, and %s depends on it"):format(told, root.name)
      end
    end
  end
end

-- Whether a dependency that answers again did not until just now: what a root's window still holds was felt of it.
local function is_just_back(below, root, context)
  local ago_s = below.data.failed_ago_s
  if not ago_s or below.out or root.hard or #root.inner > 0 then return false end
  local times = context.times(below.name)
  return ago_s * 1000 <= context.times(root.name).window_ms + times.every_ms + times.timeout_ms
end

-- A dependency of a root that nobody has looked at since this began: it may be the one, seen last because it hangs. Or
-- one that was gone and is back: what is left of it passes.
local function wait_for(roots, suspects, context)
  for _, root in ipairs(roots) do
    for _, name in ipairs(root.below) do
      local below = suspects[name]
      if is_just_back(below, root, context) then
        return ("%s, which %s depends on, did not answer and does again: what is felt of it passes"):format(name,
          root.name)
      end
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

-- What the request does not tell of although something depends on it: no discovery lists it, now or yet. It may well be
-- the one at fault, so it is as one that nobody watches; but the engine does not know it, and so it is no culprit.
local function add_unlisted(suspects, context)
  local unlisted = {}
  for _, suspect in pairs(suspects) do
    for _, name in ipairs(suspect.data.depends or {}) do
      if not suspects[name] then unlisted[name] = true end
    end
  end
  for name in pairs(unlisted) do
    suspects[name] = evidence.new({ name = name, watched = false, unlisted = true, depends = {},
      left_ms = context.left[name] }, context)
  end
end

--- Ranks the services of an incident.
---@param services table[]  as the locate request has them
---@param context tend.locate.Context
---@return { ranking: table[], culprits: string[], wait: string? }
function graph.rank(services, context)
  local suspects = {}
  for _, data in ipairs(services) do
    local suspect = evidence.new(data, context)
    local given = context.points[data.name]
    if given then suspect.points, suspect.reasons = given.points, given.reasons end
    suspect.happened = happenings.near(data.happened or {}, context.onset_ms, context.times(data.name))
    suspects[data.name] = suspect
  end
  add_unlisted(suspects, context)
  link(suspects, context)
  explain_weak(suspects)
  for _, suspect in pairs(suspects) do suspect.score = score_of(suspect) end
  local roots = find_roots(suspects)
  roots = blame_departed(roots, suspects, context)
  local unwatched = blame_unwatched(roots, suspects, context)
  mention_blind_spots(unwatched and {} or roots, suspects, context)
  local ranking, is_root = {}, {}
  for _, root in ipairs(roots) do is_root[root] = true end
  for _, suspect in pairs(suspects) do
    if suspect.out or suspect.points > 0 or suspect == unwatched or suspect.mentioned then
      local confidence = suspect.out and 0.1 or 0.2
      if is_root[suspect] then confidence = confidence_of(suspect, roots, suspects, context) end
      if suspect == unwatched then confidence = 0.6 end
      if suspect.shares_unwatched then confidence = math.min(confidence, 0.4) end
      local explained = {}
      for name in pairs(suspect.explains) do explained[#explained + 1] = name end
      ranking[#ranking + 1] = { service = suspect.name, score = suspect.score, confidence = confidence,
        explains = explained, reasons = reasons.of(suspect, suspects, context, is_root[suspect] and roots or {}) }
    end
  end
  table.sort(ranking, function(a, b)
    if a.score ~= b.score then return a.score > b.score end
    return a.service < b.service
  end)
  local culprits = unwatched and { unwatched.name } or order_culprits(roots)
  return { ranking = ranking, culprits = culprits, wait = wait_for(roots, suspects, context) }
end

return graph
