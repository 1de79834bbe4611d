// A list with both directions, as answers come in any order.

#include "driver/live/question.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>

struct tend_question *tend_question_add(struct tend_question **list, void *asker, enum tend_event_kind kind,
                                        uint64_t id, const char *run)
{
    struct tend_question *question = calloc(1, sizeof *question);
    TEND_ASSERT(question != NULL);
    *question = (struct tend_question){ .next = *list, .asker = asker, .kind = kind, .id = id };
    if (*list != NULL) {
        (*list)->previous = question;
    }
    *list = question;
    if (run != NULL) {
        question->run = strdup(run);
        TEND_ASSERT(question->run != NULL);
    }
    return question;
}

void tend_question_remove(struct tend_question **list, struct tend_question *question)
{
    if (question->next != NULL) {
        question->next->previous = question->previous;
    }
    *(question->previous != NULL ? &question->previous->next : list) = question->next;
    free(question->run);
    free(question);
}

void tend_questions_clear(struct tend_question **list)
{
    for (struct tend_question *next, *question = *list; question != NULL; question = next) {
        next = question->next;
        free(question->run);
        free(question);
    }
    *list = NULL;
}
