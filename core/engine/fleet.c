// Building the fleet. Slots of the metric table lie service by service, each service's block followed by those of its
// instances, so that a service with all its instances is one pass.
//
// What lasts over a rebuild is moved from the fleet before: windows go with their instance (by service and URL), alerts
// with their names, guards and histories with their subject when the metric is still made the same way.

#include "engine/fleet.h"
#include "engine/happening.h"

#include "engine/forecast.h"
#include "parse/url.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tend_service_metric(const struct tend_service_def *def, const char *name)
{
    for (size_t i = 0; i < def->metric_count; i++) {
        if (strcmp(def->metrics[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

struct tend_service *tend_fleet_find(const struct tend_fleet *fleet, const char *service)
{
    return tend_hash_map_find(fleet->by_name, service, strlen(service));
}

struct tend_instance *tend_service_find_instance(const struct tend_service *service, const char *name)
{
    for (size_t i = 0; i < service->instance_count; i++) {
        if (strcmp(service->instances[i]->name, name) == 0) {
            return service->instances[i];
        }
    }
    return NULL;
}

bool tend_instance_slept(const struct tend_instance *instance)
{
    const struct tend_service *service = instance->service;
    return service->asleep || (service->woke_ms != TEND_NEVER &&
                               tend_series_window_history(instance->window)->newest_ms <= service->woke_ms);
}

bool tend_instance_failed(const struct tend_instance *instance)
{
    const struct tend_scrape_history *history = tend_series_window_history(instance->window);
    return history->newest_ms != TEND_NEVER && history->kind != TEND_SCRAPE_OK && !tend_instance_slept(instance);
}

double tend_subject_worst(const struct tend_fleet *fleet, const struct tend_service_def *def,
                          const struct tend_subject *subject, int *metric)
{
    double worst = 0.0;
    int which = -1;
    for (size_t i = 0; i < def->metric_count; i++) {
        const double a = fleet->table.a[subject->slot + i];
        if (a > worst) { // false for NaN
            worst = a;
            which = (int)i;
        }
    }
    if (metric != NULL) {
        *metric = which;
    }
    return worst;
}

bool tend_subject_is_out(const struct tend_fleet *fleet, const struct tend_service_def *def,
                         const struct tend_subject *subject)
{
    return tend_subject_worst(fleet, def, subject, NULL) >= 1.0;
}

double tend_service_out_share(const struct tend_fleet *fleet, const struct tend_service *service)
{
    if (service->instance_count == 0) {
        return 0.0;
    }
    size_t out = 0;
    for (size_t i = 0; i < service->instance_count; i++) {
        out += tend_subject_is_out(fleet, service->def, &service->instances[i]->subject);
    }
    return (double)out / (double)service->instance_count;
}

bool tend_instance_serves(const struct tend_fleet *fleet, const struct tend_instance *instance)
{
    const int up = tend_service_metric(instance->service->def, "up");
    return up >= 0 && fleet->table.p[instance->subject.slot + (size_t)up] >= 0.5; // NaN: not known to serve
}

size_t tend_service_serving(const struct tend_fleet *fleet, const struct tend_service *service)
{
    size_t serving = 0;
    for (size_t i = 0; i < service->instance_count; i++) {
        serving += tend_instance_serves(fleet, service->instances[i]);
    }
    return serving;
}

static void subject_clear(struct tend_subject *subject, size_t metric_count)
{
    for (size_t i = 0; subject->histories != NULL && i < metric_count; i++) {
        tend_history_destroy(subject->histories[i]);
    }
    tend_trace_destroy(subject->trace);
    for (size_t i = 0; subject->outlooks != NULL && i < metric_count; i++) {
        tend_outlook_destroy(subject->outlooks[i]);
    }
    free(subject->outlooks);
    for (size_t i = 0; subject->baselines != NULL && i < metric_count; i++) {
        tend_baseline_destroy(subject->baselines[i]);
    }
    free((void *)subject->baselines);
    free(subject->histories);
    free(subject->out_since_ms);
    *subject = (struct tend_subject){ .slot = 0 };
}

static void instance_destroy(struct tend_instance *instance)
{
    if (instance == NULL) {
        return;
    }
    if (instance->service != NULL) {
        subject_clear(&instance->subject, instance->service->def->metric_count);
    }
    free(instance->given);
    tend_edge_columns_destroy(instance->edges);
    tend_telltales_destroy(instance->telltales);
    tend_parts_destroy(instance->parts);
    tend_metric_plan_destroy(instance->plan);
    tend_series_window_destroy(instance->window);
    free(instance->url);
    free(instance->name);
    free(instance->address);
    free(instance->host);
    free(instance->port);
    free(instance->labels_text);
    free(instance->version);
    json_decref(instance->labels);
    free(instance);
}

static void service_destroy(struct tend_service *service)
{
    if (service == NULL) {
        return;
    }
    for (size_t i = 0; i < service->instance_count; i++) {
        instance_destroy(service->instances[i]);
    }
    for (size_t i = 0; i < service->alert_count; i++) {
        free(service->alerts[i].latches);
        free(service->alerts[i].incident);
    }
    subject_clear(&service->subject, service->def->metric_count);
    tend_parts_destroy(service->pooled);
    tend_log_evidence_destroy(service->logs);
    json_decref(service->happenings);
    free(service->alerts);
    free(service->instances);
    free(service->name);
    free(service);
}

void tend_fleet_destroy(struct tend_fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    for (size_t i = 0; i < fleet->service_count; i++) {
        service_destroy(fleet->services[i]);
    }
    free(fleet->services);
    free(fleet->instances);
    tend_hash_map_destroy(fleet->by_name);
    tend_metric_table_clear(&fleet->table);
    tend_topology_clear(&fleet->topology);
    free(fleet);
}

// Appends a pointer to an array that grows by doubling from 8.
static enum tend_status append(void ***array, size_t *count, void *pointer)
{
    if ((*count & (*count - 1)) == 0 && (*count >= 8 || *count == 0)) {
        void **grown = reallocarray(*array, *count == 0 ? 8 : *count * 2, sizeof *grown);
        if (grown == NULL) {
            return TEND_E_NOMEM;
        }
        *array = grown;
    }
    (*array)[(*count)++] = pointer;
    return TEND_OK;
}

static struct tend_baseline_spec spec_of(const struct tend_metric_def *metric)
{
    return (struct tend_baseline_spec){
        .season_hours = metric->season_hours,
        .detectors = isnan(metric->alpha) && isnan(metric->out_at),
        .by_load = metric->given != NULL,
    };
}

static enum tend_status subject_init(struct tend_fleet *fleet, const struct tend_service_def *def, bool is_traced,
                                     struct tend_subject *subject)
{
    if (is_traced && tend_trace_create(def->metric_count, def->every_ms, &subject->trace) != TEND_OK) {
        return TEND_E_NOMEM;
    }
    const enum tend_status status =
        tend_metric_table_add(&fleet->table, def->metrics, def->metric_count, &subject->slot);
    if (status != TEND_OK) {
        return status;
    }
    subject->learned_ms = TEND_NEVER;
    subject->out_since_ms = calloc(def->metric_count + 1, sizeof *subject->out_since_ms);
    subject->histories = calloc(def->metric_count + 1, sizeof(struct tend_history *));
    subject->outlooks = calloc(def->metric_count + 1, sizeof(struct tend_outlook *));
    subject->baselines = calloc(def->metric_count + 1, sizeof(struct tend_baseline *));
    if (subject->out_since_ms == NULL || subject->histories == NULL || subject->outlooks == NULL ||
        subject->baselines == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < def->metric_count; i++) {
        const struct tend_metric_def *metric = &def->metrics[i];
        subject->out_since_ms[i] = TEND_NEVER;
        if (metric->expect == TEND_EXPECT_VALUE) {
            fleet->table.e[subject->slot + i] = metric->expect_value;
        }
        if ((metric->expect == TEND_EXPECT_LAST &&
             tend_history_create(metric->expect_samples, &subject->histories[i]) != TEND_OK) ||
            (metric->expect == TEND_EXPECT_LEARNED &&
             tend_baseline_create(spec_of(metric), &subject->baselines[i]) != TEND_OK)) {
            return TEND_E_NOMEM;
        }
        if (metric->ahead_ms > 0 &&
            tend_outlook_create(tend_forecast_bucket_ms(def, metric), &subject->outlooks[i]) != TEND_OK) {
            return TEND_E_NOMEM;
        }
    }
    return TEND_OK;
}

static struct tend_service *service_add(struct tend_fleet *fleet, const char *name, const struct tend_service_def *def)
{
    struct tend_service *service = calloc(1, sizeof *service);
    if (service == NULL) {
        return NULL;
    }
    service->def = def;
    service->name = strdup(name);
    service->index = fleet->service_count;
    service->data_ms = service->trouble_ms = service->woke_ms = TEND_NEVER;
    service->guard.cooldown_until_ms = service->guard.backoff_until_ms = TEND_NEVER;
    service->guard.counted_from_ms = service->guard.cured_ms = TEND_NEVER;
    for (size_t i = 0; i < sizeof service->guard.runs_ms / sizeof service->guard.runs_ms[0]; i++) {
        service->guard.runs_ms[i] = TEND_NEVER;
    }
    if (service->name == NULL || tend_parts_create(def->metrics, def->metric_count, &service->pooled) != TEND_OK ||
        tend_hash_map_set(fleet->by_name, name, strlen(name), service) != TEND_OK ||
        append((void ***)&fleet->services, &fleet->service_count, service) != TEND_OK) {
        (void)tend_hash_map_remove(fleet->by_name, name, strlen(name));
        service_destroy(service);
        return NULL;
    }
    return service;
}

static bool instance_set_address(struct tend_instance *instance, const char *url, const char *address)
{
    struct tend_url parts;
    struct tend_error ignored;
    instance->url = strdup(url);
    if (tend_url_parse(url, strlen(url), &parts, &ignored) == TEND_OK) {
        instance->host = strndup(parts.host.text, parts.host.bytes);
        if (asprintf(&instance->port, "%u", (unsigned)parts.port) < 0) {
            instance->port = NULL;
        }
    } else {
        instance->host = strdup("");
        instance->port = strdup("");
    }
    if (address != NULL) {
        instance->address = strdup(address);
    } else if (instance->host != NULL && instance->port != NULL &&
               asprintf(&instance->address, "%s:%s", instance->host, instance->port) < 0) {
        instance->address = NULL;
    }
    return instance->url != NULL && instance->host != NULL && instance->port != NULL && instance->address != NULL;
}

// A static target's instance is called SERVICE/HOST:PORT, a discovered one SERVICE/ADDRESS; its labels say the same.
static enum tend_status instance_add(struct tend_service *service, const char *url, const char *address, json_t *labels)
{
    struct tend_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL) {
        return TEND_E_NOMEM;
    }
    instance->version_since_ms = TEND_NEVER;
    instance->version = strdup("");
    instance->labels = labels == NULL ? json_object() : json_deep_copy(labels);
    const bool addressed = instance_set_address(instance, url, address);
    if (addressed && asprintf(&instance->name, "%s/%s", service->name, instance->address) < 0) {
        instance->name = NULL;
    }
    instance->labels_text = instance->labels == NULL ? NULL : tend_json_canonical(instance->labels);
    const struct tend_service_def *def = service->def;
    if (!addressed || instance->name == NULL || instance->version == NULL || instance->labels_text == NULL ||
        tend_series_window_create(def->keep_ms, def->every_ms, &instance->window) != TEND_OK ||
        tend_metric_plan_create(def->metrics, def->metric_count, &instance->plan) != TEND_OK ||
        tend_parts_create(def->metrics, def->metric_count, &instance->parts) != TEND_OK ||
        append((void ***)&service->instances, &service->instance_count, instance) != TEND_OK) {
        instance_destroy(instance);
        return TEND_E_NOMEM;
    }
    instance->service = service;
    return TEND_OK;
}

static const struct tend_service_def *def_of_discovered(const struct tend_discovery_def *discovery, const char *service)
{
    for (size_t i = 0; i < discovery->override_count; i++) {
        if (strcmp(discovery->overrides[i]->name, service) == 0) {
            return discovery->overrides[i];
        }
    }
    return discovery->template_def;
}

static bool has_instance(const struct tend_service *service, const char *url)
{
    for (size_t i = 0; i < service->instance_count; i++) {
        if (strcmp(service->instances[i]->url, url) == 0) {
            return true;
        }
    }
    return false;
}

static enum tend_status add_discovered(struct tend_fleet *fleet, const struct tend_discovery_def *discovery,
                                       const struct tend_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct tend_listed *found = &listing->targets[i];
        const char *name = tend_json_text(found->labels, discovery->service_label, NULL);
        if (name == NULL || name[0] == '\0') {
            continue; // without the label it is nobody's: `tend status` warns of it
        }
        struct tend_service *service = tend_fleet_find(fleet, name);
        if (service == NULL) {
            service = service_add(fleet, name, def_of_discovered(discovery, name));
        }
        if (service == NULL) {
            return TEND_E_NOMEM;
        }
        if (!has_instance(service, found->url) &&
            instance_add(service, found->url, found->address, found->labels) != TEND_OK) {
            return TEND_E_NOMEM;
        }
    }
    return TEND_OK;
}

static enum tend_status add_static(struct tend_fleet *fleet, const struct tend_ruleset *ruleset)
{
    for (size_t i = 0; i < ruleset->service_count; i++) {
        const struct tend_service_def *def = &ruleset->services[i];
        struct tend_service *service = service_add(fleet, def->name, def);
        if (service == NULL) {
            return TEND_E_NOMEM;
        }
        for (size_t t = 0; t < def->target_count; t++) {
            if (instance_add(service, def->targets[t], NULL, NULL) != TEND_OK) {
                return TEND_E_NOMEM;
            }
        }
    }
    return TEND_OK;
}

static enum tend_status add_alert(struct tend_service *service, const struct tend_rule_binding *binding,
                                  struct tend_instance *instance)
{
    struct tend_rule_alert *alert = &service->alerts[service->alert_count++];
    *alert = (struct tend_rule_alert){
        .alert = { .clear_since_ms = TEND_ALERT_NEVER },
        .binding = binding,
        .service = service,
        .instance = instance,
        .verdict = TEND_VERDICT_UNKNOWN,
        .data_ms = TEND_NEVER,
        .latches = calloc(service->def->metric_count + 1, 1),
    };
    return alert->latches == NULL ? TEND_E_NOMEM : TEND_OK;
}

static enum tend_status add_alerts(const struct tend_ruleset *ruleset, struct tend_service *service)
{
    const struct tend_service_def *def = service->def;
    service->alerts = calloc(def->rule_count * (service->instance_count + 1) + 1, sizeof *service->alerts);
    if (service->alerts == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t r = 0; r < def->rule_count; r++) {
        const bool per_instance = ruleset->rules[def->rules[r].rule].per_instance;
        const size_t subjects = per_instance ? service->instance_count : 1;
        for (size_t i = 0; i < subjects; i++) {
            struct tend_instance *instance = per_instance ? service->instances[i] : NULL;
            if (add_alert(service, &def->rules[r], instance) != TEND_OK) {
                return TEND_E_NOMEM;
            }
        }
    }
    return TEND_OK;
}

static enum tend_status connect_services(struct tend_fleet *fleet)
{
    size_t most = 0;
    for (size_t i = 0; i < fleet->service_count; i++) {
        most += fleet->services[i]->def->depend_count;
    }
    struct tend_edge *edges = calloc(most + 1, sizeof *edges);
    if (edges == NULL) {
        return TEND_E_NOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < fleet->service_count; i++) {
        const struct tend_service_def *def = fleet->services[i]->def;
        for (size_t d = 0; d < def->depend_count; d++) {
            const struct tend_service *on = tend_fleet_find(fleet, def->depends[d]);
            if (on != NULL) {
                edges[count++] = (struct tend_edge){ .from = i, .to = on->index };
            }
        }
    }
    const enum tend_status status = tend_topology_init(&fleet->topology, fleet->service_count, edges, count);
    free(edges);
    return status;
}

static bool same_rule(const struct tend_rule_alert *one, const struct tend_rule_alert *other,
                      const struct tend_ruleset *rules_now, const struct tend_ruleset *rules_before)
{
    const char *instance = one->instance == NULL ? "" : one->instance->name;
    const char *other_instance = other->instance == NULL ? "" : other->instance->name;
    return strcmp(rules_now->rules[one->binding->rule].name, rules_before->rules[other->binding->rule].name) == 0 &&
           strcmp(instance, other_instance) == 0;
}

static bool same_load(const struct tend_metric_def *one, const struct tend_metric_def *other)
{
    return one->given == NULL || other->given == NULL ? one->given == other->given
                                                      : strcmp(one->given, other->given) == 0;
}

static bool same_source(const struct tend_metric_def *one, const struct tend_metric_def *other)
{
    return strcmp(one->name, other->name) == 0 && one->kind == other->kind && one->expect == other->expect &&
           one->expect_samples == other->expect_samples && one->season_hours == other->season_hours &&
           same_load(one, other) && (one->zone == NULL || strcmp(one->zone_name, other->zone_name) == 0);
}

// A trace goes on where its metrics are made as before. Mostly all of them are, and it goes over as it is.
static void take_over_trace(const struct tend_service *now, struct tend_trace **trace,
                            const struct tend_service *before, struct tend_trace **old)
{
    int *from = calloc(now->def->metric_count + 1, sizeof *from);
    if (*trace == NULL || *old == NULL || from == NULL) { // out of memory: the past is lost, nothing else
        free(from);
        return;
    }
    bool same = now->def->metric_count == before->def->metric_count && now->def->every_ms == before->def->every_ms;
    for (size_t i = 0; i < now->def->metric_count; i++) {
        const struct tend_metric_def *def = &now->def->metrics[i];
        from[i] = tend_service_metric(before->def, def->name);
        if (from[i] >= 0 && before->def->metrics[from[i]].kind != def->kind) {
            from[i] = -1;
        }
        same = same && from[i] == (int)i;
    }
    if (same) {
        struct tend_trace *empty = *trace;
        *trace = *old;
        *old = empty;
    } else {
        tend_trace_copy(*trace, *old, from);
    }
    free(from);
}

// A service that had one instance until now was traced there.
static void begin_trace(struct tend_service *now, const struct tend_service *before)
{
    const struct tend_trace *old = before->instance_count == 1 ? before->instances[0]->subject.trace : NULL;
    int *from = calloc(now->def->metric_count + 1, sizeof *from);
    for (size_t i = 0; from != NULL && i < now->def->metric_count; i++) {
        from[i] = tend_service_metric(before->def, now->def->metrics[i].name);
    }
    if (now->subject.trace != NULL && old != NULL && from != NULL) {
        tend_trace_copy(now->subject.trace, old, from);
    }
    free(from);
}

static void take_over_subject(const struct tend_service *now, struct tend_subject *subject,
                              const struct tend_service *before, struct tend_subject *from)
{
    subject->learned_ms = from->learned_ms; // what it measures anew it has learned from already
    take_over_trace(now, &subject->trace, before, &from->trace);
    for (size_t i = 0; i < now->def->metric_count; i++) {
        const int old = tend_service_metric(before->def, now->def->metrics[i].name);
        if (old < 0 || !same_source(&now->def->metrics[i], &before->def->metrics[old])) {
            continue;
        }
        subject->out_since_ms[i] = from->out_since_ms[old];
        struct tend_history *history = subject->histories[i];
        subject->histories[i] = from->histories[old];
        from->histories[old] = history;
        if (tend_forecast_goes_on(now->def, &now->def->metrics[i], before->def, &before->def->metrics[old])) {
            struct tend_outlook *outlook = subject->outlooks[i];
            subject->outlooks[i] = from->outlooks[old];
            from->outlooks[old] = outlook;
        }
        if (subject->baselines[i] != NULL) { // with another limit it is judged otherwise, but has not become another
            tend_baseline_inherit(subject->baselines[i], from->baselines[old]);
        }
    }
}

static void take_over_instance(struct tend_instance *now, struct tend_instance *before)
{
    if (tend_series_window_resize(before->window, now->service->def->keep_ms, now->service->def->every_ms) == TEND_OK) {
        struct tend_series_window *window = now->window;
        now->window = before->window;
        before->window = window;
    }
    char *version = now->version;
    now->version = before->version;
    before->version = version;
    now->version_since_ms = before->version_since_ms;
    now->telltales = before->telltales;
    before->telltales = NULL;
    memcpy(now->reason, before->reason, sizeof now->reason);
    if (tend_series_window_history(now->window)->newest_ms != TEND_NEVER) {
        now->dirty = true; // its metrics are measured anew with the new definitions
        now->service->dirty = true;
    }
    take_over_subject(now->service, &now->subject, before->service, &before->subject);
}

static void take_over_alert(struct tend_rule_alert *now, struct tend_rule_alert *before)
{
    now->alert = before->alert;
    now->verdict = before->verdict;
    now->data_ms = before->data_ms;
    now->fired_wall_ms = before->fired_wall_ms;
    now->incident = before->incident;
    before->incident = NULL;
    before->alert.state = TEND_ALERT_INACTIVE; // it goes on elsewhere
    if (now->alert.state == TEND_ALERT_PENDING && now->binding->fire_after_ms != before->binding->fire_after_ms) {
        now->alert.state = TEND_ALERT_INACTIVE; // its old pending time says nothing about the new rule
    }
    for (size_t i = 0; i < now->service->def->metric_count; i++) {
        const int old = tend_service_metric(before->service->def, now->service->def->metrics[i].name);
        now->latches[i] = old >= 0 ? before->latches[old] : 0;
    }
}

static void take_over_service(struct tend_service *now, struct tend_service *before,
                              const struct tend_ruleset *rules_now, const struct tend_ruleset *rules_before)
{
    now->guard = before->guard;
    now->data_ms = before->data_ms;
    now->trouble_ms = before->trouble_ms;
    now->asleep = before->asleep;
    now->asleep_wall_ms = before->asleep_wall_ms;
    now->woke_ms = before->woke_ms;
    begin_trace(now, before);
    now->logs = before->logs;
    before->logs = NULL;
    now->happenings = before->happenings;
    before->happenings = NULL;
    take_over_subject(now, &now->subject, before, &before->subject);
    size_t same = 0;
    for (size_t i = 0; i < now->instance_count; i++) {
        for (size_t j = 0; j < before->instance_count; j++) {
            if (strcmp(now->instances[i]->url, before->instances[j]->url) == 0) {
                take_over_instance(now->instances[i], before->instances[j]);
                same++;
            }
        }
    }
    if (same != now->instance_count || same != before->instance_count) {
        tend_forecast_cut_subject(now->def, &now->subject, now->data_ms); // it is a mean over others than before
    }
    for (size_t i = 0; i < now->alert_count; i++) {
        for (size_t j = 0; j < before->alert_count; j++) {
            if (same_rule(&now->alerts[i], &before->alerts[j], rules_now, rules_before)) {
                take_over_alert(&now->alerts[i], &before->alerts[j]);
            }
        }
    }
}

// Name of an instance → its place in the old target table.
static enum tend_status old_places(const struct tend_fleet *before, struct tend_hash_map **out)
{
    struct tend_hash_map *places;
    enum tend_status status = tend_hash_map_create(&places);
    for (size_t i = 0; status == TEND_OK && before != NULL && i < before->instance_count; i++) {
        const struct tend_instance *old = before->instances[i];
        if (old != NULL) {
            status = tend_hash_map_set(places, old->name, strlen(old->name), (void *)(before->instances + i));
        }
    }
    *out = places;
    return status;
}

// Gives an instance the number that it had. @return false: it had none
static bool keep_number(struct tend_fleet *fleet, const struct tend_fleet *before, const struct tend_hash_map *places,
                        struct tend_instance *instance, bool same_rules)
{
    struct tend_instance **old = tend_hash_map_find(places, instance->name, strlen(instance->name));
    if (old == NULL || strcmp((*old)->url, instance->url) != 0) {
        return false;
    }
    fleet->instances[old - before->instances] = instance;
    instance->revision = same_rules ? (*old)->revision : ++fleet->revisions;
    return true;
}

// Target numbers: an instance that was there keeps its number, so that its connection and its slot are kept too; new
// ones take the numbers that are free, lowest first.
static enum tend_status number_instances(struct tend_fleet *fleet, const struct tend_fleet *before, bool same_rules)
{
    size_t most = before == NULL ? 0 : before->instance_count;
    for (size_t i = 0; i < fleet->service_count; i++) {
        most += fleet->services[i]->instance_count;
    }
    struct tend_hash_map *places = NULL;
    fleet->instances = calloc(most + 1, sizeof(struct tend_instance *));
    struct tend_instance **unplaced = calloc(most + 1, sizeof(struct tend_instance *));
    const bool ready = fleet->instances != NULL && unplaced != NULL && old_places(before, &places) == TEND_OK;
    fleet->revisions = before == NULL ? 0 : before->revisions;
    size_t unplaced_count = 0;
    for (size_t i = 0; ready && i < fleet->service_count; i++) {
        for (size_t j = 0; j < fleet->services[i]->instance_count; j++) {
            struct tend_instance *instance = fleet->services[i]->instances[j];
            if (!keep_number(fleet, before, places, instance, same_rules)) {
                unplaced[unplaced_count++] = instance;
            }
        }
    }
    for (size_t i = 0, next = 0; i < unplaced_count; next++) {
        if (fleet->instances[next] == NULL) {
            unplaced[i]->revision = ++fleet->revisions;
            fleet->instances[next] = unplaced[i++];
        }
    }
    free((void *)unplaced);
    tend_hash_map_destroy(places);
    fleet->instance_count = ready ? most : 0;
    while (fleet->instance_count > 0 && fleet->instances[fleet->instance_count - 1] == NULL) {
        fleet->instance_count--;
    }
    return ready ? TEND_OK : TEND_E_NOMEM;
}

enum tend_status tend_fleet_create(const struct tend_ruleset *ruleset, const struct tend_listing *listings,
                                   struct tend_fleet *before, const struct tend_ruleset *rules_before,
                                   struct tend_fleet **out)
{
    struct tend_fleet *fleet = calloc(1, sizeof *fleet);
    if (fleet == NULL) {
        return TEND_E_NOMEM;
    }
    tend_metric_table_init(&fleet->table);
    enum tend_status status = tend_hash_map_create(&fleet->by_name);
    if (status == TEND_OK) {
        status = add_static(fleet, ruleset);
    }
    for (size_t i = 0; status == TEND_OK && i < ruleset->discovery_count; i++) {
        status = add_discovered(fleet, &ruleset->discoveries[i], &listings[i]);
    }
    for (size_t i = 0; status == TEND_OK && i < fleet->service_count; i++) {
        struct tend_service *service = fleet->services[i];
        status = subject_init(fleet, service->def, service->instance_count > 1, &service->subject);
        for (size_t j = 0; status == TEND_OK && j < service->instance_count; j++) {
            status = subject_init(fleet, service->def, true, &service->instances[j]->subject);
        }
        if (status == TEND_OK) {
            status = add_alerts(ruleset, service);
        }
    }
    if (status == TEND_OK) {
        status = connect_services(fleet);
    }
    if (status == TEND_OK) {
        status = number_instances(fleet, before, ruleset == rules_before);
    }
    if (status != TEND_OK) {
        tend_fleet_destroy(fleet);
        return status;
    }
    for (size_t i = 0; before != NULL && i < fleet->service_count; i++) {
        struct tend_service *old = tend_fleet_find(before, fleet->services[i]->name);
        if (old != NULL) {
            take_over_service(fleet->services[i], old, ruleset, rules_before);
        }
    }
    *out = fleet;
    return TEND_OK;
}
