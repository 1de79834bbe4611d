// tend evaluator: the process that runs users' Lua; started by tend itself, with its socket as descriptor 3.

#include "cli/command.h"
#include "script/evaluator.h"
#include "script/message.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int tend_command_evaluator(int argc, char **argv)
{
    (void)argv;
    int type = 0;
    socklen_t bytes = sizeof type;
    if (argc != 1 || getsockopt(TEND_MESSAGE_FD, SOL_SOCKET, SO_TYPE, &type, &bytes) != 0 || type != SOCK_STREAM) {
        (void)fputs("tend evaluator: it is started by `tend run` and `tend check`, not by hand\n", stderr);
        return TEND_EXIT_USAGE;
    }
    _exit(tend_evaluator_run(tend_embedded_modules)); // nothing of what runs at exit is allowed any more
}
