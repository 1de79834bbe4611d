#pragma once
/// Decoder: from the bodies of one target's scrapes to rows of values. One per target, kept from scrape to scrape.
///
/// Keeps the series that a wanted selector selects, and always process_start_time_seconds and what tells of a deploy or
/// a changed configuration (telltale.h); the others it remembers as unwanted, so that an unchanged line costs one
/// comparison and selectors are asked about new lines only. A body counts wholly or not at all. Timestamps in a body
/// are accepted and not used: samples have the scrape's time. Of a series that comes twice in one body the first sample
/// is taken. New series are appended to the layout, so older columns keep their index; a column whose series is not in
/// the body has the stale marker (layout.h); columns long gone are dropped now and then, which gives a layout with
/// other indexes. Steady state (the same series as last time) allocates nothing. Memory is bounded by the limits and by
/// four times the size of the newest body's series, whatever labels a target makes up. Ownership: who creates a decoder
/// destroys it; selectors are borrowed and must outlive it. Threads: one.

#include "base/status.h"
#include "parse/exposition.h"
#include "parse/selector.h"
#include "series/layout.h"

struct tend_decoder; // opaque: see decoder.c

struct tend_decoder_limits {
    struct tend_exposition_limits exposition;
    size_t columns;      ///< most series kept of one target; a body that needs more fails whole
    size_t keep_scrapes; ///< a column is not dropped before it was absent from this many bodies
};

/// The parser's defaults, 50,000 columns, 240 scrapes.
extern const struct tend_decoder_limits tend_decoder_default_limits;

/// What a body held, for reports.
struct tend_scrape_stats {
    size_t samples;    ///< in the body
    size_t kept;       ///< of them, samples of wanted series
    size_t duplicates; ///< samples of wanted series dropped because the series came before in the same body
    size_t added;      ///< series never seen before, wanted or not
    size_t looked_up;  ///< lines that were not where the last body had them
    size_t error_line; ///< of a body that failed: where; else 0
};

/// Makes a decoder. @param wanted  copied; the selectors borrowed
/// @param[out] out  set on success, else left as it was  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_decoder_create(const struct tend_selector *const *wanted, size_t wanted_count,
                                                     struct tend_decoder **out);
void tend_decoder_destroy(struct tend_decoder *decoder); ///< NULL is allowed

/// Decodes one body.
/// @param limits  NULL: the defaults
/// @param[out] layout  the columns of the row; borrowed until the next decode or destroy (retain it to keep it)
/// @param[out] values  a value for each column, NaN or stale where there is none; borrowed likewise
/// @param[out] stats  set always; NULL is allowed
/// @param[out] error  on failure, for people, with the line; NULL is allowed
/// @return TEND_OK; TEND_E_INVALID (kind PARSE), TEND_E_LIMIT (kind TOO_LARGE) or TEND_E_NOMEM: then layout and values
///         are left as they were, and the decoder forgot the body
TEND_MUST_CHECK enum tend_status
tend_decoder_decode(struct tend_decoder *decoder, const char *text, size_t bytes, enum tend_exposition_format format,
                    const struct tend_decoder_limits *limits, const struct tend_layout **layout, const double **values,
                    size_t *value_count, struct tend_scrape_stats *stats, struct tend_error *error);
