// Log export: whatever is taken for a log, the lines that it is refused at are its own, and nothing is read past its
// end.

#include "locate/log_export.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lines(const char *text, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096) {
        return 0;
    }
    char *text = malloc(size); // of its own, so that a step past its end is seen
    struct tend_log_book *book;
    TEND_ASSERT(text != NULL && tend_log_book_create(NULL, &book) == TEND_OK);
    memcpy(text, data, size);
    struct tend_error error = { "" };
    size_t line = 0;
    const enum tend_status status = tend_log_export_read(book, text, size, &line, &error);
    TEND_ASSERT((status == TEND_OK) == (error.text[0] == '\0'));
    TEND_ASSERT(status == TEND_OK || (line >= 1 && line <= count_lines(text, size)));
    json_decref(tend_log_book_evidence(book, 1772445600, 60));
    tend_log_book_destroy(book);
    free(text);
    return 0;
}
