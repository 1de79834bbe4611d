#include "cli/html_page.h"

#include "cli/html_text.h"
#include "cli/simulation_page_assets.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static void put_hash(struct tend_buffer *out, const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char base64[EVP_MAX_MD_SIZE * 2];
    unsigned bytes = 0;
    if (EVP_Digest(text, strlen(text), digest, &bytes, EVP_sha256(), NULL) != 1) {
        out->failed = true;
        return;
    }
    (void)EVP_EncodeBlock(base64, digest, (int)bytes);
    tend_buffer_printf(out, "'sha256-%s'", (const char *)base64);
}

void tend_html_page_begin(struct tend_buffer *out, const char *title, const char *script)
{
    tend_buffer_put_text(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
    put_hash(out, tend_simulation_page_css);
    if (script != NULL) {
        tend_buffer_put_text(out, "; script-src ");
        put_hash(out, script);
    }
    tend_buffer_put_text(out, "; base-uri 'none'; form-action 'none'\">\n"
                              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    tend_html_put(out, title);
    tend_buffer_put_text(out, "</title>\n<style>");
    tend_buffer_put_text(out, tend_simulation_page_css);
    tend_buffer_put_text(out, "</style>\n</head>\n<body>\n");
}

enum tend_status tend_html_page_write(const struct tend_buffer *page, const char *path, struct tend_error *error)
{
    if (page->failed) {
        tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
        return TEND_E_NOMEM;
    }
    errno = 0;
    FILE *file = fopen(path, "we");
    bool written = file != NULL && fwrite(page->data, 1, page->size, file) == page->size;
    written = file != NULL && fclose(file) == 0 && written;
    if (!written) {
        tend_error_set(error, "%s: %s", path, strerror(errno)); // NOLINT(concurrency-mt-unsafe): one thread
    }
    return written ? TEND_OK : TEND_E_IO;
}
