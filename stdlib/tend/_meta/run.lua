---@meta
-- The `p` of a playbook (stdlib/tend/run.lua over core/script's host.yield); never loaded.

---@class tend.Run  one run of a playbook; every verb acts on the culprit
---@field culprit tend.View  as it was when the run began
---@field alerts { rule: string, service: string, instance: string, severity: string }[]
---@field id string          "r3"
local Run = {}

---@class tend.ExecSpec
---@field argv string[]             program and arguments: no shell
---@field timeout? tend.Duration    "30s" when left out
---@field idempotent? boolean       may be done twice; false when left out
---@field undo? fun(p: tend.Run)    what takes it back when the run fails

---@class tend.HttpSpec
---@field method? string            "GET" when left out
---@field url tend.Text
---@field headers? table<string, tend.Text>
---@field body? tend.Text|table     a table is sent as JSON
---@field timeout? tend.Duration    "30s" when left out
---@field accept? integer[]         statuses besides 2xx that are no failure
---@field idempotent? boolean       true for GET and HEAD, else false when left out
---@field undo? fun(p: tend.Run)

---@class tend.EffectResult  what a step came to
---@field exit? integer
---@field output? string
---@field status? integer
---@field body? string

--- Runs a program. Yields; "step begun" is in the journal before it starts, "step ended" after. Raises when it fails.
---@param spec tend.ExecSpec
---@return tend.EffectResult
function Run:exec(spec) end

--- Sends a request. Raises on a failure and on a status that is neither 2xx nor accepted.
---@param spec tend.HttpSpec
---@return tend.EffectResult
function Run:http(spec) end

--- Sends a mail.
---@param spec { to: string, subject: string, body: string, server?: string }
function Run:mail(spec) end

--- The instances that are out of line, the worst first; ends when the incident is cured.
---@return fun(): tend.Instance?
function Run:worst_first() end

--- Waits until newer samples say that the instance, or without one the incident, is in line. Raises when they do not.
---@param instance? tend.Instance|string
function Run:verify(instance) end

--- Restarts an instance; without one each in turn, the worst first.
---@param instance? tend.Instance|string
function Run:restart(instance) end

--- Deploys a version.
---@param arguments { version: string }
function Run:redeploy(arguments) end

--- Sets the number of instances.
---@param replicas integer
function Run:scale(replicas) end

--- Takes an instance out of its balancer; undone by undrain when the run fails.
---@param instance? tend.Instance|string
function Run:drain(instance) end

--- Puts an instance back into its balancer.
---@param instance? tend.Instance|string
function Run:undrain(instance) end

--- Another service that the playbook lists in `also`.
---@param service string
---@return tend.Run
function Run:at(service) end

--- Waits.
---@param duration tend.Duration
function Run:wait(duration) end

--- Writes a line into the run's story.
---@param text string
function Run:note(text) end

--- Calls a person.
---@param text string
function Run:escalate(text) end

--- Calls a function whose steps may fail.
---@param body function
---@return boolean fine, any result_or_problem
function Run:try(body, ...) end

--- Fills {service} {instance} {host} {port} {address} {version} and labels: for controls.
---@param what string|string[]
---@param instance? tend.Instance
---@param arguments? table
---@return string|string[]
function Run:fill(what, instance, arguments) end
