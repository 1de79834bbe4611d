#pragma once
/// Ledger case: what the journal's records of one incident say for the ledger: which rules fired on what and when, who
/// was told, what was done, and how a person marked it.
///
/// Feed it the incident's records in order of number. Times are wall milliseconds, -1: not known, or not yet.
/// Ownership: who inits clears; records are borrowed for the call of take.

#include "base/json.h"
#include "journal/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// One rule on one subject, over all of the incident.
struct tend_ledger_alarm {
    char *rule, *service, *instance;
    bool firing;         ///< now
    size_t firings;      ///< how often it began to fire
    bool by_missing;     ///< at first only because data was missing
    int64_t onset_ms;    ///< when its metric went out of line, as far as it was out when it fired
    int64_t began_ms;    ///< first sample out of line of the time that made it fire first
    int64_t fired_ms;    ///< first
    int64_t resolved_ms; ///< last
};

struct tend_ledger_case {
    json_t *incident; ///< body of the newest incident record; NULL: none came
    json_t *mark;     ///< body of the newest mark, or NULL: none, or taken back
    int64_t marked_ms;
    struct tend_ledger_alarm *alarms;
    size_t alarm_count;
    size_t messages;              ///< that reached somebody
    int64_t told_ms;              ///< when the first of them that said "firing" did
    size_t runs, dry_runs, cured; ///< ended runs; `runs` are those that acted, `cured` those of them that recovered
    size_t acts;                  ///< programs and requests begun, not dry
    bool failed;                  ///< out of memory: some of it is missing
};

void tend_ledger_case_init(struct tend_ledger_case *of);
void tend_ledger_case_clear(struct tend_ledger_case *of);
void tend_ledger_case_take(struct tend_ledger_case *of, const struct tend_record *record);
