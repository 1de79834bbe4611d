#pragma once
/// Interruption: what a scenario does to tend itself, while it watches: crashes, pauses, reloads, targets that leave.
///
/// Read from a scenario: `crashes` ([{"at_ms"} | {"record": n} | {"after": "restart begun"}]: after that time, that
/// record, or the first such record that no other crash took), `people` ([{"at_ms", "pause_ms" | "reload": true |
/// "silence": whom, "for_ms" | "deploy": whom | "ack": true}]), and `faults` of the kind "leaves". Ownership: who
/// creates, destroys, after the simulation.

#include "driver/world/act_ledger.h"

struct tend_interruptions;

struct tend_interruption_options {
    const json_t *scenario;
    int64_t begun_ms;
    struct tend_simulation *simulation;
    struct tend_act_ledger *ledger;   ///< is told of pauses
    const struct tend_ruleset *known; ///< of the scenario
    json_t *services;                 ///< {name: instances} of the scenario
    void *context;
    struct tend_ruleset *(*ruleset)(void *context);     ///< a fresh one, which is taken
    void (*list)(void *context, const json_t *without); ///< lists the targets but those of {instance: true}
};

/// Plans them all; the targets are not listed yet.
TEND_MUST_CHECK enum tend_status tend_interruptions_create(const struct tend_interruption_options *options,
                                                           struct tend_interruptions **out);
void tend_interruptions_destroy(struct tend_interruptions *interruptions); ///< NULL is allowed
/// When the last of them that has a time is over: engine time, not before the beginning.
int64_t tend_interruptions_end_ms(const struct tend_interruptions *interruptions);
/// What people said that was without effect, as tend refused it or was no longer there: "shop_test.lua:7: silence at
/// 2m: there is no service or group "redsi"; this scenario has redis". Added before @p faults, an array.
void tend_interruptions_faults(const struct tend_interruptions *interruptions, json_t *faults);
