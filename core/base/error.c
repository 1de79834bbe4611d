// Status texts, error messages and the failing assertion.

#include "base/status.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tend_status_text(enum tend_status status)
{
    switch (status) {
    case TEND_OK:
        return "ok";
    case TEND_E_NOMEM:
        return "out of memory";
    case TEND_E_INVALID:
        return "invalid input";
    case TEND_E_LIMIT:
        return "over a limit";
    case TEND_E_OUT_OF_ORDER:
        return "out of order";
    case TEND_E_IO:
        return "input or output failed";
    case TEND_E_CORRUPT:
        return "corrupt data";
    case TEND_END:
        return "the end";
    }
    return "unknown status";
}

void tend_error_set(struct tend_error *error, const char *format, ...)
{
    if (error == NULL) {
        return;
    }
    static const char ellipsis[] = "…";
    va_list arguments;
    va_start(arguments, format);
    const int wanted = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (wanted < 0) {
        error->text[0] = '\0';
    } else if ((size_t)wanted < sizeof error->text) {
        tend_text_mend(error->text);
    } else {
        error->text[sizeof error->text - sizeof ellipsis] = '\0';
        tend_text_mend(error->text); // it may have been cut within a character
        const size_t kept = strlen(error->text);
        memcpy(error->text + kept, ellipsis, sizeof ellipsis);
    }
}

void tend_assert_failed(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: invariant does not hold: %s\n", file, line, what);
    abort();
}
