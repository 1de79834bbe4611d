#pragma once
/// Simulation page: the report of a simulation (driver/sim/simulation_report.h) as one HTML page for people.
///
/// The page needs nothing beside itself: charts are SVG made here, the style and a small script for the pointer are
/// inside, and its own policy lets a browser run and fetch nothing else. Whatever the document holds is text, never
/// markup. The same document gives the same bytes. Ownership: the document is borrowed. Threads: none.

#include "base/buffer.h"
#include "base/json.h"

/// Appends the page; the buffer is `failed` when there was no memory.
void tend_simulation_page_render(const json_t *document, struct tend_buffer *out);
/// Writes the page to a file, which is replaced.
/// @param[out] error  "report.html: Permission denied"
/// @return TEND_OK, TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_simulation_page_write(const json_t *document, const char *path,
                                                            struct tend_error *error);
