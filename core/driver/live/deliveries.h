#pragma once
/// Deliveries: notices on their way over HTTP. The HTTP client knows numbers, the engine keys.
///
/// Ownership: who creates them destroys them; destroy drops what is in flight, without a callback. Threads: the loop's.

#include "base/status.h"
#include "engine/event.h"

struct event_base;
struct tend_deliveries;
struct tend_secrets;

/// Takes the event DELIVERED of a notice, borrowed for the call.
typedef void (*tend_deliveries_fn)(void *context, struct tend_event *event);

/// @param base, secrets  outlive them  @return TEND_OK or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_deliveries_create(struct event_base *base, const struct tend_secrets *secrets,
                                                        tend_deliveries_fn on_delivered, void *context,
                                                        struct tend_deliveries **out);
void tend_deliveries_destroy(struct tend_deliveries *deliveries); ///< NULL is allowed

/// Sends a notice. The callback never comes from within this call.
/// @param key  the notice's dedup key, copied  @param request  as a notifier wrote it; borrowed
/// @return TEND_OK, or what tend_http_client_send_json says: then nothing was sent and no callback comes
TEND_MUST_CHECK enum tend_status tend_deliveries_send(struct tend_deliveries *deliveries, const char *key,
                                                      json_t *request, struct tend_error *error);
