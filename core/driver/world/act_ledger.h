#pragma once
/// Act ledger: what the world was really asked for, when, and what anybody could know at that time.
///
/// It stands between a simulation and its world. What the charter promises is judged by it, not by what the engine says
/// of itself. Known is what scrapes told that had ended before the act. Units: `_ms` engine time. Ownership: who
/// creates, destroys; the world must outlive it.

#include "driver/sim/simulation.h"

struct tend_act_ledger;

struct tend_ledger_act {
    int64_t at_ms;
    const char *verb; ///< "exec" or "http" when it has none
    const char *on;   ///< instance or service
    const char *service;
    const char *instance; ///< NULL: all of them
    bool reads_only;      ///< a GET: it changes nothing
    bool paused;          ///< a person had said so
    size_t records;       ///< how many were on disk
    size_t instances;     ///< of the service, that are scraped
    size_t away;          ///< others that failed two scrapes in a row, or were acted on and not scraped well since
    int64_t proved_ms;    ///< end of the instance's first good scrape begun after it; INT64_MAX: none yet
    bool serves;          ///< the instance answered its last two scrapes
    bool failed;          ///< the instance failed its last two scrapes
    enum tend_scrape_kind failed_kind; ///< of the newest of them
    uint32_t failed_kinds;             ///< bit 1 << kind of each scrape that is remembered, the newest too
};

TEND_MUST_CHECK enum tend_status tend_act_ledger_create(const struct tend_world *world, struct tend_act_ledger **out);
void tend_act_ledger_destroy(struct tend_act_ledger *ledger); ///< NULL is allowed
/// What a simulation asks in the world's place.
struct tend_world tend_act_ledger_face(struct tend_act_ledger *ledger);
void tend_act_ledger_attach(struct tend_act_ledger *ledger, const struct tend_simulation *simulation);
/// From now on, a person wants no acts, or wants them again.
void tend_act_ledger_pause(struct tend_act_ledger *ledger, bool paused);
/// In order of time. Borrowed until the next act.
const struct tend_ledger_act *tend_act_ledger_acts(const struct tend_act_ledger *ledger, size_t *count);
