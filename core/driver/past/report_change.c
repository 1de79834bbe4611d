#include "driver/past/report_change.h"

#include "base/status.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SAME_ACT_MS = 600000 };

// An alert or an act of one of the two reports.
struct happening {
    const char *key[3];
    int64_t begun_ms, ended_ms;
    bool matched;
    const char *playbook; // of an act
    bool dry;
};

struct happenings {
    struct happening *list;
    size_t count;
};

static struct happening *add(struct happenings *happenings)
{
    struct happening *grown = reallocarray(happenings->list, happenings->count + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    happenings->list = grown;
    grown[happenings->count] = (struct happening){ .playbook = NULL };
    return &grown[happenings->count++];
}

// Past the end of what is known when it has no end.
static int64_t time_of(const json_t *object, const char *key)
{
    return tend_json_integer(object, key, INT64_MAX);
}

static struct happenings alerts_of(const json_t *report)
{
    struct happenings alerts = { .list = NULL };
    const json_t *list = json_object_get(report, "alerts");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *alert = json_array_get(list, i);
        *add(&alerts) =
            (struct happening){ .key = { tend_json_text(alert, "rule", ""), tend_json_text(alert, "service", ""),
                                         tend_json_text(alert, "instance", "") },
                                .begun_ms = time_of(alert, "fired_ms"),
                                .ended_ms = time_of(alert, "resolved_ms") };
    }
    return alerts;
}

// Steps that only look, wait or say are no acts; in a report their verb is what they do.
static bool is_act(const char *verb)
{
    static const char *const others[] = { "pick", "verify", "wait", "note", "escalate" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(verb, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void add_acts_of_run(struct happenings *acts, const json_t *run)
{
    size_t i = 0;
    const json_t *step = NULL;
    json_array_foreach(json_object_get(run, "steps"), i, step)
    {
        if (is_act(tend_json_text(step, "verb", "verify"))) {
            const int64_t at_ms = time_of(step, "at_ms");
            *add(acts) = (struct happening){ .key = { tend_json_text(step, "text", ""), "", "" },
                                             .begun_ms = at_ms,
                                             .ended_ms = at_ms,
                                             .playbook = tend_json_text(run, "playbook", ""),
                                             .dry = tend_json_bool(run, "dry", false) };
        }
    }
}

static struct happenings acts_of(const json_t *report)
{
    struct happenings acts = { .list = NULL };
    const json_t *incidents = json_object_get(report, "incidents");
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        const json_t *runs = json_object_get(json_array_get(incidents, i), "runs");
        for (size_t run = 0; run < json_array_size(runs); run++) {
            add_acts_of_run(&acts, json_array_get(runs, run));
        }
    }
    return acts;
}

static bool is_same(const struct happening *one, const struct happening *other, int64_t slack_ms)
{
    for (size_t i = 0; i < sizeof one->key / sizeof one->key[0]; i++) {
        if (strcmp(one->key[i], other->key[i]) != 0) {
            return false;
        }
    }
    return one->begun_ms - slack_ms <= other->ended_ms && other->begun_ms - slack_ms <= one->ended_ms;
}

// The nearest one of the others that is none's yet.
static struct happening *find_same(const struct happening *one, const struct happenings *others, int64_t slack_ms)
{
    struct happening *nearest = NULL;
    for (size_t i = 0; i < others->count; i++) {
        struct happening *other = &others->list[i];
        if (!other->matched && is_same(one, other, slack_ms) &&
            (nearest == NULL || llabs(other->begun_ms - one->begun_ms) < llabs(nearest->begun_ms - one->begun_ms))) {
            nearest = other;
        }
    }
    return nearest;
}

static json_t *time_json(const struct happening *happening)
{
    return happening == NULL ? json_null() : json_integer(happening->begun_ms);
}

// One entry; one of the two may be NULL.
static json_t *entry(const char *change, const struct happening *was, const struct happening *now, bool is_of_run)
{
    const struct happening *any = now != NULL ? now : was;
    TEND_ASSERT(any != NULL);
    json_t *by = was == NULL || now == NULL ? json_null() : json_real((double)(now->begun_ms - was->begun_ms) / 1000.0);
    json_t *entry = is_of_run ? json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "change", change, "act", any->key[0],
                                          "playbook", any->playbook, "dry", any->dry, "was_ms", time_json(was), "at_ms",
                                          time_json(now), "by_s", by)
                              : json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "change", change, "rule", any->key[0],
                                          "service", any->key[1], "instance", any->key[2], "was_ms", time_json(was),
                                          "at_ms", time_json(now), "by_s", by);
    TEND_ASSERT(entry != NULL);
    return entry;
}

// When it is now, or was when it is gone: as people read it.
static int64_t moment_of(const json_t *entry)
{
    return tend_json_integer(entry, "at_ms", tend_json_integer(entry, "was_ms", 0));
}

static int by_moment(const void *one, const void *other)
{
    const json_t *a = *(const json_t *const *)one;
    const json_t *b = *(const json_t *const *)other;
    const int64_t first = moment_of(a);
    const int64_t second = moment_of(b);
    return first < second ? -1 : first > second;
}

// Takes the entries.
static json_t *sorted(json_t **entries, size_t count)
{
    json_t *list = json_array();
    TEND_ASSERT(list != NULL);
    qsort((void *)entries, count, sizeof *entries, by_moment);
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, entries[i]);
    }
    return list;
}

// Frees both lists.
static json_t *compare(struct happenings *was, struct happenings *now, bool are_of_runs, json_int_t *same)
{
    const int64_t slack_ms = are_of_runs ? SAME_ACT_MS : 0;
    json_t **entries = calloc(was->count + now->count + 1, sizeof(json_t *));
    TEND_ASSERT(entries != NULL);
    size_t count = 0;
    *same = 0;
    for (size_t i = 0; i < was->count; i++) {
        const struct happening *one = &was->list[i];
        struct happening *other = find_same(one, now, slack_ms);
        if (other == NULL) {
            entries[count++] = entry("gone", one, NULL, are_of_runs);
            continue;
        }
        other->matched = true;
        if (other->begun_ms == one->begun_ms) {
            (*same)++;
        } else {
            entries[count++] = entry(other->begun_ms < one->begun_ms ? "earlier" : "later", one, other, are_of_runs);
        }
    }
    for (size_t i = 0; i < now->count; i++) {
        if (!now->list[i].matched) {
            entries[count++] = entry("new", NULL, &now->list[i], are_of_runs);
        }
    }
    json_t *list = sorted(entries, count);
    free((void *)entries);
    free(was->list);
    free(now->list);
    return list;
}

json_t *tend_report_change(const json_t *was, const json_t *now)
{
    struct happenings old_alerts = alerts_of(was);
    struct happenings new_alerts = alerts_of(now);
    struct happenings old_acts = acts_of(was);
    struct happenings new_acts = acts_of(now);
    json_int_t alerts_same = 0;
    json_int_t acts_same = 0;
    json_t *alerts = compare(&old_alerts, &new_alerts, false, &alerts_same);
    json_t *acts = compare(&old_acts, &new_acts, true, &acts_same);
    json_t *change = json_pack("{s:o, s:I, s:o, s:I}", "alerts", alerts, "alerts_same", alerts_same, "acts", acts,
                               "acts_same", acts_same);
    TEND_ASSERT(change != NULL);
    return change;
}
