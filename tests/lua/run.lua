-- Runs the Lua specs with plain luajit: `luajit tests/lua/run.lua [SPEC…]` from the project's root.
--
-- A spec is a file that gets the suite: `local suite = ...; suite.fact("what is so", function() assert(…) end)`. A fact
-- that cannot be tried here calls suite.skip("why").
local passed, failed, skipped = 0, 0, 0
local SKIP = {}
local suite = {}

local function traced(problem)
  if problem == SKIP or type(problem) == "table" then return problem end
  return debug.traceback(tostring(problem), 2)
end

function suite.fact(name, body)
  local fine, problem = xpcall(body, traced)
  if fine then
    passed = passed + 1
  elseif type(problem) == "table" and problem.skip then
    skipped = skipped + 1
    print(("SKIP %s: %s"):format(name, problem.skip))
  else
    failed = failed + 1
    print(("FAIL %s\n  %s"):format(name, tostring(problem):gsub("\n", "\n  ")))
  end
end

function suite.skip(why) error({ skip = why }, 0) end

--- Fails unless both are the same; tables are compared by content.
function suite.same(seen, wanted, what)
  local function show(value)
    if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
    local keys, words = {}, {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for _, key in ipairs(keys) do words[#words + 1] = ("%s = %s"):format(tostring(key), show(value[key])) end
    return "{ " .. table.concat(words, ", ") .. " }"
  end
  if show(seen) ~= show(wanted) then
    error(("%swanted %s\n  but saw %s"):format(what and what .. ": " or "", show(wanted), show(seen)), 2)
  end
end

--- Fails unless the text contains the part, as it is.
function suite.contains(text, part)
  if not tostring(text):find(part, 1, true) then error(("%q\n  is not in %q"):format(part, tostring(text)), 2) end
end

local specs = { ... }
if #specs == 0 then
  local listing = assert(io.popen("ls tests/lua/*_spec.lua"))
  for path in listing:lines() do specs[#specs + 1] = path end
  listing:close()
end
for _, path in ipairs(specs) do assert(loadfile(path))(suite) end
print(("%d passed, %d failed, %d skipped"):format(passed, failed, skipped))
os.exit(failed == 0 and 0 or 1)
