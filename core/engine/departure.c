// What discovery no longer lists is watched no more: nothing of it can be out of line, and its alerts end. So that this
// is told of: a line in the log, a record, `tend status`, and a page where `gone_after` asks for one.
//
// An entry is {at_ms, wall_ms (when it left), instances (how many it had), gone_ms (after which people are told; 0:
// they are not), declared (the rules name it), told}. In memory and, under the key left/SERVICE, in the journal; what
// comes back, or is no longer named by rules that were loaded since, is closed there.

#include "base/log.h"
#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

enum { DEPARTED_MAX = 256, NAMED_MOST = 5 };
#define MOST_MS (INT64_C(1) << 60) // a sum of two still fits

static void record(struct tend_engine *engine, const char *service, const json_t *entry, const char *what, bool open)
{
    struct tend_buffer key;
    tend_buffer_init(&key);
    tend_buffer_printf(&key, "left/%s", service);
    json_t *body = json_deep_copy(entry);
    (void)json_object_set_new(body, "what", json_string(what));
    (void)json_object_set_new(body, "argument", tend_json_string(service, strlen(service)));
    (void)json_object_set_new(body, "who", json_string("discovery"));
    TEND_ASSERT(!key.failed && body != NULL);
    (void)tend_emit_record(engine, TEND_RECORD_OPERATOR, tend_buffer_text(&key), NULL, false, open, body);
    tend_buffer_clear(&key);
}

static const struct tend_service_def *find_override(const struct tend_ruleset *ruleset, const char *service)
{
    for (size_t d = 0; d < ruleset->discovery_count; d++) {
        const struct tend_discovery_def *discovery = &ruleset->discoveries[d];
        for (size_t i = 0; i < discovery->override_count; i++) {
            if (strcmp(discovery->overrides[i]->name, service) == 0) {
                return discovery->overrides[i];
            }
        }
    }
    return NULL;
}

// Who is gone for longest; a journal gives them back in another order than that in which they left.
static const char *find_oldest(const struct tend_engine *engine)
{
    const char *oldest = NULL;
    int64_t oldest_ms = INT64_MAX;
    const char *service;
    const json_t *entry;
    json_object_foreach(engine->departed, service, entry)
    {
        const int64_t at_ms = tend_json_integer(entry, "at_ms", 0);
        if (oldest == NULL || at_ms < oldest_ms) {
            oldest = service;
            oldest_ms = at_ms;
        }
    }
    return oldest;
}

static void forget_oldest(struct tend_engine *engine)
{
    const char *oldest = json_object_size(engine->departed) >= DEPARTED_MAX ? find_oldest(engine) : NULL;
    if (oldest != NULL) {
        record(engine, oldest, json_object_get(engine->departed, oldest), "has not listed for long", false);
        (void)json_object_del(engine->departed, oldest);
    }
}

static void depart(struct tend_engine *engine, const struct tend_service *service)
{
    forget_oldest(engine);
    json_t *entry = json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "at_ms", (json_int_t)engine->now_ms, "wall_ms",
                              (json_int_t)engine->wall_ms, "instances", (json_int_t)service->instance_count, "gone_ms",
                              (json_int_t)service->def->gone_ms, "declared",
                              find_override(engine->ruleset, service->name) != NULL, "told", false);
    TEND_ASSERT(entry != NULL);
    tend_log(TEND_LOG_WARN, "service left discovery service=%s instances=%zu", service->name, service->instance_count);
    record(engine, service->name, entry, "no longer lists", true);
    (void)json_object_set_new(engine->departed, service->name, entry);
}

// @param what  as "discovery: WHAT SERVICE"
static void close_entry(struct tend_engine *engine, const char *service, const json_t *entry, const char *what)
{
    tend_log(TEND_LOG_INFO, "service no longer missed service=%s why=\"%s\" gone_ms=%lld", service, what,
             (long long)(engine->now_ms - tend_json_integer(entry, "at_ms", engine->now_ms)));
    record(engine, service, entry, what, false);
}

static bool any_told(const struct tend_engine *engine)
{
    const char *service;
    const json_t *entry;
    json_object_foreach(engine->departed, service, entry)
    {
        if (tend_json_bool(entry, "told", false)) {
            return true;
        }
    }
    return false;
}

static void tell_back(struct tend_engine *engine, bool was_told)
{
    if (was_told && !any_told(engine)) {
        tend_notice_departed(engine, "resolved",
                             "all that discovery no longer listed is listed again, or no longer wanted");
    }
}

// Closes those that are listed again, or that new rules no longer name.
static void close_found(struct tend_engine *engine, bool rules_changed)
{
    const bool was_told = any_told(engine);
    const char *service;
    json_t *entry;
    void *next;
    json_object_foreach_safe(engine->departed, next, service, entry)
    {
        const struct tend_service_def *def = find_override(engine->ruleset, service);
        const bool is_named = def != NULL || !tend_json_bool(entry, "declared", false);
        if (tend_fleet_find(engine->fleet, service) != NULL) {
            close_entry(engine, service, entry, "lists again");
        } else if (rules_changed && (!is_named || engine->ruleset->discovery_count == 0)) {
            close_entry(engine, service, entry, "no longer has to list");
        } else {
            if (rules_changed && def != NULL) {
                (void)json_object_set_new(entry, "gone_ms", json_integer((json_int_t)def->gone_ms));
            }
            continue;
        }
        (void)json_object_del(engine->departed, service);
    }
    tell_back(engine, was_told);
}

void tend_departure_listed(struct tend_engine *engine, const struct tend_fleet *before)
{
    for (size_t i = 0; before != NULL && i < before->service_count; i++) {
        if (tend_fleet_find(engine->fleet, before->services[i]->name) == NULL) {
            depart(engine, before->services[i]);
        }
    }
    close_found(engine, false);
}

void tend_departure_reloaded(struct tend_engine *engine)
{
    close_found(engine, true);
}

static int64_t due_ms(const struct tend_engine *engine, const char *service, const json_t *entry)
{
    const int64_t gone_ms = tend_json_integer(entry, "gone_ms", 0);
    if (gone_ms <= 0 || tend_json_bool(entry, "told", false) || tend_silence_covers(engine, service, NULL, NULL)) {
        return TEND_NEVER;
    }
    const int64_t left_ms = tend_json_integer(entry, "at_ms", engine->now_ms);
    // After a restart discovery has yet to list anything: the time begins anew.
    return (left_ms > engine->started_ms ? left_ms : engine->started_ms) + gone_ms;
}

static void name(struct tend_buffer *text, const char *service, size_t count)
{
    if (count <= NAMED_MOST) {
        tend_buffer_printf(text, "%s%s", count == 1 ? "" : ", ", service);
    }
}

// One page for all that are due at once: a list that came empty is one trouble.
void tend_departure_advance(struct tend_engine *engine)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_buffer_put_text(&text, "discovery no longer lists ");
    size_t count = 0;
    const char *service;
    json_t *entry;
    json_object_foreach(engine->departed, service, entry)
    {
        const int64_t at_ms = due_ms(engine, service, entry);
        if (at_ms != TEND_NEVER && at_ms <= engine->now_ms) {
            name(&text, service, ++count);
            (void)json_object_set_new(entry, "told", json_true());
            record(engine, service, entry, "no longer lists", true);
        }
    }
    if (count > NAMED_MOST) {
        tend_buffer_printf(&text, " and %zu more", count - NAMED_MOST);
    }
    if (count > 0) {
        tend_notice_departed(engine, "firing", tend_buffer_text(&text));
    }
    tend_buffer_clear(&text);
}

int64_t tend_departure_wake_ms(const struct tend_engine *engine)
{
    int64_t wake_ms = TEND_NEVER;
    const char *service;
    const json_t *entry;
    json_object_foreach(engine->departed, service, entry)
    {
        const int64_t at_ms = due_ms(engine, service, entry);
        wake_ms = at_ms != TEND_NEVER && (wake_ms == TEND_NEVER || at_ms < wake_ms) ? at_ms : wake_ms;
    }
    return wake_ms;
}

static bool is_entry(const json_t *entry)
{
    const int64_t at_ms = tend_json_integer(entry, "at_ms", -1);
    const int64_t gone_ms = tend_json_integer(entry, "gone_ms", -1);
    return json_is_object(entry) && at_ms >= 0 && at_ms < MOST_MS && gone_ms >= 0 && gone_ms < MOST_MS;
}

bool tend_departure_check(const json_t *departed)
{
    const char *service;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)departed, service, entry) // NOLINT(performance-no-int-to-ptr)
    {
        if (!is_entry(entry)) {
            return false;
        }
    }
    return json_object_size(departed) <= DEPARTED_MAX;
}

void tend_departure_restore(struct tend_engine *engine, const char *service, const json_t *body)
{
    if (!is_entry(body) || json_object_size(engine->departed) >= DEPARTED_MAX) {
        return;
    }
    json_t *entry = json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "at_ms",
                              (json_int_t)tend_json_integer(body, "at_ms", engine->now_ms), "wall_ms",
                              (json_int_t)tend_json_integer(body, "wall_ms", 0), "instances",
                              (json_int_t)tend_json_integer(body, "instances", 0), "gone_ms",
                              (json_int_t)tend_json_integer(body, "gone_ms", 0), "declared",
                              tend_json_bool(body, "declared", false), "told", tend_json_bool(body, "told", false));
    (void)json_object_set_new(engine->departed, service, entry);
}

struct seen {
    int64_t at_ms;
    const char *service;
};

static int compare_seen(const void *left, const void *right)
{
    const struct seen *a = left, *b = right;
    const int by_time = (a->at_ms > b->at_ms) - (a->at_ms < b->at_ms);
    return by_time != 0 ? by_time : strcmp(a->service, b->service);
}

json_t *tend_departure_view(const struct tend_engine *engine)
{
    struct seen seen[DEPARTED_MAX];
    size_t count = 0;
    const char *service;
    const json_t *entry;
    json_object_foreach(engine->departed, service, entry)
    {
        if (count < DEPARTED_MAX) {
            seen[count++] = (struct seen){ tend_json_integer(entry, "at_ms", 0), service };
        }
    }
    qsort(seen, count, sizeof *seen, compare_seen);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        service = seen[i].service;
        entry = json_object_get(engine->departed, service);
        (void)json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:b}", "service", service, "left_wall_ms",
                                                    (json_int_t)tend_json_integer(entry, "wall_ms", 0), "instances",
                                                    (json_int_t)tend_json_integer(entry, "instances", 0), "told",
                                                    tend_json_bool(entry, "told", false)));
    }
    return list;
}

json_t *tend_departures_since(const struct tend_engine *engine, int64_t from_ms)
{
    json_t *left = NULL;
    const char *service;
    const json_t *entry;
    json_object_foreach(engine->departed, service, entry)
    {
        const int64_t at_ms = tend_json_integer(entry, "at_ms", 0);
        if (at_ms >= from_ms) {
            left = left == NULL ? json_object() : left;
            (void)json_object_set_new(left, service, json_integer((json_int_t)at_ms));
        }
    }
    return left;
}
