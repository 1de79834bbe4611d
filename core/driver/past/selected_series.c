#include "driver/past/selected_series.h"

#include "base/buffer.h"

#include <string.h>

static bool same_matcher(const struct tend_matcher_view *one, const struct tend_matcher_view *other)
{
    return one->negated == other->negated && one->is_pattern == other->is_pattern &&
           strcmp(one->label, other->label) == 0 && strcmp(one->value, other->value) == 0;
}

// Whether whatever the narrow one selects, the wide one selects too: each of its matchers is one of the narrow one's.
static bool contains(const struct tend_selector *wide, const struct tend_selector *narrow)
{
    for (size_t i = 0; i < tend_selector_matcher_count(wide); i++) {
        const struct tend_matcher_view wanted = tend_selector_matcher(wide, i);
        bool found = false;
        for (size_t j = 0; j < tend_selector_matcher_count(narrow) && !found; j++) {
            const struct tend_matcher_view has = tend_selector_matcher(narrow, j);
            found = same_matcher(&wanted, &has);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool selects(const struct tend_service_def *service, const struct tend_selector *selector)
{
    bool found = service->version_series != NULL && contains(service->version_series, selector);
    for (size_t i = 0; i < service->metric_count && !found; i++) {
        for (size_t source = 0; source < 2 && !found; source++) {
            const struct tend_selector *wide = service->metrics[i].sources[source];
            found = wide != NULL && contains(wide, selector);
        }
    }
    for (size_t i = 0; i < service->record_count && !found; i++) {
        found = contains(service->record[i], selector);
    }
    return found;
}

static void add(json_t *list, struct tend_buffer *text)
{
    (void)json_array_append_new(list, tend_json_string(tend_buffer_text(text), text->size));
    tend_buffer_clear(text);
}

static void compare_service(json_t *list, const struct tend_service_def *recorded,
                            const struct tend_service_def *service)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    const char *name = service->name[0] == '\0' ? "discovered services" : service->name;
    if (recorded == NULL) {
        tend_buffer_printf(&text, "%s: was not watched when it was recorded", name);
        add(list, &text);
        return;
    }
    for (size_t i = 0; i < service->metric_count; i++) {
        const struct tend_metric_def *metric = &service->metrics[i];
        for (size_t source = 0; source < 2; source++) {
            const struct tend_selector *selector = metric->sources[source];
            if (selector != NULL && !selects(recorded, selector)) {
                tend_buffer_printf(&text, "%s: %s: ", name, metric->name);
                tend_selector_format(selector, &text);
                tend_buffer_put_text(&text, " was not selected when it was recorded");
                add(list, &text);
            }
        }
    }
}

// Which definition the service of that name had; "": the template of what is discovered.
static const struct tend_service_def *find(const struct tend_ruleset *ruleset, const char *name)
{
    for (size_t i = 0; i < ruleset->service_count; i++) {
        if (strcmp(ruleset->services[i].name, name) == 0 && ruleset->services[i].watched) {
            return &ruleset->services[i];
        }
    }
    for (size_t i = 0; i < ruleset->discovery_count; i++) {
        const struct tend_discovery_def *discovery = &ruleset->discoveries[i];
        for (size_t j = 0; j < discovery->override_count; j++) {
            if (strcmp(discovery->overrides[j]->name, name) == 0) {
                return discovery->overrides[j];
            }
        }
    }
    return ruleset->discovery_count == 0 ? NULL : ruleset->discoveries[0].template_def;
}

json_t *tend_selected_series_lacking(const struct tend_ruleset *recorded, const struct tend_ruleset *others)
{
    json_t *list = json_array();
    if (list == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < others->service_count; i++) {
        const struct tend_service_def *service = &others->services[i];
        if (service->watched) {
            compare_service(list, find(recorded, service->name), service);
        }
    }
    for (size_t i = 0; i < others->discovery_count; i++) {
        const struct tend_discovery_def *discovery = &others->discoveries[i];
        if (recorded->discovery_count > 0) { // else those services that there were had names, and are compared by them
            compare_service(list, recorded->discoveries[0].template_def, discovery->template_def);
        }
        for (size_t j = 0; j < discovery->override_count; j++) {
            compare_service(list, find(recorded, discovery->overrides[j]->name), discovery->overrides[j]);
        }
    }
    return list;
}
