// Keeps the records as they come and makes everything at the end: a story is asked for rarely and is small.
//
// Where several records tell of one thing (an alert that pends, fires, is over), the later one completes the earlier;
// the members of one thing are found by walking the array made so far, for there are a few dozen at most.

#include "api/explain.h"

#include "api/step_text.h"
#include "api/timeline.h"
#include "api/wall_time.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct tend_explanation {
    struct tend_record *records; // own copies, bodies shared
    size_t count;
    size_t capacity;
};

enum tend_status tend_explanation_create(struct tend_explanation **out)
{
    struct tend_explanation *explanation = calloc(1, sizeof *explanation);
    if (explanation == NULL) {
        return TEND_E_NOMEM;
    }
    *out = explanation;
    return TEND_OK;
}

void tend_explanation_destroy(struct tend_explanation *explanation)
{
    if (explanation == NULL) {
        return;
    }
    for (size_t i = 0; i < explanation->count; i++) {
        tend_record_clear(&explanation->records[i]);
    }
    free(explanation->records);
    free(explanation);
}

enum tend_status tend_explanation_add(struct tend_explanation *explanation, const struct tend_record *record)
{
    if (record->kind == TEND_RECORD_SOURCE || record->kind == TEND_RECORD_START || !json_is_object(record->body)) {
        return TEND_OK;
    }
    if (explanation->count == explanation->capacity) {
        const size_t capacity = explanation->capacity > 0 ? explanation->capacity * 2 : 64;
        struct tend_record *records = reallocarray(explanation->records, capacity, sizeof *records);
        if (records == NULL) {
            return TEND_E_NOMEM;
        }
        explanation->records = records;
        explanation->capacity = capacity;
    }
    char *key = strdup(record->key != NULL ? record->key : "");
    if (key == NULL) {
        return TEND_E_NOMEM;
    }
    struct tend_record *copy = &explanation->records[explanation->count++];
    *copy = *record;
    copy->key = key;
    copy->incident = copy->text = NULL;
    copy->body = json_incref(record->body);
    return TEND_OK;
}

// What the functions below write into; `failed` once memory ran out.
struct story {
    json_t *root;
    const json_t *evidence; // the newest evidence, while nothing was decided on it; borrowed, or NULL
    bool decided;           // the ranking in the story is one that something was decided on
    int64_t opened_ms;
    bool failed;
};

static void set(struct story *story, json_t *object, const char *key, json_t *take_value)
{
    if (json_object_set_new(object, key, take_value) != 0) { // takes the reference in any case; NULL fails
        story->failed = true;
    }
}

// The value of a record's member, or null.
static void copy(struct story *story, json_t *object, const char *key, const json_t *body, const char *from)
{
    json_t *value = json_object_get(body, from);
    set(story, object, key, value != NULL ? json_incref(value) : json_null());
}

static void copy_all(struct story *story, json_t *object, const json_t *body, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        copy(story, object, *keys, body, *keys);
    }
}

// A wall time twice: as text under `key`, and as seconds after the opening under `after_key` (NULL: not that).
static void set_time(struct story *story, json_t *object, const char *key, const char *after_key, int64_t wall_ms)
{
    set(story, object, key, tend_wall_time_json(wall_ms));
    if (after_key != NULL) {
        set(story, object, after_key,
            wall_ms < 0 ? json_null() : json_real((double)(wall_ms - story->opened_ms) / 1000.0));
    }
}

static void set_took(struct story *story, json_t *object, int64_t began_ms, int64_t ended_ms)
{
    const bool known = began_ms >= 0 && ended_ms >= began_ms;
    set(story, object, "took_s", known ? json_real((double)(ended_ms - began_ms) / 1000.0) : json_null());
}

static json_t *append(struct story *story, json_t *list)
{
    json_t *object = json_object();
    if (object == NULL || json_array_append_new(list, object) != 0) {
        story->failed = true;
        return NULL;
    }
    return object;
}

static json_t *list_of(struct story *story, const char *key)
{
    return json_object_get(story->root, key);
}

// The object of a list whose members of these keys are as the body's.
static json_t *find_same(json_t *list, const json_t *body, const char *const *keys)
{
    size_t i = 0;
    json_t *object = NULL;
    json_array_foreach(list, i, object)
    {
        bool same = true;
        for (const char *const *key = keys; *key != NULL && same; key++) {
            const json_t *here = json_object_get(object, *key);
            const json_t *there = json_object_get(body, *key);
            same = json_equal(here, there) || (json_is_null(here) && there == NULL);
        }
        if (same) {
            return object;
        }
    }
    return NULL;
}

static void take_alert(struct story *story, const json_t *body)
{
    static const char *const same[] = { "rule", "service", "instance", NULL };
    static const char *const always[] = { "severity", "state", NULL };
    static const char *const when_fired[] = { "metric",      "F",          "alpha",   "A",        "out_at",
                                              "unit",        "missing",    "summary", "foretold", "eta_s",
                                              "eta_least_s", "eta_most_s", "learned", NULL };
    json_t *list = list_of(story, "alerts");
    json_t *alert = find_same(list, body, same);
    const bool first = alert == NULL;
    if (first) {
        alert = append(story, list);
        if (alert == NULL) {
            return;
        }
        copy_all(story, alert, body, same);
    }
    copy_all(story, alert, body, always);
    const bool fires = strcmp(tend_json_text(body, "state", ""), "firing") == 0;
    const bool fired = !first && json_is_string(json_object_get(alert, "fired"));
    if (first || (fires && !fired)) {
        copy_all(story, alert, body, when_fired);
        copy(story, alert, "expected", body, "E");
        copy(story, alert, "measured", body, "P");
        set_time(story, alert, "since", "since_after_s", tend_json_integer(body, "since_wall_ms", -1));
        set_time(story, alert, "fired", "fired_after_s", tend_json_integer(body, "fired_wall_ms", -1));
    }
    set_time(story, alert, "resolved", "resolved_after_s", tend_json_integer(body, "resolved_wall_ms", -1));
}

static void take_incident(struct story *story, const json_t *body)
{
    static const char *const members[] = { "state", "outcome", "severity", "services", NULL };
    const int64_t ended_ms = tend_json_integer(body, "ended_wall_ms", -1);
    copy(story, story->root, "incident", body, "id");
    copy_all(story, story->root, body, members);
    set_time(story, story->root, "opened", NULL, story->opened_ms);
    set_time(story, story->root, "ended", NULL, ended_ms);
    set_took(story, story->root, story->opened_ms, ended_ms);
    json_t *culprits = json_object_get(body, "culprits");
    if (json_array_size(culprits) > 0 && json_array_size(list_of(story, "culprits")) == 0) {
        set(story, story->root, "culprits", json_deep_copy(culprits));
    }
}

// The ranking that the story tells is the one on which the newest decision was made: a later one shows what the remedy,
// or somebody else, has already cured.
static void show_ranking(struct story *story, const json_t *body)
{
    json_t *ranking = json_object_get(body, "ranking");
    set(story, story->root, "ranking", json_is_array(ranking) ? json_incref(ranking) : json_array());
    json_t *culprits = json_object_get(body, "culprits");
    if (json_array_size(culprits) > 0) {
        set(story, story->root, "culprits", json_deep_copy(culprits));
    }
}

static void take_evidence(struct story *story, const json_t *body)
{
    copy(story, story->root, "wait", body, "wait");
    story->evidence = body;
    if (!story->decided) {
        show_ranking(story, body);
    }
}

static void take_decision(struct story *story, const struct tend_record *record)
{
    story->decided = true;
    if (story->evidence != NULL) {
        show_ranking(story, story->evidence);
        story->evidence = NULL;
    }
    static const char *const members[] = { "what", "service", "playbook", "reason", "text", NULL };
    static const char *const same[] = { "what", "service", "playbook", "reason", "notify", NULL };
    json_t *list = list_of(story, "decisions");
    const size_t count = json_array_size(list);
    json_t *last = count > 0 ? json_array_get(list, count - 1) : NULL;
    bool repeated = last != NULL;
    for (const char *const *key = same; *key != NULL && repeated; key++) {
        const json_t *here = json_object_get(last, *key);
        const json_t *there = json_object_get(record->body, *key);
        repeated = json_equal(here, there) || ((here == NULL || json_is_null(here)) && there == NULL);
    }
    if (repeated) {
        set(story, last, "times", json_integer(json_integer_value(json_object_get(last, "times")) + 1));
        return;
    }
    json_t *decision = append(story, list);
    if (decision != NULL) {
        set_time(story, decision, "at", "after_s", record->wall_ms);
        copy_all(story, decision, record->body, members);
        if (json_object_get(record->body, "notify") != NULL) { // who was not told
            copy(story, decision, "notify", record->body, "notify");
        }
        set(story, decision, "times", json_integer(1));
    }
}

static json_t *find_run(struct story *story, const char *id)
{
    size_t i = 0;
    json_t *run = NULL;
    json_array_foreach(list_of(story, "runs"), i, run)
    {
        if (strcmp(tend_json_text(run, "id", ""), id) == 0) {
            return run;
        }
    }
    run = append(story, list_of(story, "runs"));
    if (run != NULL) {
        set(story, run, "id", json_string(id));
        set(story, run, "steps", json_array());
    }
    return run;
}

static void take_run(struct story *story, const struct tend_record *record)
{
    static const char *const members[] = { "playbook", "playbook_hash", "service",    "dry", "state",
                                           "outcome",  "error",         "generation", NULL };
    json_t *run = find_run(story, tend_json_text(record->body, "id", record->key));
    if (run == NULL) {
        return;
    }
    const int64_t began_ms = tend_json_integer(record->body, "began_wall_ms", -1);
    const int64_t ended_ms = tend_json_integer(record->body, "ended_wall_ms", -1);
    copy_all(story, run, record->body, members);
    set_time(story, run, "began", "began_after_s", began_ms);
    set_time(story, run, "ended", NULL, ended_ms);
    set_took(story, run, began_ms, ended_ms);
}

static json_t *text_of(const json_t *body, void (*write)(const json_t *, struct tend_buffer *))
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    write(body, &text);
    json_t *string = text.failed ? NULL : tend_json_string(tend_buffer_text(&text), text.size);
    tend_buffer_clear(&text);
    return string;
}

static void take_step(struct story *story, const struct tend_record *record)
{
    static const char *const same[] = { "seq", "attempt", NULL };
    static const char *const members[] = { "seq",   "attempt", "verb",    "instance",   "kind",
                                           "args",  "undo",    "dry",     "idempotent", "at",
                                           "state", "error",   "outcome", "value",      NULL };
    const json_t *body = record->body;
    json_t *run = find_run(story, tend_json_text(body, "run", "?"));
    json_t *steps = json_object_get(run, "steps");
    json_t *step = find_same(steps, body, same);
    if (step == NULL) {
        step = append(story, steps);
    }
    if (step == NULL) {
        return;
    }
    const int64_t began_ms = tend_json_integer(body, "began_wall_ms", -1);
    const int64_t ended_ms = tend_json_integer(body, "ended_wall_ms", -1);
    copy_all(story, step, body, members);
    set(story, step, "text", text_of(body, tend_step_text));
    set(story, step, "asks", text_of(body, tend_step_asks));
    set_time(story, step, "began", "began_after_s", began_ms);
    set_time(story, step, "ended", NULL, ended_ms);
    set_took(story, step, began_ms, ended_ms);
}

// A notice's key is "INCIDENT/NOTIFY/ABOUT/NUMBER"; ABOUT is firing, resolved or escalated.
static json_t *about_of(const char *key)
{
    static const char *const known[] = { "firing", "resolved", "escalated" };
    const char *last = strrchr(key, '/');
    for (size_t i = 0; i < sizeof known / sizeof known[0] && last != NULL; i++) {
        const size_t bytes = strlen(known[i]);
        const size_t before = (size_t)(last - key);
        if (before > bytes && last[-(ptrdiff_t)bytes - 1] == '/' && strncmp(last - bytes, known[i], bytes) == 0) {
            return json_string(known[i]);
        }
    }
    return json_null();
}

static void take_notice(struct story *story, const struct tend_record *record)
{
    static const char *const same[] = { "key", "notify", "to", NULL };
    static const char *const members[] = { "key", "notify", "to", "status", "tries", "error", NULL };
    json_t *list = list_of(story, "notices");
    json_t *notice = find_same(list, record->body, same);
    if (notice == NULL) {
        notice = append(story, list);
    }
    if (notice != NULL) {
        copy_all(story, notice, record->body, members);
        set(story, notice, "about", about_of(tend_json_text(record->body, "key", "")));
        set_time(story, notice, "at", "after_s", record->wall_ms);
    }
}

// Marks are records of the incident, so they come in order: the newest one counts.
static void take_mark(struct story *story, const struct tend_record *record)
{
    static const char *const members[] = { "mark", "why", "who", NULL };
    if (strcmp(tend_json_text(record->body, "mark", "none"), "none") == 0) {
        set(story, story->root, "mark", json_null());
        return;
    }
    json_t *mark = json_object();
    if (mark == NULL) {
        story->failed = true;
        return;
    }
    copy_all(story, mark, record->body, members);
    set_time(story, mark, "at", NULL, record->wall_ms);
    set(story, story->root, "mark", mark);
}

// Operators' records may come in any order, for they are read apart from the incident's; here they stand by time.
static void take_operator(struct story *story, const struct tend_record *record)
{
    static const char *const members[] = { "what", "argument", "who", "on", NULL };
    json_t *list = list_of(story, "operators");
    const double after_s = (double)(record->wall_ms - story->opened_ms) / 1000.0;
    size_t place = 0;
    while (place < json_array_size(list) && tend_json_number(json_array_get(list, place), "after_s", 0.0) <= after_s) {
        place++;
    }
    json_t *command = json_object();
    if (command == NULL || json_array_insert_new(list, place, command) != 0) {
        story->failed = true;
        return;
    }
    copy_all(story, command, record->body, members);
    set_time(story, command, "at", "after_s", record->wall_ms);
    if (strcmp(tend_json_text(record->body, "what", ""), "mark") == 0) {
        take_mark(story, record);
    }
}

static void take(struct story *story, const struct tend_record *record)
{
    switch (record->kind) {
    case TEND_RECORD_ALERT:
        take_alert(story, record->body);
        break;
    case TEND_RECORD_INCIDENT:
        take_incident(story, record->body);
        break;
    case TEND_RECORD_EVIDENCE:
        take_evidence(story, record->body);
        break;
    case TEND_RECORD_DECISION:
        take_decision(story, record);
        break;
    case TEND_RECORD_RUN:
        take_run(story, record);
        break;
    case TEND_RECORD_STEP:
        take_step(story, record);
        break;
    case TEND_RECORD_NOTICE:
        take_notice(story, record);
        break;
    case TEND_RECORD_OPERATOR:
        take_operator(story, record);
        break;
    case TEND_RECORD_START:
    case TEND_RECORD_SOURCE:
    case TEND_RECORD_TARGET:
        break;
    }
}

static const json_t *place_in_ranking(struct story *story, const char *service)
{
    size_t i = 0;
    const json_t *place = NULL;
    json_array_foreach(list_of(story, "ranking"), i, place)
    {
        if (strcmp(tend_json_text(place, "service", ""), service) == 0) {
            return place;
        }
    }
    return NULL;
}

// A culprit is a name or an object; in the story it is always an object, with the ranking's reasons.
static void complete_culprits(struct story *story)
{
    json_t *culprits = list_of(story, "culprits");
    size_t i = 0;
    json_t *culprit = NULL;
    json_array_foreach(culprits, i, culprit)
    {
        const char *name =
            json_is_string(culprit) ? json_string_value(culprit) : tend_json_text(culprit, "service", "?");
        const json_t *place = place_in_ranking(story, name);
        json_t *whole = json_pack("{s:s}", "service", name);
        copy(story, whole, "confidence", json_object_get(culprit, "confidence") != NULL ? culprit : place,
             "confidence");
        json_t *reasons = json_object_get(json_object_get(culprit, "reasons") != NULL ? culprit : place, "reasons");
        set(story, whole, "reasons", json_is_array(reasons) ? json_incref(reasons) : json_array());
        if (json_array_set_new(culprits, i, whole) != 0) {
            story->failed = true;
        }
    }
}

json_t *tend_explanation_finish(const struct tend_explanation *explanation)
{
    const struct tend_record *incident = NULL;
    for (size_t i = 0; i < explanation->count; i++) {
        if (explanation->records[i].kind == TEND_RECORD_INCIDENT) {
            incident = &explanation->records[i];
        }
    }
    if (incident == NULL) {
        return NULL;
    }
    struct story story = {
        // The order of members is the order in which people want to read them.
        .root =
            json_pack("{s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:[], s:[], s:[], s:[], s:n, s:[], s:[], s:[], s:[]}",
                      "incident", "state", "outcome", "opened", "ended", "took_s", "severity", "mark", "services",
                      "alerts", "culprits", "ranking", "wait", "decisions", "runs", "notices", "operators"),
        .opened_ms = tend_json_integer(incident->body, "opened_wall_ms", incident->wall_ms),
    };
    story.failed = story.root == NULL;
    for (size_t i = 0; i < explanation->count && !story.failed; i++) {
        take(&story, &explanation->records[i]);
    }
    if (!story.failed) {
        complete_culprits(&story);
        set(&story, story.root, "timeline", tend_timeline(explanation->records, explanation->count, story.opened_ms));
    }
    if (story.failed) {
        json_decref(story.root);
        return NULL;
    }
    return story.root;
}
