// tend pause, tend resume: the stop of all acting, and its end.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/terminal.h"

#include <string.h>

static const char pause_text[] =
    "usage: tend pause [--why TEXT] [--state DIR] [--json]\n\n"
    "Stops all acting within a second, until tend resume; a restart of the daemon does not end it. Watching and\n"
    "alerting go on.\n\n"
    "  --why TEXT   the reason, kept in the journal\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 paused, 1 no daemon answered, 2 wrong usage\n";

static const char resume_text[] =
    "usage: tend resume [--state DIR] [--json]\n\n"
    "Lets tend act again after tend pause.\n\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 not paused any more, 1 no daemon answered, 2 wrong usage\n";

static void put_who(const json_t *answer, struct tend_buffer *out)
{
    tend_buffer_put_text(out, ", by ");
    tend_terminal_put_member(out, answer, "who", "?");
    tend_buffer_put_text(out, "\n");
}

static void format_pause(const json_t *answer, struct tend_buffer *out)
{
    tend_buffer_put_text(out, "paused: nothing is acted on until tend resume");
    put_who(answer, out);
}

static void format_resume(const json_t *answer, struct tend_buffer *out)
{
    tend_buffer_put_text(out, "resumed: tend acts again");
    put_who(answer, out);
}

int tend_command_pause(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = pause_text, .takes_why = true };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    const char *why = options.why != NULL ? options.why : "";
    json_t *body = json_pack("{s:o}", "why", tend_json_string(why, strlen(why)));
    const struct tend_control_question question = { .state = options.state, .path = "/v1/pause", .body = body };
    exit = tend_control_show(argv[0], &options, &question, format_pause);
    json_decref(body);
    return exit;
}

int tend_command_resume(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = resume_text };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    json_t *body = json_object();
    const struct tend_control_question question = { .state = options.state, .path = "/v1/resume", .body = body };
    exit = tend_control_show(argv[0], &options, &question, format_resume);
    json_decref(body);
    return exit;
}
