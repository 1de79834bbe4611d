// The ledger of a journal that the writer wrote: sums by hand.

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/ledger.h"
#include "journal_place.h"
#include "ledger_incident.h"

#define HOUR_MS INT64_C(3600000)
#define WEEK_MS (7 * 24 * HOUR_MS)
#define BEGIN_MS (LEDGER_OPENED_MS - WEEK_MS) // the journal's first record

static void append(struct journal_place *place, enum tend_record_kind kind, const char *key, const char *incident,
                   int64_t wall_ms, json_t *take_body)
{
    assert_non_null(take_body);
    struct tend_record record = { .number = ++place->number,
                                  .at_ms = wall_ms - BEGIN_MS,
                                  .wall_ms = wall_ms,
                                  .kind = kind,
                                  .key = strdup(key),
                                  .incident = incident == NULL ? NULL : strdup(incident),
                                  .body = take_body };
    tend_journal_writer_append(place->writer, &record);
}

// Its first record is of a week before.
static int make_place(void **state)
{
    const int made = journal_place_make(state);
    append(*state, TEND_RECORD_START, "generation", NULL, BEGIN_MS, json_pack("{s:s}", "version", "1"));
    return made;
}

static void put_incident(struct journal_place *place, const char *id, int64_t opened_ms, int64_t ended_ms,
                         const char *outcome)
{
    append(place, TEND_RECORD_INCIDENT, id, id, ended_ms < 0 ? opened_ms : ended_ms,
           json_pack("{s:s, s:s, s:I, s:o, s:s, s:[s], s:[{s:s, s:f}], s:s?}", "id", id, "state",
                     ended_ms < 0 ? "open" : "ended", "opened_wall_ms", (json_int_t)opened_ms, "ended_wall_ms",
                     ended_ms < 0 ? json_null() : json_integer(ended_ms), "severity", "page", "services", "shop",
                     "culprits", "service", "ledger", "confidence", 0.9, "outcome", outcome));
}

// An alert of `rule` on `service` at `wall_ms`: it went out of line 30 s before it fired, and its onset was 90 s
// before.
static void put_alert(struct journal_place *place, const char *incident, const char *rule, const char *service,
                      const char *state, int64_t fired_ms, int64_t wall_ms)
{
    char key[128];
    (void)snprintf(key, sizeof key, "%s\n%s\n", rule, service);
    append(place, TEND_RECORD_ALERT, key, incident, wall_ms,
           json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b}", "rule", rule, "service", service, "instance", "",
                     "state", state, "since_wall_ms", (json_int_t)(fired_ms - 30000), "onset_wall_ms",
                     (json_int_t)(fired_ms - 90000), "fired_wall_ms", (json_int_t)fired_ms, "by_missing", 0));
}

static void put_mark(struct journal_place *place, const char *incident, const char *mark, int64_t wall_ms)
{
    char key[64];
    (void)snprintf(key, sizeof key, "mark/%s", incident);
    append(place, TEND_RECORD_OPERATOR, key, incident, wall_ms,
           json_pack("{s:s, s:s, s:s, s:s}", "what", "mark", "mark", mark, "why", "as seen", "who", "uid 7"));
}

// Rule `rule` fires on the shop for ten minutes, and that is the incident.
static void put_short(struct journal_place *place, const char *id, const char *rule, int64_t opened_ms)
{
    put_incident(place, id, opened_ms, -1, NULL);
    put_alert(place, id, rule, "shop", "firing", opened_ms, opened_ms);
    put_alert(place, id, rule, "shop", "resolved", opened_ms, opened_ms + 600000);
    put_incident(place, id, opened_ms, opened_ms + 600000, "resolved by itself");
}

static json_t *ledger_of(struct journal_place *place, int64_t from_ms, int64_t until_ms, const char *rule)
{
    struct tend_error error = { "" };
    json_t *ledger = NULL;
    const struct tend_ledger_options options = { .from_wall_ms = from_ms, .until_wall_ms = until_ms, .rule = rule };
    assert_int_equal(tend_ledger_read(journal_place_read(place), &options, &ledger, &error), TEND_OK);
    return ledger;
}

static const json_t *named(const json_t *ledger, const char *list, const char *name)
{
    const json_t *tallies = json_object_get(ledger, list);
    for (size_t i = 0; i < json_array_size(tallies); i++) {
        if (strcmp(tend_json_text(json_array_get(tallies, i), "name", ""), name) == 0) {
            return json_array_get(tallies, i);
        }
    }
    return NULL;
}

static void assert_count(const json_t *tally, const char *key, int64_t expected)
{
    const int64_t count = tend_json_integer(tally, key, -1);
    if (count != expected) {
        fail_msg("%s is %lld, expected %lld", key, (long long)count, (long long)expected);
    }
}

static void assert_span(const json_t *tally, const char *key, int64_t count, double median, double largest)
{
    const json_t *spread = json_object_get(tally, key);
    assert_count(spread, "count", count);
    assert_true(tend_json_number(spread, "median", -1) == median);
    assert_true(tend_json_number(spread, "largest", -1) == largest);
}

static void marks_make_the_precision_and_the_newest_counts(void **state)
{
    struct journal_place *place = *state;
    const int64_t first_ms = LEDGER_OPENED_MS - 6 * 24 * HOUR_MS;
    for (int i = 0; i < 6; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "i%d", i);
        put_short(place, id, "errors", first_ms + i * HOUR_MS);
    }
    put_mark(place, "i0", "real", LEDGER_OPENED_MS);
    put_mark(place, "i1", "false", LEDGER_OPENED_MS);
    put_mark(place, "i1", "real", LEDGER_OPENED_MS + 1); // on second thoughts
    put_mark(place, "i2", "real", LEDGER_OPENED_MS);
    put_mark(place, "i3", "false", LEDGER_OPENED_MS);
    put_mark(place, "i4", "false", LEDGER_OPENED_MS);
    put_mark(place, "i4", "none", LEDGER_OPENED_MS + 1); // taken back
    json_t *ledger = ledger_of(place, 0, LEDGER_OPENED_MS, NULL);
    const json_t *errors = named(ledger, "rules", "errors");
    assert_count(errors, "alarms", 6);
    assert_count(errors, "real", 3);
    assert_count(errors, "false", 1);
    assert_count(errors, "unmarked", 2);
    assert_true(tend_json_number(errors, "precision", 0) == 0.75);
    // Of four, three: the middle is (0.75 + 2.7055 / 8) / (1 + 2.7055 / 4) = 0.6491, half the width 0.2930.
    assert_true(fabs(tend_json_number(errors, "precision_low", 0) - 0.3562) < 1e-4);
    assert_true(fabs(tend_json_number(errors, "precision_high", 0) - 0.9421) < 1e-4);
    assert_true(tend_json_number(errors, "per_week", 0) == 6); // the journal covers one
    const json_t *newest = json_array_get(json_object_get(ledger, "incidents"), 0);
    assert_string_equal(tend_json_text(newest, "id", ""), "i5");
    const json_t *second = json_array_get(json_object_get(ledger, "incidents"), 4);
    assert_string_equal(tend_json_text(second, "mark", ""), "real");
    assert_string_equal(tend_json_text(second, "why", ""), "as seen");
    assert_string_equal(tend_json_text(second, "who", ""), "uid 7");
    json_decref(ledger);
}

static void delays_are_from_the_onset_to_firing_to_telling(void **state)
{
    struct journal_place *place = *state;
    put_short(place, "i1", "errors", LEDGER_OPENED_MS - HOUR_MS);
    append(place, TEND_RECORD_NOTICE, "i1/on call/firing/1", "i1", LEDGER_OPENED_MS - HOUR_MS + 100,
           json_pack("{s:s, s:s}", "key", "i1/on call/firing/1", "status", "failed"));
    append(place, TEND_RECORD_NOTICE, "i1/on call/firing/1", "i1", LEDGER_OPENED_MS - HOUR_MS + 4000,
           json_pack("{s:s, s:s}", "key", "i1/on call/firing/1", "status", "sent"));
    append(place, TEND_RECORD_NOTICE, "i1/on call/resolved/1", "i1", LEDGER_OPENED_MS - HOUR_MS + 600000,
           json_pack("{s:s, s:s}", "key", "i1/on call/resolved/1", "status", "sent"));
    json_t *ledger = ledger_of(place, 0, LEDGER_OPENED_MS, NULL);
    const json_t *errors = named(ledger, "rules", "errors");
    assert_span(errors, "onset_to_fired_s", 1, 90, 90);
    assert_span(errors, "began_to_fired_s", 1, 30, 30);
    assert_span(errors, "fired_to_told_s", 1, 4, 4);
    assert_span(errors, "lasted_s", 1, 600, 600);
    assert_count(json_object_get(errors, "recovered_s"), "count", 0); // it went away by itself
    assert_count(errors, "messages", 2);
    json_decref(ledger);
}

static void firing_again_is_a_flap_and_still_one_alarm(void **state)
{
    struct journal_place *place = *state;
    const int64_t at_ms = LEDGER_OPENED_MS - HOUR_MS;
    put_incident(place, "i1", at_ms, -1, NULL);
    for (int i = 0; i < 3; i++) {
        put_alert(place, "i1", "errors", "shop", "firing", at_ms + i * 60000, at_ms + i * 60000);
        put_alert(place, "i1", "errors", "shop", "firing", at_ms + i * 60000, at_ms + i * 60000 + 1); // told once more
        put_alert(place, "i1", "errors", "shop", "resolved", at_ms + i * 60000, at_ms + i * 60000 + 30000);
    }
    put_alert(place, "i1", "errors", "bank", "firing", at_ms + 70000, at_ms + 70000);
    put_alert(place, "i1", "slow", "bank", "firing", at_ms + 80000, at_ms + 80000);
    json_t *ledger = ledger_of(place, 0, LEDGER_OPENED_MS, NULL);
    const json_t *errors = named(ledger, "rules", "errors");
    assert_count(errors, "alarms", 1);
    assert_count(errors, "firings", 4); // three on the shop, one on the bank
    assert_count(errors, "flaps", 2);
    assert_count(json_object_get(errors, "lasted_s"), "count", 0); // on the bank it goes on
    assert_count(named(ledger, "rules", "slow"), "alarms", 1);
    assert_span(named(ledger, "services", "shop"), "lasted_s", 1, 150, 150);
    assert_count(named(ledger, "services", "bank"), "firings", 2);
    assert_count(json_object_get(ledger, "sums"), "incidents", 1);
    assert_count(json_object_get(ledger, "sums"), "open", 1);
    json_decref(ledger);
}

// The incident of ledger_incident.h: "down" fires at 0 and ends at 5 s, "slow" fires at 0.5 s; a run restarts ledger
// once, and all is well at 5.25 s, 6.25 s after the first sample out of line.
static void runs_and_acts_are_the_incidents(void **state)
{
    struct journal_place *place = *state;
    for (size_t i = 0; i < LEDGER_INCIDENT_RECORDS; i++) {
        struct tend_record record = written_to_record(&ledger_incident[i], ++place->number);
        tend_journal_writer_append(place->writer, &record);
    }
    json_t *ledger = ledger_of(place, 0, LEDGER_OPENED_MS + HOUR_MS, NULL);
    const json_t *down = named(ledger, "rules", "down");
    assert_count(down, "runs", 1);
    assert_count(down, "cured", 1);
    assert_count(down, "acts", 1); // a verify is none
    assert_count(down, "dry_runs", 0);
    assert_span(down, "began_to_fired_s", 1, 1, 1);
    assert_count(json_object_get(down, "onset_to_fired_s"), "count", 0); // a journal of before onsets were kept
    assert_span(down, "fired_to_told_s", 1, 4.5, 4.5);
    assert_span(down, "lasted_s", 1, 5, 5);
    assert_span(down, "recovered_s", 1, 6.25, 6.25);
    assert_span(named(ledger, "rules", "slow"), "fired_to_told_s", 1, 4, 4);
    const json_t *row = json_array_get(json_object_get(ledger, "incidents"), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "culprits"), 0)), "ledger");
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "rules"), 1)), "slow");
    assert_string_equal(tend_json_text(row, "outcome", ""), "recovered");
    assert_true(json_is_null(json_object_get(row, "mark")));
    json_decref(ledger);
}

static void dry_runs_are_no_acts(void **state)
{
    struct journal_place *place = *state;
    put_short(place, "i1", "errors", LEDGER_OPENED_MS - HOUR_MS);
    append(place, TEND_RECORD_STEP, "r1/1", "i1", LEDGER_OPENED_MS,
           json_pack("{s:s, s:b, s:s}", "kind", "exec", "dry", 1, "state", "begun"));
    append(place, TEND_RECORD_RUN, "r1", "i1", LEDGER_OPENED_MS,
           json_pack("{s:s, s:b, s:s}", "state", "ended", "dry", 1, "outcome", "recovered"));
    append(place, TEND_RECORD_RUN, "r2", "i1", LEDGER_OPENED_MS,
           json_pack("{s:s, s:b, s:s}", "state", "ended", "dry", 0, "outcome", "failed"));
    json_t *ledger = ledger_of(place, 0, LEDGER_OPENED_MS, NULL);
    const json_t *errors = named(ledger, "rules", "errors");
    assert_count(errors, "dry_runs", 1);
    assert_count(errors, "runs", 1);
    assert_count(errors, "cured", 0);
    assert_count(errors, "acts", 0);
    json_decref(ledger);
}

static void only_incidents_opened_in_the_time_count(void **state)
{
    struct journal_place *place = *state;
    put_short(place, "i1", "errors", LEDGER_OPENED_MS - 4 * HOUR_MS);
    put_short(place, "i2", "errors", LEDGER_OPENED_MS - 2 * HOUR_MS);
    put_short(place, "i3", "errors", LEDGER_OPENED_MS);
    json_t *ledger = ledger_of(place, LEDGER_OPENED_MS - 2 * HOUR_MS, LEDGER_OPENED_MS, NULL);
    assert_int_equal(json_array_size(json_object_get(ledger, "incidents")), 1);
    assert_true(tend_json_number(ledger, "covered_s", 0) == 7200);
    assert_true(json_is_null(json_object_get(named(ledger, "rules", "errors"), "per_week"))); // of two hours
    json_decref(ledger);
}

static void one_rule_is_told_alone_with_the_incidents_in_which_it_fired(void **state)
{
    struct journal_place *place = *state;
    put_short(place, "i1", "errors", LEDGER_OPENED_MS - 4 * HOUR_MS);
    put_short(place, "i2", "slow", LEDGER_OPENED_MS - 2 * HOUR_MS);
    put_alert(place, "i2", "errors", "shop", "firing", LEDGER_OPENED_MS, LEDGER_OPENED_MS);
    put_short(place, "i3", "slow", LEDGER_OPENED_MS - HOUR_MS);
    json_t *ledger = ledger_of(place, 0, LEDGER_OPENED_MS, "errors");
    assert_int_equal(json_array_size(json_object_get(ledger, "rules")), 1);
    assert_count(named(ledger, "rules", "errors"), "alarms", 2);
    assert_int_equal(json_array_size(json_object_get(ledger, "incidents")), 2);
    json_decref(ledger);
    ledger = ledger_of(place, 0, LEDGER_OPENED_MS, "nobody");
    assert_int_equal(json_array_size(json_object_get(ledger, "rules")), 0);
    json_decref(ledger);
}

static void those_with_the_most_alarms_come_first_and_names_decide_ties(void **state)
{
    struct journal_place *place = *state;
    put_short(place, "i1", "b", LEDGER_OPENED_MS - 4 * HOUR_MS);
    put_short(place, "i2", "c", LEDGER_OPENED_MS - 3 * HOUR_MS);
    put_short(place, "i3", "c", LEDGER_OPENED_MS - 2 * HOUR_MS);
    put_short(place, "i4", "a", LEDGER_OPENED_MS - HOUR_MS);
    json_t *ledger = ledger_of(place, 0, LEDGER_OPENED_MS, NULL);
    static const char *const order[] = { "c", "a", "b" };
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(tend_json_text(json_array_get(json_object_get(ledger, "rules"), i), "name", ""), order[i]);
    }
    json_decref(ledger);
}

static void an_empty_journal_has_an_empty_ledger(void **state)
{
    json_t *ledger = ledger_of(*state, 0, LEDGER_OPENED_MS, NULL);
    assert_count(json_object_get(ledger, "sums"), "incidents", 0);
    assert_int_equal(json_array_size(json_object_get(ledger, "rules")), 0);
    json_decref(ledger);
}

// What other versions or a broken disk may have left: no member is where it should be.
static void records_that_say_nothing_are_counted_as_that(void **state)
{
    struct journal_place *place = *state;
    put_incident(place, "i1", LEDGER_OPENED_MS - HOUR_MS, -1, NULL);
    static const enum tend_record_kind kinds[] = { TEND_RECORD_ALERT, TEND_RECORD_RUN, TEND_RECORD_STEP,
                                                   TEND_RECORD_NOTICE, TEND_RECORD_OPERATOR };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        append(place, kinds[i], "x", "i1", LEDGER_OPENED_MS - HOUR_MS, json_object());
        append(place, kinds[i], "x", "i1", LEDGER_OPENED_MS - HOUR_MS,
               json_pack("{s:s, s:i, s:[], s:n, s:s}", "state", "firing", "rule", 7, "service", "instance", "kind",
                         "exec"));
    }
    json_t *ledger = ledger_of(place, 0, LEDGER_OPENED_MS, NULL);
    assert_count(json_object_get(ledger, "sums"), "incidents", 1);
    assert_count(named(ledger, "rules", ""), "firings", 1);
    json_decref(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(marks_make_the_precision_and_the_newest_counts, make_place,
                                        journal_place_remove),
        cmocka_unit_test_setup_teardown(delays_are_from_the_onset_to_firing_to_telling, make_place,
                                        journal_place_remove),
        cmocka_unit_test_setup_teardown(firing_again_is_a_flap_and_still_one_alarm, make_place, journal_place_remove),
        cmocka_unit_test_setup_teardown(runs_and_acts_are_the_incidents, make_place, journal_place_remove),
        cmocka_unit_test_setup_teardown(dry_runs_are_no_acts, make_place, journal_place_remove),
        cmocka_unit_test_setup_teardown(only_incidents_opened_in_the_time_count, make_place, journal_place_remove),
        cmocka_unit_test_setup_teardown(one_rule_is_told_alone_with_the_incidents_in_which_it_fired, make_place,
                                        journal_place_remove),
        cmocka_unit_test_setup_teardown(those_with_the_most_alarms_come_first_and_names_decide_ties, make_place,
                                        journal_place_remove),
        cmocka_unit_test_setup_teardown(an_empty_journal_has_an_empty_ledger, make_place, journal_place_remove),
        cmocka_unit_test_setup_teardown(records_that_say_nothing_are_counted_as_that, make_place, journal_place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
