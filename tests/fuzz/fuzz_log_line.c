// From the bytes of a line to its template, as the daemon does it: whatever they are, the template is short printable
// ASCII, twice the same, and nothing of a password is in it.

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

static const char planted[] = "QxZvK"; // no input has it but where it is put

static size_t template_of(struct tend_mask_patterns *patterns, const char *text, size_t bytes, bool plain, char *out)
{
    static char scratch[TEND_LINE_MESSAGE_BYTES];
    static char message[2 * TEND_LINE_MESSAGE_BYTES];
    static char masked[2 * TEND_LINE_MESSAGE_BYTES];
    struct tend_line line;
    tend_line_read(text, bytes, plain ? TEND_LINE_PLAIN : TEND_LINE_ANY, scratch, &line);
    TEND_ASSERT(line.bytes <= TEND_LINE_MESSAGE_BYTES);
    memcpy(message, line.message, line.bytes);
    const size_t own = tend_mask_patterns_apply(patterns, message, line.bytes, sizeof message);
    TEND_ASSERT(own <= sizeof message);
    const size_t count = tend_secret_mask(message, own, masked, sizeof masked);
    TEND_ASSERT(count <= sizeof masked);
    return tend_log_template(masked, count, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const masks[] = { "floor \\w+", "(a|b)+c" };
    struct tend_mask_patterns *patterns = NULL;
    TEND_ASSERT(tend_mask_patterns_create(masks, 2, &patterns, NULL) == TEND_OK);
    const size_t room = size + 64;
    char *exact = malloc(size == 0 ? 1 : size); // of its own, so that a step past its end is seen
    char *with_secret = malloc(room);
    TEND_ASSERT(exact != NULL && with_secret != NULL);
    memcpy(exact, data, size);
    for (int plain = 0; plain < 2; plain++) {
        char first[TEND_LOG_TEMPLATE_BYTES + 1];
        char again[TEND_LOG_TEMPLATE_BYTES + 1];
        const size_t bytes = template_of(patterns, exact, size, plain, first);
        TEND_ASSERT(bytes <= TEND_LOG_TEMPLATE_BYTES && strlen(first) == bytes);
        for (size_t i = 0; i < bytes; i++) {
            TEND_ASSERT(isprint((unsigned char)first[i]) && !isdigit((unsigned char)first[i]));
        }
        TEND_ASSERT(template_of(patterns, exact, size, plain, again) == bytes && memcmp(first, again, bytes) == 0);
        // " password=QxZvK" behind any bytes that are no part of the name
        if (memmem(exact, size, planted, sizeof planted - 1) == NULL) {
            static const char secret[] = " password=QxZvK";
            memcpy(with_secret, exact, size);
            memcpy(with_secret + size, secret, sizeof secret - 1);
            (void)template_of(patterns, with_secret, size + sizeof secret - 1, plain, first);
            TEND_ASSERT(strstr(first, planted) == NULL);
        }
    }
    free(with_secret);
    free(exact);
    tend_mask_patterns_destroy(patterns);
    return 0;
}
