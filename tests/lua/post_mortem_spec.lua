-- A post-mortem's ranking: web → shop → db, mail.
local suite = ...
local fake = dofile "tests/lua/fake_host.lua"
local _, entry = fake.load "local tend = require 'tend'"

local function column(given)
  local made = { up = 0, down = 0, before = 1, after = 2, coverage = 1, live = 1, onset_s = 5 }
  for key, value in pairs(given) do made[key] = value end
  return made
end

local function evidence(columns, logs, more)
  local made = { onset_s = 0, services = { "db", "mail", "shop", "web" }, idle = {}, timed = {},
    lasting = { db = 3, mail = 3, shop = 3, web = 3 },
    edges = { { "web", "shop" }, { "shop", "db" }, { "shop", "mail" } },
    views = { { onset_s = 0, weight = 1, columns = columns, logs = logs or {} } } }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

local function ranked(...) return entry.ask { kind = "post_mortem", evidence = evidence(...) } end

suite.fact("callers that are exhausted are explained by a dependency that is slow", function()
  local answer = ranked {
    column { service = "shop", metric = "threads_busy", kind = "waiting", up = 4 },
    column { service = "shop", metric = "latency_p90", kind = "latency", up = 4 },
    column { service = "db", metric = "cpu", kind = "resource", up = 3 },
  }
  suite.same(answer.ranking[1], "db")
end)

suite.fact("a process that began anew explains the errors of its callers", function()
  local answer = ranked {
    column { service = "shop", metric = "errors", kind = "error", up = 4 },
    column { service = "db", metric = "questions", kind = "other", down = 1, began_anew = true },
  }
  suite.same(answer.ranking[1], "db")
  suite.same(answer.evidence[1].reasons[1], "gone: questions began to count anew")
end)

suite.fact("a service of which nothing is seen any more is gone, and one that lacks a column is not", function()
  local function gone(count)
    local columns = { column { service = "shop", metric = "errors", kind = "error", up = 2 } }
    for i = 1, count do
      columns[#columns + 1] = column { service = "db", metric = "m" .. i, kind = "resource", silence = 1 }
    end
    return ranked(columns).ranking[1]
  end
  suite.same(gone(3), "db")
  suite.same(gone(1), "shop")
end)

suite.fact("a line that names a service speaks for that one, unless it is its caller", function()
  local function named(text)
    local line = { service = "shop", level = "error", template = text, before = 0, after = 9, up = 12, down = 0 }
    return ranked({}, { line })
  end
  local answer = named "timeout calling mail"
  suite.same(answer.ranking[1], "mail")
  suite.same(answer.evidence[1].reasons[1],
    "logs: new error line of shop (0 before the onset, 9 after): timeout calling mail")
  suite.same(named("cannot answer web").ranking[1], "shop")
  suite.same(named("disk full").ranking[1], "shop")
end)

suite.fact("a caller that is slow to reach all that it calls is the one that is slow", function()
  local function edge(callee, after)
    return column { caller = "shop", callee = callee, metric = "latency_mean", kind = "latency", up = 3, before = 0.01,
      after = after }
  end
  local columns = { edge("db", 0.06), edge("mail", 0.061) }
  suite.same(ranked(columns, nil, { timed = { db = true } }).ranking[1], "shop")
  -- Nothing tells whether they are slow themselves; one says that it is; only one is slow.
  suite.same(ranked(columns).ranking[1] ~= "shop", true)
  local slow = column { service = "db", metric = "latency_p90", kind = "latency", up = 3 }
  suite.same(ranked({ columns[1], columns[2], slow }, nil, { timed = { db = true } }).ranking[1], "db")
  suite.same(ranked({ columns[2] }, nil, { timed = { mail = true } }).ranking[1], "mail")
end)

suite.fact("what rose by far more than the rest is not its caller's", function()
  local columns = {}
  for callee, after in pairs { db = 0.06, mail = 5 } do
    columns[#columns + 1] = column { caller = "shop", callee = callee, metric = "latency_mean", kind = "latency",
      up = after == 5 and 4 or 2, before = 0.01, after = after }
  end
  suite.same(ranked(columns, nil, { timed = { db = true } }).ranking[1], "mail")
end)

local function fell(service, left, more)
  local made = { service = service, metric = "rps", kind = "calls", down = 1, left = left, before = 50,
    after = 50 * left }
  for key, value in pairs(more or {}) do made[key] = value end
  return column(made)
end

suite.fact("without a graph what does nothing explains errors anywhere, and the front is suspected less", function()
  local function first(columns, symptom)
    return ranked(columns, nil, { edges = {}, symptom = symptom, flows = { db = 1, mail = 1 } }).ranking[1]
  end
  local shop = column { service = "shop", metric = "errors", kind = "error", up = 3 }
  local web = column { service = "web", metric = "errors", kind = "error", up = 3.5 }
  suite.same(first { shop, web }, "web")
  suite.same(first({ shop, web }, "web"), "shop")
  suite.same(first { shop, fell("db", 0) }, "db")
  suite.same(first { shop, fell("db", 0.05) }, "shop")
  suite.same(first { shop, fell("db", 0), fell("mail", 0) }, "shop")
end)

suite.fact("what does nothing any more while a caller works is dead, and explains the caller's errors", function()
  local flows = { flows = { db = 1, mail = 1, shop = 1 } }
  local errors = column { service = "shop", metric = "errors", kind = "error", up = 3 }
  local answer = ranked({ errors, fell("db", 0) }, nil, flows)
  suite.same(answer.ranking[1], "db")
  suite.same(answer.evidence[1].reasons[1], "gone: rps fell from 50 to 0, seen 5 s after the onset")
  -- A tenth is still more than nothing; the caller does nothing either; it calls none of several any more; something
  -- else still comes and goes.
  suite.same(ranked({ errors, fell("db", 0.2) }, nil, flows).ranking[1], "shop")
  suite.same(ranked({ errors, fell("db", 0.05), fell("shop", 0.1) }, nil, flows).ranking[1], "shop")
  suite.same(ranked({ errors, fell("db", 0), fell("mail", 0) }, nil, flows).ranking[1], "shop")
  suite.same(ranked({ errors, fell("db", 0) }, nil, { flows = { db = 2 } }).ranking[1], "shop")
end)

suite.fact("traffic without values is none", function()
  local silent = column { service = "db", metric = "rps", kind = "calls", live = 0, silence = 0.5 }
  local errors = column { service = "shop", metric = "errors", kind = "error", up = 3 }
  suite.same(ranked({ errors, silent }, nil, { flows = { db = 1 } }).ranking[1], "db")
end)

local function surge(service, times, up)
  return column { service = service, metric = "rps", kind = "calls", up = up or 3, before = 10, after = 10 * times }
end

suite.fact("a resource that grew with the traffic of its service says little", function()
  local function points(metric, times)
    local cpu = column { service = "web", metric = metric, kind = "resource", up = 3, before = 10, after = 20 }
    return ranked({ cpu, surge("web", times) }).evidence[1].points
  end
  suite.same(points("cpu", 2) < points("cpu", 1.2) / 2, true)
  suite.same(points("memory", 2), points("memory", 1.2)) -- does not come and go with calls
end)

suite.fact("a service that one caller calls far more bears its load, and its caller is suspected", function()
  local function first(of_caller)
    local columns = { column { service = "db", metric = "latency_p90", kind = "latency", up = 2 }, surge("db", 8),
      column { caller = "shop", callee = "db", metric = "rps", kind = "calls", up = 6, after = 8, made = 1 } }
    if of_caller then columns[#columns + 1] = surge("shop", 7) end
    return ranked(columns).ranking[1]
  end
  suite.same(first(false), "shop")
  suite.same(first(true), "db") -- all of it came from further above
end)

suite.fact("what a caller writes is explained by the errors that it meets", function()
  local function points(service_of_errors)
    local answer = ranked { column { service = "shop", metric = "fs_writes", kind = "resource", up = 4 },
      column { service = service_of_errors, metric = "errors", kind = "error", up = 4 } }
    return answer.ranking[1]
  end
  suite.same(points "db", "db")
  suite.same(points "web", "shop")
end)

suite.fact("the mean of a time is told as one", function()
  local mean = column { service = "db", metric = "query_seconds_sum", kind = "latency", up = 3, mean = true }
  local answer = ranked { mean }
  suite.same(answer.evidence[1].reasons[1],
    "latency: query_seconds_sum for each one rose from 1 to 2, seen 5 s after the onset")
end)

suite.fact("a front that shows errors is doubtful, one with a sign of its own less, a callee last", function()
  local function confidence(service, kind)
    return ranked({ column { service = service, metric = "m", kind = kind, up = 3 } }).confidence
  end
  local felt, own, called = confidence("web", "error"), confidence("web", "resource"), confidence("db", "resource")
  suite.same({ felt < own, own < called, called < 1 }, { true, true, true })
end)

suite.fact("who leads over a caller is surer than who leads over another", function()
  local function confidence(second)
    return ranked({ column { service = "db", metric = "cpu", kind = "resource", up = 3 },
      column { service = second, metric = "cpu", kind = "resource", up = 2 } }).confidence
  end
  suite.same({ confidence "shop" > confidence "mail", confidence "mail" > 0.5 }, { true, true })
end)
