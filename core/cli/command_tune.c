// tend tune: what other thresholds would have cost over the past, and which keep to a budget of false alarms.

#include "base/buffer.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/past_source.h"
#include "cli/progress_bar.h"
#include "cli/rules_document.h"
#include "cli/terminal.h"
#include "cli/tune_options.h"
#include "cli/tune_text.h"
#include "driver/live/rules_dir.h"
#include "driver/past/incident_labels.h"
#include "driver/past/rehearsal.h"
#include "driver/past/tuning_changes.h"
#include "driver/past/tuning_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tune_command {
    struct tend_tune_options options;
    struct tend_past_source source;
    json_t *labels; // of real incidents; NULL: none were given
    json_t *sources;
    json_t *document;
    char hash[65];
    size_t only; // index of the rule that was asked for; SIZE_MAX: all
    struct tend_awaited_evaluator *evaluator;
    struct tend_tuning_streams *streams;
    json_t *report; // of the rehearsal
    json_t *result;
};

// What a file or a server says is shown escaped.
static bool say(const struct tend_error *error)
{
    tend_terminal_complain("tend tune: %s", error->text);
    return false;
}

static bool load_rules(struct tune_command *command)
{
    command->document = tend_rules_document_load(command->evaluator, command->options.past.dir);
    return command->document != NULL;
}

static bool find_rule(struct tune_command *command)
{
    const json_t *rules = json_object_get(command->document, "rules");
    command->only = SIZE_MAX;
    for (size_t i = 0; i < json_array_size(rules) && command->options.rule != NULL; i++) {
        if (strcmp(tend_json_text(json_array_get(rules, i), "name", ""), command->options.rule) == 0) {
            command->only = i;
        }
    }
    struct tend_error error;
    tend_error_set(&error, "there is no rule \"%s\" in %s", command->options.rule == NULL ? "" : command->options.rule,
                   command->options.past.dir);
    return command->options.rule == NULL || command->only != SIZE_MAX || say(&error);
}

static bool prepare(struct tune_command *command)
{
    struct tend_error error;
    const struct tend_simulate_options *past = &command->options.past;
    if (tend_past_source_init(&command->source, past, &error) != TEND_OK ||
        tend_rules_dir_read(past->dir, past->env, NULL, &command->sources, &error) != TEND_OK) {
        return say(&error);
    }
    tend_rules_dir_hash(command->sources, command->hash);
    if (past->incidents != NULL &&
        tend_incident_labels_read(past->incidents, command->source.zone, &command->labels, &error) != TEND_OK) {
        return say(&error);
    }
    if (tend_awaited_evaluator_create(command->sources, &command->evaluator) != TEND_OK) {
        tend_error_set(&error, "out of memory");
        return say(&error);
    }
    return load_rules(command) && find_rule(command);
}

static void show_progress(void *context, double done, int64_t at_ms)
{
    tend_progress_bar_show(context, done, at_ms);
}

// Plays the past under the rules of a document. @param streams  NULL: nobody looks on
static enum tend_status play(struct tune_command *command, json_t *document, const char *what,
                             struct tend_tuning_streams *streams, json_t **report, struct tend_error *error)
{
    struct tend_history_reader history;
    const char *kind;
    enum tend_status status = tend_past_source_open(&command->source, document, command->hash, &kind, &history, error);
    if (status != TEND_OK) {
        return status;
    }
    struct tend_progress_bar bar = tend_progress_bar_begin(what);
    const struct tend_rehearsal_options rehearsal = {
        .document = document,
        .hash = command->hash,
        .sources = command->sources,
        .evaluator = command->evaluator,
        .history = &history,
        .from_ms = command->source.from_ms,
        .until_ms = command->source.until_ms,
        .learned = command->source.learned.data,
        .learned_bytes = command->source.learned.size,
        .title = "",
        .source_kind = kind,
        .source_text = command->options.past.source_text,
        .on_progress = show_progress,
        .progress_context = &bar,
        .look = streams == NULL ? NULL : tend_tuning_streams_look,
        .look_context = streams,
    };
    status = tend_rehearsal_play(&rehearsal, report, NULL, error);
    tend_progress_bar_end(&bar);
    history.destroy(history.context);
    return status;
}

// Plays the past and keeps what the alerts were told.
static bool watch(struct tune_command *command, json_t *document, const char *what)
{
    struct tend_error error;
    tend_tuning_streams_destroy(command->streams);
    command->streams = NULL;
    json_decref(command->report);
    command->report = NULL;
    if (tend_tuning_streams_create(&command->streams) != TEND_OK) {
        tend_error_set(&error, "out of memory");
        return say(&error);
    }
    if (play(command, document, what, command->streams, &command->report, &error) != TEND_OK) {
        return say(&error);
    }
    const enum tend_status status = tend_tuning_streams_status(command->streams);
    if (status == TEND_E_LIMIT) {
        tend_error_set(&error, "the history is too long for so many alerts at once: look at less of it with --from and "
                               "--to");
    } else {
        tend_error_set(&error, "%s", tend_status_text(status));
    }
    return status == TEND_OK || say(&error);
}

static struct tend_tuning_options tuning_options(const struct tune_command *command)
{
    return (struct tend_tuning_options){
        .streams = command->streams,
        .report = command->report,
        .labels = command->labels,
        .period_ms = command->options.period_ms,
        .budget = command->options.budget,
        .only = command->only,
    };
}

static bool judge(const struct tune_command *command, struct tend_tuning *out)
{
    struct tend_error error;
    const struct tend_tuning_options options = tuning_options(command);
    tend_error_set(&error, "out of memory");
    return tend_tuning_judge(&options, out) == TEND_OK || say(&error);
}

static bool any_change(const struct tend_tuning *tuning)
{
    for (size_t i = 0; i < tuning->count; i++) {
        if (tuning->rules[i].suggested != tuning->rules[i].now) {
            return true;
        }
    }
    return false;
}

// What was suggested is played once more as rules of its own: then what is expected is learned as it would have been,
// and rules that look at one metric have met each other's changes.
static bool confirm(struct tune_command *command, json_t *changed)
{
    struct tend_tuning tuning = { 0 };
    if (!watch(command, changed, "checking") || !judge(command, &tuning)) {
        return false;
    }
    const json_t *rules = json_object_get(command->result, "rules");
    for (size_t i = 0; i < tuning.count && i < json_array_size(rules); i++) { // the same rules, in the same order
        const struct tend_tuning_point *now = &tuning.rules[i].points[tuning.rules[i].now];
        (void)json_object_set_new(
            json_array_get(rules, i), "confirmed",
            json_pack("{s:I, s:I}", "alarms", (json_int_t)now->alarms, "false_alarms", (json_int_t)now->false_alarms));
    }
    tend_tuning_clear(&tuning);
    return true;
}

static bool tune(struct tune_command *command)
{
    struct tend_tuning tuning = { 0 };
    if (!watch(command, command->document, "tuning") || !judge(command, &tuning)) {
        return false;
    }
    const struct tend_tuning_options options = tuning_options(command);
    command->result = tend_tuning_document(&options, &tuning, command->document);
    json_t *changed = any_change(&tuning) ? tend_tuning_changed(&options, &tuning, command->document) : NULL;
    tend_tuning_clear(&tuning);
    const bool fine = changed == NULL || confirm(command, changed);
    json_decref(changed);
    return fine;
}

static bool tell(const struct tune_command *command)
{
    if (command->options.past.json) {
        const bool written = json_dumpf(command->result, stdout, JSON_COMPACT) == 0;
        return putchar('\n') != EOF && fflush(stdout) == 0 && written;
    }
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_tune_text_format(command->result, &text);
    const bool written = !text.failed && fputs(tend_buffer_text(&text), stdout) != EOF && fflush(stdout) == 0;
    tend_buffer_clear(&text);
    return written;
}

static void clear(struct tune_command *command)
{
    tend_awaited_evaluator_destroy(command->evaluator);
    tend_tuning_streams_destroy(command->streams);
    tend_past_source_clear(&command->source);
    json_decref(command->labels);
    json_decref(command->report);
    json_decref(command->result);
    json_decref(command->document);
    json_decref(command->sources);
}

int tend_command_tune(int argc, char **argv)
{
    struct tune_command command = { 0 };
    const int exit_code = tend_tune_options_read(argc, argv, &command.options);
    if (exit_code >= 0) {
        return exit_code;
    }
    tend_log_set_level(TEND_LOG_NOTHING); // what is told has the time that it happened at
    const bool fine = prepare(&command) && tune(&command) && tell(&command);
    clear(&command);
    return fine ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}
