#pragma once
/// Step text: what a step of a run asks for, in words.

#include "base/buffer.h"
#include "base/json.h"

/// What it is for: "restart ledger/127.0.0.1:9105", "verify the incident", "wait 5s". @param step  body of a step
/// record
void tend_step_text(const json_t *step, struct tend_buffer *out);
/// What goes to the world, of exec and http: "shopctl restart ledger 9105", "POST http://…/drain"; else nothing.
/// Secrets are shown as ***.
void tend_step_asks(const json_t *step, struct tend_buffer *out);
