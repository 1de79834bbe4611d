// Which services and instances a scenario has, and the generation document that is made for them.

#include "driver/world/scenario_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    json_t *json = json_loads(quoted, 0, NULL);
    assert_non_null(json);
    free(quoted);
    return json;
}

static const char rules[] =
    "{'services':[{'name':'front','watched':true,'targets':['http://a/','http://b/'],'depends':['back','bank']},"
    "{'name':'back','watched':true,'targets':['http://c/'],'depends':['store']},"
    "{'name':'bank','watched':false,'targets':[],'depends':[]}],"
    "'discoveries':[{'template':{'name':'','watched':true,'targets':[],'depends':[]},"
    "'overrides':[{'name':'store','watched':true,'targets':[],'depends':[],'mark':7}]}]}";

static void assert_services(const char *scenario_text, const char *expected_text)
{
    json_t *document = parse(rules);
    json_t *scenario = parse(scenario_text);
    json_t *services = tend_scenario_services(document, scenario);
    char *text = json_dumps(services, JSON_COMPACT);
    json_t *expected = parse(expected_text);
    char *expected_dump = json_dumps(expected, JSON_COMPACT);
    assert_string_equal(text, expected_dump); // the order too
    free(text);
    free(expected_dump);
    json_decref(expected);
    json_decref(services);
    json_decref(scenario);
    json_decref(document);
}

static void a_world_has_what_it_names_and_what_that_depends_on(void **state)
{
    (void)state;
    assert_services("{'world':{'front':3}}", "{'back':1,'bank':1,'front':3,'store':2}");
    assert_services("{'world':{'front':3,'back':4,'store':1}}", "{'back':4,'bank':1,'front':3,'store':1}");
    assert_services("{'world':{'store':5}}", "{'store':5}");
}

static void series_by_hand_name_instances_and_nothing_else_is_there(void **state)
{
    (void)state;
    assert_services("{'series':{'front/*.x':'1','back/3.x':'1','back/1.x':'1'}}", "{'back':3,'front':1}");
    assert_services("{'world':{'store':2},'series':{'store/*.x':'1'}}", "{'store':2}");
}

static void definitions_are_the_rules_own(void **state)
{
    (void)state;
    json_t *document = parse(rules);
    json_t *services = parse("{'bank':1,'front':2,'store':2,'unheard of':1}");
    struct tend_error error;
    json_t *made = tend_scenario_document(document, services, &error);
    assert_non_null(made);
    const json_t *unwatched = json_object_get(made, "services");
    assert_int_equal(json_array_size(unwatched), 1);
    assert_string_equal(tend_json_text(json_array_get(unwatched, 0), "name", ""), "bank");
    const json_t *overrides = json_object_get(json_array_get(json_object_get(made, "discoveries"), 0), "overrides");
    assert_int_equal(json_array_size(overrides), 3);
    assert_string_equal(tend_json_text(json_array_get(overrides, 0), "name", ""), "front");
    assert_int_equal(json_array_size(json_object_get(json_array_get(overrides, 0), "targets")), 0);
    assert_int_equal(tend_json_integer(json_array_get(overrides, 1), "mark", 0), 7);
    assert_string_equal(tend_json_text(json_array_get(overrides, 2), "name", ""), "unheard of"); // of the template
    json_decref(made);
    json_decref(services);
    json_decref(document);
}

static void a_service_that_nobody_knows_is_an_error_that_says_who_is_known(void **state)
{
    (void)state;
    json_t *document = parse("{'services':[{'name':'search'},{'name':'stock'}],'discoveries':[]}");
    json_t *services = parse("{'serch':1}");
    struct tend_error error;
    assert_null(tend_scenario_document(document, services, &error));
    assert_string_equal(error.text, "a scenario names \"serch\", which the rules do not know; they have search, stock");
    json_decref(services);
    json_decref(document);
}

static void an_instance_has_each_label_that_the_rules_mention(void **state)
{
    (void)state;
    json_t *sources =
        parse("{'files':[{'name':'a.lua','text':'pod = {pod} {service}/{host} { x } {1} {pod_name} {'}]}");
    json_t *labels = tend_scenario_labels(sources, "pay", 3);
    assert_string_equal(tend_json_text(labels, "pod", ""), "pay-3");
    assert_string_equal(tend_json_text(labels, "pod_name", ""), "pay-3");
    assert_string_equal(tend_json_text(labels, tend_scenario_service_label, ""), "pay");
    assert_int_equal(json_object_size(labels), 3);
    json_decref(labels);
    json_decref(sources);
}

static void a_time_that_is_left_to_chance_is_decided_by_name_and_seed(void **state)
{
    (void)state;
    int64_t found[3];
    static const char *const texts[] = {
        "{'name':'a','faults':[{'at_ms':[1000,9000],'lasts_ms':[10,20]},{'at_ms':7}]}",
        "{'name':'a','faults':[{'at_ms':[1000,9000],'lasts_ms':[10,20]},{'at_ms':7}]}",
        "{'name':'a','seed':1,'faults':[{'at_ms':[1000,9000],'lasts_ms':[10,20]},{'at_ms':7}]}",
    };
    for (int i = 0; i < 3; i++) {
        json_t *scenario = parse(texts[i]);
        json_t *decided = tend_scenario_decided(scenario);
        const json_t *first = json_array_get(json_object_get(decided, "faults"), 0);
        found[i] = tend_json_integer(first, "at_ms", 0);
        const int64_t lasts_ms = tend_json_integer(first, "lasts_ms", 0);
        assert_true(found[i] >= 1000 && found[i] <= 9000 && lasts_ms >= 10 && lasts_ms <= 20);
        assert_int_equal(tend_json_integer(json_array_get(json_object_get(decided, "faults"), 1), "at_ms", 0), 7);
        json_decref(decided);
        json_decref(scenario);
    }
    assert_int_equal(found[0], found[1]);
    assert_int_not_equal(found[0], found[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_world_has_what_it_names_and_what_that_depends_on),
        cmocka_unit_test(series_by_hand_name_instances_and_nothing_else_is_there),
        cmocka_unit_test(definitions_are_the_rules_own),
        cmocka_unit_test(a_service_that_nobody_knows_is_an_error_that_says_who_is_known),
        cmocka_unit_test(an_instance_has_each_label_that_the_rules_mention),
        cmocka_unit_test(a_time_that_is_left_to_chance_is_decided_by_name_and_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
