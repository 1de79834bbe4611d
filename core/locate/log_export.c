// The header is strict, as another kind of CSV file would else be read as a log: of a file of metrics each row has a
// time and some fields too.

#include "locate/log_export.h"

#include "parse/csv.h"
#include "parse/moment.h"
#include "parse/number.h"

#include <string.h>
#include <strings.h>

enum { FIELDS = 4, SHOWN_BYTES = 40 };

struct reading {
    struct tend_log_book *book;
    struct tend_csv_record record;
    bool has_begun; // its first line was read
    struct tend_error *error;
};

static int shown(struct tend_csv_field field)
{
    return field.bytes > SHOWN_BYTES ? SHOWN_BYTES : (int)field.bytes;
}

static bool is_number(struct tend_csv_field field)
{
    double number;
    return tend_number_parse(field.text, field.bytes, &number);
}

// ---- the header ----

static bool is_word(struct tend_csv_field field, const char *word)
{
    field = tend_csv_field_trimmed(field);
    return field.bytes == strlen(word) && strncasecmp(field.text, word, field.bytes) == 0;
}

// "ledger:cpu_pct", as a column of exported metrics is called.
static bool is_metric(struct tend_csv_field field)
{
    const char *colon = memrchr(field.text, ':', field.bytes);
    return colon != NULL && colon != field.text && colon + 1 < field.text + field.bytes &&
           memchr(field.text, ' ', field.bytes) == NULL;
}

// @return what a first line that is none of a log seems to be, to end the sentence with
static const char *guess(const struct tend_csv_record *record)
{
    const struct tend_csv_field *first = &record->fields[0];
    if (record->count > 1 && is_metric(tend_csv_field_trimmed(record->fields[1]))) {
        return "; these are metrics (time,SERVICE:METRIC,…)";
    }
    if (record->count == 1 && memchr(first->text, ';', first->bytes) != NULL) {
        return "; its fields have semicolons between";
    }
    return record->count == 1 && memchr(first->text, '\t', first->bytes) != NULL ? "; its fields have tabs between"
                                                                                 : "";
}

static enum tend_status refuse_first(const struct reading *reading, const char *because)
{
    tend_error_set(reading->error, "the first line of a log has to be time,service,level,message%s", because);
    return TEND_E_INVALID;
}

static enum tend_status check_header(const struct reading *reading)
{
    const struct tend_csv_record *record = &reading->record;
    if (record->count == FIELDS && is_word(record->fields[1], "service") && is_word(record->fields[2], "level") &&
        is_word(record->fields[3], "message")) {
        return TEND_OK;
    }
    return refuse_first(reading, guess(record));
}

// ---- lines ----

// The time of a clock that was not set: "-6795364578.871", "0001-01-01T00:00:00Z". Logs have such lines.
static bool is_unset(struct tend_csv_field time)
{
    static const char first_day[] = "0001-01-01";
    return is_number(time) || (time.bytes >= strlen(first_day) && memcmp(time.text, first_day, strlen(first_day)) == 0);
}

static enum tend_status take_line(const struct reading *reading)
{
    const struct tend_csv_field *fields = reading->record.fields;
    if (reading->record.count != FIELDS) {
        tend_error_set(reading->error, "%zu fields; a line of a log is time,service,level,message",
                       reading->record.count);
        return TEND_E_INVALID;
    }
    const struct tend_csv_field time = tend_csv_field_trimmed(fields[0]);
    int64_t at_ms;
    struct tend_error what;
    if (tend_moment_parse(time.text, time.bytes, NULL, &at_ms, &what) != TEND_OK) {
        if (is_unset(time)) {
            return TEND_OK;
        }
        tend_error_set(reading->error, "%s", what.text);
        return TEND_E_INVALID;
    }
    const struct tend_log_line line = { .at_s = (double)at_ms / 1000,
                                        .service = fields[1].text,
                                        .service_bytes = fields[1].bytes,
                                        .level = fields[2].text,
                                        .level_bytes = fields[2].bytes,
                                        .message = fields[3].text,
                                        .message_bytes = fields[3].bytes };
    return tend_log_book_add(reading->book, &line);
}

// The header, or a line of a file that has none.
static enum tend_status take_first(const struct reading *reading)
{
    const struct tend_csv_field *fields = reading->record.fields;
    const struct tend_csv_field time = tend_csv_field_trimmed(fields[0]);
    if (tend_moment_parse(time.text, time.bytes, NULL, &(int64_t){ 0 }, NULL) != TEND_OK && !is_unset(time)) {
        return check_header(reading);
    }
    if (reading->record.count == FIELDS && is_number(fields[1]) && is_number(fields[2])) {
        tend_error_set(reading->error, "\"%.*s\" is no service; a line of a log is time,service,level,message",
                       shown(fields[1]), fields[1].text);
        return TEND_E_INVALID;
    }
    return take_line(reading);
}

static enum tend_status take_record(struct reading *reading)
{
    if (reading->record.count == 1 && reading->record.fields[0].bytes == 0) {
        return TEND_OK; // an empty line
    }
    const enum tend_status status = reading->has_begun ? take_line(reading) : take_first(reading);
    reading->has_begun = true;
    return status;
}

enum tend_status tend_log_export_read(struct tend_log_book *book, const char *text, size_t bytes, size_t *line,
                                      struct tend_error *error)
{
    struct reading reading = { .book = book, .error = error };
    tend_csv_record_init(&reading.record);
    enum tend_status status = TEND_OK;
    size_t at = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; // a byte order mark
    *line = 1;
    if (at < bytes && text[at] == '{') { // their quotes are no CSV
        status = refuse_first(&reading, "; these are JSON lines");
    }
    while (status == TEND_OK && at < bytes) {
        size_t used = 0;
        status = tend_csv_read(text + at, bytes - at, true, &reading.record, &used, error);
        if (status != TEND_OK) {
            *line += reading.record.lines;
            break;
        }
        if (used == 0) {
            break;
        }
        status = take_record(&reading);
        *line += status == TEND_OK ? reading.record.lines : 0;
        at += used;
    }
    tend_csv_record_clear(&reading.record);
    return status;
}
