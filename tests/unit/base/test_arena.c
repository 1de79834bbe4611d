// Facts about arenas.

#include "failing_allocation.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct tend_arena arena;
    tend_arena_init(&arena);
    static const unsigned char zeros[300];
    unsigned char *all[200];
    for (size_t i = 0; i < 200; i++) {
        all[i] = tend_arena_alloc(&arena, i + 1, 1);
        assert_non_null(all[i]);
        assert_int_equal((uintptr_t)all[i] % alignof(max_align_t), 0);
        assert_memory_equal(all[i], zeros, i + 1);
        memset(all[i], (int)i + 1, i + 1);
    }
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(all[i][0], i + 1);
        assert_int_equal(all[i][i], i + 1);
    }
    tend_arena_clear(&arena);
}

static void large_pieces_have_room_too(void **state)
{
    (void)state;
    struct tend_arena arena;
    tend_arena_init(&arena);
    char *small = tend_arena_string(&arena, "small");
    char *large = tend_arena_alloc(&arena, 1000, 1000);
    assert_non_null(large);
    memset(large, 'x', 1000000);
    assert_string_equal(small, "small");
    assert_true(arena.bytes >= 1000000);
    tend_arena_clear(&arena);
    assert_int_equal(arena.bytes, 0);
}

static void copies_have_a_nul_behind(void **state)
{
    (void)state;
    struct tend_arena arena;
    tend_arena_init(&arena);
    assert_memory_equal(tend_arena_copy(&arena, "a\0bc", 3), "a\0b", 4);
    assert_string_equal(tend_arena_copy(&arena, "abc", 0), "");
    assert_string_equal(tend_arena_string(&arena, "abc"), "abc");
    assert_null(tend_arena_string(&arena, NULL));
    tend_arena_clear(&arena);
}

static void sizes_that_overflow_give_null(void **state)
{
    (void)state;
    struct tend_arena arena;
    tend_arena_init(&arena);
    assert_null(tend_arena_alloc(&arena, SIZE_MAX / 2, 4));
    assert_null(tend_arena_alloc(&arena, SIZE_MAX, 1));
    assert_null(tend_arena_alloc(&arena, SIZE_MAX - 8, 1));
    assert_non_null(tend_arena_alloc(&arena, 1, 1)); // still usable
    tend_arena_clear(&arena);
}

static void out_of_memory_leaves_it_usable(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    struct tend_arena arena;
    tend_arena_init(&arena);
    fail_allocation_after(0);
    assert_null(tend_arena_alloc(&arena, 1, 100000));
    fail_allocation_after(-1);
    assert_non_null(tend_arena_alloc(&arena, 1, 100000));
    tend_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart), cmocka_unit_test(large_pieces_have_room_too),
        cmocka_unit_test(copies_have_a_nul_behind),           cmocka_unit_test(sizes_that_overflow_give_null),
        cmocka_unit_test(out_of_memory_leaves_it_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
