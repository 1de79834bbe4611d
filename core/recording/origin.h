#pragma once
/// Origin: what made a recording. A replay is the same to the byte where both are the same; elsewhere decisions agree
/// exactly and numbers to 1e-9.

#include "base/json.h"

/// {"tend": version, "build": the binary's build id (hex) or "", "libm": C library, its version, and what of the
/// processor its functions choose their code by}. The caller owns it. NULL: out of memory.
json_t *tend_recording_origin(void);
