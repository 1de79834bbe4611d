#pragma once
/// Event encoder: events as items (recording/format.h), each layout and label set written once a segment.
///
/// Keeps the layouts of a segment (retained) and the newest row of each target. Steady state (no new layout) allocates
/// nothing but what the output grows by. Ownership: who creates destroys. Threads: one.

#include "base/buffer.h"
#include "engine/event.h"
#include "recording/format.h"

struct tend_event_encoder;

TEND_MUST_CHECK enum tend_status tend_event_encoder_create(struct tend_event_encoder **out);
void tend_event_encoder_destroy(struct tend_event_encoder *encoder); ///< NULL is allowed
void tend_event_encoder_reset(struct tend_event_encoder *encoder);   ///< A new segment begins.

/// Appends the items of an event: what it needs defined, and itself.
/// @param generation_hash  of a GENERATION without a ruleset, else NULL: the ruleset has it
/// @param generation_document  likewise
/// @return TEND_OK; TEND_E_LIMIT (of format.h) or TEND_E_NOMEM: what was appended is incomplete and the encoder must be
/// reset
TEND_MUST_CHECK enum tend_status tend_event_encoder_put(struct tend_event_encoder *encoder,
                                                        const struct tend_event *event, const char *generation_hash,
                                                        const json_t *generation_document, struct tend_buffer *out);
/// Events since the reset.
uint64_t tend_event_encoder_count(const struct tend_event_encoder *encoder);
/// Whether the segment holds so many layouts that another should begin: more than half of what format.h allows.
bool tend_event_encoder_is_full(const struct tend_event_encoder *encoder);

/// Appends one item of payload @p bytes, in pieces when it is large.
void tend_item_put(struct tend_buffer *out, enum tend_recording_item kind, const char *bytes, size_t count);
