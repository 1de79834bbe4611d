// Reads the lists of the generation document in the order in which they refer to one another: rules, playbooks, groups
// and notifies, then services and discoveries, whose entries hold indexes of the former.

#include "engine/ruleset.h"

#include "base/hash_map.h"
#include "engine/ruleset_reader.h"
#include "series/scrape_kind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const per_words[] = { "service", "instance", NULL };

static void read_kinds(struct tend_ruleset_reader *reader, const json_t *object, struct tend_rule_def *rule)
{
    const json_t *kinds = tend_ruleset_read_array(reader, object, "kinds");
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const char *text = json_string_value(json_array_get(kinds, i));
        const int kind = text == NULL ? -1 : tend_scrape_kind_parse(text);
        if (kind < 0) {
            tend_ruleset_read_fault(reader, "\"%s\" is no kind of failed scrape", text == NULL ? "" : text);
            return;
        }
        rule->kinds |= 1U << (unsigned)kind;
    }
}

static void read_rule(struct tend_ruleset_reader *reader, const json_t *object, void *item)
{
    struct tend_rule_def *rule = item;
    rule->name = tend_ruleset_read_name(reader, object, "name");
    rule->at = tend_ruleset_read_text(reader, object, "at", "");
    rule->summary = tend_ruleset_read_text(reader, object, "summary", "");
    rule->runbook = tend_ruleset_read_text(reader, object, "runbook", "");
    rule->per_instance = tend_ruleset_read_word(reader, object, "per", per_words, 0) == 1;
    rule->metric = tend_ruleset_read_text(reader, object, "metric", NULL);
    read_kinds(reader, object, rule);
}

static void read_playbook(struct tend_ruleset_reader *reader, const json_t *object, void *item)
{
    struct tend_playbook_def *playbook = item;
    playbook->name = tend_ruleset_read_name(reader, object, "name");
    playbook->at = tend_ruleset_read_text(reader, object, "at", "");
    playbook->within_ms = tend_ruleset_read_ms(reader, object, "within_ms", 1, 60000);
    playbook->limits = tend_ruleset_read_limits(reader, object, "limits");
    playbook->has_when = tend_ruleset_read_bool(reader, object, "has_when", false);
    playbook->also = tend_ruleset_read_texts(reader, object, "also", &playbook->also_count);
}

static void read_group(struct tend_ruleset_reader *reader, const json_t *object, void *item)
{
    struct tend_group_def *group = item;
    group->name = tend_ruleset_read_name(reader, object, "name");
    group->at_once = tend_ruleset_read_number(reader, object, "at_once", 0, 1e6, (double)NAN);
    group->per_hour = tend_ruleset_read_number(reader, object, "per_hour", 0, TEND_RUNS_KEPT, (double)NAN);
}

static void read_notify(struct tend_ruleset_reader *reader, const json_t *object, void *item)
{
    struct tend_notify_def *notify = item;
    notify->name = tend_ruleset_read_name(reader, object, "name");
    notify->on = tend_ruleset_read_texts(reader, object, "on", &notify->on_count);
    notify->severities = tend_ruleset_read_texts(reader, object, "severity", &notify->severity_count);
    notify->again_ms = tend_ruleset_read_ms(reader, object, "again_ms", 0, 0);
    notify->during = tend_ruleset_read_calendar(reader, object, "during");
    notify->outside = tend_ruleset_read_calendar(reader, object, "outside");
    notify->to_count = (size_t)tend_ruleset_read_number(reader, object, "to", 0, 100, 0);
}

static void read_silence(struct tend_ruleset_reader *reader, const json_t *object, void *item)
{
    struct tend_silence_def *silence = item;
    silence->name = tend_ruleset_read_name(reader, object, "name");
    silence->at = tend_ruleset_read_text(reader, object, "at", "");
    silence->on = tend_ruleset_read_texts(reader, object, "on", &silence->on_count);
    silence->why = tend_ruleset_read_text(reader, object, "why", "");
    silence->during = tend_ruleset_read_calendar(reader, object, "during");
    silence->outside = tend_ruleset_read_calendar(reader, object, "outside");
    const char *zone = tend_ruleset_read_text(reader, object, "zone", "UTC");
    silence->from_ms = tend_ruleset_read_moment(reader, object, "from", zone, 0);
    silence->till_ms = tend_ruleset_read_moment(reader, object, "till", zone, INT64_MAX);
    if (reader->status == TEND_OK && silence->till_ms <= silence->from_ms) {
        tend_ruleset_read_fault(reader, "silence \"%s\" ends before it begins", silence->name);
    } else if (reader->status == TEND_OK && silence->during == NULL && silence->outside == NULL &&
               silence->till_ms == INT64_MAX) {
        tend_ruleset_read_fault(reader, "silence \"%s\" never ends: it wants during, outside or till", silence->name);
    }
}

static void read_static_service(struct tend_ruleset_reader *reader, const json_t *object, void *item)
{
    struct tend_service_def *service = item;
    tend_ruleset_read_service(reader, object, false, service);
    if (reader->status == TEND_OK && service->watched != (service->target_count > 0)) {
        tend_ruleset_read_fault(reader, "service %s is %s", service->name,
                                service->watched ? "watched, but has no targets" : "not watched, but has targets");
    }
}

static void read_discovery(struct tend_ruleset_reader *reader, const json_t *object, void *item)
{
    struct tend_discovery_def *discovery = item;
    static const char *const kind_words[] = { "file", "prometheus", NULL }; // the latter: checked, finds nothing yet
    discovery->at = tend_ruleset_read_text(reader, object, "at", "");
    (void)tend_ruleset_read_word(reader, object, "kind", kind_words, 0);
    discovery->globs = tend_ruleset_read_texts(reader, object, "globs", &discovery->glob_count);
    discovery->service_label = tend_ruleset_read_name(reader, object, "service_label");
    struct tend_service_def *template_def = tend_ruleset_read_alloc(reader, 1, sizeof *template_def);
    const json_t *overrides = tend_ruleset_read_array(reader, object, "overrides");
    const size_t count = json_array_size(overrides);
    struct tend_service_def *defs = tend_ruleset_read_alloc(reader, count + 1, sizeof *defs);
    const struct tend_service_def **list =
        (const struct tend_service_def **)tend_ruleset_read_alloc(reader, count + 1, sizeof *list);
    if (reader->status != TEND_OK) {
        return;
    }
    tend_ruleset_read_service(reader, json_object_get(object, "template"), true, template_def);
    for (size_t i = 0; i < count && reader->status == TEND_OK; i++) {
        tend_ruleset_read_service(reader, json_array_get(overrides, i), true, &defs[i]);
        if (reader->status == TEND_OK && defs[i].name[0] == '\0') {
            tend_ruleset_read_fault(reader, "an override has no name");
        }
        list[i] = &defs[i];
    }
    discovery->template_def = template_def;
    discovery->overrides = list;
    discovery->override_count = count;
}

// Reads a list of the document. @param names_are_unique  items begin with their name, and none may be there twice
// @return the items, NULL after a fault
static void *read_list(struct tend_ruleset_reader *reader, const char *key, size_t item_bytes, bool names_are_unique,
                       void (*read_item)(struct tend_ruleset_reader *, const json_t *, void *), size_t *count)
{
    reader->at = "";
    const json_t *array = tend_ruleset_read_array(reader, reader->ruleset->document, key);
    const size_t size = json_array_size(array);
    char *items = tend_ruleset_read_alloc(reader, size + 1, item_bytes);
    struct tend_hash_map *names = NULL;
    if (reader->status == TEND_OK) {
        reader->status = tend_hash_map_create(&names);
    }
    for (size_t i = 0; reader->status == TEND_OK && i < size; i++) {
        const json_t *object = json_array_get(array, i);
        reader->at = tend_json_text(object, "at", "");
        read_item(reader, object, items + i * item_bytes);
        if (names_are_unique && reader->status == TEND_OK) {
            const char *name = tend_json_text(object, "name", "");
            if (tend_hash_map_find(names, name, strlen(name)) != NULL) {
                tend_ruleset_read_fault(reader, "\"%s\" is in %s twice", name, key);
            } else {
                reader->status = tend_hash_map_set(names, name, strlen(name), items);
            }
        }
    }
    tend_hash_map_destroy(names);
    *count = reader->status == TEND_OK ? size : 0;
    return items;
}

static void read_document(struct tend_ruleset_reader *reader)
{
    struct tend_ruleset *ruleset = reader->ruleset;
    ruleset->rules = read_list(reader, "rules", sizeof *ruleset->rules, true, read_rule, &ruleset->rule_count);
    ruleset->playbooks =
        read_list(reader, "playbooks", sizeof *ruleset->playbooks, true, read_playbook, &ruleset->playbook_count);
    ruleset->groups = read_list(reader, "groups", sizeof *ruleset->groups, true, read_group, &ruleset->group_count);
    ruleset->notifies =
        read_list(reader, "notifies", sizeof *ruleset->notifies, true, read_notify, &ruleset->notify_count);
    ruleset->silences =
        read_list(reader, "silences", sizeof *ruleset->silences, true, read_silence, &ruleset->silence_count);
    ruleset->services =
        read_list(reader, "services", sizeof *ruleset->services, true, read_static_service, &ruleset->service_count);
    ruleset->discoveries = read_list(reader, "discoveries", sizeof *ruleset->discoveries, false, read_discovery,
                                     &ruleset->discovery_count);
}

enum tend_status tend_ruleset_create(json_t *document, const char *hash, struct tend_ruleset **out,
                                     struct tend_error *error)
{
    if (!json_is_object(document) || strlen(hash) != 64) {
        tend_error_set(error, "the generation document is no object, or its hash is none");
        return TEND_E_INVALID;
    }
    if (json_array_size(json_object_get(document, "errors")) > 0) {
        const json_t *first = json_array_get(json_object_get(document, "errors"), 0);
        tend_error_set(error, "%s: %s", tend_json_text(first, "at", ""), tend_json_text(first, "text", ""));
        return TEND_E_INVALID;
    }
    struct tend_ruleset *ruleset = calloc(1, sizeof *ruleset);
    if (ruleset == NULL) {
        return TEND_E_NOMEM;
    }
    tend_arena_init(&ruleset->arena);
    memcpy(ruleset->hash, hash, sizeof ruleset->hash);
    ruleset->document = json_incref(document);
    struct tend_ruleset_reader reader = { .ruleset = ruleset, .error = error, .status = TEND_OK, .at = "" };
    read_document(&reader);
    if (reader.status != TEND_OK) {
        if (reader.status == TEND_E_NOMEM) {
            tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
        }
        tend_ruleset_destroy(ruleset);
        return reader.status;
    }
    *out = ruleset;
    return TEND_OK;
}

void tend_ruleset_destroy(struct tend_ruleset *ruleset)
{
    if (ruleset == NULL) {
        return;
    }
    for (size_t i = 0; i < ruleset->selector_count; i++) {
        tend_selector_destroy(ruleset->selectors[i]);
    }
    free((void *)ruleset->selectors);
    for (size_t i = 0; i < ruleset->zone_count; i++) {
        tend_zone_destroy(ruleset->zones[i].zone);
    }
    free(ruleset->zones);
    json_decref(ruleset->document);
    tend_arena_clear(&ruleset->arena);
    free(ruleset);
}

// Adds the limits of a service to `users`, under a name of its own, when the playbook is one of its remedies.
static void add_user(json_t *users, const json_t *service, const char *prefix, size_t playbook)
{
    const json_t *remedies = json_object_get(service, "remedies");
    for (size_t i = 0; i < json_array_size(remedies); i++) {
        if ((size_t)json_integer_value(json_array_get(remedies, i)) == playbook) {
            char key[512];
            (void)snprintf(key, sizeof key, "%s%s", prefix, tend_json_text(service, "name", ""));
            (void)json_object_set(users, key, json_object_get(service, "limits"));
        }
    }
}

static void add_users(json_t *users, const json_t *services, const char *prefix, size_t playbook)
{
    for (size_t i = 0; i < json_array_size(services); i++) {
        add_user(users, json_array_get(services, i), prefix, playbook);
    }
}

void tend_ruleset_playbook_hash(const struct tend_ruleset *ruleset, size_t playbook, char out[65])
{
    const json_t *entry = json_array_get(json_object_get(ruleset->document, "playbooks"), playbook);
    // The copy's members are shared and only read.
    json_t *covered =
        json_copy((json_t *)(uintptr_t)entry); // NOLINT(performance-no-int-to-ptr): jansson knows no const
    json_t *users = json_object();
    TEND_ASSERT(covered != NULL && users != NULL);
    (void)json_object_del(covered, "at"); // a line further down is the same playbook
    add_users(users, json_object_get(ruleset->document, "services"), "", playbook);
    const json_t *discoveries = json_object_get(ruleset->document, "discoveries");
    for (size_t i = 0; i < json_array_size(discoveries); i++) {
        const json_t *discovery = json_array_get(discoveries, i);
        char prefix[256];
        (void)snprintf(prefix, sizeof prefix, "%s:", tend_json_text(discovery, "group", ""));
        add_user(users, json_object_get(discovery, "template"), prefix, playbook);
        add_users(users, json_object_get(discovery, "overrides"), prefix, playbook);
    }
    json_t *hashed = json_pack("{s:o,s:o,s:s}", "playbook", covered, "services", users, "env",
                               tend_json_text(ruleset->document, "env_sha256", ""));
    char *text = hashed == NULL ? NULL : tend_json_canonical(hashed);
    TEND_ASSERT(text != NULL); // a hash of less would arm more than was seen
    tend_sha256_hex(text, strlen(text), out);
    free(text);
    json_decref(hashed);
}
