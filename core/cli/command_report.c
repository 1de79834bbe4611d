// tend report: what the alarms of a time were worth, from the journal alone.

#include "api/ledger.h"
#include "cli/command.h"
#include "cli/ledger_page.h"
#include "cli/ledger_text.h"
#include "cli/terminal.h"
#include "driver/live/state_dir.h"
#include "parse/duration.h"
#include "parse/moment.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: tend report [--since 30d] [--rule RULE] [--html FILE] [--state DIR] [--json]\n\n"
    "Tells, rule by rule, what the alarms were worth: how many, real and false by the marks of tend mark, the "
    "precision\n"
    "with a 90 % interval, delays from the onset to firing to telling, how long they lasted, alarms a week, flaps,\n"
    "messages, and how often acts cured; the same by service, and the incidents. It reads the journal; the daemon may\n"
    "run or not, and nothing is changed.\n\n"
    "  --since WHEN  incidents opened since then: a duration before now (30d when left out) or a time (2026-03-02)\n"
    "  --rule RULE   only incidents in which this rule fired\n"
    "  --html FILE   writes the report as one page, which fetches nothing\n"
    "  --state DIR   the state directory (else $STATE_DIRECTORY, /var/lib/tend as root, or ~/.local/state/tend)\n"
    "  --json        the report as JSON\n"
    "  --help        this text\n\n"
    "exit status: 0 there it is, 1 the journal cannot be read or the page not be written, 2 wrong usage\n";

enum { EPOCH_DIGITS = 10 }; // of seconds since 1970, from 2001 on

struct report_command {
    const char *since, *rule, *html, *state;
    bool json;
};

// @return an enum tend_exit, or -1 to go on
static int parse_options(int argc, char **argv, struct report_command *command)
{
    static const struct option options[] = {
        { "since", required_argument, NULL, 'a' },
        { "rule", required_argument, NULL, 'r' },
        { "html", required_argument, NULL, 'w' },
        { "state", required_argument, NULL, 's' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe): 1 thread
        switch (option) {
        case 'a':
            command->since = optarg;
            break;
        case 'r':
            command->rule = optarg;
            break;
        case 'w':
            command->html = optarg;
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
    if (argc != optind) {
        (void)fputs(usage, stderr);
        return TEND_EXIT_USAGE;
    }
    return -1;
}

static void complain(const char *text)
{
    tend_terminal_complain("tend report: %s", text);
}

static bool find_beginning(const char *since, int64_t until_ms, int64_t *from_ms)
{
    const size_t bytes = strlen(since);
    int64_t span_ms;
    struct tend_error error = { "" };
    if (tend_duration_parse(since, bytes, &span_ms, &error) == TEND_OK) {
        *from_ms = until_ms > span_ms ? until_ms - span_ms : 0;
        return true;
    }
    const bool lacks_unit = strspn(since, "0123456789") == bytes && bytes < EPOCH_DIGITS; // 30, not a time of 1970
    if (!lacks_unit && tend_moment_parse(since, bytes, NULL, from_ms, NULL) == TEND_OK) {
        return true;
    }
    complain(error.text);
    return false;
}

static int64_t now_wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum tend_status make_report(const struct report_command *command, const struct tend_ledger_options *options,
                                    json_t **out, struct tend_error *error)
{
    char *directory = NULL;
    struct tend_journal *journal = NULL;
    enum tend_status status = tend_state_dir_find(command->state, &directory, error);
    if (status == TEND_OK) {
        status = tend_journal_open(directory, &journal, error);
    }
    if (status == TEND_OK) {
        status = tend_ledger_read(journal, options, out, error);
    }
    if (status == TEND_OK && command->html != NULL) {
        status = tend_ledger_page_write(*out, command->html, error);
    }
    tend_journal_close(journal);
    free(directory);
    return status;
}

int tend_command_report(int argc, char **argv)
{
    struct report_command command = { .since = "30d" };
    const int parsed = parse_options(argc, argv, &command);
    if (parsed >= 0) {
        return parsed;
    }
    struct tend_ledger_options options = { .until_wall_ms = now_wall_ms() + 1, .rule = command.rule };
    if (!find_beginning(command.since, options.until_wall_ms, &options.from_wall_ms)) {
        return TEND_EXIT_USAGE;
    }
    json_t *report = NULL;
    struct tend_error error = { "out of memory" };
    if (make_report(&command, &options, &report, &error) != TEND_OK) {
        complain(error.text);
        json_decref(report);
        return TEND_EXIT_TROUBLE;
    }
    if (command.json) {
        (void)json_dumpf(report, stdout, JSON_INDENT(2));
        (void)puts("");
    } else {
        struct tend_buffer text;
        tend_buffer_init(&text);
        tend_ledger_text_format(report, &text);
        if (command.html != NULL) {
            tend_buffer_put_text(&text, "\nthe page is in ");
            tend_terminal_put(&text, command.html);
            tend_buffer_put_text(&text, "\n");
        }
        (void)fputs(tend_buffer_text(&text), stdout);
        tend_buffer_clear(&text);
    }
    json_decref(report);
    return fflush(stdout) == 0 ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}
