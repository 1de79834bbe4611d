// Marks in the whole engine: a record of the incident, whatever became of it, and no decision.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define ONE                                                                                                            \
    DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'", ",'rules':[{'rule':0,'severity':'page'}]"), LOAD_RULE, "", "")

// An incident that is over. @return its id, to be freed
static char *past_incident(struct world *world)
{
    world_begin(world, ONE);
    world_target(world, LEDGER)->load = 10;
    world_pass(world, 2);
    world_target(world, LEDGER)->load = 1;
    world_pass(world, 2);
    const json_t *ended = world_newest(world, TEND_RECORD_INCIDENT, "state", "ended");
    assert_non_null(ended);
    return strdup(tend_json_text(ended, "id", ""));
}

static void mark(struct world *world, const char *id, const char *rest)
{
    char argument[128];
    (void)snprintf(argument, sizeof argument, "%s %s", id, rest);
    world_operate(world, "mark", argument);
}

static void a_mark_is_a_record_of_its_incident(void **state)
{
    (void)state;
    struct world world;
    char *id = past_incident(&world);
    mark(&world, id, "false a test of ours");
    const struct tend_record *record = &world.records[world.record_count - 1];
    char key[64];
    (void)snprintf(key, sizeof key, "mark/%s", id);
    assert_int_equal(record->kind, TEND_RECORD_OPERATOR);
    assert_string_equal(record->key, key);
    assert_string_equal(record->incident, id);
    assert_true(record->full); // a person was told that it is marked
    assert_false(record->open);
    assert_string_equal(tend_json_text(record->body, "mark", ""), "false");
    assert_string_equal(tend_json_text(record->body, "why", ""), "a test of ours");
    assert_string_equal(tend_json_text(record->body, "who", ""), "uid 1 (ops)");
    assert_string_equal(tend_json_text(record->body, "argument", ""), "false: a test of ours");
    free(id);
    world_end(&world);
}

static void without_a_why_it_has_none(void **state)
{
    (void)state;
    struct world world;
    char *id = past_incident(&world);
    mark(&world, id, "real");
    const json_t *body = world_newest(&world, TEND_RECORD_OPERATOR, "what", "mark");
    assert_string_equal(tend_json_text(body, "mark", ""), "real");
    assert_string_equal(tend_json_text(body, "why", "?"), "");
    free(id);
    world_end(&world);
}

static void a_mark_decides_nothing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 5);
    const char *id = tend_json_text(world_newest(&world, TEND_RECORD_INCIDENT, NULL, NULL), "id", "");
    const size_t records = world.record_count;
    const size_t locates = world.locates;
    mark(&world, id, "false");
    assert_int_equal(world.record_count, records + 1);
    assert_int_equal(world.locates, locates);
    assert_int_equal(tend_engine_counts(world.engine).incidents_open, 1); // it goes on, whatever people think of it
    world_end(&world);
}

static void a_restart_keeps_the_marks_in_the_journal_and_takes_more(void **state)
{
    (void)state;
    struct world world;
    char *id = past_incident(&world);
    mark(&world, id, "real");
    world_restart(&world);
    mark(&world, id, "false");
    assert_int_equal(world_count_records(&world, TEND_RECORD_OPERATOR, "what", "mark"), 2);
    const json_t *body = world_newest(&world, TEND_RECORD_OPERATOR, "what", "mark");
    assert_string_equal(tend_json_text(body, "mark", ""), "false");
    free(id);
    world_end(&world);
}

// A recording may hold any words; so may an engine that has no rules yet.
static void words_that_are_no_mark_leave_no_record(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    static const char *const words[] = { "", " ", "i7", "i7 ", " real", "i7  why" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        world_operate(&world, "mark", words[i]);
        assert_int_equal(world.record_count, 0);
    }
    world_operate(&world, "mark", "i7 real \xff\x01 \n");
    assert_int_equal(world.record_count, 1);
    assert_string_equal(tend_json_text(world.records[0].body, "why", ""), "\"\\xff\\x01 \\x0a\"");
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_a_record_of_its_incident),
        cmocka_unit_test(without_a_why_it_has_none),
        cmocka_unit_test(a_mark_decides_nothing),
        cmocka_unit_test(a_restart_keeps_the_marks_in_the_journal_and_takes_more),
        cmocka_unit_test(words_that_are_no_mark_leave_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
