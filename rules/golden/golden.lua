-- Golden signals: what every service that answers requests should be watched for, from the conventional names of the
-- Prometheus client libraries. `is = "golden"`; say per service what is expected. README.md has the whole of it.
local tend = require "tend"

tend.group "golden" {
  metrics = {
    -- alpha 0.5: half as slow again as it should be; floor: 10 ms more are nobody's incident. What is right for a
    -- service only its owner knows. Until `expect` says it, right is what is usual at this hour, and nothing is judged
    -- before two days were seen. Not hours of the week: they would take two weeks.
    response_time = { tend.mean "http_request_duration_seconds", expect = tend.learned { season = "1d" }, alpha = 0.5,
                      floor = "10ms" },
    -- Less than a third of what is usual at this hour, or nearly twice as many. Who rests at weekends says "1w".
    requests = { tend.rate "http_requests_total", bad = "both", expect = tend.learned { season = "1d" }, alpha = 0.7,
                 floor = 1 },
    -- What memory usually is, is no reason for it to be right: evidence until its owner says `expect`. That an instance
    -- holds twice what the others do is worth a look all the same.
    memory = { tend.gauge "process_resident_memory_bytes", bad = "above", alpha = 0.5 },
    memory_beside = { tend.gauge "process_resident_memory_bytes", bad = "above", expect = tend.peers(), alpha = 1,
                      floor = "16MiB" },
    -- Exporters that call the label `status` need one line: README.md.
    error_rate = { tend.share('http_requests_total{code=~"5.."}', "http_requests_total"), expect = 0, out_at = 0.05 },
    -- Instances of one service are much alike: one that is twice as slow as the others, or gets a fifth of their
    -- traffic, is not well. A service whose instances are unlike says `p99 = false, traffic = false`.
    p99 = { tend.quantile(0.99, "http_request_duration_seconds"), expect = tend.peers(), alpha = 1, floor = "20ms" },
    traffic = { tend.rate "http_requests_total", bad = "both", expect = tend.peers(), alpha = 0.8, floor = 1 },
  },
}

tend.rule "down" {
  on = "golden", per = "instance", when = "up",
  fire_after = "10s", -- a restart by hand is no incident
  severity = "page", act = true,
  summary = "{instance} does not answer",
}
tend.rule "slow" {
  on = "golden", when = "response_time",
  fire_after = "30s", -- two scrapes at 15s: one slow minute of a garbage collector is no incident
  clear_after = "30s",
  severity = "page", act = true,
  summary = "{service} takes {response_time}",
}
tend.rule "one is slow" {
  on = "golden", per = "instance", when = "p99",
  fire_after = "30s", clear_after = "30s",
  severity = "page", act = true,
  summary = "{instance}: one request in a hundred takes {p99}",
}
tend.rule "errors" {
  on = "golden", when = "error_rate",
  fire_after = "30s", -- two scrapes at 15s: one bad answer is not an incident
  severity = "page", act = true,
  summary = "{service}: {error_rate} of requests fail",
}
tend.rule "odd traffic" {
  on = "golden", per = "instance", when = "traffic",
  fire_after = "2m", clear_after = "2m",
  severity = "ticket", -- a person looks: it is the balancer's doing as often as not
  summary = "{instance} gets {traffic} requests",
}
tend.rule "unusual traffic" {
  on = "golden", when = "requests",
  fire_after = "2m", clear_after = "5m",
  severity = "ticket", -- too many or too few: where they come from is another matter than who gets them
  summary = "{service} gets {requests} requests for each instance",
}
tend.rule "one holds more" {
  on = "golden", per = "instance", when = "memory_beside",
  fire_after = "2m", clear_after = "5m",
  severity = "ticket", -- one that was not restarted while the others were looks the same
  summary = "{instance} holds {memory_beside}",
}
tend.rule "memory grows" {
  on = "golden", per = "instance", when = "memory",
  fire_after = "1m", clear_after = "1m",
  severity = "page", act = true,
  summary = "{instance} holds {memory}",
}
