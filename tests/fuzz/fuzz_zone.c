// Time zone files: whatever is accepted has offsets of about a day at most, and a local time for every moment.

#include "parse/zone.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tend_zone *zone = NULL;
    struct tend_error error = { "" };
    if (tend_zone_parse((const char *)data, size, &zone, &error) != TEND_OK) {
        TEND_ASSERT(zone == NULL && error.text[0] != '\0');
        return 0;
    }
    static const int64_t moments_ms[] = { INT64_MIN,        -1,       0, INT64_C(1774746000000), INT64_C(1792890000000),
                                          INT64_C(1) << 46, INT64_MAX };
    for (size_t i = 0; i < sizeof moments_ms / sizeof moments_ms[0]; i++) {
        const int32_t offset_s = tend_zone_offset_s(zone, moments_ms[i]);
        TEND_ASSERT(offset_s >= -26 * 3600 && offset_s <= 26 * 3600);
        const struct tend_local_time local = tend_zone_local(zone, moments_ms[i]);
        TEND_ASSERT(local.weekday >= 0 && local.weekday < 7 && local.minute >= 0 && local.minute < 1440);
        TEND_ASSERT(local.day >= 1 && local.day <= 31 && local.day_before >= 1 && local.day_before <= 31);
        TEND_ASSERT(local.day == 1 ? local.day_before >= 28 : local.day_before == local.day - 1);
    }
    tend_zone_destroy(zone);
    return 0;
}
