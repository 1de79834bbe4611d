#pragma once
/// Event decoder: the inverse of event_encoder.h. Trusts nothing.
///
/// Layouts are made once a segment and shared by the events that use them. Ownership: who creates destroys; what an
/// event points to is the decoder's (or lies in the bytes given) and stays until the next call, but a target's values,
/// which stay until its next event. Threads: one.

#include "recording/recording.h"

struct tend_event_decoder;

TEND_MUST_CHECK enum tend_status tend_event_decoder_create(struct tend_event_decoder **out);
void tend_event_decoder_destroy(struct tend_event_decoder *decoder); ///< NULL is allowed
void tend_event_decoder_reset(struct tend_event_decoder *decoder);   ///< A new segment begins.

/// Takes the payload of an item LABELS, LAYOUT, EVENT or OUTCOME.
/// @param[out] out  EVENT and OUTCOME: kind, event or outcome, and next_generation are set
/// @param[out] why  of TEND_E_CORRUPT: what is wrong, as a phrase
/// @return TEND_OK, TEND_E_CORRUPT or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_event_decoder_labels(struct tend_event_decoder *decoder, const char *bytes,
                                                           size_t count, const char **why);
TEND_MUST_CHECK enum tend_status tend_event_decoder_layout(struct tend_event_decoder *decoder, const char *bytes,
                                                           size_t count, const char **why);
TEND_MUST_CHECK enum tend_status tend_event_decoder_event(struct tend_event_decoder *decoder, const char *bytes,
                                                          size_t count, struct tend_recorded *out, const char **why);
TEND_MUST_CHECK enum tend_status tend_event_decoder_outcome(struct tend_event_decoder *decoder, const char *bytes,
                                                            size_t count, struct tend_recorded *out, const char **why);
/// Events since the reset.
uint64_t tend_event_decoder_count(const struct tend_event_decoder *decoder);
