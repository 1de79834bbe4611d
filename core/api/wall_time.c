#include "api/wall_time.h"

#include <stdio.h>
#include <time.h>

const char *tend_wall_time_format(int64_t wall_ms, char out[TEND_WALL_TIME_BYTES])
{
    // Division rounds towards 0, so that a time before 1970 would get a negative rest.
    const int64_t rest_ms = ((wall_ms % 1000) + 1000) % 1000;
    const time_t seconds = (time_t)((wall_ms - rest_ms) / 1000);
    struct tm parts = { 0 };
    char stamp[24] = "";
    if (gmtime_r(&seconds, &parts) != NULL && parts.tm_year < 10000 - 1900 && parts.tm_year > -1900) {
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    (void)snprintf(out, TEND_WALL_TIME_BYTES, "%s.%03dZ", stamp, (int)rest_ms);
    return out;
}

json_t *tend_wall_time_json(int64_t wall_ms)
{
    char text[TEND_WALL_TIME_BYTES];
    return wall_ms < 0 ? json_null() : json_string(tend_wall_time_format(wall_ms, text));
}
