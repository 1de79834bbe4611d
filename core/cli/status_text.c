#include "cli/status_text.h"

#include "cli/silences_text.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "deviation/forecast_text.h"
#include "parse/quoted_text.h"

#include <math.h>
#include <string.h>

enum { DEPARTED_SHOWN = 10 };

static void put_head(const json_t *status, struct tend_buffer *out)
{
    const json_t *targets = json_object_get(status, "targets");
    const json_t *pause = json_object_get(status, "paused");
    const double up_s = tend_json_number(status, "up_s", (double)NAN);
    tend_buffer_put_text(out, "tend ");
    if (!isnan(up_s)) {
        tend_buffer_put_text(out, "up ");
        tend_terminal_put_span(out, up_s);
        tend_buffer_put_text(out, ", ");
    }
    tend_buffer_put_text(out, "generation ");
    const char *generation = tend_json_text(status, "generation", "-");
    tend_text_escape(out, generation, strnlen(generation, 12)); // a hash: its beginning is enough
    tend_buffer_printf(out, ", %lld of %lld targets up", (long long)tend_json_integer(targets, "up", 0),
                       (long long)tend_json_integer(targets, "total", 0));
    const size_t off = json_array_size(json_object_get(status, "rules_off"));
    if (off > 0) {
        tend_buffer_printf(out, ", %zu rule%s off", off, off == 1 ? "" : "s");
    }
    tend_buffer_put_text(out, ", journal ");
    tend_terminal_put_member(out, status, "journal", "-");
    tend_buffer_put_text(out, "\n");
    if (!tend_json_bool(pause, "on", false)) {
        return;
    }
    tend_buffer_put_text(out, "PAUSED by ");
    tend_terminal_put_member(out, pause, "who", "somebody");
    const int64_t now_ms = tend_terminal_wall_ms(json_object_get(status, "now_wall_ms"));
    const int64_t since_ms = tend_terminal_wall_ms(json_object_get(pause, "since_wall_ms"));
    if (since_ms > 0 && now_ms >= since_ms) {
        tend_buffer_put_text(out, " for ");
        tend_terminal_put_span(out, (double)(now_ms - since_ms) / 1000.0);
    }
    tend_buffer_put_text(out, ": nothing is acted on until tend resume\n");
}

// The metric with the highest A of those that have one; else the first that has no data; else NULL.
static const json_t *worst_metric(const json_t *service)
{
    const json_t *worst = NULL;
    const json_t *missing = NULL;
    double highest = -1;
    size_t i = 0;
    const json_t *metric = NULL;
    json_array_foreach(json_object_get(service, "metrics"), i, metric)
    {
        const double index = tend_json_number(metric, "A", (double)NAN);
        if (!isnan(index) && index > highest) {
            worst = metric;
            highest = index;
        } else if (missing == NULL && json_is_string(json_object_get(metric, "missing"))) {
            missing = metric;
        }
    }
    return worst != NULL ? worst : missing;
}

static void put_service(const json_t *service, struct tend_text_table *table)
{
    const json_t *instances = json_object_get(service, "instances");
    size_t up = 0;
    size_t i = 0;
    const json_t *instance = NULL;
    json_array_foreach(instances, i, instance)
    {
        up += tend_json_bool(instance, "up", false) ? 1 : 0;
    }
    const bool watched = tend_json_bool(service, "watched", true);
    tend_terminal_put_member(tend_text_table_cell(table), service, "name", "?");
    struct tend_buffer *cell = tend_text_table_cell(table);
    if (watched) {
        tend_buffer_printf(cell, "%zu/%zu", up, json_array_size(instances));
    }
    tend_terminal_put(tend_text_table_cell(table), watched ? tend_json_text(service, "state", "-") : "not watched");
    const json_t *metric = worst_metric(service);
    const char *unit = tend_json_text(metric, "unit", "");
    tend_terminal_put_member(tend_text_table_cell(table), metric, "name", "");
    cell = tend_text_table_cell(table);
    const char *missing = tend_json_text(metric, "missing", NULL);
    if (missing != NULL) {
        tend_terminal_put(cell, missing);
    } else if (metric != NULL) {
        tend_terminal_put_quantity(cell, metric, "P", unit);
    }
    cell = tend_text_table_cell(table);
    if (metric != NULL) {
        tend_terminal_put_quantity(cell, metric, "E", unit);
    }
    static const char *const numbers[] = { "F", "A" };
    for (i = 0; i < 2; i++) {
        cell = tend_text_table_cell(table);
        if (metric != NULL) {
            tend_terminal_put_number(cell, metric, numbers[i]);
        }
    }
    tend_terminal_put_member(tend_text_table_cell(table), service, "incident", "");
}

static void put_services(const json_t *status, struct tend_buffer *out)
{
    static const char *const heads[] = { "SERVICE",  "UP", "STATE", "WORST METRIC", "MEASURED",
                                         "EXPECTED", "F",  "A",     "INCIDENT" };
    const json_t *services = json_object_get(status, "services");
    if (json_array_size(services) == 0) {
        tend_buffer_put_text(out, "no services\n");
        return;
    }
    struct tend_text_table table;
    tend_text_table_init(&table, "lrllrrrrl");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        tend_text_table_put(&table, heads[i]);
    }
    size_t i = 0;
    const json_t *service = NULL;
    json_array_foreach(services, i, service)
    {
        put_service(service, &table);
    }
    tend_text_table_format(&table, "", 1, out);
    tend_text_table_clear(&table);
}

// Writes a section: its title and its table, or nothing when the table is empty. Clears the table.
static void put_section(const char *title, struct tend_text_table *table, struct tend_buffer *out)
{
    if (table->rows > 0) {
        tend_buffer_printf(out, "\n%s\n", title);
        tend_text_table_format(table, "  ", 0, out);
    }
    tend_text_table_clear(table);
}

// A section of what is to be told of each item of a list: none, one or more rows.
static void put_rows(const char *title, const char *columns, const json_t *list,
                     void (*put)(const json_t *item, struct tend_text_table *table), struct tend_buffer *out)
{
    struct tend_text_table table;
    tend_text_table_init(&table, columns);
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        put(item, &table);
    }
    put_section(title, &table, out);
}

static void put_alert_row(const json_t *alert, const json_t *service, struct tend_text_table *table)
{
    const char *instance = tend_json_text(alert, "instance", "");
    tend_terminal_put_member(tend_text_table_cell(table), alert, "state", "?");
    tend_terminal_put_member(tend_text_table_cell(table), alert, "severity", "");
    tend_terminal_put_member(tend_text_table_cell(table), alert, "rule", "?");
    tend_terminal_put(tend_text_table_cell(table),
                      instance[0] != '\0' ? instance : tend_json_text(service, "name", "?"));
    struct tend_buffer *cell = tend_text_table_cell(table);
    tend_buffer_put_text(cell, "for ");
    tend_terminal_put_span(cell, tend_json_number(alert, "since_s", (double)NAN));
    cell = tend_text_table_cell(table);
    tend_terminal_put_member(cell, alert, "summary", "");
    const char *flapping = tend_json_text(alert, "flapping", "");
    tend_buffer_put_text(cell, flapping[0] != '\0' ? "; " : "");
    tend_terminal_put(cell, flapping);
}

static void put_alerts(const json_t *status, struct tend_buffer *out)
{
    struct tend_text_table table;
    tend_text_table_init(&table, "llllll");
    static const char *const states[] = { "firing", "pending" };
    for (size_t s = 0; s < sizeof states / sizeof states[0]; s++) {
        size_t i = 0;
        const json_t *service = NULL;
        json_array_foreach(json_object_get(status, "services"), i, service)
        {
            size_t a = 0;
            const json_t *alert = NULL;
            json_array_foreach(json_object_get(service, "alerts"), a, alert)
            {
                if (strcmp(tend_json_text(alert, "state", ""), states[s]) == 0) {
                    put_alert_row(alert, service, &table);
                }
            }
        }
    }
    put_section("alerts", &table, out);
}

// What was learned of a metric: how much of it is known, and what keeps it from learning or from being judged.
static void put_learned_row(const json_t *metric, const json_t *service, struct tend_text_table *table)
{
    const json_t *learned = json_object_get(metric, "learned");
    if (!json_is_object(learned)) {
        return;
    }
    tend_terminal_put_member(tend_text_table_cell(table), service, "name", "?");
    tend_terminal_put_member(tend_text_table_cell(table), metric, "name", "?");
    struct tend_buffer *cell = tend_text_table_cell(table);
    tend_buffer_put_text(cell, "expected ");
    tend_terminal_put_quantity(cell, metric, "E", tend_json_text(metric, "unit", ""));
    tend_terminal_put_given(cell, learned);
    cell = tend_text_table_cell(table);
    tend_buffer_put_text(cell, "learned for ");
    tend_terminal_put_span(cell, tend_json_number(learned, "age_s", (double)NAN));
    cell = tend_text_table_cell(table);
    tend_buffer_put_text(cell, "confidence ");
    tend_terminal_put_number(cell, learned, "confidence");
    cell = tend_text_table_cell(table);
    if (tend_json_bool(learned, "warming_up", false)) {
        tend_buffer_put_text(cell, "warming up  ");
    }
    if (tend_json_text(learned, "frozen", NULL) != NULL) {
        tend_buffer_put_text(cell, "frozen: ");
        tend_terminal_put_member(cell, learned, "frozen", "");
        tend_buffer_put_text(cell, "  ");
    } else if (tend_json_bool(learned, "relearning", false)) {
        tend_buffer_put_text(cell, "learning a new level  ");
    }
    if (json_is_number(json_object_get(learned, "alpha_raised"))) {
        tend_buffer_put_text(cell, "alpha raised to ");
        tend_terminal_put_number(cell, learned, "alpha_raised");
    }
}

static void put_learned(const json_t *service, struct tend_text_table *table)
{
    size_t i = 0;
    const json_t *metric = NULL;
    json_array_foreach(json_object_get(service, "metrics"), i, metric)
    {
        put_learned_row(metric, service, table);
    }
}

static void put_metric_row(const char *name, const json_t *metric, const char *subject, struct tend_text_table *table)
{
    if (!tend_json_bool(metric, "out", false)) {
        return;
    }
    const char *unit = tend_json_text(metric, "unit", "");
    tend_terminal_put(tend_text_table_cell(table), subject);
    tend_terminal_put(tend_text_table_cell(table), name);
    tend_terminal_put_quantity(tend_text_table_cell(table), metric, "P", unit);
    static const char *const limits[][2] = { { "expected ", "E" }, { "out at ", "out_at" } };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct tend_buffer *cell = tend_text_table_cell(table);
        tend_buffer_put_text(cell, limits[i][0]);
        tend_terminal_put_quantity(cell, metric, limits[i][1], unit);
    }
    static const char *const numbers[] = { "F", "A" };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct tend_buffer *cell = tend_text_table_cell(table);
        tend_buffer_printf(cell, "%s ", numbers[i]);
        tend_terminal_put_number(cell, metric, numbers[i]);
    }
}

static void put_instances_out(const json_t *instances, struct tend_text_table *table)
{
    if (json_array_size(instances) == 1) {
        return; // it is the service, which is shown already
    }
    size_t i = 0;
    const json_t *instance = NULL;
    json_array_foreach(instances, i, instance)
    {
        const char *name = NULL;
        json_t *metric = NULL;
        json_object_foreach(json_object_get(instance, "metrics"), name, metric)
        {
            put_metric_row(name, metric, tend_json_text(instance, "name", "?"), table);
        }
    }
}

static void put_out_of_line(const json_t *service, struct tend_text_table *table)
{
    size_t i = 0;
    const json_t *metric = NULL;
    json_array_foreach(json_object_get(service, "metrics"), i, metric)
    {
        put_metric_row(tend_json_text(metric, "name", "?"), metric, tend_json_text(service, "name", "?"), table);
    }
    put_instances_out(json_object_get(service, "instances"), table);
}

static void put_forecast_row(const char *subject, const char *name, const json_t *metric, struct tend_text_table *table)
{
    const struct tend_forecast forecast = {
        .eta_s = tend_json_number(metric, "eta_s", (double)NAN),
        .least_s = tend_json_number(metric, "eta_least_s", (double)NAN),
        .most_s = tend_json_number(metric, "eta_most_s", (double)NAN),
    };
    if (isnan(forecast.eta_s)) {
        return;
    }
    const char *unit = tend_json_text(metric, "unit", "");
    tend_terminal_put(tend_text_table_cell(table), subject);
    tend_terminal_put(tend_text_table_cell(table), name);
    tend_terminal_put_quantity(tend_text_table_cell(table), metric, "P", unit);
    struct tend_buffer *cell = tend_text_table_cell(table);
    tend_buffer_put_text(cell, "out at ");
    tend_terminal_put_quantity(cell, metric, "out_at", unit);
    cell = tend_text_table_cell(table);
    tend_buffer_put_text(cell, "in ");
    tend_forecast_put(cell, &forecast);
}

static void put_foretold(const json_t *service, struct tend_text_table *table)
{
    size_t i = 0;
    const json_t *instance = NULL;
    json_array_foreach(json_object_get(service, "instances"), i, instance)
    {
        const char *name = NULL;
        json_t *metric = NULL;
        json_object_foreach(json_object_get(instance, "metrics"), name, metric)
        {
            put_forecast_row(tend_json_text(instance, "name", "?"), name, metric, table);
        }
    }
}

static void put_breaker(const json_t *service, struct tend_text_table *table)
{
    if (tend_json_bool(service, "breaker_open", false)) {
        tend_terminal_put_member(tend_text_table_cell(table), service, "name", "?");
    }
}

static void put_down(const json_t *service, struct tend_text_table *table)
{
    size_t i = 0;
    const json_t *instance = NULL;
    json_array_foreach(json_object_get(service, "instances"), i, instance)
    {
        if (json_is_false(json_object_get(instance, "up"))) {
            tend_terminal_put_member(tend_text_table_cell(table), instance, "name", "?");
            tend_terminal_put_member(tend_text_table_cell(table), instance, "kind", "");
            tend_terminal_put_member(tend_text_table_cell(table), instance, "reason", "");
        }
    }
}

// The last few of a list, as a list; a new reference.
static json_t *newest_of(const json_t *list, size_t most)
{
    json_t *newest = json_array();
    const size_t count = json_array_size(list);
    for (size_t i = count > most ? count - most : 0; i < count; i++) {
        (void)json_array_append(newest, json_array_get(list, i));
    }
    return newest;
}

static void put_departed(const json_t *departed, struct tend_text_table *table)
{
    tend_terminal_put_member(tend_text_table_cell(table), departed, "service", "?");
    struct tend_buffer *cell = tend_text_table_cell(table);
    tend_buffer_put_text(cell, "since ");
    tend_terminal_put_time(cell, tend_json_integer(departed, "left_wall_ms", 0));
    const int64_t instances = tend_json_integer(departed, "instances", 0);
    tend_buffer_printf(cell, ", had %lld instance%s", (long long)instances, instances == 1 ? "" : "s");
}

static void put_rule_off(const json_t *rule, struct tend_text_table *table)
{
    tend_terminal_put_member(tend_text_table_cell(table), rule, "rule", "?");
    tend_terminal_put_member(tend_text_table_cell(table), rule, "why", "");
}

static void put_silences(const json_t *status, struct tend_buffer *out)
{
    if (json_array_size(json_object_get(status, "silences")) > 0) {
        tend_buffer_put_text(out, "\nnot told, and not acted on (tend unsilence ID)\n");
        tend_silences_text_put(status, "  ", out);
    }
}

static void put_acknowledged(const json_t *incident, struct tend_text_table *table)
{
    if (json_is_string(json_object_get(incident, "ack_who"))) {
        tend_terminal_put_member(tend_text_table_cell(table), incident, "id", "?");
        struct tend_buffer *cell = tend_text_table_cell(table);
        tend_buffer_put_text(cell, "by ");
        tend_terminal_put_member(cell, incident, "ack_who", "?");
        tend_buffer_put_text(cell, " at ");
        tend_terminal_put_time(cell, tend_terminal_wall_ms(json_object_get(incident, "ack_wall_ms")));
        tend_terminal_put_member(tend_text_table_cell(table), incident, "ack_why", "");
    }
}

static void put_dry_playbook(const json_t *playbook, struct tend_text_table *table)
{
    if (!tend_json_bool(playbook, "armed", false)) {
        tend_terminal_put_member(tend_text_table_cell(table), playbook, "name", "?");
    }
}

static void put_warning(const json_t *warning, struct tend_text_table *table)
{
    tend_terminal_put(tend_text_table_cell(table),
                      json_is_string(warning) ? json_string_value(warning) : tend_json_text(warning, "text", "?"));
}

void tend_status_text_format(const json_t *status, struct tend_buffer *out)
{
    const json_t *services = json_object_get(status, "services");
    put_head(status, out);
    put_services(status, out);
    put_alerts(status, out);
    put_rows("learned from the past", "llllll", services, put_learned, out);
    put_rows("out of line", "llrllll", services, put_out_of_line, out);
    put_rows("will be out of line if it goes on", "llrll", services, put_foretold, out);
    put_rows("not scraped", "lll", services, put_down, out);
    json_t *departed = newest_of(json_object_get(status, "departed"), DEPARTED_SHOWN);
    put_rows("no longer listed by discovery", "ll", departed, put_departed, out);
    json_decref(departed);
    put_rows("services that are not acted on after failed runs (tend close SERVICE)", "l", services, put_breaker, out);
    put_rows("rules that are off", "ll", json_object_get(status, "rules_off"), put_rule_off, out);
    put_silences(status, out);
    put_rows("acknowledged, so not told again while they stay as they are", "lll", json_object_get(status, "incidents"),
             put_acknowledged, out);
    put_rows("playbooks that only report what they would do (tend arm NAME, or tend arm --all)", "l",
             json_object_get(status, "playbooks"), put_dry_playbook, out);
    put_rows("warnings", "l", json_object_get(status, "warnings"), put_warning, out);
}
