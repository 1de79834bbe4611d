// tend ack: a person has seen an incident, and need not hear of it again as long as it stays as it is.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/terminal.h"

#include <string.h>

static const char usage_text[] =
    "usage: tend ack INCIDENT|--all [--why TEXT] [--state DIR] [--json]\n\n"
    "Says that you have seen an incident: it is not told again, until it is over, gets worse, or another service is\n"
    "found to be at fault. What tend does about it goes on.\n\n"
    "  --all        all that are open\n"
    "  --why TEXT   a remark for the others\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 noted; 1 no such incident is open, or no daemon answered; 2 wrong usage\n";

static void format(const json_t *answer, struct tend_buffer *out)
{
    const char *incident = tend_json_text(json_object_get(answer, "asked"), "incident", "?");
    tend_buffer_put_text(out, "acknowledged: ");
    tend_terminal_put(out, strcmp(incident, "*") == 0 ? "all open incidents" : incident);
    tend_buffer_put_text(out, ", by ");
    tend_terminal_put_member(out, answer, "who", "?");
    tend_buffer_put_text(out, "\n");
}

int tend_command_ack(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = usage_text,
                                                    .takes_why = true,
                                                    .takes_all = true,
                                                    .argument = "an incident's id",
                                                    .argument_needed = true };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    json_t *body = json_object();
    tend_control_set_text(body, "incident", options.all ? "*" : options.argument);
    tend_control_set_text(body, "why", options.why);
    const struct tend_control_question question = { .state = options.state, .path = "/v1/ack", .body = body };
    exit = tend_control_show(argv[0], &options, &question, format);
    json_decref(body);
    return exit;
}
