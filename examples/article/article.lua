-- The arithmetic in its plainest form: three services, E is the mean over all three, alpha = 0.05.
-- README.md says what comes of it.
local tend = require "tend"

tend.group "trio" {
  every = "1s", window = "3s",
  metrics = {
    load = {
      tend.gauge "load", bad = "both", alpha = 0.05,
      expect = tend.peers { among = "trio", self = true },
      -- expect = tend.learned { last = 20 },
    },
  },
}
tend.service "first"  { is = "trio", targets = { tend.env.first } }
tend.service "second" { is = "trio", targets = { tend.env.second } }
tend.service "third"  { is = "trio", targets = { tend.env.third } }
