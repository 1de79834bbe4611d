#pragma once
/// Prometheus page: the scrapes of one stretch of time, put together again from the series of a server's answers.
///
/// `up` of a target gives its scrapes; every other sample belongs to the scrape of its own time. Columns keep their
/// places from page to page, and go when their series was in none of the last 240 scrapes.
/// Units: `_ms` since 1970. Ownership: who creates destroys. Threads: none.

#include "base/json.h"
#include "base/status.h"
#include "driver/past/history.h"

struct tend_prometheus_page;

TEND_MUST_CHECK enum tend_status tend_prometheus_page_create(const char *service_label, const char *instance_label,
                                                             struct tend_prometheus_page **out);
void tend_prometheus_page_destroy(struct tend_prometheus_page *page); ///< NULL is allowed

void tend_prometheus_page_begin(struct tend_prometheus_page *page); ///< Forgets the scrapes of the page before.

/// Takes the matrix of `up`: [{"metric": {…}, "values": [[s, "1"], …]}]. Samples at or before @p after_ms are left out.
/// Targets that are met for the first time become instances. @return samples taken; SIZE_MAX: it is no such matrix
size_t tend_prometheus_page_take_up(struct tend_prometheus_page *page, const json_t *matrix, int64_t after_ms);
/// Takes how long the scrapes took: the matrix of `scrape_duration_seconds`.
size_t tend_prometheus_page_take_duration(struct tend_prometheus_page *page, const json_t *matrix, int64_t after_ms);
/// Takes series. @param on_series  called with the service of each of them that had a sample; NULL is allowed
size_t tend_prometheus_page_take(struct tend_prometheus_page *page, const json_t *matrix, int64_t after_ms,
                                 void (*on_series)(void *context, const char *service), void *context);
/// All is taken: makes rows of it. @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_prometheus_page_end(struct tend_prometheus_page *page);

/// The next scrape of the page in order of time. @return false: there is none left
bool tend_prometheus_page_next(struct tend_prometheus_page *page, struct tend_history_item *out);
/// Instances met so far; borrowed until the next page.
const struct tend_history_instance *tend_prometheus_page_instances(struct tend_prometheus_page *page, size_t *count);
