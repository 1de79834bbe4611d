// RFC 3986 with everything refused on which parsers of the world disagree: backslashes, more than one "@", hosts that
// only look like addresses ("127.1", "0x7f.1"), escapes in the host. Nothing is decoded: what is sent is what was
// written.

#include "parse/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LONGEST_URL_BYTES = 4096, LONGEST_HOST_BYTES = 253 };

static enum tend_status fail(struct tend_error *error, const char *text, size_t bytes, const char *what)
{
    if (error != NULL) {
        struct tend_buffer shown;
        tend_buffer_init(&shown);
        tend_url_redact(text, bytes, &shown);
        tend_error_set(error, "%.200s%s: %s", tend_buffer_text(&shown), shown.size > 200 ? "…" : "", what);
        tend_buffer_clear(&shown);
    }
    return TEND_E_INVALID;
}

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static const char *find_byte(const char *at, const char *end, char byte)
{
    return at == end ? NULL : memchr(at, byte, (size_t)(end - at));
}

// What is wrong with any of the bytes, or NULL.
static const char *fault_in_bytes(const char *text, const char *end)
{
    for (const char *at = text; at < end; at++) {
        const unsigned char byte = (unsigned char)*at;
        if (byte <= 0x20 || byte >= 0x7f) {
            return "a URL may hold neither blanks nor control characters nor bytes outside ASCII; write them as %20 "
                   "and so on";
        }
        if (strchr("\"<>\\^`{|}", *at) != NULL) {
            return "a URL may hold none of \" < > \\ ^ ` { | }";
        }
        if (*at == '#') {
            return "a fragment (\"#…\") is never sent; leave it out";
        }
        if (*at == '%' && (end - at < 3 || !is_hex(at[1]) || !is_hex(at[2]))) {
            return "a \"%\" must be followed by two hexadecimal digits";
        }
    }
    return NULL;
}

static bool is_address(int family, const char *text, size_t bytes)
{
    char copy[64];
    unsigned char address[16];
    if (bytes >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return inet_pton(family, copy, address) == 1;
}

static bool is_host_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '-' || byte == '_' || byte == '.';
}

// A host whose last label is a number would be taken as an IPv4 address in some odd notation.
static bool looks_numeric(const char *host, size_t bytes)
{
    const char *end = host + bytes;
    if (bytes > 0 && end[-1] == '.') {
        end--;
    }
    const char *label = end;
    while (label > host && label[-1] != '.') {
        label--;
    }
    if (end - label > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X')) {
        return true;
    }
    for (const char *at = label; at < end; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
    }
    return label < end;
}

static const char *fault_in_host(const char *host, size_t bytes)
{
    if (bytes == 0) {
        return "the host is missing";
    }
    if (bytes > LONGEST_HOST_BYTES) {
        return "the host is too long";
    }
    for (size_t i = 0; i < bytes; i++) {
        if (!is_host_byte(host[i])) {
            return "the host may hold letters, digits, \"-\", \"_\" and \".\"; an IPv6 address stands in brackets";
        }
        if (host[i] == '.' && (i == 0 || host[i - 1] == '.')) {
            return "the host has an empty part";
        }
    }
    if (looks_numeric(host, bytes) && !is_address(AF_INET, host, bytes)) {
        return "the host is no IPv4 address; write four numbers, like 127.0.0.1";
    }
    return NULL;
}

static const char *read_port(const char *at, const char *end, struct tend_url *url)
{
    unsigned port = 0;
    for (const char *digit = at; digit < end; digit++) {
        if (*digit < '0' || *digit > '9' || digit - at >= 5) {
            return "the port is no number from 1 to 65535";
        }
        port = port * 10 + (unsigned)(*digit - '0');
    }
    if (port == 0 || port > 65535) {
        return "the port is no number from 1 to 65535";
    }
    url->port = (uint16_t)port;
    url->has_port = true;
    return NULL;
}

// [credentials@]host[:port]
static const char *read_authority(const char *at, const char *end, struct tend_url *url)
{
    const char *sign = find_byte(at, end, '@');
    if (sign != NULL) {
        url->credentials = (struct tend_url_part){ .text = at, .bytes = (size_t)(sign - at) };
        at = sign + 1;
        if (find_byte(at, end, '@') != NULL) {
            return "there is more than one \"@\"; in a password write it as %40";
        }
    }
    const char *host_end;
    if (at < end && *at == '[') {
        const char *bracket = find_byte(at, end, ']');
        if (bracket == NULL || !is_address(AF_INET6, at + 1, (size_t)(bracket - at - 1))) {
            return "the host is no IPv6 address in brackets, like [::1]";
        }
        url->is_ipv6 = true;
        url->host = (struct tend_url_part){ .text = at + 1, .bytes = (size_t)(bracket - at - 1) };
        host_end = bracket + 1;
    } else {
        const char *colon = find_byte(at, end, ':');
        host_end = colon == NULL ? end : colon;
        url->host = (struct tend_url_part){ .text = at, .bytes = (size_t)(host_end - at) };
        const char *fault = fault_in_host(at, url->host.bytes);
        if (fault != NULL) {
            return fault;
        }
    }
    if (host_end == end) {
        return NULL;
    }
    return *host_end == ':' ? read_port(host_end + 1, end, url) : "something follows the host's \"]\"";
}

static const char *find_authority_end(const char *at, const char *end)
{
    while (at < end && *at != '/' && *at != '?' && *at != '#') {
        at++;
    }
    return at;
}

static bool has_prefix(const char *text, size_t bytes, const char *prefix)
{
    const size_t prefix_bytes = strlen(prefix);
    return bytes >= prefix_bytes && strncasecmp(text, prefix, prefix_bytes) == 0;
}

// Splits what follows "scheme://", from `rest` on. @return what is wrong, or NULL
static const char *split_rest(const char *text, size_t bytes, const char *rest, struct tend_url *url)
{
    const char *end = text + bytes;
    const char *fault = fault_in_bytes(text, end);
    if (fault != NULL) {
        return fault;
    }
    const char *authority_end = find_authority_end(rest, end);
    url->target = (struct tend_url_part){ .text = authority_end, .bytes = (size_t)(end - authority_end) };
    return read_authority(rest, authority_end, url);
}

// Splits a whole URL. @return what is wrong, or NULL
static const char *split(const char *text, size_t bytes, struct tend_url *url)
{
    *url = (struct tend_url){ .port = 80 };
    if (has_prefix(text, bytes, "http://")) {
        return split_rest(text, bytes, text + strlen("http://"), url);
    }
    if (has_prefix(text, bytes, "https://")) {
        url->https = true;
        url->port = 443;
        return split_rest(text, bytes, text + strlen("https://"), url);
    }
    return "the URL must begin with http:// or https://";
}

static enum tend_status check_length(size_t bytes, struct tend_error *error)
{
    if (bytes <= LONGEST_URL_BYTES) {
        return TEND_OK;
    }
    tend_error_set(error, "the URL has %zu bytes, the limit is %d", bytes, LONGEST_URL_BYTES);
    return TEND_E_LIMIT;
}

enum tend_status tend_url_parse(const char *text, size_t bytes, struct tend_url *out, struct tend_error *error)
{
    const enum tend_status status = check_length(bytes, error);
    if (status != TEND_OK) {
        return status;
    }
    struct tend_url url;
    const char *fault = split(text, bytes, &url);
    if (fault != NULL) {
        return fail(error, text, bytes, fault);
    }
    *out = url;
    return TEND_OK;
}

// Whether the first "/" is that of a "://".
static bool has_scheme(const char *text, size_t bytes)
{
    const char *end = text + bytes;
    const char *slash = find_authority_end(text, end);
    return slash > text && slash[-1] == ':' && end - slash >= 2 && slash[0] == '/' && slash[1] == '/';
}

enum tend_status tend_url_of_target(const char *text, size_t bytes, struct tend_buffer *out, struct tend_error *error)
{
    const enum tend_status status = check_length(bytes, error);
    if (status != TEND_OK) {
        return status;
    }
    struct tend_url url = { .port = 80 };
    const bool whole = has_scheme(text, bytes);
    const char *fault = whole ? split(text, bytes, &url) : split_rest(text, bytes, text, &url);
    if (fault != NULL) {
        return fail(error, text, bytes, fault);
    }
    const size_t size_before = out->size;
    tend_buffer_put_text(out, url.https ? "https://" : "http://");
    if (url.credentials.text != NULL) {
        tend_buffer_put(out, url.credentials.text, url.credentials.bytes);
        tend_buffer_put_text(out, "@");
    }
    tend_buffer_put_text(out, url.is_ipv6 ? "[" : "");
    tend_buffer_put(out, url.host.text, url.host.bytes);
    tend_buffer_put_text(out, url.is_ipv6 ? "]" : "");
    if (url.has_port) {
        tend_buffer_printf(out, ":%u", (unsigned)url.port);
    }
    if (url.target.bytes == 0 || *url.target.text != '/') {
        tend_buffer_put_text(out, "/metrics");
    }
    tend_buffer_put(out, url.target.text, url.target.bytes);
    if (out->failed) {
        out->size = size_before;
        tend_error_set(error, "out of memory");
        return TEND_E_NOMEM;
    }
    return TEND_OK;
}

void tend_url_redact(const char *text, size_t bytes, struct tend_buffer *out)
{
    const char *end = text + bytes;
    const char *hidden = NULL; // the first byte of the credentials
    const char *sign = NULL;   // the "@" after them
    struct tend_url url;
    if (split(text, bytes, &url) == NULL) {
        hidden = url.credentials.text;
        sign = hidden == NULL ? NULL : hidden + url.credentials.bytes;
    } else if (bytes > 0) {
        // Where the credentials of an invalid URL end is anybody's guess, so all up to the last "@" goes.
        sign = memrchr(text, '@', bytes);
        const char *scheme = memmem(text, bytes, "://", 3);
        hidden = scheme != NULL && scheme + 3 <= sign ? scheme + 3 : text;
    }
    for (const char *at = text; at < end; at++) {
        if (sign != NULL && at == hidden) {
            tend_buffer_put_text(out, "***");
            at = sign;
        }
        const unsigned char byte = (unsigned char)*at;
        if (byte <= 0x20 || byte >= 0x7f) {
            tend_buffer_printf(out, "\\x%02x", (unsigned)byte);
        } else {
            tend_buffer_put_u8(out, byte);
        }
    }
}
