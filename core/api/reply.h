#pragma once
/// Reply: how the server answers one request. Each of these sends the answer and ends the request.
///
/// All answers carry headers that keep a browser from guessing, framing or keeping them.

#include "base/buffer.h"
#include "base/json.h"

struct evhttp_request;

/// How answers are written. Members stay in the order in which they were made: people read this too.
enum { TEND_REPLY_JSON = JSON_COMPACT | JSON_ENSURE_ASCII };

/// Answers with JSON. @param take_body  the reference is taken; NULL (out of memory) makes it a 503
void tend_reply_json(struct evhttp_request *request, int code, json_t *take_body);
/// Answers {"error":"…"}.
void tend_reply_error(struct evhttp_request *request, int code, const char *format, ...) TEND_PRINTF(3, 4);
/// Answers with text of a type. @param text  borrowed; a failed buffer makes it a 503
void tend_reply_text(struct evhttp_request *request, int code, const char *type, const struct tend_buffer *text);
