-- The pack "golden": what it declares for services that say little. Its behaviour over time is in golden_test.lua.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"

local HEAD = [[
local tend = require "tend"
require "tend.pack.golden"
tend.notify "n" { on = "*", to = { require "tend.notify.log" {} } }
]]

local function load(text)
  local document = fake.load(HEAD .. text)
  suite.same(document.errors, {})
  return document
end

local function rules_of(document, service)
  local names = {}
  for _, binding in ipairs(service.rules) do names[#names + 1] = document.rules[binding.rule + 1].name end
  table.sort(names)
  return names
end

suite.fact("a service that says nothing is judged by what needs no expectation of its own", function()
  local document = load 'tend.service "s" { is = "golden", targets = { "http://a:1/m", "http://b:1/m" } }'
  suite.same(rules_of(document, document.services[1]), { "down", "errors", "odd traffic", "one holds more",
    "one is slow", "slow", "unusual traffic" })
  suite.same(#document.warnings, 0)
end)

suite.fact("one instance has no peers, and the pack does not insist", function()
  local document = load 'tend.service "s" { is = "golden", targets = { "http://a:1/m" } }'
  suite.same(rules_of(document, document.services[1]), { "down", "errors", "slow", "unusual traffic" })
end)

suite.fact("an expectation is enough to be judged", function()
  local document = load [[tend.service "s" { is = "golden", targets = { "http://a:1/m" },
    metrics = { response_time = { expect = "400ms" }, memory = { expect = "1GiB", out_at = "2GiB" } } }]]
  suite.same(rules_of(document, document.services[1]), { "down", "errors", "memory grows", "slow", "unusual traffic" })
end)

suite.fact("metrics and rules can be taken out", function()
  local document = load [[tend.service "s" { is = "golden", targets = { "http://a:1/m", "http://b:1/m" },
    metrics = { p99 = false, traffic = false, requests = false }, rules = { down = false } }]]
  suite.same(rules_of(document, document.services[1]), { "errors", "one holds more", "slow" })
end)

suite.fact("its lines are its own", function()
  local document = load 'tend.service "s" { is = "golden", targets = { "http://a:1/m" } }'
  suite.contains(document.rules[1].at, "rules/golden/golden.lua:")
end)

local function beside(files)
  files["golden.lua"] = fake.read "rules/golden/golden.lua"
  return fake.load(nil, { files = files })
end

suite.fact("a directory that has the pack's own file is judged by that file, required or not", function()
  local document = beside { ["a.lua"] = HEAD .. 'tend.service "s" { is = "golden", targets = { "http://a:1/m" } }' }
  suite.same(document.errors, {})
  suite.contains(document.rules[1].at, "golden.lua:")
  suite.same(document.rules[1].at:find("^rules/"), nil)
  suite.same(beside({}).errors, {})
end)

suite.fact("there too the pack does not insist on peers where there are none", function()
  local document = beside { ["a.lua"] = HEAD .. 'tend.service "s" { is = "golden", targets = { "http://a:1/m" } }' }
  suite.same(rules_of(document, document.services[1]), { "down", "errors", "slow", "unusual traffic" })
end)

suite.fact("a file of the pack's name that declares no such group is a file like any other", function()
  local document = fake.load(nil, { files = { ["golden.lua"] = HEAD .. [[-- tend.group "golden" is the pack's
    tend.service "s" { is = "golden", targets = { "http://a:1/m" } }]] } })
  suite.same(document.errors, {})
  suite.contains(document.rules[1].at, "rules/golden/golden.lua:")
end)
