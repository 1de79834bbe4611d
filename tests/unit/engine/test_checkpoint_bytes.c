// Checkpoints that are not what was saved: cut short, changed, of other rules, of a newer tend; and which fields of the
// state they have.

#include "engine_world.h"

#include "engine/checkpoint.h"
#include "engine/checkpoint_pass.h"
#include "seeded_random.h"

static struct tend_ruleset *make_ruleset(const char *document)
{
    json_t *json = world_json(document);
    char hash[65];
    tend_sha256_hex(document, strlen(document), hash);
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error;
    assert_int_equal(tend_ruleset_create(json, hash, &ruleset, &error), TEND_OK);
    json_decref(json);
    return ruleset;
}

static void save(const struct tend_engine *engine, struct tend_buffer *bytes)
{
    tend_buffer_init(bytes);
    tend_engine_save(engine, bytes);
    assert_false(bytes->failed);
}

// ---------------------------------------------------------------------------------------------------------------

#define SMALL                                                                                                          \
    DOCUMENT(                                                                                                          \
        SERVICE("ledger", "'http://h:1/m'",                                                                            \
                ",'rules':[{'rule':0,'severity':'page','act':true},{'rule':1,'severity':'warn'}],'remedies':[0]"),     \
        LOAD_RULE "," RULE("judged", ""), PLAYBOOK("cure", ""),                                                        \
        ",'notifies':[{'name':'ops','on':['*'],'severity':[],'to':1,'again_ms':0}]")

// Bytes of a small engine in the middle of things: a run waits for its program, a notice for its answer, a tick for its
// verdicts.
static void save_small(struct tend_buffer *bytes)
{
    static const char *const cure[] = { "pick", "restart $", "verify", NULL };
    struct world world;
    world_begin(&world, SMALL);
    world.scripts[0] = cure;
    world.holds_exec = world.holds_deliver = true;
    world_operate(&world, "arm", "*");
    world_target(&world, "ledger/h:1")->load = 10;
    world_blame(&world, "ledger");
    world_pass(&world, 4);
    assert_int_equal(world.execs, 1);
    assert_int_equal(world.deliveries, 1);
    world_scrape_all(&world);
    world.now_ms += 5;
    world_step(&world, (struct tend_event){ .kind = TEND_EVENT_TIMER }); // the tick begins; nobody answers
    save(world.engine, bytes);
    world_end(&world);
}

static enum tend_status try_load(const char *data, size_t size, const char *document, struct tend_engine **out,
                                 struct tend_error *error)
{
    *out = NULL;
    error->text[0] = '\0';
    const enum tend_status status = tend_engine_load(data, size, make_ruleset(document), out, error);
    assert_int_equal(status == TEND_OK, *out != NULL);
    assert_int_equal(status == TEND_OK, error->text[0] == '\0');
    return status;
}

// All that may be asked of an engine, and some of what may happen to it.
static void live_on(struct tend_engine *engine)
{
    struct tend_effects effects;
    tend_effects_init(&effects);
    json_t *json = json_pack("{s:i}", "exit", 0);
    const struct tend_event events[] = {
        { .kind = TEND_EVENT_SCRAPED, .scraped = { .kind = TEND_SCRAPE_REFUSED, .reason = "refused" } },
        { .kind = TEND_EVENT_VERDICTS, .reply = { .id = 5, .died = { .died = true, .what = "", .reason = "" } } },
        { .kind = TEND_EVENT_JOURNAL_REACHED, .journal_reached = UINT64_MAX / 2 },
        { .kind = TEND_EVENT_STEP_RESULT, .step = { .id = 4, .outcome = "done", .error = "", .value = json } },
        { .kind = TEND_EVENT_TIMER },
    };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct tend_event event = events[i];
        event.at_ms = WORLD_BEGIN_MS + 10000 + 1000 * (int64_t)i;
        event.wall_ms = WORLD_WALL_MS + 10000 + 1000 * (int64_t)i;
        event.scraped.begun_ms = i == 0 ? event.at_ms : event.scraped.begun_ms;
        tend_engine_step(engine, &event, &effects);
        tend_effects_reset(&effects);
    }
    json_decref(json);
    json_decref(tend_engine_status(engine));
    json_decref(tend_engine_open_runs(engine));
    struct tend_buffer bytes;
    save(engine, &bytes);
    tend_buffer_clear(&bytes);
    tend_effects_clear(&effects);
}

// As who means harm would: with a checksum that fits.
static enum tend_status load_sealed(const char *data, size_t size)
{
    struct tend_buffer sealed;
    tend_buffer_init(&sealed);
    tend_buffer_put(&sealed, data, size);
    tend_checkpoint_seal(&sealed, 0);
    struct tend_engine *engine;
    struct tend_error error;
    const enum tend_status status = try_load(sealed.data, sealed.size, SMALL, &engine, &error);
    if (status == TEND_OK) {
        live_on(engine);
    }
    tend_engine_destroy(engine);
    tend_buffer_clear(&sealed);
    return status;
}

static void a_checkpoint_that_is_cut_short_is_refused(void **state)
{
    (void)state;
    struct tend_buffer bytes;
    save_small(&bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        struct tend_engine *engine;
        struct tend_error error;
        assert_int_equal(try_load(bytes.data, size, SMALL, &engine, &error), TEND_E_CORRUPT);
        assert_true(size < 8 || size >= bytes.size - 8 || load_sealed(bytes.data, size) != TEND_OK);
    }
    assert_int_equal(load_sealed(bytes.data, bytes.size - 8), TEND_OK);
    tend_buffer_clear(&bytes);
}

static void a_checkpoint_with_a_byte_that_differs_is_refused(void **state)
{
    (void)state;
    seed_random(7);
    struct tend_buffer bytes;
    save_small(&bytes);
    size_t loaded = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        const char whole = bytes.data[i];
        bytes.data[i] = (char)(bytes.data[i] ^ (1 + random_below(255)));
        struct tend_engine *engine;
        struct tend_error error;
        const enum tend_status status = try_load(bytes.data, bytes.size, SMALL, &engine, &error);
        assert_true(status == TEND_E_CORRUPT || (status == TEND_E_INVALID && i >= 8 && i < 12)); // a newer format
        if (i < bytes.size - 8) {
            loaded += load_sealed(bytes.data, bytes.size - 8) == TEND_OK; // a number or a letter: that cannot be told
        }
        bytes.data[i] = whole;
    }
    assert_true(loaded > bytes.size / 4 && loaded < bytes.size);
    tend_buffer_clear(&bytes);
}

static void another_ruleset_is_refused(void **state)
{
    (void)state;
    struct tend_buffer bytes;
    save_small(&bytes);
    struct tend_engine *engine;
    struct tend_error error;
    assert_int_equal(try_load(bytes.data, bytes.size, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ""), "", "", ""),
                              &engine, &error),
                     TEND_E_INVALID);
    assert_non_null(strstr(error.text, "belongs to the rules "));
    engine = NULL;
    assert_int_equal(tend_engine_load(bytes.data, bytes.size, NULL, &engine, &error), TEND_E_INVALID);
    assert_null(engine);
    tend_buffer_clear(&bytes);
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    struct tend_buffer bytes;
    save_small(&bytes);
    const int format = bytes.data[8]++;
    struct tend_engine *engine;
    struct tend_error error;
    assert_int_equal(try_load(bytes.data, bytes.size, SMALL, &engine, &error), TEND_E_INVALID);
    char wanted[80];
    (void)snprintf(wanted, sizeof wanted, "the checkpoint has format %d, and this tend reads %d", format + 1, format);
    assert_string_equal(error.text, wanted);
    tend_buffer_clear(&bytes);
}

static void layouts_are_written_once(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m','http://h:2/m'", ""), LOAD_RULE, "", ""));
    for (int i = 1; i <= 2; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "ledger/h:%d", i);
        (void)strcpy(world_target(&world, name)->version, "1.2.3-rc4");
    }
    world_pass(&world, 3); // each with a layout of its own, but the same series
    struct tend_buffer bytes;
    save(world.engine, &bytes);
    const char *first = memmem(bytes.data, bytes.size, "app_build_info", 14);
    assert_non_null(first);
    assert_null(memmem(first + 1, bytes.size - (size_t)(first + 1 - bytes.data), "app_build_info", 14));
    tend_buffer_clear(&bytes);
    world_end(&world);
}

// Fields
// ---------------------------------------------------------------------------------------------------------------

// Those that are not in a checkpoint, because they follow from the ruleset, the listings or other fields.
static const char *const made_anew[] = {
    "tend_engine.effects",      "tend_engine.ruleset",        "tend_rule_alert.binding",
    "tend_rule_alert.service",  "tend_rule_alert.instance",   "tend_instance.name",
    "tend_instance.address",    "tend_instance.host",         "tend_instance.port",
    "tend_instance.labels",     "tend_instance.labels_text",  "tend_instance.service",
    "tend_service.name",        "tend_service.index",         "tend_service.def",
    "tend_service.pooled",      "tend_fleet.by_name",         "tend_fleet.topology",
    "tend_metric_table.out_at", "tend_metric_table.floor",    "tend_metric_table.bad",
    "tend_metric_table.count",  "tend_metric_table.capacity",
    "tend_incident.past_count", // with culprit_count
    "tend_log_track.hash",      "tend_log_track.shape",
    "tend_instance.edges", // found anew in the layout
    "tend_telltales.layout",    "tend_telltales.columns",     "tend_telltales.column_count",
};

static char *read_sources(const char *const *files, size_t count)
{
    const char *root = getenv("TEND_SOURCE_DIR"); // NOLINT(concurrency-mt-unsafe): one thread
    assert_non_null(root);
    struct tend_buffer text;
    tend_buffer_init(&text);
    for (size_t i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/core/%s", root, files[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        char line[4096];
        while (fgets(line, sizeof line, file) != NULL) {
            line[strcspn(line, "\n")] = '\0';
            char *comment = strstr(line, "//");
            tend_buffer_printf(&text, "%.*s\n", (int)(comment == NULL ? strlen(line) : (size_t)(comment - line)), line);
        }
        (void)fclose(file);
    }
    assert_false(text.failed);
    return text.data;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// How many lines of the walk mention a field of this name, of whatever struct.
static size_t lines_with_field(const char *walk, const char *field)
{
    size_t lines = 0;
    const size_t bytes = strlen(field);
    const char *line = walk;
    for (const char *at = strstr(walk, field); at != NULL; at = strstr(at + 1, field)) {
        const bool member = at - walk > 1 && (at[-1] == '.' || (at[-1] == '>' && at[-2] == '-'));
        if (member && !is_name(at[bytes]) && (lines == 0 || memchr(line, '\n', (size_t)(at - line)) != NULL)) {
            lines++;
            line = at;
        }
    }
    return lines;
}

// Calls @p visit with "struct.field" for each field of a struct's definition.
static void visit_fields(const char *headers, const char *name, void (*visit)(const char *field, void *), void *context)
{
    char opening[64];
    (void)snprintf(opening, sizeof opening, "struct %s {", name);
    const char *at = strstr(headers, opening);
    assert_non_null(at);
    const char *end = strstr(at, "\n};");
    assert_non_null(end);
    for (at += strlen(opening); at < end; at++) {
        if (strchr(";,[", *at) == NULL || (*at == '[' && at[-1] == ']') || at[-1] == ']') {
            continue; // a declarator ends here
        }
        const char *begin = at;
        while (is_name(begin[-1])) {
            begin--;
        }
        char field[128];
        (void)snprintf(field, sizeof field, "%s.%.*s", name, (int)(at - begin), begin);
        visit(field, context);
    }
}

struct field_list {
    char names[400][128];
    size_t count;
};

static void collect(const char *field, void *context)
{
    struct field_list *list = context;
    for (size_t i = 0; i < sizeof made_anew / sizeof made_anew[0]; i++) {
        if (strcmp(made_anew[i], field) == 0) {
            return;
        }
    }
    assert_true(list->count < 400);
    (void)snprintf(list->names[list->count++], sizeof list->names[0], "%s", field);
}

// The assertions on sizes do not see a field that fits into padding; this sees its name. Fields of several structs that
// share a name have to be mentioned as often.
static void every_field_of_the_state_is_walked_over(void **state)
{
    (void)state;
    static const char *const headers[] = { "engine/state.h",   "engine/fleet.h",        "engine/engine.h",
                                           "alert/alert.h",    "deviation/deviation.h", "playbook/limits.h",
                                           "series/measure.h", "engine/silence.h",      "engine/log_evidence.h",
                                           "alert/flap.h",     "engine/happening.h" };
    static const char *const walks[] = { "engine/checkpoint.c",          "engine/checkpoint_fleet.c",
                                         "engine/checkpoint_incident.c", "engine/checkpoint_run.c",
                                         "engine/checkpoint_log.c",      "engine/baselines.c" };
    static const char *const structs[] = {
        "tend_engine",     "tend_engine_options", "tend_rule_health",  "tend_culprit",   "tend_member",
        "tend_incident",   "tend_step",           "tend_run",          "tend_notice",    "tend_told",
        "tend_fleet",      "tend_service",        "tend_guard",        "tend_instance",  "tend_subject",
        "tend_rule_alert", "tend_listed",         "tend_listing",      "tend_alert",     "tend_limits",
        "tend_parts",      "tend_metric_table",   "tend_buckets",      "tend_log_track", "tend_log_evidence",
        "tend_silence",    "tend_kept_baseline",  "tend_learned_edge", "tend_flap",      "tend_telltales"
    };
    char *text = read_sources(headers, sizeof headers / sizeof headers[0]);
    char *walk = read_sources(walks, sizeof walks / sizeof walks[0]);
    static struct field_list fields;
    for (size_t i = 0; i < sizeof structs / sizeof structs[0]; i++) {
        visit_fields(text, structs[i], collect, &fields);
    }
    assert_true(fields.count > 190);
    for (size_t i = 0; i < fields.count; i++) {
        const char *name = strchr(fields.names[i], '.') + 1;
        size_t owners = 0;
        for (size_t j = 0; j < fields.count; j++) {
            owners += strcmp(strchr(fields.names[j], '.') + 1, name) == 0;
        }
        if (lines_with_field(walk, name) < owners) {
            fail_msg("%s is not in the checkpoint: pass it, or say in made_anew what it follows from", fields.names[i]);
        }
    }
    free(walk);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_that_is_cut_short_is_refused),
        cmocka_unit_test(a_checkpoint_with_a_byte_that_differs_is_refused),
        cmocka_unit_test(another_ruleset_is_refused),
        cmocka_unit_test(a_newer_format_is_refused),
        cmocka_unit_test(layouts_are_written_once),
        cmocka_unit_test(every_field_of_the_state_is_walked_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
