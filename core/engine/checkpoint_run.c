// Runs in a checkpoint, step by step, and what a process would have to be told to stand where a run's process stands.

#include "engine/checkpoint.h"

#include "engine/checkpoint_pass.h"
#include "engine/state.h"

#include <stdlib.h>

enum { LEAST_STEP_BYTES = 64 };

TEND_PASS_COVERS(tend_step, 160);

static void pass_step(struct tend_pass *pass, struct tend_step *step)
{
    tend_pass_i64(pass, &step->seq);
    tend_pass_object(pass, &step->effect);
    tend_pass_array_text(pass, step->hash, sizeof step->hash);
    step->state = (enum tend_step_state)tend_pass_choice(pass, step->state, TEND_STEP_ENDED);
    tend_pass_u32(pass, &step->attempt);
    tend_pass_u64(pass, &step->record);
    tend_pass_u64(pass, &step->effect_id);
    tend_pass_ms(pass, &step->began_ms);
    tend_pass_ms(pass, &step->began_wall_ms);
    tend_pass_ms(pass, &step->ended_wall_ms);
    tend_pass_ms(pass, &step->deadline_ms);
    tend_pass_text(pass, &step->outcome);
    tend_pass_json(pass, &step->answer);
    const bool over = step->state == TEND_STEP_OUTCOME || step->state == TEND_STEP_ENDED;
    if (over != (step->outcome != NULL) || (!over && step->answer != NULL)) {
        tend_pass_refuse(pass, "a step that ended and did not");
    }
}

TEND_PASS_COVERS(tend_limits, 56);

static void pass_limits(struct tend_pass *pass, struct tend_limits *limits)
{
    tend_pass_f64(pass, &limits->at_once);
    tend_pass_f64(pass, &limits->share);
    tend_pass_f64(pass, &limits->min_healthy);
    tend_pass_f64(pass, &limits->per_hour);
    tend_pass_ms(pass, &limits->cooldown_ms);
    tend_pass_f64(pass, &limits->attempts);
    tend_pass_f64(pass, &limits->confidence);
}

TEND_PASS_COVERS(tend_run, 400);

static void pass_run(struct tend_pass *pass, struct tend_run *run)
{
    tend_pass_array_text(pass, run->id, sizeof run->id);
    tend_pass_array_text(pass, run->incident, sizeof run->incident);
    tend_pass_name(pass, &run->service);
    tend_pass_name(pass, &run->playbook);
    tend_pass_size(pass, &run->playbook_index);
    tend_pass_array_text(pass, run->playbook_hash, sizeof run->playbook_hash);
    tend_pass_array_text(pass, run->generation, sizeof run->generation);
    pass_limits(pass, &run->limits);
    tend_pass_ms(pass, &run->within_ms);
    tend_pass_flag(pass, &run->dry);
    tend_pass_flag(pass, &run->restored);
    run->state = (enum tend_run_state)tend_pass_choice(pass, run->state, TEND_RUN_ENDED);
    tend_pass_u64(pass, &run->record);
    tend_pass_ms(pass, &run->began_ms);
    tend_pass_ms(pass, &run->began_wall_ms);
    tend_pass_json(pass, &run->frozen);
    run->steps = tend_pass_array(pass, run->steps, &run->step_count, sizeof *run->steps, LEAST_STEP_BYTES);
    for (size_t i = 0; i < run->step_count; i++) {
        pass_step(pass, &run->steps[i]);
    }
    tend_pass_size(pass, &run->replayed);
    tend_pass_size(pass, &run->furthest);
    tend_pass_u32(pass, &run->deaths);
    tend_pass_ms(pass, &run->acted_ms);
    run->acted = tend_pass_names(pass, run->acted, &run->acted_count);
    run->picked = tend_pass_names(pass, run->picked, &run->picked_count);
    tend_pass_flag(pass, &run->redeployed);
    tend_pass_flag(pass, &run->stopped);
    tend_pass_flag(pass, &run->unfit);
    if (run->replayed > run->step_count || (run->state == TEND_RUN_STEPPING && run->step_count == 0)) {
        tend_pass_refuse(pass, "a run that is further than its steps");
    }
}

void tend_pass_runs(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "runs";
    size_t count = engine->run_count;
    tend_pass_count(pass, &count, sizeof(uint64_t));
    for (size_t i = 0; !tend_pass_failed(pass) && i < count; i++) {
        if (!tend_pass_saves(pass)) {
            struct tend_run *made = calloc(1, sizeof *made);
            TEND_ASSERT(made != NULL);
            tend_append_pointer((void ***)&engine->runs, &engine->run_count, made);
        }
        pass_run(pass, engine->runs[i]);
    }
}

// Of the steps that its process asked for, the last one is open while the run is stepping; the others were answered.
static json_t *answers_of(const struct tend_run *run)
{
    const bool open = run->state == TEND_RUN_STEPPING;
    const size_t answered = run->replayed - (open && run->replayed > 0 ? 1 : 0);
    json_t *answers = json_array();
    for (size_t i = 0; i < answered && i < run->step_count; i++) {
        if (json_array_append(answers, run->steps[i].answer) != 0) {
            json_decref(answers);
            return NULL;
        }
    }
    return answers;
}

json_t *tend_engine_open_runs(const struct tend_engine *engine)
{
    json_t *runs = json_array();
    for (size_t i = 0; i < engine->run_count; i++) {
        const struct tend_run *run = engine->runs[i];
        const bool asked = run->state == TEND_RUN_STEPPING;
        if (!asked && run->state != TEND_RUN_THINKING) {
            continue; // it has no process yet, or no more
        }
        json_t *entry = json_pack("{s:s, s:s, s:o, s:b}", "run", run->id, "generation", run->generation, "start",
                                  tend_run_start(run, answers_of(run)), "asked", asked);
        if (entry == NULL || json_array_append_new(runs, entry) != 0) {
            json_decref(runs);
            return NULL;
        }
    }
    return runs;
}
