// What was learned, from bytes, as a file of another day or a recording may hold it: it is taken or told and passed
// over, and an engine that took it watches on, says what it knows, and saves what the next one takes likewise. The
// file's own head and checksum (driver/live/baseline_file.h) are not part of it.

#include "engine/engine.h"

#include "base/json.h"
#include "base/log.h"
#include "series/layout.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define METRIC(name, learned, limit)                                                                                   \
    ",{\"name\":\"" name "\",\"kind\":\"gauge\",\"sources\":[\"load\"],\"expect\":{\"learned\":{" learned              \
    "\"zone\":\"UTC\"}}," limit "\"bad\":\"both\"}"
static const char document[] =
    "{\"rules\":[{\"name\":\"plain\",\"metric\":\"plain\"},{\"name\":\"day\",\"metric\":\"day\"}],\"services\":[{"
    "\"name\":\"web\",\"groups\":[\"*\"],\"targets\":[\"http://127.0.0.1:9101/metrics\"],\"every_ms\":60000,"
    "\"window_ms\":60000,\"timeout_ms\":500,\"metrics\":[{\"name\":\"up\",\"kind\":\"up\",\"sources\":[],"
    "\"expect\":{\"value\":1},\"alpha\":0.5,\"bad\":\"below\"}" METRIC("plain", "", "\"alpha\":0.2,")
        METRIC("day", "\"season_ms\":86400000,", "") METRIC("week", "\"season_ms\":604800000,", "\"alpha\":0.2,")
            METRIC("curve", "\"given\":\"plain\",",
                   "\"alpha\":0.2,") "],\"rules\":[{\"rule\":0},{\"rule\":1}],\"limits\":{\"at_once\":1,\"share\":0.5,"
                                     "\"min_healthy\":0,"
                                     "\"per_hour\":100,\"cooldown_ms\":0,\"attempts\":2,\"confidence\":0.8}}]}";

enum { MINUTES = 20, LONGEST = 65536 };
static const int64_t begin_ms = INT64_C(1770000000000);

static void step(struct tend_engine *engine, int64_t at_ms, struct tend_event event)
{
    struct tend_effects effects;
    tend_effects_init(&effects);
    event.at_ms = event.wall_ms = at_ms;
    tend_engine_step(engine, &event, &effects);
    tend_effects_clear(&effects);
}

static struct tend_engine *begin(void)
{
    const struct tend_engine_options options = { .at_ms = begin_ms, .wall_ms = begin_ms, .next_record = 1 };
    struct tend_engine *engine = NULL;
    TEND_ASSERT(tend_engine_create(&options, &engine) == TEND_OK);
    json_t *json = json_loads(document, 0, NULL);
    char hash[65];
    tend_sha256_hex(document, sizeof document - 1, hash);
    struct tend_event event = { .kind = TEND_EVENT_GENERATION };
    struct tend_error error;
    TEND_ASSERT(tend_ruleset_create(json, hash, &event.generation.ruleset, &error) == TEND_OK);
    json_decref(json);
    event.generation.sources = json_pack("{s:[]}", "files");
    step(engine, begin_ms, event);
    json_decref(event.generation.sources);
    return engine;
}

static void scrape(struct tend_engine *engine, const struct tend_layout *layout, int64_t at_ms, double value)
{
    struct tend_event event = { .kind = TEND_EVENT_SCRAPED };
    event.scraped.begun_ms = at_ms;
    event.scraped.duration_s = 0.01;
    event.scraped.kind = TEND_SCRAPE_OK;
    event.scraped.reason = "";
    event.scraped.layout = layout;
    event.scraped.values = &value;
    event.scraped.value_count = 1;
    step(engine, at_ms, event);
    step(engine, at_ms + 10, (struct tend_event){ .kind = TEND_EVENT_TIMER });
}

static void watch_on(struct tend_engine *engine)
{
    struct tend_column column = { .type = TEND_SERIES_GAUGE };
    TEND_ASSERT(tend_label_set_create("load", 4, NULL, 0, &column.labels) == TEND_OK);
    const struct tend_layout *layout = NULL;
    TEND_ASSERT(tend_layout_create(&column, 1, &layout) == TEND_OK);
    for (int i = 0; i < MINUTES; i++) {
        scrape(engine, layout, begin_ms + INT64_C(60000) * (i + 1), i % 7 == 6 ? 1e9 : 5 + i % 3);
    }
    tend_layout_release(layout);
    tend_label_set_release(column.labels);
    json_decref(tend_engine_status(engine));
}

static void give(struct tend_engine *engine, const void *bytes, size_t count)
{
    struct tend_event event = { .kind = TEND_EVENT_BASELINES };
    event.baselines.bytes = bytes;
    event.baselines.byte_count = count;
    step(engine, begin_ms, event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > LONGEST) {
        return -1;
    }
    tend_log_set_level(TEND_LOG_ERROR);
    char *exact = malloc(size + 1); // of its own, so that a step past its end is seen
    TEND_ASSERT(exact != NULL);
    memcpy(exact, data, size);
    struct tend_engine *engine = begin();
    give(engine, exact, size);
    free(exact);
    watch_on(engine);
    struct tend_buffer saved;
    struct tend_buffer again;
    tend_buffer_init(&saved);
    tend_buffer_init(&again);
    const size_t count = tend_engine_save_baselines(engine, &saved);
    tend_engine_destroy(engine);
    engine = begin();
    give(engine, saved.data, saved.size);
    TEND_ASSERT(tend_engine_save_baselines(engine, &again) <= count); // of two of one name one goes
    watch_on(engine);
    tend_engine_destroy(engine);
    tend_buffer_clear(&saved);
    tend_buffer_clear(&again);
    return 0;
}
