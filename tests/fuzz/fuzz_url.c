// URLs and targets. A target that was made whole is a URL and whole already; what is shown has printable bytes only and
// no credentials.

#include "base/status.h"
#include "parse/url.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_target(const char *text, size_t bytes)
{
    struct tend_buffer whole;
    struct tend_buffer again;
    tend_buffer_init(&whole);
    tend_buffer_init(&again);
    if (tend_url_of_target(text, bytes, &whole, NULL) == TEND_OK) {
        struct tend_url url;
        TEND_ASSERT(whole.size > 4096 || tend_url_parse(whole.data, whole.size, &url, NULL) == TEND_OK);
        if (whole.size <= 4096) {
            TEND_ASSERT(url.target.bytes > 0 && url.target.text[0] == '/');
            TEND_ASSERT(tend_url_of_target(whole.data, whole.size, &again, NULL) == TEND_OK);
            TEND_ASSERT(again.size == whole.size && memcmp(again.data, whole.data, whole.size) == 0);
        }
    } else {
        TEND_ASSERT(whole.size == 0);
    }
    tend_buffer_clear(&whole);
    tend_buffer_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct tend_url url;
    struct tend_error error = { "" };
    const enum tend_status status = tend_url_parse(text, size, &url, &error);
    TEND_ASSERT(status == TEND_OK || error.text[0] != '\0');
    if (status == TEND_OK) {
        TEND_ASSERT(url.host.bytes > 0 && url.port > 0);
    }
    check_target(text, size);
    struct tend_buffer shown;
    tend_buffer_init(&shown);
    tend_url_redact(text, size, &shown);
    for (size_t i = 0; i < shown.size; i++) {
        TEND_ASSERT(shown.data[i] > 0x20 && shown.data[i] < 0x7f);
    }
    const size_t host_at = status == TEND_OK && url.credentials.text != NULL ? (url.https ? 8 : 7) : 0;
    TEND_ASSERT(host_at == 0 || strncmp(tend_buffer_text(&shown) + host_at, "***@", 4) == 0);
    tend_buffer_clear(&shown);
    return 0;
}
