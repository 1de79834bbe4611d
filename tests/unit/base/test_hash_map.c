// Facts about hash maps, against a plain array; and SipHash-1-3 against published values.

#include "failing_allocation.h"

#include "base/hash_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct tend_hash_map *made(void)
{
    struct tend_hash_map *map = NULL;
    assert_int_equal(tend_hash_map_create(&map), TEND_OK);
    return map;
}

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    struct tend_hash_map *map = made();
    assert_null(tend_hash_map_find(map, "a", 1));
    assert_false(tend_hash_map_remove(map, "a", 1));
    assert_int_equal(tend_hash_map_count(map), 0);
    tend_hash_map_destroy(map);
    tend_hash_map_destroy(NULL);
}

static void keys_are_bytes_and_are_copied(void **state)
{
    (void)state;
    struct tend_hash_map *map = made();
    int one = 1;
    int two = 2;
    int three = 3;
    char key[] = { 'a', '\0', 'b' };
    assert_int_equal(tend_hash_map_set(map, key, 3, &one), TEND_OK);
    assert_int_equal(tend_hash_map_set(map, key, 1, &two), TEND_OK);
    assert_int_equal(tend_hash_map_set(map, key, 0, &three), TEND_OK);
    memset(key, 'x', sizeof key);
    assert_ptr_equal(tend_hash_map_find(map, "a\0b", 3), &one);
    assert_ptr_equal(tend_hash_map_find(map, "a", 1), &two);
    assert_ptr_equal(tend_hash_map_find(map, "", 0), &three);
    assert_null(tend_hash_map_find(map, "a\0c", 3));
    assert_int_equal(tend_hash_map_count(map), 3);
    tend_hash_map_destroy(map);
}

static void setting_again_replaces(void **state)
{
    (void)state;
    struct tend_hash_map *map = made();
    int one = 1;
    int two = 2;
    assert_int_equal(tend_hash_map_set(map, "a", 1, &one), TEND_OK);
    assert_int_equal(tend_hash_map_set(map, "a", 1, &two), TEND_OK);
    assert_ptr_equal(tend_hash_map_find(map, "a", 1), &two);
    assert_int_equal(tend_hash_map_count(map), 1);
    tend_hash_map_destroy(map);
}

static void it_is_what_an_array_is(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 60000 };
    static int values[KEYS];
    bool present[KEYS] = { false };
    size_t count = 0;
    struct tend_hash_map *map = made();
    uint64_t seed = 11; // the same steps each time; the map's own key differs
    for (int step = 0; step < STEPS; step++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const size_t i = (size_t)(seed >> 33) % KEYS;
        char key[16];
        const size_t bytes = (size_t)snprintf(key, sizeof key, "key-%zu", i);
        if (((seed >> 20) & 1) != 0) {
            assert_int_equal(tend_hash_map_set(map, key, bytes, &values[i]), TEND_OK);
            count += !present[i];
            present[i] = true;
        } else {
            assert_int_equal(tend_hash_map_remove(map, key, bytes), present[i]);
            count -= present[i];
            present[i] = false;
        }
        const size_t other = (size_t)(seed >> 40) % KEYS;
        const size_t other_bytes = (size_t)snprintf(key, sizeof key, "key-%zu", other);
        assert_ptr_equal(tend_hash_map_find(map, key, other_bytes), present[other] ? &values[other] : NULL);
        assert_int_equal(tend_hash_map_count(map), count);
    }
    tend_hash_map_destroy(map);
}

static void a_failed_set_changes_nothing(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    struct tend_hash_map *map = made();
    int one = 1;
    for (long successes = 0; successes < 2; successes++) { // the table, then the key
        fail_allocation_after(successes);
        assert_int_equal(tend_hash_map_set(map, "a", 1, &one), TEND_E_NOMEM);
        fail_allocation_after(-1);
        assert_null(tend_hash_map_find(map, "a", 1));
        tend_hash_map_destroy(map);
        map = made();
    }
    tend_hash_map_destroy(map);
}

static void siphash_1_3_has_its_published_values(void **state)
{
    (void)state;
    // Key 00 01 … 0f, message 00 01 … n-1: from the tests of Rust's standard library (test_siphash_1_3).
    static const uint64_t hashes[] = { UINT64_C(0xabac0158050fc4dc), UINT64_C(0xc9f49bf37d57ca93),
                                       UINT64_C(0x82cb9b024dc7d44d), UINT64_C(0x8bf80ab8e7ddf7fb) };
    const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
    const unsigned char message[] = { 0, 1, 2 };
    for (size_t bytes = 0; bytes < 4; bytes++) {
        assert_true(tend_siphash(key, message, bytes) == hashes[bytes]);
    }
}

static void siphash_1_3_is_that_of_cpython(void **state)
{
    (void)state;
    // PYTHONHASHSEED=0 python3.11 -c 'print(hex(hash(b"abcdefg") & (2**64 - 1)))': its key is 0.
    const uint64_t key[2] = { 0, 0 };
    assert_true(tend_siphash(key, "abcdefg", 7) == UINT64_C(0x6db12aae9070f506));
    assert_true(tend_siphash(key, "abcdefgh", 8) == UINT64_C(0x3f7b849c0b8e35ea));
    assert_true(tend_siphash(key, "abcdefghijklmnopqrstuvwxyz", 26) == UINT64_C(0x323ccd2fd30709df));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_nothing),     cmocka_unit_test(keys_are_bytes_and_are_copied),
        cmocka_unit_test(setting_again_replaces),         cmocka_unit_test(it_is_what_an_array_is),
        cmocka_unit_test(a_failed_set_changes_nothing),   cmocka_unit_test(siphash_1_3_has_its_published_values),
        cmocka_unit_test(siphash_1_3_is_that_of_cpython),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
