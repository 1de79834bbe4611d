// Each fact has one JSON object that later records of the same key complete; lists and indexes share it. An incident
// that was merged into another one gives its decisions and runs to that one.

#include "driver/sim/report_records.h"

#include "base/buffer.h"
#include "parse/duration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char merged_into[] = "merged into ";

struct tend_report_records {
    json_t *alerts;
    json_t *alerts_by_key; // the newest of each key
    json_t *incidents;     // id → incident, in the order in which they opened
    json_t *reasons;       // incident id → service → [text]
    json_t *runs;          // id → run
    json_t *steps;         // "run/seq" → step
    json_t *notices;       // key → what was queued
    json_t *pages;
    json_t *rules_off;
    json_t *refusals; // reason → n
    json_int_t acts, would_act;
};

static bool has_text(const json_t *body, const char *key, const char *value)
{
    return strcmp(tend_json_text(body, key, ""), value) == 0;
}

static void set_time(json_t *object, const char *key, int64_t at_ms)
{
    (void)json_object_set_new(object, key, json_integer(at_ms));
}

static void copy_members(json_t *to, const json_t *from, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        json_t *value = json_object_get(from, names[i]);
        (void)json_object_set(to, names[i], value == NULL ? json_null() : value);
    }
}

// ---- alerts ----

static void take_alert(struct tend_report_records *records, const struct tend_record *record)
{
    static const char *const kept[] = { "rule", "service", "instance", "severity", "metric",  "unit", "P",
                                        "E",    "F",       "A",        "alpha",    "summary", NULL };
    if (has_text(record->body, "state", "firing")) {
        json_t *alert = json_object();
        copy_members(alert, record->body, kept);
        set_time(alert, "fired_ms", record->at_ms);
        (void)json_object_set_new(alert, "resolved_ms", json_null());
        (void)json_object_set_new(alert, "incident",
                                  record->incident == NULL ? json_null() : json_string(record->incident));
        (void)json_object_set(records->alerts_by_key, record->key, alert);
        (void)json_array_append_new(records->alerts, alert);
    } else if (has_text(record->body, "state", "resolved")) {
        json_t *alert = json_object_get(records->alerts_by_key, record->key);
        if (alert != NULL) {
            set_time(alert, "resolved_ms", record->at_ms);
            (void)json_object_del(records->alerts_by_key, record->key);
        }
    }
}

// An alert fires before its incident has a name.
static void join_alerts(struct tend_report_records *records, const struct tend_record *record)
{
    const json_t *members = json_object_get(record->body, "alerts");
    for (size_t i = 0; i < json_array_size(members); i++) {
        const json_t *member = json_array_get(members, i);
        char key[1024];
        (void)snprintf(key, sizeof key, "%s\n%s\n%s", tend_json_text(member, "rule", ""),
                       tend_json_text(member, "service", ""), tend_json_text(member, "instance", ""));
        json_t *alert = json_object_get(records->alerts_by_key, key);
        if (alert != NULL) {
            (void)json_object_set_new(alert, "incident", json_string(record->key));
        }
    }
}

// ---- incidents ----

static json_t *incident_of(struct tend_report_records *records, const char *id)
{
    json_t *incident = json_object_get(records->incidents, id);
    if (incident == NULL) {
        incident =
            json_pack("{s:s, s:n, s:n, s:s, s:[], s:n, s:[], s:[], s:[], s:n}", "id", id, "opened_ms", "ended_ms",
                      "severity", "", "services", "outcome", "culprits", "decisions", "runs", "label");
        (void)json_object_set_new(records->incidents, id, incident);
    }
    return incident;
}

static void merge(struct tend_report_records *records, const char *id, const char *into)
{
    json_t *younger = json_incref(json_object_get(records->incidents, id));
    json_t *older = incident_of(records, into);
    (void)json_array_extend(json_object_get(older, "decisions"), json_object_get(younger, "decisions"));
    (void)json_array_extend(json_object_get(older, "runs"), json_object_get(younger, "runs"));
    (void)json_object_del(records->incidents, id);
    for (size_t i = 0; i < json_array_size(records->alerts); i++) {
        json_t *alert = json_array_get(records->alerts, i);
        if (has_text(alert, "incident", id)) {
            (void)json_object_set_new(alert, "incident", json_string(into));
        }
    }
    json_decref(younger);
}

static void take_incident(struct tend_report_records *records, const struct tend_record *record)
{
    static const char *const kept[] = { "severity", "services", "opened_ms", NULL };
    const char *outcome = tend_json_text(record->body, "outcome", NULL);
    json_t *incident = incident_of(records, record->key);
    const bool ended = has_text(record->body, "state", "ended");
    if (outcome != NULL && strncmp(outcome, merged_into, strlen(merged_into)) == 0) {
        merge(records, record->key, outcome + strlen(merged_into));
        return;
    }
    copy_members(incident, record->body, kept);
    if (json_array_size(json_object_get(record->body, "culprits")) > 0) {
        (void)json_object_set(incident, "culprits", json_object_get(record->body, "culprits"));
    }
    if (ended) {
        set_time(incident, "ended_ms", record->at_ms);
    }
    (void)json_object_set_new(incident, "outcome",
                              outcome != NULL ? json_string(outcome)
                              : ended         ? json_string("resolved by itself")
                                              : json_null());
    join_alerts(records, record);
}

static void take_evidence(struct tend_report_records *records, const struct tend_record *record)
{
    json_t *by_service = json_object_get(records->reasons, record->key);
    if (by_service == NULL) {
        by_service = json_object();
        (void)json_object_set_new(records->reasons, record->key, by_service);
    }
    const json_t *ranking = json_object_get(record->body, "ranking");
    for (size_t i = 0; i < json_array_size(ranking); i++) {
        const json_t *row = json_array_get(ranking, i);
        json_t *reasons = json_object_get(row, "reasons");
        if (json_is_array(reasons)) {
            (void)json_object_set(by_service, tend_json_text(row, "service", ""), reasons);
        }
    }
}

static void take_decision(struct tend_report_records *records, const struct tend_record *record)
{
    static const char *const kept[] = { "service", "what", "playbook", "reason", "text", NULL };
    const char *what = tend_json_text(record->body, "what", "");
    if (strcmp(what, "rule off") == 0) {
        (void)json_array_append_new(records->rules_off, json_pack("{s:I, s:s, s:s}", "at_ms", (json_int_t)record->at_ms,
                                                                  "rule", tend_json_text(record->body, "rule", ""),
                                                                  "text", tend_json_text(record->body, "text", "")));
        return;
    }
    if (strcmp(what, "refuse") == 0 || strcmp(what, "hold") == 0) {
        const char *reason = tend_json_text(record->body, "reason", "");
        (void)json_object_set_new(records->refusals, reason,
                                  json_integer(tend_json_integer(records->refusals, reason, 0) + 1));
    }
    json_t *decision = json_object();
    set_time(decision, "at_ms", record->at_ms);
    copy_members(decision, record->body, kept);
    (void)json_array_append_new(json_object_get(incident_of(records, record->key), "decisions"), decision);
}

// ---- runs ----

static void take_run(struct tend_report_records *records, const struct tend_record *record)
{
    static const char *const kept[] = { "id", "playbook", "service", "dry", "began_ms", NULL };
    json_t *run = json_object_get(records->runs, record->key);
    if (run == NULL) {
        run = json_pack("{s:n, s:[]}", "ended_ms", "steps");
        copy_members(run, record->body, kept);
        (void)json_object_set_new(records->runs, record->key, run);
        const char *incident = tend_json_text(record->body, "incident", "");
        (void)json_array_append(json_object_get(incident_of(records, incident), "runs"), run);
    }
    json_t *outcome = json_object_get(record->body, "outcome");
    (void)json_object_set(run, "outcome", outcome == NULL ? json_null() : outcome);
    if (has_text(record->body, "state", "ended")) {
        set_time(run, "ended_ms", record->at_ms);
    }
}

static bool is_act(const json_t *step)
{
    return has_text(step, "kind", "exec") || has_text(step, "kind", "http") || has_text(step, "kind", "mail");
}

// What an act without a verb asks for: "run shopctl restart …", "POST http://…"
static void put_request(const char *kind, const json_t *args, struct tend_buffer *out)
{
    if (strcmp(kind, "http") == 0) {
        tend_buffer_printf(out, "%s %s", tend_json_text(args, "method", "GET"), tend_json_text(args, "url", "***"));
        return;
    }
    tend_buffer_put_text(out, "run");
    const json_t *argv = json_object_get(args, "argv");
    for (size_t i = 0; i < json_array_size(argv); i++) {
        const char *text = json_string_value(json_array_get(argv, i));
        tend_buffer_printf(out, " %s", text == NULL ? "***" : text); // a secret is no text
    }
}

// What is no act: "verify the incident", "wait 5s"
static void put_other(const char *kind, const json_t *step, struct tend_buffer *out)
{
    const json_t *args = json_object_get(step, "args");
    if (strcmp(kind, "wait") == 0) {
        char text[TEND_DURATION_TEXT_BYTES];
        tend_buffer_printf(out, "wait %s", tend_duration_format(tend_json_integer(args, "ms", 0), text));
    } else if (strcmp(kind, "pick") == 0) {
        tend_buffer_put_text(out, "pick the worst instance");
    } else if (strcmp(kind, "note") == 0 || strcmp(kind, "escalate") == 0) {
        tend_buffer_printf(out, "%s: %s", kind, tend_json_text(args, "text", ""));
    } else {
        tend_buffer_printf(out, "%s %s", kind, tend_json_text(step, "instance", "the incident"));
    }
}

// "would restart payments/1"
static void put_step(const json_t *step, struct tend_buffer *out)
{
    const char *kind = tend_json_text(step, "kind", "");
    const char *verb = tend_json_text(step, "verb", "");
    const char *instance = tend_json_text(step, "instance", NULL);
    const bool would = tend_json_bool(step, "dry", false) && is_act(step);
    tend_buffer_put_text(out, tend_json_bool(step, "undo", false) ? "undo: " : "");
    tend_buffer_put_text(out, would ? "would " : "");
    if (verb[0] != '\0') {
        tend_buffer_printf(out, "%s%s%s", verb, instance == NULL ? "" : " ", instance == NULL ? "" : instance);
    } else if (is_act(step)) {
        put_request(kind, json_object_get(step, "args"), out);
    } else {
        put_other(kind, step, out);
    }
}

static void take_step(struct tend_report_records *records, const struct tend_record *record)
{
    const json_t *body = record->body;
    json_t *step = json_object_get(records->steps, record->key);
    if (step == NULL) {
        json_t *run = json_object_get(records->runs, tend_json_text(body, "run", ""));
        const char *verb = tend_json_text(body, "verb", "");
        struct tend_buffer text;
        tend_buffer_init(&text);
        put_step(body, &text);
        step = json_pack("{s:I, s:n, s:s, s:s?, s:n, s:o}", "at_ms", (json_int_t)record->at_ms, "ended_ms", "verb",
                         verb[0] == '\0' ? tend_json_text(body, "kind", "") : verb, "instance",
                         tend_json_text(body, "instance", NULL), "outcome", "text",
                         tend_json_string(tend_buffer_text(&text), text.size));
        tend_buffer_clear(&text);
        (void)json_object_set_new(records->steps, record->key, step);
        (void)json_array_append(json_object_get(run, "steps"), step);
        if (is_act(body) && tend_json_bool(body, "dry", false)) {
            records->would_act++;
        } else if (is_act(body)) {
            records->acts++;
        }
    }
    if (has_text(body, "state", "ended")) {
        const bool dry = tend_json_bool(body, "dry", false) && is_act(body);
        const bool refused = has_text(body, "outcome", "refused");
        set_time(step, "ended_ms", record->at_ms);
        (void)json_object_set_new(step, "outcome", json_string(dry ? "dry" : tend_json_text(body, "outcome", "")));
        if (is_act(body) && refused && !dry) {
            records->acts--; // its intent was written, but it never began
        }
    }
}

static void take_notice(struct tend_report_records *records, const struct tend_record *record)
{
    const json_t *payload = json_object_get(record->body, "payload");
    if (payload != NULL) {
        (void)json_object_set_new(records->notices, record->key,
                                  json_pack("{s:s, s:s}", "text", tend_json_text(payload, "summary", ""), "status",
                                            tend_json_text(payload, "status", "")));
    }
    const json_t *queued = json_object_get(records->notices, record->key);
    if (has_text(record->body, "status", "sent")) {
        (void)json_array_append_new(records->pages,
                                    json_pack("{s:I, s:s, s:s, s:s, s:s}", "at_ms", (json_int_t)record->at_ms, "notify",
                                              tend_json_text(record->body, "notify", ""), "incident",
                                              tend_json_text(record->body, "incident", ""), "status",
                                              tend_json_text(queued, "status", ""), "text",
                                              tend_json_text(queued, "text", "")));
    }
}

void tend_report_records_take(struct tend_report_records *records, const struct tend_record *record)
{
    switch (record->kind) {
    case TEND_RECORD_ALERT:
        take_alert(records, record);
        break;
    case TEND_RECORD_INCIDENT:
        take_incident(records, record);
        break;
    case TEND_RECORD_EVIDENCE:
        take_evidence(records, record);
        break;
    case TEND_RECORD_DECISION:
        take_decision(records, record);
        break;
    case TEND_RECORD_RUN:
        take_run(records, record);
        break;
    case TEND_RECORD_STEP:
        take_step(records, record);
        break;
    case TEND_RECORD_NOTICE:
        take_notice(records, record);
        break;
    case TEND_RECORD_START:
    case TEND_RECORD_SOURCE:
    case TEND_RECORD_TARGET:
    case TEND_RECORD_OPERATOR:
        break;
    }
}

// ---- the document ----

static json_t *culprits_of(const json_t *incident, const json_t *reasons)
{
    json_t *culprits = json_array();
    const json_t *list = json_object_get(incident, "culprits");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *culprit = json_array_get(list, i);
        const char *service = tend_json_text(culprit, "service", "");
        json_t *why = json_object_get(reasons, service);
        (void)json_array_append_new(culprits, json_pack("{s:s, s:O?, s:o}", "service", service, "confidence",
                                                        json_object_get(culprit, "confidence"), "reasons",
                                                        why == NULL ? json_array() : json_incref(why)));
    }
    return culprits;
}

static int compare_numbers(const void *one, const void *other)
{
    const double a = *(const double *)one;
    const double b = *(const double *)other;
    return (a > b) - (a < b);
}

// The median time from the opening of an incident to its end, of those that an act recovered.
static double median_recovery_s(const json_t *incidents, size_t *recovered)
{
    double *times = calloc(json_array_size(incidents) + 1, sizeof *times);
    TEND_ASSERT(times != NULL);
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(incidents); i++) {
        const json_t *incident = json_array_get(incidents, i);
        if (has_text(incident, "outcome", "recovered") && json_is_integer(json_object_get(incident, "ended_ms"))) {
            times[count++] =
                (double)(tend_json_integer(incident, "ended_ms", 0) - tend_json_integer(incident, "opened_ms", 0)) /
                1000.0;
        }
    }
    qsort(times, count, sizeof *times, compare_numbers);
    const double median = count == 0 ? (double)NAN : (times[(count - 1) / 2] + times[count / 2]) / 2.0;
    free(times);
    *recovered = count;
    return median;
}

json_t *tend_report_records_document(const struct tend_report_records *records)
{
    json_t *incidents = json_array();
    const char *id;
    json_t *incident;
    json_object_foreach(records->incidents, id, incident)
    {
        json_t *told = json_copy(incident);
        (void)json_object_set_new(told, "culprits", culprits_of(incident, json_object_get(records->reasons, id)));
        (void)json_array_append_new(incidents, told);
    }
    size_t recovered;
    const double median_s = median_recovery_s(incidents, &recovered);
    json_t *sums = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:O, s:n, s:n, s:n, s:n, s:o, s:n}", "alerts",
        (json_int_t)json_array_size(records->alerts), "incidents", (json_int_t)json_array_size(incidents), "recovered",
        (json_int_t)recovered, "acts", records->acts, "would_act", records->would_act, "refusals", records->refusals,
        "false_alarms", "found", "missed", "delay_median_s", "recover_median_s", tend_json_real(median_s), "cpu_s");
    return json_pack("{s:O, s:o, s:O, s:O, s:o}", "alerts", records->alerts, "incidents", incidents, "pages",
                     records->pages, "rules_off", records->rules_off, "sums", sums);
}

struct tend_report_records *tend_report_records_create(void)
{
    struct tend_report_records *records = calloc(1, sizeof *records);
    if (records != NULL) {
        records->alerts = json_array();
        records->pages = json_array();
        records->rules_off = json_array();
        json_t **const objects[] = { &records->alerts_by_key, &records->incidents, &records->reasons, &records->runs,
                                     &records->steps,         &records->notices,   &records->refusals };
        for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
            *objects[i] = json_object();
        }
    }
    return records;
}

void tend_report_records_destroy(struct tend_report_records *records)
{
    if (records == NULL) {
        return;
    }
    json_t *const all[] = { records->alerts,    records->alerts_by_key, records->incidents, records->reasons,
                            records->runs,      records->steps,         records->notices,   records->pages,
                            records->rules_off, records->refusals };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        json_decref(all[i]);
    }
    free(records);
}
