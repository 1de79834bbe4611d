#pragma once
/// Recording: every event that went into an engine, and what the engine made of it, as a file.
///
/// A recording is a sequence of parts, each a file on its own ("segment"), or one file with more in it ("bundle", cut
/// by `tend export`). Each segment can be read alone: it begins with a header, the generation in use and a checkpoint
/// of the engine. After that come the events, each followed by what came of it. Blocks are compressed (zstd) and carry
/// a length and a checksum, so that a torn tail loses the tail only, and damage in the middle is found and named. Byte
/// layout: recording/format.h.

#include "base/json.h"
#include "base/status.h"
#include "engine/effect.h"
#include "engine/event.h"

#include <stdbool.h>
#include <stdint.h>

enum tend_recorded_kind {
    TEND_RECORDED_HEADER,     ///< of a segment
    TEND_RECORDED_GENERATION, ///< the rules in use at the segment's beginning; left out when there are none
    TEND_RECORDED_CHECKPOINT, ///< the engine at the segment's beginning
    TEND_RECORDED_EVENT,
    TEND_RECORDED_OUTCOME, ///< what came of the event before: left out when it had no effect but WAKE
    TEND_RECORDED_JOURNAL, ///< bundle only: one journal row of the incident
    TEND_RECORDED_NOTE,    ///< bundle only: {"incident", "exported_wall_ms", "selected" …}
};

/// One part of a recording. What it points to is borrowed until the next is read.
struct tend_recorded {
    enum tend_recorded_kind kind;
    uint64_t segment; ///< 0, 1, … in the order read
    uint64_t at_byte; ///< where in the file its block begins, for messages
    union {
        /// {"tend": version, "build": text, "libm": code path, "segment": n, "at_ms", "wall_ms", "format": 1,
        /// "continues": bool}: it begins where the one before it ended, with the same engine and no event lost between
        /// (false: tend was started anew, recording had failed, or it is the first one)
        json_t *json; ///< HEADER, JOURNAL, NOTE
        struct {
            const char *hash; ///< 64 hex
            json_t *sources;  ///< {files, env}
            json_t *document; ///< generation document
        } generation;
        struct {
            const char *bytes;
            size_t byte_count;
        } checkpoint;
        struct tend_event
            event; ///< GENERATION: event.generation.ruleset is NULL, and `next_generation` says what it was
        struct {
            uint64_t hash;                     ///< over tend_effects_put of all effects but WAKE
            const struct tend_record *records; ///< of the effects that are RECORD, whole
            size_t record_count;
        } outcome;
    };
    struct {
        const char *hash;
        json_t *document;
    } next_generation;
};
