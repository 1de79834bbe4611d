// What a learned expectation costs: nanoseconds a sample and bytes a metric, of one-week seasons and of loads, with and
// without detectors. Run by learned.py, which builds it.

#include "deviation/baseline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { METRICS = 512, DAYS = 20, STEP_S = 600 };

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double noise(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (double)(*state >> 11) * 0x1p-53 - 0.5;
}

// As the engine does it with each sample that is due: E, its verdict, then the lesson.
static double sample(struct tend_baseline *baseline, bool detectors, int64_t wall_s, double at, double value)
{
    const double e = tend_baseline_expect(baseline, at).e;
    const double f = fabs(value - e) / fabs(e);
    const double a =
        detectors ? tend_baseline_judge(baseline, value, e, f) : f / fmax(0.1, tend_baseline_reach(baseline));
    tend_baseline_learn(baseline, wall_s, at, value, e, f);
    return a;
}

static bool measure(struct tend_baseline_spec spec)
{
    struct tend_baseline *baselines[METRICS];
    for (size_t i = 0; i < METRICS; i++) {
        if (tend_baseline_create(spec, &baselines[i]) != TEND_OK) {
            return false;
        }
    }
    uint64_t random = 88172645463325252U;
    double total = 0;
    size_t samples = 0;
    const double begun = now_ns();
    for (int64_t s = 0; s < (int64_t)DAYS * 86400; s += STEP_S) {
        const double load = 100 - 40 * cos(2 * M_PI * (double)(s % 86400) / 86400);
        const double at = spec.by_load ? load : fmod((double)s / 3600.0, 168);
        for (size_t i = 0; i < METRICS; i++, samples++) { // one after the other, as a fleet is: nothing stays in cache
            total += sample(baselines[i], spec.detectors, s, at, load + 5 * noise(&random)) >= 1;
        }
    }
    printf("{\"by\": \"%s\", \"detectors\": %s, \"bytes\": %zu, \"ns_per_sample\": %.0f, \"out_share\": %.5f}\n",
           spec.by_load ? "load" : "week", spec.detectors ? "true" : "false", tend_baseline_bytes(spec),
           (now_ns() - begun) / (double)samples, total / (double)samples);
    for (size_t i = 0; i < METRICS; i++) {
        tend_baseline_destroy(baselines[i]);
    }
    return true;
}

int main(void)
{
    for (int i = 0; i < 4; i++) {
        const bool by_load = i >= 2;
        const struct tend_baseline_spec spec = {
            .season_hours = by_load ? 0 : TEND_BASELINE_WEEK_HOURS,
            .detectors = i % 2 == 1,
            .by_load = by_load,
        };
        if (!measure(spec)) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
