#pragma once
/// Text set: which byte strings were seen already, for the checks of one body.
///
/// Exact (it holds the bytes) and keyed, so that no body can choose colliding strings. Emptying it is free, whatever
/// its size, as a body may have very many small families after a large one. Ownership: who calls init calls clear.

#include "base/buffer.h"

struct tend_text_set {
    uint64_t key[2];
    struct tend_buffer bytes;           ///< all strings, one after the other
    struct tend_text_set_place *places; ///< private
    size_t capacity;
    size_t count;
    uint32_t generation; ///< places of another generation are free
};

void tend_text_set_init(struct tend_text_set *set);
void tend_text_set_clear(struct tend_text_set *set);
void tend_text_set_reset(struct tend_text_set *set); ///< Makes it empty and keeps the memory.

/// Adds a string. @param[out] added  false: it was there already
/// @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_text_set_add(struct tend_text_set *set, const char *text, size_t bytes,
                                                   bool *added);
