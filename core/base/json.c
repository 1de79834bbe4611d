// Thin over jansson; see base/json.h.

#include "base/json.h"

#include "base/log.h"

#include <math.h>
#include <openssl/evp.h>
#include <string.h>

const char *tend_json_text(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? otherwise : text;
}

double tend_json_number(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_null(value)) {
        return (double)NAN;
    }
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

int64_t tend_json_integer(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_real(value)) {
        const double real = json_real_value(value);
        return real >= -9.0e15 && real <= 9.0e15 ? (int64_t)real : otherwise;
    }
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

bool tend_json_bool(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

json_t *tend_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *tend_json_string(const char *bytes, size_t count)
{
    json_t *string = json_stringn(bytes, count);
    if (string != NULL) {
        return string;
    }
    struct tend_buffer escaped;
    tend_buffer_init(&escaped);
    tend_log_escape(&escaped, bytes, count);
    string = escaped.failed ? NULL : json_stringn(tend_buffer_text(&escaped), escaped.size);
    tend_buffer_clear(&escaped);
    return string;
}

enum { CANONICAL = JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17) };

char *tend_json_canonical(const json_t *value)
{
    return json_dumps(value, CANONICAL);
}

static int put_bytes(const char *bytes, size_t count, void *out)
{
    tend_buffer_put(out, bytes, count);
    return 0;
}

void tend_json_put(struct tend_buffer *out, const json_t *value)
{
    if (json_dump_callback(value, put_bytes, out, CANONICAL) != 0) {
        out->failed = true;
    }
}

void tend_sha256_hex(const void *bytes, size_t count, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[32];
    unsigned int hash_bytes = 0;
    const int done = EVP_Digest(bytes, count, hash, &hash_bytes, EVP_sha256(), NULL);
    TEND_ASSERT(done == 1 && hash_bytes == sizeof hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[64] = '\0';
}
