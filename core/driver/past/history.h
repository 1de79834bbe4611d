#pragma once
/// History: what was scraped in the past, in order of time, whatever kept it: a recording, a CSV file, a server.
///
/// A history is read once, from its beginning to its end, and holds in memory no more than a page of it. It knows
/// nothing of rules but the series that they select: where its instances are the rules' services, `rehearsal.h` says.
/// Units: `_ms` milliseconds since 1970; of a recording its engine time, which began with the wall's. Ownership: who
/// opens a history destroys it; what an item points to is borrowed until the next item. Threads: one.

#include "base/json.h"
#include "base/status.h"
#include "engine/event.h"
#include "series/layout.h"
#include "series/scrape_kind.h"

#include <stdbool.h>
#include <stdint.h>

/// One scrape target of the past. An index keeps its meaning for as long as the history is open.
struct tend_history_instance {
    const char *service;
    const char *address;        ///< what tells it from the service's others: "127.0.0.1:9103", "1"
    const json_t *labels;       ///< name → text; {} when none are known
    const char *const *metrics; ///< whose P is given by hand, in the order of MEASURED's values; NULL: none is
    size_t metric_count;
    int64_t every_ms; ///< between its scrapes, as far as that is known; 0: not at all
    bool gone;        ///< since the newest INSTANCES it is no longer watched
    bool logged;      ///< what its service's log said is in the history
};

enum tend_history_kind {
    TEND_HISTORY_INSTANCES, ///< the list of instances is another one from now on; the first item of every history
    TEND_HISTORY_SCRAPED,   ///< a scrape ended, good or failed
    TEND_HISTORY_MEASURED,  ///< P of an instance's metrics, by hand (a good scrape without series)
    TEND_HISTORY_LOGS,      ///< lines of services' logs were counted
    TEND_HISTORY_END,       ///< nothing more
};

struct tend_history_item {
    enum tend_history_kind kind;
    int64_t at_ms; ///< when it came to be known, for a scrape its end; never falls from item to item
    size_t instance;
    int64_t begun_ms; ///< SCRAPED: the time of its samples; MEASURED: at_ms
    double duration_s;
    enum tend_scrape_kind scrape;
    const char *reason;               ///< of a failure, for people; else ""
    const struct tend_layout *layout; ///< SCRAPED: columns of `values`; NULL when it failed
    const double *values;             ///< MEASURED: one a metric of the instance, NaN: no sample
    size_t value_count;
    const struct tend_event_logs *logs; ///< LOGS
};

struct tend_history_reader {
    void *context;
    /// The next item. @return TEND_OK (at the end kind END, again and again), or another and the error says why:
    /// TEND_E_INVALID, TEND_E_CORRUPT (`FILE:LINE: …`), TEND_E_IO (a server's words), TEND_E_NOMEM
    enum tend_status (*next)(void *context, struct tend_history_item *out, struct tend_error *error);
    /// All instances so far, those that are gone too. Borrowed until the next item.
    const struct tend_history_instance *(*instances)(void *context, size_t *count);
    /// Series that were selected and that the history lacks, by name: [text]; a new reference. Complete at the end.
    json_t *(*missing)(void *context);
    /// How far it was read, 0 to 1, for a progress bar.
    double (*progress)(void *context);
    void (*destroy)(void *context);
};
