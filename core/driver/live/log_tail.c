// Each read begins a few bytes before the place, so that the bytes that were there (the print) are seen again: if they
// are others, the file was cut short and written anew. The place only ever lies behind a newline, or within a line that
// is passed over; so a line that is half written is read again, and nothing needs to be kept of it.
//
// Most lines whose end is missing get it in a moment; some never do, and they are often the last words of a process. So
// one that stands still is handed on, and if more of it comes after all, that is passed over: counted once, cut. A
// writer whose buffer is written when it is full leaves a half line standing for as long as it has little to say, and
// pieces of lines look like lines never seen before; it is told by where the file ends (WRITER_BUFFER_BYTES).
//
//     FOLLOWED --the name is another file, or gone--> RENAMED --read to its end, and quiet for LINGER--> (ended)

#include "driver/live/log_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITER_BUFFER_BYTES = 4096 }; // stdio's for a file; larger ones (8 and 64 KiB) are multiples of it

struct tend_log_tail {
    char *path;
    int fd;
    struct tend_log_place place;
    bool passes_over; // up to the next newline: the rest of a line that was too long, or was not read from its begin
    int64_t partial_bytes; // size of the file when all that was left was a line without its end; -1: it was not so
    int64_t partial_since_ms;
    bool renamed;
    int64_t quiet_since_ms;
    struct tend_log_counts counts;
};

enum { LINKS_MAX = 8 };

// Where a name leads, link by link.
struct trail {
    char path[PATH_MAX];
    uid_t makers[LINKS_MAX]; // of the links on the way
    size_t links;
};

// Steps over a link: the path is what it points to. @return false: errno says why
static bool step_over(struct trail *trail, int link_fd, uid_t maker)
{
    char target[PATH_MAX];
    const ssize_t bytes = readlinkat(link_fd, "", target, sizeof target);
    if (bytes < 0) {
        return false;
    }
    const char *slash = strrchr(trail->path, '/');
    const size_t directory = target[0] == '/' || slash == NULL ? 0 : (size_t)(slash - trail->path) + 1;
    if (trail->links == LINKS_MAX || directory + (size_t)bytes >= sizeof trail->path) {
        errno = trail->links == LINKS_MAX ? ELOOP : ENAMETOOLONG;
        return false;
    }
    memcpy(trail->path + directory, target, (size_t)bytes);
    trail->path[directory + (size_t)bytes] = '\0';
    trail->makers[trail->links++] = maker;
    return true;
}

// Goes to the end of a trail. Each link is held open while it is looked at, so that it cannot be changed for another
// between. @param[out] file  what lies there, no link  @return false: errno says why
static bool walk(struct trail *trail, struct stat *file)
{
    for (;;) {
        const int fd = open(trail->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        const bool seen = fd >= 0 && fstat(fd, file) == 0;
        const bool is_link = seen && S_ISLNK(file->st_mode);
        const bool stepped = is_link && step_over(trail, fd, file->st_uid);
        const int wrong = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        if (!stepped) {
            errno = wrong;
            return seen && !is_link;
        }
    }
}

// As fs.protected_symlinks has it for directories that anybody may write to: a link of somebody else's may point to
// what tend may read and they may not, be it the first link or a later one.
static bool may_follow(const struct trail *trail, const struct stat *file)
{
    for (size_t i = 0; i < trail->links; i++) {
        const uid_t maker = trail->makers[i];
        if (maker != 0 && maker != geteuid() && maker != file->st_uid) {
            return false;
        }
    }
    return true;
}

static enum tend_status open_regular(const char *path, int *fd, struct stat *file, struct tend_error *error)
{
    struct trail trail = { .links = 0 };
    const size_t bytes = strlen(path);
    errno = ENAMETOOLONG;
    if (bytes < sizeof trail.path) {
        memcpy(trail.path, path, bytes + 1);
    }
    if (bytes >= sizeof trail.path || !walk(&trail, file)) {
        tend_error_set(error, "%s", strerrordesc_np(errno));
        return TEND_E_IO;
    }
    if (!S_ISREG(file->st_mode)) { // to open a FIFO could wait, and wakes who writes to it
        tend_error_set(error, "it is no regular file");
        return TEND_E_INVALID;
    }
    if (!may_follow(&trail, file)) {
        tend_error_set(error, "it is a link that neither root, nor tend's user, nor the file's owner made");
        return TEND_E_INVALID;
    }
    *fd = open(trail.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (*fd < 0) {
        tend_error_set(error, "%s", strerrordesc_np(errno));
        return TEND_E_IO;
    }
    struct stat opened;
    if (fstat(*fd, &opened) != 0 || opened.st_dev != file->st_dev || opened.st_ino != file->st_ino) {
        (void)close(*fd);
        tend_error_set(error, "it was replaced just now");
        return TEND_E_IO;
    }
    *file = opened;
    return TEND_OK;
}

// Keeps the last bytes before the place, out of those that end there.
static void set_print(struct tend_log_place *place, const char *end, size_t there)
{
    place->print_bytes = there < sizeof place->print ? there : sizeof place->print;
    memcpy(place->print, end - place->print_bytes, place->print_bytes);
}

static void go_to(struct tend_log_tail *tail, int64_t offset)
{
    struct tend_log_place *place = &tail->place;
    char before[TEND_LOG_PRINT_BYTES];
    const size_t wanted = offset < TEND_LOG_PRINT_BYTES ? (size_t)offset : (size_t)TEND_LOG_PRINT_BYTES;
    const ssize_t got = wanted == 0 ? 0 : pread(tail->fd, before, wanted, offset - (int64_t)wanted);
    place->offset = offset;
    set_print(place, before + (got > 0 ? got : 0), got == (ssize_t)wanted ? wanted : 0);
    tail->passes_over = place->print_bytes > 0 && place->print[place->print_bytes - 1] != '\n';
    tail->partial_bytes = -1;
}

static void begin(struct tend_log_tail *tail, int64_t size, enum tend_log_from from,
                  const struct tend_log_place *places, size_t place_count)
{
    for (size_t i = 0; i < place_count; i++) {
        const struct tend_log_place *known = &places[i];
        if (known->device == tail->place.device && known->inode == tail->place.inode && known->offset <= size) {
            tail->place = *known; // an inode that is used anew for another file is told by the print
            tail->passes_over = known->print_bytes > 0 && known->print[known->print_bytes - 1] != '\n';
            return;
        }
    }
    go_to(tail, from == TEND_LOG_FROM_END ? size : 0);
}

enum tend_status tend_log_tail_create(const char *path, enum tend_log_from from, const struct tend_log_place *places,
                                      size_t place_count, struct tend_log_tail **out, struct tend_error *error)
{
    struct stat file;
    int fd = -1;
    const enum tend_status status = open_regular(path, &fd, &file, error);
    if (status != TEND_OK) {
        return status;
    }
    struct tend_log_tail *tail = calloc(1, sizeof *tail);
    char *copy = strdup(path);
    if (tail == NULL || copy == NULL) {
        free(tail);
        free(copy);
        (void)close(fd);
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    tail->path = copy;
    tail->fd = fd;
    tail->partial_bytes = -1;
    tail->place.device = file.st_dev;
    tail->place.inode = file.st_ino;
    begin(tail, file.st_size, from, places, place_count);
    *out = tail;
    return TEND_OK;
}

void tend_log_tail_destroy(struct tend_log_tail *tail)
{
    if (tail == NULL) {
        return;
    }
    (void)close(tail->fd);
    free(tail->path);
    free(tail);
}

struct sink {
    void (*on_line)(void *context, const char *line, size_t bytes);
    void *context;
};

// Hands on the lines of new bytes. @return how many of them are done with
static size_t take_lines(struct tend_log_tail *tail, const char *bytes, size_t count, const struct sink *sink)
{
    size_t at = 0;
    for (const char *end; at < count && (end = memchr(bytes + at, '\n', count - at)) != NULL;) {
        if (tail->passes_over) {
            tail->passes_over = false;
        } else {
            tail->counts.lines++;
            sink->on_line(sink->context, bytes + at, (size_t)(end - bytes) - at);
        }
        at = (size_t)(end - bytes) + 1;
    }
    if (at < count && tail->passes_over) {
        return count;
    }
    if (at == 0 && count >= TEND_LOG_LINE_BYTES) {
        tail->counts.lines++;
        tail->counts.cut_lines++;
        sink->on_line(sink->context, bytes, count);
        tail->passes_over = true;
        return count;
    }
    return at;
}

static void start_over(struct tend_log_tail *tail)
{
    tail->counts.restarts++;
    tail->place.offset = 0;
    tail->place.print_bytes = 0;
    tail->passes_over = false;
    tail->partial_bytes = -1;
}

// Skips ahead when there is more than can be caught up with.
static void skip_ahead(struct tend_log_tail *tail, int64_t size)
{
    if (size - tail->place.offset > TEND_LOG_BEHIND_BYTES) {
        const int64_t offset = size - TEND_LOG_KEPT_BYTES;
        tail->counts.skipped_bytes += (uint64_t)(offset - tail->place.offset);
        go_to(tail, offset);
    }
}

// Whether the line without an end, which is all that there is, has stood still for so long that it is one.
static bool is_last_line(const struct tend_log_tail *tail, int64_t size, int64_t now_ms)
{
    return tail->partial_bytes == size && now_ms - tail->partial_since_ms >= TEND_LOG_STILL_MS &&
           (tail->renamed || size % WRITER_BUFFER_BYTES != 0);
}

static size_t take_last_line(struct tend_log_tail *tail, const char *bytes, size_t count, const struct sink *sink)
{
    tail->counts.lines++;
    sink->on_line(sink->context, bytes, count);
    tail->passes_over = true;
    return count;
}

// One block. @return bytes read; 0: nothing new, or it cannot be read
static size_t read_block(struct tend_log_tail *tail, int64_t size, char *block, int64_t now_ms, const struct sink *sink)
{
    struct tend_log_place *place = &tail->place;
    const ssize_t got =
        pread(tail->fd, block, place->print_bytes + TEND_LOG_LINE_BYTES, place->offset - (int64_t)place->print_bytes);
    if (got <= 0 || (size_t)got < place->print_bytes) {
        return 0; // cut short just now: the next turn sees it
    }
    if (memcmp(block, place->print, place->print_bytes) != 0) {
        start_over(tail);
        return (size_t)got;
    }
    const char *bytes = block + place->print_bytes;
    const size_t count = (size_t)got - place->print_bytes;
    size_t done = take_lines(tail, bytes, count, sink);
    if (done == 0 && is_last_line(tail, place->offset + (int64_t)count, now_ms)) {
        done = take_last_line(tail, bytes, count, sink);
    }
    set_print(place, bytes + done, place->print_bytes + done);
    place->offset += (int64_t)done;
    tail->counts.bytes += done;
    tail->partial_bytes = done == 0 ? size : -1;
    tail->partial_since_ms = now_ms;
    return (size_t)got;
}

size_t tend_log_tail_read(struct tend_log_tail *tail, size_t budget_bytes, char *block, int64_t now_ms,
                          void (*on_line)(void *context, const char *line, size_t bytes), void *context)
{
    const struct sink sink = { on_line, context };
    struct stat file;
    if (fstat(tail->fd, &file) != 0) {
        return 0;
    }
    if (file.st_size < tail->place.offset) {
        start_over(tail);
    }
    skip_ahead(tail, file.st_size);
    size_t used = 0;
    while (used < budget_bytes && tail->place.offset < file.st_size &&
           (tail->partial_bytes != file.st_size || is_last_line(tail, file.st_size, now_ms))) {
        const size_t got = read_block(tail, file.st_size, block, now_ms, &sink);
        if (got == 0) {
            break;
        }
        used += got;
    }
    tail->quiet_since_ms = used > 0 ? now_ms : tail->quiet_since_ms;
    return used;
}

bool tend_log_tail_was_renamed(struct tend_log_tail *tail, int64_t now_ms)
{
    struct stat file;
    if (!tail->renamed && (stat(tail->path, &file) != 0 || !tend_log_tail_is_file(tail, file.st_dev, file.st_ino))) {
        tail->renamed = true;
        tail->quiet_since_ms = now_ms;
    }
    return tail->renamed;
}

bool tend_log_tail_has_ended(const struct tend_log_tail *tail, int64_t now_ms)
{
    return tail->renamed && now_ms - tail->quiet_since_ms >= TEND_LOG_LINGER_MS;
}

const char *tend_log_tail_path(const struct tend_log_tail *tail)
{
    return tail->path;
}

bool tend_log_tail_is_file(const struct tend_log_tail *tail, dev_t device, ino_t inode)
{
    return tail->place.device == device && tail->place.inode == inode;
}

struct tend_log_place tend_log_tail_place(const struct tend_log_tail *tail)
{
    return tail->place;
}

struct tend_log_counts tend_log_tail_counts(const struct tend_log_tail *tail)
{
    return tail->counts;
}
