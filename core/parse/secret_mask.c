// One pass. Where a word begins, each kind of secret is asked how many bytes of it begin there; the longest is masked.

#include "parse/secret_mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum {
    KEY_BYTES_MAX = 64,
    BEARER_BYTES_MIN = 4,
    TOKEN_BYTES_MIN = 12,  // behind a prefix that is only used for keys
    BASE64_BYTES_MIN = 32, // of a run that mixes cases and digits
    BASE64_LINE_BYTES_MIN = 40,
    CARD_DIGITS_MIN = 13,
    CARD_DIGITS_MAX = 19,
};

struct text {
    const char *at;
    const char *end;
};

static bool is_token_byte(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("-._~+/=", c) != NULL);
}

static bool is_key_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t run_of(struct text text, bool (*is_part)(char c))
{
    const char *at = text.at;
    while (at < text.end && is_part(*at)) {
        at++;
    }
    return (size_t)(at - text.at);
}

static bool begins_with(struct text text, const char *word)
{
    const size_t bytes = strlen(word);
    return (size_t)(text.end - text.at) >= bytes && strncasecmp(text.at, word, bytes) == 0;
}

// "Bearer eyJ…": the bytes of the scheme and of the blanks behind it; 0: no scheme of a credential.
static size_t scheme_bytes(struct text text)
{
    static const char *const schemes[] = { "bearer", "basic", "digest", "negotiate", NULL };
    for (size_t i = 0; schemes[i] != NULL; i++) {
        const size_t bytes = strlen(schemes[i]);
        if (!begins_with(text, schemes[i])) {
            continue;
        }
        const size_t blanks = run_of((struct text){ text.at + bytes, text.end }, is_blank);
        return blanks == 0 ? 0 : bytes + blanks;
    }
    return 0;
}

static bool is_secret_key(const char *key, size_t bytes)
{
    static const char *const parts[] = {
        "passw",      "passphrase",    "pwd",        "secret",     "token",      "apikey",      "api_key",
        "api-key",    "accesskey",     "access_key", "access-key", "privatekey", "private_key", "private-key",
        "credential", "authorization", "cookie",     "session_id", "sessionid",  "signature",   NULL
    };
    for (size_t i = 0; parts[i] != NULL; i++) {
        const size_t part = strlen(parts[i]);
        for (size_t at = 0; at + part <= bytes; at++) {
            if (strncasecmp(key + at, parts[i], part) == 0) {
                return true;
            }
        }
    }
    return false;
}

// The bytes of a value: in quotes up to the closing one, else up to what separates.
static size_t value_bytes(struct text text, bool to_the_end)
{
    if (text.at == text.end) {
        return 0;
    }
    const char quote = *text.at;
    const bool is_quoted = quote == '"' || quote == '\'' || quote == '`';
    size_t count = is_quoted ? 1 : 0;
    for (; text.at + count < text.end; count++) {
        const char c = text.at[count];
        if (is_quoted && c == '\\') {
            count++;
        } else if (is_quoted
                       ? c == quote
                       : (!to_the_end && (isspace((unsigned char)c) || (c != '\0' && strchr(",;&)}]\"", c) != NULL)))) {
            return count + (is_quoted ? 1 : 0);
        }
    }
    return (size_t)(text.end - text.at);
}

// At a name: the bytes of `name = ` when it is that of a secret, and in *value those of the value behind it.
static size_t secret_assignment(struct text text, size_t *value)
{
    const size_t key = run_of(text, is_key_byte);
    if (key == 0 || key > KEY_BYTES_MAX || !is_secret_key(text.at, key)) {
        return 0;
    }
    const char *at = text.at + key;
    const bool is_option = text.at[0] == '-';
    at += at < text.end && (*at == '"' || *at == '\'') ? 1 : 0;
    at += at < text.end && *at == '\\' ? 2 : 0; // JSON within JSON: \"
    at = at > text.end ? text.end : at;
    const char *const after_key = at;
    at += run_of((struct text){ at, text.end }, is_blank);
    if (at < text.end && (*at == ':' || *at == '=')) {
        at++;
        at += at < text.end && (*at == '>' || *at == '=') ? 1 : 0;
        at += run_of((struct text){ at, text.end }, is_blank);
    } else if (!is_option || at == after_key) {
        return 0;
    }
    const struct text behind = { at, text.end };
    const size_t scheme = scheme_bytes(behind);
    const bool is_cookie = strncasecmp(text.at, "cookie", 6) == 0 || strncasecmp(text.at, "set-cookie", 10) == 0;
    *value = scheme + value_bytes((struct text){ at + scheme, text.end }, is_cookie);
    return *value == 0 ? 0 : (size_t)(at - text.at);
}

static size_t known_token(struct text text)
{
    static const char *const prefixes[] = { "eyJ",   "AKIA",  "ASIA",     "ABIA",     "ACCA",        "ghp_",
                                            "gho_",  "ghs_",  "ghu_",     "glpat-",   "github_pat_", "xoxb-",
                                            "xoxp-", "xoxa-", "sk_live_", "rk_live_", "sk_test_",    "AIza",
                                            "npm_",  "hvs.",  "dop_v1_",  "SG.",      "sk-",         NULL };
    for (size_t i = 0; prefixes[i] != NULL; i++) {
        const size_t bytes = strlen(prefixes[i]);
        if ((size_t)(text.end - text.at) >= bytes && memcmp(text.at, prefixes[i], bytes) == 0) {
            const size_t run = run_of(text, is_token_byte);
            return run >= bytes + TOKEN_BYTES_MIN ? run : 0;
        }
    }
    return 0;
}

static bool is_mailbox_byte(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("._%+-", c) != NULL);
}

static size_t mail_address(struct text text)
{
    const size_t box = run_of(text, is_mailbox_byte);
    const char *at = text.at + box;
    if (box == 0 || at >= text.end || *at != '@') {
        return 0;
    }
    const size_t domain = run_of((struct text){ at + 1, text.end }, is_key_byte);
    return domain == 0 ? 0 : box + 1 + domain;
}

// At the text behind "://": the bytes up to the "@" that ends a user and password.
static size_t user_info(struct text text)
{
    for (const char *at = text.at; at < text.end && at - text.at < 512; at++) {
        if (*at == '@') {
            return (size_t)(at - text.at);
        }
        if (isspace((unsigned char)*at) || *at == '/' || *at == '?' || *at == '#' || *at == '"') {
            return 0;
        }
    }
    return 0;
}

static bool is_base64_byte(char c)
{
    return isalnum((unsigned char)c) || c == '+' || c == '/' || c == '=';
}

// A long run that mixes what words and paths do not mix.
static size_t long_base64(struct text text)
{
    const size_t run = run_of(text, is_base64_byte);
    if (run < BASE64_BYTES_MIN || *text.at == '/') {
        return 0;
    }
    bool lower = false;
    bool upper = false;
    bool other = false;
    for (size_t i = 0; i < run; i++) {
        lower = lower || islower((unsigned char)text.at[i]);
        upper = upper || isupper((unsigned char)text.at[i]);
        other = other || isdigit((unsigned char)text.at[i]) || text.at[i] == '+' || text.at[i] == '=';
    }
    return lower && upper && other ? run : 0;
}

static size_t card_number(struct text text)
{
    size_t digits = 0;
    const char *at = text.at;
    const char *end = at;
    for (; at < text.end && (isdigit((unsigned char)*at) || *at == ' ' || *at == '-'); at++) {
        if (isdigit((unsigned char)*at)) {
            digits++;
            end = at + 1;
        } else if (at + 1 >= text.end || !isdigit((unsigned char)at[1])) {
            break;
        }
    }
    return digits >= CARD_DIGITS_MIN && digits <= CARD_DIGITS_MAX ? (size_t)(end - text.at) : 0;
}

struct output {
    char *bytes;
    size_t count;
    size_t most;
};

static void put(struct output *out, const char *bytes, size_t count)
{
    const size_t room = out->most - out->count;
    const size_t some = count < room ? count : room;
    memcpy(out->bytes + out->count, bytes, some);
    out->count += some;
}

static void put_mask(struct output *out)
{
    put(out, "<*>", 3);
}

// Where a word begins. @return the bytes that were taken care of; 0: it is no secret
static size_t mask_word(struct text text, struct output *out)
{
    size_t value = 0;
    const size_t head = secret_assignment(text, &value);
    const size_t scheme = head == 0 ? scheme_bytes(text) : 0;
    if (head > 0) {
        put(out, text.at, head);
        put_mask(out);
        return head + value;
    }
    if (scheme > 0) {
        const size_t token = run_of((struct text){ text.at + scheme, text.end }, is_token_byte);
        if (token >= BEARER_BYTES_MIN) {
            put(out, text.at, scheme);
            put_mask(out);
            return scheme + token;
        }
    }
    static size_t (*const kinds[])(struct text text) = { known_token, mail_address, long_base64, card_number };
    size_t most = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const size_t bytes = kinds[i](text);
        most = bytes > most ? bytes : most;
    }
    if (most > 0) {
        put_mask(out);
    }
    return most;
}

size_t tend_secret_mask(const char *text, size_t bytes, char *out, size_t out_bytes)
{
    struct output output = { .bytes = out, .most = out_bytes };
    const struct text all = { text, text + bytes };
    if (bytes >= BASE64_LINE_BYTES_MIN && run_of(all, is_base64_byte) == bytes) {
        put_mask(&output); // a line of a key or a certificate
        return output.count;
    }
    bool begins = true; // whether a word may begin here
    for (size_t at = 0; at < bytes && output.count < out_bytes;) {
        const struct text left = { text + at, text + bytes };
        size_t taken = begins && is_key_byte(text[at]) ? mask_word(left, &output) : 0;
        if (taken == 0 && bytes - at > 3 && memcmp(text + at, "://", 3) == 0) {
            const size_t user = user_info((struct text){ text + at + 3, text + bytes });
            if (user > 0) {
                put(&output, "://", 3);
                put_mask(&output);
                taken = 3 + user;
            }
        }
        if (taken == 0) {
            put(&output, text + at, 1);
            taken = 1;
        }
        at += taken;
        begins = at > 0 && at <= bytes && !is_key_byte(text[at - 1]);
    }
    return output.count;
}
