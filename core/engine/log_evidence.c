// Buckets are a ring by number, shared by all templates: moving on to a new bucket adds what it held 64 buckets ago to
// `older` and empties it. So a service that logs nothing for a day costs one step when it logs again.
//
// Where lines are parted into before and after: at the onset, or up to two minutes earlier where that surprises more,
// for what a metric shows was logged a window before it was out of line. A split farther off must part them better.

#include "engine/log_evidence.h"

#include "locate/log_surprise.h"
#include "series/series_window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPLITS = 13,         // at the onset and at each of the 12 buckets before it
    BEFORE_LEAST_S = 30, // a log that is known for less tells nothing of what is usual
    LINES_MOST = 5,      // that are told
};
static const double halved_a_bucket = 0.99807655; // 2^(-10 s / 1 h)
static const double plain_nats = 5;               // of surprise that a template has at any split
static const double telling_nats = 4;             // and ln of how many templates there are
static const double split_scale_buckets = 30;
static const double weight_of_level[] = { 0.3, 0.7, 1 }; // info, warning, error
static const double weight_of_silence = 0.7;

static int64_t bucket_of(int64_t at_ms)
{
    const int64_t behind = at_ms % TEND_LOG_BUCKET_MS;
    return (at_ms - behind) / TEND_LOG_BUCKET_MS - (behind < 0 ? 1 : 0);
}

static size_t place_of(int64_t bucket)
{
    return (size_t)((uint64_t)bucket % TEND_LOG_BUCKETS);
}

struct tend_log_evidence *tend_log_evidence_create(int64_t at_ms)
{
    struct tend_log_evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence != NULL) {
        evidence->since_ms = at_ms;
        evidence->bucket = bucket_of(at_ms);
        evidence->skipped_ms = TEND_NEVER_MS;
    }
    return evidence;
}

void tend_log_evidence_destroy(struct tend_log_evidence *evidence)
{
    for (size_t i = 0; evidence != NULL && i < evidence->count; i++) {
        free(evidence->tracks[i].text);
    }
    free(evidence == NULL ? NULL : evidence->tracks);
    free(evidence);
}

static void advance(struct tend_log_evidence *evidence, int64_t bucket)
{
    const int64_t steps = bucket - evidence->bucket;
    const int64_t since = bucket_of(evidence->since_ms);
    for (int64_t i = 1; i <= steps && i <= TEND_LOG_BUCKETS; i++) {
        const size_t place = place_of(evidence->bucket + i);
        for (size_t t = 0; t < evidence->count; t++) {
            struct tend_log_track *track = &evidence->tracks[t];
            track->older = track->older * halved_a_bucket + track->buckets[place];
            track->buckets[place] = 0;
        }
        const bool was_read = evidence->bucket + i - TEND_LOG_BUCKETS >= since;
        evidence->older_s = evidence->older_s * halved_a_bucket + (was_read ? TEND_LOG_BUCKET_MS / 1000.0 : 0);
    }
    if (steps > TEND_LOG_BUCKETS) { // a gap in which nothing came
        const double left = pow(halved_a_bucket, (double)(steps - TEND_LOG_BUCKETS));
        for (size_t t = 0; t < evidence->count; t++) {
            evidence->tracks[t].older *= left;
        }
        const double most_s = TEND_LOG_BUCKET_MS / 1000.0 / (1 - halved_a_bucket);
        evidence->older_s = evidence->older_s * left + most_s * (1 - left);
    }
    evidence->bucket = steps > 0 ? bucket : evidence->bucket;
}

static struct tend_log_track *find(const struct tend_log_evidence *evidence, uint64_t hash, enum tend_line_level level,
                                   const char *text)
{
    for (size_t i = 0; i < evidence->count; i++) {
        struct tend_log_track *track = &evidence->tracks[i];
        if (track->hash == hash && track->level == level && strcmp(track->text, text) == 0) {
            return track;
        }
    }
    return NULL;
}

// The one that did not come for longest, if that is as long as the buckets reach; else NULL.
static struct tend_log_track *stalest(const struct tend_log_evidence *evidence, int64_t at_ms)
{
    struct tend_log_track *found = NULL;
    for (size_t i = 0; i < evidence->count; i++) {
        struct tend_log_track *track = &evidence->tracks[i];
        if (found == NULL || track->newest_ms < found->newest_ms) {
            found = track;
        }
    }
    const int64_t reach_ms = (int64_t)TEND_LOG_BUCKETS * TEND_LOG_BUCKET_MS;
    return found != NULL && found->newest_ms < at_ms - reach_ms ? found : NULL;
}

static struct tend_log_track *add(struct tend_log_evidence *evidence)
{
    if (evidence->count == evidence->capacity) {
        const size_t capacity = evidence->capacity == 0 ? 8 : 2 * evidence->capacity;
        struct tend_log_track *grown = reallocarray(evidence->tracks, capacity, sizeof *grown);
        TEND_ASSERT(grown != NULL);
        evidence->tracks = grown;
        evidence->capacity = capacity;
    }
    return &evidence->tracks[evidence->count++];
}

struct wanted {
    const struct tend_log_evidence *evidence;
    enum tend_line_level level;
    uint64_t shape;
};

static const char *text_at(const void *context, size_t place)
{
    const struct wanted *wanted = context;
    const struct tend_log_track *track = &wanted->evidence->tracks[place];
    return track->shape == wanted->shape && track->level == wanted->level ? track->text : NULL;
}

// Adds the lines of a track to another one's, and takes it out.
static void merge(struct tend_log_evidence *evidence, struct tend_log_track *into, size_t place)
{
    struct tend_log_track *from = &evidence->tracks[place];
    into->older += from->older;
    into->first_ms = from->first_ms < into->first_ms ? from->first_ms : into->first_ms;
    into->newest_ms = from->newest_ms > into->newest_ms ? from->newest_ms : into->newest_ms;
    for (size_t i = 0; i < TEND_LOG_BUCKETS; i++) {
        const uint64_t lines = (uint64_t)into->buckets[i] + from->buckets[i];
        into->buckets[i] = lines < UINT32_MAX ? (uint32_t)lines : UINT32_MAX;
    }
    free(from->text);
    evidence->count--;
    memmove(from, from + 1, (evidence->count - place) * sizeof *from);
}

static void rename_track(struct tend_log_track *track, const char *text)
{
    free(track->text);
    track->text = strdup(text);
    TEND_ASSERT(track->text != NULL);
    track->hash = tend_log_template_hash(track->level, text, strlen(text));
    track->shape = tend_log_shape(text);
}

// Makes those that differ in a word that varies one, in the place of the first. @return NULL: there are none
static struct tend_log_track *join(struct tend_log_evidence *evidence, enum tend_line_level level, const char *text,
                                   const struct tend_log_names *names)
{
    const struct wanted wanted = { evidence, level, tend_log_shape(text) };
    struct tend_log_group group;
    if (!tend_log_find_group(text, evidence->count, text_at, &wanted, names, &group) || group.count == 0) {
        return NULL;
    }
    struct tend_log_track *first = &evidence->tracks[group.members[0]];
    for (size_t i = group.count; i-- > 1;) {
        merge(evidence, first, group.members[i]);
    }
    rename_track(first, group.general);
    return first;
}

// The place of a template: its own, that of those it is one with, a new one, that of one which is forgotten, or the one
// for all others.
static struct tend_log_track *place(struct tend_log_evidence *evidence, enum tend_line_level level, const char *text,
                                    int64_t first_ms, int64_t at_ms, const struct tend_log_names *names)
{
    uint64_t hash = tend_log_template_hash(level, text, strlen(text));
    struct tend_log_track *track = find(evidence, hash, level, text);
    track = track != NULL ? track : join(evidence, level, text, names);
    if (track != NULL) {
        return track;
    }
    if (evidence->count >= TEND_LOG_TEMPLATES_MAX) {
        track = stalest(evidence, at_ms);
        text = track == NULL ? TEND_LOG_OTHER : text;
        hash = tend_log_template_hash(level, text, strlen(text));
        struct tend_log_track *other = track == NULL ? find(evidence, hash, level, text) : NULL;
        if (other != NULL) {
            return other;
        }
    }
    if (track == NULL) {
        track = add(evidence);
    } else {
        free(track->text);
    }
    *track = (struct tend_log_track){ .level = level, .first_ms = first_ms, .newest_ms = at_ms };
    rename_track(track, text);
    return track;
}

void tend_log_evidence_take(struct tend_log_evidence *evidence, const struct tend_logged_service *logged, int64_t at_ms,
                            const struct tend_log_names *names)
{
    advance(evidence, bucket_of(at_ms));
    evidence->skipped_bytes += logged->skipped_bytes;
    evidence->skipped_ms = logged->skipped_bytes > 0 ? at_ms : evidence->skipped_ms;
    const size_t newest = place_of(evidence->bucket);
    for (size_t i = 0; i < logged->count; i++) {
        const struct tend_logged *one = &logged->logged[i];
        struct tend_log_track *track =
            place(evidence, (enum tend_line_level)one->level, one->template, at_ms - one->first_ago_ms, at_ms, names);
        const uint64_t lines = track->buckets[newest] + (one->lines < UINT32_MAX ? one->lines : UINT32_MAX);
        track->buckets[newest] = lines < UINT32_MAX ? (uint32_t)lines : UINT32_MAX;
        track->newest_ms = at_ms;
    }
}

// ---- what is new ----

// Lines of a template, and of all of them, after each possible split.
struct sums {
    double after[SPLITS];
    double total;
};

struct study {
    const struct tend_log_evidence *evidence;
    int64_t now_ms;
    int64_t oldest;         // bucket that is still held
    int64_t splits[SPLITS]; // the first bucket that is after
    size_t split_count;
    struct sums all;
    struct sums tracks[TEND_LOG_TRACKS_MAX];
};

static double lines_in(const struct study *study, const struct tend_log_track *track, int64_t bucket)
{
    const int64_t newest = study->evidence->bucket;
    return bucket > newest || bucket <= newest - TEND_LOG_BUCKETS ? 0 : track->buckets[place_of(bucket)];
}

static double before_s(const struct study *study, size_t split)
{
    const double held_s = (double)(study->splits[split] - study->oldest) * TEND_LOG_BUCKET_MS / 1000.0;
    return held_s + study->evidence->older_s;
}

static double after_s(const struct study *study, size_t split)
{
    return fmax(1, (double)(study->now_ms - study->splits[split] * TEND_LOG_BUCKET_MS) / 1000.0);
}

static void set_splits(struct study *study, int64_t onset_ms)
{
    const struct tend_log_evidence *evidence = study->evidence;
    const int64_t since = bucket_of(evidence->since_ms);
    const int64_t first_held = evidence->bucket - TEND_LOG_BUCKETS + 1;
    const int64_t onset = bucket_of(onset_ms);
    study->oldest = since > first_held ? since : first_held;
    for (int64_t k = 0; k < SPLITS; k++) {
        const int64_t split = onset - k < study->oldest ? study->oldest : onset - k;
        study->splits[study->split_count] = split;
        if (before_s(study, study->split_count) < BEFORE_LEAST_S) {
            return;
        }
        study->split_count++;
        if (split == study->oldest) {
            return;
        }
    }
}

static void sum_lines(struct study *study)
{
    const struct tend_log_evidence *evidence = study->evidence;
    for (size_t t = 0; t < evidence->count; t++) {
        const struct tend_log_track *track = &evidence->tracks[t];
        struct sums *sums = &study->tracks[t];
        double after = 0;
        int64_t bucket = evidence->bucket;
        for (size_t split = 0; split < study->split_count; split++) {
            for (; bucket >= study->splits[split]; bucket--) {
                after += lines_in(study, track, bucket);
            }
            sums->after[split] = after;
            study->all.after[split] += after;
        }
        for (; bucket >= study->oldest; bucket--) {
            after += lines_in(study, track, bucket);
        }
        sums->total = after + track->older;
        study->all.total += sums->total;
    }
}

static struct tend_log_spans spans_of(const struct study *study, size_t split)
{
    return (struct tend_log_spans){ .before_s = before_s(study, split),
                                    .after_s = after_s(study, split),
                                    .before = study->all.total - study->all.after[split],
                                    .after = study->all.after[split] };
}

static size_t best_split(const struct study *study)
{
    size_t best = 0;
    double most = -1;
    for (size_t split = 0; split < study->split_count; split++) {
        const struct tend_log_spans spans = spans_of(study, split);
        double sum = 0;
        for (size_t t = 0; t < study->evidence->count; t++) {
            const struct sums *sums = &study->tracks[t];
            const double after = sums->after[split];
            if (after == 0) {
                continue;
            }
            const struct tend_log_expectation expected = tend_log_expect(sums->total - after, &spans);
            const double nats = tend_log_surprise_bound(after, &expected, true) - plain_nats;
            sum += nats > 0 ? nats * weight_of_level[study->evidence->tracks[t].level] : 0;
        }
        sum *= exp(-(double)split / split_scale_buckets);
        if (sum > most) {
            most = sum;
            best = split;
        }
    }
    return best;
}

struct telling {
    const struct tend_log_track *track;
    double weight, up, down, lines, expected;
    bool is_new;
};

// The first bucket after the split in which it came.
static int64_t first_after(const struct study *study, size_t split, const struct tend_log_track *track)
{
    for (int64_t bucket = study->splits[split]; bucket <= study->evidence->bucket; bucket++) {
        if (lines_in(study, track, bucket) > 0) {
            const int64_t begin_ms = bucket * TEND_LOG_BUCKET_MS;
            return track->first_ms > begin_ms ? track->first_ms : begin_ms;
        }
    }
    return study->now_ms;
}

static json_t *line_of(const struct study *study, size_t split, const struct telling *telling, int64_t onset_ms)
{
    static const char *const levels[] = { "info", "warning", "error" };
    const struct tend_log_track *track = telling->track;
    json_t *lead = telling->lines > 0 ? tend_json_real((double)(onset_ms - first_after(study, split, track)) / 1000.0)
                                      : json_null();
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "level", levels[track->level], "template",
                     tend_json_string(track->text, strlen(track->text)), "lines", tend_json_real(telling->lines),
                     "seconds", tend_json_real(after_s(study, split)), "expected", tend_json_real(telling->expected),
                     "up", tend_json_real(telling->up), "down", tend_json_real(telling->down), "new", telling->is_new,
                     "lead_s", lead);
}

// Puts one among the most telling; of equal ones the first stays first.
static size_t put_telling(struct telling *list, size_t count, const struct telling *one)
{
    size_t at = count < LINES_MOST ? count : LINES_MOST;
    while (at > 0 && list[at - 1].weight < one->weight) {
        at--;
    }
    if (at == LINES_MOST) {
        return count;
    }
    const size_t last = count < LINES_MOST ? count : LINES_MOST - 1;
    memmove(list + at + 1, list + at, (last - at) * sizeof *list);
    list[at] = *one;
    return last + 1;
}

static size_t find_telling(const struct study *study, size_t split, struct telling *list)
{
    const struct tend_log_spans spans = spans_of(study, split);
    const double least = telling_nats + log((double)study->evidence->count);
    size_t count = 0;
    for (size_t t = 0; t < study->evidence->count; t++) {
        const struct tend_log_track *track = &study->evidence->tracks[t];
        const double after = study->tracks[t].after[split];
        const double before = study->tracks[t].total - after;
        const struct tend_log_expectation expected = tend_log_expect(before, &spans);
        struct telling one = { .track = track, .lines = after, .is_new = before < 0.5 };
        one.up = tend_log_surprise_bound(after, &expected, true);
        // That another template bursts is no reason to expect more of this one.
        const double as_before = expected.shape * spans.after_s / spans.before_s;
        const struct tend_log_expectation least_expected = { .mean = fmin(expected.mean, as_before),
                                                             .shape = expected.shape };
        one.expected = as_before;
        one.down = tend_log_surprise_bound(after, &least_expected, false);
        one.weight = fmax(one.up * weight_of_level[track->level], one.down * weight_of_silence);
        if (fmax(one.up, one.down) >= least) {
            count = put_telling(list, count, &one);
        }
    }
    return count;
}

json_t *tend_log_evidence_lines(const struct tend_log_evidence *evidence, int64_t onset_ms, int64_t now_ms)
{
    if (evidence->count == 0) {
        return NULL;
    }
    struct study *study = calloc(1, sizeof *study);
    TEND_ASSERT(study != NULL);
    study->evidence = evidence;
    study->now_ms = now_ms;
    set_splits(study, onset_ms);
    json_t *lines = NULL;
    if (study->split_count > 0) {
        struct telling list[LINES_MOST];
        sum_lines(study);
        const size_t split = best_split(study);
        const size_t count = find_telling(study, split, list);
        lines = count > 0 ? json_array() : NULL;
        for (size_t i = 0; i < count; i++) {
            (void)json_array_append_new(lines, line_of(study, split, &list[i], onset_ms));
        }
    }
    free(study);
    return lines;
}
