#include "driver/world/scenario_report.h"

#include "base/buffer.h"
#include "parse/duration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double seconds(int64_t at_ms, int64_t from_ms)
{
    return (double)(at_ms - from_ms) / 1000.0;
}

static bool has_text(const json_t *body, const char *key, const char *value)
{
    return strcmp(tend_json_text(body, key, ""), value) == 0;
}

static const char *owner_of(const json_t *body)
{
    const char *instance = tend_json_text(body, "instance", "");
    return instance[0] == '\0' ? tend_json_text(body, "service", "") : instance;
}

// An alert that fired becomes one entry; its end is written into it.
static void take_alert(json_t *alerts, const struct tend_record *record, int64_t begun_ms)
{
    const json_t *body = record->body;
    if (has_text(body, "state", "firing")) {
        (void)json_array_append_new(
            alerts,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:b}", "rule", tend_json_text(body, "rule", ""), "service",
                      tend_json_text(body, "service", ""), "instance", tend_json_text(body, "instance", ""), "severity",
                      tend_json_text(body, "severity", ""), "summary", tend_json_text(body, "summary", ""), "fired_s",
                      seconds(record->at_ms, begun_ms), "by_missing", tend_json_bool(body, "by_missing", false)));
    } else if (has_text(body, "state", "resolved")) {
        for (size_t i = json_array_size(alerts); i-- > 0;) {
            json_t *alert = json_array_get(alerts, i);
            if (has_text(alert, "rule", tend_json_text(body, "rule", "")) &&
                strcmp(owner_of(alert), owner_of(body)) == 0) {
                (void)json_object_set_new(alert, "resolved_s", json_real(seconds(record->at_ms, begun_ms)));
                return;
            }
        }
    }
}

static bool is_act(const json_t *body)
{
    return has_text(body, "kind", "exec") || has_text(body, "kind", "http") || has_text(body, "kind", "mail");
}

static json_t *find_step(const json_t *steps, const char *key)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        if (has_text(json_array_get(steps, i), "key", key)) {
            return json_array_get(steps, i);
        }
    }
    return NULL;
}

static void take_step(json_t *steps, json_t *refused, const json_t *services, const struct tend_record *record,
                      int64_t begun_ms)
{
    const json_t *body = record->body;
    const char *run = tend_json_text(body, "run", "");
    const char *service = tend_json_text(services, run, "");
    const char *instance = tend_json_text(body, "instance", NULL);
    if (!is_act(body) || tend_json_bool(body, "dry", false)) {
        return;
    }
    json_t *known = find_step(steps, record->key);
    if (has_text(body, "outcome", "refused")) {
        (void)json_array_append_new(refused,
                                    json_pack("{s:s, s:s?, s:s, s:s}", "service", service, "instance", instance,
                                              "reason", "refused", "text", tend_json_text(body, "error", "")));
        if (known != NULL) {
            (void)json_object_set_new(known, "outcome", json_string("refused"));
        }
    } else if (known != NULL) {
        (void)json_object_set_new(known, "outcome", json_string(tend_json_text(body, "outcome", "")));
        (void)json_object_set_new(known, "ended_s", json_real(seconds(record->at_ms, begun_ms)));
    } else if (has_text(body, "state", "begun")) {
        const char *verb = tend_json_text(body, "verb", "");
        (void)json_array_append_new(steps, json_pack("{s:s, s:s, s:s, s:s?, s:s, s:f}", "key", record->key, "verb",
                                                     verb[0] == '\0' ? tend_json_text(body, "kind", "") : verb,
                                                     "service", service, "instance", instance, "run", run, "at_s",
                                                     seconds(record->at_ms, begun_ms)));
    }
}

// Steps whose intent was written but which were refused before they began are no acts.
static void drop_refused(json_t *steps)
{
    for (size_t i = json_array_size(steps); i-- > 0;) {
        if (has_text(json_array_get(steps, i), "outcome", "refused")) {
            (void)json_array_remove(steps, i);
        }
    }
}

static json_t *pages_of(const struct tend_simulation *simulation, int64_t begun_ms)
{
    json_t *pages = json_array();
    const json_t *messages = tend_simulation_messages(simulation);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *message = json_array_get(messages, i);
        const json_t *payload = json_object_get(message, "payload");
        if (!has_text(payload, "severity", "page") || has_text(payload, "status", "resolved")) {
            continue;
        }
        (void)json_array_append_new(
            pages, json_pack("{s:s, s:s, s:s, s:s, s:f}", "status", tend_json_text(payload, "status", ""), "service",
                             tend_json_text(payload, "service", ""), "summary", tend_json_text(payload, "summary", ""),
                             "key", tend_json_text(message, "key", ""), "at_s",
                             seconds(tend_json_integer(message, "at_ms", 0), begun_ms)));
    }
    return pages;
}

static void take_incident(json_t *incidents, const struct tend_record *record)
{
    if (strncmp(tend_json_text(record->body, "outcome", ""), "merged", strlen("merged")) == 0) {
        (void)json_object_del(incidents, record->key); // it goes on as a part of another
    } else {
        (void)json_object_set(incidents, record->key, record->body);
    }
}

static void add_name(json_t *names, const char *service)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (strcmp(json_string_value(json_array_get(names, i)), service) == 0) {
            return;
        }
    }
    (void)json_array_append_new(names, json_string(service));
}

// All that might have been blamed: those of an incident's alerts, and those that the locator put into a ranking.
static void take_weighed(json_t *weighed, const struct tend_record *record)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(record->body, "ranking"), index, row)
    {
        add_name(weighed, tend_json_text(row, "service", ""));
    }
    json_array_foreach(json_object_get(record->body, "services"), index, row)
    {
        if (record->kind == TEND_RECORD_INCIDENT && json_is_string(row)) {
            add_name(weighed, json_string_value(row));
        }
    }
}

// Those that were acted on come first, in that order: a ranking may change its mind when the cure is half felt.
static void take_culprits(json_t *culprits, const json_t *incidents, const json_t *acted)
{
    const char *run;
    json_t *service;
    json_object_foreach((json_t *)(uintptr_t)acted, run, service) // NOLINT(performance-no-int-to-ptr)
    {
        add_name(culprits, json_string_value(service));
    }
    const char *id;
    json_t *incident;
    json_object_foreach((json_t *)(uintptr_t)incidents, id, incident) // NOLINT(performance-no-int-to-ptr)
    {
        const json_t *list = json_object_get(incident, "culprits");
        for (size_t i = 0; i < json_array_size(list); i++) {
            add_name(culprits, tend_json_text(json_array_get(list, i), "service", ""));
        }
    }
}

// What was decided on whom, and how sure the locator was of it then.
static void take_decision(json_t *decisions, const struct tend_record *record, int64_t begun_ms)
{
    const char *service = tend_json_text(record->body, "service", "");
    if (service[0] != '\0' && json_is_number(json_object_get(record->body, "confidence"))) {
        (void)json_array_append_new(decisions, json_pack("{s:s, s:s, s:s, s:s, s:O, s:f}", "incident",
                                                         record->incident == NULL ? "" : record->incident, "service",
                                                         service, "what", tend_json_text(record->body, "what", ""),
                                                         "reason", tend_json_text(record->body, "reason", ""),
                                                         "confidence", json_object_get(record->body, "confidence"),
                                                         "at_s", seconds(record->at_ms, begun_ms)));
    }
}

// How it ended: what still needs a person outweighs what is over.
static const char *ended_of(const json_t *incidents)
{
    const char *ended = "quiet";
    const char *id;
    json_t *incident;
    json_object_foreach((json_t *)(uintptr_t)incidents, id, incident) // NOLINT(performance-no-int-to-ptr)
    {
        const bool open = has_text(incident, "state", "open");
        if (open) {
            return tend_json_bool(incident, "escalated", false) ? "escalated" : "open";
        }
        ended = tend_json_text(incident, "outcome", "resolved by itself");
    }
    return ended;
}

json_t *tend_scenario_report(const struct tend_simulation *simulation, int64_t begun_ms, int64_t fault_ms)
{
    json_t *alerts = json_array();
    json_t *steps = json_array();
    json_t *refused = json_array();
    json_t *culprits = json_array();
    json_t *incidents = json_object();
    json_t *services = json_object(); // run → service
    json_t *weighed = json_array();
    json_t *decisions = json_array();
    double recovered_s = (double)NAN;
    size_t count;
    const struct tend_record *records = tend_simulation_records(simulation, &count);
    for (size_t i = 0; i < count; i++) {
        const struct tend_record *record = &records[i];
        if (record->kind == TEND_RECORD_DECISION) {
            take_decision(decisions, record, begun_ms);
        }
        if (record->kind == TEND_RECORD_ALERT) {
            take_alert(alerts, record, begun_ms);
        } else if (record->kind == TEND_RECORD_INCIDENT) {
            take_incident(incidents, record);
            take_weighed(weighed, record);
            if (has_text(record->body, "outcome", "recovered") && has_text(record->body, "state", "ended") &&
                isnan(recovered_s)) {
                recovered_s = seconds(record->at_ms, fault_ms); // by an act that said it failed
            }
        } else if (record->kind == TEND_RECORD_EVIDENCE) {
            take_weighed(weighed, record);
        } else if (record->kind == TEND_RECORD_STEP) {
            take_step(steps, refused, services, record, begun_ms);
        } else if (record->kind == TEND_RECORD_RUN) {
            (void)json_object_set(services, record->key, json_object_get(record->body, "service"));
            if (has_text(record->body, "outcome", "recovered")) {
                recovered_s = seconds(record->at_ms, fault_ms);
            }
        } else if (record->kind == TEND_RECORD_DECISION &&
                   (has_text(record->body, "what", "refuse") || has_text(record->body, "what", "hold"))) {
            (void)json_array_append_new(refused, json_pack("{s:s, s:s, s:s}", "service",
                                                           tend_json_text(record->body, "service", ""), "reason",
                                                           tend_json_text(record->body, "reason", ""), "text",
                                                           tend_json_text(record->body, "text", "")));
        }
    }
    drop_refused(steps);
    take_culprits(culprits, incidents, services);
    json_t *report =
        json_pack("{s:O?, s:O, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:f, s:o}", "culprit", json_array_get(culprits, 0),
                  "culprits", culprits, "alerts", alerts, "steps", steps, "pages", pages_of(simulation, begun_ms),
                  "refused", refused, "weighed", weighed, "decisions", decisions, "ended", ended_of(incidents),
                  "fault_s", seconds(fault_ms, begun_ms), "recovered_s", tend_json_real(recovered_s));
    json_decref(culprits);
    json_decref(incidents);
    json_decref(services);
    return report;
}

// ---- the story ----

static void tell(json_t *story, int64_t at_ms, int64_t begun_ms, const char *text)
{
    struct tend_buffer line;
    char when[TEND_DURATION_TEXT_BYTES];
    tend_buffer_init(&line);
    tend_buffer_printf(&line, "%8s  %s", tend_duration_format((at_ms - begun_ms) / 1000 * 1000, when), text);
    (void)json_array_append_new(story, tend_json_string(tend_buffer_text(&line), line.size));
    tend_buffer_clear(&line);
}

static void tell_faults(json_t *story, const json_t *scenario, int64_t from_ms, int64_t to_ms, int64_t begun_ms)
{
    const json_t *faults = json_object_get(scenario, "faults");
    for (size_t i = 0; i < json_array_size(faults); i++) {
        const json_t *fault = json_array_get(faults, i);
        const int64_t at_ms = begun_ms + tend_json_integer(fault, "at_ms", 0);
        if (at_ms >= from_ms && at_ms < to_ms) {
            char text[300];
            (void)snprintf(text, sizeof text, "fault: %s on %s", tend_json_text(fault, "kind", ""),
                           tend_json_text(fault, "on", ""));
            tell(story, at_ms, begun_ms, text);
        }
    }
}

// One record as a sentence; empty: nothing that a reader of the story misses.
static void put_record(struct tend_buffer *out, const struct tend_record *record, const json_t *services)
{
    const json_t *body = record->body;
    const char *state = tend_json_text(body, "state", "");
    if (record->kind == TEND_RECORD_ALERT &&
        (has_text(body, "state", "firing") || has_text(body, "state", "resolved"))) {
        tend_buffer_printf(out, "%s: %s: %s", state, tend_json_text(body, "rule", ""),
                           tend_json_text(body, "summary", owner_of(body)));
    } else if (record->kind == TEND_RECORD_INCIDENT && strcmp(state, "ended") == 0) {
        tend_buffer_printf(out, "incident %s ended: %s", record->key,
                           tend_json_text(body, "outcome", "resolved by itself"));
    } else if (record->kind == TEND_RECORD_DECISION) {
        tend_buffer_printf(out, "decided: %s %s%s%s: %s", tend_json_text(body, "what", ""),
                           tend_json_text(body, "service", ""),
                           json_is_string(json_object_get(body, "playbook")) ? ": " : "",
                           tend_json_text(body, "playbook", ""), tend_json_text(body, "text", ""));
    } else if (record->kind == TEND_RECORD_STEP && is_act(body)) {
        const char *on =
            tend_json_text(body, "instance", tend_json_text(services, tend_json_text(body, "run", ""), ""));
        tend_buffer_printf(out, "%s %s: %s %s", tend_json_text(body, "verb", tend_json_text(body, "kind", "")), on,
                           strcmp(state, "begun") == 0 ? "begun" : tend_json_text(body, "outcome", ""),
                           tend_json_text(body, "error", ""));
    } else if (record->kind == TEND_RECORD_STEP && has_text(body, "kind", "verify") && strcmp(state, "ended") == 0) {
        tend_buffer_printf(out, "verify %s: %s %s", tend_json_text(body, "instance", "the incident"),
                           tend_json_text(body, "outcome", ""), tend_json_text(body, "error", ""));
    } else if (record->kind == TEND_RECORD_RUN && strcmp(state, "ended") == 0) {
        tend_buffer_printf(out, "run of \"%s\" ended: %s %s", tend_json_text(body, "playbook", ""),
                           tend_json_text(body, "outcome", ""), tend_json_text(body, "error", ""));
    }
}

json_t *tend_scenario_story(const struct tend_simulation *simulation, int64_t begun_ms, const json_t *scenario)
{
    json_t *story = json_array();
    json_t *services = json_object();
    size_t count;
    const struct tend_record *records = tend_simulation_records(simulation, &count);
    int64_t told_ms = begun_ms;
    for (size_t i = 0; i < count; i++) {
        const struct tend_record *record = &records[i];
        tell_faults(story, scenario, told_ms, record->at_ms, begun_ms);
        told_ms = record->at_ms > told_ms ? record->at_ms : told_ms;
        if (record->kind == TEND_RECORD_RUN) {
            (void)json_object_set(services, record->key, json_object_get(record->body, "service"));
        }
        struct tend_buffer line;
        tend_buffer_init(&line);
        put_record(&line, record, services);
        if (line.size > 0) {
            tell(story, record->at_ms, begun_ms, tend_buffer_text(&line));
        }
        tend_buffer_clear(&line);
    }
    tell_faults(story, scenario, told_ms, INT64_MAX, begun_ms);
    json_decref(services);
    return story;
}
