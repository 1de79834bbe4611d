#include "cli/simulate_options.h"

#include "cli/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tend simulate DIR (--recording PATH | --csv FILE | --prometheus URL | --scenario NAME) [OPTIONS]\n\n"
    "Runs the rules of DIR over the past or the imagined in virtual time, and reports what they would have told and\n"
    "done: alerts, incidents, who was at fault, steps and refusals. Over the past no playbook is armed, as an act "
    "does\n"
    "not change it: what one would do is told. In a scenario all are armed, and acts change its world.\n\n"
    "  --recording PATH       a recording of tend run, or a bundle of tend export\n"
    "  --csv FILE             time,service:metric,service/instance:metric,… or timestamp,value\n"
    "  --prometheus URL       a server that speaks Prometheus' query API: Prometheus, VictoriaMetrics, Thanos, Mimir\n"
    "  --scenario NAME        one scenario of DIR's *_test.lua, by its name or a part of it; or FILE_test.lua\n\n"
    "  --from T, --to T       the time that is looked at: 2026-03-02T10:00:05Z, seconds since 1970, now, or -6h "
    "before\n"
    "                         now; the usual: all of a file, the last hour of a server\n"
    "  --zone NAME            the time zone of times without one, like Europe/Berlin; the usual: UTC\n"
    "  --incidents FILE       labels of real incidents: from,to,what[,service]; counts what was found, missed and "
    "false\n"
    "  --baselines FILE       what a daemon learned, its DIR/baselines: tend.learned metrics of services begin with "
    "it\n"
    "  --as SERVICE:METRIC    csv: whose a plain timestamp,value file is, where the rules leave a choice\n"
    "  --service-label NAME   prometheus: the label that names the service; the usual: job\n"
    "  --instance-label NAME  prometheus: the label that names the instance; the usual: instance\n"
    "  --step DURATION        prometheus: ask for values at steps of this (query_range), where a server has no raw "
    "samples\n"
    "  --token-file FILE      prometheus: a file with a bearer token\n"
    "  --what-if              scenario: beside it, what else could have been done, and nothing at all\n"
    "  --env NAME             what tend.env shows: the table that DIR/env/NAME.lua returns\n"
    "  --json                 the report as one JSON object on stdout\n"
    "  --html FILE            the report as one page\n"
    "  --help                 this text\n\n"
    "exit status: 0 fine, 1 trouble: no report, an expectation does not hold, or a rule was switched off; 2 wrong "
    "usage\n";

enum {
    OPTION_RECORDING = 1000,
    OPTION_CSV,
    OPTION_PROMETHEUS,
    OPTION_SCENARIO,
    OPTION_TEXT, // and on: one for each text option
};

static const struct option option_table[] = {
    { "recording", required_argument, NULL, OPTION_RECORDING },
    { "csv", required_argument, NULL, OPTION_CSV },
    { "prometheus", required_argument, NULL, OPTION_PROMETHEUS },
    { "scenario", required_argument, NULL, OPTION_SCENARIO },
    { "env", required_argument, NULL, OPTION_TEXT },
    { "from", required_argument, NULL, OPTION_TEXT + 1 },
    { "to", required_argument, NULL, OPTION_TEXT + 2 },
    { "zone", required_argument, NULL, OPTION_TEXT + 3 },
    { "as", required_argument, NULL, OPTION_TEXT + 4 },
    { "incidents", required_argument, NULL, OPTION_TEXT + 5 },
    { "html", required_argument, NULL, OPTION_TEXT + 6 },
    { "service-label", required_argument, NULL, OPTION_TEXT + 7 },
    { "instance-label", required_argument, NULL, OPTION_TEXT + 8 },
    { "step", required_argument, NULL, OPTION_TEXT + 9 },
    { "token-file", required_argument, NULL, OPTION_TEXT + 10 },
    { "baselines", required_argument, NULL, OPTION_TEXT + 11 },
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

static bool take_source(struct tend_simulate_options *out, enum tend_simulate_source source, const char *text)
{
    const bool first = out->source == TEND_SIMULATE_NOTHING;
    out->source = source;
    out->source_text = text;
    return first;
}

// Options that belong to one source only.
static const char *misplaced(const struct tend_simulate_options *options)
{
    if (options->as != NULL && options->source != TEND_SIMULATE_CSV) {
        return "--as goes with --csv";
    }
    if ((options->service_label != NULL || options->instance_label != NULL || options->step != NULL ||
         options->token_file != NULL) &&
        options->source != TEND_SIMULATE_PROMETHEUS) {
        return "--service-label, --instance-label, --step and --token-file go with --prometheus";
    }
    if (options->baselines != NULL && options->source == TEND_SIMULATE_SCENARIO) {
        return "a scenario begins with nothing: --baselines goes with the past";
    }
    if (options->what_if && options->source != TEND_SIMULATE_SCENARIO) {
        return "--what-if goes with --scenario";
    }
    if ((options->from != NULL || options->to != NULL) && options->source == TEND_SIMULATE_SCENARIO) {
        return "a scenario has its own time: --from and --to go with the past";
    }
    return NULL;
}

int tend_simulate_options_read(int argc, char **argv, struct tend_simulate_options *out)
{
    *out = (struct tend_simulate_options){ .source = TEND_SIMULATE_NOTHING };
    const char **const texts[] = { &out->env,
                                   &out->from,
                                   &out->to,
                                   &out->zone,
                                   &out->as,
                                   &out->incidents,
                                   &out->html,
                                   &out->service_label,
                                   &out->instance_label,
                                   &out->step,
                                   &out->token_file,
                                   &out->baselines };
    bool one_source = true;
    int option = 0;
    while ((option = getopt_long(argc, argv, "h", option_table, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe)
        if (option >= OPTION_TEXT) {
            *texts[option - OPTION_TEXT] = optarg;
        } else if (option >= OPTION_RECORDING) {
            const int source = option - OPTION_RECORDING + TEND_SIMULATE_RECORDING;
            one_source = take_source(out, (enum tend_simulate_source)source, optarg) && one_source;
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
