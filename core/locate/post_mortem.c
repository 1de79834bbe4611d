// Prepares the columns (success becomes failure, errors become a share of calls, time on the way is latency less what
// the callee sees), says which rows are before and after, and asks for the evidence of each.

#include "locate/post_mortem.h"

#include "base/json.h"
#include "locate/onset.h"
#include "locate/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LIVE_ROWS_USUAL = 30, EARLY_ROWS = 12, SEARCH_ROWS_USUAL = 240 };

static const double live_s_max = 1200; // later rows say more of the recovery than of the fault
static const double between_s = 60;    // before the onset, that are no health
static const double search_step_s = 30;
static const double recent_s = 120;      // of the recent past, or two rows
static const double silence_nats = 3;    // of a silence that may be chance
static const double error_least = 0.002; // of calls that fail
static const double points_least = 0.02; // below: left out
static const double left_most = 0.5;     // of the least that health shows; more is no collapse
static const double twice_points = 0.5;  // less for the first rows by themselves
// The onset is never quite known. An alarm comes late, and a case is hurt more by an onset that is taken to be too late
// than by one too early; of an onset that was looked for, either may be.
static const double views_of_alarm_s[] = { 0, -30, -60 };
static const double views_of_search_s[] = { 0, -60, 60, -120, 120 };
_Static_assert(sizeof views_of_alarm_s / sizeof(double) <= TEND_STUDY_VIEWS_MAX, "room for the views");
_Static_assert(sizeof views_of_search_s / sizeof(double) + TEND_ONSETS_MAX <= TEND_STUDY_VIEWS_MAX,
               "room for the views");

static int compare_metric(const void *a, const void *b)
{
    const struct tend_study_column *const *x = a, *const *y = b;
    const int order = strcmp((*x)->from->metric, (*y)->from->metric);
    return order != 0 ? order : strcmp((*x)->from->owner, (*y)->from->owner);
}

// What a column was like in health, for all live rows and for the first of them.
struct pasts {
    struct tend_evidence_past whole, early;
};

// A column that has values in health and none now, in rows in which others of the same metric have some. The nats of
// that many gaps among so few rows become points as units of deviation do.
static double silence_of(const struct tend_study *study, const struct tend_study_column *column, const bool *present,
                         size_t until)
{
    const struct tend_evidence_rows *rows = &study->rows;
    double healthy = 0, gaps = 0, live = 0, live_gaps = 0;
    for (size_t row = 0; row < until; row++) {
        const double is_gap = present[row] && isnan(column->from->values[row]) ? 1 : 0;
        if (row < rows->healthy) {
            healthy += present[row] ? 1 : 0;
            gaps += is_gap;
        } else if (row >= rows->live) {
            live += present[row] ? 1 : 0;
            live_gaps += is_gap;
        }
    }
    if (live_gaps == 0 || 4 * live_gaps < live || healthy < 8) {
        return 0;
    }
    const double chance = (gaps + 1) / (healthy + 2);
    double nats = live_gaps * -log(chance);
    for (size_t i = 1; i <= (size_t)live_gaps;
         i++) { // less the log of in how many ways the gaps may lie among the rows
        nats -= log((live - live_gaps + (double)i) / (double)i);
    }
    return nats <= silence_nats ? 0 : log(nats / silence_nats);
}

static void find_silence(struct tend_study *study, size_t first, size_t end, bool *present)
{
    memset(present, 0, study->rows.rows * sizeof *present);
    for (size_t i = first; i < end; i++) {
        const double *values = study->by_metric[i]->from->values;
        for (size_t row = 0; row < study->rows.rows; row++) {
            present[row] = present[row] || !isnan(values[row]);
        }
    }
    for (size_t i = first; i < end; i++) {
        const struct tend_study_column *column = study->by_metric[i];
        const double whole = silence_of(study, column, present, study->rows.rows);
        const size_t until = study->rows.live + study->first_rows;
        study->by_metric[i]->silence =
            study->first_rows == 0 ? whole : fmax(whole, silence_of(study, column, present, until));
    }
}

static void level_columns(struct tend_study *study, double *work)
{
    for (size_t i = 0; i < study->count; i++) {
        struct tend_study_column *column = &study->columns[i];
        column->level = tend_evidence_median(column->from->values, study->rows.healthy, work);
        study->by_metric[i] = column;
    }
    qsort((void *)study->by_metric, study->count, sizeof *study->by_metric, compare_metric);
}

static enum tend_status compare_with_peers(struct tend_study *study)
{
    double *levels = calloc(2 * study->count + 1, sizeof *levels);
    double *work = calloc(study->frame->rows + 1, sizeof *work);
    bool *present = calloc(study->frame->rows + 1, sizeof *present);
    if (levels == NULL || work == NULL || present == NULL) {
        free(levels);
        free(work);
        free(present);
        return TEND_E_NOMEM;
    }
    level_columns(study, work);
    for (size_t first = 0, end; first < study->count; first = end) {
        end = first + 1;
        while (end < study->count &&
               strcmp(study->by_metric[end]->from->metric, study->by_metric[first]->from->metric) == 0) {
            end++;
        }
        for (size_t i = first; i < end; i++) {
            levels[i - first] = fabs(study->by_metric[i]->level);
        }
        const double peers = tend_evidence_median(levels, end - first, levels + study->count);
        for (size_t i = first; i < end; i++) {
            study->by_metric[i]->peers = isnan(peers) ? 0 : peers;
        }
        find_silence(study, first, end, present);
    }
    free(levels);
    free(work);
    free(present);
    return TEND_OK;
}

static struct tend_evidence_floor floor_of(const struct tend_study_column *column)
{
    static const struct {
        double share, of_peers;
    } floors[TEND_COLUMN_KIND_COUNT] = {
        [TEND_COLUMN_RESOURCE] = { 0.1, 0.05 }, [TEND_COLUMN_WAITING] = { 0.1, 0.05 },
        [TEND_COLUMN_NETWORK] = { 0.1, 0.05 },  [TEND_COLUMN_ERROR] = { 0.1, 0.1 },
        [TEND_COLUMN_LATENCY] = { 0.05, 0.05 }, [TEND_COLUMN_CLIENT_LATENCY] = { 0.05, 0.05 },
        [TEND_COLUMN_CALLS] = { 0.1, 0.02 },    [TEND_COLUMN_MACHINE] = { 0.1, 0.1 },
        [TEND_COLUMN_OTHER] = { 0.1, 0.05 },
    };
    struct tend_evidence_floor floor = { .share = floors[column->class.kind].share,
                                         .absolute = floors[column->class.kind].of_peers * column->peers };
    if (column->class.kind == TEND_COLUMN_ERROR) {
        floor.absolute = fmax(floor.absolute, error_least);
    }
    return floor;
}

// ---- rows ----

static size_t rows_until(const struct tend_metric_frame *frame, double at_s)
{
    size_t row = 0;
    while (row < frame->rows && frame->at_s[row] <= at_s) {
        row++;
    }
    return row;
}

// Cuts off what comes long after the onset, and joins rows when there are many after it: noise falls, and a case costs
// no more than it must. Before the study is prepared, as made columns follow from the others row by row.
static void cut_and_join(struct tend_metric_frame *frame, double onset_s)
{
    const size_t live = rows_until(frame, onset_s);
    frame->rows = rows_until(frame, onset_s + fmax(live_s_max, 3.2 * frame->step_s));
    if (live < frame->rows) {
        (void)tend_metric_frame_join(frame, (frame->rows - live + LIVE_ROWS_USUAL - 1) / LIVE_ROWS_USUAL, live);
    }
}

// The same when the onset is still to be looked for: rows of half a minute are fine enough for that.
static void join_for_search(struct tend_metric_frame *frame)
{
    const size_t wanted = (frame->rows + SEARCH_ROWS_USUAL - 1) / SEARCH_ROWS_USUAL;
    const double most = search_step_s / fmax(frame->step_s, 1e-3);
    (void)tend_metric_frame_join(frame, (double)wanted < most ? wanted : (size_t)most, frame->rows);
}

static enum tend_status place_rows(const struct tend_metric_frame *frame, double onset_s,
                                   struct tend_evidence_rows *rows, struct tend_error *error)
{
    const size_t end = rows_until(frame, onset_s + fmax(live_s_max, 3.2 * frame->step_s));
    const size_t live = rows_until(frame, onset_s);
    if (live < 4 || live >= end) {
        tend_error_set(error, "%zu rows before and %zu after the onset; at least 4 and 1 are needed", live, end - live);
        return TEND_E_INVALID;
    }
    // Alarms come late, and a row may speak of the time behind its stamp or before it: what came just before the onset
    // is neither.
    const size_t between = (size_t)(between_s / fmax(frame->step_s, 1e-3));
    const size_t healthy = live - (between < 1 ? 1 : between > live / 2 ? live / 2 : between);
    size_t recent = (size_t)ceil(recent_s / fmax(frame->step_s, 1e-3));
    recent = recent < 2 ? 2 : recent > healthy / 2 ? healthy / 2 : recent;
    *rows = (struct tend_evidence_rows){ healthy, recent < 1 ? 1 : recent, live, end };
    return TEND_OK;
}

// ---- the document ----

// A fault that is over before the rows end shows in the first of them. To look twice finds more by chance.
static struct tend_evidence evidence_of(struct tend_study *study, const struct tend_study_column *column,
                                        const struct pasts *pasts, const struct tend_evidence_rows *rows)
{
    struct tend_evidence_rows first = *rows;
    struct tend_evidence whole = tend_evidence_since(column->from->values, rows, &pasts->whole, &study->scratch);
    if (study->first_rows == 0 || first.live + study->first_rows >= first.rows) {
        return whole;
    }
    first.rows = first.live + study->first_rows;
    struct tend_evidence early = tend_evidence_since(column->from->values, &first, &pasts->early, &study->scratch);
    early.up_points = fmax(0, early.up_points - twice_points);
    early.down_points = fmax(0, early.down_points - twice_points);
    const double up = fmax(whole.up_points, early.up_points), down = fmax(whole.down_points, early.down_points);
    const double left = whole.left;
    if (fmax(early.up_points, early.down_points) > fmax(whole.up_points, whole.down_points)) {
        whole = early;
    }
    whole.left = fmin(left, early.left);
    whole.up_points = up;
    whole.down_points = down;
    return whole;
}

static json_t *document_of_column(struct tend_study *study, const struct tend_study_column *column,
                                  const struct pasts *pasts, const struct tend_evidence_rows *rows)
{
    const struct tend_evidence evidence = evidence_of(study, column, pasts, rows);
    const bool began_anew = column->first_reset >= study->rows.healthy && column->first_reset < rows->rows;
    if (evidence.up_points < points_least && evidence.down_points < points_least && column->silence < points_least &&
        !began_anew) {
        return NULL;
    }
    const char *owner = column->from->owner;
    const char *arrow = strchr(owner, '>');
    json_t *out = json_pack("{s:o, s:s, s:f, s:f, s:o, s:o, s:f, s:f}", "metric",
                            tend_json_string(column->from->metric, strlen(column->from->metric)), "kind",
                            tend_column_kind_text(column->class.kind), "up", evidence.up_points, "down",
                            evidence.down_points, "before", tend_json_real(evidence.before), "after",
                            tend_json_real(evidence.after), "coverage", evidence.coverage, "live", evidence.live_share);
    if (column->is_made) {
        (void)json_object_set_new(out, "caller", tend_json_string(column->caller, strlen(column->caller)));
        (void)json_object_set_new(out, "callee", tend_json_string(column->callee, strlen(column->callee)));
        (void)json_object_set_new(out, "made", json_integer((json_int_t)column->sharers));
    } else if (arrow != NULL) {
        (void)json_object_set_new(out, "caller", tend_json_string(owner, (size_t)(arrow - owner)));
        (void)json_object_set_new(out, "callee", tend_json_string(arrow + 1, strlen(arrow + 1)));
    } else {
        (void)json_object_set_new(out, "service", tend_json_string(owner, strlen(owner)));
    }
    if (evidence.onset < rows->rows) {
        (void)json_object_set_new(out, "onset_s", json_real(study->frame->at_s[evidence.onset]));
    }
    if (column->class.is_own) {
        (void)json_object_set_new(out, "own", json_true());
    }
    if (column->class.is_success) {
        (void)json_object_set_new(out, "turned", json_true());
    }
    if (column->class.is_server_side) {
        (void)json_object_set_new(out, "server", json_true());
    }
    if (column->silence >= points_least) {
        (void)json_object_set_new(out, "silence", json_real(column->silence));
    }
    if (began_anew) {
        (void)json_object_set_new(out, "began_anew", json_true());
    }
    if (evidence.left < left_most) {
        (void)json_object_set_new(out, "left", json_real(evidence.left));
    }
    if (column->is_mean) {
        (void)json_object_set_new(out, "mean", json_true());
    }
    if (column->is_way) {
        (void)json_object_set_new(out, "way", json_true());
    }
    return out;
}

static json_t *services_of(const struct tend_study *study)
{
    json_t *services = json_array();
    const char *last = "";
    for (size_t i = 0; i < study->plain; i++) {
        const char *owner = study->by_owner[i]->from->owner;
        if (owner[0] != '_' && strchr(owner, '>') == NULL && strcmp(owner, last) != 0) {
            (void)json_array_append_new(services, tend_json_string(owner, strlen(owner)));
            last = owner;
        }
    }
    return services;
}

static void count_one_more(json_t *counts, const char *owner)
{
    const json_int_t count = json_integer_value(json_object_get(counts, owner));
    (void)json_object_set_new(counts, owner, json_integer(count + 1));
}

// How many columns each service has that go on though nobody calls it, how many of what comes and goes while it works,
// and which services have a latency of their own.
static void count_columns(const struct tend_study *study, json_t *lasting, json_t *flows, json_t *timed)
{
    for (size_t i = 0; i < study->plain; i++) {
        const struct tend_study_column *column = study->by_owner[i];
        const char *owner = column->from->owner;
        if (isnan(column->level) || strchr(owner, '>') != NULL) {
            continue;
        }
        if (column->class.kind == TEND_COLUMN_LATENCY) {
            (void)json_object_set_new(timed, owner, json_true());
        } else if (column->class.kind != TEND_COLUMN_ERROR && column->class.kind != TEND_COLUMN_CLIENT_LATENCY) {
            count_one_more(lasting, owner);
        }
        if (column->class.kind == TEND_COLUMN_CALLS || column->class.kind == TEND_COLUMN_NETWORK) {
            count_one_more(flows, owner);
        }
    }
}

// Whether a count of calls is 0 throughout.
static bool is_idle(const struct tend_study *study, const struct tend_study_column *column)
{
    for (size_t row = 0; row < study->rows.rows; row++) {
        if (column->from->values[row] > 0) {
            return false;
        }
    }
    return true;
}

// Services that are never called, by all of their own counts, of which there is one at least.
static json_t *idle_services_of(const struct tend_study *study)
{
    json_t *idle = json_array();
    for (size_t first = 0, end; first < study->plain; first = end) {
        const char *owner = study->by_owner[first]->from->owner;
        size_t counts = 0, idle_counts = 0;
        for (end = first; end < study->plain && strcmp(study->by_owner[end]->from->owner, owner) == 0; end++) {
            const struct tend_study_column *column = study->by_owner[end];
            if (column->class.kind == TEND_COLUMN_CALLS) {
                counts++;
                idle_counts += is_idle(study, column) ? 1 : 0;
            }
        }
        if (counts > 0 && idle_counts == counts) {
            (void)json_array_append_new(idle, tend_json_string(owner, strlen(owner)));
        }
    }
    return idle;
}

static void fill_views(struct tend_study *study, json_t *views)
{
    for (size_t i = 0; i < study->count; i++) {
        const struct tend_study_column *column = &study->columns[i];
        const struct tend_evidence_floor floor = floor_of(column);
        struct pasts pasts = {
            .whole = tend_evidence_past_of(column->from->values, &study->rows, &floor, &study->scratch),
        };
        if (study->first_rows > 0) {
            struct tend_evidence_rows first = study->rows;
            first.rows = first.live + study->first_rows;
            pasts.early = tend_evidence_past_of(column->from->values, &first, &floor, &study->scratch);
        }
        for (size_t view = 0; view < study->view_count; view++) {
            json_t *one = document_of_column(study, column, &pasts, &study->views[view].rows);
            if (one != NULL) {
                json_t *columns = json_object_get(json_array_get(views, view), "columns");
                (void)json_array_append_new(columns, one);
            }
        }
    }
}

static json_t *document_of(struct tend_study *study)
{
    json_t *views = json_array();
    for (size_t view = 0; view < study->view_count; view++) {
        const struct tend_study_view *from = &study->views[view];
        (void)json_array_append_new(views,
                                    json_pack("{s:f, s:f, s:I, s:[]}", "onset_s", from->onset_s, "weight", from->weight,
                                              "live_rows", (json_int_t)(from->rows.rows - from->rows.live), "columns"));
    }
    fill_views(study, views);
    json_t *lasting = json_object(), *flows = json_object(), *timed = json_object();
    count_columns(study, lasting, flows, timed);
    json_t *document =
        json_pack("{s:f, s:f, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "onset_s", study->views[0].onset_s, "step_s",
                  study->frame->step_s, "rows", (json_int_t)study->rows.rows, "services", services_of(study), "idle",
                  idle_services_of(study), "lasting", lasting, "flows", flows, "timed", timed, "views", views);
    if (json_is_array(study->edges)) {
        (void)json_object_set_new(document, "edges", json_deep_copy(study->edges));
    }
    return document;
}

// Adds a view, or its weight to the one that parts the rows in the same place.
static void add_view(struct tend_study *study, const struct tend_study_view *view)
{
    for (size_t i = 0; i < study->view_count; i++) {
        if (study->views[i].rows.live == view->rows.live) {
            study->views[i].weight += view->weight;
            return;
        }
    }
    study->views[study->view_count++] = *view;
}

// Adds what a moment shows, if there are rows before and after it. @return TEND_OK or TEND_E_INVALID with a text
static enum tend_status add_moment(struct tend_study *study, double onset_s, double weight, struct tend_error *error)
{
    struct tend_study_view view = { .onset_s = onset_s, .weight = weight };
    const enum tend_status status = place_rows(study->frame, onset_s, &view.rows, error);
    if (status == TEND_OK) {
        add_view(study, &view);
    }
    return status;
}

// The views about the likeliest onset, itself first, and about others that may have been it. What is compared with the
// past is compared with what lies before all of them.
static enum tend_status place_views(struct tend_study *study, const struct tend_onsets *onsets, bool is_searched,
                                    struct tend_error *error)
{
    const double *offsets = is_searched ? views_of_search_s : views_of_alarm_s;
    const size_t count = (is_searched ? sizeof views_of_search_s : sizeof views_of_alarm_s) / sizeof(double);
    for (size_t i = 0; i < count; i++) {
        struct tend_error ignored;
        const enum tend_status status = add_moment(study, onsets->at_s[0] + offsets[i], 1, i == 0 ? error : &ignored);
        if (i == 0 && status != TEND_OK) {
            return status;
        }
    }
    for (size_t i = 1; i < onsets->count; i++) {
        struct tend_error ignored;
        (void)!add_moment(study, onsets->at_s[i], (double)count, &ignored);
    }
    study->rows = study->views[0].rows;
    for (size_t i = 1; i < study->view_count; i++) {
        const struct tend_evidence_rows *rows = &study->views[i].rows;
        if (rows->healthy < study->rows.healthy) {
            study->rows.healthy = rows->healthy;
            study->rows.recent = rows->recent;
        }
    }
    // Not when they are most of them anyway, nor when it is not known which are the first.
    const bool are_many = 3 * (size_t)EARLY_ROWS <= 2 * (study->rows.rows - study->rows.live);
    study->first_rows = are_many && !is_searched ? EARLY_ROWS : 0;
    return TEND_OK;
}

static enum tend_status study_frame(struct tend_study *study, const struct tend_post_mortem_options *options,
                                    json_t **out, struct tend_error *error)
{
    struct tend_onsets onsets = { .at_s = { options->alarm_s }, .count = 1 };
    const bool is_searched = isnan(options->alarm_s) || options->uncertainty_s > 0;
    if (is_searched) {
        join_for_search(study->frame);
    } else {
        cut_and_join(study->frame, options->alarm_s);
    }
    enum tend_status status = tend_study_prepare(study);
    if (status == TEND_OK && is_searched) {
        const struct tend_onset_search search = { .near_s = options->alarm_s,
                                                  .around_s = options->uncertainty_s,
                                                  .service = options->symptom_service };
        status = tend_onset_find(study, &search, &onsets);
    }
    if (status == TEND_OK) {
        status = place_views(study, &onsets, is_searched, error);
    }
    if (status == TEND_OK) {
        status = tend_evidence_scratch_init(&study->scratch, study->frame->rows);
    }
    if (status == TEND_OK) {
        status = compare_with_peers(study);
    }
    if (status == TEND_OK) {
        *out = document_of(study);
        if (options->symptom_service != NULL) {
            (void)json_object_set_new(*out, "symptom",
                                      tend_json_string(options->symptom_service, strlen(options->symptom_service)));
        }
        status = *out == NULL ? TEND_E_NOMEM : TEND_OK;
    }
    return status;
}

enum tend_status tend_post_mortem_evidence(struct tend_metric_frame *frame,
                                           const struct tend_post_mortem_options *options, json_t **out,
                                           struct tend_error *error)
{
    struct tend_study study = { .frame = frame, .edges = options->edges };
    const enum tend_status status = study_frame(&study, options, out, error);
    tend_study_clear(&study);
    if (status == TEND_E_NOMEM) {
        tend_error_set(error, "out of memory");
    }
    return status;
}
