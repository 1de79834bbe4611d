#pragma once
/// Label: a name and a value that tell one series of a metric from another. Borrowed bytes, not NUL-terminated.

#include <stddef.h>

struct tend_label {
    const char *name;
    size_t name_bytes;
    const char *value;
    size_t value_bytes;
};
