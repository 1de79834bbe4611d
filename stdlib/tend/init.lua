--- tend: the declarations and values of a rules directory. `local tend = require "tend"`.
--
-- Nothing here decides or resolves: a declaration is noted with its place, and tend.resolve makes the whole of them
-- once all files were read, so that the order of files and declarations means nothing.
local check = require "tend.check"
local registry = require "tend.registry"

local tend = {}

-- The declaration of one kind: tend.service "name" { … }.
local function declarer(kind)
  return function(name)
    local at = host.caller()
    if type(name) ~= "string" or name == "" or name:find("[%c/]") then
      registry.error(at, ("the name of a %s is a text without slashes, not %s"):format(kind, check.show(name)))
      name = "?"
    end
    local declaration = registry.declare(kind, name, at)
    return function(fields)
      if type(fields) ~= "table" then
        registry.error(at, ('%s "%s" wants a table, not %s'):format(kind, name, check.show(fields)))
        fields = {}
      end
      declaration.fields = fields
    end
  end
end

--- Declares a service: what differs from its groups. `tend.service "search" { depends = "redis" }`
---@type fun(name: string): fun(fields: tend.ServiceFields)
tend.service = declarer "service"
--- Declares a group: what its members inherit, and a name for them all. `tend.group "*" { every = "5s" }`
---@type fun(name: string): fun(fields: tend.GroupFields)
tend.group = declarer "group"
--- Declares a rule. `tend.rule "slow" { on = "web", when = "response_time", fire_after = "1m" }`
---@type fun(name: string): fun(fields: tend.RuleFields)
tend.rule = declarer "rule"
--- Declares a playbook. `tend.playbook "restart" { run = function(p) p:restart() end }`
---@type fun(name: string): fun(fields: tend.PlaybookFields)
tend.playbook = declarer "playbook"
--- Declares a locator. `tend.locate "evictions" { on = "redis", score = function(s) return 2, "evicting" end }`
---@type fun(name: string): fun(fields: tend.LocateFields)
tend.locate = declarer "locate"
--- Declares who hears of what. `tend.notify "on call" { on = "*", to = { require "tend.notify.log" {} } }`
---@type fun(name: string): fun(fields: tend.NotifyFields)
tend.notify = declarer "notify"
--- Declares a silence. `tend.silence "month's end" { on = "invoices", during = tend.hours "day 1 00:00-12:00" }`
---@type fun(name: string): fun(fields: tend.SilenceFields)
tend.silence = declarer "silence"

--- Hours of the week or month: "Mon-Fri 08:00-20:00", "06:00-22:00", "day 1 00:00-12:00"; ";" separates several.
--- A span over midnight, "22:00-06:00", belongs to the day on which it begins.
--
--     local office = tend.hours("Mon-Fri 08:00-20:00", "Europe/Berlin")
---@param text string
---@param zone? string  a time zone's name; the service's when left out
---@return tend.Hours
function tend.hours(text, zone)
  local fine, reason
  if type(text) == "string" then fine, reason = host.hours(text) end
  if not fine then
    registry.error(host.caller(), ("tend.hours(%s): %s"):format(check.show(text), reason or "it wants a text"))
    text = "00:00-24:00"
  end
  -- Whether there is such a zone is seen where there are files: in core/engine/calendar.c.
  if zone ~= nil and (type(zone) ~= "string" or not zone:find("^%a[%w_+/%-]*$")) then
    registry.error(host.caller(),
      ('tend.hours: zone %s is none; write it like "Europe/Berlin"'):format(check.show(zone)))
    zone = nil
  end
  return { is = "hours", text = text, zone = zone }
end

local secret_meta = {
  __concat = function()
    error('a secret cannot be joined to a text; write a list: { "Bearer ", tend.secret "x" }', 2)
  end,
  __tostring = function() return "***" end,
  __metatable = false,
}

--- A secret by name. It is a handle: the core puts the value in as a request leaves.
--
--     url = tend.secret "chat-url"
---@param name string
---@return tend.Secret
function tend.secret(name)
  if type(name) ~= "string" or not name:find("^[%w_][%w_.%-]*$") then
    registry.error(host.caller(), ("tend.secret wants a file's name, not %s"):format(check.show(name)))
    name = "?"
  else
    local names = host.secrets()
    local known = not names
    for _, other in ipairs(names or {}) do known = known or other == name end
    if not known then
      registry.error(host.caller(), ('no secret "%s" in the directory of secrets%s'):format(name,
        check.suggest(name, names, "it has")))
    end
  end
  return setmetatable({ secret = name }, secret_meta)
end

--- The values of env/NAME.lua as chosen by --env NAME; a name it lacks is nil. Read-only.
tend.env = setmetatable({}, {
  __index = function(_, name) return require("tend.environment").get(name) end,
  __newindex = function() error("tend.env cannot be changed; edit the file in env/", 2) end,
  __metatable = false,
})

-- Where a metric comes from -------------------------------------------------------------------------------------------

-- A source as the user wrote it: its kind and its selectors. Faults are noted with the line of the call.
local function new_source(kind, ...)
  local made = { is = "source", kind = kind, at = host.caller(), selectors = {}, gauges = {} }
  for i = 1, select("#", ...) do
    local selector = select(i, ...)
    if kind == "share" and type(selector) == "table" and selector.is == "source" then
      if selector.kind ~= "gauge" and selector.kind ~= "rate" then
        registry.error(made.at, ("tend.share is of gauges or rates, not of a %s"):format(selector.kind))
      end
      made.gauges[i] = selector.kind == "gauge"
      selector = selector.selectors[1]
    else
      made.gauges[i] = false
    end
    local fine, reason
    if type(selector) == "string" then fine, reason = host.selector(selector) end
    if not fine then
      registry.error(made.at, ("tend.%s: %s"):format(kind,
        reason or (check.show(selector) .. ' is no selector; write it like "http_requests_total"')))
      selector = "?"
    end
    made.selectors[i] = selector
  end
  return made
end

--- A gauge: the mean over the window. `tend.gauge "redis_connected_clients"`
---@param selector string
---@return tend.Source
function tend.gauge(selector) return new_source("gauge", selector) end

--- A counter's increase per second. `tend.rate "http_requests_total"`
---@param selector string
---@return tend.Source
function tend.rate(selector) return new_source("rate", selector) end

--- The mean of a histogram or summary: NAME_sum over NAME_count. `tend.mean "http_request_duration_seconds"`
---@param selector string  without _sum and _count
---@return tend.Source
function tend.mean(selector) return new_source("mean", selector) end

--- A quantile of a histogram: `tend.quantile(0.99, "http_request_duration_seconds")`
---@param q number          0 to 1
---@param selector string   without _bucket
---@return tend.Source
function tend.quantile(q, selector)
  local made = new_source("quantile", selector)
  made.q = q
  if type(q) ~= "number" or not (q > 0 and q < 1) then
    registry.error(made.at, ("tend.quantile(%s, …): the first is a number between 0 and 1, like 0.99"):format(
      check.show(q)))
    made.q = 0.5
  end
  return made
end

--- One over the other: of counters the increases, of gauges their newest values.
--
--     tend.share('http_requests_total{code=~"5.."}', "http_requests_total")
--     tend.share(tend.gauge "used_bytes", tend.gauge "max_bytes")
---@param part string|tend.Source
---@param whole string|tend.Source
---@return tend.Source
function tend.share(part, whole) return new_source("share", part, whole) end

--- How long ago a timestamp is. `tend.age "invoices_last_success_timestamp_seconds"`
---@param selector string
---@return tend.Source
function tend.age(selector) return new_source("age", selector) end

--- How often a value became another within the window. `tend.changes "process_start_time_seconds"`
---@param selector string
---@return tend.Source
function tend.changes(selector) return new_source("changes", selector) end

-- What is expected of it ----------------------------------------------------------------------------------------------

--- Learned from the metric's own past. `tend.learned { season = "1w" }` is what is usual at this hour of the week in
--- the zone of the service, `season = "1d"` at this hour of the day, without a season what it was lately;
--- `tend.learned { given = "traffic" }` is what is usual for the value that this other metric of the service has now;
--- `tend.learned { last = 60 }` is the mean of its last 60 values.
---@param options? { last?: integer, season?: "1d"|"1w", zone?: string, given?: string }
---@return tend.Expectation
function tend.learned(options)
  local made = check.fields("tend.learned", options or {}, {
    last = function(value)
      if type(value) == "number" and value >= 1 and value % 1 == 0 and value <= 100000 then return value end
      return nil, "is no number of values; write a whole number, 1 or more"
    end,
    season = function(value)
      local season = ({ ["1d"] = 1, ["1w"] = 7 })[value]
      if season then return season * 24 * 3600 * 1000 end
      return nil, 'is no season; write "1d" or "1w"'
    end,
    zone = "string?", given = "string?",
  })
  if made.last and made.season then
    registry.error(host.caller(), "tend.learned: last and season are two ways to learn; write one of them")
  elseif made.given and (made.last or made.season) then
    registry.error(host.caller(), ("tend.learned: given and %s are two ways to learn; write one of them"):format(
      made.last and "last" or "season"))
  elseif made.zone and not made.season then
    registry.error(host.caller(), "tend.learned: zone is for the hours of a season, and here is none; leave it out"
      .. ((made.given or made.last) and "" or ', or add season = "1w"'))
  end
  made.is, made.how, made.at = "expectation", made.last and "last" or "learned", host.caller()
  return made
end

--- The mean over the peers: the instances of the service, or with `among` the services of a group.
--
--     expect = tend.peers { among = "web", self = true }
---@param options? { among?: string, self?: boolean }
---@return tend.Expectation
function tend.peers(options)
  local made = check.fields("tend.peers", options or {}, { among = "string?", self = "boolean?" })
  return { is = "expectation", how = "peers", among = made.among, self = made.self or false, at = host.caller() }
end

return tend
