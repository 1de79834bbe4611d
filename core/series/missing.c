// The words for each cause of missing data.

#include "series/missing.h"

const char *tend_missing_text(enum tend_missing cause)
{
    switch (cause) {
    case TEND_HAS_DATA:
        return "";
    case TEND_MISSING_SCRAPE_FAILED:
        return "scrape failed";
    case TEND_MISSING_BAD_PAYLOAD:
        return "bad payload";
    case TEND_MISSING_SERIES_GONE:
        return "series gone";
    case TEND_MISSING_NO_SERIES:
        return "no such series";
    case TEND_MISSING_TARGET_REMOVED:
        return "target removed";
    case TEND_MISSING_NO_TRAFFIC:
        return "no traffic";
    case TEND_MISSING_WARMING_UP:
        return "warming up";
    case TEND_MISSING_TOO_FEW_SAMPLES:
        return "too few samples";
    case TEND_MISSING_ASLEEP:
        return "asleep";
    }
    return "unknown";
}
