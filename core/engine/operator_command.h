#pragma once
/// Operator command: what a person asks for beside pausing and arming, as the JSON text that the event carries.
///
///   silence    {"on", "for_ms", "rule"?, "why"?}        no notices about it, no acts on it, for so long
///   unsilence  {"id"}                                    "*": all of them
///   deploy     {"on", "for_ms"?, "version"?, "what"?, "why"?}  a service is being deployed;
///              {"on", "done": true}: it was;
///              "what": "version" (the usual), or "config" or "flag": that is changed, and not what runs
///   ack        {"incident", "why"?}                      "*": all that are open
/// The same check is made where a command comes in, so that whoever asks is told what is wrong, and where it is taken,
/// as a recording may hold anything. A member of another name is refused only where a command comes in.

#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct tend_engine;

struct tend_operator_command {
    json_t *json;   ///< owns the texts
    const char *on; ///< NULL where the command has none
    const char *rule;
    const char *version;
    const char *what; ///< "config", "flag"; NULL: a version
    const char *why;  ///< never NULL
    const char *id;
    const char *incident;
    int64_t for_ms;
    bool done;
};

/// Reads and checks one of these commands. @param[out] out  clear it when TEND_OK was returned
/// @param[out] error  for who asked; NULL is allowed
/// @return TEND_OK, or TEND_E_INVALID
TEND_MUST_CHECK enum tend_status tend_operator_command_read(const struct tend_engine *engine, const char *command,
                                                            const char *argument, struct tend_operator_command *out,
                                                            struct tend_error *error);
void tend_operator_command_clear(struct tend_operator_command *command);
