#include "cli/learned_text.h"

#include "cli/terminal.h"

enum { LINES_SHOWN = 20 };

static void put_line(const json_t *report, const json_t *entry, struct tend_buffer *out)
{
    const int64_t began_ms = tend_json_integer(entry, "from_ms", -1);
    const bool trusted = json_is_integer(json_object_get(entry, "trusted_ms"));
    const int64_t end_ms = tend_json_integer(entry, "trusted_ms", tend_json_integer(report, "until_ms", began_ms));
    tend_buffer_put_text(out, "learned: ");
    tend_terminal_put_member(out, entry, "metric", "");
    tend_buffer_put_text(out, " of ");
    tend_terminal_put_member(out, entry, "service", "");
    if (trusted) {
        tend_buffer_put_text(out, " trusted from ");
        tend_terminal_put_time(out, end_ms);
        tend_buffer_put_text(out, " on; it warmed up for ");
    } else {
        tend_buffer_put_text(out, " never trusted: it warmed up for all of ");
    }
    tend_terminal_put_span(out, (double)(end_ms - began_ms) / 1000.0);
    tend_buffer_put_text(out, ", and was not judged\n");
}

static bool was_trusted_at_once(const json_t *entry)
{
    return tend_json_integer(entry, "trusted_ms", -1) == tend_json_integer(entry, "from_ms", -1);
}

bool tend_learned_text_any(const json_t *report)
{
    const json_t *learned = json_object_get(report, "learned");
    for (size_t i = 0; i < json_array_size(learned); i++) {
        if (!was_trusted_at_once(json_array_get(learned, i))) {
            return true;
        }
    }
    return false;
}

void tend_learned_text_put(const json_t *report, const char *indent, struct tend_buffer *out)
{
    const json_t *learned = json_object_get(report, "learned");
    size_t shown = 0;
    size_t more = 0;
    for (size_t i = 0; i < json_array_size(learned); i++) {
        const json_t *entry = json_array_get(learned, i);
        if (was_trusted_at_once(entry)) {
            continue;
        }
        if (shown == LINES_SHOWN) {
            more++;
            continue;
        }
        shown++;
        tend_buffer_put_text(out, indent);
        put_line(report, entry, out);
    }
    if (more > 0) {
        tend_buffer_printf(out, "%s… and %zu more that warmed up\n", indent, more);
    }
    if (shown > 0) {
        tend_buffer_printf(out, "%s--baselines FILE begins with what was learned before\n", indent);
    }
}
