#pragma once
/// Client options: the command line of the commands that talk to a running tend.

#include <stdbool.h>
#include <stdint.h>

/// What a command takes besides --state DIR, --json and --help.
struct tend_client_usage {
    const char *text;     ///< what --help prints
    bool takes_all;       ///< --all instead of an argument
    bool takes_why;       ///< --why TEXT
    bool takes_for;       ///< --for TIME
    bool takes_rule;      ///< --rule NAME
    bool takes_deploy;    ///< --version TEXT, --kind KIND and --done
    const char *argument; ///< what its one argument is ("a playbook's name"); NULL: it takes none
    bool argument_needed;
    const char *second; ///< what its second argument is, then needed; NULL: it takes no second
};

struct tend_client_options {
    const char *state;    ///< NULL: not given
    const char *why;      ///< NULL: not given
    const char *argument; ///< NULL: not given
    const char *second;   ///< NULL: it takes none
    const char *rule;     ///< NULL: not given
    const char *version;  ///< NULL: not given
    const char *kind;     ///< NULL: not given
    int64_t for_ms;       ///< -1: not given
    bool done;
    bool json;
    bool all;
};

/// Reads a command line; prints --help, or what is wrong.
/// @param[out] exit  an enum tend_exit when it returns false
/// @return true: go on
bool tend_client_options_parse(int argc, char **argv, const struct tend_client_usage *usage,
                               struct tend_client_options *options, int *exit);
