#include "driver/live/step_clock.h"

#include "base/log.h"

#include <time.h>

enum { LONG_US = 5000 };

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const char *name_of(enum tend_event_kind kind)
{
    switch (kind) {
    case TEND_EVENT_SCRAPED:
        return "scraped";
    case TEND_EVENT_TIMER:
        return "timer";
    case TEND_EVENT_TARGETS:
        return "targets";
    case TEND_EVENT_VERDICTS:
        return "verdicts";
    case TEND_EVENT_REPLY:
        return "reply";
    case TEND_EVENT_RUN_REPLY:
        return "run reply";
    case TEND_EVENT_STEP_RESULT:
        return "step result";
    case TEND_EVENT_DELIVERED:
        return "delivered";
    case TEND_EVENT_JOURNAL_REACHED:
        return "journal reached";
    case TEND_EVENT_JOURNAL_FAILED:
        return "journal failed";
    case TEND_EVENT_OPERATOR:
        return "operator";
    case TEND_EVENT_WALL_MOVED:
        return "wall moved";
    case TEND_EVENT_GENERATION:
        return "generation";
    case TEND_EVENT_MEASURED:
        return "measured";
    case TEND_EVENT_LOGS:
        return "logs";
    case TEND_EVENT_BASELINES:
        return "baselines";
    }
    return "";
}

void tend_step_clock_mark(struct tend_step_clock *clock, enum tend_step_mark mark)
{
    clock->marks_ns[mark] = read_ns(CLOCK_MONOTONIC);
    if (mark == TEND_STEP_FED) {
        clock->fed_cpu_ns = read_ns(CLOCK_THREAD_CPUTIME_ID);
    }
}

void tend_step_clock_end(struct tend_step_clock *clock, enum tend_event_kind kind, size_t effect_count)
{
    const int64_t end_ns = read_ns(CLOCK_MONOTONIC);
    const int64_t took_us = (end_ns - clock->marks_ns[TEND_STEP_FED]) / 1000;
    tend_durations_add(&clock->steps, (double)took_us / 1e6);
    if (took_us > LONG_US) {
        const int64_t cpu_us = (read_ns(CLOCK_THREAD_CPUTIME_ID) - clock->fed_cpu_ns) / 1000;
        tend_log(
            TEND_LOG_DEBUG,
            "step was long event=\"%s\" took_us=%lld cpu_us=%lld recorded_us=%lld decided_us=%lld carried_out_us=%lld "
            "effects=%zu",
            name_of(kind), (long long)took_us, (long long)cpu_us,
            (long long)(clock->marks_ns[TEND_STEP_RECORDED] - clock->marks_ns[TEND_STEP_FED]) / 1000,
            (long long)(clock->marks_ns[TEND_STEP_DECIDED] - clock->marks_ns[TEND_STEP_RECORDED]) / 1000,
            (long long)(end_ns - clock->marks_ns[TEND_STEP_DECIDED]) / 1000, effect_count);
    }
}
