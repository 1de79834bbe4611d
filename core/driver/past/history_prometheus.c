// Why raw samples and not query_range: at a step query_range gives the newest sample of the last five minutes, so a
// failed scrape, a gap and the exact times are gone, and a rate over those values is not the rate that tend would have
// measured. `selector[range]` as an instant query gives what was stored, each sample with its own time.

#include "driver/past/history_prometheus.h"

#include "driver/past/prometheus_client.h"
#include "driver/past/prometheus_page.h"
#include "driver/past/prometheus_selection.h"
#include "parse/duration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POINTS_MAX = 11000, // a series and question: Prometheus' own limit of query_range
    FIRST_PAGE_MS = 5 * 60 * 1000,
    SMALLEST_PAGE_MS = 1000,
    PAGE_MAX_MS = 24 * 3600 * 1000,
    FEW_SAMPLES = 100000, // of a page: the next one is twice as long
    MANY_SAMPLES = 400000 // of a page: half as long
};

static const char up_text[] = "{__name__=\"up\"}";
static const char duration_text[] = "{__name__=\"scrape_duration_seconds\"}";
static const char process_start_text[] = "{__name__=\"process_start_time_seconds\"}";

struct prometheus_history {
    struct tend_prometheus_client *client;
    struct tend_ruleset *ruleset;
    struct tend_prometheus_selection *selection;
    struct tend_prometheus_page *page;
    int64_t step_ms; // 0: raw samples
    int64_t from_ms, until_ms;
    int64_t done_ms; // up to where it was asked for
    int64_t page_ms; // of the next page
    json_t *had;     // "service\nselector" → true: it had a sample
    const char *had_selector;
    size_t instances_told; // SIZE_MAX: none yet
    int64_t newest_ms;
};

// ---- questions ----

static void put_time(int64_t at_ms, char out[32])
{
    (void)snprintf(out, 32, "%lld.%03d", (long long)(at_ms / 1000), (int)(at_ms % 1000));
}

// Asks for the samples with after_ms < time <= until_ms. @param[out] matrix  a new reference
static enum tend_status ask(struct prometheus_history *history, const char *text, int64_t after_ms, int64_t until_ms,
                            json_t **matrix, struct tend_error *error)
{
    char *selector = tend_prometheus_selection_query(history->selection, text);
    char *query = NULL;
    const bool raw = history->step_ms == 0;
    const int printed = selector == NULL ? -1
                        : raw            ? asprintf(&query, "%s[%lldms]", selector, (long long)(until_ms - after_ms))
                              : asprintf(&query, "last_over_time(%s[%lldms])", selector, (long long)history->step_ms);
    free(selector);
    if (printed < 0) {
        tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
        return TEND_E_NOMEM;
    }
    char start[32];
    char end[32];
    char step[32];
    put_time(after_ms + history->step_ms, start);
    put_time(until_ms, end);
    put_time(history->step_ms, step);
    // VictoriaMetrics moves times of the last half minute back, unless it is asked not to; others do not know
    // `nocache`.
    const struct tend_prometheus_parameter instant[] = { { "query", query }, { "time", end }, { "nocache", "1" } };
    const struct tend_prometheus_parameter range[] = {
        { "query", query }, { "start", start }, { "end", end }, { "step", step }, { "nocache", "1" }
    };
    json_t *data = NULL;
    enum tend_status status = raw ? tend_prometheus_client_ask(history->client, "query", instant, 3, &data, error)
                                  : tend_prometheus_client_ask(history->client, "query_range", range, 5, &data, error);
    free(query);
    if (status == TEND_OK) {
        *matrix = json_incref(json_object_get(data, "result"));
        if (!json_is_array(*matrix) || strcmp(tend_json_text(data, "resultType", ""), "matrix") != 0) {
            json_decref(*matrix);
            tend_error_set(error, "the server's answer to %s is no matrix%s", text,
                           raw ? "; where it has no raw samples, ask with --step 1m" : "");
            status = TEND_E_IO;
        }
    }
    json_decref(data);
    return status;
}

static void note_had(void *context, const char *service)
{
    struct prometheus_history *history = context;
    char key[2048];
    (void)snprintf(key, sizeof key, "%s\n%s", service, history->had_selector);
    (void)json_object_set_new(history->had, key, json_true());
}

static enum tend_status no_matrix(const char *text, struct tend_error *error)
{
    tend_error_set(error, "the server's answer to %s has a sample that is no [time, \"value\"]", text);
    return TEND_E_IO;
}

static enum tend_status take_series(struct prometheus_history *history, const char *text, int64_t until_ms,
                                    size_t *samples, struct tend_error *error)
{
    json_t *matrix = NULL;
    const enum tend_status status = ask(history, text, history->done_ms, until_ms, &matrix, error);
    if (status != TEND_OK) {
        return status;
    }
    history->had_selector = text;
    const size_t taken = tend_prometheus_page_take(history->page, matrix, history->done_ms, note_had, history);
    json_decref(matrix);
    *samples += taken;
    return taken == SIZE_MAX ? no_matrix(text, error) : TEND_OK;
}

static enum tend_status take_scrapes(struct prometheus_history *history, int64_t until_ms, size_t *samples,
                                     struct tend_error *error)
{
    json_t *matrix = NULL;
    enum tend_status status = ask(history, up_text, history->done_ms, until_ms, &matrix, error);
    if (status != TEND_OK) {
        return status;
    }
    *samples = tend_prometheus_page_take_up(history->page, matrix, history->done_ms);
    json_decref(matrix);
    if (*samples == SIZE_MAX) {
        return no_matrix(up_text, error);
    }
    if (*samples == 0) {
        return TEND_OK; // nothing was scraped, so there is nothing else to ask for
    }
    status = ask(history, duration_text, history->done_ms, until_ms, &matrix, error);
    if (status == TEND_OK) {
        const size_t taken = tend_prometheus_page_take_duration(history->page, matrix, history->done_ms);
        json_decref(matrix);
        status = taken == SIZE_MAX ? no_matrix(duration_text, error) : TEND_OK;
    }
    return status;
}

static enum tend_status ask_page(struct prometheus_history *history, int64_t until_ms, size_t *samples,
                                 struct tend_error *error)
{
    tend_prometheus_page_begin(history->page);
    enum tend_status status = take_scrapes(history, until_ms, samples, error);
    if (status == TEND_OK && *samples > 0) {
        status = take_series(history, process_start_text, until_ms, samples, error);
        const struct tend_prometheus_selection *selection = history->selection;
        for (size_t i = 0; i < selection->selector_count && status == TEND_OK; i++) {
            if (strcmp(selection->texts[i], process_start_text) != 0) {
                status = take_series(history, selection->texts[i], until_ms, samples, error);
            }
        }
    }
    return status == TEND_OK ? tend_prometheus_page_end(history->page) : status;
}

// ---- pages ----

// The shortest interval between scrapes that is known, or a second.
static int64_t shortest_ms(const struct prometheus_history *history)
{
    if (history->step_ms > 0) {
        return history->step_ms;
    }
    size_t count;
    const struct tend_history_instance *instances = tend_prometheus_page_instances(history->page, &count);
    int64_t shortest = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        shortest = instances[i].every_ms > 0 && instances[i].every_ms < shortest ? instances[i].every_ms : shortest;
    }
    return shortest == INT64_MAX ? 1000 : shortest;
}

static void adapt_page(struct prometheus_history *history, size_t samples)
{
    const int64_t shortest = shortest_ms(history);
    int64_t most_ms = shortest > PAGE_MAX_MS / POINTS_MAX ? PAGE_MAX_MS : shortest * POINTS_MAX;
    if (samples < FEW_SAMPLES) {
        history->page_ms *= 2;
    } else if (samples > MANY_SAMPLES) {
        history->page_ms /= 2;
    }
    if (history->step_ms > 0) { // pages end on steps
        most_ms = history->step_ms * POINTS_MAX;
        history->page_ms -= history->page_ms % history->step_ms;
    }
    const int64_t least_ms = history->step_ms > SMALLEST_PAGE_MS ? history->step_ms : SMALLEST_PAGE_MS;
    history->page_ms = history->page_ms > most_ms ? most_ms : history->page_ms;
    history->page_ms = history->page_ms < least_ms ? least_ms : history->page_ms;
}

// Asks for the next page, in halves while the server finds it too large.
static enum tend_status next_page(struct prometheus_history *history, struct tend_error *error)
{
    const int64_t least_ms = history->step_ms > SMALLEST_PAGE_MS ? history->step_ms : SMALLEST_PAGE_MS;
    for (;;) {
        const int64_t left_ms = history->until_ms - history->done_ms;
        const int64_t page_ms = history->page_ms < left_ms ? history->page_ms : left_ms;
        size_t samples = 0;
        const enum tend_status status = ask_page(history, history->done_ms + page_ms, &samples, error);
        if (status == TEND_OK) {
            history->done_ms += page_ms;
            adapt_page(history, samples);
            return TEND_OK;
        }
        if (status != TEND_E_LIMIT || page_ms <= least_ms) {
            return status == TEND_E_LIMIT ? TEND_E_IO : status;
        }
        history->page_ms = page_ms / 2 < least_ms ? least_ms : page_ms / 2;
        if (history->step_ms > 0) {
            history->page_ms -= history->page_ms % history->step_ms;
        }
    }
}

// ---- the reader ----

static const struct tend_history_instance *prometheus_instances(void *context, size_t *count)
{
    const struct prometheus_history *history = context;
    return tend_prometheus_page_instances(history->page, count);
}

static enum tend_status prometheus_next(void *context, struct tend_history_item *out, struct tend_error *error)
{
    struct prometheus_history *history = context;
    for (;;) {
        size_t count;
        (void)tend_prometheus_page_instances(history->page, &count);
        if (history->instances_told != count) {
            history->instances_told = count;
            *out =
                (struct tend_history_item){ .kind = TEND_HISTORY_INSTANCES, .reason = "", .at_ms = history->newest_ms };
            return TEND_OK;
        }
        if (tend_prometheus_page_next(history->page, out)) {
            history->newest_ms = out->at_ms;
            return TEND_OK;
        }
        if (history->done_ms >= history->until_ms) {
            *out = (struct tend_history_item){ .kind = TEND_HISTORY_END, .reason = "", .at_ms = history->newest_ms };
            return TEND_OK;
        }
        const enum tend_status status = next_page(history, error);
        if (status != TEND_OK) {
            return status;
        }
    }
}

// What one service selects and had no sample of.
static void add_missing(const struct prometheus_history *history, const struct tend_service_def *def, json_t *missing)
{
    for (size_t m = 0; m < def->metric_count; m++) {
        for (size_t s = 0; s < 2; s++) {
            const struct tend_selector *selector = def->metrics[m].sources[s];
            char *text = selector == NULL ? NULL : tend_prometheus_selection_text(selector);
            char key[2048];
            (void)snprintf(key, sizeof key, "%s\n%s", def->name, text == NULL ? "" : text);
            if (text != NULL && json_object_get(history->had, key) == NULL) {
                (void)json_array_append_new(
                    missing, json_sprintf("%s:%s: the server has no series %s", def->name, def->metrics[m].name, text));
            }
            free(text);
        }
    }
}

static json_t *prometheus_missing(void *context)
{
    const struct prometheus_history *history = context;
    const struct tend_ruleset *ruleset = history->ruleset;
    json_t *missing = json_array();
    for (size_t i = 0; i < ruleset->service_count; i++) {
        if (ruleset->services[i].watched) {
            add_missing(history, &ruleset->services[i], missing);
        }
    }
    for (size_t d = 0; d < ruleset->discovery_count; d++) {
        for (size_t i = 0; i < ruleset->discoveries[d].override_count; i++) {
            add_missing(history, ruleset->discoveries[d].overrides[i], missing);
        }
    }
    return missing;
}

static double prometheus_progress(void *context)
{
    const struct prometheus_history *history = context;
    const double all = (double)(history->until_ms - history->from_ms);
    return all <= 0 ? 1.0 : (double)(history->done_ms - history->from_ms) / all;
}

static void prometheus_destroy(void *context)
{
    struct prometheus_history *history = context;
    if (history == NULL) {
        return;
    }
    tend_prometheus_page_destroy(history->page);
    tend_prometheus_selection_destroy(history->selection);
    tend_prometheus_client_destroy(history->client);
    tend_ruleset_destroy(history->ruleset);
    json_decref(history->had);
    free(history);
}

static enum tend_status prepare(struct prometheus_history *history,
                                const struct tend_history_prometheus_options *options, struct tend_error *error)
{
    enum tend_status status = TEND_OK;
    if (options->step != NULL) {
        status = tend_duration_parse(options->step, strlen(options->step), &history->step_ms, error);
        if (status == TEND_OK && history->step_ms < 100) {
            tend_error_set(error, "--step \"%s\" is too short; write it like 15s", options->step);
            status = TEND_E_INVALID;
        }
    }
    if (status == TEND_OK) {
        json_t *document = json_incref((json_t *)(uintptr_t)options->document); // NOLINT(performance-no-int-to-ptr)
        status = tend_ruleset_create(document, options->hash, &history->ruleset, error);
        json_decref(document);
    }
    if (status == TEND_OK) {
        status = tend_prometheus_client_create(options->url, options->token_file, &history->client, error);
    }
    if (status == TEND_OK) {
        status = tend_prometheus_selection_create(history->ruleset, options->service_label, &history->selection);
    }
    if (status == TEND_OK) {
        status = tend_prometheus_page_create(options->service_label, options->instance_label, &history->page);
    }
    return status;
}

// Pages up to the first that has a scrape, so that the interval is known before the first item.
static enum tend_status find_begin(struct prometheus_history *history, struct tend_error *error)
{
    for (;;) {
        const enum tend_status status = next_page(history, error);
        size_t count;
        (void)tend_prometheus_page_instances(history->page, &count);
        if (status != TEND_OK || count > 0 || history->done_ms >= history->until_ms) {
            return status;
        }
    }
}

enum tend_status tend_history_prometheus_open(const struct tend_history_prometheus_options *options,
                                              struct tend_history_reader *out, struct tend_error *error)
{
    struct prometheus_history *history = calloc(1, sizeof *history);
    tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
    if (history == NULL) {
        return TEND_E_NOMEM;
    }
    history->from_ms = options->from_ms;
    history->done_ms = history->newest_ms = options->from_ms;
    history->until_ms = options->until_ms;
    history->instances_told = SIZE_MAX;
    history->page_ms = FIRST_PAGE_MS;
    history->had = json_object();
    enum tend_status status = prepare(history, options, error);
    if (status == TEND_OK && history->step_ms > 0) { // whole steps only
        history->until_ms -= (history->until_ms - history->from_ms) % history->step_ms;
        history->page_ms =
            history->step_ms > FIRST_PAGE_MS ? history->step_ms : FIRST_PAGE_MS - FIRST_PAGE_MS % history->step_ms;
    }
    if (status == TEND_OK) {
        status = find_begin(history, error);
    }
    if (status != TEND_OK) {
        prometheus_destroy(history);
        return status;
    }
    *out = (struct tend_history_reader){
        .context = history,
        .next = prometheus_next,
        .instances = prometheus_instances,
        .missing = prometheus_missing,
        .progress = prometheus_progress,
        .destroy = prometheus_destroy,
    };
    return TEND_OK;
}
