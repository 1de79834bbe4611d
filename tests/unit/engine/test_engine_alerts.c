// Alerts in the whole engine: missing data, holding, the evaluator's troubles, the clock.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define BOUND(more) ",'rules':[{'rule':0,'clear_below':1,'severity':'page'" more "}]"
#define ONE(binding) DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'", BOUND(binding)), LOAD_RULE, "", "")
#define JUDGED(binding) DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'", BOUND(binding)), RULE("judged", ""), "", "")

static struct tend_engine_counts counts(const struct world *world)
{
    return tend_engine_counts(world->engine);
}

static void out_of_line_for_fire_after_fires(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':2000"));
    world_pass(&world, 3);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "pending");
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 0);
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    assert_int_equal(counts(&world).incidents_open, 1);
    world_end(&world);
}

static void in_line_ends_a_pending_time_and_resolves_what_fires(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':1000,'clear_after_ms':1000"));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "inactive");
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    assert_int_equal(counts(&world).incidents_open, 0);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_INCIDENT, "state", "ended"), "outcome", ""),
                        "resolved by itself");
    world_end(&world);
}

static void a_failed_scrape_neither_fires_nor_resolves(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(""));
    world_pass(&world, 2);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 5);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_OK;
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 5);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void a_series_that_is_gone_neither_fires_nor_resolves(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    world_target(&world, LEDGER)->bare = true;
    world_target(&world, LEDGER)->version[0] = '1'; // a scrape with another series in its place
    world_pass(&world, 5);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void a_value_that_is_no_number_neither_fires_nor_resolves(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(""));
    world_target(&world, LEDGER)->load = (double)NAN;
    world_pass(&world, 2);
    assert_int_equal(counts(&world).alerts_firing, 0);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    world_target(&world, LEDGER)->load = (double)NAN;
    world_pass(&world, 2);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

#define TEN(x) x x x x x x x x x x
#define LONG_NAME "a" TEN(TEN("\xc3\xb6")) // 201 bytes: a cut at an even one falls within a character

static void a_summary_may_name_something_of_any_length(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'", BOUND("")),
                                 RULE("loaded", ",'metric':'load','summary':'{service} {" LONG_NAME "}'"), "", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    const json_t *firing = world_newest(&world, TEND_RECORD_ALERT, "state", "firing");
    assert_string_equal(tend_json_text(firing, "summary", ""), "ledger {" LONG_NAME "}");
    world_end(&world);
}

static void alerts_whose_long_names_begin_alike_have_keys_of_their_own(void **state)
{
    (void)state;
    struct world world;
#define LONGER_NAME TEN(TEN("ten bytes ")) "\xc3\xb6" TEN("ten bytes ")
    world_begin(&world,
                DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'",
                                 ",'rules':[{'rule':0,'severity':'page'},{'rule':1,'severity':'page'}]"),
                         RULE(LONGER_NAME "one", ",'metric':'load'") "," RULE(LONGER_NAME "two", ",'metric':'load'"),
                         "", ""));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    static const char *const keys[] = { LONGER_NAME "one\nledger\n", LONGER_NAME "two\nledger\n" };
    for (size_t k = 0; k < 2; k++) {
        size_t found = 0;
        for (size_t i = 0; i < world.record_count; i++) {
            found += world.records[i].kind == TEND_RECORD_ALERT && strcmp(world.records[i].key, keys[k]) == 0;
        }
        assert_true(found > 0);
    }
    world_restart(&world);
    assert_int_equal(counts(&world).alerts_firing, 2); // both came back, each as itself
    world_end(&world);
}

static void under_warn_missing_data_raises_a_warning(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':1000,'missing':'warn'"));
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 2);
    const json_t *alert = world_newest(&world, TEND_RECORD_ALERT, "state", "firing");
    assert_true(tend_json_bool(alert, "by_missing", false));
    assert_string_equal(tend_json_text(alert, "missing", ""), "scrape failed");
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_INCIDENT, NULL, NULL), "severity", ""),
                        "warn"); // the rule's own would be a page
    world_end(&world);
}

static void a_warning_becomes_a_page_when_the_data_comes_and_is_out_of_line(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':1000,'missing':'warn'"));
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 2);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_OK;
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_INCIDENT, NULL, NULL), "severity", ""), "warn");
    world_pass(&world, 1);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_INCIDENT, NULL, NULL), "severity", ""), "page");
    assert_false(tend_json_bool(world_newest(&world, TEND_RECORD_ALERT, NULL, NULL), "by_missing", true));
    assert_int_equal(counts(&world).incidents_open, 1);
    world_end(&world);
}

static void a_gap_in_the_data_restarts_the_count(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':3000"));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 3);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_READ_TIMEOUT;
    world_pass(&world, 1);
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_OK;
    world_pass(&world, 3);
    assert_string_equal(world_alert_state(&world, "ledger"), "pending");
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void a_time_in_which_nobody_looked_restarts_the_count(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':3000"));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    world_until(&world, world.now_ms + 3600000); // the machine slept
    world_pass(&world, 3);
    assert_int_equal(counts(&world).alerts_firing, 0);
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_end(&world);
}

static void one_late_scrape_does_not_restart_the_count(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(",'fire_after_ms':3000"));
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 2);
    world_until(&world, world.now_ms + 1000); // one slot was passed over
    world_pass(&world, 1);
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_end(&world);
}

static void a_jump_of_the_wall_clock_leaves_no_data_of_before(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world,
                DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'", ",'window_ms':10000" BOUND("")), LOAD_RULE, "", ""));
    world_target(&world, LEDGER)->load = 4;
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world.wall_skew_ms = 60000;
    world_step(&world, (struct tend_event){ .kind = TEND_EVENT_WALL_MOVED, .wall_moved_ms = 60000 });
    world_until(&world, world.now_ms + 1); // a scrape of the same moment would be of before
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 1); // the mean of both would be 2.5
    assert_string_equal(world_alert_state(&world, "ledger"), "resolved");
    world_end(&world);
}

static enum tend_verdict out_above_five(struct world *world, const struct view_call *call)
{
    (void)world;
    return call->load_missing ? TEND_VERDICT_UNKNOWN : call->load > 5 ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void a_function_judges_as_a_metric_does(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, JUDGED(""));
    world.judge = out_above_five;
    world_pass(&world, 2);
    assert_int_equal(counts(&world).alerts_firing, 0);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_target(&world, LEDGER)->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 3);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static enum tend_verdict raises(struct world *world, const struct view_call *call)
{
    (void)world;
    (void)call;
    return TEND_VERDICT_ERROR;
}

static void a_rule_that_raises_neither_fires_nor_resolves(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, JUDGED(",'missing':'act'"));
    world.judge = out_above_five;
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 1);
    world.judge = raises;
    world_pass(&world, 10);
    assert_string_equal(world_alert_state(&world, "ledger"), "firing");
    world_end(&world);
}

static void three_errors_in_a_row_turn_a_rule_off(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, JUDGED(""));
    world.judge = raises;
    world_pass(&world, 2);
    assert_int_equal(counts(&world).rules_off, 0);
    world_pass(&world, 1);
    assert_int_equal(counts(&world).rules_off, 1);
    assert_int_equal(world_decided(&world, "rule error"), 1);
    assert_int_equal(world.evaluations, 3);
    world_pass(&world, 5);
    assert_int_equal(world.evaluations, 3); // nobody is asked any more
    assert_int_equal(world_decided(&world, "rule error"), 1);
    world_end(&world);
}

static void what_a_rule_raises_may_be_any_bytes(void **state)
{
    (void)state;
    for (size_t before = 0; before < 4; before++) { // cut at each byte of a character
        struct world world;
        char text[400];
        memset(text, 'a', before);
        for (size_t i = before; i + 4 < sizeof text; i += 3) {
            memcpy(text + i, before == 3 ? "\xff\xc3\xe2" : "\xe2\x82\xac", 4);
        }
        world_begin(&world, JUDGED(""));
        world.judge = raises;
        world.raised = text;
        world_pass(&world, 4);
        assert_int_equal(counts(&world).rules_off, 1);
        assert_int_equal(world_decided(&world, "rule error"), 1);
        world_end(&world);
    }
}

static enum tend_verdict raises_at_odd_ticks(struct world *world, const struct view_call *call)
{
    (void)call;
    return world->evaluations % 2 == 1 ? TEND_VERDICT_ERROR : TEND_VERDICT_IN_LINE;
}

static void errors_that_are_not_in_a_row_leave_a_rule_on(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, JUDGED(""));
    world.judge = raises_at_odd_ticks;
    world_pass(&world, 12);
    assert_int_equal(counts(&world).rules_off, 0);
    world_end(&world);
}

#define TWO_RULES                                                                                                      \
    DOCUMENT(SERVICE("ledger", "'http://h:1/metrics'",                                                                 \
                     ",'rules':[{'rule':0,'severity':'warn'},{'rule':1,'severity':'warn'}]"),                          \
             RULE("hangs", "") "," RULE("judged", ""), "", "")

static void a_rule_that_kills_the_evaluator_is_off_and_the_others_are_still_judged(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, TWO_RULES);
    world.judge = out_above_five;
    world_target(&world, LEDGER)->load = 10;
    world.dies_over = "rule";
    world.dies_index = 0;
    world_pass(&world, 1);
    assert_int_equal(counts(&world).rules_off, 1);
    assert_int_equal(counts(&world).alerts_firing, 1);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_ALERT, NULL, NULL), "rule", ""), "judged");
    assert_int_equal(world.evaluations, 2); // with both, and again without the one at fault
    world_end(&world);
}

static void an_evaluator_that_dies_without_a_culprit_is_asked_three_times_and_judges_nothing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, JUDGED(""));
    world.judge = out_above_five;
    world_target(&world, LEDGER)->load = 10;
    world.dies_over = "";
    world_pass(&world, 1);
    assert_int_equal(world.evaluations, 3);
    assert_int_equal(counts(&world).alerts_firing, 0);
    assert_int_equal(counts(&world).rules_off, 0);
    world.dies_over = NULL;
    world_pass(&world, 1); // the next tick is a new one
    assert_int_equal(counts(&world).alerts_firing, 1);
    world_end(&world);
}

static void no_tick_begins_while_one_is_in_flight(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, JUDGED(""));
    world.judge = out_above_five;
    world_scrape_all(&world);
    while (world.evaluations == 0) {
        world_step(&world, (struct tend_event){ .kind = TEND_EVENT_TIMER });
        world.now_ms++;
    }
    struct world_reply late = world.replies[--world.reply_count]; // the verdicts are slow
    world_pass(&world, 3);
    assert_int_equal(world.evaluations, 1);
    late.at_ms = world.now_ms;
    world_feed(&world, &late);
    world_until(&world, world.now_ms + 100); // what came meanwhile is one tick
    assert_int_equal(world.evaluations, 2);
    world_end(&world);
}

static void feed_verdicts(struct world *world, uint64_t tick, const void *bytes, size_t count)
{
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_VERDICTS,
                                           .reply = { .id = tick, .bytes = bytes, .byte_count = count } });
}

// Runs into a tick whose verdicts are then held back. @return its number
static uint64_t held_tick(struct world *world)
{
    const size_t before = world->evaluations;
    world_scrape_all(world);
    while (world->evaluations == before) {
        world_step(world, (struct tend_event){ .kind = TEND_EVENT_TIMER });
        world->now_ms++;
    }
    const uint64_t tick = world->replies[world->reply_count - 1].event.reply.id;
    world_clear_replies(world);
    return tick;
}

static void verdicts_that_are_no_verdicts_count_as_errors(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, JUDGED(",'missing':'act'"));
    world.judge = out_above_five;
    world_target(&world, LEDGER)->load = 10;
    for (int garbage = 0; garbage < 5; garbage++) {
        const uint64_t tick = held_tick(&world);
        struct tend_buffer bytes;
        tend_buffer_init(&bytes);
        switch (garbage) {
        case 0: // nothing at all
            tend_buffer_put_u8(&bytes, 0);
            break;
        case 1: // another tick's
            tend_verdicts_begin(&bytes, tick + 1, 1);
            tend_verdicts_put(&bytes, TEND_VERDICT_OUT, NULL);
            break;
        case 2: // more than was asked
            tend_verdicts_begin(&bytes, tick, 2);
            tend_verdicts_put(&bytes, TEND_VERDICT_OUT, NULL);
            tend_verdicts_put(&bytes, TEND_VERDICT_OUT, NULL);
            break;
        case 3: // cut short
            tend_verdicts_begin(&bytes, tick, 1);
            break;
        default: // no such verdict
            tend_verdicts_begin(&bytes, tick, 1);
            tend_buffer_put_u8(&bytes, 77);
            break;
        }
        feed_verdicts(&world, tick, bytes.data, bytes.size);
        tend_buffer_clear(&bytes);
        world.now_ms += 1000;
        assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    }
    world_end(&world);
}

static void verdicts_of_a_tick_that_is_over_change_nothing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, JUDGED(""));
    world.judge = out_above_five;
    world_pass(&world, 1);
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_verdicts_begin(&bytes, 1, 1);
    tend_verdicts_put(&bytes, TEND_VERDICT_OUT, NULL);
    feed_verdicts(&world, 1, bytes.data, bytes.size);
    tend_buffer_clear(&bytes);
    assert_int_equal(world_count_records(&world, TEND_RECORD_ALERT, NULL, NULL), 0);
    world_end(&world);
}

static void engine_time_never_falls(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, ONE(""));
    world_pass(&world, 1);
    const int64_t begun_ms = world.now_ms - 1000; // of the last second; its tick came 5 ms later
    world.now_ms = begun_ms + 1;
    world_operate(&world, "pause", ""); // an event with an older time
    assert_int_equal(world.records[world.record_count - 1].at_ms, begun_ms + 5);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_line_for_fire_after_fires),
        cmocka_unit_test(in_line_ends_a_pending_time_and_resolves_what_fires),
        cmocka_unit_test(a_failed_scrape_neither_fires_nor_resolves),
        cmocka_unit_test(a_series_that_is_gone_neither_fires_nor_resolves),
        cmocka_unit_test(a_value_that_is_no_number_neither_fires_nor_resolves),
        cmocka_unit_test(a_summary_may_name_something_of_any_length),
        cmocka_unit_test(alerts_whose_long_names_begin_alike_have_keys_of_their_own),
        cmocka_unit_test(under_warn_missing_data_raises_a_warning),
        cmocka_unit_test(a_warning_becomes_a_page_when_the_data_comes_and_is_out_of_line),
        cmocka_unit_test(a_gap_in_the_data_restarts_the_count),
        cmocka_unit_test(a_time_in_which_nobody_looked_restarts_the_count),
        cmocka_unit_test(one_late_scrape_does_not_restart_the_count),
        cmocka_unit_test(a_jump_of_the_wall_clock_leaves_no_data_of_before),
        cmocka_unit_test(a_function_judges_as_a_metric_does),
        cmocka_unit_test(a_rule_that_raises_neither_fires_nor_resolves),
        cmocka_unit_test(three_errors_in_a_row_turn_a_rule_off),
        cmocka_unit_test(what_a_rule_raises_may_be_any_bytes),
        cmocka_unit_test(errors_that_are_not_in_a_row_leave_a_rule_on),
        cmocka_unit_test(a_rule_that_kills_the_evaluator_is_off_and_the_others_are_still_judged),
        cmocka_unit_test(an_evaluator_that_dies_without_a_culprit_is_asked_three_times_and_judges_nothing),
        cmocka_unit_test(no_tick_begins_while_one_is_in_flight),
        cmocka_unit_test(verdicts_that_are_no_verdicts_count_as_errors),
        cmocka_unit_test(verdicts_of_a_tick_that_is_over_change_nothing),
        cmocka_unit_test(engine_time_never_falls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
