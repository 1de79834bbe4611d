#pragma once
/// Checkpoint: all that an engine knows, as bytes, so that another engine goes on from there as the first one would.
///
/// What an engine does after tend_engine_load is, to the byte of each effect, what the saved one would have done: its
/// windows, latches, pending times, expectations, incidents, runs and counters are in it; the ruleset is not (who keeps
/// the checkpoint keeps the generation document beside it). The same state gives the same bytes, in any process.
/// Bytes are checked like any input: a damaged checkpoint is refused, never half loaded.
/// Between two events only, never from within tend_engine_step.

#include "base/buffer.h"
#include "base/status.h"
#include "engine/engine.h"

/// Appends the checkpoint of @p engine (check `failed` of the buffer).
void tend_engine_save(const struct tend_engine *engine, struct tend_buffer *out);

/// Makes an engine of a checkpoint.
/// @param take_ruleset  the ruleset that the saved one had (the same hash), NULL when it had none; the engine owns it
/// from here on, and it is destroyed on failure
/// @return TEND_OK, TEND_E_CORRUPT (error says where), TEND_E_INVALID (another ruleset, a newer format) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_engine_load(const char *bytes, size_t byte_count,
                                                  struct tend_ruleset *take_ruleset, struct tend_engine **out,
                                                  struct tend_error *error);

/// The runs that have a process, as a fresh process would have to be told of them to stand where theirs stands: what
/// RUN_START carries, with the answers that the process was given. To that it replies with the first effect that was
/// not answered. Where "asked" is true the engine knows that effect already (an answer to it is what the process waits
/// for), so that reply is not to be passed on; where it is false the engine waits for that very reply.
/// @return a new array of {"run", "generation", "start", "asked"}; NULL: out of memory
json_t *tend_engine_open_runs(const struct tend_engine *engine);
