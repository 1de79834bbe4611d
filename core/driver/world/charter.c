#include "driver/world/charter.h"

#include "base/buffer.h"
#include "locate/topology.h"
#include "parse/duration.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// An act with the intent that allowed it, and the run which that belongs to.
struct joined_act {
    const struct tend_ledger_act *act;
    const struct tend_record *intent; // NULL: none was on disk
    const json_t *run;                // body of its begin; NULL with the intent
};

struct tend_charter {
    struct tend_charter_options options;
    const struct tend_record *records;
    size_t record_count;
    struct joined_act *acts;
    size_t act_count;
};

static bool has_text(const json_t *body, const char *key, const char *value)
{
    return strcmp(tend_json_text(body, key, ""), value) == 0;
}

// ---- joining acts and records ----

static const json_t *find_run(const struct tend_charter *charter, const char *id)
{
    for (size_t i = 0; i < charter->record_count; i++) {
        if (charter->records[i].kind == TEND_RECORD_RUN && strcmp(charter->records[i].key, id) == 0) {
            return charter->records[i].body;
        }
    }
    return NULL;
}

static bool is_taken(const struct tend_charter *charter, const struct tend_record *intent)
{
    for (size_t i = 0; i < charter->act_count; i++) {
        if (charter->acts[i].intent == intent) {
            return true;
        }
    }
    return false;
}

static bool is_intent_of(const struct tend_charter *charter, const struct tend_record *record,
                         const struct tend_ledger_act *act)
{
    const json_t *body = record->body;
    if (record->kind != TEND_RECORD_STEP || !has_text(body, "state", "begun") || tend_json_bool(body, "dry", false)) {
        return false;
    }
    const char *verb = tend_json_text(body, "verb", "");
    if (strcmp(verb[0] == '\0' ? tend_json_text(body, "kind", "") : verb, act->verb) != 0) {
        return false;
    }
    const json_t *run = find_run(charter, tend_json_text(body, "run", ""));
    return strcmp(tend_json_text(body, "instance", tend_json_text(run, "service", "")), act->on) == 0;
}

// The newest intent on disk that fits and that no act has used: each allows one.
static struct joined_act join(const struct tend_charter *charter, const struct tend_ledger_act *act)
{
    struct joined_act joined = { .act = act };
    for (size_t i = act->records < charter->record_count ? act->records : charter->record_count; i-- > 0;) {
        const struct tend_record *record = &charter->records[i];
        if (is_intent_of(charter, record, act) && !is_taken(charter, record)) {
            joined.intent = record;
            joined.run = find_run(charter, tend_json_text(record->body, "run", ""));
            break;
        }
    }
    return joined;
}

enum tend_status tend_charter_create(const struct tend_charter_options *options, struct tend_charter **out)
{
    struct tend_charter *charter = calloc(1, sizeof *charter);
    if (charter == NULL) {
        return TEND_E_NOMEM;
    }
    charter->options = *options;
    charter->records = tend_simulation_records(options->simulation, &charter->record_count);
    size_t count;
    const struct tend_ledger_act *acts = tend_act_ledger_acts(options->ledger, &count);
    charter->acts = calloc(count + 1, sizeof *charter->acts);
    if (charter->acts == NULL) {
        free(charter);
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        charter->acts[i] = join(charter, &acts[i]);
        charter->act_count++;
    }
    *out = charter;
    return TEND_OK;
}

void tend_charter_destroy(struct tend_charter *charter)
{
    if (charter != NULL) {
        free(charter->acts);
        free(charter);
    }
}

// ---- judging ----

struct judging {
    const struct tend_charter *charter;
    json_t *broken;
};

TEND_PRINTF(4, 5)
static void note(struct judging *judging, int64_t at_ms, const char *what, const char *format, ...)
{
    const int64_t after_ms = at_ms - judging->charter->options.begun_ms;
    char when[TEND_DURATION_TEXT_BYTES];
    char said[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_printf(&text, "%s: after %s %s", what, tend_duration_format(after_ms / 1000 * 1000, when), said);
    (void)json_array_append_new(judging->broken,
                                json_pack("{s:s, s:f, s:o}", "what", what, "at_s", (double)after_ms / 1000.0, "text",
                                          tend_json_string(tend_buffer_text(&text), text.size)));
    tend_buffer_clear(&text);
}

static bool is_of_service(const char *on, const char *service)
{
    const size_t bytes = strlen(service);
    return strcmp(on, "*") == 0 || (strncmp(on, service, bytes) == 0 && (on[bytes] == '\0' || on[bytes] == '/'));
}

// Faults of the watching, or of who is listed, are none of the service.
static bool is_own_fault(const json_t *fault)
{
    static const char *const others[] = { "leaves", "clock jump", "monitoring blind", "blind", NULL };
    for (size_t i = 0; others[i] != NULL; i++) {
        if (has_text(fault, "kind", others[i])) {
            return false;
        }
    }
    return true;
}

static const json_t *fault_of(const struct tend_charter *charter, const char *service, int64_t at_ms)
{
    const json_t *faults = json_object_get(charter->options.scenario, "faults");
    for (size_t i = 0; i < json_array_size(faults); i++) {
        const json_t *fault = json_array_get(faults, i);
        if (is_own_fault(fault) && is_of_service(tend_json_text(fault, "on", ""), service) &&
            charter->options.begun_ms + tend_json_integer(fault, "at_ms", 0) <= at_ms) {
            return fault;
        }
    }
    return NULL;
}

static const struct tend_service_def *find_def(const struct tend_ruleset *ruleset, const char *name)
{
    for (size_t i = 0; i < ruleset->service_count; i++) {
        if (strcmp(ruleset->services[i].name, name) == 0) {
            return &ruleset->services[i];
        }
    }
    for (size_t i = 0; i < ruleset->discovery_count; i++) {
        for (size_t j = 0; j < ruleset->discoveries[i].override_count; j++) {
            if (strcmp(ruleset->discoveries[i].overrides[j]->name, name) == 0) {
                return ruleset->discoveries[i].overrides[j];
            }
        }
    }
    return NULL;
}

enum { DEPTH_MAX = 32 };

// NOLINTBEGIN(misc-no-recursion): to a depth that is limited

// A service that this one depends on and that was broken, nearest first; NULL: none.
static const char *broken_dependency(const struct tend_charter *charter, const char *service, int64_t at_ms, int depth)
{
    const struct tend_service_def *def = find_def(charter->options.ruleset, service);
    for (size_t i = 0; def != NULL && i < def->depend_count && depth < DEPTH_MAX; i++) {
        if (fault_of(charter, def->depends[i], at_ms) != NULL) {
            return def->depends[i];
        }
        const char *deeper = broken_dependency(charter, def->depends[i], at_ms, depth + 1);
        if (deeper != NULL) {
            return deeper;
        }
    }
    return NULL;
}

static bool depends_on(const struct tend_charter *charter, const char *service, const char *on, int depth)
{
    const struct tend_service_def *def = find_def(charter->options.ruleset, service);
    for (size_t i = 0; def != NULL && i < def->depend_count && depth < DEPTH_MAX; i++) {
        if (strcmp(def->depends[i], on) == 0 || depends_on(charter, def->depends[i], on, depth + 1)) {
            return true;
        }
    }
    return false;
}

// NOLINTEND(misc-no-recursion)

// Whether an instance of a service is watched no more: what is wrong with it nobody can know.
static bool has_left(const struct tend_charter *charter, const char *service, int64_t at_ms)
{
    const json_t *faults = json_object_get(charter->options.scenario, "faults");
    for (size_t i = 0; i < json_array_size(faults) && service != NULL; i++) {
        const json_t *fault = json_array_get(faults, i);
        if (has_text(fault, "kind", "leaves") && is_of_service(tend_json_text(fault, "on", ""), service) &&
            charter->options.begun_ms + tend_json_integer(fault, "at_ms", 0) <= at_ms) {
            return true;
        }
    }
    return false;
}

// Whether more comes to a service because more comes to one that calls it: it is busy, and nobody broke it.
static bool is_flooded(const struct tend_charter *charter, const char *service, int64_t at_ms)
{
    const json_t *faults = json_object_get(charter->options.scenario, "faults");
    for (size_t i = 0; i < json_array_size(faults); i++) {
        const json_t *fault = json_array_get(faults, i);
        char above[256];
        (void)snprintf(above, sizeof above, "%s", tend_json_text(fault, "on", ""));
        above[strcspn(above, "/")] = '\0';
        if (has_text(fault, "kind", "surge") && depends_on(charter, above, service, 0) &&
            charter->options.begun_ms + tend_json_integer(fault, "at_ms", 0) <= at_ms) {
            return true;
        }
    }
    return false;
}

static void judge_victim(struct judging *judging, const struct joined_act *joined)
{
    const struct tend_charter *charter = judging->charter;
    const json_t *scenario = charter->options.scenario;
    const struct tend_ledger_act *act = joined->act;
    if (json_object_get(scenario, "series") != NULL || json_object_get(scenario, "load") != NULL ||
        fault_of(charter, act->service, act->at_ms) != NULL) {
        return; // by hand, or busy without a fault: what is wrong with whom is not known here
    }
    const char *below = broken_dependency(charter, act->service, act->at_ms, 0);
    if (has_left(charter, below, act->at_ms) || is_flooded(charter, act->service, act->at_ms)) {
        return;
    }
    if (below != NULL) {
        note(judging, act->at_ms, "no act on a victim", "%s %s: %s is only a victim of %s", act->verb, act->on,
             act->service, below);
    } else {
        note(judging, act->at_ms, "no act on a victim", "%s %s: nothing is wrong with %s", act->verb, act->on,
             act->service);
    }
}

static bool was_touched_before(const struct tend_charter *charter, size_t index)
{
    const struct joined_act *joined = &charter->acts[index];
    for (size_t i = 0; i < index; i++) {
        const struct joined_act *before = &charter->acts[i];
        if (before->run == joined->run &&
            (strcmp(before->act->on, joined->act->on) == 0 || strcmp(before->act->on, joined->act->service) == 0)) {
            return true;
        }
    }
    return false;
}

static void judge_missing_data(struct judging *judging, size_t index)
{
    const struct tend_charter *charter = judging->charter;
    const struct joined_act *joined = &charter->acts[index];
    const struct tend_service_def *def = find_def(charter->options.ruleset, joined->act->service);
    if (!joined->act->failed || def == NULL || was_touched_before(charter, index) ||
        tend_json_bool(joined->intent == NULL ? NULL : joined->intent->body, "undo", false)) {
        return;
    }
    for (size_t i = 0; i < def->rule_count; i++) {
        const struct tend_rule_binding *binding = &def->rules[i];
        const uint32_t kinds = charter->options.ruleset->rules[binding->rule].kinds;
        if (binding->act && ((kinds & joined->act->failed_kinds) != 0 || binding->missing == TEND_MISSING_ACT)) {
            return;
        }
    }
    note(judging, joined->act->at_ms, "no act on missing data",
         "%s %s: its scrapes failed (%s), and no rule that may act names that", joined->act->verb, joined->act->on,
         tend_scrape_kind_text(joined->act->failed_kind));
}

// Between two runs of a service in different incidents its cooldown passes.
static void judge_cooldown(struct judging *judging, size_t index)
{
    const struct joined_act *joined = &judging->charter->acts[index];
    for (size_t i = index; i-- > 0 && joined->run != NULL;) {
        const struct joined_act *before = &judging->charter->acts[i];
        if (before->run == NULL || before->act->reads_only || strcmp(before->act->service, joined->act->service) != 0) {
            continue;
        }
        if (before->run == joined->run ||
            has_text(before->run, "incident", tend_json_text(joined->run, "incident", ""))) {
            return;
        }
        const int64_t cooldown_ms = tend_json_integer(json_object_get(before->run, "limits"), "cooldown_ms", 0);
        const int64_t passed_ms = joined->act->at_ms - before->act->at_ms;
        if (passed_ms < cooldown_ms) {
            note(judging, joined->act->at_ms, "the cooldown is kept",
                 "%s %s: %.0f s after the act before, and its cooldown is %.0f s", joined->act->verb, joined->act->on,
                 (double)passed_ms / 1000.0, (double)cooldown_ms / 1000.0);
        }
        return;
    }
}

// Whether the run acted on this instance again between two of its acts.
static bool is_repeated(const struct tend_charter *charter, size_t index, size_t before)
{
    for (size_t i = index + 1; i < before; i++) {
        if (charter->acts[i].run == charter->acts[index].run &&
            strcmp(charter->acts[i].act->on, charter->acts[index].act->on) == 0) {
            return true;
        }
    }
    return false;
}

// Other instances that the same run acted on and that did not answer since.
static size_t count_unproven(const struct tend_charter *charter, size_t index)
{
    const struct joined_act *joined = &charter->acts[index];
    size_t unproven = 0;
    for (size_t i = 0; i < index; i++) {
        const struct joined_act *before = &charter->acts[i];
        unproven += before->run == joined->run && before->act->instance != NULL && !before->act->reads_only &&
                    strcmp(before->act->on, joined->act->on) != 0 && before->act->proved_ms > joined->act->at_ms &&
                    !is_repeated(charter, i, index);
    }
    return unproven;
}

static void judge_limits(struct judging *judging, size_t index)
{
    const struct joined_act *joined = &judging->charter->acts[index];
    const struct tend_ledger_act *act = joined->act;
    const json_t *limits = json_object_get(joined->run, "limits");
    if (joined->run == NULL || act->instance == NULL || tend_json_bool(joined->intent->body, "undo", false)) {
        return;
    }
    const double share = tend_json_number(limits, "share", 0.0);
    const double allowed = fmax(1.0, floor(share * (double)act->instances));
    const size_t unproven = count_unproven(judging->charter, index);
    if ((double)unproven + 1.0 > allowed) {
        note(judging, act->at_ms, "no more at once than share allows",
             "%s %s: %zu others of %zu are not back yet, and share is %g", act->verb, act->on, unproven, act->instances,
             share);
    }
    const double left = (double)act->instances - 1.0 - (double)act->away;
    const double min_healthy = tend_json_number(limits, "min_healthy", 0.0);
    if (act->serves && left < min_healthy) {
        note(judging, act->at_ms, "enough go on serving",
             "%s %s: it served, %.0f of %zu others do, and min_healthy is %g", act->verb, act->on, left,
             act->instances - 1, min_healthy);
    }
}

static bool is_open_at(const struct tend_charter *charter, const struct tend_record *begun, size_t records)
{
    for (size_t i = 0; i < records && i < charter->record_count; i++) {
        const struct tend_record *record = &charter->records[i];
        if (record->kind == TEND_RECORD_RUN && strcmp(record->key, begun->key) == 0 &&
            has_text(record->body, "state", "ended")) {
            return false;
        }
    }
    return true;
}

static void judge_single_flight(struct judging *judging, const struct joined_act *joined)
{
    const struct tend_charter *charter = judging->charter;
    const struct tend_ledger_act *act = joined->act;
    for (size_t i = 0; i < act->records && i < charter->record_count && joined->run != NULL; i++) {
        const struct tend_record *other = &charter->records[i];
        if (other->kind != TEND_RECORD_RUN || !has_text(other->body, "state", "begun") || other->body == joined->run ||
            tend_json_bool(other->body, "dry", false) ||
            strcmp(other->key, tend_json_text(joined->run, "id", "")) == 0) {
            continue;
        }
        const char *service = tend_json_text(other->body, "service", "");
        const bool same = strcmp(service, act->service) == 0;
        if ((same || depends_on(charter, service, act->service, 0) || depends_on(charter, act->service, service, 0)) &&
            is_open_at(charter, other, act->records)) {
            note(judging, act->at_ms, "one run at a time", "%s %s while a run of %s was under way%s", act->verb,
                 act->on, service, same ? "" : ", which it is connected with");
        }
    }
}

static void judge_twice(struct judging *judging, size_t index)
{
    const struct tend_charter *charter = judging->charter;
    const struct joined_act *joined = &charter->acts[index];
    size_t times = 1;
    for (size_t i = 0; i < index && joined->intent != NULL; i++) {
        const struct tend_record *before = charter->acts[i].intent;
        times += before != NULL && strcmp(before->key, joined->intent->key) == 0;
    }
    const bool idempotent = joined->intent != NULL && tend_json_bool(joined->intent->body, "idempotent", false);
    if (times > (idempotent ? 2U : 1U)) {
        note(judging, joined->act->at_ms, "no step twice", "%s %s was done %zu times in one step%s", joined->act->verb,
             joined->act->on, times, idempotent ? "" : ", and it is not declared idempotent");
    }
}

static void judge_act(struct judging *judging, size_t index)
{
    const struct joined_act *joined = &judging->charter->acts[index];
    if (joined->intent == NULL) {
        note(judging, joined->act->at_ms, "no act without its intent on disk", "%s %s was done unannounced",
             joined->act->verb, joined->act->on);
    }
    if (joined->act->reads_only) {
        return;
    }
    if (joined->act->paused) {
        note(judging, joined->act->at_ms, "no act while paused", "%s %s", joined->act->verb, joined->act->on);
    }
    judge_victim(judging, joined);
    judge_missing_data(judging, index);
    judge_cooldown(judging, index);
    judge_limits(judging, index);
    judge_single_flight(judging, joined);
    judge_twice(judging, index);
}

static bool is_outcome(const char *outcome)
{
    for (size_t i = 0; i < TEND_ENGINE_OUTCOMES; i++) {
        if (strcmp(outcome, tend_engine_outcomes[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum { RUN_TAKES_MS = 5 * 60 * 1000 }; // and what its verifies wait: one that is younger at the end may still end

static void judge_runs(struct judging *judging)
{
    const struct tend_charter *charter = judging->charter;
    for (size_t i = 0; i < charter->record_count; i++) {
        const struct tend_record *record = &charter->records[i];
        if (record->kind != TEND_RECORD_RUN) {
            continue;
        }
        if (has_text(record->body, "state", "ended") && !is_outcome(tend_json_text(record->body, "outcome", ""))) {
            note(judging, record->at_ms, "every run ends", "the run of \"%s\" ended as \"%s\"",
                 tend_json_text(record->body, "playbook", ""), tend_json_text(record->body, "outcome", ""));
        }
        const int64_t age_ms = tend_simulation_now_ms(charter->options.simulation) - record->at_ms;
        if (has_text(record->body, "state", "begun") &&
            age_ms > RUN_TAKES_MS + 2 * tend_json_integer(record->body, "within_ms", 0) &&
            is_open_at(charter, record, charter->record_count)) {
            note(judging, record->at_ms, "every run ends", "the run of \"%s\" on %s began, and never ended",
                 tend_json_text(record->body, "playbook", ""), tend_json_text(record->body, "service", ""));
        }
    }
}

json_t *tend_charter_broken(const struct tend_charter *charter)
{
    struct judging judging = { .charter = charter, .broken = json_array() };
    for (size_t i = 0; i < charter->act_count; i++) {
        judge_act(&judging, i);
    }
    judge_runs(&judging);
    return judging.broken;
}

// ---- moments ----

// What a service was asked for up to and with an act.
static void put_acts(const struct tend_charter *charter, size_t index, json_t *services)
{
    const struct joined_act *joined = &charter->acts[index];
    json_t *service = json_object_get(services, joined->act->service);
    if (joined->act->reads_only || service == NULL) {
        return;
    }
    (void)json_object_set_new(service, "acts", json_integer(tend_json_integer(service, "acts", 0) + 1));
    for (size_t i = index; i-- > 0;) {
        const struct joined_act *before = &charter->acts[i];
        if (strcmp(before->act->service, joined->act->service) == 0 && !before->act->reads_only) {
            if (before->run != joined->run) {
                (void)json_object_set_new(service, "pause_s",
                                          json_real((double)(joined->act->at_ms - before->act->at_ms) / 1000.0));
            }
            return;
        }
    }
}

// Carries what tend did from one moment to the next, which the world itself does not keep.
static void keep_acts(const json_t *from, json_t *to)
{
    const char *name;
    json_t *service;
    json_object_foreach(to, name, service)
    {
        const json_t *before = json_object_get(from, name);
        (void)json_object_set_new(service, "acts", json_integer(tend_json_integer(before, "acts", 0)));
        json_t *pause = json_object_get(before, "pause_s");
        if (pause != NULL) {
            (void)json_object_set(service, "pause_s", pause);
        }
    }
}

static bool is_by_act(const struct tend_charter *charter, const json_t *moment)
{
    const int64_t at_ms = charter->options.begun_ms + tend_json_integer(moment, "at_ms", 0);
    for (size_t i = 0; i < charter->act_count; i++) {
        if (charter->acts[i].act->at_ms == at_ms) {
            return true;
        }
    }
    return false;
}

json_t *tend_charter_moments(const struct tend_charter *charter, const json_t *moments)
{
    json_t *all = json_array();
    const json_t *last = NULL;
    size_t act = 0;
    for (size_t i = 0; i < json_array_size(moments); i++) {
        json_t *moment = json_deep_copy(json_array_get(moments, i));
        (void)json_object_set_new(moment, "by_act", json_boolean(is_by_act(charter, moment)));
        keep_acts(last, json_object_get(moment, "services"));
        last = json_object_get(moment, "services");
        (void)json_array_append_new(all, moment);
        const int64_t next_ms = i + 1 < json_array_size(moments)
                                    ? tend_json_integer(json_array_get(moments, i + 1), "at_ms", 0)
                                    : INT64_MAX;
        for (; act < charter->act_count; act++) {
            const int64_t at_ms = charter->acts[act].act->at_ms - charter->options.begun_ms;
            if (at_ms >= next_ms) {
                break;
            }
            json_t *services = json_deep_copy(last);
            put_acts(charter, act, services);
            (void)json_array_append_new(
                all, json_pack("{s:I, s:o, s:b}", "at_ms", (json_int_t)at_ms, "services", services, "by_act", 1));
            last = services;
        }
    }
    return all;
}
