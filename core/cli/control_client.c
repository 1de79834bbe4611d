#include "cli/control_client.h"

#include "cli/command.h"
#include "cli/terminal.h"
#include "driver/live/state_dir.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_MS = 30 * 1000, CONNECT_TIMEOUT_MS = 5 * 1000, ANSWER_BYTES = 64 * 1024 * 1024 };

static size_t keep_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct tend_buffer *body = context;
    if (body->size + size * count > ANSWER_BYTES) {
        return 0;
    }
    tend_buffer_put(body, bytes, size * count);
    return body->failed ? 0 : size * count;
}

// The socket's path, checked so that the common reasons for no answer can be told apart. NULL: told in error.
static char *find_socket(const char *state, char **directory, struct tend_error *error)
{
    char *path = NULL;
    if (tend_state_dir_find(state, directory, error) != TEND_OK) {
        return NULL;
    }
    if (asprintf(&path, "%s/control.sock", *directory) < 0) {
        tend_error_set(error, "out of memory");
        return NULL;
    }
    struct sockaddr_un address;
    if (strlen(path) >= sizeof address.sun_path) {
        tend_error_set(error, "%s: a socket's path may have %zu bytes at most", path, sizeof address.sun_path - 1);
    } else if (access(path, R_OK | W_OK) == 0) {
        return path;
    } else if (errno == EACCES) {
        tend_error_set(error, "this user may not talk to the tend of %s (%s is for its owner and group)", *directory,
                       path);
    } else {
        tend_error_set(error, "no tend runs on %s (socket %s): start it with tend run DIR --state %s", *directory, path,
                       *directory);
    }
    free(path);
    return NULL;
}

static CURLcode perform(const struct tend_control_question *question, const char *socket_path, const char *post,
                        struct tend_buffer *body, long *code)
{
    char url[1024];
    const int count = snprintf(url, sizeof url, "http://localhost%s", question->path);
    CURL *curl = count > 0 && (size_t)count < sizeof url ? curl_easy_init() : NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLcode result = CURLE_OUT_OF_MEMORY;
    if (curl != NULL && headers != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
        (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, question->timeout_ms > 0 ? question->timeout_ms : TIMEOUT_MS);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_bytes);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
        if (post != NULL) {
            (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post);
        }
        result = curl_easy_perform(curl);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, code);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return result;
}

static void explain_no_answer(CURLcode result, const char *directory, const char *socket_path, struct tend_error *error)
{
    switch ((int)result) {
    case CURLE_COULDNT_CONNECT:
        tend_error_set(error, "no tend runs on %s (socket %s): start it with tend run DIR --state %s", directory,
                       socket_path, directory);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        tend_error_set(error, "the tend of %s did not answer in time; its log tells more", directory);
        break;
    default:
        tend_error_set(error, "the tend of %s gave no answer: %s", directory, curl_easy_strerror(result));
        break;
    }
}

enum tend_status tend_control_ask(const struct tend_control_question *question, struct tend_control_answer *answer,
                                  struct tend_error *error)
{
    struct tend_buffer body;
    tend_buffer_init(&body);
    char *directory = NULL;
    char *post = NULL;
    long code = 0;
    enum tend_status status = TEND_E_INVALID;
    char *socket_path = find_socket(question->state, &directory, error);
    if (socket_path == NULL) {
        goto end;
    }
    status = TEND_E_NOMEM;
    post = question->body != NULL ? json_dumps(question->body, JSON_COMPACT) : NULL;
    if (question->body != NULL && post == NULL) {
        tend_error_set(error, "out of memory");
        goto end;
    }
    const CURLcode result = perform(question, socket_path, post, &body, &code);
    status = TEND_E_IO;
    if (result != CURLE_OK) {
        explain_no_answer(result, directory, socket_path, error);
        goto end;
    }
    json_t *json = json_loadb(tend_buffer_text(&body), body.size, 0, NULL);
    char *text = strndup(tend_buffer_text(&body), body.size);
    status = json_is_object(json) && text != NULL ? TEND_OK : TEND_E_CORRUPT;
    if (status != TEND_OK) {
        tend_error_set(error, "what answers on %s is no tend (HTTP status %ld)", socket_path, code);
        json_decref(json);
        free(text);
        goto end;
    }
    *answer = (struct tend_control_answer){ code, text, json };
end:
    tend_buffer_clear(&body);
    free(post);
    free(socket_path);
    free(directory);
    return status;
}

void tend_control_answer_clear(struct tend_control_answer *answer)
{
    free(answer->text);
    json_decref(answer->json);
    *answer = (struct tend_control_answer){ .text = NULL };
}

void tend_control_set_text(json_t *body, const char *key, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(body, key, tend_json_string(text, strlen(text)));
    }
}

const char *tend_control_fault(const struct tend_control_answer *answer)
{
    const bool fine = answer->code >= 200 && answer->code < 300;
    return fine ? NULL : tend_json_text(answer->json, "error", "it gave no reason");
}

// @param before  of the text: "", or what kind of message it is
static void tell(const char *command, const char *before, const char *what)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    tend_terminal_put(&text, what);
    (void)fprintf(stderr, "tend %s: %s%s\n", command, before, tend_buffer_text(&text));
    tend_buffer_clear(&text);
}

// What the rules were refused for: FILE:LINE: what is wrong.
static void tell_errors(const json_t *errors)
{
    struct tend_buffer text;
    tend_buffer_init(&text);
    size_t i = 0;
    const json_t *error = NULL;
    json_array_foreach(errors, i, error)
    {
        tend_terminal_put_member(&text, error, "at", "?");
        tend_buffer_put_text(&text, ": ");
        tend_terminal_put_member(&text, error, "text", "?");
        tend_buffer_put_text(&text, "\n");
    }
    (void)fputs(tend_buffer_text(&text), stderr);
    tend_buffer_clear(&text);
}

int tend_control_show(const char *command, const struct tend_client_options *options,
                      const struct tend_control_question *question,
                      void (*format)(const json_t *answer, struct tend_buffer *out))
{
    struct tend_error error = { "" };
    struct tend_control_answer answer = { .text = NULL };
    if (tend_control_ask(question, &answer, &error) != TEND_OK) {
        tell(command, "", error.text);
        return TEND_EXIT_TROUBLE;
    }
    const char *fault = tend_control_fault(&answer);
    if (options->json) {
        (void)puts(answer.text);
    }
    if (fault != NULL) {
        tell(command, "", fault);
        tell_errors(json_object_get(answer.json, "errors"));
    } else if (!options->json) {
        struct tend_buffer text;
        tend_buffer_init(&text);
        format(answer.json, &text);
        (void)fputs(tend_buffer_text(&text), stdout);
        tend_buffer_clear(&text);
    }
    const char *unrecorded = tend_json_text(answer.json, "unrecorded", NULL);
    if (unrecorded != NULL) {
        tell(command, "in force, but not in the journal yet, and a restart before it is forgets it: ", unrecorded);
    }
    const bool trouble = fault != NULL || fflush(stdout) != 0;
    tend_control_answer_clear(&answer);
    return trouble ? TEND_EXIT_TROUBLE : TEND_EXIT_FINE;
}

int tend_control_ask_service(int argc, char **argv, const char *usage_text, const char *path,
                             void (*format)(const json_t *answer, struct tend_buffer *out))
{
    const struct tend_client_usage usage = { .text = usage_text,
                                             .argument = "a service's name",
                                             .argument_needed = true };
    struct tend_client_options options;
    int exit = TEND_EXIT_FINE;
    if (!tend_client_options_parse(argc, argv, &usage, &options, &exit)) {
        return exit;
    }
    json_t *body = json_pack("{s:o}", "service", tend_json_string(options.argument, strlen(options.argument)));
    const struct tend_control_question question = { .state = options.state, .path = path, .body = body };
    exit = tend_control_show(argv[0], &options, &question, format);
    json_decref(body);
    return exit;
}
