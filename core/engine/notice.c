// Notices: who is told what, in the journal before it is sent, tried until somebody answers.
//
//     FORMATTING ──the notifier's text──▶ QUEUED ──on disk──▶ SENDING ──answered──▶ gone
//                                            ▲                  │ failed
//                                            └──── RETRY ◀──────┘ later, or the next way of `to`
//
// At-least-once with a dedup key: (incident, notify, status, number). A page never waits for an act.

#include "engine/state.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FIRST_RETRY_MS = 1000,
    LAST_RETRY_MS = 300000,
    ALERTS_MOST = 100, // in one notice: 40 KB; a thousand would hold the loop, and nobody reads them
};

void tend_notice_destroy(struct tend_notice *notice)
{
    free(notice->key);
    free(notice->notifier);
    json_decref(notice->payload);
    json_decref(notice->request);
    free(notice);
}

static bool contains(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

// A notify that names no severity hears of all.
static bool hears(const struct tend_notify_def *notify, const char *severity)
{
    return notify->severity_count == 0 ||
           contains((const char *const *)notify->severities, notify->severity_count, severity);
}

static bool concerns(const struct tend_engine *engine, const struct tend_notify_def *notify, const char *service)
{
    const char *const *on = (const char *const *)notify->on;
    if (contains(on, notify->on_count, service) || contains(on, notify->on_count, "*")) {
        return true;
    }
    const struct tend_service *found = tend_fleet_find(engine->fleet, service);
    for (size_t i = 0; found != NULL && i < found->def->group_count; i++) {
        if (contains(on, notify->on_count, found->def->groups[i])) {
            return true;
        }
    }
    return false;
}

bool tend_notice_hears(const struct tend_engine *engine, size_t notify, const struct tend_incident *incident,
                       size_t member)
{
    const struct tend_notify_def *def = &engine->ruleset->notifies[notify];
    const struct tend_rule_alert *alert = tend_member_alert(engine, &incident->members[member]);
    const char *severity = alert == NULL ? incident->severity : alert->binding->severity;
    if (alert != NULL && alert->alert.by_missing) {
        severity = "warn";
    }
    return hears(def, severity) && concerns(engine, def, incident->members[member].service);
}

// Whether a notify wants to hear of an incident: one of its alerts is of a service and a severity that it names.
bool tend_notice_matches(const struct tend_engine *engine, size_t notify, const struct tend_incident *incident)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        if (tend_notice_hears(engine, notify, incident, i)) {
            return true;
        }
    }
    return false;
}

static json_t *rfc3339(int64_t wall_ms)
{
    if (wall_ms <= 0) {
        return json_string("0001-01-01T00:00:00Z"); // Alertmanager's "not yet"
    }
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    (void)gmtime_r(&seconds, &parts);
    char text[64];
    const size_t used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    tend_text_format(text + used, sizeof text - used, ".%03dZ", (int)(wall_ms % 1000));
    return json_string(text);
}

static json_t *payload_alert(const struct tend_engine *engine, const struct tend_member *member, bool resolved)
{
    const struct tend_rule_alert *alert = tend_member_alert(engine, member);
    const bool firing = !resolved && member->firing;
    char *summary = alert == NULL ? tend_copy_text("") : tend_facts_summary(engine, alert);
    const char *runbook = alert == NULL ? "" : engine->ruleset->rules[alert->binding->rule].runbook;
    const char *severity = alert == NULL ? "" : alert->binding->severity;
    const int64_t fired_ms = alert == NULL ? 0 : alert->fired_wall_ms;
    char identity[1024];
    tend_text_format(identity, sizeof identity, "%s\n%s\n%s", member->rule, member->service, member->instance);
    char fingerprint[65];
    tend_sha256_hex(identity, strlen(identity), fingerprint);
    fingerprint[16] = '\0';
    json_t *labels =
        json_pack("{s:s, s:s, s:s}", "alertname", member->rule, "service", member->service, "severity", severity);
    if (member->instance[0] != '\0') {
        (void)json_object_set_new(labels, "instance", json_string(member->instance));
    }
    json_t *annotations = json_pack("{s:s}", "summary", summary);
    if (runbook[0] != '\0') {
        (void)json_object_set_new(annotations, "runbook", json_string(runbook));
    }
    free(summary);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s}", "status", firing ? "firing" : "resolved", "labels", labels,
                     "annotations", annotations, "startsAt", rfc3339(fired_ms), "endsAt",
                     rfc3339(firing ? 0 : engine->wall_ms), "fingerprint", fingerprint);
}

// Which alerts a notice tells of: of very many those that its notify listens to come first, then those that joined
// first. @param[out] is_told  of each member  @return how many there was no room for
static size_t choose_alerts(const struct tend_engine *engine, const struct tend_incident *incident, size_t notify,
                            bool resolved, bool *is_told)
{
    const bool all = incident->member_count <= ALERTS_MOST;
    size_t told = 0;
    size_t kept_back = 0;
    for (int heard = all ? 0 : 1; heard >= 0; heard--) {
        for (size_t i = 0; i < incident->member_count; i++) {
            const struct tend_member *member = &incident->members[i];
            if (is_told[i] ||
                (heard != 0 && (told == ALERTS_MOST || !tend_notice_hears(engine, notify, incident, i)))) {
                continue;
            }
            is_told[i] = resolved || !tend_silence_covers(engine, member->service, member->rule, NULL);
            if (is_told[i] && told == ALERTS_MOST) {
                is_told[i] = false;
                kept_back++;
            }
            told += is_told[i];
        }
    }
    return kept_back;
}

// @param notify  index of who is told
// @param part  an incident that this one took in, and whose id is told; its alerts are this one's now, and go on with
// it. NULL: it tells of itself
static json_t *payload_of(const struct tend_engine *engine, const struct tend_incident *incident, size_t notify,
                          const char *part, const char *key, const char *status, const char *text)
{
    json_t *alerts = json_array();
    const bool resolved = part == NULL && strcmp(status, "resolved") == 0;
    const char *id = part == NULL ? incident->id : part;
    char merged[64];
    tend_text_format(merged, sizeof merged, "merged into %s", incident->id);
    bool *is_told = calloc(incident->member_count + 1, sizeof *is_told);
    TEND_ASSERT(is_told != NULL);
    const size_t truncated = choose_alerts(engine, incident, notify, resolved, is_told);
    for (size_t i = 0; i < incident->member_count; i++) {
        if (is_told[i]) {
            (void)json_array_append_new(alerts, payload_alert(engine, &incident->members[i], resolved));
        }
    }
    free(is_told);
    const struct tend_culprit *culprit = incident->culprit_count > 0 ? &incident->culprits[0] : NULL;
    char group[64];
    tend_text_format(group, sizeof group, "{}:{incident=\"%s\"}", id);
    const char *summary = text;
    if (summary == NULL) {
        summary = tend_json_text(json_object_get(json_array_get(alerts, 0), "annotations"), "summary", "");
    }
    const char *service = incident->member_count > 0 ? incident->members[0].service : "";
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:o, s:s, s:O?, s:s, s:s, s:o, s:s?, s:o, s:o*}", "key", key,
                     "status", status, "incident", id, "severity", incident->severity == NULL ? "" : incident->severity,
                     "service", service, "culprit", culprit == NULL ? NULL : culprit->service, "confidence",
                     culprit == NULL ? json_null() : tend_json_real(culprit->confidence), "summary", summary, "reasons",
                     culprit == NULL ? NULL : culprit->reasons, "external_url", "", "group_key", group, "at",
                     rfc3339(engine->wall_ms), "outcome", part == NULL ? incident->outcome : merged, "alerts", alerts,
                     "truncated", truncated == 0 ? NULL : json_integer((json_int_t)truncated));
}

static void record_notice(struct tend_engine *engine, struct tend_notice *notice, const char *status, const char *error)
{
    const bool open = strcmp(status, "queued") == 0;
    json_t *body = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:O?, s:O?, s:o?}", "key", notice->key, "incident",
                             notice->incident, "notify", notice->notifier, "to", (json_int_t)notice->to, "status",
                             status, "tries", (json_int_t)notice->tries, "payload", open ? notice->payload : NULL,
                             "request", open ? notice->request : NULL, "error",
                             error == NULL ? NULL : tend_json_string(error, strlen(error)));
    notice->record = tend_emit_record(engine, TEND_RECORD_NOTICE, notice->key, notice->incident, open, open, body);
}

static void format(struct tend_engine *engine, struct tend_notice *notice)
{
    struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_ASK);
    effect->id = notice->ask = engine->next_id++;
    json_t *question = json_pack("{s:s, s:I, s:I, s:O}", "kind", "notice", "notify", (json_int_t)notice->notify, "to",
                                 (json_int_t)notice->to, "notice", notice->payload);
    tend_json_put(&effect->bytes, question);
    json_decref(question);
    notice->state = TEND_NOTICE_FORMATTING;
}

// Takes the key and the payload. @param subject  id of the incident, or of what else it is about
static void queue(struct tend_engine *engine, const char *subject, size_t notify, char *take_key, json_t *payload)
{
    struct tend_notice *notice = calloc(1, sizeof *notice);
    TEND_ASSERT(notice != NULL && payload != NULL);
    notice->key = take_key;
    tend_text_format(notice->incident, sizeof notice->incident, "%s", subject);
    notice->notify = notify;
    notice->notifier = tend_copy_text(engine->ruleset->notifies[notify].name);
    notice->payload = payload;
    tend_append_pointer((void ***)&engine->notices, &engine->notice_count, notice);
    record_notice(engine, notice, "queued", NULL); // first on disk, then told
    tend_told_note(engine, subject, notify);
    format(engine, notice);
}

static char *dedup_key(const struct tend_engine *engine, const char *subject, size_t notify, const char *status)
{
    char *key;
    const int printed = asprintf(&key, "%s/%s/%s/%llu", subject, engine->ruleset->notifies[notify].name, status,
                                 (unsigned long long)engine->next_record);
    TEND_ASSERT(printed > 0);
    return key;
}

void tend_notice_tell(struct tend_engine *engine, const struct tend_incident *incident, size_t notify,
                      const char *status, const char *text)
{
    const struct tend_told *told = tend_told_find(engine, incident->id, notify);
    struct tend_incident *open =
        told != NULL && told->told_ms != TEND_NEVER ? NULL : tend_incident_find(engine, incident->id);
    if (open != NULL) {
        open->unrecorded = true; // a restart must find whom not to tell again
    }
    char *key = dedup_key(engine, incident->id, notify, status);
    queue(engine, incident->id, notify, key, payload_of(engine, incident, notify, NULL, key, status, text));
}

void tend_notice_tell_part(struct tend_engine *engine, const struct tend_incident *incident, const char *part,
                           size_t notify, const char *text)
{
    char *key = dedup_key(engine, part, notify, "resolved");
    queue(engine, part, notify, key, payload_of(engine, incident, notify, part, key, "resolved", text));
    tend_told_forget(engine, part);
}

static void tell_end(struct tend_engine *engine, const struct tend_incident *incident)
{
    char text[80];
    tend_text_format(text, sizeof text, "it went on as incident %s, which is over", incident->id);
    for (size_t i = 0; i < engine->told_count; i++) {
        const struct tend_told *told = &engine->told[i];
        if (strcmp(told->incident, incident->id) != 0 || told->notify >= engine->ruleset->notify_count) {
            continue;
        }
        if (told->told_ms != TEND_NEVER) { // what was told is over, whoever sleeps
            tend_notice_tell(engine, incident, told->notify, "resolved", NULL);
        }
        tend_notice_end_parts(engine, incident, i, text);
    }
    tend_told_forget(engine, incident->id);
}

void tend_notice_incident(struct tend_engine *engine, struct tend_incident *incident, const char *status,
                          const char *text)
{
    if (incident->outcome != NULL && strncmp(incident->outcome, "merged", 6) == 0) {
        return; // the incident that it is now part of speaks for it
    }
    if (strcmp(status, "resolved") == 0) {
        tell_end(engine, incident);
        return;
    }
    for (size_t i = 0; i < engine->ruleset->notify_count; i++) {
        if (tend_notice_matches(engine, i, incident) && !tend_hold_keeps(engine, incident, i, status, text)) {
            tend_notice_tell(engine, incident, i, status, text);
        }
    }
}

// What is wrong with tend itself is nobody's alert: it looks like one to whoever hears of it.
static json_t *payload_of_self(const struct tend_engine *engine, const char *subject, const char *key,
                               const char *status, const char *name, const char *summary)
{
    const bool firing = strcmp(status, "firing") == 0;
    char group[96];
    tend_text_format(group, sizeof group, "{}:{subject=\"%s\"}", subject);
    json_t *alert =
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:{s:s}, s:o, s:o, s:s}", "status", status, "labels", "alertname", name,
                  "service", "", "severity", "page", "annotations", "summary", summary, "startsAt",
                  rfc3339(engine->wall_ms), "endsAt", rfc3339(firing ? 0 : engine->wall_ms), "fingerprint", name);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:n, s:n, s:s, s:n, s:s, s:s, s:o, s:n, s:[o]}", "key", key, "status",
                     status, "incident", subject, "severity", "page", "service", "", "culprit", "confidence", "summary",
                     summary, "reasons", "external_url", "", "group_key", group, "at", rfc3339(engine->wall_ms),
                     "outcome", "alerts", alert);
}

static void tell_all_pagers(struct tend_engine *engine, const char *subject, const char *status, const char *name,
                            const char *summary)
{
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->notify_count; i++) {
        const struct tend_notify_def *notify = &engine->ruleset->notifies[i];
        if (hears(notify, "page")) {
            char *key = dedup_key(engine, subject, i, status);
            queue(engine, subject, i, key, payload_of_self(engine, subject, key, status, name, summary));
        }
    }
    if (strcmp(status, "resolved") == 0) {
        tend_told_forget(engine, subject);
    }
}

void tend_notice_journal(struct tend_engine *engine)
{
    char summary[300];
    tend_text_format(summary, sizeof summary, "the journal cannot be written, so nothing is acted on: %s",
                     engine->journal_why);
    tell_all_pagers(engine, "journal", engine->journal_failed ? "firing" : "resolved", "journal cannot be written",
                    engine->journal_failed ? summary : "the journal can be written again, and tend acts again");
}

void tend_notice_rule_off(struct tend_engine *engine, const char *rule, const char *why)
{
    char summary[400];
    tend_text_format(summary, sizeof summary, "the rule \"%s\" is off until the rules are loaded again: %s", rule, why);
    tell_all_pagers(engine, "rule off", "firing", "a rule is off", summary);
}

void tend_notice_departed(struct tend_engine *engine, const char *status, const char *summary)
{
    tell_all_pagers(engine, "left discovery", status, "a service left discovery", summary);
}

static void tell_of_blindness(struct tend_engine *engine, const char *status)
{
    const struct tend_engine_counts counts = tend_engine_counts(engine);
    char summary[200];
    tend_text_format(summary, sizeof summary,
                     "%zu of %zu targets fail at once: one shared cause is likely; nothing is acted on",
                     counts.targets - counts.targets_up, counts.targets);
    tell_all_pagers(engine, engine->blind_page, status, "most targets fail at once", summary);
}

void tend_notice_blind(struct tend_engine *engine)
{
    if (engine->blind && engine->blind_page == NULL && !tend_silence_covers_all(engine)) {
        const int printed = asprintf(&engine->blind_page, "blind%llu", (unsigned long long)engine->next_record);
        TEND_ASSERT(printed > 0);
        tend_log(TEND_LOG_ERROR, "most targets fail at once: nothing is acted on");
        tell_of_blindness(engine, "firing");
    } else if (!engine->blind && engine->blind_page != NULL) {
        tell_of_blindness(engine, "resolved");
        free(engine->blind_page);
        engine->blind_page = NULL;
    }
}

void tend_notice_repeat(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->told_count; i++) {
        const struct tend_told *told = &engine->told[i];
        struct tend_incident *incident = tend_incident_find(engine, told->incident);
        const int64_t again_ms =
            told->notify < engine->ruleset->notify_count ? engine->ruleset->notifies[told->notify].again_ms : 0;
        if (incident != NULL && again_ms > 0 && told->told_ms != TEND_NEVER &&
            engine->now_ms - told->told_ms >= again_ms && !tend_hold_keeps_repeat(engine, incident, told->notify)) {
            tend_notice_tell(engine, incident, told->notify, "firing", NULL);
        }
    }
}

static void drop(struct tend_engine *engine, struct tend_notice *notice)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->notice_count; i++) {
        if (engine->notices[i] != notice) {
            engine->notices[kept++] = engine->notices[i];
        }
    }
    engine->notice_count = kept;
    tend_notice_destroy(notice);
}

// Tries the next way of `to`, or gives up and says so loudly.
static void next_way(struct tend_engine *engine, struct tend_notice *notice, const char *error)
{
    tend_log(TEND_LOG_WARN, "notice not delivered key=%s to=%zu why=\"%s\"", notice->key, notice->to, error);
    notice->to++;
    notice->tries = 0;
    json_decref(notice->request);
    notice->request = NULL;
    if (notice->notify < engine->ruleset->notify_count &&
        notice->to < engine->ruleset->notifies[notice->notify].to_count) {
        format(engine, notice);
        return;
    }
    tend_log(TEND_LOG_ERROR, "nobody could be told key=%s", notice->key);
    notice->to--;
    record_notice(engine, notice, "failed", error);
    drop(engine, notice);
}

void tend_notice_formatted(struct tend_engine *engine, struct tend_notice *notice, const struct tend_event *event)
{
    notice->ask = 0;
    const json_t *reply = event->reply.json;
    const char *error = reply == NULL ? event->reply.died.reason : tend_json_text(reply, "error", NULL);
    if (reply == NULL && event->reply.died.what[0] == '\0' && notice->notify < engine->ruleset->notify_count &&
        ++notice->tries < NOTICE_TRIES) {
        format(engine, notice); // a reload or a kill for somebody else's sake: asked again
        return;
    }
    if (error == NULL && json_object_get(reply, "mail") != NULL) {
        error = "this version of tend sends no mail";
    }
    if (error != NULL) {
        next_way(engine, notice, error);
        return;
    }
    notice->tries = 0;
    json_t *request = json_object_get(reply, "http");
    notice->request =
        request != NULL ? json_incref(request) : json_pack("{s:O?}", "log", json_object_get(reply, "log"));
    notice->state = TEND_NOTICE_QUEUED;
    tend_notice_advance(engine, notice);
}

void tend_notice_advance(struct tend_engine *engine, struct tend_notice *notice)
{
    const bool due =
        (notice->state == TEND_NOTICE_QUEUED && (engine->reached >= notice->record || engine->journal_failed)) ||
        (notice->state == TEND_NOTICE_RETRY && engine->now_ms >= notice->retry_ms);
    if (!due) {
        return;
    }
    struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_DELIVER);
    effect->key = tend_copy_text(notice->key);
    effect->json = json_incref(notice->request);
    notice->state = TEND_NOTICE_SENDING;
    notice->tries++;
}

static int64_t retry_delay_ms(const struct tend_notice *notice, int64_t wanted_ms)
{
    if (wanted_ms >= 0) {
        return wanted_ms < LAST_RETRY_MS ? wanted_ms : LAST_RETRY_MS;
    }
    int64_t delay_ms = FIRST_RETRY_MS;
    for (unsigned i = 1; i < notice->tries && delay_ms < LAST_RETRY_MS; i++) {
        delay_ms *= 2;
    }
    unsigned jitter = notice->tries; // the same for the same notice, so that a replay repeats it
    for (const char *c = notice->key; *c != '\0'; c++) {
        jitter = jitter * 31 + (unsigned char)*c;
    }
    delay_ms = delay_ms < LAST_RETRY_MS ? delay_ms : LAST_RETRY_MS;
    return delay_ms * (80 + (int64_t)(jitter % 41)) / 100;
}

void tend_notice_delivered(struct tend_engine *engine, const struct tend_event *event)
{
    for (size_t i = 0; i < engine->notice_count; i++) {
        struct tend_notice *notice = engine->notices[i];
        if (notice->state != TEND_NOTICE_SENDING || strcmp(notice->key, event->delivered.key) != 0) {
            continue;
        }
        if (event->delivered.ok) {
            record_notice(engine, notice, "sent", NULL);
            drop(engine, notice);
        } else if (event->delivered.retry && notice->tries < NOTICE_TRIES) {
            notice->state = TEND_NOTICE_RETRY;
            notice->retry_ms = engine->now_ms + retry_delay_ms(notice, event->delivered.retry_after_ms);
            tend_log(TEND_LOG_WARN, "notice will be tried again key=%s tries=%u why=\"%s\"", notice->key, notice->tries,
                     event->delivered.error);
        } else {
            next_way(engine, notice, event->delivered.error);
        }
        return;
    }
}

int64_t tend_notice_wake_ms(const struct tend_engine *engine)
{
    int64_t wake_ms = TEND_NEVER;
    for (size_t i = 0; i < engine->notice_count; i++) {
        if (engine->notices[i]->state == TEND_NOTICE_RETRY &&
            (wake_ms == TEND_NEVER || engine->notices[i]->retry_ms < wake_ms)) {
            wake_ms = engine->notices[i]->retry_ms;
        }
    }
    for (size_t i = 0; i < engine->told_count; i++) {
        const struct tend_told *told = &engine->told[i];
        const struct tend_incident *incident = tend_incident_find(engine, told->incident);
        const int64_t again_ms = engine->ruleset != NULL && told->notify < engine->ruleset->notify_count
                                     ? engine->ruleset->notifies[told->notify].again_ms
                                     : 0;
        if (again_ms > 0 && told->held == NULL && told->told_ms != TEND_NEVER && incident != NULL &&
            incident->calm_since_ms == TEND_NEVER && // what is not repeated wakes nobody
            (wake_ms == TEND_NEVER || told->told_ms + again_ms < wake_ms)) {
            wake_ms = told->told_ms + again_ms;
        }
    }
    return wake_ms;
}

void tend_notice_restore(struct tend_engine *engine, const struct tend_record *record)
{
    json_t *payload = json_object_get(record->body, "payload");
    if (payload == NULL) {
        return;
    }
    struct tend_notice *notice = calloc(1, sizeof *notice);
    TEND_ASSERT(notice != NULL);
    notice->key = tend_copy_text(record->key);
    tend_text_format(notice->incident, sizeof notice->incident, "%s", tend_json_text(record->body, "incident", ""));
    notice->notifier = tend_copy_text(tend_json_text(record->body, "notify", ""));
    notice->notify = SIZE_MAX;
    notice->to = (size_t)tend_json_integer(record->body, "to", 0);
    notice->payload = json_incref(payload);
    notice->record = record->number;
    notice->state = TEND_NOTICE_RETRY; // formatted once there are rules
    notice->retry_ms = engine->now_ms;
    tend_append_pointer((void ***)&engine->notices, &engine->notice_count, notice);
}

static size_t find_notifier(const struct tend_engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->ruleset->notify_count; i++) {
        if (strcmp(engine->ruleset->notifies[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

void tend_notice_resume(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->told_count; i++) {
        engine->told[i].notify = find_notifier(engine, engine->told[i].notifier);
    }
    for (size_t i = engine->notice_count; i > 0; i--) {
        struct tend_notice *notice = engine->notices[i - 1];
        notice->notify = find_notifier(engine, notice->notifier);
        if (notice->request != NULL || notice->ask != 0) {
            continue;
        }
        if (notice->notify < engine->ruleset->notify_count) {
            format(engine, notice);
        } else {
            record_notice(engine, notice, "failed", "the rules no longer have this notifier");
            drop(engine, notice);
        }
    }
    tend_notice_loaded(engine);
}
