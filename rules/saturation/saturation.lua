-- Saturation: what has an end, and how near it is: processors, memory, file descriptors, disks, pools, queues. From the
-- names of node_exporter, cAdvisor, the client libraries; what an exporter does not have is no data and fires nothing.
local tend = require "tend"

-- A ticket while there is time, a page when it is nearly used up. `expect` is what it usually is, more or less; where
-- it is out of line is `out_at` alone.
tend.group "saturation" {
  metrics = {
    -- Of a machine. Waiting for a disk is no work of the processor, and stolen time is somebody else's.
    cpu_busy = { tend.share('node_cpu_seconds_total{mode!~"idle|iowait|steal"}', "node_cpu_seconds_total"),
                 expect = 0.4, out_at = 0.9 },
    memory_free = { tend.share(tend.gauge "node_memory_MemAvailable_bytes", tend.gauge "node_memory_MemTotal_bytes"),
                    bad = "below", expect = 0.5, out_at = 0.05 },
    -- Share of time in which something waited for memory: trouble is felt here before it is in any percentage.
    memory_pressure = { tend.rate "node_pressure_memory_waiting_seconds_total", bad = "above",
                        expect = 0, out_at = 0.1 },
    -- One file system: added up, a full small one would hide behind an empty large one. README.md: more of them.
    disk_free = { tend.share(tend.gauge 'node_filesystem_avail_bytes{mountpoint="/"}',
                             tend.gauge 'node_filesystem_size_bytes{mountpoint="/"}'),
                  bad = "below", expect = 0.5, out_at = 0.05 },
    inodes_free = { tend.share(tend.gauge 'node_filesystem_files_free{mountpoint="/"}',
                               tend.gauge 'node_filesystem_files{mountpoint="/"}'),
                    bad = "below", expect = 0.5, out_at = 0.05 },
    -- Of a container. Without a limit the limit is told as 0, and a share of nothing is no data.
    throttled = { tend.share("container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total"),
                  expect = 0, out_at = 0.25 },
    container_memory = { tend.share(tend.gauge "container_memory_working_set_bytes",
                                    tend.gauge "container_spec_memory_limit_bytes"), expect = 0.5, out_at = 0.95 },
    -- Of a process.
    fds = { tend.share(tend.gauge "process_open_fds", tend.gauge "process_max_fds"), expect = 0.1, out_at = 0.9 },
    pool = { tend.share(tend.gauge "go_sql_in_use_connections", tend.gauge "go_sql_max_open_connections"),
             expect = 0.3, out_at = 0.9 },
    -- How long is too long only its owner knows: evidence, until `expect` and `out_at` are given.
    queue = { tend.gauge "queue_length", bad = "above" },
  },
}

-- Many minutes: a machine that is busy for one of them does what it was bought for.
tend.rule "processors are busy" {
  on = "saturation", per = "instance", when = "cpu_busy", fire_after = "15m", clear_after = "5m", severity = "ticket",
  summary = "{instance}: processors busy {cpu_busy}",
}
tend.rule "throttled" {
  on = "saturation", per = "instance", when = "throttled", fire_after = "10m", clear_after = "5m", severity = "ticket",
  summary = "{instance} was stopped by its processor limit in {throttled} of all periods",
}
tend.rule "memory pressure" {
  on = "saturation", per = "instance", when = "memory_pressure", fire_after = "5m", clear_after = "5m",
  severity = "ticket", summary = "{instance}: something waits for memory {memory_pressure} of the time",
}

-- What fills: a ticket when a forecast says that it will be full, a page when it is, or is in minutes.
local function fills(metric, what, early, late)
  tend.rule(what .. " will be used up") {
    on = "saturation", per = "instance", when = metric, ahead = early, fire_after = "10m", clear_after = "10m",
    severity = "ticket", summary = "{instance}: " .. what .. " {" .. metric .. "}, used up in {" .. metric .. ".eta}",
  }
  tend.rule(what .. " is used up") {
    on = "saturation", per = "instance", when = metric, ahead = late, fire_after = "2m", clear_after = "5m",
    severity = "page", summary = "{instance}: " .. what .. " {" .. metric .. "}",
  }
end
fills("disk_free", "disk", "1d", "30m")
fills("inodes_free", "inodes", "1d", "30m")
fills("memory_free", "memory of the machine", "1h", "5m")
fills("container_memory", "memory of the container", "2h", "10m")
fills("fds", "file descriptors", "2h", "10m")

tend.rule "pool is used up" {
  on = "saturation", per = "instance", when = "pool", fire_after = "2m", clear_after = "2m", severity = "page",
  summary = "{instance}: {pool} of its connections are in use",
}
tend.rule "queue is long" {
  on = "saturation", when = "queue", fire_after = "5m", clear_after = "2m", severity = "ticket",
  summary = "{service}: {queue} wait",
}
