// One transfer per scrape, from a pool: the handle, its receive buffer and the body's buffer belong to what is in
// flight, not to the target, so memory follows the few scrapes at work and not the size of the fleet. Connections are
// kept by the multi, which all transfers share.
//
// A scrape ends by libcurl (answer, fault, timeout) or, when the target's next start comes first, by that start: it is
// then a timeout as well. So a timeout as long as the interval does not cost every second scrape of a hung target.
//
// libcurl looks names up in threads, and one that hangs (a name server that is down) lives on, with two fds, after its
// scrape: some 10 s with glibc. So a target whose lookup hung asks again only after that time, and fails meanwhile.
//
// Invariants: targets[i]->flight, if any, has target == i; a transfer is either in flight or in the pool.

#include "driver/live/scrape_client.h"

#include "driver/live/curl_multi.h"
#include "driver/live/scrape_slots.h"
#include "driver/live/scrape_transfer.h"
#include "parse/exposition.h"
#include "series/decoder.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_BYTES_DEFAULT = 10 * 1000 * 1000,
    RESOLVE_PAUSE_MS = 10 * 1000, // after a lookup that hung
    POOL_MAX = 256,               // idle transfers kept
    TIMER_EARLY_MS = 4,  // libevent's coarse clock may wake this much early; to sleep again would cost a wake-up
    TIMER_MAX_MS = 5000, // look at the clock this often: engine time runs on while the machine is suspended
};

struct target {
    char *url;
    uint64_t revision;
    int64_t timeout_ms;
    struct tend_decoder *decoder;
    const struct headers *headers;
    struct tend_scrape_transfer *flight; // NULL: none
    int64_t resolve_again_ms;            // no lookup of the host name before
};

struct headers { // what is sent to all targets with the same timeout
    int64_t timeout_ms;
    struct curl_slist *list;
    struct headers *next;
};

struct tend_scrape_client {
    struct tend_scrape_options options;
    char *ca_file;
    struct tend_curl_multi *multi;
    struct tend_scrape_slots *slots;
    struct event *timer;
    struct target **targets; // by engine index; NULL: none
    size_t target_capacity;
    size_t target_count;
    struct headers *headers;
    struct tend_scrape_transfer *pool;
    size_t pool_count;
    size_t in_flight;
    struct tend_scrape_counters counters;
};

static int64_t now_ms(const struct tend_scrape_client *client)
{
    return client->options.clock_ms(client->options.clock_context);
}

// ---- the pool of transfers ----

static struct tend_scrape_transfer *make_transfer(struct tend_scrape_client *client)
{
    struct tend_scrape_transfer *transfer =
        tend_scrape_transfer_create(client->options.body_bytes, client->options.ca_file);
    if (transfer != NULL) {
        transfer->client = client;
    }
    return transfer;
}

static struct tend_scrape_transfer *take_transfer(struct tend_scrape_client *client)
{
    struct tend_scrape_transfer *transfer = client->pool;
    if (transfer == NULL) {
        return make_transfer(client);
    }
    client->pool = transfer->next;
    client->pool_count--;
    return transfer;
}

static void give_back(struct tend_scrape_client *client, struct tend_scrape_transfer *transfer)
{
    if (client->pool_count >= POOL_MAX) {
        tend_scrape_transfer_destroy(transfer);
        return;
    }
    tend_scrape_transfer_trim(transfer);
    transfer->next = client->pool;
    client->pool = transfer;
    client->pool_count++;
}

// Takes an ended transfer off its target and hands its result on. The transfer is the pool's afterwards.
static void finish(struct tend_scrape_transfer *transfer, CURLcode result)
{
    struct tend_scrape_client *client = transfer->client;
    struct target *target = client->targets[transfer->target];
    target->flight = NULL;
    client->in_flight--;
    struct tend_event_scraped scraped = { .target = transfer->target, .begun_ms = transfer->begun_ms };
    struct tend_error reason;
    tend_scrape_transfer_end(transfer, result, target->decoder, &scraped, &reason);
    if (scraped.kind == TEND_SCRAPE_RESOLVE && result == CURLE_OPERATION_TIMEDOUT) {
        target->resolve_again_ms = transfer->begun_ms + RESOLVE_PAUSE_MS;
    }
    client->counters.ended[scraped.kind]++;
    client->counters.body_bytes += transfer->body.size;
    give_back(client, transfer);
    client->options.on_scraped(client->options.context, &scraped);
}

static void on_done(void *context, CURLcode result)
{
    finish(context, result);
}

// ---- starting ----

// The result of a scrape that came to nothing before anything was sent.
static void report_unsent(struct tend_scrape_client *client, size_t index, enum tend_scrape_kind kind,
                          const char *reason)
{
    client->counters.ended[kind]++;
    const struct tend_event_scraped scraped = {
        .target = index,
        .begun_ms = now_ms(client),
        .kind = kind,
        .reason = reason,
    };
    client->options.on_scraped(client->options.context, &scraped);
}

static void start_scrape(struct tend_scrape_client *client, size_t index)
{
    struct target *target = client->targets[index];
    client->counters.started++;
    if (now_ms(client) < target->resolve_again_ms) {
        report_unsent(client, index, TEND_SCRAPE_RESOLVE,
                      "the last lookup of the host name hung; waiting with the next");
        return;
    }
    struct tend_scrape_transfer *transfer = take_transfer(client);
    if (transfer == NULL) {
        report_unsent(client, index, TEND_SCRAPE_SEND, "out of memory here");
        return;
    }
    transfer->target = index;
    transfer->begun_ms = now_ms(client);
    if (tend_scrape_transfer_begin(transfer, target->url, target->headers->list, target->timeout_ms) != TEND_OK ||
        tend_curl_multi_add(client->multi, transfer->easy, on_done, transfer) != TEND_OK) {
        tend_scrape_transfer_destroy(transfer);
        report_unsent(client, index, TEND_SCRAPE_SEND, "out of memory here");
        return;
    }
    target->flight = transfer;
    client->in_flight++;
}

static bool is_set(const struct tend_scrape_client *client, size_t index)
{
    return index < client->target_capacity && client->targets[index] != NULL;
}

static void arm_timer(struct tend_scrape_client *client)
{
    const int64_t next_ms = tend_scrape_slots_next_ms(client->slots);
    if (next_ms == INT64_MAX) {
        (void)event_del(client->timer);
        return;
    }
    int64_t delay_ms = next_ms - now_ms(client);
    delay_ms = delay_ms < 0 ? 0 : delay_ms > TIMER_MAX_MS ? TIMER_MAX_MS : delay_ms;
    const struct timeval delay = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };
    (void)event_add(client->timer, &delay);
}

// By the clock, as those of a slot are begun one after the other.
static void count_start(struct tend_scrape_client *client, const struct tend_scrape_start *start)
{
    const int64_t delay_ms = start->late_ms == 0 ? 0 : now_ms(client) - start->due_ms;
    tend_durations_add(&client->counters.delays, delay_ms < 0 ? 0.0 : (double)delay_ms / 1000.0);
    client->counters.late += delay_ms > TEND_SCRAPE_SLOT_MS ? 1 : 0;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_scrape_client *client = context;
    const int64_t at_ms = now_ms(client);
    struct tend_scrape_start start;
    while (tend_scrape_slots_take(client->slots, at_ms + TIMER_EARLY_MS,
                                  &start)) { // callbacks below may set and remove targets
        if (start.missed > 0) {
            client->counters.missed += start.missed;
            continue;
        }
        struct tend_scrape_transfer *late = client->targets[start.target]->flight;
        if (late != NULL) {
            tend_curl_multi_remove(client->multi, late->easy);
            finish(late, CURLE_OPERATION_TIMEDOUT);
        }
        if (is_set(client, start.target)) {
            count_start(client, &start);
            start_scrape(client, start.target);
        }
    }
    arm_timer(client);
}

// ---- targets ----

static const struct headers *headers_for(struct tend_scrape_client *client, int64_t timeout_ms)
{
    for (const struct headers *headers = client->headers; headers != NULL; headers = headers->next) {
        if (headers->timeout_ms == timeout_ms) {
            return headers;
        }
    }
    struct headers *headers = calloc(1, sizeof *headers);
    if (headers == NULL) {
        return NULL;
    }
    char timeout[80];
    (void)snprintf(timeout, sizeof timeout, "X-Prometheus-Scrape-Timeout-Seconds: %" PRId64 ".%03" PRId64,
                   timeout_ms / 1000, timeout_ms % 1000);
    struct curl_slist *accept = curl_slist_append(NULL, "Accept: " TEND_EXPOSITION_ACCEPT);
    headers->list = accept == NULL ? NULL : curl_slist_append(accept, timeout);
    if (headers->list == NULL) {
        curl_slist_free_all(accept);
        free(headers);
        return NULL;
    }
    headers->timeout_ms = timeout_ms;
    headers->next = client->headers;
    client->headers = headers;
    return headers;
}

static void drop_flight(struct tend_scrape_client *client, struct target *target)
{
    if (target->flight != NULL) {
        tend_curl_multi_remove(client->multi, target->flight->easy);
        give_back(client, target->flight);
        target->flight = NULL;
        client->in_flight--;
    }
}

static enum tend_status make_decoder(const struct tend_service_def *def, struct tend_decoder **out)
{
    const size_t most = def == NULL ? 0 : 2 * def->metric_count + def->record_count + 1;
    const struct tend_selector **wanted = calloc(most + 1, sizeof(const struct tend_selector *));
    if (wanted == NULL) {
        return TEND_E_NOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; def != NULL && i < def->metric_count; i++) {
        for (size_t source = 0; source < 2; source++) {
            if (def->metrics[i].sources[source] != NULL) {
                wanted[count++] = def->metrics[i].sources[source];
            }
        }
    }
    for (size_t i = 0; def != NULL && i < def->record_count; i++) {
        wanted[count++] = def->record[i];
    }
    if (def != NULL && def->version_series != NULL) {
        wanted[count++] = def->version_series;
    }
    const enum tend_status status = tend_decoder_create(wanted, count, out);
    free(wanted);
    return status;
}

static struct target *make_target(struct tend_scrape_client *client, const struct tend_target_view *view)
{
    struct target *target = calloc(1, sizeof *target);
    if (target == NULL) {
        return NULL;
    }
    target->revision = view->revision;
    target->timeout_ms = view->timeout_ms < 1 || view->timeout_ms > view->every_ms ? view->every_ms : view->timeout_ms;
    target->url = strdup(view->url);
    target->headers = headers_for(client, target->timeout_ms);
    if (target->url == NULL || target->headers == NULL || make_decoder(view->def, &target->decoder) != TEND_OK) {
        free(target->url);
        free(target);
        return NULL;
    }
    return target;
}

static void free_target(struct target *target)
{
    tend_decoder_destroy(target->decoder);
    free(target->url);
    free(target);
}

static bool make_room(struct tend_scrape_client *client, size_t index)
{
    if (index < client->target_capacity) {
        return true;
    }
    size_t capacity = client->target_capacity < 16 ? 16 : client->target_capacity * 2;
    capacity = capacity > index ? capacity : index + 1;
    struct target **targets = reallocarray(client->targets, capacity, sizeof(struct target *));
    if (targets == NULL) {
        return false;
    }
    memset(targets + client->target_capacity, 0, (capacity - client->target_capacity) * sizeof(struct target *));
    client->targets = targets;
    client->target_capacity = capacity;
    return true;
}

enum tend_status tend_scrape_client_set_target(struct tend_scrape_client *client, size_t index,
                                               const struct tend_target_view *view)
{
    struct target *old = is_set(client, index) ? client->targets[index] : NULL;
    if (view->url != NULL && old != NULL && old->revision == view->revision) {
        return TEND_OK;
    }
    if (view->url == NULL || view->every_ms < 1) {
        tend_scrape_client_remove_target(client, index);
        return view->url == NULL ? TEND_OK : TEND_E_INVALID;
    }
    struct target *target = make_target(client, view);
    if (target == NULL || !make_room(client, index) ||
        tend_scrape_slots_set(client->slots, index, view->url, view->every_ms, now_ms(client)) != TEND_OK) {
        if (target != NULL) {
            free_target(target);
        }
        tend_scrape_client_remove_target(client, index);
        return TEND_E_NOMEM;
    }
    if (old != NULL) {
        if (strcmp(old->url, target->url) == 0) {
            target->flight = old->flight;
        } else {
            drop_flight(client, old);
        }
        free_target(old);
    } else {
        client->target_count++;
    }
    client->targets[index] = target;
    tend_curl_multi_keep(client->multi, 2 * client->target_count + 16);
    arm_timer(client);
    return TEND_OK;
}

void tend_scrape_client_remove_target(struct tend_scrape_client *client, size_t index)
{
    if (!is_set(client, index)) {
        return;
    }
    drop_flight(client, client->targets[index]);
    free_target(client->targets[index]);
    client->targets[index] = NULL;
    client->target_count--;
    tend_scrape_slots_remove(client->slots, index);
    arm_timer(client);
}

// ---- the client ----

enum tend_status tend_scrape_client_create(struct event_base *base, const struct tend_scrape_options *options,
                                           struct tend_scrape_client **out)
{
    struct tend_scrape_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return TEND_E_NOMEM;
    }
    client->options = *options;
    if (client->options.body_bytes == 0) {
        client->options.body_bytes = BODY_BYTES_DEFAULT;
    }
    client->ca_file = options->ca_file == NULL ? NULL : strdup(options->ca_file);
    client->options.ca_file = client->ca_file;
    client->timer = evtimer_new(base, on_timer, client);
    if (client->timer == NULL || (options->ca_file != NULL && client->ca_file == NULL) ||
        tend_scrape_slots_create(&client->slots) != TEND_OK ||
        tend_curl_multi_create(base, &client->multi) != TEND_OK) {
        tend_scrape_client_destroy(client);
        return TEND_E_NOMEM;
    }
    *out = client;
    return TEND_OK;
}

void tend_scrape_client_destroy(struct tend_scrape_client *client)
{
    if (client == NULL) {
        return;
    }
    for (size_t i = 0; i < client->target_capacity; i++) {
        tend_scrape_client_remove_target(client, i);
    }
    while (client->pool != NULL) {
        struct tend_scrape_transfer *transfer = client->pool;
        client->pool = transfer->next;
        tend_scrape_transfer_destroy(transfer);
    }
    while (client->headers != NULL) {
        struct headers *headers = client->headers;
        client->headers = headers->next;
        curl_slist_free_all(headers->list);
        free(headers);
    }
    tend_curl_multi_destroy(client->multi);
    tend_scrape_slots_destroy(client->slots);
    if (client->timer != NULL) {
        event_free(client->timer);
    }
    free(client->targets);
    free(client->ca_file);
    free(client);
}

struct tend_scrape_counters tend_scrape_client_counters(const struct tend_scrape_client *client)
{
    return client->counters;
}

size_t tend_scrape_client_in_flight(const struct tend_scrape_client *client)
{
    return client->in_flight;
}
