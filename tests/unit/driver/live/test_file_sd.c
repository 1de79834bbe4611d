// Facts about what a file_sd file says.

#include "driver/live/file_sd.h"

#include "failing_allocation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_up(void **state)
{
    struct tend_file_sd *file = calloc(1, sizeof *file);
    tend_file_sd_init(file);
    *state = file;
    return 0;
}

static int tear_down(void **state)
{
    tend_file_sd_clear(*state);
    free(*state);
    return 0;
}

static void read_good(struct tend_file_sd *file, const char *text)
{
    struct tend_error error = { "" };
    const enum tend_status status = tend_file_sd_parse(text, strlen(text), file, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, TEND_OK);
}

static void refuse(struct tend_file_sd *file, const char *text, const char *message)
{
    struct tend_error error = { "" };
    assert_int_equal(tend_file_sd_parse(text, strlen(text), file, &error), TEND_E_INVALID);
    assert_string_equal(error.text, message);
    assert_int_equal(file->count, 0);
}

static void assert_labels(const struct tend_file_sd *file, size_t target, const char *expected)
{
    char *text = tend_json_canonical(file->targets[target].labels);
    assert_string_equal(text, expected);
    free(text);
}

static void targets_of_a_group_share_its_labels(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file,
              "[{\"targets\":[\"10.0.0.1:9100\",\"db.example:9100\"],\"labels\":{\"app\":\"ledger\",\"zone\":\"b\"}}]");
    assert_int_equal(file->count, 2);
    assert_string_equal(file->targets[0].url, "http://10.0.0.1:9100/metrics");
    assert_string_equal(file->targets[0].address, "10.0.0.1:9100");
    assert_labels(file, 0, "{\"app\":\"ledger\",\"zone\":\"b\"}");
    assert_string_equal(file->targets[1].url, "http://db.example:9100/metrics");
    assert_labels(file, 1, "{\"app\":\"ledger\",\"zone\":\"b\"}");
}

static void labels_may_be_missing(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file, "[{\"targets\":[\"a:1\"]},{\"targets\":[\"b:1\"],\"labels\":null},{\"targets\":[]},{}]");
    assert_int_equal(file->count, 2);
    assert_labels(file, 0, "{}");
}

static void an_empty_list_is_no_target(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file, "[]");
    assert_int_equal(file->count, 0);
}

static void labels_that_steer_make_the_url_and_are_dropped(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file, "[{\"targets\":[\"a:9115\"],\"labels\":{\"__scheme__\":\"https\",\"__metrics_path__\":\"/probe\","
                    "\"__param_target\":\"http://x/?a=b c\",\"__param_module\":\"http_2xx\",\"__meta_x\":\"1\","
                    "\"job\":\"probe\"}}]");
    assert_string_equal(file->targets[0].url,
                        "https://a:9115/probe?module=http_2xx&target=http%3A%2F%2Fx%2F%3Fa%3Db%20c");
    assert_string_equal(file->targets[0].address, "a:9115");
    assert_labels(file, 0, "{\"job\":\"probe\"}");
}

static void parameters_go_after_those_of_the_path(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file, "[{\"targets\":[\"a:1\"],\"labels\":{\"__metrics_path__\":\"m?x=1\",\"__param_y\":\"2\"}}]");
    assert_string_equal(file->targets[0].url, "http://a:1/m?x=1&y=2");
}

static void an_address_of_ipv6_keeps_its_brackets(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file, "[{\"targets\":[\"[::1]:9100\"]}]");
    assert_string_equal(file->targets[0].url, "http://[::1]:9100/metrics");
}

static void a_target_that_makes_no_url_is_left_out_alone(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file, "[{\"targets\":[\"a:1\",\"http://b:1/metrics\",\"c d:1\",\"\",\"e:99999\"]}]");
    assert_int_equal(file->count, 1);
    assert_int_equal(file->left_out, 4);
    assert_string_equal(file->reason.text, "element 1: http://b:1/metrics is no host:port");
}

static void another_scheme_is_left_out(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file, "[{\"targets\":[\"a:1\"],\"labels\":{\"__scheme__\":\"file\"}}]");
    assert_int_equal(file->count, 0);
    assert_int_equal(file->left_out, 1);
}

static void a_null_element_is_an_error(void **state)
{
    refuse(*state, "[{\"targets\":[\"a:1\"]},null]", "element 2 is null");
}

static void what_has_another_shape_is_an_error(void **state)
{
    refuse(*state, "{\"targets\":[\"a:1\"]}", "the file must hold a list: [{\"targets\":[…],\"labels\":{…}}]");
    refuse(*state, "[\"a:1\"]", "element 1 must be an object");
    refuse(*state, "[{\"targets\":\"a:1\"}]", "element 1: targets must be a list");
    refuse(*state, "[{\"targets\":[1]}]", "element 1: targets must be strings");
    refuse(*state, "[{\"targets\":[null]}]", "element 1: targets must be strings");
    refuse(*state, "[{\"targets\":[\"a:1\"],\"labels\":[]}]", "element 1: labels must be an object");
    refuse(*state, "[{\"targets\":[\"a:1\"],\"labels\":{\"n\":1}}]", "element 1: the label n must be a string");
    refuse(*state, "[{\"targets\":[\"a:1\"],\"labels\":{\"a-b\":\"1\"}}]", "element 1: a-b is no label name");
    refuse(*state, "[{\"targets\":[\"a:1\"],\"labels\":{\"\":\"1\"}}]", "element 1: \"\" is no label name");
}

static void broken_json_is_an_error_with_its_place(void **state)
{
    struct tend_error error = { "" };
    static const char text[] = "[\n{\"targets\":[\"a:1\"]},\n{]";
    assert_int_equal(tend_file_sd_parse(text, strlen(text), *state, &error), TEND_E_INVALID);
    assert_ptr_equal(strstr(error.text, "line 3, column 2: "), error.text);
    assert_int_equal(tend_file_sd_parse("", 0, *state, &error), TEND_E_INVALID);
}

static void a_message_cannot_drive_a_terminal(void **state)
{
    struct tend_file_sd *file = *state;
    read_good(file, "[{\"targets\":[\"\\u001b[31m/\"]}]");
    assert_string_equal(file->reason.text, "element 1: \\x1b[31m/ is no host:port");
}

static void over_100000_targets_are_too_many(void **state)
{
    struct tend_file_sd *file = *state;
    const size_t room = (size_t)(TEND_FILE_SD_TARGETS_MAX + 1) * 12 + 64;
    char *text = malloc(room);
    size_t bytes = (size_t)snprintf(text, room, "[{\"targets\":[\"h0\"");
    for (int i = 1; i <= TEND_FILE_SD_TARGETS_MAX; i++) {
        bytes += (size_t)snprintf(text + bytes, room - bytes, ",\"h%d\"", i);
    }
    bytes += (size_t)snprintf(text + bytes, room - bytes, "]}]");
    struct tend_error error = { "" };
    assert_int_equal(tend_file_sd_parse(text, bytes, file, &error), TEND_E_LIMIT);
    assert_string_equal(error.text, "over 100000 targets");
    assert_int_equal(file->count, 0);
    free(text);
}

static void no_failed_allocation_gives_half_a_file(void **state)
{
    if (!TEND_CAN_FAIL_ALLOCATIONS) {
        print_message("skipped: allocations cannot be made to fail under the sanitizers\n");
        skip();
    }
    struct tend_file_sd *file = *state;
    static const char text[] = "[{\"targets\":[\"a:1\",\"b:1\"],\"labels\":{\"k\":\"v\",\"__param_x\":\"1\"}}]";
    enum tend_status status = TEND_E_NOMEM;
    for (long i = 0; status != TEND_OK; i++) {
        fail_allocation_after(i);
        status = tend_file_sd_parse(text, strlen(text), file, NULL);
        fail_allocation_after(-1);
        assert_true(status == TEND_OK || status == TEND_E_NOMEM || status == TEND_E_INVALID);
        assert_int_equal(file->count, status == TEND_OK ? 2 : 0);
        assert_int_equal(file->left_out, 0);
        assert_in_range(i, 0, 500);
    }
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(targets_of_a_group_share_its_labels),
        FACT(labels_may_be_missing),
        FACT(an_empty_list_is_no_target),
        FACT(labels_that_steer_make_the_url_and_are_dropped),
        FACT(parameters_go_after_those_of_the_path),
        FACT(an_address_of_ipv6_keeps_its_brackets),
        FACT(a_target_that_makes_no_url_is_left_out_alone),
        FACT(another_scheme_is_left_out),
        FACT(a_null_element_is_an_error),
        FACT(what_has_another_shape_is_an_error),
        FACT(broken_json_is_an_error_with_its_place),
        FACT(a_message_cannot_drive_a_terminal),
        FACT(over_100000_targets_are_too_many),
        FACT(no_failed_allocation_gives_half_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
