// The page as a whole: whatever a document holds is text; what its reader must find is there.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/simulation_page.h"
#include "failing_allocation.h"

// Every text of it is hostile.
static json_t *hostile_document(void)
{
    static const char text[] =
        "{ 'title': @, 'source': { 'kind': @, 'text': @ }, 'tend': @, 'generation': @, 'from_ms': 0, 'until_ms': "
        "600000,"
        " 'services': [{ 'name': @, 'instances': 1, 'depends': [@] }],"
        " 'metrics': [{ 'service': @, 'instance': '', 'metric': @, 'unit': @, 'bad': @, 'alpha': 1,"
        "               'points': [[0, 1, 1, 0, 2], [1000, 5, 1, 0, 2], [2000, null, null, null, null]] }],"
        " 'alerts': [{ 'rule': @, 'service': @, 'instance': @, 'severity': @, 'fired_ms': 1000, 'resolved_ms': null,"
        "              'P': 5, 'E': 1, 'F': 4, 'A': 4, 'alpha': 1, 'summary': @, 'incident': @ }],"
        " 'incidents': [{ 'id': @, 'opened_ms': 1000, 'ended_ms': 2000, 'severity': @, 'services': [@, @],"
        "                 'outcome': @, 'culprits': [{ 'service': @, 'confidence': 0.5, 'reasons': [@] }],"
        "                 'decisions': [{ 'at_ms': 1, 'service': @, 'what': @, 'playbook': @, 'reason': @, 'text': @ "
        "}],"
        "                 'runs': [{ 'id': @, 'playbook': @, 'service': @, 'dry': false, 'began_ms': 1000,"
        "                            'ended_ms': null, 'outcome': @, 'steps': [{ 'at_ms': 1000, 'ended_ms': 1100,"
        "                            'verb': @, 'instance': @, 'outcome': @, 'text': @ }] }], 'label': null }],"
        " 'pages': [{ 'at_ms': 1, 'notify': @, 'incident': @, 'text': @ }],"
        " 'labels': [{ 'from_ms': 1, 'until_ms': 2, 'what': @, 'service': @, 'found': true, 'delay_s': 1 }],"
        " 'missing': [@], 'sums': { 'refusals': { @: 1 } }, 'expectations': [{ 'text': @, 'held': false }],"
        " 'what_if': [{ 'name': @, 'recovered_s': null, 'errors': 1, 'acts': 0, 'outcome': @, 'story': [@] }] }";
    static const char hostile[] = "\"<script>alert(1)</script>\\\"'><img src=x onerror=y>\\u001b[31m\"";
    struct tend_buffer json;
    tend_buffer_init(&json);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '@') {
            tend_buffer_put_text(&json, hostile);
        } else {
            tend_buffer_put(&json, *at == '\'' ? "\"" : at, 1);
        }
    }
    json_t *document = json_loads(tend_buffer_text(&json), 0, NULL);
    tend_buffer_clear(&json);
    assert_non_null(document);
    return document;
}

static void whatever_a_document_holds_is_text(void **state)
{
    (void)state;
    struct tend_buffer page;
    tend_buffer_init(&page);
    json_t *document = hostile_document();
    tend_simulation_page_render(document, &page);
    assert_false(page.failed);
    const char *text = tend_buffer_text(&page);
    assert_null(strstr(text, "<script>alert"));
    assert_null(strstr(text, "<img"));
    assert_null(strstr(text, "\"'>"));
    assert_null(strchr(text, '\x1b'));
    assert_non_null(
        strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img src=x onerror=y&gt;\\x1b[31m"));
    json_decref(document);
    tend_buffer_clear(&page);
}

static void the_policy_lets_a_browser_run_nothing_but_our_own(void **state)
{
    (void)state;
    struct tend_buffer page;
    tend_buffer_init(&page);
    json_t *empty = json_object();
    tend_simulation_page_render(empty, &page);
    const char *text = tend_buffer_text(&page);
    assert_non_null(strstr(text, "default-src 'none'; style-src 'sha256-"));
    assert_null(strstr(text, "unsafe-inline"));
    static const char *const fetching[] = {
        " src=", "href=\"h", "href=\"//", "url(h", "url(/", "@import", "<link", NULL
    };
    for (size_t i = 0; fetching[i] != NULL; i++) {
        assert_null(strstr(text, fetching[i]));
    }
    json_decref(empty);
    tend_buffer_clear(&page);
}

static void the_same_document_gives_the_same_bytes(void **state)
{
    (void)state;
    struct tend_buffer one;
    struct tend_buffer other;
    tend_buffer_init(&one);
    tend_buffer_init(&other);
    json_t *document = hostile_document();
    tend_simulation_page_render(document, &one);
    tend_simulation_page_render(document, &other);
    assert_int_equal(one.size, other.size);
    assert_memory_equal(one.data, other.data, one.size);
    json_decref(document);
    tend_buffer_clear(&one);
    tend_buffer_clear(&other);
}

static void each_alert_is_one_mark_of_the_timeline_however_many_there_are(void **state)
{
    (void)state;
    json_t *alerts = json_array();
    for (int i = 0; i < 600; i++) {
        char instance[32];
        (void)snprintf(instance, sizeof instance, "web/%d", i);
        (void)json_array_append_new(alerts, json_pack("{s:s, s:s, s:s, s:i, s:n}", "rule", "down", "service", "web",
                                                      "instance", instance, "fired_ms", i, "resolved_ms"));
    }
    json_t *document = json_pack("{s:i, s:i, s:o}", "from_ms", 0, "until_ms", 1000, "alerts", alerts);
    struct tend_buffer page;
    tend_buffer_init(&page);
    tend_simulation_page_render(document, &page);
    size_t marks = 0;
    for (const char *at = strstr(page.data, "<g class=\"alert\">"); at != NULL;
         at = strstr(at + 1, "<g class=\"alert\">")) {
        marks++;
    }
    assert_int_equal(marks, 600);
    assert_non_null(strstr(page.data, ">all others</text>"));
    assert_non_null(strstr(page.data, "All alerts in words (600)"));
    assert_non_null(strstr(page.data, "100 alerts more are on the timeline only."));
    json_decref(document);
    tend_buffer_clear(&page);
}

static void more_metrics_than_a_page_holds_are_counted(void **state)
{
    (void)state;
    json_t *metrics = json_array();
    for (int i = 0; i < 1000; i++) {
        (void)json_array_append_new(metrics,
                                    json_pack("{s:s, s:s, s:s, s:s, s:[[i, i, i, n, n]]}", "service", "web", "instance",
                                              "", "metric", "m", "bad", "both", "points", 0, 1, 1));
    }
    json_t *document = json_pack("{s:i, s:i, s:o}", "from_ms", 0, "until_ms", 1000, "metrics", metrics);
    struct tend_buffer page;
    tend_buffer_init(&page);
    tend_simulation_page_render(document, &page);
    assert_non_null(strstr(page.data, "976 charts more were left out."));
    json_decref(document);
    tend_buffer_clear(&page);
}

static void a_path_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct tend_error error;
    json_t *empty = json_object();
    assert_int_equal(tend_simulation_page_write(empty, "/nowhere/page.html", &error), TEND_E_IO);
    assert_string_equal(error.text, "/nowhere/page.html: No such file or directory");
    assert_int_equal(tend_simulation_page_write(empty, "/dev/full", &error), TEND_E_IO);
    assert_string_equal(error.text, "/dev/full: No space left on device");
    json_decref(empty);
}

static void a_page_for_which_there_is_no_memory_is_whole_or_says_so(void **state)
{
    (void)state;
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    struct tend_buffer whole;
    tend_buffer_init(&whole);
    json_t *document = hostile_document();
    tend_simulation_page_render(document, &whole);
    bool ended = false;
    for (long successes = 0; !ended; successes++) {
        struct tend_buffer page;
        tend_buffer_init(&page);
        fail_allocation_after(successes);
        tend_simulation_page_render(document, &page);
        ended = !was_an_allocation_failed();
        fail_allocation_after(-1);
        // The digest's library does without some of its allocations.
        assert_true(page.failed || page.size == whole.size);
        assert_false(ended && page.failed);
        tend_buffer_clear(&page);
    }
    json_decref(document);
    tend_buffer_clear(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_a_document_holds_is_text),
        cmocka_unit_test(the_policy_lets_a_browser_run_nothing_but_our_own),
        cmocka_unit_test(the_same_document_gives_the_same_bytes),
        cmocka_unit_test(each_alert_is_one_mark_of_the_timeline_however_many_there_are),
        cmocka_unit_test(more_metrics_than_a_page_holds_are_counted),
        cmocka_unit_test(a_path_that_cannot_be_written_is_named),
        cmocka_unit_test(a_page_for_which_there_is_no_memory_is_whole_or_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
