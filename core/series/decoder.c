// How a line finds its column, cheapest way first:
//   1. by position: a target sends the same series in the same order, so the next line is compared with the line that
//      followed in the last body;
//   2. by the hash of its bytes, which also says where in the last body to go on;
//   3. never seen: selectors are asked; a wanted one gets the column of its label set (the same labels in another order
//      are the same series), or a new one.
//
// All or nothing: while a body is parsed, new lines stand at the end of the line table and new columns in `added`; the
// layout in force is not touched. A body that fails takes them back: `added` is released, the table is truncated.
//
// Columns are dropped when a quarter of them (and at least 16) was absent for `keep_scrapes` bodies, or at once when
// the limit would be passed. Lines of dropped columns must go too; they are among the lines that the body does not
// have, and those are all forgotten then. Lines are also forgotten when there are more than four times as many as the
// body has.
//
// Invariants: values and last_seen hold at least layout count + added count entries; order lists the ids of the last
// body's lines; line.column is TEND_UNWANTED or below layout count (+ added count while a body is parsed).

#include "series/decoder.h"

#include "series/line_table.h"
#include "series/missing.h"
#include "series/telltale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEND_UNWANTED UINT32_MAX

const struct tend_decoder_limits tend_decoder_default_limits = {
    .exposition = { .samples = 250000, .labels = 64, .name_bytes = 1024, .value_bytes = 16384 },
    .columns = 50000,
    .keep_scrapes = 240,
};

static const char process_start[] = "process_start_time_seconds";

struct line_order {
    uint32_t *ids;
    size_t count;
    size_t capacity;
};

struct tend_decoder {
    const struct tend_selector **wanted;
    size_t wanted_count;
    struct tend_line_table *lines;
    struct line_order order; // of the last good body
    struct line_order next;  // of the body that is being parsed
    size_t cursor;           // in order: the line that is expected next
    const struct tend_layout *layout;
    double *values;      // a value for each column
    uint64_t *last_seen; // for each column: the number of the last body that had it
    size_t column_capacity;
    uint64_t body; // number of the newest good body
    struct tend_column *added;
    size_t added_count;
    size_t added_capacity;
    struct tend_line_table *added_by_text; // NULL while nothing was added: line = canonical text, column = its column
    size_t column_limit;
    size_t kept_columns; // columns with a value in the body that is being parsed
    size_t telltales;    // columns that are, those that the body adds too
    bool telltales_counted;
    struct tend_scrape_stats stats;
    bool too_many_columns;
};

enum tend_status tend_decoder_create(const struct tend_selector *const *wanted, size_t wanted_count,
                                     struct tend_decoder **out)
{
    struct tend_decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL) {
        return TEND_E_NOMEM;
    }
    decoder->wanted = calloc(wanted_count + 1, sizeof(const struct tend_selector *));
    decoder->column_capacity = 16;
    decoder->values = calloc(decoder->column_capacity, sizeof *decoder->values);
    decoder->last_seen = calloc(decoder->column_capacity, sizeof *decoder->last_seen);
    if (decoder->wanted == NULL || decoder->values == NULL || decoder->last_seen == NULL ||
        tend_line_table_create(&decoder->lines) != TEND_OK ||
        tend_layout_create(NULL, 0, &decoder->layout) != TEND_OK) {
        tend_decoder_destroy(decoder);
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < wanted_count; i++) {
        decoder->wanted[i] = wanted[i];
    }
    decoder->wanted_count = wanted_count;
    *out = decoder;
    return TEND_OK;
}

static void release_added(struct tend_decoder *decoder)
{
    for (size_t i = 0; i < decoder->added_count; i++) {
        tend_label_set_release(decoder->added[i].labels);
    }
    free(decoder->added);
    decoder->added = NULL;
    decoder->added_count = 0;
    decoder->added_capacity = 0;
    tend_line_table_destroy(decoder->added_by_text);
    decoder->added_by_text = NULL;
}

void tend_decoder_destroy(struct tend_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    release_added(decoder);
    tend_layout_release(decoder->layout);
    tend_line_table_destroy(decoder->lines);
    free(decoder->order.ids);
    free(decoder->next.ids);
    free(decoder->last_seen);
    free(decoder->values);
    free(decoder->wanted);
    free(decoder);
}

static enum tend_status make_room_for_column(struct tend_decoder *decoder, size_t columns)
{
    if (columns > decoder->column_capacity) {
        const size_t capacity = decoder->column_capacity * 2;
        double *values = realloc(decoder->values, capacity * sizeof *values);
        if (values == NULL) {
            return TEND_E_NOMEM;
        }
        decoder->values = values;
        uint64_t *last_seen = realloc(decoder->last_seen, capacity * sizeof *last_seen);
        if (last_seen == NULL) {
            return TEND_E_NOMEM;
        }
        decoder->last_seen = last_seen;
        decoder->column_capacity = capacity;
    }
    if (decoder->added_count == decoder->added_capacity) {
        const size_t capacity = decoder->added_capacity == 0 ? 16 : decoder->added_capacity * 2;
        struct tend_column *added = realloc(decoder->added, capacity * sizeof *added);
        if (added == NULL) {
            return TEND_E_NOMEM;
        }
        decoder->added = added;
        decoder->added_capacity = capacity;
    }
    return decoder->added_by_text == NULL ? tend_line_table_create(&decoder->added_by_text) : TEND_OK;
}

// Appends a column; the label set's reference is taken on success.
static enum tend_status add_column(struct tend_decoder *decoder, const struct tend_label_set *take_labels,
                                   enum tend_series_type type, uint32_t *out)
{
    const size_t column = tend_layout_count(decoder->layout) + decoder->added_count;
    enum tend_status status = make_room_for_column(decoder, column + 1);
    if (status != TEND_OK) {
        return status;
    }
    size_t text_bytes;
    const char *text = tend_label_set_text(take_labels, &text_bytes);
    status = tend_line_table_add(decoder->added_by_text, text, text_bytes, (uint32_t)column);
    if (status != TEND_OK) {
        return status;
    }
    decoder->added[decoder->added_count++] = (struct tend_column){ .labels = take_labels, .type = type };
    decoder->values[column] = tend_stale();
    decoder->last_seen[column] = 0;
    *out = (uint32_t)column;
    return TEND_OK;
}

// The column of a wanted series that came on a line never seen.
static enum tend_status column_of(struct tend_decoder *decoder, const struct tend_sample *sample, uint32_t *out)
{
    const struct tend_label_set *labels;
    enum tend_status status =
        tend_label_set_create(sample->name, sample->name_bytes, sample->labels, sample->label_count, &labels);
    if (status != TEND_OK) {
        return status;
    }
    size_t column = tend_layout_find(decoder->layout, labels);
    if (column == TEND_NO_COLUMN && decoder->added_by_text != NULL) {
        size_t text_bytes;
        const char *text = tend_label_set_text(labels, &text_bytes);
        const uint32_t line = tend_line_table_find(decoder->added_by_text, text, text_bytes);
        column = line == TEND_NO_LINE ? TEND_NO_COLUMN : tend_line_table_line(decoder->added_by_text, line)->column;
    }
    if (column != TEND_NO_COLUMN) {
        *out = (uint32_t)column;
        tend_label_set_release(labels);
        return TEND_OK;
    }
    status = add_column(decoder, labels, sample->type, out);
    if (status != TEND_OK) {
        tend_label_set_release(labels);
    }
    return status;
}

static bool is_wanted(const struct tend_decoder *decoder, const struct tend_sample *sample)
{
    if (sample->name_bytes == sizeof process_start - 1 &&
        memcmp(sample->name, process_start, sizeof process_start - 1) == 0) {
        return true;
    }
    for (size_t i = 0; i < decoder->wanted_count; i++) {
        if (tend_selector_matches(decoder->wanted[i], sample->name, sample->name_bytes, sample->labels,
                                  sample->label_count)) {
            return true;
        }
    }
    return false;
}

// A few of them tell what runs; a target that has many is a collector of others' series.
static bool is_telltale(struct tend_decoder *decoder, const struct tend_sample *sample)
{
    if (decoder->telltales >= TEND_TELLTALES_MOST || decoder->kept_columns >= decoder->column_limit ||
        tend_telltale_of(sample->name, sample->name_bytes) == TEND_TELLTALE_NONE) {
        return false;
    }
    decoder->telltales++;
    return true;
}

static void count_telltales(struct tend_decoder *decoder)
{
    decoder->telltales = 0;
    for (size_t i = 0; i < tend_layout_count(decoder->layout); i++) {
        size_t bytes;
        const char *name = tend_label_set_name(tend_layout_column(decoder->layout, i)->labels, &bytes);
        decoder->telltales += tend_telltale_of(name, bytes) != TEND_TELLTALE_NONE;
    }
    decoder->telltales_counted = true;
}

static enum tend_status add_line(struct tend_decoder *decoder, const struct tend_sample *sample, uint32_t *out)
{
    uint32_t column = TEND_UNWANTED;
    if (is_wanted(decoder, sample) || is_telltale(decoder, sample)) {
        if (decoder->kept_columns >= decoder->column_limit) {
            decoder->too_many_columns = true;
            return TEND_E_LIMIT;
        }
        const enum tend_status status = column_of(decoder, sample, &column);
        if (status != TEND_OK) {
            return status;
        }
    }
    *out = (uint32_t)tend_line_table_count(decoder->lines);
    decoder->stats.added++;
    return tend_line_table_add(decoder->lines, sample->series_text, sample->series_text_bytes, column);
}

static enum tend_status append(struct line_order *order, uint32_t id)
{
    if (order->count == order->capacity) {
        const size_t capacity = order->capacity == 0 ? 64 : order->capacity * 2;
        uint32_t *ids = realloc(order->ids, capacity * sizeof *ids);
        if (ids == NULL) {
            return TEND_E_NOMEM;
        }
        order->ids = ids;
        order->capacity = capacity;
    }
    order->ids[order->count++] = id;
    return TEND_OK;
}

static enum tend_status line_of(struct tend_decoder *decoder, const struct tend_sample *sample, uint32_t *out)
{
    const char *text = sample->series_text;
    const size_t bytes = sample->series_text_bytes;
    const struct line_order *order = &decoder->order;
    if (decoder->cursor < order->count && order->ids[decoder->cursor] != TEND_NO_LINE &&
        tend_line_table_is(decoder->lines, order->ids[decoder->cursor], text, bytes)) {
        *out = order->ids[decoder->cursor++];
        return TEND_OK;
    }
    decoder->stats.looked_up++;
    const uint32_t id = tend_line_table_find(decoder->lines, text, bytes);
    if (id == TEND_NO_LINE) {
        return add_line(decoder, sample, out);
    }
    const uint32_t position = tend_line_table_line(decoder->lines, id)->position;
    if (position != TEND_NO_POSITION) {
        decoder->cursor = (size_t)position + 1;
    }
    *out = id;
    return TEND_OK;
}

static enum tend_status take_sample(void *context, const struct tend_sample *sample)
{
    struct tend_decoder *decoder = context;
    decoder->stats.samples++;
    uint32_t id = TEND_NO_LINE;
    enum tend_status status = line_of(decoder, sample, &id);
    if (status == TEND_OK) {
        status = append(&decoder->next, id);
    }
    if (status != TEND_OK) {
        return status;
    }
    const uint32_t column = tend_line_table_line(decoder->lines, id)->column;
    if (column == TEND_UNWANTED) {
        return TEND_OK;
    }
    if (!tend_is_stale(decoder->values[column])) {
        decoder->stats.duplicates++;
        return TEND_OK;
    }
    if (decoder->kept_columns >= decoder->column_limit) {
        decoder->too_many_columns = true;
        return TEND_E_LIMIT;
    }
    decoder->stats.kept++;
    decoder->kept_columns++;
    decoder->values[column] = tend_is_stale(sample->value) ? TEND_NO_DATA : sample->value;
    return TEND_OK;
}

// Fills `remap` with each column's index in the smaller layout, or TEND_UNWANTED for those that go, and `columns` with
// what stays. Returns how many stay.
static size_t choose_columns(const struct tend_decoder *decoder, uint64_t keep_bodies, uint32_t *remap,
                             struct tend_column *columns)
{
    const size_t old_count = tend_layout_count(decoder->layout);
    size_t kept = 0;
    for (size_t i = 0; i < old_count + decoder->added_count; i++) {
        const bool present = !tend_is_stale(decoder->values[i]);
        if (!present && decoder->body + 1 - decoder->last_seen[i] >= keep_bodies) {
            remap[i] = TEND_UNWANTED;
            continue;
        }
        remap[i] = (uint32_t)kept;
        columns[kept++] = i < old_count ? *tend_layout_column(decoder->layout, i) : decoder->added[i - old_count];
    }
    return kept;
}

// How many bodies a column must have been absent from to be dropped now; UINT64_MAX: none is dropped.
static uint64_t drop_age(const struct tend_decoder *decoder, const struct tend_decoder_limits *limits)
{
    const size_t old_count = tend_layout_count(decoder->layout);
    const size_t count = old_count + decoder->added_count;
    if (count > limits->columns) {
        return 1;
    }
    size_t gone = 0;
    for (size_t i = 0; i < old_count; i++) {
        gone += tend_is_stale(decoder->values[i]) && decoder->body + 1 - decoder->last_seen[i] >= limits->keep_scrapes;
    }
    return gone >= 16 && gone >= count / 4 ? limits->keep_scrapes : UINT64_MAX;
}

// Gives each line its place in the new body. Skipped when the body had the very lines of the last one.
static void take_over_order(struct tend_decoder *decoder)
{
    if (decoder->stats.looked_up > 0 || decoder->next.count != decoder->order.count) {
        for (size_t i = 0; i < decoder->order.count; i++) {
            if (decoder->order.ids[i] != TEND_NO_LINE) {
                tend_line_table_line(decoder->lines, decoder->order.ids[i])->position = TEND_NO_POSITION;
            }
        }
        for (size_t i = 0; i < decoder->next.count; i++) {
            tend_line_table_line(decoder->lines, decoder->next.ids[i])->position = (uint32_t)i;
        }
    }
    const struct line_order last = decoder->order;
    decoder->order = decoder->next;
    decoder->next = last;
}

// Forgets the lines that the body does not have. A line that it has twice is expected at its last place only.
static void forget_absent_lines(struct tend_decoder *decoder)
{
    tend_line_table_keep_placed(decoder->lines);
    for (size_t i = 0; i < decoder->order.count; i++) {
        decoder->order.ids[i] = TEND_NO_LINE;
    }
    const size_t count = tend_line_table_count(decoder->lines);
    for (size_t id = 0; id < count; id++) {
        decoder->order.ids[tend_line_table_line(decoder->lines, (uint32_t)id)->position] = (uint32_t)id;
    }
}

static void move_columns(struct tend_decoder *decoder, const uint32_t *remap, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (remap[i] != TEND_UNWANTED) {
            decoder->values[remap[i]] = decoder->values[i];
            decoder->last_seen[remap[i]] = decoder->last_seen[i];
        }
    }
    const size_t line_count = tend_line_table_count(decoder->lines);
    for (size_t id = 0; id < line_count; id++) {
        struct tend_line *line = tend_line_table_line(decoder->lines, (uint32_t)id);
        if (line->column != TEND_UNWANTED) {
            line->column = remap[line->column];
        }
    }
}

// Makes the new layout, if there is to be one. All that can fail comes before all that changes the decoder.
static enum tend_status take_over(struct tend_decoder *decoder, const struct tend_decoder_limits *limits)
{
    const uint64_t age = drop_age(decoder, limits);
    const size_t count = tend_layout_count(decoder->layout) + decoder->added_count;
    enum tend_status status = TEND_OK;
    uint32_t *remap = NULL;
    if (decoder->added_count > 0 || age != UINT64_MAX) {
        remap = calloc(count, sizeof *remap);
        struct tend_column *columns = calloc(count, sizeof *columns);
        status = TEND_E_NOMEM;
        const struct tend_layout *layout = NULL;
        if (remap != NULL && columns != NULL) {
            const size_t kept = choose_columns(decoder, age, remap, columns);
            status = tend_layout_create(columns, kept, &layout);
        }
        free(columns);
        if (status != TEND_OK) {
            free(remap);
            return status;
        }
        tend_layout_release(decoder->layout);
        decoder->layout = layout;
        decoder->telltales_counted = false;
        release_added(decoder);
    }
    take_over_order(decoder);
    if (age != UINT64_MAX || tend_line_table_count(decoder->lines) > 4 * decoder->order.count + 64) {
        forget_absent_lines(decoder);
    }
    if (age != UINT64_MAX) {
        move_columns(decoder, remap, count);
    }
    if (decoder->stats.added == 0) {
        tend_line_table_trim(decoder->lines); // the target is settled
    }
    free(remap);
    return TEND_OK;
}

static void explain(const struct tend_decoder *decoder, enum tend_status status, const struct tend_parse_error *fault,
                    struct tend_error *error)
{
    if (decoder->too_many_columns) {
        tend_error_set(error, "line %zu: more than %zu series are selected", fault->line, decoder->column_limit);
    } else if (fault->fault.text[0] != '\0') {
        tend_error_set(error, "line %zu: %s", fault->line, fault->fault.text);
    } else {
        tend_error_set(error, "line %zu: %s", fault->line, tend_status_text(status));
    }
}

enum tend_status tend_decoder_decode(struct tend_decoder *decoder, const char *text, size_t bytes,
                                     enum tend_exposition_format format, const struct tend_decoder_limits *limits,
                                     const struct tend_layout **layout, const double **values, size_t *value_count,
                                     struct tend_scrape_stats *stats, struct tend_error *error)
{
    limits = limits == NULL ? &tend_decoder_default_limits : limits;
    const size_t lines_before = tend_line_table_count(decoder->lines);
    const size_t columns_before = tend_layout_count(decoder->layout);
    decoder->stats = (struct tend_scrape_stats){ 0 };
    decoder->next.count = 0;
    decoder->cursor = 0;
    decoder->kept_columns = 0;
    decoder->column_limit = limits->columns;
    decoder->too_many_columns = false;
    if (!decoder->telltales_counted) {
        count_telltales(decoder);
    }
    for (size_t i = 0; i < columns_before; i++) {
        decoder->values[i] = tend_stale();
    }
    struct tend_parse_error fault = { .line = 0 };
    enum tend_status status =
        tend_exposition_parse(text, bytes, format, &limits->exposition, take_sample, decoder, &fault);
    if (status == TEND_OK) {
        status = take_over(decoder, limits);
    }
    if (status != TEND_OK) {
        release_added(decoder);
        decoder->telltales_counted = false;
        tend_line_table_truncate(decoder->lines, lines_before);
        decoder->stats.error_line = fault.line;
        explain(decoder, status, &fault, error);
    }
    if (stats != NULL) {
        *stats = decoder->stats;
    }
    if (status != TEND_OK) {
        return status;
    }
    decoder->body++;
    const size_t count = tend_layout_count(decoder->layout);
    for (size_t i = 0; i < count; i++) {
        if (!tend_is_stale(decoder->values[i])) {
            decoder->last_seen[i] = decoder->body;
        }
    }
    *layout = decoder->layout;
    *values = decoder->values;
    *value_count = count;
    return TEND_OK;
}
