#pragma once
/// FNV-1a of 64 bits (G. Fowler, L. C. Noll, K.-P. Vo): the same on every machine, and no match for who wants
/// collisions; what others choose the keys of is hashed by hash_map.h.

#include <stdint.h>

#define TEND_FNV_BEGIN UINT64_C(14695981039346656037)

/// Goes on with one more byte.
static inline uint64_t tend_fnv(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(1099511628211);
}
