// tend replay: the events of a recording once more through the same rules, decision for decision.

#include "base/log.h"
#include "cli/command.h"
#include "cli/incident_span.h"
#include "cli/progress_bar.h"
#include "cli/replay_rules.h"
#include "cli/replay_text.h"
#include "cli/terminal.h"
#include "driver/live/state_dir.h"
#include "driver/past/replay.h"
#include "recording/recording_reader.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tend replay BUNDLE | INCIDENT | --all [--state DIR] [--no-lua] [--json]\n"
    "       tend replay BUNDLE | INCIDENT | --all --rules DIR [--env NAME] [--state DIR] [--json]\n\n"
    "Runs recorded events once more through the same rules, and compares all that is decided with what was decided\n"
    "then. Nothing is polled, started or sent.\n\n"
    "  BUNDLE         a file that `tend export` wrote, a segment, or a directory of segments\n"
    "  INCIDENT       an incident's ID, or \"last\": the part of the state directory's recording that has it\n"
    "  --all          the whole recording of the state directory\n"
    "  --state DIR    the state directory (else $STATE_DIRECTORY, /var/lib/tend as root, or ~/.local/state/tend)\n"
    "  --no-lua       believe what rules, locators, playbooks and notifiers answered, and run none of them again\n"
    "  --rules DIR    runs the rules of DIR over the same samples, and prints what would have been different: alerts\n"
    "                 earlier, later, gone and new, acts gone and new; series that the recording lacks are named\n"
    "  --env NAME     with --rules: tend.env is what DIR/env/NAME.lua returns\n"
    "  --json         one JSON object on stdout\n"
    "  --help         this text\n\n"
    "exit status: 0 identical, or the other rules were run; 1 something differs (the first difference is told), or it "
    "cannot be read; 2 wrong "
    "usage\n";

// Around an incident, for other rules: time for windows to fill, and for what fires late.
enum { RULES_BEFORE_MS = 120000, RULES_AFTER_MS = 60000 };

struct replay_command {
    const char *argument;
    const char *state;
    const char *rules; // NULL: the recorded ones, compared
    const char *env;
    bool all, trusts_answers, json;

    char *state_dir;       // NULL: a bundle is replayed
    char path[4200];       // of the state directory's recording
    const char *recording; // path, or the argument
    struct tend_journal *journal;
    struct tend_incident_span span; // id "": no incident
    struct tend_recording_reader *reader;
    struct tend_replay *replay;
    bool is_bundle;
    char what[4300]; // "incident i3"
};

// @return an enum tend_exit, or -1 to go on
static int parse_options(int argc, char **argv, struct replay_command *command)
{
    static const struct option options[] = {
        { "all", no_argument, NULL, 'a' },         { "state", required_argument, NULL, 's' },
        { "no-lua", no_argument, NULL, 'n' },      { "json", no_argument, NULL, 'j' },
        { "rules", required_argument, NULL, 'r' }, { "env", required_argument, NULL, 'e' },
        { "help", no_argument, NULL, 'h' },        { NULL, 0, NULL, 0 },
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe): one thread
        switch (option) {
        case 'a':
            command->all = true;
            break;
        case 's':
            command->state = optarg;
            break;
        case 'r':
            command->rules = optarg;
            break;
        case 'e':
            command->env = optarg;
            break;
        case 'n':
            command->trusts_answers = true;
            break;
        case 'j':
            command->json = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return TEND_EXIT_FINE;
        default:
            (void)fputs(usage, stderr);
            return TEND_EXIT_USAGE;
        }
    }
    if (argc - optind != (command->all ? 0 : 1) || (command->env != NULL && command->rules == NULL) ||
        (command->trusts_answers && command->rules != NULL)) {
        (void)fputs(usage, stderr);
        return TEND_EXIT_USAGE;
    }
    command->argument = command->all ? NULL : argv[optind];
    return -1;
}

static json_t *find_sources(void *context, const char *hash)
{
    struct replay_command *command = context;
    struct tend_error error;
    json_t *sources = NULL;
    if (command->journal == NULL || tend_journal_find_source(command->journal, hash, &sources, &error) != TEND_OK) {
        return NULL;
    }
    return sources;
}

// Where to read, and from when to when.
static enum tend_status find_recording(struct replay_command *command, struct tend_error *error)
{
    if (!command->all && !tend_incident_span_is_name(command->argument)) {
        (void)snprintf(command->what, sizeof command->what, "%s", command->argument);
        command->recording = command->argument;
        return TEND_OK;
    }
    enum tend_status status = tend_state_dir_find(command->state, &command->state_dir, error);
    if (status == TEND_OK) {
        status = tend_journal_open(command->state_dir, &command->journal, error);
    }
    if (status == TEND_OK && !command->all) {
        status = tend_incident_span_find(command->journal, command->argument, &command->span, error);
    }
    if (status != TEND_OK) {
        return status;
    }
    (void)snprintf(command->path, sizeof command->path, "%s/recording", command->state_dir);
    command->recording = command->path;
    if (command->all) {
        (void)snprintf(command->what, sizeof command->what, "all of %s", command->path);
    } else {
        (void)snprintf(command->what, sizeof command->what, "incident %s", command->span.id);
    }
    return TEND_OK;
}

static enum tend_status open_recording(struct replay_command *command, struct tend_error *error)
{
    enum tend_status status = tend_recording_open(command->recording, &command->reader, error);
    if (status == TEND_OK && command->span.id[0] != '\0') {
        status = tend_recording_seek(command->reader, command->span.first_ms, error);
    }
    if (status == TEND_END) {
        tend_error_set(error, "%s: there is no segment in it yet", command->recording);
        status = TEND_E_INVALID;
    }
    return status;
}

// A part that replays nothing but says something about the whole.
static enum tend_status look_at(struct replay_command *command, const struct tend_recorded *part,
                                struct tend_error *error)
{
    command->is_bundle = command->is_bundle || part->kind == TEND_RECORDED_NOTE;
    if (part->kind == TEND_RECORDED_HEADER && command->span.id[0] != '\0' &&
        tend_json_integer(part->json, "at_ms", 0) > command->span.ended_ms) {
        struct tend_buffer when;
        tend_buffer_init(&when);
        tend_terminal_put_time(&when, tend_json_integer(part->json, "wall_ms", -1));
        tend_error_set(error, "the recording of incident %s is not kept any more: what there is begins at %s",
                       command->span.id, tend_buffer_text(&when));
        tend_buffer_clear(&when);
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

static void show_progress(struct replay_command *command, struct tend_progress_bar *bar, int64_t wall_ms)
{
    uint64_t read = 0;
    uint64_t all = 0;
    tend_recording_progress(command->reader, &read, &all);
    tend_progress_bar_show(bar, all == 0 ? 0.0 : (double)read / (double)all, wall_ms);
}

static enum tend_status play(struct replay_command *command, struct tend_error *error)
{
    struct tend_progress_bar bar = tend_progress_bar_begin("replaying");
    const int64_t until_ms = command->span.id[0] == '\0' ? INT64_MAX : command->span.ended_ms;
    struct tend_recorded part;
    enum tend_status status = TEND_OK;
    bool cut = false;
    while (status == TEND_OK && !cut && tend_replay_difference_found(command->replay) == NULL) {
        status = tend_recording_next(command->reader, &part, error);
        if (status != TEND_OK) {
            break;
        }
        cut = part.kind == TEND_RECORDED_EVENT && part.event.at_ms > until_ms;
        status = look_at(command, &part, error);
        if (status == TEND_OK && !cut) {
            status = tend_replay_take(command->replay, &part, error);
        }
        if (part.kind == TEND_RECORDED_EVENT) {
            show_progress(command, &bar, part.event.wall_ms);
        }
    }
    const bool torn = status == TEND_END && tend_recording_torn(command->reader);
    if (torn && command->is_bundle) {
        status = TEND_E_CORRUPT; // it was written whole: what is lost was lost on the way here
    } else if (status == TEND_OK || status == TEND_END) {
        tend_replay_end(command->replay, torn);
        status = TEND_OK;
    }
    tend_progress_bar_end(&bar);
    return status;
}

// Prints the document. @return an enum tend_exit
static int print(const struct replay_command *command, json_t *document,
                 void (*format)(const json_t *document, struct tend_buffer *out))
{
    (void)json_object_set_new(document, "what", tend_json_string(command->what, strlen(command->what)));
    struct tend_buffer text;
    tend_buffer_init(&text);
    if (command->json) {
        char *json = json_dumps(document, JSON_INDENT(2) | JSON_SORT_KEYS);
        tend_buffer_put_text(&text, json == NULL ? "" : json);
        tend_buffer_put_text(&text, "\n");
        free(json);
    } else {
        format(document, &text);
    }
    (void)fputs(tend_buffer_text(&text), stdout);
    tend_buffer_clear(&text);
    return fflush(stdout) == 0 ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}

// The same rules. @param[out] exit_code  set on TEND_OK
static enum tend_status compare(struct replay_command *command, int *exit_code, struct tend_error *error)
{
    const struct tend_replay_options options = { .trusts_answers = command->trusts_answers,
                                                 .find_sources = find_sources,
                                                 .context = command };
    enum tend_status status = open_recording(command, error);
    if (status == TEND_OK) {
        status = tend_replay_create(&options, &command->replay);
    }
    if (status == TEND_OK) {
        status = play(command, error);
    }
    if (status == TEND_OK) {
        json_t *report = tend_replay_report(command->replay);
        *exit_code = print(command, report, tend_replay_text_format);
        *exit_code = tend_replay_difference_found(command->replay) != NULL ? TEND_EXIT_TROUBLE : *exit_code;
        json_decref(report);
    }
    return status;
}

static void show_rules_progress(void *context, double share, int64_t wall_ms)
{
    tend_progress_bar_show(context, share, wall_ms);
}

// Other rules. @param[out] exit_code  set on TEND_OK
static enum tend_status try_rules(struct replay_command *command, int *exit_code, struct tend_error *error)
{
    struct tend_progress_bar bar = tend_progress_bar_begin("replaying");
    struct tend_replay_rules_options options = {
        .recording = command->recording,
        .from_ms = INT64_MIN,
        .until_ms = INT64_MAX,
        .dir = command->rules,
        .env = command->env,
        .on_progress = show_rules_progress,
        .context = &bar,
    };
    if (command->span.id[0] != '\0') {
        options.from_ms = command->span.first_ms - RULES_BEFORE_MS;
        options.until_ms = command->span.ended_ms == INT64_MAX ? INT64_MAX : command->span.ended_ms + RULES_AFTER_MS;
    }
    json_t *change = NULL;
    const enum tend_status status = tend_replay_rules_play(&options, &change, error);
    tend_progress_bar_end(&bar);
    if (status == TEND_OK) {
        *exit_code = print(command, change, tend_replay_text_format_rules);
    }
    json_decref(change);
    return status;
}

int tend_command_replay(int argc, char **argv)
{
    struct replay_command command = { .argument = NULL };
    int exit_code = parse_options(argc, argv, &command);
    if (exit_code >= 0) {
        return exit_code;
    }
    tend_log_set_level(TEND_LOG_NOTHING); // what the engine says of itself was said then
    struct tend_error error = { "out of memory" };
    enum tend_status status = find_recording(&command, &error);
    if (status == TEND_OK) {
        status =
            command.rules == NULL ? compare(&command, &exit_code, &error) : try_rules(&command, &exit_code, &error);
    }
    if (status != TEND_OK) {
        struct tend_buffer text;
        tend_buffer_init(&text);
        tend_terminal_put(&text, error.text);
        (void)fprintf(stderr, "tend replay: %s\n", tend_buffer_text(&text));
        tend_buffer_clear(&text);
        exit_code = TEND_EXIT_TROUBLE;
    }
    tend_replay_destroy(command.replay);
    tend_recording_close(command.reader);
    tend_journal_close(command.journal);
    free(command.state_dir);
    return exit_code;
}
