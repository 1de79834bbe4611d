#pragma once
/// Simulate options: what `tend simulate` was asked for on its command line.

#include <stdbool.h>
#include <stdint.h>

enum tend_simulate_source {
    TEND_SIMULATE_NOTHING,
    TEND_SIMULATE_RECORDING,
    TEND_SIMULATE_CSV,
    TEND_SIMULATE_PROMETHEUS,
    TEND_SIMULATE_SCENARIO,
};

/// All texts are borrowed from argv; NULL where nothing was said.
struct tend_simulate_options {
    const char *dir;
    enum tend_simulate_source source;
    const char *source_text; ///< file, URL or name
    const char *env;
    const char *from, *to;
    const char *zone;
    const char *as;        ///< csv
    const char *incidents; ///< file with labels of real incidents
    const char *baselines; ///< file with what was learned before
    const char *html;
    const char *service_label, *instance_label, *step, *token_file; ///< prometheus
    bool json, what_if;
};

/// Reads argv; says on stderr what is wrong, or --help on stdout. @return an enum tend_exit, or -1 to go on
int tend_simulate_options_read(int argc, char **argv, struct tend_simulate_options *out);
