// Random weather: whatever happens in whatever order, the world's own checks hold (engine_world.h), and when it is calm
// again, all comes to an end.

#include "engine_world.h"
#include "seeded_random.h"

#define ACT                                                                                                            \
    ",'rules':[{'rule':0,'severity':'page','act':true,'fire_after_ms':1000,'missing':'warn'},"                         \
    "{'rule':1,'severity':'warn','act':true,'clear_after_ms':2000}],'remedies':[0,1],"                                 \
    "'version':{'series':'app_build_info','label':'version'}"
#define SHOP(more)                                                                                                     \
    DOCUMENT(SERVICE("web", "'http://w:1/m'", ACT ",'depends':['payments','ledger']") "," SERVICE(                     \
                 "payments", "'http://p:1/m','http://p:2/m'",                                                          \
                 ACT ",'depends':['ledger']") "," SERVICE("mail", "'http://m:1/m'", ACT),                              \
             RULE("loaded", ",'metric':'load','per':'instance'") "," RULE("judged", more),                             \
             PLAYBOOK("rolling", "") "," PLAYBOOK("drastic", ""),                                                      \
             ",'discoveries':[{'globs':['/sd/*.json'],'service_label':'app','group':'shop','template':" SERVICE(       \
                 "", "", ACT) "}],'notifies':[{'name':'ops','on':['*'],'severity':['page','warn'],'to':2,"             \
                              "'again_ms':20000}]")

enum { TARGETS = 5 };
static const char *const targets[TARGETS] = { "web/w:1", "payments/p:1", "payments/p:2", "mail/m:1", "ledger/h:1" };
static const char *const services[] = { "web", "payments", "mail", "ledger", NULL };

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
    world->exec_ms = random_below(4) * 700;
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
        target->kind = random_below(2) == 0 ? TEND_SCRAPE_REFUSED : TEND_SCRAPE_READ_TIMEOUT;
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

static void disturb(struct world *world)
{
    static const char *const commands[] = { "pause", "resume", "arm", "disarm", "close" };
    switch (random_below(16)) {
    case 0:
        world_restart(world);
        break;
    case 1:
        world_load(world, random_below(2) == 0 ? SHOP("") : SHOP(",'at':'shop.lua:5'"));
        break;
    case 2:
        world_find(world, random_below(3) == 0 ? NULL : "ledger", "h:1");
        break;
    case 3: {
        if (random_below(2) == 0) {
            world_keep_quiet(world, random_below(6));
            break;
        }
        const char *command = commands[random_below(5)];
        world_operate(world, command, strcmp(command, "close") == 0 ? services[random_below(4)] : "*");
        break;
    }
    case 4:
        if (world->process_count > 0) {
            world_kill_process(world);
        }
        break;
    case 5:
        world->holds_journal = !world->holds_journal;
        break;
    case 6:
        if (!world->journal_failed) {
            world_fail_journal(world);
        }
        break;
    case 7:
        if (world->journal_failed || world->holds_journal) {
            world_mend_journal(world);
        }
        break;
    case 8:
        world->delivers = !world->delivers;
        world->retries = random_below(2) == 0;
        break;
    case 9:
        world->dies_over = random_below(3) != 0 ? NULL : random_below(2) == 0 ? "" : "rule";
        world->dies_index = (uint32_t)random_below(2);
        break;
    case 10:
        world->wall_skew_ms += 5000;
        world_step(world, (struct tend_event){ .kind = TEND_EVENT_WALL_MOVED, .wall_moved_ms = 5000 });
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

static void calm(struct world *world)
{
    world->judge = NULL;
    world->dies_over = NULL;
    world->on_locate = NULL;
    world->on_exec = NULL;
    world->exec_outcome = "done";
    world->exec_ms = 0;
    world->delivers = true;
    if (world->journal_failed || world->holds_journal) {
        world_mend_journal(world);
    }
    for (int i = 0; i < TARGETS; i++) {
        *world_target(world, targets[i]) = (struct world_target){ .load = 1 };
        (void)snprintf(world_target(world, targets[i])->name, sizeof world->targets[i].name, "%s", targets[i]);
    }
}

static void whatever_happens_the_rules_hold_and_calm_ends_it(void **state)
{
    (void)state;
    static const char *const rolling[] = {
        "pick", "restart $", "verify $", "again", "verify", "else", "note sad", NULL
    };
    static const char *const drastic[] = { "redeploy", "wait 1500", "verify", NULL };
    size_t acts = 0;
    size_t recovered = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        seed_random(seed);
        struct world world;
        world_begin(&world, SHOP(""));
        world.scripts[0] = rolling;
        world.scripts[1] = drastic;
        world.judge = judge_at_random;
        world.on_exec = cure_at_random;
        world.on_locate = blame_at_random;
        world_find(&world, "ledger", "h:1");
        world_operate(&world, "arm", "*");
        for (int second = 0; second < 150; second++) {
            if (random_below(8) == 0) {
                disturb(&world);
            }
            if (random_below(4) == 0) {
                change_a_target(&world);
            }
            if (random_below(5) == 0) {
                ease(&world);
            }
            world_pass(&world, 1);
        }
        acts += world.execs;
        recovered += world_count_records(&world, TEND_RECORD_RUN, "outcome", "recovered");
        calm(&world);
        world_load(&world, SHOP(",'at':'shop.lua:6'")); // a rule that was off would keep its alerts as they are
        world_find(&world, "ledger", "h:1");
        world_pass(&world, 60);
        for (int64_t least_s = 0; least_s < TEND_FLAP_CLEAR_MS / 1000; least_s += 60) { // what flapped clears late
            if (tend_engine_counts(world.engine).alerts_flapping > 0) {
                world_pass(&world, 60);
            }
        }
        const struct tend_engine_counts counts = tend_engine_counts(world.engine);
        assert_int_equal(counts.runs_open, 0);
        assert_int_equal(counts.alerts_firing, 0);
        assert_int_equal(counts.incidents_open, 0);
        world_restart(&world); // and the journal says the same
        assert_int_equal(tend_engine_counts(world.engine).incidents_open, 0);
        assert_int_equal(tend_engine_counts(world.engine).alerts_firing, 0);
        world_end(&world);
    }
    assert_true(acts > 200 && recovered > 20); // else this says little
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_the_rules_hold_and_calm_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
