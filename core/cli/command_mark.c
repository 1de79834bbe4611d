// tend mark: a person says whether an incident was one.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

static const char usage_text[] =
    "usage: tend mark INCIDENT real|false|none [--why TEXT] [--state DIR] [--json]\n\n"
    "Says that an incident was real, or a false alarm; none takes the mark back. Ended incidents can be marked too, "
    "and\n"
    "the newest mark counts. tend report tells from them how precise each rule is.\n\n"
    "  --why TEXT   shown with it, in tend explain and tend report\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 marked; 1 no such incident, or no daemon answered; 2 wrong usage\n";

// The answer's argument is what was recorded: "i7 real", and why.
static void format(const json_t *answer, struct tend_buffer *out)
{
    const char *argument = tend_json_text(answer, "argument", "?");
    const size_t id_bytes = strcspn(argument, " ");
    const char *mark = argument + id_bytes + (argument[id_bytes] == ' ');
    char id[64];
    char word[16];
    (void)snprintf(id, sizeof id, "%.*s", (int)id_bytes, argument);
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(mark, " "), mark);
    tend_buffer_put_text(out, "incident ");
    tend_terminal_put(out, id);
    tend_buffer_put_text(out, strcmp(word, "none") == 0 ? " has no mark any more" : " is marked ");
    tend_terminal_put(out, strcmp(word, "none") == 0 ? "" : word);
    tend_buffer_put_text(out, ", by ");
    tend_terminal_put_member(out, answer, "who", "?");
    tend_buffer_put_text(out, "\n");
}

int tend_command_mark(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = usage_text,
                                                    .takes_why = true,
                                                    .argument = "an incident's ID, and real, false or none",
                                                    .argument_needed = true,
                                                    .second = "what it was: real, false or none" };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    if (strcmp(options.second, "real") != 0 && strcmp(options.second, "false") != 0 &&
        strcmp(options.second, "none") != 0) {
        tend_terminal_complain("tend mark: an incident is real, false or none, not \"%s\"", options.second);
        return TEND_EXIT_USAGE;
    }
    const char *why = options.why == NULL ? "" : options.why;
    json_t *body =
        json_pack("{s:o, s:s, s:o}", "incident", tend_json_string(options.argument, strlen(options.argument)), "mark",
                  options.second, "why", tend_json_string(why, strlen(why)));
    const struct tend_control_question question = { .state = options.state, .path = "/v1/mark", .body = body };
    exit = tend_control_show(argv[0], &options, &question, format);
    json_decref(body);
    return exit;
}
