#pragma once
/// State: what is inside an engine. Private to this folder.
///
/// engine.c takes events apart and keeps the wake-up time; tick.c measures and judges, expect.c fills in what is
/// expected; sleep.c knows who is asleep; incident.c groups alerts and asks who is at fault; recovery.c decides; run.c
/// carries a run through its life, step.c each of its steps; verify.c judges; notice.c tells people; facts.c writes
/// record bodies and reads them back; view.c shows it all; checkpoint.c saves and loads it all. Names, not pointers,
/// connect incidents, runs and notices with services: a reload builds the fleet anew.
///
/// A new field of any struct here belongs in the checkpoint (checkpoint_pass.h): an engine that is loaded goes on as
/// the saved one would, to the byte. Assertions on sizes there, and a test on names, stop who forgets.

#include "engine/engine.h"
#include "engine/fleet.h"
#include "engine/hold.h"
#include "engine/silence.h"

enum {
    SLOT_MS = 100,        ///< a scrape may start that much early or late
    TICK_DELAY_MS = 5,    ///< from the first result that no tick has seen to its tick
    EVALUATION_TRIES = 3, ///< of a tick whose evaluator dies without naming a rule
    RULE_ERRORS = 3,      ///< in a row, and the rule is off
    RUN_DEATHS = 3,       ///< of a run's process, and the run ends
    BREAKER_FAILURES = 3, ///< failed runs in a row, and the breaker opens
    VERIFY_SCRAPES = 2,   ///< good ones, begun after the act
    LOOK_SCRAPES = 3,     ///< results after a restart before an unknown step is judged
    NOTICE_TRIES = 8,     ///< of one way to tell, before the next one
    GRACE_SCRAPES = 3,
    HEALTHY_MS = 600000,  ///< after a recovery, and earlier failures are forgotten
    NEIGHBOURS_MAX = 200, ///< services that one locate request carries at most
};

/// What keeps a rule from being asked.
struct tend_rule_health {
    bool off;
    unsigned errors; ///< ticks in a row in which it raised
    bool raised;     ///< in this tick
    char why[200];
};

/// One culprit of an incident, and how far its remedies got.
struct tend_culprit {
    char *service;
    double confidence;
    size_t remedy;   ///< the next one to try, an index of the service's remedies; they go round
    size_t rounds;   ///< how often all of them were tried
    bool given_up;   ///< no remedy left: a person has it
    bool dry_told;   ///< what an unarmed remedy would do was reported
    json_t *fits;    ///< of the newest ranking: [bool], one a remedy
    json_t *reasons; ///< of the newest ranking
    json_t *said;    ///< playbook ("": none) → the last decision about it that was recorded; NULL: nothing was
};

/// A firing alert of an incident, by name.
struct tend_member {
    char *rule;
    char *service;
    char *instance; ///< "" for a rule on the service
    bool firing;
};

struct tend_incident {
    char id[24];
    int64_t opened_ms, opened_wall_ms;
    char *severity;
    struct tend_member *members;
    size_t member_count;
    struct tend_culprit *culprits; ///< of the newest ranking; behind them those of earlier ones on whom something was
                                   ///< tried, which must not be forgotten when they come back
    size_t culprit_count;
    size_t past_count;
    char *culprit_key;       ///< names of the culprits of the newest ranking, joined
    int64_t stable_since_ms; ///< since when that has not changed
    json_t *ranking;
    char *wait;         ///< why the locator does not say yet, or NULL
    uint64_t ask;       ///< id of the locate request in flight, 0: none
    int64_t asked_ms;   ///< of the newest locate request; TEND_NEVER: none, or it failed
    uint64_t look;      ///< what the neighbourhood was like with the newest tick (tend_locate_look)
    uint64_t look_tick; ///< of that tick
    size_t near_count;  ///< services in it
    bool news;          ///< it changed since the locator was asked, or a person wants things anew
    json_t *evidence;   ///< service → its changes (evidence.c), of the newest study that is whole; NULL: none yet
    json_t *studied;    ///< the same of the study under way; NULL: none is
    size_t study_service,
        study_subject;        ///< how far that is: index in the neighbourhood; 0: the service, then instances
    int64_t studied_ms;       ///< when the newest study began
    struct tend_buffer draft; ///< the locate request that is being written (locate_request.c), as far as it goes
    json_t *draft_near;       ///< names of the services that it is about; NULL: none is being written
    size_t draft_next;        ///< the first of them that is not in it yet
    int64_t draft_onset_ms;
    bool stale;   ///< the neighbourhood changed since the newest ranking
    bool ranked;  ///< a ranking came in this step
    bool weighed; ///< the newest ranking was acted on, or not, for a reason
    bool escalated;
    bool acted;
    char *outcome;    ///< of the last run, or NULL
    int64_t acted_ms; ///< when the last act ended; TEND_NEVER
    char *ack_who;    ///< a person who has seen it, as it is; NULL: none
    char *ack_why;
    char *ack_culprits; ///< the culprit_key that they saw
    int64_t ack_wall_ms;
    int64_t calm_since_ms; ///< when its last alert resolved; TEND_NEVER: one fires
    int64_t recorded_ms;   ///< when its newest record was written; TEND_NEVER: the next is due at once
    bool unrecorded;       ///< members joined, or somebody was told first, since then
};

enum tend_step_state {
    TEND_STEP_INTENT,  ///< waits for its intent to be on disk
    TEND_STEP_ACTING,  ///< the world was asked
    TEND_STEP_WAITING, ///< for a time, or for metrics (wait, verify)
    TEND_STEP_LOOKING, ///< its outcome is unknown after a crash: the target is watched
    TEND_STEP_OUTCOME, ///< waits for its outcome to be on disk
    TEND_STEP_ENDED,
};

struct tend_step {
    int64_t seq;
    json_t *effect; ///< as the script asked
    char hash[65];  ///< of what it asked for
    enum tend_step_state state;
    unsigned attempt;
    uint64_t record;    ///< to be reached
    uint64_t effect_id; ///< of EXEC or HTTP
    int64_t began_ms, began_wall_ms, ended_wall_ms;
    int64_t deadline_ms;
    char *outcome; ///< "done", "failed", "refused", "unknown"
    json_t *answer;
};

enum tend_run_state { TEND_RUN_BEGINNING, TEND_RUN_THINKING, TEND_RUN_STEPPING, TEND_RUN_ENDED };

struct tend_run {
    char id[24];
    char incident[24];
    char *service;
    char *playbook;
    size_t playbook_index; ///< in the generation's ruleset
    char playbook_hash[65];
    char generation[65];
    struct tend_limits limits; ///< what holds for it
    int64_t within_ms;
    bool dry;
    bool restored; ///< it was found open after a start
    enum tend_run_state state;
    uint64_t record; ///< to be reached before it goes on
    int64_t began_ms, began_wall_ms;
    json_t *frozen;
    struct tend_step *steps;
    size_t step_count;
    size_t replayed;  ///< steps that this process has asked for
    size_t furthest;  ///< the most steps that any process asked for since tend started
    unsigned deaths;  ///< of processes since then
    int64_t acted_ms; ///< end of the last act, TEND_NEVER
    char **acted;     ///< instances acted on and not verified since
    size_t acted_count;
    char **picked;
    size_t picked_count;
    bool redeployed;
    bool stopped; ///< by a pause, blindness, the journal, a deploy: it neither failed nor recovered
    bool unfit;   ///< the control lacks a verb that it needs, or what it was begun for is over: nothing was tried
};

enum tend_notice_state { TEND_NOTICE_FORMATTING, TEND_NOTICE_QUEUED, TEND_NOTICE_SENDING, TEND_NOTICE_RETRY };

struct tend_notice {
    char *key; ///< dedup key: incident, notify, what it says
    char incident[24];
    char *notifier; ///< its name
    size_t notify;  ///< its index in the ruleset; SIZE_MAX: this generation has none of that name
    size_t to;
    unsigned tries;
    enum tend_notice_state state;
    uint64_t ask;
    uint64_t record;
    int64_t retry_ms;
    json_t *payload; ///< what the notifier formats
    json_t *request; ///< what it made of it
};

/// Who was told of an incident, and when, so that `again` can repeat it.
struct tend_told {
    char incident[24];
    char *notifier;
    size_t notify;   ///< as in a notice
    int64_t told_ms; ///< TEND_NEVER: not yet
    char *held;      ///< which reason keeps back what there is to tell (hold.h); NULL: none
    char *owed;      ///< what is to be told when it ends: "firing", "escalated"; NULL: nothing
    char *owed_text; ///< of an escalation, or NULL
    char *parts;     ///< incidents that this one took in and of which it was told: ids, with spaces between them. They
                     ///< are told to be over when it was told of this one; NULL: none
};

/// What was learned of a metric of a service or an instance that is not there.
struct tend_kept_baseline {
    char *key; ///< service, URL of the instance or "", metric; by lines
    char *bytes;
    size_t byte_count;
};

/// An edge that metrics told of. Names, as it may lead to what no rule watches.
struct tend_learned_edge {
    char *from; ///< the caller
    char *to;
    int64_t first_ms, seen_ms; ///< when calls were seen first, and last
    double calls;              ///< since `counted_ms`
    int64_t counted_ms;
    double per_s; ///< calls a second in the minute before `counted_ms`; NaN: not known yet
};

struct tend_engine {
    struct tend_engine_options options;
    int64_t now_ms, wall_ms;
    int64_t started_ms;
    struct tend_effects *effects; ///< of the step under way
    struct tend_ruleset *ruleset; ///< NULL before the first generation
    struct tend_fleet *fleet;
    struct tend_listing *listings;
    size_t listing_count;
    struct tend_rule_health *rules; ///< one a rule

    uint64_t next_record;
    uint64_t reached;
    bool journal_failed;
    char journal_why[200];

    uint64_t tick;
    bool tick_in_flight;
    unsigned tick_tries;
    int64_t tick_due_ms;            ///< TEND_NEVER: nothing new
    struct tend_rule_alert **calls; ///< of the tick in flight, in the order of the request
    size_t call_count, call_capacity;

    bool paused;
    char *paused_by;
    int64_t paused_wall_ms;
    json_t *arms; ///< playbook hash → who armed it

    struct tend_incident **incidents;
    size_t incident_count;
    struct tend_run **runs;
    size_t run_count;
    struct tend_notice **notices;
    size_t notice_count;
    struct tend_told *told;
    size_t told_count;
    struct tend_silence **silences; ///< of operators, deploys too
    size_t silence_count;
    json_t *restored_guards;                   ///< service → body, of services that are not there (yet)
    json_t *restored_alerts;                   ///< key → body, likewise
    struct tend_kept_baseline *kept_baselines; ///< oldest first; bounded
    size_t kept_baseline_count;

    uint64_t next_id; ///< of effects that are answered
    uint64_t runs_ended[TEND_ENGINE_OUTCOMES];
    int64_t wake_ms;                 ///< asked for last; TEND_NEVER: none
    struct tend_learned_edge *edges; ///< sorted by caller and callee
    size_t edge_count;
    bool edges_changed; ///< since the fleet was connected
    char *blind_page;   ///< under what id people were told that most targets fail at once, while it lasts
    bool blind;         ///< most targets failed at once
    json_t *departed;   ///< service that left discovery → entry (departure.c); bounded
};

// engine.c
struct tend_effect *tend_emit(struct tend_engine *engine, enum tend_effect_kind kind);
/// Emits a record. @param body  taken  @return its number
uint64_t tend_emit_record(struct tend_engine *engine, enum tend_record_kind kind, const char *key, const char *incident,
                          bool full, bool open, json_t *body);
/// Grows an array of pointers by one and sets it; aborts when out of memory, as an incident or a run may not be lost.
void tend_append_pointer(void ***array, size_t *count, void *pointer);
char *tend_copy_text(const char *text); ///< strdup that aborts when out of memory; NULL gives NULL

// departure.c
/// Discovery listed targets: which services are gone, which are back. @param before  the fleet of the same rules; NULL
void tend_departure_listed(struct tend_engine *engine, const struct tend_fleet *before);
void tend_departure_reloaded(struct tend_engine *engine); ///< other rules were loaded: who is gone and named no more
void tend_departure_advance(struct tend_engine *engine);  ///< tells people where `gone_after` asks for it
bool tend_departure_check(const json_t *departed);        ///< whether what a checkpoint has can be the engine's
int64_t tend_departure_wake_ms(const struct tend_engine *engine);
void tend_departure_restore(struct tend_engine *engine, const char *service, const json_t *body);
/// For `tend status`: [{service, left_wall_ms, instances, told}], the longest gone first. A new reference.
json_t *tend_departure_view(const struct tend_engine *engine);
/// For the locator: service → when it left (ms), of those that did so from a time on. A new reference; NULL: none.
json_t *tend_departures_since(const struct tend_engine *engine, int64_t from_ms);

// tick.c
void tend_tick_begin(struct tend_engine *engine);
/// An operator's mark of an incident, "ID MARK" or "ID MARK WHY": a record, whatever became of the incident.
void tend_mark_take(struct tend_engine *engine, const char *argument, const char *who);

void tend_tick_verdicts(struct tend_engine *engine, const struct tend_event *event);
/// Seconds since the newest change of version of a service, or of one instance; NaN: none was seen.
double tend_deployed_ago_s(const struct tend_engine *engine, const struct tend_service *service,
                           const struct tend_instance *only);
const char *tend_rule_name(const struct tend_engine *engine, const struct tend_rule_alert *alert);
const char *tend_alert_instance(const struct tend_rule_alert *alert); ///< its instance's name, or ""
/// What its state machine is given.
struct tend_alert_times tend_rule_alert_times(const struct tend_rule_alert *alert);
/// Whether a service's alert, were it in line, is held while it fires: those of its instances that were out of line
/// have stopped to say so. @param metric  the one judged, or -1 for a function, which may have read any
bool tend_rule_alert_holds(const struct tend_engine *engine, const struct tend_rule_alert *alert, int metric);
/// More than this between two samples that it was judged by is a gap: nobody knows what was between.
int64_t tend_rule_alert_gap_ms(const struct tend_rule_alert *alert);

/// Keeps the version that the newest scrape tells, and since when it is another than before.
void tend_tick_note_version(struct tend_engine *engine, struct tend_instance *instance);

// expect.c
struct tend_freeze;

/// Fills E of a service's metrics and of its instances', once P of the whole fleet was measured.
void tend_expect_service(struct tend_engine *engine, struct tend_service *service);
/// Lets a subject's own past learn from P and A of this tick. Each sample teaches once; after a reload the newest ones
/// are measured anew. @param data_ms  of the newest samples
void tend_expect_learn(const struct tend_engine *engine, const struct tend_service *service,
                       struct tend_subject *subject, int64_t data_ms, const struct tend_freeze *freeze);

// learn.c
/// Fills E and alpha of the metrics of a service, and of those instances that have something new, whose own past says
/// what is usual.
void tend_learn_expect(struct tend_engine *engine, struct tend_service *service);
/// Why a metric that is learned by a load has none now; TEND_HAS_DATA: it has, or is not.
enum tend_missing tend_learn_missing_load(const struct tend_engine *engine, const struct tend_service *service,
                                          const struct tend_subject *subject, size_t metric);
/// Lets such metrics of a subject learn from P of this tick, as tend_expect_learn does.
void tend_learn_subject(const struct tend_engine *engine, const struct tend_service *service,
                        struct tend_subject *subject, int64_t data_ms, const struct tend_freeze *freeze);
/// A service is another than before (a deploy), or all of one instance of it: what is usual is learned anew, beginning
/// with what was. @param only  NULL: the service and all of its instances
void tend_expect_restart(const struct tend_engine *engine, struct tend_service *service, struct tend_instance *only,
                         enum tend_baseline_restart from);
/// What `tend status` says of a learned metric; NULL for any other. The caller owns it.
json_t *tend_learn_view(const struct tend_engine *engine, const struct tend_service *service,
                        const struct tend_subject *subject, size_t metric);

// new_usual.c
/// Lets the learned metrics of a service whose alerts have fired for very long, untouched, be learned anew.
void tend_new_usual_look(struct tend_engine *engine, const struct tend_service *service);

// baselines.c
void tend_baselines_take(struct tend_engine *engine, const char *bytes, size_t byte_count); ///< as save_baselines wrote
/// Keeps those of subjects that the next fleet lacks, for when they come back.
void tend_baselines_keep(struct tend_engine *engine, const struct tend_fleet *next);
void tend_baselines_find(struct tend_engine *engine); ///< once there is a fleet: gives subjects what was kept of them
void tend_baselines_clear(struct tend_engine *engine);

// sleep.c
/// Whether it is outside its `awake` hours now. Between ticks `asleep` of the service may lag behind.
bool tend_sleep_is_asleep(const struct tend_engine *engine, const struct tend_service *service);
void tend_sleep_look(struct tend_engine *engine); ///< at the begin of a tick: who fell asleep, who woke

// membership.c
void tend_culprit_clear(struct tend_culprit *culprit);
/// By service; NULL: not among them.
struct tend_culprit *tend_culprit_find(struct tend_culprit *culprits, size_t count, const char *service);
/// "page" outranks "ticket" outranks "warn"; a user's own words rank with "ticket". NULL: below all
int tend_severity_rank(const char *severity);
/// An alert that fires, once. Borrowed until the next one is added.
struct tend_member *tend_member_add(struct tend_incident *incident, const char *rule, const char *service,
                                    const char *instance);
/// The open incident that an alert of a service belongs to; several that it connects become one. NULL: none
struct tend_incident *tend_incident_for(struct tend_engine *engine, const struct tend_service *service);

// incident.c
void tend_incident_alert_changed(struct tend_engine *engine, struct tend_rule_alert *alert,
                                 enum tend_alert_change change);
void tend_incident_mark_stale(struct tend_engine *engine); ///< after a tick: rankings are asked for again
void tend_incident_advance(struct tend_engine *engine, struct tend_incident *incident);
void tend_incident_located(struct tend_engine *engine, struct tend_incident *incident, const struct tend_event *event);
void tend_incident_drop_ended(struct tend_engine *engine); ///< after tend_incident_advance of each
int64_t tend_incident_wake_ms(const struct tend_engine *engine, const struct tend_incident *incident);
struct tend_incident *tend_incident_find(const struct tend_engine *engine, const char *id);
struct tend_rule_alert *tend_member_alert(const struct tend_engine *engine, const struct tend_member *member);
void tend_incident_restore(struct tend_engine *engine, const json_t *body);
void tend_incident_destroy(struct tend_incident *incident);

// view.c
/// What a locate request tells of a service, but for its evidence. @param take_logs  what its log tells, or NULL
json_t *tend_locate_service(const struct tend_engine *engine, const struct tend_service *service, int64_t onset_ms,
                            json_t *take_logs);
/// Since when a service or one of its instances is out of line, as JSON: null: none is.
json_t *tend_locate_onset(const struct tend_service *service);
/// Whether every instance has a result, good or failed, of a scrape begun after an onset, and seen by a tick.
bool tend_locate_is_fresh(const struct tend_service *service, int64_t onset_ms);
/// Seconds since half of its instances had each failed a scrape: then it was not there for its callers. NaN: never.
double tend_failed_ago_s(const struct tend_engine *engine, const struct tend_service *service);
/// The earliest onset among the members of an incident: a dependency must have been looked at after it.
int64_t tend_locate_onset_ms(const struct tend_engine *engine, const struct tend_incident *incident);

// neighbourhood.c
/// The services of an incident's members, each once, in the order in which they joined. @param[out] services  indexes,
/// room for all of the fleet  @return how many
size_t tend_incident_services(const struct tend_engine *engine, const struct tend_incident *incident, size_t *services);
/// The services that an incident may be about: its members and all below them, at most NEIGHBOURS_MAX.
/// @param[out] services  indexes, rising; room for all of the fleet  @return how many
size_t tend_evidence_near(const struct tend_engine *engine, const struct tend_incident *incident, size_t *services);

// locate_request.c
/// A hash of what a ranking hangs on at once: who fires, what is out of line, who fails or was looked at since then.
/// @param[out] near_count  services in the neighbourhood
uint64_t tend_locate_look(const struct tend_engine *engine, const struct tend_incident *incident, int64_t onset_ms,
                          size_t *near_count);
/// Begins to write a request; none is being written.
void tend_locate_begin(const struct tend_engine *engine, struct tend_incident *incident, int64_t onset_ms);
bool tend_locate_is_drafting(const struct tend_incident *incident);
/// Writes one slice of it, of some 1.5 ms. @return whether it is whole
bool tend_locate_go_on(const struct tend_engine *engine, struct tend_incident *incident);
void tend_locate_take(struct tend_incident *incident, struct tend_buffer *text); ///< Hands over what is whole.
void tend_locate_drop(struct tend_incident *incident);                           ///< Gives up what is being written.
/// What the journal keeps of what the locator saw: all of a small neighbourhood, of a large one the culprits and who is
/// first in the ranking. @param[out] near_count  services in the neighbourhood  @return a new array
json_t *tend_locate_told(const struct tend_engine *engine, const struct tend_incident *incident, size_t *near_count);

// evidence.c
/// What a metric tells: "cause", "symptom", "load" or "other". @param[out] kind  as tend_column_kind_text
const char *tend_evidence_class(const struct tend_metric_def *def, const char **kind);
/// How often an incident is studied and ranked while nothing else changes: the interval of its fastest member.
int64_t tend_evidence_interval_ms(const struct tend_engine *engine, const struct tend_incident *incident);
/// One slice of the study of an incident's neighbourhood. @param onset_ms  of its first symptom
/// @return whether there is evidence not older than an interval; false: more is to be done in another step
bool tend_evidence_gather(struct tend_engine *engine, struct tend_incident *incident, int64_t onset_ms);

// edges.c
/// Takes the edges that the newest scrape of an instance shows calls on.
void tend_edges_learn(struct tend_engine *engine, struct tend_instance *instance);
/// Forgets edges on which nothing was called for long, and connects the fleet anew when edges came or went.
void tend_edges_refresh(struct tend_engine *engine);
void tend_edges_connect(struct tend_engine *engine); ///< the fleet's topology, from what is declared and learned
/// What a service depends on: what is declared, then what was learned. @return a new array of names
json_t *tend_edges_of(const struct tend_engine *engine, const struct tend_service *service);
void tend_edges_clear(struct tend_engine *engine);

// aftermath.c
/// Whether others may still feel what an incident was about, none of whose alerts fires any more: it ends after that.
bool tend_aftermath_lasts(const struct tend_engine *engine, struct tend_incident *incident);

// recovery.c
void tend_recovery_consider(struct tend_engine *engine, struct tend_incident *incident);
/// Records why nothing (more) is done about a culprit, once for each reason; escalates when a person is needed.
void tend_recovery_say(struct tend_engine *engine, struct tend_incident *incident, struct tend_culprit *culprit,
                       const char *what, const char *playbook, const char *reason, const char *text);
void tend_recovery_escalate(struct tend_engine *engine, struct tend_incident *incident, const char *service,
                            const char *reason, const char *text);
/// A person has the culprit of this run from now on, for as long as the incident lasts.
void tend_recovery_hand_over(struct tend_engine *engine, const struct tend_run *run);
/// What a run that ends leaves behind for its service: cooldown, backoff, breaker.
void tend_recovery_guard(struct tend_engine *engine, const struct tend_run *run, const char *outcome);
void tend_recovery_run_ended(struct tend_engine *engine, struct tend_run *run, const char *outcome, const char *error);
bool tend_recovery_is_blind(const struct tend_engine *engine);
/// Whether an instance fails its scrapes in a way that no rule that may act on its service names: nothing is known of
/// it, so nothing is done to it.
bool tend_recovery_is_missing(const struct tend_engine *engine, const struct tend_instance *instance);
/// Whether any alert of the incident may start a recovery. @param[out] why  when none may
bool tend_recovery_may_act(const struct tend_engine *engine, const struct tend_incident *incident, char *why,
                           size_t why_bytes);
/// Whether tend started so recently that the service's instances lack their good scrapes.
bool tend_recovery_in_grace(const struct tend_engine *engine, const struct tend_service *service);

// second_look.c
/// What has come between a run and its next act since the run began, as one word for records, or NULL. Of a dry run it
/// makes no sense. @param[out] text  for people
const char *tend_second_look(const struct tend_engine *engine, const struct tend_run *run, const struct tend_step *step,
                             char *text, size_t bytes);
/// Whether data is so old that two scrapes in a row must be missing: nobody knows how it is now.
bool tend_second_look_is_old(const struct tend_engine *engine, const struct tend_service *service, int64_t data_ms);
/// Whether the newest scrape of an instance (NULL: of any of the service's) is so old.
bool tend_second_look_is_unseen(const struct tend_engine *engine, const struct tend_service *service,
                                const struct tend_instance *instance);
/// Whether enough was seen since the start for a run of before it to go on.
bool tend_second_look_is_due(const struct tend_engine *engine, const struct tend_run *run);

// run.c
struct tend_run *tend_run_begin(struct tend_engine *engine, struct tend_incident *incident,
                                struct tend_culprit *culprit, struct tend_service *service, size_t playbook,
                                const struct tend_limits *limits, bool dry);
void tend_run_reply(struct tend_engine *engine, const struct tend_event *event);
void tend_run_step_result(struct tend_engine *engine, const struct tend_event *event);
void tend_run_advance(struct tend_engine *engine, struct tend_run *run); ///< reached records, timers, fresh metrics
/// When it wants to be woken; TEND_NEVER: an event will do.
int64_t tend_run_wake_ms(const struct tend_run *run);
/// What RUN_START carries. @param take_answers  to the steps that the process need not ask for again, an array
json_t *tend_run_start(const struct tend_run *run, json_t *take_answers);
void tend_run_destroy(struct tend_run *run);
void tend_run_restore(struct tend_engine *engine, const json_t *body);
/// Takes a step back from its record's body; records come in order.
void tend_run_restore_step(struct tend_engine *engine, struct tend_run *run, const json_t *body);
struct tend_run *tend_run_of_service(const struct tend_engine *engine, const char *service);
struct tend_run *tend_run_find(const struct tend_engine *engine, const char *id);

void tend_run_end(struct tend_engine *engine, struct tend_run *run, const char *outcome, const char *error);
void tend_run_answer(struct tend_engine *engine, struct tend_run *run, json_t *answer); ///< lets the script go on

// step.c
const char *tend_step_kind(const struct tend_step *step);     ///< "exec", "verify" …
const char *tend_step_instance(const struct tend_step *step); ///< its name, or NULL
bool tend_step_is_act(const struct tend_step *step);          ///< whether it changes anything outside
void tend_step_begin(struct tend_engine *engine, struct tend_run *run, struct tend_step *step);
void tend_step_advance(struct tend_engine *engine, struct tend_run *run, struct tend_step *step);
void tend_step_result(struct tend_engine *engine, struct tend_run *run, struct tend_step *step,
                      const struct tend_event *event);
/// What a step that ended means for later ones: who was acted on, proved, picked.
void tend_step_note_effect(struct tend_run *run, const struct tend_step *step);

// verify.c
enum tend_proof { TEND_PROOF_YES, TEND_PROOF_NOT_YET, TEND_PROOF_NO };
/// Whether an instance is in line on at least VERIFY_SCRAPES good scrapes begun after @p after_ms.
/// NOT_YET: too few newer samples; NO: newer samples say that it is out. @param[out] why  a sentence, when not YES
enum tend_proof tend_verify_instance(const struct tend_engine *engine, const struct tend_run *run,
                                     const struct tend_instance *instance, int64_t after_ms, char *why,
                                     size_t why_bytes);
/// Whether the culprit is cured: its instances are in line, and no alert that it alone explains is out on newer
/// samples.
enum tend_proof tend_verify_incident(const struct tend_engine *engine, const struct tend_run *run, int64_t after_ms,
                                     char *why, size_t why_bytes);

// notice.c
void tend_notice_incident(struct tend_engine *engine, struct tend_incident *incident, const char *status,
                          const char *text);
/// Tells one notify, whatever may keep it back.
void tend_notice_tell(struct tend_engine *engine, const struct tend_incident *incident, size_t notify,
                      const char *status, const char *text);
/// Tells one notify that an incident which another took in is over under its own id.
void tend_notice_tell_part(struct tend_engine *engine, const struct tend_incident *incident, const char *part,
                           size_t notify, const char *text);
bool tend_notice_matches(const struct tend_engine *engine, size_t notify, const struct tend_incident *incident);
/// Whether a notify wants to hear of a member of an incident.
bool tend_notice_hears(const struct tend_engine *engine, size_t notify, const struct tend_incident *incident,
                       size_t member);
/// One page for all when most targets fail at once, and the end of it: the fault is likely ours, or one that all share.
void tend_notice_blind(struct tend_engine *engine);
void tend_notice_rule_off(struct tend_engine *engine, const char *rule,
                          const char *why); ///< a page: nobody else asks it
/// Tells all pagers of what discovery no longer lists. @param status  "firing" or "resolved"
void tend_notice_departed(struct tend_engine *engine, const char *status, const char *summary);
void tend_notice_journal(struct tend_engine *engine); ///< likewise when the journal fails, and when it works again
void tend_notice_formatted(struct tend_engine *engine, struct tend_notice *notice, const struct tend_event *event);
void tend_notice_delivered(struct tend_engine *engine, const struct tend_event *event);
void tend_notice_advance(struct tend_engine *engine, struct tend_notice *notice);
void tend_notice_repeat(struct tend_engine *engine); ///< sends again what `again` asks for
int64_t tend_notice_wake_ms(const struct tend_engine *engine);
void tend_notice_restore(struct tend_engine *engine, const struct tend_record *record);
/// A generation took over: finds the notifiers by name, and formats what was queued before a restart.
void tend_notice_resume(struct tend_engine *engine);
void tend_notice_destroy(struct tend_notice *notice);

// notice_join.c
/// A member joined: who wants to hear of that and was not told of the incident is told.
void tend_notice_joined(struct tend_engine *engine, struct tend_incident *incident);
/// Other rules or targets: whoever listens to what fires, and knows nothing of it yet, is told.
void tend_notice_loaded(struct tend_engine *engine);
/// Ends for one listener the incidents that this one took in. @param entry  of engine->told
void tend_notice_end_parts(struct tend_engine *engine, const struct tend_incident *incident, size_t entry,
                           const char *text);
/// Likewise for all that were told of the incident by now: somebody always knows one that is not over.
void tend_notice_end_merged(struct tend_engine *engine);

// told.c
/// Who was told of an incident; made when there is none yet. Borrowed until the next one is made.
struct tend_told *tend_told_of(struct tend_engine *engine, const char *incident, size_t notify);
struct tend_told *tend_told_find(const struct tend_engine *engine, const char *incident, size_t notify); ///< or NULL
void tend_told_note(struct tend_engine *engine, const char *incident,
                    size_t notify);                                              ///< it knows all there was to tell
void tend_told_forget(struct tend_engine *engine, const char *incident);         ///< NULL: of all
json_t *tend_told_names(const struct tend_engine *engine, const char *incident); ///< for its record: who was told
json_t *tend_told_held(const struct tend_engine *engine, const char *incident);  ///< for its record; NULL: nothing
void tend_told_restore(struct tend_engine *engine, const char *incident, const json_t *body); ///< of its record
/// An incident became part of an older one: what is owed of it is owed of that one, and of whoever was told of it is
/// remembered that it is to be told of its end under its own id.
void tend_told_merged(struct tend_engine *engine, const char *older, const char *younger);

// flapping.c
/// "flapping: 5 times in 20m, clears after 8m", or "". @return out
const char *tend_flapping_text(const struct tend_engine *engine, const struct tend_rule_alert *alert,
                               char out[TEND_FLAP_TEXT_BYTES]);
/// It would be resolved, but flaps: a decision says so, once for each doubling.
void tend_flapping_damped(struct tend_engine *engine, struct tend_rule_alert *alert);
json_t *tend_flapping_body(const struct tend_rule_alert *alert); ///< for its record; NULL: it does not flap
void tend_flapping_restore(struct tend_rule_alert *alert, const json_t *body);
size_t tend_flapping_count(const struct tend_engine *engine); ///< of those that fire

// facts.c
json_t *tend_facts_groups(const struct tend_service_def *def); ///< names of the groups that it is in
json_t *tend_facts_metrics(const struct tend_engine *engine, const struct tend_service_def *def,
                           const struct tend_subject *subject);
void tend_facts_alert(struct tend_engine *engine, struct tend_rule_alert *alert, const char *state);
void tend_facts_incident(struct tend_engine *engine, struct tend_incident *incident, bool open);
void tend_facts_run(struct tend_engine *engine, struct tend_run *run, bool ended, const char *outcome,
                    const char *error);
uint64_t tend_facts_step(struct tend_engine *engine, struct tend_run *run, struct tend_step *step, bool ended,
                         bool full);
void tend_facts_guard(struct tend_engine *engine, const struct tend_service *service);
void tend_facts_restore_guards(struct tend_engine *engine); ///< once there is a fleet
/// Keeps the guards of services that the next fleet lacks, for when they come back.
void tend_facts_keep_guards(struct tend_engine *engine, const struct tend_fleet *next);
void tend_facts_restore_alerts(struct tend_engine *engine);
double tend_facts_threshold(const struct tend_metric_table *table, size_t slot); ///< where A is 1, in the unit
/// "{service}: {error_rate} of requests fail" with what the template names; free() it.
char *tend_facts_summary(const struct tend_engine *engine, const struct tend_rule_alert *alert);
