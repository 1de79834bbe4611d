#pragma once
/// UTF-8: whether bytes are it, as RFC 3629 has it (no overlong forms, no surrogates, up to U+10FFFF). NUL is valid.

#include <stdbool.h>
#include <stddef.h>

bool tend_ascii_only(const char *text, size_t bytes); ///< no byte above 0x7f: quick, for most bodies are ASCII
bool tend_utf8_valid(const char *text, size_t bytes);
size_t tend_utf8_count(const char *text, size_t bytes); ///< code points of valid UTF-8
