// A hash of all that a kind of series says, made of sums, so that the order of the columns does not matter. A restart
// loads the configuration as well, so what only tells of loading is passed over with it.

#include "engine/happening.h"

#include "base/fnv.h"
#include "engine/state.h"
#include "series/telltale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS_MAX = 64, // of one target
    TIMES_MAX = 1000000,
    TEXT_MAX = 100,         // bytes of a version
    SAME_MS = 600000,       // what happens again within that is the same happening
    KNOWN_LEAST_MS = 60000, // a new instance is set against those that have been known for so long
    OWN_DOING_MS = 600000,  // a restart so soon after a run began is that run's
};

struct tend_telltale_column {
    size_t column;
    enum tend_telltale telltale;
    uint64_t hash; // of the series
    char *version; // of a build; NULL: its labels name none
};

static void columns_clear(struct tend_telltales *telltales)
{
    for (size_t i = 0; i < telltales->column_count; i++) {
        free(telltales->columns[i].version);
    }
    free(telltales->columns);
    tend_layout_release(telltales->layout);
    telltales->columns = NULL;
    telltales->column_count = 0;
    telltales->layout = NULL;
}

void tend_telltales_destroy(struct tend_telltales *telltales)
{
    if (telltales != NULL) {
        columns_clear(telltales);
        free(telltales->built);
        free(telltales);
    }
}

// Never 0.
static uint64_t hash_of(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < bytes; i++) {
        hash = tend_fnv(hash, byte[i]);
    }
    return hash == 0 ? 1 : hash;
}

// The language's runtime has a build of its own, which is not the service's.
static char *version_of(const struct tend_label_set *set)
{
    static const char *const labels[] = { "version", "revision", "tag" };
    if (strcmp(tend_label_set_name(set, NULL), "go_build_info") == 0) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        size_t bytes = 0;
        const char *text = tend_label_set_get(set, labels[i], &bytes);
        if (text != NULL && bytes > 0 && bytes <= TEXT_MAX && memchr(text, '\0', bytes) == NULL) {
            char *version = strndup(text, bytes);
            TEND_ASSERT(version != NULL);
            return version;
        }
    }
    return NULL;
}

static void bind(struct tend_telltales *telltales, const struct tend_layout *layout)
{
    if (telltales->layout == layout) {
        return;
    }
    columns_clear(telltales);
    telltales->layout = tend_layout_retain(layout);
    for (size_t c = 0; c < tend_layout_count(layout) && telltales->column_count < COLUMNS_MAX; c++) {
        const struct tend_label_set *set = tend_layout_column(layout, c)->labels;
        size_t bytes;
        const char *name = tend_label_set_name(set, &bytes);
        const enum tend_telltale telltale = tend_telltale_of(name, bytes);
        if (telltale == TEND_TELLTALE_NONE) {
            continue;
        }
        struct tend_telltale_column *grown =
            reallocarray(telltales->columns, telltales->column_count + 1, sizeof *grown);
        TEND_ASSERT(grown != NULL);
        telltales->columns = grown;
        size_t text_bytes;
        const char *text = tend_label_set_text(set, &text_bytes);
        telltales->columns[telltales->column_count++] = (struct tend_telltale_column){
            .column = c,
            .telltale = telltale,
            .hash = hash_of(TEND_FNV_BEGIN, text, text_bytes),
            .version = telltale == TEND_TELLTALE_BUILD ? version_of(set) : NULL,
        };
    }
}

// ---- what is kept ----

// What has happened just now already is counted, else it is a new one, and the oldest one goes.
static void add(struct tend_service *service, int64_t at_ms, json_t *take_happening)
{
    if (service->happenings == NULL) {
        service->happenings = json_array();
    }
    size_t i;
    json_t *one;
    json_array_foreach(service->happenings, i, one)
    {
        const bool is_same = strcmp(tend_json_text(one, "what", ""), tend_json_text(take_happening, "what", "")) == 0 &&
                             strcmp(tend_json_text(one, "to", ""), tend_json_text(take_happening, "to", "")) == 0 &&
                             strcmp(tend_json_text(one, "who", ""), tend_json_text(take_happening, "who", "")) == 0;
        if (is_same && tend_json_integer(one, "at_ms", 0) > at_ms - SAME_MS) {
            const int64_t times = tend_json_integer(one, "times", 1);
            (void)json_object_set_new(one, "times", json_integer(times < TIMES_MAX ? times + 1 : times));
            json_decref(take_happening);
            return;
        }
    }
    if (json_array_size(service->happenings) >= TEND_HAPPENINGS_KEPT) {
        (void)json_array_remove(service->happenings, 0);
    }
    (void)json_object_set_new(take_happening, "at_ms", json_integer((json_int_t)at_ms));
    (void)json_object_set_new(take_happening, "times", json_integer(1));
    (void)json_array_append_new(service->happenings, take_happening);
}

static json_t *text_or_null(const char *text)
{
    return text == NULL ? NULL : tend_json_string(text, strlen(text));
}

void tend_happening_told(struct tend_engine *engine, struct tend_service *service, const char *what,
                         const char *version, const char *who, const char *why)
{
    add(service, engine->now_ms,
        json_pack("{s:s, s:o*, s:o*, s:o*}", "what", what, "to", text_or_null(version), "who", text_or_null(who), "why",
                  why == NULL || why[0] == '\0' ? NULL : text_or_null(why)));
}

json_t *tend_happenings_since(const struct tend_service *service, int64_t from_ms)
{
    json_t *list = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(service->happenings, i, one)
    {
        if (tend_json_integer(one, "at_ms", 0) >= from_ms) {
            (void)json_array_append_new(list, json_deep_copy(one)); // it counts on while it is looked at
        }
    }
    return list;
}

// ---- what is seen ----

struct seen {
    uint64_t build, config, reloads;
    bool reload_failed;
    const char *built;
};

static struct seen see(const struct tend_telltales *telltales, const struct tend_series_window *window)
{
    struct seen seen = { .build = 0 };
    for (size_t i = 0; i < telltales->column_count; i++) {
        const struct tend_telltale_column *column = &telltales->columns[i];
        const double value = tend_series_window_newest(window, column->column);
        if (isnan(value)) {
            continue;
        }
        const uint64_t with_value = hash_of(column->hash, &value, sizeof value);
        switch (column->telltale) {
        case TEND_TELLTALE_BUILD:
            seen.build += column->hash;
            seen.built = seen.built == NULL ? column->version : seen.built;
            break;
        case TEND_TELLTALE_CONFIG:
            seen.config += with_value;
            break;
        case TEND_TELLTALE_RELOAD:
            seen.reloads += with_value;
            break;
        case TEND_TELLTALE_RELOAD_FINE:
            seen.reload_failed = seen.reload_failed || value == 0;
            break;
        case TEND_TELLTALE_NONE:
            break;
        }
    }
    return seen;
}

static void note_build(struct tend_service *service, int64_t at_ms, const char *from, const char *to)
{
    const bool is_named = from != NULL && to != NULL && strcmp(from, to) != 0;
    add(service, at_ms,
        json_pack("{s:s, s:o*, s:o*}", "what", "version", "from", is_named ? text_or_null(from) : NULL, "to",
                  is_named ? text_or_null(to) : NULL));
}

// Pods of a deploy are instances that nobody saw before: then those beside them tell what ran until now.
static void compare_with_others(const struct tend_engine *engine, const struct tend_instance *instance, int64_t at_ms,
                                const struct seen *seen)
{
    const struct tend_telltales *other = NULL;
    for (size_t i = 0; i < instance->service->instance_count; i++) {
        const struct tend_telltales *one = instance->service->instances[i]->telltales;
        if (instance->service->instances[i] == instance || one == NULL || one->build == 0 ||
            engine->now_ms - one->told_first_ms < KNOWN_LEAST_MS) {
            continue;
        }
        if (one->build == seen->build) {
            return;
        }
        other = other == NULL ? one : other;
    }
    if (other != NULL) {
        note_build(instance->service, at_ms, other->built, seen->built);
    }
}

static bool is_own_doing(const struct tend_service *service, int64_t at_ms)
{
    const int64_t run_ms = service->guard.runs_ms[0];
    return run_ms != TEND_NEVER && at_ms >= run_ms && at_ms - run_ms < OWN_DOING_MS;
}

// @return whether the process is another one than at the look before
static bool note_restart(struct tend_instance *instance, const struct tend_scrape_history *history)
{
    struct tend_telltales *telltales = instance->telltales;
    if (history->restart_seen_ms == telltales->restart_noted_ms) {
        return false;
    }
    telltales->restart_noted_ms = history->restart_seen_ms;
    if (!is_own_doing(instance->service, history->restart_seen_ms)) {
        add(instance->service, history->restart_seen_ms, json_pack("{s:s}", "what", "restart"));
    }
    return true;
}

static bool is_another(uint64_t before, uint64_t now)
{
    return before != 0 && now != 0 && before != now;
}

void tend_happening_look(struct tend_engine *engine, struct tend_instance *instance)
{
    const struct tend_scrape_history *history = tend_series_window_history(instance->window);
    const struct tend_layout *layout = tend_series_window_layout(instance->window);
    if (layout == NULL || history->kind != TEND_SCRAPE_OK) {
        return;
    }
    if (instance->telltales == NULL) {
        instance->telltales = calloc(1, sizeof *instance->telltales);
        TEND_ASSERT(instance->telltales != NULL);
        instance->telltales->told_first_ms = engine->now_ms;
        instance->telltales->restart_noted_ms = history->restart_seen_ms;
    }
    struct tend_telltales *telltales = instance->telltales;
    bind(telltales, layout);
    const int64_t at_ms = history->newest_ms;
    const bool restarted = note_restart(instance, history);
    if (telltales->column_count == 0) {
        return;
    }
    const struct seen seen = see(telltales, instance->window);
    if (is_another(telltales->build, seen.build)) {
        note_build(instance->service, at_ms, telltales->built, seen.built);
    } else if (telltales->build == 0 && seen.build != 0) {
        compare_with_others(engine, instance, at_ms, &seen);
    }
    if (is_another(telltales->config, seen.config)) {
        add(instance->service, at_ms, json_pack("{s:s}", "what", "config"));
    } else if (is_another(telltales->reloads, seen.reloads) && !restarted) {
        add(instance->service, at_ms, json_pack("{s:s}", "what", "reload"));
    }
    if (seen.reload_failed && !telltales->reload_failed) {
        add(instance->service, at_ms, json_pack("{s:s}", "what", "reload failed"));
    }
    if (seen.build != 0) {
        char *built = seen.built == NULL ? NULL : tend_copy_text(seen.built);
        free(telltales->built);
        telltales->built = built;
        telltales->build = seen.build;
    }
    telltales->config = seen.config != 0 ? seen.config : telltales->config;
    telltales->reloads = seen.reloads != 0 ? seen.reloads : telltales->reloads;
    telltales->reload_failed = seen.reload_failed;
}
