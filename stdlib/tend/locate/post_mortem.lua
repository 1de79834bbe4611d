--- Post-mortem: ranks the services of an incident by the evidence that exported data gives (core/locate/post_mortem.h).
--
-- Most services look bad when a dependency of many fails, and the worst-looking one is mostly a victim. So what callers
-- feel of a service (latencies, errors, unusual logs) counts only as far as it exceeds what the services below it show,
-- while what only the service itself feels (CPU, memory, time of its own) counts as it is. The strongest part makes the
-- points, the others add a share; who explains anomalous callers gets credit for them.
--
-- Points are logs: 0.7 more is twice as far beyond what health shows. All weights are on flat plateaus: none of them
-- decides much by itself, and none knows any system.
local ends = require "tend.locate.post_mortem_ends"
local names = require "tend.locate.post_mortem_names"
local reasons = require "tend.locate.post_mortem_reasons"
local traffic = require "tend.locate.post_mortem_traffic"

local post_mortem = {}

post_mortem.settings = {
  -- Parts that accuse, and parts that hint.
  gone = 1, resource = 1, written = 1, waiting = 1, error = 1, latency = 1, self = 1, way = 1, logs = 1,
  other = 0.5, made = 0.4, network = 0.3, silence = 0.3, machine = 0.15, client_latency = 0.15, calls = 0.15,
  fall = 0.2, -- of a resource that fell, against one that rose
  info_up = 0.2, info_down = 1, -- lines that are no errors: new ones, and ones that ceased
  named = 0.8, -- of a line's points, for the service that it names
  nats = 3, error_nats = 1, -- of surprise that a log template, and one of errors, may always have
  explained = 0.8, -- of a part below that is subtracted
  credit = 0.3, credit_each = 1.5, credit_most = 2,
  rest = 1 / 3,
  most = 4.5, -- of any part
  vanished = 3, vanished_share = 0.7, -- points when that share of what goes on uncalled has no values any more
  stopped = 3, -- points of doing nothing any more while a caller works
  began_anew = 3, -- points of a counter that began anew
  loaded = 0.2, -- of a resource that grew as the traffic did
  driven = 0.6, -- of a service that one caller calls far more
  front = 0.7, -- of the service whose symptom raised the alarm, when nobody knows whom it calls
  cleared = 0.4, -- of a latency that is its caller's
  idle = 0.5, -- of a service that nobody ever calls
  view = 0.4, -- of a service that is a mere view of another: a proxy, or a caller's side of its calls
}

local PARTS = { "gone", "resource", "written", "waiting", "error", "latency", "way", "logs", "other", "made", "network",
  "silence", "machine", "client_latency", "calls" }

-- ---- the graph, and what there is on each service ----

local function graph_of(evidence, view)
  local services = {}
  for _, name in ipairs(evidence.services) do
    services[name] = { name = name, found = {}, ways = {}, callers = {}, callees = {}, part = {}, own = {} }
  end
  local function join(a, b)
    if services[a] and services[b] and a ~= b then
      services[a].callees[b], services[b].callers[a] = true, true
    end
  end
  for _, name in ipairs(evidence.idle or {}) do
    if services[name] then services[name].idle = true end
  end
  for _, pair in ipairs(evidence.edges or {}) do
    if type(pair) == "table" then join(pair[1], pair[2]) end
  end
  for _, column in ipairs(view.columns) do
    if column.caller then join(column.caller, column.callee) end
  end
  for shown_by, service in pairs(names.views(evidence.services)) do join(shown_by, service) end
  return services
end

-- Keeps the strongest of each part, and all of them for the reasons.
local function add(service, part, points, source)
  if not service or points <= 0 then return end
  service.part[part] = math.max(service.part[part] or 0, points)
  service.found[#service.found + 1] = { part = part, points = points, source = source }
end

local function add_edge(services, column, up, down)
  local caller, callee = services[column.caller], services[column.callee]
  if column.made then
    add(caller, "made", math.max(up, down) / math.sqrt(column.made), column)
  elseif column.way then
    for _, one in pairs { caller, callee } do one.ways[#one.ways + 1] = { points = up, column = column } end
  elseif column.kind == "error" then
    add(callee, "error", up, column)
  elseif column.kind == "latency" or column.kind == "client_latency" then
    add(callee, "latency", up, column)
  end
  if column.silence and not column.way then add(caller, "made", column.silence, column) end
end

local FELT = { latency = true, client_latency = true, error = true } -- have no values when nobody calls

-- Signs that a process went away or began anew: restarts, `up`, memory given back.
local function gone(column, up, down, settings)
  local name = column.metric:lower()
  if column.began_anew then return settings.began_anew end
  if column.kind == "resource" and name:find "restart" then return up end
  if column.kind == "error" and name:find "^up%f[%W]" then return up end
  local is_memory = column.kind == "resource" and (name:find "mem" or name:find "rss" or name:find "heap")
  if is_memory and column.before and column.after and column.after < 0.5 * column.before then return down end
  return 0
end

-- What a service holds does not come and go with its traffic.
local function is_held(name)
  return name:find "mem" or name:find "rss" or name:find "heap" or name:find "restart"
end

local function add_resource(service, column, up, down, settings)
  local name = column.metric:lower()
  if not is_held(name) and traffic.explains(service, column) then up = up * settings.loaded end
  local part = (name:find "write" or name:find "diskio") and "written" or "resource"
  add(service, part, math.max(up, settings.fall * down), column)
end

local function add_column(service, column, up, down, settings)
  if not service then return end -- an entry point
  local is_gone = gone(column, up, down, settings)
  if is_gone > 0 then return add(service, "gone", is_gone, column) end
  if column.silence and not FELT[column.kind] then add(service, "silence", column.silence, column) end
  if column.kind == "calls" then
    add(service, "calls", math.max(up, down), column)
  elseif column.own then
    add(service, "self", up, column)
  elseif FELT[column.kind] then
    add(service, column.kind, up, column)
  elseif column.kind == "resource" then
    add_resource(service, column, up, down, settings)
  else
    add(service, column.kind, math.max(up, settings.fall * down), column)
  end
end

-- A line that names a service which does not call its writer speaks for that one: "cannot reach ledger" is what the
-- callers of ledger write.
local function named_in(services, line)
  local named, writer = {}, services[line.service]
  for word in line.template:gmatch "[%w_%-]+" do
    local is_meant = services[word] and word ~= line.service and not writer.callers[word] and not named[word]
    if is_meant then
      named[#named + 1] = word
      named[word] = true
    end
  end
  return named
end

local function add_logs(services, lines, settings)
  local tested = {} -- the more templates of a level, the more of them surprise by chance
  local function key(line) return line.service .. "\0" .. line.level end
  for _, line in ipairs(lines) do tested[key(line)] = (tested[key(line)] or 0) + 1 end
  for _, line in ipairs(lines) do
    local usual = line.level == "error" and settings.error_nats or settings.nats
    local function points(nats)
      return math.max(0, math.log(math.max(1e-9, nats - math.log(tested[key(line)])) / usual))
    end
    local up, down = points(line.up), points(line.down)
    local own = line.level == "error" and up or math.max(settings.info_up * up, settings.info_down * down)
    local named = (line.level == "info" or not services[line.service]) and {} or named_in(services, line)
    for _, name in ipairs(named) do add(services[name], "logs", settings.named * own, line) end
    if #named == 0 then add(services[line.service], "logs", own, line) end
  end
end

-- All that goes on though nobody calls a service has no values any more: its process is gone, or its machine.
local function add_vanished(service, lasting, settings)
  local silent, first = 0, nil
  for _, one in ipairs(service.found) do
    if one.part == "silence" then silent, first = silent + 1, first or one end
  end
  if silent >= math.max(2, settings.vanished_share * lasting) then
    add(service, "gone", settings.vanished, first.source)
  end
end

-- Time on the way: a slow network of a service shows on most of its edges.
local function add_way(service)
  if #service.ways == 0 then return end
  table.sort(service.ways, function(a, b) return a.points > b.points end)
  local middle = service.ways[math.ceil(#service.ways / 2)]
  add(service, "way", middle.points, middle.column)
end

-- ---- whose it is ----

-- The most that any service below shows, by part.
local function below(services, service)
  local worst, seen, queue, next_one = {}, { [service.name] = true }, { service }, 1
  while queue[next_one] do
    for name in pairs(queue[next_one].callees) do
      if not seen[name] then
        seen[name] = true
        for part, points in pairs(services[name].part) do worst[part] = math.max(worst[part] or 0, points) end
        queue[#queue + 1] = services[name]
      end
    end
    next_one = next_one + 1
  end
  return worst
end

local function credit_of(services, service, settings)
  local callers, credit = {}, 0
  for name in pairs(service.callers) do callers[#callers + 1] = name end
  table.sort(callers) -- sums depend on their order
  for _, name in ipairs(callers) do
    local part = services[name].part
    credit = credit + math.min(settings.credit_each, math.max(part.latency or 0, part.error or 0))
  end
  return math.min(settings.credit_most, credit)
end

-- Which parts of the services below explain one of a service.
local EXPLAINED_BY = {
  latency = { "latency", "resource", "written", "waiting", "gone" },
  error = { "error", "logs", "resource", "written", "waiting", "gone" },
  waiting = { "waiting", "latency", "error", "resource", "written", "gone" },
  logs = { "logs", "error", "latency", "resource", "written", "waiting", "gone" },
  written = { "written", "logs", "error", "latency", "resource", "waiting", "gone" }, -- who meets errors writes of them
}

-- Who calls whom is not known: what went away may be below any other.
local function gone_elsewhere(services, service)
  local worst = 0
  for name, other in pairs(services) do
    if name ~= service.name then worst = math.max(worst, other.part.gone or 0) end
  end
  return { gone = worst }
end

local function judge(services, service, settings, is_known)
  local own = service.own
  for part, points in pairs(service.part) do own[part] = points end
  local worst = is_known and below(services, service) or gone_elsewhere(services, service)
  for part, by in pairs(EXPLAINED_BY) do
    if own[part] then
      local explained = 0
      for _, other in ipairs(by) do explained = math.max(explained, worst[other] or 0) end
      own[part] = math.max(0, own[part] - settings.explained * explained)
    end
  end
  local front = math.min(1, math.max(own.error or 0, own.latency or 0))
  own.latency = math.max((own.latency or 0) * settings.latency, (own.self or 0) * settings.self)
  local best, sum = 0, 0
  for _, part in ipairs(PARTS) do
    local points = math.min(settings.most, own[part] or 0) * (part == "latency" and 1 or settings[part])
    own[part] = points
    best, sum = math.max(best, points), sum + points
  end
  local credit = settings.credit * credit_of(services, service, settings) * front
  service.points = best + settings.rest * (sum - best) + credit
  if traffic.is_driven(services, service) then service.points = service.points * settings.driven end
  if service.idle then service.points = service.points * settings.idle end
  if names.is_view(service.name) then service.points = service.points * settings.view end
end

local function is_graph_known(services)
  for _, service in pairs(services) do
    if next(service.callees) then return true end
  end
  return false
end

-- As if the onset was when this view says.
local function rank_view(evidence, view)
  local settings, services, ranking = post_mortem.settings, graph_of(evidence, view), {}
  traffic.measure(services, view, evidence.flows or {})
  local is_known, cleared = is_graph_known(services), {}
  for _, one in ipairs(ends.common(services, view, evidence.timed)) do
    add(services[one.caller], "way", one.points, one.column)
    for _, callee in ipairs(one.callees) do cleared[one.caller .. ">" .. callee] = true end
  end
  for _, column in ipairs(view.columns) do
    local weight = ends.weight(column)
    if column.kind == "latency" and column.caller and cleared[column.caller .. ">" .. column.callee] then
      weight = weight * settings.cleared
    end
    if column.caller then
      add_edge(services, column, column.up * weight, column.down * weight)
    else
      add_column(services[column.service], column, column.up * weight, column.down * weight, settings)
    end
  end
  add_logs(services, view.logs or {}, settings)
  for _, name in ipairs(evidence.services) do
    add_way(services[name])
    local stopped = traffic.stopped(services, services[name], is_known)
    add(services[name], "gone", settings.stopped * stopped, services[name].last_flow)
    add_vanished(services[name], evidence.lasting[name] or 0, settings)
  end
  for i, name in ipairs(evidence.services) do
    judge(services, services[name], settings, is_known)
    if not is_known and name == evidence.symptom then services[name].points = settings.front * services[name].points end
    ranking[i] = services[name]
  end
  return ranking
end

--- Ranks the services, the likeliest culprit first. Points are the mean over the views; the rest is of the likeliest.
---@param evidence table  as core/locate/post_mortem.h has it, with "logs" in its views perhaps
---@return table[] services  { name, points, own = points by part, found = { { part, points, source } } }
function post_mortem.rank(evidence)
  local sum, all, ranking = {}, 0, nil
  for _, view in ipairs(evidence.views) do
    local one = rank_view(evidence, view)
    ranking = ranking or one
    all = all + view.weight
    for j, service in ipairs(one) do sum[j] = (sum[j] or 0) + view.weight * service.points end
  end
  for j, service in ipairs(ranking) do service.points = sum[j] / all end
  table.sort(ranking, function(a, b)
    if a.points ~= b.points then return a.points > b.points end
    return a.name < b.name
  end)
  return ranking
end

-- Odds, fitted on real incidents of three systems (those disturbed too: another alarm time) and on made ones of ten
-- others, the real ones counting twice: what is stated was right about as often on both, as far as one formula can.
local CONFIDENCE = {
  base = 0.66,
  lead = 0.67, -- over the second
  sign = 0.65, -- a point of what only its own process or network can show: resources, a process gone, time on the way
  second_calls = 0.3, -- the second waits for the first
  uncalled = -0.9, -- nobody calls the first: fronts are mostly victims
  no_graph = -1.1,
}
local SIGNS = { "resource", "gone", "way" }
local SIGN_MOST = 3

--- How likely it is that the first of a ranking is the culprit.
---@param ranking table[]
---@return number 0 … 1
function post_mortem.confidence(ranking)
  local first, second = ranking[1], ranking[2]
  if not first or first.points <= 0 then return 0 end
  local lead = (first.points + 0.1) / ((second and second.points or 0) + 0.1)
  local odds, sign, known = CONFIDENCE.base + CONFIDENCE.lead * math.log(lead), 0, false
  for _, part in ipairs(SIGNS) do sign = math.max(sign, first.own[part] or 0) end
  for _, service in ipairs(ranking) do known = known or next(service.callees) ~= nil end
  odds = odds + CONFIDENCE.sign * math.min(SIGN_MOST, sign)
  if second and first.callers[second.name] then odds = odds + CONFIDENCE.second_calls end
  if not known then
    odds = odds + CONFIDENCE.no_graph
  elseif next(first.callers) == nil then
    odds = odds + CONFIDENCE.uncalled
  end
  return 1 / (1 + math.exp(-odds))
end

--- Answers {"kind":"post_mortem"}.
---@param request { evidence: table }
---@return table
function post_mortem.answer(request)
  local ranking = post_mortem.rank(request.evidence)
  local answer = { ranking = {}, metrics = {}, evidence = {}, confidence = post_mortem.confidence(ranking),
    onset_s = request.evidence.onset_s }
  for i, service in ipairs(ranking) do
    answer.ranking[i] = service.name
    for _, metric in ipairs(reasons.metrics(service, i == 1 and 3 or 1)) do
      answer.metrics[#answer.metrics + 1] = metric
    end
    if i <= 5 and service.points > 0 then
      answer.evidence[i] = { service = service.name, points = service.points,
        reasons = reasons.of(service, request.evidence) }
    end
  end
  return answer
end

return post_mortem
