#pragma once
/// Test, coverage: what `tend test --coverage` prints of what no test reached.

#include "base/json.h"

#include <stdio.h>

/// What was not reached, one a line, and a closing line with the sums. @param coverage  driver/world/coverage.h
void tend_test_coverage_print(FILE *to, const json_t *coverage);
