--- Controls a container over the Docker Engine API 1.41, on a TCP address: put it behind TLS or on loopback, for who
--- reaches it is root on that host. A test here sends its request to nobody but a fake.
local check = require "tend.check"

---@class tend.control.DockerOptions
---@field url string        "http://127.0.0.1:2375"; {host} is filled in
---@field container string  name or id; {service}, {instance} labels … are filled in
---@field grace? string     how long the container may take to stop; "10s" when left out

-- What may stand in a path: a container's name or id.
local function path_part(text)
  if not text:find("^[%w][%w_.%-]*$") then error(('"%s" is no container name'):format(text), 0) end
  return text
end

--- Makes the control: restart.
--
--     control = require "tend.control.docker" { url = "http://127.0.0.1:2375", container = "{service}" }
---@param options tend.control.DockerOptions
---@return tend.Control
local function docker(options)
  local used = check.fields("control.docker", options, { url = "string", container = "string", grace = "duration?" })
  return {
    restart = function(p, instance)
      local grace_s = math.ceil((used.grace or 10000) / 1000)
      return p:http {
        method = "POST",
        url = ("%s/v1.41/containers/%s/restart?t=%d"):format(p:fill(used.url, instance),
          path_part(p:fill(used.container, instance)), grace_s),
        timeout_ms = (grace_s + 30) * 1000, -- the answer comes when the restart is done
        idempotent = true,
      }
    end,
  }
end
return docker
