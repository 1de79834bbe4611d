// tend learn: what tend.learned metrics would have learned from the past, written where the daemon finds it.

#include "base/buffer.h"
#include "base/hash_map.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/past_options.h"
#include "cli/past_source.h"
#include "cli/progress_bar.h"
#include "cli/rules_document.h"
#include "cli/terminal.h"
#include "driver/live/baseline_file.h"
#include "driver/live/rules_dir.h"
#include "driver/live/state_dir.h"
#include "driver/past/rehearsal.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tend learn DIR (--recording PATH | --csv FILE | --prometheus URL) [--state DIR] [OPTIONS]\n\n"
    "Plays the past under the rules of DIR, and writes what their tend.learned metrics learned from it to the state\n"
    "directory, so that the daemon need not wait for two seasons. The daemon must not be running. What it learned of\n"
    "other services, or of metrics that the past does not have, is kept. It is services that are learned; an instance\n"
    "is expected to be like its service until it has a past of its own.\n\n" TEND_PAST_USAGE_SOURCES
    "  --state DIR            the state directory (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "                         or ~/.local/state/tend)\n\n"
    "  --from T, --to T       the time that is looked at: 2026-03-02T10:00:05Z, seconds since 1970, now, or -14d "
    "before\n"
    "                         now; the usual: all of a file, the last 21 days of a server\n" TEND_PAST_USAGE_ZONE
        TEND_PAST_USAGE_MORE "  --env NAME             what tend.env shows: the table that DIR/env/NAME.lua returns\n"
    "  --json                 the answer as one JSON object on stdout\n"
    "  --help                 this text\n\n"
    "exit status: 0 written; 1 nothing was learned, or it cannot be written; 2 wrong usage\n";

enum { OPTION_STATE = 1000 };

struct learn_command {
    struct tend_simulate_options options;
    const char *state;
    struct tend_past_source source;
    json_t *sources;
    json_t *document;
    char hash[65];
    struct tend_awaited_evaluator *evaluator;
    struct tend_state_dir *directory;
    struct tend_buffer learned; ///< at the end of the past
    size_t written, kept;       ///< baselines of services that were learned, and those of before
};

static bool say(const struct tend_error *error)
{
    tend_terminal_complain("tend learn: %s", error->text);
    return false;
}

static int refuse(const char *why)
{
    (void)fprintf(stderr, "tend learn: %s\n\n%s", why, usage);
    return TEND_EXIT_USAGE;
}

static int read_options(int argc, char **argv, struct learn_command *command)
{
    static const struct option table[] = {
        TEND_PAST_OPTIONS,
        { "state", required_argument, NULL, OPTION_STATE },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct tend_simulate_options *out = &command->options;
    bool one_source = true;
    int option;
    int index = 0;
    while ((option = getopt_long(argc, argv, "h", table, &index)) != -1) { // NOLINT(concurrency-mt-unsafe): one thread
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return TEND_EXIT_FINE;
        }
        if (option == 'j') {
            out->json = true;
        } else if (option == OPTION_STATE) {
            command->state = optarg;
        } else if (option >= TEND_PAST_OPTION) {
            one_source = tend_past_option_take(out, table[index].name, optarg) && one_source;
        } else {
            (void)fputs(usage, stderr);
            return TEND_EXIT_USAGE;
        }
    }
    if (argc - optind != 1 || out->source == TEND_SIMULATE_NOTHING || !one_source) {
        return refuse("say which rules, and one past: --recording, --csv or --prometheus");
    }
    const char *why = tend_past_options_misplaced(out);
    if (why != NULL) {
        return refuse(why);
    }
    if (out->source == TEND_SIMULATE_PROMETHEUS && out->from == NULL) {
        out->from = "-21d"; // two weeks to trust a season of a week, and one that may have been unlike the others
    }
    out->dir = argv[optind];
    return -1;
}

static bool load_rules(struct learn_command *command)
{
    command->document = tend_rules_document_load(command->evaluator, command->options.dir);
    return command->document != NULL;
}

// The lock of the state directory first: a daemon that runs would write over what is learned here.
static bool prepare(struct learn_command *command)
{
    struct tend_error error;
    const struct tend_simulate_options *options = &command->options;
    if (tend_state_dir_open(command->state, &command->directory, &error) != TEND_OK ||
        tend_past_source_init(&command->source, options, &error) != TEND_OK ||
        tend_rules_dir_read(options->dir, options->env, NULL, &command->sources, &error) != TEND_OK) {
        return say(&error);
    }
    tend_rules_dir_hash(command->sources, command->hash);
    if (tend_awaited_evaluator_create(command->sources, &command->evaluator) != TEND_OK) {
        tend_error_set(&error, "out of memory");
        return say(&error);
    }
    return load_rules(command);
}

static void keep(void *context, const struct tend_simulation *simulation)
{
    struct learn_command *command = context;
    (void)tend_engine_save_baselines(tend_simulation_engine(simulation), &command->learned);
}

static void show_progress(void *context, double done, int64_t at_ms)
{
    tend_progress_bar_show(context, done, at_ms);
}

static bool play(struct learn_command *command)
{
    struct tend_error error;
    struct tend_history_reader history;
    const char *kind;
    if (tend_past_source_open(&command->source, command->document, command->hash, &kind, &history, &error) != TEND_OK) {
        return say(&error);
    }
    struct tend_progress_bar bar = tend_progress_bar_begin("learning");
    const struct tend_rehearsal_options rehearsal = {
        .document = command->document,
        .hash = command->hash,
        .sources = command->sources,
        .evaluator = command->evaluator,
        .history = &history,
        .from_ms = command->source.from_ms,
        .until_ms = command->source.until_ms,
        .title = "",
        .source_kind = kind,
        .source_text = command->options.source_text,
        .on_progress = show_progress,
        .progress_context = &bar,
        .at_end = keep,
        .at_end_context = command,
    };
    json_t *report = NULL;
    const enum tend_status status = tend_rehearsal_play(&rehearsal, &report, NULL, &error);
    json_decref(report);
    tend_progress_bar_end(&bar);
    history.destroy(history.context);
    return status == TEND_OK || say(&error);
}

// Copies entries. @param names  of those that were put: what is in it already is passed over
static size_t put_entries(const struct tend_buffer *from, bool services_only, struct tend_hash_map *names,
                          struct tend_buffer *out)
{
    struct tend_reader in = tend_reader_over(tend_buffer_text(from), from->size);
    size_t count = 0;
    while (in.next != in.end) {
        size_t key_bytes;
        size_t body_bytes;
        const char *key = tend_reader_get_string(&in, &key_bytes);
        const char *body = tend_reader_get_string(&in, &body_bytes);
        if (in.failed) {
            break;
        }
        const bool of_service = memmem(key, key_bytes, "\n\n", 2) != NULL; // no URL of an instance between
        if ((services_only && !of_service) || tend_hash_map_find(names, key, key_bytes) != NULL) {
            continue;
        }
        out->failed = out->failed || tend_hash_map_set(names, key, key_bytes, names) != TEND_OK;
        tend_buffer_put_string(out, key, key_bytes);
        tend_buffer_put_string(out, body, body_bytes);
        count++;
    }
    return count;
}

static bool write_file(struct learn_command *command)
{
    struct tend_error error;
    struct tend_buffer before;
    struct tend_buffer whole;
    struct tend_hash_map *names;
    tend_buffer_init(&before);
    tend_buffer_init(&whole);
    tend_error_set(&error, "out of memory");
    if (tend_hash_map_create(&names) != TEND_OK) {
        return say(&error);
    }
    const char *directory = tend_state_dir_path(command->directory);
    bool fine = tend_baseline_file_read(directory, &before, &error) == TEND_OK;
    command->written = put_entries(&command->learned, true, names, &whole);
    command->kept = put_entries(&before, false, names, &whole);
    if (fine && command->written == 0) {
        tend_error_set(&error, "nothing was learned: the rules of %s have no tend.learned metric that this past has",
                       command->options.dir);
        fine = false;
    }
    fine = fine && !whole.failed && tend_baseline_file_write(directory, whole.data, whole.size, &error) == TEND_OK;
    tend_hash_map_destroy(names);
    tend_buffer_clear(&before);
    tend_buffer_clear(&whole);
    return fine || say(&error);
}

static bool tell(const struct learn_command *command)
{
    if (command->options.json) {
        json_t *answer = json_pack("{s:I, s:I, s:s}", "learned", (json_int_t)command->written, "kept",
                                   (json_int_t)command->kept, "state_dir", tend_state_dir_path(command->directory));
        const bool written = json_dumpf(answer, stdout, JSON_COMPACT) == 0;
        json_decref(answer);
        return putchar('\n') != EOF && fflush(stdout) == 0 && written;
    }
    return printf("%zu metric%s of services learned, %zu kept from before: %s/baselines\n", command->written,
                  command->written == 1 ? "" : "s", command->kept, tend_state_dir_path(command->directory)) > 0 &&
           fflush(stdout) == 0;
}

int tend_command_learn(int argc, char **argv)
{
    struct learn_command command = { 0 };
    tend_buffer_init(&command.learned);
    const int exit_code = read_options(argc, argv, &command);
    if (exit_code >= 0) {
        return exit_code;
    }
    tend_log_set_level(TEND_LOG_NOTHING); // what is told has the time that it happened at
    const bool fine = prepare(&command) && play(&command) && write_file(&command) && tell(&command);
    tend_awaited_evaluator_destroy(command.evaluator);
    tend_past_source_clear(&command.source);
    json_decref(command.document);
    json_decref(command.sources);
    tend_buffer_clear(&command.learned);
    tend_state_dir_close(command.directory);
    return fine ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}
