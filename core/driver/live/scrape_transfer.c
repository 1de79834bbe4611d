// The kinds of failure are made here: of libcurl's result, of how far the transfer got, and of the decoder's word.

#include "driver/live/scrape_transfer.h"

#include "parse/exposition.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_BYTES_MAX = 64 * 1024,      // all headers of an answer together
    ERROR_BODY_BYTES_MAX = 64 * 1024,  // read and thrown away after a status other than 200
    BODY_BYTES_KEPT_MAX = 1024 * 1024, // a larger buffer is not kept for the next scrape
    SLOW_AFTER_MS = 30 * 1000,         // longer timeouts get a low-speed limit too
    SLOW_BYTES_PER_S = 100,
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct tend_scrape_transfer *transfer = context;
    const size_t byte_count = size * count;
    long status = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        transfer->error_body_bytes += byte_count;
        return transfer->error_body_bytes > ERROR_BODY_BYTES_MAX ? 0 : byte_count;
    }
    if (byte_count > transfer->body_bytes_max - transfer->body.size) {
        transfer->too_large = true;
        return 0;
    }
    tend_buffer_put(&transfer->body, bytes, byte_count);
    transfer->no_memory = transfer->body.failed;
    return transfer->body.failed ? 0 : byte_count;
}

// NOLINTNEXTLINE(readability-non-const-parameter): libcurl's signature
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    struct tend_scrape_transfer *transfer = context;
    transfer->header_bytes += size * count;
    if (transfer->header_bytes > HEADER_BYTES_MAX) {
        transfer->too_large = true;
        return 0;
    }
    return size * count;
}

struct tend_scrape_transfer *tend_scrape_transfer_create(size_t body_bytes_max, const char *ca_file)
{
    struct tend_scrape_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) {
        return NULL;
    }
    transfer->body_bytes_max = body_bytes_max;
    tend_buffer_init(&transfer->body);
    CURL *easy = curl_easy_init();
    transfer->easy = easy;
    if (easy == NULL || tend_curl_harden(easy, &transfer->progress) != TEND_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate") != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "tend/" TEND_VERSION) != CURLE_OK ||
        (ca_file != NULL && curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) != CURLE_OK)) {
        tend_scrape_transfer_destroy(transfer);
        return NULL;
    }
    return transfer;
}

void tend_scrape_transfer_destroy(struct tend_scrape_transfer *transfer)
{
    if (transfer == NULL) {
        return;
    }
    if (transfer->easy != NULL) {
        curl_easy_cleanup(transfer->easy);
    }
    tend_buffer_clear(&transfer->body);
    free(transfer);
}

enum tend_status tend_scrape_transfer_begin(struct tend_scrape_transfer *transfer, const char *url,
                                            struct curl_slist *headers, int64_t timeout_ms)
{
    transfer->timeout_ms = timeout_ms;
    transfer->header_bytes = 0;
    transfer->error_body_bytes = 0;
    transfer->too_large = false;
    transfer->no_memory = false;
    transfer->curl_error[0] = '\0';
    (void)clock_gettime(CLOCK_MONOTONIC, &transfer->begun);
    tend_curl_progress_clear(&transfer->progress);
    tend_buffer_reset(&transfer->body);
    const long limit_ms = (long)timeout_ms;
    const bool slow_limit = timeout_ms > SLOW_AFTER_MS;
    CURL *easy = transfer->easy;
    const bool is_set =
        curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit_ms) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, limit_ms) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, slow_limit ? (long)SLOW_BYTES_PER_S : 0L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, slow_limit ? SLOW_AFTER_MS / 1000L : 0L) == CURLE_OK;
    return is_set ? TEND_OK : TEND_E_NOMEM;
}

void tend_scrape_transfer_trim(struct tend_scrape_transfer *transfer)
{
    if (transfer->body.capacity > BODY_BYTES_KEPT_MAX || transfer->body.failed) {
        tend_buffer_clear(&transfer->body);
    }
}

struct outcome {
    enum tend_scrape_kind kind;
    struct tend_error *reason;
};

static void fail(struct outcome *outcome, enum tend_scrape_kind kind, const char *format, ...) TEND_PRINTF(3, 4);
static void fail(struct outcome *outcome, enum tend_scrape_kind kind, const char *format, ...)
{
    outcome->kind = kind;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(outcome->reason->text, sizeof outcome->reason->text, format, arguments);
    va_end(arguments);
    for (char *at = outcome->reason->text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') { // what a target wrote may be in here; it goes to terminals, logs and JSON
            *at = '?';
        }
    }
}

static void fail_of_time(const struct tend_scrape_transfer *transfer, struct outcome *outcome)
{
    const int64_t limit_ms = transfer->timeout_ms;
    if (!transfer->progress.resolved && !transfer->progress.request_sent) {
        fail(outcome, TEND_SCRAPE_RESOLVE, "the host name was not resolved in %" PRId64 " ms", limit_ms);
    } else if (!transfer->progress.request_sent && !transfer->progress.tls_begun) {
        fail(outcome, TEND_SCRAPE_CONNECT_TIMEOUT, "no answer to the connect to %s in %" PRId64 " ms",
             transfer->progress.address, limit_ms);
    } else if (!transfer->progress.request_sent) {
        fail(outcome, TEND_SCRAPE_TLS, "the TLS handshake was not done in %" PRId64 " ms", limit_ms);
    } else if (transfer->header_bytes == 0) {
        fail(outcome, TEND_SCRAPE_READ_TIMEOUT, "connected, but no answer in %" PRId64 " ms", limit_ms);
    } else {
        fail(outcome, TEND_SCRAPE_READ_TIMEOUT, "the answer was not whole in %" PRId64 " ms (%zu bytes of the body)",
             limit_ms, transfer->body.size);
    }
}

static void fail_of_connect(const struct tend_scrape_transfer *transfer, struct outcome *outcome)
{
    const struct tend_curl_progress *progress = &transfer->progress;
    long code = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &code);
    if (progress->denied) {
        fail(outcome, TEND_SCRAPE_RESOLVE, "%s is link-local or a metadata address, which is never scraped",
             progress->address);
    } else if (progress->socket_errno != 0) {
        fail(outcome, TEND_SCRAPE_SEND, "no socket here: %s", strerrordesc_np(progress->socket_errno));
    } else if (code == ECONNREFUSED || code == ECONNRESET) {
        fail(outcome, TEND_SCRAPE_REFUSED, "connection refused by %s", progress->address);
    } else {
        const char *text = strerrordesc_np((int)code);
        fail(outcome, TEND_SCRAPE_CONNECT_TIMEOUT, "cannot connect to %s: %s", progress->address,
             code == 0 || text == NULL ? transfer->curl_error : text);
    }
}

static void fail_of_write(const struct tend_scrape_transfer *transfer, struct outcome *outcome)
{
    long status = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->no_memory) {
        fail(outcome, TEND_SCRAPE_TOO_LARGE, "out of memory here after %zu bytes of the body", transfer->body.size);
    } else if (transfer->too_large && transfer->header_bytes > HEADER_BYTES_MAX) {
        fail(outcome, TEND_SCRAPE_TOO_LARGE, "headers over %d bytes", HEADER_BYTES_MAX);
    } else if (transfer->too_large) {
        fail(outcome, TEND_SCRAPE_TOO_LARGE, "body over %zu bytes (after decoding)", transfer->body_bytes_max);
    } else {
        fail(outcome, TEND_SCRAPE_HTTP_STATUS, "HTTP status %ld", status);
    }
}

static void fail_of_curl(const struct tend_scrape_transfer *transfer, CURLcode result, struct outcome *outcome)
{
    const char *text = transfer->curl_error[0] != '\0' ? transfer->curl_error : curl_easy_strerror(result);
    switch ((int)result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        fail(outcome, TEND_SCRAPE_RESOLVE, "%s", text);
        break;
    case CURLE_COULDNT_CONNECT:
        fail_of_connect(transfer, outcome);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        fail_of_time(transfer, outcome);
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        fail(outcome, TEND_SCRAPE_TLS, "%s", text);
        break;
    case CURLE_GOT_NOTHING:
        fail(outcome, TEND_SCRAPE_CLOSED_EARLY, "the peer closed the connection without an answer");
        break;
    case CURLE_PARTIAL_FILE:
        fail(outcome, TEND_SCRAPE_CLOSED_EARLY, "the peer closed the connection after %zu bytes of the body",
             transfer->body.size);
        break;
    case CURLE_RECV_ERROR: // also what libcurl says of a chunk that is none
        fail(outcome, strstr(text, "chunked") != NULL ? TEND_SCRAPE_PARSE : TEND_SCRAPE_CLOSED_EARLY, "%s", text);
        break;
    case CURLE_WRITE_ERROR:
        fail_of_write(transfer, outcome);
        break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: // HTTP/0.9, or no HTTP at all
    case CURLE_BAD_CONTENT_ENCODING:
        fail(outcome, TEND_SCRAPE_PARSE, "%s", text);
        break;
    default:
        fail(outcome, TEND_SCRAPE_SEND, "%s", text);
        break;
    }
}

static void decode(const struct tend_scrape_transfer *transfer, struct tend_decoder *decoder, struct outcome *outcome,
                   struct tend_event_scraped *scraped)
{
    long status = 0;
    const char *type = NULL;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    if (status != 200) {
        fail(outcome, TEND_SCRAPE_HTTP_STATUS, "HTTP status %ld", status);
        return;
    }
    const enum tend_exposition_format format = tend_exposition_format_of(type);
    if (format == TEND_EXPOSITION_NONE) {
        fail(outcome, TEND_SCRAPE_PARSE, "Content-Type %.100s is no exposition format", type == NULL ? "(none)" : type);
        return;
    }
    struct tend_error error = { "" };
    switch (tend_decoder_decode(decoder, tend_buffer_text(&transfer->body), transfer->body.size, format, NULL,
                                &scraped->layout, &scraped->values, &scraped->value_count, NULL, &error)) {
    case TEND_OK:
        outcome->kind = TEND_SCRAPE_OK;
        break;
    case TEND_E_LIMIT:
        fail(outcome, TEND_SCRAPE_TOO_LARGE, "%s", error.text);
        break;
    case TEND_E_NOMEM:
        fail(outcome, TEND_SCRAPE_TOO_LARGE, "out of memory here while decoding");
        break;
    case TEND_END:
    case TEND_E_INVALID:
    case TEND_E_OUT_OF_ORDER:
    case TEND_E_IO:
    case TEND_E_CORRUPT:
        fail(outcome, TEND_SCRAPE_PARSE, "%s", error.text);
        break;
    }
}

static double seconds_since(const struct timespec *begun)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begun->tv_sec) + (double)(now.tv_nsec - begun->tv_nsec) * 1e-9;
}

void tend_scrape_transfer_end(struct tend_scrape_transfer *transfer, CURLcode result, struct tend_decoder *decoder,
                              struct tend_event_scraped *scraped, struct tend_error *reason)
{
    reason->text[0] = '\0';
    scraped->duration_s = seconds_since(&transfer->begun);
    struct outcome outcome = { .kind = TEND_SCRAPE_OK, .reason = reason };
    if (result == CURLE_OK) {
        decode(transfer, decoder, &outcome, scraped);
    } else {
        fail_of_curl(transfer, result, &outcome);
    }
    scraped->kind = outcome.kind;
    scraped->reason = reason->text;
}
