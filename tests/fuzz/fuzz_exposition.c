// Bodies of scrapes in both formats, with usual and with small limits, and Content-Type values. The first byte chooses.
// Whatever is accepted must keep the promises of exposition.h.

#include "base/status.h"
#include "parse/exposition.h"
#include "parse/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    const char *text;
    size_t bytes;
    size_t samples;
};

static enum tend_status check_sample(void *context, const struct tend_sample *sample)
{
    struct seen *seen = context;
    seen->samples++;
    TEND_ASSERT(sample->name_bytes > 0 && tend_utf8_valid(sample->name, sample->name_bytes));
    TEND_ASSERT(sample->series_text >= seen->text && sample->series_text_bytes > 0);
    TEND_ASSERT(sample->series_text + sample->series_text_bytes < seen->text + seen->bytes);
    TEND_ASSERT(memchr(sample->series_text, '\n', sample->series_text_bytes) == NULL);
    TEND_ASSERT(sample->has_timestamp || sample->timestamp_ms == 0);
    for (size_t i = 0; i < sample->label_count; i++) {
        const struct tend_label *label = &sample->labels[i];
        TEND_ASSERT(label->name_bytes > 0 && tend_utf8_valid(label->name, label->name_bytes));
        TEND_ASSERT(tend_utf8_valid(label->value, label->value_bytes));
        for (size_t j = 0; j < i; j++) {
            TEND_ASSERT(sample->labels[j].name_bytes != label->name_bytes ||
                        memcmp(sample->labels[j].name, label->name, label->name_bytes) != 0);
        }
    }
    return TEND_OK;
}

static void fuzz_content_type(const char *text, size_t bytes)
{
    char *copy = malloc(bytes + 1);
    TEND_ASSERT(copy != NULL);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    (void)tend_exposition_format_of(copy);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tend_exposition_limits small = { .samples = 3, .labels = 2, .name_bytes = 5, .value_bytes = 5 };
    if (size == 0) {
        return 0;
    }
    const uint8_t choice = data[0];
    const char *text = (const char *)data + 1;
    const size_t bytes = size - 1;
    if ((choice & 4) != 0) {
        fuzz_content_type(text, bytes);
        return 0;
    }
    const enum tend_exposition_format format =
        (choice & 1) != 0 ? TEND_EXPOSITION_OPENMETRICS : TEND_EXPOSITION_PROMETHEUS;
    struct seen seen = { .text = text, .bytes = bytes };
    struct tend_parse_error error = { .line = 0 };
    const struct tend_exposition_limits *limits = (choice & 2) != 0 ? &small : NULL;
    const enum tend_status status = tend_exposition_parse(text, bytes, format, limits, check_sample, &seen, &error);
    if (status == TEND_OK) {
        TEND_ASSERT(limits == NULL || seen.samples <= limits->samples);
    } else {
        TEND_ASSERT(error.line > 0 && error.fault.text[0] != '\0');
    }
    return 0;
}
