// An event base of its own, turned until the one request under way is answered.

#include "driver/sim/awaited_evaluator.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tend_awaited_evaluator {
    json_t *sources;
    struct event_base *base;
    struct tend_evaluator_deadlines deadlines;
    const struct tend_evaluator_starter *starter; // NULL: programs of their own
    struct tend_evaluator *process;               // NULL: none runs
    bool answered;
    struct tend_awaited_reply reply;
};

void tend_awaited_reply_clear(struct tend_awaited_reply *reply)
{
    json_decref(reply->json);
    tend_buffer_clear(&reply->bytes);
    *reply = (struct tend_awaited_reply){ .json = NULL };
}

enum tend_status tend_awaited_evaluator_create(json_t *sources, struct tend_awaited_evaluator **out)
{
    struct tend_awaited_evaluator *evaluator = calloc(1, sizeof *evaluator);
    struct event_base *base = event_base_new();
    if (evaluator == NULL || base == NULL) {
        free(evaluator);
        if (base != NULL) {
            event_base_free(base);
        }
        return TEND_E_NOMEM;
    }
    evaluator->sources = json_incref(sources);
    evaluator->base = base;
    evaluator->deadlines = tend_evaluator_default_deadlines();
    *out = evaluator;
    return TEND_OK;
}

void tend_awaited_evaluator_set_deadlines(struct tend_awaited_evaluator *evaluator,
                                          const struct tend_evaluator_deadlines *deadlines)
{
    evaluator->deadlines = *deadlines;
}

void tend_awaited_evaluator_destroy(struct tend_awaited_evaluator *evaluator)
{
    if (evaluator == NULL) {
        return;
    }
    tend_evaluator_destroy(evaluator->process);
    event_base_free(evaluator->base);
    json_decref(evaluator->sources);
    free(evaluator);
}

void tend_awaited_evaluator_set_starter(struct tend_awaited_evaluator *evaluator,
                                        const struct tend_evaluator_starter *starter)
{
    evaluator->starter = starter;
}

const struct tend_evaluator_starter *tend_awaited_evaluator_starter(const struct tend_awaited_evaluator *evaluator)
{
    return evaluator->starter;
}

void tend_awaited_evaluator_forget(struct tend_awaited_evaluator *evaluator)
{
    tend_evaluator_destroy(evaluator->process);
    evaluator->process = NULL;
}

static void on_answer(void *context, const struct tend_evaluator_reply *reply)
{
    struct tend_awaited_evaluator *evaluator = context;
    struct tend_awaited_reply *kept = &evaluator->reply;
    kept->died = reply->died;
    (void)snprintf(kept->reason, sizeof kept->reason, "%s", reply->died.reason == NULL ? "" : reply->died.reason);
    kept->json = json_incref(reply->json);
    if (reply->bytes != NULL) {
        tend_buffer_put(&kept->bytes, reply->bytes, reply->byte_count);
    }
    evaluator->answered = true;
}

static void begin(struct tend_awaited_evaluator *evaluator)
{
    evaluator->answered = false;
    evaluator->reply = (struct tend_awaited_reply){ .json = NULL };
    tend_buffer_init(&evaluator->reply.bytes);
}

// A reply is moved, so its reason is found where it is now by whoever reads `reason`.
static struct tend_awaited_reply wait_for(struct tend_awaited_evaluator *evaluator)
{
    while (!evaluator->answered && event_base_loop(evaluator->base, EVLOOP_ONCE) == 0) {
    }
    if (!evaluator->answered) {
        evaluator->reply.died = (struct tend_event_died){ .died = true, .what = "" };
        (void)snprintf(evaluator->reply.reason, sizeof evaluator->reply.reason, "it cannot be waited for");
    }
    if (evaluator->reply.died.died) {
        tend_awaited_evaluator_forget(evaluator);
    }
    return evaluator->reply;
}

static struct tend_awaited_reply not_started(const char *why)
{
    struct tend_awaited_reply reply = { .died = { .died = true, .what = "" } };
    tend_buffer_init(&reply.bytes);
    (void)snprintf(reply.reason, sizeof reply.reason, "%s", why);
    return reply;
}

struct tend_awaited_reply tend_awaited_evaluator_load(struct tend_awaited_evaluator *evaluator)
{
    tend_awaited_evaluator_forget(evaluator);
    struct tend_error error = { "out of memory" };
    if (tend_evaluator_create_by(evaluator->base, &evaluator->deadlines, evaluator->starter, &evaluator->process,
                                 &error) != TEND_OK) {
        evaluator->process = NULL;
        return not_started(error.text);
    }
    begin(evaluator);
    tend_evaluator_load(evaluator->process, evaluator->sources, on_answer, evaluator);
    return wait_for(evaluator);
}

// A process with the sources loaded. @return false, and what is to be told instead of an answer
static bool is_ready(struct tend_awaited_evaluator *evaluator, struct tend_awaited_reply *instead)
{
    if (evaluator->process != NULL) {
        return true;
    }
    *instead = tend_awaited_evaluator_load(evaluator);
    if (instead->json == NULL) {
        return false;
    }
    tend_awaited_reply_clear(instead);
    return true;
}

struct tend_awaited_reply tend_awaited_evaluator_tick(struct tend_awaited_evaluator *evaluator, const char *bytes,
                                                      size_t byte_count)
{
    struct tend_awaited_reply reply;
    if (!is_ready(evaluator, &reply)) {
        return reply;
    }
    begin(evaluator);
    tend_evaluator_tick(evaluator->process, bytes, byte_count, on_answer, evaluator);
    return wait_for(evaluator);
}

struct tend_awaited_reply tend_awaited_evaluator_ask_text(struct tend_awaited_evaluator *evaluator,
                                                          const char *question, size_t byte_count)
{
    struct tend_awaited_reply reply;
    if (!is_ready(evaluator, &reply)) {
        return reply;
    }
    begin(evaluator);
    tend_evaluator_ask(evaluator->process, question, byte_count, on_answer, evaluator);
    return wait_for(evaluator);
}

struct tend_awaited_reply tend_awaited_evaluator_ask(struct tend_awaited_evaluator *evaluator, const json_t *question)
{
    char *text = tend_json_canonical(question);
    TEND_ASSERT(text != NULL);
    const struct tend_awaited_reply reply = tend_awaited_evaluator_ask_text(evaluator, text, strlen(text));
    free(text);
    return reply;
}

struct tend_awaited_reply tend_awaited_evaluator_run_start(struct tend_awaited_evaluator *evaluator,
                                                           const json_t *start)
{
    struct tend_awaited_reply reply;
    if (!is_ready(evaluator, &reply)) {
        return reply;
    }
    begin(evaluator);
    tend_evaluator_run_start(evaluator->process, start, on_answer, evaluator);
    return wait_for(evaluator);
}

struct tend_awaited_reply tend_awaited_evaluator_answer(struct tend_awaited_evaluator *evaluator, const json_t *answer)
{
    if (evaluator->process == NULL) {
        return not_started("the process of the run is gone");
    }
    begin(evaluator);
    tend_evaluator_answer(evaluator->process, answer, on_answer, evaluator);
    return wait_for(evaluator);
}
