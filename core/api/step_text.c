#include "api/step_text.h"

#include "parse/duration.h"

#include <string.h>

// TEXT of an effect: a string, {"secret": name}, or a list of those.
static void put_value(const json_t *text, struct tend_buffer *out)
{
    size_t i = 0;
    const json_t *part = NULL;
    if (json_is_string(text)) {
        tend_buffer_put_text(out, json_string_value(text));
    } else if (json_is_object(text)) {
        tend_buffer_put_text(out, "***");
    }
    json_array_foreach(text, i, part)
    {
        tend_buffer_put_text(out, json_is_string(part) ? json_string_value(part) : "***");
    }
}

// An argument as a shell would want it written, so that it can be read without doubt (and be tried by hand).
static void put_argument(const json_t *argument, struct tend_buffer *out)
{
    const char *text = json_string_value(argument);
    if (text == NULL) {
        put_value(argument, out);
        return;
    }
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-";
    if (text[0] != '\0' && strspn(text, plain) == strlen(text)) {
        tend_buffer_put_text(out, text);
        return;
    }
    tend_buffer_put_text(out, "'");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'') {
            tend_buffer_put_text(out, "'\\''");
        } else {
            tend_buffer_put(out, c, 1);
        }
    }
    tend_buffer_put_text(out, "'");
}

void tend_step_asks(const json_t *step, struct tend_buffer *out)
{
    const char *kind = tend_json_text(step, "kind", "");
    const json_t *args = json_object_get(step, "args");
    if (strcmp(kind, "exec") == 0) {
        size_t i = 0;
        const json_t *argument = NULL;
        json_array_foreach(json_object_get(args, "argv"), i, argument)
        {
            tend_buffer_put_text(out, i > 0 ? " " : "");
            put_argument(argument, out);
        }
    } else if (strcmp(kind, "http") == 0) {
        tend_buffer_printf(out, "%s ", tend_json_text(args, "method", "GET"));
        put_value(json_object_get(args, "url"), out);
    }
}

void tend_step_text(const json_t *step, struct tend_buffer *out)
{
    const char *kind = tend_json_text(step, "kind", "");
    const char *verb = tend_json_text(step, "verb", NULL);
    const char *instance = tend_json_text(step, "instance", NULL);
    const json_t *args = json_object_get(step, "args");
    if (tend_json_bool(step, "undo", false)) {
        tend_buffer_put_text(out, "undo: ");
    }
    if (verb != NULL && verb[0] != '\0') {
        tend_buffer_put_text(out, verb);
        if (instance != NULL) {
            tend_buffer_printf(out, " %s", instance);
        }
    } else if (strcmp(kind, "wait") == 0) {
        char text[TEND_DURATION_TEXT_BYTES];
        tend_buffer_printf(out, "wait %s", tend_duration_format(tend_json_integer(args, "ms", 0), text));
    } else if (strcmp(kind, "verify") == 0) {
        tend_buffer_printf(out, "verify %s", instance != NULL ? instance : "the incident");
    } else if (strcmp(kind, "pick") == 0) {
        const char *picked = tend_json_text(json_object_get(step, "value"), "instance", NULL);
        const bool ended = strcmp(tend_json_text(step, "state", ""), "ended") == 0;
        tend_buffer_printf(out, "%s%s",
                           ended && picked == NULL ? "no instance is left to pick" : "pick the worst instance",
                           picked != NULL ? ": " : "");
        tend_buffer_put_text(out, picked != NULL ? picked : "");
    } else if (strcmp(kind, "note") == 0 || strcmp(kind, "escalate") == 0) {
        tend_buffer_printf(out, "%s: ", kind);
        put_value(json_object_get(args, "text"), out);
    } else {
        tend_step_asks(step, out);
    }
}
