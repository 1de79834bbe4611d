#include "driver/past/tuning_marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct mark {
    int64_t from_ms, until_ms;
    const char *service; // NULL: any
    json_t *concerns;    // {service: true}: itself and who depends on it
    double delay_s;      // NaN: not found
};

struct tend_tuning_marks {
    json_t *labels; // whose texts marks point to
    struct mark *marks;
    size_t count;
    double *delays; // scratch
};

static bool any_concerned(const json_t *names, const json_t *concerns)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (json_object_get(concerns, json_string_value(json_array_get(names, i))) != NULL) {
            return true;
        }
    }
    return false;
}

// Who depends on whom is followed until nobody is added.
static json_t *concerned_by(const char *service, const json_t *services)
{
    json_t *concerns = json_pack("{s:b}", service, 1);
    for (bool added = true; added;) {
        added = false;
        for (size_t i = 0; i < json_array_size(services); i++) {
            const json_t *entry = json_array_get(services, i);
            const char *name = tend_json_text(entry, "name", "");
            if (json_object_get(concerns, name) == NULL && any_concerned(json_object_get(entry, "depends"), concerns)) {
                added = json_object_set_new(concerns, name, json_true()) == 0;
            }
        }
    }
    return concerns;
}

struct tend_tuning_marks *tend_tuning_marks_create(const json_t *labels, const json_t *services)
{
    struct tend_tuning_marks *marks = calloc(1, sizeof *marks);
    if (marks == NULL) {
        return NULL;
    }
    marks->labels = json_deep_copy(labels);
    marks->count = json_array_size(labels);
    marks->marks = calloc(marks->count + 1, sizeof *marks->marks);
    marks->delays = calloc(marks->count + 1, sizeof *marks->delays);
    if (marks->marks == NULL || marks->delays == NULL || (labels != NULL && marks->labels == NULL)) {
        tend_tuning_marks_destroy(marks);
        return NULL;
    }
    for (size_t i = 0; i < marks->count; i++) {
        const json_t *label = json_array_get(marks->labels, i);
        const char *service = tend_json_text(label, "service", NULL);
        marks->marks[i] = (struct mark){
            .from_ms = tend_json_integer(label, "from_ms", 0),
            .until_ms = tend_json_integer(label, "until_ms", INT64_MAX),
            .service = service,
            .concerns = service == NULL ? NULL : concerned_by(service, services),
            .delay_s = (double)NAN,
        };
    }
    return marks;
}

void tend_tuning_marks_destroy(struct tend_tuning_marks *marks)
{
    if (marks == NULL) {
        return;
    }
    for (size_t i = 0; marks->marks != NULL && i < marks->count; i++) {
        json_decref(marks->marks[i].concerns);
    }
    json_decref(marks->labels);
    free(marks->marks);
    free(marks->delays);
    free(marks);
}

size_t tend_tuning_marks_count(const struct tend_tuning_marks *marks)
{
    return marks->count;
}

void tend_tuning_marks_begin(struct tend_tuning_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        marks->marks[i].delay_s = (double)NAN;
    }
}

static bool is_within(const struct mark *mark, int64_t fired_ms, int64_t ended_ms)
{
    const int64_t before_ms = mark->until_ms == INT64_MAX ? 0 : mark->until_ms - mark->from_ms;
    return fired_ms <= mark->until_ms && ended_ms >= mark->from_ms && fired_ms >= mark->from_ms - before_ms;
}

bool tend_tuning_marks_take(struct tend_tuning_marks *marks, const char *service, int64_t fired_ms, int64_t ended_ms)
{
    bool belongs = false;
    for (size_t i = 0; i < marks->count; i++) {
        struct mark *mark = &marks->marks[i];
        if (!is_within(mark, fired_ms, ended_ms) ||
            (mark->service != NULL && json_object_get(mark->concerns, service) == NULL)) {
            continue;
        }
        const double delay_s = fired_ms < mark->from_ms ? 0 : (double)(fired_ms - mark->from_ms) / 1000.0;
        mark->delay_s = isnan(mark->delay_s) || delay_s < mark->delay_s ? delay_s : mark->delay_s;
        belongs = true;
    }
    return belongs;
}

static int compare_numbers(const void *one, const void *other)
{
    const double a = *(const double *)one;
    const double b = *(const double *)other;
    return (a > b) - (a < b);
}

size_t tend_tuning_marks_found(const struct tend_tuning_marks *marks, double *delay_s)
{
    size_t found = 0;
    for (size_t i = 0; i < marks->count; i++) {
        if (!isnan(marks->marks[i].delay_s)) {
            marks->delays[found++] = marks->marks[i].delay_s;
        }
    }
    qsort(marks->delays, found, sizeof *marks->delays, compare_numbers);
    *delay_s = found == 0 ? (double)NAN : (marks->delays[(found - 1) / 2] + marks->delays[found / 2]) / 2;
    return found;
}
