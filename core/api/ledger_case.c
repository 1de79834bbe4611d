#include "api/ledger_case.h"

#include <stdlib.h>
#include <string.h>

void tend_ledger_case_init(struct tend_ledger_case *of)
{
    *of = (struct tend_ledger_case){ .marked_ms = -1, .told_ms = -1 };
}

void tend_ledger_case_clear(struct tend_ledger_case *of)
{
    for (size_t i = 0; i < of->alarm_count; i++) {
        free(of->alarms[i].rule);
        free(of->alarms[i].service);
        free(of->alarms[i].instance);
    }
    free(of->alarms);
    json_decref(of->incident);
    json_decref(of->mark);
    tend_ledger_case_init(of);
}

// The alarm of this rule on this subject, or NULL: there is none yet.
static struct tend_ledger_alarm *find_alarm(struct tend_ledger_case *of, const json_t *body)
{
    for (size_t i = 0; i < of->alarm_count; i++) {
        struct tend_ledger_alarm *alarm = &of->alarms[i];
        if (strcmp(alarm->rule, tend_json_text(body, "rule", "")) == 0 &&
            strcmp(alarm->service, tend_json_text(body, "service", "")) == 0 &&
            strcmp(alarm->instance, tend_json_text(body, "instance", "")) == 0) {
            return alarm;
        }
    }
    return NULL;
}

static struct tend_ledger_alarm *add_alarm(struct tend_ledger_case *of, const struct tend_record *record)
{
    const json_t *body = record->body;
    struct tend_ledger_alarm *alarms = reallocarray(of->alarms, of->alarm_count + 1, sizeof *alarms);
    if (alarms == NULL) {
        return NULL;
    }
    of->alarms = alarms;
    struct tend_ledger_alarm *alarm = &alarms[of->alarm_count];
    *alarm = (struct tend_ledger_alarm){
        .rule = strdup(tend_json_text(body, "rule", "")),
        .service = strdup(tend_json_text(body, "service", "")),
        .instance = strdup(tend_json_text(body, "instance", "")),
        .by_missing = tend_json_bool(body, "by_missing", false),
        .onset_ms = tend_json_integer(body, "onset_wall_ms", -1),
        .began_ms = tend_json_integer(body, "since_wall_ms", -1),
        .fired_ms = tend_json_integer(body, "fired_wall_ms", record->wall_ms),
        .resolved_ms = -1,
    };
    of->alarm_count++;
    return alarm->rule != NULL && alarm->service != NULL && alarm->instance != NULL ? alarm : NULL;
}

static void take_alert(struct tend_ledger_case *of, const struct tend_record *record)
{
    const bool firing = strcmp(tend_json_text(record->body, "state", ""), "firing") == 0;
    struct tend_ledger_alarm *alarm = of->failed ? NULL : find_alarm(of, record->body);
    if (alarm == NULL && firing && !of->failed) {
        alarm = add_alarm(of, record);
        of->failed = alarm == NULL;
    }
    if (alarm == NULL) {
        return;
    }
    if (firing && !alarm->firing) {
        alarm->firings++;
    } else if (!firing && alarm->firing) {
        alarm->resolved_ms = record->wall_ms;
    }
    alarm->firing = firing;
}

// A notice's key is "INCIDENT/NOTIFY/ABOUT/NUMBER".
static void take_notice(struct tend_ledger_case *of, const struct tend_record *record)
{
    if (strcmp(tend_json_text(record->body, "status", ""), "sent") != 0) {
        return;
    }
    of->messages++;
    if (of->told_ms < 0 && strstr(tend_json_text(record->body, "key", ""), "/firing/") != NULL) {
        of->told_ms = record->wall_ms;
    }
}

static void take_run(struct tend_ledger_case *of, const json_t *body)
{
    if (strcmp(tend_json_text(body, "state", ""), "ended") != 0) {
        return;
    }
    if (tend_json_bool(body, "dry", false)) {
        of->dry_runs++;
        return;
    }
    of->runs++;
    of->cured += strcmp(tend_json_text(body, "outcome", ""), "recovered") == 0;
}

static void take_step(struct tend_ledger_case *of, const json_t *body)
{
    const char *kind = tend_json_text(body, "kind", "");
    const bool reaches_out = strcmp(kind, "exec") == 0 || strcmp(kind, "http") == 0;
    of->acts +=
        reaches_out && !tend_json_bool(body, "dry", false) && strcmp(tend_json_text(body, "state", ""), "begun") == 0;
}

static void take_operator(struct tend_ledger_case *of, const struct tend_record *record)
{
    if (strcmp(tend_json_text(record->body, "what", ""), "mark") != 0) {
        return;
    }
    const bool none = strcmp(tend_json_text(record->body, "mark", "none"), "none") == 0;
    json_decref(of->mark);
    of->mark = none ? NULL : json_incref(record->body);
    of->marked_ms = none ? -1 : record->wall_ms;
}

void tend_ledger_case_take(struct tend_ledger_case *of, const struct tend_record *record)
{
    switch (record->kind) {
    case TEND_RECORD_ALERT:
        take_alert(of, record);
        break;
    case TEND_RECORD_INCIDENT:
        json_decref(of->incident);
        of->incident = json_incref(record->body);
        break;
    case TEND_RECORD_RUN:
        take_run(of, record->body);
        break;
    case TEND_RECORD_STEP:
        take_step(of, record->body);
        break;
    case TEND_RECORD_NOTICE:
        take_notice(of, record);
        break;
    case TEND_RECORD_OPERATOR:
        take_operator(of, record);
        break;
    case TEND_RECORD_START:
    case TEND_RECORD_SOURCE:
    case TEND_RECORD_EVIDENCE:
    case TEND_RECORD_DECISION:
    case TEND_RECORD_TARGET:
        break;
    }
}
