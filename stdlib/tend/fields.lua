--- Fields: which fields each declaration has, and of which type. What takes other declarations to judge is in
--- tend.resolve.
local check = require "tend.check"
local registry = require "tend.registry"
local source = require "tend.source"

local fields = {}

local function one_of(...)
  local allowed = { ... }
  return function(value)
    for _, word in ipairs(allowed) do
      if value == word then return value end
    end
    return nil, ('is none of "%s"'):format(table.concat(allowed, '", "')) .. check.suggest(value, allowed)
  end
end

-- A number, or a text with a unit: which unit is known only when the metric is whole.
local function quantity(value)
  if type(value) == "number" and value == value or type(value) == "string" then return value end
  return nil, 'is no value; write a number, or a text with a unit like "400ms"'
end

local function ratio(value)
  if type(value) == "string" then return host.quantity(value, "ratio") end
  if type(value) == "number" and value == value then return value end
  return nil, "is no share; write it like 0.2"
end

local function whole(least, why, most)
  return function(value)
    if type(value) ~= "number" or value % 1 ~= 0 then return nil, "is no whole number" end
    if value < least then return nil, why end
    if most and value > most then return nil, ("is more than tend counts; write %d or less"):format(most) end
    return value
  end
end

local NEVER = "can never act: nothing would be allowed"

local function between(least, most, why)
  return function(value)
    local number, reason = ratio(value)
    if not number then return nil, reason end
    if number <= least or number > most then return nil, why end
    return number
  end
end

fields.limits = {
  __removable = true,
  at_once = whole(1, NEVER .. "; write 1 or more"),
  share = between(0, 1, NEVER .. ", or is more than everything; write it like 0.2"),
  min_healthy = whole(0, "is below 0"),
  per_hour = whole(1, NEVER .. "; write 1 or more", 128), -- TEND_RUNS_KEPT
  cooldown = "duration",
  attempts = whole(1, NEVER .. "; write 1 or more"),
  confidence = function(value)
    local number, reason = ratio(value)
    if not number then return nil, reason end
    if number < 0 then return nil, "is below 0" end
    if number > 0.95 then return nil, "can never act: no culprit is ever more certain than 0.95" end
    return number
  end,
}

fields.together = { at_once = fields.limits.at_once, per_hour = fields.limits.per_hour, __removable = true }

fields.metric = {
  __removable = true,
  expect = function(value)
    if type(value) == "table" and value.is == "expectation" then return value end
    if type(value) == "table" then return nil, "is no value; write one, tend.learned {…} or tend.peers()" end
    return quantity(value)
  end,
  alpha = function(value)
    local number, reason = ratio(value)
    if number and number <= 0 then return nil, "is not above 0" end
    return number, reason
  end,
  out_at = quantity,
  floor = quantity,
  unit = "string",
  bad = one_of("above", "below", "both"),
  min_samples = whole(1, "is below 1"),
  window = "duration",
  [1] = function(value)
    if type(value) == "table" and value.is == "source" then return value end
    return nil, 'is no source; write it like tend.gauge "name"'
  end,
}

local function hours(value)
  if type(value) == "table" and value.is == "hours" then return value end
  return nil, 'is not hours; write tend.hours("06:00-22:00", "Europe/Berlin")'
end

-- "http://host:port/metrics", or host:port as discovery writes it.
local function good_target(text)
  return text:find("^https?://[^%s/@]*@?[%w._%-%[%]:]+[^%s]*$") or text:find("^[%w._%-]+:%d+[^%s]*$")
end

local function targets(value)
  if type(value) == "table" and value.is == "discovery" then return value end
  if type(value) == "string" then value = { value } end
  if type(value) ~= "table" then return nil, "is no list of addresses and no discovery" end
  local list, known = {}, {}
  for _, target in ipairs(value) do
    if type(target) ~= "string" or not good_target(target) then
      return nil, ('%s is no address; write it like "http://vm1:9100/metrics"'):format(check.show(target))
    end
    if known[target] then return nil, ('"%s" is listed twice'):format(target) end
    known[target], list[#list + 1] = true, target
  end
  if #list == 0 and next(value) then return nil, "is no list of addresses" end
  return list
end

-- A path of `logs`: absolute, for rules are loaded on other machines than the one whose logs they speak of.
local function log_path(text)
  if type(text) ~= "string" then return ('is no path: %s'):format(check.show(text)) end
  local word = text:gsub("{service}", ""):match("{[^}]*}?")
  if text:sub(1, 1) ~= "/" then return ('"%s" does not begin with /; relative to what would it be?'):format(text) end
  if word then return ('"%s": %s is not known here; write {service}, or *'):format(text, word) end
  if text:find("**", 1, true) then return ('"%s": ** is not known; a * stands within one directory'):format(text) end
  if text:find("%.[gx]z$") or text:find("%.bz2$") or text:find("%.zst$") then
    return ('"%s" is compressed; only files that grow are read'):format(text)
  end
end

local LOG_OPTIONS = { files = true, mask = true, format = true }

-- A path, a list of paths, or { files = …, mask = …, format = … }.
local function log_files(value)
  local options = value
  if type(value) == "string" or type(value) == "table" and value[1] ~= nil then options = { files = value } end
  if type(options) ~= "table" then return nil, 'is no path; write it like "/var/log/shop/{service}*.log"' end
  for key in pairs(options) do
    if not LOG_OPTIONS[key] then
      return nil, ('has an unknown field "%s"%s'):format(tostring(key), check.suggest(key, check.names(LOG_OPTIONS),
        "logs have"))
    end
  end
  local files, mask = check.value("names", options.files or {}), check.value("names", options.mask or {})
  if not files or #files == 0 then return nil, 'names no files; write files = "/var/log/shop/{service}*.log"' end
  for _, file in ipairs(files) do
    local problem = log_path(file)
    if problem then return nil, problem end
  end
  if not mask then return nil, "mask is no list of regular expressions" end
  for _, pattern in ipairs(mask) do
    local fine, problem = host.pattern(pattern)
    if not fine then return nil, "mask: " .. problem end
  end
  local format = options.format
  if format ~= nil and format ~= "json" and format ~= "plain" then
    return nil, ('format = %s is neither "json" nor "plain"'):format(check.show(format))
  end
  return { files = files, mask = mask, plain = format == "plain" }
end

-- Who calls whom, as meshes and span metrics tell it. Linkerd's proxies do not say whose they are: the scraped
-- service's.
local EDGES = {
  istio = { series = "istio_requests_total", from = "source_workload", to = "destination_workload" },
  ["istio services"] = { series = "istio_requests_total", from = "source_workload", to = "destination_service_name" },
  linkerd = { series = 'request_total{direction="outbound"}', to = "dst_deployment" },
  servicegraph = { series = "traces_service_graph_request_total", from = "client", to = "server" },
}
local EDGE_FIELDS = { series = true, from = true, to = true }

local function edge(value)
  if type(value) == "string" then
    if EDGES[value] then return EDGES[value] end
    return nil, '"' .. value .. '" is none of istio, "istio services", linkerd, servicegraph'
  end
  if type(value) ~= "table" then return nil, "is no table" end
  for key, text in pairs(value) do
    if not EDGE_FIELDS[key] then return nil, "has a field " .. tostring(key) .. "; it takes series, from and to" end
    if type(text) ~= "string" or text == "" then return nil, key .. " is no text" end
  end
  if not value.series or not (value.from or value.to) then
    return nil, "needs a series and the label of at least one side: from (the caller), to (the callee)"
  end
  local fine, reason = host.selector(value.series)
  if not fine then return nil, "series: " .. reason end
  return { series = value.series, from = value.from, to = value.to }
end

-- One, or a list of them.
local function edges(value)
  local list = {}
  local given = type(value) == "table" and (value[1] ~= nil or next(value) == nil) and value or { value }
  for i, one in ipairs(given) do
    local made, reason = edge(one)
    if not made then return nil, reason end
    list[i] = made
  end
  return list
end

fields.service = {
  __removable = true, edges = edges,
  is = "names", targets = targets, every = "duration", window = "duration", timeout = "duration", zone = "string",
  depends = "names", version = "table", logs = log_files, control = "table", metrics = "table", rules = "table",
  remedies = "names", limits = "table", awake = hours, gone_after = "duration",
  record = function(value)
    if value == "all" then return value end
    return check.value("names", value)
  end,
}

fields.group = { together = "table" }
for name, kind in pairs(fields.service) do fields.group[name] = kind end

local KINDS = { "RESOLVE", "REFUSED", "CONNECT_TIMEOUT", "TLS", "SEND", "READ_TIMEOUT", "CLOSED_EARLY", "HTTP_STATUS",
  "TOO_LARGE", "PARSE" }

local function kinds(value)
  local list, reason = check.value("names", value)
  if not list then return nil, reason end
  local known = one_of(unpack(KINDS))
  for _, kind in ipairs(list) do
    local fine, problem = known(kind)
    if not fine then return nil, ('"%s" %s'):format(kind, problem) end
  end
  return list
end

fields.override = { -- what a service may change about a rule
  __removable = true,
  fire_after = "duration",
  clear_below = between(0, 1, "is not above 0 and up to 1: it is a part of the alert index A"),
  clear_after = "duration",
  missing = one_of("hold", "warn", "act"),
  severity = "string",
  act = "boolean",
  ahead = "duration",
}

fields.rule = {
  on = "names",
  per = one_of("service", "instance"),
  when = function(value)
    if type(value) == "string" or type(value) == "function" then return value end
    return nil, "is neither a metric's name nor a function"
  end,
  summary = "string?", runbook = "string?", kinds = kinds,
}
for name, kind in pairs(fields.override) do
  if name ~= "__removable" then fields.rule[name] = type(kind) == "string" and kind .. "?" or kind end
end

fields.playbook = {
  when = "function?", within = "duration?", limits = "table?", run = "function", also = "names?", programs = "names?",
}

fields.locate = { on = "names", score = "function" }

local function ways(value)
  if type(value) == "table" and value.is == "notifier" then value = { value } end
  if type(value) ~= "table" then return nil, 'is no list of ways; write { require "tend.notify.log" {} }' end
  local list = {}
  for i, way in ipairs(value) do
    for _, one in ipairs(type(way) == "table" and way.ways or { way }) do -- one address each, tried in order
      if type(one) ~= "table" or type(one.notice) ~= "function" then
        return nil, ("has no way to notify at %d, but %s"):format(i, check.show(one))
      end
      list[#list + 1] = one
    end
  end
  if #list == 0 then return nil, "names no way: nobody would hear of it" end
  return list
end

fields.notify = {
  on = "names", severity = "names?", to = ways, again = "duration?", outside = hours, during = hours,
}

fields.silence = { on = "names", during = hours, outside = hours, from = "string?", till = "string?", why = "string?" }

-- Stands for a source whose fault was told already.
local FAULTY_SOURCE = { is = "source", kind = "mean", selectors = { "?" }, gauges = {} }

-- Tables of tables: metrics = { name = { field = … } }.
local function inner(declaration, name, spec, what)
  local used = {}
  for key, value in pairs(declaration.used[name] or {}) do
    local path = { name, key }
    if type(key) ~= "string" then
      registry.error(source.field(declaration, { name }), ("%s wants names: %s = { NAME = … }"):format(name, name))
    elseif value == false then
      used[key] = false
    elseif type(value) ~= "table" then
      registry.error(source.field(declaration, path), check.sentence(name .. "." .. key, value, "is no table"))
    else
      used[key] = check.declared(declaration, path, value, spec, what)
      if value[1] ~= nil and not used[key][1] and spec[1] then used[key][1] = FAULTY_SOURCE end
    end
  end
  return used
end

local WHAT = { service = "a service", group = "a group", rule = "a rule", playbook = "a playbook",
  locate = "a locator", notify = "a notify", silence = "a silence" }

local function required(declaration)
  if declaration.kind == "rule" and declaration.fields.when == nil then
    registry.error(declaration.at, 'a rule needs when: a metric\'s name, or a function')
  end
  if declaration.kind == "notify" and declaration.fields.to == nil then
    registry.error(declaration.at, "a notify needs to: a list of ways")
  end
end

--- Checks the fields of a declaration; what is good of them is in `declaration.used` afterwards.
---@param declaration tend.Declaration
function fields.check(declaration)
  local used = check.declared(declaration, {}, declaration.fields, fields[declaration.kind], WHAT[declaration.kind])
  declaration.used = used
  required(declaration)
  if used.limits then
    used.limits = check.declared(declaration, { "limits" }, used.limits, fields.limits, "limits")
  end
  if declaration.kind ~= "service" and declaration.kind ~= "group" then return end
  if used.together then
    used.together = check.declared(declaration, { "together" }, used.together, fields.together, "together")
  end
  if used.version then
    used.version = check.declared(declaration, { "version" }, used.version, { series = "string", label = "string" },
      "version")
  end
  used.metrics = inner(declaration, "metrics", fields.metric, "a metric")
  used.rules = inner(declaration, "rules", fields.override, "a rule of a service")
end

return fields
