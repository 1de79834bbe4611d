// Questions are POSTed as forms: a selector over many services is longer than what some proxies take as a URL.

#include "driver/past/prometheus_client.h"

#include "base/buffer.h"
#include "base/log.h"
#include "driver/live/curl_multi.h"
#include "driver/live/secrets.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES_MAX = 64 * 1048576, TIMEOUT_MS = 30000, CONNECT_TIMEOUT_MS = 10000, WORDS_SHOWN = 300 };

struct tend_prometheus_client {
    CURL *easy;
    struct tend_curl_progress progress;
    char *url;
    char *token_directory, *token_name; // NULL: no token
    struct tend_buffer answer;
    bool too_large;
};

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct tend_prometheus_client *client = context;
    if (client->answer.size + size * count > ANSWER_BYTES_MAX) {
        client->too_large = true;
        return 0;
    }
    tend_buffer_put(&client->answer, bytes, size * count);
    return client->answer.failed ? 0 : size * count;
}

static bool set_token(struct tend_prometheus_client *client, const char *path)
{
    const char *slash = strrchr(path, '/');
    client->token_directory = slash == NULL   ? strdup(".")
                              : slash == path ? strdup("/")
                                              : strndup(path, (size_t)(slash - path));
    client->token_name = strdup(slash == NULL ? path : slash + 1);
    return client->token_directory != NULL && client->token_name != NULL;
}

enum tend_status tend_prometheus_client_create(const char *url, const char *token_file,
                                               struct tend_prometheus_client **out, struct tend_error *error)
{
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        tend_error_set(error, "\"%s\" is no URL of a server; write it like http://127.0.0.1:9090", url);
        return TEND_E_INVALID;
    }
    struct tend_prometheus_client *client = calloc(1, sizeof *client);
    tend_error_set(error, "%s", tend_status_text(TEND_E_NOMEM));
    if (client == NULL) {
        return TEND_E_NOMEM;
    }
    tend_buffer_init(&client->answer);
    size_t bytes = strlen(url);
    while (bytes > 0 && url[bytes - 1] == '/') {
        bytes--;
    }
    client->url = strndup(url, bytes);
    client->easy = curl_easy_init();
    enum tend_status status = client->url == NULL || client->easy == NULL ? TEND_E_NOMEM : TEND_OK;
    if (status == TEND_OK && token_file != NULL && !set_token(client, token_file)) {
        status = TEND_E_NOMEM;
    }
    if (status == TEND_OK) {
        status = tend_curl_harden(client->easy, &client->progress);
    }
    if (status == TEND_OK &&
        (curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, take_bytes) != CURLE_OK ||
         curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, client) != CURLE_OK ||
         curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS) != CURLE_OK ||
         curl_easy_setopt(client->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) != CURLE_OK ||
         curl_easy_setopt(client->easy, CURLOPT_ACCEPT_ENCODING, "") != CURLE_OK)) {
        status = TEND_E_INVALID;
        tend_error_set(error, "libcurl lacks what is needed");
    }
    if (status != TEND_OK) {
        tend_prometheus_client_destroy(client);
        return status;
    }
    *out = client;
    return TEND_OK;
}

void tend_prometheus_client_destroy(struct tend_prometheus_client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->easy);
    tend_buffer_clear(&client->answer);
    free(client->url);
    free(client->token_directory);
    free(client->token_name);
    free(client);
}

// "Authorization: Bearer …" as the only header. @param[out] headers  NULL when there is no token
static enum tend_status authorize(struct tend_prometheus_client *client, struct curl_slist **headers,
                                  struct tend_error *error)
{
    *headers = NULL;
    if (client->token_name == NULL) {
        return TEND_OK;
    }
    struct tend_secrets *secrets = NULL;
    struct tend_buffer line;
    tend_buffer_init(&line);
    tend_buffer_put_text(&line, "Authorization: Bearer ");
    enum tend_status status = tend_secrets_open(client->token_directory, &secrets, error);
    if (status == TEND_OK) {
        status = tend_secrets_get(secrets, client->token_name, &line, error);
    }
    if (status == TEND_OK && strpbrk(tend_buffer_text(&line), "\r\n") != NULL) {
        tend_error_set(error, "%s: a token is one line", client->token_name);
        status = TEND_E_INVALID;
    }
    if (status == TEND_OK) {
        *headers = curl_slist_append(NULL, tend_buffer_text(&line));
        status = *headers == NULL ? TEND_E_NOMEM : TEND_OK;
    }
    tend_secrets_close(secrets);
    tend_secrets_wipe(&line);
    return status;
}

static bool put_form(struct tend_prometheus_client *client, const struct tend_prometheus_parameter *parameters,
                     size_t count, struct tend_buffer *form)
{
    for (size_t i = 0; i < count; i++) {
        char *escaped = curl_easy_escape(client->easy, parameters[i].value, (int)strlen(parameters[i].value));
        if (escaped == NULL) {
            return false;
        }
        tend_buffer_printf(form, "%s%s=%s", i == 0 ? "" : "&", parameters[i].name, escaped);
        curl_free(escaped);
    }
    return !form->failed;
}

static void put_words(const char *text, size_t bytes, struct tend_buffer *out)
{
    const size_t shown = bytes < WORDS_SHOWN ? bytes : WORDS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        if (text[i] == '\n') {
            tend_buffer_put_text(out, " ");
        } else if ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f) {
            tend_buffer_put(out, text + i, 1);
        }
    }
}

// Whether the server says that it was asked for too much at once: Prometheus, VictoriaMetrics, Thanos, Cortex, Mimir.
static bool says_too_much(const char *words)
{
    static const char *const phrases[] = { "too many samples", "too many points",       "exceeded maximum",
                                           "too large",        "exceeds the limit",     "exceeded the max",
                                           "-search.max",      "the query hit the max", "limit exceeded" };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (strcasestr(words, phrases[i]) != NULL) {
            return true;
        }
    }
    return false;
}

// What an answer without success says.
static enum tend_status refused(const struct tend_prometheus_client *client, long http_status, const json_t *answer,
                                struct tend_error *error)
{
    struct tend_buffer words;
    tend_buffer_init(&words);
    const char *said = tend_json_text(answer, "error", NULL);
    if (said != NULL) {
        put_words(said, strlen(said), &words);
    } else {
        put_words(tend_buffer_text(&client->answer), client->answer.size, &words);
    }
    const bool too_much = http_status == 413 || says_too_much(tend_buffer_text(&words));
    tend_error_set(error, "%s: HTTP status %ld: %s", client->url, http_status, tend_buffer_text(&words));
    tend_buffer_clear(&words);
    return too_much ? TEND_E_LIMIT : TEND_E_IO;
}

static enum tend_status read_answer(struct tend_prometheus_client *client, json_t **data, struct tend_error *error)
{
    long http_status = 0;
    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &http_status);
    json_error_t fault;
    json_t *answer = json_loadb(tend_buffer_text(&client->answer), client->answer.size, JSON_ALLOW_NUL, &fault);
    const bool success = http_status == 200 && strcmp(tend_json_text(answer, "status", ""), "success") == 0;
    json_t *found = json_object_get(answer, "data");
    enum tend_status status = TEND_OK;
    if (!success && http_status == 200 && answer == NULL) {
        tend_error_set(error, "%s: its answer is no JSON: %s; is this the API of Prometheus?", client->url, fault.text);
        status = TEND_E_IO;
    } else if (!success) {
        status = refused(client, http_status, answer, error);
    } else if (found == NULL) {
        tend_error_set(error, "%s: its answer has no data", client->url);
        status = TEND_E_IO;
    } else {
        *data = json_incref(found);
    }
    json_decref(answer);
    return status;
}

enum tend_status tend_prometheus_client_ask(struct tend_prometheus_client *client, const char *path,
                                            const struct tend_prometheus_parameter *parameters, size_t count,
                                            json_t **data, struct tend_error *error)
{
    struct curl_slist *headers = NULL;
    struct tend_buffer form;
    char url[2048];
    tend_buffer_init(&form);
    enum tend_status status = authorize(client, &headers, error);
    if (status == TEND_OK && !put_form(client, parameters, count, &form)) {
        status = TEND_E_NOMEM;
    }
    if (status == TEND_OK) {
        (void)snprintf(url, sizeof url, "%s/api/v1/%s", client->url, path);
        tend_buffer_reset(&client->answer);
        client->too_large = false;
        tend_curl_progress_clear(&client->progress);
        (void)curl_easy_setopt(client->easy, CURLOPT_URL, url);
        (void)curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE, (long)form.size);
        (void)curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, tend_buffer_text(&form));
        const CURLcode result = curl_easy_perform(client->easy);
        if (client->too_large) {
            tend_error_set(error, "%s: an answer of more than %d MB", client->url, ANSWER_BYTES_MAX / 1048576);
            status = TEND_E_LIMIT;
        } else if (result != CURLE_OK) {
            tend_error_set(error, "%s: %s", client->url, curl_easy_strerror(result));
            status = client->answer.failed ? TEND_E_NOMEM : TEND_E_IO;
        } else {
            status = read_answer(client, data, error);
        }
        (void)curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, NULL);
        (void)curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, NULL);
    }
    curl_slist_free_all(headers);
    tend_buffer_clear(&form);
    return status;
}
