#pragma once
/// Failing allocation: makes the n-th allocation of a test fail, in whichever library it is made.
///
/// Include it in one file of a test program. Takes the place of malloc, calloc and realloc, so it works only where no
/// sanitizer does the same: elsewhere TEND_CAN_FAIL_ALLOCATIONS is 0 and such a test skips itself.

#include <stddef.h>

#ifdef TEND_SANITIZED
#define TEND_CAN_FAIL_ALLOCATIONS 0
static inline void fail_allocation_after(long successes)
{
    (void)successes;
}
static inline int was_an_allocation_failed(void)
{
    return 0;
}
static inline long allocations_so_far(void)
{
    return 0;
}
#else
#define TEND_CAN_FAIL_ALLOCATIONS 1
void *__libc_malloc(size_t bytes);               // NOLINT(bugprone-reserved-identifier,cert-dcl37-c): glibc's names
void *__libc_calloc(size_t count, size_t size);  // NOLINT(bugprone-reserved-identifier,cert-dcl37-c): glibc's names
void *__libc_realloc(void *block, size_t bytes); // NOLINT(bugprone-reserved-identifier,cert-dcl37-c): glibc's names
void *malloc(size_t bytes);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t bytes);

static long successes_left = -1; // -1: none fails
static int failed;
static long allocation_count;

/// From now on, lets this many allocations succeed and the next one fail; those after it succeed. -1: none fails.
static inline void fail_allocation_after(long successes)
{
    successes_left = successes;
    failed = 0;
}

static inline int was_an_allocation_failed(void)
{
    return failed;
}

/// Allocations of this program up to now, those that failed too.
static inline long allocations_so_far(void)
{
    return allocation_count;
}

static int fails_now(void)
{
    allocation_count++;
    if (successes_left < 0 || successes_left-- > 0) {
        return 0;
    }
    failed = 1;
    return 1;
}

void *malloc(size_t bytes)
{
    return fails_now() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t bytes)
{
    return fails_now() ? NULL : __libc_realloc(block, bytes);
}
#endif
