-- Leak: what only ever grows, told hours before it is at its end, and acted on when it nearly is.
local tend = require "tend"

tend.group "leak" {
  metrics = {
    -- What is right, and where it ends, only the owner knows: expect and out_at are theirs to say. The same metric as
    -- in "golden": said once, it serves both.
    memory = { tend.gauge "process_resident_memory_bytes", bad = "above", alpha = 0.5 },
    goroutines = { tend.gauge "go_goroutines", bad = "above", alpha = 2 },
    threads = { tend.gauge "process_num_threads", bad = "above", alpha = 2 },
    -- These know their limit. A limit of 0, or none, is no data.
    container_memory = { tend.share(tend.gauge "container_memory_working_set_bytes",
                                    tend.gauge "container_spec_memory_limit_bytes"), expect = 0.5, out_at = 0.95 },
    fds = { tend.share(tend.gauge "process_open_fds", tend.gauge "process_max_fds"), expect = 0.1, out_at = 0.9 },
  },
}

-- A forecast needs a good fit, so a daily swing or a burst is none; ten minutes of it, so that a start is none either.
local function leaks(metric, what)
  tend.rule(what .. " leaks") {
    on = "leak", per = "instance", when = metric, ahead = "6h", fire_after = "10m", clear_after = "30m",
    severity = "ticket",
    summary = "{instance}: " .. what .. " {" .. metric .. "}, at the limit in {" .. metric .. ".eta}",
  }
  tend.rule(what .. " is nearly at its end") {
    on = "leak", per = "instance", when = metric, ahead = "15m", fire_after = "2m", clear_after = "5m",
    severity = "page", act = true, -- a restart in time is a second; an out-of-memory kill comes when load is highest
    summary = "{instance}: " .. what .. " {" .. metric .. "}",
  }
end
leaks("memory", "memory")
leaks("container_memory", "memory of the container")
leaks("fds", "file descriptors")
leaks("goroutines", "goroutines")
leaks("threads", "threads")
