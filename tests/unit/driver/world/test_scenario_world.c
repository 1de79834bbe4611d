// The world of a scenario under a simulation whose rules are all decided in C: what faults and acts do to metrics.

#include "driver/world/scenario_world.h"

#include "driver/world/scenario_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN_MS INT64_C(1772445600000)

// ' stands for ".
static json_t *parse(const char *text)
{
    char *quoted = strdup(text);
    assert_non_null(quoted);
    for (char *at = quoted; *at != '\0'; at++) {
        if (*at == '\'') {
            *at = '"';
        }
    }
    json_error_t why;
    json_t *json = json_loads(quoted, 0, &why);
    if (json == NULL) {
        fail_msg("%s in %s", why.text, quoted);
    }
    free(quoted);
    return json;
}

static const char metrics[] =
    "'metrics':[{'name':'up','kind':'up','sources':[%s],'expect':{'value':1},'alpha':0.5,'bad':'below','unit':''},"
    "{'name':'time','kind':'mean','sources':['seconds'],'expect':{'value':0.2},'alpha':1,'bad':'above','unit':'s'},"
    "{'name':'tail','kind':'quantile','q':0.99,'sources':['seconds'],'expect':{'peers':{'among':null,'self':false}},"
    "'alpha':1,'bad':'above','unit':'s'},"
    "{'name':'errors','kind':'share','sources':['requests_total{code=~\\'5..\\'}','requests_total'],"
    "'gauge':[false,false],'expect':{'value':0},'out_at':0.1,'bad':'above','unit':'ratio'},"
    "{'name':'memory','kind':'gauge','sources':['resident_bytes'],'expect':{'value':1000000},'out_at':2000000,"
    "'bad':'above','unit':'bytes'},"
    "{'name':'traffic','kind':'rate','sources':['requests_total'],'expect':{'value':40},'alpha':0.5,'bad':'both',"
    "'unit':'/s'}]";
static const char limits[] =
    "'limits':{'at_once':1,'share':0.5,'min_healthy':0,'per_hour':100,'cooldown_ms':0,'attempts':2,'confidence':0.8}";

static void put_service(struct tend_buffer *text, const char *name, const char *up, const char *depends)
{
    tend_buffer_printf(text,
                       "{'name':'%s','groups':['*'],'targets':[],'watched':true,'every_ms':5000,'window_ms':15000,"
                       "'timeout_ms':4000,'depends':[%s],",
                       name, depends);
    const char *hole = strstr(metrics, "%s");
    tend_buffer_put(text, metrics, (size_t)(hole - metrics));
    tend_buffer_put_text(text, up);
    tend_buffer_put_text(text, hole + 2);
    tend_buffer_printf(text, ",%s}", limits);
}

static json_t *make_document(void)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_put_text(&text, "{'services':[],'rules':[],'playbooks':[],'discoveries':[{'kind':'file',"
                                "'globs':['x'],'service_label':'scenario_service','template':");
    put_service(&text, "", "", "");
    tend_buffer_put_text(&text, ",'overrides':[");
    put_service(&text, "front", "", "'back'");
    tend_buffer_put_text(&text, ",");
    put_service(&text, "back", "", "");
    tend_buffer_put_text(&text, ",");
    put_service(&text, "cache", "'cache_up'", "");
    tend_buffer_put_text(&text, "]}]}");
    json_t *document = parse(tend_buffer_text(&text));
    tend_buffer_clear(&text);
    return document;
}

static const struct {
    const char *name;
    size_t instances;
} fleet[] = { { "front", 2 }, { "back", 2 }, { "cache", 1 } };

struct played {
    json_t *sources;
    struct tend_awaited_evaluator *evaluator; // never asked: no rule has a function
    struct tend_scenario_world *world;
    struct tend_simulation *simulation;
};

static void list_targets(struct tend_simulation *simulation)
{
    struct tend_discovered targets[8];
    char texts[8][2][64];
    size_t count = 0;
    for (size_t s = 0; s < sizeof fleet / sizeof fleet[0]; s++) {
        for (size_t i = 1; i <= fleet[s].instances; i++) {
            (void)snprintf(texts[count][0], sizeof texts[count][0], "http://%s-%zu/", fleet[s].name, i);
            (void)snprintf(texts[count][1], sizeof texts[count][1], "%zu", i);
            targets[count] =
                (struct tend_discovered){ .url = texts[count][0],
                                          .address = texts[count][1],
                                          .labels = json_pack("{s:s}", tend_scenario_service_label, fleet[s].name) };
            count++;
        }
    }
    tend_simulation_list_targets(simulation,
                                 &(struct tend_event_targets){ .discovery = 0, .targets = targets, .count = count });
    for (size_t i = 0; i < count; i++) {
        json_decref(targets[i].labels);
    }
}

static struct played begin_with(const char *acts, const char *traits, const char *load)
{
    struct played played = { .sources = json_pack("{s:[]}", "files") };
    struct tend_error error = { .text = "" };
    struct tend_ruleset *ruleset = NULL;
    json_t *made = make_document();
    char hash[65];
    memset(hash, 'a', 64);
    hash[64] = '\0';
    if (tend_ruleset_create(made, hash, &ruleset, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    json_decref(made);
    struct tend_scenario_service services[sizeof fleet / sizeof fleet[0]];
    for (size_t s = 0; s < sizeof fleet / sizeof fleet[0]; s++) {
        services[s] = (struct tend_scenario_service){ .name = fleet[s].name,
                                                      .def = ruleset->discoveries[0].overrides[s],
                                                      .instances = fleet[s].instances };
    }
    json_t *how = parse(acts);
    json_t *said = parse(traits);
    json_t *shape = load == NULL ? NULL : parse(load);
    for (size_t s = 0; s < sizeof fleet / sizeof fleet[0]; s++) {
        services[s].traits = json_object_get(said, fleet[s].name);
    }
    const struct tend_scenario_world_options made_of = { .seed = 7,
                                                         .services = services,
                                                         .count = sizeof fleet / sizeof fleet[0],
                                                         .acts = how,
                                                         .load = shape,
                                                         .at_ms = BEGIN_MS,
                                                         .minute_of_day = 10 * 60,
                                                         .weekday = 1 };
    if (tend_scenario_world_create(&made_of, &played.world, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    json_decref(how);
    json_decref(said);
    json_decref(shape);
    assert_int_equal(tend_awaited_evaluator_create(played.sources, &played.evaluator), TEND_OK);
    const struct tend_simulation_options options = { .at_ms = BEGIN_MS,
                                                     .sources = played.sources,
                                                     .evaluator = played.evaluator,
                                                     .ruleset = ruleset,
                                                     .world = tend_scenario_world_face(played.world) };
    assert_int_equal(tend_simulation_create(&options, &played.simulation), TEND_OK);
    tend_scenario_world_attach(played.world, played.simulation);
    list_targets(played.simulation);
    return played;
}

static struct played begin(const char *acts)
{
    return begin_with(acts, "{}", NULL);
}

static void end(struct played *played)
{
    tend_simulation_destroy(played->simulation);
    tend_scenario_world_destroy(played->world);
    tend_awaited_evaluator_destroy(played->evaluator);
    json_decref(played->sources);
}

static void break_it(struct played *played, const char *fault_text)
{
    struct tend_error error = { .text = "" };
    json_t *fault = parse(fault_text);
    if (tend_scenario_world_break(played->world, fault, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    json_decref(fault);
}

static void go_on(struct played *played, int64_t until_s)
{
    (void)tend_simulation_run(played->simulation, BEGIN_MS + until_s * 1000);
}

// P of a metric of an instance, as `tend status` would show it; NaN: no data.
static double p_of(const struct played *played, const char *service, const char *instance, const char *metric)
{
    json_t *status = tend_engine_status(tend_simulation_engine(played->simulation));
    const json_t *services = json_object_get(status, "services");
    double p = -1.0;
    for (size_t i = 0; i < json_array_size(services); i++) {
        if (strcmp(tend_json_text(json_array_get(services, i), "name", ""), service) != 0) {
            continue;
        }
        const json_t *list = json_object_get(json_array_get(services, i), "instances");
        for (size_t j = 0; j < json_array_size(list); j++) {
            const json_t *one = json_array_get(list, j);
            if (strcmp(tend_json_text(one, "name", ""), instance) == 0) {
                p = tend_json_number(json_object_get(json_object_get(one, "metrics"), metric), "P", -1.0);
            }
        }
    }
    json_decref(status);
    return p;
}

static void assert_near(double actual, double expected, double relative)
{
    if (!(actual >= expected * (1.0 - relative) - 1e-9 && actual <= expected * (1.0 + relative) + 1e-9)) {
        fail_msg("%g is not near %g", actual, expected);
    }
}

static void act(struct played *played, const char *verb, const char *on, struct tend_world_outcome *outcome)
{
    const struct tend_world face = tend_scenario_world_face(played->world);
    json_t *args = parse("{'argv':['x'],'timeout_ms':7000}");
    *outcome = (struct tend_world_outcome){ .outcome = "done", .error = "" };
    face.act(face.context, &(struct tend_world_act){ .verb = verb, .on = on, .args = args },
             tend_simulation_now_ms(played->simulation), outcome);
    json_decref(outcome->value);
    json_decref(args);
}

static void while_nothing_is_wrong_metrics_are_as_expected(void **state)
{
    (void)state;
    struct played played = begin("{}");
    go_on(&played, 61);
    assert_near(p_of(&played, "back", "back/2", "time"), 0.2, 0.03);
    assert_near(p_of(&played, "back", "back/2", "traffic"), 40, 0.03);
    assert_near(p_of(&played, "back", "back/2", "memory"), 1e6, 0.03);
    assert_near(p_of(&played, "back", "back/2", "tail"), 0.46, 0.1);
    assert_near(p_of(&played, "back", "back/2", "errors"), 0, 0);
    assert_near(p_of(&played, "cache", "cache/1", "up"), 1, 0);
    end(&played);
}

static void a_crash_puts_its_load_on_the_others_and_a_restart_ends_it(void **state)
{
    (void)state;
    struct played played = begin("{}");
    struct tend_world_outcome outcome;
    break_it(&played, "{'at_ms':60000,'on':'back/1','kind':'crash'}");
    go_on(&played, 91);
    assert_near(p_of(&played, "back", "back/1", "up"), 0, 0);
    assert_near(p_of(&played, "back", "back/2", "traffic"), 80, 0.03);
    assert_near(p_of(&played, "back", "back/2", "time"), 0.2 * 0.8 / 0.6, 0.03); // M/M/1 at twice the usual load
    act(&played, "restart", "back/1", &outcome);
    assert_string_equal(outcome.outcome, "done");
    go_on(&played, 121);
    assert_near(p_of(&played, "back", "back/1", "up"), 1, 0);
    assert_near(p_of(&played, "back", "back/2", "traffic"), 40, 0.03);
    // One of two was out from 60 s until 3 s after the restart at 91 s.
    const json_t *moments = tend_scenario_world_moments(played.world);
    assert_int_equal(json_array_size(moments), 3);
    assert_int_equal(tend_json_integer(json_array_get(moments, 1), "at_ms", 0), 60000);
    assert_int_equal(tend_json_integer(json_array_get(moments, 2), "at_ms", 0), 94000);
    end(&played);
}

// front and back both take 0.2 s: so front works 0.1 s itself, and half of its requests call back.
static void a_hang_is_felt_by_callers_and_not_cured_at_them(void **state)
{
    (void)state;
    struct played played = begin("{}");
    struct tend_world_outcome outcome;
    break_it(&played, "{'at_ms':60000,'on':'back','kind':'hang'}");
    go_on(&played, 101);
    assert_near(p_of(&played, "back", "back/1", "up"), 0, 0);
    assert_near(p_of(&played, "front", "front/1", "time"), 0.6, 0.05);    // its 0.1 s, half of 1 s
    assert_near(p_of(&played, "front", "front/1", "errors"), 0.25, 0.03); // half of those need it
    act(&played, "restart", "front", &outcome);
    go_on(&played, 141);
    assert_near(p_of(&played, "front", "front/1", "time"), 0.6, 0.05);
    act(&played, "restart", "back", &outcome);
    go_on(&played, 181);
    assert_near(p_of(&played, "front", "front/1", "time"), 0.2, 0.03);
    end(&played);
}

static void an_exporter_answers_for_a_service_that_hangs(void **state)
{
    (void)state;
    struct played played = begin("{}");
    break_it(&played, "{'at_ms':60000,'on':'cache','kind':'hang','lasts_ms':30000}");
    go_on(&played, 81);
    assert_near(p_of(&played, "cache", "cache/1", "up"), 0, 0);
    go_on(&played, 121);
    assert_near(p_of(&played, "cache", "cache/1", "up"), 1, 0);
    end(&played);
}

static void each_fault_shows_in_its_metric(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        const char *metric;
        double expected;
    } faults[] = {
        { "'kind':'slow','times':4", "time", 0.8 },
        { "'kind':'noisy neighbour'", "time", 0.2 * 3 * 0.8 / (1 - 0.2 * 3) }, // M/M/1 at a third of its speed
        { "'kind':'errors','ratio':0.25", "errors", 0.25 },
        { "'kind':'leak','times':4", "memory", 1e6 * (1 + 4 * 0.25 * 52.5 / 60) }, // mean of the window's three
        { "'kind':'bad deploy'", "errors", 0.3 },
        { "'kind':'bad deploy','times':3", "time", 0.6 },
        { "'kind':'metrics gone'", "up", 0 },
        { "'kind':'network loss'", "up", 0 },
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct played played = begin("{}");
        char fault[200];
        (void)snprintf(fault, sizeof fault, "{'at_ms':60000,'on':'back/2',%s}", faults[i].fault);
        break_it(&played, fault);
        go_on(&played, 117);
        print_message("%s\n", faults[i].fault);
        assert_near(p_of(&played, "back", "back/2", faults[i].metric), faults[i].expected, 0.05);
        end(&played);
    }
}

static void a_restart_clears_no_bad_deploy_and_a_redeploy_does(void **state)
{
    (void)state;
    struct played played = begin("{}");
    struct tend_world_outcome outcome;
    break_it(&played, "{'at_ms':60000,'on':'back','kind':'bad deploy'}");
    go_on(&played, 91);
    act(&played, "restart", "back", &outcome);
    go_on(&played, 131);
    assert_near(p_of(&played, "back", "back/1", "errors"), 0.3, 0.03);
    act(&played, "redeploy", "back", &outcome);
    go_on(&played, 171);
    assert_near(p_of(&played, "back", "back/1", "errors"), 0, 0);
    assert_near(p_of(&played, "back", "back/2", "errors"), 0, 0);
    end(&played);
}

static void acts_end_as_they_are_told_to(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        const char *outcome;
        double up_soon, up_late; // of back/1, 20 s and 60 s after the act
    } acts[] = {
        { "works", "done", 1, 1 },      { "works, but says it failed", "failed", 1, 1 },
        { "fails", "failed", 0, 0 },    { "times out", "unknown", 0, 0 },
        { "works late", "done", 0, 1 }, { "half works", "done", 0, 0 },
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        char how[100];
        (void)snprintf(how, sizeof how, "{'restart':'%s'}", acts[i].how);
        struct played played = begin(how);
        struct tend_world_outcome outcome;
        break_it(&played, "{'at_ms':60000,'on':'back/1','kind':'crash'}");
        go_on(&played, 91);
        act(&played, "restart", "back/1", &outcome);
        print_message("%s\n", acts[i].how);
        assert_string_equal(outcome.outcome, acts[i].outcome);
        go_on(&played, 111);
        assert_near(p_of(&played, "back", "back/1", "up"), acts[i].up_soon, 0);
        go_on(&played, 151);
        assert_near(p_of(&played, "back", "back/1", "up"), acts[i].up_late, 0);
        end(&played);
    }
}

static void what_is_given_by_hand_takes_the_place_of_what_is_measured(void **state)
{
    (void)state;
    struct played played = begin("{}");
    struct tend_error error = { .text = "" };
    int64_t until_ms = 0;
    assert_int_equal(tend_scenario_world_give(played.world, "back/*.time", "0.7x10 _", &until_ms, &error), TEND_OK);
    assert_int_equal(until_ms, BEGIN_MS + 55000);
    assert_int_equal(tend_scenario_world_give(played.world, "back/1.nothing", "1", &until_ms, &error), TEND_E_INVALID);
    assert_int_equal(tend_scenario_world_give(played.world, "back/9.time", "1", &until_ms, &error), TEND_E_INVALID);
    go_on(&played, 46);
    assert_near(p_of(&played, "back", "back/1", "time"), 0.7, 0);
    assert_near(p_of(&played, "back", "back/1", "errors"), 0, 0);
    go_on(&played, 51);
    const double gone = p_of(&played, "back", "back/1", "time");
    assert_true(gone != gone); // NaN
    end(&played);
}

// ---- the model, by hand ----

static void an_instance_at_half_of_its_capacity_takes_twice_its_service_time(void **state)
{
    (void)state;
    // At a quarter of it, 0.2 s are 1 / (1 - 0.25) service times of 0.15 s.
    struct played played = begin_with("{}", "{'back':{'use':0.25}}", NULL);
    break_it(&played, "{'at_ms':60000,'on':'back','kind':'surge','times':2}");
    go_on(&played, 101);
    assert_near(p_of(&played, "back", "back/1", "traffic"), 80, 0.03);
    assert_near(p_of(&played, "back", "back/1", "time"), 0.3, 0.03);
    end(&played);
}

static void a_full_queue_is_told_by_errors(void **state)
{
    (void)state;
    // M/M/1/1 refuses u / (1 + u): a third at 0.5, which is usual, two thirds at 2.
    struct played played = begin_with("{}", "{'back':{'use':0.5,'room':0}}", NULL);
    go_on(&played, 59);
    assert_near(p_of(&played, "back", "back/1", "errors"), 0, 0);
    break_it(&played, "{'at_ms':60000,'on':'back','kind':'surge','times':4}");
    go_on(&played, 101);
    assert_near(p_of(&played, "back", "back/1", "errors"), 0.5, 0.03); // (2/3 - 1/3) / (1 - 1/3)
    end(&played);
}

static void a_retry_hides_errors_and_adds_load(void **state)
{
    (void)state;
    struct played played = begin_with("{}", "{'front':{'retries':1,'needs':1,'usual':{'time':0.4}}}", NULL);
    break_it(&played, "{'at_ms':60000,'on':'back','kind':'errors','ratio':0.5}");
    go_on(&played, 101);
    assert_near(p_of(&played, "front", "front/1", "errors"), 0.25, 0.03); // both fail: 0.5 x 0.5
    assert_near(p_of(&played, "back", "back/1", "traffic"), 60, 0.03);    // one in two is asked again
    end(&played);
}

static void a_caller_that_fails_calls_less(void **state)
{
    (void)state;
    struct played played = begin("{}");
    break_it(&played, "{'at_ms':60000,'on':'front','kind':'errors','ratio':0.5}");
    go_on(&played, 101);
    assert_near(p_of(&played, "back", "back/1", "traffic"), 20, 0.03);
    end(&played);
}

static void without_failover_a_refused_call_is_an_error(void **state)
{
    (void)state;
    struct played played =
        begin_with("{}", "{'back':{'failover':false},'front':{'needs':1,'usual':{'time':0.4}}}", NULL);
    break_it(&played, "{'at_ms':60000,'on':'back/1','kind':'crash'}");
    go_on(&played, 101);
    assert_near(p_of(&played, "back", "back/2", "traffic"), 40, 0.03);
    assert_near(p_of(&played, "front", "front/1", "errors"), 0.5, 0.03);
    end(&played);
}

static void what_waits_for_a_time_out_is_counted_when_it_ends(void **state)
{
    (void)state;
    struct played played = begin_with("{}", "{'front':{'timeout_ms':12000,'needs':1,'usual':{'time':0.4}}}", NULL);
    break_it(&played, "{'at_ms':60500,'on':'back','kind':'hang'}");
    go_on(&played, 71);
    assert_near(p_of(&played, "front", "front/1", "errors"), 0, 0);
    go_on(&played, 101);
    assert_near(p_of(&played, "front", "front/1", "errors"), 1, 0.01);
    assert_near(p_of(&played, "front", "front/1", "time"), 12.2, 0.03); // its own 0.2 s, and the time-out
    end(&played);
}

static void load_follows_the_day(void **state)
{
    (void)state;
    struct played played = begin_with("{}", "{}", "{'swing':0.5,'peak_min':600,'noise':0}"); // it is 10:00
    go_on(&played, 61);
    assert_near(p_of(&played, "front", "front/1", "traffic"), 60, 0.03);
    assert_near(p_of(&played, "back", "back/1", "traffic"), 60, 0.03);
    end(&played);
}

static void a_metric_is_usually_what_the_scenario_says(void **state)
{
    (void)state;
    struct played played = begin_with("{}", "{'back':{'usual':{'memory':'3MB','traffic':10,'time':'50ms'}}}", NULL);
    go_on(&played, 61);
    assert_near(p_of(&played, "back", "back/1", "memory"), 3e6, 0.03);
    assert_near(p_of(&played, "back", "back/1", "traffic"), 10, 0.03);
    assert_near(p_of(&played, "back", "back/1", "time"), 0.05, 0.03);
    assert_near(p_of(&played, "front", "front/1", "memory"), 1e6, 0.03);
    end(&played);
}

static void what_was_leaked_stays_until_a_restart(void **state)
{
    (void)state;
    struct played played = begin("{}");
    struct tend_world_outcome outcome;
    break_it(&played, "{'at_ms':60000,'on':'back/1','kind':'leak','per_minute':2,'lasts_ms':30000}");
    go_on(&played, 121);
    assert_near(p_of(&played, "back", "back/1", "memory"), 2e6, 0.03);
    act(&played, "restart", "back/1", &outcome);
    go_on(&played, 151);
    assert_near(p_of(&played, "back", "back/1", "memory"), 1e6, 0.03);
    end(&played);
}

static void a_crash_that_ends_by_itself_costs_a_start_up(void **state)
{
    (void)state;
    struct played played = begin_with("{}", "{'back':{'start_up_ms':20000}}", NULL);
    break_it(&played, "{'at_ms':60000,'on':'back/1','kind':'crash','lasts_ms':30000}");
    go_on(&played, 121);
    const json_t *moments = tend_scenario_world_moments(played.world);
    assert_int_equal(tend_json_integer(json_array_get(moments, 1), "at_ms", 0), 60000);
    assert_int_equal(tend_json_integer(json_array_get(moments, 2), "at_ms", 0), 110000);
    end(&played);
}

static void a_blind_monitoring_sees_nobody_while_all_serve(void **state)
{
    (void)state;
    struct played played = begin("{}");
    struct tend_world_outcome outcome;
    break_it(&played, "{'at_ms':60000,'on':'*','kind':'monitoring blind','ratio':0.6,'lasts_ms':60000}");
    go_on(&played, 81);
    static const char *const instances[][2] = {
        { "front", "front/1" }, { "front", "front/2" }, { "back", "back/1" }, { "back", "back/2" }
    };
    size_t seen = 0;
    for (size_t i = 0; i < sizeof instances / sizeof instances[0]; i++) {
        seen += p_of(&played, instances[i][0], instances[i][1], "up") > 0.5;
    }
    seen += p_of(&played, "cache", "cache/1", "errors") >= 0.0; // its `up` is an exporter's: no data
    assert_int_equal(seen, 2);                                  // three of five are 0.6
    assert_int_equal(json_array_size(tend_scenario_world_moments(played.world)), 1); // they all serve
    go_on(&played, 141);
    assert_near(p_of(&played, "back", "back/1", "up"), 1, 0);
    act(&played, "restart", "back/1", &outcome);
    assert_string_equal(outcome.outcome, "done");
    end(&played);
}

static void who_cannot_be_reached_cannot_be_restarted(void **state)
{
    (void)state;
    struct played played = begin("{}");
    struct tend_world_outcome outcome;
    break_it(&played, "{'at_ms':60000,'on':'back/1','kind':'network loss'}");
    go_on(&played, 81);
    act(&played, "restart", "back/1", &outcome);
    assert_string_equal(outcome.outcome, "failed");
    assert_string_equal(outcome.error, "it cannot be reached");
    end(&played);
}

static void an_act_may_go_otherwise_the_second_time_and_on_one_instance(void **state)
{
    (void)state;
    struct played played = begin("{'restart':{'how':['fails','works, but times out'],'takes_ms':250},"
                                 "'restart front':'fails','restart front/2':'works'}");
    struct tend_world_outcome outcome;
    break_it(&played, "{'at_ms':60000,'on':'back/1','kind':'crash'}");
    go_on(&played, 81);
    act(&played, "restart", "back/1", &outcome);
    assert_string_equal(outcome.outcome, "failed");
    assert_int_equal(outcome.took_ms, 250);
    go_on(&played, 101);
    assert_near(p_of(&played, "back", "back/1", "up"), 0, 0);
    act(&played, "restart", "back/1", &outcome);
    assert_string_equal(outcome.outcome, "unknown");
    assert_int_equal(outcome.took_ms, 7000); // the whole time-out
    go_on(&played, 121);
    assert_near(p_of(&played, "back", "back/1", "up"), 1, 0);
    act(&played, "restart", "front/1", &outcome);
    assert_string_equal(outcome.outcome, "failed");
    act(&played, "restart", "front/2", &outcome);
    assert_string_equal(outcome.outcome, "done");
    end(&played);
}

static void an_act_on_a_service_that_half_works_does_every_second_instance(void **state)
{
    (void)state;
    struct played played = begin("{'restart':'half works'}");
    struct tend_world_outcome outcome;
    break_it(&played, "{'at_ms':60000,'on':'back','kind':'crash'}");
    go_on(&played, 81);
    act(&played, "restart", "back", &outcome);
    go_on(&played, 101);
    assert_near(p_of(&played, "back", "back/1", "up") + p_of(&played, "back", "back/2", "up"), 1, 0);
    act(&played, "restart", "back", &outcome);
    go_on(&played, 121);
    assert_near(p_of(&played, "back", "back/1", "up") + p_of(&played, "back", "back/2", "up"), 2, 0);
    end(&played);
}

static void deploying_the_bad_version_once_more_cures_nothing(void **state)
{
    (void)state;
    struct played played = begin("{}");
    break_it(&played, "{'at_ms':60000,'on':'back','kind':'bad deploy'}");
    go_on(&played, 91);
    const struct tend_world face = tend_scenario_world_face(played.world);
    static const char *const versions[] = { "v2", "v1" };
    for (int i = 0; i < 2; i++) {
        json_t *args = json_pack("{s:[s,s]}", "argv", "/deploy", versions[i]);
        struct tend_world_outcome outcome = { .outcome = "done", .error = "" };
        face.act(face.context, &(struct tend_world_act){ .verb = "redeploy", .on = "back", .args = args },
                 tend_simulation_now_ms(played.simulation), &outcome);
        json_decref(outcome.value);
        json_decref(args);
        go_on(&played, 131 + 40 * i);
        assert_near(p_of(&played, "back", "back/2", "errors"), i == 0 ? 0.3 : 0.0, 0.03);
    }
    end(&played);
}

static void nonsense_is_told_with_what_there_is(void **state)
{
    (void)state;
    struct played played = begin("{}");
    struct tend_error error = { .text = "" };
    json_t *fault = parse("{'at_ms':1,'on':'bakc','kind':'hang'}");
    assert_int_equal(tend_scenario_world_break(played.world, fault, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "a fault is on \"bakc\", which is not in this world; it has front (2), back (2), "
                                    "cache (1)");
    json_decref(fault);
    end(&played);
}

static void the_same_world_gives_the_same_numbers(void **state)
{
    (void)state;
    double first = 0.0;
    for (int i = 0; i < 2; i++) {
        struct played played = begin("{}");
        break_it(&played, "{'at_ms':60000,'on':'back/1','kind':'slow'}");
        go_on(&played, 301);
        const double p = p_of(&played, "front", "front/2", "time");
        assert_true(i == 0 || (p >= first && p <= first));
        first = p;
        end(&played);
    }
}

static void spoiled_requests_are_those_from_outside_while_it_lasts(void **state)
{
    (void)state;
    struct played played = begin("{}");
    break_it(&played, "{'at_ms':60000,'on':'front','kind':'errors','ratio':0.4,'lasts_ms':60000}");
    break_it(&played, "{'at_ms':200000,'on':'front','kind':'crash'}");
    go_on(&played, 59);
    assert_near(tend_scenario_world_spoiled(played.world), 0, 0);
    go_on(&played, 199);
    assert_near(tend_scenario_world_spoiled(played.world), 2 * 40 * 0.4 * 60, 1e-9);
    go_on(&played, 210); // nobody is left to answer
    assert_near(tend_scenario_world_spoiled(played.world), 2 * 40 * 0.4 * 60 + 2 * 40 * 10, 1e-9);
    end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_nothing_is_wrong_metrics_are_as_expected),
        cmocka_unit_test(a_crash_puts_its_load_on_the_others_and_a_restart_ends_it),
        cmocka_unit_test(a_hang_is_felt_by_callers_and_not_cured_at_them),
        cmocka_unit_test(an_exporter_answers_for_a_service_that_hangs),
        cmocka_unit_test(each_fault_shows_in_its_metric),
        cmocka_unit_test(a_restart_clears_no_bad_deploy_and_a_redeploy_does),
        cmocka_unit_test(acts_end_as_they_are_told_to),
        cmocka_unit_test(what_is_given_by_hand_takes_the_place_of_what_is_measured),
        cmocka_unit_test(an_instance_at_half_of_its_capacity_takes_twice_its_service_time),
        cmocka_unit_test(a_full_queue_is_told_by_errors),
        cmocka_unit_test(a_retry_hides_errors_and_adds_load),
        cmocka_unit_test(a_caller_that_fails_calls_less),
        cmocka_unit_test(without_failover_a_refused_call_is_an_error),
        cmocka_unit_test(what_waits_for_a_time_out_is_counted_when_it_ends),
        cmocka_unit_test(load_follows_the_day),
        cmocka_unit_test(a_metric_is_usually_what_the_scenario_says),
        cmocka_unit_test(what_was_leaked_stays_until_a_restart),
        cmocka_unit_test(a_crash_that_ends_by_itself_costs_a_start_up),
        cmocka_unit_test(a_blind_monitoring_sees_nobody_while_all_serve),
        cmocka_unit_test(who_cannot_be_reached_cannot_be_restarted),
        cmocka_unit_test(an_act_may_go_otherwise_the_second_time_and_on_one_instance),
        cmocka_unit_test(an_act_on_a_service_that_half_works_does_every_second_instance),
        cmocka_unit_test(deploying_the_bad_version_once_more_cures_nothing),
        cmocka_unit_test(nonsense_is_told_with_what_there_is),
        cmocka_unit_test(the_same_world_gives_the_same_numbers),
        cmocka_unit_test(spoiled_requests_are_those_from_outside_while_it_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
