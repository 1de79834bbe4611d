--- Test: scenarios and invariants, for the files called *_test.lua, which only `tend test` reads.
--
-- A scenario is a small world in virtual time. What it declares is told to C as part of the generation document; when
-- it has been played, `check` is called here with what happened.
local check = require "tend.check"
local lint = require "tend.lint"
local registry = require "tend.registry"
local source = require "tend.source"

local test = {}

---@class tend.ScenarioFields
---@field world? table<string, integer|tend.ScenarioService>  service → how many instances, called SERVICE/1 …
---@field faults? tend.ScenarioFault[]          what breaks, and when
---@field acts? table<string, string|tend.ScenarioAct>  verb → how it goes; "restart redis", "restart redis/1": nearer
---@field load? tend.ScenarioLoad        how the load changes; the usual one, always, when left out
---@field spread? boolean                 each target is scraped at its own time, as by `tend run`; else all at once
---@field seed? integer                  another one, another course of what is left to chance
---@field series? table<string, string>  "search/*.response_time" → P at each scrape, in promtool's notation
---@field lasts? string                  at least so long: "10d"; else until its series or its troubles are over
---@field from? string                   "2026-03-02 02:00 Europe/Berlin": when it begins
---@field people? tend.ScenarioPerson[]  what people do, and when
---@field crashes? (string|integer)[]     when tend itself is killed: "4m", after "restart begun", after its 41st record
---@field check fun(run: tend.Played)    asserts

---@class tend.ScenarioService  core/driver/world/MODEL.md has what they do; "*" in place of a service's name is for all
---@field [1]? integer       how many instances
---@field start_up? string   from its start until it serves; "3s"
---@field work? string       of the usual response time, what it works itself
---@field workers? integer   requests that an instance works on at the same time; 1
---@field room? integer      requests that may wait for a worker; 100
---@field use? number        of its workers' time, while nothing is wrong; 0.2
---@field timeout? string    of its calls; "1s", or five times what the slowest dependency usually takes
---@field retries? integer   after a call that failed; 0
---@field needs? number      share of its requests that fail when a call does; 0.5
---@field failover? boolean  whether a call of it that is refused goes to another instance; true
---@field calls? string|string[]  whom it really calls, where that is not what the rules say that it depends on
---@field usual? table<string, string|number>  metric → what it is while nothing is wrong; else what is expected

---@class tend.ScenarioAct
---@field [integer] string  how it goes the first time, the second …; the last word is for all later times too
---@field takes? string     how long it takes; "1s"

---@class tend.ScenarioLoad
---@field times? number     of the usual load, the mean of a day; 1
---@field swing? number     the top of the day is this share above the mean, the night below; 0.5
---@field peak? string      "15:00", as `from` has it
---@field weekend? number   of it, on Saturday and Sunday; 1
---@field noise? number     standard deviation, as a share; 0.05

---@class tend.ScenarioFault
---@field at string|string[]  after the beginning: "2m"; { "2m", "10m" }: some time between
---@field on? string    "redis" (all of its instances), "redis/1" or "*"
---@field kind string
---@field times? number
---@field ratio? number
---@field per_minute? number  of a leak: share of the usual memory
---@field log? string   a line that it has written to the log of each instance that it is on: "ERROR disk full"
---@field by? string    of a clock jump: "1h", "-30s"
---@field lasts? string|string[] it ends by itself after this time, or some time between two

---@class tend.ScenarioPerson
---@field at string         after the beginning: "2m"
---@field approve? boolean  says yes to what waits for it
---@field pause? string     wants no acts for this time: "3m"
---@field reload? boolean   has the rules loaded anew
---@field silence? string   silences a service, a group or "*", as `tend silence` does; wants `["for"]`
---@field deploy? string    notes that a service is being deployed, as `tend deploy` does
---@field kind? "version"|"config"|"flag"  of a deploy: what is changed
---@field for? string       how long: "10m"
---@field rule? string      of a silence: only alerts of this rule
---@field ack? boolean      acknowledges all incidents that are open

---@class tend.Played
---@field culprit? string      of the first incident
---@field culprits string[]
---@field alerts table         a list of all that fired, each also by its rule's name
---@field steps table[]        acts that were begun: verb, service, instance, outcome, at_s
---@field pages table[]        messages of severity "page" that went out, but those that say it is over
---@field refused table[]      what was not done: service, reason, text
---@field ended string         "recovered", "resolved by itself", "escalated", "open", "quiet" (no incident)
---@field broken string[]     what the charter (core/SAFETY.md) forbids and was done all the same
---@field fault_s number      of the first fault, after the beginning
---@field recovered_s? number  from the first fault to the end of the last run that recovered
---@field spoiled number      requests from outside that got an error or no answer, beyond those that usually do
---@field weighed string[]    services that might have been blamed

-- Each with the fields that it has beside those of all.
local FAULTS = {
  crash = {}, hang = {}, slow = { "times" }, errors = { "ratio" }, leak = { "times", "per_minute" },
  ["bad deploy"] = { "ratio", "times" }, ["metrics gone"] = {}, ["network loss"] = {},
  ["noisy neighbour"] = { "times" }, surge = { "times" }, ["clock jump"] = { "by" }, ["monitoring blind"] = { "ratio" },
  leaves = {},
}
local KINDS = check.names(FAULTS)
local ACTS = { "works", "works, but says it failed", "works, but times out", "fails", "times out", "works late",
  "half works" }

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

-- A time, or some time between two: { "2m", "10m" }, which is chosen by the scenario's name and seed.
local function time_of(value)
  if type(value) ~= "table" then return check.value("duration", value) end
  local least, reason = check.value("duration", value[1])
  local most, other_reason = check.value("duration", value[2])
  if not least or not most or #value ~= 2 then
    return nil, ('is no time and no two times; write "2m", or { "2m", "10m" } for some time between%s'):format(
      (reason or other_reason) and " (" .. (reason or other_reason) .. ")" or "")
  end
  if most < least then return nil, "ends before it begins" end
  return { least, most }
end

-- By how much a clock jumps: a duration, also backwards.
local function jump_of(value)
  if type(value) ~= "string" then return nil, 'is no duration; write "1h" or "-30s"' end
  local by, reason = host.duration((value:gsub("^%-", "")))
  if not by then return nil, reason end
  return value:find "^%-" and -by or by
end

local function between(least, most)
  return function(value)
    if type(value) == "number" and value >= least and value <= most then return value end
    return nil, ("is not between %g and %g"):format(least, most)
  end
end
local function whole(least, most)
  return function(value)
    if type(value) == "number" and value % 1 == 0 and value >= least and value <= most then return value end
    return nil, ("is no whole number from %d to %d"):format(least, most)
  end
end

local FAULT = { at = time_of, on = "string?", kind = kind_of, times = between(0, 1e6), ratio = between(0, 1),
  per_minute = between(0, 1e6), by = jump_of, lasts = time_of, log = "string?" }

local USUAL = { start_up = "duration?", work = "duration?", workers = whole(1, 1000), room = whole(0, 10000),
  use = between(0.001, 0.99), timeout = "duration?", retries = whole(0, 10), needs = between(0, 1),
  failover = "boolean?", usual = "table?", calls = "names?" }
local LOAD = { times = between(0, 1e3), swing = between(0, 1), weekend = between(0, 1e3), noise = between(0, 1),
  peak = function(value)
    local hour, minute = tostring(value):match "^(%d%d?):(%d%d)$"
    hour, minute = tonumber(hour), tonumber(minute)
    if hour and hour < 24 and minute < 60 then return hour * 60 + minute end
    return nil, 'is no time of the day; write "15:00"'
  end }

-- The declaration that is being read: what stands within its tables is told with its own line.
local reading

local function traits_of(name, given)
  local said = {}
  for key, value in pairs(given) do
    if key ~= 1 then said[key] = value end
  end
  said = check.declared(reading, { "world", name }, said, USUAL, "a service of a world")
  return { start_up_ms = said.start_up, work_ms = said.work, workers = said.workers, room = said.room, use = said.use,
    timeout_ms = said.timeout, retries = said.retries, needs = said.needs, failover = said.failover,
    calls = said.calls and host.array(said.calls), usual = said.usual and next(said.usual) and said.usual }
end

-- Whom services call, as a scenario says; a loop would have no end.
local function loop_in(traits)
  local state = {}
  local function visit(name)
    if state[name] == "open" then return name end
    if state[name] then return nil end
    state[name] = "open"
    for _, below in ipairs(traits[name] and traits[name].calls or {}) do
      local found = visit(below)
      if found then return found end
    end
    state[name] = "done"
  end
  for name in pairs(traits) do
    local found = visit(name)
    if found then return found end
  end
end

-- { instances = { search = 3 }, traits = { search = { start_up_ms = 100 } } }
local function world_of(value)
  if type(value) ~= "table" then return nil, "is no table; write { search = 3 }" end
  local instances, traits = {}, {}
  for name, given in pairs(value) do
    local count = type(given) == "table" and given[1] or given
    if type(given) == "table" then traits[tostring(name)] = traits_of(tostring(name), given) end
    if name == "*" and type(given) == "table" and given[1] == nil then
      count = nil -- what is said of all
    elseif type(name) ~= "string" or type(count) ~= "number" or count < 1 or count % 1 ~= 0 or count > 1000 then
      return nil, ("%s = %s is no number of instances; write { search = 3 } or { search = { 3, start_up = \"10s\" } }")
        :format(tostring(name), check.show(count))
    end
    instances[name] = count
  end
  local loop = loop_in(traits)
  if loop then return nil, ("calls go round in a loop, by %s"):format(loop) end
  return { instances = instances, traits = traits }
end

local function act_how(given)
  if type(given) ~= "table" then return act_of(given) end
  local words, fields = {}, {}
  for key, value in pairs(given) do
    if type(key) ~= "number" then fields[key] = value end
  end
  for i, word in ipairs(given) do
    local fine, reason = act_of(word)
    if not fine then return nil, ("has %s, and that %s"):format(check.show(word), reason) end
    words[i] = word
  end
  local used = check.declared(reading, { "acts" }, fields, { takes = "duration?" }, "an act")
  return { how = words[1] and words, takes_ms = used.takes }
end

local function acts_of(value)
  if type(value) ~= "table" then return nil, 'is no table; write { restart = "fails" }' end
  local acts = {}
  for verb, given in pairs(value) do
    local how, reason = act_how(given)
    if not how then return nil, ("has %s = %s, which %s"):format(tostring(verb), check.show(given), reason) end
    if type(verb) ~= "string" or not verb:find "^%S+$" and not verb:find "^%S+ %S+$" then
      return nil, ('has %s, which is no verb; write "restart", or "restart redis/1"'):format(check.show(verb))
    end
    acts[verb] = how
  end
  return acts
end

local function load_of(value)
  if type(value) ~= "table" then return nil, 'is no table; write { swing = 0.5, peak = "15:00" }' end
  local used = check.declared(reading, { "load" }, value, LOAD, "a load")
  return { times = used.times, swing = used.swing or 0.5, peak_min = used.peak, weekend = used.weekend,
    noise = used.noise }
end

-- A fault as C has it. What its kind does not know is told.
local function fault_of(given, number)
  local function wrong(text) registry.error(source.field(reading, { "faults", number }), text) end
  if type(given) ~= "table" then
    local text = '%s is no fault; write { at = "2m", on = "redis", kind = "crash" }'
    wrong(text:format(check.show(given)))
    return {}
  end
  local used = check.declared(reading, { "faults", number }, given, FAULT, "a fault")
  if given.at == nil then wrong('a fault needs at: "2m"') end
  if not given.kind then wrong("a fault needs a kind: " .. table.concat(KINDS, ", ")) end
  local own = FAULTS[used.kind]
  if not own then return used end
  local known = { at = true, on = true, kind = true, lasts = true }
  for _, field in ipairs(own) do known[field] = true end
  known.log = used.kind ~= "clock jump" and used.kind ~= "monitoring blind" and used.kind ~= "leaves"
  for _, field in ipairs(check.names(given)) do
    if FAULT[field] and not known[field] then
      wrong(('a fault of the kind "%s" has no %s'):format(used.kind, field)
        .. (own[1] and "; it has " .. table.concat(own, ", ") or ""))
    end
  end
  local everywhere = used.kind == "clock jump" or used.kind == "monitoring blind"
  if not given.on and not everywhere then
    wrong('a fault needs on: a service, an instance like "redis/1", or "*"')
  end
  if used.kind == "clock jump" and not given.by then
    wrong('a clock jump needs by: "1h", or "-30s"')
  end
  return { at_ms = used.at, on = used.on or "*", kind = used.kind, times = used.times, ratio = used.ratio,
    per_minute = used.per_minute, by_ms = used.by, lasts_ms = used.lasts, log = used.log }
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
  load = load_of, seed = whole(0, 2 ^ 31), spread = "boolean?", lasts = "duration?",
  people = "table?", crashes = crashes_of, env = "any?", check = "function" }
local function kind_of_deploy(value)
  if value == nil or value == "version" or value == "config" or value == "flag" then return value end
  return nil, 'is none of "version", "config", "flag"'
end

local PERSON = { at = "duration", approve = "boolean?", pause = "duration?", reload = "boolean?", silence = "string?",
  deploy = "string?", ["for"] = "duration?", rule = "string?", ack = "boolean?", kind = kind_of_deploy }
local DOINGS = { "approve", "pause", "reload", "silence", "deploy", "ack" }

-- A person does one thing at a time.
local function person_of(person)
  local used = check.fields("a person", person, PERSON)
  local does = {}
  for _, doing in ipairs(DOINGS) do
    if used[doing] ~= nil then does[#does + 1] = doing end
  end
  if #does ~= 1 then
    registry.error(host.caller(), ("a person does one of %s"):format(table.concat(DOINGS, ", ")))
  elseif used.silence and not used["for"] then
    registry.error(host.caller(), 'a silence says for how long: { at = "2m", silence = "redis", ["for"] = "10m" }')
  elseif used.kind and not used.deploy then
    registry.error(host.caller(), 'kind is of a deploy: { at = "2m", deploy = "redis", kind = "config" }')
  end
  return used
end

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
      reading = { at = at, kind = what:match "%a+$", name = name }
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
  for i, fault in ipairs(used.faults or {}) do faults[i] = fault_of(fault, i) end
  used.faults = faults
  local people = {}
  for i, person in ipairs(used.people or {}) do
    people[i] = person_of(person)
    people[i].where = source.field(reading, { "people", i })
  end
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
  for name in pairs(scenario.world and scenario.world.instances or {}) do names[name] = true end
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
  for i, playbook in ipairs(registry.all "playbook") do document.playbooks[i].steps = lint.steps(playbook) end
  for i, scenario in ipairs(scenarios) do
    local people = {}
    for j, person in ipairs(scenario.people) do
      people[j] = { at_ms = person.at, pause_ms = person.pause, reload = person.reload, silence = person.silence,
        deploy = person.deploy, what = person.kind, for_ms = person["for"], rule = person.rule, ack = person.ack,
        where = person.where }
    end
    document.scenarios[i] = { name = scenario.name, at = scenario.at, from = scenario.from, faults = scenario.faults,
      load = scenario.load, seed = scenario.seed, spread = scenario.spread, lasts_ms = scenario.lasts,
      people = people[1] and people, crashes = scenario.crashes and scenario.crashes[1] and scenario.crashes,
      world = scenario.world and next(scenario.world.instances) and scenario.world.instances,
      traits = scenario.world and next(scenario.world.traits) and scenario.world.traits,
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

-- In a world that was made up only what an act broke counts: that faults break things is known.
local function broken(invariant, worlds, made_up)
  local held = true
  for _, moment in ipairs(worlds) do
    local fine, holds = pcall(invariant.holds, world_view(moment.services))
    if not fine and holds == ABSENT then return nil end
    if not fine then return tostring(holds) end
    if not holds and (not made_up or held and moment.by_act) then
      local after = host.format_duration(math.floor(moment.at_ms / 1000) * 1000)
      return ('%s: invariant "%s" does not hold %s after the beginning'):format(invariant.at, invariant.name, after)
    end
    held = holds
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
    failures[#failures + 1] = broken(invariant, request.worlds or {}, not scenario)
  end
  return { failures = failures }
end

return test
