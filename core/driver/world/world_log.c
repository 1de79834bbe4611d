#include "driver/world/world_log.h"

#include "driver/sim/simulation.h"
#include "locate/log_tally.h"
#include "parse/secret_mask.h"

#include <stdlib.h>
#include <string.h>

enum { TELL_EVERY_MS = 5000, LINES = 10 };

static void count_line(struct tend_log_tally *tally, const char *text)
{
    char scratch[TEND_LINE_MESSAGE_BYTES];
    char masked[TEND_LINE_MESSAGE_BYTES];
    char template[TEND_LOG_TEMPLATE_BYTES + 1];
    struct tend_line line;
    tend_line_read(text, strlen(text), TEND_LINE_ANY, scratch, &line);
    const size_t bytes = tend_secret_mask(line.message, line.bytes, masked, sizeof masked);
    const size_t count = tend_log_template(masked, bytes, template);
    for (int i = 0; i < LINES; i++) {
        const enum tend_status status = tend_log_tally_add(tally, line.level, template, count, 0, NULL);
        TEND_ASSERT(status == TEND_OK);
    }
}

static struct tend_logged *written_by(const struct tend_world_service *service, size_t *count)
{
    struct tend_log_tally tally;
    tend_log_tally_init(&tally);
    for (size_t j = 0; j < service->count; j++) {
        if (service->instances[j].writes != NULL) {
            count_line(&tally, service->instances[j].writes);
        }
    }
    struct tend_logged *list = calloc(tally.count + 1, sizeof *list);
    TEND_ASSERT(list != NULL);
    for (size_t i = 0; i < tally.count; i++) {
        list[i] = (struct tend_logged){ .template = strdup(tally.counts[i].text),
                                        .level = (uint8_t)tally.counts[i].level,
                                        .lines = tally.counts[i].lines };
        TEND_ASSERT(list[i].template != NULL);
    }
    *count = tally.count;
    tend_log_tally_clear(&tally);
    return list;
}

static void tell(void *context, int64_t at_ms)
{
    struct tend_scenario_world *world = context;
    struct tend_logged_service *list = calloc(world->count + 1, sizeof *list);
    TEND_ASSERT(list != NULL);
    for (size_t i = 0; i < world->count; i++) {
        list[i].service = world->services[i].name;
        list[i].logged = written_by(&world->services[i], &list[i].count);
    }
    tend_simulation_log(world->simulation, &(struct tend_event_logs){ .services = list, .count = world->count });
    for (size_t i = 0; i < world->count; i++) {
        struct tend_logged *logged =
            (struct tend_logged *)(uintptr_t)list[i].logged; // NOLINT(performance-no-int-to-ptr)
        for (size_t j = 0; j < list[i].count; j++) {
            free((void *)(uintptr_t)logged[j].template); // NOLINT(performance-no-int-to-ptr): they were made here
        }
        free(logged);
    }
    free(list);
    tend_simulation_at(world->simulation, at_ms + TELL_EVERY_MS, tell, world);
}

void tend_world_log_begin(struct tend_scenario_world *world)
{
    if (!world->logs) {
        world->logs = true;
        tend_simulation_at(world->simulation, world->begun_ms, tell, world);
    }
}
