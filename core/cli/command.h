#pragma once
/// Command: one subcommand of `tend`. main.c holds the table; each lives in its own command_NAME.c.

enum tend_exit { TEND_EXIT_FINE = 0, TEND_EXIT_TROUBLE = 1, TEND_EXIT_USAGE = 2 };

struct tend_command {
    const char *name;
    const char *summary; ///< one line for --help; NULL hides the command
    /// argv[0] is the command's name. @return an enum tend_exit
    int (*run)(int argc, char **argv);
};

int tend_command_parse(int argc, char **argv); ///< what the scraper sees in a body
