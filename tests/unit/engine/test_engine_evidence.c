// Evidence: what the past of metrics tells the locator, when it is asked, and how much of it one step looks at.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define PAYMENTS "payments/p:1"
#define ACT ",'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'remedies':[0]"
#define PLAIN(name, source) "{'name':'" name "','kind':'gauge','sources':['" source "'],'alpha':1,'bad':'above'}"
// payments → ledger, of which nothing is expected
#define SHOP(more)                                                                                                     \
    DOCUMENT(SERVICE("payments", "'http://p:1/m'", ACT ",'depends':['ledger']") "," SERVICE(                           \
                 "ledger", "'http://h:1/m'", ",'metrics':[" PLAIN("cpu", "load") "," UP_METRIC "]") more,              \
             LOAD_RULE, PLAYBOOK("restart", ""), "")

static void pass(struct world *world, const char *instance, double load, int seconds)
{
    world_target(world, instance)->load = load;
    world_pass(world, seconds);
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
    fail_msg("%s was not asked about", service);
    return NULL;
}

static const json_t *change_of(const struct world *world, const char *service, size_t index)
{
    return json_array_get(json_object_get(asked(world, service), "evidence"), index);
}

static void a_cause_of_which_nothing_is_expected_is_told_with_its_onset(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world_pass(&world, 40);
    pass(&world, LEDGER, 9, 3);
    pass(&world, PAYMENTS, 5, 2);
    const json_t *change = change_of(&world, "ledger", 0);
    assert_string_equal(tend_json_text(change, "metric", ""), "cpu");
    assert_string_equal(tend_json_text(change, "class", ""), "cause");
    assert_string_equal(tend_json_text(change, "kind", ""), "resource");
    assert_true(tend_json_bool(change, "rose", false));
    assert_true(tend_json_number(change, "before", 0) == 1 && tend_json_number(change, "after", 0) == 9);
    assert_true(tend_json_number(change, "points", 0) > 1);
    const int64_t symptom_ms = tend_json_integer(world.asked, "onset_ms", 0);
    assert_int_equal(symptom_ms - tend_json_integer(change, "onset_ms", 0), 3000);
    assert_int_equal(tend_json_integer(change, "within_ms", 0), 1000);
    const json_t *own = change_of(&world, "payments", 0);
    assert_string_equal(tend_json_text(own, "metric", ""), "load");
    assert_int_equal(tend_json_integer(own, "onset_ms", 0), symptom_ms);
    world_end(&world);
}

static void without_a_past_there_is_no_evidence_and_it_is_asked_all_the_same(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world_pass(&world, 3);
    pass(&world, PAYMENTS, 5, 1);
    assert_true(world.locates > 0);
    assert_int_equal(json_array_size(json_object_get(asked(&world, "payments"), "evidence")), 0);
    world_end(&world);
}

static void what_waits_in_a_service_is_told_by_name(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("payments", "'http://p:1/m'", ACT ",'depends':['ledger']") "," SERVICE(
                                     "ledger", "'http://h:1/m'",
                                     ",'metrics':[" PLAIN("busy_threads", "load") "," PLAIN("pool", "load") "," PLAIN(
                                         "connection_errors", "load") "," UP_METRIC "]"),
                                 LOAD_RULE, PLAYBOOK("restart", ""), ""));
    world_pass(&world, 3);
    pass(&world, PAYMENTS, 5, 1);
    const json_t *waiting = json_object_get(asked(&world, "ledger"), "waiting");
    assert_int_equal(json_array_size(waiting), 2);
    assert_string_equal(json_string_value(json_array_get(waiting, 0)), "busy_threads");
    assert_string_equal(json_string_value(json_array_get(waiting, 1)), "pool");
    assert_null(json_object_get(asked(&world, "payments"), "waiting"));
    world_end(&world);
}

static void the_past_goes_over_into_a_new_generation(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP(""));
    world_pass(&world, 40);
    world_load(&world, SHOP("," SERVICE("mail", "'http://m:1/m'", ACT)));
    world_pass(&world, 1);
    pass(&world, LEDGER, 9, 3);
    pass(&world, PAYMENTS, 5, 2);
    assert_string_equal(tend_json_text(change_of(&world, "ledger", 0), "metric", ""), "cpu");
    world_end(&world);
}

static void one_instance_that_left_its_peers_is_named(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m','http://h:2/m','http://h:3/m'", ACT), LOAD_RULE,
                                 PLAYBOOK("restart", ""), ""));
    world_pass(&world, 40);
    pass(&world, "ledger/h:2", 100, 2); // the mean of the three rises from 1 to 34
    const json_t *change = change_of(&world, "ledger", 0);
    assert_string_equal(tend_json_text(change, "instance", ""), "ledger/h:2");
    assert_true(tend_json_number(change, "peers", 0) == 1);
    assert_true(tend_json_number(change, "after", 0) == 100);
    world_end(&world);
}

#define SLOW_METRIC "{'name':'latency','kind':'gauge','sources':['load'],'expect':{'value':1},'out_at':2,'bad':'above'}"
// payments, which is slow above 2, → ledger, of which nothing is expected
#define SLOW_SHOP                                                                                                      \
    DOCUMENT(SERVICE("payments", "'http://p:1/m'",                                                                     \
                     ",'metrics':[" UP_METRIC "," SLOW_METRIC                                                          \
                     "],'rules':[{'rule':0,'clear_below':1,'severity':'page','act':true}],'depends':["                 \
                     "'ledger']") "," SERVICE("ledger", "'http://h:1/m'",                                              \
                                              ",'metrics':[" PLAIN("cpu", "load") "," UP_METRIC "]"),                  \
             RULE("slow", ",'metric':'latency'"), PLAYBOOK("restart", ""), "")

// Both rise by 2 a second from 6 on and wave before: ledger 3 s ahead of payments.
static void a_cause_that_moves_ahead_of_the_symptom_is_told_with_its_lag(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SLOW_SHOP);
    world.wait = "nobody yet";
    for (int second = 0; second < 50; second++) {
        const int ahead = second + 3;
        world_target(&world, LEDGER)->load = ahead < 40 ? 1 + 0.05 * (ahead % 5) : 6 + 2 * (ahead - 40);
        pass(&world, PAYMENTS, second < 40 ? 1 + 0.05 * (second % 5) : 6 + 2 * (second - 40), 1);
    }
    const json_t *change = change_of(&world, "ledger", 0);
    assert_string_equal(tend_json_text(change, "metric", ""), "cpu");
    assert_true(tend_json_number(change, "correlation", 0) > 0.95);
    assert_true(fabs(tend_json_number(change, "lag_s", 0) - 3) < 1e-9);
    assert_string_equal(tend_json_text(json_object_get(change, "with"), "service", ""), "payments");
    assert_string_equal(tend_json_text(json_object_get(change, "with"), "metric", ""), "latency");
    const json_t *own = change_of(&world, "payments", 0); // a symptom is no cause, and this is the one itself
    assert_null(json_object_get(own, "correlation"));
    world_end(&world);
}

static void without_a_symptom_nothing_moves_with_it(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, SHOP("")); // what is out of line there is called "load", and tells of nobody's callers
    world_pass(&world, 40);
    pass(&world, LEDGER, 9, 3);
    pass(&world, PAYMENTS, 5, 8);
    assert_string_equal(tend_json_text(change_of(&world, "ledger", 0), "metric", ""), "cpu");
    assert_null(json_object_get(change_of(&world, "ledger", 0), "correlation"));
    world_end(&world);
}

// Scrapes come each second, but the services' interval is five.
static void what_tells_nothing_new_is_asked_once_an_interval(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'", ACT ",'every_ms':5000"), LOAD_RULE,
                                 PLAYBOOK("restart", ""), ""));
    world.wait = "something"; // so that nothing is ever decided
    pass(&world, LEDGER, 5, 31);
    assert_in_range(world.locates, 6, 8);
    const size_t before = world.locates;
    pass(&world, LEDGER, 1, 1);
    pass(&world, LEDGER, 5, 1); // out once more, which is news
    assert_true(world.locates > before);
    world_end(&world);
}

#define TEN(name)                                                                                                      \
    PLAIN(name "0", "load")                                                                                            \
    "," PLAIN(name "1", "load") "," PLAIN(name "2", "load") "," PLAIN(name "3", "load") "," PLAIN(                     \
        name "4", "load") "," PLAIN(name "5", "load") "," PLAIN(name "6", "load") "," PLAIN(name "7", "load")

static int steps_of_study; // from that of the tick, which is 0, to the one that asks

static void count_steps(struct world *world, const struct tend_event *event, const struct tend_effects *effects)
{
    static int steps;
    (void)world;
    steps = event->kind == TEND_EVENT_SCRAPED ? -1 : steps + 1;
    for (size_t i = 0; i < effects->count; i++) {
        const struct tend_effect *effect = &effects->list[i];
        if (effect->kind == TEND_EFFECT_ASK && strstr(effect->bytes.data, "\"kind\":\"locate\"") != NULL) {
            steps_of_study = steps;
            world->on_step = NULL;
        }
    }
}

// 12 instances and the service with 16 metrics that all changed: 13 * 16 * 17 of work, in slices of 2048 and a subject.
static void a_large_study_goes_on_in_later_steps(void **state)
{
    (void)state;
    struct world world;
    char *text = NULL;
    struct tend_buffer targets;
    tend_buffer_init(&targets);
    for (int i = 0; i < 12; i++) {
        tend_buffer_printf(&targets, "%s'http://h:%d/m'", i == 0 ? "" : ",", i + 1);
    }
    assert_true(asprintf(&text,
                         "{'services':[{'name':'ledger','groups':['*'],'targets':[%s],'every_ms':1000,"
                         "'window_ms':1000,'timeout_ms':500,'metrics':[" TEN("cpu") "," LOAD_METRIC "," TEN(
                             "mem") "," UP_METRIC "]," LIMITS("") ACT "}],'rules':[" LOAD_RULE
                                                                      "],'playbooks':[" PLAYBOOK("restart", "") "]}",
                         tend_buffer_text(&targets)) > 0);
    world_begin(&world, text);
    world_pass(&world, 40);
    for (size_t i = 0; i < world.target_count; i++) {
        world.targets[i].load = 50;
    }
    world.on_step = count_steps;
    world_pass(&world, 1);
    assert_int_equal(steps_of_study, 1); // the tick's step is not the one that asks
    assert_int_equal(json_array_size(json_object_get(asked(&world, "ledger"), "evidence")), 6);
    world_end(&world);
    tend_buffer_clear(&targets);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cause_of_which_nothing_is_expected_is_told_with_its_onset),
        cmocka_unit_test(what_waits_in_a_service_is_told_by_name),
        cmocka_unit_test(without_a_past_there_is_no_evidence_and_it_is_asked_all_the_same),
        cmocka_unit_test(the_past_goes_over_into_a_new_generation),
        cmocka_unit_test(one_instance_that_left_its_peers_is_named),
        cmocka_unit_test(a_cause_that_moves_ahead_of_the_symptom_is_told_with_its_lag),
        cmocka_unit_test(without_a_symptom_nothing_moves_with_it),
        cmocka_unit_test(what_tells_nothing_new_is_asked_once_an_interval),
        cmocka_unit_test(a_large_study_goes_on_in_later_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
