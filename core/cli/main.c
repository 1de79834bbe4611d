// Entry: finds the subcommand and hands over. Each subcommand is one file, command_NAME.c.

#include "cli/command.h"
#include "cli/terminal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct tend_command commands[] = {
    { "run", "watch, warn, locate and recover: the daemon", tend_command_run },
    { "parse", "show the samples in the body of a scrape", tend_command_parse },
    { "check", "load the rules of a directory and say what is wrong with them", tend_command_check },
    { "test", "play the scenarios of a directory of rules", tend_command_test },
    { "simulate", "run rules over the past or the imagined, and report", tend_command_simulate },
    { "tune", "say what thresholds would have cost, and which keep to a budget", tend_command_tune },
    { "replay", "run recorded events again and compare every decision", tend_command_replay },
    { "export", "cut an incident out of the recording, as one file", tend_command_export },
    { "detect", "say how unusual each sample of one series is", tend_command_detect },
    { "locate", "say who was at fault in an incident, from exported data", tend_command_locate },
    { "evaluator", NULL, tend_command_evaluator },
    { "status", "show how the services do", tend_command_status },
    { "incidents", "list the open and the lately ended incidents", tend_command_incidents },
    { "topology", "show who depends on whom, declared and learned", tend_command_topology },
    { "explain", "tell the story of an incident", tend_command_explain },
    { "arm", "let a playbook act", tend_command_arm },
    { "disarm", "make a playbook dry again", tend_command_disarm },
    { "pause", "stop all acting", tend_command_pause },
    { "resume", "act again", tend_command_resume },
    { "silence", "keep notices and acts back for a time, or list what is silent", tend_command_silence },
    { "unsilence", "end a silence", tend_command_unsilence },
    { "deploy", "note that a service is being deployed", tend_command_deploy },
    { "ack", "say that you have seen an incident", tend_command_ack },
    { "close", "close the breaker of a service", tend_command_close },
    { "learn", "let the past teach what is usual, before the daemon starts", tend_command_learn },
    { "relearn", "let a service learn anew what is usual", tend_command_relearn },
    { "mark", "say that an incident was real, or a false alarm", tend_command_mark },
    { "report", "tell what the alarms were worth: precision, delay, noise, cures", tend_command_report },
    { "reload", "load the rules again", tend_command_reload },
    { NULL, NULL, NULL },
};

static void print_usage(FILE *to)
{
    (void)fputs("tend watches services, warns early, finds the one at fault, and puts it right.\n\n"
                "usage: tend COMMAND [OPTIONS]   (tend COMMAND --help tells more)\n\n",
                to);
    for (const struct tend_command *command = commands; command->name != NULL; command++) {
        if (command->summary != NULL) {
            (void)fprintf(to, "  %-10s %s\n", command->name, command->summary);
        }
    }
    (void)fputs("\nexit status: 0 fine, 1 found trouble, 2 wrong usage\n", to);
}

// What a command said may still be in stdio's buffer: a full disk is seen here, for all commands.
static int written(const char *command, int exit_status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return exit_status;
    }
    struct pollfd reader = { .fd = STDOUT_FILENO };
    if (poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR) != 0) {
        return exit_status; // a pipe whose reader, like `head`, has seen enough
    }
    tend_terminal_complain("tend %s: standard output cannot be written (is its disk full?)", command);
    return exit_status == TEND_EXIT_FINE ? TEND_EXIT_TROUBLE : exit_status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return TEND_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return TEND_EXIT_FINE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("tend " TEND_VERSION);
        return TEND_EXIT_FINE;
    }
    for (const struct tend_command *command = commands; command->name != NULL; command++) {
        if (strcmp(argv[1], command->name) == 0) {
            return written(command->name, command->run(argc - 1, argv + 1));
        }
    }
    tend_terminal_complain("tend: there is no command '%s'; see tend --help", argv[1]);
    return TEND_EXIT_USAGE;
}
