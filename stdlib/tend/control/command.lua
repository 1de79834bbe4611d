--- Controls a service by programs: a verb for each, as a list of arguments. Never a shell.
local check = require "tend.check"
local registry = require "tend.registry"

---@class tend.control.CommandOptions
---@field [string] string[]    verb → program and arguments; {service} {instance} {host} … are filled in
---@field timeout? string      longest a step may take; "30s" when left out
---@field idempotent? boolean  whether a second call leaves the same state; false when left out

local function good_argv(argv)
  if type(argv) ~= "table" or next(argv) == nil then
    return nil, 'is no list of arguments; write { "/path/program", "{service}" }'
  end
  local last = 0
  for i in pairs(argv) do last = type(i) == "number" and i > last and i or last end
  for i = 1, last do
    local argument = argv[i]
    if argument == nil then
      return nil, ("has nil as argument %d; does tend.env have what is written there (--env NAME)?"):format(i)
    end
    if type(argument) ~= "string" then
      return nil, ("has an argument that is no text: %s"):format(check.show(argument))
    end
  end
  if argv[1] == "" or argv[1]:find("^%-") or argv[1]:find("{", 1, true) then
    return nil, "names no program: the first is never filled in"
  end
  return argv
end

--- Makes the control.
--
--     control = require "tend.control.command" { restart = { "/usr/local/bin/svc", "restart", "{service}" } }
---@param options tend.control.CommandOptions
---@return tend.Control
local function command(options)
  local spec, verbs = { timeout = "duration?", idempotent = "boolean?" }, 0
  for name in pairs(type(options) == "table" and options or {}) do
    if type(name) == "string" and type(options[name]) == "table" then
      spec[name], verbs = good_argv, verbs + 1
    end
  end
  local used, control = check.fields("control.command", options, spec), {}
  for verb, argv in pairs(used) do
    if type(argv) == "table" then
      control[verb] = function(p, instance, arguments)
        return p:exec {
          argv = p:fill(argv, instance, arguments),
          timeout_ms = used.timeout or 30000,
          idempotent = used.idempotent or false,
        }
      end
    end
  end
  if verbs == 0 then
    registry.error(host.caller(), 'control.command brings no verb; write command { restart = { "/path/program" } }')
  end
  return control
end
return command
