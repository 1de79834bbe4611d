#pragma once
/// Freeze: which metrics of a service may teach nothing now, as what is wrong must not become what is usual.
///
/// An alert that pages, or may start a recovery, says that the service is in trouble, and then any of its metrics may
/// be wrong though in line: all of it is frozen, and so it is while it is acted on. A ticket or a warning may stand for
/// weeks, and E that is as old alarms for nothing: it freezes what it is about, the metric of its rule. What a rule
/// with a function looks at is not known, so that freezes all.

#include "engine/fleet.h"

#include <stdbool.h>
#include <stddef.h>

struct tend_engine;

enum { TEND_FREEZE_METRICS = 16 };

/// Borrows from the engine's rules: good until the next event.
struct tend_freeze {
    bool all;
    size_t count;
    const char *metrics[TEND_FREEZE_METRICS];
};

struct tend_freeze tend_freeze_of(const struct tend_engine *engine, const struct tend_service *service);
bool tend_freeze_holds(const struct tend_freeze *freeze, const struct tend_metric_def *metric);
