// Hours begin and end on full minutes of local time, and offsets have been whole minutes since 1972, so the answer only
// changes on full minutes.

#include "engine/calendar.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MINUTE_MS = 60 * 1000, FILE_MOST_BYTES = 256 * 1024 };

static const char directory[] = "/usr/share/zoneinfo";

bool tend_calendar_contains(const struct tend_calendar *calendar, int64_t wall_ms)
{
    const struct tend_local_time local = tend_zone_local(calendar->zone, wall_ms);
    return tend_hours_contains(&calendar->hours, &local);
}

int64_t tend_calendar_since_ms(const struct tend_calendar *calendar, int64_t wall_ms, int64_t least_ms)
{
    const bool now = tend_calendar_contains(calendar, wall_ms);
    int64_t since_ms = wall_ms - (wall_ms % MINUTE_MS + MINUTE_MS) % MINUTE_MS;
    while (since_ms > least_ms && tend_calendar_contains(calendar, since_ms - 1) == now) {
        since_ms -= MINUTE_MS;
    }
    return since_ms < least_ms ? least_ms : since_ms;
}

// Letters, digits and "_+-", in parts between single slashes, so that no name leads out of the directory.
static bool is_zone_name(const char *name)
{
    const size_t bytes = strlen(name);
    return bytes > 0 && bytes < 64 && strstr(name, "//") == NULL && name[0] != '/' && name[bytes - 1] != '/' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == bytes;
}

static enum tend_status no_such_zone(const char *name, struct tend_error *error)
{
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) {
        tend_error_set(error, "there is no time zone \"%s\": this machine has none at all; install tzdata", name);
    } else {
        tend_error_set(error, "there is no time zone \"%s\"; write it like \"Europe/Berlin\", as below %s", name,
                       directory);
    }
    return TEND_E_INVALID;
}

// Reads a file whole into the buffer. @return 0 or an errno
static int read_file(const char *path, struct tend_buffer *bytes)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int failed = 0;
    ssize_t got = 1;
    while (got > 0 && failed == 0 && bytes->size < FILE_MOST_BYTES) {
        char piece[4096];
        got = read(fd, piece, sizeof piece); // fails when it is a directory
        if (got > 0) {
            tend_buffer_put(bytes, piece, (size_t)got);
        } else if (got < 0) {
            failed = errno;
        }
    }
    (void)close(fd);
    return bytes->failed ? ENOMEM : failed;
}

enum tend_status tend_calendar_read_zone(const char *name, struct tend_zone **out, struct tend_error *error)
{
    if (strcmp(name, "UTC") == 0) {
        return tend_zone_create_fixed(0, out);
    }
    if (!is_zone_name(name)) {
        return no_such_zone(name, error);
    }
    char path[sizeof directory + 64];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    const int failed = read_file(path, &bytes);
    enum tend_status status = TEND_OK;
    if (failed == ENOENT || failed == ENOTDIR || failed == EISDIR) {
        status = no_such_zone(name, error);
    } else if (failed != 0) {
        tend_error_set(error, "%s: %s", path, strerrordesc_np(failed));
        status = failed == ENOMEM ? TEND_E_NOMEM : TEND_E_IO;
    } else {
        struct tend_error why;
        status = tend_zone_parse(tend_buffer_text(&bytes), bytes.size, out, &why);
        if (status == TEND_E_INVALID) {
            tend_error_set(error, "the time zone \"%s\" is of no use: %s %s", name, path, why.text);
        }
    }
    tend_buffer_clear(&bytes);
    return status;
}
