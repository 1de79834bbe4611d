--- Lint: what can be seen in the text of rules and playbooks without running them.
local registry = require "tend.registry"
local source = require "tend.source"

local lint = {}

-- Objects to `s.memory.A >= 1`: it has no hysteresis, and forgets clear_below and the forecast.
local function lint_rule(rule)
  local tokens = source.of(rule) or {}
  for i, token in ipairs(tokens) do
    local compare, limit = tokens[i + 1], tokens[i + 2]
    if token.text == "A" and tokens[i - 1] and tokens[i - 1].text == "." and compare and limit
      and (compare.text == ">=" or compare.text == ">") and limit.text:find("^1%.?0*$") then
      local file = source.place(rule.at)
      registry.warning(("%s:%d"):format(file, token.line),
        "A >= 1 has no hysteresis; .out is true from there on and false again below clear_below")
    end
  end
end

-- A step that wants a yes is not done by this version, so the remedy would always fail there.
local function lint_playbook(playbook)
  local tokens = source.of(playbook) or {}
  for i, token in ipairs(tokens) do
    if token.text == "approve" and token.kind == "name" and tokens[i + 1] and tokens[i + 1].text == "=" then
      registry.warning(("%s:%d"):format(source.place(playbook.at), token.line),
        "approve: this version cannot ask a person for a yes, so the step is never done")
    end
  end
end

local VERBS = { restart = true, redeploy = true, scale = true }

-- Name of the parameter of `run = function(p)`.
local function parameter(tokens)
  for i, token in ipairs(tokens) do
    if token.text == "run" and tokens[i + 1].text == "=" and tokens[i + 2].text == "function"
      and tokens[i + 4] and tokens[i + 4].kind == "name" then
      return tokens[i + 4].text
    end
  end
end

--- The control verbs that a playbook's text plainly uses on the culprit, by name, with the line of the first use.
---@param playbook tend.Declaration
---@return table<string, string>  verb → "shop.lua:41"
function lint.verbs(playbook)
  local tokens, verbs = source.of(playbook) or {}, {}
  local p = parameter(tokens)
  local file = source.place(playbook.at)
  for i, token in ipairs(tokens) do
    local verb, opening = tokens[i + 2], tokens[i + 3]
    local colon = tokens[i + 1]
    if p and token.text == p and token.kind == "name" and colon and colon.text == ":" and verb and opening
      and VERBS[verb.text] and (opening.text == "(" or opening.text == "{") and not verbs[verb.text] then
      verbs[verb.text] = ("%s:%d"):format(file, verb.line)
    end
  end
  return verbs
end

--- The places of a playbook's text that ask something of `p`, in order: what tests can reach.
---@param playbook tend.Declaration
---@return { what: string, at: string }[]
function lint.steps(playbook)
  local tokens, steps = source.of(playbook) or {}, {}
  local p = parameter(tokens)
  local file = source.place(playbook.at)
  for i, token in ipairs(tokens) do
    local colon, name = tokens[i + 1], tokens[i + 2]
    if p and token.text == p and token.kind == "name" and colon and colon.text == ":" and name
      and name.kind == "name" and name.text ~= "at" and name.text ~= "try" then
      steps[#steps + 1] = { what = p .. ":" .. name.text, at = ("%s:%d"):format(file, name.line) }
    end
  end
  return steps
end

--- Checks texts, and that the remedies of services find the verbs they use.
---@param resolved tend.Resolved
function lint.check(resolved)
  for _, rule in ipairs(registry.all "rule") do lint_rule(rule) end
  local playbooks = registry.all "playbook"
  for _, playbook in ipairs(playbooks) do lint_playbook(playbook) end
  for _, entry in ipairs(resolved.every) do
    for _, index in ipairs(entry.def.remedies) do
      local playbook = playbooks[index + 1]
      for verb, at in pairs(lint.verbs(playbook)) do
        if not entry.verbs[verb] then
          local name = entry.def.name == "" and "what " .. entry.from.name .. " discovers" or entry.def.name
          registry.warning(at, ('playbook "%s" is no remedy for %s: its control has no %s'):format(playbook.name, name,
            verb))
        end
      end
    end
  end
end

-- Adds text about a declaration to what is hashed: all of it, or one field; the whole file when it is not to be found.
local function add(parts, seen, files, declaration, field)
  local file = source.place(declaration.at)
  local tokens = source.of(declaration)
  local text = tokens and source.join(tokens) or source.text(file) or ""
  local key = declaration.at .. (field or "")
  if seen[key] then return end
  seen[key] = true
  parts[#parts + 1] = text
  files[file] = true
end

--- All text that decides what a playbook does: itself, the controls of those it is a remedy for, what stands in their
--- files outside of declarations, and the env values whose names occur there. Comments and spacing do not count.
---@param playbook tend.Declaration
---@param resolved tend.Resolved
---@return string
function lint.playbook_source(playbook, resolved)
  local parts, seen, files = {}, {}, {}
  add(parts, seen, files, playbook)
  for _, entry in ipairs(resolved.every) do
    for _, index in ipairs(entry.def.remedies) do
      if index == playbook.index and entry.control_from then add(parts, seen, files, entry.control_from) end
    end
  end
  local own = {}
  for _, declaration in ipairs(registry.list) do
    local file = source.place(declaration.at)
    own[file] = own[file] or {}
    table.insert(own[file], declaration)
  end
  for file in pairs(files) do parts[#parts + 1] = source.remainder(file, own[file] or {}) end
  local text = table.concat(parts, "\n")
  local environment = require "tend.environment"
  for _, name in ipairs(environment.names()) do
    if text:find("%f[%w_]" .. name:gsub("%p", "%%%0") .. "%f[^%w_]") then
      text = ("%s\nenv.%s = %s"):format(text, name, source.literal(environment.get(name)))
    end
  end
  return text
end

return lint
