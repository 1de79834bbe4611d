// The generation document, decoded: a good one by hand, then each way in which it can be wrong.

#include "engine/ruleset.h"
#include "failing_allocation.h"
#include "series/scrape_kind.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMITS                                                                                                         \
    "{\"at_once\":1,\"share\":0.1,\"min_healthy\":1,\"per_hour\":12,\"cooldown_ms\":300000,\"attempts\":3,"            \
    "\"confidence\":0.8}"
#define UP "{\"name\":\"up\",\"kind\":\"up\",\"sources\":[],\"bad\":\"below\",\"expect\":{\"value\":1},\"alpha\":0.5}"
#define PAY                                                                                                            \
    "{\"name\":\"pay\",\"at\":\"shop.lua:3\",\"groups\":[\"*\",\"web\"],\"targets\":[\"http://h:1/metrics\"],"         \
    "\"watched\":true,\"every_ms\":5000,\"window_ms\":60000,\"timeout_ms\":1000,\"depends\":[\"ledger\"],"             \
    "\"version\":{\"series\":\"app_build_info\",\"label\":\"version\"},\"metrics\":[" UP ","                           \
    "{\"name\":\"time\",\"kind\":\"mean\",\"sources\":[\"http_seconds\"],\"expect\":{\"peers\":{\"among\":\"web\","    \
    "\"self\":true}},\"alpha\":2,\"floor\":0.05,\"unit\":\"s\",\"min_samples\":2},"                                    \
    "{\"name\":\"errors\",\"kind\":\"share\",\"sources\":[\"a\",\"b\"],\"gauge\":[true,false],\"expect\":{\"value\":"  \
    "0},"                                                                                                              \
    "\"out_at\":0.05}],"                                                                                               \
    "\"rules\":[{\"rule\":1,\"fire_after_ms\":2000,\"clear_below\":0.8,\"clear_after_ms\":1000,\"missing\":\"warn\","  \
    "\"severity\":\"page\",\"act\":true}],\"remedies\":[0],\"limits\":" LIMITS ",\"verbs\":[\"restart\"],"             \
    "\"record\":[\"x{a='b'}\"],\"awake\":{\"hours\":\"Mon-Fri\",\"zone\":\"Europe/Berlin\"}}"
#define RULES                                                                                                          \
    "[{\"name\":\"down\",\"at\":\"shop.lua:9\",\"per\":\"instance\",\"metric\":\"up\",\"summary\":\"s\","              \
    "\"kinds\":[\"REFUSED\",\"READ_TIMEOUT\"]},{\"name\":\"slow\",\"per\":\"service\",\"metric\":null}]"
#define PLAYBOOKS                                                                                                      \
    "[{\"name\":\"restart\",\"at\":\"shop.lua:20\",\"within_ms\":30000,\"limits\":{\"share\":0.5},\"has_when\":true,"  \
    "\"also\":[\"gateway\"],\"source\":\"function\"}]"

static const char *const hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static const char *const whole = "{\"errors\":[],\"rules\":" RULES ",\"playbooks\":" PLAYBOOKS ",\"services\":[" PAY
                                 "],\"groups\":[{\"name\":\"web\",\"at_once\":2,\"per_hour\":null}],"
                                 "\"notifies\":[{\"name\":\"on call\",\"on\":[\"*\"],\"severity\":[\"page\"],"
                                 "\"again_ms\":900000,\"to\":2}],\"env_sha256\":\"e\"}";

static struct tend_ruleset *ruleset_of(json_t *document)
{
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error = { "" };
    if (tend_ruleset_create(document, hash, &ruleset, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return ruleset;
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *document = json_loads(text, 0, &error);
    if (document == NULL) {
        fail_msg("%s at %d", error.text, error.position);
    }
    return document;
}

// Decoding the document must fail with this message. Takes the document.
static void assert_refused(json_t *take_document, const char *expected)
{
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error = { "" };
    assert_int_equal(tend_ruleset_create(take_document, hash, &ruleset, &error), TEND_E_INVALID);
    assert_string_equal(error.text, expected);
    assert_null(ruleset);
    json_decref(take_document);
}

// The whole document with one member of the first item of a list replaced.
static json_t *with(const char *list, const char *key, const char *value)
{
    json_t *document = parse(whole);
    json_t *item = json_array_get(json_object_get(document, list), 0);
    json_t *replacement = json_loads(value, JSON_DECODE_ANY, NULL);
    assert_non_null(replacement);
    assert_int_equal(json_object_set_new(item, key, replacement), 0);
    return document;
}

// The same for a metric of the service: 0 is up, 1 time, 2 errors.
static json_t *with_metric(size_t metric, const char *key, const char *value)
{
    json_t *document = parse(whole);
    const json_t *service = json_array_get(json_object_get(document, "services"), 0);
    json_t *item = json_array_get(json_object_get(service, "metrics"), metric);
    json_t *replacement = json_loads(value, JSON_DECODE_ANY, NULL);
    assert_non_null(replacement);
    assert_int_equal(json_object_set_new(item, key, replacement), 0);
    return document;
}

static void a_service_is_read_whole(void **state)
{
    (void)state;
    json_t *document = parse(whole);
    struct tend_ruleset *ruleset = ruleset_of(document);
    assert_string_equal(ruleset->hash, hash);
    assert_int_equal(ruleset->service_count, 1);
    const struct tend_service_def *pay = &ruleset->services[0];
    assert_string_equal(pay->name, "pay");
    assert_string_equal(pay->at, "shop.lua:3");
    assert_int_equal(pay->group_count, 2);
    assert_string_equal(pay->groups[1], "web");
    assert_int_equal(pay->target_count, 1);
    assert_string_equal(pay->targets[0], "http://h:1/metrics");
    assert_true(pay->watched);
    assert_int_equal(pay->every_ms, 5000);
    assert_int_equal(pay->window_ms, 60000);
    assert_int_equal(pay->timeout_ms, 1000);
    assert_string_equal(pay->depends[0], "ledger");
    assert_string_equal(tend_selector_name(pay->version_series), "app_build_info");
    assert_string_equal(pay->version_label, "version");
    assert_int_equal(pay->remedies[0], 0);
    assert_true(pay->limits.share == 0.1);
    assert_int_equal(pay->limits.cooldown_ms, 300000);
    assert_string_equal(pay->verbs[0], "restart");
    assert_int_equal(pay->record_count, 1);
    tend_ruleset_destroy(ruleset);
    json_decref(document);
}

static void metrics_are_sorted_and_get_their_series(void **state)
{
    (void)state;
    json_t *document = parse(whole);
    struct tend_ruleset *ruleset = ruleset_of(document);
    const struct tend_metric_def *metrics = ruleset->services[0].metrics;
    assert_int_equal(ruleset->services[0].metric_count, 3);
    assert_string_equal(metrics[0].name, "errors");
    assert_int_equal(metrics[0].kind, TEND_METRIC_SHARE);
    assert_true(metrics[0].source_is_gauge[0]);
    assert_false(metrics[0].source_is_gauge[1]);
    assert_int_equal(metrics[0].expect, TEND_EXPECT_VALUE);
    assert_true(metrics[0].out_at == 0.05 && isnan(metrics[0].alpha));
    assert_string_equal(metrics[1].name, "time");
    assert_string_equal(tend_selector_name(metrics[1].sources[0]), "http_seconds_sum");
    assert_string_equal(tend_selector_name(metrics[1].sources[1]), "http_seconds_count");
    assert_int_equal(metrics[1].expect, TEND_EXPECT_PEERS);
    assert_string_equal(metrics[1].peers_among, "web");
    assert_true(metrics[1].peers_with_self);
    assert_true(metrics[1].floor == 0.05 && metrics[1].alpha == 2);
    assert_string_equal(metrics[1].unit, "s");
    assert_int_equal(metrics[1].min_samples, 2);
    assert_string_equal(metrics[2].name, "up");
    assert_int_equal(metrics[2].bad, TEND_BAD_BELOW);
    tend_ruleset_destroy(ruleset);
    json_decref(document);
}

static void rules_playbooks_groups_and_notifies_are_read(void **state)
{
    (void)state;
    json_t *document = parse(whole);
    struct tend_ruleset *ruleset = ruleset_of(document);
    assert_int_equal(ruleset->rule_count, 2);
    assert_true(ruleset->rules[0].per_instance);
    assert_string_equal(ruleset->rules[0].metric, "up");
    assert_int_equal(ruleset->rules[0].kinds, 1U << TEND_SCRAPE_REFUSED | 1U << TEND_SCRAPE_READ_TIMEOUT);
    assert_null(ruleset->rules[1].metric);
    const struct tend_rule_binding *binding = &ruleset->services[0].rules[0];
    assert_int_equal(binding->rule, 1);
    assert_int_equal(binding->fire_after_ms, 2000);
    assert_true(binding->clear_below == 0.8 && binding->act);
    assert_int_equal(binding->missing, TEND_MISSING_WARN);
    assert_string_equal(binding->severity, "page");
    assert_int_equal(ruleset->playbooks[0].within_ms, 30000);
    assert_true(ruleset->playbooks[0].limits.share == 0.5 && isnan(ruleset->playbooks[0].limits.at_once));
    assert_true(ruleset->playbooks[0].has_when);
    assert_string_equal(ruleset->playbooks[0].also[0], "gateway");
    assert_true(ruleset->groups[0].at_once == 2 && isnan(ruleset->groups[0].per_hour));
    assert_int_equal(ruleset->notifies[0].again_ms, 900000);
    assert_int_equal(ruleset->notifies[0].to_count, 2);
    tend_ruleset_destroy(ruleset);
    json_decref(document);
}

static void a_discovery_has_a_template_and_overrides(void **state)
{
    (void)state;
    json_t *document = parse(
        "{\"discoveries\":[{\"at\":\"a.lua:1\",\"kind\":\"file\",\"globs\":[\"/x/*.json\"],"
        "\"service_label\":\"app\",\"group\":\"web\",\"template\":{\"name\":\"\",\"limits\":" LIMITS ",\"metrics\":[" UP
        "]},\"overrides\":[{\"name\":\"pay\",\"limits\":" LIMITS ",\"metrics\":[" UP "]}]}]}");
    struct tend_ruleset *ruleset = ruleset_of(document);
    assert_int_equal(ruleset->discovery_count, 1);
    const struct tend_discovery_def *discovery = &ruleset->discoveries[0];
    assert_string_equal(discovery->globs[0], "/x/*.json");
    assert_string_equal(discovery->service_label, "app");
    assert_string_equal(discovery->template_def->name, "");
    assert_int_equal(discovery->override_count, 1);
    assert_string_equal(discovery->overrides[0]->name, "pay");
    tend_ruleset_destroy(ruleset);
    json_decref(document);
}

static void an_empty_document_is_an_empty_ruleset(void **state)
{
    (void)state;
    json_t *document = parse("{}");
    struct tend_ruleset *ruleset = ruleset_of(document);
    assert_int_equal(ruleset->service_count + ruleset->rule_count + ruleset->playbook_count, 0);
    tend_ruleset_destroy(ruleset);
    json_decref(document);
    tend_ruleset_destroy(NULL);
}

static void errors_of_the_document_are_passed_on(void **state)
{
    (void)state;
    assert_refused(parse("{\"errors\":[{\"at\":\"a.lua:2\",\"text\":\"no\"}]}"), "a.lua:2: no");
}

static void values_of_the_wrong_type_or_range_are_refused(void **state)
{
    (void)state;
    assert_refused(with("services", "every_ms", "\"5s\""),
                   "shop.lua:3: \"every_ms\" is no number from 100 to 3.1536e+12");
    assert_refused(with("services", "every_ms", "0"), "shop.lua:3: \"every_ms\" is no number from 100 to 3.1536e+12");
    assert_refused(with("services", "name", "\"\""), "shop.lua:3: \"name\" is missing");
    assert_refused(with("services", "depends", "[1]"), "shop.lua:3: \"depends\" holds something that is no text");
    assert_refused(with("services", "depends", "{\"a\":1}"), "shop.lua:3: \"depends\" is no list");
    assert_refused(with("services", "watched", "1"), "shop.lua:3: \"watched\" is neither true nor false");
    assert_refused(with("services", "watched", "false"), "shop.lua:3: service pay is not watched, but has targets");
    assert_refused(with("services", "timeout_ms", "6000"), "shop.lua:3: service pay has a timeout longer than every");
    assert_refused(with("rules", "per", "\"pod\""), "shop.lua:9: \"per\" is \"pod\", which is none of its words");
    assert_refused(with("rules", "kinds", "[\"SAD\"]"), "shop.lua:9: \"SAD\" is no kind of failed scrape");
    assert_refused(with("playbooks", "limits", "{\"share\":2}"), "shop.lua:20: \"share\" is no number from 0 to 1");
}

static void indexes_that_point_nowhere_are_refused(void **state)
{
    (void)state;
    assert_refused(with("services", "remedies", "[1]"), "shop.lua:3: a remedy of pay is no playbook");
    assert_refused(with("services", "remedies", "[-1]"), "shop.lua:3: a remedy of pay is no playbook");
    assert_refused(with("services", "rules", "[{\"rule\":2}]"), "shop.lua:3: \"rule\" is no index below 2");
    assert_refused(with("services", "rules", "[{\"rule\":0},{\"rule\":0}]"),
                   "shop.lua:3: a rule holds twice for service pay");
}

static void a_service_lacks_neither_up_nor_a_limit(void **state)
{
    (void)state;
    assert_refused(with("services", "metrics", "[]"), "shop.lua:3: service pay has no metric up");
    assert_refused(with("services", "limits", "{\"at_once\":1}"), "shop.lua:3: service pay lacks a limit");
}

static void a_rule_on_a_metric_that_is_not_there_is_refused(void **state)
{
    (void)state;
    json_t *document = with("rules", "metric", "\"memory\"");
    json_t *bindings = json_object_get(json_array_get(json_object_get(document, "services"), 0), "rules");
    assert_int_equal(json_object_set_new(json_array_get(bindings, 0), "rule", json_integer(0)), 0);
    assert_refused(document, "shop.lua:3: rule \"down\" is on pay, which has no metric memory");
}

static void metrics_that_cannot_be_judged_are_refused(void **state)
{
    (void)state;
    assert_refused(with_metric(1, "alpha", "null"), "shop.lua:3: metric time needs one of alpha and out_at");
    assert_refused(with_metric(1, "out_at", "3"), "shop.lua:3: metric time needs one of alpha and out_at");
    assert_refused(with_metric(2, "out_at", "-1"),
                   "shop.lua:3: metric errors has its out_at on the good side of what is expected");
    assert_refused(with_metric(2, "sources", "[\"a\"]"),
                   "shop.lua:3: metric errors has 1 sources, and its kind takes 2");
    assert_refused(with_metric(1, "kind", "\"quantile\""), "shop.lua:3: metric time is a quantile without a q");
    assert_refused(with_metric(1, "name", "\"up\""), "shop.lua:3: metric up is there twice");
    assert_refused(with_metric(1, "expect", "{\"x\":1}"), "shop.lua:3: metric time expects something unknown");
}

// The whole document with one silence.
static json_t *with_silence(const char *text)
{
    json_t *document = parse(whole);
    json_t *silence = json_loads(text, 0, NULL);
    assert_non_null(silence);
    assert_int_equal(json_object_set_new(document, "silences", json_pack("[o]", silence)), 0);
    return document;
}

static void a_silence_is_of_times_and_hours(void **state)
{
    (void)state;
    json_t *document = with_silence("{\"name\":\"x\",\"on\":[\"pay\"],\"zone\":\"Europe/Berlin\","
                                    "\"from\":\"2026-03-02 06:00\",\"till\":\"2026-03-02 06:00 UTC\","
                                    "\"outside\":{\"hours\":\"Mon-Fri\",\"zone\":\"UTC\"},\"why\":\"by hand\"}");
    struct tend_ruleset *ruleset = ruleset_of(document);
    assert_int_equal(ruleset->silence_count, 1);
    assert_int_equal(ruleset->silences[0].from_ms, INT64_C(1772427600000)); // 06:00 in Berlin
    assert_int_equal(ruleset->silences[0].till_ms, INT64_C(1772431200000));
    assert_null(ruleset->silences[0].during);
    assert_non_null(ruleset->silences[0].outside);
    assert_string_equal(ruleset->silences[0].why, "by hand");
    tend_ruleset_destroy(ruleset);
    json_decref(document);
    assert_refused(with_silence("{\"name\":\"x\",\"at\":\"shop.lua:9\",\"on\":[\"pay\"],\"from\":\"2026-03-02\"}"),
                   "shop.lua:9: silence \"x\" never ends: it wants during, outside or till");
    assert_refused(with_silence("{\"name\":\"x\",\"at\":\"shop.lua:9\",\"on\":[\"pay\"],\"from\":\"2026-03-02\","
                                "\"till\":\"2026-03-02\"}"),
                   "shop.lua:9: silence \"x\" ends before it begins");
    assert_refused(
        with_silence("{\"name\":\"x\",\"at\":\"shop.lua:9\",\"on\":[\"pay\"],\"till\":\"tomorrow\"}"),
        "shop.lua:9: till: \"tomorrow\" is no time; write it like 2026-03-02T10:00:05Z, or in seconds since 1970");
    assert_refused(with_silence("{\"name\":\"x\",\"at\":\"shop.lua:9\",\"on\":[\"pay\"],"
                                "\"till\":\"2026-03-02 06:00 Europe/Berln\"}"),
                   "shop.lua:9: there is no time zone \"Europe/Berln\"; write it like \"Europe/Berlin\", as below "
                   "/usr/share/zoneinfo");
}

static void awake_is_hours_in_a_zone(void **state)
{
    (void)state;
    json_t *document = with("services", "awake", "{\"hours\":\"06:00-22:00\",\"zone\":\"Europe/Berlin\"}");
    assert_int_equal(json_object_set_new(json_array_get(json_object_get(document, "services"), 0), "zone",
                                         json_string("Europe/Berlin")),
                     0);
    struct tend_ruleset *ruleset = ruleset_of(document);
    const struct tend_calendar *awake = ruleset->services[0].awake;
    assert_int_equal(ruleset->zone_count, 1);                           // read once
    assert_true(tend_calendar_contains(awake, INT64_C(1772427600000))); // 2026-03-02, 06:00 in Berlin
    assert_false(tend_calendar_contains(awake, INT64_C(1772427599999)));
    tend_ruleset_destroy(ruleset);
    json_decref(document);
    document = with("services", "awake", "null");
    ruleset = ruleset_of(document);
    assert_null(ruleset->services[0].awake);
    tend_ruleset_destroy(ruleset);
    json_decref(document);
}

static void hours_and_zones_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_refused(with("services", "awake", "{\"hours\":\"6-22\",\"zone\":\"UTC\"}"),
                   "shop.lua:3: awake: \"6-22\" is no time span; write it like 08:00-20:00");
    assert_refused(with("services", "awake", "{\"hours\":\"06:00-22:00\",\"zone\":\"Europe/Berln\"}"),
                   "shop.lua:3: there is no time zone \"Europe/Berln\"; write it like \"Europe/Berlin\", as below "
                   "/usr/share/zoneinfo");
    assert_refused(with("services", "zone", "\"Mars/Olympus\""),
                   "shop.lua:3: there is no time zone \"Mars/Olympus\"; write it like \"Europe/Berlin\", as below "
                   "/usr/share/zoneinfo");
    assert_refused(with("services", "awake", "{\"hours\":\"06:00-22:00\"}"),
                   "shop.lua:3: \"awake\" lacks its hours or its zone");
}

static void a_selector_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error = { "" };
    json_t *document = with_metric(1, "sources", "[\"x{\"]");
    assert_int_equal(tend_ruleset_create(document, hash, &ruleset, &error), TEND_E_INVALID);
    assert_int_equal(strncmp(error.text, "shop.lua:3: selector ", 21), 0);
    json_decref(document);
}

static void a_name_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    json_t *document = parse(whole);
    json_t *services = json_object_get(document, "services");
    assert_int_equal(json_array_append(services, json_array_get(services, 0)), 0);
    assert_refused(document, "shop.lua:3: \"pay\" is in services twice");
}

static void hash_of(json_t *take_document, char out[65])
{
    struct tend_ruleset *ruleset = ruleset_of(take_document);
    tend_ruleset_playbook_hash(ruleset, 0, out);
    tend_ruleset_destroy(ruleset);
    json_decref(take_document);
}

static void the_hash_of_a_playbook_covers_what_arms_it(void **state)
{
    (void)state;
    char first[65];
    char other[65];
    hash_of(parse(whole), first);
    hash_of(with("playbooks", "at", "\"shop.lua:99\""), other);
    assert_string_equal(first, other); // further down, the same playbook
    hash_of(with("services", "every_ms", "7000"), other);
    assert_string_equal(first, other); // nothing that an act depends on
    hash_of(with("playbooks", "source", "\"another function\""), other);
    assert_string_not_equal(first, other);
    hash_of(with("playbooks", "limits", "{\"share\":0.6}"), other);
    assert_string_not_equal(first, other);
    hash_of(with("services", "limits",
                 "{\"at_once\":2,\"share\":0.1,\"min_healthy\":1,\"per_hour\":12,\"cooldown_ms\":300000,"
                 "\"attempts\":3,\"confidence\":0.8}"),
            other);
    assert_string_not_equal(first, other);
    json_t *document = parse(whole);
    assert_int_equal(json_object_set_new(document, "env_sha256", json_string("f")), 0);
    hash_of(document, other);
    assert_string_not_equal(first, other);
}

static void each_failed_allocation_is_out_of_memory(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    json_t *document = parse(whole);
    long allowed = 0;
    for (bool over = false; !over; allowed++) {
        struct tend_ruleset *ruleset = NULL;
        struct tend_error error = { "" };
        fail_allocation_after(allowed);
        const enum tend_status status = tend_ruleset_create(document, hash, &ruleset, &error);
        over = was_an_allocation_failed() == 0;
        fail_allocation_after(-1);
        // PCRE2 and jansson may do without an allocation that failed; then it is whole all the same.
        assert_true(status == TEND_E_NOMEM || (status == TEND_OK && ruleset->service_count == 1));
        tend_ruleset_destroy(ruleset);
    }
    assert_true(allowed > 10);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_is_read_whole),
        cmocka_unit_test(metrics_are_sorted_and_get_their_series),
        cmocka_unit_test(rules_playbooks_groups_and_notifies_are_read),
        cmocka_unit_test(a_discovery_has_a_template_and_overrides),
        cmocka_unit_test(an_empty_document_is_an_empty_ruleset),
        cmocka_unit_test(errors_of_the_document_are_passed_on),
        cmocka_unit_test(values_of_the_wrong_type_or_range_are_refused),
        cmocka_unit_test(indexes_that_point_nowhere_are_refused),
        cmocka_unit_test(a_service_lacks_neither_up_nor_a_limit),
        cmocka_unit_test(a_rule_on_a_metric_that_is_not_there_is_refused),
        cmocka_unit_test(metrics_that_cannot_be_judged_are_refused),
        cmocka_unit_test(a_silence_is_of_times_and_hours),
        cmocka_unit_test(awake_is_hours_in_a_zone),
        cmocka_unit_test(hours_and_zones_that_are_none_are_refused),
        cmocka_unit_test(a_selector_that_cannot_be_read_is_refused),
        cmocka_unit_test(a_name_that_is_there_twice_is_refused),
        cmocka_unit_test(the_hash_of_a_playbook_covers_what_arms_it),
        cmocka_unit_test(each_failed_allocation_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
