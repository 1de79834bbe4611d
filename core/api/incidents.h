#pragma once
/// Incidents: the list that `tend incidents` shows, and the story of one, both read from the journal.

#include "base/json.h"
#include "base/status.h"
#include "driver/live/journal.h"

/// The newest incidents, open and ended, newest first:
///   {"incidents":[{id, state, outcome, opened, ended, took_s, severity, mark, services, culprits, summary, alerts,
///    runs:[{id, playbook, service, outcome, dry}], steps:[{seq, verb, instance, kind, state, outcome}]}]}
/// Members are as in api/explain.h. @param limit  how many at most
TEND_MUST_CHECK enum tend_status tend_incidents_list(struct tend_journal *journal, size_t limit, json_t **out,
                                                     struct tend_error *error);

/// The story of one. @param id  "" or "last": the newest
/// @return TEND_OK, TEND_E_INVALID (there is none; the message names the newest ones), or what the journal says
TEND_MUST_CHECK enum tend_status tend_incidents_explain(struct tend_journal *journal, const char *id, json_t **out,
                                                        struct tend_error *error);
