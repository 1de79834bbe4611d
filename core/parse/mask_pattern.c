// Without the JIT: executable mappings are forbidden to tend. The limit bounds one message to well below a millisecond.

#define PCRE2_CODE_UNIT_WIDTH 8

#include "parse/mask_pattern.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MATCH_LIMIT = 10000, HEAP_LIMIT_KIB = 256, PARENTHESES = 50, MATCHES_MAX = 64, SCRATCH_BYTES = 8192 };

struct tend_mask_patterns {
    pcre2_code **codes;
    size_t count;
    pcre2_match_context *context;
    pcre2_match_data *data;
    char scratch[SCRATCH_BYTES];
};

void tend_mask_patterns_destroy(struct tend_mask_patterns *patterns)
{
    if (patterns == NULL) {
        return;
    }
    for (size_t i = 0; i < patterns->count; i++) {
        pcre2_code_free(patterns->codes[i]);
    }
    pcre2_match_data_free(patterns->data);
    pcre2_match_context_free(patterns->context);
    free((void *)patterns->codes);
    free(patterns);
}

static enum tend_status compile(const char *text, pcre2_code **out, struct tend_error *error)
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL) {
        return TEND_E_NOMEM;
    }
    (void)pcre2_set_parens_nest_limit(context, PARENTHESES);
    *out = pcre2_compile((PCRE2_SPTR)text, strlen(text), PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF, &code, &offset,
                         context);
    pcre2_compile_context_free(context);
    if (*out != NULL) {
        return TEND_OK;
    }
    if (code == PCRE2_ERROR_HEAP_FAILED) {
        return TEND_E_NOMEM;
    }
    PCRE2_UCHAR why[120];
    (void)pcre2_get_error_message(code, why, sizeof why);
    tend_error_set(error, "\"%s\" is wrong at its character %zu: %s", text, (size_t)offset + 1, (const char *)why);
    return TEND_E_INVALID;
}

enum tend_status tend_mask_patterns_create(const char *const *texts, size_t count, struct tend_mask_patterns **out,
                                           struct tend_error *error)
{
    struct tend_mask_patterns *patterns = calloc(1, sizeof *patterns);
    if (patterns == NULL) {
        return TEND_E_NOMEM;
    }
    patterns->codes = (pcre2_code **)calloc(count + 1, sizeof *patterns->codes);
    patterns->context = pcre2_match_context_create(NULL);
    patterns->data = pcre2_match_data_create(1, NULL);
    enum tend_status status =
        patterns->codes == NULL || patterns->context == NULL || patterns->data == NULL ? TEND_E_NOMEM : TEND_OK;
    if (status == TEND_OK) {
        (void)pcre2_set_match_limit(patterns->context, MATCH_LIMIT);
        (void)pcre2_set_heap_limit(patterns->context, HEAP_LIMIT_KIB);
    }
    for (size_t i = 0; status == TEND_OK && i < count; i++) {
        status = compile(texts[i], &patterns->codes[i], error);
        patterns->count += status == TEND_OK;
    }
    if (status != TEND_OK) {
        tend_mask_patterns_destroy(patterns);
        return status;
    }
    *out = patterns;
    return TEND_OK;
}

static const char mask[] = "<*>";
enum { MASK_BYTES = sizeof mask - 1 };

// Everything is masked.
static size_t give_up(char *text, size_t most)
{
    const size_t bytes = most < MASK_BYTES ? most : (size_t)MASK_BYTES;
    memcpy(text, mask, bytes);
    return bytes;
}

static void put(struct tend_mask_patterns *patterns, size_t *count, const char *bytes, size_t more)
{
    const size_t room = SCRATCH_BYTES - *count;
    const size_t some = more < room ? more : room;
    memcpy(patterns->scratch + *count, bytes, some);
    *count += some;
}

// @return bytes of the text as it is now; SIZE_MAX: the pattern takes too long on it
static size_t apply_one(struct tend_mask_patterns *patterns, const pcre2_code *code, char *text, size_t bytes,
                        size_t most)
{
    size_t count = 0;
    size_t at = 0;
    bool found = false;
    for (size_t matches = 0; at < bytes; matches++) {
        const int result =
            pcre2_match(code, (PCRE2_SPTR)text, bytes, at, PCRE2_NOTEMPTY, patterns->data, patterns->context);
        if (result == PCRE2_ERROR_NOMATCH) {
            break;
        }
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(patterns->data);
        if (result < 0 || matches == MATCHES_MAX || range[0] < at || range[1] <= range[0]) {
            return SIZE_MAX;
        }
        put(patterns, &count, text + at, range[0] - at);
        put(patterns, &count, mask, MASK_BYTES);
        at = range[1];
        found = true;
    }
    if (!found) {
        return bytes;
    }
    put(patterns, &count, text + at, bytes - at);
    count = count < most ? count : most;
    memcpy(text, patterns->scratch, count);
    return count;
}

size_t tend_mask_patterns_apply(struct tend_mask_patterns *patterns, char *text, size_t bytes, size_t most)
{
    for (size_t i = 0; i < patterns->count; i++) {
        bytes = apply_one(patterns, patterns->codes[i], text, bytes, most);
        if (bytes == SIZE_MAX) {
            return give_up(text, most);
        }
    }
    return bytes;
}
