// Facts about CSV records.

#include "parse/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Reads one record of the last bytes. @return how many bytes it took
static size_t read_last(const char *text, struct tend_csv_record *record)
{
    size_t used = SIZE_MAX;
    struct tend_error error = { "" };
    if (tend_csv_read(text, strlen(text), true, record, &used, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return used;
}

static void assert_fields(const struct tend_csv_record *record, const char *joined)
{
    char got[1000] = "";
    for (size_t i = 0; i < record->count; i++) {
        (void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s[%.*s]", i == 0 ? "" : " ",
                       (int)record->fields[i].bytes, record->fields[i].text);
    }
    assert_string_equal(got, joined);
}

static void assert_refused(const char *text, size_t bytes, enum tend_status expected, const char *message)
{
    struct tend_csv_record record;
    struct tend_error error = { "" };
    size_t used = 0;
    tend_csv_record_init(&record);
    assert_int_equal(tend_csv_read(text, bytes, true, &record, &used, &error), expected);
    assert_string_equal(error.text, message);
    tend_csv_record_clear(&record);
}

static void fields_stand_between_commas(void **state)
{
    (void)state;
    struct tend_csv_record record;
    tend_csv_record_init(&record);
    assert_int_equal(read_last("a,b c,,1.5\nnext", &record), 11);
    assert_fields(&record, "[a] [b c] [] [1.5]");
    assert_int_equal(record.lines, 1);
    tend_csv_record_clear(&record);
}

static void a_line_ends_with_lf_with_cr_lf_or_with_the_bytes(void **state)
{
    (void)state;
    struct tend_csv_record record;
    tend_csv_record_init(&record);
    assert_int_equal(read_last("a,b\r\nc", &record), 5);
    assert_fields(&record, "[a] [b]");
    assert_int_equal(read_last("a,b", &record), 3);
    assert_fields(&record, "[a] [b]");
    assert_int_equal(read_last("a,", &record), 2);
    assert_fields(&record, "[a] []");
    tend_csv_record_clear(&record);
}

static void quotes_hold_commas_line_ends_and_quotes(void **state)
{
    (void)state;
    struct tend_csv_record record;
    tend_csv_record_init(&record);
    assert_int_equal(read_last("\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\"\"\nrest", &record), 34);
    assert_fields(&record, "[a,b] [say \"no\"] [two\nlines] []");
    assert_int_equal(record.lines, 2);
    tend_csv_record_clear(&record);
}

static void an_empty_line_is_one_empty_field(void **state)
{
    (void)state;
    struct tend_csv_record record;
    tend_csv_record_init(&record);
    assert_int_equal(read_last("\nx", &record), 1);
    assert_fields(&record, "[]");
    assert_int_equal(read_last("", &record), 0); // nothing at all is no record
    assert_int_equal(record.count, 0);
    tend_csv_record_clear(&record);
}

static void a_record_that_is_not_whole_waits_for_more_bytes(void **state)
{
    (void)state;
    static const char *const begun[] = { "a,b", "a,\"b\n", "a,\"b\"\"\nc", "" };
    struct tend_csv_record record;
    tend_csv_record_init(&record);
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++) {
        size_t used = 99;
        assert_int_equal(tend_csv_read(begun[i], strlen(begun[i]), false, &record, &used, NULL), TEND_OK);
        assert_int_equal(used, 0);
    }
    tend_csv_record_clear(&record);
}

static void what_quotes_may_not_do_is_refused_with_the_field(void **state)
{
    (void)state;
    assert_refused("a,\"b", 4, TEND_E_INVALID, "field 2: its quote is not closed");
    assert_refused("a,\"b\"c,d\n", 9, TEND_E_INVALID, "field 2: there is text behind its closing quote");
    assert_refused("a,b\"c\",d\n", 9, TEND_E_INVALID,
                   "field 2: a quote stands within it; quote the whole field and double that quote");
    assert_refused("a,\0,b\n", 6, TEND_E_INVALID, "a NUL byte: this is no text");
}

static void too_many_fields_and_too_long_records_are_refused(void **state)
{
    (void)state;
    char *commas = malloc(TEND_CSV_FIELDS_MAX + 1);
    memset(commas, ',', TEND_CSV_FIELDS_MAX + 1);
    assert_refused(commas, TEND_CSV_FIELDS_MAX + 1, TEND_E_LIMIT, "more than 100000 fields");
    free(commas);
    char *long_text = malloc(TEND_CSV_RECORD_BYTES_MAX + 1);
    memset(long_text, 'x', TEND_CSV_RECORD_BYTES_MAX + 1);
    assert_refused(long_text, TEND_CSV_RECORD_BYTES_MAX + 1, TEND_E_LIMIT, "a record of more than 16 MB");
    long_text[0] = '"';
    assert_refused(long_text, TEND_CSV_RECORD_BYTES_MAX + 1, TEND_E_LIMIT,
                   "a record of more than 16 MB; perhaps a quote is not closed");
    free(long_text);
}

// However the bytes are cut into pieces, the same records come of them.
static void pieces_give_the_same_records_as_the_whole(void **state)
{
    (void)state;
    static const char text[] = "time,\"a \"\"b\"\"\"\n1,\"x\ny\"\r\n2,\n3,z";
    static const char *const expected[] = { "[time] [a \"b\"]", "[1] [x\ny]", "[2] []", "[3] [z]" };
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct tend_csv_record record;
        tend_csv_record_init(&record);
        size_t begin = 0;
        size_t have = 0;
        size_t records = 0;
        while (begin < sizeof text - 1) {
            size_t used;
            const bool is_last = have == sizeof text - 1;
            assert_int_equal(tend_csv_read(text + begin, have - begin, is_last, &record, &used, NULL), TEND_OK);
            if (used == 0) {
                assert_false(is_last);
                have = have + piece < sizeof text - 1 ? have + piece : sizeof text - 1;
                continue;
            }
            assert_fields(&record, expected[records++]);
            begin += used;
        }
        assert_int_equal(records, 4);
        tend_csv_record_clear(&record);
    }
}

static void blanks_at_the_ends_of_a_field_are_trimmed(void **state)
{
    (void)state;
    struct tend_csv_record record;
    tend_csv_record_init(&record);
    (void)read_last(" \ta b\t , \t,x", &record);
    for (size_t i = 0; i < record.count; i++) {
        record.fields[i] = tend_csv_field_trimmed(record.fields[i]);
    }
    assert_fields(&record, "[a b] [] [x]");
    tend_csv_record_clear(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_stand_between_commas),
        cmocka_unit_test(a_line_ends_with_lf_with_cr_lf_or_with_the_bytes),
        cmocka_unit_test(quotes_hold_commas_line_ends_and_quotes),
        cmocka_unit_test(an_empty_line_is_one_empty_field),
        cmocka_unit_test(a_record_that_is_not_whole_waits_for_more_bytes),
        cmocka_unit_test(what_quotes_may_not_do_is_refused_with_the_field),
        cmocka_unit_test(too_many_fields_and_too_long_records_are_refused),
        cmocka_unit_test(pieces_give_the_same_records_as_the_whole),
        cmocka_unit_test(blanks_at_the_ends_of_a_field_are_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
