---@meta
-- The `host` table, which core/script/host_table.c gives to library code only; never loaded.

---@class tend.Host
---@field null any  JSON's null in what becomes JSON
host = {}

--- "shop.lua:12", the nearest frame up the stack that is the user's; "" when there is none.
---@return string
function host.caller() end
--- The user's files, in the order given.
---@return { name: string, text: string }[]
function host.files() end
--- The file that --env chose, or nil.
---@return { name: string, text: string }?
function host.env() end
--- Names of the secrets, or nil when it is not known which there are.
---@return string[]?
function host.secrets() end
--- Compiles text; `name` is a file's name without "@".
---@param text string
---@param name string
---@param kind "rule"|"library"
---@return function?, string? problem
function host.compile(text, name, kind) end
--- Names of the embedded modules, sorted.
---@return string[]
function host.modules() end
--- Has `require` find this function under the name of an embedded module, in place of that one.
---@param module string
---@param chunk function
function host.provide(module, chunk) end
--- Says that a piece of user code begins, so that the process that kills it knows whom to blame.
---@param what "file"|"rule"|"locate"|"playbook"|"notify"
---@param index integer from 0
function host.progress(what, index) end
--- As pcall, but an error comes as text with the user's file and line.
---@param body function
---@return boolean, any
function host.call(body, ...) end
--- In a run only: hands an effect over and returns its answer.
---@param effect table
---@return table
function host.yield(effect) end
--- Milliseconds of "1m30s".
---@param text string
---@return integer?, string? problem
function host.duration(text) end
--- The value of "400ms" in the base unit of `unit`.
---@param text string
---@param unit string
---@return number?, string? problem
function host.quantity(text, unit) end
--- "s", "bytes", "ratio" or "": the family of a unit.
---@param unit string
---@return string
function host.family(unit) end
--- "400 ms" of 0.4 and "s"; a nil value is "no data".
---@param value? number
---@param unit string
---@return string
function host.format(value, unit) end
--- "1m30s" of 90000.
---@param ms integer
---@return string
function host.format_duration(ms) end
--- Whether the text is hours of the week or month, like "Mon-Fri 08:00-20:00".
---@param text string
---@return true?, string? problem
function host.hours(text) end

--- Whether the text is a regular expression as `logs` takes them.
---@param text string
---@return boolean? fine
---@return string? reason
function host.pattern(text) end

--- Whether the text is a selector.
---@param text string
---@return true?, string? problem
function host.selector(text) end
--- 64 hex digits.
---@param text string
---@return string
function host.sha256(text) end
--- Canonical JSON; an empty table is an object unless host.array marked it.
---@param value any
---@return string
function host.json(value) end
--- Marks a table as a JSON array and returns it.
---@param list table
---@return table
function host.array(list) end
