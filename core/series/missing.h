#pragma once
/// Missing: why a metric has no value. No data is never zero: it is NaN with one of these causes.

#define TEND_NO_DATA __builtin_nan("") ///< the value of what is missing: NaN, and a double in clang too

enum tend_missing {
    TEND_HAS_DATA = 0,
    TEND_MISSING_SCRAPE_FAILED,  ///< the newest scrape of the target failed (its kind is kept with the instance)
    TEND_MISSING_BAD_PAYLOAD,    ///< the target answered with something that is no exposition
    TEND_MISSING_SERIES_GONE,    ///< the newest good scrape had no such series, an earlier one had
    TEND_MISSING_NO_SERIES,      ///< no scrape so far had such a series
    TEND_MISSING_TARGET_REMOVED, ///< discovery no longer lists the target
    TEND_MISSING_NO_TRAFFIC,     ///< 0/0: nothing happened in the window
    TEND_MISSING_WARMING_UP, ///< the first samples after a start, a reset or an act; or an expectation still learning
    TEND_MISSING_TOO_FEW_SAMPLES, ///< fewer than min_samples in the window
    TEND_MISSING_ASLEEP,          ///< outside `awake`, or across a jump of the clock
};

/// The cause as users read it: "scrape failed", "series gone", "no traffic" …; "" for TEND_HAS_DATA.
const char *tend_missing_text(enum tend_missing cause);
