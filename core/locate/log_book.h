#pragma once
/// Log book: log lines as templates with the times at which they came, and what is unusual about them after an onset.
///
/// Bounded: a line beyond TEND_LOG_BOOK_LINES_MAX, and a template beyond TEND_LOG_BOOK_TEMPLATES_MAX, is counted and
/// dropped. Units: seconds since 1970. Ownership: who creates, destroys. Threads: none shared.

#include "base/status.h"
#include "locate/log_variants.h"

#include <jansson.h>
#include <stdbool.h>

enum { TEND_LOG_BOOK_LINES_MAX = 2000000, TEND_LOG_BOOK_TEMPLATES_MAX = 20000 };

struct tend_log_book;

/// Makes an empty one. @param names  of services, which are no variables of a template, or NULL; borrowed
TEND_MUST_CHECK enum tend_status tend_log_book_create(const struct tend_log_names *names, struct tend_log_book **out);
void tend_log_book_destroy(struct tend_log_book *book); ///< NULL is allowed

struct tend_log_line {
    double at_s;
    const char *service; ///< this and the rest: any bytes, borrowed
    size_t service_bytes;
    const char *level; ///< "ERROR", "warn", "I" …; unknown ones are informational
    size_t level_bytes;
    const char *message;
    size_t message_bytes;
};

TEND_MUST_CHECK enum tend_status tend_log_book_add(struct tend_log_book *book, const struct tend_log_line *line);
size_t tend_log_book_dropped(const struct tend_log_book *book);

/// What changed at the onset: [{"service", "level" ("error", "warning", "info"), "template", "before", "after" (lines),
/// "up", "down" (points)}], in the order in which templates came first; those without points are left out. Points grow
/// with how unlikely the count is, given what came before and how much the service's logging grew as a whole.
/// @param around_s  the lines are parted where that surprises most, at most that far from the onset
/// @return NULL: out of memory
json_t *tend_log_book_evidence(const struct tend_log_book *book, double onset_s, double around_s);
