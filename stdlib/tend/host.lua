--- Host: what the evaluator process calls. It loads a generation and holds its functions; C calls them by index.
--
--   load()            → the generation document (core/engine/ruleset.h); functions stay here
--   rule(index)       → the `when` of a rule, from 0; nil when it is a metric's name
--   ask(request)      → the reply to {"kind":"locate"}, {"kind":"notice"} or, of a scenario, {"kind":"check"}
--   run(request)      → the end of a playbook; called in a coroutine, each step is one host.yield
--
-- `host` is what C gives to library code (core/script/sandbox.h). In all that crosses to C an empty table is an empty
-- list, and an object that would be empty is left out.
local entry = {}

local function blame(name, problem)
  local registry = require "tend.registry"
  local at, text = tostring(problem):match("^([^\n:]*:%d+): (.*)$")
  registry.error(at or name .. ":1", text or tostring(problem))
end

-- The pack whose place a file takes: NAME.lua that declares the group NAME, as tend.pack.NAME does. So a pack can be
-- written and tested where it lies; otherwise it would be there twice, and every name in it declared twice.
local function pack_of(file)
  local name = file.name:match("^([%w_]+)%.lua$") or file.name:match("/([%w_]+)%.lua$")
  if not name or not file.text:gsub("%-%-[^\n]*", ""):find('tend%.group%s*%(?%s*["\']' .. name .. '["\']') then
    return nil
  end
  for _, module in ipairs(host.modules()) do
    if module == "tend.pack." .. name then return module end
  end
end

-- Compiles a file; nil when it is not to be run. What takes a pack's place is run by whoever requires it first.
local function compile_file(file)
  if file.text:byte(1) == 27 then
    blame(file.name, file.name .. ":1: is bytecode; only source text is loaded")
    return nil
  end
  local chunk, problem = host.compile(file.text, file.name, "rule")
  if not chunk then
    blame(file.name, problem)
    return nil
  end
  local pack = pack_of(file)
  if not pack then return chunk end
  local begun = false
  host.provide(pack, function(...)
    begun = true
    return chunk(...)
  end)
  require("tend.source").take_for_pack(file.name)
  return function()
    if not begun then require(pack) end -- what failed for another file was told there
  end
end

local function run_files(files)
  local chunks, fine = {}, true
  for i, file in ipairs(files) do
    chunks[i] = compile_file(file) or false
    fine = fine and chunks[i] ~= false
  end
  for i, file in ipairs(files) do
    local ran, raised = true, nil
    if chunks[i] then ran, raised = host.call(chunks[i]) end
    if not ran then blame(file.name, raised) end
    fine = fine and ran
  end
  return fine
end

-- Marks empty tables as lists, all the way down.
local function told(value)
  if type(value) ~= "table" then return value end
  if next(value) == nil then return host.array(value) end
  for _, inner in pairs(value) do told(inner) end
  return value
end

local resolved -- of the loaded generation

-- Tests are among the files only under `tend test`.
local function has_tests(files)
  for _, file in ipairs(files) do
    if file.name:find "_test%.lua$" then return true end
  end
  return false
end

--- Loads all files and makes the generation document. Faults are in it; nothing is raised.
---@return table
function entry.load()
  local registry = require "tend.registry"
  local files = host.files()
  local texts = {}
  for i, file in ipairs(files) do texts[i] = file end
  texts[#texts + 1] = host.env()
  require("tend.source").set(texts)
  require("tend.environment").load(host.env())
  local fine = #registry.errors == 0
  fine = run_files(files) and fine
  if not fine then -- the declarations are incomplete: to judge them would only raise false alarms
    return told { errors = registry.errors, warnings = registry.warnings }
  end
  local document
  document, resolved = require("tend.document").make()
  if has_tests(files) then require("tend.test").declare(document, resolved) end
  return told(document)
end

local function declaration(kind, index)
  return require("tend.registry").all(kind)[index + 1]
end

--- The function of a rule, or nil when its `when` is a metric's name.
---@param index integer from 0
---@return function?
function entry.rule(index)
  local rule = declaration("rule", index)
  local when = rule and rule.used and rule.used.when
  return type(when) == "function" and when or nil
end

--- Answers a question about the world as the request describes it.
---@param request table
---@return table
function entry.ask(request)
  if request.kind == "locate" then return told(require("tend.locate").answer(request, resolved)) end
  if request.kind == "post_mortem" then return told(require("tend.locate.post_mortem").answer(request)) end
  if request.kind == "notice" then return told(require("tend.notice").answer(request)) end
  if request.kind == "check" then return told(require("tend.test").check(request)) end
  return { error = ('unknown question "%s"'):format(tostring(request.kind)) }
end

--- Runs a playbook to its end. Yields an effect for each step.
---@param request { playbook: integer, frozen: table }
---@return table  { ok = true } or { ok = false, error = text, undo = "none"|"done"|"failed" }
function entry.run(request)
  local playbook = declaration("playbook", request.playbook)
  if not playbook then return { ok = false, error = "no such playbook", undo = "none" } end
  return require("tend.run").playbook(playbook, request.frozen, resolved)
end

return entry
