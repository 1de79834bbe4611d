// Everything is opened relative to a directory that is open already and without following links, so a file that was
// checked is the file that is read, whatever is renamed meanwhile.

#include "driver/live/rules_dir.h"

#include "base/buffer.h"
#include "driver/live/secrets.h"
#include "script/embedded.h"
#include "script/script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 8, MAX_FILES = 1000, MAX_TOTAL_BYTES = 10 * 1024 * 1024 };

struct walk {
    json_t *files;
    size_t total_bytes;
    struct tend_error *error;
    bool with_tests;
};

static enum tend_status fault(const struct walk *walk, enum tend_status status, const char *name, const char *what)
{
    tend_error_set(walk->error, "%s: %s", name, what);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text);
    const size_t end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static const char *untrusted(const struct stat *about)
{
    if (!S_ISREG(about->st_mode)) {
        return "not a regular file";
    }
    if (about->st_uid != geteuid() && about->st_uid != 0) {
        return "owned by another user; rules must be owned by who runs tend, or by root";
    }
    if ((about->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "writable by others than its owner; chmod go-w it";
    }
    return NULL;
}

static enum tend_status read_all(int fd, struct tend_buffer *text)
{
    for (;;) {
        char *to = tend_buffer_reserve(text, 65536);
        if (to == NULL) {
            return TEND_E_NOMEM;
        }
        const ssize_t got = read(fd, to, 65536);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? TEND_OK : TEND_E_IO;
        }
        text->size += (size_t)got;
        if (text->size > TEND_SCRIPT_FILE_MAX_BYTES) {
            return TEND_E_LIMIT;
        }
    }
}

// {"name","text"} of what was read. A byte that JSON cannot hold is a fault: Lua would see another text.
static json_t *source_of(const char *name, const struct tend_buffer *text)
{
    json_t *string = memchr(tend_buffer_text(text), '\0', text->size) != NULL
                         ? NULL
                         : json_stringn(tend_buffer_text(text), text->size);
    return string == NULL ? NULL : json_pack("{s:s,s:o}", "name", name, "text", string);
}

// Reads `entry` of the directory `at`, called `name` in messages. @param[out] out  {"name","text"}
static enum tend_status read_file(struct walk *walk, int at, const char *entry, const char *name, json_t **out)
{
    const int fd = openat(at, entry, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return fault(walk, TEND_E_IO, name,
                     errno == ELOOP ? "a link; rules must be files themselves" : strerrordesc_np(errno));
    }
    struct stat about;
    const char *why = fstat(fd, &about) != 0 ? strerrordesc_np(errno) : untrusted(&about);
    if (why != NULL) {
        (void)close(fd);
        return fault(walk, TEND_E_INVALID, name, why);
    }
    struct tend_buffer text;
    tend_buffer_init(&text);
    enum tend_status status = read_all(fd, &text);
    (void)close(fd);
    walk->total_bytes += text.size;
    if (status == TEND_E_LIMIT) {
        (void)fault(walk, status, name, "larger than 1 MB");
    } else if (status != TEND_OK) {
        (void)fault(walk, status, name, status == TEND_E_IO ? "cannot be read" : tend_status_text(status));
    } else if (walk->total_bytes > MAX_TOTAL_BYTES) {
        status = fault(walk, TEND_E_LIMIT, name, "with this file there are more than 10 MB of rules");
    } else {
        *out = source_of(name, &text);
        if (*out == NULL && text.size > 0 && tend_buffer_text(&text)[0] == '\x1b') {
            char place[PATH_MAX];
            (void)snprintf(place, sizeof place, "%s:1", name);
            status = fault(walk, TEND_E_INVALID, place, "is bytecode; only source text is loaded");
        } else if (*out == NULL) {
            status = fault(walk, TEND_E_INVALID, name, "not UTF-8 text");
        }
    }
    tend_buffer_clear(&text);
    return status;
}

// NOLINTBEGIN(misc-no-recursion): at most MAX_DEPTH deep
static enum tend_status walk_directory(struct walk *walk, int at, const char *prefix, int depth);

static enum tend_status walk_subdirectory(struct walk *walk, int at, const char *entry, const char *name, int depth)
{
    if (depth >= MAX_DEPTH) {
        return fault(walk, TEND_E_LIMIT, name, "more than 8 directories deep");
    }
    const int fd = openat(at, entry, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY);
    if (fd < 0) {
        return fault(walk, TEND_E_IO, name, strerrordesc_np(errno));
    }
    char *prefix = NULL;
    if (asprintf(&prefix, "%s/", name) < 0) {
        (void)close(fd);
        return TEND_E_NOMEM;
    }
    const enum tend_status status = walk_directory(walk, fd, prefix, depth + 1);
    free(prefix);
    return status;
}

static enum tend_status walk_entry(struct walk *walk, int at, const char *entry, const char *name, int depth)
{
    struct stat about;
    if (fstatat(at, entry, &about, AT_SYMLINK_NOFOLLOW) != 0) {
        return fault(walk, TEND_E_IO, name, strerrordesc_np(errno));
    }
    if (S_ISDIR(about.st_mode)) {
        const bool is_env = depth == 0 && strcmp(entry, "env") == 0;
        return is_env ? TEND_OK : walk_subdirectory(walk, at, entry, name, depth);
    }
    if (!ends_with(entry, ".lua") || (ends_with(entry, "_test.lua") && !walk->with_tests)) {
        return TEND_OK;
    }
    if (json_array_size(walk->files) >= MAX_FILES) {
        return fault(walk, TEND_E_LIMIT, name, "more than 1,000 files of rules");
    }
    json_t *source = NULL;
    const enum tend_status status = read_file(walk, at, entry, name, &source);
    if (status == TEND_OK && json_array_append_new(walk->files, source) != 0) {
        return TEND_E_NOMEM;
    }
    return status;
}

// Takes the descriptor.
static enum tend_status walk_directory(struct walk *walk, int take_at, const char *prefix, int depth)
{
    struct dirent **entries = NULL;
    const int count = scandirat(take_at, ".", &entries, NULL, NULL);
    if (count < 0) {
        const enum tend_status status =
            fault(walk, TEND_E_IO, prefix[0] == '\0' ? "." : prefix, strerrordesc_np(errno));
        (void)close(take_at);
        return status;
    }
    enum tend_status status = TEND_OK;
    for (int i = 0; i < count; i++) {
        char *name = NULL;
        if (status == TEND_OK && entries[i]->d_name[0] != '.') {
            status = asprintf(&name, "%s%s", prefix, entries[i]->d_name) < 0 ? TEND_E_NOMEM : TEND_OK;
            if (status == TEND_OK) {
                status = walk_entry(walk, take_at, entries[i]->d_name, name, depth);
                free(name);
            }
        }
        free(entries[i]);
    }
    free((void *)entries);
    (void)close(take_at);
    return status;
}

// NOLINTEND(misc-no-recursion)

static int compare_names(const void *a, const void *b)
{
    const json_t *const *left = a;
    const json_t *const *right = b;
    return strcmp(tend_json_text(*left, "name", ""), tend_json_text(*right, "name", ""));
}

// The array in the order of names, by bytes, so that no locale or file system has a say.
static json_t *sorted(json_t *take_files)
{
    const size_t count = json_array_size(take_files);
    json_t **list = (json_t **)calloc(count + 1, sizeof *list);
    json_t *result = json_array();
    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = json_array_get(take_files, i);
    }
    if (list != NULL && result != NULL) {
        qsort((void *)list, count, sizeof *list, compare_names);
    }
    for (size_t i = 0; list != NULL && i < count; i++) {
        (void)json_array_append(result, list[i]);
    }
    free((void *)list);
    json_decref(take_files);
    return result;
}

// "prod" and "staging", of what there is to choose from; for a message.
static void list_envs(int at, struct tend_buffer *out)
{
    struct dirent **entries = NULL;
    const int count = scandirat(at, "env", &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (name[0] != '.' && ends_with(name, ".lua")) {
            tend_buffer_printf(out, "%s%.*s", out->size == 0 ? "" : ", ", (int)(strlen(name) - strlen(".lua")), name);
        }
        free(entries[i]);
    }
    free((void *)entries);
}

static bool is_env_name(const char *env)
{
    return env[0] != '\0' && env[0] != '.' &&
           strspn(env, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "0123456789_.-") == strlen(env);
}

static enum tend_status read_env(struct walk *walk, int at, const char *env, json_t **out)
{
    char name[256];
    struct stat about;
    if (!is_env_name(env) || snprintf(name, sizeof name, "env/%s.lua", env) >= (int)sizeof name) {
        tend_error_set(walk->error, "--env %s: a name is made of letters, digits, _ . and -", env);
        return TEND_E_INVALID;
    }
    if (fstatat(at, name, &about, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
        struct tend_buffer known;
        tend_buffer_init(&known);
        list_envs(at, &known);
        tend_error_set(walk->error, "%s: no such file; --env can be: %s", name,
                       known.size == 0 ? "nothing, there is no env directory" : tend_buffer_text(&known));
        tend_buffer_clear(&known);
        return TEND_E_INVALID;
    }
    return read_file(walk, at, name, name, out);
}

static enum tend_status read_secrets(const struct walk *walk, const char *directory, json_t **out)
{
    struct tend_secrets *secrets = NULL;
    const enum tend_status status = tend_secrets_open(directory, &secrets, walk->error);
    if (status != TEND_OK) {
        return status;
    }
    *out = tend_secrets_names(secrets);
    tend_secrets_close(secrets);
    return *out == NULL ? fault(walk, TEND_E_IO, directory, "its files cannot be listed") : TEND_OK;
}

static enum tend_status read_dir(const char *dir, const char *env, const char *secrets, bool with_tests,
                                 json_t **sources, struct tend_error *error)
{
    struct walk walk = { .files = json_array(), .error = error, .with_tests = with_tests };
    json_t *env_source = NULL;
    json_t *secret_names = NULL;
    const int at = open(dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (at < 0) {
        json_decref(walk.files);
        return fault(&walk, TEND_E_IO, dir, strerrordesc_np(errno));
    }
    const int again = fcntl(at, F_DUPFD_CLOEXEC, 0);
    enum tend_status status = again < 0 ? TEND_E_IO : walk_directory(&walk, again, "", 0);
    if (status == TEND_OK && json_array_size(walk.files) == 0) {
        status = fault(&walk, TEND_E_INVALID, dir, "there is no *.lua file");
    }
    if (status == TEND_OK && env != NULL) {
        status = read_env(&walk, at, env, &env_source);
    }
    if (status == TEND_OK && secrets != NULL) {
        status = read_secrets(&walk, secrets, &secret_names);
    }
    (void)close(at);
    if (status == TEND_OK) {
        *sources = json_pack("{s:o,s:o,s:o}", "files", sorted(walk.files), "env",
                             env_source == NULL ? json_null() : env_source, "secrets",
                             secret_names == NULL ? json_null() : secret_names);
        return *sources == NULL ? fault(&walk, TEND_E_NOMEM, dir, tend_status_text(TEND_E_NOMEM)) : TEND_OK;
    }
    json_decref(walk.files);
    json_decref(env_source);
    json_decref(secret_names);
    return status;
}

enum tend_status tend_rules_dir_read(const char *dir, const char *env, const char *secrets, json_t **sources,
                                     struct tend_error *error)
{
    return read_dir(dir, env, secrets, false, sources, error);
}

enum tend_status tend_rules_dir_read_with_tests(const char *dir, const char *env, json_t **sources,
                                                struct tend_error *error)
{
    return read_dir(dir, env, NULL, true, sources, error);
}

void tend_rules_dir_hash(const json_t *sources, char hash[65])
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    char *files = tend_json_canonical(json_object_get(sources, "files"));
    char *env = tend_json_canonical(json_object_get(sources, "env"));
    tend_buffer_put_text(&text, files == NULL ? "" : files);
    tend_buffer_put_u8(&text, 0);
    tend_buffer_put_text(&text, env == NULL ? "" : env);
    for (const struct tend_embedded_module *module = tend_embedded_modules; module->module != NULL; module++) {
        tend_buffer_put_string(&text, module->module, strlen(module->module));
        tend_buffer_put_string(&text, module->text, module->text_bytes);
    }
    TEND_ASSERT(!text.failed && files != NULL && env != NULL);
    tend_sha256_hex(text.data, text.size, hash);
    tend_buffer_clear(&text);
    free(files);
    free(env);
}
