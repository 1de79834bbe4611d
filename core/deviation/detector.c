// The season's means are kept less the first value, as features.h keeps all.

#include "deviation/detector.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    HOURS = 24,
    HOLD = 60, ///< samples in which an incident alarms once
};
static const double SEASON_GAIN = 0.25;

struct season {
    float mean[HOURS];
    uint8_t days[HOURS];
};

struct tend_detector {
    struct tend_features features;
    struct season seasons[2]; ///< weekdays, weekends
    double hour_sum;
    uint32_t hour_count;
    int16_t hour; ///< that hour_sum is of; -1: none
    bool weekend;
    float peaks[HOLD];
};
_Static_assert(sizeof(struct tend_detector) <= TEND_DETECTOR_BYTES_MAX, "a metric may cost no more");

size_t tend_detector_bytes(void)
{
    return sizeof(struct tend_detector);
}

enum tend_status tend_detector_create(struct tend_detector **out)
{
    struct tend_detector *detector = calloc(1, sizeof *detector);
    if (detector == NULL) {
        return TEND_E_NOMEM;
    }
    detector->hour = -1;
    tend_features_init(&detector->features);
    *out = detector;
    return TEND_OK;
}

void tend_detector_destroy(struct tend_detector *detector)
{
    free(detector);
}

/// Puts away the mean of the hour that has ended.
static void end_hour(struct tend_detector *detector)
{
    if (detector->hour_count == 0) {
        return;
    }
    const int hour = detector->hour;
    struct season *season = &detector->seasons[detector->weekend];
    const struct season *other = &detector->seasons[!detector->weekend];
    double gain = fmax(SEASON_GAIN, 1.0 / (season->days[hour] + 1));
    if (season->days[hour] == 0 && other->days[hour] > 0) { // the first weekend begins as a weekday
        season->mean[hour] = other->mean[hour];
        gain = 0.5;
    }
    const double mean = detector->hour_sum / detector->hour_count;
    season->mean[hour] += (float)(gain * (mean - (double)season->mean[hour]));
    if (season->days[hour] < UINT8_MAX) {
        season->days[hour]++;
    }
}

/// Distance to what is usual at this hour; 0 while no such hour was seen.
static double season_distance(struct tend_detector *detector, int64_t wall_s, double value)
{
    const int64_t day = (wall_s - ((wall_s % 86400) + 86400) % 86400) / 86400;
    const int hour = (int)((wall_s - day * 86400) / 3600);
    const bool weekend = ((day + 3) % 7 + 7) % 7 >= 5; // 1970-01-01 was a Thursday
    const struct season *season = &detector->seasons[weekend];
    if (season->days[hour] == 0) {
        season = &detector->seasons[!weekend];
    }
    const double distance = season->days[hour] == 0 ? 0 : value - (double)season->mean[hour];
    if (hour != detector->hour) {
        if (detector->hour >= 0) {
            end_hour(detector);
        }
        detector->hour = (int16_t)hour;
        detector->weekend = weekend;
        detector->hour_sum = 0;
        detector->hour_count = 0;
    }
    detector->hour_sum += value;
    detector->hour_count++;
    return distance;
}

struct tend_detection tend_detector_push(struct tend_detector *detector, int64_t wall_s, double value)
{
    struct tend_features *features = &detector->features;
    struct tend_detection detection;
    double relative;
    if (!tend_features_accept(features, value, &relative, &detection)) {
        detection.a = features->wild > 1 ? 0 : detection.a; // told once
        return detection;
    }
    detection = tend_features_push(features, relative, season_distance(detector, wall_s, relative));
    float peak = 0;
    for (size_t i = 0; i < HOLD; i++) {
        peak = detector->peaks[i] > peak ? detector->peaks[i] : peak;
    }
    detector->peaks[features->count % HOLD] = (float)detection.sum;
    detection.a = (float)detection.sum > peak ? detection.a : 0;
    return detection;
}
