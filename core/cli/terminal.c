#include "cli/terminal.h"

#include "api/wall_time.h"
#include "parse/quantity.h"
#include "parse/quoted_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void tend_terminal_complain(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    struct tend_buffer line;
    tend_buffer_init(&line);
    tend_terminal_put(&line, bytes < 0 ? "out of memory" : text);
    (void)fprintf(stderr, "%s\n", tend_buffer_text(&line));
    tend_buffer_clear(&line);
    if (bytes >= 0) {
        free(text);
    }
}

void tend_terminal_put(struct tend_buffer *out, const char *text)
{
    if (text != NULL) {
        tend_text_escape(out, text, strlen(text));
    }
}

void tend_terminal_put_member(struct tend_buffer *out, const json_t *object, const char *key, const char *otherwise)
{
    tend_terminal_put(out, tend_json_text(object, key, otherwise));
}

void tend_terminal_put_names(struct tend_buffer *out, const json_t *list, const char *name)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        tend_buffer_put_text(out, i > 0 ? ", " : "");
        tend_terminal_put(out, json_is_string(item) ? json_string_value(item) : tend_json_text(item, name, "?"));
    }
    if (json_array_size(list) == 0) {
        tend_buffer_put_text(out, "-");
    }
}

void tend_terminal_put_quantity(struct tend_buffer *out, const json_t *object, const char *key, const char *unit)
{
    const double value = tend_json_number(object, key, (double)NAN);
    char text[TEND_QUANTITY_TEXT_BYTES];
    tend_terminal_put(out, isnan(value) ? "-" : tend_quantity_format(value, unit, text));
}

void tend_terminal_put_given(struct tend_buffer *out, const json_t *learned)
{
    const json_t *given = json_object_get(learned, "given");
    if (json_is_object(given)) {
        tend_buffer_put_text(out, " for ");
        tend_terminal_put_member(out, given, "metric", "?");
        tend_buffer_put_text(out, " of ");
        tend_terminal_put_quantity(out, given, "value", tend_json_text(given, "unit", ""));
    }
}

void tend_terminal_put_number(struct tend_buffer *out, const json_t *object, const char *key)
{
    const double value = tend_json_number(object, key, (double)NAN);
    if (isnan(value)) {
        tend_buffer_put_text(out, "-");
    } else {
        tend_buffer_printf(out, "%.3g", value);
    }
}

int64_t tend_terminal_wall_ms(const json_t *time)
{
    if (json_is_number(time)) {
        return (int64_t)json_number_value(time);
    }
    struct tm parts = { 0 };
    const char *rest = json_is_string(time) ? strptime(json_string_value(time), "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
    if (rest == NULL) {
        return -1;
    }
    const double fraction = *rest == '.' ? strtod(rest, NULL) : 0.0;
    return (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction * 1000.0 + 0.5);
}

void tend_terminal_put_time(struct tend_buffer *out, int64_t wall_ms)
{
    if (wall_ms < 0) {
        tend_buffer_put_text(out, "-");
        return;
    }
    char text[TEND_WALL_TIME_BYTES];
    (void)tend_wall_time_format(wall_ms, text);
    tend_buffer_printf(out, "%.10s %.8sZ", text, text + 11); // the parts around the T, without the fraction
}

void tend_terminal_put_span(struct tend_buffer *out, double seconds)
{
    if (isnan(seconds)) {
        tend_buffer_put_text(out, "-");
        return;
    }
    const long long whole = (long long)fabs(seconds);
    if (seconds < 0) {
        tend_buffer_put_text(out, "-");
    }
    if (whole < 100) {
        tend_buffer_printf(out, whole < 10 ? "%.2f s" : "%.1f s", fabs(seconds));
    } else if (whole < 3600) {
        tend_buffer_printf(out, "%lld m %lld s", whole / 60, whole % 60);
    } else if (whole < 24 * 3600LL) {
        tend_buffer_printf(out, "%lld h %lld m", whole / 3600, whole / 60 % 60);
    } else {
        tend_buffer_printf(out, "%lld d %lld h", whole / (24 * 3600LL), whole / 3600 % 24);
    }
}
