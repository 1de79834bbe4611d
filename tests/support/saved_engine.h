#pragma once
// An engine's checkpoint makes an engine whose checkpoint is the same, to the byte.

#include "engine/checkpoint.h"
#include "engine_world.h"
#include "generation_document.h"

// @param document  of the rules in use, written with ' for "
static inline void saved_engine_is_the_same(const struct world *world, const char *document)
{
    struct tend_buffer bytes;
    struct tend_buffer again;
    tend_buffer_init(&bytes);
    tend_buffer_init(&again);
    tend_engine_save(world->engine, &bytes);
    json_t *json = world_json(document);
    char hash[65];
    tend_sha256_hex(document, strlen(document), hash);
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error = { .text = "" };
    assert_int_equal(tend_ruleset_create(json, hash, &ruleset, &error), TEND_OK);
    json_decref(json);
    struct tend_engine *engine = NULL;
    assert_int_equal(tend_engine_load(bytes.data, bytes.size, ruleset, &engine, &error), TEND_OK);
    tend_engine_save(engine, &again);
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    tend_engine_destroy(engine);
    tend_buffer_clear(&bytes);
    tend_buffer_clear(&again);
}
