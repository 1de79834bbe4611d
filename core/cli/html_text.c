#include "cli/html_text.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void put_character(struct tend_buffer *out, const char *start, size_t bytes)
{
    switch (*start) {
    case '&':
        tend_buffer_put_text(out, "&amp;");
        break;
    case '<':
        tend_buffer_put_text(out, "&lt;");
        break;
    case '>':
        tend_buffer_put_text(out, "&gt;");
        break;
    case '"':
        tend_buffer_put_text(out, "&quot;");
        break;
    case '\'':
        tend_buffer_put_text(out, "&#39;");
        break;
    default:
        tend_buffer_put(out, start, bytes);
    }
}

void tend_html_put_clipped(struct tend_buffer *out, const char *text, size_t characters)
{
    size_t left = text == NULL ? 0 : strlen(text);
    size_t put = 0;
    while (left > 0) {
        const size_t shown = tend_log_printable_bytes(text, left);
        const size_t bytes = shown == 0 ? 1 : shown;
        if (put + 1 >= characters && left > bytes) {
            tend_buffer_put_text(out, "…");
            return;
        }
        if (shown > 0) {
            put_character(out, text, shown);
        } else if (*text == '\n' || *text == '\t') {
            tend_buffer_put(out, text, 1);
        } else {
            tend_buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        }
        text += bytes;
        left -= bytes;
        put++;
    }
}

void tend_html_put(struct tend_buffer *out, const char *text)
{
    tend_html_put_clipped(out, text, SIZE_MAX);
}

void tend_html_element(struct tend_buffer *out, const char *tag, const char *class, const char *text)
{
    if (class == NULL) {
        tend_buffer_printf(out, "<%s>", tag);
    } else {
        tend_buffer_printf(out, "<%s class=\"%s\">", tag, class);
    }
    tend_html_put(out, text);
    tend_buffer_printf(out, "</%s>", tag);
}

void tend_html_printf(struct tend_buffer *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tend_html_put(out, text);
}
