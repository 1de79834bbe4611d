// What a service's log said, in a checkpoint.

#include "engine/checkpoint_pass.h"
#include "engine/log_evidence.h"

#include <string.h>

TEND_PASS_COVERS(tend_log_track, 312);
TEND_PASS_COVERS(tend_log_evidence, 64);

// Hash and shape follow from the text.
static void pass_track(struct tend_pass *pass, struct tend_log_track *track)
{
    tend_pass_name(pass, &track->text);
    track->level = (enum tend_line_level)tend_pass_choice(pass, track->level, TEND_LINE_ERROR);
    tend_pass_ms(pass, &track->first_ms);
    tend_pass_ms(pass, &track->newest_ms);
    tend_pass_f64(pass, &track->older);
    if (!(track->older >= 0 && track->older < 1e300)) {
        track->older = 0;
        tend_pass_refuse(pass, "lines of a log that cannot be counted");
    }
    for (size_t i = 0; i < TEND_LOG_BUCKETS; i++) {
        tend_pass_u32(pass, &track->buckets[i]);
    }
    if (!tend_pass_saves(pass) && track->text != NULL) {
        track->hash = tend_log_template_hash(track->level, track->text, strlen(track->text));
        track->shape = tend_log_shape(track->text);
    }
}

void tend_pass_log(struct tend_pass *pass, struct tend_log_evidence **log)
{
    bool there = *log != NULL;
    tend_pass_flag(pass, &there);
    if (!there) {
        return;
    }
    if (!tend_pass_saves(pass)) {
        *log = tend_log_evidence_create(0);
        if (*log == NULL) {
            tend_pass_no_memory(pass);
            return;
        }
    }
    struct tend_log_evidence *logs = *log;
    TEND_ASSERT(logs != NULL);
    tend_pass_ms(pass, &logs->since_ms);
    tend_pass_ms(pass, &logs->bucket);
    const int64_t furthest = INT64_MAX / 4 / TEND_LOG_BUCKET_MS; // its time can be reckoned with
    if (logs->bucket > furthest || logs->bucket < -furthest) {
        logs->bucket = 0;
        tend_pass_refuse(pass, "a log of no time");
    }
    tend_pass_f64(pass, &logs->older_s);
    if (!(logs->older_s >= 0 && logs->older_s < 1e300)) {
        tend_pass_refuse(pass, "a log that was read for no time");
    }
    tend_pass_u64(pass, &logs->skipped_bytes);
    tend_pass_ms(pass, &logs->skipped_ms);
    logs->tracks =
        tend_pass_array(pass, logs->tracks, &logs->count, sizeof *logs->tracks, TEND_LOG_BUCKETS * sizeof(uint32_t));
    logs->capacity = tend_pass_saves(pass) ? logs->capacity : logs->count;
    for (size_t i = 0; i < logs->count; i++) {
        pass_track(pass, &logs->tracks[i]);
    }
    if (logs->count > TEND_LOG_TRACKS_MAX) {
        tend_pass_refuse(pass, "more lines of a log than are kept");
    }
}
