#include "engine/operator_command.h"

#include "engine/engine.h"
#include "engine/state.h"
#include "parse/utf8.h"

#include <string.h>

enum { LEAST_MS = 1000 };

// What people will see on a terminal and in messages: valid, of a sane length, without control characters.
static bool is_plain(const char *text, size_t most)
{
    const size_t bytes = strlen(text);
    if (bytes > most || !tend_utf8_valid(text, bytes)) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)text[i];
        const bool c1 = c == 0xc2 && (unsigned char)text[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f || c1) {
            return false;
        }
    }
    return true;
}

// A member that may be missing. @return false: it is there and is no such text
static bool read_text(const json_t *json, const char *key, size_t most, const char **out, struct tend_error *error)
{
    const json_t *value = json_object_get(json, key);
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_string(value) || json_string_length(value) != strlen(json_string_value(value)) ||
        !is_plain(json_string_value(value), most)) {
        tend_error_set(error, "\"%s\" wants a text of up to %zu bytes without control characters", key, most);
        return false;
    }
    *out = json_string_value(value);
    return true;
}

static bool read_all(struct tend_operator_command *out, struct tend_error *error)
{
    const json_t *json = out->json;
    if (!read_text(json, "on", TEND_OPERATOR_NAME_BYTES, &out->on, error) ||
        !read_text(json, "rule", TEND_OPERATOR_NAME_BYTES, &out->rule, error) ||
        !read_text(json, "version", TEND_OPERATOR_NAME_BYTES, &out->version, error) ||
        !read_text(json, "what", TEND_OPERATOR_NAME_BYTES, &out->what, error) ||
        !read_text(json, "id", TEND_OPERATOR_NAME_BYTES, &out->id, error) ||
        !read_text(json, "incident", TEND_OPERATOR_NAME_BYTES, &out->incident, error) ||
        !read_text(json, "why", TEND_OPERATOR_WHY_BYTES, &out->why, error)) {
        return false;
    }
    const json_t *span = json_object_get(json, "for_ms");
    if (span != NULL && !json_is_integer(span)) {
        tend_error_set(error, "\"for_ms\" wants a number of milliseconds");
        return false;
    }
    out->for_ms = tend_json_integer(json, "for_ms", -1);
    out->done = tend_json_bool(json, "done", false);
    return true;
}

static bool is_group(const struct tend_engine *engine, const char *name)
{
    if (strcmp(name, "*") == 0) {
        return true;
    }
    for (size_t i = 0; i < engine->ruleset->group_count; i++) {
        if (strcmp(engine->ruleset->groups[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_rule(const struct tend_engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->ruleset->rule_count; i++) {
        if (strcmp(engine->ruleset->rules[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_span(int64_t for_ms, int64_t most_ms, struct tend_error *error)
{
    if (for_ms < LEAST_MS || for_ms > most_ms) {
        tend_error_set(error, "it wants a time from 1 s to %lld h, so that it ends by itself",
                       (long long)(most_ms / 3600000));
        return false;
    }
    return true;
}

static bool check_silence(const struct tend_engine *engine, const struct tend_operator_command *command,
                          struct tend_error *error)
{
    if (command->on == NULL || command->on[0] == '\0') {
        tend_error_set(error, "say whom to silence: a service, a group, or \"*\"");
        return false;
    }
    if (!is_group(engine, command->on) && tend_fleet_find(engine->fleet, command->on) == NULL &&
        json_object_get(engine->departed, command->on) == NULL) {
        tend_error_set(error, "there is no service or group \"%s\"", command->on);
        return false;
    }
    if (command->rule != NULL && !has_rule(engine, command->rule)) {
        tend_error_set(error, "there is no rule \"%s\"", command->rule);
        return false;
    }
    if (engine->silence_count >= TEND_SILENCES_MAX) {
        tend_error_set(error, "%d silences are in force already", (int)TEND_SILENCES_MAX);
        return false;
    }
    return is_span(command->for_ms, TEND_SILENCE_MAX_MS, error);
}

static bool check_deploy(const struct tend_engine *engine, struct tend_operator_command *command,
                         struct tend_error *error)
{
    if (command->on == NULL || tend_fleet_find(engine->fleet, command->on) == NULL) {
        tend_error_set(error, "there is no service \"%s\"", command->on == NULL ? "" : command->on);
        return false;
    }
    if (command->what != NULL && strcmp(command->what, "version") == 0) {
        command->what = NULL;
    }
    if (command->what != NULL && strcmp(command->what, "config") != 0 && strcmp(command->what, "flag") != 0) {
        tend_error_set(error, "\"what\" wants \"version\", \"config\" or \"flag\"");
        return false;
    }
    if (command->what != NULL && command->version != NULL) {
        tend_error_set(error, "a version goes with a deploy of a version, not of a %s", command->what);
        return false;
    }
    command->for_ms = command->for_ms == -1 ? TEND_DEPLOY_MS : command->for_ms;
    return command->done || is_span(command->for_ms, TEND_DEPLOY_MAX_MS, error);
}

static bool check_unsilence(const struct tend_engine *engine, const struct tend_operator_command *command,
                            struct tend_error *error)
{
    const char *id = command->id == NULL ? "" : command->id;
    bool found = strcmp(id, "*") == 0;
    for (size_t i = 0; i < engine->silence_count; i++) {
        found = found || strcmp(engine->silences[i]->id, id) == 0;
    }
    if (!found) {
        tend_error_set(error, "there is no silence \"%s\"; tend silence lists them, and one of the rules ends there",
                       id);
    }
    return found;
}

static bool check_ack(const struct tend_engine *engine, const struct tend_operator_command *command,
                      struct tend_error *error)
{
    const char *id = command->incident == NULL ? "" : command->incident;
    const bool found = strcmp(id, "*") == 0 || tend_incident_find(engine, id) != NULL;
    if (!found) {
        tend_error_set(error, "there is no open incident \"%s\"; tend incidents lists them", id);
    }
    return found;
}

enum tend_status tend_operator_command_read(const struct tend_engine *engine, const char *command, const char *argument,
                                            struct tend_operator_command *out, struct tend_error *error)
{
    struct tend_error ignored;
    struct tend_error *why = error == NULL ? &ignored : error;
    json_error_t wrong;
    *out = (struct tend_operator_command){ .why = "", .json = json_loads(argument, JSON_REJECT_DUPLICATES, &wrong) };
    bool fine = json_is_object(out->json) && engine->ruleset != NULL && engine->fleet != NULL;
    if (!fine) {
        tend_error_set(why, engine->ruleset == NULL ? "the rules are not loaded yet; try again in a moment"
                                                    : "a command's argument is no JSON object");
    }
    fine = fine && read_all(out, why);
    if (fine && strcmp(command, "silence") == 0) {
        fine = check_silence(engine, out, why);
    } else if (fine && strcmp(command, "deploy") == 0) {
        fine = check_deploy(engine, out, why);
    } else if (fine && strcmp(command, "unsilence") == 0) {
        fine = check_unsilence(engine, out, why);
    } else if (fine && strcmp(command, "ack") == 0) {
        fine = check_ack(engine, out, why);
    }
    if (!fine) {
        tend_operator_command_clear(out);
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

void tend_operator_command_clear(struct tend_operator_command *command)
{
    json_decref(command->json);
    *command = (struct tend_operator_command){ .why = "" };
}

struct form {
    const char *command;
    const char *members[7];
};

static const struct form forms[] = {
    { "silence", { "on", "for_ms", "rule", "why" } },
    { "unsilence", { "id" } },
    { "deploy", { "on", "for_ms", "version", "what", "done", "why" } },
    { "ack", { "incident", "why" } },
};

// A member that no such command has: what it was meant to narrow would be as wide as without it.
static const char *find_stranger(const struct form *form, json_t *json)
{
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        size_t i = 0;
        while (form->members[i] != NULL && strcmp(form->members[i], key) != 0) {
            i++;
        }
        if (form->members[i] == NULL) {
            return key;
        }
    }
    return NULL;
}

enum tend_status tend_engine_check_command(const struct tend_engine *engine, const char *command, const char *argument,
                                           struct tend_error *error)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (strcmp(command, forms[i].command) != 0) {
            continue;
        }
        struct tend_operator_command asked;
        enum tend_status status = tend_operator_command_read(engine, command, argument, &asked, error);
        if (status == TEND_OK) {
            const char *stranger = find_stranger(&forms[i], asked.json);
            if (stranger != NULL) {
                tend_error_set(error, "%s has no \"%s\"", command, stranger);
                status = TEND_E_INVALID;
            }
            tend_operator_command_clear(&asked);
        }
        return status;
    }
    return TEND_OK;
}
