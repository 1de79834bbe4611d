// Takes events apart, keeps the ticks going, and asks to be woken when time alone will change something.

#include "engine/engine.h"

#include "engine/state.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tend_effect *tend_emit(struct tend_engine *engine, enum tend_effect_kind kind)
{
    return tend_effects_add(engine->effects, kind);
}

uint64_t tend_emit_record(struct tend_engine *engine, enum tend_record_kind kind, const char *key, const char *incident,
                          bool full, bool open, json_t *body)
{
    TEND_ASSERT(body != NULL);
    struct tend_effect *effect = tend_emit(engine, TEND_EFFECT_RECORD);
    effect->record = (struct tend_record){
        .number = engine->next_record++,
        .at_ms = engine->now_ms,
        .wall_ms = engine->wall_ms,
        .kind = kind,
        .key = tend_copy_text(key),
        .incident = tend_copy_text(incident),
        .full = full,
        .open = open,
        .body = body,
    };
    return effect->record.number;
}

void tend_append_pointer(void ***array, size_t *count, void *pointer)
{
    void **grown = reallocarray(*array, *count + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    grown[(*count)++] = pointer;
    *array = grown;
}

char *tend_copy_text(const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    char *copy = strdup(text);
    TEND_ASSERT(copy != NULL);
    return copy;
}

enum tend_status tend_engine_create(const struct tend_engine_options *options, struct tend_engine **out)
{
    struct tend_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return TEND_E_NOMEM;
    }
    engine->options = *options;
    engine->now_ms = engine->started_ms = options->at_ms;
    engine->wall_ms = options->wall_ms;
    engine->next_record = options->next_record;
    engine->reached = options->next_record - 1;
    engine->tick_due_ms = engine->wake_ms = TEND_NEVER;
    engine->next_id = 1;
    engine->arms = json_object();
    engine->restored_guards = json_object();
    engine->restored_alerts = json_object();
    engine->departed = json_object();
    if (engine->arms == NULL || engine->restored_guards == NULL || engine->restored_alerts == NULL ||
        engine->departed == NULL) {
        tend_engine_destroy(engine);
        return TEND_E_NOMEM;
    }
    *out = engine;
    return TEND_OK;
}

static void clear_listing(struct tend_listing *listing)
{
    for (size_t i = 0; listing->targets != NULL && i < listing->count; i++) {
        free(listing->targets[i].url);
        free(listing->targets[i].address);
        json_decref(listing->targets[i].labels);
    }
    free(listing->targets);
    free(listing->key);
    *listing = (struct tend_listing){ .key = NULL };
}

void tend_engine_destroy(struct tend_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (size_t i = 0; i < engine->notice_count; i++) {
        tend_notice_destroy(engine->notices[i]);
    }
    for (size_t i = 0; i < engine->run_count; i++) {
        tend_run_destroy(engine->runs[i]);
    }
    for (size_t i = 0; i < engine->incident_count; i++) {
        tend_incident_destroy(engine->incidents[i]);
    }
    for (size_t i = 0; i < engine->silence_count; i++) {
        tend_silence_destroy(engine->silences[i]);
    }
    for (size_t i = 0; i < engine->listing_count; i++) {
        clear_listing(&engine->listings[i]);
    }
    tend_fleet_destroy(engine->fleet);
    tend_edges_clear(engine);
    tend_ruleset_destroy(engine->ruleset);
    free((void *)engine->notices);
    free((void *)engine->runs);
    free((void *)engine->incidents);
    free((void *)engine->silences);
    tend_told_forget(engine, NULL);
    free(engine->told);
    free(engine->listings);
    free(engine->rules);
    free((void *)engine->calls);
    free(engine->paused_by);
    free(engine->blind_page);
    json_decref(engine->arms);
    tend_baselines_clear(engine);
    json_decref(engine->restored_guards);
    json_decref(engine->restored_alerts);
    json_decref(engine->departed);
    free(engine);
}

const struct tend_ruleset *tend_engine_ruleset(const struct tend_engine *engine)
{
    return engine->ruleset;
}

size_t tend_engine_target_count(const struct tend_engine *engine)
{
    return engine->fleet == NULL ? 0 : engine->fleet->instance_count;
}

struct tend_target_view tend_engine_target(const struct tend_engine *engine, size_t index)
{
    const struct tend_instance *instance = engine->fleet->instances[index];
    if (instance == NULL) {
        return (struct tend_target_view){ .url = NULL };
    }
    const struct tend_service_def *def = instance->service->def;
    return (struct tend_target_view){
        .url = instance->url,
        .instance = instance->name,
        .service = instance->service->name,
        .every_ms = def->every_ms,
        .timeout_ms = def->timeout_ms,
        .def = def,
        .labels = instance->labels,
        .revision = instance->revision,
    };
}

static void take_scrape(struct tend_engine *engine, const struct tend_event_scraped *scraped)
{
    if (engine->fleet == NULL || scraped->target >= engine->fleet->instance_count ||
        engine->fleet->instances[scraped->target] == NULL) {
        return; // it was removed while its scrape was under way
    }
    struct tend_instance *instance = engine->fleet->instances[scraped->target];
    enum tend_status status;
    if (scraped->kind == TEND_SCRAPE_OK) {
        status = tend_series_window_push(instance->window, scraped->begun_ms, scraped->duration_s, scraped->layout,
                                         scraped->values);
        instance->reason[0] = '\0';
    } else {
        status =
            tend_series_window_push_failed(instance->window, scraped->begun_ms, scraped->duration_s, scraped->kind);
        tend_text_format(instance->reason, sizeof instance->reason, "%s", scraped->reason);
    }
    if (status != TEND_OK) {
        tend_log(TEND_LOG_WARN, "scrape not taken instance=%s why=\"%s\"", instance->name, tend_status_text(status));
        return;
    }
    instance->dirty = true;
    instance->service->dirty = true;
    if (engine->tick_due_ms == TEND_NEVER) {
        engine->tick_due_ms = engine->now_ms + TICK_DELAY_MS;
    }
}

static void take_measured(struct tend_engine *engine, const struct tend_event_measured *measured)
{
    struct tend_instance *instance = engine->fleet != NULL && measured->target < engine->fleet->instance_count
                                         ? engine->fleet->instances[measured->target]
                                         : NULL;
    if (instance == NULL || measured->count != instance->service->def->metric_count) {
        return; // another generation has other metrics
    }
    const size_t count = measured->count;
    if (instance->given == NULL) {
        instance->given = calloc(count + 1, sizeof *instance->given + sizeof *instance->given_missing);
        TEND_ASSERT(instance->given != NULL);
        instance->given_missing = (uint8_t *)(instance->given + count);
    }
    memcpy(instance->given, measured->values, count * sizeof *instance->given);
    memcpy(instance->given_missing, measured->missing, count * sizeof *instance->given_missing);
}

static bool is_service(const void *context, const char *word, size_t bytes)
{
    const struct tend_fleet *fleet = context;
    return tend_hash_map_find(fleet->by_name, word, bytes) != NULL;
}

static void take_logs(struct tend_engine *engine, const struct tend_event_logs *logs)
{
    const struct tend_log_names names = { is_service, engine->fleet };
    for (size_t i = 0; engine->fleet != NULL && i < logs->count; i++) {
        struct tend_service *service = tend_fleet_find(engine->fleet, logs->services[i].service);
        if (service == NULL) {
            continue; // another generation has other services
        }
        if (service->logs == NULL) {
            service->logs = tend_log_evidence_create(engine->now_ms);
            TEND_ASSERT(service->logs != NULL);
        }
        tend_log_evidence_take(service->logs, &logs->services[i], engine->now_ms, &names);
    }
}

static char *listing_key(const struct tend_discovery_def *discovery)
{
    struct tend_buffer key;
    tend_buffer_init(&key);
    for (size_t i = 0; i < discovery->glob_count; i++) {
        tend_buffer_printf(&key, "%s\n", discovery->globs[i]);
    }
    tend_buffer_put_text(&key, discovery->service_label);
    TEND_ASSERT(!key.failed);
    return key.data;
}

// The listings of a new ruleset: what the same discovery listed before, or nothing yet.
static void carry_listings(struct tend_engine *engine, const struct tend_ruleset *ruleset)
{
    struct tend_listing *listings = calloc(ruleset->discovery_count + 1, sizeof *listings);
    TEND_ASSERT(listings != NULL);
    for (size_t i = 0; i < ruleset->discovery_count; i++) {
        listings[i].key = listing_key(&ruleset->discoveries[i]);
        for (size_t j = 0; j < engine->listing_count; j++) {
            struct tend_listing *old = &engine->listings[j];
            if (old->targets != NULL && strcmp(old->key, listings[i].key) == 0) {
                listings[i].targets = old->targets;
                listings[i].count = old->count;
                old->targets = NULL;
                old->count = 0;
                break;
            }
        }
    }
    for (size_t j = 0; j < engine->listing_count; j++) {
        clear_listing(&engine->listings[j]);
    }
    free(engine->listings);
    engine->listings = listings;
    engine->listing_count = ruleset->discovery_count;
}

// Alerts whose rule or target is gone: the journal hears of their end, else they would come alive with a later start.
static void close_lost_alerts(struct tend_engine *engine)
{
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        for (size_t a = 0; a < service->alert_count; a++) {
            struct tend_rule_alert *alert = &service->alerts[a];
            if (alert->alert.state != TEND_ALERT_INACTIVE) { // the new fleet did not take it over
                tend_facts_alert(engine, alert, alert->alert.state == TEND_ALERT_FIRING ? "resolved" : "inactive");
            }
        }
    }
}

// Builds the fleet anew for a ruleset and puts both in place of the old ones. @return false: out of memory
static bool rebuild_fleet(struct tend_engine *engine, struct tend_ruleset *ruleset)
{
    struct tend_fleet *fleet;
    if (tend_fleet_create(ruleset, engine->listings, engine->fleet, engine->ruleset, &fleet) != TEND_OK) {
        return false;
    }
    engine->tick_in_flight = false; // its calls point into the old fleet; what was new to it stays new to the next tick
    engine->call_count = 0;
    tend_facts_keep_guards(engine, fleet);
    tend_baselines_keep(engine, fleet);
    close_lost_alerts(engine);
    struct tend_fleet *old_fleet = engine->fleet;
    struct tend_ruleset *old_rules = engine->ruleset;
    engine->fleet = fleet;
    engine->ruleset = ruleset;
    tend_edges_connect(engine);
    if (old_rules == ruleset) {
        tend_departure_listed(engine, old_fleet);
    } else {
        tend_departure_reloaded(engine);
    }
    tend_fleet_destroy(old_fleet);
    if (old_rules != ruleset) {
        tend_ruleset_destroy(old_rules);
        free(engine->rules);
        engine->rules = calloc(ruleset->rule_count + 1, sizeof *engine->rules);
        TEND_ASSERT(engine->rules != NULL);
    }
    tend_facts_restore_guards(engine);
    tend_baselines_find(engine);
    tend_facts_restore_alerts(engine);
    tend_notice_resume(engine);
    tend_incident_mark_stale(engine);
    engine->tick_due_ms = engine->now_ms + TICK_DELAY_MS;
    (void)tend_emit(engine, TEND_EFFECT_TARGETS);
    return true;
}

static void take_generation(struct tend_engine *engine, const struct tend_event *event)
{
    struct tend_ruleset *ruleset = event->generation.ruleset;
    (void)tend_emit_record(engine, TEND_RECORD_SOURCE, ruleset->hash, NULL, true, false,
                           json_deep_copy(event->generation.sources));
    (void)tend_emit_record(engine, TEND_RECORD_START, "generation", NULL, true, true,
                           json_pack("{s:s, s:s}", "version", TEND_VERSION, "generation", ruleset->hash));
    carry_listings(engine, ruleset);
    // The evaluators have the new rules already: with the old ones beside them it would be acted on a wrong state.
    const bool taken = rebuild_fleet(engine, ruleset);
    TEND_ASSERT(taken);
}

static void take_targets(struct tend_engine *engine, const struct tend_event_targets *event)
{
    if (engine->ruleset == NULL || event->discovery >= engine->listing_count) {
        return;
    }
    struct tend_listing *listing = &engine->listings[event->discovery];
    struct tend_listed *targets = calloc(event->count + 1, sizeof *targets);
    TEND_ASSERT(targets != NULL);
    for (size_t i = 0; i < event->count; i++) {
        targets[i].url = tend_copy_text(event->targets[i].url);
        targets[i].address = tend_copy_text(event->targets[i].address);
        targets[i].labels = json_deep_copy(event->targets[i].labels);
    }
    char *key = tend_copy_text(listing->key);
    clear_listing(listing);
    *listing = (struct tend_listing){ .key = key, .targets = targets, .count = event->count };
    if (!rebuild_fleet(engine, engine->ruleset)) { // the next list has this one's targets too
        tend_log(TEND_LOG_ERROR, "out of memory while targets changed: the old ones stay");
    }
}

static void reconsider_all(struct tend_engine *engine)
{
    for (size_t i = 0; i < engine->incident_count; i++) {
        struct tend_incident *incident = engine->incidents[i];
        for (size_t c = 0; c < incident->culprit_count; c++) {
            json_decref(incident->culprits[c].said);
            incident->culprits[c].said = NULL;
            incident->culprits[c].dry_told = false;
        }
        incident->stale = incident->news = true;
    }
}

static void arm_one(struct tend_engine *engine, const char *hash, const char *playbook, bool on, const char *who)
{
    char key[80];
    (void)snprintf(key, sizeof key, "arm/%s", hash);
    if (on) {
        (void)json_object_set_new(engine->arms, hash, json_string(who));
    } else {
        (void)json_object_del(engine->arms, hash);
    }
    (void)tend_emit_record(
        engine, TEND_RECORD_OPERATOR, key, NULL, true, on,
        json_pack("{s:s, s:s, s:s, s:b}", "what", on ? "arm" : "disarm", "argument", playbook, "who", who, "on", on));
}

static void take_arm(struct tend_engine *engine, const char *playbook, bool on, const char *who)
{
    for (size_t i = 0; engine->ruleset != NULL && i < engine->ruleset->playbook_count; i++) {
        const char *name = engine->ruleset->playbooks[i].name;
        if (strcmp(playbook, "*") == 0 || strcmp(playbook, name) == 0) {
            char hash[65];
            tend_ruleset_playbook_hash(engine->ruleset, i, hash);
            arm_one(engine, hash, name, on, who);
        }
    }
    for (size_t i = 0; !on && i < engine->run_count; i++) { // one that is under way may be of an earlier text
        const struct tend_run *run = engine->runs[i];
        if ((strcmp(playbook, "*") == 0 || strcmp(playbook, run->playbook) == 0) &&
            json_object_get(engine->arms, run->playbook_hash) != NULL) {
            arm_one(engine, run->playbook_hash, run->playbook, false, who);
        }
    }
}

static void take_operator(struct tend_engine *engine, const struct tend_event *event)
{
    const char *command = event->operator.command;
    const char *argument = event->operator.argument;
    const char *who = event->operator.who;
    if (strcmp(command, "mark") == 0) {
        tend_mark_take(engine, argument, who);
        return; // nothing is decided otherwise for it
    }
    if (strcmp(command, "pause") == 0 || strcmp(command, "resume") == 0) {
        engine->paused = strcmp(command, "pause") == 0;
        free(engine->paused_by);
        engine->paused_by = engine->paused ? tend_copy_text(who) : NULL;
        engine->paused_wall_ms = engine->wall_ms;
        (void)tend_emit_record(engine, TEND_RECORD_OPERATOR, "pause", NULL, true, engine->paused,
                               json_pack("{s:s, s:s, s:s, s:b, s:I}", "what", command, "argument", argument, "who", who,
                                         "on", engine->paused, "wall_ms", (json_int_t)engine->wall_ms));
    } else if (strcmp(command, "arm") == 0 || strcmp(command, "disarm") == 0) {
        take_arm(engine, argument, strcmp(command, "arm") == 0, who);
    } else if (strcmp(command, "ack") == 0) {
        tend_ack_command(engine, argument, who);
    } else if (strcmp(command, "silence") == 0 || strcmp(command, "unsilence") == 0 || strcmp(command, "deploy") == 0) {
        tend_silence_command(engine, command, argument, who);
    } else if (strcmp(command, "relearn") == 0 && engine->fleet != NULL) {
        struct tend_service *service = tend_fleet_find(engine->fleet, argument);
        if (service != NULL) {
            tend_expect_restart(engine, service, NULL, TEND_BASELINE_FROM_NOTHING);
            (void)tend_emit_record(
                engine, TEND_RECORD_OPERATOR, "relearn", NULL, true, false,
                json_pack("{s:s, s:s, s:s, s:b}", "what", "relearn", "argument", argument, "who", who, "on", false));
        }
    } else if (strcmp(command, "close") == 0 && engine->fleet != NULL) {
        struct tend_service *service = tend_fleet_find(engine->fleet, argument);
        if (service != NULL) {
            service->guard.breaker_open = false;
            service->guard.failed_runs = 0;
            service->guard.backoff_until_ms = service->guard.cooldown_until_ms = TEND_NEVER;
            service->guard.counted_from_ms = engine->now_ms;
            service->guard.cured_ms = TEND_NEVER;
            tend_facts_guard(engine, service);
            (void)tend_emit_record(
                engine, TEND_RECORD_OPERATOR, "close", NULL, true, false,
                json_pack("{s:s, s:s, s:s, s:b}", "what", "close", "argument", argument, "who", who, "on", false));
        }
    }
    reconsider_all(engine);
}

static void take_reply(struct tend_engine *engine, const struct tend_event *event)
{
    for (size_t i = 0; i < engine->incident_count; i++) {
        if (engine->incidents[i]->ask == event->reply.id) {
            tend_incident_located(engine, engine->incidents[i], event);
            return;
        }
    }
    for (size_t i = 0; i < engine->notice_count; i++) {
        if (engine->notices[i]->ask == event->reply.id) {
            tend_notice_formatted(engine, engine->notices[i], event);
            return;
        }
    }
}

// Wall time jumped: windows across the jump are unknown, so they are cut here.
static void take_wall_moved(struct tend_engine *engine, int64_t moved_ms)
{
    tend_log(TEND_LOG_WARN, "wall clock jumped by_ms=%lld windows=cut", (long long)moved_ms);
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->instance_count; i++) {
        if (engine->fleet->instances[i] != NULL) {
            tend_series_window_cut(engine->fleet->instances[i]->window, engine->now_ms);
        }
    }
}

static void take_journal_failed(struct tend_engine *engine, const char *why)
{
    const bool known = engine->journal_failed;
    engine->journal_failed = true;
    tend_text_format(engine->journal_why, sizeof engine->journal_why, "%s", why);
    if (!known) {
        tend_log(TEND_LOG_ERROR, "journal cannot be written: no acts until it can why=\"%s\"", why);
        tend_notice_journal(engine);
    }
}

static void take_journal_reached(struct tend_engine *engine, uint64_t number)
{
    engine->reached = number;
    if (engine->journal_failed) {
        engine->journal_failed = false;
        tend_log(TEND_LOG_INFO, "journal can be written again reached=%llu", (unsigned long long)number);
        tend_notice_journal(engine);
    }
}

static void dispatch(struct tend_engine *engine, const struct tend_event *event)
{
    switch (event->kind) {
    case TEND_EVENT_SCRAPED:
        take_scrape(engine, &event->scraped);
        break;
    case TEND_EVENT_TIMER:
        engine->wake_ms = TEND_NEVER;
        break;
    case TEND_EVENT_TARGETS:
        take_targets(engine, &event->targets);
        break;
    case TEND_EVENT_VERDICTS:
        tend_tick_verdicts(engine, event);
        break;
    case TEND_EVENT_REPLY:
        take_reply(engine, event);
        break;
    case TEND_EVENT_RUN_REPLY:
        tend_run_reply(engine, event);
        break;
    case TEND_EVENT_STEP_RESULT:
        tend_run_step_result(engine, event);
        break;
    case TEND_EVENT_DELIVERED:
        tend_notice_delivered(engine, event);
        break;
    case TEND_EVENT_JOURNAL_REACHED:
        take_journal_reached(engine, event->journal_reached);
        break;
    case TEND_EVENT_JOURNAL_FAILED:
        take_journal_failed(engine, event->journal_failed);
        break;
    case TEND_EVENT_OPERATOR:
        take_operator(engine, event);
        break;
    case TEND_EVENT_WALL_MOVED:
        take_wall_moved(engine, event->wall_moved_ms);
        break;
    case TEND_EVENT_GENERATION:
        take_generation(engine, event);
        break;
    case TEND_EVENT_MEASURED:
        take_measured(engine, &event->measured);
        break;
    case TEND_EVENT_LOGS:
        take_logs(engine, &event->logs);
        break;
    case TEND_EVENT_BASELINES:
        tend_baselines_take(engine, event->baselines.bytes, event->baselines.byte_count);
        break;
    }
}

static void drop_ended(struct tend_engine *engine)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->run_count; i++) {
        if (engine->runs[i]->state == TEND_RUN_ENDED) {
            tend_run_destroy(engine->runs[i]);
        } else {
            engine->runs[kept++] = engine->runs[i];
        }
    }
    engine->run_count = kept;
}

static int64_t earlier(int64_t one, int64_t other)
{
    if (one == TEND_NEVER) {
        return other;
    }
    return other == TEND_NEVER || one < other ? one : other;
}

static void keep_awake(struct tend_engine *engine)
{
    if (engine->fleet == NULL) {
        return; // nothing moves before there are rules
    }
    int64_t wake_ms = engine->tick_in_flight ? TEND_NEVER : engine->tick_due_ms;
    for (size_t i = 0; i < engine->run_count; i++) {
        wake_ms = earlier(wake_ms, tend_run_wake_ms(engine->runs[i]));
    }
    for (size_t i = 0; i < engine->incident_count; i++) {
        wake_ms = earlier(wake_ms, tend_incident_wake_ms(engine, engine->incidents[i]));
    }
    wake_ms = earlier(wake_ms, tend_notice_wake_ms(engine));
    wake_ms = earlier(wake_ms, tend_silence_wake_ms(engine));
    wake_ms = earlier(wake_ms, tend_departure_wake_ms(engine));
    if (wake_ms != TEND_NEVER && wake_ms <= engine->now_ms) {
        wake_ms = engine->now_ms + 1; // what is due now and could not be done waits for an event, not in a loop
    }
    if (wake_ms != TEND_NEVER && wake_ms != engine->wake_ms) {
        tend_emit(engine, TEND_EFFECT_WAKE)->at_ms = wake_ms;
        engine->wake_ms = wake_ms;
    }
}

// The order is that of cause and effect: metrics, alerts, incidents, runs, messages. An incident that ends or a run
// that begins here may want the others once more; each pass only moves things forward, so few passes do.
static void advance(struct tend_engine *engine)
{
    if (engine->fleet == NULL) {
        return;
    }
    tend_silence_advance(engine);
    tend_departure_advance(engine);
    if (!engine->tick_in_flight && engine->tick_due_ms != TEND_NEVER && engine->tick_due_ms <= engine->now_ms) {
        tend_tick_begin(engine);
    }
    for (size_t i = 0; i < engine->run_count; i++) {
        tend_run_advance(engine, engine->runs[i]);
    }
    drop_ended(engine);
    if (!engine->tick_in_flight) {
        for (size_t i = 0; i < engine->incident_count; i++) {
            tend_incident_advance(engine, engine->incidents[i]);
        }
        tend_incident_drop_ended(engine);
        tend_hold_release(engine);
        tend_notice_end_merged(engine);
    }
    for (size_t i = 0; i < engine->notice_count; i++) {
        tend_notice_advance(engine, engine->notices[i]);
    }
    tend_notice_repeat(engine);
}

void tend_engine_step(struct tend_engine *engine, const struct tend_event *event, struct tend_effects *effects)
{
    engine->effects = effects;
    if (event->at_ms > engine->now_ms) { // time never falls, whatever a driver says
        engine->now_ms = event->at_ms;
    }
    engine->wall_ms = event->wall_ms;
    dispatch(engine, event);
    advance(engine);
    keep_awake(engine);
    engine->effects = NULL;
}

static void restore_operator(struct tend_engine *engine, const struct tend_record *record)
{
    const char *who = tend_json_text(record->body, "who", "");
    if (strcmp(record->key, "pause") == 0) {
        engine->paused = true;
        free(engine->paused_by);
        engine->paused_by = tend_copy_text(who);
        engine->paused_wall_ms = tend_json_integer(record->body, "wall_ms", record->wall_ms);
    } else if (strncmp(record->key, "silence/", strlen("silence/")) == 0) {
        tend_silence_restore(engine, record->body);
    } else if (strncmp(record->key, "arm/", 4) == 0) {
        (void)json_object_set_new(engine->arms, record->key + 4, json_string(who));
    } else if (strncmp(record->key, "left/", 5) == 0) {
        tend_departure_restore(engine, record->key + 5, record->body);
    }
}

void tend_engine_restore(struct tend_engine *engine, const struct tend_record *record)
{
    struct tend_run *run;
    switch (record->kind) {
    case TEND_RECORD_ALERT:
        (void)json_object_set(engine->restored_alerts, record->key, record->body);
        break;
    case TEND_RECORD_TARGET:
        (void)json_object_set(engine->restored_guards, record->key, record->body);
        break;
    case TEND_RECORD_INCIDENT:
        tend_incident_restore(engine, record->body);
        break;
    case TEND_RECORD_RUN:
        tend_run_restore(engine, record->body);
        break;
    case TEND_RECORD_STEP:
        run = tend_run_find(engine, tend_json_text(record->body, "run", ""));
        if (run != NULL) {
            tend_run_restore_step(engine, run, record->body);
        }
        break;
    case TEND_RECORD_OPERATOR:
        restore_operator(engine, record);
        break;
    case TEND_RECORD_NOTICE:
        tend_notice_restore(engine, record);
        break;
    case TEND_RECORD_START:
    case TEND_RECORD_SOURCE:
    case TEND_RECORD_EVIDENCE:
    case TEND_RECORD_DECISION:
        break;
    }
}
