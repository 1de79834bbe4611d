--- Test: scenarios and invariants, for the files called *_test.lua, which only `tend test` reads.
--
-- A scenario is a small world in virtual time. What it declares is told to C as part of the generation document; when
-- it has been played, `check` is called here with what happened.
local check = require "tend.check"
local registry = require "tend.registry"

local test = {}

---@class tend.ScenarioFields
---@field world? table<string, integer>  service → how many instances, called SERVICE/1 …
---@field faults? tend.ScenarioFault[]          what breaks, and when
---@field acts? table<string, string>    verb → how it goes; "works" when left out
---@field series? table<string, string>  "search/*.response_time" → P at each scrape, in promtool's notation
---@field from? string                   "2026-03-02 02:00 Europe/Berlin": when it begins
---@field people? tend.ScenarioPerson[]  what people do, and when
---@field crashes? (string|integer)[]     when tend itself is killed: "4m", after "restart begun", after its 41st record
---@field check fun(run: tend.Played)    asserts

---@class tend.ScenarioFault
---@field at string     after the beginning: "2m"
---@field on string     "redis" (all of its instances), "redis/1" or "*"
---@field kind string
---@field times? number
---@field ratio? number
---@field lasts? string it ends by itself after this time

---@class tend.ScenarioPerson
---@field at string         after the beginning: "2m"
---@field approve? boolean  says yes to what waits for it
---@field pause? string     wants no acts for this time: "3m"
---@field reload? boolean   has the rules loaded anew

---@class tend.Played
---@field culprit? string      of the first incident
---@field culprits string[]
---@field alerts table         a list of all that fired, each also by its rule's name
---@field steps table[]        acts that were begun: verb, service, instance, outcome, at_s
---@field pages table[]        messages of severity "page" that went out, but those that say it is over
---@field refused table[]      what was not done: service, reason, text
---@field ended string         "recovered", "resolved by itself", "escalated", "open", "quiet" (no incident)
---@field broken string[]     what the charter (core/SAFETY.md) forbids and was done all the same
---@field recovered_s? number  from the first fault to the end of the last run that recovered

local KINDS = { "crash", "hang", "slow", "errors", "leak", "bad deploy", "metrics gone", "network loss",
  "noisy neighbour", "leaves" }
local ACTS = { "works", "works, but says it failed", "fails", "times out", "works late", "half works" }

local scenarios, invariants = {}, {}

local function word_of(words)
  return function(value)
    for _, word in ipairs(words) do
      if value == word then return value end
    end
    return nil, ('is none of "%s"'):format(table.concat(words, '", "')) .. check.suggest(value, words)
  end
end
local kind_of, act_of = word_of(KINDS), word_of(ACTS)

local FAULT = { at = "duration", on = "string", kind = kind_of, times = "number?", ratio = "number?",
  lasts = "duration?" }

local function world_of(value)
  if type(value) ~= "table" then return nil, "is no table; write { search = 3 }" end
  for name, count in pairs(value) do
    if type(name) ~= "string" or type(count) ~= "number" or count < 1 or count % 1 ~= 0 or count > 1000 then
      return nil, ("%s = %s is no number of instances; write { search = 3 }"):format(tostring(name), check.show(count))
    end
  end
  return value
end

local function acts_of(value)
  if type(value) ~= "table" then return nil, 'is no table; write { restart = "fails" }' end
  for verb, how in pairs(value) do
    local fine, reason = act_of(how)
    if not fine then return nil, ("%s = %s %s"):format(tostring(verb), check.show(how), reason) end
  end
  return value
end

-- When tend is killed: { at_ms = … }, { after = "restart begun" } or { record = 41 }.
local function crashes_of(value)
  if type(value) ~= "table" then return nil, 'is no list; write { "4m" } or { "restart begun" }' end
  local crashes = {}
  for i, crash in ipairs(value) do
    local at = type(crash) == "string" and host.duration(crash)
    if at then
      crashes[i] = { at_ms = at }
    elseif type(crash) == "string" and crash:find "^%S+ %l+$" then
      crashes[i] = { after = crash }
    elseif type(crash) == "number" and crash >= 1 and crash % 1 == 0 then
      crashes[i] = { record = crash }
    else
      return nil, ('has %s, which is neither a time ("4m") nor a record ("restart begun", "run ended", 41)'):format(
        check.show(crash))
    end
  end
  return crashes
end

local function texts_of(value)
  if type(value) ~= "table" then return nil, "is no table" end
  for key, text in pairs(value) do
    if type(key) ~= "string" or type(text) ~= "string" then
      return nil, 'has something that is no text; write { ["search/*.response_time"] = "0.4x60" }'
    end
    if not key:find("^[^/]+/[^/]+%.[%w_]+$") then
      return nil, ('"%s" names no metric; write it like "search/*.response_time" or "search/1.up"'):format(key)
    end
  end
  return value
end

-- `check` is a field of this table and a module of that name is used in it, hence the other word.
local SCENARIO = { world = world_of, faults = "table?", acts = acts_of, series = texts_of, from = "string?",
  people = "table?", crashes = crashes_of, env = "any?", check = "function" }
local PERSON = { at = "duration", approve = "boolean?", pause = "duration?", reload = "boolean?" }

local function declarer(list, what, read)
  return function(name)
    local at = host.caller()
    if not at:find("_test%.lua:") then
      registry.error(at, "tend.test is for files called NAME_test.lua; rules cannot use it")
    end
    if type(name) ~= "string" or name == "" or name:find("%c") then
      registry.error(at, ("the name of %s is a text, not %s"):format(what, check.show(name)))
      name = "?"
    end
    for _, other in ipairs(list) do
      if other.name == name then
        registry.error(at, ('%s "%s" is declared twice, first at %s'):format(what, name, other.at))
      end
    end
    return function(fields)
      local entry = read(fields)
      entry.name, entry.at = name, at
      list[#list + 1] = entry
    end
  end
end

--- Declares a scenario.
--
--     test.scenario "quiet" { world = { redis = 1 }, check = function(run) assert(run.ended == "quiet") end }
---@type fun(name: string): fun(fields: tend.ScenarioFields)
test.scenario = declarer(scenarios, "a scenario", function(fields)
  local used = check.fields("a scenario", fields, SCENARIO)
  local faults = {}
  for i, fault in ipairs(used.faults or {}) do
    faults[i] = check.fields("a fault", fault, FAULT)
    if not faults[i].kind then registry.error(host.caller(), "a fault needs a kind: " .. table.concat(KINDS, ", ")) end
  end
  used.faults = faults
  local people = {}
  for i, person in ipairs(used.people or {}) do people[i] = check.fields("a person", person, PERSON) end
  used.people = people
  if not used.world and not used.series then
    registry.error(host.caller(), "a scenario needs a world, or series by hand")
  end
  return used
end)

--- Declares what must hold in each scenario all the time: `holds(world)`, with `world.stock.healthy` and `.instances`,
--- `.acts` (how many tend did to it so far) and `.pause_s` (from the last act of its run before to the first of its
--- newest; nil until there were two runs).
---@type fun(name: string): fun(fields: { holds: fun(world: table): any })
test.invariant = declarer(invariants, "an invariant", function(fields)
  return check.fields("an invariant", fields, { holds = "function" })
end)

-- What this version lacks --------------------------------------------------------------------------------------------

-- Services that a scenario names.
local function named(scenario)
  local names = {}
  for name in pairs(scenario.world or {}) do names[name] = true end
  for key in pairs(scenario.series or {}) do names[key:match "^[^/]+"] = true end
  return names
end

local function warned(text)
  for _, fault in ipairs(registry.warnings) do
    if fault.text:find(text, 1, true) then return true end
  end
  return false
end

-- How many scrapes a series by hand lasts.
local function length_of(text)
  local count = 0
  for item in text:gmatch "%S+" do
    local times = item:match "x(%d+)$"
    count = count + (times and tonumber(times) or 1)
  end
  return count
end

-- Minutes of the day from which to which a scenario lasts; nil when it does not say when it begins.
local function span_of(scenario, every_ms)
  local hour, minute = (scenario.from or ""):match "^%d+%-%d+%-%d+ (%d+):(%d+)"
  if not hour then return nil end
  local scrapes = 0
  for _, text in pairs(scenario.series or {}) do scrapes = math.max(scrapes, length_of(text)) end
  local begins = tonumber(hour) * 60 + tonumber(minute)
  return begins, begins + scrapes * every_ms / 60000
end

local function within(hours, begins, ends)
  if hours.month_day or hours.week_days or not begins then return false end
  for _, span in ipairs(hours.spans or {}) do
    if begins >= span.from_min and ends <= span.to_min then return true end
  end
  return #(hours.spans or {}) == 0
end

-- Why a scenario cannot be played by this version, or nil. A calendar that is not applied matters when the scenario
-- leaves the hours that it names.
local function lacks(scenario, resolved)
  for _, person in ipairs(scenario.people) do
    if person.approve ~= nil then return "it asks a person for a yes, which this version cannot" end
  end
  if scenario.env ~= nil then return "an env of its own is more than this version gives a scenario" end
  if not warned "judges around the clock" then return nil end
  for _, entry in ipairs(resolved and resolved.every or {}) do
    local hours = entry.def.awake
    if named(scenario)[entry.def.name] and type(hours) == "table" and scenario.from then
      local begins, ends = span_of(scenario, entry.def.every_ms)
      if not within(hours, begins, ends) then
        return ("it leaves the hours in which %s is awake, which this version does not keep"):format(entry.def.name)
      end
    end
  end
end

--- Adds scenarios and invariants to the generation document.
---@param document table
---@param resolved table
function test.declare(document, resolved)
  document.scenarios, document.invariants = {}, {}
  for i, scenario in ipairs(scenarios) do
    local faults = {}
    for j, fault in ipairs(scenario.faults or {}) do
      faults[j] = { at_ms = fault.at, on = fault.on, kind = fault.kind, times = fault.times, ratio = fault.ratio,
        lasts_ms = fault.lasts }
    end
    local people = {}
    for j, person in ipairs(scenario.people) do
      people[j] = { at_ms = person.at, pause_ms = person.pause, reload = person.reload }
    end
    document.scenarios[i] = { name = scenario.name, at = scenario.at, from = scenario.from, faults = faults,
      people = people[1] and people, crashes = scenario.crashes and scenario.crashes[1] and scenario.crashes,
      world = scenario.world and next(scenario.world) and scenario.world,
      acts = scenario.acts and next(scenario.acts) and scenario.acts,
      series = scenario.series and next(scenario.series) and scenario.series, skip = lacks(scenario, resolved) }
  end
  for i, invariant in ipairs(invariants) do
    document.invariants[i] = { name = invariant.name, at = invariant.at }
  end
end

-- What happened ------------------------------------------------------------------------------------------------------

local Played = {}

--- Whether an act was begun: `run:did "restart redis/1"`, or of any instance: `run:did "restart redis"`.
function Played:did(what)
  if type(what) ~= "string" or not what:find("^%S+ %S+$") then
    error('run:did wants a verb and a name: run:did "restart redis/1"', 2)
  end
  for _, step in ipairs(self.steps) do
    if step.verb .. " " .. step.service == what then return true end
    if step.instance and step.verb .. " " .. step.instance == what then return true end
  end
  return false
end

local function played(run)
  local alerts = {}
  for i, alert in ipairs(run.alerts or {}) do alerts[i] = alert end
  for _, alert in ipairs(run.alerts or {}) do alerts[alert.rule] = alerts[alert.rule] or alert end
  run.alerts = alerts
  for _, list in ipairs { "steps", "pages", "refused", "culprits", "broken" } do run[list] = run[list] or {} end
  return setmetatable(run, { __index = Played })
end

-- A world as an invariant sees it. Reading a service that the scenario does not have ends the question.
local ABSENT = {}
local function world_view(services)
  return setmetatable({}, { __index = function(_, name) return services[name] or error(ABSENT, 0) end })
end

local function broken(invariant, worlds)
  for _, moment in ipairs(worlds) do
    local fine, holds = pcall(invariant.holds, world_view(moment.services))
    if not fine and holds == ABSENT then return nil end
    if not fine then return tostring(holds) end
    if not holds then
      local after = host.format_duration(math.floor(moment.at_ms / 1000) * 1000)
      return ('%s: invariant "%s" does not hold %s after the beginning'):format(invariant.at, invariant.name, after)
    end
  end
end

--- Calls a scenario's `check`, and each invariant.
---@param request { scenario?: integer, run: table, worlds: table[] }  no scenario: one that was made up, without check
---@return table  { failures = { text, … } }
function test.check(request)
  local scenario, failures = request.scenario and scenarios[request.scenario + 1], {}
  if request.scenario and not scenario then return { error = "no such scenario" } end
  host.progress("file", 0)
  if scenario then
    local fine, problem = host.call(scenario.check, played(request.run))
    if not fine then failures[1] = problem end
  end
  for _, invariant in ipairs(invariants) do
    failures[#failures + 1] = broken(invariant, request.worlds or {})
  end
  return { failures = failures }
end

return test
