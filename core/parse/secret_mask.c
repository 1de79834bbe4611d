// One pass. Where a word begins, each kind of secret is asked how many bytes of it begin there; the longest is masked.
// A run that was looked through for nothing is not looked through again from its later words: the time that a message
// takes grows with its length, whatever it is made of.

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
    CARD_DIGITS_MIN = 13,
    CARD_DIGITS_MAX = 19,
};

struct text {
    const char *at;
    const char *end;
};

static bool is_letter_or_digit(char c) // of ASCII, whatever the locale, and quick: it is asked of every byte
{
    return (unsigned)(c - '0') < 10 || (unsigned)((c | 0x20) - 'a') < 26;
}

static bool is_key_byte(char c)
{
    return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
}

static bool is_token_byte(char c)
{
    return is_key_byte(c) || c == '~' || c == '+' || c == '/' || c == '=';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline size_t run_of(struct text text, bool (*is_part)(char c))
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
    for (size_t at = 0; at + 3 <= bytes; at++) {
        if (strchr("pstackPSTACK", key[at]) == NULL) {
            continue; // none of them begins so
        }
        for (size_t i = 0; parts[i] != NULL; i++) {
            if ((key[at] | 0x20) == parts[i][0] && begins_with((struct text){ key + at, key + bytes }, parts[i])) {
                return true;
            }
        }
    }
    return false;
}

static bool is_separator(char c)
{
    return isspace((unsigned char)c) || (c != '\0' && strchr(",;&)}]\"", c) != NULL);
}

// The bytes up to the quote that closes, it included; without one all is meant.
static size_t quoted_bytes(struct text text, size_t opening)
{
    const char quote = text.at[opening - 1];
    for (size_t count = opening; text.at + count < text.end; count++) {
        if (text.at[count] == '\\' && opening == 1) {
            count++;
        } else if (text.at[count] == quote) {
            return count + 1;
        }
    }
    return (size_t)(text.end - text.at);
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'' || c == '`';
}

// The bytes of a value: in quotes up to the closing one (JSON within JSON has a backslash before each), else up to what
// separates.
static size_t value_bytes(struct text text, bool to_the_end)
{
    const size_t left = (size_t)(text.end - text.at);
    if (left > 0 && is_quote(text.at[0])) {
        return quoted_bytes(text, 1);
    }
    if (left > 1 && text.at[0] == '\\' && is_quote(text.at[1])) {
        return quoted_bytes(text, 2);
    }
    size_t count = 0;
    while (count < left && (to_the_end || !is_separator(text.at[count]))) {
        count++;
    }
    return count;
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

// Up to where runs are known to be no mail address and no base64: what begins later in such a run is none either.
struct ruled_out {
    const char *mail;
    const char *base64;
};

static bool is_mailbox_byte(char c)
{
    return is_key_byte(c) || c == '%' || c == '+';
}

static size_t mail_address(struct text text, struct ruled_out *ruled_out)
{
    if (text.at < ruled_out->mail) {
        return 0;
    }
    const size_t box = run_of(text, is_mailbox_byte);
    const char *at = text.at + box;
    const size_t domain =
        box > 0 && at < text.end && *at == '@' ? run_of((struct text){ at + 1, text.end }, is_key_byte) : 0;
    if (domain == 0) {
        ruled_out->mail = at;
        return 0;
    }
    return box + 1 + domain;
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
    return is_letter_or_digit(c) || c == '+' || c == '/' || c == '=';
}

// A long run that mixes what words and paths do not mix; a whole line of it needs no digit.
static size_t base64_bytes(struct text text, bool is_line)
{
    const size_t run = run_of(text, is_base64_byte);
    if (run < BASE64_BYTES_MIN || *text.at == '/') {
        return 0;
    }
    bool lower = false;
    bool upper = false;
    bool other = is_line && text.at + run == text.end;
    for (size_t i = 0; i < run; i++) {
        lower = lower || islower((unsigned char)text.at[i]);
        upper = upper || isupper((unsigned char)text.at[i]);
        other = other || isdigit((unsigned char)text.at[i]) || text.at[i] == '+' || text.at[i] == '=';
    }
    return lower && upper && other ? run : 0;
}

static size_t long_base64(struct text text, struct ruled_out *ruled_out)
{
    if (text.at < ruled_out->base64) {
        return 0;
    }
    const size_t bytes = base64_bytes(text, false);
    if (bytes == 0) {
        ruled_out->base64 = text.at + run_of(text, is_base64_byte);
    }
    return bytes;
}

static size_t card_number(struct text text)
{
    size_t digits = 0;
    const char *at = text.at;
    const char *end = at;
    for (; digits <= CARD_DIGITS_MAX && at < text.end && (isdigit((unsigned char)*at) || *at == ' ' || *at == '-');
         at++) {
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

// Whether a word may be a name with a value: what follows it is asked first, as few words are.
static bool may_have_value(struct text text, size_t word)
{
    const char *at = text.at + word;
    while (at < text.end && (is_blank(*at) || is_quote(*at) || *at == '\\')) {
        at++;
    }
    return *text.at == '-' || (at < text.end && (*at == ':' || *at == '='));
}

// The bytes of a secret that is known by its looks; 0: it is none. @param word  bytes of the word that begins there
static size_t by_its_looks(struct text text, size_t word, struct ruled_out *ruled_out)
{
    const char first = *text.at;
    const char after = *(text.at + word < text.end ? text.at + word : " ");
    size_t most = 0;
    size_t bytes = after == '@' || after == '+' || after == '%' ? mail_address(text, ruled_out) : 0;
    most = bytes > most ? bytes : most;
    bytes = word >= BASE64_BYTES_MIN || after == '/' || after == '+' || after == '=' ? long_base64(text, ruled_out) : 0;
    most = bytes > most ? bytes : most;
    bytes = first >= '0' && first <= '9' ? card_number(text) : 0;
    most = bytes > most ? bytes : most;
    bytes = word >= 3 && strchr("eAgxsrnhdS", first) != NULL ? known_token(text) : 0;
    return bytes > most ? bytes : most;
}

// A word. @return the bytes that were taken care of, the word's at least
static size_t take_word(struct text text, struct ruled_out *ruled_out, struct output *out)
{
    const size_t word = run_of(text, is_key_byte);
    size_t value = 0;
    const size_t head = may_have_value(text, word) ? secret_assignment(text, &value) : 0;
    if (head > 0) {
        put(out, text.at, head);
        put_mask(out);
        return head + value;
    }
    const size_t scheme = strchr("bBdDnN", *text.at) != NULL ? scheme_bytes(text) : 0;
    if (scheme > 0) {
        const size_t token = run_of((struct text){ text.at + scheme, text.end }, is_token_byte);
        if (token >= BEARER_BYTES_MIN) {
            put(out, text.at, scheme);
            put_mask(out);
            return scheme + token;
        }
    }
    const size_t secret = by_its_looks(text, word, ruled_out);
    if (secret > 0) {
        put_mask(out);
        return secret;
    }
    put(out, text.at, word);
    return word;
}

// NOLINTNEXTLINE(readability-non-const-parameter): it is written to through the output
size_t tend_secret_mask(const char *text, size_t bytes, char *out, size_t out_bytes)
{
    struct output output = { .bytes = out, .most = out_bytes };
    struct ruled_out ruled_out = { text, text };
    const struct text all = { text, text + bytes };
    if (base64_bytes(all, true) == bytes && bytes > 0) {
        put_mask(&output); // a line of a key or a certificate
        return output.count;
    }
    for (size_t at = 0; at < bytes && output.count < out_bytes;) {
        const struct text left = { text + at, text + bytes };
        // Behind a secret a word may go on; what is left of it is no word of its own.
        const bool begins = is_key_byte(text[at]) && (at == 0 || !is_key_byte(text[at - 1]));
        size_t taken = begins ? take_word(left, &ruled_out, &output) : 0;
        if (taken == 0 && text[at] == ':' && bytes - at > 3 && memcmp(text + at, "://", 3) == 0) {
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
    }
    return output.count;
}
