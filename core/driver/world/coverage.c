#include "driver/world/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tend_coverage {
    const json_t *document;
    size_t rule_count;
    bool *out, *in_line; // one a rule
    json_t *playbooks;   // name → true
    json_t *steps;       // "shop.lua:51" → true
    json_t *remedies;    // "service\nplaybook" → true
    json_t *locates;     // name → true
};

enum tend_status tend_coverage_create(const json_t *document, struct tend_coverage **out)
{
    struct tend_coverage *coverage = calloc(1, sizeof *coverage);
    if (coverage == NULL) {
        return TEND_E_NOMEM;
    }
    coverage->document = document;
    coverage->rule_count = json_array_size(json_object_get(document, "rules"));
    coverage->out = calloc(coverage->rule_count + 1, sizeof *coverage->out);
    coverage->in_line = calloc(coverage->rule_count + 1, sizeof *coverage->in_line);
    coverage->playbooks = json_object();
    coverage->steps = json_object();
    coverage->remedies = json_object();
    coverage->locates = json_object();
    if (coverage->out == NULL || coverage->in_line == NULL) {
        tend_coverage_destroy(coverage);
        return TEND_E_NOMEM;
    }
    *out = coverage;
    return TEND_OK;
}

void tend_coverage_destroy(struct tend_coverage *coverage)
{
    if (coverage == NULL) {
        return;
    }
    free(coverage->out);
    free(coverage->in_line);
    json_decref(coverage->playbooks);
    json_decref(coverage->steps);
    json_decref(coverage->remedies);
    json_decref(coverage->locates);
    free(coverage);
}

// ---- what is reached ----

static void take_verdict(void *context, size_t rule, enum tend_verdict verdict)
{
    struct tend_coverage *coverage = context;
    if (rule < coverage->rule_count) {
        coverage->out[rule] = coverage->out[rule] || verdict == TEND_VERDICT_OUT;
        coverage->in_line[rule] = coverage->in_line[rule] || verdict == TEND_VERDICT_IN_LINE;
    }
}

void tend_coverage_look(struct tend_coverage *coverage, const struct tend_simulation *simulation)
{
    tend_engine_visit_verdicts(tend_simulation_engine(simulation), take_verdict, coverage);
}

static void mark(json_t *set, const char *name)
{
    (void)json_object_set_new(set, name, json_true());
}

// An alert may have come and gone between two looks.
static void take_alert(struct tend_coverage *coverage, const json_t *body)
{
    const json_t *rules = json_object_get(coverage->document, "rules");
    const char *name = tend_json_text(body, "rule", "");
    const char *state = tend_json_text(body, "state", "");
    for (size_t i = 0; i < coverage->rule_count; i++) {
        if (strcmp(tend_json_text(json_array_get(rules, i), "name", ""), name) == 0) {
            coverage->out[i] = coverage->out[i] || strcmp(state, "firing") == 0 || strcmp(state, "pending") == 0;
            coverage->in_line[i] = coverage->in_line[i] || strcmp(state, "resolved") == 0;
        }
    }
}

static bool has_text(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one != NULL && strcmp(one, text) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_about(const json_t *on, const json_t *service)
{
    const json_t *groups = json_object_get(service, "groups");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        if (has_text(on, json_string_value(json_array_get(groups, i)))) {
            return true;
        }
    }
    return has_text(on, tend_json_text(service, "name", ""));
}

// A user's locator was asked of each service of a ranking that it is on.
static void take_evidence(struct tend_coverage *coverage, const json_t *body)
{
    const json_t *locates = json_object_get(coverage->document, "locates");
    const json_t *services = json_object_get(body, "services");
    for (size_t i = 0; i < json_array_size(locates); i++) {
        const json_t *locate = json_array_get(locates, i);
        for (size_t s = 0; s < json_array_size(services); s++) {
            if (is_about(json_object_get(locate, "on"), json_array_get(services, s))) {
                mark(coverage->locates, tend_json_text(locate, "name", ""));
            }
        }
    }
}

static void take_run(struct tend_coverage *coverage, const json_t *body)
{
    const char *playbook = tend_json_text(body, "playbook", "");
    char remedy[600];
    (void)snprintf(remedy, sizeof remedy, "%s\n%s", tend_json_text(body, "service", ""), playbook);
    mark(coverage->playbooks, playbook);
    mark(coverage->remedies, remedy);
}

void tend_coverage_take(struct tend_coverage *coverage, const struct tend_simulation *simulation)
{
    size_t count;
    const struct tend_record *records = tend_simulation_records(simulation, &count);
    for (size_t i = 0; i < count; i++) {
        const json_t *body = records[i].body;
        if (records[i].kind == TEND_RECORD_ALERT) {
            take_alert(coverage, body);
        } else if (records[i].kind == TEND_RECORD_EVIDENCE) {
            take_evidence(coverage, body);
        } else if (records[i].kind == TEND_RECORD_RUN) {
            take_run(coverage, body);
        } else if (records[i].kind == TEND_RECORD_STEP) {
            mark(coverage->steps, tend_json_text(body, "at", ""));
        }
    }
}

// ---- the document ----

static json_t *rules_of(const struct tend_coverage *coverage)
{
    json_t *list = json_array();
    for (size_t i = 0; i < coverage->rule_count; i++) {
        const json_t *rule = json_array_get(json_object_get(coverage->document, "rules"), i);
        (void)json_array_append_new(list, json_pack("{s:O?, s:O?, s:b, s:b}", "name", json_object_get(rule, "name"),
                                                    "at", json_object_get(rule, "at"), "out", (int)coverage->out[i],
                                                    "in_line", (int)coverage->in_line[i]));
    }
    return list;
}

// Declarations by their names. @param reached  which of them were  @param word  what that is called
static json_t *named(const struct tend_coverage *coverage, const char *kind, const json_t *reached, const char *word)
{
    json_t *list = json_array();
    const json_t *all = json_object_get(coverage->document, kind);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        const bool is_reached = json_object_get(reached, tend_json_text(one, "name", "")) != NULL;
        (void)json_array_append_new(list, json_pack("{s:O?, s:O?, s:b}", "name", json_object_get(one, "name"), "at",
                                                    json_object_get(one, "at"), word, (int)is_reached));
    }
    return list;
}

static json_t *steps_of(const struct tend_coverage *coverage)
{
    json_t *list = json_array();
    const json_t *playbooks = json_object_get(coverage->document, "playbooks");
    for (size_t i = 0; i < json_array_size(playbooks); i++) {
        const json_t *steps = json_object_get(json_array_get(playbooks, i), "steps");
        for (size_t s = 0; s < json_array_size(steps); s++) {
            const json_t *step = json_array_get(steps, s);
            const bool is_reached = json_object_get(coverage->steps, tend_json_text(step, "at", "")) != NULL;
            (void)json_array_append_new(list, json_pack("{s:O?, s:O?, s:O?, s:b}", "playbook",
                                                        json_object_get(json_array_get(playbooks, i), "name"), "what",
                                                        json_object_get(step, "what"), "at",
                                                        json_object_get(step, "at"), "reached", (int)is_reached));
        }
    }
    return list;
}

static void add_remedies(const struct tend_coverage *coverage, const json_t *service, json_t *list)
{
    const json_t *playbooks = json_object_get(coverage->document, "playbooks");
    const json_t *remedies = json_object_get(service, "remedies");
    const char *name = tend_json_text(service, "name", "");
    for (size_t i = 0; i < json_array_size(remedies); i++) {
        const size_t index = (size_t)json_integer_value(json_array_get(remedies, i));
        const char *playbook = tend_json_text(json_array_get(playbooks, index), "name", "");
        char remedy[600];
        (void)snprintf(remedy, sizeof remedy, "%s\n%s", name, playbook);
        const bool is_run = json_object_get(coverage->remedies, remedy) != NULL;
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:b}", "service", name, "playbook", playbook, "run", (int)is_run));
    }
}

static json_t *remedies_of(const struct tend_coverage *coverage)
{
    json_t *list = json_array();
    const json_t *services = json_object_get(coverage->document, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        add_remedies(coverage, json_array_get(services, i), list);
    }
    const json_t *discoveries = json_object_get(coverage->document, "discoveries");
    for (size_t i = 0; i < json_array_size(discoveries); i++) {
        const json_t *overrides = json_object_get(json_array_get(discoveries, i), "overrides");
        for (size_t j = 0; j < json_array_size(overrides); j++) {
            add_remedies(coverage, json_array_get(overrides, j), list);
        }
    }
    return list;
}

json_t *tend_coverage_document(const struct tend_coverage *coverage)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "rules", rules_of(coverage), "playbooks",
                     named(coverage, "playbooks", coverage->playbooks, "run"), "steps", steps_of(coverage), "remedies",
                     remedies_of(coverage), "locates", named(coverage, "locates", coverage->locates, "asked"));
}
