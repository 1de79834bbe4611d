--- Reasons: the evidence on a suspect, in sentences with numbers.
local changes = require "tend.locate.changes"
local failures = require "tend.locate.failures"
local happenings = require "tend.locate.happenings"
local suspect = require "tend.locate.suspect"

local reasons = {}

--- "a, b and c"; of many the first two.
---@param names string[]
---@return string
function reasons.listing(names)
  if #names <= 3 then
    return #names < 2 and (names[1] or "") or table.concat(names, ", ", 1, #names - 1) .. " and " .. names[#names]
  end
  return ("%s, %s and %d more"):format(names[1], names[2], #names - 2)
end

local function metric_sentence(one, name, context)
  local numbers = one.data.metrics[name] or {}
  local definition = context.definition(one.name, name)
  local unit = definition and definition.unit or ""
  if not numbers.P or not numbers.E then return nil end
  local text = ("%s %s where %s was expected"):format(name, host.format(numbers.P, unit), host.format(numbers.E, unit))
  if one.by_instance[name] then
    return ("%s of single instances is out of line; of all of them it is %s"):format(name, host.format(numbers.P, unit))
  end
  if numbers.F and numbers.A then text = ("%s, F %.3g, A %.3g"):format(text, numbers.F, numbers.A) end
  return text
end

local function up_sentence(one)
  if not one.hard and not one.silent then return nil end
  local instances, up = one.data.instances or 1, one.data.up
  local why = failures.sentence(one.data.failures, one.data.failed_because)
  return ("up %s of %d%s"):format(up and ("%.0f"):format(up * instances) or "fewer", instances,
    why and (" (%s)"):format(why) or "")
end

local function left_sentence(one, context)
  local left_ms = one.data.left_ms
  return left_ms and "left discovery" .. changes.moment({ onset_ms = left_ms, within_ms = 0 }, context.onset_ms)
end

local function callers_sentence(one, suspects)
  local names, soonest = {}, nil
  for name in pairs(one.explains) do
    names[#names + 1] = name
    soonest = suspect.earlier(soonest, suspects[name].onset)
  end
  if #names == 0 then return nil end
  local text = ("%s %s on it"):format(reasons.listing(names), #names == 1 and "depends" or "depend")
  if not soonest or not one.onset then
    return ("%s and %s out of line too"):format(text, #names == 1 and "is" or "are")
  end
  local delay = (soonest - one.onset) / 1000
  if delay >= 1 then return ("%s and %s %.0f s later"):format(text, #names == 1 and "follows" or "follow", delay) end
  if delay <= -1 then -- a window had to fill here, or a scrape to time out
    return ("%s and %s seen out of line %.0f s before"):format(text, #names == 1 and "was" or "were", -delay)
  end
  return ("%s and %s out of line since the same time"):format(text, #names == 1 and "is" or "are")
end

local function below_sentence(one, suspects, context)
  if #one.explained_by > 0 then
    if one.weak then
      return #one.load > 0 and "only its traffic changed, which is its callers' doing"
        or "no alert speaks of it by itself"
    end
    return ("explained by %s, which it depends on"):format(reasons.listing(one.explained_by))
  end
  if #one.not_explained > 0 then return table.concat(one.not_explained, "; ") end
  local unwatched, silent = suspect.blind_spots(one, suspects, context)
  if #unwatched > 0 then return ("it depends on %s, which nobody watches"):format(reasons.listing(unwatched)) end
  if #silent > 0 then return ("it depends on %s, of which there is no data"):format(reasons.listing(silent)) end
  if #one.below > 0 then return "nothing it depends on is out of line" end
end

-- The two changes that say most: causes first, of a suspect that has a case.
local function change_sentences(one, context)
  local list, sentences = {}, {}
  for i, change in ipairs(one.out and one.data.evidence or {}) do
    list[#list + 1] = { change = change, index = i, worth = changes.worth(change) }
  end
  table.sort(list, function(a, b)
    if a.worth ~= b.worth then return a.worth > b.worth end
    return a.index < b.index
  end)
  for i = 1, math.min(#list, 2) do
    local definition = context.definition(one.name, list[i].change.metric)
    sentences[i] = changes.sentence(list[i].change, definition and definition.unit or "", context.onset_ms,
      one.name)
  end
  return sentences
end

local function is_deploy_told(one)
  for _, happening in ipairs(one.happened) do
    if happening.what == "version" then return true end
  end
  return false
end

--- All that speaks for or against a suspect, the plainest first.
---@param one tend.locate.Suspect
---@param suspects table<string, tend.locate.Suspect>
---@param context tend.locate.Context
---@param roots tend.locate.Suspect[]  the culprits, when it is one
---@return string[]
function reasons.of(one, suspects, context, roots)
  local numbers = {}
  local metrics = {}
  for _, class in ipairs { "face", "inner", "waiting", "load" } do
    for _, name in ipairs(one[class]) do metrics[#metrics + 1] = name end
  end
  numbers[1] = up_sentence(one) or left_sentence(one, context)
  for name, values in pairs(one.promoted and one.data.metrics or {}) do
    if values.P and values.E and values.P > values.E then metrics[#metrics + 1] = name end
  end
  for i = 1, math.min(#metrics, 3) do numbers[#numbers + 1] = metric_sentence(one, metrics[i], context) end
  local list = {}
  if #numbers > 0 then list[1] = table.concat(numbers, "; ") end
  for _, sentence in ipairs(change_sentences(one, context)) do list[#list + 1] = sentence end
  list[#list + 1] = callers_sentence(one, suspects)
  list[#list + 1] = below_sentence(one, suspects, context)
  if #roots > 0 and not suspect.is_own_case(one, context) then
    list[#list + 1] = (suspect.unconnected(one, context))
    list[#list + 1] = (suspect.overshadowed(one, roots, suspects, context))
  end
  for _, sentence in ipairs(happenings.sentences(one.happened, context.onset_ms, context.times(one.name))) do
    list[#list + 1] = sentence
  end
  local deployed = one.data.deployed_ago_s
  if deployed and deployed < 3600 and not is_deploy_told(one) then
    list[#list + 1] = ("version %s is out since %s"):format(one.data.version or "?",
      host.format_duration(math.floor(deployed) * 1000))
  end
  for _, reason in ipairs(one.reasons) do list[#list + 1] = reason end
  return list
end

return reasons
