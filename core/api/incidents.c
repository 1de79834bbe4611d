// Both views are made from explanations: one place knows how records become a story.

#include "api/incidents.h"

#include "api/explain.h"

#include <stdio.h>
#include <string.h>

enum { NEWEST_NAMED = 5, OPERATORS_READ = 200, LEFT_BEFORE_MS = 600000 };

// A read of one incident's records.
struct reading {
    struct tend_explanation *explanation;
    enum tend_status status; // of the last add
    int64_t opened_ms;       // -1: no incident record was seen
    int64_t ended_ms;        // INT64_MAX while it is open
};

static bool add_record(void *context, const struct tend_record *record)
{
    struct reading *reading = context;
    if (record->kind == TEND_RECORD_INCIDENT) {
        reading->opened_ms = tend_json_integer(record->body, "opened_wall_ms", record->wall_ms);
        reading->ended_ms = tend_json_integer(record->body, "ended_wall_ms", INT64_MAX);
    }
    reading->status = tend_explanation_add(reading->explanation, record);
    return reading->status == TEND_OK;
}

// Operators' records belong to no incident: those of its time are found among the newest of each key. A pause or a
// silence that began before it and still holds tells why nothing was done, too; and a service that discovery no longer
// listed shortly before may be why there is an incident.
static bool add_operator(void *context, const struct tend_record *record)
{
    struct reading *reading = context;
    if (strncmp(record->key, "mark/", 5) == 0) {
        return true; // came with the records of its incident
    }
    const bool left = strncmp(record->key, "left/", 5) == 0;
    const int64_t from_ms = reading->opened_ms - (left ? LEFT_BEFORE_MS : 0);
    const bool keeps_back = strcmp(record->key, "pause") == 0 || strncmp(record->key, "silence/", 8) == 0;
    const bool still_holds = keeps_back && tend_json_bool(record->body, "on", false);
    if ((record->wall_ms >= from_ms || still_holds) && record->wall_ms <= reading->ended_ms) {
        reading->status = tend_explanation_add(reading->explanation, record);
    }
    return reading->status == TEND_OK;
}

// A row of the list has neither evidence nor operators. With evidence (20 rankings of seven services each) a list of 50
// held the loop for 0.7 s, without it for 11 ms.
enum depth { ROW, STORY };

static enum tend_status read_records(struct tend_journal *journal, const char *id, enum depth depth,
                                     struct reading *reading, struct tend_error *error)
{
    enum tend_status status =
        depth == ROW ? tend_journal_read_incident_without(journal, id, TEND_RECORD_EVIDENCE, add_record, reading, error)
                     : tend_journal_read_incident(journal, id, add_record, reading, error);
    if (depth == STORY && status == TEND_OK && reading->status == TEND_OK) {
        status = tend_journal_read_kind(journal, TEND_RECORD_OPERATOR, OPERATORS_READ, add_operator, reading, error);
    }
    return status == TEND_OK ? reading->status : status;
}

static enum tend_status explain(struct tend_journal *journal, const char *id, enum depth depth, json_t **out,
                                struct tend_error *error)
{
    struct reading reading = { .opened_ms = -1, .ended_ms = INT64_MAX };
    enum tend_status status = tend_explanation_create(&reading.explanation);
    if (status != TEND_OK) {
        return status;
    }
    status = read_records(journal, id, depth, &reading, error);
    if (status == TEND_OK) {
        *out = tend_explanation_finish(reading.explanation);
        status = *out == NULL ? TEND_E_NOMEM : TEND_OK;
    }
    tend_explanation_destroy(reading.explanation);
    return status;
}

static bool collect_id(void *context, const struct tend_record *record)
{
    return json_array_append_new(context, json_string(record->key)) == 0;
}

// Ids of the newest incidents, by when their newest record was written.
static enum tend_status newest_ids(struct tend_journal *journal, size_t limit, json_t **out, struct tend_error *error)
{
    json_t *ids = json_array();
    if (ids == NULL) {
        return TEND_E_NOMEM;
    }
    const enum tend_status status =
        tend_journal_read_kind(journal, TEND_RECORD_INCIDENT, limit, collect_id, ids, error);
    if (status != TEND_OK) {
        json_decref(ids);
        return status;
    }
    *out = ids;
    return TEND_OK;
}

static json_t *short_step(const json_t *run, const json_t *step)
{
    return json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?}", "run", json_object_get(run, "id"), "seq",
                     json_object_get(step, "seq"), "verb", json_object_get(step, "verb"), "instance",
                     json_object_get(step, "instance"), "kind", json_object_get(step, "kind"), "state",
                     json_object_get(step, "state"), "outcome", json_object_get(step, "outcome"));
}

// The row of one incident: its story without the evidence.
static json_t *row_of(const json_t *story)
{
    json_t *runs = json_array();
    json_t *steps = json_array();
    size_t index;
    json_t *run;
    json_array_foreach(json_object_get(story, "runs"), index, run)
    {
        (void)json_array_append_new(
            runs, json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?}", "id", json_object_get(run, "id"), "playbook",
                            json_object_get(run, "playbook"), "service", json_object_get(run, "service"), "outcome",
                            json_object_get(run, "outcome"), "dry", json_object_get(run, "dry")));
        size_t place;
        json_t *step;
        json_array_foreach(json_object_get(run, "steps"), place, step)
        {
            (void)json_array_append_new(steps, short_step(run, step));
        }
    }
    const json_t *first = json_array_get(json_object_get(story, "alerts"), 0);
    json_t *row = json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:o, s:o}", "id",
                            json_object_get(story, "incident"), "state", json_object_get(story, "state"), "outcome",
                            json_object_get(story, "outcome"), "opened", json_object_get(story, "opened"), "ended",
                            json_object_get(story, "ended"), "took_s", json_object_get(story, "took_s"), "severity",
                            json_object_get(story, "severity"), "mark", json_object_get(story, "mark"), "services",
                            json_object_get(story, "services"), "culprits", json_object_get(story, "culprits"),
                            "summary", json_object_get(first, "summary"), "alerts", json_object_get(story, "alerts"),
                            "runs", runs, "steps", steps);
    return row;
}

enum tend_status tend_incidents_list(struct tend_journal *journal, size_t limit, json_t **out, struct tend_error *error)
{
    json_t *ids;
    enum tend_status status = newest_ids(journal, limit, &ids, error);
    if (status != TEND_OK) {
        return status;
    }
    json_t *rows = json_array();
    size_t index;
    json_t *id;
    json_array_foreach(ids, index, id)
    {
        json_t *story;
        status = explain(journal, json_string_value(id), ROW, &story, error);
        if (status != TEND_OK) {
            break;
        }
        (void)json_array_append_new(rows, row_of(story));
        json_decref(story);
    }
    json_decref(ids);
    if (status != TEND_OK) {
        json_decref(rows);
        return status;
    }
    *out = json_pack("{s:o}", "incidents", rows);
    return *out == NULL ? TEND_E_NOMEM : TEND_OK;
}

enum tend_status tend_incidents_explain(struct tend_journal *journal, const char *id, json_t **out,
                                        struct tend_error *error)
{
    json_t *ids;
    const bool newest = id[0] == '\0' || strcmp(id, "last") == 0;
    enum tend_status status = newest_ids(journal, NEWEST_NAMED, &ids, error);
    if (status != TEND_OK) {
        return status;
    }
    struct tend_record found = { .number = 0 };
    const char *wanted = newest ? json_string_value(json_array_get(ids, 0)) : id;
    if (wanted == NULL) {
        tend_error_set(error, "there has been no incident yet");
        json_decref(ids);
        return TEND_E_INVALID;
    }
    status = tend_journal_find(journal, TEND_RECORD_INCIDENT, wanted, &found, error);
    if (status == TEND_OK && found.number == 0) {
        char names[200] = "";
        for (size_t i = 0; i < json_array_size(ids); i++) {
            const size_t used = strlen(names);
            (void)snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ",
                           json_string_value(json_array_get(ids, i)));
        }
        tend_error_set(error, "there is no incident \"%s\"%s%s", id, names[0] == '\0' ? "" : "; the newest are ",
                       names);
        status = TEND_E_INVALID;
    }
    if (status == TEND_OK) {
        status = explain(journal, wanted, STORY, out, error);
    }
    tend_record_clear(&found);
    json_decref(ids);
    return status;
}
