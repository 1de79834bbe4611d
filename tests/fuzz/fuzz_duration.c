// Durations: what is accepted is written in a form that reads back to the same.

#include "base/status.h"
#include "parse/duration.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t duration_ms = -1;
    struct tend_error error = { "" };
    if (tend_duration_parse((const char *)data, size, &duration_ms, &error) != TEND_OK) {
        TEND_ASSERT(duration_ms == -1 && error.text[0] != '\0');
    } else {
        TEND_ASSERT(duration_ms >= 0 && duration_ms <= TEND_DURATION_MAX_MS);
        char text[TEND_DURATION_TEXT_BYTES];
        int64_t again_ms = -1;
        TEND_ASSERT(tend_duration_parse(tend_duration_format(duration_ms, text), strlen(text), &again_ms, NULL) ==
                    TEND_OK);
        TEND_ASSERT(again_ms == duration_ms);
    }
    if (size >= sizeof duration_ms) {
        char text[TEND_DURATION_TEXT_BYTES];
        memcpy(&duration_ms, data, sizeof duration_ms);
        TEND_ASSERT(strlen(tend_duration_format(duration_ms, text)) < sizeof text);
    }
    return 0;
}
