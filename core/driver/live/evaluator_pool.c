// Requests wait in the pool, not in the current evaluator, so that a death loses only the one that was in flight.
//
// A spare that cannot be loaded is tried again after 1 s, then 2 s, and so on up to 30 s: it loaded once, so the
// machine is in trouble, and starting processes as fast as they fail would not help it. While there is no evaluator at
// all, each failed try answers those that wait.

#include "driver/live/evaluator_pool.h"

#include "base/log.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MAX_S = 30 };

// A request to the current evaluator.
struct work {
    struct work *next;
    char *bytes;
    size_t byte_count;
    bool is_question; // else a tick
    tend_evaluator_done *done;
    void *context;
};

// A request that failed before it reached a process; told from the loop.
struct refusal {
    struct refusal *next;
    tend_evaluator_done *done;
    void *context;
    char reason[256];
};

struct run {
    struct run *next;
    struct tend_evaluator_pool *pool;
    struct tend_evaluator *evaluator;
    char *id;
    json_t *start; // until it is loaded
    tend_evaluator_done *done;
    void *context;
};

struct tend_evaluator_pool {
    struct event_base *base;
    struct tend_evaluator_deadlines deadlines;

    struct tend_evaluator *current; // NULL: none is adopted, or it died and the spare is not ready
    json_t *sources;                // of the current generation; NULL before the first adopt
    char document_hash[65];

    struct tend_evaluator *spare;
    bool spare_ready;
    unsigned failures; // of spares, one after the other
    struct event *retry;

    struct tend_evaluator *candidate;
    json_t *candidate_sources;
    char candidate_hash[65]; // "" until it is loaded
    tend_evaluator_done *candidate_done;
    void *candidate_context;

    struct work *first;
    struct work *last;
    struct work *in_flight; // not in the list any more

    struct refusal *refusals; // oldest first
    struct event *refuse;

    struct run *runs;
#ifdef TEND_FAULTS
    int64_t thrown_seq; // the step after which the process was thrown away last; for one run at a time
#endif
};

static void pump(struct tend_evaluator_pool *pool);
static void start_spare(struct tend_evaluator_pool *pool);

static void document_hash(const json_t *document, char out[65])
{
    char *text = tend_json_canonical(document);
    TEND_ASSERT(text != NULL);
    tend_sha256_hex(text, strlen(text), out);
    free(text);
}

static void refuse(struct tend_evaluator_pool *pool, tend_evaluator_done *done, void *context, const char *reason)
{
    struct refusal *refusal = calloc(1, sizeof *refusal);
    TEND_ASSERT(refusal != NULL); // a request without an answer would hold its tick or run for ever
    refusal->done = done;
    refusal->context = context;
    (void)snprintf(refusal->reason, sizeof refusal->reason, "%s", reason);
    struct refusal **at = &pool->refusals;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = refusal;
    event_active(pool->refuse, EV_TIMEOUT, 0);
}

static void on_refuse(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_evaluator_pool *pool = context;
    struct refusal *refusal = pool->refusals;
    if (refusal == NULL) {
        return;
    }
    pool->refusals = refusal->next;
    if (pool->refusals != NULL) {
        event_active(pool->refuse, EV_TIMEOUT, 0);
    }
    const struct tend_evaluator_reply reply = { .died = { .died = true, .what = "", .reason = refusal->reason } };
    refusal->done(refusal->context, &reply); // may destroy the pool
    free(refusal);
}

static void work_destroy(struct work *work)
{
    if (work != NULL) {
        free(work->bytes);
        free(work);
    }
}

static struct work *take_work(struct tend_evaluator_pool *pool)
{
    struct work *work = pool->first;
    if (work != NULL) {
        pool->first = work->next;
        pool->last = pool->first == NULL ? NULL : pool->last;
        work->next = NULL;
    }
    return work;
}

static void refuse_all_work(struct tend_evaluator_pool *pool, const char *reason)
{
    for (struct work *work = pool->in_flight != NULL ? pool->in_flight : take_work(pool); work != NULL;
         work = take_work(pool)) {
        refuse(pool, work->done, work->context, reason);
        work_destroy(work);
    }
    pool->in_flight = NULL;
}

// The spare takes over, and another is started. Without a spare that is ready, the next one that is will.
static void promote_spare(struct tend_evaluator_pool *pool)
{
    tend_evaluator_destroy(pool->current);
    pool->current = NULL;
    if (pool->spare != NULL && tend_evaluator_is_dead(pool->spare)) {
        tend_evaluator_destroy(pool->spare);
        pool->spare = NULL;
        pool->spare_ready = false;
    }
    if (pool->spare_ready) {
        pool->current = pool->spare;
        pool->spare = NULL;
        pool->spare_ready = false;
    }
    if (pool->spare == NULL && !event_pending(pool->retry, EV_TIMEOUT, NULL)) {
        start_spare(pool);
    }
}

static void spare_failed(struct tend_evaluator_pool *pool, const char *reason)
{
    tend_log(TEND_LOG_WARN, "spare evaluator failed reason=\"%s\" failures=%u", reason, pool->failures + 1);
    tend_evaluator_destroy(pool->spare);
    pool->spare = NULL;
    pool->spare_ready = false;
    const unsigned shift = pool->failures < 5 ? pool->failures : 5;
    const long delay_s = 1L << shift;
    const struct timeval delay = { .tv_sec = delay_s < RETRY_MAX_S ? delay_s : RETRY_MAX_S };
    pool->failures++;
    (void)event_add(pool->retry, &delay);
    if (pool->current == NULL) {
        char text[256];
        (void)snprintf(text, sizeof text, "no evaluator could be started again: %s", reason);
        refuse_all_work(pool, text);
    }
}

static void on_spare_loaded(void *context, const struct tend_evaluator_reply *reply)
{
    struct tend_evaluator_pool *pool = context;
    if (reply->died.died) {
        spare_failed(pool, reply->died.reason);
        return;
    }
    char hash[65];
    document_hash(reply->json, hash);
    if (strcmp(hash, pool->document_hash) != 0) {
        spare_failed(pool, "the rules declare something else when they are loaded again");
        return;
    }
    pool->failures = 0;
    pool->spare_ready = true;
    if (pool->current == NULL) {
        promote_spare(pool);
        pump(pool);
    }
}

static void start_spare(struct tend_evaluator_pool *pool)
{
    struct tend_error error;
    const enum tend_status status = tend_evaluator_create(pool->base, &pool->deadlines, &pool->spare, &error);
    if (status != TEND_OK) {
        pool->spare = NULL;
        spare_failed(pool, status == TEND_E_NOMEM ? tend_status_text(status) : error.text);
        return;
    }
    tend_evaluator_load(pool->spare, pool->sources, on_spare_loaded, pool);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_evaluator_pool *pool = context;
    if (pool->spare == NULL && pool->sources != NULL) {
        start_spare(pool);
    }
}

static void on_work_done(void *context, const struct tend_evaluator_reply *reply)
{
    struct tend_evaluator_pool *pool = context;
    struct work *work = pool->in_flight;
    pool->in_flight = NULL;
    if (reply->died.died) {
        tend_log(TEND_LOG_WARN, "evaluator died what=%s index=%u reason=\"%s\"",
                 reply->died.what[0] == '\0' ? "none" : reply->died.what, reply->died.index, reply->died.reason);
    }
    if (tend_evaluator_is_dead(pool->current)) {
        promote_spare(pool);
    }
    pump(pool);
    work->done(work->context, reply); // may destroy the pool
    work_destroy(work);
}

// Sends the next request, if one can be sent.
static void pump(struct tend_evaluator_pool *pool)
{
    if (pool->in_flight != NULL || pool->first == NULL) {
        return;
    }
    if (pool->current != NULL && tend_evaluator_is_dead(pool->current)) {
        promote_spare(pool); // it died while it had nothing to do
    }
    if (pool->current == NULL) {
        return;
    }
    struct work *work = take_work(pool);
    pool->in_flight = work;
    if (work->is_question) {
        tend_evaluator_ask(pool->current, work->bytes, work->byte_count, on_work_done, pool);
    } else {
        tend_evaluator_tick(pool->current, work->bytes, work->byte_count, on_work_done, pool);
    }
}

static void add_work(struct tend_evaluator_pool *pool, struct work *work, tend_evaluator_done *done, void *context)
{
    if (pool->sources == NULL) {
        refuse(pool, done, context, "no rules are loaded");
        work_destroy(work);
        return;
    }
    work->done = done;
    work->context = context;
    if (pool->last == NULL) {
        pool->first = work;
    } else {
        pool->last->next = work;
    }
    pool->last = work;
    pump(pool);
}

static struct work *make_work(const char *bytes, size_t byte_count, bool is_question)
{
    struct work *work = calloc(1, sizeof *work);
    TEND_ASSERT(work != NULL);
    work->bytes = malloc(byte_count + 1);
    TEND_ASSERT(work->bytes != NULL);
    memcpy(work->bytes, bytes, byte_count);
    work->byte_count = byte_count;
    work->is_question = is_question;
    return work;
}

void tend_evaluator_pool_tick(struct tend_evaluator_pool *pool, const char *bytes, size_t byte_count,
                              tend_evaluator_done *done, void *context)
{
    add_work(pool, make_work(bytes, byte_count, false), done, context);
}

void tend_evaluator_pool_ask(struct tend_evaluator_pool *pool, const char *question, size_t byte_count,
                             tend_evaluator_done *done, void *context)
{
    add_work(pool, make_work(question, byte_count, true), done, context);
}

void tend_evaluator_pool_discard(struct tend_evaluator_pool *pool)
{
    tend_evaluator_destroy(pool->candidate);
    pool->candidate = NULL;
    json_decref(pool->candidate_sources);
    pool->candidate_sources = NULL;
    pool->candidate_hash[0] = '\0';
}

static void on_candidate_loaded(void *context, const struct tend_evaluator_reply *reply)
{
    struct tend_evaluator_pool *pool = context;
    if (!reply->died.died) {
        document_hash(reply->json, pool->candidate_hash);
    }
    pool->candidate_done(pool->candidate_context, reply); // may destroy the pool, or adopt
}

void tend_evaluator_pool_load(struct tend_evaluator_pool *pool, json_t *sources, tend_evaluator_done *done,
                              void *context)
{
    struct tend_error error;
    tend_evaluator_pool_discard(pool);
    const enum tend_status status = tend_evaluator_create(pool->base, &pool->deadlines, &pool->candidate, &error);
    if (status != TEND_OK) {
        pool->candidate = NULL;
        refuse(pool, done, context, status == TEND_E_NOMEM ? tend_status_text(status) : error.text);
        return;
    }
    pool->candidate_sources = json_incref(sources);
    pool->candidate_done = done;
    pool->candidate_context = context;
    tend_evaluator_load(pool->candidate, sources, on_candidate_loaded, pool);
}

void tend_evaluator_pool_adopt(struct tend_evaluator_pool *pool)
{
    TEND_ASSERT(pool->candidate != NULL && pool->candidate_hash[0] != '\0');
    refuse_all_work(pool, "a new generation took over");
    tend_evaluator_destroy(pool->current);
    tend_evaluator_destroy(pool->spare);
    json_decref(pool->sources);
    (void)event_del(pool->retry);
    pool->current = pool->candidate;
    pool->sources = pool->candidate_sources;
    memcpy(pool->document_hash, pool->candidate_hash, sizeof pool->document_hash);
    pool->spare = NULL;
    pool->spare_ready = false;
    pool->failures = 0;
    pool->candidate = NULL;
    pool->candidate_sources = NULL;
    pool->candidate_hash[0] = '\0';
    start_spare(pool);
}

static struct run **find_run(struct tend_evaluator_pool *pool, const char *id)
{
    struct run **at = &pool->runs;
    while (*at != NULL && strcmp((*at)->id, id) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void run_destroy(struct run *run)
{
    tend_evaluator_destroy(run->evaluator);
    json_decref(run->start);
    free(run->id);
    free(run);
}

void tend_evaluator_pool_run_end(struct tend_evaluator_pool *pool, const char *run)
{
    struct run **at = find_run(pool, run);
    struct run *found = *at;
    if (found != NULL) {
        *at = found->next;
        run_destroy(found);
    }
}

#ifdef TEND_FAULTS
// A test build throws the process of a run away after each step when TEND_THROW_RUNS is set: the engine must get along
// with a process that is gone whenever it is asked.
static void throw_away(struct run *run, const struct tend_evaluator_reply *reply)
{
    // A step that is asked for again, on the way back to where the run was, is not thrown away once more.
    const int64_t seq = tend_json_integer(json_object_get(reply->json, "effect"), "seq", 0);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a test sets it before it starts tend
    if (seq > run->pool->thrown_seq && getenv("TEND_THROW_RUNS") != NULL) {
        run->pool->thrown_seq = seq;
        tend_evaluator_destroy(run->evaluator);
        run->evaluator = NULL;
    }
}
#else
static void throw_away(struct run *run, const struct tend_evaluator_reply *reply)
{
    (void)run;
    (void)reply;
}
#endif

static void on_run_reply(void *context, const struct tend_evaluator_reply *reply)
{
    struct run *run = context;
    throw_away(run, reply);
    run->done(run->context, reply); // may end the run, or destroy the pool
}

static void on_run_loaded(void *context, const struct tend_evaluator_reply *reply)
{
    struct run *run = context;
    if (reply->died.died) {
        on_run_reply(run, reply);
        return;
    }
    const json_t *errors = json_object_get(reply->json, "errors");
    if (json_array_size(errors) > 0) {
        const json_t *first = json_array_get(errors, 0);
        char reason[256];
        (void)snprintf(reason, sizeof reason, "its rules do not load any more: %s: %s", tend_json_text(first, "at", ""),
                       tend_json_text(first, "text", ""));
        const struct tend_evaluator_reply failed = { .died = { .died = true, .what = "", .reason = reason } };
        on_run_reply(run, &failed);
        return;
    }
    tend_evaluator_run_start(run->evaluator, run->start, on_run_reply, run);
    json_decref(run->start);
    run->start = NULL;
}

void tend_evaluator_pool_run_start(struct tend_evaluator_pool *pool, const char *run, json_t *sources, json_t *start,
                                   tend_evaluator_done *done, void *context)
{
    tend_evaluator_pool_run_end(pool, run);
    struct run *made = calloc(1, sizeof *made);
    TEND_ASSERT(made != NULL);
    made->id = strdup(run);
    TEND_ASSERT(made->id != NULL);
    struct tend_error error;
    const enum tend_status status = tend_evaluator_create(pool->base, &pool->deadlines, &made->evaluator, &error);
    if (status != TEND_OK) {
        made->evaluator = NULL;
        run_destroy(made);
        refuse(pool, done, context, status == TEND_E_NOMEM ? tend_status_text(status) : error.text);
        return;
    }
    made->pool = pool;
    made->start = json_incref(start);
    made->done = done;
    made->context = context;
    made->next = pool->runs;
    pool->runs = made;
    tend_evaluator_load(made->evaluator, sources, on_run_loaded, made);
}

void tend_evaluator_pool_run_answer(struct tend_evaluator_pool *pool, const char *run, const json_t *answer,
                                    tend_evaluator_done *done, void *context)
{
    struct run *found = *find_run(pool, run);
    if (found == NULL || found->evaluator == NULL) {
        refuse(pool, done, context, "the run has no process");
        return;
    }
    found->done = done;
    found->context = context;
    tend_evaluator_answer(found->evaluator, answer, on_run_reply, found);
}

size_t tend_evaluator_pool_count(const struct tend_evaluator_pool *pool)
{
    const struct tend_evaluator *const single[] = { pool->current, pool->spare, pool->candidate };
    size_t count = 0;
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        count += single[i] != NULL && !tend_evaluator_is_dead(single[i]);
    }
    for (const struct run *run = pool->runs; run != NULL; run = run->next) {
        count += run->evaluator != NULL && !tend_evaluator_is_dead(run->evaluator);
    }
    return count;
}

enum tend_status tend_evaluator_pool_create(struct event_base *base, const struct tend_evaluator_deadlines *deadlines,
                                            struct tend_evaluator_pool **out)
{
    struct tend_evaluator_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return TEND_E_NOMEM;
    }
    pool->base = base;
    pool->deadlines = *deadlines;
    pool->retry = event_new(base, -1, 0, on_retry, pool);
    pool->refuse = event_new(base, -1, 0, on_refuse, pool);
    if (pool->retry == NULL || pool->refuse == NULL) {
        tend_evaluator_pool_destroy(pool);
        return TEND_E_NOMEM;
    }
    *out = pool;
    return TEND_OK;
}

void tend_evaluator_pool_destroy(struct tend_evaluator_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    tend_evaluator_pool_discard(pool);
    tend_evaluator_destroy(pool->current);
    tend_evaluator_destroy(pool->spare);
    json_decref(pool->sources);
    while (pool->runs != NULL) {
        struct run *run = pool->runs;
        pool->runs = run->next;
        run_destroy(run);
    }
    work_destroy(pool->in_flight);
    for (struct work *work = take_work(pool); work != NULL; work = take_work(pool)) {
        work_destroy(work);
    }
    while (pool->refusals != NULL) {
        struct refusal *refusal = pool->refusals;
        pool->refusals = refusal->next;
        free(refusal);
    }
    if (pool->retry != NULL) {
        event_free(pool->retry);
    }
    if (pool->refuse != NULL) {
        event_free(pool->refuse);
    }
    free(pool);
}
