// Silences: who made them, whom they cover, and their end.
//
// An operator's ends by engine time, so that a wall clock that jumps makes it neither longer nor shorter; the rules' go
// by the calendar. Operators' are few, and are looked through one by one.

#include "engine/silence.h"

#include "engine/happening.h"
#include "engine/operator_command.h"
#include "engine/state.h"

#include "base/log.h"
#include "base/text.h"
#include "parse/duration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void tend_silence_destroy(struct tend_silence *silence)
{
    if (silence == NULL) {
        return;
    }
    free(silence->on);
    free(silence->rule);
    free(silence->version);
    free(silence->what);
    free(silence->who);
    free(silence->why);
    free(silence);
}

void tend_silence_clock(int64_t wall_ms, int64_t now_wall_ms, char *text, size_t bytes)
{
    enum { DAY_MS = 86400000 };
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    (void)gmtime_r(&seconds, &parts);
    const bool today = wall_ms / DAY_MS == now_wall_ms / DAY_MS;
    char buffer[64];
    (void)strftime(buffer, sizeof buffer, today ? "%H:%M UTC" : "%Y-%m-%d %H:%M UTC", &parts);
    tend_text_format(text, bytes, "%s", buffer);
}

static bool is_named(const struct tend_engine *engine, const char *on, const char *service)
{
    if (strcmp(on, "*") == 0 || strcmp(on, service) == 0) {
        return true;
    }
    const struct tend_service *found = tend_fleet_find(engine->fleet, service);
    for (size_t i = 0; found != NULL && i < found->def->group_count; i++) {
        if (strcmp(found->def->groups[i], on) == 0) {
            return true;
        }
    }
    return false;
}

static int64_t until_wall_ms(const struct tend_engine *engine, const struct tend_silence *silence)
{
    return engine->wall_ms + (silence->until_ms - engine->now_ms);
}

static void describe(const struct tend_engine *engine, const struct tend_silence *silence, struct tend_hush *hush)
{
    char until[40];
    tend_silence_clock(until_wall_ms(engine, silence), engine->wall_ms, until, sizeof until);
    hush->reason = silence->deploy ? "deploy" : "silenced";
    tend_text_format(hush->key, sizeof hush->key, "silence %s", silence->id);
    const char *colon = silence->why[0] == '\0' ? "" : ": ";
    if (silence->deploy) {
        const char *what = silence->what == NULL                  ? "is being deployed"
                           : strcmp(silence->what, "config") == 0 ? "gets another configuration"
                                                                  : "gets another flag";
        tend_text_format(hush->text, sizeof hush->text, "%s %s%s%s, by %s until %s at the latest%s%s", silence->on,
                         what, silence->version == NULL ? "" : " to ", silence->version == NULL ? "" : silence->version,
                         silence->who, until, colon, silence->why);
    } else {
        tend_text_format(hush->text, sizeof hush->text, "silenced by %s until %s%s%s", silence->who, until, colon,
                         silence->why);
    }
}

// Of the rules: only its hours and its times say whether it is in force.
static bool is_in_force(const struct tend_silence_def *def, int64_t wall_ms)
{
    return wall_ms >= def->from_ms && wall_ms < def->till_ms &&
           (def->during == NULL || tend_calendar_contains(def->during, wall_ms)) &&
           (def->outside == NULL || !tend_calendar_contains(def->outside, wall_ms));
}

static bool names_any(const struct tend_engine *engine, const struct tend_silence_def *def, const char *service)
{
    for (size_t i = 0; i < def->on_count; i++) {
        if (is_named(engine, def->on[i], service)) {
            return true;
        }
    }
    return false;
}

static void describe_def(const struct tend_silence_def *def, int64_t wall_ms, struct tend_hush *hush)
{
    char until[40] = "";
    if (def->till_ms != INT64_MAX) {
        tend_silence_clock(def->till_ms, wall_ms, until, sizeof until);
    }
    hush->reason = "silenced";
    tend_text_format(hush->key, sizeof hush->key, "rules %s", def->name);
    tend_text_format(hush->text, sizeof hush->text, "silenced by the rules, \"%s\"%s%s%s%s", def->name,
                     until[0] == '\0' ? "" : " until ", until, def->why[0] == '\0' ? "" : ": ", def->why);
}

static const struct tend_silence *find(const struct tend_engine *engine, const char *service, const char *rule,
                                       bool deploy)
{
    for (size_t i = 0; i < engine->silence_count; i++) {
        const struct tend_silence *silence = engine->silences[i];
        const bool of_rule = silence->rule == NULL || (rule != NULL && strcmp(silence->rule, rule) == 0);
        if (silence->deploy == deploy && of_rule && is_named(engine, silence->on, service)) {
            return silence;
        }
    }
    return NULL;
}

// What a person wants silent comes before the rules, and both before a deploy, which keeps less back.
bool tend_silence_covers(const struct tend_engine *engine, const char *service, const char *rule,
                         struct tend_hush *hush)
{
    const struct tend_silence *silence = find(engine, service, rule, false);
    for (size_t i = 0; silence == NULL && engine->ruleset != NULL && i < engine->ruleset->silence_count; i++) {
        const struct tend_silence_def *def = &engine->ruleset->silences[i];
        if (is_in_force(def, engine->wall_ms) && names_any(engine, def, service)) {
            if (hush != NULL) {
                describe_def(def, engine->wall_ms, hush);
            }
            return true;
        }
    }
    silence = silence == NULL ? find(engine, service, rule, true) : silence;
    if (silence != NULL && hush != NULL) {
        describe(engine, silence, hush);
    }
    return silence != NULL;
}

bool tend_silence_covers_all(const struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->silence_count; i++) {
        if (engine->silences[i]->rule == NULL && strcmp(engine->silences[i]->on, "*") == 0) {
            return true;
        }
    }
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->silence_count; i++) {
        const struct tend_silence_def *def = &engine->ruleset->silences[i];
        for (size_t n = 0; n < def->on_count; n++) {
            if (strcmp(def->on[n], "*") == 0 && is_in_force(def, engine->wall_ms)) {
                return true;
            }
        }
    }
    return false;
}

// Records what became of a silence. @param who  who did it
static void record(struct tend_engine *engine, const struct tend_silence *silence, const char *what, const char *who,
                   bool on)
{
    char span[TEND_DURATION_TEXT_BYTES];
    (void)tend_duration_format((silence->until_ms - silence->since_ms + 500) / 1000 * 1000, span);
    char argument[TEND_OPERATOR_NAME_BYTES * 3];
    tend_text_format(argument, sizeof argument, "%s%s%s%s%s%s%s%s", silence->on, silence->rule == NULL ? "" : ", rule ",
                     silence->rule == NULL ? "" : silence->rule, silence->version == NULL ? "" : ", version ",
                     silence->version == NULL ? "" : silence->version, on ? " for " : "", on ? span : "",
                     silence->why[0] == '\0' || !on ? "" : ": ");
    char *whole = NULL;
    const int printed = asprintf(&whole, "%s%s", argument, on ? silence->why : "");
    TEND_ASSERT(printed >= 0);
    char key[40];
    tend_text_format(key, sizeof key, "silence/%s", silence->id);
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:b, s:s, s:b, s:s, s:s?, s:s?, s:s*, s:s, s:s, s:I, s:I, s:I}", "what", what,
                  "argument", whole, "who", who, "on", on, "id", silence->id, "deploy", silence->deploy, "subject",
                  silence->on, "rule", silence->rule, "version", silence->version, "changed", silence->what, "by",
                  silence->who, "why", silence->why, "since_ms", (json_int_t)silence->since_ms, "since_wall_ms",
                  (json_int_t)silence->since_wall_ms, "until_ms", (json_int_t)silence->until_ms);
    free(whole);
    (void)tend_emit_record(engine, TEND_RECORD_OPERATOR, key, NULL, true, on, body);
}

static void end(struct tend_engine *engine, size_t index, const char *what, const char *who)
{
    struct tend_silence *silence = engine->silences[index];
    tend_log(TEND_LOG_INFO, "%s id=%s on=\"%s\" who=\"%s\"", what, silence->id, silence->on, who);
    record(engine, silence, what, who, false);
    tend_silence_destroy(silence);
    engine->silence_count--;
    memmove((void *)(engine->silences + index), (const void *)(engine->silences + index + 1),
            (engine->silence_count - index) * sizeof *engine->silences);
}

// A person who deploys tells what a change of the version label would: `deployed_within` holds from now on,
// and what is usual is learned anew. After another configuration there is no version to go back to.
static void note_deploy(struct tend_engine *engine, const struct tend_operator_command *asked, const char *who)
{
    struct tend_service *found = tend_fleet_find(engine->fleet, asked->on);
    for (size_t i = 0; found != NULL && asked->what == NULL && i < found->instance_count; i++) {
        found->instances[i]->version_since_ms = engine->now_ms;
    }
    if (found != NULL) {
        const char *what = asked->what == NULL ? "version" : asked->what;
        tend_happening_told(engine, found, what, asked->version, who, asked->why);
        tend_expect_restart(engine, found, NULL, TEND_BASELINE_FROM_OLD_LEVEL);
    }
}

static void begin(struct tend_engine *engine, const struct tend_operator_command *asked, bool deploy, const char *who)
{
    struct tend_silence *silence = calloc(1, sizeof *silence);
    TEND_ASSERT(silence != NULL);
    tend_text_format(silence->id, sizeof silence->id, "%s%llu", deploy ? "d" : "s",
                     (unsigned long long)engine->next_record);
    silence->deploy = deploy;
    silence->on = tend_copy_text(asked->on);
    silence->rule = tend_copy_text(asked->rule);
    silence->version = tend_copy_text(asked->version);
    silence->what = tend_copy_text(asked->what);
    silence->who = tend_copy_text(who);
    silence->why = tend_copy_text(asked->why);
    silence->since_ms = engine->now_ms;
    silence->since_wall_ms = engine->wall_ms;
    silence->until_ms = engine->now_ms + asked->for_ms;
    silence->alerted_ms = TEND_NEVER;
    tend_append_pointer((void ***)&engine->silences, &engine->silence_count, silence);
    record(engine, silence, deploy ? "deploy" : "silence", who, true);
}

static void end_deploys(struct tend_engine *engine, const char *service, const char *who)
{
    for (size_t i = engine->silence_count; i > 0; i--) {
        const struct tend_silence *silence = engine->silences[i - 1];
        if (silence->deploy && strcmp(silence->on, service) == 0) {
            end(engine, i - 1, "deploy done", who);
        }
    }
}

void tend_silence_command(struct tend_engine *engine, const char *command, const char *argument, const char *who)
{
    struct tend_operator_command asked;
    if (tend_operator_command_read(engine, command, argument, &asked, NULL) != TEND_OK) {
        return; // who asks is told before: this is a recording of a tend that took more
    }
    if (strcmp(command, "silence") == 0) {
        begin(engine, &asked, false, who);
    } else if (strcmp(command, "deploy") == 0) {
        end_deploys(engine, asked.on, who); // another note takes the place of the one before
        if (!asked.done) {
            begin(engine, &asked, true, who);
            note_deploy(engine, &asked, who);
        }
    } else {
        for (size_t i = engine->silence_count; i > 0; i--) {
            if (strcmp(asked.id, "*") == 0 || strcmp(engine->silences[i - 1]->id, asked.id) == 0) {
                end(engine, i - 1, "unsilence", who);
            }
        }
    }
    tend_operator_command_clear(&asked);
}

void tend_silence_advance(struct tend_engine *engine)
{
    for (size_t i = engine->silence_count; i > 0; i--) {
        const struct tend_silence *silence = engine->silences[i - 1];
        if (silence->until_ms <= engine->now_ms) {
            char by[300];
            tend_text_format(by, sizeof by, "its time is over: %s", silence->who);
            end(engine, i - 1, silence->deploy ? "deploy window over" : "silence over", by);
        }
    }
}

int64_t tend_silence_wake_ms(const struct tend_engine *engine)
{
    int64_t wake_ms = TEND_NEVER;
    for (size_t i = 0; i < engine->silence_count; i++) {
        const int64_t until_ms = engine->silences[i]->until_ms;
        wake_ms = wake_ms == TEND_NEVER || until_ms < wake_ms ? until_ms : wake_ms;
    }
    return wake_ms;
}

static bool has_alert(const struct tend_engine *engine, const struct tend_silence *silence)
{
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        if (!is_named(engine, silence->on, service->name)) {
            continue;
        }
        for (size_t a = 0; a < service->alert_count; a++) {
            const struct tend_rule_alert *alert = &service->alerts[a];
            if (alert->alert.state == TEND_ALERT_FIRING &&
                (silence->rule == NULL || strcmp(silence->rule, tend_rule_name(engine, alert)) == 0)) {
                return true;
            }
        }
    }
    return false;
}

void tend_silence_look(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->silence_count; i++) {
        if (has_alert(engine, engine->silences[i])) {
            engine->silences[i]->alerted_ms = engine->now_ms;
        }
    }
}

void tend_silence_restore(struct tend_engine *engine, const json_t *body)
{
    struct tend_silence *silence = calloc(1, sizeof *silence);
    TEND_ASSERT(silence != NULL);
    tend_text_format(silence->id, sizeof silence->id, "%s", tend_json_text(body, "id", ""));
    silence->deploy = tend_json_bool(body, "deploy", false);
    silence->on = tend_copy_text(tend_json_text(body, "subject", ""));
    silence->rule = tend_copy_text(tend_json_text(body, "rule", NULL));
    silence->version = tend_copy_text(tend_json_text(body, "version", NULL));
    silence->what = tend_copy_text(tend_json_text(body, "changed", NULL));
    silence->who = tend_copy_text(tend_json_text(body, "by", ""));
    silence->why = tend_copy_text(tend_json_text(body, "why", ""));
    silence->since_ms = tend_json_integer(body, "since_ms", engine->now_ms);
    silence->since_wall_ms = tend_json_integer(body, "since_wall_ms", engine->wall_ms);
    silence->until_ms = tend_json_integer(body, "until_ms", engine->now_ms);
    silence->alerted_ms = TEND_NEVER;
    if (silence->until_ms > engine->now_ms + TEND_SILENCE_MAX_MS) {
        silence->until_ms = engine->now_ms + TEND_SILENCE_MAX_MS; // whatever a journal says, it ends
    }
    tend_append_pointer((void ***)&engine->silences, &engine->silence_count, silence);
}

size_t tend_silence_count(const struct tend_engine *engine)
{
    size_t count = engine->silence_count;
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->silence_count; i++) {
        count += is_in_force(&engine->ruleset->silences[i], engine->wall_ms);
    }
    return count;
}

static int64_t def_since_wall_ms(const struct tend_silence_def *def, int64_t wall_ms)
{
    int64_t since_ms = def->from_ms > 0 ? def->from_ms : 0;
    const struct tend_calendar *const calendars[] = { def->during, def->outside };
    for (size_t i = 0; i < 2; i++) {
        if (calendars[i] != NULL) {
            const int64_t week_ago_ms = wall_ms - TEND_SILENCE_MAX_MS;
            const int64_t begun_ms = tend_calendar_since_ms(calendars[i], wall_ms, week_ago_ms);
            since_ms = begun_ms > since_ms ? begun_ms : since_ms;
        }
    }
    return since_ms;
}

static json_t *view_def(const struct tend_silence_def *def, int64_t wall_ms)
{
    struct tend_buffer on;
    tend_buffer_init(&on);
    for (size_t i = 0; i < def->on_count; i++) {
        tend_buffer_printf(&on, "%s%s", i == 0 ? "" : ", ", def->on[i]);
    }
    json_t *row = json_pack("{s:s, s:s, s:s, s:n, s:n, s:s, s:s, s:I, s:o, s:s}", "id", def->name, "kind", "rules",
                            "on", tend_buffer_text(&on), "rule", "version", "who", def->at, "why", def->why,
                            "since_wall_ms", (json_int_t)def_since_wall_ms(def, wall_ms), "until_wall_ms",
                            def->till_ms == INT64_MAX ? json_null() : json_integer(def->till_ms), "ends",
                            def->till_ms == INT64_MAX ? "with its hours" : "");
    tend_buffer_clear(&on);
    return row;
}

json_t *tend_silence_view(const struct tend_engine *engine)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < engine->silence_count; i++) {
        const struct tend_silence *silence = engine->silences[i];
        (void)json_array_append_new(
            rows, json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s*, s:s, s:s, s:I, s:I, s:s}", "id", silence->id, "kind",
                            silence->deploy ? "deploy" : "silence", "on", silence->on, "rule", silence->rule, "version",
                            silence->version, "changed", silence->what, "who", silence->who, "why", silence->why,
                            "since_wall_ms", (json_int_t)silence->since_wall_ms, "until_wall_ms",
                            (json_int_t)until_wall_ms(engine, silence), "ends", ""));
    }
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->silence_count; i++) {
        const struct tend_silence_def *def = &engine->ruleset->silences[i];
        if (is_in_force(def, engine->wall_ms)) {
            (void)json_array_append_new(rows, view_def(def, engine->wall_ms));
        }
    }
    return rows;
}

// What the rules silence for a day without a break: perhaps somebody forgot to take it out.
static void warn_of_rules(const struct tend_engine *engine, json_t *warnings)
{
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->silence_count; i++) {
        const struct tend_silence_def *def = &engine->ruleset->silences[i];
        const int64_t held_ms = engine->wall_ms - def_since_wall_ms(def, engine->wall_ms);
        if (is_in_force(def, engine->wall_ms) && held_ms > TEND_FORGOTTEN_MS) {
            (void)json_array_append_new(warnings, json_sprintf("%s: the silence \"%s\" is in force for %lld h already",
                                                               def->at, def->name, (long long)(held_ms / 3600000)));
        }
    }
}

void tend_silence_warn(const struct tend_engine *engine, json_t *warnings)
{
    warn_of_rules(engine, warnings);
    for (size_t i = 0; i < engine->silence_count; i++) {
        const struct tend_silence *silence = engine->silences[i];
        const int64_t held_ms = engine->now_ms - silence->since_ms;
        const int64_t quiet_ms = silence->alerted_ms == TEND_NEVER ? 0 : engine->now_ms - silence->alerted_ms;
        char until[40];
        tend_silence_clock(until_wall_ms(engine, silence), engine->wall_ms, until, sizeof until);
        if (held_ms > TEND_FORGOTTEN_MS) {
            (void)json_array_append_new(
                warnings, json_sprintf("%s silences %s for %lld h already, by %s, until %s; tend unsilence %s ends it",
                                       silence->id, silence->on, (long long)(held_ms / 3600000), silence->who, until,
                                       silence->id));
        } else if (quiet_ms > TEND_SILENCE_QUIET_MS) {
            (void)json_array_append_new(
                warnings,
                json_sprintf("%s silences %s until %s, by %s, and its last alert ended %lld h ago; tend unsilence %s "
                             "ends it",
                             silence->id, silence->on, until, silence->who, (long long)(quiet_ms / 3600000),
                             silence->id));
        }
    }
}
