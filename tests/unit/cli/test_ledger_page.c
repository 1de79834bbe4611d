// The report as text and as a page: what others wrote stays text, and what is not known is a dash.

#include "cli/ledger_page.h"
#include "cli/ledger_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVIL "<script>alert('1')</script>\x1b[31m"

static json_t *spread(int count, double median, double largest)
{
    return count == 0 ? json_pack("{s:i, s:n, s:n}", "count", 0, "median", "largest")
                      : json_pack("{s:i, s:f, s:f}", "count", count, "median", median, "largest", largest);
}

static json_t *tally(const char *name, bool marked)
{
    json_t *json = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "name", name, "alarms", 7, "flaps",
                             2, "real", marked ? 3 : 0, "false", marked ? 1 : 0, "unmarked", marked ? 3 : 7, "messages",
                             14, "runs", 2, "cured", 1, "acts", 5);
    (void)json_object_set_new(json, "precision", marked ? json_real(0.75) : json_null());
    (void)json_object_set_new(json, "precision_low", marked ? json_real(0.356) : json_null());
    (void)json_object_set_new(json, "precision_high", marked ? json_real(0.942) : json_null());
    (void)json_object_set_new(json, "per_week", marked ? json_real(3.5) : json_null());
    static const char *const spans[] = { "onset_to_fired_s", "began_to_fired_s", "fired_to_told_s", "lasted_s",
                                         "recovered_s" };
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        (void)json_object_set_new(json, spans[i], spread(marked ? 2 : 0, 12, 90));
    }
    return json;
}

static json_t *ledger(bool evil)
{
    const char *text = evil ? EVIL : "errors";
    json_t *incident =
        json_pack("{s:s, s:s, s:s, s:f, s:s, s:s, s:s, s:[s], s:[s], s:[s], s:s, s:s, s:s}", "id", evil ? EVIL : "i7",
                  "opened", "2026-01-31T09:05:07.250Z", "ended", "2026-01-31T09:15:07.250Z", "took_s", 600.0,
                  "severity", "page", "state", "ended", "outcome", evil ? EVIL : "recovered", "rules", text, "services",
                  text, "culprits", text, "mark", evil ? EVIL : "real", "why", text, "who", text);
    return json_pack("{s:s, s:s, s:f, s:s?, s:{s:i, s:i, s:i, s:i, s:i, s:i}, s:[o, o], s:[o], s:[o]}", "from",
                     "2026-01-01T00:00:00.000Z", "until", "2026-01-31T00:00:00.000Z", "covered_s", 2592000.0, "rule",
                     evil ? EVIL : NULL, "sums", "incidents", 1, "open", 0, "real", 1, "false", 0, "unmarked", 0,
                     "messages", 2, "rules", tally(text, true), tally("calm", false), "services", tally(text, true),
                     "incidents", incident);
}

static char *page_of(json_t *take_ledger)
{
    struct tend_buffer page;
    tend_buffer_init(&page);
    tend_ledger_page_render(take_ledger, &page);
    json_decref(take_ledger);
    assert_false(page.failed);
    return page.data;
}

static void what_others_wrote_is_text_in_the_page(void **state)
{
    (void)state;
    char *page = page_of(ledger(true));
    assert_null(strstr(page, "<script"));
    assert_null(strchr(page, '\x1b'));
    assert_non_null(strstr(page, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\\x1b[31m"));
    free(page);
}

static void the_page_names_nothing_elsewhere(void **state)
{
    (void)state;
    char *page = page_of(ledger(false));
    assert_null(strstr(page, "http://"));
    assert_null(strstr(page, "https://"));
    assert_null(strstr(page, " src="));
    assert_null(strstr(page, " style="));
    assert_null(strstr(page, "script-src")); // default-src 'none' holds: it has no script
    assert_non_null(strstr(page, "default-src 'none'"));
    free(page);
}

static void precision_is_told_with_its_interval_and_drawn(void **state)
{
    (void)state;
    char *page = page_of(ledger(false));
    assert_non_null(strstr(page, "75 % <span class=\"detail\">36–94 %</span>"));
    assert_non_null(strstr(page, "<rect x=\"35.6\" width=\"58.6\" height=\"8\" fill-opacity=\".4\"/>"));
    assert_non_null(strstr(page, "<rect x=\"74.0\" width=\"2\" height=\"8\"/>"));
    assert_non_null(strstr(page, "<td>calm</td><td class=\"n\">7</td><td class=\"n\">–</td>"));
    assert_non_null(strstr(page, "<span class=\"badge good\">real</span>"));
    free(page);
}

static void the_text_has_the_same_and_no_control_character(void **state)
{
    (void)state;
    struct tend_buffer text;
    tend_buffer_init(&text);
    json_t *evil = ledger(true);
    tend_ledger_text_format(evil, &text);
    assert_null(strchr(tend_buffer_text(&text), '\x1b'));
    json_decref(evil);
    tend_buffer_clear(&text);
    json_t *calm = ledger(false);
    tend_ledger_text_format(calm, &text);
    assert_non_null(
        strstr(tend_buffer_text(&text), "errors       7     3.5     3      1         3  75 % (36-94 %)      2"));
    assert_non_null(
        strstr(tend_buffer_text(&text), "calm         7       -     0      0         7               -      2"));
    assert_non_null(strstr(tend_buffer_text(&text), "12.0 s (90.0 s)"));
    json_decref(calm);
    tend_buffer_clear(&text);
}

static void nothing_at_all_is_a_page_and_a_text_too(void **state)
{
    (void)state;
    free(page_of(json_object()));
    struct tend_buffer text;
    tend_buffer_init(&text);
    json_t *empty = json_object();
    tend_ledger_text_format(empty, &text);
    assert_false(text.failed);
    json_decref(empty);
    tend_buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_wrote_is_text_in_the_page),
        cmocka_unit_test(the_page_names_nothing_elsewhere),
        cmocka_unit_test(precision_is_told_with_its_interval_and_drawn),
        cmocka_unit_test(the_text_has_the_same_and_no_control_character),
        cmocka_unit_test(nothing_at_all_is_a_page_and_a_text_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
