#include "driver/past/rehearsal_document.h"

#include <string.h>

const char tend_rehearsal_service_label[] = "rehearsed_service";

#define EVERY_MAX_MS (INT64_C(365) * 24 * 3600 * 1000) // two samples a lifetime apart are no reason to refuse the rules

static bool is_watched(const json_t *definition)
{
    return tend_json_bool(definition, "watched", true);
}

static bool has_name(const json_t *definition, const char *name)
{
    return strcmp(tend_json_text(definition, "name", ""), name) == 0;
}

// The longest interval of a service's instances, as far as rules can have one; 0: the history knows none.
static int64_t every_of(const char *service, const struct tend_history_instance *instances, size_t count)
{
    int64_t every_ms = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(instances[i].service, service) == 0 && instances[i].every_ms > every_ms) {
            every_ms = instances[i].every_ms;
        }
    }
    return every_ms < EVERY_MAX_MS ? every_ms : EVERY_MAX_MS;
}

// A definition without targets of its own, with the history's interval.
static json_t *adapt(const json_t *definition, const char *name, const struct tend_history_instance *instances,
                     size_t count)
{
    json_t *adapted = json_deep_copy(definition);
    const int64_t every_ms = every_of(name, instances, count);
    (void)json_object_set_new(adapted, "name", json_string(name));
    (void)json_object_set_new(adapted, "targets", json_array());
    if (every_ms >= 100) {
        (void)json_object_set_new(adapted, "every_ms", json_integer(every_ms));
        if (tend_json_integer(adapted, "timeout_ms", 0) > every_ms) {
            (void)json_object_set_new(adapted, "timeout_ms", json_integer(every_ms));
        }
    }
    return adapted;
}

static bool is_listed(const json_t *overrides, const char *name)
{
    for (size_t i = 0; i < json_array_size(overrides); i++) {
        if (has_name(json_array_get(overrides, i), name)) {
            return true;
        }
    }
    return false;
}

bool tend_rehearsal_knows(const json_t *document, const char *service)
{
    const json_t *services = json_object_get(document, "services");
    const json_t *discoveries = json_object_get(document, "discoveries");
    for (size_t i = 0; i < json_array_size(services); i++) {
        if (has_name(json_array_get(services, i), service)) {
            return is_watched(json_array_get(services, i));
        }
    }
    return json_array_size(discoveries) > 0;
}

json_t *tend_rehearsal_document(const json_t *document, const struct tend_history_instance *instances, size_t count)
{
    json_t *overrides = json_array();
    json_t *unwatched = json_array();
    const json_t *services = json_object_get(document, "services");
    const json_t *discoveries = json_object_get(document, "discoveries");
    for (size_t i = 0; i < json_array_size(services); i++) {
        json_t *definition = json_array_get(services, i);
        if (is_watched(definition)) {
            (void)json_array_append_new(overrides,
                                        adapt(definition, tend_json_text(definition, "name", ""), instances, count));
        } else {
            (void)json_array_append(unwatched, definition);
        }
    }
    for (size_t i = 0; i < json_array_size(discoveries); i++) {
        const json_t *list = json_object_get(json_array_get(discoveries, i), "overrides");
        for (size_t j = 0; j < json_array_size(list); j++) {
            const json_t *definition = json_array_get(list, j);
            (void)json_array_append_new(overrides,
                                        adapt(definition, tend_json_text(definition, "name", ""), instances, count));
        }
    }
    json_t *template = json_object_get(json_array_get(discoveries, 0), "template");
    for (size_t i = 0; i < count && template != NULL; i++) {
        if (!is_listed(overrides, instances[i].service)) {
            (void)json_array_append_new(overrides, adapt(template, instances[i].service, instances, count));
        }
    }
    json_t *made =
        json_copy((json_t *)(uintptr_t)document); // NOLINT(performance-no-int-to-ptr): jansson knows no const
    json_t *made_discoveries = json_array();
    if (json_array_size(overrides) > 0) {
        json_t *other = adapt(template == NULL ? json_array_get(overrides, 0) : template, "", NULL, 0);
        (void)json_array_append_new(made_discoveries,
                                    json_pack("{s:s, s:s, s:[s], s:s, s:s, s:o, s:O}", "at", "", "kind", "file",
                                              "globs", "history", "service_label", tend_rehearsal_service_label,
                                              "group", "", "template", other, "overrides", overrides));
    }
    json_decref(overrides);
    (void)json_object_set_new(made, "services", unwatched);
    (void)json_object_set_new(made, "discoveries", made_discoveries);
    return made;
}
