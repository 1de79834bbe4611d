#include "driver/sim/run_processes.h"

#include <stdlib.h>
#include <string.h>

struct process {
    struct process *next;
    char *run;
    struct tend_awaited_evaluator *evaluator;
};

struct tend_run_processes {
    json_t *sources;
    const struct tend_evaluator_starter *starter;
    struct process *first;
};

enum tend_status tend_run_processes_create(json_t *sources, const struct tend_evaluator_starter *starter,
                                           struct tend_run_processes **out)
{
    struct tend_run_processes *processes = calloc(1, sizeof *processes);
    if (processes == NULL) {
        return TEND_E_NOMEM;
    }
    processes->sources = json_incref(sources);
    processes->starter = starter;
    *out = processes;
    return TEND_OK;
}

static void process_destroy(struct process *process)
{
    tend_awaited_evaluator_destroy(process->evaluator);
    free(process->run);
    free(process);
}

void tend_run_processes_destroy(struct tend_run_processes *processes)
{
    if (processes == NULL) {
        return;
    }
    while (processes->first != NULL) {
        struct process *process = processes->first;
        processes->first = process->next;
        process_destroy(process);
    }
    json_decref(processes->sources);
    free(processes);
}

void tend_run_processes_end(struct tend_run_processes *processes, const char *run)
{
    for (struct process **at = &processes->first; *at != NULL; at = &(*at)->next) {
        if (strcmp((*at)->run, run) == 0) {
            struct process *ended = *at;
            *at = ended->next;
            process_destroy(ended);
            return;
        }
    }
}

struct tend_awaited_reply tend_run_processes_start(struct tend_run_processes *processes, const char *run,
                                                   const json_t *start)
{
    tend_run_processes_end(processes, run);
    struct process *process = calloc(1, sizeof *process);
    TEND_ASSERT(process != NULL);
    process->run = strdup(run);
    TEND_ASSERT(process->run != NULL &&
                tend_awaited_evaluator_create(processes->sources, &process->evaluator) == TEND_OK);
    tend_awaited_evaluator_set_starter(process->evaluator, processes->starter);
    process->next = processes->first;
    processes->first = process;
    return tend_awaited_evaluator_run_start(process->evaluator, start);
}

struct tend_awaited_reply tend_run_processes_answer(struct tend_run_processes *processes, const char *run,
                                                    const json_t *answer)
{
    for (struct process *process = processes->first; process != NULL; process = process->next) {
        if (strcmp(process->run, run) == 0) {
            return tend_awaited_evaluator_answer(process->evaluator, answer);
        }
    }
    struct tend_awaited_reply gone = { .died = { .died = true, .what = "" }, .reason = "the run has no process" };
    tend_buffer_init(&gone.bytes);
    return gone;
}
