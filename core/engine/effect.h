#pragma once
/// Effect: what the engine asks of the world. A driver carries effects out and answers with events.
///
/// Effects are handed over in order; a driver that has sent RECORD effects to the journal answers with JOURNAL_REACHED.
/// Ownership: the list owns all it points to; tend_effects_reset frees it.

#include "base/buffer.h"
#include "base/json.h"
#include "journal/record.h"

#include <stdint.h>

enum tend_effect_kind {
    TEND_EFFECT_EVALUATE,   ///< send `bytes` to the generation's evaluator (a tick's view) → VERDICTS with id
    TEND_EFFECT_ASK,        ///< send `bytes`, JSON, to it: {"kind":"locate"|"notice", …} → REPLY with id
    TEND_EFFECT_RUN_START,  ///< load generation `text` (its hash) in a process of its own for run `key` and send `json`
                            ///< → RUN_REPLY
    TEND_EFFECT_RUN_ANSWER, ///< send `json` (an answer) to the process of run `key` → RUN_REPLY
    TEND_EFFECT_RUN_END,    ///< the process of run `key` is done with: kill it
    TEND_EFFECT_EXEC,       ///< start a program: `json` {argv, timeout_ms, env?, cwd?} → STEP_RESULT with id.
                            ///< `key`: whom it acts on, an instance or a service; `text`: the verb, "" when it has none
    TEND_EFFECT_HTTP,    ///< send a request: `json` {method, url, headers, body, timeout_ms} → STEP_RESULT with id;
                         ///< `key` and `text` as with EXEC
    TEND_EFFECT_CANCEL,  ///< end the EXEC or HTTP with this id
    TEND_EFFECT_DELIVER, ///< send notice `key`: `json` {method, url, headers, body} or {log: text} → DELIVERED
    TEND_EFFECT_RECORD,  ///< append `record` to the journal
    TEND_EFFECT_WAKE,    ///< send TIMER at `at_ms` (an earlier one that was asked for is replaced)
    TEND_EFFECT_TARGETS, ///< the target table changed: take up tend_engine_target_count / _target again
};

struct tend_effect {
    enum tend_effect_kind kind;
    uint64_t id;
    int64_t at_ms;
    char *key;
    char *text;
    json_t *json;
    struct tend_buffer bytes;
    struct tend_record record;
};

struct tend_effects {
    struct tend_effect *list;
    size_t count;
    size_t capacity;
};

void tend_effects_init(struct tend_effects *effects);
void tend_effects_reset(struct tend_effects *effects); ///< frees what the effects own, keeps the list's memory
void tend_effects_clear(struct tend_effects *effects);
/// Appends an effect of this kind and returns it to be filled in; aborts when out of memory (an effect may not be
/// lost).
struct tend_effect *tend_effects_add(struct tend_effects *effects, enum tend_effect_kind kind);
/// What an ASK asks, as a tree. @return a new reference
json_t *tend_effect_question(const struct tend_effect *effect);
