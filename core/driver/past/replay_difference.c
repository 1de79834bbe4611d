#include "driver/past/replay_difference.h"

#include "alert/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_SHOWN_BYTES = 160 };
#define NEAR_ZERO 1e-12 // what is left of numbers that cancel out has no relative error worth the name

// ---- values ----

static bool numbers_differ(const json_t *was, const json_t *now, double tolerance)
{
    if (json_is_integer(was) && json_is_integer(now)) {
        return json_integer_value(was) != json_integer_value(now);
    }
    const double one = json_number_value(was);
    const double other = json_number_value(now);
    if (tolerance <= 0.0) {
        return json_typeof(was) != json_typeof(now) || one != other || signbit(one) != signbit(other);
    }
    return fabs(one - other) > fmax(tolerance * fmax(fabs(one), fabs(other)), NEAR_ZERO);
}

// NOLINTBEGIN(misc-no-recursion): JSON that was parsed is no deeper than jansson lets it be

static bool object_differs(const json_t *was, const json_t *now, double tolerance, struct tend_buffer *path,
                           const json_t **was_part, const json_t **now_part);

static bool array_differs(const json_t *was, const json_t *now, double tolerance, struct tend_buffer *path,
                          const json_t **was_part, const json_t **now_part)
{
    const size_t most = json_array_size(was) > json_array_size(now) ? json_array_size(was) : json_array_size(now);
    for (size_t i = 0; i < most; i++) {
        const size_t kept = path->size;
        tend_buffer_printf(path, "[%zu]", i);
        if (tend_replay_values_differ(json_array_get(was, i), json_array_get(now, i), tolerance, path, was_part,
                                      now_part)) {
            return true;
        }
        path->size = kept;
    }
    return false;
}

bool tend_replay_values_differ(const json_t *was, const json_t *now, double tolerance, struct tend_buffer *path,
                               const json_t **was_part, const json_t **now_part)
{
    *was_part = was;
    *now_part = now;
    if (was == NULL || now == NULL) {
        return was != now;
    }
    if (json_is_number(was) && json_is_number(now)) {
        return numbers_differ(was, now, tolerance);
    }
    if (json_typeof(was) != json_typeof(now)) {
        return true;
    }
    if (json_is_object(was)) {
        return object_differs(was, now, tolerance, path, was_part, now_part);
    }
    if (json_is_array(was)) {
        return array_differs(was, now, tolerance, path, was_part, now_part);
    }
    return !json_equal(was, now);
}

static int by_name(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

// The names of both, sorted, those of both twice: jansson's own order is that of its hashes' seed.
static const char **sorted_names(const json_t *was, const json_t *now, size_t *count)
{
    const char **names = calloc(json_object_size(was) + json_object_size(now) + 1, sizeof *names);
    TEND_ASSERT(names != NULL);
    *count = 0;
    const json_t *const both[] = { was, now };
    for (size_t i = 0; i < 2; i++) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): jansson knows no const
        json_t *object = (json_t *)(uintptr_t)both[i];
        for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
            names[(*count)++] = json_object_iter_key(at);
        }
    }
    qsort((void *)names, *count, sizeof *names, by_name);
    return names;
}

static bool object_differs(const json_t *was, const json_t *now, double tolerance, struct tend_buffer *path,
                           const json_t **was_part, const json_t **now_part)
{
    size_t count = 0;
    const char **names = sorted_names(was, now, &count);
    bool differs = false;
    for (size_t i = 0; i < count && !differs; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0) {
            continue;
        }
        const size_t kept = path->size;
        tend_buffer_printf(path, "%s%s", kept == 0 ? "" : ".", names[i]);
        differs = tend_replay_values_differ(json_object_get(was, names[i]), json_object_get(now, names[i]), tolerance,
                                            path, was_part, now_part);
        path->size = differs ? path->size : kept;
    }
    free((void *)names);
    return differs;
}

// NOLINTEND(misc-no-recursion)

// ---- words ----

static void put_value(struct tend_buffer *out, const json_t *value)
{
    if (value == NULL) {
        tend_buffer_put_text(out, "nothing");
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    TEND_ASSERT(text != NULL);
    if (strlen(text) > VALUE_SHOWN_BYTES) {
        size_t end = VALUE_SHOWN_BYTES;
        while (end > 0 && ((unsigned char)text[end] & 0xC0U) == 0x80U) { // not within a character
            end--;
        }
        text[end] = '\0';
        tend_buffer_printf(out, "%s…", text);
    } else {
        tend_buffer_put_text(out, text);
    }
    free(text);
}

static json_t *copy_or_null(const json_t *value)
{
    json_t *copy = value == NULL ? json_null() : json_deep_copy(value);
    TEND_ASSERT(copy != NULL);
    return copy;
}

static json_t *describe(const char *what, const char *of, const char *field, const json_t *was, const json_t *now)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_printf(&text, "%s%s%s: recorded ", of, field[0] == '\0' ? "" : ": ", field);
    put_value(&text, was);
    tend_buffer_put_text(&text, ", now ");
    put_value(&text, now);
    json_t *told = tend_json_string(tend_buffer_text(&text), text.size);
    json_t *difference = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "what", what, "of",
                                   tend_json_string(of, strlen(of)), "field", tend_json_string(field, strlen(field)),
                                   "expected", copy_or_null(was), "now", copy_or_null(now), "text", told);
    TEND_ASSERT(difference != NULL);
    tend_buffer_clear(&text);
    return difference;
}

json_t *tend_replay_difference(const char *what, const char *of, const char *text, ...)
{
    char *told = NULL;
    va_list arguments;
    va_start(arguments, text);
    const int printed = vasprintf(&told, text, arguments);
    va_end(arguments);
    TEND_ASSERT(printed >= 0);
    json_t *difference =
        json_pack("{s:s, s:o, s:s, s:n, s:n, s:o}", "what", what, "of", tend_json_string(of, strlen(of)), "field", "",
                  "expected", "now", "text", tend_json_string(told, strlen(told)));
    TEND_ASSERT(difference != NULL);
    free(told);
    return difference;
}

// ---- records ----

// "record 41 (alert errors / stock)": a key's parts stand on lines of their own, and the last may be empty.
static char *record_name(const struct tend_record *record)
{
    struct tend_buffer name;
    tend_buffer_init(&name);
    tend_buffer_printf(&name, "record %llu (%s", (unsigned long long)record->number,
                       tend_record_kind_text(record->kind));
    const char *gap = " ";
    for (const char *part = record->key; part != NULL && part[0] != '\0';) {
        const size_t bytes = strcspn(part, "\n");
        if (bytes > 0) {
            tend_buffer_printf(&name, "%s%.*s", gap, (int)bytes, part);
        }
        gap = " / ";
        part += bytes + (part[bytes] == '\n');
    }
    tend_buffer_put_text(&name, ")");
    TEND_ASSERT(!name.failed);
    return name.data;
}

// A text of a recording, which may be any bytes; NULL is null.
static json_t *text_json(const char *text)
{
    return text == NULL ? json_null() : tend_json_string(text, strlen(text));
}

static json_t *record_json(const struct tend_record *record)
{
    json_t *json =
        json_pack("{s:I, s:I, s:I, s:s, s:o, s:o, s:b, s:b, s:O?}", "number", (json_int_t)record->number, "at_ms",
                  (json_int_t)record->at_ms, "wall_ms", (json_int_t)record->wall_ms, "kind",
                  tend_record_kind_text(record->kind), "key", text_json(record->key), "incident",
                  text_json(record->incident), "full", record->full, "open", record->open, "body", record->body);
    TEND_ASSERT(json != NULL);
    return json;
}

// One that only one of the two has.
static json_t *lone_record(const struct tend_record *record, bool was_recorded)
{
    char *name = record_name(record);
    json_t *json = record_json(record);
    json_t *difference = tend_replay_difference(
        "record", name, was_recorded ? "%s was recorded, and is not made now" : "%s is made now, and was not recorded",
        name);
    (void)json_object_set(difference, was_recorded ? "expected" : "now", json);
    json_decref(json);
    free(name);
    return difference;
}

static json_t *record_differs(const struct tend_record *was, const struct tend_record *now, double tolerance)
{
    json_t *was_json = record_json(was);
    json_t *now_json = record_json(now);
    struct tend_buffer path;
    tend_buffer_init(&path);
    const json_t *was_part = NULL;
    const json_t *now_part = NULL;
    json_t *difference = NULL;
    if (was->kind != now->kind || strcmp(was->key == NULL ? "" : was->key, now->key == NULL ? "" : now->key) != 0) {
        char *was_name = record_name(was);
        char *now_name = record_name(now);
        difference = tend_replay_difference("record", was_name, "recorded was %s, now it is %s", was_name, now_name);
        (void)json_object_set(difference, "expected", was_json);
        (void)json_object_set(difference, "now", now_json);
        free(was_name);
        free(now_name);
    } else if (tend_replay_values_differ(was_json, now_json, tolerance, &path, &was_part, &now_part)) {
        char *name = record_name(was);
        char *field = strndup(tend_buffer_text(&path), path.size);
        TEND_ASSERT(field != NULL);
        difference = describe("record", name, field, was_part, now_part);
        free(field);
        free(name);
    }
    tend_buffer_clear(&path);
    json_decref(was_json);
    json_decref(now_json);
    return difference;
}

json_t *tend_replay_records_differ(const struct tend_record *was, size_t was_count, const struct tend_record *now,
                                   size_t now_count, double tolerance)
{
    for (size_t i = 0; i < was_count && i < now_count; i++) {
        json_t *difference = record_differs(&was[i], &now[i], tolerance);
        if (difference != NULL) {
            return difference;
        }
    }
    if (was_count != now_count) {
        return was_count > now_count ? lone_record(&was[now_count], true) : lone_record(&now[was_count], false);
    }
    return NULL;
}

json_t *tend_replay_reply_differs(const char *what, const char *of, const json_t *was, const json_t *now,
                                  double tolerance)
{
    struct tend_buffer path;
    tend_buffer_init(&path);
    const json_t *was_part = NULL;
    const json_t *now_part = NULL;
    json_t *difference = NULL;
    if (tend_replay_values_differ(was, now, tolerance, &path, &was_part, &now_part)) {
        char *field = strndup(tend_buffer_text(&path), path.size);
        TEND_ASSERT(field != NULL);
        difference = describe(what, of, field, was_part, now_part);
        free(field);
    }
    tend_buffer_clear(&path);
    return difference;
}

// ---- verdicts ----

struct call {
    uint32_t rule;
    const char *subject;
    size_t subject_bytes;
};

static struct call read_call(struct tend_reader *request)
{
    struct call call = { .rule = tend_reader_get_u32(request) };
    call.subject = tend_reader_get_string(request, &call.subject_bytes);
    size_t bytes = 0;
    for (int i = 0; i < 4; i++) { // service, instance, labels, version
        (void)tend_reader_get_string(request, &bytes);
    }
    (void)tend_reader_get_f64(request);
    (void)tend_reader_get_f64(request);
    const uint32_t metrics = tend_reader_get_u32(request);
    for (uint32_t i = 0; i < metrics && !request->failed; i++) {
        (void)tend_reader_get_string(request, &bytes);
        for (int number = 0; number < 5; number++) {
            (void)tend_reader_get_f64(request);
        }
        (void)tend_reader_get_u8(request);
        (void)tend_reader_get_u8(request);
    }
    return call;
}

struct verdict {
    uint8_t verdict;
    const char *error;
    size_t error_bytes;
};

static struct verdict read_verdict(struct tend_reader *reply)
{
    struct verdict verdict = { .verdict = tend_reader_get_u8(reply), .error = "" };
    if (verdict.verdict == TEND_VERDICT_ERROR) {
        verdict.error = tend_reader_get_string(reply, &verdict.error_bytes);
    }
    return verdict;
}

// "out", or what it raised. free() it.
static char *verdict_text(const struct verdict *verdict)
{
    static const char *const texts[] = { "in line", "out", "unknown", "error", "held" };
    char *text = NULL;
    const int printed = verdict->verdict != TEND_VERDICT_ERROR && verdict->verdict < sizeof texts / sizeof texts[0]
                            ? asprintf(&text, "%s", texts[verdict->verdict])
                            : asprintf(&text, "error %.*s", (int)verdict->error_bytes, verdict->error);
    TEND_ASSERT(printed >= 0);
    return text;
}

static json_t *verdict_differs(const struct call *call, const struct verdict *was, const struct verdict *now,
                               const json_t *rules)
{
    const json_t *rule = json_array_get(rules, call->rule);
    char *of = NULL;
    char *was_text = verdict_text(was);
    char *now_text = verdict_text(now);
    const int printed = asprintf(&of, "rule \"%s\" (%s) on %.*s", tend_json_text(rule, "name", "?"),
                                 tend_json_text(rule, "at", "?"), (int)call->subject_bytes, call->subject);
    TEND_ASSERT(printed >= 0);
    json_t *difference = tend_replay_difference("verdict", of, "%s: recorded %s, now %s", of, was_text, now_text);
    (void)json_object_set_new(difference, "expected", tend_json_string(was_text, strlen(was_text)));
    (void)json_object_set_new(difference, "now", tend_json_string(now_text, strlen(now_text)));
    free(of);
    free(was_text);
    free(now_text);
    return difference;
}

json_t *tend_replay_verdicts_differ(const char *request, size_t request_bytes, const char *was, size_t was_bytes,
                                    const char *now, size_t now_bytes, const json_t *rules)
{
    if (was_bytes == now_bytes && (was_bytes == 0 || memcmp(was, now, was_bytes) == 0)) {
        return NULL;
    }
    struct tend_reader asked = tend_reader_over(request, request_bytes);
    struct tend_reader before = tend_reader_over(was, was_bytes);
    struct tend_reader after = tend_reader_over(now, now_bytes);
    (void)tend_reader_get_u64(&asked);
    (void)tend_reader_get_f64(&asked);
    const uint32_t calls = tend_reader_get_u32(&asked);
    (void)tend_reader_get_u64(&before);
    (void)tend_reader_get_u32(&before);
    (void)tend_reader_get_u64(&after);
    (void)tend_reader_get_u32(&after);
    for (uint32_t i = 0; i < calls && !asked.failed; i++) {
        const struct call call = read_call(&asked);
        const struct verdict one = read_verdict(&before);
        const struct verdict other = read_verdict(&after);
        if (before.failed || after.failed) {
            break;
        }
        if (one.verdict != other.verdict || one.error_bytes != other.error_bytes ||
            (one.error_bytes > 0 && memcmp(one.error, other.error, one.error_bytes) != 0)) {
            return verdict_differs(&call, &one, &other, rules);
        }
    }
    return tend_replay_difference("verdict", "the verdicts", "the recorded verdicts are no answer to this tick");
}
