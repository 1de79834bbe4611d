// Missing data in the whole engine, as a table: each cause that can reach a metric, made by what would make it, and
// what becomes of an alert that is inactive, pending or firing then, under each policy. Nothing fires or resolves by
// accident, and no P is ever made up.

#include "engine_world.h"

#include "series/missing.h"

#define LEDGER "ledger/h:1"

enum { FIRE_AFTER_S = 3, TROUBLE_S = 6 };

// The kinds of metric, each told by series of its own; all expect 1, and are out of line from 2 on (`up` expects 1, and
// is out of line at 0).
// -------------------------------------------------------------------------------------------------------

enum kind { GAUGE, RATE, MEAN, QUANTILE, SHARE, AGE, UP_GAUGE, UP_SCRAPE, KINDS };

static const char *const kind_names[] = { "gauge", "rate", "mean", "quantile", "share", "age", "up (gauge)", "up" };

#define ABOVE ",'expect':{'value':1},'out_at':2,'bad':'above'"
#define BELOW ",'expect':{'value':1},'alpha':0.5,'bad':'below'"

static const char *const definitions[] = {
    [GAUGE] = "'kind':'gauge','sources':['depth']" ABOVE,
    [RATE] = "'kind':'rate','sources':['made_total']" ABOVE,
    [MEAN] = "'kind':'mean','sources':['took']" ABOVE,
    [QUANTILE] = "'kind':'quantile','q':0.5,'sources':['took']" ABOVE,
    [SHARE] = "'kind':'share','sources':['failed_total','asked_total']" ABOVE,
    [AGE] = "'kind':'age','sources':['stamp']" ABOVE,
    [UP_GAUGE] = "'kind':'up','sources':['alive']" BELOW,
    [UP_SCRAPE] = "'kind':'up','sources':[]" BELOW,
};

static const double in_line[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
static const double out_of_line[] = { 10, 10, 10, 10, 10, 10, 0, 0 };

// What a target says --------------------------------------------------------------------------------------------------

enum saying { SAYS_ALL, SAYS_NOTHING_HAPPENED, SAYS_NO_SERIES, SAYS_NO_NUMERATOR, SAYS_FAILED };

struct target {
    double value;
    enum saying says;
    enum tend_scrape_kind fails;
    double made, sum, count, failed, asked, buckets[4];
};

struct trial {
    struct world world;
    enum kind kind;
    struct target targets[3];
    const char *wrong; // what went wrong at a look between, or NULL
    bool fired;        // some record said "firing"
};

static struct tend_column column(const char *name, const char *le)
{
    struct tend_column column = { .type = TEND_SERIES_GAUGE };
    const struct tend_label label = {
        .name = "le", .name_bytes = 2, .value = le, .value_bytes = le == NULL ? 0 : strlen(le)
    };
    assert_int_equal(tend_label_set_create(name, strlen(name), &label, le == NULL ? 0 : 1, &column.labels), TEND_OK);
    return column;
}

// A second of work: ten requests (none where nothing happened), of which each took `value` and `value` in one failed.
static void work(struct target *target)
{
    if (target->says == SAYS_NOTHING_HAPPENED) {
        return;
    }
    static const double bounds[] = { 1.5, 3, 12, HUGE_VAL };
    target->made += target->value;
    target->sum += 10 * target->value;
    target->count += 10;
    target->failed += 10 * target->value;
    target->asked += 10;
    for (size_t i = 0; i < 4; i++) {
        target->buckets[i] += target->value <= bounds[i] ? 10 : 0;
    }
}

static void tell(struct trial *trial, size_t index)
{
    struct target *target = &trial->targets[index];
    struct world *world = &trial->world;
    const double wall_s = (double)(world->now_ms - WORLD_BEGIN_MS + WORLD_WALL_MS + world->wall_skew_ms) / 1000.0;
    const double told = target->says == SAYS_NOTHING_HAPPENED ? (double)NAN : target->value;
    work(target);
    static const char *const names[] = { "depth",      "made_total",   "took_sum",
                                         "took_count", "failed_total", "asked_total",
                                         "stamp",      "alive",        "process_start_time_seconds" };
    static const char *const bounds[] = { "1.5", "3", "12", "+Inf" };
    double values[13] = { told,          target->made,  target->sum, target->count, target->failed,
                          target->asked, wall_s - told, told,        1000.0 };
    struct tend_column columns[13];
    for (size_t i = 0; i < 13; i++) {
        columns[i] = i < 9 ? column(names[i], NULL) : column("took_bucket", bounds[i - 9]);
        if (i >= 9) {
            values[i] = target->buckets[i - 9];
        }
        const bool gone = target->says == SAYS_NO_SERIES ? i != 8 : target->says == SAYS_NO_NUMERATOR && i == 4;
        values[i] = gone ? tend_stale() : values[i];
    }
    const struct tend_layout *layout = NULL;
    assert_int_equal(tend_layout_create(columns, 13, &layout), TEND_OK);
    struct tend_event event = { .kind = TEND_EVENT_SCRAPED,
                                .scraped = { .target = index,
                                             .begun_ms = world->now_ms,
                                             .duration_s = 0.01,
                                             .reason = "",
                                             .layout = layout,
                                             .values = values,
                                             .value_count = 13 } };
    if (target->says == SAYS_FAILED) {
        event.scraped.kind = target->fails;
        event.scraped.reason = "as it was told";
        event.scraped.layout = NULL;
        event.scraped.value_count = 0;
    }
    world_step(world, event);
    tend_layout_release(layout);
    for (size_t i = 0; i < 13; i++) {
        tend_label_set_release(columns[i].labels);
    }
}

static void second(struct trial *trial)
{
    for (size_t i = 0; i < tend_engine_target_count(trial->world.engine); i++) {
        if (tend_engine_target(trial->world.engine, i).url != NULL) {
            tell(trial, i);
        }
    }
    world_until(&trial->world, trial->world.now_ms + 1000);
}

// As the evaluator judges `when = function(s) return s.load.out end`.
static enum tend_verdict judge_out(struct world *world, const struct view_call *call)
{
    (void)world;
    return call->cause == TEND_MISSING_WARMING_UP ? TEND_VERDICT_HOLD
           : call->load_missing                   ? TEND_VERDICT_UNKNOWN
           : call->load_out                       ? TEND_VERDICT_OUT
                                                  : TEND_VERDICT_IN_LINE;
}

// Causes --------------------------------------------------------------------------------------------------------------

enum state { INACTIVE, PENDING, FIRING, STATES };
enum policy { HOLD, WARN, ACT, POLICIES };

enum outcome {
    QUIET, // inactive, and at no time did it fire
    STAYS, // fires on as it did
    WARNS, // fires, but only as a warning that may not act
    FIRES, // fires, as if it were out of line
    ENDS,  // it fired, and is over
};

static const char *const outcome_names[] = { "quiet", "fires on", "warns", "fires", "ended" };

typedef enum outcome outcome_table[POLICIES][STATES];

static const outcome_table as_the_policy_says = {
    [HOLD] = { QUIET, QUIET, STAYS }, [WARN] = { WARNS, WARNS, STAYS }, [ACT] = { FIRES, FIRES, STAYS }
};
static const outcome_table held = { { QUIET, QUIET, STAYS }, { QUIET, QUIET, STAYS }, { QUIET, QUIET, STAYS } };
static const outcome_table over = { { QUIET, QUIET, ENDS }, { QUIET, QUIET, ENDS }, { QUIET, QUIET, ENDS } };
static const outcome_table is_down = { { FIRES, FIRES, STAYS }, { FIRES, FIRES, STAYS }, { FIRES, FIRES, STAYS } };

static void fail_scrape(struct trial *trial, int argument)
{
    trial->targets[0].says = SAYS_FAILED;
    trial->targets[0].fails = (enum tend_scrape_kind)argument;
}

static void say(struct trial *trial, int argument)
{
    trial->targets[0].says = (enum saying)argument;
}

// A jump of the clock in each second: no window ever holds two scrapes.
static void jump(struct trial *trial, int argument)
{
    (void)argument;
    world_step(&trial->world, (struct tend_event){ .kind = TEND_EVENT_WALL_MOVED, .wall_moved_ms = 0 });
    world_until(&trial->world, trial->world.now_ms + 1);
}

// Two scrapes of three fail: with at least two samples in three seconds there are never enough.
static void flicker(struct trial *trial, int argument)
{
    (void)argument;
    const bool answers = (trial->world.now_ms - WORLD_BEGIN_MS) / 1000 % 3 == 2;
    trial->targets[0].says = answers ? SAYS_ALL : SAYS_FAILED;
    trial->targets[0].fails = TEND_SCRAPE_READ_TIMEOUT;
}

static void forget_target(struct trial *trial, int argument)
{
    (void)argument;
    world_find(&trial->world, NULL, NULL);
}

static void nothing(struct trial *trial, int argument)
{
    (void)trial;
    (void)argument;
}

#define OF(kind) (1u << (kind))
#define OF_COUNTERS (OF(RATE) | OF(MEAN) | OF(QUANTILE) | OF(SHARE))
#define OF_VALUES (OF(GAUGE) | OF(AGE) | OF(UP_GAUGE))
#define OF_SERIES (OF_COUNTERS | OF(GAUGE) | OF(AGE))

struct cause {
    const char *name;
    void (*make)(struct trial *trial, int argument); // before each second of trouble
    int argument;
    const char *text;    // what `missing` is in each of them, or "" where there is data
    const char *or_text; // or this
    unsigned kinds;
    const outcome_table *outcomes;
    const char *more; // of the service's definition
    int lead_s;       // how long all is well before
};

#define SCRAPE(kind)                                                                                                   \
    {                                                                                                                  \
        "scrape failed: " #kind, fail_scrape, kind, "scrape failed", NULL, OF_SERIES, &as_the_policy_says, "", 6       \
    }
#define NIGHT_S 50 // the world begins at 02:40:00

static const struct cause causes[] = {
    SCRAPE(TEND_SCRAPE_RESOLVE),
    SCRAPE(TEND_SCRAPE_REFUSED),
    SCRAPE(TEND_SCRAPE_CONNECT_TIMEOUT),
    SCRAPE(TEND_SCRAPE_TLS),
    SCRAPE(TEND_SCRAPE_SEND),
    SCRAPE(TEND_SCRAPE_READ_TIMEOUT),
    SCRAPE(TEND_SCRAPE_CLOSED_EARLY),
    SCRAPE(TEND_SCRAPE_HTTP_STATUS),
    SCRAPE(TEND_SCRAPE_TOO_LARGE),
    { "bad payload", fail_scrape, TEND_SCRAPE_PARSE, "bad payload", NULL, OF_SERIES, &as_the_policy_says, "", 6 },
    { "series gone", say, SAYS_NO_SERIES, "series gone", NULL, OF_SERIES | OF(UP_GAUGE), &as_the_policy_says, "", 6 },
    { "numerator gone", say, SAYS_NO_NUMERATOR, "series gone", NULL, OF(SHARE), &as_the_policy_says, "", 6 },
    { "no traffic", say, SAYS_NOTHING_HAPPENED, "no traffic", "", (OF_SERIES | OF(UP_GAUGE)) & ~OF(RATE),
      &as_the_policy_says, "", 6 },
    { "warming up", jump, 0, "warming up", NULL, OF_COUNTERS, &held, "", 6 },
    { "too few yet", jump, 0, "warming up", NULL, OF(GAUGE) | OF(AGE), &held, "", 6 },
    { "too few", flicker, 0, "too few samples", "scrape failed", OF(GAUGE) | OF(AGE), &as_the_policy_says, "", 6 },
    { "asleep", nothing, 0, "asleep", "", OF_SERIES | OF(UP_GAUGE) | OF(UP_SCRAPE), &over,
      ",'awake':{'hours':'02:40-02:41','zone':'UTC'}", NIGHT_S },
    { "down is what up says", fail_scrape, TEND_SCRAPE_REFUSED, "", NULL, OF(UP_SCRAPE) | OF(UP_GAUGE), &is_down, "",
      6 },
    { "malformed is down", fail_scrape, TEND_SCRAPE_PARSE, "", NULL, OF(UP_SCRAPE) | OF(UP_GAUGE), &is_down, "", 6 },
    { "target removed", forget_target, 0, NULL, NULL, OF_SERIES | OF(UP_GAUGE) | OF(UP_SCRAPE), &over, "", 6 },
};

// A trial -------------------------------------------------------------------------------------------------------------

static const char *const policy_names[] = { "hold", "warn", "act" };
static const char *const state_names[] = { "inactive", "pending", "firing" };

struct form {
    const char *name;
    const char *rule; // of the generation document
    const char *per;
};

static const struct form forms[] = {
    { "metric, service", RULE("judged", ",'metric':'load'"), "service" },
    { "metric, instance", RULE("judged", ",'metric':'load','per':'instance'"), "instance" },
    { "function, service", RULE("judged", ""), "service" },
    { "function, instance", RULE("judged", ",'per':'instance'"), "instance" },
};

static char *document_of(const struct cause *cause, enum kind kind, enum policy policy, const struct form *form)
{
    const bool few = strncmp(cause->name, "too few", 7) == 0;
    char *text = NULL;
    assert_true(
        asprintf(
            &text,
            "{'services':[],'rules':[%s],'playbooks':[],'discoveries':[{'globs':['/sd/*.json'],"
            "'service_label':'app','group':'shop','template':{'name':'shop','groups':['*','shop'],'targets':[],"
            "'every_ms':1000,'window_ms':%d,'timeout_ms':500,'metrics':[" UP_METRIC ",{'name':'load',%s%s}]," LIMITS(
                "") "%s,"
                    "'rules':[{'rule':0,'severity':'page','clear_below':0.9,'fire_after_ms':%d,'clear_after_ms':2000,"
                    "'missing':'%s','per':'%s'}]}}]}",
            form->rule, few ? 3000 : 2000, definitions[kind], few ? ",'min_samples':2" : "", cause->more,
            FIRE_AFTER_S * 1000, policy_names[policy], form->per) > 0);
    return text;
}

static const json_t *load_of_service(const json_t *status)
{
    const json_t *metrics = json_object_get(json_array_get(json_object_get(status, "services"), 0), "metrics");
    size_t i = 0;
    while (i < json_array_size(metrics) &&
           strcmp(tend_json_text(json_array_get(metrics, i), "name", ""), "load") != 0) {
        i++;
    }
    return json_array_get(metrics, i);
}

static const json_t *load_of_instance(const json_t *status, size_t index)
{
    const json_t *service = json_array_get(json_object_get(status, "services"), 0);
    const json_t *instance = json_array_get(json_object_get(service, "instances"), index);
    return json_object_get(json_object_get(instance, "metrics"), "load");
}

// P as `tend status` shows it is null wherever there is a cause, and the cause is the one that it ought to be.
static void look(struct trial *trial, const struct cause *cause)
{
    json_t *status = tend_engine_status(trial->world.engine);
    const json_t *views[] = { load_of_service(status), load_of_instance(status, 0) };
    for (size_t i = 0; cause->text != NULL && i < 2; i++) {
        const char *text = tend_json_text(views[i], "missing", "");
        if (strcmp(text, cause->text) != 0 && (cause->or_text == NULL || strcmp(text, cause->or_text) != 0)) {
            trial->wrong = "another cause";
        }
        if (json_is_null(json_object_get(views[i], "P")) != (text[0] != '\0')) {
            trial->wrong = "a P without data, or none with it";
        }
    }
    json_decref(status);
}

static enum outcome outcome_of(const struct trial *trial, enum state before, size_t records)
{
    const json_t *alert = world_newest(&trial->world, TEND_RECORD_ALERT, NULL, NULL);
    bool fired = before == FIRING;
    for (size_t i = records; i < trial->world.record_count; i++) {
        fired = fired || (trial->world.records[i].kind == TEND_RECORD_ALERT &&
                          strcmp(tend_json_text(trial->world.records[i].body, "state", ""), "firing") == 0);
    }
    if (strcmp(tend_json_text(alert, "state", ""), "firing") != 0) {
        return fired ? ENDS : QUIET;
    }
    return tend_json_bool(alert, "by_missing", false) ? WARNS : before == FIRING ? STAYS : FIRES;
}

static void begin(struct trial *trial, const char *document, enum kind kind, const struct cause *cause)
{
    memset(trial, 0, sizeof *trial);
    trial->kind = kind;
    world_begin(&trial->world, document);
    trial->world.judge = judge_out;
    world_find(&trial->world, "ledger", "h:1");
    trial->targets[0].value = in_line[kind];
    for (int i = 0; i < cause->lead_s; i++) {
        second(trial);
    }
}

// Brings the alert into a state. @return whether it is in it
static bool bring(struct trial *trial, enum state state)
{
    const bool of_scrape = trial->kind == UP_SCRAPE;
    trial->targets[0].value = state == INACTIVE ? in_line[trial->kind] : out_of_line[trial->kind];
    if (state != INACTIVE && of_scrape) {
        fail_scrape(trial, TEND_SCRAPE_REFUSED);
    }
    for (int i = 0; i < (state == PENDING ? 2 : FIRE_AFTER_S + 3); i++) {
        second(trial);
    }
    const char *is = world_alert_state(&trial->world, "ledger");
    return strcmp(is[0] == '\0' ? "inactive" : is, state_names[state]) == 0;
}

static size_t one_trial(const struct cause *cause, enum kind kind, enum policy policy, enum state state,
                        const struct form *form)
{
    char *document = document_of(cause, kind, policy, form);
    struct trial trial;
    begin(&trial, document, kind, cause);
    if (!bring(&trial, state)) {
        trial.wrong = "it did not come into that state";
    }
    if (cause->lead_s == NIGHT_S) { // up to nightfall
        for (int i = 0; state == INACTIVE && i < 4; i++) {
            second(&trial);
        }
        world_until(&trial.world, WORLD_BEGIN_MS + 60000);
    }
    const size_t records = trial.world.record_count;
    for (int i = 0; i < TROUBLE_S; i++) {
        cause->make(&trial, cause->argument);
        second(&trial);
        if (i > 0) {
            look(&trial, cause);
        }
    }
    const enum outcome outcome = outcome_of(&trial, state, records);
    const enum outcome expected = (*cause->outcomes)[policy][state];
    if (outcome != expected || trial.wrong != NULL) {
        print_message("%s, %s, %s, %s, %s: %s, expected %s; %s\n", cause->name, kind_names[kind], policy_names[policy],
                      state_names[state], form->name, outcome_names[outcome], outcome_names[expected],
                      trial.wrong == NULL ? "" : trial.wrong);
    }
    const size_t wrong = outcome != expected || trial.wrong != NULL;
    world_end(&trial.world);
    free(document);
    return wrong;
}

static void each_cause_does_what_the_policy_says_and_no_more(void **state)
{
    (void)state;
    size_t wrong = 0;
    size_t trials = 0;
    for (size_t c = 0; c < sizeof causes / sizeof causes[0]; c++) {
        for (size_t i = 0; i < KINDS * POLICIES * STATES * 4; i++) {
            const enum kind kind = (enum kind)(i / (POLICIES * STATES * 4));
            const bool repeats = c > 0 && c < 9 && kind != GAUGE; // the kinds of failure differ in name only
            if ((causes[c].kinds & OF(kind)) != 0 && !repeats) {
                wrong += one_trial(&causes[c], kind, (enum policy)(i / (STATES * 4) % POLICIES),
                                   (enum state)(i / 4 % STATES), &forms[i % 4]);
                trials++;
            }
        }
    }
    assert_true(trials > 2000);
    assert_int_equal(wrong, 0);
}

// A service of three instances
// ------------------------------------------------------------------------------------------

static const unsigned pooled_kinds = OF_COUNTERS | OF(GAUGE);

static void begin_three(struct trial *trial, enum kind kind, enum policy policy, const struct form *form,
                        const char *definition)
{
    memset(trial, 0, sizeof *trial);
    char *document = NULL;
    assert_true(asprintf(&document,
                         "{'services':[{'name':'ledger','groups':['*'],'targets':['http://h:1/metrics',"
                         "'http://h:2/metrics','http://h:3/metrics'],'every_ms':1000,'window_ms':2000,"
                         "'timeout_ms':500,'metrics':[" UP_METRIC ",{'name':'load',%s}]," LIMITS(
                             "") ",'rules':[{'rule':0,'severity':'page','clear_below':0.9,'fire_after_ms':%d,"
                                 "'clear_after_ms':2000,'missing':'%s','per':'%s'}]}],'rules':[%s],'playbooks':[]}",
                         definition, FIRE_AFTER_S * 1000, policy_names[policy], form->per, form->rule) > 0);
    trial->kind = kind;
    world_begin(&trial->world, document);
    free(document);
    trial->world.document = NULL;
    trial->world.judge = judge_out;
    for (size_t i = 0; i < 3; i++) {
        trial->targets[i].value = in_line[kind];
    }
}

static void seconds(struct trial *trial, int count)
{
    for (int i = 0; i < count; i++) {
        second(trial);
    }
}

static double load_p(const struct trial *trial)
{
    json_t *status = tend_engine_status(trial->world.engine);
    const double p = tend_json_number(load_of_service(status), "P", (double)NAN);
    json_decref(status);
    return p;
}

static const char *load_missing(const struct trial *trial)
{
    static char text[32];
    json_t *status = tend_engine_status(trial->world.engine);
    (void)snprintf(text, sizeof text, "%s", tend_json_text(load_of_service(status), "missing", ""));
    json_decref(status);
    return text;
}

// Calls for each kind that is pooled, each policy, and both forms of a rule on the service.
static void for_each_pooled(void (*trial_of)(struct trial *trial, enum kind kind, enum policy policy))
{
    for (size_t i = 0; i < KINDS * POLICIES * 2; i++) {
        const enum kind kind = (enum kind)(i / (POLICIES * 2));
        const enum policy policy = (enum policy)(i / 2 % POLICIES);
        if ((pooled_kinds & OF(kind)) != 0) {
            struct trial trial;
            begin_three(&trial, kind, policy, &forms[i % 2 * 2], definitions[kind]);
            trial_of(&trial, kind, policy);
            world_end(&trial.world);
        }
    }
}

static void one_goes(struct trial *trial, enum kind kind, enum policy policy)
{
    (void)policy;
    seconds(trial, 6);
    const double before = load_p(trial);
    fail_scrape(trial, TEND_SCRAPE_REFUSED);
    seconds(trial, 6);
    assert_true(load_p(trial) == before); // of the two that are left, which say the same
    assert_true(kind == QUANTILE || before == 1.0);
    assert_int_equal(world_count_records(&trial->world, TEND_RECORD_ALERT, NULL, NULL), 0);
}

static void what_is_left_of_a_service_is_judged_and_one_that_is_missing_is_no_news(void **state)
{
    (void)state;
    for_each_pooled(one_goes);
}

static void bad_one_goes_and_comes_back(struct trial *trial, enum kind kind, enum policy policy)
{
    (void)policy;
    static const enum tend_scrape_kind ways[] = { TEND_SCRAPE_READ_TIMEOUT, TEND_SCRAPE_PARSE, TEND_SCRAPE_OK };
    seconds(trial, 6);
    trial->targets[0].value = 20;                        // the mean of it, 1 and 1 is above 2
    trial->targets[1].value = kind == QUANTILE ? 20 : 1; // the median needs more than half
    seconds(trial, 6);
    assert_string_equal(world_alert_state(&trial->world, "ledger"), "firing");
    for (size_t i = 0; i < 3; i++) { // the last time its series are gone, and all else is well
        for (size_t t = 0; t < (kind == QUANTILE ? 2 : 1); t++) {
            trial->targets[t].says = ways[i] == TEND_SCRAPE_OK ? SAYS_NO_SERIES : SAYS_FAILED;
            trial->targets[t].fails = ways[i];
        }
        seconds(trial, 6);
        assert_true(load_p(trial) <= 1.0); // by what is left it would be in line
        assert_string_equal(world_alert_state(&trial->world, "ledger"), "firing");
    }
    for (size_t t = 0; t < 2; t++) {
        trial->targets[t].says = SAYS_ALL;
        trial->targets[t].value = in_line[kind];
    }
    seconds(trial, 6);
    assert_string_equal(world_alert_state(&trial->world, "ledger"), "resolved");
}

static void a_service_does_not_resolve_because_its_bad_instance_has_no_data(void **state)
{
    (void)state;
    for_each_pooled(bad_one_goes_and_comes_back);
}

static void one_is_drained(struct trial *trial, enum kind kind, enum policy policy)
{
    (void)policy;
    if (kind == RATE) {
        return; // nothing happening is a rate of 0
    }
    seconds(trial, 6);
    trial->targets[0].value = 20;
    trial->targets[1].value = kind == QUANTILE ? 20 : 1;
    seconds(trial, 6);
    assert_string_equal(world_alert_state(&trial->world, "ledger"), "firing");
    trial->targets[0].says = SAYS_NOTHING_HAPPENED;
    trial->targets[1].value = 1;
    seconds(trial, 6);
    assert_string_equal(world_alert_state(&trial->world, "ledger"), "resolved");
}

static void a_service_resolves_when_its_bad_instance_has_no_traffic(void **state)
{
    (void)state;
    for_each_pooled(one_is_drained);
}

static void all_go(struct trial *trial, enum kind kind, enum policy policy)
{
    (void)kind;
    seconds(trial, 6);
    const size_t records = trial->world.record_count;
    for (size_t i = 0; i < 3; i++) {
        trial->targets[i].says = i == 1 ? SAYS_NO_SERIES : SAYS_FAILED;
        trial->targets[i].fails = TEND_SCRAPE_REFUSED;
    }
    seconds(trial, 6);
    assert_string_equal(load_missing(trial), "scrape failed");
    assert_int_equal(outcome_of(trial, INACTIVE, records), as_the_policy_says[policy][INACTIVE]);
}

static void a_service_of_which_nothing_is_left_is_as_the_policy_says(void **state)
{
    (void)state;
    for_each_pooled(all_go);
}

static void an_expectation_that_is_learning_raises_nothing_whatever_the_policy(void **state)
{
    (void)state;
    for (size_t i = 0; i < POLICIES * 2; i++) {
        struct trial trial;
        begin_three(&trial, GAUGE, (enum policy)(i / 2), &forms[i % 2 * 2],
                    "'kind':'gauge','sources':['depth'],'expect':{'last':20},'alpha':1,'bad':'above'");
        seconds(&trial, 19); // of 20 that it wants
        assert_int_equal(world_count_records(&trial.world, TEND_RECORD_ALERT, NULL, NULL), 0);
        world_end(&trial.world);
    }
}

static void no_peer_to_compare_with_is_as_the_policy_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < POLICIES * 2; i++) {
        const enum policy policy = (enum policy)(i / 2);
        struct trial trial;
        begin_three(&trial, GAUGE, policy, &forms[i % 2 * 2 + 1],
                    "'kind':'gauge','sources':['depth'],'expect':{'peers':{}},'alpha':1,'bad':'above'");
        seconds(&trial, 6);
        for (size_t t = 1; t < 3; t++) {
            trial.targets[t].says = SAYS_FAILED;
            trial.targets[t].fails = TEND_SCRAPE_REFUSED;
        }
        trial.targets[0].value = 100; // nobody says that this is much
        seconds(&trial, 6);
        json_t *status = tend_engine_status(trial.world.engine);
        assert_true(json_is_null(json_object_get(load_of_instance(status, 0), "E")));
        json_decref(status);
        const json_t *alert =
            world_newest(&trial.world, TEND_RECORD_ALERT, "instance", LEDGER); // the others are missing
        assert_string_equal(tend_json_text(alert, "state", "quiet"), policy == HOLD ? "quiet" : "firing");
        assert_true(tend_json_bool(alert, "by_missing", false) == (policy == WARN));
        world_end(&trial.world);
    }
}

static void waking_raises_nothing_whatever_the_policy(void **state)
{
    (void)state;
    static const struct cause night = { .name = "woke",
                                        .lead_s = 55,
                                        .more = ",'awake':{'hours':'02:40-02:41; 02:42-06:00',"
                                                "'zone':'UTC'}" };
    for (size_t i = 0; i < KINDS * POLICIES * 4; i++) {
        const enum kind kind = (enum kind)(i / (POLICIES * 4));
        char *document = document_of(&night, kind, (enum policy)(i / 4 % POLICIES), &forms[i % 4]);
        struct trial trial;
        begin(&trial, document, kind, &night);
        seconds(&trial, 75); // sixty of them asleep
        assert_string_equal(load_missing(&trial), "");
        assert_int_equal(world_count_records(&trial.world, TEND_RECORD_ALERT, NULL, NULL), 0);
        world_end(&trial.world);
        free(document);
    }
}

static void starting_raises_nothing_whatever_the_policy(void **state)
{
    (void)state;
    static const struct cause none = { .name = "too few", .more = "" }; // min_samples is 2
    for (size_t i = 0; i < KINDS * POLICIES * 4; i++) {
        const enum kind kind = (enum kind)(i / (POLICIES * 4));
        char *document = document_of(&none, kind, (enum policy)(i / 4 % POLICIES), &forms[i % 4]);
        char *at = strstr(document, "'fire_after_ms':3000");
        memcpy(at + strlen("'fire_after_ms':"), "0   ", 4); // at once
        struct trial trial;
        begin(&trial, document, kind, &none);
        second(&trial);
        const bool at_once = kind == UP_GAUGE || kind == UP_SCRAPE;
        assert_string_equal(load_missing(&trial), at_once ? "" : "warming up");
        seconds(&trial, 3);
        assert_string_equal(load_missing(&trial), "");
        assert_int_equal(world_count_records(&trial.world, TEND_RECORD_ALERT, NULL, NULL), 0);
        world_end(&trial.world);
        free(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_does_what_the_policy_says_and_no_more),
        cmocka_unit_test(what_is_left_of_a_service_is_judged_and_one_that_is_missing_is_no_news),
        cmocka_unit_test(a_service_does_not_resolve_because_its_bad_instance_has_no_data),
        cmocka_unit_test(a_service_resolves_when_its_bad_instance_has_no_traffic),
        cmocka_unit_test(a_service_of_which_nothing_is_left_is_as_the_policy_says),
        cmocka_unit_test(an_expectation_that_is_learning_raises_nothing_whatever_the_policy),
        cmocka_unit_test(no_peer_to_compare_with_is_as_the_policy_says),
        cmocka_unit_test(waking_raises_nothing_whatever_the_policy),
        cmocka_unit_test(starting_raises_nothing_whatever_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
