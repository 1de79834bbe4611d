--- Metric: one metric of a service, made whole and checked: unit, expectation, and where it is out of line.
--
-- F = |P - E| / max(|E|, floor); out of line from F = alpha on. `out_at` is the same limit in the metric's unit:
-- out_at = E ± alpha * max(|E|, floor).
local check = require "tend.check"
local registry = require "tend.registry"
local source = require "tend.source"

local metric = {}

local DAY_MS = 24 * 3600 * 1000

local DEFAULT_BAD = { mean = "above", quantile = "above", share = "above", age = "above", changes = "above",
  up = "below", scrape_duration = "above" }

-- The unit that a series' name carries: Prometheus' naming convention.
local function unit_of(made)
  local name = (made.selectors[1]:match("^[%w_:]*") or ""):gsub("_total$", "")
  local unit = ""
  if name:find("_seconds$") then unit = "s" end
  if name:find("_bytes$") then unit = "bytes" end
  if name:find("_ratio$") then unit = "ratio" end
  if made.kind == "share" then return "ratio" end
  if made.kind == "age" then return "s" end
  if made.kind == "changes" then return "" end
  if made.kind == "rate" then
    if unit == "s" then return "ratio" end -- seconds per second: how many are busy
    return unit == "bytes" and "bytes/s" or "/s"
  end
  return unit
end

-- Where a metric's limit was written, so that `tend tune` can say what to change there; nil when nobody wrote one.
local function limit_origin(fields, name)
  local key = fields.alpha and "alpha" or "out_at"
  return fields[key] and source.origin(fields[key].from, { "metrics", name, key })
end

-- What a metric is while it is checked: the fields with their origin, and how to blame one of them.
local function blame(item, key, text)
  local origin = item.fields[key]
  local from = origin and origin.from or item.from
  registry.error(source.field(from, { "metrics", item.name, key }), ("metrics.%s: %s"):format(item.name, text))
end

-- The value of a field in the metric's unit; nil when there is none or it is faulty.
local function quantity(item, key, unit)
  local origin = item.fields[key]
  if not origin then return nil end
  if type(origin.value) == "number" then return origin.value end
  local value, reason = host.quantity(origin.value, unit)
  if not value then blame(item, key, check.sentence(key, origin.value, reason)) end
  return value
end

-- Faults of a limit around a constant.
local function check_constant(item, made)
  local expect = made.expect.value
  local shown = host.format(expect, made.unit)
  if made.alpha and math.max(math.abs(expect), made.floor) == 0 then
    blame(item, "alpha", ("alpha = %s can never be reached: it is relative, and 0 has no scale; %s"):format(made.alpha,
      "add floor, or write out_at"))
  elseif made.alpha and made.bad == "below" and made.alpha >= 1 then
    blame(item, "alpha", ('alpha = %s can never fire with bad = "below": F cannot pass 1; write one below 1')
      :format(made.alpha))
  elseif made.out_at and made.bad == "above" and made.out_at <= expect then
    blame(item, "out_at", ('out_at = %s is on the good side of expect (%s), for bad is "above"'):format(
      host.format(made.out_at, made.unit), shown))
  elseif made.out_at and made.bad == "below" and made.out_at >= expect then
    blame(item, "out_at", ('out_at = %s is on the good side of expect (%s), for bad is "below"'):format(
      host.format(made.out_at, made.unit), shown))
  elseif made.out_at and made.out_at == expect then
    blame(item, "out_at", ("out_at = %s is what is expected: everything else would be out of line"):format(shown))
  end
end

local function check_peers(item, made, service)
  local among = made.expect.peers.among
  if among then
    if not registry.find("group", among) then
      local names = {}
      for _, group in ipairs(registry.all "group") do names[#names + 1] = group.name end
      blame(item, "expect", ('tend.peers: there is no group "%s"%s'):format(among, check.suggest(among, names)))
    elseif service.members and #service.members(among) < 2 then
      blame(item, "expect", ('tend.peers: group "%s" has one service, which has no peers'):format(among))
    end
  elseif service.instances == 1 then
    blame(item, "expect", ("tend.peers: %s has one instance, which has no peers; add targets, or write among = GROUP")
      :format(service.name))
  end
  if made.alpha and made.bad == "below" and made.alpha >= 1 then
    blame(item, "alpha", ('alpha = %s can never fire with bad = "below": F cannot pass 1; write one below 1')
      :format(made.alpha))
  end
end

-- What is expected, as the document has it; nil when nothing is, which makes the metric evidence only.
local function expectation(item, unit, service)
  local origin = item.fields.expect
  if not origin then return nil end
  if type(origin.value) ~= "table" then
    local value = quantity(item, "expect", unit)
    return value and { value = value }
  end
  local made = origin.value
  if made.how == "peers" then return { peers = { among = made.among, self = made.self } } end
  if made.how == "last" then return { last = made.last } end
  if made.given then return { learned = { season_ms = 0, zone = "UTC", given = made.given } } end
  local zone = made.zone or service.zone
  if made.season and not zone and not source.is_packs(origin.from) then
    registry.warning(source.field(origin.from, { "metrics", item.name, "expect" }),
      ('metrics.%s: the season has no time zone, so its hours are UTC\'s; write zone = "Europe/Berlin" for the service')
        :format(item.name))
  end
  return { learned = { season_ms = made.season or 0, zone = zone or "UTC" } }
end

local function check_limit(item, made, service)
  if item.fields.alpha and item.fields.out_at then
    blame(item, "out_at", "alpha and out_at are the same limit; write one of them")
    made.alpha = nil
  end
  if not made.bad and made.expect then
    blame(item, 1, ('a %s must say which side is bad; add bad = "above", "below" or "both"'):format(made.kind))
  end
  if not made.expect or not made.bad then return end
  if not made.alpha and not made.out_at then
    if not item.fields.alpha and not item.fields.out_at and not made.expect.learned then
      blame(item, "expect", "expect without a limit: add alpha (relative) or out_at (in its unit)")
    end
  elseif made.expect.value then
    check_constant(item, made)
  elseif made.expect.peers then
    check_peers(item, made, service)
  elseif made.expect.learned and made.alpha and made.bad == "below" and made.alpha >= 1 then
    blame(item, "alpha", ('alpha = %s can never fire with bad = "below": F cannot pass 1; write one below 1')
      :format(made.alpha))
  end
end

--- Makes a metric of its merged fields.
---@param name string
---@param fields table<any, tend.Origin>
---@param service { name: string, from: tend.Declaration, zone?: string, instances?: integer, members: function }
---@return table? def  as the document has it; nil when it has no source
function metric.make(name, fields, service)
  local item = { name = name, fields = fields, from = service.from }
  for _, origin in pairs(fields) do item.from = origin.from end
  local built_in = name == "up" or name == "scrape_duration"
  if not fields[1] and not built_in then
    registry.error(source.field(item.from, { "metrics", name }),
      ('metric "%s" has no source; write it like %s = { tend.gauge "name", … }'):format(name, name))
    return nil
  end
  local made_from = fields[1] and fields[1].value
  local kind = built_in and name or made_from.kind
  local unit = fields.unit and fields.unit.value
    or kind == "up" and "" or kind == "scrape_duration" and "s" or unit_of(made_from)
  local made = {
    name = name, kind = kind, unit = unit, at = source.field(item.from, { "metrics", name }),
    limit_from = limit_origin(fields, name),
    sources = made_from and made_from.selectors or {}, q = made_from and made_from.q,
    bad = fields.bad and fields.bad.value or DEFAULT_BAD[kind],
    alpha = fields.alpha and fields.alpha.value,
    out_at = quantity(item, "out_at", unit),
    floor = quantity(item, "floor", unit) or 0,
    window_ms = fields.window and fields.window.value,
    min_samples = fields.min_samples and fields.min_samples.value or 1,
  }
  if kind == "share" then made.gauge = made_from.gauges end
  if name == "up" and made_from and made_from.kind ~= "gauge" then
    blame(item, 1, ("up comes from a gauge, not from a %s"):format(made_from.kind))
  end
  made.expect = expectation(item, unit, service)
  -- A pack cannot know how many instances there are: its expectation is dropped where there is nobody to compare with.
  if made.expect and made.expect.peers and service.instances == 1 and source.is_packs(fields.expect.from) then
    made.expect = nil
  end
  if made.floor < 0 then
    blame(item, "floor", "floor is below 0")
    made.floor = 0
  end
  if name == "up" then
    made.expect = made.expect or { value = 1 }
    if not made.alpha and not made.out_at then made.alpha = 0.5 end
  end
  check_limit(item, made, service)
  made.bad = made.bad or "above"
  return made
end

local function side_of_constant(made)
  local expect, scale = made.expect.value, math.max(math.abs(made.expect.value), made.floor)
  local distance = made.out_at and math.abs(made.out_at - expect) or made.alpha * scale
  local alpha = made.alpha or scale > 0 and distance / scale or nil
  local above, below = host.format(expect + distance, made.unit), host.format(expect - distance, made.unit)
  local words = { above = "above " .. above, below = "below " .. below }
  words.both = ("below %s or above %s"):format(below, above)
  return alpha and ("alpha %s  "):format(("%.4g"):format(alpha)) or "", words[made.bad]
end

-- A learned metric in words: what it learns, and what is too far from that.
local function learned_text(name, made)
  local learned, side = made.expect.learned, made.bad == "both" and "above or below" or made.bad
  local expected = "what it was lately, learned from its own past"
  if learned.given then
    expected = ("what is usual for its %s, learned from its own past"):format(learned.given)
  elseif learned.season_ms > 0 then
    expected = ("what is usual at this hour of the %s (%s), learned from its own past"):format(
      learned.season_ms > DAY_MS and "week" or "day", learned.zone)
  end
  if made.out_at then
    return ("%s  expect %s  out of line %s %s"):format(name, expected, made.bad == "both" and "beyond" or made.bad,
      host.format(made.out_at, made.unit))
  elseif made.alpha then
    return ("%s  expect %s  alpha %.4g, or more where its own history reaches more  out of line %s %s that"):format(
      name, expected, made.alpha, host.format(made.alpha, "ratio"), side)
  end
  return ("%s  expect %s  out of line %s that where its own history makes it unusual"):format(name, expected, side)
end

--- What `tend check` prints: `search.response_time  expect 400 ms  alpha 0.5  out of line above 600 ms`; nil for a
--- metric of which nothing is expected.
---@param owner string
---@param made table  as metric.make returns it
---@return string?
function metric.text(owner, made)
  if not made.expect or not (made.alpha or made.out_at or made.expect.learned) then return nil end
  local name = owner .. "." .. made.name
  if made.expect.value then
    local alpha, side = side_of_constant(made)
    return ("%s  expect %s  %sout of line %s"):format(name, host.format(made.expect.value, made.unit), alpha, side)
  end
  if made.expect.learned then return learned_text(name, made) end
  local expected = "the mean of its instances"
  if made.expect.last then expected = ("the mean of its last %d values"):format(made.expect.last) end
  if made.expect.peers and made.expect.peers.among then
    expected = ('the mean over group "%s"'):format(made.expect.peers.among)
  end
  if made.out_at then
    return ("%s  expect %s  out of line %s %s"):format(name, expected, made.bad == "both" and "beyond" or made.bad,
      host.format(made.out_at, made.unit))
  end
  local side = made.bad == "both" and "above or below" or made.bad
  return ("%s  expect %s  alpha %.4g  out of line %s %s that"):format(name, expected, made.alpha,
    host.format(made.alpha, "ratio"), side)
end

return metric
