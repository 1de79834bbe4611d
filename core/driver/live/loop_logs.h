#pragma once
/// Loop logs: which services' logs are followed, as the fleet has them.

#include "driver/live/log_watch.h"
#include "engine/engine.h"

/// Follows the logs of the services that the engine has now; those of others are left.
void tend_loop_logs_take_up(struct tend_log_watch *watch, const struct tend_engine *engine);
