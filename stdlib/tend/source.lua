--- Source: where in the user's text something was written, so that a fault is reported with its own line.
--
-- A declaration knows the line on which it begins; the lines of its fields are read from the text, by tokens: comments,
-- strings and nested tables must not mislead the search. Nothing here runs the text.
local source = {}

---@class tend.Token
---@field text string  as written; of a string its contents
---@field kind string  "name", "string", "number" or "op"
---@field line integer

local texts = {}  -- file name → text
local parsed = {} -- file name → tokens
local packs = {}  -- file name → true: it takes the place of a pack that ships

--- Tells the texts of a generation. @param files table[] { name, text }
function source.set(files)
  texts, parsed, packs = {}, {}, {}
  for _, file in ipairs(files) do texts[file.name] = file.text end
end

--- Says that a file takes the place of a pack that ships. @param file string  its name
function source.take_for_pack(file) packs[file] = true end

--- Whether a declaration is a pack's, who cannot know what the services will be like.
---@param declaration tend.Declaration
---@return boolean
function source.is_packs(declaration)
  return declaration.at:find("^rules/") ~= nil or packs[declaration.at:match("^(.*):%d+$")] == true
end

local function count_lines(text)
  local _, lines = text:gsub("\n", "\n")
  return lines
end

-- The end of a quoted string that begins at `from`; the quote itself is at `from`.
local function quoted_end(text, from)
  local quote, at = text:sub(from, from), from + 1
  while at <= #text do
    local char = text:sub(at, at)
    if char == quote then return at end
    at = at + (char == "\\" and 2 or 1)
  end
  return #text
end

-- A long bracket at `from` ([[…]], [==[…]==]): the end of it, and its contents; nil when there is none.
local function long_bracket(text, from)
  local equals = text:match("^%[(=*)%[", from)
  if not equals then return nil end
  local begins = from + #equals + 2
  local stop, last = text:find("]" .. equals .. "]", begins, true)
  if not stop then return #text, text:sub(begins) end
  return last, text:sub(begins, stop - 1)
end

--- Splits Lua text into tokens, comments left out.
---@param text string
---@return tend.Token[]
function source.tokens(text)
  local tokens, at, line = {}, 1, 1
  local function add(kind, first, last, contents)
    local piece = text:sub(first, last)
    tokens[#tokens + 1] = { kind = kind, text = contents or piece, line = line }
    line = line + count_lines(piece)
    at = last + 1
  end
  while at <= #text do
    local char = text:sub(at, at)
    if char == "\n" then
      line, at = line + 1, at + 1
    elseif char:find("%s") then
      at = at + 1
    elseif text:find("^%-%-", at) then
      local last = long_bracket(text, at + 2) or (text:find("\n", at, true) or #text + 1) - 1
      line = line + count_lines(text:sub(at, last))
      at = last + 1
    elseif char:find("[%a_]") then
      add("name", at, select(2, text:find("^[%w_]+", at)))
    elseif char:find("%d") or text:find("^%.%d", at) then
      add("number", at, select(2, text:find("^[%w.]+", at)))
    elseif char == '"' or char == "'" then
      local last = quoted_end(text, at)
      add("string", at, last, text:sub(at + 1, last - 1))
    else
      local last, contents = long_bracket(text, at)
      if last then
        add("string", at, last, contents)
      else
        local operator = text:match("^[=~<>]=", at) or text:match("^%.%.%.?", at) or char
        add("op", at, at + #operator - 1)
      end
    end
  end
  return tokens
end

local function tokens_of(file)
  if not parsed[file] and texts[file] then parsed[file] = source.tokens(texts[file]) end
  return parsed[file]
end

local OPENS = { ["{"] = true, ["("] = true, ["["] = true, ["function"] = true, ["do"] = true, ["if"] = true,
  ["repeat"] = true }
local CLOSES = { ["}"] = true, [")"] = true, ["]"] = true, ["end"] = true, ["until"] = true }

local function depth_change(token)
  if token.kind == "string" or token.kind == "number" then return 0 end
  if OPENS[token.text] then return 1 end
  return CLOSES[token.text] and -1 or 0
end

-- The index of the token that closes what the one at `open` opens.
local function closing(tokens, open)
  local depth = 0
  for i = open, #tokens do
    depth = depth + depth_change(tokens[i])
    if depth == 0 then return i end
  end
  return #tokens
end

--- File and line of "shop.lua:12"; nil when it is no such place.
---@param at string
---@return string?, integer?
function source.place(at)
  local file, line = at:match("^(.*):(%d+)$")
  return file, tonumber(line)
end

-- The tokens of a declaration: its first (the kind's word), and the braces of its table; nil when not to be found.
local function span(declaration)
  local file, line = source.place(declaration.at)
  local tokens = file and tokens_of(file)
  if not tokens then return nil end
  local first
  for i, token in ipairs(tokens) do
    if token.line > line then break end
    if token.line == line and token.text == declaration.kind and token.kind == "name" then
      first = first or i
      local following = tokens[i + 1]
      if following and following.text == "(" then following = tokens[i + 2] end
      if following and following.kind == "string" and following.text == declaration.name then
        first = i
        break
      end
    end
  end
  if not first then return nil end
  for i = first, #tokens do
    if tokens[i].text == "{" and tokens[i].kind == "op" then return tokens, first, i, closing(tokens, i) end
  end
end

-- Where the field `name` of the table between `open` and `close` is: the index of its name and of its value.
local function field_in(tokens, open, close, name)
  local depth = 0
  for i = open + 1, close - 1 do
    local token, following = tokens[i], tokens[i + 1]
    if depth == 0 and token.kind == "name" and token.text == name and following.text == "="
      and (tokens[i - 1].text == "{" or tokens[i - 1].text == "," or tokens[i - 1].text == ";") then
      return i, i + 2
    end
    if depth == 1 and token.kind == "string" and token.text == name and tokens[i - 1].text == "["
      and following.text == "]" and tokens[i + 2].text == "=" then
      return i, i + 3
    end
    depth = depth + depth_change(token)
  end
end

-- Where the item with the number `index` of the list between `open` and `close` begins: that token, twice.
local function item_in(tokens, open, close, index)
  local depth, number = 0, 1
  for i = open + 1, close - 1 do
    if depth == 0 and number == index then return i, i end
    depth = depth + depth_change(tokens[i])
    if depth == 0 and (tokens[i].text == "," or tokens[i].text == ";") then number = number + 1 end
  end
end

--- Where a field of a declaration is written: "shop.lua:14", or the declaration's own place when that is not known.
---@param declaration tend.Declaration
---@param path (string|integer)[]  { "metrics", "memory", "alpha" }; a number is an item of a list
---@return string
function source.field(declaration, path)
  local tokens, _, open, close = span(declaration)
  if not tokens then return declaration.at end
  local file = source.place(declaration.at)
  local line
  for _, name in ipairs(path) do
    local find = type(name) == "number" and item_in or field_in
    local at, value = find(tokens, open, close, type(name) == "number" and name or tostring(name))
    if not at then break end
    line = tokens[at].line
    if tokens[value].text ~= "{" then break end
    open, close = value, closing(tokens, value)
  end
  return line and file .. ":" .. line or declaration.at
end

--- Where a field was written: { at = "shop.lua:12", kind = "group", name = "web" }.
---@param declaration tend.Declaration
---@param path (string|integer)[]
---@return { at: string, kind: string, name: string }
function source.origin(declaration, path)
  return { at = source.field(declaration, path), kind = declaration.kind, name = declaration.name }
end

--- Where `name =` is written next, from a place on: for options of a call, whose own table is not known.
---@param at string
---@param name string
---@return string
function source.option(at, name)
  local file, line = source.place(at)
  for i, token in ipairs(file and tokens_of(file) or {}) do
    local following = tokens_of(file)[i + 1]
    if token.line >= line and token.text == name and following and following.text == "=" then
      return file .. ":" .. token.line
    end
    if token.line > line and token.text == "tend" and following and following.text == "." then break end
  end
  return at
end

--- The tokens of a declaration, from its name to its closing brace; nil when they are not to be found.
---@param declaration tend.Declaration
---@return tend.Token[]?
function source.of(declaration)
  local tokens, first, _, close = span(declaration)
  if not tokens then return nil end
  local found = {}
  for i = first, close do found[#found + 1] = tokens[i] end
  return found
end

--- The text of a file, or nil.
---@param name string
---@return string?
function source.text(name) return texts[name] end

--- What of a file is outside of the given declarations (local functions, values), as one text without comments.
---@param name string
---@param declarations tend.Declaration[]  those of this file, in any order
---@return string
function source.remainder(name, declarations)
  local tokens, inside, words = tokens_of(name) or {}, {}, {}
  for _, declaration in ipairs(declarations) do
    local _, first, _, close = span(declaration)
    for i = first or 1, close or 0 do inside[i] = true end
  end
  for i, token in ipairs(tokens) do
    if not inside[i] then words[#words + 1] = token.kind == "string" and ("%q"):format(token.text) or token.text end
  end
  return table.concat(words, " ")
end

--- Tokens as one text: what it says, without comments and spacing.
---@param tokens tend.Token[]
---@return string
function source.join(tokens)
  local words = {}
  for i, token in ipairs(tokens) do words[i] = token.kind == "string" and ("%q"):format(token.text) or token.text end
  return table.concat(words, " ")
end

--- A value as Lua text, keys sorted.
---@param value any
---@return string
function source.literal(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local words = {}
  for key, inner in pairs(value) do
    words[#words + 1] = ("[%s] = %s"):format(source.literal(key), source.literal(inner))
  end
  return "{ " .. table.concat(words, ", ") .. " }"
end

return source
