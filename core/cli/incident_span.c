#include "cli/incident_span.h"

#include <stdio.h>
#include <string.h>

enum { NEWEST_NAMED = 5 };

bool tend_incident_span_is_name(const char *word)
{
    return strcmp(word, "last") == 0 ||
           (word[0] == 'i' && word[1] != '\0' && word[1 + strspn(word + 1, "0123456789")] == '\0');
}

struct names {
    char newest[24];
    struct tend_buffer list;
};

static bool take_name(void *context, const struct tend_record *record)
{
    struct names *names = context;
    if (names->newest[0] == '\0') {
        (void)snprintf(names->newest, sizeof names->newest, "%s", record->key);
    }
    tend_buffer_printf(&names->list, "%s%s", names->list.size == 0 ? "" : ", ", record->key);
    return true;
}

static bool take_record(void *context, const struct tend_record *record)
{
    struct tend_incident_span *span = context;
    int64_t began_ms = record->at_ms;
    if (record->kind == TEND_RECORD_INCIDENT) {
        span->opened_ms = tend_json_integer(record->body, "opened_ms", record->at_ms);
        span->opened_wall_ms = tend_json_integer(record->body, "opened_wall_ms", record->wall_ms);
        span->ended_ms = record->open ? INT64_MAX : record->at_ms;
        began_ms = span->opened_ms;
    } else if (record->kind == TEND_RECORD_ALERT) {
        began_ms = tend_json_integer(record->body, "began_ms", record->at_ms);
    }
    if (began_ms >= 0 && began_ms < span->first_ms) {
        span->first_ms = began_ms;
    }
    return true;
}

enum tend_status tend_incident_span_find(struct tend_journal *journal, const char *name, struct tend_incident_span *out,
                                         struct tend_error *error)
{
    struct names names = { .newest = "" };
    struct tend_incident_span span = { .first_ms = INT64_MAX, .opened_ms = -1, .ended_ms = INT64_MAX };
    tend_buffer_init(&names.list);
    enum tend_status status =
        tend_journal_read_kind(journal, TEND_RECORD_INCIDENT, NEWEST_NAMED, take_name, &names, error);
    if (status == TEND_OK && names.newest[0] == '\0') {
        tend_error_set(error, "there has been no incident yet");
        status = TEND_E_INVALID;
    }
    if (status == TEND_OK) {
        (void)snprintf(span.id, sizeof span.id, "%s", strcmp(name, "last") == 0 ? names.newest : name);
        status = tend_journal_read_incident_without(journal, span.id, TEND_RECORD_EVIDENCE, take_record, &span, error);
    }
    if (status == TEND_OK && span.opened_ms < 0) {
        tend_error_set(error, "there is no incident \"%s\"; the newest are %s", name, tend_buffer_text(&names.list));
        status = TEND_E_INVALID;
    }
    if (status == TEND_OK) {
        *out = span;
    }
    tend_buffer_clear(&names.list);
    return status;
}
