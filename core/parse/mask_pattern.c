// Without the JIT: executable mappings are forbidden to tend. PCRE2's own limit holds for each place at which a match
// may begin, and counts no steps within a repeated class: "[a-z]*[a-z]*1" may take seconds on a message that ends with
// a 1. So a message is looked through a few places at a time, and between them the time that is left is looked at.

#define PCRE2_CODE_UNIT_WIDTH 8

#include "parse/mask_pattern.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MATCH_LIMIT = 2000,
    HEAP_LIMIT_KIB = 256,
    PARENTHESES = 50,
    MATCHES_MAX = 64,
    SCRATCH_BYTES = 8192,
    UNSURE_BYTES = 256,
    WORK = 5120, // of one call: places times bytes, as each place may cost a multiple of the bytes
    PLACES_MIN = 4,
    CLOCK_EVERY = 2, // calls: reading it costs as much as most of them
};

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
    *out = pcre2_compile((PCRE2_SPTR)text, strlen(text),
                         PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_USE_OFFSET_LIMIT, &code, &offset, context);
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

// CPU time of this thread, so that others who want the processor cost nothing.
static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// What is being looked through, and until when.
struct search {
    const pcre2_code *code;
    const char *text;
    size_t bytes;
    size_t places; // that one call looks at
    int64_t until_ns;
    unsigned calls;
};

// The first match from a place on. @return as pcre2_match; PCRE2_ERROR_MATCHLIMIT: it takes too long
static int find(struct tend_mask_patterns *patterns, struct search *search, size_t from)
{
    int result = PCRE2_ERROR_NOMATCH;
    for (; result == PCRE2_ERROR_NOMATCH && from < search->bytes; from += search->places) {
        if (++search->calls % CLOCK_EVERY == 0 && now_ns() > search->until_ns) {
            return PCRE2_ERROR_MATCHLIMIT;
        }
        (void)pcre2_set_offset_limit(patterns->context, from + search->places - 1);
        result = pcre2_match(search->code, (PCRE2_SPTR)search->text, search->bytes, from, PCRE2_NOTEMPTY,
                             patterns->data, patterns->context);
    }
    return result;
}

// @return bytes of the text as it is now; SIZE_MAX: the pattern takes too long on it
static size_t apply_one(struct tend_mask_patterns *patterns, const pcre2_code *code, char *text, size_t bytes,
                        size_t most, int64_t until_ns)
{
    const size_t places = WORK / (bytes + 1);
    struct search search = {
        .code = code,
        .text = text,
        .bytes = bytes,
        .places = places < PLACES_MIN ? PLACES_MIN : places,
        .until_ns = until_ns,
    };
    size_t count = 0;
    size_t at = 0;
    bool found = false;
    for (size_t matches = 0; at < bytes; matches++) {
        const int result = find(patterns, &search, at);
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

size_t tend_mask_patterns_apply(struct tend_mask_patterns *patterns, char *text, size_t bytes, size_t most,
                                int64_t *left_ns)
{
    if (patterns->count == 0) {
        return bytes;
    }
    const int64_t begun_ns = now_ns();
    size_t masked = *left_ns <= 0 ? SIZE_MAX : bytes < TEND_MASK_TEXT_BYTES ? bytes : (size_t)TEND_MASK_TEXT_BYTES;
    for (size_t i = 0; i < patterns->count && masked != SIZE_MAX; i++) {
        masked = apply_one(patterns, patterns->codes[i], text, masked, most, begun_ns + *left_ns);
    }
    *left_ns -= now_ns() - begun_ns;
    if (masked == SIZE_MAX) {
        return give_up(text, most);
    }
    // Where a text is cut off, the begin of a secret may have been taken for none.
    const size_t unsure = bytes <= TEND_MASK_TEXT_BYTES ? 0 : masked < UNSURE_BYTES ? masked : (size_t)UNSURE_BYTES;
    return masked - unsure;
}
