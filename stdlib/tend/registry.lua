--- Registry: what one generation of rules has declared so far, and what was found wrong with it.
--
-- Why module state: an evaluator process loads one generation and nothing else, and declarations come from anywhere in
-- the user's files. Faults are collected, not raised, so that `tend check` names all of them in one go.
local registry = {}

---@class tend.Declaration
---@field kind string    "service", "group", "rule", "playbook", "locate", "notify" or "silence"
---@field name string
---@field at string      "shop.lua:12"
---@field fields? table  what was written between the braces; nil until it was
---@field index? integer its place among its kind, from 0, once the document is made

---@class tend.Fault
---@field at string
---@field text string

registry.list = {}     ---@type tend.Declaration[] all of them, in order
registry.errors = {}   ---@type tend.Fault[]
registry.warnings = {} ---@type tend.Fault[]
local seen = {}

local function note(list, mark, at, text)
  local key = mark .. "\0" .. at .. "\0" .. text
  if seen[key] then return end -- an inherited fault is met once for each member of the group
  seen[key] = true
  list[#list + 1] = { at = at, text = text }
end

--- Notes an error: the generation will not be used.
---@param at string
---@param text string
function registry.error(at, text) note(registry.errors, "e", at, text) end

--- Notes something that is allowed, but probably not meant.
---@param at string
---@param text string
function registry.warning(at, text) note(registry.warnings, "w", at, text) end

-- A service and a group share their names: `on` may mean either.
local function namespace(kind) return kind == "group" and "service" or kind end

--- Adds a declaration whose table is still to come.
---@param kind string
---@param name string
---@param at string
---@return tend.Declaration
function registry.declare(kind, name, at)
  local declaration = { kind = kind, name = name, at = at }
  for _, other in ipairs(registry.list) do
    if other.name == name and namespace(other.kind) == namespace(kind) then
      local text = ('%s "%s" is declared twice, first at %s'):format(kind, name, other.at)
      if other.kind ~= kind then
        text = ('%s "%s" has the name of a %s, declared at %s'):format(kind, name, other.kind, other.at)
      end
      registry.error(at, text)
      return declaration
    end
  end
  registry.list[#registry.list + 1] = declaration
  return declaration
end

--- All declarations of a kind that have their table, in order.
---@param kind string
---@return tend.Declaration[]
function registry.all(kind)
  local found = {}
  for _, declaration in ipairs(registry.list) do
    if declaration.kind == kind and declaration.fields then found[#found + 1] = declaration end
  end
  return found
end

--- The declaration of this kind and name, or nil.
---@param kind string
---@param name string
---@return tend.Declaration?
function registry.find(kind, name)
  for _, declaration in ipairs(registry.list) do
    if declaration.kind == kind and declaration.name == name and declaration.fields then return declaration end
  end
end

return registry
