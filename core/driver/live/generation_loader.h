#pragma once
/// Generation loader: from a directory of rules to a ruleset that takes over.
///
/// Reads the sources, has the evaluator pool load them beside the generation in use, checks the document that comes of
/// it, and swaps; what is wrong changes nothing. Ownership: who creates destroys, after the pool, which it borrows.
/// Threads: the loop's.

#include "base/json.h"
#include "base/status.h"
#include "engine/ruleset.h"

#include <stdint.h>

struct tend_evaluator_pool;
struct tend_generation_loader;

struct tend_generation_loader_options {
    struct tend_evaluator_pool *pool;
    const char *rules_dir;
    const char *env;         ///< NULL: none
    const char *secrets_dir; ///< NULL: none; borrowed
    /// The pool answers by these rules from here on. @param sources  {files, env}, borrowed
    void (*on_generation)(void *context, struct tend_ruleset *take_ruleset, json_t *sources);
    /// The end of each load, after on_generation. @param errors  NULL or empty: they are in use
    void (*on_ended)(void *context, uint64_t id, const json_t *errors, const json_t *warnings);
    void *context;
};

TEND_MUST_CHECK enum tend_status tend_generation_loader_create(const struct tend_generation_loader_options *options,
                                                               struct tend_generation_loader **out);
void tend_generation_loader_destroy(struct tend_generation_loader *loader); ///< NULL is allowed

/// Begins to load. A load that is under way is given up: what is told of this one answers it too.
/// @param id  higher than the ones before, or 0: nobody waits
void tend_generation_loader_load(struct tend_generation_loader *loader, uint64_t id);
/// Loads that ended since the first that was taken: taken and refused.
void tend_generation_loader_counts(const struct tend_generation_loader *loader, uint64_t *taken, uint64_t *refused);
