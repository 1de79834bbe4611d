#pragma once
/// Incidents text: what `tend incidents` prints for people, made from the answer of /v1/incidents.

#include "base/buffer.h"
#include "base/json.h"

void tend_incidents_text_format(const json_t *incidents, struct tend_buffer *out);
