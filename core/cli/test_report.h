#pragma once
/// Test report: what `tend test` prints, from the results of its scenarios (driver/world/scenario.h).

#include "base/json.h"

#include <stdbool.h>
#include <stdio.h>

struct tend_test_sums {
    size_t passed, failed, skipped;
};
struct tend_test_sums tend_test_report_sums(const json_t *results);

/// "ok  NAME", or FAILED with its reasons and the story of what happened. @param verbose  the story in any case
void tend_test_report_line(FILE *to, const json_t *result, bool verbose);
/// @param coverage  a member of the report; NULL: it has none
void tend_test_report_json(FILE *to, const json_t *results, json_t *coverage);
void tend_test_report_tap(FILE *to, const json_t *results); ///< version 13
/// @return false: it could not be written
bool tend_test_report_junit(FILE *to, const char *suite, const json_t *results);
