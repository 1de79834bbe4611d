#pragma once
/// What if: the same scenario met otherwise: by doing nothing, by another remedy, by blaming another service.
///
/// Each course is played from the beginning, with the same chance, in a world of its own:
///   - "do nothing": no service has a remedy;
///   - "what the playbooks say": as the rules have it;
///   - "only NAME on SERVICE": for each remedy of a service that was found to be a culprit, where it has several. That
///     remedy alone is tried, whether or not its `when` fits;
///   - "treat SERVICE instead": for each other service of the incident that has remedies. It is the culprit as soon as
///   the
///     locator has it in its ranking, wherever, and only it is acted on.
/// Limits hold in all of them. Threads: one.

#include "driver/world/scenario.h"

enum { TEND_WHAT_IF_COURSES_MAX = 16 };

/// Plays all courses.
/// @param options  the scenario; its report, recorder and blamed are not used
/// @param played  what tend_scenario_play made of it
/// @param[out] courses  [{"name", "recovered_s": n|null, "errors": requests from outside that were spoiled, "acts",
/// "outcome", "story"}], "what_if" of a report (simulation_report.h); empty when there was no incident. A new reference
/// @return TEND_OK, TEND_E_INVALID: one cannot be played, error says why; or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_what_if(const struct tend_scenario_options *options, const json_t *played,
                                              json_t **courses, struct tend_error *error);
