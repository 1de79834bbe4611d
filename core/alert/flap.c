// Why not a longer fire_after: then a real fault that follows would be told late. Why the pauses are counted in
// doublings: the pauses of what flaps are not known before, and after a few doublings any are covered, while one that
// flapped little is told to be over soon.

#include "alert/flap.h"

#include "base/text.h"
#include "parse/duration.h"

#include <string.h>

static const int64_t second_ms = 1000;
static const int64_t minute_ms = 60000;

static void calm_down(struct tend_flap *flap, int64_t at_ms)
{
    const int64_t steps = (at_ms - flap->calm_ms) / TEND_FLAP_CALM_MS;
    if (steps <= 0) {
        return;
    }
    flap->level = steps >= (int64_t)flap->level ? 0 : flap->level - (uint32_t)steps;
    flap->told = flap->told < flap->level ? flap->told : flap->level;
}

void tend_flap_fired(struct tend_flap *flap, int64_t at_ms)
{
    calm_down(flap, at_ms);
    memmove(flap->fired_ms + 1, flap->fired_ms, (TEND_FLAP_LEAST - 1) * sizeof flap->fired_ms[0]);
    flap->fired_ms[0] = at_ms;
    flap->firings += flap->firings < TEND_FLAP_LEAST;
    const int64_t first_ms = flap->fired_ms[TEND_FLAP_LEAST - 1];
    if (flap->level > 0) {
        flap->level += flap->level < TEND_FLAP_LEVELS;
        flap->count++;
    } else if (flap->firings == TEND_FLAP_LEAST && at_ms - first_ms <= TEND_FLAP_WINDOW_MS) {
        flap->level = 1;
        flap->count = TEND_FLAP_LEAST;
        flap->began_ms = first_ms;
    }
    flap->calm_ms = at_ms;
}

void tend_flap_in_line(struct tend_flap *flap, int64_t at_ms)
{
    calm_down(flap, at_ms);
    flap->calm_ms = at_ms;
}

void tend_flap_out_again(struct tend_flap *flap, int64_t at_ms, bool would_have)
{
    flap->calm_ms = at_ms; // waiting to resolve is no calm
    flap->count += would_have && flap->level > 0;
}

void tend_flap_resolved(struct tend_flap *flap, int64_t at_ms)
{
    flap->calm_ms = at_ms;
}

int64_t tend_flap_clear_after_ms(const struct tend_flap *flap, int64_t clear_after_ms)
{
    if (flap->level == 0) {
        return clear_after_ms;
    }
    const int64_t base_ms = clear_after_ms > TEND_FLAP_LEAST_CLEAR_MS ? clear_after_ms : TEND_FLAP_LEAST_CLEAR_MS;
    const int64_t most_ms = clear_after_ms > TEND_FLAP_CLEAR_MS ? clear_after_ms : TEND_FLAP_CLEAR_MS;
    int64_t grown_ms = base_ms;
    for (uint32_t i = 0; i < flap->level && grown_ms < most_ms; i++) {
        grown_ms *= 2;
    }
    return grown_ms < most_ms ? grown_ms : most_ms;
}

bool tend_flap_is_news(struct tend_flap *flap)
{
    const bool news = flap->level > flap->told;
    flap->told = flap->level;
    return news;
}

const char *tend_flap_text(const struct tend_flap *flap, int64_t clear_after_ms, int64_t now_ms,
                           char out[TEND_FLAP_TEXT_BYTES])
{
    out[0] = '\0';
    if (flap->level > 0) {
        char since[TEND_DURATION_TEXT_BYTES];
        char clears[TEND_DURATION_TEXT_BYTES];
        const int64_t since_ms = now_ms > flap->began_ms ? now_ms - flap->began_ms : 0;
        const int64_t unit_ms = since_ms < minute_ms ? second_ms : minute_ms;
        (void)tend_duration_format((since_ms + unit_ms - 1) / unit_ms * unit_ms, since);
        (void)tend_duration_format(tend_flap_clear_after_ms(flap, clear_after_ms), clears);
        tend_text_format(out, TEND_FLAP_TEXT_BYTES, "flapping: %u times in %s, clears after %s", flap->count, since,
                         clears);
    }
    return out;
}
