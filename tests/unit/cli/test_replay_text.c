// What tend replay prints of a report, and of other rules.

#include "cli/replay_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN "1769850300000" // 2026-01-31 09:05:00Z
#define SUMS                                                                                                           \
    "'what':'incident i3','tend':'1.2','build':'ab','libm':'x','from_ms':0,'until_ms':61000,'from_wall_ms':" BEGIN     \
    ",'until_wall_ms':1769850361000,'events':9,'scrapes':1,'samples':40,'ticks':3,'records':7,'segments':1,"           \
    "'restarts':0,'evaluated':5,'decisions':4"

// ' stands for ".
static void assert_text(void (*format)(const json_t *document, struct tend_buffer *out), const char *json,
                        const char *expected)
{
    char *quoted = strdup(json);
    assert_non_null(quoted);
    for (char *at = quoted; *at != '\0'; at++) {
        if (*at == '\'') {
            *at = '"';
        }
    }
    json_t *document = json_loads(quoted, 0, NULL);
    assert_non_null(document);
    struct tend_buffer text;
    tend_buffer_init(&text);
    format(document, &text);
    assert_string_equal(tend_buffer_text(&text), expected);
    tend_buffer_clear(&text);
    json_decref(document);
    free(quoted);
}

static void what_is_identical_is_said_to_be(void **state)
{
    (void)state;
    assert_text(tend_replay_text_format,
                "{" SUMS ",'believed':0,'kills':0,'exact':true,'torn':false,'notes':[],'difference':null}",
                "incident i3, 2026-01-31 09:05:00Z to 2026-01-31 09:06:01Z (61.0 s)\n"
                "  9 events, 1 scrape, 40 samples, 3 ticks, 7 records\n"
                "  1 segment, 0 restarts; evaluators: 5 answers asked for again\n"
                "  recorded by tend 1.2, build ab, libm x, as this one: compared to the byte\n"
                "identical: 4 decisions\n");
}

static void a_difference_is_told_with_its_time(void **state)
{
    (void)state;
    assert_text(
        tend_replay_text_format,
        "{" SUMS ",'believed':2,'kills':1,'exact':false,'torn':true,'notes':['mind \\u001b[2J'],"
        "'difference':{'wall_ms':1769850307000,'event':8,'text':'rule \\\"a\\\" on b: recorded out, now in line'}}",
        "incident i3, 2026-01-31 09:05:00Z to 2026-01-31 09:06:01Z (61.0 s)\n"
        "  9 events, 1 scrape, 40 samples, 3 ticks, 7 records\n"
        "  1 segment, 0 restarts; evaluators: 5 answers asked for again, 2 believed, 1 that died then\n"
        "  recorded by tend 1.2, build ab, libm x, which is not this one: decisions compared exactly, numbers "
        "to 1e-9\n"
        "  the newest segment has a torn tail: replayed up to its last whole block\n"
        "  note: mind \\x1b[2J\n"
        "differs at 2026-01-31 09:05:07Z, event 8:\n"
        "  rule \"a\" on b: recorded out, now in line\n"
        "until there: 4 decisions identical\n");
}

static void what_other_rules_change_is_listed(void **state)
{
    (void)state;
    assert_text(tend_replay_text_format_rules,
                "{'what':'incident i3','rules':'new','from_ms':" BEGIN ",'until_ms':1769850361000,"
                "'alerts_same':2,'alerts':["
                "{'change':'later','rule':'slow','service':'a','instance':'a/1','was_ms':" BEGIN
                ",'at_ms':1769850302500,'by_s':2.5},"
                "{'change':'gone','rule':'down','service':'b','instance':'','was_ms':1769850310000,'at_ms':null,"
                "'by_s':null}],"
                "'acts_same':0,'acts':[{'change':'new','act':'would restart b/1','playbook':'cure','dry':true,"
                "'was_ms':null,'at_ms':1769850311000,'by_s':null}],"
                "'missing':['b: queue: depth was not selected when it was recorded']}",
                "incident i3, 2026-01-31 09:05:00Z to 2026-01-31 09:06:01Z: the rules of new beside the recorded ones, "
                "both unarmed\n"
                "alerts: 2 as they were, 2 otherwise\n"
                "  2026-01-31 09:05:02Z  later by 2.50 s: slow on a/1\n"
                "  2026-01-31 09:05:10Z  gone: down on b\n"
                "acts: 0 as they were, 1 otherwise\n"
                "  2026-01-31 09:05:11Z  new: would restart b/1 (cure)\n"
                "not in the recording:\n"
                "  b: queue: depth was not selected when it was recorded\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_identical_is_said_to_be),
        cmocka_unit_test(a_difference_is_told_with_its_time),
        cmocka_unit_test(what_other_rules_change_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
