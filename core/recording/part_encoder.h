#pragma once
/// Part encoder: the parts of a recording but events as items (recording/format.h). Failures show in the buffer.

#include "engine/effect.h"
#include "recording/format.h"

void tend_item_put_json(struct tend_buffer *out, enum tend_recording_item kind, const json_t *value);
void tend_item_put_generation(struct tend_buffer *out, const char *hash, const json_t *sources, const json_t *document);
/// What came of an event. Nothing is appended when all of the effects are WAKE.
void tend_item_put_effects(struct tend_buffer *out, const struct tend_effects *effects);
/// The same of what was recorded before.
void tend_item_put_outcome(struct tend_buffer *out, uint64_t hash, const struct tend_record *records, size_t count);
void tend_item_put_end(struct tend_buffer *out, uint64_t events);
