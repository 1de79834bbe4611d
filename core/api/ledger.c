// Reads incident by incident without the evidence, which is most of an incident's bytes: a month with a thousand
// incidents is read in well under a second. Tallies are a few dozen, so they are found by walking.

#include "api/ledger.h"

#include "api/ledger_case.h"
#include "api/ledger_sums.h"
#include "api/wall_time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INCIDENTS_MAX = 1000000 };

static const double day_s = 24 * 3600.0;

enum span { ONSET_TO_FIRED, BEGAN_TO_FIRED, FIRED_TO_TOLD, LASTED, RECOVERED, SPANS };

static const char *const span_names[] = { "onset_to_fired_s", "began_to_fired_s", "fired_to_told_s", "lasted_s",
                                          "recovered_s" };

struct tally {
    char *name;
    size_t alarms, firings, flaps, by_missing, real, wrong, unmarked, messages, runs, dry_runs, cured, acts;
    struct tend_spread spans[SPANS];
};

struct tallies {
    struct tally *list;
    size_t count;
};

struct ledger {
    const struct tend_ledger_options *options;
    int64_t first_ms; // of the journal
    struct tallies rules, services;
    struct tally sums;
    size_t open;
    json_t *ids;
    json_t *rows;
    bool failed;
};

static void clear_tallies(struct tallies *tallies)
{
    for (size_t i = 0; i < tallies->count; i++) {
        free(tallies->list[i].name);
        for (size_t s = 0; s < SPANS; s++) {
            tend_spread_clear(&tallies->list[i].spans[s]);
        }
    }
    free(tallies->list);
}

static struct tally *tally_of(struct ledger *ledger, struct tallies *tallies, const char *name)
{
    for (size_t i = 0; i < tallies->count; i++) {
        if (strcmp(tallies->list[i].name, name) == 0) {
            return &tallies->list[i];
        }
    }
    struct tally *list = reallocarray(tallies->list, tallies->count + 1, sizeof *list);
    char *copy = list == NULL ? NULL : strdup(name);
    if (list != NULL) {
        tallies->list = list;
    }
    if (copy == NULL) {
        ledger->failed = true;
        return NULL;
    }
    list[tallies->count] = (struct tally){ .name = copy };
    return &list[tallies->count++];
}

// ---- one incident ----

static double span_s(int64_t from_ms, int64_t until_ms)
{
    return from_ms < 0 || until_ms < from_ms ? (double)NAN : (double)(until_ms - from_ms) / 1000.0;
}

// The earlier of two times, of which one may not be known.
static int64_t earlier(int64_t one_ms, int64_t other_ms)
{
    return one_ms < 0 || (other_ms >= 0 && other_ms < one_ms) ? other_ms : one_ms;
}

static void count_common(struct tally *tally, const struct tend_ledger_case *of)
{
    const char *mark = tend_json_text(of->mark, "mark", "");
    tally->alarms++;
    tally->real += strcmp(mark, "real") == 0;
    tally->wrong += strcmp(mark, "false") == 0;
    tally->unmarked += of->mark == NULL;
    tally->messages += of->messages;
    tally->runs += of->runs;
    tally->dry_runs += of->dry_runs;
    tally->cured += of->cured;
    tally->acts += of->acts;
}

static const char *name_in(const struct tend_ledger_alarm *alarm, bool by_rule)
{
    return by_rule ? alarm->rule : alarm->service;
}

// Counts an incident for a rule or a service: all its alarms with this name are one.
static void count_alarm(struct tally *tally, const struct tend_ledger_case *of, const char *name, bool by_rule)
{
    int64_t onset_ms = -1;
    int64_t began_ms = -1;
    int64_t fired_ms = -1;
    int64_t resolved_ms = -1;
    bool firing = false;
    bool by_missing = true;
    for (size_t i = 0; i < of->alarm_count; i++) {
        const struct tend_ledger_alarm *alarm = &of->alarms[i];
        if (strcmp(name_in(alarm, by_rule), name) != 0) {
            continue;
        }
        onset_ms = earlier(onset_ms, alarm->onset_ms);
        began_ms = earlier(began_ms, alarm->began_ms);
        fired_ms = earlier(fired_ms, alarm->fired_ms);
        resolved_ms = alarm->resolved_ms > resolved_ms ? alarm->resolved_ms : resolved_ms;
        firing = firing || alarm->firing;
        by_missing = by_missing && alarm->by_missing;
        tally->firings += alarm->firings;
        tally->flaps += alarm->firings > 0 ? alarm->firings - 1 : 0;
    }
    count_common(tally, of);
    tally->by_missing += by_missing;
    tend_spread_add(&tally->spans[ONSET_TO_FIRED], span_s(onset_ms, fired_ms));
    tend_spread_add(&tally->spans[BEGAN_TO_FIRED], span_s(began_ms, fired_ms));
    tend_spread_add(&tally->spans[FIRED_TO_TOLD], span_s(fired_ms, of->told_ms));
    tend_spread_add(&tally->spans[LASTED], firing ? (double)NAN : span_s(fired_ms, resolved_ms));
    if (strcmp(tend_json_text(of->incident, "outcome", ""), "recovered") == 0) {
        const int64_t ended_ms = tend_json_integer(of->incident, "ended_wall_ms", -1);
        tend_spread_add(&tally->spans[RECOVERED], span_s(earlier(onset_ms, began_ms), ended_ms));
    }
}

// Each name once, in the order in which they fired first.
static json_t *names_of(const struct tend_ledger_case *of, bool by_rule)
{
    json_t *names = json_array();
    for (size_t i = 0; i < of->alarm_count; i++) {
        const char *name = name_in(&of->alarms[i], by_rule);
        bool there = false;
        for (size_t j = 0; j < json_array_size(names); j++) {
            there = there || strcmp(json_string_value(json_array_get(names, j)), name) == 0;
        }
        if (!there) {
            (void)json_array_append_new(names, json_string(name));
        }
    }
    return names;
}

static json_t *culprits_of(const json_t *incident)
{
    json_t *names = json_array();
    const json_t *culprits = json_object_get(incident, "culprits");
    for (size_t i = 0; i < json_array_size(culprits); i++) {
        const char *name = tend_json_text(json_array_get(culprits, i), "service", NULL);
        if (name != NULL) {
            (void)json_array_append_new(names, json_string(name));
        }
    }
    return names;
}

static json_t *row_of(const struct tend_ledger_case *of, const char *id, json_t *take_rules, json_t *take_services)
{
    const json_t *incident = of->incident;
    const int64_t opened_ms = tend_json_integer(incident, "opened_wall_ms", -1);
    const int64_t ended_ms = tend_json_integer(incident, "ended_wall_ms", -1);
    return json_pack("{s:s, s:o, s:o, s:o, s:O?, s:O?, s:O?, s:o, s:o, s:o, s:s?, s:s?, s:s?, s:o}", "id", id, "opened",
                     tend_wall_time_json(opened_ms), "ended", tend_wall_time_json(ended_ms), "took_s",
                     tend_json_real(span_s(opened_ms, ended_ms)), "severity", json_object_get(incident, "severity"),
                     "state", json_object_get(incident, "state"), "outcome", json_object_get(incident, "outcome"),
                     "rules", take_rules, "services", take_services, "culprits", culprits_of(incident), "mark",
                     tend_json_text(of->mark, "mark", NULL), "why", tend_json_text(of->mark, "why", NULL), "who",
                     tend_json_text(of->mark, "who", NULL), "marked", tend_wall_time_json(of->marked_ms));
}

static void count_names(struct ledger *ledger, const struct tend_ledger_case *of, const json_t *names, bool by_rule)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (by_rule && ledger->options->rule != NULL && strcmp(ledger->options->rule, name) != 0) {
            continue;
        }
        struct tally *tally = tally_of(ledger, by_rule ? &ledger->rules : &ledger->services, name);
        if (tally != NULL) {
            count_alarm(tally, of, name, by_rule);
        }
    }
}

static bool fired_in(const struct tend_ledger_case *of, const char *rule)
{
    for (size_t i = 0; i < of->alarm_count; i++) {
        if (strcmp(of->alarms[i].rule, rule) == 0) {
            return true;
        }
    }
    return false;
}

static void count_case(struct ledger *ledger, const struct tend_ledger_case *of, const char *id)
{
    const bool asked = ledger->options->rule == NULL || fired_in(of, ledger->options->rule);
    ledger->failed = ledger->failed || of->failed;
    if (of->incident == NULL || !asked) {
        return;
    }
    json_t *rules = names_of(of, true);
    json_t *services = names_of(of, false);
    count_names(ledger, of, rules, true);
    count_names(ledger, of, services, false);
    count_common(&ledger->sums, of);
    ledger->open += strcmp(tend_json_text(of->incident, "state", ""), "ended") != 0;
    json_t *row = row_of(of, id, rules, services);
    ledger->failed = ledger->failed || row == NULL || json_array_append_new(ledger->rows, row) != 0;
}

// ---- all of them ----

static bool take_record(void *context, const struct tend_record *record)
{
    tend_ledger_case_take(context, record);
    return true;
}

static bool take_id(void *context, const struct tend_record *record)
{
    struct ledger *ledger = context;
    const int64_t opened_ms = tend_json_integer(record->body, "opened_wall_ms", record->wall_ms);
    if (opened_ms >= ledger->options->from_wall_ms && opened_ms < ledger->options->until_wall_ms) {
        json_t *entry = json_pack("{s:s, s:I}", "id", record->key, "opened", (json_int_t)opened_ms);
        ledger->failed = ledger->failed || entry == NULL || json_array_append_new(ledger->ids, entry) != 0;
    }
    return !ledger->failed;
}

static bool take_first(void *context, const struct tend_record *record)
{
    struct ledger *ledger = context;
    ledger->first_ms = record->wall_ms;
    return false;
}

struct opened {
    const char *id;
    int64_t opened_ms;
};

static int newest_first(const void *left, const void *right)
{
    const struct opened *one = left;
    const struct opened *other = right;
    return (one->opened_ms < other->opened_ms) - (one->opened_ms > other->opened_ms);
}

static enum tend_status read_cases(struct ledger *ledger, struct tend_journal *journal, struct tend_error *error)
{
    const size_t count = json_array_size(ledger->ids);
    struct opened *order = calloc(count + 1, sizeof *order);
    if (order == NULL) {
        return TEND_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(ledger->ids, i);
        order[i] = (struct opened){ .id = tend_json_text(entry, "id", ""),
                                    .opened_ms = tend_json_integer(entry, "opened", 0) };
    }
    qsort(order, count, sizeof *order, newest_first);
    enum tend_status status = TEND_OK;
    for (size_t i = 0; status == TEND_OK && i < count; i++) {
        struct tend_ledger_case of;
        tend_ledger_case_init(&of);
        status =
            tend_journal_read_incident_without(journal, order[i].id, TEND_RECORD_EVIDENCE, take_record, &of, error);
        if (status == TEND_OK) {
            count_case(ledger, &of, order[i].id);
        }
        tend_ledger_case_clear(&of);
    }
    free(order);
    return status;
}

// ---- the document ----

static int most_first(const void *left, const void *right)
{
    const struct tally *one = left;
    const struct tally *other = right;
    return one->alarms != other->alarms ? (one->alarms < other->alarms) - (one->alarms > other->alarms)
                                        : strcmp(one->name, other->name);
}

static double covered_s(const struct ledger *ledger)
{
    const int64_t from_ms =
        ledger->first_ms > ledger->options->from_wall_ms ? ledger->first_ms : ledger->options->from_wall_ms;
    return ledger->first_ms < 0 ? 0 : fmax(span_s(from_ms, ledger->options->until_wall_ms), 0);
}

static json_t *tally_json(struct ledger *ledger, struct tally *tally)
{
    const struct tend_share precision = tend_share_of(tally->real, tally->real + tally->wrong);
    const double weeks = covered_s(ledger) / (7 * day_s);
    const double per_week = weeks * 7 < 1 ? (double)NAN : (double)tally->alarms / weeks; // a rate of an hour is none
    json_t *json = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "name", tally->name,
        "alarms", (json_int_t)tally->alarms, "firings", (json_int_t)tally->firings, "flaps", (json_int_t)tally->flaps,
        "by_missing", (json_int_t)tally->by_missing, "real", (json_int_t)tally->real, "false", (json_int_t)tally->wrong,
        "unmarked", (json_int_t)tally->unmarked, "precision", tend_json_real(precision.share), "precision_low",
        tend_json_real(precision.low), "precision_high", tend_json_real(precision.high), "per_week",
        tend_json_real(per_week), "messages", (json_int_t)tally->messages, "runs", (json_int_t)tally->runs, "dry_runs",
        (json_int_t)tally->dry_runs, "cured", (json_int_t)tally->cured, "acts", (json_int_t)tally->acts);
    for (size_t s = 0; json != NULL && s < SPANS; s++) {
        struct tend_spread *spread = &tally->spans[s];
        (void)json_object_set_new(json, span_names[s],
                                  json_pack("{s:I, s:o, s:o}", "count", (json_int_t)spread->count, "median",
                                            tend_json_real(tend_spread_median(spread)), "largest",
                                            tend_json_real(tend_spread_largest(spread))));
    }
    ledger->failed = ledger->failed || json == NULL;
    return json;
}

static json_t *tallies_json(struct ledger *ledger, struct tallies *tallies)
{
    json_t *list = json_array();
    if (tallies->count > 0) {
        qsort(tallies->list, tallies->count, sizeof *tallies->list, most_first);
    }
    for (size_t i = 0; i < tallies->count; i++) {
        (void)json_array_append_new(list, tally_json(ledger, &tallies->list[i]));
    }
    return list;
}

static json_t *document_of(struct ledger *ledger)
{
    const struct tally *sums = &ledger->sums;
    json_t *sums_json =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "incidents", (json_int_t)sums->alarms, "open",
                  (json_int_t)ledger->open, "real", (json_int_t)sums->real, "false", (json_int_t)sums->wrong,
                  "unmarked", (json_int_t)sums->unmarked, "messages", (json_int_t)sums->messages, "runs",
                  (json_int_t)sums->runs, "cured", (json_int_t)sums->cured, "acts", (json_int_t)sums->acts);
    json_t *rules = tallies_json(ledger, &ledger->rules);
    json_t *services = tallies_json(ledger, &ledger->services);
    return json_pack("{s:o, s:o, s:o, s:s?, s:o, s:o, s:o, s:O}", "from",
                     tend_wall_time_json(ledger->options->from_wall_ms), "until",
                     tend_wall_time_json(ledger->options->until_wall_ms), "covered_s",
                     tend_json_real(covered_s(ledger)), "rule", ledger->options->rule, "sums", sums_json, "rules",
                     rules, "services", services, "incidents", ledger->rows);
}

enum tend_status tend_ledger_read(struct tend_journal *journal, const struct tend_ledger_options *options, json_t **out,
                                  struct tend_error *error)
{
    struct ledger ledger = { .options = options, .first_ms = -1, .ids = json_array(), .rows = json_array() };
    enum tend_status status = tend_journal_read_after(journal, 0, take_first, &ledger, error);
    if (status == TEND_OK) {
        status = tend_journal_read_kind(journal, TEND_RECORD_INCIDENT, INCIDENTS_MAX, take_id, &ledger, error);
    }
    if (status == TEND_OK) {
        status = read_cases(&ledger, journal, error);
    }
    json_t *document = status == TEND_OK ? document_of(&ledger) : NULL;
    if (status == TEND_OK && (ledger.failed || document == NULL)) {
        status = TEND_E_NOMEM;
        tend_error_set(error, "out of memory");
    }
    if (status == TEND_OK) {
        *out = json_incref(document);
    }
    json_decref(document);
    clear_tallies(&ledger.rules);
    clear_tallies(&ledger.services);
    json_decref(ledger.ids);
    json_decref(ledger.rows);
    return status;
}
