--- Discovers targets in Prometheus' file_sd files, which are read again when they change.
local check = require "tend.check"

---@class tend.discover.FileOptions
---@field [integer] string  files; "*" in the last part of a path only
---@field service string    the label whose values are the services' names

local function good_glob(value)
  if type(value) ~= "string" then return nil, "is no file name" end
  if value:gsub("/[^/]*$", "/"):find("*", 1, true) then return nil, "may have * in its last part only" end
  if not value:find("%.json$") then return nil, "is no JSON file; only *.json is read" end
  return value
end

--- Makes the discovery: a service for each value of a label.
--
--     targets = require "tend.discover.file" { "/etc/tend/sd/*.json", service = "app" }
---@param options tend.discover.FileOptions
---@return tend.Discovery
local function file(options)
  local globs, spec = {}, { service = "string" }
  for i in ipairs(type(options) == "table" and options or {}) do spec[i] = good_glob end
  local used = check.fields("discover.file", options, spec)
  for _, glob in ipairs(used) do globs[#globs + 1] = glob end
  if #globs == 0 then
    local registry = require "tend.registry"
    if type(options) == "table" and #options == 0 then
      registry.error(host.caller(),
        'discover.file names no file, or one that is nil (does tend.env have it? see --env); '
        .. 'write file { "/etc/tend/sd/*.json", service = "app" }')
    end
  end
  local document = { kind = "file", globs = globs, service_label = used.service }
  return { is = "discovery", at = host.caller(), document = document }
end
return file
