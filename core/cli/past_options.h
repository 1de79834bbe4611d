#pragma once
/// Past options: those by which a command line says which past is looked at, and how; shared by the commands that play
/// one.

#include "cli/simulate_options.h"

#include <getopt.h>

/// What getopt_long gives for each of them: this or more. All differ, else it would take an abbreviation of two of them
/// for the first.
enum { TEND_PAST_OPTION = 2000, TEND_PAST_OPTION_MORE = 2100 };

/// Rows of a getopt_long table. A command may have more, from TEND_PAST_OPTION_MORE on: incidents, baselines, html,
/// scenario.
// clang-format off
#define TEND_PAST_OPTIONS                                                \
    { "recording", required_argument, NULL, TEND_PAST_OPTION },          \
    { "csv", required_argument, NULL, TEND_PAST_OPTION + 1 },            \
    { "prometheus", required_argument, NULL, TEND_PAST_OPTION + 2 },     \
    { "env", required_argument, NULL, TEND_PAST_OPTION + 3 },            \
    { "from", required_argument, NULL, TEND_PAST_OPTION + 4 },           \
    { "to", required_argument, NULL, TEND_PAST_OPTION + 5 },             \
    { "zone", required_argument, NULL, TEND_PAST_OPTION + 6 },           \
    { "as", required_argument, NULL, TEND_PAST_OPTION + 7 },             \
    { "service-label", required_argument, NULL, TEND_PAST_OPTION + 8 },  \
    { "instance-label", required_argument, NULL, TEND_PAST_OPTION + 9 }, \
    { "step", required_argument, NULL, TEND_PAST_OPTION + 10 },          \
    { "token-file", required_argument, NULL, TEND_PAST_OPTION + 11 }
// clang-format on

/// What --help says of the sources, and of those that go with one of them.
#define TEND_PAST_USAGE_SOURCES                                                                                        \
    "  --recording PATH       a recording of tend run, or a bundle of tend export\n"                                   \
    "  --csv FILE             time,service:metric,service/instance:metric,… or timestamp,value\n"                    \
    "  --prometheus URL       a server that speaks Prometheus' query API: Prometheus, VictoriaMetrics, Thanos, "       \
    "Mimir\n"
#define TEND_PAST_USAGE_ZONE                                                                                           \
    "  --zone NAME            the time zone of times without one, like Europe/Berlin; the usual: UTC\n"
#define TEND_PAST_USAGE_MORE                                                                                           \
    "  --as SERVICE:METRIC    csv: whose a plain timestamp,value file is, where the rules leave a choice\n"            \
    "  --service-label NAME   prometheus: the label that names the service; the usual: job\n"                          \
    "  --instance-label NAME  prometheus: the label that names the instance; the usual: instance\n"                    \
    "  --step DURATION        prometheus: ask for values at steps of this (query_range), where a server has no raw "   \
    "samples\n"                                                                                                        \
    "  --token-file FILE      prometheus: a file with a bearer token\n"

/// Takes one of them. @param name  its name, without dashes; must be known
/// @return false: it is a source, and there is one already
bool tend_past_option_take(struct tend_simulate_options *out, const char *name, const char *value);

/// What belongs to another source than that which was given; NULL: nothing.
const char *tend_past_options_misplaced(const struct tend_simulate_options *options);
