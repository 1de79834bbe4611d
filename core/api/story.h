#pragma once
/// Story: finds an incident in the journal and explains it (explain.h). It is what a source's `explain` calls.

#include "base/json.h"
#include "base/status.h"

struct tend_journal;

/// @param id  an incident's id; "" or "last": the newest
/// @param[out] out  as explain.h has it; the caller's reference
/// @return TEND_OK; TEND_E_INVALID: there is no such incident, and the message names the newest ones; or what reading
/// the journal gave
TEND_MUST_CHECK enum tend_status tend_story_read(struct tend_journal *journal, const char *id, json_t **out,
                                                 struct tend_error *error);
