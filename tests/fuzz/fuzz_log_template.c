// Log templates: any bytes give short printable text, twice the same, and digits never get through.

#include "locate/log_template.h"

#include "base/status.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size == 0 ? 1 : size); // of its own, so that a step past its end is seen
    TEND_ASSERT(exact != NULL);
    memcpy(exact, data, size);
    char first[TEND_LOG_TEMPLATE_BYTES + 1];
    char again[TEND_LOG_TEMPLATE_BYTES + 1];
    const size_t bytes = tend_log_template(exact, size, first);
    TEND_ASSERT(bytes <= TEND_LOG_TEMPLATE_BYTES && strlen(first) == bytes);
    for (size_t i = 0; i < bytes; i++) {
        TEND_ASSERT(isprint((unsigned char)first[i]) && !isdigit((unsigned char)first[i]));
    }
    TEND_ASSERT(tend_log_template(exact, size, again) == bytes && memcmp(first, again, bytes) == 0);
    free(exact);
    return 0;
}
