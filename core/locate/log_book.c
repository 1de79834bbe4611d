// Templates in an array in order of their first line, found by a hash map; lines as (time, template).

#include "locate/log_book.h"

#include "base/arena.h"
#include "base/hash_map.h"
#include "base/json.h"
#include "locate/log_surprise.h"
#include "parse/log_line.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const double plain_nats = 5; // of surprise that a template has in any split
static const double split_step_s = 15;
static const double split_scale_s = 120;

enum { SERVICE_BYTES_MAX = 256, KEY_BYTES = 3 + SERVICE_BYTES_MAX + TEND_LOG_TEMPLATE_BYTES };

struct template
{
    const char *service;
    const char *text;
    enum tend_line_level level;
    size_t group;         // of its service
    size_t next;          // the template before it of the same shape, service and level, + 1; 0: none
    size_t merged;        // the one that stands for it, + 1; 0: itself
    size_t before, after; // work space of an evidence
};

struct entry {
    double at_s;
    uint32_t template;
};

struct tend_log_book {
    const struct tend_log_names *names;
    struct tend_hash_map *found;
    struct tend_hash_map *services;
    struct tend_arena arena;
    struct template *templates;
    size_t template_count, template_capacity, service_count;
    struct entry *entries;
    size_t entry_count, entry_capacity;
    size_t dropped;
};

enum tend_status tend_log_book_create(const struct tend_log_names *names, struct tend_log_book **out)
{
    struct tend_log_book *book = calloc(1, sizeof *book);
    if (book == NULL) {
        return TEND_E_NOMEM;
    }
    book->names = names;
    tend_arena_init(&book->arena);
    if (tend_hash_map_create(&book->found) != TEND_OK || tend_hash_map_create(&book->services) != TEND_OK) {
        tend_log_book_destroy(book);
        return TEND_E_NOMEM;
    }
    *out = book;
    return TEND_OK;
}

void tend_log_book_destroy(struct tend_log_book *book)
{
    if (book == NULL) {
        return;
    }
    tend_hash_map_destroy(book->found);
    tend_hash_map_destroy(book->services);
    tend_arena_clear(&book->arena);
    free(book->templates);
    free(book->entries);
    free(book);
}

size_t tend_log_book_dropped(const struct tend_log_book *book)
{
    return book->dropped;
}

// The number of a service, from 0. @return SIZE_MAX when out of memory
static size_t group_of(struct tend_log_book *book, const char *service, size_t bytes)
{
    const void *held = tend_hash_map_find(book->services, service, bytes);
    if (held != NULL) {
        return (size_t)(uintptr_t)held - 1;
    }
    void *number = (void *)(uintptr_t)(book->service_count + 1); // NOLINT(performance-no-int-to-ptr): a number as value
    if (tend_hash_map_set(book->services, service, bytes, number) != TEND_OK) {
        return SIZE_MAX;
    }
    return book->service_count++;
}

static enum tend_status add_template(struct tend_log_book *book, const struct tend_log_line *line, const char *text,
                                     size_t text_bytes)
{
    if (book->template_count == book->template_capacity) {
        const size_t capacity = book->template_capacity == 0 ? 64 : 2 * book->template_capacity;
        struct template *moved = realloc(book->templates, capacity * sizeof *moved);
        if (moved == NULL) {
            return TEND_E_NOMEM;
        }
        book->templates = moved;
        book->template_capacity = capacity;
    }
    struct template *added = &book->templates[book->template_count];
    *added = (struct template){ .service = tend_arena_copy(&book->arena, line->service, line->service_bytes),
                                .text = tend_arena_copy(&book->arena, text, text_bytes),
                                .level = tend_line_level_of(line->level, line->level_bytes),
                                .group = group_of(book, line->service, line->service_bytes) };
    if (added->service == NULL || added->text == NULL || added->group == SIZE_MAX) {
        return TEND_E_NOMEM;
    }
    book->template_count++;
    return TEND_OK;
}

static enum tend_status add_entry(struct tend_log_book *book, double at_s, size_t template)
{
    if (book->entry_count == book->entry_capacity) {
        const size_t capacity = book->entry_capacity == 0 ? 1024 : 2 * book->entry_capacity;
        struct entry *moved = realloc(book->entries, capacity * sizeof *moved);
        if (moved == NULL) {
            return TEND_E_NOMEM;
        }
        book->entries = moved;
        book->entry_capacity = capacity;
    }
    book->entries[book->entry_count++] = (struct entry){ at_s, (uint32_t) template };
    return TEND_OK;
}

// What finds a template, or the newest one of a shape: the level, the service and the text or the shape's hash.
static size_t key_of(const struct tend_log_line *line, char kind, const void *rest, size_t rest_bytes, char *key)
{
    key[0] = kind;
    key[1] = (char)('0' + tend_line_level_of(line->level, line->level_bytes));
    memcpy(key + 2, line->service, line->service_bytes);
    key[2 + line->service_bytes] = '\0';
    memcpy(key + 3 + line->service_bytes, rest, rest_bytes);
    return 3 + line->service_bytes + rest_bytes;
}

static enum tend_status set_number(struct tend_hash_map *map, const char *key, size_t key_bytes, size_t number)
{
    void *value = (void *)(uintptr_t)number; // NOLINT(performance-no-int-to-ptr): a number as value
    return tend_hash_map_set(map, key, key_bytes, value);
}

static size_t number_of(const struct tend_hash_map *map, const char *key, size_t key_bytes)
{
    return (size_t)(uintptr_t)tend_hash_map_find(map, key, key_bytes);
}

// The templates of a shape, the newest first, that no other stands for. @return how many
static size_t collect(const struct tend_log_book *book, size_t newest, size_t *numbers, const char **texts)
{
    size_t count = 0;
    for (size_t at = newest; at != 0 && count < TEND_LOG_VARIANTS_MAX; at = book->templates[at - 1].next) {
        if (book->templates[at - 1].merged == 0) {
            texts[count] = book->templates[at - 1].text;
            numbers[count++] = at;
        }
    }
    return count;
}

// The template of a text that was not seen before: itself, or one that stands for it and for others of its shape.
// @param[out] number  its number from 1
static enum tend_status add_text(struct tend_log_book *book, const struct tend_log_line *line, const char *text,
                                 size_t *number)
{
    char shape_key[KEY_BYTES], key[KEY_BYTES], general[TEND_LOG_TEMPLATE_BYTES + 1];
    const char *others[TEND_LOG_VARIANTS_MAX];
    size_t numbers[TEND_LOG_VARIANTS_MAX];
    const uint64_t shape = tend_log_shape(text);
    const size_t shape_bytes = key_of(line, 's', &shape, sizeof shape, shape_key);
    const size_t newest = number_of(book->found, shape_key, shape_bytes);
    const size_t count = collect(book, newest, numbers, others);
    const bool is_general = tend_log_generalize(text, others, count, book->names, general);
    for (size_t i = 0; is_general && i < count; i++) {
        if (strcmp(others[i], general) == 0) {
            *number = numbers[i];
            return TEND_OK;
        }
    }
    const char *kept = is_general ? general : text;
    if (add_template(book, line, kept, strlen(kept)) != TEND_OK) {
        return TEND_E_NOMEM;
    }
    *number = book->template_count;
    book->templates[*number - 1].next = newest;
    for (size_t i = 0; is_general && i < count; i++) {
        if (tend_log_stands_for(general, others[i], book->names)) {
            book->templates[numbers[i] - 1].merged = *number;
        }
    }
    const enum tend_status status = set_number(book->found, shape_key, shape_bytes, *number);
    return status != TEND_OK ? status
                             : set_number(book->found, key, key_of(line, 't', kept, strlen(kept), key), *number);
}

enum tend_status tend_log_book_add(struct tend_log_book *book, const struct tend_log_line *line)
{
    char key[KEY_BYTES], text[TEND_LOG_TEMPLATE_BYTES + 1];
    const size_t text_bytes = tend_log_template(line->message, line->message_bytes, text);
    if (book->entry_count >= TEND_LOG_BOOK_LINES_MAX || line->service_bytes > SERVICE_BYTES_MAX ||
        !isfinite(line->at_s)) {
        book->dropped++;
        return TEND_OK;
    }
    size_t number = number_of(book->found, key, key_of(line, 't', text, text_bytes, key));
    if (number == 0 && book->template_count >= TEND_LOG_BOOK_TEMPLATES_MAX) {
        book->dropped++;
        return TEND_OK;
    }
    const enum tend_status status = number != 0 ? TEND_OK : add_text(book, line, text, &number);
    return status == TEND_OK ? add_entry(book, line->at_s, number - 1) : status;
}

// ---- evidence ----

struct spans {
    double before_s, after_s;
    size_t *before, *after; // lines by service
};

struct surprises {
    double up, down; // nats
};

static struct surprises surprises_of(const struct template *template, const struct spans *spans)
{
    const struct tend_log_spans whole = { .before_s = spans->before_s,
                                          .after_s = spans->after_s,
                                          .before = (double)spans->before[template->group],
                                          .after = (double)spans->after[template->group] };
    const struct tend_log_expectation expected = tend_log_expect((double)template->before, &whole);
    // That another template bursts is no reason to expect more of this one.
    const double as_before = expected.shape * spans->after_s / spans->before_s;
    const struct tend_log_expectation least = { .mean = fmin(expected.mean, as_before), .shape = expected.shape };
    return (struct surprises){ tend_log_surprise(template->after, &expected, true),
                               tend_log_surprise(template->after, &least, false) };
}

static json_t *document_of(const struct template *template, const struct spans *spans)
{
    static const char *const levels[] = { "info", "warning", "error" };
    const struct surprises found = surprises_of(template, spans);
    const double up = found.up, down = found.down;
    if (up < 1.5 && down < 1.5 && (template->level != TEND_LINE_ERROR || template->after == 0)) {
        return NULL;
    }
    return json_pack("{s:o, s:s, s:o, s:I, s:I, s:f, s:f}", "service",
                     tend_json_string(template->service, strlen(template->service)), "level", levels[template->level],
                     "template", tend_json_string(template->text, strlen(template->text)), "before",
                     (json_int_t) template->before, "after", (json_int_t) template->after, "up", up, "down", down);
}

static struct template *of_entry(const struct tend_log_book *book, const struct entry *entry)
{
    struct template *template = &book->templates[entry->template];
    while (template->merged != 0) {
        template = &book->templates[template->merged - 1];
    }
    return template;
}

static void count_lines(const struct tend_log_book *book, double onset_s, struct spans *spans)
{
    double first = (double)INFINITY, last = -(double)INFINITY;
    for (size_t i = 0; i < book->template_count; i++) {
        book->templates[i].before = book->templates[i].after = 0;
    }
    memset(spans->before, 0, (book->service_count + 1) * sizeof *spans->before);
    memset(spans->after, 0, (book->service_count + 1) * sizeof *spans->after);
    for (size_t i = 0; i < book->entry_count; i++) {
        const struct entry *entry = &book->entries[i];
        if (fabs(entry->at_s - onset_s) > 3600) {
            continue; // a clock that was wrong
        }
        struct template *template = of_entry(book, entry);
        const bool is_after = entry->at_s > onset_s;
        template->before += is_after ? 0 : 1;
        template->after += is_after ? 1 : 0;
        spans->before[template->group] += is_after ? 0 : 1;
        spans->after[template->group] += is_after ? 1 : 0;
        first = fmin(first, entry->at_s);
        last = fmax(last, entry->at_s);
    }
    spans->before_s = fmax(onset_s - first, 1);
    spans->after_s = fmax(last - onset_s, 1);
}

// How much the counts of all templates surprise when the lines are parted there.
static double surprise_of_split(const struct tend_log_book *book, double onset_s, struct spans *spans)
{
    double sum = 0;
    count_lines(book, onset_s, spans);
    for (size_t i = 0; i < book->template_count; i++) {
        const struct surprises found = surprises_of(&book->templates[i], spans);
        sum += fmax(0, fmax(found.up, found.down) - plain_nats);
    }
    return sum;
}

// The split near the onset that parts the lines best; a split farther off must part them better.
static double best_split(const struct tend_log_book *book, double onset_s, double around_s, struct spans *spans)
{
    double best_s = onset_s, most = surprise_of_split(book, onset_s, spans);
    const int steps = (int)(around_s / split_step_s);
    for (int step = 1; step <= steps; step++) {
        const double offset = step * split_step_s;
        for (int sign = -1; sign <= 1; sign += 2) {
            const double at_s = onset_s + sign * offset;
            const double surprise = surprise_of_split(book, at_s, spans) * exp(-offset / split_scale_s);
            if (surprise > most) {
                most = surprise;
                best_s = at_s;
            }
        }
    }
    return best_s;
}

json_t *tend_log_book_evidence(const struct tend_log_book *book, double onset_s, double around_s)
{
    struct spans spans = { .before = calloc(book->service_count + 1, sizeof(size_t)),
                           .after = calloc(book->service_count + 1, sizeof(size_t)) };
    json_t *out = spans.before == NULL || spans.after == NULL ? NULL : json_array();
    if (out != NULL) {
        count_lines(book, best_split(book, onset_s, around_s, &spans), &spans);
        for (size_t i = 0; i < book->template_count; i++) {
            json_t *one = document_of(&book->templates[i], &spans);
            if (one != NULL) {
                (void)json_array_append_new(out, one);
            }
        }
    }
    free(spans.before);
    free(spans.after);
    return out;
}
