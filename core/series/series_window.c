// A row window with two hidden columns before those of the layout: 0 is the scrape's kind (0: good), 1 the process's
// start time. So failed scrapes stand in the window as what they are, and a gap is not taken for a change of series.
//
// process_start_time_seconds counts as changed from half a second on: exporters compute it from clocks that drift.
//
// A counter's first value counts as gained only when it is known to have begun at 0. That is decided as the scrape
// comes, when the one before it is at hand, and kept beside the column (struct life), for the rows that would tell
// leave the window. `last` outlives them too: a series that comes back after a long absence is no newborn.
//
// A scrape with another layout makes a new row window and copies the rows over, column by label set. A row from before
// a series was known holds the stale marker in its column; that is also what the decoder gives for a series that is not
// there.

#include "series/series_window.h"
#include "series/missing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KIND_COLUMN 0
#define START_COLUMN 1
#define HIDDEN_COLUMNS 2
#define ROWS_LEAST 4
#define ROWS_MOST 4096

struct life {
    double last;      // newest value of this process; NaN: none yet
    int64_t birth_ms; // when it last appeared with a known gain; TEND_NEVER_MS
    double gained;    // what it had gained then
};

static const double start_changed_s = 0.5;
static const struct life unborn = { .last = TEND_NO_DATA, .birth_ms = TEND_NEVER_MS, .gained = TEND_NO_DATA };

struct tend_series_window {
    size_t row_limit;
    const struct tend_layout *layout; // NULL before the first good scrape
    size_t start_column;              // in the layout, of process_start_time_seconds; TEND_NO_COLUMN
    struct tend_row_window *rows;
    double *row;        // scratch: hidden columns and those of the layout
    struct life *lives; // a life for each column of the layout
    struct tend_scrape_history history;
};

// A scrape may come late or be repeated after a change of `every`, so a quarter more than fit, and two.
static size_t rows_for(int64_t window_ms, int64_t every_ms)
{
    const int64_t fit = window_ms / every_ms;
    if (fit > ROWS_MOST) {
        return ROWS_MOST;
    }
    const int64_t rows = fit + fit / 4 + 2;
    return rows < ROWS_LEAST ? ROWS_LEAST : rows > ROWS_MOST ? ROWS_MOST : (size_t)rows;
}

enum tend_status tend_series_window_create(int64_t window_ms, int64_t every_ms, struct tend_series_window **out)
{
    if (window_ms < 1 || every_ms < 1) {
        return TEND_E_INVALID;
    }
    struct tend_series_window *window = calloc(1, sizeof *window);
    if (window == NULL) {
        return TEND_E_NOMEM;
    }
    window->row_limit = rows_for(window_ms, every_ms);
    window->start_column = TEND_NO_COLUMN;
    window->history = (struct tend_scrape_history){
        .first_ms = TEND_NEVER_MS,
        .newest_ms = TEND_NEVER_MS,
        .newest_good_ms = TEND_NEVER_MS,
        .newest_failed_ms = TEND_NEVER_MS,
        .duration_s = TEND_NO_DATA,
        .process_start_s = TEND_NO_DATA,
        .restart_seen_ms = TEND_NEVER_MS,
        .cut_ms = TEND_NEVER_MS,
    };
    window->row = calloc(HIDDEN_COLUMNS, sizeof *window->row);
    if (window->row == NULL || tend_row_window_create(window->row_limit, HIDDEN_COLUMNS, &window->rows) != TEND_OK) {
        tend_series_window_destroy(window);
        return TEND_E_NOMEM;
    }
    *out = window;
    return TEND_OK;
}

void tend_series_window_destroy(struct tend_series_window *window)
{
    if (window == NULL) {
        return;
    }
    tend_row_window_destroy(window->rows);
    tend_layout_release(window->layout);
    free(window->lives);
    free(window->row);
    free(window);
}

// Copies the newest rows into a window of another shape. @param from  for each column of `to` its column in `from`, or
// TEND_NO_COLUMN; NULL: they are the same  @param row  scratch for a row of `to`
static void copy_rows(const struct tend_row_window *from, struct tend_row_window *to, const size_t *source, double *row)
{
    const size_t columns = tend_row_window_columns(to);
    const size_t count = tend_row_window_count(from);
    const size_t most = tend_row_window_rows(to);
    for (size_t r = count > most ? count - most : 0; r < count; r++) {
        int64_t at_ms;
        const double *values = tend_row_window_row(from, r, &at_ms);
        for (size_t c = 0; c < columns; c++) {
            const size_t of = source == NULL ? c : source[c];
            row[c] = of == TEND_NO_COLUMN ? tend_stale() : values[of];
        }
        const enum tend_status status = tend_row_window_push(to, at_ms, row);
        TEND_ASSERT(status == TEND_OK); // the times rose in the window that they come from
    }
}

enum tend_status tend_series_window_resize(struct tend_series_window *window, int64_t window_ms, int64_t every_ms)
{
    if (window_ms < 1 || every_ms < 1) {
        return TEND_E_INVALID;
    }
    const size_t row_limit = rows_for(window_ms, every_ms);
    if (row_limit == window->row_limit) {
        return TEND_OK;
    }
    struct tend_row_window *rows;
    const enum tend_status status = tend_row_window_create(row_limit, tend_row_window_columns(window->rows), &rows);
    if (status != TEND_OK) {
        return status;
    }
    copy_rows(window->rows, rows, NULL, window->row);
    tend_row_window_destroy(window->rows);
    window->rows = rows;
    window->row_limit = row_limit;
    return TEND_OK;
}

static size_t find_start_column(const struct tend_layout *layout)
{
    for (size_t i = 0; i < tend_layout_count(layout); i++) {
        if (strcmp(tend_label_set_name(tend_layout_column(layout, i)->labels, NULL), "process_start_time_seconds") ==
            0) {
            return i;
        }
    }
    return TEND_NO_COLUMN;
}

// For each column of the new layout and the hidden ones: where it was. NULL: out of memory.
static size_t *map_columns(const struct tend_layout *from, const struct tend_layout *to)
{
    const size_t count = tend_layout_count(to);
    size_t *source = calloc(HIDDEN_COLUMNS + count, sizeof *source);
    if (source == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < HIDDEN_COLUMNS; i++) {
        source[i] = i;
    }
    const size_t from_count = from == NULL ? 0 : tend_layout_count(from);
    for (size_t i = 0; i < count; i++) {
        const struct tend_label_set *labels = tend_layout_column(to, i)->labels;
        size_t at = TEND_NO_COLUMN;
        if (i < from_count && tend_label_set_equal(tend_layout_column(from, i)->labels, labels)) {
            at = i; // columns are mostly appended
        } else if (from != NULL) {
            at = tend_layout_find(from, labels);
        }
        source[HIDDEN_COLUMNS + i] = at == TEND_NO_COLUMN ? TEND_NO_COLUMN : HIDDEN_COLUMNS + at;
    }
    return source;
}

static enum tend_status take_layout(struct tend_series_window *window, const struct tend_layout *layout)
{
    if (layout == window->layout) {
        return TEND_OK;
    }
    if (window->layout == NULL || !tend_layout_equal(layout, window->layout)) {
        const size_t columns = HIDDEN_COLUMNS + tend_layout_count(layout);
        size_t *source = map_columns(window->layout, layout);
        double *row = calloc(columns, sizeof *row);
        struct life *lives = calloc(columns, sizeof *lives);
        struct tend_row_window *rows = NULL;
        enum tend_status status = TEND_E_NOMEM;
        if (source != NULL && row != NULL && lives != NULL) {
            status = tend_row_window_create(window->row_limit, columns, &rows);
        }
        if (status != TEND_OK) {
            free(lives);
            free(row);
            free(source);
            return status;
        }
        copy_rows(window->rows, rows, source, row);
        for (size_t i = HIDDEN_COLUMNS; i < columns; i++) {
            lives[i - HIDDEN_COLUMNS] =
                source[i] == TEND_NO_COLUMN ? unborn : window->lives[source[i] - HIDDEN_COLUMNS];
        }
        free(source);
        free(window->lives);
        window->lives = lives;
        free(window->row);
        window->row = row;
        tend_row_window_destroy(window->rows);
        window->rows = rows;
        window->start_column = find_start_column(layout);
    }
    tend_layout_retain(layout);
    tend_layout_release(window->layout);
    window->layout = layout;
    return TEND_OK;
}

static bool is_newer(const struct tend_series_window *window, int64_t at_ms)
{
    return window->history.newest_ms == TEND_NEVER_MS || at_ms > window->history.newest_ms;
}

static void note_scrape(struct tend_scrape_history *history, int64_t at_ms, double duration_s,
                        enum tend_scrape_kind kind)
{
    if (history->first_ms == TEND_NEVER_MS) {
        history->first_ms = at_ms;
    }
    history->newest_ms = at_ms;
    history->kind = kind;
    history->duration_s = duration_s;
    if (kind == TEND_SCRAPE_OK) {
        history->newest_good_ms = at_ms;
        history->good_count++;
        history->good_in_a_row++;
        history->failed_in_a_row = 0;
    } else {
        history->newest_failed_ms = at_ms;
        history->failed_count++;
        history->failed_in_a_row++;
        history->good_in_a_row = 0;
    }
}

// Whether any scrape held has a value of this column.
static bool is_in_window(const struct tend_series_window *window, size_t column)
{
    for (size_t r = 0; r < tend_row_window_count(window->rows); r++) {
        if (!isnan(tend_row_window_row(window->rows, r, NULL)[HIDDEN_COLUMNS + column])) {
            return true;
        }
    }
    return false;
}

// Decides which columns appear with this scrape and what they gained. To be called before its row is pushed.
static void live_on(struct tend_series_window *window, int64_t at_ms, double start_s, const double *values)
{
    const size_t count = tend_row_window_count(window->rows);
    bool watched = false; // the scrape before was good and of the same process
    const double *before = NULL;
    if (count > 0) {
        const struct tend_scrape_row row = tend_series_window_row(window, count - 1);
        before = row.values;
        watched = row.good && !(fabs(start_s - row.process_start_s) > start_changed_s);
    }
    const bool restarted = fabs(start_s - window->history.process_start_s) > start_changed_s;
    const size_t columns = tend_layout_count(window->layout);
    for (size_t i = 0; i < columns; i++) {
        struct life *life = &window->lives[i];
        if (restarted) {
            life->last = TEND_NO_DATA;
        }
        if (isnan(values[i])) {
            continue;
        }
        const bool fresh = isnan(life->last) || values[i] < life->last;
        if (watched && fresh && tend_is_stale(before[i]) && !is_in_window(window, i)) {
            life->birth_ms = at_ms;
            life->gained = values[i];
        }
        life->last = values[i];
    }
}

double tend_series_window_birth(const struct tend_series_window *window, size_t column, int64_t at_ms)
{
    const struct life *life = &window->lives[column];
    return life->birth_ms == at_ms ? life->gained : TEND_NO_DATA;
}

bool tend_series_window_is_of_process(const struct tend_series_window *window, size_t column)
{
    return !isnan(window->history.process_start_s) && !isnan(window->lives[column].last);
}

enum tend_status tend_series_window_push(struct tend_series_window *window, int64_t at_ms, double duration_s,
                                         const struct tend_layout *layout, const double *values)
{
    if (!is_newer(window, at_ms)) {
        return TEND_E_OUT_OF_ORDER;
    }
    const enum tend_status status = take_layout(window, layout);
    if (status != TEND_OK) {
        return status;
    }
    struct tend_scrape_history *history = &window->history;
    const double start_s = window->start_column == TEND_NO_COLUMN ? TEND_NO_DATA : values[window->start_column];
    live_on(window, at_ms, start_s, values);
    if (!isnan(start_s)) {
        if (fabs(start_s - history->process_start_s) > start_changed_s) { // false for the first, which is no restart
            history->restart_seen_ms = at_ms;
        }
        history->process_start_s = start_s;
    }
    window->row[KIND_COLUMN] = TEND_SCRAPE_OK;
    window->row[START_COLUMN] = start_s;
    const size_t count = tend_layout_count(layout);
    for (size_t i = 0; i < count; i++) {
        window->row[HIDDEN_COLUMNS + i] = values[i];
    }
    note_scrape(history, at_ms, duration_s, TEND_SCRAPE_OK);
    return tend_row_window_push(window->rows, at_ms, window->row);
}

enum tend_status tend_series_window_push_failed(struct tend_series_window *window, int64_t at_ms, double duration_s,
                                                enum tend_scrape_kind kind)
{
    TEND_ASSERT(kind != TEND_SCRAPE_OK);
    if (!is_newer(window, at_ms)) {
        return TEND_E_OUT_OF_ORDER;
    }
    const size_t columns = tend_row_window_columns(window->rows);
    for (size_t i = START_COLUMN; i < columns; i++) {
        window->row[i] = TEND_NO_DATA;
    }
    window->row[KIND_COLUMN] = kind;
    note_scrape(&window->history, at_ms, duration_s, kind);
    return tend_row_window_push(window->rows, at_ms, window->row);
}

void tend_series_window_cut(struct tend_series_window *window, int64_t cut_ms)
{
    if (cut_ms > window->history.cut_ms) {
        window->history.cut_ms = cut_ms;
    }
}

const struct tend_scrape_history *tend_series_window_history(const struct tend_series_window *window)
{
    return &window->history;
}

const struct tend_layout *tend_series_window_layout(const struct tend_series_window *window)
{
    return window->layout;
}

double tend_series_window_newest(const struct tend_series_window *window, size_t column)
{
    const size_t count = tend_row_window_count(window->rows);
    if (count == 0 || window->history.newest_ms <= window->history.cut_ms) {
        return TEND_NO_DATA;
    }
    const struct tend_scrape_row row = tend_series_window_row(window, count - 1);
    return row.good ? row.values[column] : TEND_NO_DATA;
}

size_t tend_series_window_count(const struct tend_series_window *window)
{
    return tend_row_window_count(window->rows);
}

struct tend_scrape_row tend_series_window_row(const struct tend_series_window *window, size_t row)
{
    struct tend_scrape_row result;
    const double *values = tend_row_window_row(window->rows, row, &result.at_ms);
    result.good = values[KIND_COLUMN] == (double)TEND_SCRAPE_OK;
    result.process_start_s = values[START_COLUMN];
    result.values = values + HIDDEN_COLUMNS;
    return result;
}

void tend_series_window_pieces(const struct tend_series_window *window, size_t begin, size_t end,
                               struct tend_row_piece pieces[2])
{
    tend_row_window_pieces(window->rows, begin, end, pieces);
    pieces[0].values += HIDDEN_COLUMNS;
    pieces[1].values += HIDDEN_COLUMNS;
}

size_t tend_series_window_first_after(const struct tend_series_window *window, int64_t after_ms)
{
    const int64_t cut_ms = window->history.cut_ms;
    return tend_row_window_first_after(window->rows, after_ms > cut_ms ? after_ms : cut_ms);
}

// A new field of these belongs in both functions below. Of struct tend_series_window the scratch row, the start column
// (it is the layout's) and the limit of rows (it follows from the times given to create) are made again.
_Static_assert(sizeof(void *) != 8 || (sizeof(struct tend_series_window) == 144 && sizeof(struct life) == 24 &&
                                       sizeof(struct tend_scrape_history) == 96),
               "a field of a series window came or went: save and load it below, then put the new sizes here");

static void save_history(const struct tend_scrape_history *history, struct tend_buffer *out)
{
    tend_buffer_put_u64(out, (uint64_t)history->first_ms);
    tend_buffer_put_u64(out, (uint64_t)history->newest_ms);
    tend_buffer_put_u64(out, (uint64_t)history->newest_good_ms);
    tend_buffer_put_u64(out, (uint64_t)history->newest_failed_ms);
    tend_buffer_put_u64(out, history->good_count);
    tend_buffer_put_u64(out, history->failed_count);
    tend_buffer_put_u32(out, history->good_in_a_row);
    tend_buffer_put_u32(out, history->failed_in_a_row);
    tend_buffer_put_u8(out, (uint8_t)history->kind);
    tend_buffer_put_f64(out, history->duration_s);
    tend_buffer_put_f64(out, history->process_start_s);
    tend_buffer_put_u64(out, (uint64_t)history->restart_seen_ms);
    tend_buffer_put_u64(out, (uint64_t)history->cut_ms);
}

// A time that the arithmetic of times can take: 36 million years either way.
static int64_t load_ms(struct tend_reader *reader)
{
    const int64_t ms = (int64_t)tend_reader_get_u64(reader);
    const int64_t most_ms = INT64_C(1) << 60;
    if (ms != TEND_NEVER_MS && (ms > most_ms || ms < -most_ms)) {
        reader->failed = true;
        return 0;
    }
    return ms;
}

static bool load_history(struct tend_scrape_history *history, struct tend_reader *reader)
{
    history->first_ms = load_ms(reader);
    history->newest_ms = load_ms(reader);
    history->newest_good_ms = load_ms(reader);
    history->newest_failed_ms = load_ms(reader);
    history->good_count = tend_reader_get_u64(reader);
    history->failed_count = tend_reader_get_u64(reader);
    history->good_in_a_row = tend_reader_get_u32(reader);
    history->failed_in_a_row = tend_reader_get_u32(reader);
    const uint8_t kind = tend_reader_get_u8(reader);
    history->kind = kind <= TEND_SCRAPE_PARSE ? (enum tend_scrape_kind)kind : TEND_SCRAPE_OK;
    history->duration_s = tend_reader_get_f64(reader);
    history->process_start_s = tend_reader_get_f64(reader);
    history->restart_seen_ms = load_ms(reader);
    history->cut_ms = load_ms(reader);
    return !reader->failed && kind <= TEND_SCRAPE_PARSE;
}

void tend_series_window_save(const struct tend_series_window *window, struct tend_buffer *out)
{
    save_history(&window->history, out);
    const size_t lives = window->layout == NULL ? 0 : tend_layout_count(window->layout);
    for (size_t i = 0; i < lives; i++) {
        tend_buffer_put_f64(out, window->lives[i].last);
        tend_buffer_put_u64(out, (uint64_t)window->lives[i].birth_ms);
        tend_buffer_put_f64(out, window->lives[i].gained);
    }
    const size_t count = tend_row_window_count(window->rows);
    const size_t columns = tend_row_window_columns(window->rows);
    tend_buffer_put_u32(out, (uint32_t)count);
    for (size_t r = 0; r < count; r++) {
        int64_t at_ms;
        const double *values = tend_row_window_row(window->rows, r, &at_ms);
        tend_buffer_put_u64(out, (uint64_t)at_ms);
        for (size_t c = 0; c < columns; c++) {
            tend_buffer_put_f64(out, values[c]);
        }
    }
}

static enum tend_status load_rows(struct tend_series_window *window, struct tend_reader *reader)
{
    const size_t columns = tend_row_window_columns(window->rows);
    const uint32_t count = tend_reader_get_u32(reader);
    if (count > window->row_limit || count > (size_t)(reader->end - reader->next) / ((columns + 1) * sizeof(double))) {
        return TEND_E_CORRUPT;
    }
    for (uint32_t r = 0; r < count; r++) {
        const int64_t at_ms = load_ms(reader);
        for (size_t c = 0; c < columns; c++) {
            window->row[c] = tend_reader_get_f64(reader);
        }
        if (tend_row_window_push(window->rows, at_ms, window->row) != TEND_OK) {
            return TEND_E_CORRUPT;
        }
    }
    return reader->failed ? TEND_E_CORRUPT : TEND_OK;
}

enum tend_status tend_series_window_load(struct tend_series_window *window, const struct tend_layout *layout,
                                         struct tend_reader *reader)
{
    enum tend_status status = load_history(&window->history, reader) ? TEND_OK : TEND_E_CORRUPT;
    const size_t lives = layout == NULL ? 0 : tend_layout_count(layout);
    if (status == TEND_OK && lives > (size_t)(reader->end - reader->next) / sizeof(struct life)) {
        status = TEND_E_CORRUPT;
    }
    if (status == TEND_OK && layout != NULL) {
        status = take_layout(window, layout);
    }
    for (size_t i = 0; status == TEND_OK && i < lives; i++) {
        window->lives[i].last = tend_reader_get_f64(reader);
        window->lives[i].birth_ms = load_ms(reader);
        window->lives[i].gained = tend_reader_get_f64(reader);
    }
    if (status == TEND_OK) {
        status = load_rows(window, reader);
    }
    reader->failed = reader->failed || status != TEND_OK;
    return status;
}
