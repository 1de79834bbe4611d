--- Ahead: which metrics need a forecast, because a rule looks ahead of them, and what `tend check` says about it.
local registry = require "tend.registry"
local source = require "tend.source"

local ahead = {}

local DEFAULT_MS = 30 * 60000 -- of a rule that only reads `.eta`
local LINE = 0.5 -- of how far ahead, at least: outlook.c looks at most twice as far as its line is long

-- Whether anything in the rule's file reads `.eta`: functions and summaries may stand anywhere in it.
local function reads_eta(rule)
  local text = source.text((source.place(rule.at)))
  return text ~= nil and text:find "%.eta%f[%W]" ~= nil
end

local function ask(metric, ms)
  if metric.expect and metric.name ~= "up" and (not metric.ahead_ms or ms < metric.ahead_ms) then
    metric.ahead_ms = ms
  end
end

--- Notes for the metrics of a service how far ahead a rule wants to see of them.
---@param rule tend.Declaration
---@param ms integer  the rule's `ahead` for this service, 0 when it has none
---@param metrics table<string, table>
function ahead.bind(rule, ms, metrics)
  local when = rule.used.when
  local judged = type(when) == "string" and metrics[when]
  if ms > 0 and judged then ask(judged, ms) end
  local reads = reads_eta(rule)
  for _, metric in pairs(metrics) do
    if reads or ms > 0 and not judged then ask(metric, ms > 0 and ms or DEFAULT_MS) end
  end
end

--- Checks a rule's `ahead`.
---@param rule tend.Declaration
function ahead.check(rule)
  local ms, when = rule.used.ahead, rule.used.when
  if not ms then return end
  local at = source.field(rule, { "ahead" })
  if ms < 1000 then
    registry.error(at, 'ahead is no time to look ahead; write "30m"')
  elseif when == "up" then
    registry.error(at, "ahead: up is 1 or 0, which no line leads to; leave ahead out")
  end
end

--- Blames a rule that looks ahead of a metric that somebody has, but of which nobody expects anything.
---@param rule tend.Declaration
function ahead.blame_no_limit(rule)
  registry.error(source.field(rule, { "ahead" }),
    ("ahead: %s has no limit that it could reach: give the metric expect and out_at"):format(rule.used.when))
end

--- What `tend check` prints: `stock.memory  foretold 30m ahead by a trend of 15m or more: rule "memory will be full"`.
---@param owner string
---@param rule tend.Declaration
---@param ms integer
---@return string?
function ahead.text(owner, rule, ms)
  if ms == 0 then return nil end
  local when = rule.used.when
  return ('%s%s  foretold %s ahead, by a trend of %s or more: rule "%s"'):format(owner,
    type(when) == "string" and "." .. when or "", host.format_duration(ms),
    host.format_duration(math.ceil(ms * LINE)), rule.name)
end

return ahead
