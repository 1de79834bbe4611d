#pragma once
/// Incident bundle: one incident cut out of a state directory's recording and journal, as one file to attach to a
/// ticket.
///
/// In it: a note, the incident's journal rows and the sources of its runs, and the recording from the checkpoint before
/// it to a minute after its end. Enough from before its first sample out of line is in it: the longest window of its
/// services, or two minutes, as far as the recording goes back. Secrets are not in it, as they are in neither of the
/// two.

#include "cli/incident_span.h"

struct tend_incident_bundle_options {
    const char *state_dir;
    struct tend_journal *journal; ///< of the same directory; borrowed
    struct tend_incident_span span;
    const char *path;                                                  ///< of the bundle
    void (*on_progress)(void *context, double share, int64_t wall_ms); ///< NULL: nobody looks
    void *context;
};

/// Writes the bundle: whole under its name, or not at all.
/// @param[out] note  {"incident", "tend", "exported_wall_ms", "from_ms", "from_wall_ms", "until_ms", "until_wall_ms",
/// "open": whether it was still open, "before_s": from its beginning to the first sample out of line, "whole": whether
/// the recording has the incident from its beginning to its end, "segments", "events", "journal_rows", "generations",
/// "bytes"}; the caller's reference. The bundle's own note has the first three.
/// @return TEND_OK, TEND_E_INVALID: nothing of the incident is recorded; else as the reader and the writer say
TEND_MUST_CHECK enum tend_status tend_incident_bundle_write(const struct tend_incident_bundle_options *options,
                                                            json_t **note, struct tend_error *error);
