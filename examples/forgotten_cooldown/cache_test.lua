local test = require "tend.test"

test.invariant "ten minutes between two restarts of the cache" {
  holds = function(world) return (world.cache.pause_s or 600) >= 600 end,
}
