#include "driver/world/scenario_text.h"

#include "base/buffer.h"
#include "parse/duration.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 120 };

static void put_text(struct tend_buffer *out, const char *text)
{
    tend_buffer_put_text(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            tend_buffer_put(out, "\\", 1);
        }
        if ((unsigned char)*text < 0x20) {
            tend_buffer_printf(out, "\\%03d", (unsigned char)*text);
        } else {
            tend_buffer_put(out, text, 1);
        }
    }
    tend_buffer_put_text(out, "\"");
}

static bool is_name(const char *text)
{
    static const char *const words[] = { "and",      "break",  "do",   "else", "elseif", "end",   "false", "for",
                                         "function", "goto",   "if",   "in",   "local",  "nil",   "not",   "or",
                                         "repeat",   "return", "then", "true", "until",  "while", NULL };
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return false;
        }
    }
    bool fine = text[0] != '\0' && !isdigit((unsigned char)text[0]);
    for (; *text != '\0'; text++) {
        fine = fine && (isalnum((unsigned char)*text) || *text == '_');
    }
    return fine;
}

static void put_key(struct tend_buffer *out, const char *key)
{
    if (is_name(key)) {
        tend_buffer_printf(out, "%s = ", key);
    } else {
        tend_buffer_put_text(out, "[");
        put_text(out, key);
        tend_buffer_put_text(out, "] = ");
    }
}

static void put_duration(struct tend_buffer *out, int64_t duration_ms)
{
    char text[TEND_DURATION_TEXT_BYTES];
    tend_buffer_printf(out, "\"%s\"", tend_duration_format(duration_ms, text));
}

// One value of a fault, a person, the world or the acts; a time is a field whose name ends in _ms.
static void put_field(struct tend_buffer *out, const char *key, const json_t *value)
{
    const size_t bytes = strlen(key);
    if (bytes > 3 && strcmp(key + bytes - 3, "_ms") == 0) {
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", (int)(bytes - 3), key);
        put_key(out, name);
        put_duration(out, json_integer_value(value));
        return;
    }
    put_key(out, key);
    if (json_is_string(value)) {
        put_text(out, json_string_value(value));
    } else if (json_is_boolean(value)) {
        tend_buffer_put_text(out, json_is_true(value) ? "true" : "false");
    } else {
        tend_buffer_printf(out, "%.10g", json_number_value(value));
    }
}

static void put_table(struct tend_buffer *out, const json_t *table)
{
    const char *key;
    const json_t *value;
    bool first = true;
    tend_buffer_put_text(out, "{ ");
    json_object_foreach((json_t *)(uintptr_t)table, key, value) // NOLINT(performance-no-int-to-ptr)
    {
        tend_buffer_put_text(out, first ? "" : ", ");
        put_field(out, key, value);
        first = false;
    }
    tend_buffer_put_text(out, " }");
}

static void end_line(json_t *lines, struct tend_buffer *line)
{
    (void)json_array_append_new(lines, tend_json_string(tend_buffer_text(line), line->size));
    tend_buffer_reset(line);
}

// `faults = { { … }, { … } },`: in one line when it fits, else one a line.
static void put_list(json_t *lines, struct tend_buffer *line, const char *name, const json_t *list)
{
    if (json_array_size(list) == 0) {
        return;
    }
    struct tend_buffer item;
    tend_buffer_init(&item);
    tend_buffer_printf(line, "  %s = {", name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        tend_buffer_reset(&item);
        put_table(&item, json_array_get(list, i));
        if (i > 0 && line->size + item.size + strlen(" }, ") > LINE_BYTES) {
            end_line(lines, line);
            tend_buffer_printf(line, "%*s", (int)(strlen(name) + strlen("   = {")), "");
        }
        tend_buffer_printf(line, " %s%s", tend_buffer_text(&item), i + 1 < json_array_size(list) ? "," : "");
    }
    tend_buffer_put_text(line, " },");
    end_line(lines, line);
    tend_buffer_clear(&item);
}

static void put_crashes(json_t *lines, struct tend_buffer *line, const json_t *crashes)
{
    if (json_array_size(crashes) == 0) {
        return;
    }
    tend_buffer_put_text(line, "  crashes = { ");
    for (size_t i = 0; i < json_array_size(crashes); i++) {
        const json_t *crash = json_array_get(crashes, i);
        tend_buffer_put_text(line, i == 0 ? "" : ", ");
        if (json_object_get(crash, "at_ms") != NULL) {
            put_duration(line, tend_json_integer(crash, "at_ms", 0));
        } else if (json_object_get(crash, "after") != NULL) {
            put_text(line, tend_json_text(crash, "after", ""));
        } else {
            tend_buffer_printf(line, "%lld", (long long)tend_json_integer(crash, "record", 0));
        }
    }
    tend_buffer_put_text(line, " },");
    end_line(lines, line);
}

json_t *tend_scenario_text(const json_t *scenario)
{
    json_t *lines = json_array();
    struct tend_buffer line;
    tend_buffer_init(&line);
    tend_buffer_put_text(&line, "test.scenario ");
    put_text(&line, tend_json_text(scenario, "name", ""));
    tend_buffer_put_text(&line, " {");
    end_line(lines, &line);
    tend_buffer_put_text(&line, "  world = ");
    put_table(&line, json_object_get(scenario, "world"));
    tend_buffer_put_text(&line, ",");
    end_line(lines, &line);
    put_list(lines, &line, "faults", json_object_get(scenario, "faults"));
    const json_t *acts = json_object_get(scenario, "acts");
    if (json_object_size(acts) > 0) {
        tend_buffer_put_text(&line, "  acts = ");
        put_table(&line, acts);
        tend_buffer_put_text(&line, ",");
        end_line(lines, &line);
    }
    put_crashes(lines, &line, json_object_get(scenario, "crashes"));
    put_list(lines, &line, "people", json_object_get(scenario, "people"));
    tend_buffer_put_text(&line, "  check = function(run) assert(#run.broken == 0, run.broken[1]) end,");
    end_line(lines, &line);
    tend_buffer_put_text(&line, "}");
    end_line(lines, &line);
    tend_buffer_clear(&line);
    return lines;
}
