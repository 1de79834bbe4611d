#pragma once
/// Hold: what keeps a notify from hearing of an incident now, and what it is told once nothing does. Private to this
/// folder.
///
/// Kept back: while all that it would hear of is silenced (silence.h), outside of its hours, while a person has
/// acknowledged the incident (but not what is new of it), and, of what it was not told of before, while most targets
/// fail at once. Each reason is a decision of the incident, once. What was kept back is told
/// when the reason ends and the incident is still open; what was told once is also told when it is over.

#include <stdbool.h>
#include <stddef.h>

struct tend_engine;
struct tend_incident;

/// Whether a notify is to hear of an incident later. Then this is remembered, and the reason is recorded.
/// @param status  "firing" or "escalated"  @param text  of an escalation, or NULL
bool tend_hold_keeps(struct tend_engine *engine, struct tend_incident *incident, size_t notify, const char *status,
                     const char *text);
/// Whether a repeat is kept back: the same, but nothing is owed for it.
bool tend_hold_keeps_repeat(struct tend_engine *engine, struct tend_incident *incident, size_t notify);
void tend_hold_release(struct tend_engine *engine);       ///< tells what nothing keeps back any more
size_t tend_hold_count(const struct tend_engine *engine); ///< notices that wait so

/// A person has seen it: "ack" of operator_command.h.
void tend_ack_command(struct tend_engine *engine, const char *argument, const char *who);
/// It is no longer what the person saw: repeats begin again. @param why  "its severity is page now"; a decision says so
void tend_ack_end(struct tend_engine *engine, struct tend_incident *incident, const char *why);
void tend_ack_look(struct tend_engine *engine, struct tend_incident *incident); ///< the culprits may have changed
