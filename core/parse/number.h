#pragma once
/// Number: decimal text to a double, correctly rounded, the same in every locale.

#include <stdbool.h>
#include <stddef.h>

/// Reads a whole token: [sign] digits [. digits] [e [sign] digits], with a digit before or after the point, or (any
/// case) [sign] inf, [sign] infinity, nan. No hexadecimal, no "_", no blanks; at most 1000 bytes.
/// @param[out] out  set on success only; a number too small for a double is 0
/// @return false: no such number, or one too large for a double
bool tend_number_parse(const char *text, size_t bytes, double *out);
