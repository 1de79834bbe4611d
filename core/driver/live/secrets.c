// Every read goes file → stack → the caller's buffer; the stack is wiped, and a buffer that has to grow is copied and
// wiped by hand, because realloc would leave the old bytes behind in freed memory.

#include "driver/live/secrets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 64 * 1024, NAME_BYTES_MAX = 200 };

struct tend_secrets {
    int directory;
};

enum tend_status tend_secrets_open(const char *directory, struct tend_secrets **out, struct tend_error *error)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        tend_error_set(error, "cannot open the secrets directory %s: %s", directory, strerrordesc_np(errno));
        return TEND_E_IO;
    }
    struct stat stat;
    if (fstat(fd, &stat) != 0 || ((stat.st_mode & S_IWOTH) != 0 && (stat.st_mode & S_ISVTX) == 0)) {
        tend_error_set(error, "others may write to the secrets directory %s; chmod o-w it", directory);
        (void)close(fd);
        return TEND_E_INVALID;
    }
    struct tend_secrets *secrets = malloc(sizeof *secrets);
    if (secrets == NULL) {
        (void)close(fd);
        return TEND_E_NOMEM;
    }
    secrets->directory = fd;
    *out = secrets;
    return TEND_OK;
}

void tend_secrets_close(struct tend_secrets *secrets)
{
    if (secrets != NULL) {
        (void)close(secrets->directory);
        free(secrets);
    }
}

static bool is_name(const char *name)
{
    const size_t bytes = strlen(name);
    return bytes > 0 && bytes <= NAME_BYTES_MAX && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == bytes;
}

static int compare_names(const void *left, const void *right)
{
    const json_t *const *a = left;
    const json_t *const *b = right;
    return strcmp(json_string_value(*a), json_string_value(*b));
}

static json_t *sorted_array(json_t **names, size_t count)
{
    if (count > 0) {
        qsort(names, count, sizeof(json_t *), compare_names);
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        if (array == NULL || json_array_append(array, names[i]) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

json_t *tend_secrets_names(const struct tend_secrets *secrets)
{
    const int fd = openat(secrets->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (listing == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return NULL;
    }
    json_t **names = NULL;
    size_t count = 0;
    bool failed = false;
    const struct dirent *entry = NULL;
    while (!failed && (entry = readdir(listing)) != NULL) { // NOLINT(concurrency-mt-unsafe): the listing is our own
        struct stat stat;
        if (!is_name(entry->d_name) || fstatat(fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(stat.st_mode)) {
            continue;
        }
        json_t **grown = reallocarray(names, count + 1, sizeof(json_t *));
        json_t *name = json_string(entry->d_name);
        failed = grown == NULL || name == NULL;
        names = grown == NULL ? names : grown;
        if (!failed) {
            names[count++] = name;
        } else {
            json_decref(name);
        }
    }
    (void)closedir(listing);
    json_t *array = failed ? NULL : sorted_array(names, count);
    for (size_t i = 0; i < count; i++) {
        json_decref(names[i]);
    }
    free(names);
    return array;
}

// Appends without leaving the buffer's earlier bytes anywhere.
static enum tend_status append(struct tend_buffer *out, const char *bytes, size_t count)
{
    const size_t needed = out->size + count + 1;
    if (needed > out->capacity) {
        char *data = malloc(needed * 2);
        if (data == NULL) {
            return TEND_E_NOMEM;
        }
        if (out->data != NULL) {
            memcpy(data, out->data, out->size);
            explicit_bzero(out->data, out->capacity);
            free(out->data);
        }
        out->data = data;
        out->capacity = needed * 2;
    }
    if (count > 0) {
        memcpy(out->data + out->size, bytes, count);
    }
    out->size += count;
    out->data[out->size] = '\0';
    return TEND_OK;
}

static enum tend_status check_file(int fd, const char *name, struct tend_error *error)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        tend_error_set(error, "secret %s is no regular file", name);
        return TEND_E_INVALID;
    }
    if (stat.st_uid != 0 && stat.st_uid != geteuid()) {
        tend_error_set(error, "secret %s belongs to another user (uid %u)", name, (unsigned)stat.st_uid);
        return TEND_E_INVALID;
    }
    if ((stat.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        tend_error_set(error, "secret %s has the mode %03o, open to others; chmod 600 it", name,
                       (unsigned)(stat.st_mode & 0777));
        return TEND_E_INVALID;
    }
    if (stat.st_size > SECRET_BYTES_MAX) {
        tend_error_set(error, "secret %s is over %d bytes", name, SECRET_BYTES_MAX);
        return TEND_E_LIMIT;
    }
    return TEND_OK;
}

static enum tend_status read_file(int fd, const char *name, struct tend_buffer *out, struct tend_error *error)
{
    char bytes[SECRET_BYTES_MAX + 1];
    size_t count = 0;
    ssize_t got = 0;
    while (count < sizeof bytes && (got = read(fd, bytes + count, sizeof bytes - count)) > 0) {
        count += (size_t)got;
    }
    enum tend_status status = TEND_OK;
    if (got < 0) {
        tend_error_set(error, "cannot read secret %s: %s", name, strerrordesc_np(errno));
        status = TEND_E_IO;
    } else if (count > SECRET_BYTES_MAX) {
        tend_error_set(error, "secret %s is over %d bytes", name, SECRET_BYTES_MAX);
        status = TEND_E_LIMIT;
    } else {
        count -= count > 0 && bytes[count - 1] == '\n' ? 1 : 0;
        count -= count > 0 && bytes[count - 1] == '\r' ? 1 : 0;
        if (count == 0 || memchr(bytes, '\0', count) != NULL) {
            tend_error_set(error, count == 0 ? "secret %s is empty" : "secret %s has a NUL in it", name);
            status = TEND_E_INVALID;
        } else {
            status = append(out, bytes, count);
        }
    }
    explicit_bzero(bytes, sizeof bytes);
    return status;
}

enum tend_status tend_secrets_get(const struct tend_secrets *secrets, const char *name, struct tend_buffer *out,
                                  struct tend_error *error)
{
    if (secrets == NULL) {
        tend_error_set(error, "no secret %.*s: start with --secrets DIR", NAME_BYTES_MAX, name);
        return TEND_E_INVALID;
    }
    if (!is_name(name)) {
        tend_error_set(error, "\"%.*s\" is no name of a secret: letters, digits, \"_\", \"-\" and \".\"",
                       NAME_BYTES_MAX, name);
        return TEND_E_INVALID;
    }
    // O_NONBLOCK: a FIFO in there must not stop the loop
    const int fd = openat(secrets->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        const int reason = errno;
        tend_error_set(error, reason == ENOENT ? "no secret %s in the secrets directory" : "cannot read secret %s: %s",
                       name, strerrordesc_np(reason));
        return reason == ENOENT || reason == ELOOP ? TEND_E_INVALID : TEND_E_IO;
    }
    enum tend_status status = check_file(fd, name, error);
    if (status == TEND_OK) {
        status = read_file(fd, name, out, error);
    }
    (void)close(fd);
    return status;
}

static enum tend_status resolve_one(const struct tend_secrets *secrets, const json_t *text, struct tend_buffer *out,
                                    struct tend_error *error)
{
    if (json_is_string(text)) {
        return append(out, json_string_value(text), json_string_length(text));
    }
    const char *name = tend_json_text(text, "secret", NULL);
    if (name == NULL) {
        tend_error_set(error, "a text is a string, a secret, or a list of those");
        return TEND_E_INVALID;
    }
    return tend_secrets_get(secrets, name, out, error);
}

enum tend_status tend_secrets_resolve(const struct tend_secrets *secrets, const json_t *text, struct tend_buffer *out,
                                      struct tend_error *error)
{
    if (!json_is_array(text)) {
        return resolve_one(secrets, text, out, error);
    }
    for (size_t i = 0; i < json_array_size(text); i++) {
        const enum tend_status status = resolve_one(secrets, json_array_get(text, i), out, error);
        if (status != TEND_OK) {
            return status;
        }
    }
    return TEND_OK;
}

void tend_secrets_wipe(struct tend_buffer *buffer)
{
    if (buffer->data != NULL) {
        explicit_bzero(buffer->data, buffer->capacity);
    }
    tend_buffer_clear(buffer);
}
