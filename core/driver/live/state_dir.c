// The directory is opened once and held: checks and lock are about that directory, whatever its name comes to mean.
//
// The lock is flock(2) on DIR/lock: it ends with the process, however that ends, so there is no stale lock to clean up.
// The pid in it is for the message only. It is close-on-exec; a child that was just being started when `tend` was
// killed holds it until its exec, so who finds the lock taken looks again for a second.

#include "driver/live/state_dir.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES = 50, LOCK_PAUSE_MS = 20 };

struct tend_state_dir {
    char *path;
    int directory_fd;
    int lock_fd;
};

static const char *home_directory(void)
{
    const char *home = getenv("HOME"); // NOLINT(concurrency-mt-unsafe): called before threads start
    if (home != NULL && home[0] == '/') {
        return home;
    }
    const struct passwd *entry = getpwuid(geteuid()); // NOLINT(concurrency-mt-unsafe): called before threads start
    return entry == NULL ? NULL : entry->pw_dir;
}

// An absolute path of what a user gave, which may be relative to the working directory.
static void put_absolute(struct tend_buffer *out, const char *path)
{
    char *working = path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (working != NULL) {
        tend_buffer_printf(out, "%s/", working);
        free(working);
    }
    tend_buffer_put_text(out, path);
}

enum tend_status tend_state_dir_find(const char *option, char **path, struct tend_error *error)
{
    if (option != NULL && option[0] == '\0') {
        tend_error_set(error, "--state \"\" names no directory");
        return TEND_E_INVALID;
    }
    struct tend_buffer found;
    tend_buffer_init(&found);
    const char *given = getenv("STATE_DIRECTORY"); // NOLINT(concurrency-mt-unsafe): called before threads start
    if (option != NULL) {
        put_absolute(&found, option);
    } else if (given != NULL && given[0] != '\0' && given[0] != ':') {
        char *first = strndup(given, strcspn(given, ":")); // systemd lists several with colons
        if (first == NULL) {
            return TEND_E_NOMEM;
        }
        put_absolute(&found, first);
        free(first);
    } else if (geteuid() == 0) {
        tend_buffer_put_text(&found, "/var/lib/tend");
    } else {
        const char *home = home_directory();
        if (home == NULL) {
            tend_error_set(error, "no home directory to keep the state in; give one with --state DIR");
            return TEND_E_INVALID;
        }
        tend_buffer_printf(&found, "%s/.local/state/tend", home);
    }
    while (found.size > 1 && found.data[found.size - 1] == '/') {
        found.data[--found.size] = '\0'; // "DIR/" would have O_NOFOLLOW follow a link
    }
    if (found.failed) {
        tend_buffer_clear(&found);
        return TEND_E_NOMEM;
    }
    *path = found.data;
    return TEND_OK;
}

// Makes the directory and those above it that are missing.
static enum tend_status make_directories(char *path, struct tend_error *error)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        const int failure = mkdir(path, 0750) == 0 ? 0 : errno;
        if (failure != 0 && failure != EEXIST && (slash == NULL || access(path, F_OK) != 0)) {
            tend_error_set(error, "cannot make the state directory %s: %s", path, strerrordesc_np(failure));
            return TEND_E_IO;
        }
        if (slash == NULL) {
            return TEND_OK;
        }
        *slash = '/';
    }
}

// A link is followed when root or we made it (systemd's DynamicUser= makes /var/lib/NAME one); whoever else made it
// could point it elsewhere later.
static enum tend_status resolve_links(char **path, struct tend_error *error)
{
    struct stat link;
    if (lstat(*path, &link) == 0 && S_ISLNK(link.st_mode) && link.st_uid != 0 && link.st_uid != geteuid()) {
        tend_error_set(error, "the state directory %s is a link made by uid %u; give the directory itself", *path,
                       (unsigned)link.st_uid);
        return TEND_E_INVALID;
    }
    char *real = realpath(*path, NULL);
    if (real == NULL) {
        tend_error_set(error, "cannot find the state directory %s: %s", *path, strerrordesc_np(errno));
        return TEND_E_IO;
    }
    free(*path);
    *path = real;
    return TEND_OK;
}

static enum tend_status open_directory(struct tend_state_dir *dir, struct tend_error *error)
{
    dir->directory_fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (dir->directory_fd < 0 || fstat(dir->directory_fd, &status) != 0) {
        tend_error_set(error, "cannot open the state directory %s: %s", dir->path, strerrordesc_np(errno));
        return TEND_E_IO;
    }
    if (status.st_uid != geteuid()) {
        tend_error_set(error, "the state directory %s belongs to uid %u, and tend runs as uid %u; give one of its own",
                       dir->path, (unsigned)status.st_uid, (unsigned)geteuid());
        return TEND_E_INVALID;
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        tend_error_set(error,
                       "the state directory %s has mode %04o, so others may write to it; chmod 0750 would be right",
                       dir->path, (unsigned)(status.st_mode & 07777));
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

// @return 0, or errno
static int take_lock(int fd)
{
    const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
    for (int left = LOCK_TRIES; flock(fd, LOCK_EX | LOCK_NB) != 0; left--) {
        if (errno != EWOULDBLOCK || left == 0) {
            return errno;
        }
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    return 0;
}

static enum tend_status lock_directory(struct tend_state_dir *dir, struct tend_error *error)
{
    dir->lock_fd = openat(dir->directory_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (dir->lock_fd < 0) {
        tend_error_set(error, "cannot open %s/lock: %s", dir->path, strerrordesc_np(errno));
        return TEND_E_IO;
    }
    const int failure = take_lock(dir->lock_fd);
    if (failure != 0) {
        char pid[16] = "";
        const ssize_t count = pread(dir->lock_fd, pid, sizeof pid - 1, 0);
        pid[count < 0 ? 0 : count] = '\0';
        pid[strspn(pid, "0123456789")] = '\0';
        if (failure == EWOULDBLOCK) {
            tend_error_set(error,
                           "another tend run (pid %s) uses the state directory %s; stop it or give another --state",
                           pid[0] == '\0' ? "unknown" : pid, dir->path);
            return TEND_E_INVALID;
        }
        tend_error_set(error, "cannot lock %s/lock: %s", dir->path, strerrordesc_np(failure));
        return TEND_E_IO;
    }
    char pid[16];
    const int count = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    // A pid that cannot be written only makes another's message poorer: a full disk must not keep tend from watching.
    if (ftruncate(dir->lock_fd, 0) == 0) {
        const ssize_t written = pwrite(dir->lock_fd, pid, (size_t)count, 0);
        (void)written;
    }
    return TEND_OK;
}

enum tend_status tend_state_dir_open(const char *option, struct tend_state_dir **out, struct tend_error *error)
{
    struct tend_state_dir *dir = calloc(1, sizeof *dir);
    if (dir == NULL) {
        return TEND_E_NOMEM;
    }
    dir->directory_fd = -1;
    dir->lock_fd = -1;
    enum tend_status status = tend_state_dir_find(option, &dir->path, error);
    if (status == TEND_OK) {
        status = make_directories(dir->path, error);
    }
    if (status == TEND_OK) {
        status = resolve_links(&dir->path, error);
    }
    if (status == TEND_OK) {
        status = open_directory(dir, error);
    }
    if (status == TEND_OK) {
        status = lock_directory(dir, error);
    }
    if (status != TEND_OK) {
        tend_state_dir_close(dir);
        return status;
    }
    *out = dir;
    return TEND_OK;
}

void tend_state_dir_close(struct tend_state_dir *dir)
{
    if (dir == NULL) {
        return;
    }
    if (dir->lock_fd >= 0) {
        close(dir->lock_fd); // ends the lock; the file stays, for removing it would race with another's open
    }
    if (dir->directory_fd >= 0) {
        close(dir->directory_fd);
    }
    free(dir->path);
    free(dir);
}

const char *tend_state_dir_path(const struct tend_state_dir *dir)
{
    return dir->path;
}
