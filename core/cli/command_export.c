// tend export: one incident as one file, to attach to a ticket and to replay anywhere.

#include "cli/command.h"
#include "cli/incident_bundle.h"
#include "cli/progress_bar.h"
#include "cli/terminal.h"
#include "driver/live/state_dir.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tend export INCIDENT|last [-o FILE] [--force] [--state DIR] [--json]\n\n"
    "Cuts one incident out of the recording and the journal: the samples around it, the rules as they were, the\n"
    "journal's rows and versions, as one file. `tend replay FILE` runs it again, on any machine. Secrets are not in "
    "it.\n\n"
    "  -o, --output FILE  where to (else tend-INCIDENT.bundle here)\n"
    "  --force            in the place of a file that is there\n"
    "  --state DIR        the state directory (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "                     or ~/.local/state/tend)\n"
    "  --json             what is in it as one JSON object\n"
    "  --help             this text\n\n"
    "exit status: 0 written; 1 no such incident, or it cannot be read or written; 2 wrong usage\n";

struct export_command {
    const char *incident;
    const char *output;
    const char *state;
    bool force, json;

    char *state_dir;
    char *path;
    struct tend_journal *journal;
    json_t *note;
};

// @return an enum tend_exit, or -1 to go on
static int parse_options(int argc, char **argv, struct export_command *command)
{
    static const struct option options[] = {
        { "output", required_argument, NULL, 'o' }, { "force", no_argument, NULL, 'f' },
        { "state", required_argument, NULL, 's' },  { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "ho:", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe): 1 thread
        switch (option) {
        case 'o':
            command->output = optarg;
            break;
        case 'f':
            command->force = true;
            break;
        case 's':
            command->state = optarg;
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
    if (argc - optind != 1) {
        (void)fputs(usage, stderr);
        return TEND_EXIT_USAGE;
    }
    command->incident = argv[optind];
    return -1;
}

static void show_progress(void *context, double share, int64_t wall_ms)
{
    tend_progress_bar_show(context, share, wall_ms);
}

static enum tend_status write_bundle(struct export_command *command, struct tend_error *error)
{
    enum tend_status status = tend_state_dir_find(command->state, &command->state_dir, error);
    if (status == TEND_OK) {
        status = tend_journal_open(command->state_dir, &command->journal, error);
    }
    struct tend_incident_bundle_options options = { .state_dir = command->state_dir, .journal = command->journal };
    if (status == TEND_OK) {
        status = tend_incident_span_find(command->journal, command->incident, &options.span, error);
    }
    if (status != TEND_OK) {
        return status;
    }
    const int named = command->output != NULL ? asprintf(&command->path, "%s", command->output)
                                              : asprintf(&command->path, "tend-%s.bundle", options.span.id);
    if (named < 0) {
        command->path = NULL;
        return TEND_E_NOMEM;
    }
    if (!command->force && access(command->path, F_OK) == 0) {
        tend_error_set(error, "%s is there already; say --force, or another name with -o", command->path);
        return TEND_E_INVALID;
    }
    struct tend_progress_bar bar = tend_progress_bar_begin("exporting");
    options.path = command->path;
    options.on_progress = show_progress;
    options.context = &bar;
    status = tend_incident_bundle_write(&options, &command->note, error);
    tend_progress_bar_end(&bar);
    return status;
}

static void put_note(const struct export_command *command, struct tend_buffer *out)
{
    const json_t *note = command->note;
    const int64_t generations = tend_json_integer(note, "generations", 0);
    tend_terminal_put(out, command->path);
    tend_buffer_printf(out, ": %" PRId64 " bytes: incident ", tend_json_integer(note, "bytes", 0));
    tend_terminal_put_member(out, note, "incident", "?");
    tend_buffer_put_text(out, ", ");
    tend_terminal_put_time(out, tend_json_integer(note, "from_wall_ms", -1));
    tend_buffer_put_text(out, " to ");
    tend_terminal_put_time(out, tend_json_integer(note, "until_wall_ms", -1));
    tend_buffer_put_text(out, " (from ");
    tend_terminal_put_span(out, tend_json_number(note, "before_s", 0));
    tend_buffer_printf(out,
                       " before the first sample out of line)\n"
                       "  %" PRId64 " events, %" PRId64 " rows of the journal, %" PRId64
                       " %s of rules, and the versions; no secrets\n",
                       tend_json_integer(note, "events", 0), tend_json_integer(note, "journal_rows", 0), generations,
                       generations == 1 ? "generation" : "generations");
    if (tend_json_bool(note, "open", false)) {
        tend_buffer_put_text(out, "  note: the incident is still open: this is what there was of it until now\n");
    } else if (!tend_json_bool(note, "whole", true)) {
        tend_buffer_put_text(out, "  note: the recording does not have the whole incident\n");
    }
}

int tend_command_export(int argc, char **argv)
{
    struct export_command command = { .incident = NULL };
    int exit_code = parse_options(argc, argv, &command);
    if (exit_code >= 0) {
        return exit_code;
    }
    struct tend_error error = { "out of memory" };
    struct tend_buffer text;
    tend_buffer_init(&text);
    exit_code = TEND_EXIT_FINE;
    if (write_bundle(&command, &error) != TEND_OK) {
        tend_buffer_put_text(&text, "tend export: ");
        tend_terminal_put(&text, error.text);
        (void)fprintf(stderr, "%s\n", tend_buffer_text(&text));
        exit_code = TEND_EXIT_TROUBLE;
    } else if (command.json) {
        (void)json_object_set_new(command.note, "file", tend_json_string(command.path, strlen(command.path)));
        (void)json_dumpf(command.note, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        (void)puts("");
    } else {
        put_note(&command, &text);
        (void)fputs(tend_buffer_text(&text), stdout);
    }
    tend_buffer_clear(&text);
    json_decref(command.note);
    tend_journal_close(command.journal);
    free(command.path);
    free(command.state_dir);
    return fflush(stdout) == 0 ? exit_code : TEND_EXIT_TROUBLE;
}
