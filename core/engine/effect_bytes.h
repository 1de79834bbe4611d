#pragma once
/// Effects as bytes: the canonical form by which two engines' effects are compared. Same effects, same bytes.

#include "base/buffer.h"
#include "engine/effect.h"

#include <stdint.h>

/// Appends all effects but WAKE (when it wakes decides nothing). Doubles in JSON with 17 digits, keys sorted.
void tend_effects_put(struct tend_buffer *out, const struct tend_effects *effects);
/// 64 bits of SHA-256 over those bytes.
uint64_t tend_effects_hash(const struct tend_effects *effects);
