// Large incidents: 250 services that call a gate, which calls a store, the last of all.

#include "engine_world.h"

#include "engine/checkpoint.h"
#include "engine/effect_bytes.h"
#include "locate/log_tally.h"

#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"

enum { CALLERS = 250, ALL = CALLERS + 2, LOOKED_AT = 200 };

static char *document; // of all tests

static int write_document(void **state)
{
    (void)state;
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_put_text(&text, "{'services':[" SERVICE("gate", "'http://g:1/m'", ACT ",'depends':['store']") ",");
    for (int i = 0; i < CALLERS; i++) {
        tend_buffer_printf(&text, SERVICE("caller%d", "'http://c:%d/m'", ACT ",'depends':['gate']") ",", i, i + 1);
    }
    tend_buffer_put_text(&text, SERVICE("store", "'http://s:1/m'", ACT) "],'rules':[" LOAD_RULE "],'playbooks':[");
    tend_buffer_put_text(
        &text, PLAYBOOK("restart", "") "],'notifies':[{'name':'ops','on':['*'],'severity':['page'],'to':1}]}");
    document = text.data;
    return 0;
}

static int free_document(void **state)
{
    (void)state;
    free(document);
    return 0;
}

static void begin(struct world *world)
{
    world_begin(world, document);
    world->wait = "nobody yet"; // nothing is acted on
    world_pass(world, 40);
}

static void load_all(struct world *world, double load)
{
    for (size_t i = 0; i < world->target_count; i++) {
        world->targets[i].load = load;
    }
}

static const json_t *asked(const struct world *world, const char *service)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(world->asked, "services"), i, one)
    {
        if (strcmp(tend_json_text(one, "name", ""), service) == 0) {
            return one;
        }
    }
    return NULL;
}

static void of_more_than_200_services_what_all_depend_on_is_looked_at(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    load_all(&world, 10);
    world_target(&world, "store/s:1")->load = 1; // no member: it is below them
    world_pass(&world, 3);
    assert_int_equal(json_array_size(json_object_get(world.asked, "services")), LOOKED_AT);
    assert_non_null(asked(&world, "store"));
    assert_non_null(asked(&world, "gate"));
    assert_non_null(asked(&world, "caller0")); // the first that joined
    assert_null(asked(&world, "caller249"));
    assert_int_equal(json_array_size(json_object_get(world.asked, "beside")), 0); // they are connected
    world_end(&world);
}

// A log that is full after this: 200 templates, all but one of which are new.
static void fill_log(struct world *world, const char *service, bool only_usual)
{
    enum { NEW = 199 };
    static char texts[NEW][32];
    struct tend_logged lines[NEW];
    for (size_t i = 0; i < NEW; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%zu breaks", i);
        lines[i] = (struct tend_logged){ .template = texts[i], .level = TEND_LINE_ERROR, .lines = 40 };
    }
    const struct tend_logged usual = { .template = "served <*>", .level = TEND_LINE_INFO, .lines = 20 };
    const struct tend_logged_service of = { .service = service,
                                            .logged = only_usual ? &usual : lines,
                                            .count = only_usual ? 1 : NEW };
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_LOGS, .logs = { .services = &of, .count = 1 } });
}

static void the_logs_of_all_that_is_looked_at_are_told(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    for (int only_usual = 1; only_usual >= 0; only_usual--) {
        for (int i = 0; i < CALLERS; i++) {
            char name[24];
            (void)snprintf(name, sizeof name, "caller%d", i);
            fill_log(&world, name, only_usual != 0);
        }
        fill_log(&world, "gate", only_usual != 0);
        fill_log(&world, "store", only_usual != 0);
        world_pass(&world, only_usual != 0 ? 60 : 0);
    }
    load_all(&world, 10);
    world_pass(&world, 3);
    size_t told = 0;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(world.asked, "services"), i, one)
    {
        told += json_is_array(json_object_get(one, "logs"));
    }
    assert_int_equal(told, LOOKED_AT);
    world_end(&world);
}

// Steps from that in which a tick began to that which asks the locator, the newest time.
static int steps_to_ask;

static void count_steps(struct world *world, const struct tend_event *event, const struct tend_effects *effects)
{
    static int steps;
    (void)world;
    steps = event->kind == TEND_EVENT_SCRAPED ? 0 : steps + 1;
    for (size_t i = 0; i < effects->count; i++) {
        steps_to_ask = effects->list[i].kind == TEND_EFFECT_ASK ? steps : steps_to_ask;
    }
}

// A service is 5 and its 2 metrics of work, a slice 300: 43 services.
static void a_large_request_is_written_in_slices(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world.on_step = count_steps;
    load_all(&world, 10);
    world_pass(&world, 1);
    world.on_step = NULL;
    assert_int_equal(json_array_size(json_object_get(world.asked, "services")), LOOKED_AT);
    assert_true(steps_to_ask >= 4);
    world_end(&world);
}

static size_t members_on_record(const struct world *world)
{
    const json_t *newest = world_newest(world, TEND_RECORD_INCIDENT, NULL, NULL);
    return json_array_size(json_object_get(newest, "alerts"));
}

// The first twenty are on record at once; then it waits for as many milliseconds as there are members.
static void many_that_join_at_once_are_few_records(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world.holds_locate = true; // a ranking is recorded, and the members with it
    load_all(&world, 10);
    world_scrape_all(&world);
    world_until(&world, world.now_ms + 200);
    assert_int_equal(world_count_records(&world, TEND_RECORD_INCIDENT, NULL, NULL), 20);
    assert_int_equal(members_on_record(&world), 20);
    world_until(&world, world.now_ms + 200);
    assert_int_equal(world_count_records(&world, TEND_RECORD_INCIDENT, NULL, NULL), 21);
    assert_int_equal(members_on_record(&world), ALL);
    world_end(&world);
}

static void a_restart_finds_members_that_are_not_on_the_incidents_record(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world.holds_locate = true; // a ranking is recorded, and the members with it
    load_all(&world, 10);
    world_scrape_all(&world);
    world_until(&world, world.now_ms + 200);
    assert_int_equal(members_on_record(&world), 20);
    const size_t fired = world_count_records(&world, TEND_RECORD_ALERT, "state", "firing");
    world_restart(&world);
    world.holds_locate = false;
    world_pass(&world, 3);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, "state", "firing"), fired); // none fired anew
    load_all(&world, 1);
    world_pass(&world, 3);
    assert_int_equal(members_on_record(&world), ALL);
    assert_int_equal(world_count_records(&world, TEND_RECORD_INCIDENT, "state", "ended"), 1);
    world_end(&world);
}

static void a_notice_tells_of_a_hundred_alerts_and_how_many_more(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    load_all(&world, 10);
    world_pass(&world, 3);
    load_all(&world, 1);
    world_pass(&world, 3);
    const json_t *notice = world_newest(&world, TEND_RECORD_NOTICE, "status", "queued");
    const json_t *payload = json_object_get(notice, "payload");
    assert_string_equal(tend_json_text(payload, "status", ""), "resolved");
    assert_int_equal(json_array_size(json_object_get(payload, "alerts")), 100);
    assert_int_equal(tend_json_integer(payload, "truncated", 0), ALL - 100);
    world_end(&world);
}

// ---- in the midst of it ----

static struct tend_engine *mirror; // as the engine was before a step, through its checkpoint
static size_t compared;

static struct tend_engine *copy_of(const struct tend_engine *engine)
{
    json_t *json = world_json(document);
    char hash[65];
    tend_sha256_hex(document, strlen(document), hash);
    struct tend_ruleset *ruleset = NULL;
    struct tend_engine *copy = NULL;
    struct tend_error error = { .text = "" };
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_engine_save(engine, &bytes);
    assert_int_equal(tend_ruleset_create(json, hash, &ruleset, &error), TEND_OK);
    if (tend_engine_load(bytes.data, bytes.size, ruleset, &copy, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    json_decref(json);
    tend_buffer_clear(&bytes);
    return copy;
}

static void compare(struct world *world, const struct tend_event *event, const struct tend_effects *effects)
{
    if (mirror != NULL) {
        struct tend_effects mirrored;
        tend_effects_init(&mirrored);
        tend_engine_step(mirror, event, &mirrored);
        assert_true(tend_effects_hash(&mirrored) == tend_effects_hash(effects));
        tend_effects_clear(&mirrored);
        tend_engine_destroy(mirror);
        compared++;
    }
    mirror = event->kind == TEND_EVENT_SCRAPED ? NULL : copy_of(world->engine);
}

static void a_copy_made_between_two_slices_goes_on_as_the_first(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    load_all(&world, 10);
    world.on_step = compare;
    world_pass(&world, 1);
    world.on_step = NULL;
    tend_engine_destroy(mirror);
    assert_true(compared >= 4); // the slices are among them
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_more_than_200_services_what_all_depend_on_is_looked_at),
        cmocka_unit_test(the_logs_of_all_that_is_looked_at_are_told),
        cmocka_unit_test(a_large_request_is_written_in_slices),
        cmocka_unit_test(many_that_join_at_once_are_few_records),
        cmocka_unit_test(a_restart_finds_members_that_are_not_on_the_incidents_record),
        cmocka_unit_test(a_notice_tells_of_a_hundred_alerts_and_how_many_more),
        cmocka_unit_test(a_copy_made_between_two_slices_goes_on_as_the_first),
    };
    return cmocka_run_group_tests(tests, write_document, free_document);
}
