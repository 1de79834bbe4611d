--- Reasons of a post-mortem: the evidence on one service, in sentences with numbers.
local reasons = {}

local function number(value)
  if not value then return "nothing" end
  if value ~= 0 and (math.abs(value) >= 1e6 or math.abs(value) < 1e-3) then return ("%.2e"):format(value) end
  return ("%.4g"):format(value)
end

local function onset_text(column, onset_s)
  if not column.onset_s then return "" end
  local after = column.onset_s - onset_s
  return (", seen %.0f s after the onset"):format(math.max(0, after))
end

local function subject(column)
  if column.made then return ("calls to %s for each call it gets"):format(column.callee) end
  if column.way then return ("time on the way %s>%s"):format(column.caller, column.callee) end
  if column.caller then return ("%s>%s %s"):format(column.caller, column.callee, column.metric) end
  if column.mean then return column.metric .. " for each one" end
  return column.metric .. (column.turned and " (failures)" or "")
end

local function column_sentence(found, onset_s)
  local column = found.source
  if column.began_anew then return ("%s began to count anew"):format(subject(column)) end
  if column.silence and math.max(column.up, column.down) < column.silence then
    return ("%s has no values any more, though others have"):format(subject(column))
  end
  local rose = column.up >= column.down
  return ("%s %s from %s to %s%s"):format(subject(column), rose and "rose" or "fell", number(column.before),
    number(column.after), onset_text(column, onset_s))
end

local function log_sentence(line, name)
  local came = ("%d before the onset, %d after"):format(line.before, line.after)
  return ("%s line%s%s (%s): %s"):format(line.before == 0 and "new " .. line.level or line.level,
    line.service == name and "" or " of " .. line.service, line.up >= line.down and "" or " that ceased", came,
    line.template)
end

--- The strongest of what was found, one of each part first.
---@param service table
---@param evidence table
---@return string[]
function reasons.of(service, evidence)
  local found, texts, seen, parts = {}, {}, {}, {}
  for i, one in ipairs(service.found) do found[i] = { one = one, points = one.points, index = i } end
  table.sort(found, function(a, b)
    local x, y = service.own[a.one.part] or 0, service.own[b.one.part] or 0
    if a.one.part ~= b.one.part and x ~= y then return x > y end
    if a.one.part ~= b.one.part then return a.one.part < b.one.part end
    if a.points ~= b.points then return a.points > b.points end
    return a.index < b.index
  end)
  for _, entry in ipairs(found) do
    local part = entry.one.part
    local sentence = entry.one.source.template and log_sentence(entry.one.source, service.name)
      or column_sentence(entry.one, evidence.onset_s)
    parts[part] = (parts[part] or 0) + 1
    if parts[part] <= 2 and #texts < 6 and not seen[sentence] and entry.points >= 0.1 then
      seen[sentence] = true
      texts[#texts + 1] = ("%s: %s"):format(part, sentence)
    end
  end
  return texts
end

-- Which kinds are causes rather than traces of one.
local TELLING = { gone = 2, resource = 2, waiting = 1, self = 1, error = 1, latency = 1, silence = 1, other = 1,
  client_latency = 0.5 }

--- The service's own columns that say most, as SERVICE:METRIC, at most `count`.
---@param service table
---@param count integer
---@return string[]
function reasons.metrics(service, count)
  local found, names = {}, {}
  for i, one in ipairs(service.found) do
    if one.source.service and one.source.metric then
      found[#found + 1] = { name = one.source.service .. ":" .. one.source.metric, index = i,
        points = one.points * (TELLING[one.part] or 0.1) }
    end
  end
  table.sort(found, function(a, b)
    if a.points ~= b.points then return a.points > b.points end
    return a.index < b.index
  end)
  for i = 1, math.min(count, #found) do names[i] = found[i].name end
  return names
end

return reasons
