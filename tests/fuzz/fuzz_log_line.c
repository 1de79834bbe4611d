// From the bytes of a line to its template, as the daemon does it: whatever they are, the template is short printable
// ASCII, twice the same, and does not depend on a password that is in it.

#include "locate/log_template.h"
#include "parse/log_line.h"
#include "parse/mask_pattern.h"
#include "parse/secret_mask.h"

#include "base/status.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t template_of(struct tend_mask_patterns *patterns, const char *text, size_t bytes, bool plain, char *out)
{
    static char scratch[TEND_LINE_MESSAGE_BYTES];
    static char message[2 * TEND_LINE_MESSAGE_BYTES];
    static char masked[2 * TEND_LINE_MESSAGE_BYTES];
    struct tend_line line;
    tend_line_read(text, bytes, plain ? TEND_LINE_PLAIN : TEND_LINE_ANY, scratch, &line);
    TEND_ASSERT(line.bytes <= TEND_LINE_MESSAGE_BYTES);
    memcpy(message, line.message, line.bytes);
    int64_t left_ns = INT64_MAX / 2; // else the same line might have two templates
    const size_t own = tend_mask_patterns_apply(patterns, message, line.bytes, sizeof message, &left_ns);
    TEND_ASSERT(own <= sizeof message);
    const size_t count = tend_secret_mask(message, own, masked, sizeof masked);
    TEND_ASSERT(count <= sizeof masked);
    return tend_log_template(masked, count, out);
}

static void check_template(struct tend_mask_patterns *patterns, const char *text, size_t bytes, bool plain)
{
    char first[TEND_LOG_TEMPLATE_BYTES + 1];
    char again[TEND_LOG_TEMPLATE_BYTES + 1];
    const size_t count = template_of(patterns, text, bytes, plain, first);
    TEND_ASSERT(count <= TEND_LOG_TEMPLATE_BYTES && strlen(first) == count);
    for (size_t i = 0; i < count; i++) {
        TEND_ASSERT(isprint((unsigned char)first[i]) && !isdigit((unsigned char)first[i]));
    }
    TEND_ASSERT(template_of(patterns, text, bytes, plain, again) == count && memcmp(first, again, count) == 0);
}

static size_t template_behind(struct tend_mask_patterns *patterns, const char *text, size_t bytes, bool plain,
                              const char *behind, char *out)
{
    const size_t behind_bytes = strlen(behind);
    char *whole = malloc(bytes + behind_bytes);
    TEND_ASSERT(whole != NULL);
    memcpy(whole, text, bytes);
    memcpy(whole + bytes, behind, behind_bytes);
    const size_t count = template_of(patterns, whole, bytes + behind_bytes, plain, out);
    free(whole);
    return count;
}

// A password behind any bytes: whatever it is, the template is the same.
static void check_secret(struct tend_mask_patterns *patterns, const char *text, size_t bytes, bool plain)
{
    char one[TEND_LOG_TEMPLATE_BYTES + 1];
    char other[TEND_LOG_TEMPLATE_BYTES + 1];
    const size_t count = template_behind(patterns, text, bytes, plain, " password=QxZvK", one);
    TEND_ASSERT(template_behind(patterns, text, bytes, plain, " password=WyJqM", other) == count);
    TEND_ASSERT(memcmp(one, other, count) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const masks[] = { "floor \\w+", "(a|b)+c" };
    struct tend_mask_patterns *patterns = NULL;
    TEND_ASSERT(tend_mask_patterns_create(masks, 2, &patterns, NULL) == TEND_OK);
    char *exact = malloc(size == 0 ? 1 : size); // of its own, so that a step past its end is seen
    TEND_ASSERT(exact != NULL);
    memcpy(exact, data, size);
    for (int plain = 0; plain < 2; plain++) {
        check_template(patterns, exact, size, plain == 1);
        check_secret(patterns, exact, size, plain == 1);
    }
    free(exact);
    tend_mask_patterns_destroy(patterns);
    return 0;
}
