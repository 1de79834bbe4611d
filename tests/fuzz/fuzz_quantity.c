// Values with a unit: "unit NUL value". What is accepted is finite, and has a form for people.

#include "base/status.h"
#include "parse/quantity.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *unit = (const char *)data;
    const char *nul = size == 0 ? NULL : memchr(unit, '\0', size);
    if (nul == NULL) {
        return 0;
    }
    const char *text = nul + 1;
    const size_t bytes = size - (size_t)(text - unit);
    char shown[TEND_QUANTITY_TEXT_BYTES];
    double value = 0;
    double bits = 0;
    enum tend_unit_family family = TEND_UNIT_PLAIN;
    bool has_unit = false;
    struct tend_error error = { "" };
    if (tend_quantity_parse(text, bytes, &value, &family, &has_unit, &error) == TEND_OK) {
        TEND_ASSERT(isfinite(value) && has_unit == (family != TEND_UNIT_PLAIN));
    } else {
        TEND_ASSERT(error.text[0] != '\0');
    }
    if (tend_quantity_parse_as(text, bytes, unit, &value, &error) == TEND_OK) {
        TEND_ASSERT(isfinite(value));
        TEND_ASSERT(strlen(tend_quantity_format(value, unit, shown)) < sizeof shown);
    }
    memcpy(&bits, text, bytes < sizeof bits ? bytes : sizeof bits);
    TEND_ASSERT(strlen(tend_quantity_format(bits, unit, shown)) < sizeof shown);
    return 0;
}
