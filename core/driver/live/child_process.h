#pragma once
/// Child process: programs that steps start, each with an argv and never through a shell.
///
/// A child has a session and process group of its own, /dev/null as input, one pipe as output and error, a clean
/// environment (PATH, LANG=C and what is given), no other fd, no core dump. It ends with its pid, not with the
/// end of its output: what it left behind may hold the pipe. Only on timeout or cancel the group is killed: TERM, then
/// KILL. Units: `_ms` milliseconds. Ownership: who creates the set destroys it; destroy kills what still runs, without
/// a callback. Threads: the loop's.

#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct tend_children; // opaque: the fields are in child_process.c

#define TEND_CHILD_OUTPUT_BYTES ((size_t)64 * 1024) ///< kept of the output, its end

struct tend_child_spec {
    const char *const *argv;        ///< NULL-terminated; [0] absolute, or a name that is looked up in the fixed PATH
    const char *const *environment; ///< "NAME=value", NULL-terminated; NULL for none. Replaces PATH and LANG too
    const char *cwd;                ///< NULL: "/"
    int64_t timeout_ms;             ///< 0: 30 s
    int64_t grace_ms;               ///< from TERM to KILL; 0: 5 s
};

struct tend_child_result {
    const char *outcome; ///< "done": exit status 0; "failed": not started, or another status; "unknown": ended by a
                         ///< signal, ours or not
    const char *error;   ///< for people; "" when done
    int exit_status;     ///< -1: it had none
    int signal;          ///< 0: none
    bool timed_out;
    bool cancelled;
    const char *output; ///< any bytes, NUL-terminated
    size_t output_bytes;
    bool output_cut; ///< there was more before it
    int64_t took_ms;
};

/// Takes the end of the child with this id; the result is borrowed for the call. May start others.
typedef void (*tend_child_fn)(void *context, uint64_t id, const struct tend_child_result *result);

/// @param base  outlives the set  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_children_create(struct event_base *base, tend_child_fn on_end, void *context,
                                                      struct tend_children **out);
void tend_children_destroy(struct tend_children *children); ///< NULL is allowed

/// Starts a program. One that cannot be started is a result too ("failed"); the callback never comes from within this
/// call. @return TEND_OK, TEND_E_INVALID (no argv, or the id is in use) or TEND_E_NOMEM; then no callback comes
TEND_MUST_CHECK enum tend_status tend_children_start(struct tend_children *children, uint64_t id,
                                                     const struct tend_child_spec *spec);
/// The same from an EXEC effect: {"argv":[…],"timeout_ms"?,"env"?:{"NAME":"value"},"cwd"?}.
TEND_MUST_CHECK enum tend_status tend_children_start_json(struct tend_children *children, uint64_t id,
                                                          const json_t *spec, struct tend_error *error);
/// Ends it: TERM to its group, KILL after the grace; the result comes as cancelled. Unknown ids are ignored.
void tend_children_cancel(struct tend_children *children, uint64_t id);
size_t tend_children_count(const struct tend_children *children); ///< running now

/// {"exit","signal"?,"output","took_ms","timed_out"?}: a step's value. The caller owns it. NULL: out of memory.
json_t *tend_child_result_json(const struct tend_child_result *result);
