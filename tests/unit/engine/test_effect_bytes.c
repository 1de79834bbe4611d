// Effects as bytes: what tells two lists apart, and what does not.

#include "engine/effect_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add_http(struct tend_effects *effects, uint64_t id, const char *json)
{
    struct tend_effect *effect = tend_effects_add(effects, TEND_EFFECT_HTTP);
    effect->id = id;
    effect->json = json_loads(json, 0, NULL);
    assert_non_null(effect->json);
}

static uint64_t hash_and_clear(struct tend_effects *effects)
{
    const uint64_t hash = tend_effects_hash(effects);
    tend_effects_clear(effects);
    return hash;
}

static uint64_t hash_of_http(uint64_t id, const char *json)
{
    struct tend_effects effects;
    tend_effects_init(&effects);
    add_http(&effects, id, json);
    return hash_and_clear(&effects);
}

static void the_order_of_keys_makes_no_difference(void **state)
{
    (void)state;
    assert_true(hash_of_http(1, "{\"a\":1,\"b\":2.5}") == hash_of_http(1, "{\"b\":2.5,\"a\":1}"));
}

static void the_last_bit_of_a_number_makes_one(void **state)
{
    (void)state;
    assert_true(hash_of_http(1, "{\"a\":0.1}") != hash_of_http(1, "{\"a\":0.10000000000000002}"));
    assert_true(hash_of_http(1, "{\"a\":1}") != hash_of_http(2, "{\"a\":1}"));
}

static void a_wake_makes_no_bytes(void **state)
{
    (void)state;
    struct tend_effects effects;
    tend_effects_init(&effects);
    tend_effects_add(&effects, TEND_EFFECT_WAKE)->at_ms = 1000;
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_effects_put(&bytes, &effects);
    assert_int_equal(bytes.size, 0);
    tend_buffer_clear(&bytes);
    tend_effects_clear(&effects);
}

// The digest was taken by hand (printf … | sha256sum) of: kind 7, id 7, no key, no text, no JSON, no bytes.
static void the_hash_is_the_first_64_bits_of_sha256(void **state)
{
    (void)state;
    struct tend_effects effects;
    tend_effects_init(&effects);
    tend_effects_add(&effects, TEND_EFFECT_CANCEL)->id = 7;
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_effects_put(&bytes, &effects);
    static const char expected[] = "\x07\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_int_equal(bytes.size, 16);
    assert_memory_equal(bytes.data, expected, 16);
    tend_buffer_clear(&bytes);
    assert_true(hash_and_clear(&effects) == UINT64_C(0xd190ca69d47e36a5));
}

static void a_record_is_told_by_each_of_its_fields(void **state)
{
    (void)state;
    uint64_t hashes[5];
    for (int i = 0; i < 5; i++) {
        struct tend_effects effects;
        tend_effects_init(&effects);
        struct tend_record *record = &tend_effects_add(&effects, TEND_EFFECT_RECORD)->record;
        *record = (struct tend_record){ .number = i == 1 ? 2 : 1,
                                        .kind = i == 2 ? TEND_RECORD_RUN : TEND_RECORD_STEP,
                                        .key = strdup("r1"),
                                        .incident = i == 3 ? strdup("") : NULL,
                                        .open = i == 4,
                                        .body = json_object() };
        hashes[i] = hash_and_clear(&effects);
        for (int j = 0; j < i; j++) {
            assert_true(hashes[i] != hashes[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_keys_makes_no_difference),
        cmocka_unit_test(the_last_bit_of_a_number_makes_one),
        cmocka_unit_test(a_wake_makes_no_bytes),
        cmocka_unit_test(the_hash_is_the_first_64_bits_of_sha256),
        cmocka_unit_test(a_record_is_told_by_each_of_its_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
