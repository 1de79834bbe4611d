// file_sd files: what was read makes only whole URLs and labels that may be shown, and what was refused leaves nothing.

#include "base/status.h"
#include "driver/live/file_sd.c" // NOLINT(bugprone-suspicious-include): the driver's library is not linked here
#include "parse/url.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tend_file_sd file;
    tend_file_sd_init(&file);
    struct tend_error error = { "" };
    const enum tend_status status = tend_file_sd_parse((const char *)data, size, &file, &error);
    TEND_ASSERT(status == TEND_OK || (file.count == 0 && error.text[0] != '\0'));
    TEND_ASSERT((file.left_out == 0) == (file.reason.text[0] == '\0'));
    for (size_t i = 0; i < file.count; i++) {
        struct tend_url url;
        const struct tend_discovered *target = &file.targets[i];
        TEND_ASSERT(tend_url_parse(target->url, strlen(target->url), &url, NULL) == TEND_OK);
        const char *name = NULL;
        const json_t *value = NULL;
        json_object_foreach(target->labels, name, value)
        {
            TEND_ASSERT(strncmp(name, "__", 2) != 0 && json_is_string(value));
        }
    }
    tend_file_sd_clear(&file);
    return 0;
}
