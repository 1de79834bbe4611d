--- Drains and undrains servers of an HAProxy over its Data Plane API, which is HTTP. The runtime socket is not: a step
--- runs a program or sends a request, and nothing else.
--
-- The calls follow the published API (v2, runtime servers); a test here sends them to nobody but a fake. HAProxy
-- forgets the state when it is reloaded.
local check = require "tend.check"
local registry = require "tend.registry"

---@class tend.control.HaproxyOptions
---@field server string          "backend/server", as HAProxy names it; {service}, {host} and labels are filled in
---@field quiet? string          how long its last requests may take after a drain; "10s" when left out
---@field url? string            of the Data Plane API; "http://127.0.0.1:5555" when left out
---@field authorization? tend.Text  value of the Authorization header, such as { "Basic ", tend.secret "haproxy" }

local function path_part(text)
  if not text:find("^[%w_][%w_.:%-]*$") then error(('"%s" is no server name'):format(text), 0) end
  return text
end

local function text_option(value) return check.value("text", value) end

--- Makes the control: drain, undrain.
--
--     control = require "tend.control.haproxy" { server = "{service}/{host}", quiet = "2m" }
---@param options tend.control.HaproxyOptions
---@return tend.Control
local function haproxy(options)
  local used = check.fields("control.haproxy", options, { server = "string", quiet = "duration?", url = "string?",
    authorization = text_option })
  if used.server and not used.server:find("^[^/]+/[^/]+$") then
    registry.error(host.caller(), ('control.haproxy: server = "%s" is not like "backend/server"'):format(used.server))
  end
  local function set_state(p, instance, state)
    local backend, server = p:fill(used.server, instance):match("^([^/]+)/([^/]+)$")
    return p:http {
      method = "PUT",
      url = ("%s/v2/services/haproxy/runtime/servers/%s?backend=%s"):format(used.url or "http://127.0.0.1:5555",
        path_part(server or ""), path_part(backend or "")),
      headers = { ["Content-Type"] = "application/json", ["Authorization"] = used.authorization },
      body = host.json { admin_state = state },
      timeout_ms = 10000,
      idempotent = true,
    }
  end
  return {
    drain = function(p, instance)
      set_state(p, instance, "drain")
      p:wait(host.format_duration(used.quiet or 10000))
    end,
    undrain = function(p, instance) return set_state(p, instance, "ready") end,
  }
end
return haproxy
