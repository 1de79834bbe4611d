// tend silence, unsilence: nobody hears of a service, and nothing is begun on it, for a time.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/silences_text.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

static const char silence_text[] =
    "usage: tend silence [SERVICE|GROUP|'*' --for TIME [--rule NAME] [--why TEXT]] [--state DIR] [--json]\n\n"
    "Keeps notices about a service back, and begins no act on it, for a time; what still fires at its end is told\n"
    "then. Watching and locating go on, and tend explain tells what was kept back. Without a name: lists what is\n"
    "silent now, by operators and by the rules.\n\n"
    "  --for TIME   for how long, up to 7d: a silence always ends\n"
    "  --rule NAME  only alerts of this rule\n"
    "  --why TEXT   the reason, for those who find it\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 done; 1 nothing has that name, or no daemon answered; 2 wrong usage\n";

static const char unsilence_text[] =
    "usage: tend unsilence ID|--all [--state DIR] [--json]\n\n"
    "Ends a silence that an operator began, or a deploy that was noted; tend silence lists them. What was kept back\n"
    "and still holds is told now. A silence of the rules ends there.\n\n"
    "  --all        all of them\n"
    "  --state DIR  the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "               or ~/.local/state/tend)\n"
    "  --json       the answer as JSON\n"
    "  --help       this text\n\n"
    "exit status: 0 done; 1 nothing has that name, or no daemon answered; 2 wrong usage\n";

static void format(const json_t *answer, struct tend_buffer *out)
{
    if (json_array_size(json_object_get(answer, "silences")) == 0) {
        tend_buffer_put_text(out, "nothing is silent\n");
    } else {
        tend_silences_text_put(answer, "", out);
    }
}

int tend_command_silence(int argc, char **argv)
{
    static const struct tend_client_usage usage = {
        .text = silence_text, .takes_why = true, .takes_for = true, .takes_rule = true, .argument = "a service's name"
    };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    struct tend_control_question question = { .state = options.state, .path = "/v1/status" };
    const bool lists = options.argument == NULL;
    if (lists != (options.for_ms < 0) || (lists && (options.rule != NULL || options.why != NULL))) {
        (void)fprintf(stderr, "tend silence: say whom and for how long, both or none: tend silence SERVICE --for 2h\n");
        return TEND_EXIT_USAGE;
    }
    if (!lists) {
        question.path = "/v1/silence";
        question.body = json_pack("{s:o, s:I}", "on", tend_json_string(options.argument, strlen(options.argument)),
                                  "for_ms", (json_int_t)options.for_ms);
        tend_control_set_text(question.body, "rule", options.rule);
        tend_control_set_text(question.body, "why", options.why);
    }
    exit = tend_control_show(argv[0], &options, &question, format);
    json_decref(question.body);
    return exit;
}

int tend_command_unsilence(int argc, char **argv)
{
    static const struct tend_client_usage usage = {
        .text = unsilence_text, .takes_all = true, .argument = "a silence's id", .argument_needed = true
    };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    json_t *body = json_object();
    tend_control_set_text(body, "id", options.all ? "*" : options.argument);
    const struct tend_control_question question = { .state = options.state, .path = "/v1/unsilence", .body = body };
    exit = tend_control_show(argv[0], &options, &question, format);
    json_decref(body);
    return exit;
}
