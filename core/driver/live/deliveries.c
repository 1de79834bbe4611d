#include "driver/live/deliveries.h"

#include "base/json.h"
#include "driver/live/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

struct delivery {
    struct delivery *next;
    uint64_t id;
    char *key;
};

struct tend_deliveries {
    struct tend_http_client *client;
    const struct tend_secrets *secrets;
    tend_deliveries_fn on_delivered;
    void *context;
    struct delivery *list;
    uint64_t next_id;
};

static char *take(struct tend_deliveries *deliveries, uint64_t id)
{
    for (struct delivery **at = &deliveries->list; *at != NULL; at = &(*at)->next) {
        if ((*at)->id == id) {
            struct delivery *found = *at;
            char *key = found->key;
            *at = found->next;
            free(found);
            return key;
        }
    }
    return NULL;
}

static void on_answer(void *context, uint64_t id, const struct tend_http_result *result)
{
    struct tend_deliveries *deliveries = context;
    char *key = take(deliveries, id);
    if (key == NULL) {
        return;
    }
    char error[256];
    if (result->status == 0) {
        (void)snprintf(error, sizeof error, "%s", result->error);
    } else {
        (void)snprintf(error, sizeof error, "%s%sHTTP status %d", result->error, result->error[0] == '\0' ? "" : " ",
                       result->status);
    }
    struct tend_event event = { .kind = TEND_EVENT_DELIVERED };
    event.delivered.key = key;
    event.delivered.ok = result->status >= 200 && result->status < 300;
    event.delivered.retry = result->status == 0 || result->status == 429 || result->status >= 500;
    event.delivered.retry_after_ms = result->retry_after_ms;
    event.delivered.error = error;
    deliveries->on_delivered(deliveries->context, &event);
    free(key);
}

enum tend_status tend_deliveries_create(struct event_base *base, const struct tend_secrets *secrets,
                                        tend_deliveries_fn on_delivered, void *context, struct tend_deliveries **out)
{
    struct tend_deliveries *deliveries = calloc(1, sizeof *deliveries);
    if (deliveries == NULL) {
        return TEND_E_NOMEM;
    }
    *deliveries = (struct tend_deliveries){ .secrets = secrets, .on_delivered = on_delivered, .context = context };
    const enum tend_status status = tend_http_client_create(base, on_answer, deliveries, &deliveries->client);
    if (status != TEND_OK) {
        free(deliveries);
        return status;
    }
    *out = deliveries;
    return TEND_OK;
}

void tend_deliveries_destroy(struct tend_deliveries *deliveries)
{
    if (deliveries == NULL) {
        return;
    }
    tend_http_client_destroy(deliveries->client);
    for (struct delivery *next, *delivery = deliveries->list; delivery != NULL; delivery = next) {
        next = delivery->next;
        free(delivery->key);
        free(delivery);
    }
    free(deliveries);
}

enum tend_status tend_deliveries_send(struct tend_deliveries *deliveries, const char *key, json_t *request,
                                      struct tend_error *error)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    TEND_ASSERT(delivery != NULL);
    *delivery = (struct delivery){ .next = deliveries->list, .id = ++deliveries->next_id, .key = strdup(key) };
    TEND_ASSERT(delivery->key != NULL);
    deliveries->list = delivery;
    json_t *asked = json_copy(request);
    if (json_object_get(asked, "timeout_ms") == NULL) {
        (void)json_object_set_new(asked, "timeout_ms", json_integer(TIMEOUT_MS));
    }
    const enum tend_status status =
        tend_http_client_send_json(deliveries->client, delivery->id, asked, deliveries->secrets, error);
    if (status != TEND_OK) {
        free(take(deliveries, deliveries->next_id));
    }
    json_decref(asked);
    return status;
}
