// tend arm, tend disarm: whether a playbook may act, or only reports what it would do.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/terminal.h"

#include <string.h>

static const char arm_text[] =
    "usage: tend arm NAME|--all [--state DIR] [--json]\n\n"
    "Lets a playbook act, as it is now: a new or changed one is dry, it only reports what it would do.\n\n"
    "  --all        all playbooks of the rules in use\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 armed; 1 no such playbook, or no daemon answered; 2 wrong usage\n";

static const char disarm_text[] =
    "usage: tend disarm NAME|--all [--state DIR] [--json]\n\n"
    "Makes a playbook dry again: it only reports what it would do, until the next tend arm. A run that is\n"
    "under way does not begin another act.\n\n"
    "  --all        all playbooks of the rules in use\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 disarmed; 1 no such playbook, or no daemon answered; 2 wrong usage\n";

static void format(const json_t *answer, struct tend_buffer *out)
{
    const bool armed = strcmp(tend_json_text(answer, "command", ""), "arm") == 0;
    const char *name = tend_json_text(answer, "argument", "?");
    if (strcmp(name, "*") == 0) {
        tend_buffer_put_text(out, "all playbooks are");
    } else {
        tend_buffer_put_text(out, "playbook “");
        tend_terminal_put(out, name);
        tend_buffer_put_text(out, "” is");
    }
    tend_buffer_printf(out, " %s now, by ", armed ? "armed" : "dry");
    tend_terminal_put_member(out, answer, "who", "?");
    tend_buffer_put_text(out, "\n");
}

static int set_armed(int argc, char **argv, const char *text, const char *path)
{
    const struct tend_client_usage usage = {
        .text = text, .takes_all = true, .argument = "a playbook's name", .argument_needed = true
    };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    json_t *body = options.all
                       ? json_pack("{s:b}", "all", 1)
                       : json_pack("{s:o}", "playbook", tend_json_string(options.argument, strlen(options.argument)));
    const struct tend_control_question question = { .state = options.state, .path = path, .body = body };
    exit = tend_control_show(argv[0], &options, &question, format);
    json_decref(body);
    return exit;
}

int tend_command_arm(int argc, char **argv)
{
    return set_armed(argc, argv, arm_text, "/v1/arm");
}

int tend_command_disarm(int argc, char **argv)
{
    return set_armed(argc, argv, disarm_text, "/v1/disarm");
}
