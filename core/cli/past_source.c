#include "cli/past_source.h"

#include "driver/live/baseline_file.h"
#include "driver/past/history_csv.h"
#include "driver/past/history_prometheus.h"
#include "driver/past/history_recording.h"
#include "engine/calendar.h"
#include "parse/duration.h"
#include "parse/moment.h"

#include <string.h>
#include <time.h>

// A time of --from and --to: as parse/moment.h has it, "now", or "-6h" before now.
static enum tend_status read_time(const char *name, const char *text, const struct tend_zone *zone, int64_t now_ms,
                                  int64_t *out_ms, struct tend_error *error)
{
    struct tend_error fault;
    enum tend_status status = TEND_OK;
    if (strcmp(text, "now") == 0) {
        *out_ms = now_ms;
    } else if (text[0] == '-') {
        int64_t ago_ms = 0;
        status = tend_duration_parse(text + 1, strlen(text + 1), &ago_ms, &fault);
        *out_ms = now_ms - ago_ms;
    } else {
        status = tend_moment_parse(text, strlen(text), zone, out_ms, &fault);
    }
    if (status != TEND_OK) {
        tend_error_set(error, "%s: %s", name, fault.text);
    }
    return status;
}

enum tend_status tend_past_source_init(struct tend_past_source *source, const struct tend_simulate_options *options,
                                       struct tend_error *error)
{
    *source = (struct tend_past_source){ .options = options, .from_ms = INT64_MIN, .until_ms = INT64_MAX };
    tend_buffer_init(&source->learned);
    enum tend_status status = TEND_OK;
    if (options->zone != NULL) {
        status = tend_calendar_read_zone(options->zone, &source->zone, error);
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const int64_t now_ms = (int64_t)now.tv_sec * 1000;
    const bool is_server = options->source == TEND_SIMULATE_PROMETHEUS;
    const char *from = options->from == NULL && is_server ? "-1h" : options->from;
    const char *to = options->to == NULL && is_server ? "now" : options->to;
    if (status == TEND_OK && from != NULL) {
        status = read_time("--from", from, source->zone, now_ms, &source->from_ms, error);
    }
    if (status == TEND_OK && to != NULL) {
        status = read_time("--to", to, source->zone, now_ms, &source->until_ms, error);
    }
    if (status == TEND_OK && source->from_ms >= source->until_ms) {
        tend_error_set(error, "--from is not before --to");
        status = TEND_E_INVALID;
    }
    if (status == TEND_OK && options->baselines != NULL) {
        status = tend_baseline_file_read_path(options->baselines, &source->learned, error);
    }
    return status;
}

void tend_past_source_clear(struct tend_past_source *source)
{
    tend_buffer_clear(&source->learned);
    tend_zone_destroy(source->zone);
    tend_ruleset_destroy(source->ruleset);
    *source = (struct tend_past_source){ 0 };
}

// What a plain timestamp,value file may be: metrics of a service by name, but those that every service has.
static json_t *plain_choices(const json_t *document)
{
    json_t *choices = json_array();
    const json_t *services = json_object_get(document, "services");
    for (size_t i = 0; i < json_array_size(services); i++) {
        const json_t *service = json_array_get(services, i);
        size_t m = 0;
        const json_t *metric = NULL;
        json_array_foreach(json_object_get(service, "metrics"), m, metric)
        {
            const char *name = tend_json_text(metric, "name", "");
            if (strcmp(name, "up") != 0 && strcmp(name, "scrape_duration") != 0) {
                (void)json_array_append_new(choices, json_sprintf("%s:%s", tend_json_text(service, "name", ""), name));
            }
        }
    }
    return choices;
}

static enum tend_status open_recording(struct tend_past_source *source, json_t *document, const char *hash,
                                       struct tend_history_reader *out, struct tend_error *error)
{
    enum tend_status status =
        source->ruleset == NULL ? tend_ruleset_create(document, hash, &source->ruleset, error) : TEND_OK;
    if (status == TEND_OK) {
        status = tend_history_recording_open(source->options->source_text, source->from_ms, out, error);
    }
    if (status == TEND_OK) {
        tend_history_recording_compare(out, source->ruleset);
    }
    return status;
}

static enum tend_status open_prometheus(const struct tend_past_source *source, const json_t *document, const char *hash,
                                        struct tend_history_reader *out, struct tend_error *error)
{
    const struct tend_simulate_options *options = source->options;
    const struct tend_history_prometheus_options prometheus = {
        .url = options->source_text,
        .from_ms = source->from_ms,
        .until_ms = source->until_ms,
        .service_label = options->service_label == NULL ? "job" : options->service_label,
        .instance_label = options->instance_label == NULL ? "instance" : options->instance_label,
        .step = options->step,
        .token_file = options->token_file,
        .document = document,
        .hash = hash,
    };
    return tend_history_prometheus_open(&prometheus, out, error);
}

enum tend_status tend_past_source_open(struct tend_past_source *source, json_t *document, const char *hash,
                                       const char **kind, struct tend_history_reader *out, struct tend_error *error)
{
    if (source->options->source == TEND_SIMULATE_RECORDING) {
        *kind = "recording";
        return open_recording(source, document, hash, out, error);
    }
    if (source->options->source == TEND_SIMULATE_PROMETHEUS) {
        *kind = "prometheus";
        return open_prometheus(source, document, hash, out, error);
    }
    *kind = "csv";
    json_t *choices = plain_choices(document);
    const struct tend_history_csv_options csv = {
        .path = source->options->source_text, .zone = source->zone, .as = source->options->as, .choices = choices
    };
    const enum tend_status status = tend_history_csv_open(&csv, out, error);
    json_decref(choices);
    return status;
}
