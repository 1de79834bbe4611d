#pragma once
/// File SD: what one Prometheus file_sd file (JSON) says.
///
/// `[{"targets":["host:port"],"labels":{"k":"v"}}]`; other members are ignored, as Prometheus does. A file is good or
/// bad as a whole, but a target that makes no URL is left out alone.
/// Ownership: who calls init calls clear. Threads: none shared.

#include "base/status.h"
#include "engine/event.h"

#define TEND_FILE_SD_TARGETS_MAX 100000

struct tend_file_sd {
    struct tend_discovered *targets; ///< owned, as are their texts and labels; in the file's order
    size_t count;
    size_t capacity;          ///< private
    size_t left_out;          ///< targets that make no URL
    struct tend_error reason; ///< of the first of them
};

void tend_file_sd_init(struct tend_file_sd *file);
void tend_file_sd_clear(struct tend_file_sd *file);

/// Reads a file's bytes.
/// @param[out] file  initialized and empty; filled on success, cleared on failure
/// @param[out] error  on failure: what is wrong and where; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID, TEND_E_LIMIT (too many targets) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_file_sd_parse(const char *text, size_t bytes, struct tend_file_sd *file,
                                                    struct tend_error *error);
