#pragma once
/// Past source: the history that a command's options name, opened: a recording, a CSV file, a server.
///
/// Units: `_ms` since 1970. Ownership: who reads the times clears. Threads: one.

#include "base/buffer.h"
#include "base/json.h"
#include "cli/simulate_options.h"
#include "driver/past/history.h"
#include "engine/ruleset.h"

struct tend_past_source {
    const struct tend_simulate_options *options; ///< borrowed
    int64_t from_ms, until_ms;                   ///< INT64_MIN and INT64_MAX where nothing was said
    struct tend_zone *zone;                      ///< of times without one; NULL: UTC
    struct tend_ruleset *ruleset;                ///< private: to compare with a recording's
    struct tend_buffer learned;                  ///< of --baselines, as TEND_EVENT_BASELINES takes it; else empty
};

/// Reads --zone, --from, --to and --baselines. @return TEND_OK, TEND_E_INVALID, or as baseline_file.h says
TEND_MUST_CHECK enum tend_status tend_past_source_init(struct tend_past_source *source,
                                                       const struct tend_simulate_options *options,
                                                       struct tend_error *error);
void tend_past_source_clear(struct tend_past_source *source); ///< after its histories are destroyed; zero is allowed

/// Opens it at its beginning; may be called again. @param document  the generation document
/// @param[out] kind  "recording", "prometheus", "csv"  @return as the histories' own headers say
TEND_MUST_CHECK enum tend_status tend_past_source_open(struct tend_past_source *source, json_t *document,
                                                       const char *hash, const char **kind,
                                                       struct tend_history_reader *out, struct tend_error *error);
