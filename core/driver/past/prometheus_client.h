#pragma once
/// Prometheus client: one question at a time to the HTTP API of a Prometheus-compatible server.
///
/// Units: `_ms`. Ownership: who creates destroys. Threads: one; a question waits for its answer (30 s at most).

#include "base/json.h"
#include "base/status.h"

#include <stdint.h>

struct tend_prometheus_client;

/// @param url  of the server, without "/api/v1"
/// @param token_file  with a bearer token, or NULL; read for each question, as a secret (driver/live/secrets.h)
/// @return TEND_OK, TEND_E_INVALID or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_prometheus_client_create(const char *url, const char *token_file,
                                                               struct tend_prometheus_client **out,
                                                               struct tend_error *error);
void tend_prometheus_client_destroy(struct tend_prometheus_client *client); ///< NULL is allowed

struct tend_prometheus_parameter {
    const char *name, *value;
};

/// Asks. @param path  behind "/api/v1/": "query", "query_range", "series"
/// @param[out] data  "data" of the answer; a new reference
/// @return TEND_OK; TEND_E_LIMIT: the server, or we, find the answer too large; TEND_E_IO: no answer, or the server
/// refuses, and the error has its words; TEND_E_INVALID (the token); TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_prometheus_client_ask(struct tend_prometheus_client *client, const char *path,
                                                            const struct tend_prometheus_parameter *parameters,
                                                            size_t count, json_t **data, struct tend_error *error);
