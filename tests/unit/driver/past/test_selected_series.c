// Which series other rules select that the recorded ones did not.

#include "driver/past/selected_series.h"

#include "generation_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define METRIC(name, selector) "{'name':'" name "','kind':'gauge','sources':['" selector "']}"
#define WATCHED(name, metrics)                                                                                         \
    "{'name':'" name "','groups':['*'],'targets':['http://h:1/'],'every_ms':1000,'window_ms':1000,'timeout_ms':500,"   \
    "'metrics':[" UP_METRIC "," metrics "]," LIMITS("") "}"
#define OVERRIDE(name, metrics)                                                                                        \
    "{'name':'" name                                                                                                   \
    "','groups':['*'],'targets':[],'every_ms':1000,'window_ms':1000,'timeout_ms':500,'metrics':[" UP_METRIC            \
    "," metrics "]," LIMITS("") "}"
#define TEMPLATE(metrics)                                                                                              \
    "{'groups':['*'],'targets':[],'every_ms':1000,'window_ms':1000,'timeout_ms':500,'metrics':[" UP_METRIC "," metrics \
    "]," LIMITS("") "}"
#define DISCOVERED(metrics, overrides)                                                                                 \
    "{'services':[],'rules':[],'playbooks':[],'discoveries':[{'kind':'file','globs':['x'],'service_label':'app',"      \
    "'template':" TEMPLATE(metrics) ",'overrides':[" overrides "]}]}"

static struct tend_ruleset *make(const char *text)
{
    json_t *document = world_json(text);
    struct tend_ruleset *ruleset = NULL;
    struct tend_error error = { "" };
    if (tend_ruleset_create(document, "0123456789012345678901234567890123456789012345678901234567890123", &ruleset,
                            &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    json_decref(document);
    return ruleset;
}

// The texts joined with "; ". `out` of 512 bytes.
static const char *lacking(const char *recorded_text, const char *others_text, char *out)
{
    struct tend_ruleset *recorded = make(recorded_text);
    struct tend_ruleset *others = make(others_text);
    json_t *list = tend_selected_series_lacking(recorded, others);
    assert_non_null(list);
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        const size_t used = strlen(out);
        (void)snprintf(out + used, 512 - used, "%s%s", i == 0 ? "" : "; ", json_string_value(json_array_get(list, i)));
    }
    json_decref(list);
    tend_ruleset_destroy(others);
    tend_ruleset_destroy(recorded);
    return out;
}

static void what_was_selected_is_there_under_any_name(void **state)
{
    (void)state;
    char text[512];
    const char recorded[] = DOCUMENT(WATCHED("a", METRIC("load", "load")), "", "", "");
    assert_string_equal(lacking(recorded, DOCUMENT(WATCHED("a", METRIC("burden", "load")), "", "", ""), text), "");
}

static void a_narrower_selector_is_within_a_wider_one(void **state)
{
    (void)state;
    char text[512];
    const char wide[] = DOCUMENT(WATCHED("a", METRIC("load", "load{kind=~`i.*`}")), "", "", "");
    const char narrow[] = DOCUMENT(WATCHED("a", METRIC("load", "load{kind=~`i.*`,host!=`x`}")), "", "", "");
    assert_string_equal(lacking(wide, narrow, text), "");
    assert_string_equal(lacking(narrow, wide, text),
                        "a: load: load{kind=~\"i.*\"} was not selected when it was recorded");
}

static void another_series_is_named_with_its_service_and_metric(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(
        lacking(DOCUMENT(WATCHED("a", METRIC("load", "load")), "", "", ""),
                DOCUMENT(WATCHED("a", METRIC("load", "load") "," METRIC("queue", "queue_depth")), "", "", ""), text),
        "a: queue: queue_depth was not selected when it was recorded");
}

static void what_another_service_selected_is_not_there(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(
        lacking(DOCUMENT(WATCHED("a", METRIC("load", "load")) "," WATCHED("b", METRIC("x", "x")), "", "", ""),
                DOCUMENT(WATCHED("b", METRIC("load", "load")), "", "", ""), text),
        "b: load: load was not selected when it was recorded");
}

static void a_service_that_was_not_watched_is_told(void **state)
{
    (void)state;
    char text[512];
    assert_string_equal(lacking(DOCUMENT(WATCHED("a", METRIC("load", "load")), "", "", ""),
                                DOCUMENT(WATCHED("c", METRIC("load", "load")), "", "", ""), text),
                        "c: was not watched when it was recorded");
}

static void what_discovery_finds_has_the_series_of_its_template(void **state)
{
    (void)state;
    char text[512];
    const char recorded[] = DISCOVERED(METRIC("load", "load"), OVERRIDE("a", METRIC("x", "x")));
    assert_string_equal(lacking(recorded, recorded, text), "");
    assert_string_equal(lacking(recorded, DOCUMENT(WATCHED("b", METRIC("load", "load")), "", "", ""), text), "");
    assert_string_equal(lacking(recorded, DOCUMENT(WATCHED("a", METRIC("load", "load")), "", "", ""), text),
                        "a: load: load was not selected when it was recorded");
    assert_string_equal(lacking(recorded, DISCOVERED(METRIC("queue", "queue"), ""), text),
                        "discovered services: queue: queue was not selected when it was recorded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_selected_is_there_under_any_name),
        cmocka_unit_test(a_narrower_selector_is_within_a_wider_one),
        cmocka_unit_test(another_series_is_named_with_its_service_and_metric),
        cmocka_unit_test(what_another_service_selected_is_not_there),
        cmocka_unit_test(a_service_that_was_not_watched_is_told),
        cmocka_unit_test(what_discovery_finds_has_the_series_of_its_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
