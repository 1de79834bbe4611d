// tend simulate: rules over a recording, a CSV file, a server's past or a scenario, in virtual time, with a report.

#include "base/buffer.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/past_source.h"
#include "cli/progress_bar.h"
#include "cli/rules_document.h"
#include "cli/simulate_options.h"
#include "cli/simulate_text.h"
#include "cli/simulation_page.h"
#include "cli/terminal.h"
#include "driver/live/rules_dir.h"
#include "driver/past/incident_labels.h"
#include "driver/past/rehearsal.h"
#include "driver/sim/simulation_lock.h"
#include "driver/sim/zygote.h"
#include "driver/world/scenario.h"
#include "driver/world/what_if.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct simulate_command {
    struct tend_simulate_options options;
    struct tend_past_source source;
    json_t *labels; // of real incidents; NULL: none were given
    json_t *sources;
    json_t *document;
    char hash[65];
    struct tend_zygote *zygote; // of a scenario's evaluators
    struct tend_evaluator_starter starter;
    struct tend_awaited_evaluator *evaluator;
    FILE *page; // of a scenario: opened before the lock
    json_t *report;
};

// What a file or a server says is shown escaped.
static bool say(const struct tend_error *error)
{
    tend_terminal_complain("tend simulate: %s", error->text);
    return false;
}

// ---- what was asked for ----

static bool is_test_file(const struct tend_simulate_options *options)
{
    const char *dot = strrchr(options->source_text, '.');
    return options->source == TEND_SIMULATE_SCENARIO && dot != NULL && strcmp(dot, ".lua") == 0 &&
           access(options->source_text, R_OK) == 0;
}

// Adds a test file from anywhere to the rules, as one of theirs.
static bool add_test_file(struct simulate_command *command)
{
    struct tend_error error;
    const char *path = command->options.source_text;
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t capacity = 0;
    const ssize_t bytes = file == NULL ? -1 : getdelim(&text, &capacity, '\0', file);
    if (file != NULL) {
        (void)fclose(file);
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    json_t *added = bytes < 0 ? NULL : json_pack("{s:s, s:s#}", "name", name, "text", text, (int)bytes);
    free(text);
    if (added == NULL || strlen(name) < strlen("_test.lua") ||
        strcmp(name + strlen(name) - strlen("_test.lua"), "_test.lua") != 0) {
        json_decref(added);
        tend_error_set(&error, "%s: %s", path,
                       added == NULL ? "it cannot be read as text" : "a file of scenarios is called NAME_test.lua");
        return say(&error);
    }
    (void)json_array_append_new(json_object_get(command->sources, "files"), added);
    return true;
}

// Reads all files that are needed but the history itself.
static bool read_files(struct simulate_command *command)
{
    struct tend_error error;
    const struct tend_simulate_options *options = &command->options;
    const bool is_scenario = options->source == TEND_SIMULATE_SCENARIO;
    const enum tend_status status =
        is_scenario && !is_test_file(options)
            ? tend_rules_dir_read_with_tests(options->dir, options->env, &command->sources, &error)
            : tend_rules_dir_read(options->dir, options->env, NULL, &command->sources, &error);
    if (status != TEND_OK) {
        return say(&error);
    }
    if (is_test_file(options) && !add_test_file(command)) {
        return false;
    }
    tend_rules_dir_hash(command->sources, command->hash);
    if (options->incidents != NULL &&
        tend_incident_labels_read(options->incidents, command->source.zone, &command->labels, &error) != TEND_OK) {
        return say(&error);
    }
    if (is_scenario && options->html != NULL) {
        command->page = fopen(options->html, "we");
        if (command->page == NULL) {
            tend_error_set(&error, "%s: it cannot be written", options->html);
            return say(&error);
        }
    }
    return true;
}

// A scenario is imagined: from here on, with all files read and no rule run yet, nothing of the world can be reached.
static bool lock(struct simulate_command *command)
{
    struct tend_error error;
    if (command->options.source != TEND_SIMULATE_SCENARIO) {
        return true;
    }
    command->starter = tend_zygote_starter(command->zygote);
    tend_awaited_evaluator_set_starter(command->evaluator, &command->starter);
    return tend_simulation_lock(command->zygote, NULL, 0, &error) == TEND_OK || say(&error);
}

static bool load_rules(struct simulate_command *command)
{
    command->document = tend_rules_document_load(command->evaluator, command->options.dir);
    return command->document != NULL;
}

// ---- the past ----

static void show_progress(void *context, double done, int64_t at_ms)
{
    tend_progress_bar_show(context, done, at_ms);
}

static bool play_past(struct simulate_command *command)
{
    struct tend_error error;
    struct tend_history_reader history;
    const char *kind;
    if (tend_past_source_open(&command->source, command->document, command->hash, &kind, &history, &error) != TEND_OK) {
        return say(&error);
    }
    struct tend_progress_bar bar = tend_progress_bar_begin("simulating");
    char title[300];
    (void)snprintf(title, sizeof title, "the rules of %s over the past", command->options.dir);
    const struct tend_rehearsal_options rehearsal = {
        .document = command->document,
        .hash = command->hash,
        .sources = command->sources,
        .evaluator = command->evaluator,
        .history = &history,
        .from_ms = command->source.from_ms,
        .until_ms = command->source.until_ms,
        .learned = command->source.learned.data,
        .learned_bytes = command->source.learned.size,
        .title = title,
        .source_kind = kind,
        .source_text = command->options.source_text,
        .on_progress = show_progress,
        .progress_context = &bar,
    };
    const enum tend_status status = tend_rehearsal_play(&rehearsal, &command->report, NULL, &error);
    tend_progress_bar_end(&bar);
    history.destroy(history.context);
    return status == TEND_OK || say(&error);
}

// ---- the imagined ----

// The scenario by its name or by the only one that has this in its name. @return its index, or SIZE_MAX after saying
// why
static size_t find_scenario(const struct simulate_command *command)
{
    const json_t *scenarios = json_object_get(command->document, "scenarios");
    const bool by_file = is_test_file(&command->options);
    const char *wanted = by_file ? "" : command->options.source_text;
    size_t found = SIZE_MAX;
    size_t matches = 0;
    for (size_t i = 0; i < json_array_size(scenarios); i++) {
        const char *name = tend_json_text(json_array_get(scenarios, i), "name", "");
        if (strcmp(name, wanted) == 0) {
            return i;
        }
        if (strstr(name, wanted) != NULL) {
            found = i;
            matches++;
        }
    }
    if (matches == 1) {
        return found;
    }
    tend_terminal_complain("tend simulate: %s \"%s\"; there are:",
                           matches == 0 ? "there is no scenario" : "there is more than one scenario in",
                           command->options.source_text);
    for (size_t i = 0; i < json_array_size(scenarios); i++) {
        tend_terminal_complain("  %s", tend_json_text(json_array_get(scenarios, i), "name", ""));
    }
    return SIZE_MAX;
}

// What its author expects: that its check and the invariants hold.
static json_t *expectations_of(const json_t *result)
{
    json_t *expectations = json_array();
    const json_t *failures = json_object_get(result, "failures");
    for (size_t i = 0; i < json_array_size(failures); i++) {
        (void)json_array_append_new(expectations,
                                    json_pack("{s:O, s:b}", "text", json_array_get(failures, i), "held", 0));
    }
    if (json_array_size(failures) == 0) {
        (void)json_array_append_new(expectations,
                                    json_pack("{s:s, s:b}", "text", "its check and the invariants hold", "held", 1));
    }
    return expectations;
}

static bool play_scenario(struct simulate_command *command)
{
    struct tend_error error;
    const size_t index = find_scenario(command);
    if (index == SIZE_MAX) {
        return false;
    }
    const json_t *scenario = json_array_get(json_object_get(command->document, "scenarios"), index);
    const struct tend_report_options report = {
        .title = tend_json_text(scenario, "name", ""),
        .source_kind = "scenario",
        .source_text = tend_json_text(scenario, "at", ""),
        .generation = command->hash,
    };
    struct tend_report_builder *builder = NULL;
    if (tend_report_create(&report, &builder) != TEND_OK) {
        tend_error_set(&error, "out of memory");
        return say(&error);
    }
    const struct tend_scenario_options options = {
        .document = command->document,
        .index = index,
        .hash = command->hash,
        .sources = command->sources,
        .evaluator = command->evaluator,
        .report = builder,
    };
    json_t *result = NULL;
    bool played = tend_scenario_play(&options, &result, &error) == TEND_OK || say(&error);
    const char *skip = tend_json_text(result, "skip", NULL);
    if (played && skip != NULL) {
        tend_error_set(&error, "%s: it cannot be played: %s", report.title, skip);
        played = say(&error);
    }
    if (played) {
        command->report = tend_report_document(builder);
        (void)json_object_set_new(command->report, "expectations", expectations_of(result));
    }
    json_t *courses = NULL;
    if (played && command->options.what_if) {
        played = tend_what_if(&options, result, &courses, &error) == TEND_OK || say(&error);
        (void)json_object_set_new(command->report, "what_if", courses);
    }
    json_decref(result);
    tend_report_destroy(builder);
    return played;
}

// ---- the report ----

static double cpu_seconds(int who)
{
    struct rusage used;
    (void)getrusage(who, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static bool write_page(struct simulate_command *command)
{
    struct tend_error error;
    if (command->page == NULL) {
        return tend_simulation_page_write(command->report, command->options.html, &error) == TEND_OK || say(&error);
    }
    struct tend_buffer page;
    tend_buffer_init(&page);
    tend_simulation_page_render(command->report, &page);
    bool written = !page.failed && fwrite(tend_buffer_text(&page), 1, page.size, command->page) == page.size;
    written = fclose(command->page) == 0 && written;
    command->page = NULL;
    tend_buffer_clear(&page);
    tend_error_set(&error, "%s: it could not be written", command->options.html);
    return written || say(&error);
}

static bool tell(struct simulate_command *command)
{
    if (command->options.json) {
        const bool written = json_dumpf(command->report, stdout, JSON_COMPACT) == 0;
        return putchar('\n') != EOF && fflush(stdout) == 0 && written;
    }
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_simulate_text_format(command->report, &text);
    const bool written = !text.failed && fputs(tend_buffer_text(&text), stdout) != EOF && fflush(stdout) == 0;
    tend_buffer_clear(&text);
    return written;
}

static bool all_held(const json_t *report)
{
    const json_t *expectations = json_object_get(report, "expectations");
    for (size_t i = 0; i < json_array_size(expectations); i++) {
        if (!tend_json_bool(json_array_get(expectations, i), "held", false)) {
            return false;
        }
    }
    return json_array_size(json_object_get(report, "rules_off")) == 0;
}

static bool report(struct simulate_command *command)
{
    if (command->labels != NULL) {
        tend_incident_labels_compare(command->labels, command->report);
    }
    tend_awaited_evaluator_destroy(command->evaluator); // what it used is known when it has ended
    command->evaluator = NULL;
    (void)json_object_set_new(json_object_get(command->report, "sums"), "cpu_s",
                              json_real(cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN)));
    const bool page_written = command->options.html == NULL || write_page(command);
    return tell(command) && page_written && all_held(command->report);
}

// ---- the command ----

static bool prepare(struct simulate_command *command)
{
    struct tend_error error;
    if (command->options.source == TEND_SIMULATE_SCENARIO && tend_zygote_create(&command->zygote, &error) != TEND_OK) {
        return say(&error);
    }
    if (tend_past_source_init(&command->source, &command->options, &error) != TEND_OK) {
        return say(&error);
    }
    if (!read_files(command)) {
        return false;
    }
    if (tend_awaited_evaluator_create(command->sources, &command->evaluator) != TEND_OK) {
        tend_error_set(&error, "out of memory");
        return say(&error);
    }
    return lock(command) && load_rules(command);
}

static void clear(struct simulate_command *command)
{
    tend_awaited_evaluator_destroy(command->evaluator);
    tend_zygote_destroy(command->zygote);
    tend_past_source_clear(&command->source);
    if (command->page != NULL) {
        (void)fclose(command->page);
    }
    json_decref(command->labels);
    json_decref(command->report);
    json_decref(command->document);
    json_decref(command->sources);
}

int tend_command_simulate(int argc, char **argv)
{
    struct simulate_command command = { 0 };
    const int exit_code = tend_simulate_options_read(argc, argv, &command.options);
    if (exit_code >= 0) {
        return exit_code;
    }
    tend_log_set_level(TEND_LOG_NOTHING); // the report tells it, with the time that it happened at
    const bool is_scenario = command.options.source == TEND_SIMULATE_SCENARIO;
    const bool fine =
        prepare(&command) && (is_scenario ? play_scenario(&command) : play_past(&command)) && report(&command);
    clear(&command);
    return fine ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}
