// A pass visits every file once, in as many turns as it takes; a pass begins every half second, and right after the one
// before when that left something unread. A turn ends after so many bytes, or so many files.
//
// Places of files that are not followed any more are remembered for a while: the glob that found app.log finds
// app.log.1 as well, and a reload of the rules makes new sources for the same files.

#include "driver/live/log_watch.h"

#include "base/hash_map.h"
#include "base/log.h"
#include "locate/log_tally.h"
#include "parse/mask_pattern.h"
#include "parse/secret_mask.h"

#include <event2/event.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PASS_EVERY_MS = 500,
    BUSY_MS = 10, // between turns while there is more to read
    LOOK_EVERY_MS = 5000,
    TELL_GRAVE_MS = 1000,
    TELL_EVERY_MS = 5000,
    TURN_FILES = 200,
    PLACES = 64,
    PROBLEMS_MAX = 100,
    TURN_MASK_NS = 50 * 1000 * 1000, // ordinary patterns take 1 to 3 µs a line
};

// The log of one service.
struct source {
    char *service;
    char *key; // all of its definition: equal ones are the same source
    char **globs;
    size_t glob_count;
    bool plain;
    struct tend_mask_patterns *masks;
    struct tend_log_tally tally;
    uint64_t skipped_bytes; // since it was told last
    int64_t told_ms;
    bool was_looked_for; // files that come up from now on are new
    bool is_known;       // the engine was told of it
    bool wanted;
};

struct follow {
    struct tend_log_tail *tail;
    struct source *source;
    struct tend_log_counts counted;
};

struct problem {
    char *file;
    char *text;
    bool seen; // in the look that is going on
};

struct tend_log_watch {
    struct tend_log_watch_options options;
    struct event *timer;
    struct source **sources;
    size_t source_count;
    struct tend_hash_map *names; // of all services
    struct follow *follows;
    size_t follow_count;
    struct tend_log_place places[PLACES]; // a ring
    size_t place_count, next_place;
    struct problem *problems;
    size_t problem_count;
    size_t cursor;  // the file that the pass is at
    bool left_some; // the pass leaves something unread
    int64_t pass_due_ms, look_due_ms;
    int64_t now_ms;       // of the turn
    int64_t mask_left_ns; // of the turn, for services' own patterns
    struct tend_log_counts counts;
    char block[TEND_LOG_BLOCK_BYTES];
    char scratch[TEND_LINE_MESSAGE_BYTES];
    char message[2 * TEND_LINE_MESSAGE_BYTES];
    char masked[2 * TEND_LINE_MESSAGE_BYTES];
};

// ---- problems ----

static void free_problem(struct problem *problem)
{
    free(problem->file);
    free(problem->text);
}

static bool has_problem(const struct tend_log_watch *watch, const char *file)
{
    for (size_t i = 0; i < watch->problem_count; i++) {
        if (strcmp(watch->problems[i].file, file) == 0) {
            return true;
        }
    }
    return false;
}

// Logs a problem once, for as long as it lasts.
static void tell_problem(struct tend_log_watch *watch, const char *file, const char *text)
{
    for (size_t i = 0; i < watch->problem_count; i++) {
        struct problem *problem = &watch->problems[i];
        if (strcmp(problem->file, file) == 0 && strcmp(problem->text, text) == 0) {
            problem->seen = true;
            return;
        }
    }
    struct problem *grown = watch->problem_count >= PROBLEMS_MAX
                                ? NULL
                                : reallocarray(watch->problems, watch->problem_count + 1, sizeof *grown);
    if (grown == NULL) {
        return;
    }
    watch->problems = grown;
    grown[watch->problem_count] = (struct problem){ .file = strdup(file), .text = strdup(text), .seen = true };
    if (grown[watch->problem_count].file == NULL || grown[watch->problem_count].text == NULL) {
        free_problem(&grown[watch->problem_count]);
        return;
    }
    watch->problem_count++;
    tend_log(TEND_LOG_WARN, "log not read file=%s why=\"%s\"", file, text);
}

static void forget_problems(struct tend_log_watch *watch, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < watch->problem_count; i++) {
        if (watch->problems[i].seen && !all) {
            watch->problems[kept] = watch->problems[i];
            watch->problems[kept++].seen = false;
        } else {
            free_problem(&watch->problems[i]);
        }
    }
    watch->problem_count = kept;
}

void tend_log_watch_problems(const struct tend_log_watch *watch, json_t *list)
{
    for (size_t i = 0; i < watch->problem_count; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, "%s: its log is not read: %s", watch->problems[i].file,
                       watch->problems[i].text);
        (void)json_array_append_new(list, tend_json_string(text, strlen(text)));
    }
}

// ---- sources ----

static void free_source(struct source *source)
{
    if (source == NULL) {
        return;
    }
    for (size_t i = 0; i < source->glob_count; i++) {
        free(source->globs[i]);
    }
    free((void *)source->globs);
    free(source->service);
    free(source->key);
    tend_mask_patterns_destroy(source->masks);
    tend_log_tally_clear(&source->tally);
    free(source);
}

static char *key_of(const struct tend_logging_service *service)
{
    struct tend_buffer key;
    tend_buffer_init(&key);
    tend_buffer_printf(&key, "%s\n%d\n", service->name, service->def->plain);
    for (size_t i = 0; i < service->def->file_count; i++) {
        tend_buffer_printf(&key, "%s\n", service->def->files[i]);
    }
    for (size_t i = 0; i < service->def->mask_count; i++) {
        tend_buffer_printf(&key, "mask %s\n", service->def->masks[i]);
    }
    char *copy = key.failed ? NULL : strdup(tend_buffer_text(&key));
    tend_buffer_clear(&key);
    return copy;
}

// A name that discovery found goes into a path: it must not lead elsewhere, nor be a pattern.
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strpbrk(name, "/*?[]\\") == NULL;
}

// The glob with the service's name for each "{service}"; NULL: out of memory.
static char *expand(const char *glob, const char *service)
{
    static const char word[] = "{service}";
    struct tend_buffer out;
    tend_buffer_init(&out);
    for (const char *found; (found = strstr(glob, word)) != NULL; glob = found + sizeof word - 1) {
        tend_buffer_put(&out, glob, (size_t)(found - glob));
        tend_buffer_put_text(&out, service);
    }
    tend_buffer_put_text(&out, glob);
    char *copy = out.failed ? NULL : strdup(tend_buffer_text(&out));
    tend_buffer_clear(&out);
    return copy;
}

static struct source *make_source(const struct tend_logging_service *wanted, char *take_key)
{
    struct source *source = calloc(1, sizeof *source);
    const struct tend_log_def *def = wanted->def;
    if (source == NULL) {
        free(take_key);
        return NULL;
    }
    source->key = take_key;
    source->service = strdup(wanted->name);
    source->plain = def->plain;
    source->globs = (char **)calloc(def->file_count + 1, sizeof *source->globs);
    struct tend_error ignored; // the ruleset has compiled them before
    if (source->service == NULL || source->globs == NULL ||
        tend_mask_patterns_create((const char *const *)def->masks, def->mask_count, &source->masks, &ignored) !=
            TEND_OK) {
        free_source(source);
        return NULL;
    }
    for (size_t i = 0; i < def->file_count; i++) {
        if (strstr(def->files[i], "{service}") != NULL && !is_plain_name(wanted->name)) {
            continue;
        }
        source->globs[source->glob_count] = expand(def->files[i], wanted->name);
        if (source->globs[source->glob_count++] == NULL) {
            free_source(source);
            return NULL;
        }
    }
    return source;
}

static void remember(struct tend_log_watch *watch, const struct tend_log_tail *tail)
{
    watch->places[watch->next_place] = tend_log_tail_place(tail);
    watch->next_place = (watch->next_place + 1) % PLACES;
    watch->place_count += watch->place_count < PLACES ? 1 : 0;
}

static void drop_follow(struct tend_log_watch *watch, size_t index)
{
    remember(watch, watch->follows[index].tail);
    tend_log_tail_destroy(watch->follows[index].tail);
    watch->follows[index] = watch->follows[--watch->follow_count];
}

static void drop_unwanted(struct tend_log_watch *watch)
{
    for (size_t i = watch->follow_count; i-- > 0;) {
        if (!watch->follows[i].source->wanted) {
            drop_follow(watch, i);
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < watch->source_count; i++) {
        if (watch->sources[i]->wanted) {
            watch->sources[kept++] = watch->sources[i];
        } else {
            free_source(watch->sources[i]);
        }
    }
    watch->source_count = kept;
}

static struct source *find_source(const struct tend_log_watch *watch, const char *key)
{
    for (size_t i = 0; i < watch->source_count; i++) {
        if (strcmp(watch->sources[i]->key, key) == 0) {
            return watch->sources[i];
        }
    }
    return NULL;
}

static enum tend_status want(struct tend_log_watch *watch, const struct tend_logging_service *service)
{
    char *key = key_of(service);
    struct source *source = key == NULL ? NULL : find_source(watch, key);
    if (source != NULL) {
        source->wanted = true;
        free(key);
        return TEND_OK;
    }
    struct source **grown =
        key == NULL ? NULL
                    : (struct source **)reallocarray((void *)watch->sources, watch->source_count + 1, sizeof *grown);
    if (grown == NULL) {
        free(key);
        return TEND_E_NOMEM;
    }
    watch->sources = grown;
    source = make_source(service, key);
    if (source == NULL) {
        return TEND_E_NOMEM;
    }
    source->wanted = true;
    grown[watch->source_count++] = source;
    return TEND_OK;
}

static void set_timer(struct tend_log_watch *watch, int64_t delay_ms)
{
    if (watch->timer != NULL) {
        const struct timeval delay = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };
        (void)event_add(watch->timer, &delay);
    }
}

static bool is_service(const void *context, const char *word, size_t bytes)
{
    const struct tend_log_watch *watch = context;
    return watch->names != NULL && tend_hash_map_find(watch->names, word, bytes) != NULL;
}

static enum tend_status set_names(struct tend_log_watch *watch, const char *const *names, size_t count)
{
    tend_hash_map_destroy(watch->names);
    watch->names = NULL;
    enum tend_status status = tend_hash_map_create(&watch->names);
    for (size_t i = 0; status == TEND_OK && i < count; i++) {
        status = tend_hash_map_set(watch->names, names[i], strlen(names[i]), watch);
    }
    return status;
}

enum tend_status tend_log_watch_set(struct tend_log_watch *watch, const struct tend_logging_service *services,
                                    size_t count, const char *const *names, size_t name_count)
{
    enum tend_status status = set_names(watch, names, name_count);
    for (size_t i = 0; i < watch->source_count; i++) {
        watch->sources[i]->wanted = false;
    }
    for (size_t i = 0; i < count; i++) {
        const enum tend_status one = want(watch, &services[i]);
        status = one == TEND_OK ? status : one;
    }
    drop_unwanted(watch);
    watch->cursor = 0;
    watch->pass_due_ms = watch->look_due_ms = INT64_MIN; // at once
    if (watch->source_count > 0) {
        set_timer(watch, 0);
    } else {
        forget_problems(watch, true);
    }
    return status;
}

// ---- files ----

static bool is_compressed(const char *path)
{
    static const char *const ends[] = { ".gz", ".xz", ".bz2", ".zst", ".zip", NULL };
    const size_t bytes = strlen(path);
    for (size_t i = 0; ends[i] != NULL; i++) {
        const size_t end = strlen(ends[i]);
        if (bytes >= end && strcmp(path + bytes - end, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_followed(const struct tend_log_watch *watch, const struct source *source, const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0) {
        return false; // opening it says why
    }
    for (size_t i = 0; i < watch->follow_count; i++) {
        if (watch->follows[i].source == source &&
            tend_log_tail_is_file(watch->follows[i].tail, file.st_dev, file.st_ino)) {
            return true;
        }
    }
    return false;
}

static void follow(struct tend_log_watch *watch, struct source *source, const char *path, enum tend_log_from from)
{
    if (is_compressed(path) || is_followed(watch, source, path)) {
        return;
    }
    if (watch->follow_count >= TEND_LOG_FILES_MAX) {
        tell_problem(watch, path, "as many log files as tend reads at once are read already");
        return;
    }
    struct follow *grown = reallocarray(watch->follows, watch->follow_count + 1, sizeof *grown);
    if (grown == NULL) {
        return; // the next look tries again
    }
    watch->follows = grown;
    struct follow *added = &grown[watch->follow_count];
    *added = (struct follow){ .source = source };
    struct tend_error why;
    const enum tend_status status =
        tend_log_tail_create(path, from, watch->places, watch->place_count, &added->tail, &why);
    if (status != TEND_OK) {
        tell_problem(watch, path, why.text);
        return;
    }
    watch->follow_count++;
}

static void look_for(struct tend_log_watch *watch, struct source *source)
{
    for (size_t i = 0; i < source->glob_count; i++) {
        glob_t matches;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): no ~ is expanded, so it asks nobody for users
        if (glob(source->globs[i], 0, NULL, &matches) != 0) {
            tell_problem(watch, source->globs[i], "there is no such file (yet)");
            continue;
        }
        for (size_t m = 0; m < matches.gl_pathc; m++) {
            const char *path = matches.gl_pathv[m];
            const bool is_new = source->was_looked_for && !has_problem(watch, path);
            follow(watch, source, path, is_new ? TEND_LOG_FROM_BEGIN : TEND_LOG_FROM_END);
        }
        globfree(&matches);
    }
    if (source->glob_count == 0) {
        tell_problem(watch, source->service, "the name of the service cannot be part of a path");
    }
    source->was_looked_for = true;
}

static void look(struct tend_log_watch *watch)
{
    for (size_t i = 0; i < watch->source_count; i++) {
        look_for(watch, watch->sources[i]);
    }
    forget_problems(watch, false);
    watch->look_due_ms = watch->now_ms + LOOK_EVERY_MS;
}

// ---- lines ----

struct reading {
    struct tend_log_watch *watch;
    struct source *source;
};

static void on_line(void *context, const char *text, size_t bytes)
{
    const struct reading *reading = context;
    struct tend_log_watch *watch = reading->watch;
    struct source *source = reading->source;
    struct tend_line line;
    char template[TEND_LOG_TEMPLATE_BYTES + 1];
    tend_line_read(text, bytes, source->plain ? TEND_LINE_PLAIN : TEND_LINE_ANY, watch->scratch, &line);
    if (line.continues) {
        return;
    }
    memcpy(watch->message, line.message, line.bytes);
    const size_t own = tend_mask_patterns_apply(source->masks, watch->message, line.bytes, sizeof watch->message,
                                                &watch->mask_left_ns);
    const size_t masked = tend_secret_mask(watch->message, own, watch->masked, sizeof watch->masked);
    const size_t template_bytes = tend_log_template(watch->masked, masked, template);
    if (template_bytes > 0) {
        const struct tend_log_names names = { is_service, watch };
        // Without memory a line is not counted, which is what evidence can do without.
        (void)!tend_log_tally_add(&source->tally, line.level, template, template_bytes, watch->now_ms, &names);
    }
}

static void add_counts(struct tend_log_watch *watch, struct follow *one)
{
    const struct tend_log_counts now = tend_log_tail_counts(one->tail);
    const struct tend_log_counts *before = &one->counted;
    watch->counts.lines += now.lines - before->lines;
    watch->counts.bytes += now.bytes - before->bytes;
    watch->counts.skipped_bytes += now.skipped_bytes - before->skipped_bytes;
    watch->counts.cut_lines += now.cut_lines - before->cut_lines;
    watch->counts.restarts += now.restarts - before->restarts;
    one->source->skipped_bytes += now.skipped_bytes - before->skipped_bytes;
    one->counted = now;
}

// Reads on in one file, and sees whether its name goes on elsewhere. @return bytes read
static size_t visit(struct tend_log_watch *watch, size_t index, size_t budget)
{
    struct tend_log_tail *tail = watch->follows[index].tail;
    struct reading reading = { watch, watch->follows[index].source };
    const size_t used = tend_log_tail_read(tail, budget, watch->block, watch->now_ms, on_line, &reading);
    add_counts(watch, &watch->follows[index]);
    if (tend_log_tail_was_renamed(tail, watch->now_ms)) {
        struct stat file;
        if (stat(tend_log_tail_path(tail), &file) == 0) {
            follow(watch, reading.source, tend_log_tail_path(tail), TEND_LOG_FROM_BEGIN);
        }
    }
    return used;
}

// Goes on with the pass. @return whether it is through
static bool read_some(struct tend_log_watch *watch)
{
    size_t left = TEND_LOG_TURN_BYTES;
    for (size_t files = 0; watch->cursor < watch->follow_count; files++) {
        if (files == TURN_FILES) {
            return false;
        }
        const size_t used = visit(watch, watch->cursor, left);
        if (used >= left) { // others come first, then this one again
            watch->left_some = true;
            watch->cursor++;
            return false;
        }
        left -= used;
        if (tend_log_tail_has_ended(watch->follows[watch->cursor].tail, watch->now_ms)) {
            drop_follow(watch, watch->cursor);
        } else {
            watch->cursor++;
        }
    }
    return true;
}

// ---- telling ----

static bool is_due(const struct source *source, int64_t now_ms)
{
    if (!source->is_known) {
        return true;
    }
    const bool has_any = source->tally.count > 0 || source->skipped_bytes > 0;
    const int64_t every_ms = source->tally.is_grave ? TELL_GRAVE_MS : TELL_EVERY_MS;
    return has_any && now_ms - source->told_ms >= every_ms;
}

static bool has_file(const struct tend_log_watch *watch, const struct source *source)
{
    for (size_t i = 0; i < watch->follow_count; i++) {
        if (watch->follows[i].source == source) {
            return true;
        }
    }
    return false;
}

static const struct tend_logged *logged_of(const struct source *source, int64_t now_ms)
{
    struct tend_logged *list = calloc(source->tally.count + 1, sizeof *list);
    for (size_t i = 0; list != NULL && i < source->tally.count; i++) {
        const struct tend_log_count *count = &source->tally.counts[i];
        list[i] = (struct tend_logged){ .template = count->text,
                                        .level = (uint8_t)count->level,
                                        .lines = count->lines,
                                        .first_ago_ms = count->first_ms < now_ms ? now_ms - count->first_ms : 0 };
    }
    return list;
}

// Tells what is due in one event; what there is no memory for waits for the next time.
static void tell(struct tend_log_watch *watch)
{
    struct tend_logged_service *list = calloc(watch->source_count + 1, sizeof *list);
    struct source **told = (struct source **)calloc(watch->source_count + 1, sizeof *told);
    size_t count = 0;
    for (size_t i = 0; list != NULL && told != NULL && i < watch->source_count; i++) {
        struct source *source = watch->sources[i];
        if (!is_due(source, watch->now_ms) || !(source->is_known || has_file(watch, source))) {
            continue;
        }
        list[count] = (struct tend_logged_service){ .service = source->service,
                                                    .skipped_bytes = source->skipped_bytes,
                                                    .logged = logged_of(source, watch->now_ms),
                                                    .count = source->tally.count };
        told[count] = source;
        count += list[count].logged != NULL;
    }
    if (count > 0) {
        watch->options.on_logs(watch->options.context, &(struct tend_event_logs){ .services = list, .count = count });
    }
    for (size_t i = 0; i < count; i++) {
        free(
            (void *)(uintptr_t)list[i].logged); // NOLINT(performance-no-int-to-ptr): it was made here, and is not const
        tend_log_tally_empty(&told[i]->tally);
        told[i]->skipped_bytes = 0;
        told[i]->told_ms = watch->now_ms;
        told[i]->is_known = true;
    }
    free(list);
    free((void *)told);
}

// ---- turns ----

int64_t tend_log_watch_turn(struct tend_log_watch *watch, int64_t now_ms)
{
    watch->now_ms = now_ms;
    watch->mask_left_ns = TURN_MASK_NS;
    if (now_ms >= watch->look_due_ms) {
        look(watch);
    }
    if (now_ms >= watch->pass_due_ms) {
        const bool through = read_some(watch);
        if (through) {
            watch->cursor = 0;
            watch->pass_due_ms = now_ms + (watch->left_some ? BUSY_MS : PASS_EVERY_MS);
            watch->left_some = false;
        } else {
            watch->pass_due_ms = now_ms + BUSY_MS;
        }
    }
    tell(watch);
    const int64_t due_ms = watch->pass_due_ms < watch->look_due_ms ? watch->pass_due_ms : watch->look_due_ms;
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_log_watch *watch = context;
    if (watch->source_count > 0) {
        set_timer(watch, tend_log_watch_turn(watch, watch->options.clock_ms(watch->options.context)));
    }
}

enum tend_status tend_log_watch_create(const struct tend_log_watch_options *options, struct tend_log_watch **out)
{
    struct tend_log_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return TEND_E_NOMEM;
    }
    watch->options = *options;
    watch->timer = options->base == NULL ? NULL : event_new(options->base, -1, 0, on_timer, watch);
    if (options->base != NULL && watch->timer == NULL) {
        free(watch);
        return TEND_E_NOMEM;
    }
    *out = watch;
    return TEND_OK;
}

void tend_log_watch_destroy(struct tend_log_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (size_t i = 0; i < watch->follow_count; i++) {
        tend_log_tail_destroy(watch->follows[i].tail);
    }
    for (size_t i = 0; i < watch->source_count; i++) {
        free_source(watch->sources[i]);
    }
    forget_problems(watch, true);
    tend_hash_map_destroy(watch->names);
    free(watch->problems);
    free(watch->follows);
    free((void *)watch->sources);
    if (watch->timer != NULL) {
        event_free(watch->timer);
    }
    free(watch);
}

struct tend_log_watch_counts tend_log_watch_counts(const struct tend_log_watch *watch)
{
    return (struct tend_log_watch_counts){ .read = watch->counts, .files = watch->follow_count };
}
