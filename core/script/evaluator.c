// The loop: read a frame, answer it, again. All input is from the parent, so a malformed frame is the parent's fault or
// ours, and the process ends. Output goes out as it is made: progress must be on its way before the user's code runs.

#include "script/evaluator.h"

#include "base/buffer.h"
#include "base/json.h"
#include "script/message.h"
#include "script/sandbox.h"
#include "script/script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { HEADER_BYTES = 5 };

// False: the other end is gone.
static bool read_all(char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t got = read(TEND_MESSAGE_FD, bytes, count);
        if (got <= 0) {
            if (got < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        bytes += got;
        count -= (size_t)got;
    }
    return true;
}

static bool write_all(const char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t put = write(TEND_MESSAGE_FD, bytes, count);
        if (put < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        bytes += put;
        count -= (size_t)put;
    }
    return true;
}

static uint32_t get_length(const char *bytes)
{
    struct tend_reader reader = tend_reader_over(bytes, 4);
    return tend_reader_get_u32(&reader);
}

static void put_length(char *bytes, uint32_t length)
{
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (char)(unsigned char)(length >> (8 * i) & 255U);
    }
}

static bool write_frame(enum tend_message kind, const char *payload, size_t bytes)
{
    char header[HEADER_BYTES];
    put_length(header, (uint32_t)bytes + 1);
    header[4] = (char)kind;
    return write_all(header, sizeof header) && write_all(payload, bytes);
}

static void write_progress(void *context, enum tend_progress what, uint32_t index)
{
    (void)context;
    char frame[HEADER_BYTES + 5];
    put_length(frame, 6);
    frame[4] = TEND_MESSAGE_PROGRESS;
    frame[5] = (char)what;
    put_length(frame + 6, index);
    if (!write_all(frame, sizeof frame)) {
        _exit(TEND_EVALUATOR_EXIT_CLOSED);
    }
}

// The reply when the real one is larger than a frame may be.
static const char *too_large(enum tend_message kind)
{
    if (kind == TEND_MESSAGE_DOCUMENT) {
        return "{\"errors\":[{\"at\":\"\",\"text\":\"the rules declare more than fits into 16 MB\"}]}";
    }
    if (kind == TEND_MESSAGE_EFFECT) {
        return "{\"end\":{\"ok\":false,\"error\":\"a step of more than 16 MB\",\"undo\":\"none\"}}";
    }
    return "{\"error\":\"a reply of more than 16 MB\"}";
}

// Takes the value. @return false when memory or the other end is gone
static bool write_json(enum tend_message kind, json_t *take_value)
{
    char *text = take_value == NULL ? NULL : tend_json_canonical(take_value);
    json_decref(take_value);
    if (text == NULL) {
        return false;
    }
    const size_t bytes = strlen(text);
    const char *sent = bytes >= TEND_MESSAGE_MAX_BYTES ? too_large(kind) : text;
    const bool good = write_frame(kind, sent, strlen(sent));
    free(text);
    return good;
}

static int answer_tick(struct tend_script *script, const char *payload, size_t bytes)
{
    struct tend_buffer reply;
    tend_buffer_init(&reply);
    const enum tend_status status = tend_script_tick(script, payload, bytes, &reply);
    int exit_code = -1;
    if (status == TEND_E_INVALID) {
        exit_code = TEND_EVALUATOR_EXIT_REQUEST;
    } else if (status != TEND_OK || reply.size >= TEND_MESSAGE_MAX_BYTES) {
        exit_code = TEND_EVALUATOR_EXIT_MEMORY;
    } else if (!write_frame(TEND_MESSAGE_VERDICTS, tend_buffer_text(&reply), reply.size)) {
        exit_code = TEND_EVALUATOR_EXIT_CLOSED;
    }
    tend_buffer_clear(&reply);
    return exit_code;
}

static int answer_json(struct tend_script *script, char kind, const char *payload, size_t bytes)
{
    json_t *request = json_loadb(payload, bytes, 0, NULL);
    if (!json_is_object(request)) {
        json_decref(request);
        return TEND_EVALUATOR_EXIT_REQUEST;
    }
    bool good = false;
    switch (kind) {
    case TEND_MESSAGE_LOAD:
        good = write_json(TEND_MESSAGE_DOCUMENT, tend_script_load(script, request));
        break;
    case TEND_MESSAGE_ASK:
        good = write_json(TEND_MESSAGE_REPLY, tend_script_ask(script, request));
        break;
    case TEND_MESSAGE_RUN_START:
        good = write_json(TEND_MESSAGE_EFFECT, tend_script_run_start(script, request));
        break;
    default:
        good = write_json(TEND_MESSAGE_EFFECT, tend_script_answer(script, request));
        break;
    }
    json_decref(request);
    return good ? -1 : TEND_EVALUATOR_EXIT_MEMORY;
}

// Answers one message. @return -1 to go on, else what to exit with
static int answer(struct tend_script *script, char kind, const char *payload, size_t bytes)
{
    switch (kind) {
    case TEND_MESSAGE_TICK:
        return answer_tick(script, payload, bytes);
    case TEND_MESSAGE_LOAD:
    case TEND_MESSAGE_ASK:
    case TEND_MESSAGE_RUN_START:
    case TEND_MESSAGE_ANSWER:
        return answer_json(script, kind, payload, bytes);
    default:
        return TEND_EVALUATOR_EXIT_REQUEST;
    }
}

static int serve(struct tend_script *script)
{
    for (;;) {
        char header[HEADER_BYTES];
        if (!read_all(header, sizeof header)) {
            return TEND_EVALUATOR_EXIT_CLOSED;
        }
        const uint32_t length = get_length(header);
        if (length == 0 || length > TEND_MESSAGE_MAX_BYTES) {
            return TEND_EVALUATOR_EXIT_REQUEST;
        }
        char *payload = malloc(length);
        if (payload == NULL) {
            return TEND_EVALUATOR_EXIT_MEMORY;
        }
        int exit_code = TEND_EVALUATOR_EXIT_CLOSED;
        if (read_all(payload, length - 1)) {
            exit_code = answer(script, header[4], payload, length - 1);
        }
        free(payload);
        if (exit_code >= 0) {
            return exit_code;
        }
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const int left = *(const int *)a;
    const int right = *(const int *)b;
    return (left > right) - (left < right);
}

// What asks the system for something on its first use does so now: the filter will forbid it.
static void warm_up(void)
{
    json_object_seed(0); // reads a random device
    char hash[65];
    tend_sha256_hex("", 0, hash); // libcrypto takes its locks and reads its settings
    int numbers[1024];
    for (int i = 0; i < 1024; i++) {
        numbers[i] = 1024 - i;
    }
    qsort(numbers, 1024, sizeof numbers[0], compare_numbers); // glibc looks how much memory there is, once
}

static enum tend_status create(const struct tend_embedded_module *modules, struct tend_script **out)
{
    const struct tend_script_config config = { .modules = modules,
                                               .memory_bytes = TEND_SCRIPT_MEMORY_BYTES,
                                               .progress = write_progress };
    warm_up();
    return tend_script_create(&config, out);
}

// Locks the process and answers until the other end is closed.
static int lock_and_serve(struct tend_script *take_script)
{
    struct tend_error error;
    (void)prctl(PR_SET_NAME, "tend-evaluator"); // the program was started as /proc/self/exe, or is a copy
    const int exit_code = tend_sandbox_lock(&error) == TEND_OK ? serve(take_script) : (int)TEND_EVALUATOR_EXIT_LOCK;
    tend_script_destroy(take_script);
    return exit_code;
}

int tend_evaluator_run(const struct tend_embedded_module *modules)
{
    if (tend_sandbox_close_files() != TEND_OK) {
        return TEND_EVALUATOR_EXIT_LOCK;
    }
    struct tend_script *script = NULL;
    const enum tend_status created = create(modules, &script);
    if (created != TEND_OK) {
        return created == TEND_E_NOMEM ? TEND_EVALUATOR_EXIT_MEMORY : TEND_EVALUATOR_EXIT_LOCK;
    }
    return lock_and_serve(script);
}

enum tend_status tend_evaluator_prepare(const struct tend_embedded_module *modules, struct tend_script **out)
{
    struct tend_script *script = NULL;
    enum tend_status status = create(modules, &script);
    if (status == TEND_OK) {
        status = tend_script_compile_modules(script);
    }
    if (status != TEND_OK) {
        tend_script_destroy(script);
        return status;
    }
    *out = script;
    return TEND_OK;
}

int tend_evaluator_run_prepared(struct tend_script *take_script)
{
    if (tend_sandbox_close_files() != TEND_OK) {
        tend_script_destroy(take_script);
        return TEND_EVALUATOR_EXIT_LOCK;
    }
    return lock_and_serve(take_script);
}
