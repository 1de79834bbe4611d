#include "driver/world/interruption.h"

#include "parse/duration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_AGAIN_MS = 500 }; // a person who finds tend down tries again

enum kind { CRASHES, PAUSES, RESUMES, RELOADS, SAYS, LEAVES, COMES_BACK };

struct planned {
    struct planned *next;
    struct tend_interruptions *all;
    enum kind kind;
    const char *on;
    const char *command; // SAYS: one of engine/operator_command.h
    char *argument;
    const char *where; // SAYS: file and line of the scenario
    int64_t after_ms;
    bool happened;
    char *refused; // why it was without effect; NULL: it was not
};

struct tend_interruptions {
    struct tend_interruption_options options;
    struct planned *first;
    json_t *crashes; // by a record; those that have been are taken out
    json_t *left;    // instance → true
    int64_t end_ms;
};

static bool is_down(const struct tend_interruptions *all)
{
    return tend_engine_ruleset(tend_simulation_engine(all->options.simulation)) == NULL;
}

static void list(struct tend_interruptions *all)
{
    if (!is_down(all)) { // else they are listed when it starts
        all->options.list(all->options.context, all->left);
    }
}

// A person says something to tend, which may refuse it.
static void say(struct planned *planned)
{
    struct tend_simulation *simulation = planned->all->options.simulation;
    const struct tend_engine *engine = tend_simulation_engine(simulation);
    struct tend_error why = { "" };
    if (tend_engine_check_command(engine, planned->command, planned->argument, &why) == TEND_OK &&
        strcmp(planned->command, "ack") == 0 && tend_engine_counts(engine).incidents_open == 0) {
        tend_error_set(&why, "no incident is open then");
    }
    planned->happened = true;
    planned->refused = why.text[0] == '\0' ? NULL : strdup(why.text);
    TEND_ASSERT(why.text[0] == '\0' || planned->refused != NULL);
    tend_simulation_operate(simulation, planned->command, planned->argument);
}

static void happen(void *context, int64_t at_ms)
{
    struct planned *planned = context;
    struct tend_interruptions *all = planned->all;
    struct tend_simulation *simulation = all->options.simulation;
    const bool by_person =
        planned->kind == PAUSES || planned->kind == RESUMES || planned->kind == RELOADS || planned->kind == SAYS;
    if (by_person && is_down(all)) {
        tend_simulation_at(simulation, at_ms + LOOK_AGAIN_MS, happen, planned);
        return;
    }
    switch (planned->kind) {
    case CRASHES:
        tend_simulation_crash(simulation);
        break;
    case PAUSES:
        tend_act_ledger_pause(all->options.ledger, true);
        tend_simulation_operate(simulation, "pause", "");
        break;
    case RESUMES:
        tend_act_ledger_pause(all->options.ledger, false);
        tend_simulation_operate(simulation, "resume", "");
        break;
    case RELOADS:
        tend_simulation_reload(simulation);
        break;
    case SAYS:
        say(planned);
        break;
    case LEAVES:
        (void)json_object_set_new(all->left, planned->on, json_true());
        list(all);
        break;
    case COMES_BACK:
        (void)json_object_del(all->left, planned->on);
        list(all);
        break;
    }
}

static struct planned *plan(struct tend_interruptions *all, enum kind kind, int64_t after_ms, const char *on)
{
    struct planned *planned = calloc(1, sizeof *planned);
    TEND_ASSERT(planned != NULL);
    *planned = (struct planned){ .next = all->first, .all = all, .kind = kind, .on = on, .after_ms = after_ms };
    all->first = planned;
    const int64_t at_ms = all->options.begun_ms + after_ms;
    all->end_ms = at_ms > all->end_ms ? at_ms : all->end_ms;
    tend_simulation_at(all->options.simulation, at_ms, happen, planned);
    return planned;
}

// A silence, a deploy or an acknowledgement.
static void plan_saying(struct tend_interruptions *all, const json_t *person, int64_t at_ms)
{
    const char *silence = tend_json_text(person, "silence", NULL);
    const char *deploy = tend_json_text(person, "deploy", NULL);
    const int64_t for_ms = tend_json_integer(person, "for_ms", -1);
    json_t *asked = json_object();
    const char *command = silence != NULL ? "silence" : deploy != NULL ? "deploy" : "ack";
    if (silence != NULL || deploy != NULL) {
        (void)json_object_set_new(asked, "on", json_string(silence != NULL ? silence : deploy));
        (void)json_object_set(asked, "rule", json_object_get(person, "rule"));
        (void)json_object_set(asked, "what", json_object_get(person, "what"));
        if (for_ms >= 0) {
            (void)json_object_set_new(asked, "for_ms", json_integer((json_int_t)for_ms));
            const int64_t end_ms = all->options.begun_ms + at_ms + for_ms;
            all->end_ms = end_ms > all->end_ms ? end_ms : all->end_ms;
        }
    } else {
        (void)json_object_set_new(asked, "incident", json_string("*"));
    }
    struct planned *planned = plan(all, SAYS, at_ms, NULL);
    planned->command = command;
    planned->where = tend_json_text(person, "where", tend_json_text(all->options.scenario, "at", ""));
    planned->argument = json_dumps(asked, JSON_COMPACT);
    json_decref(asked);
    TEND_ASSERT(planned->argument != NULL);
}

// Whether a record is "restart begun", "run ended", "alert firing": a verb or kind, and the state it tells.
static bool is_called(const struct tend_record *record, const char *words)
{
    const char *state = strchr(words, ' ');
    if (state == NULL || strcmp(tend_json_text(record->body, "state", ""), state + 1) != 0) {
        return false;
    }
    const size_t bytes = (size_t)(state - words);
    const char *const names[] = { tend_record_kind_text(record->kind),
                                  record->kind == TEND_RECORD_STEP ? tend_json_text(record->body, "verb", "") : "",
                                  record->kind == TEND_RECORD_STEP ? tend_json_text(record->body, "kind", "") : "" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == bytes && strncmp(names[i], words, bytes) == 0) {
            return true;
        }
    }
    return false;
}

static bool dies_after(void *context, const struct tend_record *record)
{
    struct tend_interruptions *all = context;
    for (size_t i = 0; i < json_array_size(all->crashes); i++) {
        const json_t *crash = json_array_get(all->crashes, i);
        const char *after = tend_json_text(crash, "after", NULL);
        if (after != NULL ? is_called(record, after)
                          : tend_json_integer(crash, "record", 0) == (int64_t)record->number) {
            (void)json_array_remove(all->crashes, i);
            return true;
        }
    }
    return false;
}

static struct tend_ruleset *ruleset(void *context)
{
    const struct tend_interruptions *all = context;
    return all->options.ruleset(all->options.context);
}

static void started(void *context)
{
    list(context);
}

static void plan_all(struct tend_interruptions *all)
{
    const json_t *crashes = json_object_get(all->options.scenario, "crashes");
    for (size_t i = 0; i < json_array_size(crashes); i++) {
        const json_t *crash = json_array_get(crashes, i);
        if (json_object_get(crash, "at_ms") != NULL) {
            (void)plan(all, CRASHES, tend_json_integer(crash, "at_ms", 0), NULL);
        } else {
            (void)json_array_append_new(all->crashes, json_deep_copy(crash));
        }
    }
    const json_t *people = json_object_get(all->options.scenario, "people");
    for (size_t i = 0; i < json_array_size(people); i++) {
        const json_t *person = json_array_get(people, i);
        const int64_t at_ms = tend_json_integer(person, "at_ms", 0);
        if (json_object_get(person, "pause_ms") != NULL) {
            (void)plan(all, PAUSES, at_ms, NULL);
            (void)plan(all, RESUMES, at_ms + tend_json_integer(person, "pause_ms", 0), NULL);
        } else if (tend_json_bool(person, "reload", false)) {
            (void)plan(all, RELOADS, at_ms, NULL);
        } else {
            plan_saying(all, person, at_ms);
        }
    }
    const json_t *faults = json_object_get(all->options.scenario, "faults");
    for (size_t i = 0; i < json_array_size(faults); i++) {
        const json_t *fault = json_array_get(faults, i);
        const int64_t at_ms = tend_json_integer(fault, "at_ms", 0);
        const int64_t lasts_ms = tend_json_integer(fault, "lasts_ms", 0);
        if (strcmp(tend_json_text(fault, "kind", ""), "leaves") == 0) {
            (void)plan(all, LEAVES, at_ms, tend_json_text(fault, "on", ""));
            if (lasts_ms > 0) {
                (void)plan(all, COMES_BACK, at_ms + lasts_ms, tend_json_text(fault, "on", ""));
            }
        }
    }
}

enum tend_status tend_interruptions_create(const struct tend_interruption_options *options,
                                           struct tend_interruptions **out)
{
    struct tend_interruptions *all = calloc(1, sizeof *all);
    if (all == NULL) {
        return TEND_E_NOMEM;
    }
    all->options = *options;
    all->crashes = json_array();
    all->left = json_object();
    all->end_ms = options->begun_ms;
    const struct tend_simulation_restarts restarts = {
        .context = all,
        .dies_after = json_array_size(json_object_get(options->scenario, "crashes")) > 0 ? dies_after : NULL,
        .ruleset = ruleset,
        .started = started,
    };
    plan_all(all);
    tend_simulation_set_restarts(options->simulation, &restarts);
    *out = all;
    return TEND_OK;
}

void tend_interruptions_destroy(struct tend_interruptions *interruptions)
{
    if (interruptions == NULL) {
        return;
    }
    while (interruptions->first != NULL) {
        struct planned *planned = interruptions->first;
        interruptions->first = planned->next;
        free(planned->argument);
        free(planned->refused);
        free(planned);
    }
    json_decref(interruptions->crashes);
    json_decref(interruptions->left);
    free(interruptions);
}

int64_t tend_interruptions_end_ms(const struct tend_interruptions *interruptions)
{
    return interruptions->end_ms;
}

// ---- what was without effect ----

// What could have been said instead: those that the scenario has.
static void put_whom(struct tend_buffer *out, const struct tend_interruptions *all, bool groups)
{
    const char *name;
    json_t *count;
    const char *before = "; this scenario has ";
    json_object_foreach(all->options.services, name, count)
    {
        tend_buffer_printf(out, "%s%s", before, name);
        before = ", ";
    }
    before = "; groups: ";
    for (size_t i = 0; groups && i < all->options.known->group_count; i++) {
        tend_buffer_printf(out, "%s%s", before, all->options.known->groups[i].name);
        before = ", ";
    }
}

static void put_rules(struct tend_buffer *out, const struct tend_interruptions *all)
{
    const char *before = "; the rules are ";
    for (size_t i = 0; i < all->options.known->rule_count; i++) {
        tend_buffer_printf(out, "%s%s", before, all->options.known->rules[i].name);
        before = ", ";
    }
}

static void put_first_incident(struct tend_buffer *out, const struct tend_interruptions *all)
{
    size_t count;
    const struct tend_record *records = tend_simulation_records(all->options.simulation, &count);
    for (size_t i = 0; i < count; i++) {
        if (records[i].kind == TEND_RECORD_INCIDENT) {
            char after[TEND_DURATION_TEXT_BYTES];
            const int64_t opened_ms = tend_json_integer(records[i].body, "opened_ms", 0) - all->options.begun_ms;
            tend_buffer_printf(out, "; the first one opens at %s",
                               tend_duration_format((opened_ms + 999) / 1000 * 1000, after));
            return;
        }
    }
    tend_buffer_put_text(out, "; none opens in this scenario");
}

static json_t *fault_of(const struct tend_interruptions *all, const struct planned *planned)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    char after[TEND_DURATION_TEXT_BYTES];
    tend_buffer_printf(&text, "%s: %s at %s: %s", planned->where, planned->command,
                       tend_duration_format(planned->after_ms, after),
                       planned->happened ? planned->refused : "the scenario is over before; let it last longer");
    if (planned->happened && strcmp(planned->command, "ack") == 0) {
        put_first_incident(&text, all);
    } else if (planned->happened && strstr(planned->refused, "there is no rule") != NULL) {
        put_rules(&text, all);
    } else if (planned->happened && strstr(planned->refused, "there is no ") != NULL) {
        put_whom(&text, all, strcmp(planned->command, "silence") == 0);
    }
    json_t *fault = tend_json_string(tend_buffer_text(&text), strlen(tend_buffer_text(&text)));
    tend_buffer_clear(&text);
    return fault;
}

void tend_interruptions_faults(const struct tend_interruptions *interruptions, json_t *faults)
{
    for (const struct planned *planned = interruptions->first; planned != NULL; planned = planned->next) {
        if (planned->kind == SAYS && (!planned->happened || planned->refused != NULL)) {
            (void)json_array_insert_new(faults, 0, fault_of(interruptions, planned)); // the newest plan comes first
        }
    }
}
