#pragma once
/// Question: a request to an evaluator, kept until its answer, as the pool calls back with one pointer.
///
/// Ownership: the list owns its questions. Threads: the loop's.

#include "engine/event.h"

#include <stdint.h>

struct tend_question {
    struct tend_question *next, *previous;
    void *asker;
    enum tend_event_kind kind; ///< of the event that its answer is
    uint64_t id;               ///< VERDICTS and REPLY
    char *run;                 ///< RUN_REPLY; else NULL
};

/// Adds one to the front of a list (NULL: empty). @param run  copied; NULL is allowed
struct tend_question *tend_question_add(struct tend_question **list, void *asker, enum tend_event_kind kind,
                                        uint64_t id, const char *run);
void tend_question_remove(struct tend_question **list, struct tend_question *question); ///< and frees it
void tend_questions_clear(struct tend_question **list);
