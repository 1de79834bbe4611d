// tend topology: who depends on whom, by what is declared and by what was learned.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/topology_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: tend topology [--state DIR] [--json | --dot]\n\n"
    "Shows who depends on whom as the running tend sees it: dependencies that rules declare (depends) and those that "
    "it\n"
    "learned from metrics (edges), with their age and calls a second. Learned ones are forgotten a day after the last\n"
    "call.\n\n"
    "  --dot        a graph for Graphviz: tend topology --dot | dot -Tsvg > services.svg\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 the daemon answered, 1 it did not, 2 wrong usage\n";

int tend_command_topology(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = usage_text };
    bool dot = false;
    int kept = 0;
    for (int i = 0; i < argc; i++) { // what is left is what all clients take
        if (strcmp(argv[i], "--dot") == 0) {
            dot = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(kept, argv, &usage, &options, &exit)) {
        return exit;
    }
    const struct tend_control_question question = { .state = options.state, .path = "/v1/topology" };
    return tend_control_show(argv[0], &options, &question, dot ? tend_topology_dot_format : tend_topology_text_format);
}
