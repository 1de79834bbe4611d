#include "driver/world/act_ledger.h"

#include "series/series_window.h"

#include <stdlib.h>
#include <string.h>

enum {
    KNOWN_SCRAPES = 2,      // one failed scrape may be chance, two are known to whoever looks
    MARGIN_MS = 100,        // from the end of a scrape to a decision that knows of it
    GONE_AFTER_SCRAPES = 4, // without one: discovery lists it no more
};

struct seen_scrape {
    int64_t begun_ms, ended_ms;
    enum tend_scrape_kind kind;
};

struct seen_instance {
    char *name;
    char *service;
    int64_t every_ms;
    struct seen_scrape scrapes[KNOWN_SCRAPES + 1]; // the newest first; one of them may still be under way
    size_t scrape_count;
    int64_t acted_ms;  // TEND_NEVER_MS: not
    int64_t proved_ms; // end of the first good scrape begun since; TEND_NEVER_MS: none
};

struct tend_act_ledger {
    struct tend_world world;
    const struct tend_simulation *simulation;
    struct seen_instance *instances;
    size_t instance_count;
    struct tend_ledger_act *acts;
    size_t act_count;
    bool paused;
};

enum tend_status tend_act_ledger_create(const struct tend_world *world, struct tend_act_ledger **out)
{
    struct tend_act_ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        return TEND_E_NOMEM;
    }
    ledger->world = *world;
    *out = ledger;
    return TEND_OK;
}

void tend_act_ledger_destroy(struct tend_act_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    for (size_t i = 0; i < ledger->instance_count; i++) {
        free(ledger->instances[i].name);
        free(ledger->instances[i].service);
    }
    for (size_t i = 0; i < ledger->act_count; i++) {
        free((void *)(uintptr_t)ledger->acts[i].verb); // NOLINT(performance-no-int-to-ptr): const for those who read
        free((void *)(uintptr_t)ledger->acts[i].on);   // NOLINT(performance-no-int-to-ptr)
    }
    free(ledger->instances);
    free(ledger->acts);
    free(ledger);
}

void tend_act_ledger_attach(struct tend_act_ledger *ledger, const struct tend_simulation *simulation)
{
    ledger->simulation = simulation;
}

void tend_act_ledger_pause(struct tend_act_ledger *ledger, bool paused)
{
    ledger->paused = paused;
}

const struct tend_ledger_act *tend_act_ledger_acts(const struct tend_act_ledger *ledger, size_t *count)
{
    *count = ledger->act_count;
    return ledger->acts;
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    TEND_ASSERT(copy != NULL);
    return copy;
}

// ---- what is known of an instance ----

static struct seen_instance *find_instance(struct tend_act_ledger *ledger, const char *name)
{
    for (size_t i = 0; i < ledger->instance_count; i++) {
        if (strcmp(ledger->instances[i].name, name) == 0) {
            return &ledger->instances[i];
        }
    }
    return NULL;
}

static struct seen_instance *meet(struct tend_act_ledger *ledger, const struct tend_target_view *target)
{
    struct seen_instance *known = find_instance(ledger, target->instance);
    if (known != NULL) {
        return known;
    }
    struct seen_instance *grown =
        reallocarray(ledger->instances, ledger->instance_count + 1, sizeof *ledger->instances);
    TEND_ASSERT(grown != NULL);
    ledger->instances = grown;
    known = &ledger->instances[ledger->instance_count++];
    *known = (struct seen_instance){ .name = copy_text(target->instance),
                                     .service = copy_text(target->service),
                                     .every_ms = target->every_ms,
                                     .acted_ms = TEND_NEVER_MS,
                                     .proved_ms = TEND_NEVER_MS };
    return known;
}

static void scrape(void *context, const struct tend_target_view *target, int64_t at_ms, struct tend_world_scrape *out)
{
    struct tend_act_ledger *ledger = context;
    ledger->world.scrape(ledger->world.context, target, at_ms, out);
    struct seen_instance *instance = meet(ledger, target);
    memmove(instance->scrapes + 1, instance->scrapes, KNOWN_SCRAPES * sizeof instance->scrapes[0]);
    instance->scrapes[0] =
        (struct seen_scrape){ .begun_ms = at_ms, .ended_ms = at_ms + out->took_ms, .kind = out->kind };
    instance->scrape_count += instance->scrape_count <= KNOWN_SCRAPES;
    if (out->kind == TEND_SCRAPE_OK && instance->proved_ms == TEND_NEVER_MS && at_ms > instance->acted_ms) {
        instance->proved_ms = at_ms + out->took_ms;
        for (size_t i = 0; i < ledger->act_count; i++) {
            struct tend_ledger_act *entry = &ledger->acts[i];
            const bool its = entry->instance != NULL && strcmp(entry->instance, instance->name) == 0;
            entry->proved_ms = its && entry->proved_ms == INT64_MAX ? instance->proved_ms : entry->proved_ms;
        }
    }
}

// The newest scrape that could be known at a moment, or NULL.
static const struct seen_scrape *newest_known(const struct seen_instance *instance, int64_t at_ms, size_t older)
{
    size_t first = 0;
    while (first < instance->scrape_count && instance->scrapes[first].ended_ms + MARGIN_MS > at_ms) {
        first++;
    }
    return first + older < instance->scrape_count ? &instance->scrapes[first + older] : NULL;
}

static bool is_listed(const struct seen_instance *instance, int64_t at_ms)
{
    return instance->scrape_count > 0 &&
           at_ms - instance->scrapes[0].begun_ms < GONE_AFTER_SCRAPES * instance->every_ms;
}

static bool all_known(const struct seen_instance *instance, int64_t at_ms, bool fine)
{
    for (size_t i = 0; i < KNOWN_SCRAPES; i++) {
        const struct seen_scrape *known = newest_known(instance, at_ms, i);
        if (known == NULL || (known->kind == TEND_SCRAPE_OK) != fine) {
            return false;
        }
    }
    return true;
}

static bool is_unproven(const struct seen_instance *instance, int64_t at_ms)
{
    return instance->acted_ms != TEND_NEVER_MS &&
           (instance->proved_ms == TEND_NEVER_MS || instance->proved_ms + MARGIN_MS > at_ms);
}

// ---- acts ----

static bool reads_only(const struct tend_world_act *act)
{
    const char *method = tend_json_text(act->args, "method", "POST");
    return act->is_http && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

static void look_around(struct tend_act_ledger *ledger, struct tend_ledger_act *entry)
{
    const struct seen_instance *target = find_instance(ledger, entry->on);
    entry->instance = target == NULL ? NULL : target->name;
    entry->service = target == NULL ? entry->on : target->service;
    for (size_t i = 0; i < ledger->instance_count; i++) {
        const struct seen_instance *other = &ledger->instances[i];
        if (strcmp(other->service, entry->service) == 0 && is_listed(other, entry->at_ms)) {
            entry->instances++;
            entry->away +=
                other != target && (is_unproven(other, entry->at_ms) || all_known(other, entry->at_ms, false));
        }
    }
    if (target != NULL) {
        entry->serves = all_known(target, entry->at_ms, true) && !is_unproven(target, entry->at_ms);
        entry->failed = all_known(target, entry->at_ms, false);
        const struct seen_scrape *known = newest_known(target, entry->at_ms, 0);
        for (size_t i = 0; i < target->scrape_count; i++) {
            entry->failed_kinds |= UINT32_C(1) << target->scrapes[i].kind;
        }
        entry->failed_kind = known == NULL ? TEND_SCRAPE_OK : known->kind;
    }
}

static void act(void *context, const struct tend_world_act *act, int64_t at_ms, struct tend_world_outcome *out)
{
    struct tend_act_ledger *ledger = context;
    struct tend_ledger_act *grown = reallocarray(ledger->acts, ledger->act_count + 1, sizeof *ledger->acts);
    TEND_ASSERT(grown != NULL);
    ledger->acts = grown;
    struct tend_ledger_act *entry = &ledger->acts[ledger->act_count++];
    *entry = (struct tend_ledger_act){ .at_ms = at_ms,
                                       .verb = copy_text(act->verb[0] != '\0' ? act->verb
                                                         : act->is_http       ? "http"
                                                                              : "exec"),
                                       .on = copy_text(act->on),
                                       .reads_only = reads_only(act),
                                       .proved_ms = INT64_MAX,
                                       .paused = ledger->paused };
    (void)tend_simulation_records(ledger->simulation, &entry->records);
    look_around(ledger, entry);
    for (size_t i = 0; i < ledger->instance_count && !entry->reads_only; i++) {
        struct seen_instance *touched = &ledger->instances[i];
        if (strcmp(touched->name, act->on) == 0 || strcmp(touched->service, act->on) == 0) {
            touched->acted_ms = at_ms;
            touched->proved_ms = TEND_NEVER_MS;
        }
    }
    ledger->world.act(ledger->world.context, act, at_ms, out);
}

struct tend_world tend_act_ledger_face(struct tend_act_ledger *ledger)
{
    return (struct tend_world){ .context = ledger, .scrape = scrape, .act = act };
}
