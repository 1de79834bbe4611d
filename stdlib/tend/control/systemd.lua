--- Controls a service that systemd runs. Reaches the world only through `p:exec` of systemctl, which waits for the job
--- and fails unless its result is "done"; systemd's own start limit shows as such a failure.
local check = require "tend.check"

---@class tend.control.SystemdOptions
---@field unit string      unit name, without ".service"; {service} and labels are filled in
---@field host? string     machine that systemctl reaches over ssh (--host); this one when left out
---@field timeout? string  longest a step may take; "90s" when left out, as long as systemd waits for a stop

--- Makes the control for one unit: restart.
--
--     control = require "tend.control.systemd" { unit = "payments" }
---@param options tend.control.SystemdOptions
---@return tend.Control
local function systemd(options)
  local used = check.fields("control.systemd", options, { unit = "string", host = "string?", timeout = "duration?" })
  return {
    restart = function(p, instance)
      local argv = { "systemctl" }
      if used.host then argv[2], argv[3] = "--host", used.host end
      argv[#argv + 1], argv[#argv + 2] = "restart", used.unit .. ".service"
      return p:exec {
        argv = p:fill(argv, instance), -- a list: no shell, no quoting
        timeout_ms = used.timeout or 90000,
        idempotent = true, -- a second restart leaves the unit in the same state
      }
    end,
  }
end
return systemd
