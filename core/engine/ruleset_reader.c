// See ruleset_reader.h. Texts are copied: the document is shared, and its owner may not outlive the ruleset's users.

#include "engine/ruleset_reader.h"

#include "parse/moment.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t max_ms = INT64_C(100) * 365 * 24 * 3600 * 1000;

void tend_ruleset_read_fault(struct tend_ruleset_reader *reader, const char *format, ...)
{
    if (reader->status != TEND_OK) {
        return;
    }
    reader->status = TEND_E_INVALID;
    char text[384];
    va_list arguments;
    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, one line above
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tend_error_set(reader->error, "%s%s%s", reader->at, reader->at[0] == '\0' ? "" : ": ", text);
}

void *tend_ruleset_read_alloc(struct tend_ruleset_reader *reader, size_t count, size_t size)
{
    void *memory = reader->status == TEND_OK ? tend_arena_alloc(&reader->ruleset->arena, count, size) : NULL;
    if (memory == NULL && reader->status == TEND_OK) {
        reader->status = TEND_E_NOMEM;
    }
    return memory;
}

static const char *copy_text(struct tend_ruleset_reader *reader, const char *text)
{
    char *copy = reader->status == TEND_OK ? tend_arena_string(&reader->ruleset->arena, text) : NULL;
    if (copy == NULL && reader->status == TEND_OK) {
        reader->status = TEND_E_NOMEM;
    }
    return copy;
}

// The member, or NULL when it is missing or null.
static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

const char *tend_ruleset_read_text(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                                   const char *otherwise)
{
    const json_t *value = member(object, key);
    if (value != NULL && !json_is_string(value)) {
        tend_ruleset_read_fault(reader, "\"%s\" is no text", key);
        return NULL;
    }
    const char *text = value == NULL ? otherwise : json_string_value(value);
    return text == NULL ? NULL : copy_text(reader, text);
}

const char *tend_ruleset_read_name(struct tend_ruleset_reader *reader, const json_t *object, const char *key)
{
    const char *text = tend_ruleset_read_text(reader, object, key, "");
    if (text != NULL && text[0] == '\0') {
        tend_ruleset_read_fault(reader, "\"%s\" is missing", key);
    }
    return text;
}

double tend_ruleset_read_number(struct tend_ruleset_reader *reader, const json_t *object, const char *key, double least,
                                double most, double otherwise)
{
    const json_t *value = member(object, key);
    if (value == NULL) {
        return otherwise;
    }
    const double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
    if (!(number >= least && number <= most)) {
        tend_ruleset_read_fault(reader, "\"%s\" is no number from %g to %g", key, least, most);
        return least; // a number that every caller can convert; the fault is what counts
    }
    return number;
}

int64_t tend_ruleset_read_ms(struct tend_ruleset_reader *reader, const json_t *object, const char *key, int64_t least,
                             int64_t otherwise)
{
    const double number =
        tend_ruleset_read_number(reader, object, key, (double)least, (double)max_ms, (double)otherwise);
    return reader->status == TEND_OK ? (int64_t)llround(number) : 0;
}

bool tend_ruleset_read_bool(struct tend_ruleset_reader *reader, const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = member(object, key);
    if (value != NULL && !json_is_boolean(value)) {
        tend_ruleset_read_fault(reader, "\"%s\" is neither true nor false", key);
    }
    return value == NULL ? otherwise : json_is_true(value);
}

int tend_ruleset_read_word(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                           const char *const *words, int otherwise)
{
    const json_t *value = member(object, key);
    if (value == NULL) {
        return otherwise;
    }
    const char *text = json_string_value(value);
    for (int i = 0; text != NULL && words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            return i;
        }
    }
    tend_ruleset_read_fault(reader, "\"%s\" is \"%s\", which is none of its words", key,
                            text == NULL ? "no text" : text);
    return otherwise;
}

static uint32_t index_of(struct tend_ruleset_reader *reader, const json_t *value, const char *key, size_t limit)
{
    const json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (number < 0 || (uint64_t)number >= limit) {
        tend_ruleset_read_fault(reader, "\"%s\" is no index below %zu", key, limit);
        return 0;
    }
    return (uint32_t)number;
}

uint32_t tend_ruleset_read_index(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                                 size_t limit)
{
    return index_of(reader, json_object_get(object, key), key, limit);
}

const json_t *tend_ruleset_read_array(struct tend_ruleset_reader *reader, const json_t *object, const char *key)
{
    const json_t *value = member(object, key);
    if (value == NULL || reader->status != TEND_OK || (json_is_object(value) && json_object_size(value) == 0)) {
        return NULL;
    }
    if (!json_is_array(value)) {
        tend_ruleset_read_fault(reader, "\"%s\" is no list", key);
        return NULL;
    }
    return value;
}

const char **tend_ruleset_read_texts(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                                     size_t *count)
{
    const json_t *array = tend_ruleset_read_array(reader, object, key);
    const size_t size = json_array_size(array);
    const char **texts = (const char **)tend_ruleset_read_alloc(reader, size + 1, sizeof *texts);
    *count = 0;
    for (size_t i = 0; texts != NULL && i < size; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text == NULL) {
            tend_ruleset_read_fault(reader, "\"%s\" holds something that is no text", key);
            return NULL;
        }
        texts[i] = copy_text(reader, text);
        *count = i + 1;
    }
    return texts;
}

struct tend_limits tend_ruleset_read_limits(struct tend_ruleset_reader *reader, const json_t *object, const char *key)
{
    struct tend_limits limits = tend_limits_none();
    const json_t *given = member(object, key);
    if (given == NULL || (json_is_array(given) && json_array_size(given) == 0)) {
        return limits;
    }
    if (!json_is_object(given)) {
        tend_ruleset_read_fault(reader, "\"%s\" is no table", key);
        return limits;
    }
    limits.at_once = tend_ruleset_read_number(reader, given, "at_once", 0, 1e6, limits.at_once);
    limits.share = tend_ruleset_read_number(reader, given, "share", 0, 1, limits.share);
    limits.min_healthy = tend_ruleset_read_number(reader, given, "min_healthy", 0, 1e6, limits.min_healthy);
    limits.per_hour = tend_ruleset_read_number(reader, given, "per_hour", 0, TEND_RUNS_KEPT, limits.per_hour);
    limits.attempts = tend_ruleset_read_number(reader, given, "attempts", 0, 1e6, limits.attempts);
    limits.confidence = tend_ruleset_read_number(reader, given, "confidence", 0, 1, limits.confidence);
    if (member(given, "cooldown_ms") != NULL) {
        limits.cooldown_ms = tend_ruleset_read_ms(reader, given, "cooldown_ms", 0, 0);
    }
    return limits;
}

// Gives the selector to the ruleset. @return false when there is no memory; the caller still owns it
static bool keep_selector(struct tend_ruleset_reader *reader, struct tend_selector *selector)
{
    struct tend_ruleset *ruleset = reader->ruleset;
    if (ruleset->selector_count == reader->selector_capacity) {
        const size_t capacity = reader->selector_capacity == 0 ? 16 : reader->selector_capacity * 2;
        struct tend_selector **grown =
            (struct tend_selector **)realloc((void *)ruleset->selectors, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        ruleset->selectors = grown;
        reader->selector_capacity = capacity;
    }
    ruleset->selectors[ruleset->selector_count++] = selector;
    return true;
}

const struct tend_selector *tend_ruleset_read_selector(struct tend_ruleset_reader *reader, const char *text,
                                                       const char *suffix)
{
    if (reader->status != TEND_OK) {
        return NULL;
    }
    struct tend_error error;
    struct tend_selector *selector = NULL;
    const enum tend_status status = suffix == NULL ? tend_selector_parse(text, strlen(text), &selector, &error)
                                                   : tend_selector_parse_with_suffix(text, suffix, &selector, &error);
    if (status == TEND_E_NOMEM) {
        reader->status = status;
        return NULL;
    }
    if (status != TEND_OK) {
        tend_ruleset_read_fault(reader, "selector %s", error.text);
        return NULL;
    }
    if (!keep_selector(reader, selector)) {
        tend_selector_destroy(selector);
        reader->status = TEND_E_NOMEM;
        return NULL;
    }
    return selector;
}

static bool keep_zone(struct tend_ruleset *ruleset, const char *name, struct tend_zone *zone)
{
    struct tend_named_zone *grown = realloc(ruleset->zones, (ruleset->zone_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    ruleset->zones = grown;
    grown[ruleset->zone_count++] = (struct tend_named_zone){ .name = name, .zone = zone };
    return true;
}

const struct tend_zone *tend_ruleset_read_zone(struct tend_ruleset_reader *reader, const char *name)
{
    struct tend_ruleset *ruleset = reader->ruleset;
    for (size_t i = 0; i < ruleset->zone_count; i++) {
        if (strcmp(ruleset->zones[i].name, name) == 0) {
            return ruleset->zones[i].zone;
        }
    }
    const char *kept_name = copy_text(reader, name);
    struct tend_zone *zone = NULL;
    struct tend_error error = { "" };
    const enum tend_status status = kept_name == NULL ? reader->status : tend_calendar_read_zone(name, &zone, &error);
    if (status == TEND_OK && keep_zone(ruleset, kept_name, zone)) {
        return zone;
    }
    tend_zone_destroy(zone);
    if (status == TEND_OK || status == TEND_E_NOMEM) {
        reader->status = TEND_E_NOMEM;
    } else {
        tend_ruleset_read_fault(reader, "%s", error.text);
    }
    return NULL;
}

const struct tend_calendar *tend_ruleset_read_calendar(struct tend_ruleset_reader *reader, const json_t *object,
                                                       const char *key)
{
    const json_t *given = member(object, key);
    if (given == NULL || reader->status != TEND_OK) {
        return NULL;
    }
    const char *hours = tend_json_text(given, "hours", NULL);
    const char *zone = tend_json_text(given, "zone", NULL);
    if (hours == NULL || zone == NULL) {
        tend_ruleset_read_fault(reader, "\"%s\" lacks its hours or its zone", key);
        return NULL;
    }
    struct tend_calendar *calendar = tend_ruleset_read_alloc(reader, 1, sizeof *calendar);
    if (calendar == NULL) {
        return NULL;
    }
    struct tend_error error = { "" };
    if (tend_hours_parse(hours, strlen(hours), &calendar->hours, &error) != TEND_OK) {
        tend_ruleset_read_fault(reader, "%s: %s", key, error.text);
        return NULL;
    }
    calendar->zone = tend_ruleset_read_zone(reader, zone);
    return reader->status == TEND_OK ? calendar : NULL;
}

int64_t tend_ruleset_read_moment(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                                 const char *zone, int64_t otherwise)
{
    const char *text = tend_ruleset_read_text(reader, object, key, NULL);
    if (text == NULL || reader->status != TEND_OK) {
        return otherwise;
    }
    const char *last = strrchr(text, ' ');
    const bool named = last != NULL && ((last[1] >= 'A' && last[1] <= 'Z') || (last[1] >= 'a' && last[1] <= 'z'));
    const struct tend_zone *local = tend_ruleset_read_zone(reader, named ? last + 1 : zone);
    const size_t bytes = named ? (size_t)(last - text) : strlen(text);
    int64_t moment_ms = otherwise;
    struct tend_error error = { "" };
    if (local != NULL && tend_moment_parse(text, bytes, local, &moment_ms, &error) != TEND_OK) {
        tend_ruleset_read_fault(reader, "%s: %s", key, error.text);
    }
    return moment_ms;
}
