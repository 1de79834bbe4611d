#include "driver/past/replay_evaluators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 10 };

struct process {
    struct process *next;
    char *run;
    struct tend_awaited_evaluator *evaluator;
};

struct tend_replay_evaluators {
    json_t *generations; // hash → sources
    struct tend_awaited_evaluator *current;
    struct process *runs;
};

enum tend_status tend_replay_evaluators_create(struct tend_replay_evaluators **out)
{
    struct tend_replay_evaluators *evaluators = calloc(1, sizeof *evaluators);
    if (evaluators == NULL) {
        return TEND_E_NOMEM;
    }
    evaluators->generations = json_object();
    if (evaluators->generations == NULL) {
        free(evaluators);
        return TEND_E_NOMEM;
    }
    *out = evaluators;
    return TEND_OK;
}

void tend_replay_evaluators_destroy(struct tend_replay_evaluators *evaluators)
{
    if (evaluators == NULL) {
        return;
    }
    tend_replay_evaluators_end_runs(evaluators);
    tend_awaited_evaluator_destroy(evaluators->current);
    json_decref(evaluators->generations);
    free(evaluators);
}

void tend_replay_evaluators_know(struct tend_replay_evaluators *evaluators, const char *hash, json_t *sources)
{
    if (json_is_object(sources) && json_object_get(evaluators->generations, hash) == NULL) {
        (void)json_object_set(evaluators->generations, hash, sources); // a name that is none is not known either
    }
}

json_t *tend_replay_evaluators_sources(const struct tend_replay_evaluators *evaluators, const char *hash)
{
    return json_object_get(evaluators->generations, hash);
}

static struct tend_awaited_reply dead(const char *reason)
{
    struct tend_awaited_reply reply = { .died = { .died = true, .what = "" } };
    tend_buffer_init(&reply.bytes);
    (void)snprintf(reply.reason, sizeof reply.reason, "%s", reason);
    return reply;
}

static struct tend_awaited_evaluator *make(json_t *sources)
{
    struct tend_awaited_evaluator *evaluator = NULL;
    const enum tend_status status = tend_awaited_evaluator_create(sources, &evaluator);
    TEND_ASSERT(status == TEND_OK);
    struct tend_evaluator_deadlines deadlines = tend_evaluator_default_deadlines();
    deadlines.cpu_ms *= PATIENCE;
    deadlines.wall_ms *= PATIENCE;
    deadlines.load_cpu_ms *= PATIENCE;
    deadlines.load_wall_ms *= PATIENCE;
    tend_awaited_evaluator_set_deadlines(evaluator, &deadlines);
    return evaluator;
}

struct tend_awaited_reply tend_replay_evaluators_use(struct tend_replay_evaluators *evaluators, const char *hash)
{
    tend_awaited_evaluator_destroy(evaluators->current);
    evaluators->current = NULL;
    json_t *sources = tend_replay_evaluators_sources(evaluators, hash);
    if (sources == NULL) {
        return dead("its sources are not in the recording");
    }
    evaluators->current = make(sources);
    return tend_awaited_evaluator_load(evaluators->current);
}

struct tend_awaited_reply tend_replay_evaluators_tick(struct tend_replay_evaluators *evaluators, const char *bytes,
                                                      size_t byte_count)
{
    return evaluators->current == NULL ? dead("no rules are loaded")
                                       : tend_awaited_evaluator_tick(evaluators->current, bytes, byte_count);
}

struct tend_awaited_reply tend_replay_evaluators_ask(struct tend_replay_evaluators *evaluators, const char *question,
                                                     size_t byte_count)
{
    return evaluators->current == NULL ? dead("no rules are loaded")
                                       : tend_awaited_evaluator_ask_text(evaluators->current, question, byte_count);
}

static struct process *find_run(const struct tend_replay_evaluators *evaluators, const char *run)
{
    struct process *process = evaluators->runs;
    while (process != NULL && strcmp(process->run, run) != 0) {
        process = process->next;
    }
    return process;
}

bool tend_replay_evaluators_has_run(const struct tend_replay_evaluators *evaluators, const char *run)
{
    return find_run(evaluators, run) != NULL;
}

static void process_destroy(struct process *process)
{
    tend_awaited_evaluator_destroy(process->evaluator);
    free(process->run);
    free(process);
}

void tend_replay_evaluators_run_end(struct tend_replay_evaluators *evaluators, const char *run)
{
    for (struct process **at = &evaluators->runs; *at != NULL; at = &(*at)->next) {
        if (strcmp((*at)->run, run) == 0) {
            struct process *ended = *at;
            *at = ended->next;
            process_destroy(ended);
            return;
        }
    }
}

void tend_replay_evaluators_end_runs(struct tend_replay_evaluators *evaluators)
{
    while (evaluators->runs != NULL) {
        struct process *process = evaluators->runs;
        evaluators->runs = process->next;
        process_destroy(process);
    }
}

struct tend_awaited_reply tend_replay_evaluators_run_start(struct tend_replay_evaluators *evaluators, const char *run,
                                                           const char *hash, const json_t *start)
{
    tend_replay_evaluators_run_end(evaluators, run);
    json_t *sources = tend_replay_evaluators_sources(evaluators, hash);
    if (sources == NULL) {
        return dead("its sources are not in the recording");
    }
    struct process *process = calloc(1, sizeof *process);
    TEND_ASSERT(process != NULL);
    process->run = strdup(run);
    TEND_ASSERT(process->run != NULL);
    process->evaluator = make(sources);
    process->next = evaluators->runs;
    evaluators->runs = process;
    return tend_awaited_evaluator_run_start(process->evaluator, start);
}

struct tend_awaited_reply tend_replay_evaluators_run_answer(struct tend_replay_evaluators *evaluators, const char *run,
                                                            const json_t *answer)
{
    struct process *process = find_run(evaluators, run);
    return process == NULL ? dead("the run has no process") : tend_awaited_evaluator_answer(process->evaluator, answer);
}
