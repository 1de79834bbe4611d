// Flapping alerts in what people and the journal are told: the state machine is core/alert/flap.h.

#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

const char *tend_flapping_text(const struct tend_engine *engine, const struct tend_rule_alert *alert,
                               char out[TEND_FLAP_TEXT_BYTES])
{
    return tend_flap_text(&alert->alert.flap, alert->binding->clear_after_ms, engine->now_ms, out);
}

void tend_flapping_damped(struct tend_engine *engine, struct tend_rule_alert *alert)
{
    if (alert->incident == NULL || !tend_flap_is_news(&alert->alert.flap)) {
        return;
    }
    char flapping[TEND_FLAP_TEXT_BYTES];
    char *text = NULL;
    const char *subject = alert->instance == NULL ? alert->service->name : alert->instance->name;
    const int printed = asprintf(&text, "\"%s\" of %s is in line again, but fires on, so that it is told once: %s",
                                 tend_rule_name(engine, alert), subject, tend_flapping_text(engine, alert, flapping));
    TEND_ASSERT(printed >= 0);
    json_t *body = json_pack("{s:s, s:s, s:n, s:s, s:s}", "service", alert->service->name, "what", "not told",
                             "playbook", "reason", "flapping", "text", text);
    free(text);
    (void)tend_emit_record(engine, TEND_RECORD_DECISION, alert->incident, alert->incident, false, false, body);
}

json_t *tend_flapping_body(const struct tend_rule_alert *alert)
{
    const struct tend_flap *flap = &alert->alert.flap;
    if (flap->level == 0) {
        return NULL;
    }
    json_t *fired = json_array();
    for (size_t i = 0; i < flap->firings; i++) {
        (void)json_array_append_new(fired, json_integer(flap->fired_ms[i]));
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "fired_ms", fired, "began_ms", (json_int_t)flap->began_ms,
                     "calm_ms", (json_int_t)flap->calm_ms, "level", (json_int_t)flap->level, "count",
                     (json_int_t)flap->count, "told", (json_int_t)flap->told);
}

static uint32_t read_count(const json_t *body, const char *key, uint32_t most)
{
    const int64_t value = tend_json_integer(body, key, 0);
    return value < 0 ? 0 : value > (int64_t)most ? most : (uint32_t)value;
}

void tend_flapping_restore(struct tend_rule_alert *alert, const json_t *body)
{
    struct tend_flap *flap = &alert->alert.flap;
    const json_t *fired = json_object_get(body, "fired_ms");
    *flap = (struct tend_flap){ .began_ms = tend_json_integer(body, "began_ms", 0),
                                .calm_ms = tend_json_integer(body, "calm_ms", 0),
                                .level = read_count(body, "level", TEND_FLAP_LEVELS),
                                .count = read_count(body, "count", UINT32_MAX),
                                .told = read_count(body, "told", TEND_FLAP_LEVELS) };
    while (flap->firings < TEND_FLAP_LEAST && flap->firings < json_array_size(fired)) {
        flap->fired_ms[flap->firings] = json_integer_value(json_array_get(fired, flap->firings));
        flap->firings++;
    }
}

size_t tend_flapping_count(const struct tend_engine *engine)
{
    size_t count = 0;
    for (size_t i = 0; engine->fleet != NULL && i < engine->fleet->service_count; i++) {
        const struct tend_service *service = engine->fleet->services[i];
        for (size_t a = 0; a < service->alert_count; a++) {
            count += service->alerts[a].alert.flap.level > 0 && service->alerts[a].alert.state == TEND_ALERT_FIRING;
        }
    }
    return count;
}
