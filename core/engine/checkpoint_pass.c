// The values that a state is made of, each written and read by one function.

#include "engine/checkpoint_pass.h"

#include "series/layout_bytes.h"
#include "series/series_window.h"

#include <stdlib.h>
#include <string.h>

static void fail(struct tend_pass *pass, enum tend_status status, const char *what)
{
    if (tend_pass_saves(pass) || tend_pass_failed(pass)) {
        return; // what is saved is what there is
    }
    pass->status = status;
    tend_error_set(&pass->fault, "%s at byte %zu (%s)", what, (size_t)(pass->in.next - pass->begin), pass->part);
    pass->in.failed = true; // so that all that is read from here on is 0
}

void tend_pass_refuse(struct tend_pass *pass, const char *what)
{
    fail(pass, TEND_E_CORRUPT, what);
}

void tend_pass_no_memory(struct tend_pass *pass)
{
    if (tend_pass_saves(pass)) {
        pass->out->failed = true;
    } else {
        fail(pass, TEND_E_NOMEM, "out of memory");
    }
}

static void check_end(struct tend_pass *pass)
{
    if (pass->in.failed) {
        tend_pass_refuse(pass, "it ends too early");
    }
}

void tend_pass_u64(struct tend_pass *pass, uint64_t *value)
{
    if (tend_pass_saves(pass)) {
        tend_buffer_put_u64(pass->out, *value);
        return;
    }
    *value = tend_reader_get_u64(&pass->in);
    check_end(pass);
}

void tend_pass_i64(struct tend_pass *pass, int64_t *value)
{
    uint64_t bits = (uint64_t)*value;
    tend_pass_u64(pass, &bits);
    *value = (int64_t)bits;
}

void tend_pass_ms(struct tend_pass *pass, int64_t *value)
{
    tend_pass_i64(pass, value);
    const int64_t most_ms = INT64_C(1) << 60; // 36 million years: sums and differences of a few of them still fit
    if (!tend_pass_saves(pass) && *value != TEND_NEVER_MS && (*value > most_ms || *value < -most_ms)) {
        tend_pass_refuse(pass, "a time that is none");
        *value = 0;
    }
}

void tend_pass_size(struct tend_pass *pass, size_t *value)
{
    uint64_t wide = *value;
    tend_pass_u64(pass, &wide);
    *value = (size_t)wide;
}

void tend_pass_u32(struct tend_pass *pass, uint32_t *value)
{
    if (tend_pass_saves(pass)) {
        tend_buffer_put_u32(pass->out, *value);
        return;
    }
    *value = tend_reader_get_u32(&pass->in);
    check_end(pass);
}

void tend_pass_u8(struct tend_pass *pass, uint8_t *value)
{
    if (tend_pass_saves(pass)) {
        tend_buffer_put_u8(pass->out, *value);
        return;
    }
    *value = tend_reader_get_u8(&pass->in);
    check_end(pass);
}

void tend_pass_f64(struct tend_pass *pass, double *value)
{
    if (tend_pass_saves(pass)) {
        tend_buffer_put_f64(pass->out, *value);
        return;
    }
    *value = tend_reader_get_f64(&pass->in);
    check_end(pass);
}

unsigned tend_pass_choice(struct tend_pass *pass, unsigned value, unsigned last)
{
    uint8_t byte = (uint8_t)value;
    tend_pass_u8(pass, &byte);
    if (!tend_pass_saves(pass) && byte > last) {
        tend_pass_refuse(pass, "a state that is none");
        return 0;
    }
    return byte;
}

void tend_pass_flag(struct tend_pass *pass, bool *value)
{
    *value = tend_pass_choice(pass, *value, 1) != 0;
}

// Texts go into JSON, which takes no other.
static void check_utf8(struct tend_pass *pass, const char *bytes, size_t count)
{
    json_t *string = json_stringn(bytes, count);
    if (string == NULL) {
        tend_pass_refuse(pass, "a text that is no UTF-8");
    }
    json_decref(string);
}

static char *load_text(struct tend_pass *pass)
{
    size_t count;
    const char *bytes = tend_reader_get_string(&pass->in, &count);
    check_end(pass);
    if (memchr(bytes, '\0', count) != NULL) {
        tend_pass_refuse(pass, "a NUL in a text");
    }
    check_utf8(pass, bytes, count);
    if (tend_pass_failed(pass)) {
        return NULL;
    }
    char *text = strndup(bytes, count);
    if (text == NULL) {
        tend_pass_no_memory(pass);
    }
    return text;
}

void tend_pass_name(struct tend_pass *pass, char **text)
{
    if (tend_pass_saves(pass)) {
        TEND_ASSERT(*text != NULL);
        tend_buffer_put_string(pass->out, *text, strlen(*text));
    } else {
        *text = load_text(pass);
    }
}

void tend_pass_text(struct tend_pass *pass, char **text)
{
    bool there = *text != NULL;
    tend_pass_flag(pass, &there);
    if (there) {
        tend_pass_name(pass, text);
    }
}

void tend_pass_array_text(struct tend_pass *pass, char *text, size_t bytes)
{
    tend_pass_cut_text(pass, text, bytes);
    if (!tend_pass_saves(pass)) {
        check_utf8(pass, text, strlen(text));
    }
}

void tend_pass_cut_text(struct tend_pass *pass, char *text, size_t bytes)
{
    if (tend_pass_saves(pass)) {
        tend_buffer_put_string(pass->out, text, strnlen(text, bytes));
        return;
    }
    size_t count;
    const char *from = tend_reader_get_string(&pass->in, &count);
    check_end(pass);
    if (count >= bytes || memchr(from, '\0', count) != NULL) {
        tend_pass_refuse(pass, "a text that does not fit");
        count = 0;
    }
    memcpy(text, from, count);
    memset(text + count, 0, bytes - count);
}

static void save_json(struct tend_pass *pass, const json_t *json)
{
    char *text = tend_json_canonical(json);
    if (text == NULL) {
        tend_pass_no_memory(pass);
        return;
    }
    tend_buffer_put_string(pass->out, text, strlen(text));
    free(text);
}

void tend_pass_json(struct tend_pass *pass, json_t **json)
{
    bool there = *json != NULL;
    tend_pass_flag(pass, &there);
    if (!there) {
        return;
    }
    if (tend_pass_saves(pass)) {
        save_json(pass, *json);
        return;
    }
    size_t count;
    const char *bytes = tend_reader_get_string(&pass->in, &count);
    check_end(pass);
    json_error_t error;
    *json = tend_pass_failed(pass) ? NULL : json_loadb(bytes, count, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (*json == NULL) {
        tend_pass_refuse(pass, "a value that is no JSON");
    }
}

void tend_pass_object(struct tend_pass *pass, json_t **json)
{
    tend_pass_json(pass, json);
    if (!tend_pass_saves(pass) && !json_is_object(*json)) {
        tend_pass_refuse(pass, "a value that is no object");
    }
}

void tend_pass_count(struct tend_pass *pass, size_t *count, size_t least_bytes)
{
    if (tend_pass_saves(pass)) {
        TEND_ASSERT(*count <= UINT32_MAX);
        tend_buffer_put_u32(pass->out, (uint32_t)*count);
        return;
    }
    *count = tend_reader_get_u32(&pass->in);
    check_end(pass);
    if (*count > (size_t)(pass->in.end - pass->in.next) / least_bytes) {
        tend_pass_refuse(pass, "a count of more than there is");
    }
    *count = tend_pass_failed(pass) ? 0 : *count;
}

void *tend_pass_array(struct tend_pass *pass, void *array, size_t *count, size_t element_bytes, size_t least_bytes)
{
    tend_pass_count(pass, count, least_bytes);
    if (tend_pass_saves(pass)) {
        return array;
    }
    void *made = tend_pass_failed(pass) ? NULL : calloc(*count + 1, element_bytes);
    if (made == NULL) {
        *count = 0;
        tend_pass_no_memory(pass);
    }
    return made;
}

char **tend_pass_names(struct tend_pass *pass, char **names, size_t *count)
{
    char **array = (char **)tend_pass_array(pass, (void *)names, count, sizeof *names, sizeof(uint32_t));
    for (size_t i = 0; i < *count; i++) {
        tend_pass_name(pass, &array[i]);
    }
    return array;
}

void tend_pass_index(struct tend_pass *pass, size_t *index, size_t count)
{
    uint32_t narrow = (uint32_t)*index;
    tend_pass_u32(pass, &narrow);
    *index = narrow;
    if (!tend_pass_saves(pass) && narrow >= count) {
        tend_pass_refuse(pass, "a number of something that is not there");
        *index = 0;
    }
}

enum { NO_LAYOUT, NEW_LAYOUT, KNOWN_LAYOUT };

// Equal layouts get one number whether or not they are one in memory: which of them are is chance.
static void save_layout(struct tend_pass *pass, const struct tend_layout *layout)
{
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    tend_layout_save(layout, &bytes);
    const void *known = bytes.failed ? NULL : tend_hash_map_find(pass->known, bytes.data, bytes.size);
    if (known != NULL) {
        tend_buffer_put_u8(pass->out, KNOWN_LAYOUT);
        tend_buffer_put_u32(pass->out, (uint32_t)((uintptr_t)known - 1));
    } else {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): a number where the map keeps a pointer; nobody follows it
        void *number = (void *)(uintptr_t)++pass->layout_count;
        if (bytes.failed || tend_hash_map_set(pass->known, bytes.data, bytes.size, number) != TEND_OK) {
            tend_pass_no_memory(pass);
        }
        tend_buffer_put_u8(pass->out, NEW_LAYOUT);
        tend_buffer_put(pass->out, bytes.data, bytes.size);
    }
    tend_buffer_clear(&bytes);
}

static const struct tend_layout *load_new_layout(struct tend_pass *pass)
{
    const struct tend_layout **grown =
        reallocarray((void *)pass->layouts, pass->layout_count + 1, sizeof(struct tend_layout *));
    if (grown == NULL) {
        tend_pass_no_memory(pass);
        return NULL;
    }
    pass->layouts = grown;
    const struct tend_layout *layout = NULL;
    const enum tend_status status = tend_layout_load(&pass->in, &layout);
    if (status == TEND_E_NOMEM) {
        tend_pass_no_memory(pass);
    } else if (status != TEND_OK) {
        tend_pass_refuse(pass, "a layout that is none");
    } else {
        grown[pass->layout_count++] = layout;
    }
    return layout;
}

const struct tend_layout *tend_pass_layout(struct tend_pass *pass, const struct tend_layout *layout)
{
    if (tend_pass_saves(pass) && layout != NULL) {
        save_layout(pass, layout);
        return layout;
    }
    const unsigned how = tend_pass_choice(pass, NO_LAYOUT, KNOWN_LAYOUT);
    if (how == NO_LAYOUT) {
        return NULL;
    }
    if (how == NEW_LAYOUT) {
        return load_new_layout(pass);
    }
    size_t number = 0;
    tend_pass_index(pass, &number, pass->layout_count);
    return tend_pass_failed(pass) ? NULL : pass->layouts[number];
}
