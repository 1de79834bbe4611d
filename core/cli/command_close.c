// tend close: a person closes the breaker of a service, so that it may be acted on again.

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/terminal.h"

static const char usage_text[] =
    "usage: tend close SERVICE [--state DIR] [--json]\n\n"
    "Closes the breaker of a service. It opens when runs fail again and again; then nothing is done to that service "
    "until\n"
    "a person has looked at it and closes it.\n\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 closed; 1 no such service, or no daemon answered; 2 wrong usage\n";

static void format(const json_t *answer, struct tend_buffer *out)
{
    tend_buffer_put_text(out, "the breaker of ");
    tend_terminal_put_member(out, answer, "argument", "?");
    tend_buffer_put_text(out, " is closed, by ");
    tend_terminal_put_member(out, answer, "who", "?");
    tend_buffer_put_text(out, "\n");
}

int tend_command_close(int argc, char **argv)
{
    return tend_control_ask_service(argc, argv, usage_text, "/v1/close", format);
}
