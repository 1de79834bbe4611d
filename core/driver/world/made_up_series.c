#include "driver/world/made_up_series.h"

#include <string.h>

enum { SUCCESS = 4 }; // the first likely value that is no failure

static struct tend_label *find_label(struct tend_made_up_series *series, const char *label)
{
    for (size_t i = 0; i < series->label_count; i++) {
        if (strcmp(series->labels[i].name, label) == 0) {
            return &series->labels[i];
        }
    }
    return NULL;
}

void tend_made_up_series_set_label(struct tend_made_up_series *series, const char *label, const char *value)
{
    struct tend_label *found = find_label(series, label);
    if (found == NULL && series->label_count < TEND_MADE_UP_LABELS_MAX) {
        found = &series->labels[series->label_count++];
    }
    if (found != NULL) {
        *found = (struct tend_label){
            .name = label, .name_bytes = strlen(label), .value = value, .value_bytes = strlen(value)
        };
    }
}

bool tend_made_up_series_is_selected(const struct tend_made_up_series *series, const struct tend_selector *selector)
{
    return tend_selector_matches(selector, series->name, strlen(series->name), series->labels, series->label_count);
}

// Values that regular expressions in the wild are about.
static const char *const likely_values[] = { "500", "503", "502",  "504",   "200",   "404",  "201",  "301",  "400",
                                             "a",   "GET", "POST", "ok",    "error", "/",    "/api", "sda",  "eth0",
                                             "1",   "0",   "true", "false", "heap",  "user", "GRPC", "idle", NULL };

// Gives one open label each likely value, until the selector selects the series.
static bool try_values(const struct tend_selector *selector, struct tend_made_up_series *series, const char *label)
{
    for (const char *const *value = likely_values; *value != NULL; value++) {
        tend_made_up_series_set_label(series, label, *value);
        if (tend_made_up_series_is_selected(series, selector)) {
            return true;
        }
    }
    return false;
}

// Gives one label after the other each likely value, and another one too; the number of open labels is small.
static bool try_pairs(const struct tend_selector *selector, struct tend_made_up_series *series, const char *const *open,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (const char *const *value = likely_values; *value != NULL; value++) {
            tend_made_up_series_set_label(series, open[i], *value);
            for (size_t j = 0; j < count; j++) {
                if (j != i && try_values(selector, series, open[j])) {
                    return true;
                }
            }
        }
    }
    return false;
}

bool tend_made_up_series_find(const struct tend_selector *selector, struct tend_made_up_series *out)
{
    *out = (struct tend_made_up_series){ .name = tend_selector_name(selector) };
    if (out->name == NULL) {
        return false;
    }
    const char *open[TEND_MADE_UP_LABELS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < tend_selector_matcher_count(selector); i++) {
        const struct tend_matcher_view matcher = tend_selector_matcher(selector, i);
        if (strcmp(matcher.label, "__name__") == 0) {
            continue;
        }
        if (!matcher.is_pattern && !matcher.negated) {
            tend_made_up_series_set_label(out, matcher.label, matcher.value);
        } else if (count < TEND_MADE_UP_LABELS_MAX) {
            open[count++] = matcher.label;
        }
    }
    bool made = tend_made_up_series_is_selected(out, selector);
    for (size_t i = 0; i < count && !made; i++) {
        made = try_values(selector, out, open[i]);
    }
    return made || try_pairs(selector, out, open, count);
}

// Gives the label of a part's matcher another value, so that the whole still selects the series and the part does not.
static bool set_apart(const struct tend_selector *whole, const struct tend_selector *part, const char *label,
                      struct tend_made_up_series *series)
{
    for (const char *const *value = likely_values + SUCCESS; *value != NULL; value++) {
        struct tend_made_up_series tried = *series;
        tend_made_up_series_set_label(&tried, label, *value);
        if (tend_made_up_series_is_selected(&tried, whole) && !tend_made_up_series_is_selected(&tried, part)) {
            *series = tried;
            return true;
        }
    }
    return false;
}

bool tend_made_up_series_rest(const struct tend_selector *whole, const struct tend_selector *part,
                              struct tend_made_up_series *out)
{
    if (!tend_made_up_series_find(whole, out)) {
        return false;
    }
    for (size_t i = 0; i < tend_selector_matcher_count(part); i++) {
        const char *label = tend_selector_matcher(part, i).label;
        if (strcmp(label, "__name__") != 0 &&
            (find_label(out, label) == NULL || tend_made_up_series_is_selected(out, part)) &&
            set_apart(whole, part, label, out)) {
            return true;
        }
    }
    return tend_made_up_series_is_selected(out, whole) && !tend_made_up_series_is_selected(out, part);
}
