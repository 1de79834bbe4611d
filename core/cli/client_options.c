#include "cli/client_options.h"

#include "cli/command.h"
#include "cli/terminal.h"
#include "parse/duration.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTION_STATE = 1,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_ALL,
    OPTION_WHY,
    OPTION_FOR,
    OPTION_RULE,
    OPTION_VERSION,
    OPTION_DONE,
    OPTION_KIND
};

static bool complain(const char *command, const char *what, const char *value, int *exit)
{
    tend_terminal_complain("tend %s: %s%s; see tend %s --help", command, what, value, command);
    *exit = TEND_EXIT_USAGE;
    return false;
}

static bool check_arguments(int argc, char **argv, const struct tend_client_usage *usage,
                            struct tend_client_options *options, int *exit)
{
    const int count = argc - optind;
    if (count > (usage->argument != NULL) + (usage->second != NULL)) {
        return complain(argv[0], "one argument too many: ", argv[argc - 1], exit);
    }
    options->argument = count >= 1 ? argv[optind] : NULL;
    options->second = count == 2 ? argv[optind + 1] : NULL;
    if (options->all && options->argument != NULL) {
        return complain(argv[0], "--all and a name: say one of the two", "", exit);
    }
    if (usage->argument_needed && options->argument == NULL && !options->all) {
        return complain(argv[0], usage->takes_all ? "say --all, or " : "say ", usage->argument, exit);
    }
    if (usage->second != NULL && options->second == NULL) {
        return complain(argv[0], "say ", usage->second, exit);
    }
    return true;
}

// An option that not every command has. @return false: told
static bool take_special(int option, const char *command, const struct tend_client_usage *usage,
                         struct tend_client_options *options, int *exit)
{
    const struct {
        const char *name;
        const char **value; // NULL: it has none
        int option;
        bool taken;
    } all[] = {
        { "--all", NULL, OPTION_ALL, usage->takes_all },
        { "--why", &options->why, OPTION_WHY, usage->takes_why },
        { "--for", NULL, OPTION_FOR, usage->takes_for },
        { "--rule", &options->rule, OPTION_RULE, usage->takes_rule },
        { "--version", &options->version, OPTION_VERSION, usage->takes_deploy },
        { "--kind", &options->kind, OPTION_KIND, usage->takes_deploy },
        { "--done", NULL, OPTION_DONE, usage->takes_deploy },
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].option != option) {
            continue;
        }
        if (!all[i].taken) {
            return complain(command, "there is no option ", all[i].name, exit);
        }
        if (all[i].value != NULL) {
            *all[i].value = optarg;
        }
    }
    options->all = options->all || option == OPTION_ALL;
    options->done = options->done || option == OPTION_DONE;
    struct tend_error error = { "" };
    if (option == OPTION_FOR && tend_duration_parse(optarg, strlen(optarg), &options->for_ms, &error) != TEND_OK) {
        return complain(command, "--for: ", error.text, exit);
    }
    return true;
}

bool tend_client_options_parse(int argc, char **argv, const struct tend_client_usage *usage,
                               struct tend_client_options *options, int *exit)
{
    static const struct option known[] = {
        { "state", required_argument, NULL, OPTION_STATE },
        { "json", no_argument, NULL, OPTION_JSON },
        { "help", no_argument, NULL, OPTION_HELP },
        { "all", no_argument, NULL, OPTION_ALL },
        { "why", required_argument, NULL, OPTION_WHY },
        { "for", required_argument, NULL, OPTION_FOR },
        { "rule", required_argument, NULL, OPTION_RULE },
        { "version", required_argument, NULL, OPTION_VERSION },
        { "done", no_argument, NULL, OPTION_DONE },
        { "kind", required_argument, NULL, OPTION_KIND },
        { NULL, 0, NULL, 0 },
    };
    *options = (struct tend_client_options){ .state = NULL, .for_ms = -1 };
    optind = 0; // GNU: start afresh, for tests parse more than once
    opterr = 0;
    int option = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a command has one thread
    while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        switch (option) {
        case OPTION_STATE:
            options->state = optarg;
            break;
        case OPTION_JSON:
            options->json = true;
            break;
        case OPTION_ALL:
        case OPTION_WHY:
        case OPTION_FOR:
        case OPTION_RULE:
        case OPTION_VERSION:
        case OPTION_DONE:
        case OPTION_KIND:
            if (!take_special(option, argv[0], usage, options, exit)) {
                return false;
            }
            break;
        case OPTION_HELP:
        case 'h':
            (void)fputs(usage->text, stdout);
            *exit = TEND_EXIT_FINE;
            return false;
        case ':':
            return complain(argv[0], "a value is missing after ", argv[optind - 1], exit);
        default:
            return complain(argv[0], "there is no option ", argv[optind - 1], exit);
        }
    }
    return check_arguments(argc, argv, usage, options, exit);
}
