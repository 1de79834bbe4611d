#pragma once
/// Record: one fact for the journal, and on which terms it reaches the disk. What it is, not where it is kept.
///
/// The engine numbers records; the writer appends them in order and says "reached n" once record n is on disk. A record
/// also sets the state of its (kind, key): a restart reads the newest body of each key that is still open.
/// Ownership: a record in flight owns its strings and its body.

#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum tend_record_kind {
    TEND_RECORD_START,    ///< tend started: version, generation, host; key ""
    TEND_RECORD_SOURCE,   ///< sources of a generation; key = its hash; body {files, env, document}
    TEND_RECORD_ALERT,    ///< key "rule\nservice\ninstance"
    TEND_RECORD_INCIDENT, ///< key = incident id
    TEND_RECORD_EVIDENCE, ///< key = incident id: a ranking with what it stands on
    TEND_RECORD_DECISION, ///< key = incident id: what was decided, or why nothing was done
    TEND_RECORD_RUN,      ///< key = run id: begun (with what it froze), ended
    TEND_RECORD_STEP,     ///< key = "run/seq": begun (the intent), ended (the outcome)
    TEND_RECORD_TARGET,   ///< key = service or "service\ninstance": cooldown, attempts, breaker
    TEND_RECORD_OPERATOR, ///< key = what it sets ("pause", "arm/HASH"): who did what
    TEND_RECORD_NOTICE,   ///< key = dedup key: queued, sent, failed
};
enum { TEND_RECORD_KINDS = TEND_RECORD_NOTICE + 1 };

/// "alert", "incident", "run" …; as in the journal's `kind` column.
const char *tend_record_kind_text(enum tend_record_kind kind);
int tend_record_kind_parse(const char *text); ///< or -1

struct tend_record {
    uint64_t number; ///< 1, 2, 3 … over the whole life of the journal
    int64_t at_ms;   ///< engine time
    int64_t wall_ms; ///< wall time, to show
    enum tend_record_kind kind;
    char *key;
    char *incident; ///< the incident it belongs to, or NULL
    bool full;      ///< an intent or an outcome: fsync before "reached"
    bool open;      ///< false: this (kind, key) is over, a restart need not see it
    json_t *body;   ///< an object
    char *text;     ///< the body as canonical JSON, once it was written (tend_record_write); else NULL
};

/// Writes the body as text, unless that was done: whoever needs the text after that has it for nothing. The body may
/// not change any more. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_record_write(struct tend_record *record);

void tend_record_clear(struct tend_record *record); ///< frees what it owns
