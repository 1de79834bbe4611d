// A checkpoint from bytes, for fixed rules: it is refused, or the engine made of it bears all that may be asked of it
// and what may happen next, and saves as what it was loaded from. The checksum at the end is put there by the target,
// as nothing would get past it otherwise.

#include "engine/checkpoint.h"
#include "engine/checkpoint_pass.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define METRICS                                                                                                        \
    "\"metrics\":[{\"name\":\"up\",\"kind\":\"up\",\"sources\":[],\"expect\":{\"value\":1},\"alpha\":0.5,"             \
    "\"bad\":\"below\"},{\"name\":\"load\",\"kind\":\"gauge\",\"sources\":[\"load\"],\"expect\":{\"value\":1},"        \
    "\"out_at\":2},{\"name\":\"rate\",\"kind\":\"rate\",\"sources\":[\"load\"],\"expect\":{\"last\":2},\"alpha\":1},"  \
    "{\"name\":\"p90\",\"kind\":\"quantile\",\"q\":0.9,\"sources\":[\"lat\"]}]"
#define LIMITS                                                                                                         \
    "\"limits\":{\"at_once\":1,\"share\":0.5,\"min_healthy\":0,\"per_hour\":100,\"cooldown_ms\":0,\"attempts\":2,"     \
    "\"confidence\":0.8}"
#define REST                                                                                                           \
    "\"every_ms\":1000,\"window_ms\":3000,\"timeout_ms\":500," METRICS "," LIMITS                                      \
    ",\"rules\":[{\"rule\":0,\"severity\":\"page\",\"act\":true},{\"rule\":1,\"severity\":\"warn\"}],"                 \
    "\"remedies\":[0]"
static const char document[] =
    "{\"services\":[{\"name\":\"ledger\",\"groups\":[\"*\"],\"targets\":[\"http://h:1/m\"]," REST "}],"
    "\"discoveries\":[{\"globs\":[\"/sd/*.json\"],\"service_label\":\"app\",\"group\":\"shop\",\"template\":{"
    "\"name\":\"\",\"groups\":[\"*\"],\"targets\":[]," REST "}}],"
    "\"rules\":[{\"name\":\"loaded\",\"metric\":\"load\",\"per\":\"instance\"},{\"name\":\"judged\"}],"
    "\"playbooks\":[{\"name\":\"cure\",\"within_ms\":5000,\"source\":\"1\"}],"
    "\"notifies\":[{\"name\":\"ops\",\"on\":[\"*\"],\"severity\":[],\"to\":1,\"again_ms\":0}]}";

static struct tend_ruleset *make_ruleset(void)
{
    json_t *json = json_loads(document, 0, NULL);
    char hash[65];
    tend_sha256_hex(document, sizeof document - 1, hash);
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error;
    TEND_ASSERT(tend_ruleset_create(json, hash, &ruleset, &error) == TEND_OK);
    json_decref(json);
    return ruleset;
}

static struct tend_engine *load(const struct tend_buffer *sealed)
{
    struct tend_engine *engine = NULL;
    struct tend_error error = { .text = "" };
    const enum tend_status status = tend_engine_load(sealed->data, sealed->size, make_ruleset(), &engine, &error);
    TEND_ASSERT((status == TEND_OK) == (engine != NULL));
    TEND_ASSERT((status == TEND_OK) == (error.text[0] == '\0'));
    return engine;
}

static void step(struct tend_engine *engine, struct tend_event event)
{
    struct tend_effects effects;
    tend_effects_init(&effects);
    event.wall_ms = INT64_C(1770000000000);
    tend_engine_step(engine, &event, &effects);
    tend_effects_clear(&effects);
}

static void live_on(struct tend_engine *engine)
{
    const int64_t now_ms = INT64_C(1) << 40; // later than all but what is far from any time
    json_t *json = json_pack("{s:{s:s}, s:[s]}", "effect", "kind", "note", "culprits", "ledger");
    for (int64_t i = 0; i < 3; i++) {
        const int64_t at_ms = now_ms + 1000 * i;
        for (size_t t = 0; t < tend_engine_target_count(engine) && t < 4; t++) {
            step(engine,
                 (struct tend_event){
                     .kind = TEND_EVENT_SCRAPED,
                     .at_ms = at_ms,
                     .scraped = { .target = t, .begun_ms = at_ms, .kind = TEND_SCRAPE_REFUSED, .reason = "refused" } });
        }
        step(engine, (struct tend_event){ .kind = TEND_EVENT_TIMER, .at_ms = at_ms + 10 });
        for (uint64_t id = 1; id < 20; id++) {
            struct tend_event event = { .kind = TEND_EVENT_REPLY, .at_ms = at_ms + 20 };
            event.reply.id = id;
            event.reply.json = json;
            step(engine, event);
            event.kind = TEND_EVENT_VERDICTS;
            event.reply.bytes = "";
            step(engine, event);
            step(engine, (struct tend_event){ .kind = TEND_EVENT_STEP_RESULT,
                                              .at_ms = at_ms + 30,
                                              .step = { .id = id, .outcome = "done", .error = "", .value = json } });
        }
        step(engine, (struct tend_event){
                         .kind = TEND_EVENT_JOURNAL_REACHED, .at_ms = at_ms + 40, .journal_reached = UINT64_MAX });
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tend_log_set_level(TEND_LOG_ERROR);
    struct tend_buffer sealed;
    tend_buffer_init(&sealed);
    tend_buffer_put(&sealed, data, size);
    if (size > 0) {
        tend_checkpoint_seal(&sealed, 0);
    }
    struct tend_engine *engine = load(&sealed);
    if (engine != NULL) {
        struct tend_buffer saved[2];
        tend_buffer_init(&saved[0]);
        tend_engine_save(engine, &saved[0]);
        struct tend_engine *again = load(&saved[0]);
        TEND_ASSERT(again != NULL);
        tend_buffer_init(&saved[1]);
        tend_engine_save(again, &saved[1]);
        TEND_ASSERT(saved[0].size == saved[1].size && memcmp(saved[0].data, saved[1].data, saved[0].size) == 0);
        tend_buffer_clear(&saved[0]);
        tend_buffer_clear(&saved[1]);
        tend_engine_destroy(again);
        json_decref(tend_engine_status(engine));
        json_decref(tend_engine_open_runs(engine));
        live_on(engine);
    }
    tend_engine_destroy(engine);
    tend_buffer_clear(&sealed);
    return 0;
}
