// Facts about URLs.

#include "parse/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct tend_url parsed(const char *text)
{
    struct tend_url url = { .port = 0 };
    struct tend_error error = { "" };
    if (tend_url_parse(text, strlen(text), &url, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    return url;
}

static void assert_part(struct tend_url_part part, const char *expected)
{
    assert_non_null(part.text);
    assert_int_equal(part.bytes, strlen(expected));
    assert_memory_equal(part.text, expected, part.bytes);
}

static void assert_refused(const char *text, const char *why)
{
    struct tend_url url;
    struct tend_error error = { "" };
    assert_int_equal(tend_url_parse(text, strlen(text), &url, &error), TEND_E_INVALID);
    if (strstr(error.text, why) == NULL) {
        fail_msg("%s: the message is '%s', expected '%s' in it", text, error.text, why);
    }
}

static void a_url_has_its_parts(void **state)
{
    (void)state;
    const struct tend_url url = parsed("https://user:pw@shop.example:8443/metrics?a=b%20c");
    assert_true(url.https);
    assert_part(url.credentials, "user:pw");
    assert_part(url.host, "shop.example");
    assert_int_equal(url.port, 8443);
    assert_true(url.has_port);
    assert_part(url.target, "/metrics?a=b%20c");
}

static void the_scheme_gives_the_port(void **state)
{
    (void)state;
    assert_int_equal(parsed("http://h").port, 80);
    assert_int_equal(parsed("HTTPS://h/").port, 443);
    assert_false(parsed("http://h").has_port);
    assert_null(parsed("http://h").credentials.text);
}

static void ipv6_addresses_stand_in_brackets(void **state)
{
    (void)state;
    const struct tend_url url = parsed("http://[::1]:9100/metrics");
    assert_true(url.is_ipv6);
    assert_part(url.host, "::1");
    assert_int_equal(url.port, 9100);
    assert_refused("http://[::1", "IPv6");
    assert_refused("http://[::g]/", "IPv6");
    assert_refused("http://[::1]9100/", "follows the host");
    assert_refused("http://::1/", "host is missing");
}

static void what_parsers_disagree_on_is_refused(void **state)
{
    (void)state;
    assert_refused("http://a@b@c/", "more than one");
    assert_refused("http://h\\@evil/", "none of");
    assert_refused("http://127.1/", "IPv4");
    assert_refused("http://0x7f.0.0.1./", "IPv4");
    assert_refused("http://2130706433/", "IPv4");
    assert_refused("http://0177.0.0.1/", "IPv4");
    assert_refused("http://0x7f000001/", "IPv4");
    assert_refused("http://h%41st/", "host may hold");
    assert_refused("http://a..b/", "empty part");
}

static void bytes_that_could_split_a_request_are_refused(void **state)
{
    (void)state;
    assert_refused("http://h/a b", "blanks");
    assert_refused("http://h/a\r\nHost: x", "blanks");
    assert_refused("http://h/\xc3\xa9", "outside ASCII");
    struct tend_url url;
    assert_int_equal(tend_url_parse("http://h/\0x", 11, &url, NULL), TEND_E_INVALID);
}

static void other_mistakes_are_told(void **state)
{
    (void)state;
    assert_refused("", "must begin with http://");
    assert_refused("ftp://h/", "ftp://h/: the URL must begin with http:// or https://");
    assert_refused("file:///etc/passwd", "must begin with http://");
    assert_refused("http://", "host is missing");
    assert_refused("http:///x", "host is missing");
    assert_refused("http://h:0/", "port");
    assert_refused("http://h:65536/", "port");
    assert_refused("http://h:/", "port");
    assert_refused("http://h:80x/", "port");
    assert_refused("http://h/#top", "fragment");
    assert_refused("http://h/%zz", "hexadecimal");
}

static void a_message_has_no_credentials(void **state)
{
    (void)state;
    struct tend_url url;
    struct tend_error error = { "" };
    const char *text = "http://user:secret@h:0/";
    assert_int_equal(tend_url_parse(text, strlen(text), &url, &error), TEND_E_INVALID);
    assert_string_equal(error.text, "http://***@h:0/: the port is no number from 1 to 65535");
}

static void assert_target(const char *text, const char *expected)
{
    struct tend_buffer out;
    struct tend_error error = { "" };
    tend_buffer_init(&out);
    if (tend_url_of_target(text, strlen(text), &out, &error) != TEND_OK) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(tend_buffer_text(&out), expected);
    tend_buffer_clear(&out);
}

static void targets_are_made_whole(void **state)
{
    (void)state;
    assert_target("127.0.0.1:9100", "http://127.0.0.1:9100/metrics");
    assert_target("localhost:9100", "http://localhost:9100/metrics");
    assert_target("shop", "http://shop/metrics");
    assert_target("shop:80/custom?x=http://y", "http://shop:80/custom?x=http://y");
    assert_target("https://shop", "https://shop/metrics");
    assert_target("http://shop/", "http://shop/");
    assert_target("http://shop?module=up", "http://shop/metrics?module=up");
    assert_target("[::1]:9100", "http://[::1]:9100/metrics");
    assert_target("http://u:p@shop:1", "http://u:p@shop:1/metrics");
}

static void a_target_that_is_none_appends_nothing(void **state)
{
    (void)state;
    struct tend_buffer out;
    tend_buffer_init(&out);
    struct tend_error error = { "" };
    assert_int_equal(tend_url_of_target("ftp://shop", 10, &out, &error), TEND_E_INVALID);
    assert_int_equal(tend_url_of_target("", 0, &out, &error), TEND_E_INVALID);
    assert_int_equal(out.size, 0);
    tend_buffer_clear(&out);
}

static void assert_redacted(const char *text, const char *expected)
{
    struct tend_buffer out;
    tend_buffer_init(&out);
    tend_url_redact(text, strlen(text), &out);
    assert_string_equal(tend_buffer_text(&out), expected);
    tend_buffer_clear(&out);
}

static void credentials_are_cut_for_display(void **state)
{
    (void)state;
    assert_redacted("http://user:pw@h/x", "http://***@h/x");
    assert_redacted("http://h/x@y", "http://h/x@y");
    assert_redacted("user:p/w@h:80", "***@h:80");
    assert_redacted("http://user:p?w@h", "http://***@h");
    assert_redacted("http:/user:pw@h", "***@h");
    assert_redacted("http://h/\x1b[2J", "http://h/\\x1b[2J");
    assert_redacted("", "");
    assert_redacted("@", "***@");
}

static void four_kilobytes_are_the_limit(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, 'a', sizeof text);
    memcpy(text, "http://h/", sizeof "http://h/" - 1);
    struct tend_url url;
    assert_int_equal(tend_url_parse(text, 4096, &url, NULL), TEND_OK);
    assert_int_equal(tend_url_parse(text, 4097, &url, NULL), TEND_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_has_its_parts),
        cmocka_unit_test(the_scheme_gives_the_port),
        cmocka_unit_test(ipv6_addresses_stand_in_brackets),
        cmocka_unit_test(what_parsers_disagree_on_is_refused),
        cmocka_unit_test(bytes_that_could_split_a_request_are_refused),
        cmocka_unit_test(other_mistakes_are_told),
        cmocka_unit_test(a_message_has_no_credentials),
        cmocka_unit_test(targets_are_made_whole),
        cmocka_unit_test(a_target_that_is_none_appends_nothing),
        cmocka_unit_test(credentials_are_cut_for_display),
        cmocka_unit_test(four_kilobytes_are_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
