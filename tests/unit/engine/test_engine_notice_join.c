// Who hears of an incident that was open before: of a member that joins, of two that become one, and after all was
// blind.

#include "engine_world.h"

#define A "a/a:1"
#define B "b/b:1"
#define LEDGER "ledger/h:1"
#define RULES(more) ",'rules':[{'rule':0,'clear_below':1,'severity':'page'}]" more
#define SHOP                                                                                                           \
    SERVICE("a", "'http://a:1/m'", RULES(",'depends':['ledger']"))                                                     \
    "," SERVICE("b", "'http://b:1/m'", RULES(",'depends':['ledger']")) "," SERVICE("ledger", "'http://h:1/m'",         \
                                                                                   RULES(""))
#define TEAM(name, more) "{'name':'team " name "','on':['" name "'],'severity':['page'],'to':1" more "}"
#define TEAMS(more) TEAM("a", "") "," TEAM("b", more) "," TEAM("ledger", "")
#define DOC(notifies)                                                                                                  \
    DOCUMENT(SHOP, LOAD_RULE, PLAYBOOK("restart", ""), ",'groups':[{'name':'*'}],'notifies':[" notifies "]")
// The world begins at 02:40:00 UTC on Monday, 2026-02-02.
#define EVENING ",'during':{'hours':'02:00-02:41','zone':'UTC'}"

static void begin(struct world *world, const char *document)
{
    world_begin(world, document);
    world->wait = "nobody yet"; // so that nothing but the alerts is told
}

static void fire(struct world *world, const char *target)
{
    world_target(world, target)->load = 10;
    world_pass(world, 2);
}

static void mend(struct world *world, const char *target)
{
    world_target(world, target)->load = 1;
    world_pass(world, 2);
}

static void operate(struct world *world, const char *command, const char *argument)
{
    json_t *json = world_json(argument);
    char *text = json_dumps(json, JSON_COMPACT);
    world_operate(world, command, text);
    free(text);
    json_decref(json);
}

static size_t told(const struct world *world, const char *what)
{
    size_t count = 0;
    for (const char *at = tend_buffer_text(&world->delivered); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

// The payload of the newest notice to somebody with this status.
static const json_t *notice(const struct world *world, const char *team, const char *status)
{
    for (size_t i = world->record_count; i-- > 0;) {
        const struct tend_record *record = &world->records[i];
        const json_t *payload = json_object_get(record->body, "payload");
        if (record->kind == TEND_RECORD_NOTICE && strcmp(tend_json_text(record->body, "notify", ""), team) == 0 &&
            strcmp(tend_json_text(payload, "status", ""), status) == 0) {
            return payload;
        }
    }
    return NULL;
}

// A member joins ------------------------------------------------------------------------------------------------------

static void the_team_of_a_member_that_joins_is_told_and_the_others_not_again(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TEAMS("")));
    fire(&world, LEDGER);
    assert_int_equal(world.deliveries, 1);
    fire(&world, A);
    fire(&world, B);
    assert_int_equal(told(&world, "/team ledger/firing/"), 1);
    assert_int_equal(told(&world, "/team a/firing/"), 1);
    assert_int_equal(told(&world, "/team b/firing/"), 1);
    assert_string_equal(tend_json_text(notice(&world, "team b", "firing"), "incident", ""),
                        tend_json_text(notice(&world, "team ledger", "firing"), "incident", ""));
    mend(&world, A);
    fire(&world, A); // it was told of the incident
    assert_int_equal(world.deliveries, 3);
    mend(&world, A);
    mend(&world, B);
    mend(&world, LEDGER);
    assert_int_equal(told(&world, "/resolved/"), 3);
    world_end(&world);
}

static void a_member_that_joins_silenced_is_told_when_the_silence_ends(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TEAMS("")));
    operate(&world, "silence", "{'on':'b','for_ms':10000}");
    fire(&world, LEDGER);
    fire(&world, B);
    assert_int_equal(told(&world, "/team b/"), 0);
    assert_int_equal(world_decided(&world, "silenced"), 1);
    world_pass(&world, 10);
    assert_int_equal(told(&world, "/team b/firing/"), 1);
    assert_int_equal(told(&world, "/team ledger/firing/"), 1);
    world_end(&world);
}

static void who_was_told_as_a_member_joined_is_not_told_again_after_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TEAMS("")));
    fire(&world, LEDGER);
    fire(&world, B);
    world_restart(&world);
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/team b/firing/"), 1);
    fire(&world, A);
    assert_int_equal(told(&world, "/team a/firing/"), 1);
    mend(&world, A);
    mend(&world, B);
    mend(&world, LEDGER);
    assert_int_equal(told(&world, "/resolved/"), 3);
    world_end(&world);
}

// Other rules are loaded ----------------------------------------------------------------------------------------------

#define ONLY_LEDGER TEAM("ledger", "")

static void who_is_new_in_the_rules_hears_once_of_what_is_open_and_then_of_its_end(void **state)
{
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        struct world world;
        begin(&world, DOC(ONLY_LEDGER));
        fire(&world, LEDGER);
        fire(&world, B);
        if (restarts != 0) {
            world_restart(&world);
            world_pass(&world, 2);
        }
        world_load(&world, DOC(TEAMS("")));
        assert_int_equal(told(&world, "/team b/firing/"), 1);
        assert_int_equal(told(&world, "/team a/"), 0); // nothing of a's fires
        world_load(&world, DOC(TEAMS(",'again_ms':3600000")));
        world_restart(&world);
        world_pass(&world, 2);
        assert_int_equal(told(&world, "/firing/"), 2);
        mend(&world, B);
        mend(&world, LEDGER);
        assert_int_equal(told(&world, "/team b/resolved/"), 1);
        assert_int_equal(told(&world, "/resolved/"), 2);
        world_end(&world);
    }
}

static void who_is_new_in_the_rules_of_a_restart_is_told_too(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(ONLY_LEDGER));
    fire(&world, LEDGER);
    fire(&world, B);
    world_crash(&world);
    world_load(&world, DOC(TEAMS("")));
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/team b/firing/"), 1);
    assert_int_equal(told(&world, "/team ledger/firing/"), 1);
    world_end(&world);
}

static void who_is_new_hears_nothing_of_what_is_in_line_again(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(ONLY_LEDGER));
    fire(&world, LEDGER);
    fire(&world, B);
    mend(&world, B);
    world_load(&world, DOC(TEAMS("")));
    world_restart(&world);
    world_pass(&world, 2);
    mend(&world, LEDGER);
    assert_int_equal(told(&world, "/team ledger/resolved/"), 1);
    assert_int_equal(told(&world, "/team b/"), 0);
    world_end(&world);
}

static void who_is_new_waits_for_what_keeps_others_back_too(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(ONLY_LEDGER));
    fire(&world, LEDGER);
    fire(&world, B);
    operate(&world, "silence", "{'on':'b','for_ms':10000,'why':'it moves'}");
    world_load(&world, DOC(TEAMS("")));
    assert_int_equal(told(&world, "/team b/"), 0);
    assert_int_equal(world_decided(&world, "silenced"), 1);
    world_pass(&world, 11);
    assert_int_equal(told(&world, "/team b/firing/"), 1);
    world_end(&world);
}

// Two become one ------------------------------------------------------------------------------------------------------

static void who_was_told_of_the_merged_one_hears_of_the_other_and_then_of_its_end(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TEAMS("")));
    fire(&world, A);
    fire(&world, B);
    char older[24];
    char younger[24];
    (void)snprintf(older, sizeof older, "%s", tend_json_text(notice(&world, "team a", "firing"), "incident", ""));
    (void)snprintf(younger, sizeof younger, "%s", tend_json_text(notice(&world, "team b", "firing"), "incident", ""));
    assert_string_not_equal(older, younger);
    fire(&world, LEDGER);
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "it goes on as incident %s", older);
    const json_t *end = notice(&world, "team b", "resolved");
    assert_string_equal(tend_json_text(end, "incident", ""), younger);
    assert_string_equal(tend_json_text(end, "summary", ""), wanted);
    (void)snprintf(wanted, sizeof wanted, "merged into %s", older);
    assert_string_equal(tend_json_text(end, "outcome", ""), wanted);
    // Its alerts go on: whoever keeps them by fingerprint must not close them.
    assert_string_equal(tend_json_text(json_array_get(json_object_get(end, "alerts"), 0), "status", ""), "firing");
    assert_string_equal(tend_json_text(notice(&world, "team b", "firing"), "incident", ""), older);
    const char *text = tend_buffer_text(&world.delivered);
    (void)snprintf(wanted, sizeof wanted, "%s/team b/firing/", older);
    const char *opened = strstr(text, wanted);
    (void)snprintf(wanted, sizeof wanted, "%s/team b/resolved/", younger);
    assert_non_null(opened);
    assert_non_null(strstr(opened, wanted)); // one is open at any time
    assert_int_equal(told(&world, "/team a/firing/"), 1);
    assert_int_equal(told(&world, "/team a/resolved/"), 0);
    world_restart(&world);
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/team b/"), 3); // firing, firing, resolved
    mend(&world, B);
    mend(&world, A);
    mend(&world, LEDGER);
    assert_int_equal(told(&world, "/team b/resolved/"), 2);
    assert_int_equal(told(&world, "/team a/resolved/"), 1);
    world_end(&world);
}

static void who_was_told_of_both_hears_only_that_one_is_over(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC("{'name':'ops','on':['*'],'severity':['page'],'to':1}"));
    fire(&world, A);
    fire(&world, B);
    assert_int_equal(told(&world, "/ops/firing/"), 2);
    fire(&world, LEDGER);
    assert_int_equal(told(&world, "/ops/firing/"), 2);
    assert_int_equal(told(&world, "/ops/resolved/"), 1);
    mend(&world, A);
    mend(&world, B);
    mend(&world, LEDGER);
    assert_int_equal(told(&world, "/ops/resolved/"), 2);
    world_end(&world);
}

static void the_old_page_stays_open_while_the_new_one_is_kept_back(void **state)
{
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        struct world world;
        begin(&world, DOC(TEAMS(EVENING)));
        fire(&world, A);
        fire(&world, B);
        world_pass(&world, 60); // 02:41
        fire(&world, LEDGER);
        assert_int_equal(told(&world, "/team b/firing/"), 1);
        assert_int_equal(told(&world, "/team b/resolved/"), 0);
        assert_int_equal(world_decided(&world, "hours"), 1);
        if (restarts != 0) {
            world_restart(&world);
            world_pass(&world, 2);
        }
        mend(&world, A);
        mend(&world, B);
        mend(&world, LEDGER);
        assert_int_equal(told(&world, "/team b/firing/"), 1);
        assert_int_equal(told(&world, "/team b/resolved/"), 1);
        const json_t *end = notice(&world, "team b", "resolved");
        assert_string_equal(tend_json_text(end, "incident", ""),
                            tend_json_text(notice(&world, "team b", "firing"), "incident", ""));
        assert_non_null(strstr(tend_json_text(end, "summary", ""), ", which is over"));
        world_end(&world);
    }
}

// Most targets fail at once -------------------------------------------------------------------------------------------

static void begin_blind(struct world *world)
{
    world_begin(world, DOCUMENT(SHOP, RULE("down", ",'metric':'up'"), "", ",'notifies':[" TEAMS("") "]"));
    world->wait = "nobody yet";
    world_target(world, A)->kind = TEND_SCRAPE_REFUSED;
    world_target(world, B)->kind = TEND_SCRAPE_REFUSED;
    world_pass(world, 5);
    assert_int_equal(told(world, "blind"), 3);
    assert_int_equal(world->deliveries, 3);
}

static void what_blindness_keeps_back_is_a_decision(void **state)
{
    (void)state;
    struct world world;
    begin_blind(&world);
    assert_int_equal(world_decided(&world, "blind"), 2); // each incident its team
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_DECISION, "reason", "blind"), "text", ""),
                        "\"team b\" is not told: most targets failed at once; the page about that spoke for it");
    world_target(&world, B)->kind = TEND_SCRAPE_OK;
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/team a/firing/"), 2); // of blindness, and that a is down
    world_target(&world, A)->kind = TEND_SCRAPE_OK;
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/team a/resolved/"), 2);
    assert_int_equal(told(&world, "/team b/resolved/"), 1); // only of blindness
    world_end(&world);
}

static void what_blindness_keeps_back_outlasts_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin_blind(&world);
    world.grace_ms = 60000;
    world_restart(&world);
    world_until(&world, world.now_ms + 10); // nothing was scraped yet
    assert_int_equal(told(&world, "/team a/firing/"), 1);
    world_pass(&world, 3);
    const size_t before = told(&world, "/team a/firing/");
    world_target(&world, B)->kind = TEND_SCRAPE_OK;
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/team a/firing/"), before + 1);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_team_of_a_member_that_joins_is_told_and_the_others_not_again),
        cmocka_unit_test(a_member_that_joins_silenced_is_told_when_the_silence_ends),
        cmocka_unit_test(who_was_told_as_a_member_joined_is_not_told_again_after_a_restart),
        cmocka_unit_test(who_is_new_in_the_rules_hears_once_of_what_is_open_and_then_of_its_end),
        cmocka_unit_test(who_is_new_in_the_rules_of_a_restart_is_told_too),
        cmocka_unit_test(who_is_new_hears_nothing_of_what_is_in_line_again),
        cmocka_unit_test(who_is_new_waits_for_what_keeps_others_back_too),
        cmocka_unit_test(who_was_told_of_the_merged_one_hears_of_the_other_and_then_of_its_end),
        cmocka_unit_test(who_was_told_of_both_hears_only_that_one_is_over),
        cmocka_unit_test(the_old_page_stays_open_while_the_new_one_is_kept_back),
        cmocka_unit_test(what_blindness_keeps_back_is_a_decision),
        cmocka_unit_test(what_blindness_keeps_back_outlasts_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
