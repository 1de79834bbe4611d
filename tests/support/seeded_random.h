#pragma once
/// Seeded random: numbers that look random and are the same for the same seed on every machine (splitmix64).

#include <stdint.h>
#include <stdio.h>

static uint64_t random_state;

/// Begins anew, and prints the seed, so that a failure can be repeated.
static inline void seed_random(uint64_t seed)
{
    random_state = seed;
    printf("seed %llu\n", (unsigned long long)seed);
}

/// A number from 0 to limit - 1.
static inline int random_below(int limit)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (int)((z ^ (z >> 31)) % (uint64_t)limit);
}

/// A number from 0 to below 1, in steps of 2^-30.
static inline double random_share(void)
{
    return random_below(1 << 30) * 0x1p-30;
}
