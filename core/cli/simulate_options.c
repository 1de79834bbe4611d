#include "cli/simulate_options.h"

#include "cli/command.h"
#include "cli/past_options.h"

#include <stdio.h>

static const char usage[] =
    "usage: tend simulate DIR (--recording PATH | --csv FILE | --prometheus URL | --scenario NAME) [OPTIONS]\n\n"
    "Runs the rules of DIR over the past or the imagined in virtual time, and reports what they would have told and\n"
    "done: alerts, incidents, who was at fault, steps and refusals. Over the past no playbook is armed, as an act "
    "does\n"
    "not change it: what one would do is told. In a scenario all are armed, and acts change its "
    "world.\n\n" TEND_PAST_USAGE_SOURCES
    "  --scenario NAME        one scenario of DIR's *_test.lua, by its name or a part of it; or FILE_test.lua\n\n"
    "  --from T, --to T       the time that is looked at: 2026-03-02T10:00:05Z, seconds since 1970, now, or -6h "
    "before\n"
    "                         now; the usual: all of a file, the last hour of a server\n" TEND_PAST_USAGE_ZONE
    "  --incidents FILE       labels of real incidents: from,to,what[,service]; counts what was found, missed and "
    "false\n"
    "  --baselines FILE       what a daemon learned, its DIR/baselines: tend.learned metrics of services begin with "
    "it\n" TEND_PAST_USAGE_MORE
    "  --what-if              scenario: beside it, what else could have been done, and nothing at all\n"
    "  --env NAME             what tend.env shows: the table that DIR/env/NAME.lua returns\n"
    "  --json                 the report as one JSON object on stdout\n"
    "  --html FILE            the report as one page\n"
    "  --help                 this text\n\n"
    "exit status: 0 fine, 1 trouble: no report, an expectation does not hold, or a rule was switched off; 2 wrong "
    "usage\n";

static const struct option option_table[] = {
    TEND_PAST_OPTIONS,
    { "scenario", required_argument, NULL, TEND_PAST_OPTION_MORE },
    { "incidents", required_argument, NULL, TEND_PAST_OPTION_MORE + 1 },
    { "baselines", required_argument, NULL, TEND_PAST_OPTION_MORE + 2 },
    { "html", required_argument, NULL, TEND_PAST_OPTION_MORE + 3 },
    { "json", no_argument, NULL, 'j' },
    { "what-if", no_argument, NULL, 'w' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int refuse(const char *why)
{
    (void)fprintf(stderr, "tend simulate: %s\n\n%s", why, usage);
    return TEND_EXIT_USAGE;
}

// Options that belong to one source only.
static const char *misplaced(const struct tend_simulate_options *options)
{
    if (options->baselines != NULL && options->source == TEND_SIMULATE_SCENARIO) {
        return "a scenario begins with nothing: --baselines goes with the past";
    }
    if (options->what_if && options->source != TEND_SIMULATE_SCENARIO) {
        return "--what-if goes with --scenario";
    }
    if ((options->from != NULL || options->to != NULL) && options->source == TEND_SIMULATE_SCENARIO) {
        return "a scenario has its own time: --from and --to go with the past";
    }
    return tend_past_options_misplaced(options);
}

int tend_simulate_options_read(int argc, char **argv, struct tend_simulate_options *out)
{
    *out = (struct tend_simulate_options){ .source = TEND_SIMULATE_NOTHING };
    bool one_source = true;
    int option = 0;
    int index = 0;
    while ((option = getopt_long(argc, argv, "h", option_table, &index)) != -1) { // NOLINT(concurrency-mt-unsafe)
        if (option >= TEND_PAST_OPTION) {
            one_source = tend_past_option_take(out, option_table[index].name, optarg) && one_source;
        } else if (option == 'j') {
            out->json = true;
        } else if (option == 'w') {
            out->what_if = true;
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
    out->dir = argv[optind];
    if (out->source == TEND_SIMULATE_NOTHING || !one_source) {
        return refuse("one of --recording, --csv, --prometheus and --scenario is needed");
    }
    const char *why = misplaced(out);
    return why == NULL ? -1 : refuse(why);
}
