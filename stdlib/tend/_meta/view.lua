---@meta
-- What `when` and `score` see. In a rule it is provided by core/script (tick.c), elsewhere by tend.view; never loaded.

---@class tend.MetricView  reading P E F A or out of a metric without data makes the verdict unknown
---@field P number       measured
---@field E number       expected
---@field F number       deviation
---@field A number       alert index: 1 is the limit
---@field out boolean    out of line: true from A = 1 on, false again below clear_below
---@field eta number     seconds until A = 1 by the forecast; 0 when it is out already, NaN when there is none
---@field missing? string  why there is no data; nil when there is

---@class tend.View  a service or an instance
---@field name string
---@field labels table<string, string>
---@field version? string
---@field evidence tend.Change[]  in tend.locate: how its metrics left what they were, the plainest first; else empty
---@field happened tend.Happening[]  in tend.locate: what was done to it in the hour before the first symptom, and since
---@field out_share number  of its instances that are out of line, 0 to 1
---@field logs tend.LogLine[]  in `score` and a playbook's `when`: lines that are new or unusual, the most telling first
---@field [string] tend.MetricView
local View = {}

--- Whether its version changed within this time. `s:deployed_within "45m"`
---@param within tend.Duration
---@return boolean  false when that is not known
function View:deployed_within(within) end

---@class tend.Instance: tend.View
---@field host string
---@field port string
---@field address string  "host:port"
---@field out boolean
