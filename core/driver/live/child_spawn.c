// posix_spawn: glibc makes it of clone(CLONE_VM | CLONE_VFORK), so starting costs the same however large this process
// is, and nothing of ours runs in the child. What it cannot do, the core limit, is set from here by prlimit just after.

#include "driver/live/child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FIXED_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// The file of a program, which is looked for in no other place than the fixed PATH. @return false: error is set
static bool find_program(const char *name, char *path, size_t path_bytes, struct tend_error *error)
{
    if (name[0] == '/') {
        const int length = snprintf(path, path_bytes, "%s", name);
        if (length > 0 && (size_t)length < path_bytes) {
            return true;
        }
        tend_error_set(error, "cannot start %.200s…: the path is too long", name);
        return false;
    }
    if (name[0] == '\0' || strchr(name, '/') != NULL) {
        tend_error_set(error, "cannot start \"%.300s\": write an absolute path, or a name that is in " FIXED_PATH,
                       name);
        return false;
    }
    for (const char *at = FIXED_PATH; *at != '\0';) {
        const size_t bytes = strcspn(at, ":");
        const int length = snprintf(path, path_bytes, "%.*s/%s", (int)bytes, at, name);
        if (length > 0 && (size_t)length < path_bytes && access(path, X_OK) == 0) {
            return true;
        }
        at += bytes + (at[bytes] == ':' ? 1 : 0);
    }
    tend_error_set(error, "cannot start %.300s: no such program in " FIXED_PATH, name);
    return false;
}

static bool has_variable(const char *const *environment, const char *name)
{
    const size_t bytes = strlen(name);
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, name, bytes) == 0 && (*environment)[bytes] == '=') {
            return true;
        }
    }
    return false;
}

static const char **make_environment(const char *const *given)
{
    size_t count = 0;
    while (given != NULL && given[count] != NULL) {
        count++;
    }
    const char **environment = calloc(count + 3, sizeof *environment);
    if (environment == NULL) {
        return NULL;
    }
    size_t at = 0;
    if (!has_variable(given, "PATH")) {
        environment[at++] = "PATH=" FIXED_PATH;
    }
    if (!has_variable(given, "LANG")) {
        environment[at++] = "LANG=C";
    }
    for (size_t i = 0; i < count; i++) {
        environment[at++] = given[i];
    }
    return environment;
}

static int set_actions(posix_spawn_file_actions_t *actions, int output, const char *cwd)
{
    int code = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    code = code != 0 ? code : posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
    code = code != 0 ? code : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    code = code != 0 ? code : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return code != 0 ? code : posix_spawn_file_actions_addchdir_np(actions, cwd);
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    int code = posix_spawnattr_setsigdefault(attributes, &all);
    code = code != 0 ? code : posix_spawnattr_setsigmask(attributes, &none);
    return code != 0 ? code
                     : posix_spawnattr_setflags(
                           attributes, (short)(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
}

// execve takes strings as not const, but does not change them.
static char *const *as_not_const(const char *const *list)
{
    union {
        const char *const *from;
        char *const *to;
    } both = { .from = list };
    return both.to;
}

// @return 0 or an errno
static int spawn(const char *path, const char *const *argv, const char *const *given, const char *cwd, int output,
                 pid_t *pid)
{
    const char **environment = make_environment(given);
    if (environment == NULL) {
        return ENOMEM;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    int code = set_actions(&actions, output, cwd);
    code = code != 0 ? code : set_attributes(&attributes);
    code =
        code != 0 ? code : posix_spawn(pid, path, &actions, &attributes, as_not_const(argv), as_not_const(environment));
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return code;
}

enum tend_status tend_child_spawn(const char *const *argv, const char *const *environment, const char *cwd, int output,
                                  pid_t *pid, struct tend_error *error)
{
    char path[4096];
    if (!find_program(argv[0], path, sizeof path, error)) {
        return TEND_E_IO;
    }
    const char *directory = cwd == NULL ? "/" : cwd;
    const int code = spawn(path, argv, environment, directory, output, pid);
    if (code != 0) {
        tend_error_set(error, "cannot start %.300s (in %.100s): %s", path, directory, strerrordesc_np(code));
        return TEND_E_IO;
    }
    const struct rlimit no_core = { 0, 0 };
    (void)prlimit(*pid, RLIMIT_CORE, &no_core, NULL);
    return TEND_OK;
}
