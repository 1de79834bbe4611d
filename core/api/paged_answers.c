#include "api/paged_answers.h"

#include "api/reply.h"
#include "base/log.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

enum { TURN_US = 2000 };

struct page {
    struct page *next_page;
    tend_paged_next *next;
    void *next_context;
    void *request;
    size_t index;
    struct tend_buffer text;
};

struct tend_paged_answers {
    tend_paged_told *told;
    void *context;
    struct event *turn;
    struct page *first; // in the order in which they were asked for
};

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int put_bytes(const char *bytes, size_t count, void *out)
{
    tend_buffer_put(out, bytes, count);
    return 0;
}

static void put_json(struct tend_buffer *out, const json_t *value)
{
    if (json_dump_callback(value, put_bytes, out, TEND_REPLY_JSON | JSON_ENCODE_ANY) != 0) {
        out->failed = true;
    }
}

static void tell_first(struct tend_paged_answers *answers)
{
    struct page *page = answers->first;
    answers->first = page->next_page;
    answers->told(answers->context, page->request, &page->text);
    tend_buffer_clear(&page->text);
    free(page);
}

static void wait_for_turn(struct tend_paged_answers *answers)
{
    const struct timeval at_once = { 0, 0 };
    if (answers->first != NULL) {
        (void)event_add(answers->turn, &at_once);
    }
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_paged_answers *answers = context;
    struct page *page = answers->first;
    const int64_t end_us = now_us() + TURN_US;
    json_t *element;
    while ((element = page->next(page->next_context, page->index)) != NULL && !page->text.failed) {
        tend_buffer_put_text(&page->text, page->index == 0 ? "" : ",");
        put_json(&page->text, element);
        json_decref(element);
        page->index++;
        if (now_us() >= end_us) {
            wait_for_turn(answers);
            return;
        }
    }
    json_decref(element);
    tend_buffer_put_text(&page->text, "]}");
    tell_first(answers);
    wait_for_turn(answers);
}

enum tend_status tend_paged_answers_create(struct event_base *base, tend_paged_told *told, void *context,
                                           struct tend_paged_answers **out)
{
    struct tend_paged_answers *answers = calloc(1, sizeof *answers);
    struct event *turn = answers == NULL ? NULL : evtimer_new(base, on_turn, answers);
    if (turn == NULL) {
        free(answers);
        return TEND_E_NOMEM;
    }
    *answers = (struct tend_paged_answers){ .told = told, .context = context, .turn = turn };
    *out = answers;
    return TEND_OK;
}

void tend_paged_answers_destroy(struct tend_paged_answers *answers)
{
    if (answers == NULL) {
        return;
    }
    while (answers->first != NULL) {
        answers->first->text.failed = true;
        tell_first(answers);
    }
    event_free(answers->turn);
    free(answers);
}

enum tend_status tend_paged_answers_ask(struct tend_paged_answers *answers, const json_t *head, const char *list,
                                        tend_paged_next *next, void *next_context, void *request)
{
    struct page *page = calloc(1, sizeof *page);
    if (page == NULL) {
        return TEND_E_NOMEM;
    }
    *page = (struct page){ .next = next, .next_context = next_context, .request = request };
    tend_buffer_init(&page->text);
    put_json(&page->text, head);
    if (page->text.failed) {
        tend_buffer_clear(&page->text);
        free(page);
        return TEND_E_NOMEM;
    }
    page->text.size--; // the brace
    tend_buffer_printf(&page->text, "%s\"%s\":[", json_object_size(head) == 0 ? "" : ",", list);
    struct page **last = &answers->first;
    while (*last != NULL) {
        last = &(*last)->next_page;
    }
    *last = page;
    wait_for_turn(answers);
    return TEND_OK;
}
