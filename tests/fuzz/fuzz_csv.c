// CSV: however the bytes are cut, the records are the same; fields lie within what was read; nothing is read past the
// end.

#include "parse/csv.h"
#include "parse/moment.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What all records come to: fields and their lengths, and where the first fault is.
struct outcome {
    uint64_t hash;
    size_t records, lines, used;
    enum tend_status status;
};

static void add(struct outcome *outcome, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        outcome->hash = (outcome->hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211);
    }
    outcome->hash = (outcome->hash ^ count) * UINT64_C(1099511628211);
}

static void take(struct outcome *outcome, const struct tend_csv_record *record)
{
    TEND_ASSERT(record->count > 0 && record->count <= TEND_CSV_FIELDS_MAX && record->lines > 0);
    outcome->records++;
    outcome->lines += record->lines;
    for (size_t i = 0; i < record->count; i++) {
        const struct tend_csv_field *field = &record->fields[i];
        add(outcome, field->text, field->bytes);
        TEND_ASSERT(field->bytes == 0 || memchr(field->text, '\0', field->bytes) == NULL);
        int64_t at_ms = -1;
        struct tend_error error;
        if (tend_moment_parse(field->text, field->bytes, NULL, &at_ms, &error) == TEND_OK) {
            TEND_ASSERT(at_ms >= 0);
        }
    }
}

static struct outcome read_all(const char *text, size_t size, size_t piece)
{
    struct tend_csv_record record;
    struct outcome outcome = { .hash = UINT64_C(14695981039346656037) };
    tend_csv_record_init(&record);
    size_t begin = 0;
    size_t have = piece < size ? piece : size;
    for (;;) {
        char *copy = malloc(have - begin + 1); // of its own, so that a step past its end is seen
        TEND_ASSERT(copy != NULL);
        memcpy(copy, text + begin, have - begin);
        size_t used = 0;
        struct tend_error error = { "" };
        const bool is_last = have == size;
        char *exact = realloc(copy, have - begin == 0 ? 1 : have - begin);
        TEND_ASSERT(exact != NULL);
        outcome.status = tend_csv_read(exact, have - begin, is_last, &record, &used, &error);
        TEND_ASSERT((outcome.status == TEND_OK) == (error.text[0] == '\0') && used <= have - begin);
        if (outcome.status == TEND_OK && used > 0) {
            take(&outcome, &record);
        }
        free(exact);
        if (outcome.status != TEND_OK || (used == 0 && is_last)) {
            break;
        }
        begin += used;
        if (used == 0) {
            have = have + piece < size ? have + piece : size;
        }
    }
    outcome.used = begin;
    tend_csv_record_clear(&record);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 4096) {
        return 0;
    }
    const struct outcome whole = read_all((const char *)data + 1, size - 1, size);
    const struct outcome pieces = read_all((const char *)data + 1, size - 1, (size_t)data[0] % 64 + 1);
    TEND_ASSERT(whole.hash == pieces.hash && whole.records == pieces.records && whole.lines == pieces.lines &&
                whole.status == pieces.status && whole.used == pieces.used);
    return 0;
}
