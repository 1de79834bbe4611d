// Facts about events as bytes: what was encoded is decoded to the bit, and what was not encoded is refused.

#include "recording/event_encoder.h"

#include "recorded_events.h"
#include "recording/event_decoder.h"
#include "recording/wire.h"

#include <stdlib.h>

struct codec {
    struct tend_event_encoder *encoder;
    struct tend_event_decoder *decoder;
    struct tend_buffer items;
    struct event_source source;
};

static int make_codec(void **state)
{
    static struct codec codec;
    codec = (struct codec){ .source = { .at_ms = 1000 } };
    *state = &codec;
    return tend_event_encoder_create(&codec.encoder) == TEND_OK && tend_event_decoder_create(&codec.decoder) == TEND_OK
               ? 0
               : -1;
}

static int end_codec(void **state)
{
    struct codec *codec = *state;
    tend_event_encoder_destroy(codec->encoder);
    tend_event_decoder_destroy(codec->decoder);
    tend_buffer_clear(&codec->items);
    event_source_clear(&codec->source);
    return 0;
}

static enum tend_status decode(struct codec *codec, const char *bytes, size_t count, struct tend_recorded *out)
{
    struct tend_reader in = tend_reader_over(bytes, count);
    enum tend_status status = TEND_OK;
    const char *why = "";
    while (status == TEND_OK && in.next < in.end) {
        const uint8_t kind = tend_reader_get_u8(&in);
        size_t payload_bytes;
        const char *payload = tend_wire_get_bytes(&in, &payload_bytes);
        assert_false(in.failed);
        if (kind == TEND_ITEM_LABELS) {
            status = tend_event_decoder_labels(codec->decoder, payload, payload_bytes, &why);
        } else if (kind == TEND_ITEM_LAYOUT) {
            status = tend_event_decoder_layout(codec->decoder, payload, payload_bytes, &why);
        } else {
            assert_int_equal(kind, TEND_ITEM_EVENT);
            status = tend_event_decoder_event(codec->decoder, payload, payload_bytes, out, &why);
        }
    }
    assert_true(status == TEND_OK || why[0] != '\0');
    return status;
}

static void encode(struct codec *codec, const struct tend_event *event)
{
    tend_buffer_reset(&codec->items);
    assert_int_equal(tend_event_encoder_put(codec->encoder, event, "hash", codec->source.json, &codec->items), TEND_OK);
}

// Encodes and decodes, and compares.
static struct tend_recorded pass(struct codec *codec, const struct tend_event *event)
{
    encode(codec, event);
    struct tend_recorded back = { .at_byte = 0 };
    assert_int_equal(decode(codec, codec->items.data, codec->items.size, &back), TEND_OK);
    assert_int_equal(back.kind, TEND_RECORDED_EVENT);
    assert_same_event(event, &back.event);
    return back;
}

static void every_kind_comes_back(void **state)
{
    struct codec *codec = *state;
    seed_random(1);
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        for (int i = 0; i < 20; i++) {
            const struct tend_event event = make_event(&codec->source, (enum tend_event_kind)kind);
            const struct tend_recorded back = pass(codec, &event);
            if (kind == TEND_EVENT_GENERATION) {
                assert_null(back.event.generation.ruleset);
                assert_string_equal(back.next_generation.hash, "hash");
                assert_true(json_equal(back.next_generation.document, codec->source.json));
            }
        }
    }
}

static void random_events_come_back_in_any_order(void **state)
{
    struct codec *codec = *state;
    seed_random(20261123);
    for (int i = 0; i < 20000; i++) {
        const int kind = random_below(3) == 0 ? random_below(EVENT_KINDS) : TEND_EVENT_SCRAPED;
        const struct tend_event event = make_event(&codec->source, (enum tend_event_kind)kind);
        (void)pass(codec, &event);
    }
    assert_int_equal(tend_event_encoder_count(codec->encoder), 20000);
    assert_int_equal(tend_event_decoder_count(codec->decoder), 20000);
}

static void times_of_any_size_come_back(void **state)
{
    struct codec *codec = *state;
    static const int64_t times[] = { 0, INT64_MAX, INT64_MIN, -1, 1, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i + 1 < sizeof times / sizeof times[0]; i++) {
        struct tend_event event = { .kind = TEND_EVENT_SCRAPED, .at_ms = times[i], .wall_ms = times[i + 1] };
        event.scraped.begun_ms = times[i + 1];
        event.scraped.kind = TEND_SCRAPE_REFUSED;
        (void)pass(codec, &event);
    }
}

static struct tend_event scrape_of(const struct tend_layout *layout, size_t target, const double *values)
{
    struct tend_event event = { .kind = TEND_EVENT_SCRAPED, .at_ms = 5000, .wall_ms = 5000 };
    event.scraped.target = target;
    event.scraped.reason = "";
    event.scraped.layout = layout;
    event.scraped.values = values;
    event.scraped.value_count = tend_layout_count(layout);
    return event;
}

static void equal_layouts_are_written_once_and_shared(void **state)
{
    struct codec *codec = *state;
    const struct tend_layout *first = numbered_layout(4);
    const struct tend_layout *equal = numbered_layout(4);
    const double values[4] = { 1, 2, 3, 4 };
    const struct tend_event one = scrape_of(first, 0, values);
    const struct tend_event two = scrape_of(equal, 1, values);
    const struct tend_layout *decoded = pass(codec, &one).event.scraped.layout;
    const size_t first_bytes = codec->items.size;
    assert_ptr_equal(pass(codec, &two).event.scraped.layout, decoded);
    assert_true(codec->items.size + 80 < first_bytes); // four label sets are more than that
    assert_ptr_equal(pass(codec, &one).event.scraped.layout, decoded);
    tend_layout_release(first);
    tend_layout_release(equal);
}

static void a_value_that_stands_takes_one_byte(void **state)
{
    struct codec *codec = *state;
    const struct tend_layout *layout = numbered_layout(12);
    double values[12] = { 0.1, 1e300, -7, 0, 3, 4, 5, 6, 7, 8, 9, 10 };
    values[11] = tend_stale();
    const struct tend_event event = scrape_of(layout, 0, values);
    (void)pass(codec, &event);
    const size_t empty = 24; // at most, of an item: kind, length, times, target, duration, scrape kind, reason, layout
    (void)pass(codec, &event);
    assert_in_range(codec->items.size, 12, 12 + empty);
    tend_layout_release(layout);
}

static void after_a_reset_nothing_before_is_needed(void **state)
{
    struct codec *codec = *state;
    const struct tend_layout *layout = numbered_layout(3);
    const double values[3] = { 1.5, 2.5, 3.5 };
    const struct tend_event event = scrape_of(layout, 2, values);
    (void)pass(codec, &event);
    tend_event_encoder_reset(codec->encoder);
    tend_event_decoder_reset(codec->decoder);
    (void)pass(codec, &event);
    tend_layout_release(layout);
}

static void a_target_beyond_the_limit_is_refused(void **state)
{
    struct codec *codec = *state;
    struct tend_event event = { .kind = TEND_EVENT_SCRAPED };
    event.scraped.target = TEND_RECORDING_TARGETS_MAX;
    event.scraped.kind = TEND_SCRAPE_REFUSED;
    assert_int_equal(tend_event_encoder_put(codec->encoder, &event, NULL, NULL, &codec->items), TEND_E_LIMIT);
}

static void a_series_whose_labels_are_no_utf8_is_refused(void **state)
{
    struct codec *codec = *state;
    static const char good[] = "\2up\1\4zone\2\xc3\xb6"; // up{zone="ö"}
    static const char bad_value[] = "\2up\1\4zone\2\xc3\x28";
    static const char bad_label[] = "\2up\1\4zon\xff\1x";
    static const char bad_name[] = "\2u\xff\0";
    const char *why = "";
    assert_int_equal(tend_event_decoder_labels(codec->decoder, good, sizeof good - 1, &why), TEND_OK);
    assert_int_equal(tend_event_decoder_labels(codec->decoder, bad_value, sizeof bad_value - 1, &why), TEND_E_CORRUPT);
    assert_int_equal(tend_event_decoder_labels(codec->decoder, bad_label, sizeof bad_label - 1, &why), TEND_E_CORRUPT);
    assert_int_equal(tend_event_decoder_labels(codec->decoder, bad_name, sizeof bad_name - 1, &why), TEND_E_CORRUPT);
}

// Whatever the bytes, the decoder says so or gives an event; the sanitizers see to the rest.
static void changed_bytes_are_refused_or_are_other_events(void **state)
{
    struct codec *codec = *state;
    seed_random(7);
    int refused = 0;
    for (int i = 0; i < 20000; i++) {
        const struct tend_event event = make_event(&codec->source, (enum tend_event_kind)random_below(EVENT_KINDS));
        encode(codec, &event);
        struct tend_recorded back = { .at_byte = 0 };
        assert_int_equal(decode(codec, codec->items.data, codec->items.size, &back), TEND_OK);
        // The newest item is the event; its payload is changed in one place.
        struct tend_reader in = tend_reader_over(codec->items.data, codec->items.size);
        const char *payload = NULL;
        size_t payload_bytes = 0;
        while (in.next < in.end) {
            (void)tend_reader_get_u8(&in);
            payload = tend_wire_get_bytes(&in, &payload_bytes);
        }
        char *changed = malloc(payload_bytes);
        assert_non_null(changed);
        memcpy(changed, payload, payload_bytes);
        char *at = &changed[random_below((int)payload_bytes)];
        *at = (char)((unsigned char)*at ^ 1U << random_below(8));
        const char *why;
        refused += tend_event_decoder_event(codec->decoder, changed, payload_bytes, &back, &why) == TEND_E_CORRUPT;
        free(changed);
        tend_event_encoder_reset(codec->encoder); // the decoder's rows may be anything now
        tend_event_decoder_reset(codec->decoder);
    }
    assert_true(refused > 1000);
}

static void a_cut_event_is_refused(void **state)
{
    struct codec *codec = *state;
    seed_random(8);
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        if (kind == TEND_EVENT_SCRAPED) {
            continue; // its rows: recording_reader's test cuts them
        }
        const struct tend_event event = make_event(&codec->source, (enum tend_event_kind)kind);
        encode(codec, &event);
        struct tend_reader in = tend_reader_over(codec->items.data, codec->items.size);
        (void)tend_reader_get_u8(&in);
        size_t payload_bytes;
        const char *payload = tend_wire_get_bytes(&in, &payload_bytes);
        for (size_t cut = 0; cut < payload_bytes; cut++) {
            struct tend_recorded back;
            const char *why;
            assert_int_equal(tend_event_decoder_event(codec->decoder, payload, cut, &back, &why), TEND_E_CORRUPT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_comes_back, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(random_events_come_back_in_any_order, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(times_of_any_size_come_back, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(equal_layouts_are_written_once_and_shared, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(a_value_that_stands_takes_one_byte, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(after_a_reset_nothing_before_is_needed, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(a_target_beyond_the_limit_is_refused, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(a_series_whose_labels_are_no_utf8_is_refused, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(changed_bytes_are_refused_or_are_other_events, make_codec, end_codec),
        cmocka_unit_test_setup_teardown(a_cut_event_is_refused, make_codec, end_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
