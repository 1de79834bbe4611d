--- Discovers services in a Prometheus that is there already: raw series are read from it instead of from targets.
local check = require "tend.check"
local registry = require "tend.registry"

---@class tend.discover.PrometheusOptions
---@field url string         "https://prom:9090"
---@field token? tend.Text   sent as "Authorization: Bearer …"
---@field match string       a selector: which series, '{team="shop"}'
---@field service string     the label whose values are the services' names
---@field instance? string   the label that names instances; "instance" when left out

local function selector(value)
  if type(value) ~= "string" then return nil, "is no selector" end
  local fine, reason = host.selector(value)
  if fine then return value end
  return nil, reason
end

local function url(value)
  if type(value) == "string" and value:find("^https?://[^%s/]+") then return value end
  return nil, 'is no address; write it like "http://prom:9090"'
end

local function text(value) return check.value("text", value) end

--- Makes the discovery.
--
--     targets = require "tend.discover.prometheus" { url = "https://prom:9090", match = '{team="a"}', service = "job" }
---@param options tend.discover.PrometheusOptions
---@return tend.Discovery
local function prometheus(options)
  local used = check.fields("discover.prometheus", options, { url = url, token = text, match = selector,
    service = "string", instance = "string?" })
  registry.warning(host.caller(), "discover.prometheus is checked but not polled by this version: it finds no service")
  return { is = "discovery", at = host.caller(), document = { kind = "prometheus", url = used.url, token = used.token,
    match = used.match, service_label = used.service, instance_label = used.instance or "instance", globs = {} } }
end
return prometheus
