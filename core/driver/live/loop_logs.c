#include "driver/live/loop_logs.h"

#include "base/log.h"
#include "engine/ruleset.h"

#include <stdlib.h>

struct logging {
    struct tend_logging_service *services;
    size_t count;
    const char **names; // of all services
    size_t name_count;
};

static void add_logging(void *context, const struct tend_subject_view *subject)
{
    struct logging *logging = context;
    if (subject->instance[0] != '\0') {
        return;
    }
    const char **names = (const char **)reallocarray((void *)logging->names, logging->name_count + 1, sizeof *names);
    TEND_ASSERT(names != NULL);
    logging->names = names;
    names[logging->name_count++] = subject->service;
    if (subject->def->logs.file_count == 0) {
        return;
    }
    struct tend_logging_service *grown = reallocarray(logging->services, logging->count + 1, sizeof *grown);
    TEND_ASSERT(grown != NULL);
    logging->services = grown;
    grown[logging->count++] = (struct tend_logging_service){ .name = subject->service, .def = &subject->def->logs };
}

void tend_loop_logs_take_up(struct tend_log_watch *watch, const struct tend_engine *engine)
{
    struct logging logging = { .services = NULL };
    tend_engine_visit_subjects(engine, add_logging, &logging);
    if (tend_log_watch_set(watch, logging.services, logging.count, logging.names, logging.name_count) != TEND_OK) {
        tend_log(TEND_LOG_ERROR, "some logs cannot be read why=\"out of memory\"");
    }
    free(logging.services);
    free((void *)logging.names);
}
