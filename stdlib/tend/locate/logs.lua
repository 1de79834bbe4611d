--- Logs: what the log of a service says of whose fault it is.
--
-- The engine tells of each service the few lines that are new or more (or fewer) than usual since the incident began,
-- with how much they surprise (core/engine/log_evidence.h). They speak for a service when nothing that it depends on is
-- out of line: else they tell of what it suffers. A line that names a service below speaks for that one, for "cannot
-- reach ledger" is what the callers of ledger write.
--
-- Points are few: a log alone makes no culprit, but it tells which of two is one, and a person why.
local logs = {}

local MOST, NATS_FOR_MOST = 1, 20
local WEIGHT = { error = 1, warning = 0.5, info = 0.2 }
local SILENT = 0.3 -- lines that ceased
local NAMED = 0.5  -- of a line's points, for the service that it names
local LINES_TOLD = 2

---@class tend.LogLine  a line of a log that is new, or came more or less often than usual
---@field template string   the line, its variables and secrets as <*>
---@field level "error"|"warning"|"info"
---@field lines number      how often it came since the incident began
---@field seconds number    in that many seconds
---@field expected number   how often it would have come as usual
---@field new boolean       it never came before
---@field up number         how unlikely so many are: -ln of the probability; 0: not more than usual
---@field down number       how unlikely so few are
---@field lead_s? number    its first line came that long before the first symptom; negative: after

local function ago(lead_s)
  if not lead_s then return "" end
  if lead_s >= 1 then return (", first %.0f s before the first symptom"):format(lead_s) end
  if lead_s <= -1 then return (", first %.0f s after the first symptom"):format(-lead_s) end
  return ", first with the first symptom"
end

--- "new log line `connection to <*> refused` (error), 214 in 30 s, first 40 s before the first symptom"
---@param line tend.LogLine
---@return string
function logs.sentence(line)
  local level = line.level == "info" and "" or (" (%s)"):format(line.level)
  if line.down > line.up then
    return ("log line `%s`%s came %.0f times in %.0f s, usually %.0f"):format(line.template, level, line.lines,
      line.seconds, line.expected)
  end
  local what = line.new and "new log line" or "log line"
  local usual = line.new and "" or (", usually %.2g"):format(line.expected)
  return ("%s `%s`%s, %.0f in %.0f s%s%s"):format(what, line.template, level, line.lines, line.seconds, usual,
    ago(line.lead_s))
end

local function points_of(line)
  if line.down > line.up then return SILENT * math.min(MOST, line.down / NATS_FOR_MOST) end
  return (WEIGHT[line.level] or 0) * math.min(MOST, line.up / NATS_FOR_MOST)
end

-- The services below that a line names, as a word of its own.
local function named_in(line, suspect)
  local words = {}
  for word in line.template:lower():gmatch "[%w_%-]+" do words[word] = true end
  local names = {}
  for _, name in ipairs(suspect.below) do
    if words[name:lower()] then names[#names + 1] = name end
  end
  return names
end

local function is_dragged(suspect, suspects)
  for _, name in ipairs(suspect.below) do
    local below = suspects[name]
    if below.out and not below.weak then return true end
  end
  return false
end

local function accuse(named, line, by)
  local points = NAMED * points_of(line)
  if points <= (named.log_points or 0) then return end
  named.log_points = points
  named.log_named = ("%s says so: %s"):format(by, logs.sentence(line))
end

--- Gives points and reasons to suspects whose logs say something. Who is below whom (`below`) is known already.
---@param suspects table<string, tend.locate.Suspect>
function logs.weigh(suspects)
  local names = {}
  for name in pairs(suspects) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local suspect = suspects[name]
    local dragged, own, told = is_dragged(suspect, suspects), 0, 0
    for _, line in ipairs(suspect.data.logs or {}) do
      local named = named_in(line, suspect)
      for _, below in ipairs(named) do accuse(suspects[below], line, name) end
      if #named == 0 and not dragged then own = math.max(own, points_of(line)) end
      if told < LINES_TOLD then
        told = told + 1
        suspect.reasons[#suspect.reasons + 1] = logs.sentence(line)
      end
    end
    suspect.own_log_points = own
  end
  for _, name in ipairs(names) do
    local suspect = suspects[name]
    suspect.points = suspect.points + math.max(suspect.own_log_points, suspect.log_points or 0)
    if suspect.log_named then suspect.reasons[#suspect.reasons + 1] = suspect.log_named end
  end
end

return logs
