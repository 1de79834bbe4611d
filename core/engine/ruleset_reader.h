#pragma once
/// Ruleset reader: takes values out of the generation document, checked, into the ruleset's arena.
///
/// The first fault sticks: it sets the error, and from then on every read gives nothing (NULL, 0, NaN), so callers test
/// `status` once, at the end. What is missing or null gives the given default; what has another type or lies outside
/// its range is a fault.

#include "engine/ruleset.h"

struct tend_ruleset_reader {
    struct tend_ruleset *ruleset; ///< where things go
    struct tend_error *error;
    enum tend_status status;
    const char *at; ///< of the declaration that is being read, for messages: "shop.lua:12"
    size_t selector_capacity;
};

void tend_ruleset_read_fault(struct tend_ruleset_reader *reader, const char *format, ...) TEND_PRINTF(2, 3);
/// Memory for `count` things; never NULL before a fault.
void *tend_ruleset_read_alloc(struct tend_ruleset_reader *reader, size_t count, size_t size);

/// A member that must be there and be a text that is not empty.
const char *tend_ruleset_read_name(struct tend_ruleset_reader *reader, const json_t *object, const char *key);
const char *tend_ruleset_read_text(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                                   const char *otherwise);
double tend_ruleset_read_number(struct tend_ruleset_reader *reader, const json_t *object, const char *key, double least,
                                double most, double otherwise);
int64_t tend_ruleset_read_ms(struct tend_ruleset_reader *reader, const json_t *object, const char *key, int64_t least,
                             int64_t otherwise);
bool tend_ruleset_read_bool(struct tend_ruleset_reader *reader, const json_t *object, const char *key, bool otherwise);
/// The index of a word in a NULL-terminated list; @p otherwise (an index) when it is missing.
int tend_ruleset_read_word(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                           const char *const *words, int otherwise);
/// An index below @p limit; must be there.
uint32_t tend_ruleset_read_index(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                                 size_t limit);
/// An array; NULL when it is missing or a fault was met. An object without members counts as an empty array.
const json_t *tend_ruleset_read_array(struct tend_ruleset_reader *reader, const json_t *object, const char *key);
const char **tend_ruleset_read_texts(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                                     size_t *count);
struct tend_limits tend_ruleset_read_limits(struct tend_ruleset_reader *reader, const json_t *object, const char *key);
/// A selector, owned by the ruleset; with a suffix (may be NULL) on its metric's name.
const struct tend_selector *tend_ruleset_read_selector(struct tend_ruleset_reader *reader, const char *text,
                                                       const char *suffix);

/// A time zone by name, read once and owned by the ruleset.
const struct tend_zone *tend_ruleset_read_zone(struct tend_ruleset_reader *reader, const char *name);
/// Hours and their zone: {"hours": "Mon-Fri 08:00-20:00", "zone": "Europe/Berlin"}; NULL when missing or null.
const struct tend_calendar *tend_ruleset_read_calendar(struct tend_ruleset_reader *reader, const json_t *object,
                                                       const char *key);

/// A moment in wall time: "2026-12-24 18:00", by @p zone, or by the one that it names itself behind a blank.
int64_t tend_ruleset_read_moment(struct tend_ruleset_reader *reader, const json_t *object, const char *key,
                                 const char *zone, int64_t otherwise);

/// Reads one service, template or override. `playbooks` and `rules` of the ruleset have been counted before.
/// @param is_template  its name may be empty and it has no targets
void tend_ruleset_read_service(struct tend_ruleset_reader *reader, const json_t *object, bool is_template,
                               struct tend_service_def *service);
