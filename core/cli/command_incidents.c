// tend incidents: the open and the lately ended ones.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/incidents_text.h"

static const char usage_text[] =
    "usage: tend incidents [--state DIR] [--json]\n\n"
    "Lists the open and the lately ended incidents, a line each, newest first. tend explain ID tells the story of "
    "one.\n\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 the daemon answered, 1 it did not, 2 wrong usage\n";

int tend_command_incidents(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = usage_text };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    const struct tend_control_question question = { .state = options.state, .path = "/v1/incidents" };
    return tend_control_show(argv[0], &options, &question, tend_incidents_text_format);
}
