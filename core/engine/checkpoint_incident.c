// Incidents in a checkpoint, with their members, their culprits and the question that the locator has not answered yet;
// notices, with who was told of what; and silences.

#include "engine/checkpoint_pass.h"
#include "engine/state.h"

#include <stdlib.h>

enum { LEAST_MEMBER_BYTES = 13, LEAST_CULPRIT_BYTES = 33, LEAST_TOLD_BYTES = 28, LEAST_SILENCE_BYTES = 50 };

TEND_PASS_COVERS(tend_member, 32);

static void pass_member(struct tend_pass *pass, struct tend_member *member)
{
    tend_pass_name(pass, &member->rule);
    tend_pass_name(pass, &member->service);
    tend_pass_name(pass, &member->instance);
    tend_pass_flag(pass, &member->firing);
}

TEND_PASS_COVERS(tend_culprit, 64);

static void pass_culprit(struct tend_pass *pass, struct tend_culprit *culprit)
{
    tend_pass_name(pass, &culprit->service);
    tend_pass_f64(pass, &culprit->confidence);
    tend_pass_size(pass, &culprit->remedy);
    tend_pass_size(pass, &culprit->rounds);
    tend_pass_flag(pass, &culprit->given_up);
    tend_pass_flag(pass, &culprit->dry_told);
    tend_pass_json(pass, &culprit->fits);
    tend_pass_json(pass, &culprit->reasons);
    tend_pass_json(pass, &culprit->said);
}

// Culprits of the newest ranking and those of earlier ones are one array.
static void pass_culprits(struct tend_pass *pass, struct tend_incident *incident)
{
    size_t count = incident->culprit_count + incident->past_count;
    incident->culprits =
        tend_pass_array(pass, incident->culprits, &count, sizeof *incident->culprits, LEAST_CULPRIT_BYTES);
    size_t current = incident->culprit_count;
    tend_pass_index(pass, &current, count + 1);
    incident->culprit_count = current;
    incident->past_count = count - current;
    for (size_t i = 0; i < count; i++) {
        pass_culprit(pass, &incident->culprits[i]);
    }
}

// The request that is being written, and what is still to come into it.
static void pass_draft(struct tend_pass *pass, struct tend_incident *incident)
{
    tend_pass_json(pass, &incident->draft_near);
    if (incident->draft_near == NULL) {
        return;
    }
    char *text = tend_pass_saves(pass) ? incident->draft.data : NULL;
    tend_pass_name(pass, &text);
    if (!tend_pass_saves(pass)) {
        tend_buffer_put_text(&incident->draft, text == NULL ? "" : text);
        free(text);
    }
    tend_pass_size(pass, &incident->draft_next);
    tend_pass_ms(pass, &incident->draft_onset_ms);
    const bool is_begun = incident->draft.size > 0;
    if (!is_begun || !json_is_array(incident->draft_near) ||
        incident->draft_next > json_array_size(incident->draft_near)) {
        tend_pass_refuse(pass, "a question that is none");
    }
}

TEND_PASS_COVERS(tend_incident, 344);

static void pass_incident(struct tend_pass *pass, struct tend_incident *incident)
{
    tend_pass_array_text(pass, incident->id, sizeof incident->id);
    tend_pass_ms(pass, &incident->opened_ms);
    tend_pass_ms(pass, &incident->opened_wall_ms);
    tend_pass_text(pass, &incident->severity);
    incident->members = tend_pass_array(pass, incident->members, &incident->member_count, sizeof *incident->members,
                                        LEAST_MEMBER_BYTES);
    for (size_t i = 0; i < incident->member_count; i++) {
        pass_member(pass, &incident->members[i]);
    }
    pass_culprits(pass, incident);
    tend_pass_text(pass, &incident->culprit_key);
    tend_pass_ms(pass, &incident->stable_since_ms);
    tend_pass_json(pass, &incident->ranking);
    tend_pass_text(pass, &incident->wait);
    tend_pass_u64(pass, &incident->ask);
    tend_pass_ms(pass, &incident->asked_ms);
    tend_pass_u64(pass, &incident->look);
    tend_pass_u64(pass, &incident->look_tick);
    tend_pass_size(pass, &incident->near_count);
    tend_pass_flag(pass, &incident->news);
    tend_pass_json(pass, &incident->evidence);
    tend_pass_json(pass, &incident->studied);
    tend_pass_size(pass, &incident->study_service);
    tend_pass_size(pass, &incident->study_subject);
    tend_pass_ms(pass, &incident->studied_ms);
    pass_draft(pass, incident);
    tend_pass_flag(pass, &incident->stale);
    tend_pass_flag(pass, &incident->ranked);
    tend_pass_flag(pass, &incident->weighed);
    tend_pass_flag(pass, &incident->escalated);
    tend_pass_flag(pass, &incident->acted);
    tend_pass_text(pass, &incident->outcome);
    tend_pass_ms(pass, &incident->acted_ms);
    tend_pass_text(pass, &incident->ack_who);
    tend_pass_text(pass, &incident->ack_why);
    tend_pass_text(pass, &incident->ack_culprits);
    tend_pass_ms(pass, &incident->ack_wall_ms);
    tend_pass_ms(pass, &incident->calm_since_ms);
    tend_pass_ms(pass, &incident->recorded_ms);
    tend_pass_flag(pass, &incident->unrecorded);
    if (incident->ack_who != NULL && (incident->ack_why == NULL || incident->ack_culprits == NULL)) {
        tend_pass_refuse(pass, "an acknowledgement that is none");
    }
}

void tend_pass_incidents(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "incidents";
    size_t count = engine->incident_count;
    tend_pass_count(pass, &count, sizeof(uint64_t));
    for (size_t i = 0; !tend_pass_failed(pass) && i < count; i++) {
        if (!tend_pass_saves(pass)) {
            struct tend_incident *made = calloc(1, sizeof *made);
            TEND_ASSERT(made != NULL);
            tend_append_pointer((void ***)&engine->incidents, &engine->incident_count, made);
        }
        pass_incident(pass, engine->incidents[i]);
    }
}

TEND_PASS_COVERS(tend_notice, 104);

static void pass_notice(struct tend_pass *pass, struct tend_notice *notice)
{
    tend_pass_name(pass, &notice->key);
    tend_pass_array_text(pass, notice->incident, sizeof notice->incident);
    tend_pass_name(pass, &notice->notifier);
    tend_pass_size(pass, &notice->notify);
    tend_pass_size(pass, &notice->to);
    tend_pass_u32(pass, &notice->tries);
    notice->state = (enum tend_notice_state)tend_pass_choice(pass, notice->state, TEND_NOTICE_RETRY);
    tend_pass_u64(pass, &notice->ask);
    tend_pass_u64(pass, &notice->record);
    tend_pass_ms(pass, &notice->retry_ms);
    tend_pass_json(pass, &notice->payload);
    tend_pass_json(pass, &notice->request);
    if (notice->ask != 0 && notice->request != NULL) {
        tend_pass_refuse(pass, "a notice that is formatted and is not");
    }
}

TEND_PASS_COVERS(tend_told, 80);

static void pass_told(struct tend_pass *pass, struct tend_told *told)
{
    tend_pass_array_text(pass, told->incident, sizeof told->incident);
    tend_pass_name(pass, &told->notifier);
    tend_pass_size(pass, &told->notify);
    tend_pass_ms(pass, &told->told_ms);
    tend_pass_text(pass, &told->held);
    tend_pass_text(pass, &told->owed);
    tend_pass_text(pass, &told->owed_text);
    tend_pass_text(pass, &told->parts);
}

void tend_pass_notices(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "notices";
    size_t count = engine->notice_count;
    tend_pass_count(pass, &count, sizeof(uint64_t));
    for (size_t i = 0; !tend_pass_failed(pass) && i < count; i++) {
        if (!tend_pass_saves(pass)) {
            struct tend_notice *made = calloc(1, sizeof *made);
            TEND_ASSERT(made != NULL);
            tend_append_pointer((void ***)&engine->notices, &engine->notice_count, made);
        }
        pass_notice(pass, engine->notices[i]);
    }
    engine->told = tend_pass_array(pass, engine->told, &engine->told_count, sizeof *engine->told, LEAST_TOLD_BYTES);
    for (size_t i = 0; i < engine->told_count; i++) {
        pass_told(pass, &engine->told[i]);
    }
}

TEND_PASS_COVERS(tend_silence, 112);

static void pass_silence(struct tend_pass *pass, struct tend_silence *silence)
{
    tend_pass_array_text(pass, silence->id, sizeof silence->id);
    tend_pass_flag(pass, &silence->deploy);
    tend_pass_name(pass, &silence->on);
    tend_pass_text(pass, &silence->rule);
    tend_pass_text(pass, &silence->version);
    tend_pass_text(pass, &silence->what);
    tend_pass_name(pass, &silence->who);
    tend_pass_name(pass, &silence->why);
    tend_pass_ms(pass, &silence->since_ms);
    tend_pass_ms(pass, &silence->since_wall_ms);
    tend_pass_ms(pass, &silence->until_ms);
    tend_pass_ms(pass, &silence->alerted_ms);
}

void tend_pass_silences(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "silences";
    size_t count = engine->silence_count;
    tend_pass_count(pass, &count, LEAST_SILENCE_BYTES);
    for (size_t i = 0; !tend_pass_failed(pass) && i < count; i++) {
        if (!tend_pass_saves(pass)) {
            struct tend_silence *made = calloc(1, sizeof *made);
            TEND_ASSERT(made != NULL);
            tend_append_pointer((void ***)&engine->silences, &engine->silence_count, made);
        }
        pass_silence(pass, engine->silences[i]);
    }
}
