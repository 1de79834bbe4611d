// Hours: whatever is accepted holds at some minute of some day, and each part says what it may.

#include "parse/hours.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Whether it holds at the begin of a part, on a day of that part.
static bool holds_at_begin(const struct tend_hours *hours, const struct tend_hours_part *part)
{
    for (int weekday = 0; weekday < 7; weekday++) {
        for (int day = 1; day <= 31; day++) {
            const struct tend_local_time local = {
                .weekday = weekday, .day = day, .day_before = day == 1 ? 31 : day - 1, .minute = part->from_minute
            };
            if (tend_hours_contains(hours, &local)) {
                return true;
            }
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tend_hours hours = { .count = 99 };
    struct tend_error error = { "" };
    if (tend_hours_parse((const char *)data, size, &hours, &error) != TEND_OK) {
        TEND_ASSERT(hours.count == 99 && error.text[0] != '\0');
        return 0;
    }
    TEND_ASSERT(hours.count > 0 && hours.count <= TEND_HOURS_PARTS);
    for (size_t i = 0; i < hours.count; i++) {
        const struct tend_hours_part *part = &hours.parts[i];
        TEND_ASSERT(part->from_minute < 1440 && part->to_minute >= 1 && part->to_minute <= 1440);
        TEND_ASSERT(part->from_minute != part->to_minute && part->weekdays < 128);
        TEND_ASSERT((part->month_days & 1U) == 0 && (part->month_days == 0 || part->weekdays == 0));
        TEND_ASSERT(holds_at_begin(&hours, part));
    }
    return 0;
}
