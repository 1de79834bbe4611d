#include "driver/past/rehearsed_logs.h"

#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>

enum { NAMED_MOST = 5 };

struct tend_rehearsed_logs {
    json_t *listed;  // services whose logs are read: name → true
    json_t *before;  // the same of the listing before
    json_t *lacking; // services whose logs would be read: name → true
    struct tend_logged_service *services;
    size_t capacity;
};

struct tend_rehearsed_logs *tend_rehearsed_logs_create(void)
{
    struct tend_rehearsed_logs *logs = calloc(1, sizeof *logs);
    if (logs == NULL) {
        return NULL;
    }
    logs->listed = json_object();
    logs->before = json_object();
    logs->lacking = json_object();
    if (logs->listed == NULL || logs->before == NULL || logs->lacking == NULL) {
        tend_rehearsed_logs_destroy(logs);
        return NULL;
    }
    return logs;
}

void tend_rehearsed_logs_destroy(struct tend_rehearsed_logs *logs)
{
    if (logs != NULL) {
        json_decref(logs->listed);
        json_decref(logs->before);
        json_decref(logs->lacking);
        free(logs->services);
        free(logs);
    }
}

void tend_rehearsed_logs_begin(struct tend_rehearsed_logs *logs)
{
    json_t *swapped = logs->before;
    logs->before = logs->listed;
    logs->listed = swapped;
    (void)json_object_clear(logs->listed);
}

void tend_rehearsed_logs_list(struct tend_rehearsed_logs *logs, const struct tend_service_def *def, bool in_history)
{
    if (def->logs.file_count > 0) {
        (void)json_object_set_new(in_history ? logs->listed : logs->lacking, def->name, json_true());
    }
}

static void make_room(struct tend_rehearsed_logs *logs, size_t count)
{
    if (count > logs->capacity) {
        logs->services = reallocarray(logs->services, count, sizeof *logs->services);
        TEND_ASSERT(logs->services != NULL);
        logs->capacity = count;
    }
}

struct tend_event_logs tend_rehearsed_logs_done(struct tend_rehearsed_logs *logs)
{
    size_t count = 0;
    const char *name;
    json_t *ignored;
    make_room(logs, json_object_size(logs->listed));
    json_object_foreach(logs->listed, name, ignored)
    {
        if (json_object_get(logs->before, name) == NULL) {
            logs->services[count++] = (struct tend_logged_service){ .service = name };
        }
    }
    return (struct tend_event_logs){ .services = logs->services, .count = count };
}

struct tend_event_logs tend_rehearsed_logs_read(struct tend_rehearsed_logs *logs, const struct tend_event_logs *said)
{
    size_t count = 0;
    make_room(logs, said->count);
    for (size_t i = 0; i < said->count; i++) {
        if (json_object_get(logs->listed, said->services[i].service) != NULL) {
            logs->services[count++] = said->services[i];
        }
    }
    return (struct tend_event_logs){ .services = logs->services, .count = count };
}

bool tend_rehearsed_logs_lacking(const struct tend_rehearsed_logs *logs, char *text, size_t bytes)
{
    const size_t count = json_object_size(logs->lacking);
    if (count == 0) {
        return false;
    }
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_buffer_put_text(&out, "the source has no log of ");
    size_t named = 0;
    const char *name;
    json_t *ignored;
    json_object_foreach(logs->lacking, name, ignored)
    {
        if (named == NAMED_MOST) {
            tend_buffer_printf(&out, " and %zu more", count - named);
            break;
        }
        tend_buffer_printf(&out, "%s%s", named++ == 0 ? "" : ", ", name);
    }
    tend_text_format(text, bytes, "%s", tend_buffer_text(&out));
    tend_buffer_clear(&out);
    return true;
}
