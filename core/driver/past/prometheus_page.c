// A sample whose own time is no scrape's (a target that sets times itself) belongs to the next scrape of its target:
// that is the one which brought it.

#include "driver/past/prometheus_page.h"

#include "base/hash_map.h"
#include "parse/number.h"
#include "series/layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEPT_SCRAPES = 240,      // a column goes when it was absent from as many
    BROUGHT_LATE_MS = 60000, // a sample may be that much older than the scrape that brought it
    QUICK_FAILURE_MS = 500,  // a failure that took no longer was a refusal
    LABELS_MAX = 64,
};

struct scrape {
    int64_t at_ms;
    double duration_s;
    bool good;
};

struct cell {
    uint32_t scrape, column;
    double value;
};

struct series {
    const struct tend_label_set *labels;
    size_t absent; // scrapes since its newest sample
    bool seen;     // in this page
};

struct target {
    char *service, *address;
    json_t *labels; // of `up`, without its name, the service and the instance: the target's own
    int64_t every_ms;
    struct scrape *scrapes;
    size_t scrape_count, scrape_capacity;
    struct series *columns;
    size_t column_count, column_capacity;
    struct tend_hash_map *by_labels; // canonical text → index + 1
    struct cell *cells;
    size_t cell_count, cell_capacity;
    const struct tend_layout *layout;
    double *values; // a row a good scrape
};

struct turn {
    int64_t at_ms; // end of the scrape
    uint32_t target, scrape;
};

struct tend_prometheus_page {
    char *service_label, *instance_label;
    struct target *targets;
    size_t target_count;
    struct tend_history_instance *views;
    struct tend_hash_map *by_name; // "service\ninstance" → index + 1
    struct turn *turns;
    size_t turn_count, next_turn;
    int64_t newest_ms;
};

static void *must(void *pointer)
{
    TEND_ASSERT(pointer != NULL);
    return pointer;
}

// Room for one more.
static void *grown(void *array, size_t count, size_t *capacity, size_t bytes)
{
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity == 0 ? 32 : *capacity * 2;
    return must(reallocarray(array, *capacity, bytes));
}

// ---- targets ----

static size_t index_of(const struct tend_hash_map *map, const char *key, size_t bytes)
{
    return (size_t)(uintptr_t)tend_hash_map_find(map, key, bytes) - 1; // SIZE_MAX: none
}

static void set_index(struct tend_hash_map *map, const char *key, size_t bytes, size_t index)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the map holds pointers; an index plus one is as good
    TEND_ASSERT(tend_hash_map_set(map, key, bytes, (void *)(uintptr_t)(index + 1)) == TEND_OK);
}

static size_t find_target(const struct tend_prometheus_page *page, const json_t *metric, char *key, size_t key_bytes)
{
    const char *service = tend_json_text(metric, page->service_label, NULL);
    if (service == NULL) {
        key[0] = '\0';
        return SIZE_MAX;
    }
    const int bytes = snprintf(key, key_bytes, "%s\n%s", service, tend_json_text(metric, page->instance_label, ""));
    return index_of(page->by_name, key, bytes < (int)key_bytes ? (size_t)bytes : key_bytes - 1);
}

static size_t add_target(struct tend_prometheus_page *page, const json_t *metric, const char *key)
{
    page->targets = must(reallocarray(page->targets, page->target_count + 1, sizeof *page->targets));
    struct target *target = &page->targets[page->target_count];
    const char *address = tend_json_text(metric, page->instance_label, "");
    *target = (struct target){ .service = must(strdup(tend_json_text(metric, page->service_label, ""))),
                               .address = must(strdup(address[0] == '\0' ? "1" : address)),
                               .labels = must(json_deep_copy(metric)) };
    (void)json_object_del(target->labels, "__name__");
    (void)json_object_del(target->labels, page->service_label);
    (void)json_object_del(target->labels, page->instance_label);
    TEND_ASSERT(tend_hash_map_create(&target->by_labels) == TEND_OK);
    set_index(page->by_name, key, strlen(key), page->target_count);
    return page->target_count++;
}

static void clear_target(struct target *target)
{
    for (size_t i = 0; i < target->column_count; i++) {
        tend_label_set_release(target->columns[i].labels);
    }
    free(target->service);
    free(target->address);
    json_decref(target->labels);
    free(target->scrapes);
    free(target->columns);
    tend_hash_map_destroy(target->by_labels);
    free(target->cells);
    tend_layout_release(target->layout);
    free(target->values);
}

// ---- samples ----

// [seconds, "value"]. @return false: it is none
static bool read_sample(const json_t *pair, int64_t *at_ms, double *value)
{
    const json_t *time = json_array_get(pair, 0);
    const json_t *text = json_array_get(pair, 1);
    if (!json_is_number(time) || !json_is_string(text) ||
        !tend_number_parse(json_string_value(text), json_string_length(text), value)) {
        return false;
    }
    const double ms = json_number_value(time) * 1000.0;
    if (!(ms >= 0.0 && ms < 1e15)) {
        return false;
    }
    *at_ms = llround(ms);
    return true;
}

static int compare_scrapes(const void *one, const void *other)
{
    const struct scrape *a = one;
    const struct scrape *b = other;
    return (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
}

static int compare_gaps(const void *one, const void *other)
{
    const int64_t a = *(const int64_t *)one;
    const int64_t b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

// The median time between scrapes; the first page that has any says it.
static void learn_interval(struct target *target)
{
    if (target->every_ms > 0 || target->scrape_count < 2) {
        return;
    }
    int64_t *gaps = must(calloc(target->scrape_count, sizeof *gaps));
    for (size_t i = 1; i < target->scrape_count; i++) {
        gaps[i - 1] = target->scrapes[i].at_ms - target->scrapes[i - 1].at_ms;
    }
    qsort(gaps, target->scrape_count - 1, sizeof *gaps, compare_gaps);
    target->every_ms = gaps[(target->scrape_count - 1) / 2];
    free(gaps);
}

// In order of time and no time twice: a target may come back under other labels in the middle of a page.
static void order_scrapes(struct target *target)
{
    if (target->scrape_count == 0) {
        return;
    }
    qsort(target->scrapes, target->scrape_count, sizeof *target->scrapes, compare_scrapes);
    size_t kept = 0;
    for (size_t i = 0; i < target->scrape_count; i++) {
        if (kept == 0 || target->scrapes[i].at_ms > target->scrapes[kept - 1].at_ms) {
            target->scrapes[kept++] = target->scrapes[i];
        }
    }
    target->scrape_count = kept;
}

size_t tend_prometheus_page_take_up(struct tend_prometheus_page *page, const json_t *matrix, int64_t after_ms)
{
    size_t taken = 0;
    for (size_t i = 0; i < json_array_size(matrix); i++) {
        const json_t *series = json_array_get(matrix, i);
        const json_t *metric = json_object_get(series, "metric");
        const json_t *values = json_object_get(series, "values");
        char key[1024];
        size_t at = find_target(page, metric, key, sizeof key);
        if (key[0] == '\0') {
            continue;
        }
        at = at == SIZE_MAX ? add_target(page, metric, key) : at;
        struct target *target = &page->targets[at];
        for (size_t s = 0; s < json_array_size(values); s++) {
            int64_t at_ms;
            double up;
            if (!read_sample(json_array_get(values, s), &at_ms, &up)) {
                return SIZE_MAX;
            }
            if (at_ms <= after_ms || isnan(up)) {
                continue;
            }
            target->scrapes =
                grown(target->scrapes, target->scrape_count, &target->scrape_capacity, sizeof *target->scrapes);
            target->scrapes[target->scrape_count++] = (struct scrape){ .at_ms = at_ms, .good = up > 0.5 };
            taken++;
        }
    }
    for (size_t i = 0; i < page->target_count; i++) {
        order_scrapes(&page->targets[i]);
        learn_interval(&page->targets[i]);
    }
    return json_is_array(matrix) ? taken : SIZE_MAX;
}

// The first scrape from *from on that is not before a time, and brought what is of that time. @return NULL: none
static struct scrape *scrape_of(const struct target *target, size_t *from, int64_t at_ms)
{
    while (*from < target->scrape_count && target->scrapes[*from].at_ms < at_ms) {
        (*from)++;
    }
    struct scrape *scrape = *from < target->scrape_count ? &target->scrapes[*from] : NULL;
    return scrape == NULL || scrape->at_ms - at_ms > BROUGHT_LATE_MS ? NULL : scrape;
}

size_t tend_prometheus_page_take_duration(struct tend_prometheus_page *page, const json_t *matrix, int64_t after_ms)
{
    size_t taken = 0;
    for (size_t i = 0; i < json_array_size(matrix); i++) {
        const json_t *series = json_array_get(matrix, i);
        const json_t *values = json_object_get(series, "values");
        char key[1024];
        const size_t at = find_target(page, json_object_get(series, "metric"), key, sizeof key);
        size_t from = 0;
        for (size_t s = 0; at != SIZE_MAX && s < json_array_size(values); s++) {
            int64_t at_ms;
            double duration_s;
            if (!read_sample(json_array_get(values, s), &at_ms, &duration_s)) {
                return SIZE_MAX;
            }
            struct scrape *scrape = at_ms <= after_ms ? NULL : scrape_of(&page->targets[at], &from, at_ms);
            if (scrape != NULL && scrape->at_ms == at_ms && duration_s >= 0.0 && duration_s < 3600.0) {
                scrape->duration_s = duration_s;
                taken++;
            }
        }
    }
    return taken;
}

// ---- series ----

static const char exported[] = "exported_";

// The series as the target itself called it: without what the server put on it.
static const struct tend_label_set *own_labels(const struct tend_prometheus_page *page, const struct target *target,
                                               const json_t *metric)
{
    struct tend_label labels[LABELS_MAX];
    size_t count = 0;
    const char *name = "";
    const char *label;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)metric, label, value) // NOLINT(performance-no-int-to-ptr)
    {
        const char *text = json_string_value(value);
        if (text == NULL || count == LABELS_MAX) {
            continue;
        }
        if (strcmp(label, "__name__") == 0) {
            name = text;
            continue;
        }
        const json_t *of_target = json_object_get(target->labels, label);
        if (strcmp(label, page->service_label) == 0 || strcmp(label, page->instance_label) == 0 ||
            json_equal(of_target, value)) {
            continue;
        }
        const char *own = strncmp(label, exported, strlen(exported)) == 0 ? label + strlen(exported) : label;
        const bool clashed =
            own != label && (strcmp(own, page->service_label) == 0 || strcmp(own, page->instance_label) == 0 ||
                             json_object_get(target->labels, own) != NULL);
        const char *as = clashed ? own : label;
        labels[count++] = (struct tend_label){
            .name = as, .name_bytes = strlen(as), .value = text, .value_bytes = json_string_length(value)
        };
    }
    const struct tend_label_set *set = NULL;
    TEND_ASSERT(tend_label_set_create(name, strlen(name), labels, count, &set) == TEND_OK);
    return set;
}

static size_t column_of(struct target *target, const struct tend_label_set *take_labels)
{
    size_t bytes;
    const char *text = tend_label_set_text(take_labels, &bytes);
    const size_t known = index_of(target->by_labels, text, bytes);
    if (known != SIZE_MAX) {
        tend_label_set_release(take_labels);
        return known;
    }
    target->columns = grown(target->columns, target->column_count, &target->column_capacity, sizeof *target->columns);
    target->columns[target->column_count] = (struct series){ .labels = take_labels };
    set_index(target->by_labels, text, bytes, target->column_count);
    tend_layout_release(target->layout);
    target->layout = NULL; // another one now
    return target->column_count++;
}

static size_t take_series(struct tend_prometheus_page *page, struct target *target, const json_t *series,
                          int64_t after_ms)
{
    const json_t *values = json_object_get(series, "values");
    size_t column = SIZE_MAX;
    size_t from = 0;
    size_t taken = 0;
    for (size_t s = 0; s < json_array_size(values); s++) {
        int64_t at_ms;
        double value;
        if (!read_sample(json_array_get(values, s), &at_ms, &value)) {
            return SIZE_MAX;
        }
        const struct scrape *scrape = at_ms <= after_ms ? NULL : scrape_of(target, &from, at_ms);
        if (scrape == NULL || !scrape->good) {
            continue;
        }
        if (column == SIZE_MAX) {
            column = column_of(target, own_labels(page, target, json_object_get(series, "metric")));
            target->columns[column].seen = true;
        }
        target->cells = grown(target->cells, target->cell_count, &target->cell_capacity, sizeof *target->cells);
        target->cells[target->cell_count++] =
            (struct cell){ .scrape = (uint32_t)from, .column = (uint32_t)column, .value = value };
        taken++;
    }
    return taken;
}

size_t tend_prometheus_page_take(struct tend_prometheus_page *page, const json_t *matrix, int64_t after_ms,
                                 void (*on_series)(void *context, const char *service), void *context)
{
    size_t taken = 0;
    for (size_t i = 0; i < json_array_size(matrix); i++) {
        const json_t *series = json_array_get(matrix, i);
        char key[1024];
        const size_t at = find_target(page, json_object_get(series, "metric"), key, sizeof key);
        if (at == SIZE_MAX) {
            continue;
        }
        const size_t some = take_series(page, &page->targets[at], series, after_ms);
        if (some == SIZE_MAX) {
            return SIZE_MAX;
        }
        if (some > 0 && on_series != NULL) {
            on_series(context, page->targets[at].service);
        }
        taken += some;
    }
    return json_is_array(matrix) ? taken : SIZE_MAX;
}

// ---- a page begins and ends ----

// Drops columns that were absent for long. The others keep their order.
static void drop_absent(struct target *target)
{
    size_t kept = 0;
    for (size_t i = 0; i < target->column_count; i++) {
        struct series *column = &target->columns[i];
        column->absent = column->seen ? 0 : column->absent + target->scrape_count;
        column->seen = false;
        if (column->absent < KEPT_SCRAPES) {
            target->columns[kept++] = *column;
        } else {
            tend_label_set_release(column->labels);
        }
    }
    if (kept == target->column_count) {
        return;
    }
    target->column_count = kept;
    tend_layout_release(target->layout);
    target->layout = NULL;
    tend_hash_map_destroy(target->by_labels);
    TEND_ASSERT(tend_hash_map_create(&target->by_labels) == TEND_OK);
    for (size_t i = 0; i < kept; i++) {
        size_t bytes;
        const char *text = tend_label_set_text(target->columns[i].labels, &bytes);
        set_index(target->by_labels, text, bytes, i);
    }
}

void tend_prometheus_page_begin(struct tend_prometheus_page *page)
{
    for (size_t i = 0; i < page->target_count; i++) {
        struct target *target = &page->targets[i];
        drop_absent(target);
        target->scrape_count = target->cell_count = 0;
        free(target->values);
        target->values = NULL;
    }
    page->turn_count = page->next_turn = 0;
}

static enum tend_status make_layout(struct target *target)
{
    if (target->layout != NULL) {
        return TEND_OK;
    }
    struct tend_column *columns = calloc(target->column_count + 1, sizeof *columns);
    if (columns == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < target->column_count; i++) {
        columns[i] = (struct tend_column){ .labels = target->columns[i].labels, .type = TEND_SERIES_UNKNOWN };
    }
    const enum tend_status status = tend_layout_create(columns, target->column_count, &target->layout);
    free(columns);
    return status;
}

static enum tend_status make_rows(struct target *target)
{
    const enum tend_status status = make_layout(target);
    if (status != TEND_OK) {
        return status;
    }
    const size_t count = target->scrape_count * target->column_count;
    target->values = malloc((count + 1) * sizeof *target->values);
    if (target->values == NULL) {
        return TEND_E_NOMEM;
    }
    const double stale = tend_stale();
    for (size_t i = 0; i < count; i++) {
        target->values[i] = stale;
    }
    for (size_t i = 0; i < target->cell_count; i++) {
        const struct cell *cell = &target->cells[i];
        target->values[cell->scrape * target->column_count + cell->column] = cell->value;
    }
    return TEND_OK;
}

static int compare_turns(const void *one, const void *other)
{
    const struct turn *a = one;
    const struct turn *b = other;
    if (a->at_ms != b->at_ms) {
        return a->at_ms < b->at_ms ? -1 : 1;
    }
    return (a->target > b->target) - (a->target < b->target);
}

enum tend_status tend_prometheus_page_end(struct tend_prometheus_page *page)
{
    size_t count = 0;
    for (size_t i = 0; i < page->target_count; i++) {
        count += page->targets[i].scrape_count;
        const enum tend_status status = make_rows(&page->targets[i]);
        if (status != TEND_OK) {
            return status;
        }
    }
    free(page->turns);
    page->turns = calloc(count + 1, sizeof *page->turns);
    if (page->turns == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < page->target_count; i++) {
        const struct target *target = &page->targets[i];
        for (size_t s = 0; s < target->scrape_count; s++) {
            page->turns[page->turn_count++] =
                (struct turn){ .at_ms = target->scrapes[s].at_ms + llround(target->scrapes[s].duration_s * 1000.0),
                               .target = (uint32_t)i,
                               .scrape = (uint32_t)s };
        }
    }
    qsort(page->turns, page->turn_count, sizeof *page->turns, compare_turns);
    return TEND_OK;
}

bool tend_prometheus_page_next(struct tend_prometheus_page *page, struct tend_history_item *out)
{
    if (page->next_turn == page->turn_count) {
        return false;
    }
    const struct turn *turn = &page->turns[page->next_turn++];
    const struct target *target = &page->targets[turn->target];
    const struct scrape *scrape = &target->scrapes[turn->scrape];
    page->newest_ms =
        turn->at_ms > page->newest_ms ? turn->at_ms : page->newest_ms; // a page's last may end in the next
    *out = (struct tend_history_item){ .kind = TEND_HISTORY_SCRAPED,
                                       .at_ms = page->newest_ms,
                                       .instance = turn->target,
                                       .begun_ms = scrape->at_ms,
                                       .duration_s = scrape->duration_s,
                                       .scrape = TEND_SCRAPE_OK,
                                       .reason = "",
                                       .layout = target->layout,
                                       .values = target->values + turn->scrape * target->column_count,
                                       .value_count = target->column_count };
    if (!scrape->good) { // no server keeps why; what took no time was most likely refused
        const bool quick = scrape->duration_s * 1000.0 < QUICK_FAILURE_MS;
        out->scrape = quick ? TEND_SCRAPE_REFUSED : TEND_SCRAPE_READ_TIMEOUT;
        out->reason = "its up was 0";
        out->layout = NULL;
        out->value_count = 0;
    }
    return true;
}

const struct tend_history_instance *tend_prometheus_page_instances(struct tend_prometheus_page *page, size_t *count)
{
    page->views = must(reallocarray(page->views, page->target_count + 1, sizeof *page->views));
    for (size_t i = 0; i < page->target_count; i++) {
        const struct target *target = &page->targets[i];
        page->views[i] = (struct tend_history_instance){ .service = target->service,
                                                         .address = target->address,
                                                         .labels = target->labels,
                                                         .every_ms = target->every_ms };
    }
    *count = page->target_count;
    return page->views;
}

enum tend_status tend_prometheus_page_create(const char *service_label, const char *instance_label,
                                             struct tend_prometheus_page **out)
{
    struct tend_prometheus_page *page = must(calloc(1, sizeof *page));
    page->service_label = must(strdup(service_label));
    page->instance_label = must(strdup(instance_label));
    page->newest_ms = INT64_MIN;
    const enum tend_status status = tend_hash_map_create(&page->by_name);
    if (status != TEND_OK) {
        tend_prometheus_page_destroy(page);
        return status;
    }
    *out = page;
    return TEND_OK;
}

void tend_prometheus_page_destroy(struct tend_prometheus_page *page)
{
    if (page == NULL) {
        return;
    }
    for (size_t i = 0; i < page->target_count; i++) {
        clear_target(&page->targets[i]);
    }
    free(page->targets);
    free(page->views);
    free(page->turns);
    tend_hash_map_destroy(page->by_name);
    free(page->service_label);
    free(page->instance_label);
    free(page);
}
