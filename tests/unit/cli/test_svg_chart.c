#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/chart_choice.h"
#include "cli/svg_chart.h"

// A chart of 10 s. The plot goes from x = 66 to 550 and from y = 156 up to 16, and the axis of these values from 0
// to 4.
static const char document_text[] =
    "{ 'from_ms': 0, 'until_ms': 10000,"
    " 'services': [{ 'name': 'a', 'instances': 2 }, { 'name': 'b', 'instances': 1 }],"
    " 'alerts': [{ 'rule': 'slow', 'service': 'a', 'instance': 'a/1', 'fired_ms': 5000, 'resolved_ms': 6000,"
    "              'summary': '<i>' },"
    "            { 'rule': 'slow', 'service': 'a', 'instance': 'a/2', 'fired_ms': 5000, 'resolved_ms': null }],"
    " 'incidents': [{ 'runs': [{ 'service': 'a', 'steps': [{ 'at_ms': 7000, 'verb': 'restart', 'instance': 'a/1' }] }] "
    "}],"
    " 'metrics': ["
    "  { 'service': 'a', 'instance': 'a/1', 'metric': 'm', 'unit': '', 'bad': 'above', 'points': ["
    "    [0, 1, 1, null, 2], [1000, 1, 1, null, 2], [2000, 1, 1, null, 2], [3000, null, 1, null, 2],"
    "    [4000, 3, 1, null, 2], [5000, null, null, null, null], [6000, 4, 1, null, 2], [7000, 0, 1, null, 2]] },"
    "  { 'service': 'b', 'instance': '', 'metric': 'm', 'unit': '', 'bad': 'both', 'points': [[0, 1, 1, null, null]] },"
    "  { 'service': 'b', 'instance': 'b/1', 'metric': 'm', 'unit': '', 'bad': 'both', 'points': [[0, 9, 1, 0, 2]] },"
    "  { 'service': 'a', 'instance': '', 'metric': 'gone', 'unit': '', 'bad': 'both', 'points': [[0, null, 1, 0, 2]] },"
    "  { 'service': 'a', 'instance': '', 'metric': 'm', 'unit': '', 'bad': 'below', 'points': "
    "    [[0, 1, 4, 3, null], [1000, 2, 4, 3, null]] },"
    "  { 'service': 'b', 'instance': 'b/1', 'metric': 'learns', 'unit': '', 'bad': 'both', 'points': ["
    "    [0, 1, null, null, null], [1000, 2, null, null, null], [2000, null, null, null, null],"
    "    [3000, 1, null, null, null], [4000, 2, 2, 1, 4]] },"
    "  { 'service': 'b', 'instance': 'b/1', 'metric': 'unexpected', 'unit': '', 'bad': 'both', 'points': ["
    "    [0, 1, null, null, null], [1000, 2, null, null, null]] }"
    "], 'learned': [{ 'service': 'b', 'metric': 'learns', 'from_ms': 0, 'trusted_ms': 4000 }] }";

struct fixture {
    json_t *document;
    struct tend_buffer out;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char *text = strdup(document_text);
    assert_non_null(fixture);
    assert_non_null(text);
    for (char *quote = strchr(text, '\''); quote != NULL; quote = strchr(quote, '\'')) {
        *quote = '"';
    }
    fixture->document = json_loads(text, 0, NULL);
    assert_non_null(fixture->document);
    free(text);
    tend_buffer_init(&fixture->out);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tend_buffer_clear(&fixture->out);
    json_decref(fixture->document);
    free(fixture);
    return 0;
}

static const json_t *metric(const struct fixture *fixture, size_t index)
{
    return json_array_get(json_object_get(fixture->document, "metrics"), index);
}

static const char *draw(struct fixture *fixture, size_t index)
{
    tend_buffer_reset(&fixture->out);
    tend_svg_chart(&fixture->out, &(struct tend_chart){ .metric = metric(fixture, index),
                                                        .document = fixture->document,
                                                        .from_ms = 0,
                                                        .until_ms = 10000 });
    assert_false(fixture->out.failed);
    return tend_buffer_text(&fixture->out);
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        found++;
    }
    return found;
}

// y = 156 - value × 35, x = 66 + seconds × 48.4; the point at 1 s lies between two of its height.
static void the_line_is_broken_where_there_is_no_data_and_a_lone_point_is_a_dot(void **state)
{
    assert_non_null(strstr(draw(*state, 0), "<path class=\"p\" d=\"M66.0 121.0L162.8 121.0M259.6 51.0h0M356.4 16.0"
                                            "L404.8 156.0\"/>"));
}

static void stretches_without_data_are_hatched_from_neighbour_to_neighbour(void **state)
{
    const char *page = draw(*state, 0);
    assert_int_equal(count(page, "class=\"gap\""), 2);
    assert_non_null(strstr(page, "<rect class=\"gap\" x=\"162.8\" y=\"16\" width=\"96.8\" height=\"140\"/>"));
    assert_non_null(strstr(page, "<rect class=\"gap\" x=\"259.6\" y=\"16\" width=\"96.8\" height=\"140\"/>"));
}

static void where_a_learned_metric_warms_up_is_dotted(void **state)
{
    const char *page = draw(*state, 5);
    assert_int_equal(count(page, "class=\"warm\""), 2); // 0 s to 2 s, and 2 s to 4 s, where E begins
    assert_non_null(strstr(page, "<rect class=\"warm\" x=\"66.0\" y=\"16\" width=\"96.8\" height=\"140\"/>"));
    assert_non_null(strstr(page, "<rect class=\"warm\" x=\"162.8\" y=\"16\" width=\"96.8\" height=\"140\"/>"));
    assert_int_equal(count(page, "class=\"gap\""), 1);
    assert_int_equal(count(draw(*state, 6), "class=\"warm\""), 0); // of which nothing is expected ever
}

static void stretches_beyond_a_limit_are_shaded_to_the_middle_between_points(void **state)
{
    const char *page = draw(*state, 0);
    assert_int_equal(count(page, "class=\"out\""), 2);
    assert_non_null(strstr(page, "<rect class=\"out\" x=\"235.4\" y=\"16\" width=\"48.4\" height=\"140\"/>"));
    assert_non_null(strstr(page, "<rect class=\"out\" x=\"332.2\" y=\"16\" width=\"48.4\" height=\"140\"/>"));
}

static void a_side_without_a_limit_is_open(void **state)
{
    // From the limit at 2 (y = 86) down to the axis, in two pieces, as there is no limit at 5 s.
    assert_non_null(strstr(draw(*state, 0), "<path class=\"band\" d=\"M66.0 86.0L259.6 86.0L259.6 156.0L66.0 156.0Z"
                                            "M356.4 86.0L404.8 86.0L404.8 156.0L356.4 156.0Z\"/>"));
}

static void a_metric_without_limits_has_no_band(void **state)
{
    const char *page = draw(*state, 1);
    assert_null(strstr(page, "class=\"band\""));
    assert_null(strstr(page, "class=\"limit\""));
    assert_null(strstr(page, "class=\"out\""));
}

static void alerts_and_steps_of_its_owner_are_marked(void **state)
{
    const char *page = draw(*state, 0);
    assert_int_equal(count(page, "class=\"alert-mark\""), 1);
    assert_int_equal(count(page, "class=\"step-mark\""), 1);
    assert_non_null(strstr(page, "00:00:05 fired: slow. &lt;i&gt;</title>"));
    assert_int_equal(count(draw(*state, 4), "class=\"alert-mark\""), 2); // the service's chart has those of both
    assert_int_equal(count(draw(*state, 1), "class=\"alert-mark\""), 0);
}

static void facts_tell_the_worst_on_the_bad_side(void **state)
{
    struct fixture *fixture = *state;
    const struct tend_chart_facts above = tend_chart_facts_of(metric(fixture, 0), 0, 10000);
    assert_int_equal(above.with_data, 6);
    assert_int_equal(above.without_data, 2);
    assert_int_equal(above.out_of_line, 2);
    assert_true(above.worst == 4.0 && above.expected == 1.0 && above.worst_beyond == 3.0);
    const struct tend_chart_facts below = tend_chart_facts_of(metric(fixture, 4), 0, 10000);
    assert_true(below.worst == 1.0 && below.expected == 4.0 && below.worst_beyond == 3.0);
    const struct tend_chart_facts early = tend_chart_facts_of(metric(fixture, 0), 0, 2000);
    assert_true(early.worst == 1.0 && early.out_of_line == 0);
    const struct tend_chart_facts none = tend_chart_facts_of(metric(fixture, 3), 0, 10000);
    assert_true(isnan(none.worst) && none.with_data == 0);
}

static void the_choice_leaves_out_what_has_no_data_and_what_is_there_twice(void **state)
{
    struct fixture *fixture = *state;
    size_t chosen_count;
    struct tend_chosen_metric *chosen = tend_chart_choice(fixture->document, 0, 10000, NULL, &chosen_count);
    assert_int_equal(chosen_count, 3);
    assert_ptr_equal(chosen[0].metric, metric(fixture, 0)); // its own alert
    assert_ptr_equal(chosen[1].metric, metric(fixture, 4)); // an instance's
    assert_ptr_equal(chosen[2].metric, metric(fixture, 1));
    assert_true(chosen[0].telling && chosen[1].telling && !chosen[2].telling);
    free(chosen);
}

static void the_choice_can_be_of_some_services(void **state)
{
    struct fixture *fixture = *state;
    size_t chosen_count;
    json_t *services = json_pack("[s]", "b");
    struct tend_chosen_metric *chosen = tend_chart_choice(fixture->document, 0, 10000, services, &chosen_count);
    assert_int_equal(chosen_count, 1);
    assert_ptr_equal(chosen[0].metric, metric(fixture, 1));
    free(chosen);
    json_decref(services);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_line_is_broken_where_there_is_no_data_and_a_lone_point_is_a_dot, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(stretches_without_data_are_hatched_from_neighbour_to_neighbour, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(where_a_learned_metric_warms_up_is_dotted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stretches_beyond_a_limit_are_shaded_to_the_middle_between_points, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_side_without_a_limit_is_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_metric_without_limits_has_no_band, set_up, tear_down),
        cmocka_unit_test_setup_teardown(alerts_and_steps_of_its_owner_are_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(facts_tell_the_worst_on_the_bad_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_choice_leaves_out_what_has_no_data_and_what_is_there_twice, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_choice_can_be_of_some_services, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
