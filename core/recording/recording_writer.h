#pragma once
/// Recording writer: the flight recorder. Keeps segments in a directory, a ring bounded by bytes and age.
///
/// Events are encoded at once and gathered into blocks; a block is handed on when it is full, a second old, or flushed.
/// A thread of the writer's own compresses and writes it, so nothing here waits for the disk but
/// tend_recording_writer_sync, which another thread calls, and destroy. When writing fails (full disk, a disk slower
/// than what is recorded) recording stops, `failing` and `why` say so, and a new segment is wanted after 1 s, then at
/// doubling intervals up to a minute: watching never waits for it.
/// A segment ends when its events took `segment_bytes` and four times what its beginning took (the generation, the
/// checkpoint of a large fleet), or after `segment_ms` when they took as much as its beginning did, or after six times
/// `segment_ms`. Whole segments are dropped, oldest first, never the current one.
/// Units: `_ms` milliseconds of engine time. Ownership: who creates destroys. Threads: one, but sync.

#include "base/status.h"
#include "engine/effect.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_recording_writer;

struct tend_recording_writer_options {
    const char *directory;  ///< made when missing, mode 0750
    uint64_t bytes_max;     ///< of all segments; 0: 1 GiB
    int64_t age_max_ms;     ///< of the oldest; 0: 7 days
    uint64_t segment_bytes; ///< a segment is ended after as many; 0: 16 MiB. At most a quarter of bytes_max
    int64_t segment_ms;     ///< or after as long; 0: 10 minutes
};

/// Begins with what the directory holds; a segment that a crash left torn is cut after its last whole block.
/// @return TEND_OK, TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_recording_writer_create(const struct tend_recording_writer_options *options,
                                                              struct tend_recording_writer **out,
                                                              struct tend_error *error);
void tend_recording_writer_destroy(struct tend_recording_writer *writer); ///< Writes what it has. NULL is allowed.

/// Whether a new segment is due (also before the first event). The caller begins it when no question to an evaluator is
/// open, so that each answer stands in the segment that has its question.
bool tend_recording_writer_wants_segment(const struct tend_recording_writer *writer, int64_t at_ms);
/// Begins one with a header, the generation in use and a checkpoint of the engine.
/// @param sources  of the generation in use; NULL when there is none
void tend_recording_writer_begin_segment(struct tend_recording_writer *writer, const struct tend_engine *engine,
                                         const json_t *sources, int64_t at_ms, int64_t wall_ms);

/// While no segment is begun these two do nothing.
void tend_recording_writer_event(struct tend_recording_writer *writer, const struct tend_event *event);
void tend_recording_writer_outcome(struct tend_recording_writer *writer, const struct tend_effects *effects);
/// Hands on what is gathered.
void tend_recording_writer_flush(struct tend_recording_writer *writer);
/// Hands it on if its first event is a second old: for when no event comes.
void tend_recording_writer_pulse(struct tend_recording_writer *writer, int64_t at_ms);
/// Waits until all that was flushed is on the disk. From any thread: the journal writer calls it before it commits an
/// intent, so that a recording reaches the disk before an act that follows from it.
/// @return TEND_OK, or TEND_E_IO at once when recording fails
TEND_MUST_CHECK enum tend_status tend_recording_writer_sync(struct tend_recording_writer *writer);

/// Counts for tend's own metrics.
struct tend_recording_counts {
    uint64_t bytes_written;   ///< since the start
    uint64_t bytes_held;      ///< by all segments in the directory
    uint64_t segments;        ///< begun since the start
    uint64_t samples, events; ///< recorded since the start
    uint64_t lost;            ///< events that were not, while recording failed
    bool failing;
    char why[200];
};
struct tend_recording_counts tend_recording_writer_counts(const struct tend_recording_writer *writer);
