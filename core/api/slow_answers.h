#pragma once
/// Slow answers: what takes long to find out, on a thread of its own, in the order in which it was asked.
///
/// The journal of a large incident is megabytes: to read it holds a processor for tenths of a second, and a disk for as
/// long as it likes. Meanwhile the loop goes on; it only hands the text over.
/// Ownership: who creates it destroys it, before the event base. Threads: `make` is called on the thread, one at a
/// time, and may touch nothing of the loop's; all else is the loop's.

#include "base/buffer.h"
#include "base/json.h"

struct event_base;
struct tend_slow_answers;

/// Finds an answer. @param about  as it was asked  @param[out] out  a new reference  @return as tend_slow_told is told
typedef enum tend_status tend_slow_make(void *context, const char *about, json_t **out, struct tend_error *error);

/// Takes an answer, on the loop. @param text  JSON, in the order in which it was made; borrowed, empty unless TEND_OK
/// @param error  of a failure
typedef void tend_slow_told(void *context, void *request, enum tend_status status, const struct tend_buffer *text,
                            const struct tend_error *error);

/// @param context  of both; outlives it  @return TEND_OK, TEND_E_NOMEM or TEND_E_IO
TEND_MUST_CHECK enum tend_status tend_slow_answers_create(struct event_base *base, tend_slow_told *told, void *context,
                                                          struct tend_slow_answers **out);
/// Waits for the answer that is being made; those that were not begun are told as TEND_E_IO. NULL is allowed.
void tend_slow_answers_destroy(struct tend_slow_answers *answers);

/// Asks. @param make  with its own context  @param about  copied  @param request  handed to `told`
/// @return TEND_OK: it will be told, once; TEND_E_INVALID: too many wait; TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_slow_answers_ask(struct tend_slow_answers *answers, tend_slow_make *make,
                                                       void *make_context, const char *about, void *request);
