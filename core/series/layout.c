// One block: the struct, its columns, and the columns' indexes sorted by canonical text, for tend_layout_find.
//
// Sorted and not hashed: a layout is made rarely and searched rarely (a new series, a changed layout), and a sorted
// list needs no key, no second table and gives the same result on every machine.
//
// `references` points into the block itself: a shared layout is const for those who hold it, but its count must move.

#include "series/layout.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct sorted_column {
    const struct tend_label_set *labels;
    size_t column;
};

struct tend_layout {
    size_t *references; // &reference_count
    size_t reference_count;
    size_t count;
    struct tend_column *columns;  // in the block
    struct sorted_column *sorted; // in the block
};

double tend_stale(void)
{
    const uint64_t bits = TEND_STALE_BITS;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool tend_is_stale(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits == TEND_STALE_BITS;
}

static int compare_columns(const void *a, const void *b)
{
    const struct sorted_column *left = a;
    const struct sorted_column *right = b;
    return tend_label_set_compare(left->labels, right->labels);
}

enum tend_status tend_layout_create(const struct tend_column *columns, size_t count, const struct tend_layout **out)
{
    struct tend_layout *layout =
        malloc(sizeof *layout + count * (sizeof(struct tend_column) + sizeof(struct sorted_column)));
    if (layout == NULL) {
        return TEND_E_NOMEM;
    }
    layout->references = &layout->reference_count;
    layout->reference_count = 1;
    layout->count = count;
    layout->sorted = (struct sorted_column *)(void *)(layout + 1);
    layout->columns = (struct tend_column *)(void *)(layout->sorted + count);
    for (size_t i = 0; i < count; i++) {
        layout->columns[i] = columns[i];
        tend_label_set_retain(columns[i].labels);
        layout->sorted[i] = (struct sorted_column){ .labels = columns[i].labels, .column = i };
    }
    qsort(layout->sorted, count, sizeof layout->sorted[0], compare_columns);
    *out = layout;
    return TEND_OK;
}

const struct tend_layout *tend_layout_retain(const struct tend_layout *layout)
{
    ++*layout->references;
    return layout;
}

void tend_layout_release(const struct tend_layout *layout)
{
    if (layout == NULL || --*layout->references > 0) {
        return;
    }
    for (size_t i = 0; i < layout->count; i++) {
        tend_label_set_release(layout->columns[i].labels);
    }
    size_t *count = layout->references; // the way to the block that is not const
    free((char *)count - offsetof(struct tend_layout, reference_count));
}

size_t tend_layout_count(const struct tend_layout *layout)
{
    return layout->count;
}

const struct tend_column *tend_layout_column(const struct tend_layout *layout, size_t column)
{
    TEND_ASSERT(column < layout->count);
    return &layout->columns[column];
}

size_t tend_layout_find(const struct tend_layout *layout, const struct tend_label_set *labels)
{
    const struct sorted_column key = { .labels = labels, .column = 0 };
    const struct sorted_column *found =
        layout->count == 0 ? NULL
                           : bsearch(&key, layout->sorted, layout->count, sizeof layout->sorted[0], compare_columns);
    return found == NULL ? TEND_NO_COLUMN : found->column;
}

bool tend_layout_equal(const struct tend_layout *a, const struct tend_layout *b)
{
    if (a == b) {
        return true;
    }
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->columns[i].type != b->columns[i].type ||
            !tend_label_set_equal(a->columns[i].labels, b->columns[i].labels)) {
            return false;
        }
    }
    return true;
}
