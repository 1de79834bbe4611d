// What a learned expectation costs: nanoseconds a sample and bytes a metric, of one-week seasons with and without
// detectors. Run by learned.py, which builds it.

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
static double sample(struct tend_baseline *baseline, bool detectors, int64_t wall_s, double value)
{
    const double hour = fmod((double)wall_s / 3600.0, 168);
    const double e = tend_baseline_expect(baseline, hour).e;
    const double f = fabs(value - e) / fabs(e);
    const double a =
        detectors ? tend_baseline_judge(baseline, value, e, f) : f / fmax(0.1, tend_baseline_reach(baseline));
    tend_baseline_learn(baseline, wall_s, hour, value, e, f);
    return a;
}

int main(void)
{
    for (int detectors = 0; detectors < 2; detectors++) {
        const struct tend_baseline_spec spec = { .season_hours = TEND_BASELINE_WEEK_HOURS,
                                                 .detectors = detectors == 1 };
        struct tend_baseline *baselines[METRICS];
        for (size_t i = 0; i < METRICS; i++) {
            if (tend_baseline_create(spec, &baselines[i]) != TEND_OK) {
                return EXIT_FAILURE;
            }
        }
        uint64_t random = 88172645463325252U;
        double total = 0;
        size_t samples = 0;
        const double begun = now_ns();
        for (int64_t s = 0; s < (int64_t)DAYS * 86400; s += STEP_S) {
            const double level = 100 - 40 * cos(2 * M_PI * (double)(s % 86400) / 86400);
            for (size_t i = 0; i < METRICS;
                 i++, samples++) { // one after the other, as a fleet is: nothing stays in cache
                total += sample(baselines[i], spec.detectors, s, level + 5 * noise(&random)) >= 1;
            }
        }
        printf("{\"detectors\": %s, \"bytes\": %zu, \"ns_per_sample\": %.0f, \"out_share\": %.5f}\n",
               detectors ? "true" : "false", tend_baseline_bytes(spec), (now_ns() - begun) / (double)samples,
               total / (double)samples);
        for (size_t i = 0; i < METRICS; i++) {
            tend_baseline_destroy(baselines[i]);
        }
    }
    return EXIT_SUCCESS;
}
