// Names of the scrape kinds, both ways.

#include "series/scrape_kind.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
    [TEND_SCRAPE_OK] = "OK",
    [TEND_SCRAPE_RESOLVE] = "RESOLVE",
    [TEND_SCRAPE_REFUSED] = "REFUSED",
    [TEND_SCRAPE_CONNECT_TIMEOUT] = "CONNECT_TIMEOUT",
    [TEND_SCRAPE_TLS] = "TLS",
    [TEND_SCRAPE_SEND] = "SEND",
    [TEND_SCRAPE_READ_TIMEOUT] = "READ_TIMEOUT",
    [TEND_SCRAPE_CLOSED_EARLY] = "CLOSED_EARLY",
    [TEND_SCRAPE_HTTP_STATUS] = "HTTP_STATUS",
    [TEND_SCRAPE_TOO_LARGE] = "TOO_LARGE",
    [TEND_SCRAPE_PARSE] = "PARSE",
};

const char *tend_scrape_kind_text(enum tend_scrape_kind kind)
{
    return names[kind];
}

int tend_scrape_kind_parse(const char *text)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}
