// tend relearn: a person says that what a service is now is what is usual, whatever it was before.

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/terminal.h"

static const char usage_text[] =
    "usage: tend relearn SERVICE [--state DIR] [--json]\n\n"
    "Lets the metrics of a service that have tend.learned learn their level anew, within a quarter of an hour: what "
    "it\n"
    "does now is right, though it is another than before. The shape of the day or week is kept. Until the level is\n"
    "known, nothing is expected of them. After a mere deploy say `tend deploy`: then what is far off is still told.\n\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 it learns; 1 no such service, or no daemon answered; 2 wrong usage\n";

static void format(const json_t *answer, struct tend_buffer *out)
{
    tend_terminal_put_member(out, answer, "argument", "?");
    tend_buffer_put_text(out, " learns its level anew, by ");
    tend_terminal_put_member(out, answer, "who", "?");
    tend_buffer_put_text(out, "\n");
}

int tend_command_relearn(int argc, char **argv)
{
    return tend_control_ask_service(argc, argv, usage_text, "/v1/relearn", format);
}
