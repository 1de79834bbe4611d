#pragma once
/// Paged answers: a document with a list that is long, written over several turns of the loop.
///
/// The status of a thousand targets is 3 MB of JSON and takes 100 ms; a scrape that is due would wait for it. So its
/// list is asked for one element after the other, for 2 ms in a turn. What changes meanwhile is in what comes after it.
/// Ownership: who creates it destroys it, before the event base. Threads: the loop's.

#include "base/buffer.h"
#include "base/json.h"

struct event_base;
struct tend_paged_answers;

/// One element. @return a new reference; NULL: there are no more
typedef json_t *tend_paged_next(void *context, size_t index);
/// Takes what is whole. @param text  JSON; borrowed; `failed` when memory ran out
typedef void tend_paged_told(void *context, void *request, const struct tend_buffer *text);

/// @param context  of `told`; outlives it  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_paged_answers_create(struct event_base *base, tend_paged_told *told,
                                                           void *context, struct tend_paged_answers **out);
/// What is under way is told as far as it goes, and as `failed`. NULL is allowed.
void tend_paged_answers_destroy(struct tend_paged_answers *answers);

/// Begins an answer; it is told once, in a later turn.
/// @param head  borrowed: an object, all of the document but its list
/// @param list  name of the list, which `next` fills, and which comes last  @param request  for `told`
/// @return TEND_OK or TEND_E_NOMEM, and it is not told
TEND_MUST_CHECK enum tend_status tend_paged_answers_ask(struct tend_paged_answers *answers, const json_t *head,
                                                        const char *list, tend_paged_next *next, void *next_context,
                                                        void *request);
