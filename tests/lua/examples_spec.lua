-- The examples in the comments of the standard library parse, and those that declare or make something do so without a
-- fault. The manual is made from these comments.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

-- Examples of a file: `code` in a "---" line, and lines indented by five or more in a "--" comment.
local function examples_of(path)
  local list, number = {}, 0
  for line in io.lines(path) do
    number = number + 1
    local code = line:match("^%-%-     (.*)$")
    if line:find("^%-%-%-") and not line:find("^%-%-%-@") then
      for inline in line:gmatch("`([^`]+)`") do
        if inline:find("[{(\"]") and (inline:find("^tend%.") or inline:find("^to =") or inline:find("^p:")) then
          code = inline
        end
      end
    end
    if code then list[#list + 1] = { at = path .. ":" .. number, code = code } end
  end
  return list
end

local HEAD = 'local tend = require "tend"\nlocal systemd = require "tend.control.systemd"\nlocal _ = systemd\n'

local function runs(example)
  local code = example.code
  local statement = code:find("^local ") or code:find("^for ") or code:find("^te[ns][dt]%.%l+ \"")
  local body = statement and code or ("local _ = { %s }"):format(code)
  if not loadstring(body) then error(example.at .. " does not parse: " .. code, 0) end
  if code:find("^p:") or code:find("p:") then return end -- needs a run; run_spec.lua has those
  if code:find("^test%.") then return end -- only `tend test` gives it a world; tests/e2e/test_scenarios.py does
  local document, entry = fake.load(HEAD .. "tend.group \"web\" {}\n" .. body)
  local _ = entry
  for _, fault in ipairs(document.errors) do
    local incomplete = fault.text:find("there is no") or fault.text:find("neither discovered") -- names of elsewhere
    if not incomplete then error(("%s: %s: %s"):format(example.at, code, fault.text), 0) end
  end
end

local listing = assert(io.popen("ls stdlib/tend/*.lua stdlib/tend/*/*.lua"))
for path in listing:lines() do
  local examples = not path:find("/_meta/") and examples_of(path) or {}
  if #examples > 0 then
    suite.fact(("the %d examples of %s run"):format(#examples, path), function()
      for _, example in ipairs(examples) do runs(example) end
    end)
  end
end
listing:close()
