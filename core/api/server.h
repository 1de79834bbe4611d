#pragma once
/// Server: the HTTP API of a running tend.
///
/// Two doors. The Unix socket (mode 0660; SO_PEERCRED says who asks) takes everything; the optional TCP listener, on
/// loopback only, serves GET /metrics, /-/healthy and /-/ready and nothing that could change or tell more. What is
/// answered comes from a source: functions given at create, called on the loop's thread, one request at a time, but for
/// what reads the journal, which may take long: that has a thread (slow_answers.h).
///
///   GET  /v1/status  /v1/topology  /v1/incidents  /v1/incidents/ID/explain
///        /v1/explain?id=ID   (no id or "last": the newest)
///   POST /v1/pause {"why"}  /v1/resume  /v1/arm {"playbook"}|{"all":true}  /v1/disarm (as arm)
///        /v1/close {"service"}  /v1/relearn {"service"}  /v1/mark {"incident","mark","why"?}
///        /v1/silence {"on","for_ms","rule"?,"why"?}  /v1/unsilence {"id"}
///        /v1/deploy {"on","for_ms"?,"version"?,"done"?}  /v1/ack {"incident","why"?}  /v1/reload
///   GET  /metrics  /-/healthy  /-/ready
/// Answers are JSON objects; an error is {"error":"…"} with a status other than 2xx. A command is answered once it is
/// on disk (kept_answers.h); "unrecorded":"…" says why it is in force but a restart may forget it. Ownership: the
/// server owns its sockets and removes its socket file; the event base outlives it.

#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct tend_api_server;

/// Where answers come from. Every function is needed; `context` is handed to each as it was given.
struct tend_api_source {
    void *context;
    /// What `tend status` shows, but for its services. The server takes the reference. NULL: out of memory.
    json_t *(*status)(void *context);
    /// One of its services; asked for one after the other, some in each turn of the loop. NULL: there are no more.
    json_t *(*status_service)(void *context, size_t index);
    /// {"incidents":[…]}, newest first. Called as explain is. @param about  ""
    enum tend_status (*incidents)(void *context, const char *about, json_t **out, struct tend_error *error);
    /// What `tend topology` shows. The server takes the reference. NULL: out of memory.
    json_t *(*topology)(void *context);
    /// The story of one incident (api/explain.h makes it). Called on a thread of the server's own, one at a time with
    /// incidents: it may touch nothing of the loop's. @param id  "" or "last": the newest
    /// @param[out] out  a new reference
    /// @return TEND_OK; TEND_E_INVALID with a message: there is no such incident (404); else a failure (503)
    enum tend_status (*explain)(void *context, const char *id, json_t **out, struct tend_error *error);
    /// Carries out a person's command: "pause" (argument: why, or ""), "resume" (""), "arm" and "disarm" (a playbook's
    /// name, or "*" for all), "close" and "relearn" (the service), "mark" ("i7 real WHY"), "silence", "unsilence",
    /// "deploy" and "ack" (the body as JSON text; engine/operator_command.h says what is in it).
    /// @param who  "uid 1000 (ops)"  @param[out] record  the newest record that tells of it: it is answered once
    /// tend_api_server_reached says that this one is on disk. 0: at once
    /// @return TEND_OK; TEND_E_INVALID with a message: nothing has that name (404); else a failure (503)
    enum tend_status (*operate)(void *context, const char *command, const char *argument, const char *who,
                                uint64_t *record, struct tend_error *error);
    /// Starts to load the rules again. The source calls tend_api_server_reload_ended with the id once the new
    /// generation is in use or was refused: at once or later, once for each id.
    void (*reload)(void *context, uint64_t id, const char *who);
    /// Writes Prometheus text (api/self_metrics.h makes it).
    void (*metrics)(void *context, struct tend_buffer *out);
    /// True once rules are loaded and targets are polled. @param[out] why  a short phrase when it is not
    bool (*ready)(void *context, struct tend_buffer *why);
};

struct tend_api_options {
    struct event_base *base;
    const char *socket_path;    ///< an old socket file there is removed (the state directory's lock says it is ours)
    const char *listen;         ///< "127.0.0.1:9797", "[::1]:0"; NULL: no TCP
    int64_t request_timeout_ms; ///< a connection without a whole request for so long is closed; 0: 30 s
    size_t connections;         ///< most open at once, the next wait; 0: 64
    struct tend_api_source source;
};

/// Opens the doors. @param[out] error  what a user can put right (an address that is no loopback, a path too long …)
/// @return TEND_OK, TEND_E_INVALID (options), TEND_E_IO (the system refused) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_api_server_create(const struct tend_api_options *options,
                                                        struct tend_api_server **out, struct tend_error *error);
/// Closes them, drops requests that wait, and removes the socket file. NULL is allowed.
void tend_api_server_destroy(struct tend_api_server *server);

/// All records of the journal up to this number are on disk, and it can be written.
void tend_api_server_reached(struct tend_api_server *server, uint64_t number);
/// It cannot be written, until the next `reached`: commands are answered at once, with "unrecorded". @param why  for
/// people
void tend_api_server_journal_failing(struct tend_api_server *server, const char *why);

/// Answers the request of a reload, and those of before, whose reloads it replaced; clients that have gone are ignored.
/// @param generation  hash of the generation now in use; NULL when there is none
/// @param errors      [{"at":"shop.lua:3","text":"…"}], borrowed: why it was refused. NULL or empty: it was loaded
/// @param warnings    the same shape, borrowed, or NULL
void tend_api_server_reload_ended(struct tend_api_server *server, uint64_t id, const char *generation,
                                  const json_t *errors, const json_t *warnings);

/// Port of the TCP listener (the kernel's choice when 0 was asked for), or 0 without one.
uint16_t tend_api_server_port(const struct tend_api_server *server);
