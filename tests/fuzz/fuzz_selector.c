// Selectors; what follows a NUL is the value of a label that they are matched against.

#include "base/status.h"
#include "parse/selector.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_suffix(const char *text, size_t bytes, const char *name)
{
    char *copy = malloc(bytes + 1);
    TEND_ASSERT(copy != NULL);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    struct tend_selector *selector = NULL;
    const enum tend_status status = tend_selector_parse_with_suffix(copy, "_sum", &selector, NULL);
    if (strlen(copy) == bytes) {
        TEND_ASSERT((status == TEND_OK) == (name != NULL)); // only a selector without an exact name has none
    }
    if (status == TEND_OK && strlen(copy) == bytes && name != NULL) {
        const char *with_suffix = tend_selector_name(selector);
        TEND_ASSERT(strlen(with_suffix) == strlen(name) + 4 && strncmp(with_suffix, name, strlen(name)) == 0);
    }
    tend_selector_destroy(selector);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *nul = size == 0 ? NULL : memchr(text, '\0', size);
    const size_t bytes = nul == NULL ? size : (size_t)(nul - text);
    const char *value = nul == NULL ? "" : nul + 1;
    const size_t value_bytes = nul == NULL ? 0 : size - bytes - 1;
    struct tend_selector *selector = NULL;
    struct tend_error error = { "" };
    if (tend_selector_parse(text, bytes, &selector, &error) != TEND_OK) {
        TEND_ASSERT(selector == NULL && error.text[0] != '\0');
        return 0;
    }
    const struct tend_label label = { "a", 1, value, value_bytes };
    const bool matches = tend_selector_matches(selector, "x", 1, &label, 1);
    TEND_ASSERT(matches == tend_selector_matches(selector, "x", 1, &label, 1));
    check_suffix(text, bytes, tend_selector_name(selector));
    tend_selector_destroy(selector);
    return 0;
}
