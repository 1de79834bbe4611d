// The list and the stories, read from a journal that the writer wrote.

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/incidents.h"
#include "journal_place.h"
#include "ledger_incident.h"

// Appends a record as written, of this incident (NULL: of none).
static void append(struct journal_place *place, const struct written_record *written, const char *incident)
{
    struct tend_record record = written_to_record(written, ++place->number);
    free(record.incident);
    record.incident = incident != NULL ? strdup(incident) : NULL;
    if (incident != NULL && record.kind == TEND_RECORD_INCIDENT) {
        free(record.key);
        record.key = strdup(incident);
        assert_int_equal(json_object_set_new(record.body, "id", json_string(incident)), 0);
    }
    tend_journal_writer_append(place->writer, &record);
}

static void append_all(struct journal_place *place, const char *incident)
{
    for (size_t i = 0; i < LEDGER_INCIDENT_RECORDS; i++) {
        append(place, &ledger_incident[i], incident);
    }
}

static void the_list_has_the_newest_first(void **state)
{
    struct journal_place *place = *state;
    append_all(place, "i1");
    append_all(place, "i2");
    append_all(place, "i3");
    struct tend_journal *journal = journal_place_read(place);
    struct tend_error error = { "" };
    json_t *list = NULL;
    assert_int_equal(tend_incidents_list(journal, 2, &list, &error), TEND_OK);
    const json_t *rows = json_object_get(list, "incidents");
    assert_int_equal(json_array_size(rows), 2);
    const json_t *row = json_array_get(rows, 0);
    assert_string_equal(tend_json_text(row, "id", ""), "i3");
    assert_string_equal(tend_json_text(row, "outcome", ""), "recovered");
    assert_string_equal(tend_json_text(row, "summary", ""), "ledger does not answer");
    assert_true(tend_json_number(row, "took_s", 0) == 5.25);
    const json_t *run = json_array_get(json_object_get(row, "runs"), 0);
    assert_string_equal(tend_json_text(run, "playbook", ""), "restart");
    assert_string_equal(tend_json_text(json_array_get(rows, 1), "id", ""), "i2");
    json_decref(list);
}

static void an_empty_journal_lists_none_and_explains_that(void **state)
{
    struct tend_journal *journal = journal_place_read(*state);
    struct tend_error error = { "" };
    json_t *list = NULL;
    assert_int_equal(tend_incidents_list(journal, 50, &list, &error), TEND_OK);
    assert_int_equal(json_array_size(json_object_get(list, "incidents")), 0);
    json_decref(list);
    json_t *story = NULL;
    assert_int_equal(tend_incidents_explain(journal, "last", &story, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "there has been no incident yet");
    assert_null(story);
}

static void no_id_and_last_are_the_newest(void **state)
{
    struct journal_place *place = *state;
    append_all(place, "i1");
    append_all(place, "i2");
    struct tend_journal *journal = journal_place_read(place);
    static const char *const ids[][2] = { { "", "i2" }, { "last", "i2" }, { "i1", "i1" } };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct tend_error error = { "" };
        json_t *story = NULL;
        assert_int_equal(tend_incidents_explain(journal, ids[i][0], &story, &error), TEND_OK);
        assert_string_equal(tend_json_text(story, "incident", ""), ids[i][1]);
        json_decref(story);
    }
}

static void an_unknown_id_names_the_newest_ones(void **state)
{
    struct journal_place *place = *state;
    append_all(place, "i1");
    append_all(place, "i2");
    struct tend_journal *journal = journal_place_read(place);
    struct tend_error error = { "" };
    json_t *story = NULL;
    assert_int_equal(tend_incidents_explain(journal, "i9'; --", &story, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "there is no incident \"i9'; --\"; the newest are i2, i1");
    assert_null(story);
}

static const json_t *operators_of(struct journal_place *place, json_t **story)
{
    struct tend_error error = { "" };
    assert_int_equal(tend_incidents_explain(journal_place_read(place), "i7", story, &error), TEND_OK);
    return json_object_get(*story, "operators");
}

static const struct written_record paused_before = {
    TEND_RECORD_OPERATOR, -60000, "pause", "{'what':'pause','argument':'deploy','who':'uid 1000 (ops)','on':true}"
};

static void a_pause_that_held_is_part_of_the_story(void **state)
{
    struct journal_place *place = *state;
    append(place, &paused_before, NULL);
    append_all(place, "i7");
    json_t *story = NULL;
    const json_t *operators = operators_of(place, &story);
    assert_int_equal(json_array_size(operators), 1);
    assert_true(tend_json_number(json_array_get(operators, 0), "after_s", 0) == -60);
    assert_string_equal(tend_json_text(json_array_get(json_object_get(story, "timeline"), 0), "text", ""),
                        "uid 1000 (ops): pause deploy");
    json_decref(story);
}

static void what_operators_did_before_and_after_is_not(void **state)
{
    static const struct written_record others[] = {
        { TEND_RECORD_OPERATOR, -60000, "arm/aa", "{'what':'arm','argument':'restart','who':'uid 0','on':true}" },
        { TEND_RECORD_OPERATOR, -50000, "pause", "{'what':'resume','argument':'','who':'uid 0','on':false}" },
    };
    static const struct written_record later = { TEND_RECORD_OPERATOR, 90000, "arm/bb",
                                                 "{'what':'arm','argument':'drain','who':'uid 0','on':true}" };
    static const struct written_record during = { TEND_RECORD_OPERATOR, 3000, "arm/cc",
                                                  "{'what':'arm','argument':'scale','who':'uid 0','on':true}" };
    struct journal_place *place = *state;
    append(place, &others[0], NULL);
    append(place, &others[1], NULL);
    append_all(place, "i7");
    append(place, &during, NULL);
    append(place, &later, NULL);
    json_t *story = NULL;
    const json_t *operators = operators_of(place, &story);
    assert_int_equal(json_array_size(operators), 1);
    assert_string_equal(tend_json_text(json_array_get(operators, 0), "argument", ""), "scale");
    json_decref(story);
}

static json_t *mark_of(struct tend_journal *journal, const char *id)
{
    struct tend_error error = { "" };
    json_t *story = NULL;
    assert_int_equal(tend_incidents_explain(journal, id, &story, &error), TEND_OK);
    json_t *mark = json_incref(json_object_get(story, "mark"));
    json_decref(story);
    return mark;
}

static void the_newest_mark_of_an_incident_is_in_its_story_and_in_its_row_and_in_no_other(void **state)
{
    static const struct written_record marks[] = {
        { TEND_RECORD_OPERATOR, 3000, "mark/i1",
          "{'what':'mark','argument':'real','who':'uid 1','on':false,'mark':'real','why':''}" },
        { TEND_RECORD_OPERATOR, 9000000, "mark/i1",
          "{'what':'mark','argument':'false: a test','who':'uid 2','on':false,'mark':'false','why':'a test'}" },
        { TEND_RECORD_OPERATOR, 3000, "mark/i2",
          "{'what':'mark','argument':'real','who':'uid 1','on':false,'mark':'real','why':''}" },
        { TEND_RECORD_OPERATOR, 4000, "mark/i2",
          "{'what':'mark','argument':'none','who':'uid 1','on':false,'mark':'none','why':''}" },
    };
    static const char *const of[] = { "i1", "i1", "i2", "i2" };
    struct journal_place *place = *state;
    append_all(place, "i1");
    append_all(place, "i2");
    append_all(place, "i3");
    for (size_t i = 0; i < 4; i++) {
        append(place, &marks[i], of[i]);
    }
    struct tend_journal *journal = journal_place_read(place);
    json_t *mark = mark_of(journal, "i1");
    assert_string_equal(tend_json_text(mark, "mark", ""), "false");
    assert_string_equal(tend_json_text(mark, "why", ""), "a test");
    assert_string_equal(tend_json_text(mark, "who", ""), "uid 2");
    json_decref(mark);
    assert_true(json_is_null(mark_of(journal, "i2"))); // taken back
    assert_true(json_is_null(mark_of(journal, "i3"))); // its time is that of the others' marks
    struct tend_error error = { "" };
    json_t *story = NULL;
    assert_int_equal(tend_incidents_explain(journal, "i3", &story, &error), TEND_OK);
    assert_int_equal(json_array_size(json_object_get(story, "operators")), 0);
    json_decref(story);
    json_t *list = NULL;
    assert_int_equal(tend_incidents_list(journal, 9, &list, &error), TEND_OK);
    const json_t *rows = json_object_get(list, "incidents");
    assert_string_equal(tend_json_text(json_object_get(json_array_get(rows, 2), "mark"), "mark", ""), "false");
    assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "mark")));
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_list_has_the_newest_first, journal_place_make, journal_place_remove),
        cmocka_unit_test_setup_teardown(an_empty_journal_lists_none_and_explains_that, journal_place_make,
                                        journal_place_remove),
        cmocka_unit_test_setup_teardown(no_id_and_last_are_the_newest, journal_place_make, journal_place_remove),
        cmocka_unit_test_setup_teardown(an_unknown_id_names_the_newest_ones, journal_place_make, journal_place_remove),
        cmocka_unit_test_setup_teardown(a_pause_that_held_is_part_of_the_story, journal_place_make,
                                        journal_place_remove),
        cmocka_unit_test_setup_teardown(what_operators_did_before_and_after_is_not, journal_place_make,
                                        journal_place_remove),
        cmocka_unit_test_setup_teardown(the_newest_mark_of_an_incident_is_in_its_story_and_in_its_row_and_in_no_other,
                                        journal_place_make, journal_place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
