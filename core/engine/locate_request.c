// The locate request: what the evaluator is asked when an incident wants a ranking.
//
// Of 200 services it is a megabyte of JSON, which takes 20 ms and more to build and to write. So it is written service
// by service, in slices of bounded work, one a step, as the study of evidence is; the text goes to the evaluator as it
// is. What a tick changes between two slices is in the services that come after it: the look of the neighbourhood
// (tend_locate_look) has then changed, and there will be another request.

#include "base/fnv.h"
#include "engine/log_evidence.h"
#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEFT_MS = 600000, // before the first symptom: whoever left discovery since then may be why
    BESIDE_MAX = 20,  // services that are named besides the neighbourhood
    SLICE_WORK = 300, // of a step: some 1.5 ms
    SERVICE_WORK = 5, // of a service; the rest is by its metrics, 4 µs each, and the templates of its log, 0.3 µs each
    TEMPLATES_A_WORK = 16,
    TOLD_MAX = 20 // services of a larger neighbourhood that are recorded, beside the culprits
};

// How long others may feel the trouble of a service after it is over: windows must empty, scrapes may be late.
static int64_t felt_ms(const struct tend_service *service)
{
    return 2 * (service->def->window_ms + service->def->every_ms + service->def->timeout_ms);
}

static json_t *service_beside(const struct tend_engine *engine, const struct tend_service *service)
{
    const double failed_s = tend_failed_ago_s(engine, service);
    return json_pack("{s:s, s:o, s:b}", "name", service->name, "onset_ms", tend_locate_onset(service), "failed",
                     failed_s * 1000.0 <= (double)felt_ms(service)); // false for NaN
}

// Services that are in trouble, or were just now, and that no known dependency connects with any member. When nearly
// all are in trouble at once, not all of them are looked at.
static json_t *services_beside(const struct tend_engine *engine, const struct tend_incident *incident)
{
    enum { BELOW = 1, ABOVE = 2 };
    const struct tend_fleet *fleet = engine->fleet;
    unsigned char *is = calloc(fleet->service_count + 1, 1);
    size_t *members = calloc(fleet->service_count + 1, sizeof *members);
    size_t *reached = calloc(fleet->service_count + 1, sizeof *reached);
    TEND_ASSERT(is != NULL && members != NULL && reached != NULL);
    const size_t member_count = tend_incident_services(engine, incident, members);
    const size_t above = tend_topology_above(&fleet->topology, members, member_count, reached);
    for (size_t i = 0; i < above; i++) {
        is[reached[i]] = ABOVE;
    }
    const size_t below = tend_topology_below(&fleet->topology, members, member_count, reached);
    for (size_t i = 0; i < below; i++) {
        is[reached[i]] = BELOW;
    }
    json_t *beside = json_array();
    size_t looked_at = 0;
    for (size_t i = 0; i < fleet->service_count && looked_at < NEIGHBOURS_MAX; i++) {
        const struct tend_service *service = fleet->services[i];
        if (service->trouble_ms == TEND_NEVER || engine->now_ms - service->trouble_ms > felt_ms(service) ||
            is[i] == BELOW || tend_sleep_is_asleep(engine, service)) {
            continue;
        }
        looked_at++;
        if (json_array_size(beside) < BESIDE_MAX && is[i] != ABOVE) {
            (void)json_array_append_new(beside, service_beside(engine, service));
        }
    }
    free(is);
    free(members);
    free(reached);
    return beside;
}

// Over numbers: equal looks are the same look, but for one in 2^64.
static uint64_t mix(uint64_t hash, uint64_t number)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        hash = tend_fnv(hash, (unsigned char)(number >> shift & 0xff));
    }
    return hash;
}

static uint64_t look_of_subject(uint64_t hash, const struct tend_engine *engine, const struct tend_service_def *def,
                                const struct tend_subject *subject)
{
    for (size_t m = 0; m < def->metric_count; m++) {
        hash = mix(hash, (uint64_t)(engine->fleet->table.a[subject->slot + m] >= 1.0));
    }
    return hash;
}

uint64_t tend_locate_look(const struct tend_engine *engine, const struct tend_incident *incident, int64_t onset_ms,
                          size_t *near_count)
{
    uint64_t hash = TEND_FNV_BEGIN;
    size_t *near = calloc(engine->fleet->service_count + 1, sizeof *near);
    TEND_ASSERT(near != NULL);
    const size_t count = tend_evidence_near(engine, incident, near);
    *near_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct tend_service *service = engine->fleet->services[near[i]];
        hash = mix(hash, near[i]);
        hash = mix(hash, tend_locate_is_fresh(service, onset_ms));
        hash = look_of_subject(hash, engine, service->def, &service->subject);
        for (size_t j = 0; j < service->instance_count; j++) {
            hash = look_of_subject(hash, engine, service->def, &service->instances[j]->subject);
            hash = mix(hash, tend_instance_failed(service->instances[j]));
        }
        for (size_t a = 0; a < service->alert_count; a++) {
            hash = mix(hash, service->alerts[a].alert.state == TEND_ALERT_FIRING);
        }
    }
    free(near);
    return hash;
}

// ---- in slices ----

bool tend_locate_is_drafting(const struct tend_incident *incident)
{
    return incident->draft_near != NULL;
}

void tend_locate_drop(struct tend_incident *incident)
{
    json_decref(incident->draft_near);
    incident->draft_near = NULL;
    tend_buffer_clear(&incident->draft);
}

void tend_locate_begin(const struct tend_engine *engine, struct tend_incident *incident, int64_t onset_ms)
{
    const struct tend_fleet *fleet = engine->fleet;
    size_t *near = calloc(fleet->service_count + 1, sizeof *near);
    TEND_ASSERT(near != NULL);
    const size_t count = tend_evidence_near(engine, incident, near);
    json_t *beside = services_beside(engine, incident);
    incident->draft_near = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(incident->draft_near, json_string(fleet->services[near[i]]->name));
    }
    free(near);
    incident->draft_next = 0;
    incident->draft_onset_ms = onset_ms;
    const size_t edges = fleet->topology.first[fleet->service_count];
    json_t *head = json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o*}", "kind", "locate", "incident", incident->id,
                             "at_ms", (json_int_t)engine->now_ms, "onset_ms", (json_int_t)onset_ms, "edges",
                             fleet->service_count > 1 ? json_integer((json_int_t)edges) : json_null(), "beside", beside,
                             "left", tend_departures_since(engine, onset_ms - LEFT_MS));
    // Keys are in order in what is canonical, and "services" is the last of these.
    tend_json_put(&incident->draft, head);
    incident->draft.size--; // the brace
    tend_buffer_put_text(&incident->draft, ",\"services\":[");
    json_decref(head);
}

static json_t *service_document(const struct tend_engine *engine, const struct tend_incident *incident,
                                const struct tend_service *service, int64_t onset_ms)
{
    json_t *lines = service->logs == NULL ? NULL : tend_log_evidence_lines(service->logs, onset_ms, engine->now_ms);
    json_t *seen = tend_locate_service(engine, service, onset_ms, lines);
    json_t *evidence = json_object_get(incident->evidence, service->name);
    (void)json_object_set_new(seen, "evidence", evidence == NULL ? json_array() : json_incref(evidence));
    return seen;
}

bool tend_locate_go_on(const struct tend_engine *engine, struct tend_incident *incident)
{
    const size_t count = json_array_size(incident->draft_near);
    bool first = incident->draft.data[incident->draft.size - 1] == '[';
    for (size_t work = 0; incident->draft_next < count && work < SLICE_WORK; incident->draft_next++) {
        const char *name = json_string_value(json_array_get(incident->draft_near, incident->draft_next));
        const struct tend_service *service = tend_fleet_find(engine->fleet, name);
        if (service == NULL) {
            continue; // a reload took it away
        }
        work += SERVICE_WORK + service->def->metric_count +
                (service->logs == NULL ? 0 : service->logs->count / TEMPLATES_A_WORK);
        json_t *document = service_document(engine, incident, service, incident->draft_onset_ms);
        tend_buffer_put_text(&incident->draft, first ? "" : ",");
        tend_json_put(&incident->draft, document);
        json_decref(document);
        first = false;
    }
    return incident->draft_next == count;
}

void tend_locate_take(struct tend_incident *incident, struct tend_buffer *text)
{
    tend_buffer_put_text(&incident->draft, "]}");
    TEND_ASSERT(!incident->draft.failed);
    *text = incident->draft;
    tend_buffer_init(&incident->draft);
    tend_locate_drop(incident);
}

// ---- for the journal ----

// Whether a service is among the culprits or the first of the ranking.
static bool is_told(const struct tend_incident *incident, const char *name)
{
    bool told = false;
    for (size_t i = 0; i < incident->culprit_count; i++) {
        told = told || strcmp(incident->culprits[i].service, name) == 0;
    }
    for (size_t i = 0; i < json_array_size(incident->ranking) && i < TOLD_MAX; i++) {
        told = told || strcmp(tend_json_text(json_array_get(incident->ranking, i), "service", ""), name) == 0;
    }
    return told;
}

json_t *tend_locate_told(const struct tend_engine *engine, const struct tend_incident *incident, size_t *near_count)
{
    size_t *near = calloc(engine->fleet->service_count + 1, sizeof *near);
    TEND_ASSERT(near != NULL);
    const size_t count = tend_evidence_near(engine, incident, near);
    const int64_t onset_ms = tend_locate_onset_ms(engine, incident);
    json_t *services = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct tend_service *service = engine->fleet->services[near[i]];
        if (count <= TOLD_MAX || is_told(incident, service->name)) {
            (void)json_array_append_new(services, service_document(engine, incident, service, onset_ms));
        }
    }
    free(near);
    *near_count = count;
    return services;
}
