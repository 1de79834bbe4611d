// Which definition an alert's service has, what it says now, and where that was written, is all in the generation
// document: "limit_from" of a metric, "from" of a rule's binding, "at" of rules and services.

#include "driver/past/tuning_changes.h"

#include "base/buffer.h"
#include "parse/duration.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- the document ----

static json_t *named(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *entry = json_array_get(list, i);
        if (strcmp(tend_json_text(entry, "name", ""), name) == 0) {
            return entry;
        }
    }
    return NULL;
}

// The definition of a service: its own, or the template of those that discovery finds.
static json_t *definition_of(const json_t *document, const char *service)
{
    json_t *found = named(json_object_get(document, "services"), service);
    const json_t *discoveries = json_object_get(document, "discoveries");
    for (size_t i = 0; found == NULL && i < json_array_size(discoveries); i++) {
        found = named(json_object_get(json_array_get(discoveries, i), "overrides"), service);
    }
    return found != NULL ? found : json_object_get(json_array_get(discoveries, 0), "template");
}

static json_t *binding_of(const json_t *definition, size_t rule)
{
    const json_t *bindings = json_object_get(definition, "rules");
    for (size_t i = 0; i < json_array_size(bindings); i++) {
        if (tend_json_integer(json_array_get(bindings, i), "rule", -1) == (int64_t)rule) {
            return json_array_get(bindings, i);
        }
    }
    return NULL;
}

static bool is_packs(const char *at)
{
    return strncmp(at, "rules/", 6) == 0;
}

// ---- lines ----

// A key of a table, as Lua wants it.
static void put_key(struct tend_buffer *out, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const bool plain =
        name[0] != '\0' && strchr("0123456789", name[0]) == NULL && strspn(name, letters) == strlen(name);
    if (plain) {
        tend_buffer_put_text(out, name);
        return;
    }
    tend_buffer_put_text(out, "[\"");
    for (; *name != '\0'; name++) {
        tend_buffer_printf(out, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
    }
    tend_buffer_put_text(out, "\"]");
}

// Adds a change, once for each place and line.
static void add(json_t *changes, const char *at, const char *kind, const char *name, const char *line, const char *was)
{
    char in[300];
    (void)snprintf(in, sizeof in, "%s \"%s\"", kind, name);
    json_t *change = json_pack("{s:s, s:s, s:s, s:s?}", "at", at, "in", in, "line", line, "was", was);
    bool known = change == NULL;
    for (size_t i = 0; i < json_array_size(changes) && !known; i++) {
        known = json_equal(json_array_get(changes, i), change) == 1;
    }
    if (!known) {
        (void)json_array_append(changes, change);
    }
    json_decref(change);
}

struct value {
    const char *field; // "fire_after"
    char text[64];     // "\"30s\""
    char was[64];
};

static void put_duration(char *out, size_t bytes, int64_t duration_ms)
{
    char text[TEND_DURATION_TEXT_BYTES];
    (void)snprintf(out, bytes, "\"%s\"", tend_duration_format(duration_ms, text));
}

static void change_binding(json_t *changes, const json_t *document, const struct tend_tuning_rule *rule,
                           const json_t *binding, const struct value *value)
{
    const json_t *declared = json_array_get(json_object_get(document, "rules"), rule->rule);
    const char *name = tend_json_text(declared, "name", "");
    const json_t *from = json_object_get(json_object_get(binding, "from"), value->field);
    const char *at = tend_json_text(from == NULL ? declared : from, "at", "");
    struct tend_buffer line;
    struct tend_buffer was;
    tend_buffer_init(&line);
    tend_buffer_init(&was);
    tend_buffer_printf(&was, "%s = %s", value->field, value->was);
    if (is_packs(at)) {
        tend_buffer_put_text(&line, "rules = { ");
        put_key(&line, name);
        tend_buffer_printf(&line, " = { %s = %s } },", value->field, value->text);
        add(changes, "anywhere", "tend.group", "*", tend_buffer_text(&line), NULL);
    } else {
        tend_buffer_printf(&line, "%s = %s,", value->field, value->text);
        char kind[40];
        (void)snprintf(kind, sizeof kind, "tend.%s", from == NULL ? "rule" : tend_json_text(from, "kind", ""));
        add(changes, at, kind, from == NULL ? name : tend_json_text(from, "name", ""), tend_buffer_text(&line),
            from == NULL ? NULL : tend_buffer_text(&was));
    }
    tend_buffer_clear(&line);
    tend_buffer_clear(&was);
}

static void change_metric(json_t *changes, const json_t *definition, const json_t *metric, const struct value *value)
{
    const char *name = tend_json_text(metric, "name", "");
    const json_t *from = json_object_get(metric, "limit_from");
    const char *at = tend_json_text(from, "at", "rules/");
    struct tend_buffer line;
    struct tend_buffer was;
    tend_buffer_init(&line);
    tend_buffer_init(&was);
    tend_buffer_printf(&was, "%s = %s", value->field, value->was);
    if (is_packs(at)) {
        tend_buffer_put_text(&line, "metrics = { ");
        put_key(&line, name);
        tend_buffer_printf(&line, " = { %s = %s } },", value->field, value->text);
        const char *service = tend_json_text(definition, "name", "");
        add(changes, tend_json_text(definition, "at", ""), service[0] == '\0' ? "the discovering" : "tend.service",
            service[0] == '\0' ? "group" : service, tend_buffer_text(&line), NULL);
    } else {
        tend_buffer_printf(&line, "%s = %s,", value->field, value->text);
        char in[200];
        (void)snprintf(in, sizeof in, "metric %s of tend.%s", name, tend_json_text(from, "kind", ""));
        add(changes, at, in, tend_json_text(from, "name", ""), tend_buffer_text(&line), tend_buffer_text(&was));
    }
    tend_buffer_clear(&line);
    tend_buffer_clear(&was);
}

// What a point says of an alert's limit. @return false: it leaves it as it is
static bool limit_of(const struct tend_tuning_rule *rule, const struct tend_tuning_stream *stream,
                     const struct tend_tuning_point *point, double *alpha, double *out_at)
{
    *alpha = stream->alphas[point->factor];
    *out_at = stream->out_ats[point->factor];
    return rule->by_metric && point->factor != TEND_TUNING_NOW;
}

// The alert's own settings under a point; what is as it is stays out.
static size_t values_of(const struct tend_tuning_rule *rule, const struct tend_tuning_stream *stream,
                        const struct tend_tuning_point *point, struct value values[2])
{
    size_t count = 0;
    if (point->wait > 0 && rule->waits_ms[point->wait] != stream->times.fire_after_ms) {
        values[count].field = "fire_after";
        put_duration(values[count].text, sizeof values[count].text, rule->waits_ms[point->wait]);
        put_duration(values[count].was, sizeof values[count].was, stream->times.fire_after_ms);
        count++;
    }
    if (point->clear > 0 && rule->by_metric && tend_tuning_clears[point->clear] != stream->clear_below) {
        values[count].field = "clear_below";
        (void)snprintf(values[count].text, sizeof values[count].text, "%g", tend_tuning_clears[point->clear]);
        (void)snprintf(values[count].was, sizeof values[count].was, "%g", stream->clear_below);
        count++;
    } else if (point->clear > 0 && !rule->by_metric && rule->waits_ms[point->clear] != stream->times.clear_after_ms) {
        values[count].field = "clear_after";
        put_duration(values[count].text, sizeof values[count].text, rule->waits_ms[point->clear]);
        put_duration(values[count].was, sizeof values[count].was, stream->times.clear_after_ms);
        count++;
    }
    return count;
}

json_t *tend_tuning_changes(const struct tend_tuning_options *options, const struct tend_tuning_rule *rule,
                            const json_t *document)
{
    json_t *changes = json_array();
    size_t count;
    const struct tend_tuning_stream *streams = tend_tuning_streams_all(options->streams, &count);
    const struct tend_tuning_point *point = &rule->points[rule->suggested];
    for (size_t i = 0; i < count && rule->suggested != rule->now; i++) {
        const struct tend_tuning_stream *stream = &streams[i];
        if (stream->rule != rule->rule) {
            continue;
        }
        const json_t *definition = definition_of(document, stream->service);
        struct value limit = { 0 };
        double alpha;
        double out_at;
        if (limit_of(rule, stream, point, &alpha, &out_at)) {
            const bool by_alpha = isnan(out_at);
            limit.field = by_alpha ? "alpha" : "out_at";
            (void)snprintf(limit.text, sizeof limit.text, "%.15g", by_alpha ? alpha : out_at);
            (void)snprintf(limit.was, sizeof limit.was, "%.15g",
                           by_alpha ? stream->alphas[TEND_TUNING_NOW] : stream->out_ats[TEND_TUNING_NOW]);
            change_metric(changes, definition, named(json_object_get(definition, "metrics"), stream->metric), &limit);
        }
        struct value values[2] = { 0 };
        const size_t value_count = values_of(rule, stream, point, values);
        for (size_t v = 0; v < value_count; v++) {
            change_binding(changes, document, rule, binding_of(definition, rule->rule), &values[v]);
        }
    }
    return changes;
}

// ---- to be played again ----

static void apply(const json_t *document, const struct tend_tuning_rule *rule, const struct tend_tuning_stream *stream)
{
    const struct tend_tuning_point *point = &rule->points[rule->suggested];
    json_t *definition = definition_of(document, stream->service);
    json_t *binding = binding_of(definition, rule->rule);
    double alpha;
    double out_at;
    if (limit_of(rule, stream, point, &alpha, &out_at)) {
        json_t *metric = named(json_object_get(definition, "metrics"), stream->metric);
        (void)json_object_set_new(metric, isnan(out_at) ? "alpha" : "out_at",
                                  json_real(isnan(out_at) ? alpha : out_at));
    }
    if (point->wait > 0) {
        (void)json_object_set_new(binding, "fire_after_ms", json_integer(rule->waits_ms[point->wait]));
    }
    if (point->clear > 0 && rule->by_metric) {
        (void)json_object_set_new(binding, "clear_below", json_real(tend_tuning_clears[point->clear]));
    } else if (point->clear > 0) {
        (void)json_object_set_new(binding, "clear_after_ms", json_integer(rule->waits_ms[point->clear]));
    }
}

json_t *tend_tuning_changed(const struct tend_tuning_options *options, const struct tend_tuning *tuning,
                            const json_t *document)
{
    json_t *changed = json_deep_copy(document);
    size_t count;
    const struct tend_tuning_stream *streams = tend_tuning_streams_all(options->streams, &count);
    for (size_t r = 0; r < tuning->count && changed != NULL; r++) {
        for (size_t i = 0; i < count; i++) {
            if (streams[i].rule == tuning->rules[r].rule) {
                apply(changed, &tuning->rules[r], &streams[i]);
            }
        }
    }
    return changed;
}
