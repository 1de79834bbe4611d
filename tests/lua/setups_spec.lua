-- The real-life setups and the contract's own example load, where they are (TEND_SETUPS, else beside this checkout),
-- and the examples of this repository.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local function show(faults)
  local lines = {}
  for _, fault in ipairs(faults) do lines[#lines + 1] = fault.at .. ": " .. fault.text end
  return table.concat(lines, "\n")
end

local function loads(name, path, env)
  suite.fact(name .. " loads", function()
    local probe = io.open(path)
    if not probe then suite.skip(path .. " is not here") end
    probe:close()
    local env_text = env and fake.read(env)
    local document = fake.load(nil, { files = { [path:match("[^/]+$")] = fake.read(path) }, env = env_text,
      env_name = env and env:match("env/.*$") })
    suite.same(show(document.errors), "")
    if os.getenv "SHOW" then
      print(name, show(document.warnings), table.concat(document.limits_text, "\n"), show(document.looser))
    end
  end)
end

local SETUPS = os.getenv "TEND_SETUPS" or "../shared/setups"
loads("setup 1-vms", SETUPS .. "/1-vms/services.lua")
loads("setup 2-k8s in prod", SETUPS .. "/2-k8s/shop.lua", SETUPS .. "/2-k8s/env/prod.lua")
loads("setup 2-k8s in staging", SETUPS .. "/2-k8s/shop.lua", SETUPS .. "/2-k8s/env/staging.lua")
loads("setup 5-batch", SETUPS .. "/5-batch/invoices.lua")
loads("setup 6-prom", SETUPS .. "/6-prom/prom.lua")
suite.fact("the example of the contract loads", function()
  local contract = io.open(SETUPS .. "/../lua.md")
  if not contract then suite.skip "lua.md is not here" end
  local text = contract:read("*a"):match("```lua\n(.-)```")
  contract:close()
  local document = fake.load(nil, { files = { ["shop.lua"] = text }, env = "return { acts = 12 }" })
  suite.same(show(document.errors), "")
  suite.contains(table.concat(document.limits_text, "\n"),
    "search.response_time  expect 400 ms  alpha 0.5  out of line above 600 ms")
end)
loads("the demo shop", "examples/shop/shop.lua", "examples/shop/env/demo.lua")
