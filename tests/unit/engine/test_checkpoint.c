// Checkpoints: an engine that is loaded does what the saved one does, to the byte of every effect, from wherever it was
// saved.
//
// The world drives one engine (engine_world.h); beside it go mirrors, engines that were loaded from its checkpoints and
// are fed the same events. A scrape here has counters, histograms and timestamps, so that all kinds of metrics and all
// that a window remembers take part.

#include "engine_world.h"

#include "engine/checkpoint.h"
#include "engine/effect_bytes.h"
#include "seeded_random.h"

#define METRICS                                                                                                        \
    ",'window_ms':5000,'metrics':[" UP_METRIC "," LOAD_METRIC                                                          \
    ",{'name':'rate','kind':'rate','sources':['requests_total'],'expect':{'last':3},'alpha':0.9,'bad':'both'}"         \
    ",{'name':'errors','kind':'share','sources':['requests_total{code=\\'500\\'}','requests_total'],"                  \
    "'expect':{'value':0},'out_at':0.5,'min_samples':2}"                                                               \
    ",{'name':'p90','kind':'quantile','q':0.9,'sources':['lat'],'expect':{'peers':{}},'alpha':1}"                      \
    ",{'name':'mean','kind':'mean','sources':['lat'],'expect':{'peers':{'among':'*','self':true}},'alpha':3}"          \
    ",{'name':'age','kind':'age','sources':['last_success'],'expect':{'value':0},'out_at':30,'ahead_ms':64000}"        \
    ",{'name':'took','kind':'scrape_duration','sources':[]}]"
#define ACT                                                                                                            \
    METRICS                                                                                                            \
    ",'limits':{'at_once':1,'share':0.5,'min_healthy':0,'per_hour':40,'cooldown_ms':20000,'attempts':2,"               \
    "'confidence':0.8},'rules':[{'rule':0,'severity':'page','act':true,'fire_after_ms':1000,'missing':'warn'},"        \
    "{'rule':1,'severity':'warn','act':true,'ahead_ms':9000,'clear_after_ms':2000},"                                   \
    "{'rule':2,'severity':'warn','clear_below':0.5,'missing':'act'}],'remedies':[0,1],"                                \
    "'version':{'series':'app_build_info','label':'version'}"
#define AWAKE ",'awake':{'hours':'02:40-02:41; 02:42-06:00','zone':'UTC'}"
// No rule is on it, so it never fires and always learns.
#define QUIET SERVICE("quiet", "'http://q:1/m'", METRICS)
// @ stands for ACT, ~ for QUIET: a string literal may not be as long as the whole.
#define SHOP(more)                                                                                                     \
    DOCUMENT(SERVICE("web", "'http://w:1/m'", "@,'depends':['payments','ledger']") "," SERVICE(                        \
                 "payments", "'http://p:1/m','http://p:2/m'",                                                          \
                 "@,'depends':['ledger']") "," SERVICE("mail", "'http://m:1/m'", "@" AWAKE) ",~",                      \
             RULE("loaded", ",'metric':'load','per':'instance'") "," RULE("judged",                                    \
                                                                          more) "," RULE("slow", ",'metric':'rate'"),  \
             PLAYBOOK("rolling", "") "," PLAYBOOK("drastic", ""),                                                      \
             ",'discoveries':[{'globs':['/sd/*.json'],'service_label':'app','group':'shop','template':" SERVICE(       \
                 "", "", "@") "}],'notifies':[{'name':'ops','on':['*'],'severity':['page','warn'],'to':2,"             \
                              "'again_ms':20000}]")

static char documents[2][16384]; // two generations of the shop

static void write_documents(void)
{
    static const char *const drafts[] = { SHOP(""), SHOP(",'at':'shop.lua:5'") };
    for (size_t i = 0; i < 2; i++) {
        size_t used = 0;
        for (const char *c = drafts[i]; *c != '\0'; c++) {
            const bool whole = *c == '@' || *c == '~';
            const int put = snprintf(documents[i] + used, sizeof documents[i] - used, whole ? "%s" : "%.1s",
                                     *c == '@'   ? ACT
                                     : *c == '~' ? QUIET
                                                 : c);
            used += (size_t)put;
            assert_true(used < sizeof documents[i]);
        }
    }
}

#ifdef TEND_SANITIZED
enum { SEEDS = 6 };
#else
enum { SEEDS = 12 };
#endif
enum { TARGETS = 8, MIRRORS = 2, COLUMNS_MAX = 16 };
static const char *const targets[TARGETS] = { "web/w:1",    "payments/p:1", "payments/p:2", "mail/m:1",
                                              "ledger/h:1", "ledger/h:2",   "cache/h:3",    "quiet/q:1" };
static const char *const services[] = { "web", "payments", "mail", "ledger", NULL };

// Mirrors -------------------------------------------------------------------------------------------------------------

static struct tend_engine *mirrors[MIRRORS];
static size_t compared; // steps

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

static struct tend_engine *load(const struct tend_buffer *bytes, const char *document)
{
    struct tend_engine *engine = NULL;
    struct tend_error error = { .text = "" };
    struct tend_ruleset *ruleset = document == NULL ? NULL : make_ruleset(document);
    if (tend_engine_load(bytes->data, bytes->size, ruleset, &engine, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return engine;
}

static void assert_same_bytes(const struct tend_buffer *one, const struct tend_buffer *other)
{
    for (size_t i = 0; i < one->size && i < other->size; i++) {
        if (one->data[i] != other->data[i]) {
            fail_msg("byte %zu of %zu differs after %zu steps", i, one->size, compared);
        }
    }
    assert_int_equal(one->size, other->size);
}

static void assert_same_state(const struct tend_engine *one, const struct tend_engine *other)
{
    struct tend_buffer bytes[2];
    save(one, &bytes[0]);
    save(other, &bytes[1]);
    assert_same_bytes(&bytes[0], &bytes[1]);
    tend_buffer_clear(&bytes[0]);
    tend_buffer_clear(&bytes[1]);
}

static void assert_same_view(const struct tend_engine *one, const struct tend_engine *other)
{
    json_t *status[2] = { tend_engine_status(one), tend_engine_status(other) };
    char *text[2] = { tend_json_canonical(status[0]), tend_json_canonical(status[1]) };
    assert_string_equal(text[0], text[1]);
    assert_int_equal(tend_engine_target_count(one), tend_engine_target_count(other));
    for (size_t i = 0; i < tend_engine_target_count(one); i++) {
        const struct tend_target_view views[2] = { tend_engine_target(one, i), tend_engine_target(other, i) };
        assert_int_equal(views[0].url == NULL, views[1].url == NULL);
        if (views[0].url != NULL) {
            assert_string_equal(views[0].url, views[1].url);
            assert_string_equal(views[0].instance, views[1].instance);
            assert_true(views[0].revision == views[1].revision);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        free(text[i]);
        json_decref(status[i]);
    }
    const struct tend_engine_counts counts[2] = { tend_engine_counts(one), tend_engine_counts(other) };
    assert_true(counts[0].ticks == counts[1].ticks && counts[0].records == counts[1].records);
    assert_memory_equal(counts[0].runs_ended, counts[1].runs_ended, sizeof counts[0].runs_ended);
}

static void drop_mirror(const struct world *world, size_t index)
{
    if (mirrors[index] != NULL && world != NULL) {
        assert_same_state(world->engine, mirrors[index]);
        assert_same_view(world->engine, mirrors[index]);
    }
    tend_engine_destroy(mirrors[index]);
    mirrors[index] = NULL;
}

static void drop_mirrors(const struct world *world)
{
    for (size_t i = 0; i < MIRRORS; i++) {
        drop_mirror(world, i);
    }
}

// Puts a mirror in a place: of the world's engine, or of the other mirror.
static void make_mirror(const struct world *world, size_t index)
{
    const struct tend_engine *of =
        mirrors[1 - index] != NULL && random_below(3) == 0 ? mirrors[1 - index] : world->engine;
    struct tend_buffer bytes;
    save(of, &bytes);
    drop_mirror(world, index);
    mirrors[index] = load(&bytes, tend_engine_ruleset(of) == NULL ? NULL : world->document);
    struct tend_buffer again;
    save(mirrors[index], &again);
    assert_same_bytes(&bytes, &again);
    tend_buffer_clear(&again);
    tend_buffer_clear(&bytes);
    assert_same_view(world->engine, mirrors[index]);
}

// Effects as bytes, and when it wants to be woken.
static void put_effects(struct tend_buffer *out, const struct tend_effects *effects)
{
    tend_buffer_init(out);
    tend_effects_put(out, effects);
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->list[i].kind == TEND_EFFECT_WAKE) {
            tend_buffer_put_u64(out, (uint64_t)effects->list[i].at_ms);
        }
    }
}

static void step_mirrors(struct world *world, const struct tend_event *event, const struct tend_effects *effects)
{
    struct tend_buffer wanted;
    put_effects(&wanted, effects);
    for (size_t i = 0; i < MIRRORS; i++) {
        if (mirrors[i] == NULL) {
            continue;
        }
        struct tend_event same = *event;
        if (event->kind == TEND_EVENT_GENERATION) {
            same.generation.ruleset = make_ruleset(world->document);
        }
        struct tend_effects made;
        tend_effects_init(&made);
        tend_engine_step(mirrors[i], &same, &made);
        struct tend_buffer bytes;
        put_effects(&bytes, &made);
        assert_same_bytes(&wanted, &bytes);
        tend_buffer_clear(&bytes);
        tend_effects_clear(&made);
        compared++;
    }
    tend_buffer_clear(&wanted);
    if (random_below(12) == 0) {
        make_mirror(world, (size_t)random_below(MIRRORS));
    }
}

// Scrapes -------------------------------------------------------------------------------------------------------------

static struct {
    double requests, errors, buckets[4], sum, start_s, success_s;
    const struct tend_layout *layout;
} told[TARGETS];

static void add_column(struct tend_column *columns, size_t *count, const char *name, const char *label,
                       const char *value)
{
    const struct tend_label one = {
        .name = label, .name_bytes = strlen(label), .value = value, .value_bytes = strlen(value)
    };
    columns[*count].type = TEND_SERIES_UNKNOWN;
    assert_int_equal(tend_label_set_create(name, strlen(name), &one, 1, &columns[(*count)++].labels), TEND_OK);
}

static size_t tell(size_t index, const struct world_target *target, struct tend_column *columns, double *values)
{
    static const char *const bounds[] = { "0.1", "0.5", "1", "+Inf" };
    size_t count = 0;
    if (!target->bare) {
        values[count] = target->load;
        add_column(columns, &count, "load", "", "");
    }
    if (target->version[0] != '\0') {
        values[count] = 1;
        add_column(columns, &count, "app_build_info", "version", target->version);
    }
    values[count] = told[index].requests += random_below(20);
    add_column(columns, &count, "requests_total", "code", "200");
    if (told[index].errors > 0 || random_below(10) == 0) {
        values[count] = told[index].errors += random_below(9);
        add_column(columns, &count, "requests_total", "code", "500");
    }
    for (size_t b = 0, gained = 0; b < 4; b++) {
        gained += (size_t)random_below(4);
        values[count] = told[index].buckets[b] += (double)gained;
        add_column(columns, &count, "lat_bucket", "le", bounds[b]);
    }
    values[count] = told[index].sum += random_below(100) / 7.0;
    add_column(columns, &count, "lat_sum", "", "");
    values[count] = told[index].buckets[3];
    add_column(columns, &count, "lat_count", "", "");
    values[count] = told[index].start_s;
    add_column(columns, &count, "process_start_time_seconds", "", "");
    if (random_below(8) != 0) {
        values[count] = random_below(6) == 0 ? (double)NAN : (double)WORLD_WALL_MS / 1000.0 + told[index].success_s++;
        add_column(columns, &count, "last_success", "", "");
    }
    return count;
}

static void restart_target(size_t index)
{
    const double start_s = told[index].start_s + 10;
    const struct tend_layout *layout = told[index].layout;
    memset(&told[index], 0, sizeof told[index]);
    told[index].start_s = start_s;
    told[index].layout = layout;
}

static void scrape(struct world *world, size_t number)
{
    const struct tend_target_view view = tend_engine_target(world->engine, number);
    size_t index = 0;
    while (view.url != NULL && index < TARGETS && strcmp(view.instance, targets[index]) != 0) {
        index++;
    }
    if (view.url == NULL || index == TARGETS) {
        return;
    }
    const struct world_target *target = world_target(world, targets[index]);
    if (target->silent) {
        return;
    }
    struct tend_event event = { .kind = TEND_EVENT_SCRAPED,
                                .scraped = { .target = number,
                                             .begun_ms = world->now_ms - random_below(50),
                                             .duration_s = 0.01 * random_below(9),
                                             .kind = target->kind,
                                             .reason = target->kind == TEND_SCRAPE_OK ? "" : "as it was told" } };
    if (random_below(60) == 0) {
        restart_target(index);
    }
    struct tend_column columns[COLUMNS_MAX];
    double values[COLUMNS_MAX];
    const size_t count = tell(index, target, columns, values);
    const struct tend_layout *layout = NULL;
    assert_int_equal(tend_layout_create(columns, count, &layout), TEND_OK);
    if (told[index].layout != NULL && tend_layout_equal(layout, told[index].layout) && random_below(3) != 0) {
        tend_layout_release(layout); // as a decoder does while the series stay the same
        layout = tend_layout_retain(told[index].layout);
    }
    if (target->kind == TEND_SCRAPE_OK) {
        event.scraped.layout = layout;
        event.scraped.values = values;
        event.scraped.value_count = count;
    }
    world_step(world, event);
    tend_layout_release(told[index].layout);
    told[index].layout = layout;
    for (size_t i = 0; i < count; i++) {
        tend_label_set_release(columns[i].labels);
    }
}

static void pass(struct world *world, int seconds)
{
    for (int s = 0; s < seconds; s++) {
        for (size_t i = 0; i < tend_engine_target_count(world->engine); i++) {
            scrape(world, i);
        }
        world_until(world, world->now_ms + 1000);
    }
}

static void forget_told(void)
{
    for (size_t i = 0; i < TARGETS; i++) {
        tend_layout_release(told[i].layout);
    }
    memset(told, 0, sizeof told);
}

// Weather -------------------------------------------------------------------------------------------------------------

static enum tend_verdict judge_at_random(struct world *world, const struct view_call *call)
{
    (void)world;
    if (random_below(40) == 0) {
        return TEND_VERDICT_ERROR;
    }
    return call->load_missing ? TEND_VERDICT_UNKNOWN : call->load > 5 ? TEND_VERDICT_OUT : TEND_VERDICT_IN_LINE;
}

static void cure_at_random(struct world *world, const char *verb, const char *instance)
{
    static const char *const outcomes[] = { "done", "done", "done", "failed", "unknown" };
    (void)verb;
    world->exec_outcome = outcomes[random_below(5)];
    world->exec_ms = random_below(4) * INT64_C(700);
    if (random_below(2) == 0 && instance[0] != '\0') {
        world_target(world, instance)->load = 1;
        world_target(world, instance)->kind = TEND_SCRAPE_OK;
    }
}

static void blame_at_random(struct world *world)
{
    const int culprits = random_below(3);
    for (int i = 0; i < culprits; i++) {
        world->blamed[i] = services[(random_below(2) + 2 * i + 1) % 4];
    }
    world->blamed[culprits] = NULL;
    world->confidence = random_below(10) == 0 ? 0.5 : 0.9;
    world->wait = random_below(12) == 0 ? "not yet" : NULL;
}

static void change_a_target(struct world *world)
{
    struct world_target *target = world_target(world, targets[random_below(TARGETS)]);
    switch (random_below(9)) {
    case 0:
    case 1:
    case 7:
        target->load = 10 + random_below(10);
        break;
    case 2:
        target->kind = (enum tend_scrape_kind)(1 + random_below(TEND_SCRAPE_PARSE));
        break;
    case 3:
        target->bare = !target->bare;
        (void)strcpy(target->version, "1");
        break;
    case 4:
        target->silent = !target->silent;
        break;
    case 5:
        (void)snprintf(target->version, sizeof target->version, "%d", random_below(3));
        break;
    default:
        target->load = 1;
        target->kind = TEND_SCRAPE_OK;
        break;
    }
}

// Discovery lists some of three targets, so that numbers of targets become free and are taken again.
static void list_at_random(struct world *world)
{
    json_t *ledger = json_pack("{s:s}", "app", "ledger");
    json_t *cache = json_pack("{s:s, s:s}", "app", "cache", "zone", "b");
    json_t *nobody = json_pack("{s:s}", "zone", "b");
    const struct tend_discovered all[] = {
        { .url = "http://10.0.0.1:1/m", .address = "h:1", .labels = ledger },
        { .url = "http://10.0.0.1:2/m", .address = "h:2", .labels = ledger },
        { .url = "http://h:3/m", .address = "h:3", .labels = cache },
        { .url = "http://h:4/m", .address = "h:4", .labels = nobody },
    };
    struct tend_discovered some[4];
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        if (random_below(3) != 0) {
            some[count++] = all[i];
        }
    }
    world_step(world,
               (struct tend_event){ .kind = TEND_EVENT_TARGETS, .targets = { .targets = some, .count = count } });
    world_until(world, world->now_ms);
    json_decref(ledger);
    json_decref(cache);
    json_decref(nobody);
}

static void measure_by_hand(struct world *world)
{
    double values[8];
    uint8_t missing[8];
    for (size_t m = 0; m < 8; m++) {
        missing[m] = random_below(2) == 0 ? TEND_MEASURED_AS_SCRAPED : (uint8_t)random_below(3);
        values[m] = missing[m] == TEND_HAS_DATA ? random_below(50) / 9.0 : (double)NAN;
    }
    const size_t target = (size_t)random_below((int)tend_engine_target_count(world->engine));
    world_step(world, (struct tend_event){
                          .kind = TEND_EVENT_MEASURED,
                          .measured = { .target = target, .values = values, .missing = missing, .count = 8 } });
}

// More templates than are kept, so that some are forgotten and some are "other lines".
static void log_at_random(struct world *world)
{
    static char texts[40][32];
    struct tend_logged logged[40];
    const int count = random_below(40);
    for (int i = 0; i < count; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "line %c%c%c <*>", 'a' + random_below(3), 'a' + random_below(10),
                       'a' + random_below(10));
        logged[i] = (struct tend_logged){ .template = texts[i],
                                          .level = (uint8_t)random_below(3),
                                          .lines = (uint64_t)(1 + random_below(30)),
                                          .first_ago_ms = random_below(5000) };
    }
    const struct tend_logged_service of = { .service = services[random_below(4)],
                                            .skipped_bytes = (uint64_t)random_below(2) * 4096,
                                            .logged = logged,
                                            .count = (size_t)count };
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_LOGS, .logs = { .services = &of, .count = 1 } });
}

static void answer_what_nobody_asked(struct world *world)
{
    json_t *json = json_pack("{s:{s:s}}", "effect", "kind", "note");
    struct tend_event event = { .kind = (enum tend_event_kind)(TEND_EVENT_VERDICTS + random_below(4)) };
    if (event.kind == TEND_EVENT_RUN_REPLY) {
        event.run_reply.run = "r7";
        event.run_reply.json = json;
    } else if (event.kind == TEND_EVENT_STEP_RESULT) {
        event.step.id = (uint64_t)random_below(50);
        event.step.outcome = "done";
        event.step.error = "";
        event.step.value = json;
    } else {
        event.reply.id = (uint64_t)random_below(50);
        event.reply.json = event.kind == TEND_EVENT_REPLY ? json : NULL;
        event.reply.died = (struct tend_event_died){ .died = true, .what = "", .reason = "killed" };
    }
    world_step(world, event);
    json_decref(json);
}

static void operate_at_random(struct world *world)
{
    static const char *const commands[] = { "pause", "resume", "arm", "arm", "disarm", "close" };
    const char *command = commands[random_below(6)];
    world_operate(world, command, strcmp(command, "close") == 0 ? services[random_below(4)] : "*");
}

static void disturb_the_journal(struct world *world)
{
    switch (random_below(3)) {
    case 0:
        world->holds_journal = !world->holds_journal;
        break;
    case 1:
        if (!world->journal_failed) {
            world_fail_journal(world);
        }
        break;
    default:
        if (world->journal_failed || world->holds_journal) {
            world_mend_journal(world);
        }
        break;
    }
}

static void move_the_wall_clock(struct world *world, int64_t by_ms)
{
    world->wall_skew_ms += by_ms;
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_WALL_MOVED, .wall_moved_ms = by_ms });
}

static void disturb(struct world *world)
{
    switch (random_below(18)) {
    case 0:
        drop_mirrors(world);
        world_crash(world);
        make_mirror(world, 0); // of an engine that knows its journal, but no rules yet
        world_load(world, world->document);
        break;
    case 1:
        world_load(world, documents[random_below(2)]);
        break;
    case 2:
    case 3:
        list_at_random(world);
        break;
    case 4:
        if (random_below(2) == 0) {
            world_keep_quiet(world, random_below(6));
        } else {
            operate_at_random(world);
        }
        break;
    case 5:
        if (world->process_count > 0) {
            world_kill_process(world);
            world_until(world, world->now_ms); // the engine knows before it can answer the dead one
        }
        break;
    case 6:
        disturb_the_journal(world);
        break;
    case 7:
        world->delivers = !world->delivers;
        world->retries = random_below(2) == 0;
        break;
    case 8:
        world->dies_over = random_below(3) != 0 ? NULL : random_below(2) == 0 ? "" : "rule";
        world->dies_index = (uint32_t)random_below(2);
        break;
    case 9:
        move_the_wall_clock(world, random_below(2) == 0 ? 5000 : -5000);
        break;
    case 10:
        measure_by_hand(world);
        break;
    case 11:
        answer_what_nobody_asked(world);
        break;
    case 12:
        world->format_error = random_below(3) == 0 ? "died" : NULL;
        break;
    case 14:
        log_at_random(world);
        break;
    case 13:
        for (int i = 0; i < TARGETS; i++) { // most at once: tend is blind
            world_target(world, targets[i])->kind = TEND_SCRAPE_CONNECT_TIMEOUT;
        }
        break;
    default:
        change_a_target(world);
        break;
    }
}

// What a person would do, sooner or later.
static void ease(struct world *world)
{
    world->dies_over = NULL;
    if (world->journal_failed || world->holds_journal) {
        world_mend_journal(world);
    }
    world_operate(world, "resume", "");
    world_operate(world, "arm", "*");
    for (int i = 0; i < TARGETS; i++) {
        struct world_target *target = world_target(world, targets[i]);
        target->silent = target->bare = false;
        target->kind = random_below(2) == 0 ? TEND_SCRAPE_OK : target->kind;
    }
}

static size_t open_runs_seen;

// A fresh process that is told what tend_engine_open_runs says stands where the run's process stands.
static void check_open_runs(struct world *world)
{
    json_t *runs = tend_engine_open_runs(world->engine);
    size_t index;
    json_t *row;
    json_array_foreach(runs, index, row)
    {
        const struct scripted_run *process = world_process(world, tend_json_text(row, "run", ""));
        if (process == NULL) {
            continue; // killed, and the engine does not know yet
        }
        const json_t *start = json_object_get(row, "start");
        struct scripted_run fresh = { .script = world->scripts[tend_json_integer(start, "playbook", -1)] };
        const json_t *answers = json_object_get(start, "answers");
        json_decref(scripted_run_next(&fresh, NULL));
        for (size_t i = 0; i < json_array_size(answers); i++) {
            json_decref(scripted_run_next(&fresh, json_array_get(answers, i)));
        }
        assert_int_equal(fresh.seq, process->seq);
        assert_int_equal(fresh.next, process->next);
        assert_string_equal(fresh.picked, process->picked);
        assert_true(json_is_object(json_object_get(start, "frozen")));
        open_runs_seen++;
    }
    json_decref(runs);
}

static void begin_storm(struct world *world, uint64_t seed)
{
    static const char *const rolling[] = {
        "pick", "restart $", "verify $", "again", "verify", "else", "note sad", NULL
    };
    static const char *const drastic[] = { "redeploy", "wait 1500", "verify", NULL };
    seed_random(seed);
    world_begin(world, documents[0]);
    world->scripts[0] = rolling;
    world->scripts[1] = drastic;
    world->judge = judge_at_random;
    world->on_exec = cure_at_random;
    world->on_locate = blame_at_random;
    world->grace_ms = random_below(2) * INT64_C(5000);
    for (int i = 0; i < TARGETS; i++) {
        told[i].start_s = 1000 + i;
        (void)world_target(world, targets[i]);
    }
    list_at_random(world);
    world_operate(world, "arm", "*");
}

static void a_loaded_engine_goes_on_as_the_saved_one_would(void **state)
{
    (void)state;
    size_t acts = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        begin_storm(&world, seed);
        world.on_step = step_mirrors;
        for (int second = 0; second < 120; second++) {
            if (random_below(4) == 0) {
                disturb(&world);
            }
            if (random_below(4) == 0) {
                change_a_target(&world);
            }
            if (random_below(5) == 0) {
                ease(&world);
            }
            pass(&world, 1);
            check_open_runs(&world);
        }
        acts += world.execs;
        drop_mirrors(&world);
        forget_told();
        world_end(&world);
    }
    printf("%zu acts, %zu steps compared, %zu processes\n", acts, compared, open_runs_seen);
    assert_true(acts >= SEEDS && compared > 2000 * (size_t)SEEDS &&
                open_runs_seen > 4 * (size_t)SEEDS); // else this says little
}

// It fell asleep at 02:41; then the wall clock falls back to 02:40:56. What was scraped before that moment counts for
// nothing, as nobody knows what it was for.
static void a_service_asleep_wakes_as_it_would_have(void **state)
{
    (void)state;
    seed_random(1);
    struct world world;
    world_begin(&world, documents[0]);
    world_target(&world, "mail/m:1")->load = 10;
    pass(&world, 66);
    make_mirror(&world, 0);
    world.on_step = step_mirrors;
    move_the_wall_clock(&world, -10000);
    pass(&world, 3);
    assert_non_null(mirrors[0]);
    drop_mirrors(&world);
    forget_told();
    world_end(&world);
}

int main(void)
{
    write_documents();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_engine_goes_on_as_the_saved_one_would),
        cmocka_unit_test(a_service_asleep_wakes_as_it_would_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
