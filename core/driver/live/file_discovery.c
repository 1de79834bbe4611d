// All files are looked at on any change and on a timer; one whose identity, size and times are as before is not read
// again. That is simpler than following each inotify event to its file, and a missed event heals by itself.
//
// inotify watches directories, for a file that is replaced by rename is another file. Events only set off a look a
// moment later, so that a burst of them costs one.

#include "driver/live/file_discovery.h"

#include "driver/live/file_sd.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOOK_EVERY_MS = 5 * 60 * 1000,
    LOOK_UNWATCHED_MS = 5 * 1000, // where inotify does not help
    LOOK_SOON_MS = 20,
    FILE_BYTES_MAX = 10 * 1000 * 1000,
};

struct glob {
    char *text;
    char *directory;
    const char *pattern; // within text
    bool has_star;
    char *problem; // newest told, or NULL
};

struct file {
    char *path;
    struct stat stat;         // as it was read
    struct tend_file_sd good; // of the newest good reading
    char *problem;            // newest told, or NULL
    bool seen;                // in the look that is going on
};

struct tend_file_discovery {
    struct tend_file_discovery_options options;
    struct glob *globs;
    struct file **files; // sorted by path
    size_t file_count;
    int inotify;
    struct event *changed;
    struct event *timer;
    bool unwatched;               // some directory is not watched
    struct tend_discovered *told; // newest targets told, sorted by URL; texts and labels are ours
    size_t told_count;
    bool has_told;
    bool is_soon;        // a look is set off already
    char *total_problem; // newest told, or NULL
};

static void set_timer(struct tend_file_discovery *discovery, int64_t delay_ms)
{
    const struct timeval delay = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };
    (void)event_add(discovery->timer, &delay);
}

// Tells a problem unless it is the one told last; NULL: there is none any more.
static void tell_problem(const struct tend_file_discovery *discovery, char **told, const char *file, const char *text)
{
    if (text == NULL) {
        free(*told);
        *told = NULL;
        return;
    }
    if (*told != NULL && strcmp(*told, text) == 0) {
        return;
    }
    free(*told);
    *told = strdup(text);
    if (discovery->options.on_problem != NULL) {
        discovery->options.on_problem(discovery->options.context, file, text);
    }
}

// ---- files ----

static void free_file(struct file *file)
{
    tend_file_sd_clear(&file->good);
    free(file->problem);
    free(file->path);
    free(file);
}

static bool is_same(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino && left->st_size == right->st_size &&
           left->st_mtim.tv_sec == right->st_mtim.tv_sec && left->st_mtim.tv_nsec == right->st_mtim.tv_nsec &&
           left->st_ctim.tv_sec == right->st_ctim.tv_sec && left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t text_bytes = strlen(text);
    const size_t end_bytes = strlen(end);
    return text_bytes >= end_bytes && strcasecmp(text + text_bytes - end_bytes, end) == 0;
}

// @return the bytes, to be freed, or NULL and the error is set
static char *read_whole(int fd, size_t bytes, size_t *count, struct tend_error *error)
{
    char *text = malloc(bytes + 1);
    if (text == NULL) {
        tend_error_set(error, "out of memory");
        return NULL;
    }
    *count = 0;
    while (*count < bytes) {
        const ssize_t got = read(fd, text + *count, bytes - *count);
        if (got < 0) {
            tend_error_set(error, "cannot read it: %s", strerrordesc_np(errno));
            free(text);
            return NULL;
        }
        if (got == 0) {
            break;
        }
        *count += (size_t)got;
    }
    return text;
}

// Reads what the open file holds into its good targets, when it is good.
static void read_open(struct file *file, int fd, struct tend_error *error)
{
    if (fstat(fd, &file->stat) != 0 || !S_ISREG(file->stat.st_mode)) {
        tend_error_set(error, "it is no regular file");
        return;
    }
    if (file->stat.st_size > FILE_BYTES_MAX) {
        tend_error_set(error, "it is over %d bytes", FILE_BYTES_MAX);
        return;
    }
    size_t count = 0;
    char *text = read_whole(fd, (size_t)file->stat.st_size, &count, error);
    if (text == NULL) {
        return;
    }
    struct tend_file_sd read;
    tend_file_sd_init(&read);
    const enum tend_status status = tend_file_sd_parse(text, count, &read, error);
    free(text);
    if (status == TEND_E_NOMEM) {
        tend_error_set(error, "out of memory");
    }
    if (status == TEND_OK) {
        tend_file_sd_clear(&file->good);
        file->good = read;
        if (read.left_out > 0) {
            tend_error_set(error, "%zu of its targets left out: %s", read.left_out, read.reason.text);
        }
    }
}

static void read_file(struct tend_file_discovery *discovery, struct file *file)
{
    if (ends_with(file->path, ".yml") || ends_with(file->path, ".yaml")) {
        tell_problem(discovery, &file->problem, file->path,
                     "YAML is not read here; write the same as JSON, in a .json file");
        return;
    }
    struct tend_error error = { "" };
    const int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        const int reason = errno;
        if (reason == ENOENT) {
            return; // gone since it was listed: the next look drops it
        }
        tend_error_set(&error, "cannot open it: %s", strerrordesc_np(reason));
    } else {
        struct stat now;
        if (fstat(fd, &now) == 0 && is_same(&now, &file->stat)) {
            (void)close(fd);
            return;
        }
        read_open(file, fd, &error);
        (void)close(fd);
    }
    tell_problem(discovery, &file->problem, file->path, error.text[0] == '\0' ? NULL : error.text);
}

static size_t place_of(const struct tend_file_discovery *discovery, const char *path, bool *found)
{
    size_t low = 0;
    size_t high = discovery->file_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(discovery->files[middle]->path, path);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = false;
    return low;
}

static void see_file(struct tend_file_discovery *discovery, const char *path)
{
    bool found = false;
    const size_t place = place_of(discovery, path, &found);
    if (found) {
        discovery->files[place]->seen = true;
        return;
    }
    struct file *file = calloc(1, sizeof *file);
    struct file **files = reallocarray(discovery->files, discovery->file_count + 1, sizeof(struct file *));
    discovery->files = files == NULL ? discovery->files : files;
    if (file == NULL || files == NULL || (file->path = strdup(path)) == NULL) {
        free(file);
        return; // the next look tries again
    }
    tend_file_sd_init(&file->good);
    file->seen = true;
    memmove(files + place + 1, files + place, (discovery->file_count - place) * sizeof(struct file *));
    files[place] = file;
    discovery->file_count++;
}

// ---- globs ----

static void watch_directory(struct tend_file_discovery *discovery, const struct glob *glob)
{
    const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                          IN_ATTRIB | IN_ONLYDIR;
    if (discovery->inotify < 0 || inotify_add_watch(discovery->inotify, glob->directory, mask) < 0) {
        discovery->unwatched = true;
    }
}

static bool is_wanted(const struct glob *glob, const char *name)
{
    if (!glob->has_star) {
        return strcmp(glob->pattern, name) == 0;
    }
    return fnmatch(glob->pattern, name, FNM_PERIOD | FNM_NOESCAPE) == 0 &&
           (ends_with(name, ".json") || ends_with(name, ".yml") || ends_with(name, ".yaml"));
}

static void see_all(const struct tend_file_discovery *discovery, const struct glob *glob)
{
    const size_t bytes = (size_t)(glob->pattern - glob->text);
    for (size_t i = 0; i < discovery->file_count; i++) {
        const char *path = discovery->files[i]->path;
        if (strncmp(path, glob->text, bytes) == 0 && is_wanted(glob, path + bytes)) {
            discovery->files[i]->seen = true;
        }
    }
}

static void list_glob(struct tend_file_discovery *discovery, struct glob *glob)
{
    watch_directory(discovery, glob); // before listing, so that nothing can come in between unseen
    DIR *listing = opendir(glob->directory);
    if (listing == NULL) {
        const int reason = errno;
        char text[256];
        (void)snprintf(text, sizeof text, "cannot list its directory: %s", strerrordesc_np(reason));
        if (reason != ENOENT && reason != ENOTDIR) {
            see_all(discovery, glob); // what cannot be looked at is not gone
        }
        tell_problem(discovery, &glob->problem, glob->text, text);
        return;
    }
    size_t matches = 0;
    const struct dirent *entry = NULL;
    while ((entry = readdir(listing)) != NULL) { // NOLINT(concurrency-mt-unsafe): the listing is our own
        char path[4096];
        if (is_wanted(glob, entry->d_name) && snprintf(path, sizeof path, "%.*s%s", (int)(glob->pattern - glob->text),
                                                       glob->text, entry->d_name) < (int)sizeof path) {
            see_file(discovery, path);
            matches++;
        }
    }
    (void)closedir(listing);
    tell_problem(discovery, &glob->problem, glob->text,
                 matches == 0 && !glob->has_star ? "there is no such file" : NULL);
}

// @return TEND_E_INVALID: a `*` before the last element
static enum tend_status make_glob(struct glob *glob, const char *text, struct tend_error *error)
{
    const char *slash = strrchr(text, '/');
    const char *star = strchr(text, '*');
    if (text[0] == '\0' || (star != NULL && slash != NULL && star < slash)) {
        tend_error_set(error, "\"%.300s\": `*` may be in the last part of the path only", text);
        return TEND_E_INVALID;
    }
    glob->has_star = star != NULL;
    glob->text = strdup(text);
    if (glob->text == NULL) {
        return TEND_E_NOMEM;
    }
    const size_t bytes = slash == NULL ? 0 : (size_t)(slash - text);
    glob->pattern = slash == NULL ? glob->text : glob->text + bytes + 1;
    glob->directory = slash == NULL ? strdup(".") : slash == text ? strdup("/") : strndup(text, bytes);
    return glob->directory == NULL ? TEND_E_NOMEM : TEND_OK;
}

// ---- the result ----

struct found {
    struct tend_discovered target;
    size_t order; // of its file, and in it
};

static int compare_found(const void *left, const void *right)
{
    const struct found *a = left;
    const struct found *b = right;
    const int order = strcmp(a->target.url, b->target.url);
    return order != 0 ? order : a->order < b->order ? -1 : a->order > b->order;
}

static void free_text(const char *text)
{
    union {
        const char *from;
        char *to;
    } both = { .from = text };
    free(both.to);
}

static void free_targets(struct tend_discovered *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_text(targets[i].url);
        free_text(targets[i].address);
        json_decref(targets[i].labels);
    }
    free(targets);
}

static bool copy_target(struct tend_discovered *to, const struct tend_discovered *from)
{
    char *url = strdup(from->url);
    char *address = strdup(from->address);
    *to = (struct tend_discovered){ .url = url, .address = address, .labels = json_incref(from->labels) };
    return url != NULL && address != NULL;
}

// All targets of all files, sorted by URL, each URL once. @return NULL: out of memory
static struct tend_discovered *merge(const struct tend_file_discovery *discovery, size_t total, size_t *count)
{
    struct found *found = calloc(total + 1, sizeof *found);
    struct tend_discovered *merged = calloc(total + 1, sizeof *merged);
    size_t at = 0;
    for (size_t i = 0; found != NULL && i < discovery->file_count; i++) {
        const struct tend_file_sd *good = &discovery->files[i]->good;
        for (size_t target = 0; target < good->count; target++, at++) {
            found[at] = (struct found){ .target = good->targets[target], .order = at };
        }
    }
    *count = 0;
    bool failed = found == NULL || merged == NULL;
    if (!failed && total > 1) {
        qsort(found, total, sizeof *found, compare_found);
    }
    for (size_t i = 0; !failed && i < total; i++) {
        if (i == 0 || strcmp(found[i].target.url, found[i - 1].target.url) != 0) {
            failed = !copy_target(&merged[(*count)++], &found[i].target);
        }
    }
    free(found);
    if (failed) {
        free_targets(merged, *count);
        return NULL;
    }
    return merged;
}

static bool is_told(const struct tend_file_discovery *discovery, const struct tend_discovered *targets, size_t count)
{
    if (!discovery->has_told || count != discovery->told_count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct tend_discovered *told = &discovery->told[i];
        if (strcmp(told->url, targets[i].url) != 0 || strcmp(told->address, targets[i].address) != 0 ||
            !json_equal(told->labels, targets[i].labels)) {
            return false;
        }
    }
    return true;
}

static void tell_targets(struct tend_file_discovery *discovery)
{
    size_t total = 0;
    for (size_t i = 0; i < discovery->file_count; i++) {
        total += discovery->files[i]->good.count;
    }
    if (total > TEND_FILE_SD_TARGETS_MAX) {
        char text[128];
        (void)snprintf(text, sizeof text, "all files together list over %d targets; nothing was changed",
                       TEND_FILE_SD_TARGETS_MAX);
        tell_problem(discovery, &discovery->total_problem, discovery->globs[0].text, text);
        return;
    }
    tell_problem(discovery, &discovery->total_problem, "", NULL);
    size_t count = 0;
    struct tend_discovered *targets = merge(discovery, total, &count);
    if (targets == NULL) {
        return; // out of memory: what was told still holds
    }
    if (is_told(discovery, targets, count)) {
        free_targets(targets, count);
        return;
    }
    free_targets(discovery->told, discovery->told_count);
    discovery->told = targets;
    discovery->told_count = count;
    discovery->has_told = true;
    const struct tend_event_targets event = {
        .discovery = discovery->options.discovery,
        .targets = targets,
        .count = count,
    };
    discovery->options.on_targets(discovery->options.context, &event);
}

// ---- looking ----

static void look(struct tend_file_discovery *discovery)
{
    discovery->is_soon = false;
    discovery->unwatched = false;
    for (size_t i = 0; i < discovery->file_count; i++) {
        discovery->files[i]->seen = false;
    }
    for (size_t i = 0; i < discovery->options.glob_count; i++) {
        list_glob(discovery, &discovery->globs[i]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < discovery->file_count; i++) {
        struct file *file = discovery->files[i];
        if (file->seen) {
            read_file(discovery, file);
            discovery->files[kept++] = file;
        } else {
            free_file(file);
        }
    }
    discovery->file_count = kept;
    set_timer(discovery, discovery->unwatched ? LOOK_UNWATCHED_MS : LOOK_EVERY_MS);
    tell_targets(discovery); // last: the callback may do as it likes
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    look(context);
}

static void on_changed(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct tend_file_discovery *discovery = context;
    char events[16 * 1024];
    while (read(fd, events, sizeof events) > 0) {
        // which file it was does not matter
    }
    if (discovery->is_soon) {
        return; // a steady stream of changes must not put it off for ever
    }
    discovery->is_soon = true;
    set_timer(discovery, LOOK_SOON_MS);
}

void tend_file_discovery_read(struct tend_file_discovery *discovery)
{
    for (size_t i = 0; i < discovery->file_count; i++) {
        discovery->files[i]->stat = (struct stat){ .st_size = -1 }; // read it even if it looks the same
    }
    set_timer(discovery, 0);
}

enum tend_status tend_file_discovery_create(struct event_base *base, const struct tend_file_discovery_options *options,
                                            struct tend_file_discovery **out, struct tend_error *error)
{
    struct tend_file_discovery *discovery = calloc(1, sizeof *discovery);
    if (discovery == NULL) {
        return TEND_E_NOMEM;
    }
    discovery->options = *options;
    discovery->inotify = -1;
    enum tend_status status = TEND_E_NOMEM;
    discovery->globs = calloc(options->glob_count + 1, sizeof *discovery->globs);
    discovery->timer = evtimer_new(base, on_timer, discovery);
    if (discovery->globs == NULL || discovery->timer == NULL) {
        goto fail;
    }
    for (size_t i = 0; i < options->glob_count; i++) {
        status = make_glob(&discovery->globs[i], options->globs[i], error);
        if (status != TEND_OK) {
            goto fail;
        }
    }
    discovery->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (discovery->inotify >= 0) {
        discovery->changed = event_new(base, discovery->inotify, EV_READ | EV_PERSIST, on_changed, discovery);
        if (discovery->changed == NULL || event_add(discovery->changed, NULL) != 0) {
            status = TEND_E_NOMEM;
            goto fail;
        }
    }
    set_timer(discovery, 0);
    *out = discovery;
    return TEND_OK;
fail:
    tend_file_discovery_destroy(discovery);
    return status;
}

static void add_problem(json_t *list, const char *file, const char *problem)
{
    if (problem != NULL) {
        (void)json_array_append_new(list, json_sprintf("%s%s%s", file, file[0] == '\0' ? "" : ": ", problem));
    }
}

void tend_file_discovery_problems(const struct tend_file_discovery *discovery, json_t *list)
{
    for (size_t i = 0; i < discovery->options.glob_count; i++) {
        add_problem(list, discovery->globs[i].text, discovery->globs[i].problem);
    }
    for (size_t i = 0; i < discovery->file_count; i++) {
        add_problem(list, discovery->files[i]->path, discovery->files[i]->problem);
    }
    add_problem(list, "", discovery->total_problem);
}

void tend_file_discovery_destroy(struct tend_file_discovery *discovery)
{
    if (discovery == NULL) {
        return;
    }
    for (size_t i = 0; discovery->globs != NULL && i < discovery->options.glob_count; i++) {
        free(discovery->globs[i].text);
        free(discovery->globs[i].directory);
        free(discovery->globs[i].problem);
    }
    for (size_t i = 0; i < discovery->file_count; i++) {
        free_file(discovery->files[i]);
    }
    if (discovery->changed != NULL) {
        event_free(discovery->changed);
    }
    if (discovery->timer != NULL) {
        event_free(discovery->timer);
    }
    if (discovery->inotify >= 0) {
        (void)close(discovery->inotify);
    }
    free_targets(discovery->told, discovery->told_count);
    free(discovery->total_problem);
    free(discovery->files);
    free(discovery->globs);
    free(discovery);
}
