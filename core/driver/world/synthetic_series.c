// Columns are made metric by metric, shares first, as their numerator and rest also are what a rate over the same name
// counts. A column that a later metric selects is not made twice.

#include "driver/world/synthetic_series.h"

#include "driver/world/made_up_series.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 512, BUCKETS = 44 };

static const double usual_rate = 50.0; // requests a second of one instance
static const double noise = 0.02;

enum role { ROLE_NONE, ROLE_LATENCY, ROLE_ERRORS, ROLE_TRAFFIC, ROLE_MEMORY };

enum maker {
    MAKER_START,     // process_start_time_seconds
    MAKER_VERSION,   // 1 while the instance has this version
    MAKER_REQUESTS,  // counts requests
    MAKER_TOTAL,     // sums something of each request
    MAKER_BUCKET,    // counts requests up to a bound
    MAKER_HIT,       // counts the requests that are in a share
    MAKER_REST,      // counts the others
    MAKER_COUNTER,   // counts something else, at a rate of its own
    MAKER_GAUGE,     // shows a value
    MAKER_PART,      // shows a share of a whole
    MAKER_WHOLE,     // shows the whole
    MAKER_TIMESTAMP, // wall time of something that happened
    MAKER_LIVENESS,  // 1 while it serves
};

struct column {
    enum maker maker;
    enum role role;
    double usual; // value of the metric while nothing is wrong
    double scale; // MAKER_PART and MAKER_WHOLE: the whole; MAKER_BUCKET: the bound; MAKER_VERSION: 0 or 1
};

struct tend_synthetic_series {
    const struct tend_service_def *def;
    const json_t *usual; // while it is made
    struct tend_column layout_columns[COLUMNS_MAX];
    struct column columns[COLUMNS_MAX];
    size_t count;
    const struct tend_layout *layout;
    double latency_s;
    double rate;
    bool has_exporter;
    struct tend_error *error;
};

struct tend_synthetic_row {
    const struct tend_synthetic_series *series;
    double *counters;
    double *values;
    uint64_t state; // of the noise
};

// ---- what a metric is about ----

static bool mentions(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcasestr(text, *words) != NULL) {
            return true;
        }
    }
    return false;
}

static enum role role_of(const struct tend_metric_def *def)
{
    static const char *const memory_words[] = { "memory", "bytes", "heap", "rss", NULL };
    static const char *const latency_words[] = { "time", "latency", "duration", "p50", "p9", "slow", NULL };
    static const char *const error_words[] = { "error", "fail", "5xx", NULL };
    static const char *const traffic_words[] = { "traffic", "request", "rps", "qps", "load", NULL };
    switch (def->kind) {
    case TEND_METRIC_MEAN:
    case TEND_METRIC_QUANTILE:
        return strcmp(def->unit, "s") == 0 || mentions(def->name, latency_words) ? ROLE_LATENCY : ROLE_NONE;
    case TEND_METRIC_SHARE:
    case TEND_METRIC_GAUGE:
        if (strcmp(def->unit, "bytes") == 0 || mentions(def->name, memory_words)) {
            return ROLE_MEMORY;
        }
        if (mentions(def->name, error_words) ||
            (def->kind == TEND_METRIC_SHARE && !def->source_is_gauge[0] && def->bad == TEND_BAD_ABOVE)) {
            return ROLE_ERRORS;
        }
        return strcmp(def->unit, "s") == 0 || mentions(def->name, latency_words) ? ROLE_LATENCY : ROLE_NONE;
    case TEND_METRIC_RATE:
        return mentions(def->name, error_words)                                           ? ROLE_ERRORS
               : mentions(def->name, traffic_words) || mentions(def->unit, traffic_words) ? ROLE_TRAFFIC
                                                                                          : ROLE_NONE;
    case TEND_METRIC_AGE:
    case TEND_METRIC_CHANGES:
    case TEND_METRIC_UP:
    case TEND_METRIC_SCRAPE_DURATION:
        return ROLE_NONE;
    }
    return ROLE_NONE;
}

// What the scenario says that a metric usually is. NaN: nothing.
static double said_usual(const json_t *usual, const struct tend_metric_def *def)
{
    double value = (double)NAN;
    const json_t *said = json_object_get(usual, def->name);
    if (json_is_string(said) &&
        tend_quantity_parse_as(json_string_value(said), json_string_length(said), def->unit, &value, NULL) != TEND_OK) {
        return (double)NAN; // check_usual has told it
    }
    return json_is_number(said) ? json_number_value(said) : value;
}

static void say_metrics(const struct tend_service_def *def, const char *name, struct tend_error *error)
{
    char names[300] = "";
    size_t bytes = 0;
    for (size_t i = 0; i < def->metric_count && bytes < sizeof names; i++) {
        const int added =
            snprintf(names + bytes, sizeof names - bytes, "%s%s", i == 0 ? "" : ", ", def->metrics[i].name);
        bytes += added < 0 ? 0 : (size_t)added;
    }
    tend_error_set(error, "usual: %s has no metric \"%s\"; it has %s", def->name, name, names);
}

// Whether each usual value is of a metric that the service has, and makes sense for it.
static enum tend_status check_usual(const json_t *usual, const struct tend_service_def *def, struct tend_error *error)
{
    const char *name;
    json_t *said;
    json_object_foreach((json_t *)(uintptr_t)usual, name, said) // NOLINT(performance-no-int-to-ptr)
    {
        size_t i = 0;
        while (i < def->metric_count && strcmp(def->metrics[i].name, name) != 0) {
            i++;
        }
        struct tend_error why = { .text = "" };
        double value = 0.0;
        if (i == def->metric_count) {
            say_metrics(def, name, error);
            return TEND_E_INVALID;
        }
        if (json_is_string(said) && tend_quantity_parse_as(json_string_value(said), json_string_length(said),
                                                           def->metrics[i].unit, &value, &why) != TEND_OK) {
            tend_error_set(error, "usual: %s.%s: %s", def->name, name, why.text);
            return TEND_E_INVALID;
        }
    }
    return TEND_OK;
}

static double usual_of(const json_t *usual, const struct tend_metric_def *def, enum role role)
{
    const double said = said_usual(usual, def);
    if (!isnan(said)) {
        return said;
    }
    if (def->expect == TEND_EXPECT_VALUE) {
        return def->expect_value;
    }
    switch (role) {
    case ROLE_LATENCY:
        return def->kind == TEND_METRIC_QUANTILE ? 0.1 * -log(1.0 - def->quantile) : 0.1;
    case ROLE_ERRORS:
        return 0.0;
    case ROLE_TRAFFIC:
        return usual_rate;
    case ROLE_MEMORY:
        return def->kind == TEND_METRIC_SHARE ? 0.4 : 64.0 * 1024.0 * 1024.0;
    case ROLE_NONE:
        return def->kind == TEND_METRIC_SHARE ? 0.1 : def->kind == TEND_METRIC_AGE ? 60.0 : 10.0;
    }
    return 1.0;
}

// ---- making columns ----

static bool has_column(const struct tend_synthetic_series *made, const struct tend_selector *selector)
{
    for (size_t i = 0; i < made->count; i++) {
        size_t name_bytes;
        size_t label_count;
        const char *name = tend_label_set_name(made->layout_columns[i].labels, &name_bytes);
        const struct tend_label *labels = tend_label_set_labels(made->layout_columns[i].labels, &label_count);
        if (tend_selector_matches(selector, name, name_bytes, labels, label_count)) {
            return true;
        }
    }
    return false;
}

static enum tend_status add(struct tend_synthetic_series *made, const struct tend_made_up_series *series,
                            enum tend_series_type type, const struct column *column)
{
    const struct tend_label_set *set;
    const enum tend_status status =
        made->count >= COLUMNS_MAX
            ? TEND_E_LIMIT
            : tend_label_set_create(series->name, strlen(series->name), series->labels, series->label_count, &set);
    if (status != TEND_OK) {
        tend_error_set(made->error, "%s: a simulated instance has at most %d series", made->def->name, COLUMNS_MAX);
        return status;
    }
    for (size_t i = 0; i < made->count; i++) {
        if (tend_label_set_equal(made->layout_columns[i].labels, set)) {
            tend_label_set_release(set); // another metric reads the same series
            return TEND_OK;
        }
    }
    made->layout_columns[made->count] = (struct tend_column){ .labels = set, .type = type };
    made->columns[made->count++] = *column;
    return TEND_OK;
}

static enum tend_status add_for(struct tend_synthetic_series *made, const struct tend_metric_def *def,
                                const struct tend_selector *selector, enum tend_series_type type,
                                const struct column *column)
{
    struct tend_made_up_series series;
    if (has_column(made, selector)) {
        return TEND_OK;
    }
    if (!tend_made_up_series_find(selector, &series)) {
        tend_error_set(made->error, "%s.%s: a scenario cannot make up a series that its selector selects",
                       made->def->name, def->name);
        return TEND_E_INVALID;
    }
    return add(made, &series, type, column);
}

static enum tend_status add_share(struct tend_synthetic_series *made, const struct tend_metric_def *def,
                                  struct column column)
{
    const struct tend_selector *part = def->sources[0];
    const struct tend_selector *whole = def->sources[1];
    enum tend_status status;
    if (def->source_is_gauge[0] || def->source_is_gauge[1]) {
        column.scale = 1024.0 * 1024.0 * 1024.0;
        column.maker = MAKER_PART;
        status = add_for(made, def, part, TEND_SERIES_GAUGE, &column);
        column.maker = MAKER_WHOLE;
        return status != TEND_OK ? status : add_for(made, def, whole, TEND_SERIES_GAUGE, &column);
    }
    struct tend_made_up_series hit;
    struct tend_made_up_series rest;
    column.maker = MAKER_HIT;
    status = add_for(made, def, part, TEND_SERIES_COUNTER, &column);
    if (status != TEND_OK || !tend_made_up_series_find(part, &hit)) {
        return status;
    }
    if (!tend_made_up_series_is_selected(&hit, whole)) { // apart from each other: the second counts all
        column.maker = MAKER_REQUESTS;
        return add_for(made, def, whole, TEND_SERIES_COUNTER, &column);
    }
    if (!tend_made_up_series_rest(whole, part, &rest)) {
        tend_error_set(made->error, "%s.%s: a scenario cannot make up a series for the rest of this share",
                       made->def->name, def->name);
        return TEND_E_INVALID;
    }
    column.maker = MAKER_REST;
    return add(made, &rest, TEND_SERIES_COUNTER, &column);
}

// Bounds that rise by a quarter around where the quantile usually is, so that it is told well.
static enum tend_status add_buckets(struct tend_synthetic_series *made, const struct tend_metric_def *def,
                                    struct column column)
{
    struct tend_made_up_series series;
    if (has_column(made, def->sources[0])) {
        return TEND_OK;
    }
    if (!tend_made_up_series_find(def->sources[0], &series)) {
        tend_error_set(made->error, "%s.%s: a scenario cannot make up a series that its selector selects",
                       made->def->name, def->name);
        return TEND_E_INVALID;
    }
    const double middle = column.usual > 0.0 ? column.usual : 0.1;
    column.maker = MAKER_BUCKET;
    column.usual = middle / -log(1.0 - fmin(fmax(def->quantile, 0.01), 0.9999)); // its mean
    for (int i = 0; i <= BUCKETS; i++) {
        char le[32];
        column.scale = i == BUCKETS ? (double)INFINITY : middle * pow(1.25, i - 14);
        (void)snprintf(le, sizeof le, i == BUCKETS ? "+Inf" : "%.6g", column.scale);
        tend_made_up_series_set_label(&series, "le", le);
        const enum tend_status status = add(made, &series, TEND_SERIES_HISTOGRAM, &column);
        if (status != TEND_OK) {
            return status;
        }
    }
    return TEND_OK;
}

static enum tend_status add_metric(struct tend_synthetic_series *made, const struct tend_metric_def *def)
{
    struct column column = { .role = role_of(def) };
    column.usual = usual_of(made->usual, def, column.role);
    enum tend_status status;
    switch (def->kind) {
    case TEND_METRIC_SHARE:
        return add_share(made, def, column);
    case TEND_METRIC_MEAN:
        column.maker = MAKER_TOTAL;
        status = add_for(made, def, def->sources[0], TEND_SERIES_HISTOGRAM, &column);
        column.maker = MAKER_REQUESTS;
        return status != TEND_OK ? status : add_for(made, def, def->sources[1], TEND_SERIES_HISTOGRAM, &column);
    case TEND_METRIC_QUANTILE:
        return add_buckets(made, def, column);
    case TEND_METRIC_RATE:
        column.maker = column.role == ROLE_TRAFFIC ? MAKER_REQUESTS : MAKER_COUNTER;
        return add_for(made, def, def->sources[0], TEND_SERIES_COUNTER, &column);
    case TEND_METRIC_GAUGE:
        column.maker = MAKER_GAUGE;
        if (tend_made_up_series_is_selected(&(struct tend_made_up_series){ .name = "node_time_seconds" },
                                            def->sources[0])) { // node_exporter's clock
            column.maker = MAKER_TIMESTAMP;
            column.usual = 0.0;
        }
        return add_for(made, def, def->sources[0], TEND_SERIES_GAUGE, &column);
    case TEND_METRIC_AGE:
        column.maker = MAKER_TIMESTAMP;
        column.usual *= 0.25; // it happens often enough
        return add_for(made, def, def->sources[0], TEND_SERIES_GAUGE, &column);
    case TEND_METRIC_CHANGES: // something that is another one after each start: a count of them, as it were
        column.maker = MAKER_START;
        return add_for(made, def, def->sources[0], TEND_SERIES_GAUGE, &column);
    case TEND_METRIC_UP:
        column.maker = MAKER_LIVENESS;
        made->has_exporter = made->has_exporter || def->sources[0] != NULL;
        return def->sources[0] == NULL ? TEND_OK : add_for(made, def, def->sources[0], TEND_SERIES_GAUGE, &column);
    case TEND_METRIC_SCRAPE_DURATION:
        return TEND_OK;
    }
    return TEND_OK;
}

static enum tend_status add_version(struct tend_synthetic_series *made)
{
    struct tend_made_up_series series;
    const struct tend_service_def *def = made->def;
    if (def->version_series == NULL || def->version_label == NULL) {
        return TEND_OK;
    }
    if (!tend_made_up_series_find(def->version_series, &series)) {
        tend_error_set(made->error, "%s: a scenario cannot make up a series that tells its version", def->name);
        return TEND_E_INVALID;
    }
    enum tend_status status = TEND_OK;
    for (int i = 0; i < 2 && status == TEND_OK; i++) {
        tend_made_up_series_set_label(&series, def->version_label, i == 0 ? "v1" : "v2");
        status = add(made, &series, TEND_SERIES_GAUGE, &(struct column){ .maker = MAKER_VERSION, .scale = i });
    }
    return status;
}

// How long a request usually takes, and how many there are: from the first metric that says so.
static void find_usual(struct tend_synthetic_series *made)
{
    const struct tend_service_def *def = made->def;
    made->latency_s = 0.1;
    made->rate = usual_rate;
    bool known = false;
    for (size_t i = 0; i < def->metric_count; i++) {
        const struct tend_metric_def *metric = &def->metrics[i];
        const enum role role = role_of(metric);
        if (metric->expect != TEND_EXPECT_VALUE && isnan(said_usual(made->usual, metric))) {
            continue;
        }
        const double value = usual_of(made->usual, metric, role);
        if (role == ROLE_TRAFFIC && value > 0.0) {
            made->rate = value;
        } else if (role == ROLE_LATENCY && value > 0.0 && (!known || metric->kind == TEND_METRIC_MEAN)) {
            known = true;
            made->latency_s =
                metric->kind == TEND_METRIC_QUANTILE ? value / -log(1.0 - fmin(metric->quantile, 0.9999)) : value;
        }
    }
}

enum tend_status tend_synthetic_series_create(const struct tend_service_def *def, const json_t *usual,
                                              struct tend_synthetic_series **out, struct tend_error *error)
{
    const enum tend_status fine = check_usual(usual, def, error);
    if (fine != TEND_OK) {
        return fine;
    }
    struct tend_synthetic_series *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return TEND_E_NOMEM;
    }
    made->def = def;
    made->usual = usual;
    made->error = error;
    find_usual(made);
    const struct tend_made_up_series start = { .name = "process_start_time_seconds" };
    enum tend_status status = add(made, &start, TEND_SERIES_GAUGE, &(struct column){ .maker = MAKER_START });
    for (int shares = 1; shares >= 0; shares--) {
        for (size_t i = 0; i < def->metric_count && status == TEND_OK; i++) {
            if ((def->metrics[i].kind == TEND_METRIC_SHARE) == (shares == 1)) {
                status = add_metric(made, &def->metrics[i]);
            }
        }
    }
    if (status == TEND_OK) {
        status = add_version(made);
    }
    if (status == TEND_OK) {
        status = tend_layout_create(made->layout_columns, made->count, &made->layout);
    }
    if (status != TEND_OK) {
        tend_synthetic_series_destroy(made);
        return status;
    }
    made->usual = NULL;
    *out = made;
    return TEND_OK;
}

void tend_synthetic_series_destroy(struct tend_synthetic_series *series)
{
    if (series == NULL) {
        return;
    }
    for (size_t i = 0; i < series->count; i++) {
        tend_label_set_release(series->layout_columns[i].labels);
    }
    tend_layout_release(series->layout);
    free(series);
}

const struct tend_layout *tend_synthetic_series_layout(const struct tend_synthetic_series *series)
{
    return series->layout;
}

double tend_synthetic_series_latency_s(const struct tend_synthetic_series *series)
{
    return series->latency_s;
}

double tend_synthetic_series_rate(const struct tend_synthetic_series *series)
{
    return series->rate;
}

bool tend_synthetic_series_has_exporter(const struct tend_synthetic_series *series)
{
    return series->has_exporter;
}

// ---- an instance ----

enum tend_status tend_synthetic_row_create(const struct tend_synthetic_series *series, uint64_t seed,
                                           struct tend_synthetic_row **out)
{
    struct tend_synthetic_row *row = calloc(1, sizeof *row);
    double *counters = calloc(series->count + 1, sizeof *counters);
    double *values = calloc(series->count + 1, sizeof *values);
    if (row == NULL || counters == NULL || values == NULL) {
        free(row);
        free(counters);
        free(values);
        return TEND_E_NOMEM;
    }
    *row = (struct tend_synthetic_row){ .series = series, .counters = counters, .values = values, .state = seed };
    *out = row;
    return TEND_OK;
}

void tend_synthetic_row_destroy(struct tend_synthetic_row *row)
{
    if (row == NULL) {
        return;
    }
    free(row->counters);
    free(row->values);
    free(row);
}

void tend_synthetic_row_restart(struct tend_synthetic_row *row)
{
    memset(row->counters, 0, row->series->count * sizeof *row->counters);
}

// splitmix64, as a factor around 1.
static double shaken(struct tend_synthetic_row *row)
{
    uint64_t z = row->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return 1.0 + noise * ((double)(z >> 11) / 4503599627370496.0 - 1.0);
}

static double value_of(const struct column *column, const struct tend_signals *signals)
{
    switch (column->role) {
    case ROLE_LATENCY:
        return column->usual * signals->latency;
    case ROLE_ERRORS:
        return column->maker == MAKER_COUNTER ? column->usual + usual_rate * signals->load * signals->errors
                                              : fmin(1.0, column->usual + (1.0 - column->usual) * signals->errors);
    case ROLE_TRAFFIC:
        return column->usual * signals->load;
    case ROLE_MEMORY:
        return column->usual * signals->memory;
    case ROLE_NONE:
        return column->usual;
    }
    return column->usual;
}

void tend_synthetic_row_advance(struct tend_synthetic_row *row, const struct tend_signals *signals, double seconds)
{
    const struct tend_synthetic_series *series = row->series;
    const double requests = series->rate * signals->load * seconds * shaken(row);
    const double pace = shaken(row); // of all requests of this stretch alike
    for (size_t i = 0; i < series->count; i++) {
        const struct column *column = &series->columns[i];
        const double value = value_of(column, signals);
        switch (column->maker) {
        case MAKER_REQUESTS:
            row->counters[i] += requests;
            break;
        case MAKER_TOTAL:
            row->counters[i] += requests * value * pace;
            break;
        case MAKER_BUCKET: // of an exponential distribution
            row->counters[i] += requests * (1.0 - exp(-column->scale / (value * pace)));
            break;
        case MAKER_HIT:
            row->counters[i] += requests * value;
            break;
        case MAKER_REST:
            row->counters[i] += requests * (1.0 - value);
            break;
        case MAKER_COUNTER:
            row->counters[i] += value * seconds * pace;
            break;
        case MAKER_START:
        case MAKER_VERSION:
        case MAKER_GAUGE:
        case MAKER_PART:
        case MAKER_WHOLE:
        case MAKER_TIMESTAMP:
        case MAKER_LIVENESS:
            break;
        }
    }
}

const double *tend_synthetic_row_values(struct tend_synthetic_row *row, const struct tend_signals *signals)
{
    const struct tend_synthetic_series *series = row->series;
    // An exporter that cannot reach its service tells only that.
    const bool silent = series->has_exporter && !signals->serves;
    for (size_t i = 0; i < series->count; i++) {
        const struct column *column = &series->columns[i];
        double value = row->counters[i];
        switch (column->maker) {
        case MAKER_START:
            value = signals->started_s;
            break;
        case MAKER_VERSION:
            value = (column->scale > 0.0) == signals->new_version ? 1.0 : tend_stale();
            break;
        case MAKER_GAUGE:
            value = value_of(column, signals) * shaken(row);
            break;
        case MAKER_PART:
            value = fmin(1.0, value_of(column, signals) * shaken(row)) * column->scale;
            break;
        case MAKER_WHOLE:
            value = column->scale;
            break;
        case MAKER_TIMESTAMP:
            value = signals->wall_s - column->usual;
            break;
        case MAKER_LIVENESS:
            value = signals->serves ? 1.0 : 0.0;
            break;
        case MAKER_REQUESTS:
        case MAKER_TOTAL:
        case MAKER_BUCKET:
        case MAKER_HIT:
        case MAKER_REST:
        case MAKER_COUNTER:
            break;
        }
        row->values[i] = silent && column->maker != MAKER_LIVENESS ? tend_stale() : value;
    }
    return row->values;
}
