// An operator's records belong to no incident, so those of the time of the incident are found by their wall time among
// the newest of each key. An older command that a newer one of the same key replaced is not among them; the newest is
// what counts for "why does it not act".

#include "api/story.h"

#include "api/explain.h"
#include "driver/live/journal.h"

#include <stdlib.h>
#include <string.h>

enum { NEWEST_SHOWN = 5, OPERATORS_READ = 200 };

// What is kept of the newest incidents.
struct newest {
    char *ids[NEWEST_SHOWN];
    size_t count;
};

static bool keep_id(void *context, const struct tend_record *record)
{
    struct newest *newest = context;
    if (newest->count == NEWEST_SHOWN) {
        return false;
    }
    char *id = strdup(record->key != NULL ? record->key : "");
    if (id != NULL) {
        newest->ids[newest->count++] = id;
    }
    return true;
}

struct reading {
    struct tend_explanation *explanation;
    enum tend_status status;
    int64_t opened_ms; // -1: no incident record was seen
    int64_t ended_ms;  // INT64_MAX while it is open
};

static bool keep_record(void *context, const struct tend_record *record)
{
    struct reading *reading = context;
    if (record->kind == TEND_RECORD_INCIDENT) {
        reading->opened_ms = tend_json_integer(record->body, "opened_wall_ms", record->wall_ms);
        reading->ended_ms = tend_json_integer(record->body, "ended_wall_ms", INT64_MAX);
    }
    reading->status = tend_explanation_add(reading->explanation, record);
    return reading->status == TEND_OK;
}

// A pause or an arm that was given before the incident and still held tells why, too; of what came after its end
// nothing does.
static bool keep_operator(void *context, const struct tend_record *record)
{
    struct reading *reading = context;
    const bool pause = record->key != NULL && strcmp(record->key, "pause") == 0;
    const bool in_time = record->wall_ms >= reading->opened_ms || (pause && tend_json_bool(record->body, "on", false));
    if (in_time && record->wall_ms <= reading->ended_ms) {
        reading->status = tend_explanation_add(reading->explanation, record);
    }
    return reading->status == TEND_OK;
}

static enum tend_status read_story(struct tend_journal *journal, const char *id, struct reading *reading, json_t **out,
                                   struct tend_error *error)
{
    enum tend_status status = tend_journal_read_incident(journal, id, keep_record, reading, error);
    if (status == TEND_OK && reading->status == TEND_OK && reading->opened_ms >= 0) {
        status = tend_journal_read_kind(journal, TEND_RECORD_OPERATOR, OPERATORS_READ, keep_operator, reading, error);
    }
    if (status == TEND_OK) {
        status = reading->status;
    }
    if (status != TEND_OK || reading->opened_ms < 0) {
        return status;
    }
    *out = tend_explanation_finish(reading->explanation);
    return *out != NULL ? TEND_OK : TEND_E_NOMEM;
}

static void set_unknown(const char *id, const struct newest *newest, struct tend_error *error)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    if (newest->count == 0) {
        tend_buffer_put_text(&text, "there has been no incident so far");
    } else {
        tend_buffer_printf(&text, "there is no incident %s; the newest are", id);
        for (size_t i = 0; i < newest->count; i++) {
            tend_buffer_printf(&text, "%s %s", i > 0 ? "," : "", newest->ids[i]);
        }
    }
    tend_error_set(error, "%s", tend_buffer_text(&text));
    tend_buffer_clear(&text);
}

enum tend_status tend_story_read(struct tend_journal *journal, const char *id, json_t **out, struct tend_error *error)
{
    struct newest newest = { .count = 0 };
    struct reading reading = { .opened_ms = -1, .ended_ms = INT64_MAX };
    json_t *story = NULL;
    enum tend_status status =
        tend_journal_read_kind(journal, TEND_RECORD_INCIDENT, NEWEST_SHOWN, keep_id, &newest, error);
    const bool want_newest = id[0] == '\0' || strcmp(id, "last") == 0;
    if (status == TEND_OK) {
        status = tend_explanation_create(&reading.explanation);
    }
    if (status == TEND_OK && (!want_newest || newest.count > 0)) {
        status = read_story(journal, want_newest ? newest.ids[0] : id, &reading, &story, error);
    }
    if (status == TEND_OK && story == NULL) {
        set_unknown(id, &newest, error);
        status = TEND_E_INVALID;
    }
    if (status == TEND_OK) {
        *out = story;
    }
    tend_explanation_destroy(reading.explanation);
    for (size_t i = 0; i < newest.count; i++) {
        free(newest.ids[i]);
    }
    return status;
}
