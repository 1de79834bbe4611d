#pragma once
/// Quantity: values with a unit, as people write them in rules ("400ms", "2GiB", "1.5%") and read them in reports.
///
/// A metric's unit is a word. Three families can be written in several units, and a value of one family is refused for
/// another: seconds ("s", "seconds"), bytes ("B", "bytes"), ratio ("ratio"); their values are in seconds, in bytes, and
/// 1 for 100 %. Any other word ("requests", "ms", "percent") is a unit of its own, which takes plain numbers and
/// itself.
///
/// Written: times as ns us µs ms s m h d w or a duration ("1m30s"); bytes as B, kB MB GB TB PB (1000) and KiB MiB GiB
/// TiB PiB (1024); shares as %. A space before the unit is allowed, a sign too. A plain number is in the metric's unit.

#include "base/status.h"

#include <stdbool.h>

enum tend_unit_family {
    TEND_UNIT_PLAIN = 0, ///< a number, whatever it counts
    TEND_UNIT_SECONDS,
    TEND_UNIT_BYTES,
    TEND_UNIT_RATIO,
};

#define TEND_QUANTITY_TEXT_BYTES 64 ///< room that format never needs more of; longer unit words are cut

/// The family of a metric's unit; NULL, "" and unknown words are TEND_UNIT_PLAIN.
enum tend_unit_family tend_unit_family_of(const char *unit);
/// The family's own unit: "s", "bytes", "ratio", "".
const char *tend_unit_family_text(enum tend_unit_family family);

/// Reads a value and says which family its unit is of; `has_unit` is false for a plain number.
/// @param[out] value  in the family's own unit; finite
/// @param[out] error  on failure, with what would be right; NULL is allowed
/// @return TEND_OK or TEND_E_INVALID
TEND_MUST_CHECK enum tend_status tend_quantity_parse(const char *text, size_t bytes, double *value,
                                                     enum tend_unit_family *family, bool *has_unit,
                                                     struct tend_error *error);
/// Reads a value for a metric of the given unit; another family's unit is an error: `"400ms" is a time, but the unit is
/// bytes; write it like "64MiB"`. A plain number is taken as it is.
TEND_MUST_CHECK enum tend_status tend_quantity_parse_as(const char *text, size_t bytes, const char *unit, double *value,
                                                        struct tend_error *error);

/// For people: (0.4, "s") is "400 ms", (300, "s") "5m", (0.015, "ratio") "1.5 %", (2e9, "bytes") "1.863 GiB",
/// (3, "requests") "3 requests". Four significant digits, or all before the point; NaN is "no data". @return out
const char *tend_quantity_format(double value, const char *unit, char out[TEND_QUANTITY_TEXT_BYTES]);
