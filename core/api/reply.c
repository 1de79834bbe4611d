#include "api/reply.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void send_bytes(struct evhttp_request *request, int code, const char *type, const char *bytes, size_t count)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    (void)evhttp_add_header(headers, "Content-Type", type);
    (void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    (void)evhttp_add_header(headers, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    (void)evhttp_add_header(headers, "Cache-Control", "no-store");
    struct evbuffer *body = evhttp_request_get_output_buffer(request);
    if (evbuffer_add(body, bytes, count) != 0) {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    evhttp_send_reply(request, code, NULL, NULL);
}

void tend_reply_json(struct evhttp_request *request, int code, json_t *take_body)
{
    char *text = take_body != NULL ? json_dumps(take_body, TEND_REPLY_JSON) : NULL;
    json_decref(take_body);
    if (text == NULL) {
        static const char no_memory[] = "{\"error\":\"tend is out of memory\"}";
        send_bytes(request, HTTP_SERVUNAVAIL, "application/json", no_memory, sizeof no_memory - 1);
        return;
    }
    send_bytes(request, code, "application/json", text, strlen(text));
    free(text);
}

void tend_reply_error(struct evhttp_request *request, int code, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int wanted = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const size_t count = wanted < 0 ? 0 : (size_t)wanted < sizeof text ? (size_t)wanted : sizeof text - 1;
    json_t *body = json_object();
    if (body != NULL && json_object_set_new(body, "error", tend_json_string(text, count)) != 0) {
        json_decref(body);
        body = NULL;
    }
    tend_reply_json(request, code, body);
}

void tend_reply_text(struct evhttp_request *request, int code, const char *type, const struct tend_buffer *text)
{
    if (text->failed) {
        tend_reply_error(request, HTTP_SERVUNAVAIL, "tend is out of memory");
        return;
    }
    send_bytes(request, code, type, tend_buffer_text(text), text->size);
}
