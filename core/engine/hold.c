// What is held back lies with who was told of what (struct tend_told): `held` is the reason that was recorded last,
// `owed` what is to be told when there is none any more.

#include "engine/hold.h"

#include "engine/operator_command.h"
#include "engine/state.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reason {
    const char *word; // for decisions; NULL: nothing keeps it back
    char key[160];
    char text[900];
};

// Whether a notify has anybody to hear of: a member that it listens to. Those that fire count; when none does, all.
static bool has_listened(const struct tend_engine *engine, const struct tend_incident *incident, size_t notify,
                         bool firing)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        if ((!firing || incident->members[i].firing) && tend_notice_hears(engine, notify, incident, i)) {
            return true;
        }
    }
    return false;
}

// Whether all members that it listens to are silenced.
static bool is_silenced(const struct tend_engine *engine, const struct tend_incident *incident, size_t notify,
                        struct tend_hush *hush)
{
    const bool firing = has_listened(engine, incident, notify, true);
    bool silenced = false;
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct tend_member *member = &incident->members[i];
        if ((firing && !member->firing) || !tend_notice_hears(engine, notify, incident, i)) {
            continue;
        }
        if (!tend_silence_covers(engine, member->service, member->rule, silenced ? NULL : hush)) {
            return false;
        }
        silenced = true;
    }
    return silenced;
}

static bool is_off_duty(const struct tend_engine *engine, const struct tend_notify_def *def)
{
    return (def->during != NULL && !tend_calendar_contains(def->during, engine->wall_ms)) ||
           (def->outside != NULL && tend_calendar_contains(def->outside, engine->wall_ms));
}

// Whether a tick has yet to look at some of what a restart brought back: until then nobody knows whether it is over.
static bool is_looking(const struct tend_engine *engine)
{
    if (engine->now_ms - engine->started_ms >= engine->options.startup_grace_ms) {
        return false;
    }
    for (size_t i = 0; i < engine->fleet->instance_count; i++) {
        const struct tend_instance *instance = engine->fleet->instances[i];
        if (instance != NULL &&
            (instance->dirty || tend_series_window_history(instance->window)->newest_ms == TEND_NEVER)) {
            return true;
        }
    }
    return false;
}

// While most targets fail at once one page speaks for all; what somebody was told of before goes on as it did.
static bool is_spoken_for(const struct tend_engine *engine, const struct tend_incident *incident, size_t notify,
                          const char *status)
{
    const struct tend_told *told = tend_told_find(engine, incident->id, notify);
    if (!engine->blind) {
        return told != NULL && told->held != NULL && strcmp(told->held, "blind") == 0 && is_looking(engine);
    }
    return strcmp(status, "firing") == 0 || told == NULL || told->told_ms == TEND_NEVER;
}

static struct reason look(const struct tend_engine *engine, const struct tend_incident *incident, size_t notify,
                          const char *status)
{
    const struct tend_notify_def *def = &engine->ruleset->notifies[notify];
    struct reason reason = { .word = NULL };
    struct tend_hush hush;
    if (is_silenced(engine, incident, notify, &hush)) {
        reason.word = hush.reason;
        tend_text_format(reason.key, sizeof reason.key, "%s", hush.key);
        tend_text_format(reason.text, sizeof reason.text, "\"%s\" is not told: %s", def->name, hush.text);
    } else if (is_off_duty(engine, def)) {
        reason.word = "hours";
        tend_text_format(reason.key, sizeof reason.key, "hours");
        tend_text_format(reason.text, sizeof reason.text, "\"%s\" is not told: it is outside its hours", def->name);
    } else if (incident->ack_who != NULL && strcmp(status, "escalated") != 0) {
        char since[40];
        tend_silence_clock(incident->ack_wall_ms, engine->wall_ms, since, sizeof since);
        reason.word = "acknowledged";
        tend_text_format(reason.key, sizeof reason.key, "ack");
        tend_text_format(reason.text, sizeof reason.text, "\"%s\" is not told again: acknowledged by %s at %s%s%s",
                         def->name, incident->ack_who, since, incident->ack_why[0] == '\0' ? "" : ": ",
                         incident->ack_why);
    } else if (is_spoken_for(engine, incident, notify, status)) {
        reason.word = "blind";
        tend_text_format(reason.key, sizeof reason.key, "blind");
        tend_text_format(reason.text, sizeof reason.text,
                         "\"%s\" is not told: most targets failed at once; the page about that spoke for it",
                         def->name);
    }
    return reason;
}

static void decide(struct tend_engine *engine, const struct tend_incident *incident, const char *what,
                   const char *notify, const char *reason, const char *text)
{
    tend_log(TEND_LOG_INFO, "%s incident=%s notify=\"%s\" reason=%s", what, incident->id, notify, reason);
    json_t *body = json_pack("{s:s, s:s, s:n, s:s, s:s, s:s}", "service",
                             incident->member_count > 0 ? incident->members[0].service : "", "what", what, "playbook",
                             "reason", reason, "text", text, "notify", notify);
    (void)tend_emit_record(engine, TEND_RECORD_DECISION, incident->id, incident->id, false, false, body);
}

// Notes a reason; recorded when it is another than before.
static void note(struct tend_engine *engine, const struct tend_incident *incident, struct tend_told *told,
                 const struct reason *reason)
{
    if (told->held != NULL && strcmp(told->held, reason->key) == 0) {
        return;
    }
    free(told->held);
    told->held = tend_copy_text(reason->key);
    decide(engine, incident, "not told", told->notifier, reason->word, reason->text);
}

bool tend_hold_keeps(struct tend_engine *engine, struct tend_incident *incident, size_t notify, const char *status,
                     const char *text)
{
    const struct reason reason = look(engine, incident, notify, status);
    if (reason.word == NULL) {
        return false;
    }
    struct tend_told *told = tend_told_of(engine, incident->id, notify);
    note(engine, incident, told, &reason);
    if (told->owed == NULL || strcmp(status, "escalated") == 0) { // what is new outlasts that it fires
        free(told->owed);
        free(told->owed_text);
        told->owed = tend_copy_text(status);
        told->owed_text = tend_copy_text(text);
    }
    tend_facts_incident(engine, incident, true); // a restart must find what is owed
    return true;
}

bool tend_hold_keeps_repeat(struct tend_engine *engine, struct tend_incident *incident, size_t notify)
{
    if (incident->calm_since_ms != TEND_NEVER) {
        return true; // nothing of it fires: that is no news
    }
    const struct reason reason = look(engine, incident, notify, "again");
    if (reason.word != NULL) {
        note(engine, incident, tend_told_of(engine, incident->id, notify), &reason);
    }
    return reason.word != NULL;
}

// What is owed is told as it is now; of an incident whose heard members are all in line again nothing is.
static void release(struct tend_engine *engine, struct tend_incident *incident, size_t index)
{
    const size_t notify = engine->told[index].notify;
    const char *owed = engine->told[index].owed;
    const struct reason reason = look(engine, incident, notify, owed == NULL ? "again" : owed);
    if (reason.word != NULL) {
        note(engine, incident, &engine->told[index], &reason);
        return;
    }
    if (owed != NULL && !has_listened(engine, incident, notify, true)) {
        return; // until one of them fires again
    }
    struct tend_told *told = &engine->told[index];
    free(told->held);
    told->held = NULL;
    char *status = told->owed;
    char *text = told->owed_text;
    told->owed = told->owed_text = NULL;
    if (status != NULL) {
        tend_notice_tell(engine, incident, notify, status, text);
        tend_facts_incident(engine, incident, true);
    }
    free(status);
    free(text);
}

void tend_hold_release(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->told_count; i++) {
        const struct tend_told *told = &engine->told[i];
        struct tend_incident *incident = told->held == NULL ? NULL : tend_incident_find(engine, told->incident);
        if (incident != NULL && told->notify < engine->ruleset->notify_count) {
            release(engine, incident, i);
        }
    }
}

size_t tend_hold_count(const struct tend_engine *engine)
{
    size_t count = 0;
    for (size_t i = 0; i < engine->told_count; i++) {
        count += engine->told[i].owed != NULL;
    }
    return count;
}

static void forget_ack(struct tend_incident *incident)
{
    free(incident->ack_who);
    free(incident->ack_why);
    free(incident->ack_culprits);
    incident->ack_who = incident->ack_why = incident->ack_culprits = NULL;
}

static void acknowledge(struct tend_engine *engine, struct tend_incident *incident, const char *who, const char *why)
{
    forget_ack(incident);
    incident->ack_who = tend_copy_text(who);
    incident->ack_why = tend_copy_text(why);
    incident->ack_culprits = tend_copy_text(incident->culprit_key == NULL ? "" : incident->culprit_key);
    incident->ack_wall_ms = engine->wall_ms;
    tend_log(TEND_LOG_INFO, "acknowledged incident=%s who=\"%s\"", incident->id, who);
    char key[40];
    tend_text_format(key, sizeof key, "ack/%s", incident->id);
    char argument[TEND_OPERATOR_WHY_BYTES + 40];
    tend_text_format(argument, sizeof argument, "%s%s%s", incident->id, why[0] == '\0' ? "" : ": ", why);
    (void)tend_emit_record(engine, TEND_RECORD_OPERATOR, key, NULL, true, false,
                           json_pack("{s:s, s:s, s:s, s:b, s:s}", "what", "ack", "argument", argument, "who", who, "on",
                                     1, "subject", incident->id));
    tend_facts_incident(engine, incident, true);
}

void tend_ack_command(struct tend_engine *engine, const char *argument, const char *who)
{
    struct tend_operator_command asked;
    if (tend_operator_command_read(engine, "ack", argument, &asked, NULL) != TEND_OK) {
        return;
    }
    for (size_t i = 0; i < engine->incident_count; i++) {
        if (strcmp(asked.incident, "*") == 0 || strcmp(asked.incident, engine->incidents[i]->id) == 0) {
            acknowledge(engine, engine->incidents[i], who, asked.why);
        }
    }
    tend_operator_command_clear(&asked);
}

void tend_ack_end(struct tend_engine *engine, struct tend_incident *incident, const char *why)
{
    if (incident->ack_who == NULL) {
        return;
    }
    char text[400];
    tend_text_format(text, sizeof text, "it is no longer as %s acknowledged it: %s", incident->ack_who, why);
    forget_ack(incident);
    decide(engine, incident, "told again", "", "acknowledged", text);
}

void tend_ack_look(struct tend_engine *engine, struct tend_incident *incident)
{
    const char *culprits = incident->culprit_key;
    if (incident->ack_who == NULL || culprits == NULL || culprits[0] == '\0' ||
        strcmp(culprits, incident->ack_culprits) == 0) {
        return;
    }
    if (incident->ack_culprits[0] == '\0') { // nobody was known to be at fault when it was acknowledged
        free(incident->ack_culprits);
        incident->ack_culprits = tend_copy_text(culprits);
        return;
    }
    char why[300];
    tend_text_format(why, sizeof why, "the culprit is %s now", culprits);
    tend_ack_end(engine, incident, why);
}
