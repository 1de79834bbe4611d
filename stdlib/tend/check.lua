--- Check: what fields a table may have and of which type, said in the user's words and with the value that was seen.
--
-- A fault is noted (tend.registry), not raised, so that one run of `tend check` shows all of them. What a check returns
-- can be used on: a faulty field is nil.
local registry = require "tend.registry"
local source = require "tend.source"

local check = {}

--- A value as the user would write it.
---@param value any
---@return string
function check.show(value)
  if type(value) == "string" then return '"' .. value .. '"' end
  if type(value) == "table" then return "a table" end
  if type(value) == "function" then return "a function" end
  return tostring(value)
end

-- Number of single-letter edits (and swaps of neighbours) that make b of a.
local function distance(a, b)
  local before, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local older = before
    before, row = row, { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], older[j - 2] + 1)
      end
    end
  end
  return row[#b]
end

--- The known name that was probably meant, or nil.
---@param word string
---@param known string[]
---@return string?
function check.nearest(word, known)
  local best, best_distance
  local allowed = #word < 4 and 1 or #word < 9 and 2 or 3
  for _, name in ipairs(known) do
    local edits = distance(word:lower(), name:lower())
    if edits <= allowed and edits < #name and (not best or edits < best_distance) then
      best, best_distance = name, edits
    end
  end
  return best
end

--- `; did you mean "timeout"?`, or what there is to choose from, or "".
---@param word any
---@param known string[]
---@param what? string  "a service has": said when nothing is near
---@return string
function check.suggest(word, known, what)
  local name = type(word) == "string" and check.nearest(word, known)
  if name then return ('; did you mean "%s"?'):format(name) end
  if what and #known > 0 then return ("; %s: %s"):format(what, table.concat(known, ", ")) end
  return ""
end

--- Names of a table's string keys, sorted.
---@param set table
---@return string[]
function check.names(set)
  local names = {}
  for name in pairs(set) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- Types of fields. Each returns the value as it is used (durations in ms), or nil and what is wrong with it.
local types = {}
function types.string(value)
  if type(value) == "string" and value ~= "" then return value end
  return nil, "is no text"
end
function types.number(value)
  if type(value) == "number" and value == value then return value end
  return nil, "is no number"
end
function types.boolean(value)
  if type(value) == "boolean" then return value end
  return nil, "is neither true nor false"
end
types["function"] = function(value)
  if type(value) == "function" then return value end
  return nil, "is no function"
end
function types.table(value)
  if type(value) == "table" then return value end
  return nil, "is no table"
end
function types.any(value) return value end
function types.duration(value)
  if type(value) == "string" then return host.duration(value) end
  if type(value) == "number" then return nil, ('has no unit; write "%ss"'):format(tostring(value)) end
  return nil, 'is no duration; write it like "30s"'
end
--- A list of texts; one alone may be written without braces.
function types.names(value)
  if type(value) == "string" then value = { value } end
  if type(value) ~= "table" then return nil, "is no text and no list of texts" end
  local list = {}
  for key, name in pairs(value) do
    if type(key) ~= "number" or type(name) ~= "string" then return nil, "is no list of texts" end
  end
  for i, name in ipairs(value) do list[i] = name end
  return list
end
--- A text, a secret, or a list of those, which the core joins.
function types.text(value)
  if type(value) == "string" then return value end
  if type(value) ~= "table" then return nil, "is neither a text nor a secret" end
  if rawget(value, "secret") then return value end
  if #value == 0 then return nil, "is neither a text nor a secret" end
  for _, part in ipairs(value) do
    if type(part) ~= "string" and not (type(part) == "table" and rawget(part, "secret")) then
      return nil, "may only hold texts and secrets"
    end
  end
  return value
end

--- A fault of a field as a sentence: `fire_after = "15" has no unit; write "15s"`.
---@param name string
---@param value any
---@param reason string  may begin with the value itself
---@return string
function check.sentence(name, value, reason)
  local shown = check.show(value)
  if reason:sub(1, #shown) == shown then return ("%s = %s"):format(name, reason) end
  if reason:find('^"') then return ("%s = %s: %s"):format(name, shown, reason) end
  return ("%s = %s %s"):format(name, shown, reason)
end

--- Checks one value against a type: "duration", "string?" …, or a function(value) → value | nil, reason.
---@param kind string|function
---@param value any
---@return any value  as it is used, nil when it is faulty
---@return string? reason
function check.value(kind, value)
  if type(kind) == "function" then return kind(value) end
  return types[(kind:gsub("%?$", ""))](value)
end

-- Walks over `fields`: an error for each unknown, missing or wrong one; returns the good ones, as they are used.
local function walk(what, fields, spec, place, own_place)
  local used = {}
  local known = check.names(spec)
  for key, value in pairs(fields) do
    local kind = spec[key]
    if kind == nil then
      if type(key) == "string" then
        local text = ('unknown field "%s"'):format(key)
        registry.error(place(key), text .. check.suggest(key, known, what .. " has"))
      else
        registry.error(own_place(), ("%s has fields with names, not %s"):format(what, check.show(value)))
      end
    elseif value == false and spec.__removable then
      used[key] = false
    else
      local result, reason = check.value(kind, value)
      if result == nil then
        reason = reason or "is not right"
        local plain = type(key) == "number" -- a list's member, or a metric's source, has no name to be called by
        registry.error(place(key), plain and ("%s %s"):format(check.show(value), reason)
          or check.sentence(key, value, reason))
      end
      used[key] = result
    end
  end
  for _, key in ipairs(known) do
    local kind = spec[key]
    if type(kind) == "string" and fields[key] == nil and not spec.__removable and not kind:find("%?$") then
      registry.error(own_place(), ("%s needs %s"):format(what, key))
    end
  end
  return used
end

--- Checks the options of a module's call: `check.fields("control.systemd", options, { unit = "string" })`.
---@param what string   for messages
---@param fields any    the table that the user gave
---@param spec table<string, string|function>  type by field; a "?" at its end: may be left out
---@return table  the good fields, durations in ms
function check.fields(what, fields, spec)
  local at = host.caller()
  if type(fields) ~= "table" then
    registry.error(at, ("%s wants a table of options, not %s"):format(what, check.show(fields)))
    return {}
  end
  return walk(what, fields, spec, function(key) return source.option(at, tostring(key)) end,
    function() return at end)
end

--- Checks fields of a declaration, or of a table within it.
---@param declaration tend.Declaration
---@param path string[]     where the table is within the declaration
---@param fields table
---@param spec table        as for check.fields; `__removable = true`: `false` is allowed for each
---@param what string       "a service", for messages
---@return table
function check.declared(declaration, path, fields, spec, what)
  local removable = spec.__removable
  local plain = {}
  for key, kind in pairs(spec) do
    if key ~= "__removable" then plain[key] = kind end
  end
  local function place(key)
    local full = {}
    for i, name in ipairs(path) do full[i] = name end
    full[#full + 1] = key
    return source.field(declaration, full)
  end
  local function own() return #path > 0 and source.field(declaration, path) or declaration.at end
  return walk(what, fields, setmetatable(plain, { __index = { __removable = removable } }), place, own)
end

return check
