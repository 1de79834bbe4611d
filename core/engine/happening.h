#pragma once
/// Happening: what was done to a service or became of its processes, as against what its metrics show: a deploy,
/// another configuration, a restart. The locator weighs what came shortly before the first symptom. Private to this
/// folder.
///
/// Told by people (`tend deploy`), or seen in what targets say of themselves (series/telltale.h), compared with the
/// scrape before. A service keeps its newest ones, as objects in order of time:
///   {"what", "at_ms", "times", "from"?, "to"?, "who"?, "why"?}
/// `what` is "version", "config", "flag" with `who` (somebody told it); "version" (another build), "config" (another
/// hash), "reload", "reload failed", "restart" without (seen). `at_ms` is when it first happened, `times` how often
/// since. Units: milliseconds of engine time. Ownership: each says.

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_engine;
struct tend_instance;
struct tend_layout;
struct tend_service;
struct tend_telltale_column;

enum { TEND_HAPPENINGS_KEPT = 8 };

/// What a target said of itself last.
struct tend_telltales {
    const struct tend_layout *layout; ///< retained; whose columns these are
    struct tend_telltale_column *columns;
    size_t column_count;
    uint64_t build, config, reloads; ///< a hash of what the series said; 0: it has none
    bool reload_failed;
    char *built;              ///< the version by its labels; NULL: they name none
    int64_t told_first_ms;    ///< when it was first seen
    int64_t restart_noted_ms; ///< the newest restart that is a happening already; TEND_NEVER_MS: none
};

void tend_telltales_destroy(struct tend_telltales *telltales); ///< NULL is allowed

/// Looks at the newest scrape of an instance, if it is a good one.
void tend_happening_look(struct tend_engine *engine, struct tend_instance *instance);
/// Somebody told it. @param what  "version", "config" or "flag"  @param version  NULL is allowed
void tend_happening_told(struct tend_engine *engine, struct tend_service *service, const char *what,
                         const char *version, const char *who, const char *why);
/// Those from a time on, oldest first; a new reference.
json_t *tend_happenings_since(const struct tend_service *service, int64_t from_ms);
