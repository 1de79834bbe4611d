// Baselines that outlive their subjects: what was learned of a service, or of an instance, that is not there (any more,
// or yet).
//
// A restart brings what the file in the state directory held, before there are any rules (TEND_EVENT_BASELINES); a
// reload or a discovery may take a subject away and bring it back. Both go through one list, oldest first; whatever
// comes alive finds its own in it by name. The list is bounded, and the oldest go first: instances come and go, and the
// names of most never come back. What a file brought waits for an hour however long it is: it is that of a whole fleet,
// of which nobody is there yet.
//
// A baseline as bytes: u32 hours of its season, u8 what it has besides, string zone, by a load the string of what it is
// given, and deviation/baseline.h's own; without HAS_READINGS as that was before.

#include "engine/checkpoint_pass.h"
#include "engine/state.h"

#include "base/log.h"
#include "parse/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 4096, COMING_BACK_MS = 3600000, LEAST_ENTRY_BYTES = 8 };
enum { HAS_DETECTORS = 1, BY_LOAD = 2, HAS_READINGS = 4 };

static char *key_of(const char *service, const char *url, const char *metric)
{
    char *key;
    const int bytes = asprintf(&key, "%s\n%s\n%s", service, url, metric);
    TEND_ASSERT(bytes >= 0);
    return key;
}

static void put_baseline(struct tend_buffer *out, const struct tend_metric_def *def,
                         const struct tend_baseline *baseline)
{
    const struct tend_baseline_spec spec = tend_baseline_spec(baseline);
    tend_buffer_put_u32(out, spec.season_hours);
    tend_buffer_put_u8(out,
                       (uint8_t)(HAS_READINGS | (spec.detectors ? HAS_DETECTORS : 0) | (spec.by_load ? BY_LOAD : 0)));
    tend_buffer_put_string(out, def->zone_name, strlen(def->zone_name));
    if (spec.by_load) {
        tend_buffer_put_string(out, def->given, strlen(def->given));
    }
    tend_baseline_save(baseline, out);
}

static bool reads_as(struct tend_reader *in, const char *text)
{
    size_t count;
    const char *saved = tend_reader_get_string(in, &count);
    return !in->failed && count == strlen(text) && memcmp(saved, text, count) == 0;
}

// @return NULL: taken; else why it is of no use
static const char *take_baseline(struct tend_reader *in, const struct tend_metric_def *def,
                                 struct tend_baseline *baseline)
{
    const uint32_t season_hours = tend_reader_get_u32(in);
    const uint8_t has = tend_reader_get_u8(in);
    const bool same_zone = reads_as(in, def->zone_name);
    if (in->failed || has > (HAS_DETECTORS | BY_LOAD | HAS_READINGS)) {
        return "it is damaged";
    }
    if (season_hours != def->season_hours) {
        return "its season was another one";
    }
    if (!same_zone) {
        return "its time zone was another one";
    }
    const bool by_load = (has & BY_LOAD) != 0;
    if (by_load != (def->given != NULL) || (by_load && !reads_as(in, def->given))) {
        return "it was learned given another metric";
    }
    struct tend_baseline *saved;
    const struct tend_baseline_spec spec = {
        .season_hours = def->season_hours,
        .detectors = (has & HAS_DETECTORS) != 0,
        .by_load = by_load,
    };
    if (tend_baseline_create(spec, &saved) != TEND_OK) {
        return "out of memory";
    }
    const enum tend_status status =
        (has & HAS_READINGS) != 0 ? tend_baseline_load(saved, in) : tend_baseline_load_before(saved, in);
    const bool fine = status == TEND_OK && in->next == in->end;
    if (fine) {
        tend_baseline_inherit(baseline, saved);
    }
    tend_baseline_destroy(saved);
    return fine ? NULL : "it is damaged";
}

static void kept_clear(struct tend_kept_baseline *kept)
{
    free(kept->key);
    free(kept->bytes);
    *kept = (struct tend_kept_baseline){ .key = NULL };
}

void tend_baselines_clear(struct tend_engine *engine)
{
    for (size_t i = 0; engine->kept_baselines != NULL && i < engine->kept_baseline_count; i++) {
        kept_clear(&engine->kept_baselines[i]);
    }
    free(engine->kept_baselines);
    engine->kept_baselines = NULL;
    engine->kept_baseline_count = 0;
}

// How many of the list's oldest are too many. @param known  of how many it was before it grew
static size_t surplus(const struct tend_engine *engine, size_t known)
{
    const bool may_come_back = engine->now_ms - engine->started_ms < COMING_BACK_MS;
    const size_t most = may_come_back && known > KEPT_MAX ? known : KEPT_MAX;
    return engine->kept_baseline_count > most ? engine->kept_baseline_count - most : 0;
}

static void drop_oldest(struct tend_engine *engine, size_t count)
{
    struct tend_kept_baseline *list = engine->kept_baselines;
    for (size_t i = 0; i < count; i++) {
        kept_clear(&list[i]);
    }
    if (count > 0) {
        engine->kept_baseline_count -= count;
        memmove(list, list + count, engine->kept_baseline_count * sizeof *list);
    }
}

// Appends. @param take_key  owned by the list from here on
// NOLINTNEXTLINE(readability-non-const-parameter): it is kept, and freed later
static void keep(struct tend_engine *engine, char *take_key, const char *bytes, size_t count)
{
    struct tend_kept_baseline *list =
        reallocarray(engine->kept_baselines, engine->kept_baseline_count + 1, sizeof *list);
    TEND_ASSERT(list != NULL);
    engine->kept_baselines = list;
    char *copy = malloc(count + 1);
    TEND_ASSERT(copy != NULL);
    memcpy(copy, bytes, count);
    list[engine->kept_baseline_count++] =
        (struct tend_kept_baseline){ .key = take_key, .bytes = copy, .byte_count = count };
}

static bool is_learned(const struct tend_subject *subject, size_t metric)
{
    return subject->baselines[metric] != NULL && tend_baseline_view(subject->baselines[metric]).samples > 0;
}

static void keep_subject(struct tend_engine *engine, const struct tend_service *service, const char *url,
                         const struct tend_subject *subject, const struct tend_service *next)
{
    for (size_t m = 0; m < service->def->metric_count; m++) {
        const struct tend_metric_def *def = &service->def->metrics[m];
        const int there = next == NULL ? -1 : tend_service_metric(next->def, def->name);
        if (!is_learned(subject, m) || (there >= 0 && next->def->metrics[there].expect == TEND_EXPECT_LEARNED)) {
            continue;
        }
        struct tend_buffer bytes;
        tend_buffer_init(&bytes);
        put_baseline(&bytes, def, subject->baselines[m]);
        TEND_ASSERT(!bytes.failed);
        keep(engine, key_of(service->name, url, def->name), bytes.data, bytes.size);
        tend_buffer_clear(&bytes);
    }
}

static const struct tend_instance *find_url(const struct tend_service *service, const char *url)
{
    for (size_t i = 0; service != NULL && i < service->instance_count; i++) {
        if (strcmp(service->instances[i]->url, url) == 0) {
            return service->instances[i];
        }
    }
    return NULL;
}

void tend_baselines_keep(struct tend_engine *engine, const struct tend_fleet *next)
{
    const size_t known = engine->kept_baseline_count;
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        const struct tend_service *now = tend_fleet_find(next, service->name);
        keep_subject(engine, service, "", &service->subject, now);
        for (size_t j = 0; j < service->instance_count; j++) {
            const struct tend_instance *instance = service->instances[j];
            keep_subject(engine, service, instance->url, &instance->subject,
                         find_url(now, instance->url) == NULL ? NULL : now);
        }
    }
    drop_oldest(engine, surplus(engine, known));
}

static void find_subject(const struct tend_hash_map *places, const struct tend_service *service, const char *url,
                         const struct tend_subject *subject)
{
    for (size_t m = 0; m < service->def->metric_count; m++) {
        if (subject->baselines[m] == NULL || is_learned(subject, m)) {
            continue;
        }
        const struct tend_metric_def *def = &service->def->metrics[m];
        char *key = key_of(service->name, url, def->name);
        struct tend_kept_baseline *kept = tend_hash_map_find(places, key, strlen(key));
        if (kept != NULL && kept->bytes != NULL) {
            struct tend_reader in = tend_reader_over(kept->bytes, kept->byte_count);
            const char *why = take_baseline(&in, def, subject->baselines[m]);
            if (why != NULL) {
                tend_log(TEND_LOG_WARN, "baseline not taken service=%s instance=%s metric=%s why=\"%s\"", service->name,
                         url, def->name, why);
            }
            free(kept->bytes);
            kept->bytes = NULL; // used up; it leaves the list below
        }
        free(key);
    }
}

void tend_baselines_find(struct tend_engine *engine)
{
    struct tend_hash_map *places;
    if (engine->kept_baseline_count == 0 || engine->fleet == NULL || tend_hash_map_create(&places) != TEND_OK) {
        return;
    }
    for (size_t i = 0; i < engine->kept_baseline_count; i++) { // of two of one name the newer one
        struct tend_kept_baseline *kept = &engine->kept_baselines[i];
        const enum tend_status status = tend_hash_map_set(places, kept->key, strlen(kept->key), kept);
        TEND_ASSERT(status == TEND_OK);
    }
    for (size_t i = 0; i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        find_subject(places, service, "", &service->subject);
        for (size_t j = 0; j < service->instance_count; j++) {
            find_subject(places, service, service->instances[j]->url, &service->instances[j]->subject);
        }
    }
    tend_hash_map_destroy(places);
    size_t left = 0;
    for (size_t i = 0; i < engine->kept_baseline_count; i++) {
        if (engine->kept_baselines[i].bytes == NULL) {
            kept_clear(&engine->kept_baselines[i]);
        } else {
            engine->kept_baselines[left++] = engine->kept_baselines[i];
        }
    }
    engine->kept_baseline_count = left;
}

void tend_baselines_take(struct tend_engine *engine, const char *bytes, size_t byte_count)
{
    struct tend_reader in = tend_reader_over(bytes, byte_count);
    size_t taken = 0;
    while (in.next != in.end && !in.failed) {
        size_t key_bytes;
        size_t count;
        const char *key = tend_reader_get_string(&in, &key_bytes);
        const char *body = tend_reader_get_string(&in, &count);
        if (!in.failed && memchr(key, '\0', key_bytes) == NULL && tend_utf8_valid(key, key_bytes)) {
            char *copy = strndup(key, key_bytes);
            TEND_ASSERT(copy != NULL);
            keep(engine, copy, body, count);
            taken++;
        }
    }
    if (in.failed) {
        tend_log(TEND_LOG_WARN, "baselines are cut off: what follows is learned anew taken=%zu", taken);
    } else {
        tend_log(TEND_LOG_INFO, "baselines taken over count=%zu", taken);
    }
    tend_baselines_find(engine);
}

static size_t save_subject(const struct tend_service *service, const char *url, const struct tend_subject *subject,
                           struct tend_buffer *out)
{
    size_t saved = 0;
    struct tend_buffer bytes;
    tend_buffer_init(&bytes);
    for (size_t m = 0; m < service->def->metric_count; m++) {
        if (!is_learned(subject, m)) {
            continue;
        }
        const struct tend_metric_def *def = &service->def->metrics[m];
        tend_buffer_reset(&bytes);
        put_baseline(&bytes, def, subject->baselines[m]);
        char *key = key_of(service->name, url, def->name);
        tend_buffer_put_string(out, key, strlen(key));
        tend_buffer_put_string(out, bytes.data, bytes.size);
        free(key);
        out->failed = out->failed || bytes.failed;
        saved++;
    }
    tend_buffer_clear(&bytes);
    return saved;
}

// Those that wait for their subjects come first: they are the older ones.
size_t tend_engine_save_baselines(const struct tend_engine *engine, struct tend_buffer *out)
{
    const size_t left_out = surplus(engine, engine->kept_baseline_count);
    size_t saved = engine->kept_baseline_count - left_out;
    for (size_t i = left_out; i < engine->kept_baseline_count; i++) {
        const struct tend_kept_baseline *kept = &engine->kept_baselines[i];
        tend_buffer_put_string(out, kept->key, strlen(kept->key));
        tend_buffer_put_string(out, kept->bytes, kept->byte_count);
    }
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        saved += save_subject(service, "", &service->subject, out);
        for (size_t j = 0; j < service->instance_count; j++) {
            saved += save_subject(service, service->instances[j]->url, &service->instances[j]->subject, out);
        }
    }
    return saved;
}

TEND_PASS_COVERS(tend_kept_baseline, 24);

void tend_pass_kept_baselines(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "baselines of who is not there";
    engine->kept_baselines = tend_pass_array(pass, engine->kept_baselines, &engine->kept_baseline_count,
                                             sizeof *engine->kept_baselines, LEAST_ENTRY_BYTES);
    for (size_t i = 0; i < engine->kept_baseline_count; i++) {
        struct tend_kept_baseline *kept = &engine->kept_baselines[i];
        tend_pass_name(pass, &kept->key);
        if (tend_pass_saves(pass)) {
            tend_buffer_put_string(pass->out, kept->bytes, kept->byte_count);
            continue;
        }
        const char *bytes = tend_reader_get_string(&pass->in, &kept->byte_count);
        kept->bytes = malloc(kept->byte_count + 1);
        if (kept->bytes == NULL) {
            kept->byte_count = 0;
            tend_pass_no_memory(pass);
        } else if (pass->in.failed) {
            kept->byte_count = 0;
            tend_pass_refuse(pass, "a baseline that is cut off");
        } else {
            memcpy(kept->bytes, bytes, kept->byte_count);
        }
    }
}
