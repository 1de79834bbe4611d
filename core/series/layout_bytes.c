// A column is its series' name and labels, apart, so that nothing has to be parsed, and its type.

#include "series/layout_bytes.h"

#include <stdlib.h>

enum { LEAST_COLUMN_BYTES = 9, LEAST_LABEL_BYTES = 8 };

static void save_column(const struct tend_column *column, struct tend_buffer *out)
{
    size_t bytes;
    const char *name = tend_label_set_name(column->labels, &bytes);
    tend_buffer_put_u8(out, (uint8_t)column->type);
    tend_buffer_put_string(out, name, bytes);
    size_t count;
    const struct tend_label *labels = tend_label_set_labels(column->labels, &count);
    tend_buffer_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        tend_buffer_put_string(out, labels[i].name, labels[i].name_bytes);
        tend_buffer_put_string(out, labels[i].value, labels[i].value_bytes);
    }
}

void tend_layout_save(const struct tend_layout *layout, struct tend_buffer *out)
{
    const size_t count = tend_layout_count(layout);
    tend_buffer_put_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        save_column(tend_layout_column(layout, i), out);
    }
}

// A count of things that are at least so many bytes each: no more than are left.
static size_t load_count(struct tend_reader *reader, size_t least_bytes)
{
    const size_t count = tend_reader_get_u32(reader);
    if (count > (size_t)(reader->end - reader->next) / least_bytes) {
        reader->failed = true;
        return 0;
    }
    return count;
}

static enum tend_status load_column(struct tend_reader *reader, struct tend_column *column)
{
    const uint8_t type = tend_reader_get_u8(reader);
    size_t name_bytes;
    const char *name = tend_reader_get_string(reader, &name_bytes);
    const size_t count = load_count(reader, LEAST_LABEL_BYTES);
    struct tend_label *labels = calloc(count + 1, sizeof *labels);
    if (labels == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        labels[i].name = tend_reader_get_string(reader, &labels[i].name_bytes);
        labels[i].value = tend_reader_get_string(reader, &labels[i].value_bytes);
    }
    enum tend_status status = TEND_E_CORRUPT;
    if (!reader->failed && type <= TEND_SERIES_STATE_SET) {
        column->type = (enum tend_series_type)type;
        status = tend_label_set_create(name, name_bytes, labels, count, &column->labels);
    }
    free(labels);
    return status;
}

static bool has_a_series_twice(const struct tend_layout *layout)
{
    for (size_t i = 0; i < tend_layout_count(layout); i++) {
        if (tend_layout_find(layout, tend_layout_column(layout, i)->labels) != i) {
            return true;
        }
    }
    return false;
}

enum tend_status tend_layout_load(struct tend_reader *reader, const struct tend_layout **out)
{
    const size_t count = load_count(reader, LEAST_COLUMN_BYTES);
    struct tend_column *columns = calloc(count + 1, sizeof *columns);
    enum tend_status status = columns == NULL ? TEND_E_NOMEM : reader->failed ? TEND_E_CORRUPT : TEND_OK;
    size_t made = 0;
    while (status == TEND_OK && made < count) {
        status = load_column(reader, &columns[made]);
        made += status == TEND_OK;
    }
    const struct tend_layout *layout = NULL;
    if (status == TEND_OK) {
        status = tend_layout_create(columns, count, &layout);
    }
    if (status == TEND_OK && has_a_series_twice(layout)) {
        status = TEND_E_CORRUPT;
        tend_layout_release(layout);
    }
    for (size_t i = 0; i < made; i++) {
        tend_label_set_release(columns[i].labels);
    }
    free(columns);
    if (status == TEND_OK) {
        *out = layout;
    } else {
        reader->failed = true;
    }
    return status;
}
