#include "driver/live/loop_discovery.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tend_loop_discovery {
    struct event_base *base;
    void (*on_targets)(void *context, const struct tend_event_targets *targets);
    void *context;
    struct tend_file_discovery **files; ///< NULL where one does not work
    size_t count;
    char generation[65]; ///< whose they are
};

enum tend_status tend_loop_discovery_create(struct event_base *base,
                                            void (*on_targets)(void *context, const struct tend_event_targets *targets),
                                            void *context, struct tend_loop_discovery **out)
{
    struct tend_loop_discovery *discovery = calloc(1, sizeof *discovery);
    if (discovery == NULL) {
        return TEND_E_NOMEM;
    }
    *discovery = (struct tend_loop_discovery){ .base = base, .on_targets = on_targets, .context = context };
    *out = discovery;
    return TEND_OK;
}

static void clear(struct tend_loop_discovery *discovery)
{
    for (size_t i = 0; i < discovery->count; i++) {
        tend_file_discovery_destroy(discovery->files[i]);
    }
    free((void *)discovery->files);
    discovery->files = NULL;
    discovery->count = 0;
}

void tend_loop_discovery_destroy(struct tend_loop_discovery *discovery)
{
    if (discovery != NULL) {
        clear(discovery);
        free(discovery);
    }
}

static void on_problem(void *context, const char *file, const char *text)
{
    (void)context;
    tend_log(TEND_LOG_ERROR, "discovery file not used file=%s why=\"%s\"", file, text);
}

void tend_loop_discovery_use(struct tend_loop_discovery *discovery, const struct tend_ruleset *ruleset)
{
    if (strcmp(discovery->generation, ruleset->hash) == 0) {
        return;
    }
    (void)snprintf(discovery->generation, sizeof discovery->generation, "%s", ruleset->hash);
    clear(discovery);
    discovery->files = calloc(ruleset->discovery_count + 1, sizeof(struct tend_file_discovery *));
    TEND_ASSERT(discovery->files != NULL);
    discovery->count = ruleset->discovery_count;
    for (size_t i = 0; i < ruleset->discovery_count; i++) {
        const struct tend_discovery_def *def = &ruleset->discoveries[i];
        const struct tend_file_discovery_options options = {
            .discovery = i,
            .globs = (const char *const *)def->globs,
            .glob_count = def->glob_count,
            .on_targets = discovery->on_targets,
            .on_problem = on_problem,
            .context = discovery->context,
        };
        struct tend_error error;
        if (tend_file_discovery_create(discovery->base, &options, &discovery->files[i], &error) != TEND_OK) {
            tend_log(TEND_LOG_ERROR, "discovery does not work at=%s why=\"%s\"", def->at, error.text);
        }
    }
}

void tend_loop_discovery_problems(const struct tend_loop_discovery *discovery, json_t *list)
{
    for (size_t i = 0; i < discovery->count; i++) {
        if (discovery->files[i] != NULL) {
            tend_file_discovery_problems(discovery->files[i], list);
        }
    }
}
