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

// ---- other rules ----

// When it would be now, or was; and by how much it moved.
static void put_moment(struct tend_buffer *out, const json_t *entry)
{
    const bool is_gone = json_is_null(json_object_get(entry, "at_ms"));
    tend_terminal_put_time(out, number(entry, is_gone ? "was_ms" : "at_ms"));
}

static void put_move(struct tend_buffer *out, const json_t *entry)
{
    const double by_s = tend_json_number(entry, "by_s", 0);
    if (json_is_number(json_object_get(entry, "by_s"))) {
        tend_buffer_put_text(out, " by ");
        tend_terminal_put_span(out, by_s < 0 ? -by_s : by_s);
    }
}

static void put_alert(struct tend_buffer *out, const json_t *entry)
{
    const char *instance = tend_json_text(entry, "instance", "");
    tend_buffer_put_text(out, "  ");
    put_moment(out, entry);
    tend_buffer_put_text(out, "  ");
    tend_terminal_put_member(out, entry, "change", "?");
    put_move(out, entry);
    tend_buffer_put_text(out, ": ");
    tend_terminal_put_member(out, entry, "rule", "?");
    tend_buffer_put_text(out, " on ");
    tend_terminal_put_member(out, entry, instance[0] == '\0' ? "service" : "instance", "?");
    tend_buffer_put_text(out, "\n");
}

static void put_act(struct tend_buffer *out, const json_t *entry)
{
    tend_buffer_put_text(out, "  ");
    put_moment(out, entry);
    tend_buffer_put_text(out, "  ");
    tend_terminal_put_member(out, entry, "change", "?");
    put_move(out, entry);
    tend_buffer_put_text(out, ": ");
    tend_terminal_put_member(out, entry, "act", "?");
    tend_buffer_put_text(out, " (");
    tend_terminal_put_member(out, entry, "playbook", "?");
    tend_buffer_put_text(out, ")\n");
}

static void put_changes(struct tend_buffer *out, const json_t *change, const char *key, const char *same,
                        void (*put)(struct tend_buffer *out, const json_t *entry))
{
    const json_t *entries = json_object_get(change, key);
    tend_buffer_printf(out, "%s: %" PRId64 " as they were, %zu otherwise\n", key, number(change, same),
                       json_array_size(entries));
    for (size_t i = 0; i < json_array_size(entries); i++) {
        put(out, json_array_get(entries, i));
    }
}

void tend_replay_text_format_rules(const json_t *change, struct tend_buffer *out)
{
    tend_terminal_put_member(out, change, "what", "?");
    tend_buffer_put_text(out, ", ");
    tend_terminal_put_time(out, number(change, "from_ms"));
    tend_buffer_put_text(out, " to ");
    tend_terminal_put_time(out, number(change, "until_ms"));
    tend_buffer_put_text(out, ": the rules of ");
    tend_terminal_put_member(out, change, "rules", "?");
    tend_buffer_put_text(out, " beside the recorded ones, both unarmed\n");
    put_changes(out, change, "alerts", "alerts_same", put_alert);
    put_changes(out, change, "acts", "acts_same", put_act);
    size_t i = 0;
    const json_t *text = NULL;
    json_array_foreach(json_object_get(change, "missing"), i, text)
    {
        tend_buffer_put_text(out, i == 0 ? "not in the recording:\n  " : "  ");
        tend_terminal_put(out, json_string_value(text));
        tend_buffer_put_text(out, "\n");
    }
}
