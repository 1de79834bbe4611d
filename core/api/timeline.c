// One switch over the kinds of records; each writes its line, or nothing when it says nothing new.
//
// Only what was seen to end has a line for its end, so a crash in the middle of a step shows as a step that began.

#include "api/timeline.h"

#include "api/step_text.h"
#include "api/wall_time.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    int64_t wall_ms;
    size_t order;
    char *text;
};

struct timeline {
    struct entry *entries;
    size_t count;
    size_t capacity;
    bool failed;
    // What was last told, so that a record that repeats it has no line.
    char *culprits;
    char *wait;
    char *decision;
    char *incident_state;
};

// Adds a line; takes the buffer's text and leaves it empty.
static void add(struct timeline *timeline, int64_t wall_ms, struct tend_buffer *text)
{
    if (text->size == 0 && !text->failed) {
        return;
    }
    if (timeline->count == timeline->capacity) {
        const size_t capacity = timeline->capacity > 0 ? timeline->capacity * 2 : 64;
        struct entry *entries = reallocarray(timeline->entries, capacity, sizeof *entries);
        if (entries == NULL) {
            timeline->failed = true;
            return;
        }
        timeline->entries = entries;
        timeline->capacity = capacity;
    }
    char *copy = text->failed ? NULL : strdup(tend_buffer_text(text));
    tend_buffer_reset(text);
    if (copy == NULL) {
        timeline->failed = true;
        return;
    }
    timeline->entries[timeline->count] = (struct entry){ wall_ms, timeline->count, copy };
    timeline->count++;
}

// Remembers a text. Returns false when it is what was remembered already.
static bool is_new(struct timeline *timeline, char **last, const char *text)
{
    if (*last != NULL && strcmp(*last, text) == 0) {
        return false;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        timeline->failed = true;
        return false;
    }
    free(*last);
    *last = copy;
    return true;
}

static const char *subject_of(const json_t *body)
{
    const char *instance = tend_json_text(body, "instance", "");
    return instance[0] != '\0' ? instance : tend_json_text(body, "service", "?");
}

// "up is 0, expected 1 (F 1, α 0.5, A 2)", or the cause of missing data.
static void put_measured(const json_t *alert, bool with_index, struct tend_buffer *out)
{
    const char *metric = tend_json_text(alert, "metric", NULL);
    if (metric == NULL) {
        tend_buffer_put_text(out, tend_json_text(alert, "summary", ""));
        return;
    }
    const char *missing = tend_json_text(alert, "missing", NULL);
    if (missing != NULL && missing[0] != '\0') {
        tend_buffer_printf(out, "%s has no data: %s", metric, missing);
        return;
    }
    char text[TEND_QUANTITY_TEXT_BYTES];
    const char *unit = tend_json_text(alert, "unit", "");
    tend_buffer_printf(out, "%s is %s", metric,
                       tend_quantity_format(tend_json_number(alert, "P", (double)NAN), unit, text));
    const double expected = tend_json_number(alert, "E", (double)NAN);
    if (!with_index || isnan(expected)) {
        return;
    }
    tend_buffer_printf(out, ", expected %s", tend_quantity_format(expected, unit, text));
    const double deviation = tend_json_number(alert, "F", (double)NAN);
    const double alpha = tend_json_number(alert, "alpha", (double)NAN);
    const double index = tend_json_number(alert, "A", (double)NAN);
    if (!isnan(deviation) && !isnan(alpha) && !isnan(index)) {
        tend_buffer_printf(out, " (F %.3g, α %.3g, A %.3g)", deviation, alpha, index);
    }
}

static void tell_alert(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const json_t *body = record->body;
    const char *state = tend_json_text(body, "state", "");
    const char *rule = tend_json_text(body, "rule", "?");
    int64_t at_ms = record->wall_ms;
    if (strcmp(state, "pending") == 0) {
        tend_buffer_printf(line, "%s out of line: ", subject_of(body));
        put_measured(body, true, line);
        tend_buffer_printf(line, "; rule %s waits", rule);
        at_ms = tend_json_integer(body, "since_wall_ms", at_ms);
    } else if (strcmp(state, "firing") == 0) {
        tend_buffer_printf(line, "alert %s fires on %s: ", rule, subject_of(body));
        put_measured(body, true, line);
        const char *flapping = tend_json_text(body, "flapping", "");
        tend_buffer_printf(line, "%s%s", flapping[0] != '\0' ? "; " : "", flapping);
        at_ms = tend_json_integer(body, "fired_wall_ms", at_ms);
    } else if (strcmp(state, "resolved") == 0) {
        tend_buffer_printf(line, "alert %s on %s is over: ", rule, subject_of(body));
        put_measured(body, false, line);
        at_ms = tend_json_integer(body, "resolved_wall_ms", at_ms);
    } else if (strcmp(state, "inactive") == 0) {
        const bool asleep = strcmp(tend_json_text(body, "missing", ""), "asleep") == 0;
        tend_buffer_printf(line, "%s %s before rule %s fired", subject_of(body),
                           asleep ? "fell asleep" : "is back in line", rule);
    }
    add(timeline, at_ms, line);
}

static const char *culprit_name(const json_t *culprit)
{
    return json_is_string(culprit) ? json_string_value(culprit) : tend_json_text(culprit, "service", "?");
}

// Its own confidence, or the one of its place in the ranking.
static double culprit_confidence(const json_t *culprit, const json_t *ranking)
{
    const double own = tend_json_number(culprit, "confidence", (double)NAN);
    size_t i = 0;
    const json_t *place = NULL;
    json_array_foreach(ranking, i, place)
    {
        if (isnan(own) && strcmp(tend_json_text(place, "service", ""), culprit_name(culprit)) == 0) {
            return tend_json_number(place, "confidence", (double)NAN);
        }
    }
    return own;
}

// A line when others are blamed than before; a confidence that moves a little is none.
static void tell_culprits(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const json_t *culprits = json_object_get(record->body, "culprits");
    const json_t *ranking = json_object_get(record->body, "ranking");
    struct tend_buffer names;
    tend_buffer_init(&names);
    size_t i = 0;
    const json_t *culprit = NULL;
    tend_buffer_put_text(line, "culprit: ");
    json_array_foreach(culprits, i, culprit)
    {
        const double confidence = culprit_confidence(culprit, ranking);
        tend_buffer_printf(&names, "%s\n", culprit_name(culprit));
        tend_buffer_printf(line, "%s%s", i > 0 ? ", " : "", culprit_name(culprit));
        if (!isnan(confidence)) {
            tend_buffer_printf(line, " (confidence %.2f)", confidence);
        }
    }
    const bool had_one = timeline->culprits != NULL && timeline->culprits[0] != '\0';
    const bool told = (had_one || names.size > 0) && is_new(timeline, &timeline->culprits, tend_buffer_text(&names));
    if (names.size == 0 || !told) {
        tend_buffer_reset(line);
    }
    if (told) {
        tend_buffer_put_text(line, names.size == 0 ? "no culprit any more" : "");
        add(timeline, record->wall_ms, line);
    }
    tend_buffer_clear(&names);
}

static void tell_incident(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const json_t *body = record->body;
    const char *state = tend_json_text(body, "state", "");
    const bool changed = is_new(timeline, &timeline->incident_state, state);
    const bool ended = strcmp(state, "ended") == 0;
    if (changed && !ended) {
        tend_buffer_printf(line, "incident opened, severity %s", tend_json_text(body, "severity", "none"));
        add(timeline, tend_json_integer(body, "opened_wall_ms", record->wall_ms), line);
    }
    tell_culprits(timeline, record, line);
    if (changed && ended) {
        tend_buffer_printf(line, "incident ended: %s", tend_json_text(body, "outcome", "no outcome"));
        add(timeline, tend_json_integer(body, "ended_wall_ms", record->wall_ms), line);
    }
}

static void tell_evidence(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const char *wait = tend_json_text(record->body, "wait", "");
    if (is_new(timeline, &timeline->wait, wait) && wait[0] != '\0') {
        tend_buffer_printf(line, "no verdict on the culprit yet: %s", wait);
        add(timeline, record->wall_ms, line);
    }
    tell_culprits(timeline, record, line);
}

static void tell_decision(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const json_t *body = record->body;
    const char *playbook = tend_json_text(body, "playbook", NULL);
    const char *service = tend_json_text(body, "service", NULL);
    struct tend_buffer same; // a decision again, only with other numbers, is the same one
    tend_buffer_init(&same);
    tend_buffer_printf(&same, "%s\n%s\n%s\n%s\n%s", tend_json_text(body, "what", ""),
                       tend_json_text(body, "reason", ""), playbook != NULL ? playbook : "",
                       service != NULL ? service : "", tend_json_text(body, "notify", ""));
    if (is_new(timeline, &timeline->decision, tend_buffer_text(&same))) {
        tend_buffer_printf(line, "decision: %s", tend_json_text(body, "what", "?"));
        if (playbook != NULL) {
            tend_buffer_printf(line, " “%s”", playbook);
        }
        if (service != NULL) {
            tend_buffer_printf(line, " on %s", service);
        }
        const char *text = tend_json_text(body, "text", "");
        tend_buffer_printf(line, ": %s", text[0] != '\0' ? text : tend_json_text(body, "reason", ""));
        add(timeline, record->wall_ms, line);
    }
    tend_buffer_clear(&same);
}

static void tell_run(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const json_t *body = record->body;
    const char *id = tend_json_text(body, "id", record->key);
    if (strcmp(tend_json_text(body, "state", ""), "ended") != 0) {
        tend_buffer_printf(line, "run %s begins: “%s” on %s%s", id, tend_json_text(body, "playbook", "?"),
                           tend_json_text(body, "service", "?"),
                           tend_json_bool(body, "dry", false) ? " (dry: nothing is touched)" : "");
        add(timeline, tend_json_integer(body, "began_wall_ms", record->wall_ms), line);
        return;
    }
    const char *error = tend_json_text(body, "error", "");
    tend_buffer_printf(line, "run %s ended: %s%s%s", id, tend_json_text(body, "outcome", "?"),
                       error[0] != '\0' ? ": " : "", error);
    add(timeline, tend_json_integer(body, "ended_wall_ms", record->wall_ms), line);
}

static void tell_step(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const json_t *body = record->body;
    const char *kind = tend_json_text(body, "kind", "");
    const bool acts = strcmp(kind, "exec") == 0 || strcmp(kind, "http") == 0;
    const bool ended = strcmp(tend_json_text(body, "state", ""), "ended") == 0;
    const int64_t began_ms = tend_json_integer(body, "began_wall_ms", record->wall_ms);
    const char *dry = tend_json_bool(body, "dry", false) ? "dry " : "";
    const long long seq = (long long)tend_json_integer(body, "seq", 0);
    if (!ended) {
        tend_buffer_printf(line, "%sstep %lld begins: ", dry, seq);
        tend_step_text(body, line);
        if (acts && tend_json_text(body, "verb", NULL) != NULL) {
            tend_buffer_put_text(line, ", by ");
            tend_step_asks(body, line);
        }
        add(timeline, began_ms, line);
        return;
    }
    if (strcmp(kind, "pick") == 0 || strcmp(kind, "note") == 0) {
        tend_buffer_printf(line, "%sstep %lld: ", dry, seq);
        tend_step_text(body, line);
    } else {
        tend_buffer_printf(line, "%sstep %lld %s", dry, seq, tend_json_text(body, "outcome", "ended"));
    }
    const int64_t ended_ms = tend_json_integer(body, "ended_wall_ms", record->wall_ms);
    if (ended_ms > began_ms) {
        tend_buffer_printf(line, " after %.2f s", (double)(ended_ms - began_ms) / 1000.0);
    }
    const char *error = tend_json_text(body, "error", "");
    tend_buffer_printf(line, "%s%s", error[0] != '\0' ? ": " : "", error);
    add(timeline, ended_ms, line);
}

static void tell_notice(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const json_t *body = record->body;
    const char *status = tend_json_text(body, "status", "");
    const char *notify = tend_json_text(body, "notify", "?");
    if (strcmp(status, "sent") == 0) {
        tend_buffer_printf(line, "notice to “%s” was taken", notify);
    } else if (strcmp(status, "failed") == 0) {
        tend_buffer_printf(line, "notice to “%s” failed after %lld tries: %s", notify,
                           (long long)tend_json_integer(body, "tries", 0), tend_json_text(body, "error", "no reason"));
    }
    add(timeline, record->wall_ms, line);
}

static void tell_operator(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    const json_t *body = record->body;
    const char *argument = tend_json_text(body, "argument", "");
    tend_buffer_printf(line, "%s: %s%s%s", tend_json_text(body, "who", "somebody"), tend_json_text(body, "what", "?"),
                       argument[0] != '\0' ? " " : "", argument);
    add(timeline, record->wall_ms, line);
}

static void tell(struct timeline *timeline, const struct tend_record *record, struct tend_buffer *line)
{
    switch (record->kind) {
    case TEND_RECORD_ALERT:
        tell_alert(timeline, record, line);
        break;
    case TEND_RECORD_INCIDENT:
        tell_incident(timeline, record, line);
        break;
    case TEND_RECORD_EVIDENCE:
        tell_evidence(timeline, record, line);
        break;
    case TEND_RECORD_DECISION:
        tell_decision(timeline, record, line);
        break;
    case TEND_RECORD_RUN:
        tell_run(timeline, record, line);
        break;
    case TEND_RECORD_STEP:
        tell_step(timeline, record, line);
        break;
    case TEND_RECORD_NOTICE:
        tell_notice(timeline, record, line);
        break;
    case TEND_RECORD_OPERATOR:
        tell_operator(timeline, record, line);
        break;
    case TEND_RECORD_START:
    case TEND_RECORD_SOURCE:
    case TEND_RECORD_TARGET:
        break; // they belong to no one incident
    }
}

static int by_time(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    if (a->wall_ms != b->wall_ms) {
        return a->wall_ms < b->wall_ms ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static json_t *to_json(const struct timeline *timeline, int64_t opened_wall_ms)
{
    json_t *list = json_array();
    for (size_t i = 0; i < timeline->count && list != NULL; i++) {
        const struct entry *entry = &timeline->entries[i];
        json_t *item = json_pack("{s:o, s:f, s:o}", "at", tend_wall_time_json(entry->wall_ms), "after_s",
                                 (double)(entry->wall_ms - opened_wall_ms) / 1000.0, "text",
                                 tend_json_string(entry->text, strlen(entry->text)));
        if (item == NULL || json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *tend_timeline(const struct tend_record *records, size_t count, int64_t opened_wall_ms)
{
    struct timeline timeline = { .entries = NULL };
    struct tend_buffer line;
    tend_buffer_init(&line);
    for (size_t i = 0; i < count && !timeline.failed; i++) {
        tell(&timeline, &records[i], &line);
    }
    if (timeline.count > 0) {
        qsort(timeline.entries, timeline.count, sizeof timeline.entries[0], by_time);
    }
    json_t *list = timeline.failed ? NULL : to_json(&timeline, opened_wall_ms);
    for (size_t i = 0; i < timeline.count; i++) {
        free(timeline.entries[i].text);
    }
    free(timeline.entries);
    free(timeline.culprits);
    free(timeline.wait);
    free(timeline.decision);
    free(timeline.incident_state);
    tend_buffer_clear(&line);
    return list;
}
