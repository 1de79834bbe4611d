#include "driver/past/prometheus_selection.h"

#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

static void put_quoted(struct tend_buffer *out, const char *text)
{
    tend_buffer_put_text(out, "\"");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            tend_buffer_put_text(out, "\\");
        }
        tend_buffer_put(out, *c == '\n' ? "\\n" : c, *c == '\n' ? 2 : 1);
    }
    tend_buffer_put_text(out, "\"");
}

static bool is_plain_name(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name);
}

static void put_matcher(struct tend_buffer *out, const struct tend_matcher_view *matcher)
{
    if (is_plain_name(matcher->label)) {
        tend_buffer_put_text(out, matcher->label);
    } else {
        put_quoted(out, matcher->label); // as newer servers have it
    }
    if (matcher->is_pattern) {
        tend_buffer_put_text(out, matcher->negated ? "!~" : "=~");
    } else {
        tend_buffer_put_text(out, matcher->negated ? "!=" : "=");
    }
    put_quoted(out, matcher->value);
}

char *tend_prometheus_selection_text(const struct tend_selector *selector)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    bool named = false;
    for (size_t i = 0; i < tend_selector_matcher_count(selector); i++) {
        const struct tend_matcher_view matcher = tend_selector_matcher(selector, i);
        named = named || strcmp(matcher.label, "__name__") == 0;
        tend_buffer_put_text(&text, i == 0 ? "{" : ",");
        put_matcher(&text, &matcher);
    }
    const char *name = tend_selector_name(selector);
    if (!named && name != NULL) {
        tend_buffer_put_text(&text, text.size == 0 ? "{" : ",");
        tend_buffer_put_text(&text, "__name__=");
        put_quoted(&text, name);
    }
    tend_buffer_put_text(&text, text.size == 0 ? "{}" : "}");
    char *copy = text.failed ? NULL : strdup(tend_buffer_text(&text));
    tend_buffer_clear(&text);
    return copy;
}

char *tend_prometheus_selection_query(const struct tend_prometheus_selection *selection, const char *text)
{
    char *query = NULL;
    const int bytes = (int)strlen(text) - 1; // without its "}"
    return asprintf(&query, "%.*s%s%s}", bytes, text, bytes > 1 ? "," : "", selection->service_matcher) < 0 ? NULL
                                                                                                            : query;
}

static enum tend_status add_selector(struct tend_prometheus_selection *selection, const struct tend_selector *selector)
{
    char *text = selector == NULL ? NULL : tend_prometheus_selection_text(selector);
    if (text == NULL) {
        return selector == NULL ? TEND_OK : TEND_E_NOMEM;
    }
    for (size_t i = 0; i < selection->selector_count; i++) {
        if (strcmp(selection->texts[i], text) == 0) {
            free(text);
            return TEND_OK;
        }
    }
    const size_t count = selection->selector_count + 1;
    char **texts = reallocarray((void *)selection->texts, count, sizeof *texts);
    if (texts == NULL) {
        free(text);
        return TEND_E_NOMEM;
    }
    selection->texts = texts;
    selection->texts[selection->selector_count++] = text;
    return TEND_OK;
}

static enum tend_status add_service(struct tend_prometheus_selection *selection, const struct tend_service_def *def)
{
    enum tend_status status = TEND_OK;
    if (!def->watched) {
        return TEND_OK;
    }
    for (size_t m = 0; m < def->metric_count && status == TEND_OK; m++) {
        status = add_selector(selection, def->metrics[m].sources[0]);
        if (status == TEND_OK) {
            status = add_selector(selection, def->metrics[m].sources[1]);
        }
    }
    for (size_t r = 0; r < def->record_count && status == TEND_OK; r++) {
        status = add_selector(selection, def->record[r]);
    }
    if (status == TEND_OK) {
        status = add_selector(selection, def->version_series);
    }
    if (status != TEND_OK || def->name == NULL || def->name[0] == '\0') {
        return status;
    }
    char **services = reallocarray((void *)selection->services, selection->service_count + 1, sizeof *services);
    if (services == NULL) {
        return TEND_E_NOMEM;
    }
    selection->services = services;
    char *name = strdup(def->name);
    if (name == NULL) {
        return TEND_E_NOMEM;
    }
    selection->services[selection->service_count++] = name;
    return TEND_OK;
}

// `job=~"payments|search\\.eu"`: names as patterns, and those as PromQL's strings.
static char *matcher_of(const struct tend_prometheus_selection *selection, const char *label)
{
    struct tend_buffer pattern;
    struct tend_buffer matcher;
    tend_buffer_init(&pattern);
    tend_buffer_init(&matcher);
    for (size_t i = 0; i < selection->service_count; i++) {
        tend_buffer_put_text(&pattern, i == 0 ? "" : "|");
        for (const char *c = selection->services[i]; *c != '\0'; c++) {
            tend_buffer_put_text(&pattern, strchr(".+*?()|[]{}^$\\", *c) == NULL ? "" : "\\");
            tend_buffer_put(&pattern, c, 1);
        }
    }
    tend_buffer_printf(&matcher, selection->service_count == 0 ? "%s!=" : "%s=~", label);
    put_quoted(&matcher, tend_buffer_text(&pattern));
    char *copy = pattern.failed || matcher.failed ? NULL : strdup(tend_buffer_text(&matcher));
    tend_buffer_clear(&pattern);
    tend_buffer_clear(&matcher);
    return copy;
}

enum tend_status tend_prometheus_selection_create(const struct tend_ruleset *ruleset, const char *service_label,
                                                  struct tend_prometheus_selection **out)
{
    struct tend_prometheus_selection *selection = calloc(1, sizeof *selection);
    enum tend_status status = selection == NULL ? TEND_E_NOMEM : TEND_OK;
    for (size_t i = 0; i < ruleset->service_count && status == TEND_OK; i++) {
        status = add_service(selection, &ruleset->services[i]);
    }
    for (size_t d = 0; d < ruleset->discovery_count && status == TEND_OK; d++) {
        const struct tend_discovery_def *discovery = &ruleset->discoveries[d];
        status = discovery->template_def == NULL ? TEND_OK : add_service(selection, discovery->template_def);
        for (size_t i = 0; i < discovery->override_count && status == TEND_OK; i++) {
            status = add_service(selection, discovery->overrides[i]);
        }
    }
    if (status == TEND_OK) {
        selection->service_matcher = matcher_of(selection, service_label);
        status = selection->service_matcher == NULL ? TEND_E_NOMEM : TEND_OK;
    }
    if (status != TEND_OK) {
        tend_prometheus_selection_destroy(selection);
        return status;
    }
    *out = selection;
    return TEND_OK;
}

void tend_prometheus_selection_destroy(struct tend_prometheus_selection *selection)
{
    if (selection == NULL) {
        return;
    }
    for (size_t i = 0; i < selection->service_count; i++) {
        free(selection->services[i]);
    }
    for (size_t i = 0; i < selection->selector_count; i++) {
        free(selection->texts[i]);
    }
    free((void *)selection->services);
    free((void *)selection->texts);
    free(selection->service_matcher);
    free(selection);
}
