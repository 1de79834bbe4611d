// Names are numbers, so that they sort, and that a name says which segment is the newer one.

#include "recording/segment_list.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char suffix[] = ".tendrec";
enum { DIGITS = 12 };

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static bool parse_name(const char *name, uint64_t *number)
{
    const size_t digits = strspn(name, "0123456789");
    if (digits != DIGITS || strcmp(name + digits, suffix) != 0) {
        return false;
    }
    *number = strtoull(name, NULL, 10);
    return true;
}

enum tend_status tend_segment_list_read(const char *directory, struct tend_segment_list *out, struct tend_error *error)
{
    DIR *dir = opendir(directory);
    if (dir == NULL) {
        const char *cause = strerrordesc_np(errno);
        tend_error_set(error, "cannot open %s: %s", directory, cause == NULL ? "unknown error" : cause);
        return TEND_E_IO;
    }
    struct tend_segment_list list = { .numbers = NULL };
    enum tend_status status = TEND_OK;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): this stream is this thread's alone
    for (const struct dirent *entry; status == TEND_OK && (entry = readdir(dir)) != NULL;) {
        uint64_t number;
        if (!parse_name(entry->d_name, &number)) {
            continue;
        }
        uint64_t *grown = reallocarray(list.numbers, list.count + 1, sizeof *grown);
        if (grown == NULL) {
            tend_error_set(error, "out of memory");
            status = TEND_E_NOMEM;
            continue;
        }
        list.numbers = grown;
        list.numbers[list.count++] = number;
    }
    (void)closedir(dir);
    if (status != TEND_OK) {
        tend_segment_list_clear(&list);
        return status;
    }
    if (list.count > 0) {
        qsort(list.numbers, list.count, sizeof list.numbers[0], compare_numbers);
    }
    *out = list;
    return TEND_OK;
}

void tend_segment_list_clear(struct tend_segment_list *list)
{
    free(list->numbers);
    *list = (struct tend_segment_list){ .numbers = NULL };
}

char *tend_segment_path(const char *directory, uint64_t number)
{
    char *path;
    return asprintf(&path, "%s/%0*" PRIu64 "%s", directory, DIGITS, number, suffix) < 0 ? NULL : path;
}
