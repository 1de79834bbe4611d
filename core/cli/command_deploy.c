// tend deploy: a person, or what deploys for them, tells that a service is being deployed.

#include "cli/client_options.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

static const char usage_text[] =
    "usage: tend deploy SERVICE [--version TEXT | --kind KIND] [--for TIME] [--why TEXT] [--state DIR] [--json]\n"
    "       tend deploy SERVICE --done [--state DIR] [--json]\n\n"
    "Notes that a service is being deployed: until it is done, pages about it wait and no remedy is begun on it; what\n"
    "still fires then is told. Rules and playbooks see it as deployed (deployed_within), and tend explain tells it of "
    "a\n"
    "culprit.\n\n"
    "  --version TEXT  what is deployed\n"
    "  --kind KIND     what is changed: version (the usual), or config or flag, which deployed_within does not see, "
    "as\n"
    "                  there is no version to go back to\n"
    "  --for TIME      how long it may take, 10m when left out, up to 1d\n"
    "  --done          it was: the window ends now\n"
    "  --why TEXT      a remark\n"
    "  --state DIR     the state directory of the daemon (else $STATE_DIRECTORY, /var/lib/tend as root,\n"
    "                  or ~/.local/state/tend)\n"
    "  --json          the answer as JSON\n"
    "  --help          this text\n\n"
    "exit status: 0 noted; 1 no such service, or no daemon answered; 2 wrong usage\n";

static void format(const json_t *answer, struct tend_buffer *out)
{
    const json_t *asked = json_object_get(answer, "asked");
    const bool done = tend_json_bool(asked, "done", false);
    const char *kind = tend_json_text(asked, "what", "version");
    tend_buffer_put_text(out, done                          ? "the deploy of "
                              : strcmp(kind, "config") == 0 ? "noted another configuration of "
                              : strcmp(kind, "flag") == 0   ? "noted another flag of "
                                                            : "noted the deploy of ");
    tend_terminal_put_member(out, asked, "on", "?");
    tend_buffer_put_text(out, done ? " is over, by " : ": pages about it wait, by ");
    tend_terminal_put_member(out, answer, "who", "?");
    tend_buffer_put_text(out, "\n");
}

static bool is_kind(const char *kind)
{
    return kind == NULL || strcmp(kind, "version") == 0 || strcmp(kind, "config") == 0 || strcmp(kind, "flag") == 0;
}

int tend_command_deploy(int argc, char **argv)
{
    static const struct tend_client_usage usage = { .text = usage_text,
                                                    .takes_why = true,
                                                    .takes_for = true,
                                                    .takes_deploy = true,
                                                    .argument = "a service's name",
                                                    .argument_needed = true };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    if (options.done && (options.for_ms >= 0 || options.version != NULL || options.kind != NULL)) {
        (void)fprintf(stderr, "tend deploy: --done ends a deploy: neither --for, --version nor --kind go with it\n");
        return TEND_EXIT_USAGE;
    }
    if (!is_kind(options.kind)) {
        (void)fprintf(stderr, "tend deploy: --kind wants version, config or flag\n");
        return TEND_EXIT_USAGE;
    }
    json_t *body = json_pack("{s:b}", "done", options.done);
    tend_control_set_text(body, "on", options.argument);
    tend_control_set_text(body, "version", options.version);
    tend_control_set_text(body, "what", options.kind);
    tend_control_set_text(body, "why", options.why);
    if (options.for_ms >= 0) {
        (void)json_object_set_new(body, "for_ms", json_integer((json_int_t)options.for_ms));
    }
    const struct tend_control_question question = { .state = options.state, .path = "/v1/deploy", .body = body };
    exit = tend_control_show(argv[0], &options, &question, format);
    json_decref(body);
    return exit;
}
