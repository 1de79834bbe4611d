#pragma once
/// Prometheus selection: what a server is asked for: the series that rules select, of the services that they watch.
///
/// Ownership: who creates destroys. Threads: none.

#include "engine/ruleset.h"

struct tend_prometheus_selection {
    char **services; ///< by name; none: any that the server has
    size_t service_count;
    char *service_matcher; ///< `job=~"payments|search"`
    char **texts;          ///< of all selectors, each once: `{__name__="x",code=~"5.."}`
    size_t selector_count;
};

/// @param service_label  the label that names the service
TEND_MUST_CHECK enum tend_status tend_prometheus_selection_create(const struct tend_ruleset *ruleset,
                                                                  const char *service_label,
                                                                  struct tend_prometheus_selection **out);
void tend_prometheus_selection_destroy(struct tend_prometheus_selection *selection); ///< NULL is allowed

/// A selector as PromQL has it: `{__name__="x",code=~"5.."}`. @return free() it; NULL: out of memory
char *tend_prometheus_selection_text(const struct tend_selector *selector);
/// The question for a selector, or for `up` and the like: `{__name__="x",code=~"5..",job=~"payments|search"}`.
/// @param text  of a selector, or `{__name__="up"}`  @return free() it; NULL: out of memory
char *tend_prometheus_selection_query(const struct tend_prometheus_selection *selection, const char *text);
