// Two passes over a record: the first finds its end (a line end outside quotes), the second its fields. So a record
// that is not whole yet is never split, and a bare field, which nearly all are, is a pointer into the bytes that came.

#include "parse/csv.h"

#include <stdlib.h>
#include <string.h>

void tend_csv_record_init(struct tend_csv_record *record)
{
    *record = (struct tend_csv_record){ .count = 0 };
    tend_buffer_init(&record->unquoted);
}

void tend_csv_record_clear(struct tend_csv_record *record)
{
    free(record->fields);
    tend_buffer_clear(&record->unquoted);
    tend_csv_record_init(record);
}

// The end of the record, before its line end. @return NULL: it is not in these bytes
static const char *find_end(const char *text, size_t bytes, bool *quoted)
{
    const char *end = text + bytes;
    const char *line = memchr(text, '\n', bytes);
    const char *quote = memchr(text, '"', line == NULL ? bytes : (size_t)(line - text));
    *quoted = quote != NULL;
    if (quote == NULL) {
        return line;
    }
    bool inside = false;
    for (const char *at = quote; at < end; at++) {
        if (*at == '"') {
            inside = !inside;
        } else if (*at == '\n' && !inside) {
            return at;
        }
    }
    return NULL;
}

static enum tend_status add_field(struct tend_csv_record *record, const char *text, size_t bytes,
                                  struct tend_error *error)
{
    if (record->count == TEND_CSV_FIELDS_MAX) {
        tend_error_set(error, "more than %d fields", TEND_CSV_FIELDS_MAX);
        return TEND_E_LIMIT;
    }
    if (record->count == record->capacity) {
        const size_t capacity = record->capacity == 0 ? 16 : record->capacity * 2;
        struct tend_csv_field *grown = reallocarray(record->fields, capacity, sizeof *grown);
        if (grown == NULL) {
            tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
            return TEND_E_NOMEM;
        }
        record->fields = grown;
        record->capacity = capacity;
    }
    record->fields[record->count++] = (struct tend_csv_field){ .text = text, .bytes = bytes };
    return TEND_OK;
}

static enum tend_status refuse(const struct tend_csv_record *record, struct tend_error *error, const char *what)
{
    tend_error_set(error, "field %zu: %s", record->count + 1, what);
    return TEND_E_INVALID;
}

// A field from behind its opening quote to its closing one. The buffer has room, so that what points into it stays.
static enum tend_status read_quoted(struct tend_csv_record *record, const char **at, const char *end,
                                    struct tend_error *error)
{
    char *to = record->unquoted.data + record->unquoted.size;
    const char *begin = to;
    const char *from = *at;
    for (;; from++) {
        if (from == end) {
            return refuse(record, error, "its quote is not closed");
        }
        record->lines += *from == '\n';
        if (*from == '"' && from + 1 < end && from[1] == '"') {
            from++;
        } else if (*from == '"') {
            break;
        }
        *to++ = *from;
    }
    from++;
    if (from < end && *from != ',') {
        return refuse(record, error, "there is text behind its closing quote");
    }
    record->unquoted.size += (size_t)(to - begin);
    *at = from;
    return add_field(record, begin, (size_t)(to - begin), error);
}

static enum tend_status split(struct tend_csv_record *record, const char *at, const char *end, struct tend_error *error)
{
    for (;;) {
        enum tend_status status;
        if (at < end && *at == '"') {
            at++;
            status = read_quoted(record, &at, end, error);
        } else {
            const char *comma = memchr(at, ',', (size_t)(end - at));
            const char *stop = comma == NULL ? end : comma;
            if (memchr(at, '"', (size_t)(stop - at)) != NULL) {
                return refuse(record, error, "a quote stands within it; quote the whole field and double that quote");
            }
            status = add_field(record, at, (size_t)(stop - at), error);
            at = stop;
        }
        if (status != TEND_OK || at == end) {
            return status;
        }
        at++; // the comma
    }
}

enum tend_status tend_csv_read(const char *text, size_t bytes, bool is_last, struct tend_csv_record *record,
                               size_t *used, struct tend_error *error)
{
    record->count = record->lines = 0;
    tend_buffer_reset(&record->unquoted);
    *used = 0;
    bool quoted = false;
    const char *end = bytes == 0 ? NULL : find_end(text, bytes, &quoted);
    const bool has_line_end = end != NULL;
    if (!has_line_end && bytes <= TEND_CSV_RECORD_BYTES_MAX && (!is_last || bytes == 0)) {
        return TEND_OK; // more may come
    }
    end = has_line_end ? end : text + bytes;
    const size_t record_bytes = (size_t)(end - text);
    if (record_bytes > TEND_CSV_RECORD_BYTES_MAX) {
        tend_error_set(error, "a record of more than %d MB%s", TEND_CSV_RECORD_BYTES_MAX / 1048576,
                       quoted ? "; perhaps a quote is not closed" : "");
        return TEND_E_LIMIT;
    }
    if (memchr(text, '\0', record_bytes) != NULL) {
        tend_error_set(error, "a NUL byte: this is no text");
        return TEND_E_INVALID;
    }
    if (quoted && tend_buffer_reserve(&record->unquoted, record_bytes) == NULL) {
        tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
        return TEND_E_NOMEM;
    }
    const char *stop = end > text && end[-1] == '\r' ? end - 1 : end;
    const enum tend_status status = split(record, text, stop, error);
    if (status == TEND_OK) {
        record->lines++;
        *used = record_bytes + (has_line_end ? 1 : 0);
    }
    return status;
}

struct tend_csv_field tend_csv_field_trimmed(struct tend_csv_field field)
{
    while (field.bytes > 0 && strchr(" \t", field.text[0]) != NULL) {
        field.text++;
        field.bytes--;
    }
    while (field.bytes > 0 && strchr(" \t", field.text[field.bytes - 1]) != NULL) {
        field.bytes--;
    }
    return field;
}
