// tend reload: the running daemon loads its rules again.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/terminal.h"
#include "parse/quoted_text.h"

#include <string.h>

static const char usage_text[] =
    "usage: tend reload [--state DIR] [--json]\n\n"
    "Loads the rules again, beside the old ones, and takes over when they are good as a whole. Bad ones change "
    "nothing\n"
    "and are reported as FILE:LINE: what is wrong.\n\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 the new rules are in use; 1 they were refused, or no daemon answered; 2 wrong usage\n";

enum { LOADING_LIMIT_MS = 120 * 1000, HASH_SHOWN = 12 };

static void format(const json_t *answer, struct tend_buffer *out)
{
    const char *generation = tend_json_text(answer, "generation", "?");
    size_t i = 0;
    const json_t *warning = NULL;
    json_array_foreach(json_object_get(answer, "warnings"), i, warning)
    {
        tend_terminal_put_member(out, warning, "at", "?");
        tend_buffer_put_text(out, ": warning: ");
        tend_terminal_put_member(out, warning, "text", "?");
        tend_buffer_put_text(out, "\n");
    }
    tend_buffer_put_text(out, "loaded: generation ");
    tend_text_escape(out, generation, strnlen(generation, HASH_SHOWN));
    tend_buffer_put_text(out, "\n");
}

int tend_command_reload(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = usage_text };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    json_t *body = json_object();
    const struct tend_control_question question = {
        .state = options.state, .path = "/v1/reload", .body = body, .timeout_ms = LOADING_LIMIT_MS
    };
    exit = tend_control_show(argv[0], &options, &question, format);
    json_decref(body);
    return exit;
}
