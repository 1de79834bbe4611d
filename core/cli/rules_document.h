#pragma once
/// Rules document: what rules declare, loaded for a command that needs them to be fine.

#include "driver/sim/awaited_evaluator.h"

#include <jansson.h>

/// Has the evaluator load its sources. What is wrong with them goes to stderr, a line a fault.
/// @param dir  what they were read from, for people
/// @return the generation document, the caller's reference; NULL: it has errors, or loading it did not end
json_t *tend_rules_document_load(struct tend_awaited_evaluator *evaluator, const char *dir);
