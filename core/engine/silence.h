#pragma once
/// Silence: a time in which nobody is to hear of a service, and nothing is begun on it: of the rules, by an operator,
/// or while it is deployed. Private to this folder.
///
/// What is silenced lives on: its alerts fire, its incident is located and written down. Only what goes out is held
/// back, with the reason as a decision, and what still holds at the end is told then (hold.h). An operator's silence
/// always ends; one of the rules ends with its hours or its `till`.
/// Units: `_ms` engine time, `_wall_ms` wall time. Ownership: the engine owns its silences and their texts.

#include "base/json.h"
#include "base/status.h"
#include "journal/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tend_engine;

enum {
    TEND_SILENCES_MAX = 1000,           ///< of operators, at once
    TEND_SILENCE_MAX_MS = 7 * 86400000, ///< the longest that an operator may ask for
    TEND_DEPLOY_MAX_MS = 86400000,      ///< the longest window of a deploy
    TEND_DEPLOY_MS = 600000,            ///< of one that does not say
    TEND_FORGOTTEN_MS = 86400000,       ///< in force for longer, and a person is reminded of it
    TEND_SILENCE_QUIET_MS = 3600000,    ///< so long after its last alert ended likewise
    TEND_OPERATOR_NAME_BYTES = 256,     ///< of a name in a command
    TEND_OPERATOR_WHY_BYTES = 500,      ///< of a reason
};

/// A silence of an operator, or a deploy that one told of.
struct tend_silence {
    char id[24];   ///< "s17", "d18": the number of its first record
    bool deploy;   ///< a deploy: pages wait, remedies do too
    char *on;      ///< a service, a group, or "*"
    char *rule;    ///< only alerts of this rule; NULL: of all
    char *version; ///< of a deploy; NULL: not told
    char *what;    ///< of a deploy that is none of a version: "config" or "flag"; NULL else
    char *who;
    char *why; ///< "" when nobody said
    int64_t since_ms, since_wall_ms;
    int64_t until_ms;
    int64_t alerted_ms; ///< when an alert that it covers last fired; TEND_NEVER: none did
};

/// What silences a subject.
struct tend_hush {
    const char *reason; ///< a word for decisions: "silenced" or "deploy"
    char key[160];      ///< which one: "silence s17"
    char text[800];     ///< a part of a sentence: `silenced by uid 1000 (ops) until 14:05 UTC: new disks`
};

/// Whether an alert of a service is silenced. @param rule  NULL: the service as a whole, whatever the rule
/// @param[out] hush  by what, when it is; NULL is allowed
bool tend_silence_covers(const struct tend_engine *engine, const char *service, const char *rule,
                         struct tend_hush *hush);
/// Whether everything is.
bool tend_silence_covers_all(const struct tend_engine *engine);

/// Takes "silence", "unsilence" and "deploy"; what tend_engine_check_command refuses changes nothing.
void tend_silence_command(struct tend_engine *engine, const char *command, const char *argument, const char *who);
void tend_silence_advance(struct tend_engine *engine); ///< ends those whose time is over
void tend_silence_look(struct tend_engine *engine);    ///< at the begin of a tick: which of them still have an alert
int64_t tend_silence_wake_ms(const struct tend_engine *engine); ///< when the next one ends; TEND_NEVER: none
void tend_silence_restore(struct tend_engine *engine, const json_t *body);
void tend_silence_destroy(struct tend_silence *silence); ///< NULL is allowed

/// Those in force, for `tend status`: operators', deploys and the rules'. A new reference.
json_t *tend_silence_view(const struct tend_engine *engine);
size_t tend_silence_count(const struct tend_engine *engine);
/// Appends a line for each that looks forgotten.
void tend_silence_warn(const struct tend_engine *engine, json_t *warnings);

/// "14:05 UTC", with the date when it is not of today.
void tend_silence_clock(int64_t wall_ms, int64_t now_wall_ms, char *text, size_t bytes);
