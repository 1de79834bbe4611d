// Notices: who is told, in which order, how often it is tried, and what outlasts a reload and a restart.

#include "engine_world.h"

#define LEDGER "ledger/h:1"
#define PAGE ",'rules':[{'rule':0,'clear_below':1,'severity':'page'}]"
#define TELL(more) "{'name':'ops','on':['*'],'severity':['page'],'to':2" more "}"
#define DOC(notifies)                                                                                                  \
    DOCUMENT(SERVICE("ledger", "'http://h:1/m'", PAGE), LOAD_RULE, PLAYBOOK("restart", ""),                            \
             ",'notifies':[" notifies "]")

static void begin(struct world *world, const char *document)
{
    world_begin(world, document);
    world->wait = "nobody yet"; // so that nothing but the alert is told
    world_target(world, LEDGER)->load = 10;
}

static size_t told(const struct world *world, const char *what)
{
    size_t count = 0;
    for (const char *at = tend_buffer_text(&world->delivered); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static void a_page_is_on_disk_before_it_is_sent(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.holds_journal = true;
    world_pass(&world, 5);
    assert_int_equal(world.deliveries, 0);
    world_mend_journal(&world);
    assert_int_equal(world.deliveries, 1);
    assert_int_equal(told(&world, "/ops/firing/"), 1);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_NOTICE, NULL, NULL), "status", ""), "sent");
    world_end(&world);
}

static void a_page_is_sent_though_the_journal_fails(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 2);
    world_fail_journal(&world);
    world_until(&world, world.now_ms + 100);
    assert_int_equal(told(&world, "journal/ops/firing/"), 1); // that it fails is a page of its own
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 3);
    assert_int_equal(told(&world, "/ops/firing/"), 2);
    world_fail_journal(&world);
    world_pass(&world, 3);
    assert_int_equal(told(&world, "journal/ops/firing/"), 1);
    world_mend_journal(&world);
    assert_int_equal(told(&world, "journal/ops/resolved/"), 1);
    world_end(&world);
}

static void a_page_tells_what_and_who_and_since_when(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world_pass(&world, 1);
    const json_t *notice = json_object_get(world_newest(&world, TEND_RECORD_NOTICE, "status", "queued"), "payload");
    assert_string_equal(tend_json_text(notice, "status", ""), "firing");
    assert_string_equal(tend_json_text(notice, "severity", ""), "page");
    assert_string_equal(tend_json_text(notice, "summary", ""), "ledger: loaded: load 10 (expected 1)");
    const json_t *alert = json_array_get(json_object_get(notice, "alerts"), 0);
    assert_string_equal(tend_json_text(alert, "startsAt", ""), "2026-02-02T02:40:00.005Z"); // its tick
    assert_string_equal(tend_json_text(alert, "endsAt", ""), "0001-01-01T00:00:00Z");
    world_end(&world);
}

static void one_that_cannot_be_delivered_is_tried_again_later_and_later_and_then_another_way(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.delivers = false;
    world.retries = true;
    world_scrape_all(&world);
    world_until(&world, WORLD_BEGIN_MS + 5);
    static const int64_t doubled_ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 64000 };
    int64_t tried_ms = WORLD_BEGIN_MS + 5;
    for (size_t i = 0; i < 7; i++) {
        const size_t before = world.deliveries;
        const int64_t least_ms = tried_ms + doubled_ms[i] * 8 / 10;
        if (least_ms > world.now_ms) {
            world_until(&world, least_ms - 1);
            assert_int_equal(world.deliveries, before);
        }
        while (world.deliveries == before) {
            assert_true(world.now_ms <= tried_ms + doubled_ms[i] * 12 / 10);
            world_until(&world, world.now_ms + 1);
        }
        tried_ms = world.now_ms;
    }
    assert_int_equal(told(&world, "way0"), 8);
    assert_int_equal(told(&world, "way1"), 1); // at once after the last try
    world_end(&world);
}

static void a_peer_that_says_when_to_come_back_is_heeded(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.delivers = false;
    world.retries = true;
    world.retry_after_ms = 7000;
    world_scrape_all(&world);
    world_until(&world, WORLD_BEGIN_MS + 7004);
    assert_int_equal(world.deliveries, 1);
    world_until(&world, WORLD_BEGIN_MS + 7005);
    assert_int_equal(world.deliveries, 2);
    world_end(&world);
}

static void what_the_peer_refuses_goes_another_way_at_once(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.delivers = false;
    world_scrape_all(&world);
    world_until(&world, world.now_ms + 10);
    assert_int_equal(told(&world, "way0"), 1);
    assert_int_equal(told(&world, "way1"), 1);
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_NOTICE, NULL, NULL), "status", ""), "failed");
    world_pass(&world, 60);
    assert_int_equal(world.deliveries, 2);
    world_end(&world);
}

static void a_notifier_that_fails_is_passed_over(void **state)
{
    (void)state;
    static const char *const errors[] = { "shop.lua:7: no such channel", "died" };
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        begin(&world, DOC(TELL("")));
        world.format_error = errors[i];
        world_pass(&world, 3);
        assert_int_equal(world.deliveries, 0);
        assert_int_equal(world_count_records(&world, TEND_RECORD_NOTICE, "status", "failed"), 1);
        world_end(&world);
    }
}

static void a_notifier_whose_evaluator_was_killed_for_another_is_asked_again(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.format_error = "killed";
    world_scrape_all(&world);
    for (int i = 0; i < 4; i++) { // until the first reply is on its way
        world_step(&world, (struct tend_event){ .kind = TEND_EVENT_TIMER });
        world.now_ms += 2;
    }
    world.format_error = NULL;
    world_until(&world, world.now_ms + 100);
    assert_int_equal(told(&world, "way0"), 1);
    world_end(&world);
}

static void only_who_asked_is_told(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC("{'name':'all','on':['*'],'severity':['page','warn'],'to':1},"
                      "{'name':'warnings','on':['*'],'severity':['warn'],'to':1},"
                      "{'name':'mail team','on':['mail'],'severity':['page'],'to':1},"
                      "{'name':'ledger team','on':['ledger'],'severity':['page'],'to':1}"));
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/all/"), 1);
    assert_int_equal(told(&world, "/warnings/"), 0);
    assert_int_equal(told(&world, "/mail team/"), 0);
    assert_int_equal(told(&world, "/ledger team/"), 1);
    world_end(&world);
}

static void the_end_is_told_too(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world_pass(&world, 2);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/firing/"), 1);
    assert_int_equal(told(&world, "/resolved/"), 1);
    world_end(&world);
}

static void a_person_is_called_once_an_incident(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.wait = NULL;
    world_blame(&world, NULL);
    world_pass(&world, 30);
    assert_int_equal(told(&world, "/escalated/"), 1);
    world_end(&world);
}

static void a_page_does_not_wait_for_the_act(void **state)
{
    (void)state;
    static const char *const restart[] = { "restart " LEDGER, "verify", NULL };
    struct world world;
    begin(&world, DOCUMENT(SERVICE("ledger", "'http://h:1/m'",
                                   ",'rules':[{'rule':0,'severity':'page','act':true}],'remedies':[0]"),
                           LOAD_RULE, PLAYBOOK("restart", ""), ",'notifies':[" TELL("") "]"));
    world.wait = NULL;
    world.scripts[0] = restart;
    world_blame(&world, "ledger");
    world_operate(&world, "arm", "*");
    world.exec_ms = 60000;
    world_pass(&world, 1);
    assert_int_equal(told(&world, "/firing/"), 1);
    assert_int_equal(world.execs, 0);
    world_end(&world);
}

static void it_is_told_again_until_it_is_over(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL(",'again_ms':10000")));
    world_pass(&world, 10);
    assert_int_equal(told(&world, "/firing/"), 1);
    world_pass(&world, 20);
    assert_int_equal(told(&world, "/firing/"), 3);
    world_target(&world, LEDGER)->load = 1;
    world_pass(&world, 30);
    assert_int_equal(told(&world, "/firing/"), 3);
    assert_int_equal(told(&world, "/resolved/"), 1);
    world_end(&world);
}

static void it_is_told_again_after_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL(",'again_ms':10000")));
    world_pass(&world, 5);
    world_restart(&world);
    world_pass(&world, 5);
    assert_int_equal(told(&world, "/firing/"), 1);
    world_pass(&world, 8);
    assert_int_equal(told(&world, "/firing/"), 2);
    world_end(&world);
}

static void an_incident_that_was_merged_is_not_told_again_and_wakes_nobody(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m'", PAGE ",'depends':['ledger']") "," SERVICE(
                                     "b", "'http://b:1/m'",
                                     PAGE ",'depends':['ledger']") "," SERVICE("ledger", "'http://h:1/m'", PAGE),
                                 LOAD_RULE, "", ",'notifies':[" TELL(",'again_ms':10000") "]"));
    world.wait = "nobody yet";
    world_target(&world, "a/a:1")->load = 10;
    world_target(&world, "b/b:1")->load = 10;
    world_pass(&world, 2);
    assert_int_equal(told(&world, "/firing/"), 2);
    world_target(&world, LEDGER)->load = 10;
    world_pass(&world, 30); // the world itself fails an engine that wakes all the time
    assert_int_equal(told(&world, "/firing/"), 2 + 3);
    world_end(&world);
}

static void what_was_queued_is_sent_after_a_restart_and_what_was_sent_is_not(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.holds_deliver = true;
    world_pass(&world, 3);
    assert_int_equal(world.deliveries, 1);
    world.holds_deliver = false;
    world_restart(&world); // whether it came through nobody knows: once more
    world_pass(&world, 2);
    assert_int_equal(world.deliveries, 2);
    world_restart(&world);
    world_pass(&world, 2);
    assert_int_equal(world.deliveries, 2);
    world_end(&world);
}

static void feed_delivered(struct world *world, bool ok)
{
    const json_t *notice = world_newest(world, TEND_RECORD_NOTICE, "status", "queued");
    world_step(world, (struct tend_event){ .kind = TEND_EVENT_DELIVERED,
                                           .delivered = { .key = tend_json_text(notice, "key", ""),
                                                          .ok = ok,
                                                          .retry_after_ms = -1,
                                                          .error = ok ? "" : "HTTP 400" } });
    world_until(world, world->now_ms + 10);
}

static void a_notice_under_way_survives_a_generation_that_no_longer_has_its_notifier(void **state)
{
    (void)state;
    for (int ok = 0; ok < 2; ok++) {
        struct world world;
        begin(&world, DOC(TELL("")));
        world.holds_deliver = true;
        world_pass(&world, 2);
        world_load(&world, DOC(""));
        feed_delivered(&world, ok != 0);
        assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_NOTICE, NULL, NULL), "status", ""),
                            ok != 0 ? "sent" : "failed");
        world_restart(&world);
        world_pass(&world, 2);
        assert_int_equal(world.deliveries, 1);
        world_end(&world);
    }
}

static void a_notice_stays_with_its_notifier_when_a_generation_orders_them_anew(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.holds_deliver = true;
    world_pass(&world, 2);
    assert_int_equal(told(&world, "notify0/way0"), 1);
    world_load(&world, DOC("{'name':'boss','on':['nobody'],'severity':['page'],'to':2}," TELL("")));
    world.holds_deliver = false;
    feed_delivered(&world, false);
    assert_int_equal(told(&world, "notify1/way1"), 1);
    assert_int_equal(told(&world, "notify0/way1"), 0);
    world_end(&world);
}

static void a_notice_of_before_a_restart_whose_notifier_is_gone_is_closed(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL("")));
    world.holds_deliver = true;
    world_pass(&world, 2);
    world_crash(&world);
    world_load(&world, DOC(""));
    assert_string_equal(tend_json_text(world_newest(&world, TEND_RECORD_NOTICE, NULL, NULL), "status", ""), "failed");
    world_end(&world);
}

static void again_stays_with_its_notifier_when_a_generation_orders_them_anew(void **state)
{
    (void)state;
    struct world world;
    begin(&world, DOC(TELL(",'again_ms':10000")));
    world_pass(&world, 2);
    world_load(&world, DOC("{'name':'boss','on':['nobody'],'severity':['page'],'to':1}," TELL(",'again_ms':10000")));
    world_pass(&world, 15);
    assert_int_equal(told(&world, "/ops/firing/"), 2);
    assert_int_equal(told(&world, "/boss/"), 0);
    world_end(&world);
}

static void what_blindness_kept_back_is_told_when_it_ends(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world, DOCUMENT(SERVICE("a", "'http://a:1/m'", PAGE) "," SERVICE(
                                     "b", "'http://b:1/m'", PAGE) "," SERVICE("ledger", "'http://h:1/m'", PAGE),
                                 RULE("down", ",'metric':'up'"), "", ",'notifies':[" TELL("") "]"));
    world.wait = "nobody yet";
    world_target(&world, "a/a:1")->kind = TEND_SCRAPE_REFUSED;
    world_target(&world, "b/b:1")->kind = TEND_SCRAPE_REFUSED;
    world_pass(&world, 5);
    assert_int_equal(world.deliveries, 1);
    assert_int_equal(told(&world, "blind"), 1);
    world_target(&world, "b/b:1")->kind = TEND_SCRAPE_OK;
    world_pass(&world, 2);
    assert_int_equal(told(&world, "blind"), 2); // firing, resolved
    assert_int_equal(world.deliveries, 3);      // and a, which is still down; nobody hears of b
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_on_disk_before_it_is_sent),
        cmocka_unit_test(a_page_is_sent_though_the_journal_fails),
        cmocka_unit_test(a_page_tells_what_and_who_and_since_when),
        cmocka_unit_test(one_that_cannot_be_delivered_is_tried_again_later_and_later_and_then_another_way),
        cmocka_unit_test(a_peer_that_says_when_to_come_back_is_heeded),
        cmocka_unit_test(what_the_peer_refuses_goes_another_way_at_once),
        cmocka_unit_test(a_notifier_that_fails_is_passed_over),
        cmocka_unit_test(a_notifier_whose_evaluator_was_killed_for_another_is_asked_again),
        cmocka_unit_test(only_who_asked_is_told),
        cmocka_unit_test(the_end_is_told_too),
        cmocka_unit_test(a_person_is_called_once_an_incident),
        cmocka_unit_test(a_page_does_not_wait_for_the_act),
        cmocka_unit_test(it_is_told_again_until_it_is_over),
        cmocka_unit_test(it_is_told_again_after_a_restart),
        cmocka_unit_test(an_incident_that_was_merged_is_not_told_again_and_wakes_nobody),
        cmocka_unit_test(what_was_queued_is_sent_after_a_restart_and_what_was_sent_is_not),
        cmocka_unit_test(a_notice_under_way_survives_a_generation_that_no_longer_has_its_notifier),
        cmocka_unit_test(a_notice_stays_with_its_notifier_when_a_generation_orders_them_anew),
        cmocka_unit_test(a_notice_of_before_a_restart_whose_notifier_is_gone_is_closed),
        cmocka_unit_test(again_stays_with_its_notifier_when_a_generation_orders_them_anew),
        cmocka_unit_test(what_blindness_kept_back_is_told_when_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
