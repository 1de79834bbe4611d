// Facts about the rules by which zones change their clocks.

#include "parse/zone_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct tend_zone_rule rule_of(const char *text)
{
    struct tend_zone_rule rule;
    if (tend_zone_rule_parse(text, strlen(text), &rule) != TEND_OK) {
        fail_msg("%s", text);
    }
    return rule;
}

static void a_rule_without_summer_is_an_offset(void **state)
{
    (void)state;
    assert_int_equal(rule_of("UTC0").standard_s, 0);
    assert_int_equal(rule_of("IST-5:30").standard_s, 19800);
    assert_int_equal(rule_of("<+0545>-5:45").standard_s, 20700);
    assert_int_equal(rule_of("<-03>3").standard_s, -10800);
    assert_false(rule_of("UTC0").has_summer);
}

static void the_last_sunday_is_found(void **state)
{
    (void)state;
    const struct tend_zone_rule berlin = rule_of("CET-1CEST,M3.5.0,M10.5.0/3");
    assert_int_equal(berlin.standard_s, 3600);
    assert_int_equal(berlin.summer_s, 7200);
    assert_int_equal(tend_zone_rule_to_summer_s(&berlin, 2026), 1774746000);   // 2026-03-29, 01:00 in UTC
    assert_int_equal(tend_zone_rule_to_standard_s(&berlin, 2026), 1792890000); // 2026-10-25, 01:00 in UTC
}

static void the_second_sunday_is_found(void **state)
{
    (void)state;
    const struct tend_zone_rule new_york = rule_of("EST5EDT,M3.2.0,M11.1.0");
    assert_int_equal(tend_zone_rule_to_summer_s(&new_york, 2026), 1772953200);   // 2026-03-08, 07:00 in UTC
    assert_int_equal(tend_zone_rule_to_standard_s(&new_york, 2026), 1793512800); // 2026-11-01, 06:00 in UTC
}

static void a_change_may_lie_before_its_day_or_days_after_it(void **state)
{
    (void)state;
    const struct tend_zone_rule nuuk = rule_of("<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
    assert_int_equal(tend_zone_rule_to_summer_s(&nuuk, 2026), 1774746000); // Saturday, 23:00 there
    const struct tend_zone_rule gaza = rule_of("EET-2EEST,M3.4.4/50,M10.4.4/50");
    assert_int_equal(tend_zone_rule_to_summer_s(&gaza, 2026), 1774656000); // 2026-03-26 and 50 hours, less 2
}

static void days_of_the_year_count_with_or_without_the_leap_day(void **state)
{
    (void)state;
    const struct tend_zone_rule julian = rule_of("AAA0BBB,J60/0,J365/0"); // March 1 in every year
    assert_int_equal(tend_zone_rule_to_summer_s(&julian, 2027), 1803859200);
    assert_int_equal(tend_zone_rule_to_summer_s(&julian, 2028), 1835481600);
    const struct tend_zone_rule counted = rule_of("AAA0BBB,59/0,365/0"); // March 1, in a leap year February 29
    assert_int_equal(tend_zone_rule_to_summer_s(&counted, 2027), 1803859200);
    assert_int_equal(tend_zone_rule_to_summer_s(&counted, 2028), 1835395200);
}

static void what_is_no_rule_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "",
                                         "AB1",
                                         "CET",
                                         "CET-1CEST",
                                         "CET-1CEST,M3.5.0",
                                         "CET-1CEST,M13.5.0,M10.5.0",
                                         "CET-1CEST,M3.6.0,M10.5.0",
                                         "CET-1CEST,M3.5.7,M10.5.0",
                                         "CET-1CEST,J0,J365",
                                         "CET-1CEST,J1,366",
                                         "CET-1CEST,J1,J2/168",
                                         "CET-1CEST,J1,J2 ",
                                         "CET-25",
                                         "<+01-1" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tend_zone_rule rule;
        assert_int_equal(tend_zone_rule_parse(texts[i], strlen(texts[i]), &rule), TEND_E_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_without_summer_is_an_offset),
        cmocka_unit_test(the_last_sunday_is_found),
        cmocka_unit_test(the_second_sunday_is_found),
        cmocka_unit_test(a_change_may_lie_before_its_day_or_days_after_it),
        cmocka_unit_test(days_of_the_year_count_with_or_without_the_leap_day),
        cmocka_unit_test(what_is_no_rule_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
