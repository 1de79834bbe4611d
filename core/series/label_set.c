// One block: the struct, its labels, then the bytes: name, label names and values (each with a NUL), the canonical
// text.
//
// The text is made at once, for it is what sets are compared, sorted and shown by; it is written twice by the same
// code, first only to count its bytes.
//
// `references` points into the block itself: a shared set is const for those who hold it, but its count must move.

#include "series/label_set.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct tend_label_set {
    size_t *references; // &reference_count
    size_t reference_count;
    const char *name;
    size_t name_bytes;
    const char *text;
    size_t text_bytes;
    size_t label_count;
    struct tend_label labels[]; // sorted by name
};

// Writes bytes, or with next == NULL only counts them.
struct writer {
    char *next;
    size_t bytes;
};

static const char *put(struct writer *writer, const char *bytes, size_t count)
{
    const char *start = writer->next;
    if (writer->next != NULL) {
        if (count > 0) {
            memcpy(writer->next, bytes, count);
        }
        writer->next += count;
    }
    writer->bytes += count;
    return start;
}

static const char *put_with_nul(struct writer *writer, const char *bytes, size_t count)
{
    const char *start = put(writer, bytes, count);
    put(writer, "", 1);
    return start;
}

static void put_quoted(struct writer *writer, const char *bytes, size_t count)
{
    put(writer, "\"", 1);
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\\') {
            put(writer, "\\\\", 2);
        } else if (bytes[i] == '"') {
            put(writer, "\\\"", 2);
        } else if (bytes[i] == '\n') {
            put(writer, "\\n", 2);
        } else {
            put(writer, bytes + i, 1);
        }
    }
    put(writer, "\"", 1);
}

static bool is_plain_name(const char *name, size_t bytes, bool colons)
{
    for (size_t i = 0; i < bytes; i++) {
        const char c = name[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return bytes > 0;
}

static void put_text(struct writer *writer, const struct tend_label_set *set)
{
    const bool plain = is_plain_name(set->name, set->name_bytes, true);
    if (plain) {
        put(writer, set->name, set->name_bytes);
    }
    const bool name_inside = !plain && set->name_bytes > 0;
    if (set->label_count == 0 && !name_inside) {
        return;
    }
    put(writer, "{", 1);
    if (name_inside) {
        put_quoted(writer, set->name, set->name_bytes);
    }
    for (size_t i = 0; i < set->label_count; i++) {
        const struct tend_label *label = &set->labels[i];
        if (i > 0 || name_inside) {
            put(writer, ",", 1);
        }
        if (is_plain_name(label->name, label->name_bytes, false)) {
            put(writer, label->name, label->name_bytes);
        } else {
            put_quoted(writer, label->name, label->name_bytes);
        }
        put(writer, "=", 1);
        put_quoted(writer, label->value, label->value_bytes);
    }
    put(writer, "}", 1);
}

static int compare_bytes(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    const size_t shorter = a_bytes < b_bytes ? a_bytes : b_bytes;
    const int order = shorter == 0 ? 0 : memcmp(a, b, shorter);
    if (order != 0) {
        return order;
    }
    return (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int compare_labels(const void *a, const void *b)
{
    const struct tend_label *left = a;
    const struct tend_label *right = b;
    return compare_bytes(left->name, left->name_bytes, right->name, right->name_bytes);
}

// Fills name and labels with the caller's pointers: good for counting, and replaced by copies before create returns.
static void borrow(struct tend_label_set *set, const char *name, size_t name_bytes, const struct tend_label *labels,
                   size_t label_count)
{
    set->references = &set->reference_count;
    set->reference_count = 1;
    set->name = name;
    set->name_bytes = name_bytes;
    set->label_count = 0;
    for (size_t i = 0; i < label_count; i++) {
        if (labels[i].value_bytes > 0) {
            set->labels[set->label_count++] = labels[i];
        }
    }
    qsort(set->labels, set->label_count, sizeof set->labels[0], compare_labels);
}

static void put_copies(struct writer *writer, struct tend_label_set *set)
{
    const bool counting = writer->next == NULL;
    const char *name = put_with_nul(writer, set->name, set->name_bytes);
    set->name = counting ? set->name : name;
    for (size_t i = 0; i < set->label_count; i++) {
        struct tend_label *label = &set->labels[i];
        const char *label_name = put_with_nul(writer, label->name, label->name_bytes);
        const char *value = put_with_nul(writer, label->value, label->value_bytes);
        label->name = counting ? label->name : label_name;
        label->value = counting ? label->value : value;
    }
    const size_t before = writer->bytes;
    set->text = writer->next;
    put_text(writer, set);
    set->text_bytes = writer->bytes - before;
    put(writer, "", 1);
}

enum tend_status tend_label_set_create(const char *name, size_t name_bytes, const struct tend_label *labels,
                                       size_t label_count, const struct tend_label_set **out)
{
    const size_t head_bytes = sizeof(struct tend_label_set) + label_count * sizeof(struct tend_label);
    struct tend_label_set *set = malloc(head_bytes);
    if (set == NULL) {
        return TEND_E_NOMEM;
    }
    borrow(set, name, name_bytes, labels, label_count);
    struct writer counter = { .next = NULL, .bytes = 0 };
    put_copies(&counter, set);
    struct tend_label_set *grown = realloc(set, head_bytes + counter.bytes);
    if (grown == NULL) {
        free(set);
        return TEND_E_NOMEM;
    }
    set = grown;
    set->references = &set->reference_count;
    struct writer writer = { .next = (char *)set + head_bytes, .bytes = 0 };
    put_copies(&writer, set);
    *out = set;
    return TEND_OK;
}

const struct tend_label_set *tend_label_set_retain(const struct tend_label_set *set)
{
    ++*set->references;
    return set;
}

void tend_label_set_release(const struct tend_label_set *set)
{
    if (set != NULL && --*set->references == 0) {
        size_t *count = set->references; // the way to the block that is not const
        free((char *)count - offsetof(struct tend_label_set, reference_count));
    }
}

const char *tend_label_set_name(const struct tend_label_set *set, size_t *bytes)
{
    if (bytes != NULL) {
        *bytes = set->name_bytes;
    }
    return set->name;
}

const char *tend_label_set_get(const struct tend_label_set *set, const char *label_name, size_t *bytes)
{
    const size_t name_bytes = strlen(label_name);
    for (size_t i = 0; i < set->label_count; i++) {
        const struct tend_label *label = &set->labels[i];
        if (label->name_bytes == name_bytes && memcmp(label->name, label_name, name_bytes) == 0) {
            if (bytes != NULL) {
                *bytes = label->value_bytes;
            }
            return label->value;
        }
    }
    return NULL;
}

const struct tend_label *tend_label_set_labels(const struct tend_label_set *set, size_t *count)
{
    *count = set->label_count;
    return set->labels;
}

const char *tend_label_set_text(const struct tend_label_set *set, size_t *bytes)
{
    if (bytes != NULL) {
        *bytes = set->text_bytes;
    }
    return set->text;
}

bool tend_label_set_equal(const struct tend_label_set *a, const struct tend_label_set *b)
{
    return a == b || (a->text_bytes == b->text_bytes && memcmp(a->text, b->text, a->text_bytes) == 0);
}

int tend_label_set_compare(const struct tend_label_set *a, const struct tend_label_set *b)
{
    return a == b ? 0 : compare_bytes(a->text, a->text_bytes, b->text, b->text_bytes);
}
