// Loads of rules, at the start and when they are read again.

#include "driver/live/generation_loader.h"

#include "driver/live/evaluator_pool.h"
#include "driver/live/rules_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tend_generation_loader {
    struct tend_generation_loader_options options;
    char *rules_dir;
    char *env;
    bool first_loaded;
    uint64_t id;
    json_t *sources; // of the load under way
    uint64_t taken, refused;
};

enum tend_status tend_generation_loader_create(const struct tend_generation_loader_options *options,
                                               struct tend_generation_loader **out)
{
    struct tend_generation_loader *loader = calloc(1, sizeof *loader);
    if (loader == NULL) {
        return TEND_E_NOMEM;
    }
    loader->options = *options;
    loader->rules_dir = strdup(options->rules_dir);
    loader->env = options->env == NULL ? NULL : strdup(options->env);
    if (loader->rules_dir == NULL || (options->env != NULL && loader->env == NULL)) {
        tend_generation_loader_destroy(loader);
        return TEND_E_NOMEM;
    }
    *out = loader;
    return TEND_OK;
}

void tend_generation_loader_destroy(struct tend_generation_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    json_decref(loader->sources);
    free(loader->rules_dir);
    free(loader->env);
    free(loader);
}

static void ended(struct tend_generation_loader *loader, const json_t *errors, const json_t *warnings)
{
    json_decref(loader->sources);
    loader->sources = NULL;
    const bool refused = json_array_size(errors) > 0;
    if (loader->first_loaded) {
        loader->taken += !refused;
        loader->refused += refused;
    }
    loader->first_loaded = loader->first_loaded || !refused;
    loader->options.on_ended(loader->options.context, loader->id, errors, warnings);
}

static void refuse(struct tend_generation_loader *loader, const char *text)
{
    tend_evaluator_pool_discard(loader->options.pool);
    json_t *errors = json_pack("[{s:s, s:s}]", "at", loader->rules_dir, "text", text);
    ended(loader, errors, NULL);
    json_decref(errors);
}

static void on_document(void *context, const struct tend_evaluator_reply *reply)
{
    struct tend_generation_loader *loader = context;
    if (reply->json == NULL) {
        char text[300];
        (void)snprintf(text, sizeof text, "loading the rules did not end: %s", reply->died.reason);
        refuse(loader, text);
        return;
    }
    const json_t *errors = json_object_get(reply->json, "errors");
    const json_t *warnings = json_object_get(reply->json, "warnings");
    if (json_array_size(errors) > 0) {
        tend_evaluator_pool_discard(loader->options.pool);
        ended(loader, errors, warnings);
        return;
    }
    char hash[65];
    struct tend_ruleset *ruleset;
    struct tend_error error = { .text = "" };
    tend_rules_dir_hash(loader->sources, hash);
    if (tend_ruleset_create(reply->json, hash, &ruleset, &error) != TEND_OK) {
        refuse(loader, error.text);
        return;
    }
    tend_evaluator_pool_adopt(loader->options.pool);
    loader->options.on_generation(loader->options.context, ruleset, loader->sources);
    ended(loader, NULL, warnings);
}

void tend_generation_loader_load(struct tend_generation_loader *loader, uint64_t id)
{
    loader->id = id > loader->id ? id : loader->id; // whoever asked before is answered with this one
    json_decref(loader->sources);
    loader->sources = NULL;
    struct tend_error error = { .text = "" };
    json_t *sources;
    if (tend_rules_dir_read(loader->rules_dir, loader->env, loader->options.secrets_dir, &sources, &error) != TEND_OK) {
        refuse(loader, error.text);
        return;
    }
    loader->sources = sources;
    tend_evaluator_pool_load(loader->options.pool, sources, on_document, loader);
}

void tend_generation_loader_counts(const struct tend_generation_loader *loader, uint64_t *taken, uint64_t *refused)
{
    *taken = loader->taken;
    *refused = loader->refused;
}
