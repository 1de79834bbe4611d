// A segment begins between two events, when no evaluator owes an answer: each answer then stands in the segment that
// has its question, and a replay can ask it again. A fleet so busy that there is no such moment for a minute gets its
// segment all the same; answers to what was asked before it are then to be taken as recorded.

#include "driver/live/loop_recorder.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 60 * 1000 };

struct tend_loop_recorder {
    struct tend_recording_writer *writer; // NULL: it could not begin
    struct tend_error error;              // why
    int64_t due_ms;                       // since when a segment is wanted that cannot begin; 0: none is
};

enum tend_status tend_loop_recorder_create(const char *state_dir, const struct tend_recording_writer_options *options,
                                           struct tend_loop_recorder **out)
{
    struct tend_loop_recorder *recorder = calloc(1, sizeof *recorder);
    char *directory;
    if (recorder == NULL || asprintf(&directory, "%s/recording", state_dir) < 0) {
        free(recorder);
        return TEND_E_NOMEM;
    }
    struct tend_recording_writer_options full = *options;
    full.directory = directory;
    if (tend_recording_writer_create(&full, &recorder->writer, &recorder->error) != TEND_OK) {
        tend_log(TEND_LOG_ERROR, "nothing is recorded why=\"%s\"", recorder->error.text);
    }
    free(directory);
    *out = recorder;
    return TEND_OK;
}

void tend_loop_recorder_destroy(struct tend_loop_recorder *recorder)
{
    if (recorder != NULL) {
        tend_recording_writer_destroy(recorder->writer);
        free(recorder);
    }
}

static bool is_recording(const struct tend_loop_recorder *recorder)
{
    return recorder != NULL && recorder->writer != NULL;
}

void tend_loop_recorder_event(struct tend_loop_recorder *recorder, const struct tend_engine *engine,
                              const json_t *sources, bool asked, const struct tend_event *event)
{
    if (!is_recording(recorder)) {
        return;
    }
    if (!tend_recording_writer_wants_segment(recorder->writer, event->at_ms)) {
        recorder->due_ms = 0;
    } else if (asked && recorder->due_ms == 0) {
        recorder->due_ms = event->at_ms;
    } else if (!asked || event->at_ms - recorder->due_ms >= PATIENCE_MS) {
        recorder->due_ms = 0;
        tend_recording_writer_begin_segment(recorder->writer, engine, sources, event->at_ms, event->wall_ms);
    }
    tend_recording_writer_event(recorder->writer, event);
}

void tend_loop_recorder_outcome(struct tend_loop_recorder *recorder, const struct tend_effects *effects)
{
    if (!is_recording(recorder)) {
        return;
    }
    tend_recording_writer_outcome(recorder->writer, effects);
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->list[i].kind == TEND_EFFECT_RECORD && effects->list[i].record.full) {
            tend_recording_writer_flush(recorder->writer);
            return;
        }
    }
}

void tend_loop_recorder_pulse(struct tend_loop_recorder *recorder, int64_t at_ms)
{
    if (is_recording(recorder)) {
        tend_recording_writer_pulse(recorder->writer, at_ms);
    }
}

void tend_loop_recorder_sync(void *recorder)
{
    const struct tend_loop_recorder *self = recorder;
    if (is_recording(self)) {
        const enum tend_status status = tend_recording_writer_sync(self->writer);
        (void)status; // the writer has told it
    }
}

struct tend_recording_counts tend_loop_recorder_counts(const struct tend_loop_recorder *recorder)
{
    if (is_recording(recorder)) {
        return tend_recording_writer_counts(recorder->writer);
    }
    struct tend_recording_counts counts = { .failing = recorder != NULL };
    if (recorder != NULL) {
        tend_text_format(counts.why, sizeof counts.why, "%s", recorder->error.text);
    }
    return counts;
}
