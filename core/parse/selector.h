#pragma once
/// Selector: which series are meant, in PromQL's instant vector notation.
///
/// `name`, `name{a="b", c!="d", e=~"re", f!~"re",}`, `{__name__=~"x.*"}`, `{"quoted.name", "quoted.label"="x"}`;
/// strings in double or single quotes with Go's escapes, or raw in back quotes. As in PromQL a label that a series
/// lacks has the value "", regular expressions match the whole value, and a selector that nothing narrows is refused.
/// Regular expressions are PCRE2's (a superset of RE2's common part) with a limit on the work of one match; one that
/// passes it neither matches `=~` nor `!~`, so a hostile value selects nothing.
/// Ownership: who parses a selector destroys it. Threads: one selector, one thread (it holds its match data).

#include "base/buffer.h"
#include "base/status.h"
#include "parse/label.h"

#include <stdbool.h>

struct tend_selector; // opaque: the matchers are in selector.c

/// Reads a selector.
/// @param[out] out  set on success, else left as it was
/// @param[out] error  on failure, with the column: `x{a="b}:5: the quote is not closed`; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID, TEND_E_LIMIT (text over 64 kB, more than 64 matchers) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_selector_parse(const char *text, size_t bytes, struct tend_selector **out,
                                                     struct tend_error *error);
/// The same for another member of the metric's family: "x{a='b'}" and "_sum" select x_sum{a='b'}. The selector must
/// have an exact metric name. @param text  NUL-terminated
TEND_MUST_CHECK enum tend_status tend_selector_parse_with_suffix(const char *text, const char *suffix,
                                                                 struct tend_selector **out, struct tend_error *error);
void tend_selector_destroy(struct tend_selector *selector); ///< NULL is allowed

/// Whether a series is meant. @param labels  without the metric's name, no name twice
bool tend_selector_matches(const struct tend_selector *selector, const char *name, size_t name_bytes,
                           const struct tend_label *labels, size_t label_count);
/// One label matcher, for those who make up series that a selector selects.
struct tend_matcher_view {
    const char *label; ///< NUL-terminated, as is the value; both owned by the selector; "__name__" is the metric's name
    const char *value; ///< a text, or a regular expression
    bool negated;      ///< != or !~
    bool is_pattern;   ///< =~ or !~
};
size_t tend_selector_matcher_count(const struct tend_selector *selector);
struct tend_matcher_view tend_selector_matcher(const struct tend_selector *selector, size_t index);
/// The exact metric name, NUL-terminated and owned by the selector, or NULL when it has none.
const char *tend_selector_name(const struct tend_selector *selector);
/// Appends the selector as rules have it, matchers in their order: `x{code=~"5..",path!="/"}`. For people: values are
/// not escaped.
void tend_selector_format(const struct tend_selector *selector, struct tend_buffer *out);
