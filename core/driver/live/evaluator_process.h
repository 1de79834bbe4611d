#pragma once
/// Evaluator process: the only place where users' Lua runs, seen from the process that acts (design.md, decision 3).
///
/// An evaluator is `tend evaluator` behind one socket: it is given a generation's sources once, then requests, and it
/// may die at any time. Frames both ways: u32 length of the rest (little-endian), u8 kind, payload; at most 16 MB. The
/// messages are listed in script/message.h; each reply is checked like any input, and one that is not what was asked
/// for kills the process. So does a piece of user code that takes more than its time: 100 ms of the child's CPU or 2 s
/// of wall time since the child said which piece it begins; 2 s and 5 s for loading.
///
/// A request is answered by one call of its `done`, always from the event loop and never from within the call that made
/// the request; after destroy, never. One request is in flight, later ones wait in order.
///
/// Units: `_ms` milliseconds. Ownership: who creates, destroys; destroying kills the child. Threads: the loop's only.
/// Sets SIGPIPE to be ignored.
/// To have more than one of them, see evaluator_pool.h.

#include "base/json.h"
#include "base/status.h"
#include "engine/event.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tend_evaluator;

/// What a request came to. All of it is borrowed for the call.
struct tend_evaluator_reply {
    struct tend_event_died died; ///< died.died: the process is gone, and json and bytes are NULL
    json_t *json;                ///< load: the generation document; ask: the reply; run: {"effect":…} or {"end":…}
    const char *bytes;           ///< tick: verdicts of alert/verdict.h, whole and as many as were asked for
    size_t byte_count;
};
typedef void tend_evaluator_done(void *context, const struct tend_evaluator_reply *reply);

/// How long a piece of user code may take; the defaults are those of the head comment.
struct tend_evaluator_deadlines {
    int64_t cpu_ms;
    int64_t wall_ms;
    int64_t load_cpu_ms;
    int64_t load_wall_ms;
};
struct tend_evaluator_deadlines tend_evaluator_default_deadlines(void);

/// Who makes the process of an evaluator, when it is not started as a program of its own.
struct tend_evaluator_starter {
    /// Makes a child of this process that runs tend_evaluator_run with `socket` as its TEND_MESSAGE_FD.
    /// @param[out] pidfd  of that child; the caller closes it  @return 0 or an errno
    int (*start)(void *context, int socket, pid_t *pid, int *pidfd);
    void *context;
};

/// Starts one evaluator: this binary anew, or the one that $TEND_EXE names. @return TEND_OK, TEND_E_NOMEM or TEND_E_IO
TEND_MUST_CHECK enum tend_status tend_evaluator_create(struct event_base *base,
                                                       const struct tend_evaluator_deadlines *deadlines,
                                                       struct tend_evaluator **out, struct tend_error *error);
/// The same, made by a starter. @param starter  NULL: as above
TEND_MUST_CHECK enum tend_status tend_evaluator_create_by(struct event_base *base,
                                                          const struct tend_evaluator_deadlines *deadlines,
                                                          const struct tend_evaluator_starter *starter,
                                                          struct tend_evaluator **out, struct tend_error *error);
void tend_evaluator_destroy(struct tend_evaluator *evaluator); ///< Kills and reaps it. NULL is allowed.
pid_t tend_evaluator_pid(const struct tend_evaluator *evaluator);
bool tend_evaluator_is_dead(const struct tend_evaluator *evaluator); ///< later requests are answered with died

/// Gives it the sources, {"files":[{"name","text"}], "env":{"name","text"}|null, "secrets":[name]|null}; the reply is
/// the generation document, perhaps with errors in it. Must be the first request.
void tend_evaluator_load(struct tend_evaluator *evaluator, const json_t *sources, tend_evaluator_done *done,
                         void *context);
/// Sends a tick's view (alert/verdict.h; the bytes are copied).
void tend_evaluator_tick(struct tend_evaluator *evaluator, const char *bytes, size_t byte_count,
                         tend_evaluator_done *done, void *context);
/// Sends a question, as JSON: {"kind":"locate"|"notice", …}; the bytes are copied.
void tend_evaluator_ask(struct tend_evaluator *evaluator, const char *question, size_t byte_count,
                        tend_evaluator_done *done, void *context);
void tend_evaluator_run_start(struct tend_evaluator *evaluator, const json_t *start, tend_evaluator_done *done,
                              void *context); ///< {"playbook","frozen","answers"}; once in a process's life
void tend_evaluator_answer(struct tend_evaluator *evaluator, const json_t *answer, tend_evaluator_done *done,
                           void *context); ///< the answer to the effect that the run asked for last
