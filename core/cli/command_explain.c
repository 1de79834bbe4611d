// tend explain: the story of one incident.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/explain_text.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage_text[] =
    "usage: tend explain [ID|last] [--state DIR] [--json]\n\n"
    "Tells what happened in an incident, the newest one without ID: what was out of line (expected, measured, F, α, A\n"
    "and which rule), why this culprit, what was decided and why, or why nothing was done, each step and its "
    "result.\n\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 there it is; 1 no such incident, or no daemon answered; 2 wrong usage\n";

int tend_command_explain(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = usage_text, .argument = "an incident's ID" };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    char *id = curl_easy_escape(NULL, options.argument != NULL ? options.argument : "last", 0);
    char *path = NULL;
    if (id == NULL || asprintf(&path, "/v1/explain?id=%s", id) < 0) {
        (void)fputs("tend explain: out of memory\n", stderr);
        curl_free(id);
        return TEND_EXIT_TROUBLE;
    }
    const struct tend_control_question question = { .state = options.state, .path = path };
    exit = tend_control_show(argv[0], &options, &question, tend_explain_text_format);
    free(path);
    curl_free(id);
    return exit;
}
