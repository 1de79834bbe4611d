#include "cli/tune_options.h"

#include "cli/command.h"
#include "cli/past_options.h"
#include "cli/terminal.h"
#include "parse/duration.h"
#include "recording/format.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WEEK_MS (INT64_C(7) * 24 * 3600 * 1000)

static const char usage[] =
    "usage: tend tune DIR (--history PATH|URL | --recording PATH | --csv FILE | --prometheus URL) [OPTIONS]\n\n"
    "Says what thresholds cost before they go live: for each rule of DIR, how many alarms a week each alpha,\n"
    "fire_after and clear_below would have raised over the past, with the range that holds 9 of 10 weeks, how soon\n"
    "marked incidents would have been found, and which setting keeps to a budget of false alarms: the lines to paste,\n"
    "and where. It changes nothing itself. An alarm is an alert that fires; where no incident is marked, all count as\n"
    "false.\n\n"
    "  --history PATH|URL     any of the three below, told apart by what it is\n" TEND_PAST_USAGE_SOURCES "\n"
    "  --budget \"N a TIME\"    false alarms that are acceptable of each rule: \"1 a week\", \"2 a day\", \"1 per "
    "30d\"\n"
    "  --incidents FILE       labels of real incidents: from,to,what[,service]; alarms within them are not false\n"
    "  --period DURATION      what ranges are for; the usual: 1w\n"
    "  --rule NAME            this rule only\n\n"
    "  --from T, --to T       the time that is looked at: 2026-03-02T10:00:05Z, seconds since 1970, now, or -6h "
    "before\n"
    "                         now; the usual: all of a file, the last hour of a server\n" TEND_PAST_USAGE_ZONE
    "  --baselines FILE       what a daemon learned, its DIR/baselines: tend.learned metrics of services begin with "
    "it\n" TEND_PAST_USAGE_MORE
    "  --env NAME             what tend.env shows: the table that DIR/env/NAME.lua returns\n"
    "  --json                 all points of the grid, as one JSON object on stdout\n"
    "  --help                 this text\n\n"
    "exit status: 0 there is an answer, 1 there is none, 2 wrong usage\n";

enum { OPTION_HISTORY = 1000, OPTION_BUDGET, OPTION_PERIOD, OPTION_RULE };

static const struct option option_table[] = {
    TEND_PAST_OPTIONS,
    { "incidents", required_argument, NULL, TEND_PAST_OPTION_MORE },
    { "baselines", required_argument, NULL, TEND_PAST_OPTION_MORE + 1 },
    { "history", required_argument, NULL, OPTION_HISTORY },
    { "budget", required_argument, NULL, OPTION_BUDGET },
    { "period", required_argument, NULL, OPTION_PERIOD },
    { "rule", required_argument, NULL, OPTION_RULE },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int refuse(const char *why)
{
    (void)fprintf(stderr, "tend tune: %s\n\n%s", why, usage);
    return TEND_EXIT_USAGE;
}

// ---- what a history is ----

// @return the option that names this kind
static const char *kind_of(const char *text)
{
    if (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) {
        return "prometheus";
    }
    struct stat status;
    if (stat(text, &status) == 0 && S_ISDIR(status.st_mode)) {
        return "recording";
    }
    char begins[sizeof TEND_RECORDING_MAGIC - 1];
    FILE *file = fopen(text, "re");
    const size_t got = file == NULL ? 0 : fread(begins, 1, sizeof begins, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    return got == sizeof begins && memcmp(begins, TEND_RECORDING_MAGIC, got) == 0 ? "recording" : "csv";
}

// ---- budget ----

static enum tend_status parse_time(const char *text, int64_t *out_ms, struct tend_error *error)
{
    static const struct {
        const char *word;
        int64_t time_ms;
    } words[] = { { "hour", WEEK_MS / 168 },
                  { "day", WEEK_MS / 7 },
                  { "week", WEEK_MS },
                  { "month", WEEK_MS / 7 * 30 },
                  { "year", WEEK_MS / 7 * 365 } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i].word) == 0) {
            *out_ms = words[i].time_ms;
            return TEND_OK;
        }
    }
    return tend_duration_parse(text, strlen(text), out_ms, error);
}

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " ");
}

enum tend_status tend_tune_budget_parse(const char *text, struct tend_tuning_budget *out, struct tend_error *error)
{
    char *rest;
    errno = 0;
    const double alarms = strtod(text, &rest);
    const char *between = skip_spaces(rest);
    const char *time = NULL;
    if (rest != text && between[0] == '/') {
        time = skip_spaces(between + 1);
    } else if (rest != text && rest != between && strncmp(between, "a ", 2) == 0) {
        time = skip_spaces(between + 2);
    } else if (rest != text && rest != between && strncmp(between, "an ", 3) == 0) {
        time = skip_spaces(between + 3);
    } else if (rest != text && rest != between && strncmp(between, "per ", 4) == 0) {
        time = skip_spaces(between + 4);
    }
    int64_t within_ms = 0;
    if (time == NULL || !isfinite(alarms) || alarms < 0 || parse_time(time, &within_ms, NULL) != TEND_OK ||
        within_ms <= 0) {
        tend_error_set(error, "\"%s\" is no budget; write it like \"1 a week\", \"2 a day\" or \"1 per 30d\"", text);
        return TEND_E_INVALID;
    }
    *out = (struct tend_tuning_budget){ .alarms = alarms, .within_ms = within_ms };
    return TEND_OK;
}

// ---- the command line ----

static int read_values(struct tend_tune_options *out, const char *budget, const char *period)
{
    struct tend_error error;
    if (budget != NULL && tend_tune_budget_parse(budget, &out->budget, &error) != TEND_OK) {
        tend_terminal_complain("tend tune: --budget: %s", error.text);
        return TEND_EXIT_USAGE;
    }
    out->period_ms = WEEK_MS;
    if (period != NULL && tend_duration_parse(period, strlen(period), &out->period_ms, &error) != TEND_OK) {
        tend_terminal_complain("tend tune: --period: %s", error.text);
        return TEND_EXIT_USAGE;
    }
    if (out->period_ms <= 0) {
        return refuse("--period is 0");
    }
    return -1;
}

int tend_tune_options_read(int argc, char **argv, struct tend_tune_options *out)
{
    *out = (struct tend_tune_options){ .past = { .source = TEND_SIMULATE_NOTHING } };
    struct tend_simulate_options *past = &out->past;
    const char *budget = NULL;
    const char *period = NULL;
    bool one_source = true;
    int option = 0;
    int index = 0;
    while ((option = getopt_long(argc, argv, "h", option_table, &index)) != -1) { // NOLINT(concurrency-mt-unsafe)
        if (option >= TEND_PAST_OPTION) {
            one_source = tend_past_option_take(past, option_table[index].name, optarg) && one_source;
        } else if (option == OPTION_HISTORY) {
            one_source = tend_past_option_take(past, kind_of(optarg), optarg) && one_source;
        } else if (option == OPTION_BUDGET) {
            budget = optarg;
        } else if (option == OPTION_PERIOD) {
            period = optarg;
        } else if (option == OPTION_RULE) {
            out->rule = optarg;
        } else if (option == 'j') {
            past->json = true;
        } else if (option == 'h') {
            (void)fputs(usage, stdout);
            return TEND_EXIT_FINE;
        } else {
            (void)fputs(usage, stderr);
            return TEND_EXIT_USAGE;
        }
    }
    if (argc - optind != 1) {
        return refuse("one directory of rules is needed");
    }
    past->dir = argv[optind];
    if (past->source == TEND_SIMULATE_NOTHING || !one_source) {
        return refuse("one of --history, --recording, --csv and --prometheus is needed");
    }
    const char *why = tend_past_options_misplaced(past);
    return why == NULL ? read_values(out, budget, period) : refuse(why);
}
