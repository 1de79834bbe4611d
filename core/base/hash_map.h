#pragma once
/// Hash map: from bytes to a pointer. Keyed (SipHash-1-3), so that a target cannot choose colliding label values.
///
/// The map copies its keys and borrows its values. It never says in which order it holds anything: decisions may not
/// depend on a hash (style: same bytes every time), so keep an array beside it for order.

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_hash_map;

/// Makes an empty map with a random key of its own. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_hash_map_create(struct tend_hash_map **out);
void tend_hash_map_destroy(struct tend_hash_map *map); ///< NULL is allowed; values are not touched

/// The value of a key, or NULL.
void *tend_hash_map_find(const struct tend_hash_map *map, const void *key, size_t key_bytes);
/// Sets a key's value (not NULL), replacing an older one. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_hash_map_set(struct tend_hash_map *map, const void *key, size_t key_bytes,
                                                   void *value);
bool tend_hash_map_remove(struct tend_hash_map *map, const void *key, size_t key_bytes); ///< false: it was not there
size_t tend_hash_map_count(const struct tend_hash_map *map);

/// SipHash-1-3 of bytes under a 128-bit key; the same on every machine.
uint64_t tend_siphash(const uint64_t key[2], const void *bytes, size_t count);
