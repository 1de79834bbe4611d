// Who was told of an incident, and what is kept back from whom: entries by incident and notify, few at any time.

#include "engine/state.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tend_told *tend_told_find(const struct tend_engine *engine, const char *incident, size_t notify)
{
    for (size_t i = 0; i < engine->told_count; i++) {
        if (engine->told[i].notify == notify && strcmp(engine->told[i].incident, incident) == 0) {
            return &engine->told[i];
        }
    }
    return NULL;
}

struct tend_told *tend_told_of(struct tend_engine *engine, const char *incident, size_t notify)
{
    struct tend_told *known = tend_told_find(engine, incident, notify);
    if (known != NULL) {
        return known;
    }
    struct tend_told *grown = reallocarray(engine->told, engine->told_count + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    engine->told = grown;
    struct tend_told *told = &grown[engine->told_count++];
    *told = (struct tend_told){ .notifier = tend_copy_text(engine->ruleset->notifies[notify].name),
                                .notify = notify,
                                .told_ms = TEND_NEVER };
    tend_text_format(told->incident, sizeof told->incident, "%s", incident);
    return told;
}

// Now it knows all that there was to tell.
void tend_told_note(struct tend_engine *engine, const char *incident, size_t notify)
{
    struct tend_told *told = tend_told_of(engine, incident, notify);
    told->told_ms = engine->now_ms;
    free(told->held);
    free(told->owed);
    free(told->owed_text);
    told->held = told->owed = told->owed_text = NULL;
}

static void told_clear(struct tend_told *told)
{
    free(told->notifier);
    free(told->held);
    free(told->owed);
    free(told->owed_text);
    free(told->parts);
}

void tend_told_forget(struct tend_engine *engine, const char *incident)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->told_count; i++) {
        if (incident != NULL && strcmp(engine->told[i].incident, incident) != 0) {
            engine->told[kept++] = engine->told[i];
        } else {
            told_clear(&engine->told[i]);
        }
    }
    engine->told_count = kept;
}

static bool waits(const struct tend_told *told)
{
    return told->owed != NULL || (told->parts != NULL && told->told_ms == TEND_NEVER);
}

json_t *tend_told_names(const struct tend_engine *engine, const char *incident)
{
    json_t *names = json_array();
    for (size_t i = 0; i < engine->told_count; i++) {
        const struct tend_told *told = &engine->told[i];
        if (told->told_ms != TEND_NEVER && !waits(told) && strcmp(told->incident, incident) == 0) {
            (void)json_array_append_new(names, json_string(told->notifier));
        }
    }
    return names;
}

json_t *tend_told_held(const struct tend_engine *engine, const char *incident)
{
    json_t *rows = NULL;
    for (size_t i = 0; i < engine->told_count; i++) {
        const struct tend_told *told = &engine->told[i];
        if (waits(told) && strcmp(told->incident, incident) == 0) {
            rows = rows == NULL ? json_array() : rows;
            (void)json_array_append_new(rows, json_pack("{s:s, s:s?, s:s?, s:s?, s:b, s:s*}", "notify", told->notifier,
                                                        "why", told->held, "owed", told->owed, "text", told->owed_text,
                                                        "told", told->told_ms != TEND_NEVER, "parts", told->parts));
        }
    }
    return rows;
}

// Whose it is, of all that are told, is found when there are rules.
static struct tend_told *restored(struct tend_engine *engine, const char *incident, const char *notifier)
{
    struct tend_told *grown = reallocarray(engine->told, engine->told_count + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    engine->told = grown;
    struct tend_told *told = &grown[engine->told_count++];
    *told = (struct tend_told){ .notifier = tend_copy_text(notifier), .notify = SIZE_MAX, .told_ms = TEND_NEVER };
    tend_text_format(told->incident, sizeof told->incident, "%s", incident);
    return told;
}

void tend_told_restore(struct tend_engine *engine, const char *incident, const json_t *body)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(body, "held"), index, row)
    {
        struct tend_told *told = restored(engine, incident, tend_json_text(row, "notify", ""));
        told->told_ms = tend_json_bool(row, "told", false) ? engine->now_ms : TEND_NEVER;
        told->held = tend_copy_text(tend_json_text(row, "why", NULL));
        told->owed = tend_copy_text(tend_json_text(row, "owed", NULL));
        told->owed_text = tend_copy_text(tend_json_text(row, "text", NULL));
        told->parts = tend_copy_text(tend_json_text(row, "parts", NULL));
    }
    json_array_foreach(json_object_get(body, "told"), index, row)
    {
        const char *name = json_string_value(row);
        restored(engine, incident, name == NULL ? "" : name)->told_ms = engine->now_ms;
    }
}

static void add_part(struct tend_told *told, const char *part)
{
    char *parts;
    const int printed =
        asprintf(&parts, "%s%s%s", told->parts == NULL ? "" : told->parts, told->parts == NULL ? "" : " ", part);
    TEND_ASSERT(printed > 0);
    free(told->parts);
    told->parts = parts;
}

// What is owed is moved where it is news: an escalation always, that it fires to who was not told of the older one.
static void take_over(struct tend_told *older, struct tend_told *younger)
{
    if (younger->told_ms != TEND_NEVER) {
        add_part(older, younger->incident);
    }
    if (younger->parts != NULL) {
        add_part(older, younger->parts);
    }
    if (younger->owed != NULL && older->owed == NULL &&
        (older->told_ms == TEND_NEVER || strcmp(younger->owed, "escalated") == 0)) {
        free(older->held);
        older->held = younger->held;
        older->owed = younger->owed;
        older->owed_text = younger->owed_text;
        younger->held = younger->owed = younger->owed_text = NULL;
    }
}

void tend_told_merged(struct tend_engine *engine, const char *older, const char *younger)
{
    for (size_t i = 0; i < engine->told_count; i++) { // those that it makes come behind, and are the older one's
        const size_t notify = engine->told[i].notify;
        if (strcmp(engine->told[i].incident, younger) == 0 && notify < engine->ruleset->notify_count) {
            struct tend_told *told = tend_told_of(engine, older, notify); // may move them all
            take_over(told, &engine->told[i]);
        }
    }
    tend_told_forget(engine, younger);
}
