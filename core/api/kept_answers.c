#include "api/kept_answers.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct kept {
    struct kept *next;
    uint64_t record;
    int64_t until_ms;
    json_t *answer;
    void *request;
};

struct tend_kept_answers {
    tend_kept_told *told;
    void *context;
    int64_t wait_ms;
    uint64_t reached;
    char failing[200];   // why the journal cannot be written; "" while it can
    struct event *timer; // pending while some wait: for the first, which waits for longest
    struct kept *first;  // in the order of their records
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell(struct tend_kept_answers *answers, json_t *take_answer, void *request, const char *unrecorded)
{
    if (unrecorded != NULL) {
        (void)json_object_set_new(take_answer, "unrecorded", tend_json_string(unrecorded, strlen(unrecorded)));
    }
    answers->told(answers->context, request, take_answer);
}

static void tell_first(struct tend_kept_answers *answers, const char *unrecorded)
{
    struct kept *kept = answers->first;
    answers->first = kept->next;
    tell(answers, kept->answer, kept->request, unrecorded);
    free(kept);
}

static void set_timer(struct tend_kept_answers *answers)
{
    if (answers->first == NULL) {
        (void)event_del(answers->timer);
        return;
    }
    const int64_t left_ms = answers->first->until_ms - now_ms();
    const struct timeval left = { .tv_sec = left_ms > 0 ? left_ms / 1000 : 0,
                                  .tv_usec = left_ms > 0 ? left_ms % 1000 * 1000 : 0 };
    (void)event_add(answers->timer, &left);
}

static void on_time(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_kept_answers *answers = context;
    while (answers->first != NULL && answers->first->until_ms <= now_ms()) {
        tell_first(answers, "the disk has not taken it yet");
    }
    set_timer(answers);
}

enum tend_status tend_kept_answers_create(struct event_base *base, tend_kept_told *told, void *context, int64_t wait_ms,
                                          struct tend_kept_answers **out)
{
    struct tend_kept_answers *answers = calloc(1, sizeof *answers);
    struct event *timer = answers == NULL ? NULL : evtimer_new(base, on_time, answers);
    if (timer == NULL) {
        free(answers);
        return TEND_E_NOMEM;
    }
    *answers = (struct tend_kept_answers){
        .told = told, .context = context, .wait_ms = wait_ms > 0 ? wait_ms : TEND_KEPT_WAIT_MS, .timer = timer
    };
    *out = answers;
    return TEND_OK;
}

void tend_kept_answers_destroy(struct tend_kept_answers *answers)
{
    if (answers == NULL) {
        return;
    }
    while (answers->first != NULL) {
        tell_first(answers, "tend ends");
    }
    event_free(answers->timer);
    free(answers);
}

enum tend_status tend_kept_answers_ask(struct tend_kept_answers *answers, uint64_t record, json_t *take_answer,
                                       void *request)
{
    if (take_answer == NULL) {
        return TEND_E_NOMEM;
    }
    if (record <= answers->reached || answers->failing[0] != '\0') {
        tell(answers, take_answer, request, record <= answers->reached ? NULL : answers->failing);
        return TEND_OK;
    }
    struct kept *kept = calloc(1, sizeof *kept);
    if (kept == NULL) {
        json_decref(take_answer);
        return TEND_E_NOMEM;
    }
    *kept = (struct kept){
        .record = record, .until_ms = now_ms() + answers->wait_ms, .answer = take_answer, .request = request
    };
    struct kept **last = &answers->first;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = kept;
    set_timer(answers);
    return TEND_OK;
}

void tend_kept_answers_reached(struct tend_kept_answers *answers, uint64_t number)
{
    answers->reached = number;
    answers->failing[0] = '\0';
    while (answers->first != NULL && answers->first->record <= number) {
        tell_first(answers, NULL);
    }
    set_timer(answers);
}

void tend_kept_answers_failing(struct tend_kept_answers *answers, const char *why)
{
    (void)snprintf(answers->failing, sizeof answers->failing, "%s", why[0] != '\0' ? why : "it cannot be written");
    while (answers->first != NULL) {
        tell_first(answers, answers->failing);
    }
    set_timer(answers);
}
