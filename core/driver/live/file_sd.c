// jansson reads, this checks. The labels of a group are one JSON object that its targets share by reference.

#include "driver/live/file_sd.h"

#include "base/buffer.h"
#include "base/log.h"
#include "parse/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME_LABEL "__scheme__"
#define PATH_LABEL "__metrics_path__"
#define PARAMETER_LABEL "__param_"

void tend_file_sd_init(struct tend_file_sd *file)
{
    *file = (struct tend_file_sd){ .targets = NULL };
}

// Only to free: what is in the list is ours, though the event's type says const.
static void free_text(const char *text)
{
    union {
        const char *from;
        char *to;
    } both = { .from = text };
    free(both.to);
}

void tend_file_sd_clear(struct tend_file_sd *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free_text(file->targets[i].url);
        free_text(file->targets[i].address);
        json_decref(file->targets[i].labels);
    }
    free(file->targets);
    tend_file_sd_init(file);
}

static bool is_label_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_') {
        return false;
    }
    for (; *name != '\0'; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_') {
            return false;
        }
    }
    return true;
}

// For messages: a text of the file, escaped and not too long.
static void quote(struct tend_buffer *out, const char *text)
{
    const size_t bytes = strlen(text);
    tend_log_escape(out, text, bytes < 80 ? bytes : 80);
}

static enum tend_status check_labels(json_t *labels, size_t group, struct tend_error *error)
{
    if (labels != NULL && !json_is_object(labels) && !json_is_null(labels)) {
        tend_error_set(error, "element %zu: labels must be an object", group);
        return TEND_E_INVALID;
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(labels, name, value)
    {
        const bool is_name = is_label_name(name);
        if (!is_name || !json_is_string(value)) {
            struct tend_buffer quoted;
            tend_buffer_init(&quoted);
            quote(&quoted, name);
            tend_error_set(error,
                           is_name ? "element %zu: the label %s must be a string" : "element %zu: %s is no label name",
                           group, tend_buffer_text(&quoted));
            tend_buffer_clear(&quoted);
            return TEND_E_INVALID;
        }
    }
    return TEND_OK;
}

// The labels that stay. @return a new object, or NULL: out of memory
static json_t *visible_labels(json_t *labels)
{
    json_t *visible = json_object();
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(labels, name, value)
    {
        if (strncmp(name, "__", 2) != 0 && json_object_set(visible, name, value) != 0) {
            json_decref(visible);
            return NULL;
        }
    }
    return visible;
}

static void put_percent_encoded(struct tend_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL) {
            tend_buffer_put(out, text, 1);
        } else {
            tend_buffer_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
        }
    }
}

static int compare_texts(const void *left, const void *right)
{
    const char *const *a = left;
    const char *const *b = right;
    return strcmp(*a, *b);
}

// Appends the query that the __param_ labels make, in order of their names.
static enum tend_status put_parameters(struct tend_buffer *url, json_t *labels, bool has_query)
{
    const char **names = calloc(json_object_size(labels) + 1, sizeof *names);
    if (names == NULL) {
        return TEND_E_NOMEM;
    }
    size_t count = 0;
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(labels, name, value)
    {
        if (strncmp(name, PARAMETER_LABEL, strlen(PARAMETER_LABEL)) == 0 && name[strlen(PARAMETER_LABEL)] != '\0') {
            names[count++] = name;
        }
    }
    if (count > 1) {
        qsort(names, count, sizeof *names, compare_texts);
    }
    for (size_t i = 0; i < count; i++) {
        tend_buffer_put_text(url, has_query || i > 0 ? "&" : "?");
        put_percent_encoded(url, names[i] + strlen(PARAMETER_LABEL));
        tend_buffer_put_text(url, "=");
        put_percent_encoded(url, tend_json_text(labels, names[i], ""));
    }
    free(names);
    return TEND_OK;
}

// @return TEND_E_INVALID with the reason: this target is left out
static enum tend_status make_url(const char *address, json_t *labels, struct tend_buffer *url,
                                 struct tend_error *reason)
{
    const char *path = tend_json_text(labels, PATH_LABEL, "/metrics");
    path = path[0] == '\0' ? "/metrics" : path;
    if (address[0] == '\0' || address[strcspn(address, "/?@#")] != '\0') {
        struct tend_buffer quoted;
        tend_buffer_init(&quoted);
        quote(&quoted, address);
        tend_error_set(reason, "%s is no host:port", tend_buffer_text(&quoted));
        tend_buffer_clear(&quoted);
        return TEND_E_INVALID;
    }
    tend_buffer_put_text(url, tend_json_text(labels, SCHEME_LABEL, "http"));
    tend_buffer_put_text(url, "://");
    tend_buffer_put_text(url, address);
    tend_buffer_put_text(url, path[0] == '/' ? "" : "/");
    tend_buffer_put_text(url, path);
    enum tend_status status = put_parameters(url, labels, strchr(path, '?') != NULL);
    if (status == TEND_OK && url->failed) {
        status = TEND_E_NOMEM;
    }
    struct tend_url parts;
    return status != TEND_OK ? status : tend_url_parse(tend_buffer_text(url), url->size, &parts, reason);
}

static enum tend_status append(struct tend_file_sd *file, const char *url, const char *address, json_t *labels)
{
    if (file->count == file->capacity) {
        const size_t capacity = file->capacity == 0 ? 16 : file->capacity * 2;
        struct tend_discovered *targets = reallocarray(file->targets, capacity, sizeof *targets);
        if (targets == NULL) {
            return TEND_E_NOMEM;
        }
        file->targets = targets;
        file->capacity = capacity;
    }
    char *url_copy = strdup(url);
    char *address_copy = strdup(address);
    if (url_copy == NULL || address_copy == NULL) {
        free(url_copy);
        free(address_copy);
        return TEND_E_NOMEM;
    }
    file->targets[file->count++] =
        (struct tend_discovered){ .url = url_copy, .address = address_copy, .labels = json_incref(labels) };
    return TEND_OK;
}

static enum tend_status add_target(struct tend_file_sd *file, const json_t *target, json_t *labels, json_t *visible,
                                   size_t group, struct tend_error *error)
{
    if (!json_is_string(target)) {
        tend_error_set(error, "element %zu: targets must be strings", group);
        return TEND_E_INVALID;
    }
    if (file->count >= TEND_FILE_SD_TARGETS_MAX) {
        tend_error_set(error, "over %d targets", TEND_FILE_SD_TARGETS_MAX);
        return TEND_E_LIMIT;
    }
    const char *address = json_string_value(target);
    struct tend_buffer url;
    tend_buffer_init(&url);
    struct tend_error reason = { "" };
    enum tend_status status = make_url(address, labels, &url, &reason);
    if (status == TEND_OK) {
        status = append(file, tend_buffer_text(&url), address, visible);
    } else if (status != TEND_E_NOMEM) {
        if (file->left_out++ == 0) {
            tend_error_set(&file->reason, "element %zu: %s", group, reason.text);
        }
        status = TEND_OK;
    }
    tend_buffer_clear(&url);
    return status;
}

static enum tend_status add_group(struct tend_file_sd *file, json_t *element, size_t group, struct tend_error *error)
{
    if (!json_is_object(element)) {
        tend_error_set(error, json_is_null(element) ? "element %zu is null" : "element %zu must be an object", group);
        return TEND_E_INVALID;
    }
    json_t *labels = json_object_get(element, "labels");
    const json_t *targets = json_object_get(element, "targets");
    if (targets != NULL && !json_is_array(targets)) {
        tend_error_set(error, "element %zu: targets must be a list", group);
        return TEND_E_INVALID;
    }
    enum tend_status status = check_labels(labels, group, error);
    if (status != TEND_OK) {
        return status;
    }
    json_t *visible = visible_labels(labels);
    if (visible == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < json_array_size(targets) && status == TEND_OK; i++) {
        status = add_target(file, json_array_get(targets, i), labels, visible, group, error);
    }
    json_decref(visible);
    return status;
}

enum tend_status tend_file_sd_parse(const char *text, size_t bytes, struct tend_file_sd *file, struct tend_error *error)
{
    json_error_t fault;
    json_t *root = json_loadb(text, bytes, 0, &fault);
    if (root == NULL && fault.text[0] == '\0') {
        return TEND_E_NOMEM; // what jansson mostly makes of it; else it says that a token is wrong
    }
    if (root == NULL) {
        struct tend_buffer quoted; // the message quotes what it stumbled over
        tend_buffer_init(&quoted);
        tend_log_escape(&quoted, fault.text, strlen(fault.text));
        tend_error_set(error, "line %d, column %d: %s", fault.line, fault.column, tend_buffer_text(&quoted));
        tend_buffer_clear(&quoted);
        return TEND_E_INVALID;
    }
    enum tend_status status = TEND_OK;
    if (!json_is_array(root)) {
        tend_error_set(error, "the file must hold a list: [{\"targets\":[…],\"labels\":{…}}]");
        status = TEND_E_INVALID;
    }
    for (size_t i = 0; i < json_array_size(root) && status == TEND_OK; i++) {
        status = add_group(file, json_array_get(root, i), i + 1, error);
    }
    json_decref(root);
    if (status != TEND_OK) {
        tend_file_sd_clear(file);
    }
    return status;
}
