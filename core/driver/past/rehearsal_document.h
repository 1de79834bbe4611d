#pragma once
/// Rehearsal document: the generation document as a rehearsal has it: every service, its instances those of a history.
///
/// All services that the rules name become those of one discovery, whose targets the history lists. What the history
/// knows of the interval between scrapes is taken for `every`, as the past was scraped so and not otherwise.

#include "base/json.h"
#include "driver/past/history.h"

extern const char tend_rehearsal_service_label[];

/// @return a new reference
json_t *tend_rehearsal_document(const json_t *document, const struct tend_history_instance *instances, size_t count);
/// Whether the rules watch a service of that name, or discover services of any name.
bool tend_rehearsal_knows(const json_t *document, const char *service);
