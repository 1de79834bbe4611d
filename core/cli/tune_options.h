#pragma once
/// Tune options: what `tend tune` was asked for on its command line.

#include "cli/simulate_options.h"
#include "driver/past/tuning.h"

struct tend_tune_options {
    struct tend_simulate_options past; ///< the directory, the history, its time, labels, --json
    const char *rule;                  ///< NULL: all; borrowed
    struct tend_tuning_budget budget;
    int64_t period_ms;
};

/// Reads argv; says on stderr what is wrong, or --help on stdout. @return an enum tend_exit, or -1 to go on
int tend_tune_options_read(int argc, char **argv, struct tend_tune_options *out);

/// Reads a budget: "1 a week", "2 per day", "3/30d". @return TEND_OK or TEND_E_INVALID, in the user's words
TEND_MUST_CHECK enum tend_status tend_tune_budget_parse(const char *text, struct tend_tuning_budget *out,
                                                        struct tend_error *error);
