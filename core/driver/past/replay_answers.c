#include "driver/past/replay_answers.h"

#include "driver/past/replay_difference.h"
#include "driver/past/replay_evaluators.h"
#include "engine/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 200 };

// Waits for its answer in the recording.
struct question {
    struct question *next;
    enum tend_effect_kind kind;
    uint64_t id;
    char *run;        // RUN_START, RUN_ANSWER
    char *generation; // RUN_START
    json_t *json;
    struct tend_buffer bytes;
};

struct tend_replay_answers {
    struct tend_replay_answers_options options;
    struct tend_replay_evaluators *evaluators;
    double tolerance;
    struct question *questions; // newest first: of two to one run the older one will never be answered
    struct tend_replay_answers_counts counts;
    json_t *notes;
};

enum tend_status tend_replay_answers_create(const struct tend_replay_answers_options *options,
                                            struct tend_replay_answers **out)
{
    struct tend_replay_answers *answers = calloc(1, sizeof *answers);
    if (answers == NULL) {
        return TEND_E_NOMEM;
    }
    answers->options = *options;
    answers->notes = json_object();
    if (answers->notes == NULL || tend_replay_evaluators_create(&answers->evaluators) != TEND_OK) {
        tend_replay_answers_destroy(answers);
        return TEND_E_NOMEM;
    }
    *out = answers;
    return TEND_OK;
}

static void question_destroy(struct question *question)
{
    if (question != NULL) {
        free(question->run);
        free(question->generation);
        json_decref(question->json);
        tend_buffer_clear(&question->bytes);
        free(question);
    }
}

static void drop_questions(struct tend_replay_answers *answers)
{
    while (answers->questions != NULL) {
        struct question *question = answers->questions;
        answers->questions = question->next;
        question_destroy(question);
    }
}

void tend_replay_answers_destroy(struct tend_replay_answers *answers)
{
    if (answers == NULL) {
        return;
    }
    drop_questions(answers);
    tend_replay_evaluators_destroy(answers->evaluators);
    json_decref(answers->notes);
    free(answers);
}

void tend_replay_answers_set_tolerance(struct tend_replay_answers *answers, double tolerance)
{
    answers->tolerance = tolerance;
}

struct tend_replay_answers_counts tend_replay_answers_counts(const struct tend_replay_answers *answers)
{
    return answers->counts;
}

const json_t *tend_replay_answers_notes(const struct tend_replay_answers *answers)
{
    return answers->notes;
}

void tend_replay_answers_know(struct tend_replay_answers *answers, const char *hash, json_t *sources)
{
    tend_replay_evaluators_know(answers->evaluators, hash, sources);
}

// An evaluator that answered then and died now.
static json_t *died_now(const struct tend_awaited_reply *reply, const char *of, const struct tend_ruleset *ruleset)
{
    static const char *const lists[][2] = {
        { "rule", "rules" }, { "locate", "locates" }, { "playbook", "playbooks" }, { "notify", "notifies" }
    };
    const char *what = reply->died.what == NULL ? "" : reply->died.what;
    const json_t *blamed = NULL;
    for (size_t i = 0; ruleset != NULL && i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(what, lists[i][0]) == 0) {
            blamed = json_array_get(json_object_get(ruleset->document, lists[i][1]), reply->died.index);
        }
    }
    const char *at = tend_json_text(blamed, "at", NULL);
    return tend_replay_difference("reply", of, "%s: recorded an answer, now its evaluator died%s%s%s%s: %s", of,
                                  at == NULL ? "" : " over the ", at == NULL ? "" : what, at == NULL ? "" : " at ",
                                  at == NULL ? "" : at, reply->reason);
}

// Takes the reply.
static json_t *reply_differs(struct tend_replay_answers *answers, const char *of, const json_t *was,
                             struct tend_awaited_reply *reply, const struct tend_ruleset *ruleset)
{
    json_t *difference = reply->json == NULL
                             ? died_now(reply, of, ruleset)
                             : tend_replay_reply_differs("reply", of, was, reply->json, answers->tolerance);
    tend_awaited_reply_clear(reply);
    return difference;
}

json_t *tend_replay_answers_use(struct tend_replay_answers *answers, const char *hash, const json_t *document)
{
    if (answers->options.believes_all) {
        return NULL;
    }
    struct tend_awaited_reply reply = tend_replay_evaluators_use(answers->evaluators, hash);
    char of[NAME_BYTES];
    (void)snprintf(of, sizeof of, "the rules %.12s", hash);
    json_t *difference =
        reply.json == NULL
            ? tend_replay_difference("rules", of, "%s were loaded then, and cannot be now: %s", of, reply.reason)
        : answers->options.believes_document
            ? NULL
            : tend_replay_reply_differs("rules", of, document, reply.json, answers->tolerance);
    tend_awaited_reply_clear(&reply);
    return difference;
}

// ---- questions ----

static bool asks_run(enum tend_effect_kind kind)
{
    return kind == TEND_EFFECT_RUN_START || kind == TEND_EFFECT_RUN_ANSWER;
}

static char *copy_text(const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);
    TEND_ASSERT(text == NULL || copy != NULL);
    return copy;
}

static void end_run(struct tend_replay_answers *answers, const char *run)
{
    tend_replay_evaluators_run_end(answers->evaluators, run);
    for (struct question **at = &answers->questions; *at != NULL;) {
        struct question *question = *at;
        if (question->run != NULL && strcmp(question->run, run) == 0) {
            *at = question->next;
            question_destroy(question);
        } else {
            at = &question->next;
        }
    }
}

// Takes what the question owns.
static void keep(struct tend_replay_answers *answers, const struct question *asked)
{
    struct question *question = malloc(sizeof *question);
    TEND_ASSERT(question != NULL);
    *question = *asked;
    question->next = answers->questions;
    answers->questions = question;
}

void tend_replay_answers_asked(struct tend_replay_answers *answers, struct tend_effect *effect)
{
    if (effect->kind == TEND_EFFECT_RUN_END) {
        end_run(answers, effect->key);
        return;
    }
    if (effect->kind != TEND_EFFECT_EVALUATE && effect->kind != TEND_EFFECT_ASK && !asks_run(effect->kind)) {
        return;
    }
    struct question question = {
        .kind = effect->kind, .id = effect->id, .json = json_incref(effect->json), .bytes = effect->bytes
    };
    tend_buffer_init(&effect->bytes);
    if (asks_run(effect->kind)) {
        question.run = copy_text(effect->key);
        question.generation = copy_text(effect->text);
    }
    keep(answers, &question);
}

static bool is_answer_to(const struct question *question, const struct tend_event *event)
{
    if (event->kind == TEND_EVENT_RUN_REPLY) {
        return asks_run(question->kind) && strcmp(question->run, event->run_reply.run) == 0;
    }
    return question->kind == (event->kind == TEND_EVENT_VERDICTS ? TEND_EFFECT_EVALUATE : TEND_EFFECT_ASK) &&
           question->id == event->reply.id;
}

static struct question *take_question(struct tend_replay_answers *answers, const struct tend_event *event)
{
    for (struct question **at = &answers->questions; *at != NULL; at = &(*at)->next) {
        if (is_answer_to(*at, event)) {
            struct question *question = *at;
            *at = question->next;
            return question;
        }
    }
    return NULL;
}

// ---- answers ----

static json_t *verdicts_differ(struct tend_replay_answers *answers, const struct question *question,
                               const struct tend_event *event, const struct tend_ruleset *ruleset)
{
    struct tend_awaited_reply reply =
        tend_replay_evaluators_tick(answers->evaluators, question->bytes.data, question->bytes.size);
    const json_t *rules = ruleset == NULL ? NULL : json_object_get(ruleset->document, "rules");
    json_t *difference = reply.died.died
                             ? died_now(&reply, "the verdicts of a tick", ruleset)
                             : tend_replay_verdicts_differ(question->bytes.data, question->bytes.size,
                                                           event->reply.bytes, event->reply.byte_count,
                                                           tend_buffer_text(&reply.bytes), reply.bytes.size, rules);
    tend_awaited_reply_clear(&reply);
    return difference;
}

static json_t *answer_differs(struct tend_replay_answers *answers, const struct question *question,
                              const struct tend_event *event, const struct tend_ruleset *ruleset)
{
    json_t *asked = json_loadb(question->bytes.data, question->bytes.size, 0, NULL);
    const json_t *notice = json_object_get(asked, "notice");
    char of[NAME_BYTES];
    (void)snprintf(of, sizeof of, "the answer to \"%s\"%s%s", tend_json_text(asked, "kind", "?"),
                   notice == NULL ? "" : " of notice ", tend_json_text(notice, "key", ""));
    json_decref(asked);
    struct tend_awaited_reply reply =
        tend_replay_evaluators_ask(answers->evaluators, question->bytes.data, question->bytes.size);
    return reply_differs(answers, of, event->reply.json, &reply, ruleset);
}

// Whether a run's sources are at hand, here or with the caller.
static bool has_sources(struct tend_replay_answers *answers, const char *run, const char *hash)
{
    if (tend_replay_evaluators_sources(answers->evaluators, hash) != NULL) {
        return true;
    }
    json_t *found =
        answers->options.find_sources == NULL ? NULL : answers->options.find_sources(answers->options.context, hash);
    if (found != NULL) {
        tend_replay_evaluators_know(answers->evaluators, hash, found);
        json_decref(found);
        return true;
    }
    char text[NAME_BYTES];
    (void)snprintf(text, sizeof text, "the rules of run %s are not in the recording: its answers are believed", run);
    (void)json_object_set_new(answers->notes, text, json_true());
    return false;
}

// @param[out] asked  whether its process could be asked
static json_t *run_differs(struct tend_replay_answers *answers, const struct question *question,
                           const struct tend_event *event, const struct tend_ruleset *ruleset, bool *asked)
{
    struct tend_awaited_reply reply;
    *asked = true;
    if (question->kind == TEND_EFFECT_RUN_START && has_sources(answers, question->run, question->generation)) {
        reply =
            tend_replay_evaluators_run_start(answers->evaluators, question->run, question->generation, question->json);
    } else if (question->kind == TEND_EFFECT_RUN_ANSWER &&
               tend_replay_evaluators_has_run(answers->evaluators, question->run)) {
        reply = tend_replay_evaluators_run_answer(answers->evaluators, question->run, question->json);
    } else {
        *asked = false;
        return NULL;
    }
    char of[NAME_BYTES];
    (void)snprintf(of, sizeof of, "run %s", question->run);
    return reply_differs(answers, of, event->run_reply.json, &reply, ruleset);
}

json_t *tend_replay_answers_take(struct tend_replay_answers *answers, const struct tend_event *event,
                                 const struct tend_ruleset *ruleset)
{
    const bool of_run = event->kind == TEND_EVENT_RUN_REPLY;
    const bool died = of_run ? event->run_reply.died.died : event->reply.died.died;
    struct question *question = take_question(answers, event);
    json_t *difference = NULL;
    bool asked = false;
    if (died && of_run) {
        tend_replay_evaluators_run_end(answers->evaluators, event->run_reply.run);
    } else if (!died && question != NULL && !answers->options.believes_all) {
        asked = true;
        difference = of_run                               ? run_differs(answers, question, event, ruleset, &asked)
                     : event->kind == TEND_EVENT_VERDICTS ? verdicts_differ(answers, question, event, ruleset)
                                                          : answer_differs(answers, question, event, ruleset);
    }
    answers->counts.deaths += died;
    answers->counts.again += asked;
    answers->counts.believed += !asked && !died;
    question_destroy(question);
    return difference;
}

json_t *tend_replay_answers_begin(struct tend_replay_answers *answers, const struct tend_engine *engine)
{
    drop_questions(answers);
    tend_replay_evaluators_end_runs(answers->evaluators);
    if (answers->options.believes_all) {
        return NULL;
    }
    json_t *difference = NULL;
    json_t *runs = tend_engine_open_runs(engine);
    TEND_ASSERT(runs != NULL);
    size_t index = 0;
    json_t *run = NULL;
    json_array_foreach(runs, index, run)
    {
        const char *id = tend_json_text(run, "run", "");
        const char *generation = tend_json_text(run, "generation", "");
        if (!has_sources(answers, id, generation)) {
            continue;
        }
        json_t *start = json_object_get(run, "start");
        if (!tend_json_bool(run, "asked", true)) { // its answer is yet to come
            keep(answers, &(struct question){ .kind = TEND_EFFECT_RUN_START,
                                              .run = copy_text(id),
                                              .generation = copy_text(generation),
                                              .json = json_incref(start) });
            continue;
        }
        struct tend_awaited_reply reply = tend_replay_evaluators_run_start(answers->evaluators, id, generation, start);
        if (reply.json == NULL && difference == NULL) {
            char of[NAME_BYTES];
            (void)snprintf(of, sizeof of, "run %s", id);
            difference = died_now(&reply, of, tend_engine_ruleset(engine));
        }
        tend_awaited_reply_clear(&reply);
    }
    json_decref(runs);
    return difference;
}
