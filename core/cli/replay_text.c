#include "cli/replay_text.h"

#include "cli/terminal.h"

#include <inttypes.h>

static int64_t number(const json_t *report, const char *key)
{
    return tend_json_integer(report, key, 0);
}

static void put_count(struct tend_buffer *out, const json_t *report, const char *key, const char *one, const char *many)
{
    const int64_t count = number(report, key);
    tend_buffer_printf(out, "%" PRId64 " %s", count, count == 1 ? one : many);
}

static void put_span(struct tend_buffer *out, const json_t *report)
{
    tend_terminal_put_time(out, number(report, "from_wall_ms"));
    tend_buffer_put_text(out, " to ");
    tend_terminal_put_time(out, number(report, "until_wall_ms"));
    tend_buffer_put_text(out, " (");
    tend_terminal_put_span(out, (double)(number(report, "until_ms") - number(report, "from_ms")) / 1000.0);
    tend_buffer_put_text(out, ")");
}

static void put_sums(struct tend_buffer *out, const json_t *report)
{
    tend_buffer_put_text(out, "  ");
    put_count(out, report, "events", "event", "events");
    tend_buffer_put_text(out, ", ");
    put_count(out, report, "scrapes", "scrape", "scrapes");
    tend_buffer_put_text(out, ", ");
    put_count(out, report, "samples", "sample", "samples");
    tend_buffer_put_text(out, ", ");
    put_count(out, report, "ticks", "tick", "ticks");
    tend_buffer_put_text(out, ", ");
    put_count(out, report, "records", "record", "records");
    tend_buffer_put_text(out, "\n  ");
    put_count(out, report, "segments", "segment", "segments");
    tend_buffer_put_text(out, ", ");
    put_count(out, report, "restarts", "restart", "restarts");
    tend_buffer_put_text(out, "; evaluators: ");
    put_count(out, report, "evaluated", "answer asked for again", "answers asked for again");
    if (number(report, "believed") > 0) {
        tend_buffer_printf(out, ", %" PRId64 " believed", number(report, "believed"));
    }
    if (number(report, "kills") > 0) {
        tend_buffer_put_text(out, ", ");
        put_count(out, report, "kills", "that died then", "that died then");
    }
    tend_buffer_put_text(out, "\n");
}

static void put_maker(struct tend_buffer *out, const json_t *report)
{
    tend_buffer_put_text(out, "  recorded by tend ");
    tend_terminal_put_member(out, report, "tend", "?");
    tend_buffer_put_text(out, ", build ");
    tend_terminal_put_member(out, report, "build", "?");
    tend_buffer_put_text(out, ", libm ");
    tend_terminal_put_member(out, report, "libm", "?");
    tend_buffer_put_text(out, tend_json_bool(report, "exact", true)
                                  ? ", as this one: compared to the byte\n"
                                  : ", which is not this one: decisions compared exactly, numbers to 1e-9\n");
}

static void put_difference(struct tend_buffer *out, const json_t *report, const json_t *difference)
{
    tend_buffer_put_text(out, "differs at ");
    tend_terminal_put_time(out, number(difference, "wall_ms"));
    tend_buffer_printf(out, ", event %" PRId64 ":\n  ", number(difference, "event"));
    tend_terminal_put_member(out, difference, "text", "?");
    tend_buffer_put_text(out, "\nuntil there: ");
    put_count(out, report, "decisions", "decision", "decisions");
    tend_buffer_put_text(out, " identical\n");
}

void tend_replay_text_format(const json_t *report, struct tend_buffer *out)
{
    tend_terminal_put_member(out, report, "what", "?");
    tend_buffer_put_text(out, ", ");
    put_span(out, report);
    tend_buffer_put_text(out, "\n");
    put_sums(out, report);
    put_maker(out, report);
    if (tend_json_bool(report, "torn", false)) {
        tend_buffer_put_text(out, "  the newest segment has a torn tail: replayed up to its last whole block\n");
    }
    size_t i = 0;
    const json_t *note = NULL;
    json_array_foreach(json_object_get(report, "notes"), i, note)
    {
        tend_buffer_put_text(out, "  note: ");
        tend_terminal_put(out, json_string_value(note));
        tend_buffer_put_text(out, "\n");
    }
    const json_t *difference = json_object_get(report, "difference");
    if (json_is_object(difference)) {
        put_difference(out, report, difference);
        return;
    }
    tend_buffer_put_text(out, "identical: ");
    put_count(out, report, "decisions", "decision", "decisions");
    tend_buffer_put_text(out, "\n");
}
