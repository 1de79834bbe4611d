#pragma once
/// Loop: the live driver. Feeds the engine with what happens in the world, and carries out what it asks for.
///
/// Owns the state directory's lock, the journal and its writer, the recorder, the evaluators, the scrape client,
/// discovery, children and requests in flight, and the engine. Everything runs on the event base's thread but the
/// journal writer's commits. Ownership: who creates destroys; the event base outlives it. Units: `_ms` milliseconds.

#include "base/durations.h"
#include "base/json.h"
#include "base/status.h"
#include "driver/live/log_watch.h"
#include "driver/live/scrape_client.h"
#include "engine/engine.h"
#include "recording/recording_writer.h"

struct event_base;
struct tend_loop;

struct tend_loop_options {
    struct event_base *base;
    const char *rules_dir;
    const char *env;         ///< NULL: none
    const char *state_dir;   ///< NULL: as state_dir.h finds it
    const char *secrets_dir; ///< NULL: none
    const char *ca_file;     ///< NULL: the system's
    bool no_recording;
    uint64_t record_bytes; ///< of the ring of recordings (STATE/recording); 0: the recorder's default
    int64_t record_age_ms; ///< likewise
    /// The end of a load of rules, at start (id 0) and of each reload.
    /// @param errors  NULL or empty: they are in use  @param warnings  or NULL
    void (*on_loaded)(void *context, uint64_t id, const json_t *errors, const json_t *warnings);
    /// The journal: all records up to this number are on disk, or it cannot be written. Each NULL: nobody asks.
    void (*on_reached)(void *context, uint64_t number);
    void (*on_journal_failing)(void *context, const char *why);
    void *context;
};

/// Takes the state directory, reads the journal back, and begins to load the rules; nothing is polled before they are.
/// @param[out] error  in the user's words  @return TEND_OK, TEND_E_INVALID, TEND_E_IO, TEND_E_CORRUPT or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_loop_create(const struct tend_loop_options *options, struct tend_loop **out,
                                                  struct tend_error *error);
/// Ends everything in order; what the journal was given is on disk afterwards. NULL is allowed.
void tend_loop_destroy(struct tend_loop *loop);

/// Reads the rules again; on_loaded with this id says what came of it. A reload that is under way is given up: what is
/// told of this one answers it too. @param id  higher than the ones before, or 0: nobody waits
void tend_loop_reload(struct tend_loop *loop, uint64_t id);
/// A person's command (engine/event.h, OPERATOR). @param[out] record  number of the newest record that tells of it: the
/// command outlives this process once that is reached; 0: there is none. NULL is allowed
/// @return TEND_OK, or TEND_E_INVALID: nothing has that name
TEND_MUST_CHECK enum tend_status tend_loop_operate(struct tend_loop *loop, const char *command, const char *argument,
                                                   const char *who, uint64_t *record, struct tend_error *error);

/// Tells the engine what time it is: its now is that of the newest event, and where nothing is scraped none may come.
void tend_loop_catch_up(struct tend_loop *loop);
/// What is wrong outside the engine now, as texts for people: discovery files that are not used. Appends to the list.
void tend_loop_problems(const struct tend_loop *loop, json_t *list);
const struct tend_engine *tend_loop_engine(const struct tend_loop *loop);
const char *tend_loop_state_path(const struct tend_loop *loop);
struct tend_scrape_counters tend_loop_scrapes(const struct tend_loop *loop);

/// Counts that only the driver knows.
struct tend_loop_counts {
    uint64_t evaluator_kills;
    uint64_t reloads, reloads_refused;
    double lag_s;                ///< how late the newest tick of the loop's own timer was
    struct tend_durations steps; ///< how long each event held the loop, its effects included
};
struct tend_loop_counts tend_loop_counts(const struct tend_loop *loop);

struct tend_log_watch_counts tend_loop_logs(const struct tend_loop *loop);

/// What the recorder did. @return false: nothing is to be recorded (no_recording)
bool tend_loop_recording(const struct tend_loop *loop, struct tend_recording_counts *out);
