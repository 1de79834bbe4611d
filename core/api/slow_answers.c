// Two lists under one mutex: what is to be made, and what was made and is to be told. The thread wakes the loop with an
// eventfd. It is started with the first question: most runs of tend are never asked.

#include "api/slow_answers.h"

#include "api/reply.h"
#include "base/log.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WAITING_MAX = 64 };

struct work {
    struct work *next;
    tend_slow_make *make;
    void *make_context;
    char *about;
    void *request;
    enum tend_status status;
    struct tend_buffer text;
    struct tend_error error;
};

struct list {
    struct work *first;
    struct work *last;
    size_t count;
};

struct tend_slow_answers {
    tend_slow_told *told;
    void *context;
    struct event *event;
    int wake_fd;
    pthread_t thread;
    bool running;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t changed;
    struct list to_make, to_tell;
    bool stop;
};

static void lock(struct tend_slow_answers *answers)
{
    TEND_ASSERT(pthread_mutex_lock(&answers->mutex) == 0);
}

static void unlock(struct tend_slow_answers *answers)
{
    TEND_ASSERT(pthread_mutex_unlock(&answers->mutex) == 0);
}

static void push(struct list *list, struct work *work)
{
    work->next = NULL;
    if (list->last == NULL) {
        list->first = work;
    } else {
        list->last->next = work;
    }
    list->last = work;
    list->count++;
}

static struct work *pop(struct list *list)
{
    struct work *work = list->first;
    if (work != NULL) {
        list->first = work->next;
        list->last = list->first == NULL ? NULL : list->last;
        list->count--;
    }
    return work;
}

static void work_destroy(struct work *work)
{
    tend_buffer_clear(&work->text);
    free(work->about);
    free(work);
}

// ---- the thread ----

static int put_bytes(const char *bytes, size_t count, void *out)
{
    tend_buffer_put(out, bytes, count);
    return 0;
}

static void make_answer(struct work *work)
{
    json_t *answer = NULL;
    work->status = work->make(work->make_context, work->about, &answer, &work->error);
    if (work->status == TEND_OK &&
        (json_dump_callback(answer, put_bytes, &work->text, TEND_REPLY_JSON) != 0 || work->text.failed)) {
        work->status = TEND_E_NOMEM;
    }
    json_decref(answer);
}

static void *run(void *context)
{
    struct tend_slow_answers *answers = context;
    lock(answers);
    while (!answers->stop) {
        struct work *work = pop(&answers->to_make);
        if (work == NULL) {
            TEND_ASSERT(pthread_cond_wait(&answers->changed, &answers->mutex) == 0);
            continue;
        }
        unlock(answers);
        make_answer(work);
        lock(answers);
        push(&answers->to_tell, work);
        const uint64_t one = 1;
        const ssize_t put = write(answers->wake_fd, &one, sizeof one);
        (void)put; // it can only be full, and is readable then
    }
    unlock(answers);
    return NULL;
}

static bool start_thread(struct tend_slow_answers *answers)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all); // signals are the loop's business
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    answers->running = pthread_create(&answers->thread, NULL, run, answers) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (answers->running) {
        (void)pthread_setname_np(answers->thread, "answers");
    }
    return answers->running;
}

// ---- the loop ----

static void tell_all(struct tend_slow_answers *answers)
{
    for (;;) {
        lock(answers);
        struct work *work = pop(&answers->to_tell);
        unlock(answers);
        if (work == NULL) {
            return;
        }
        answers->told(answers->context, work->request, work->status, &work->text, &work->error);
        work_destroy(work);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    uint64_t count;
    const ssize_t got = read(fd, &count, sizeof count);
    (void)got; // only empties the counter
    tell_all(context);
}

enum tend_status tend_slow_answers_create(struct event_base *base, tend_slow_told *told, void *context,
                                          struct tend_slow_answers **out)
{
    struct tend_slow_answers *answers = calloc(1, sizeof *answers);
    if (answers == NULL) {
        return TEND_E_NOMEM;
    }
    answers->told = told;
    answers->context = context;
    TEND_ASSERT(pthread_mutex_init(&answers->mutex, NULL) == 0);
    TEND_ASSERT(pthread_cond_init(&answers->changed, NULL) == 0);
    answers->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (answers->wake_fd >= 0) {
        answers->event = event_new(base, answers->wake_fd, EV_READ | EV_PERSIST, on_wake, answers);
    }
    if (answers->event == NULL || event_add(answers->event, NULL) != 0) {
        const enum tend_status status = answers->wake_fd < 0 ? TEND_E_IO : TEND_E_NOMEM;
        tend_slow_answers_destroy(answers);
        return status;
    }
    *out = answers;
    return TEND_OK;
}

void tend_slow_answers_destroy(struct tend_slow_answers *answers)
{
    if (answers == NULL) {
        return;
    }
    lock(answers);
    answers->stop = true;
    (void)pthread_cond_signal(&answers->changed);
    unlock(answers);
    if (answers->running) {
        TEND_ASSERT(pthread_join(answers->thread, NULL) == 0);
    }
    for (struct work *work = pop(&answers->to_make); work != NULL; work = pop(&answers->to_make)) {
        work->status = TEND_E_IO;
        tend_error_set(&work->error, "tend ends");
        push(&answers->to_tell, work);
    }
    tell_all(answers);
    if (answers->event != NULL) {
        event_free(answers->event);
    }
    if (answers->wake_fd >= 0) {
        (void)close(answers->wake_fd);
    }
    (void)pthread_cond_destroy(&answers->changed);
    (void)pthread_mutex_destroy(&answers->mutex);
    free(answers);
}

enum tend_status tend_slow_answers_ask(struct tend_slow_answers *answers, tend_slow_make *make, void *make_context,
                                       const char *about, void *request)
{
    if (!answers->running && !start_thread(answers)) {
        return TEND_E_NOMEM;
    }
    struct work *work = calloc(1, sizeof *work);
    char *copy = strdup(about);
    if (work == NULL || copy == NULL) {
        free(work);
        free(copy);
        return TEND_E_NOMEM;
    }
    *work = (struct work){ .make = make, .make_context = make_context, .about = copy, .request = request };
    tend_buffer_init(&work->text);
    lock(answers);
    const bool room = answers->to_make.count < WAITING_MAX;
    if (room) {
        push(&answers->to_make, work);
        (void)pthread_cond_signal(&answers->changed);
    }
    unlock(answers);
    if (!room) {
        work_destroy(work);
    }
    return room ? TEND_OK : TEND_E_INVALID;
}
