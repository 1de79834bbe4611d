// Prepares the columns: what is judged is not always what was exported.

#include "locate/study.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTER_STEPS_LEAST = 12 };

static const double counter_grows = 0.5; // of its steps, at least
static const double counter_falls = 0.1; // of its steps, at most
static const double reset_share = 0.5;   // of what it was; a counter that begins anew has less

static int compare_owner(const void *a, const void *b)
{
    const struct tend_study_column *const *x = a, *const *y = b;
    const int order = strcmp((*x)->from->owner, (*y)->from->owner);
    return order != 0 ? order : strcmp((*x)->from->metric, (*y)->from->metric);
}

static struct tend_study_column *find(const struct tend_study *study, const char *owner, const char *metric)
{
    struct tend_metric_column from = { .owner = owner, .metric = metric };
    struct tend_study_column key = { .from = &from };
    struct tend_study_column *pointer = &key;
    struct tend_study_column **found = bsearch((const void *)&pointer, (const void *)study->by_owner, study->plain,
                                               sizeof *study->by_owner, compare_owner);
    return found == NULL ? NULL : *found;
}

static void turn_success(struct tend_study *study, struct tend_study_column *column)
{
    double most = 0;
    for (size_t row = 0; row < study->frame->rows; row++) {
        const double value = column->from->values[row];
        most = value > most ? value : most;
    }
    const double whole = most > 1.5 ? 100 : 1;
    for (size_t row = 0; row < study->frame->rows; row++) {
        column->from->values[row] = 1 - column->from->values[row] / whole;
    }
}

// Whether a column only grows, but for falls to less than half, as when a process begins to count anew. A gauge falls
// now and then by less; what memory takes up may grow for long without being a counter.
static bool is_counter(const struct tend_study *study, const struct tend_study_column *column)
{
    const double *values = column->from->values;
    size_t steps = 0, grew = 0, fell = 0;
    double last = (double)NAN;
    const bool is_time = column->class.kind == TEND_COLUMN_LATENCY || column->class.kind == TEND_COLUMN_CLIENT_LATENCY;
    if ((is_time && !column->class.is_time_sum) || tend_column_is_memory(column->from->metric)) {
        return false;
    }
    for (size_t row = 0; row < study->frame->rows; row++) {
        if (isnan(values[row])) {
            continue;
        }
        if (values[row] < 0 || (values[row] < last && values[row] > reset_share * last)) {
            return false;
        }
        steps += isnan(last) ? 0 : 1;
        grew += values[row] > last ? 1 : 0;
        fell += values[row] < last ? 1 : 0;
        last = values[row];
    }
    return steps >= COUNTER_STEPS_LEAST && (double)grew >= counter_grows * (double)steps &&
           (double)fell <= counter_falls * (double)steps;
}

static void unroll_counter(const struct tend_study *study, struct tend_study_column *column)
{
    double *values = column->from->values;
    double last = (double)NAN;
    column->is_counter = true;
    for (size_t row = 0; row < study->frame->rows; row++) {
        const double value = values[row];
        if (value < last) {
            column->first_reset = column->first_reset == SIZE_MAX ? row : column->first_reset;
            values[row] = value;
        } else {
            values[row] = value - last; // NaN of the first one
        }
        last = isnan(value) ? last : value;
    }
}

// "span_errors" has "span_calls" beside it. @return that column, or NULL
static struct tend_study_column *calls_beside(const struct tend_study *study, const struct tend_study_column *column)
{
    static const char *const words[] = { "errors", "error", "failures", "failed", "faults", NULL };
    static const char *const instead[] = { "calls",   "requests", "ops",        "total", "count",
                                           "traffic", "workload", "throughput", NULL };
    const char *metric = column->from->metric;
    for (size_t i = 0; words[i] != NULL; i++) {
        const char *at = strstr(metric, words[i]);
        for (size_t j = 0; at != NULL && instead[j] != NULL; j++) {
            char name[128];
            const int length =
                snprintf(name, sizeof name, "%.*s%s%s", (int)(at - metric), metric, instead[j], at + strlen(words[i]));
            struct tend_study_column *calls = length < (int)sizeof name ? find(study, column->from->owner, name) : NULL;
            if (calls != NULL && calls->class.kind == TEND_COLUMN_CALLS) {
                return calls;
            }
        }
    }
    return NULL;
}

static void divide_by_calls(struct tend_study *study, struct tend_study_column *column)
{
    const struct tend_study_column *calls = calls_beside(study, column);
    if (calls == NULL) {
        return;
    }
    for (size_t row = 0; row < study->frame->rows; row++) {
        const double of = calls->from->values[row];
        column->from->values[row] = of > 0 ? fmin(column->from->values[row] / of, 1) : (double)NAN;
    }
    column->is_share = true;
}

// Time that all calls took and how many there were, as histograms and summaries are exported: "duration_seconds_sum"
// and "duration_seconds_count" are a mean.
static void divide_by_count(struct tend_study *study, struct tend_study_column *column)
{
    static const char sum[] = "_sum", count[] = "_count";
    const char *metric = column->from->metric;
    const size_t length = strlen(metric);
    char name[256];
    if (length < sizeof sum || strcmp(metric + length - strlen(sum), sum) != 0 ||
        snprintf(name, sizeof name, "%.*s%s", (int)(length - strlen(sum)), metric, count) >= (int)sizeof name) {
        return;
    }
    const struct tend_study_column *calls = find(study, column->from->owner, name);
    if (calls == NULL || calls->is_counter != column->is_counter) {
        return;
    }
    for (size_t row = 0; row < study->frame->rows; row++) {
        const double of = calls->from->values[row];
        column->from->values[row] = of > 0 ? column->from->values[row] / of : (double)NAN;
    }
    column->class.kind = column->class.is_client_side ? TEND_COLUMN_CLIENT_LATENCY : TEND_COLUMN_LATENCY;
    column->is_mean = true;
}

// The callee's side of a latency of an edge: "latency_mean" has "server_latency_mean", "sou_p50" has "des_p50".
static struct tend_study_column *server_side(const struct tend_study *study, const struct tend_study_column *column)
{
    static const char *const pairs[][2] = { { "latency", "server_latency" },
                                            { "src", "dst" },
                                            { "sou", "des" },
                                            { "source", "destination" },
                                            { "client", "server" } };
    const char *metric = column->from->metric;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *at = strstr(metric, pairs[i][0]);
        char name[128];
        if (at == NULL || snprintf(name, sizeof name, "%.*s%s%s", (int)(at - metric), metric, pairs[i][1],
                                   at + strlen(pairs[i][0])) >= (int)sizeof name) {
            continue;
        }
        struct tend_study_column *server = find(study, column->from->owner, name);
        if (server != NULL && server->class.is_server_side) {
            return server;
        }
    }
    return NULL;
}

static enum tend_status add_way(struct tend_study *study, const struct tend_study_column *column,
                                const struct tend_study_column *server)
{
    struct tend_metric_frame *frame = study->frame;
    struct tend_metric_column *from = tend_arena_alloc(&frame->arena, 1, sizeof *from);
    double *values = tend_arena_alloc(&frame->arena, frame->rows, sizeof *values);
    if (from == NULL || values == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t row = 0; row < frame->rows; row++) {
        values[row] = column->from->values[row] - server->from->values[row];
    }
    *from =
        (struct tend_metric_column){ .owner = column->from->owner, .metric = column->from->metric, .values = values };
    study->columns[study->count++] = (struct tend_study_column){
        .from = from, .class = { .kind = TEND_COLUMN_LATENCY }, .is_way = true, .level = (double)NAN
    };
    return TEND_OK;
}

// ---- calls made ----

// The caller's own traffic, counted as the edge's is: "calls" of an edge goes with "span_calls" of the caller.
static const struct tend_study_column *own_calls(const struct tend_study *study, const char *caller, const char *metric)
{
    const struct tend_study_column *same = find(study, caller, metric);
    if (same != NULL) {
        return same;
    }
    size_t low = 0;
    for (size_t high = study->plain; low < high;) {
        const size_t middle = (low + high) / 2;
        const bool is_before = strcmp(study->by_owner[middle]->from->owner, caller) < 0;
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    for (; low < study->plain && strcmp(study->by_owner[low]->from->owner, caller) == 0; low++) {
        const struct tend_study_column *column = study->by_owner[low];
        if (column->class.kind == TEND_COLUMN_CALLS && strstr(column->from->metric, metric) != NULL) {
            return column;
        }
    }
    return NULL;
}

static enum tend_status add_made(struct tend_study *study, const struct tend_study_column *calls,
                                 const struct tend_study_column *own, const char *callee, size_t sharers)
{
    struct tend_metric_frame *frame = study->frame;
    struct tend_metric_column *from = tend_arena_alloc(&frame->arena, 1, sizeof *from);
    double *values = tend_arena_alloc(&frame->arena, frame->rows, sizeof *values);
    if (from == NULL || values == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t row = 0; row < frame->rows; row++) {
        const double of = own->from->values[row];
        values[row] = of > 0 ? calls->from->values[row] / of : (double)NAN;
    }
    *from = (struct tend_metric_column){ .owner = calls->from->owner, .metric = calls->from->metric, .values = values };
    study->columns[study->count++] = (struct tend_study_column){ .from = from,
                                                                 .class = { .kind = TEND_COLUMN_CALLS },
                                                                 .caller = own->from->owner,
                                                                 .callee = callee,
                                                                 .is_made = true,
                                                                 .level = (double)NAN,
                                                                 .sharers = sharers };
    return TEND_OK;
}

static enum tend_status add_made_of_edges(struct tend_study *study)
{
    for (size_t i = 0; i < study->plain && study->count < study->capacity; i++) {
        const struct tend_study_column *calls = &study->columns[i];
        const char *arrow = strchr(calls->from->owner, '>');
        if (arrow == NULL || calls->class.kind != TEND_COLUMN_CALLS) {
            continue;
        }
        char *caller = tend_arena_copy(&study->frame->arena, calls->from->owner, (size_t)(arrow - calls->from->owner));
        if (caller == NULL) {
            return TEND_E_NOMEM;
        }
        const struct tend_study_column *own = own_calls(study, caller, calls->from->metric);
        if (own != NULL && add_made(study, calls, own, arrow + 1, 1) != TEND_OK) {
            return TEND_E_NOMEM;
        }
    }
    return TEND_OK;
}

static size_t callers_of(const struct tend_study *study, const char *callee)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(study->edges); i++) {
        const char *to = json_string_value(json_array_get(json_array_get(study->edges, i), 1));
        count += to != NULL && strcmp(to, callee) == 0 ? 1 : 0;
    }
    return count;
}

// Without counts of edges a callee's calls stand for those of each of its callers.
static enum tend_status add_made_of_topology(struct tend_study *study)
{
    for (size_t i = 0; i < json_array_size(study->edges); i++) {
        const json_t *pair = json_array_get(study->edges, i);
        const char *caller = json_string_value(json_array_get(pair, 0));
        const char *callee = json_string_value(json_array_get(pair, 1));
        for (size_t j = 0; caller != NULL && callee != NULL && j < study->plain; j++) {
            const struct tend_study_column *calls = study->by_owner[j];
            if (calls->class.kind != TEND_COLUMN_CALLS || strcmp(calls->from->owner, callee) != 0) {
                continue;
            }
            const struct tend_study_column *own = find(study, caller, calls->from->metric);
            if (own != NULL && study->count < study->capacity &&
                add_made(study, calls, own, calls->from->owner, callers_of(study, callee)) != TEND_OK) {
                return TEND_E_NOMEM;
            }
        }
    }
    return TEND_OK;
}

// Counts of edges are better than those of callees, so where there are some, they alone are used.
static enum tend_status add_calls_made(struct tend_study *study)
{
    const size_t before = study->count;
    const enum tend_status status = add_made_of_edges(study);
    return status != TEND_OK || study->count > before ? status : add_made_of_topology(study);
}

enum tend_status tend_study_prepare(struct tend_study *study)
{
    struct tend_metric_frame *frame = study->frame;
    study->capacity = 3 * frame->column_count + json_array_size(study->edges) + 1;
    study->columns = calloc(study->capacity, sizeof *study->columns);
    study->by_metric = calloc(study->capacity, sizeof *study->by_metric);
    study->by_owner = calloc(study->capacity, sizeof *study->by_owner);
    if (study->columns == NULL || study->by_metric == NULL || study->by_owner == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < frame->column_count; i++) {
        struct tend_study_column *column = &study->columns[study->count++];
        column->from = &frame->columns[i];
        column->class = tend_column_classify(column->from->metric, strlen(column->from->metric));
        column->first_reset = SIZE_MAX;
        if (is_counter(study, column)) {
            unroll_counter(study, column);
        }
        study->by_owner[i] = column;
    }
    study->plain = study->count;
    qsort((void *)study->by_owner, study->count, sizeof *study->by_owner, compare_owner);
    const size_t plain = study->plain;
    for (size_t i = 0; i < plain; i++) {
        struct tend_study_column *column = &study->columns[i];
        if (column->class.kind == TEND_COLUMN_ERROR && column->class.is_success) {
            turn_success(study, column);
        } else if (column->class.kind == TEND_COLUMN_ERROR) {
            divide_by_calls(study, column);
        } else if (column->class.is_time_sum) {
            divide_by_count(study, column);
        }
    }
    for (size_t i = 0; i < plain; i++) {
        const struct tend_study_column *column = &study->columns[i];
        // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): every column has been given where it is from
        if (strchr(column->from->owner, '>') == NULL || column->class.is_server_side ||
            (column->class.kind != TEND_COLUMN_LATENCY && column->class.kind != TEND_COLUMN_CLIENT_LATENCY)) {
            continue;
        }
        const struct tend_study_column *server = server_side(study, column);
        if (server != NULL && study->count < study->capacity && add_way(study, column, server) != TEND_OK) {
            return TEND_E_NOMEM;
        }
    }
    return add_calls_made(study);
}

void tend_study_clear(struct tend_study *study)
{
    tend_evidence_scratch_clear(&study->scratch);
    free((void *)study->by_metric);
    free((void *)study->by_owner);
    free(study->columns);
}
