// Which series tell what a process runs.

#include "series/telltale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum tend_telltale telltale_of(const char *name)
{
    return tend_telltale_of(name, strlen(name));
}

static void names_as_exporters_give_them_tell(void **state)
{
    (void)state;
    assert_int_equal(telltale_of("prometheus_build_info"), TEND_TELLTALE_BUILD);
    assert_int_equal(telltale_of("alertmanager_config_hash"), TEND_TELLTALE_CONFIG);
    assert_int_equal(telltale_of("prometheus_config_last_reload_success_timestamp_seconds"), TEND_TELLTALE_RELOAD);
    assert_int_equal(telltale_of("nginx_ingress_controller_config_last_reload_successful_timestamp_seconds"),
                     TEND_TELLTALE_RELOAD);
    assert_int_equal(telltale_of("traefik_config_reloads_total"), TEND_TELLTALE_RELOAD);
    assert_int_equal(telltale_of("prometheus_config_last_reload_successful"), TEND_TELLTALE_RELOAD_FINE);
}

static void other_names_tell_nothing(void **state)
{
    (void)state;
    static const char *const names[] = { "",
                                         "up",
                                         "build_info",
                                         "_build_info",
                                         "app_build_info_total",
                                         "kube_pod_info",
                                         "app_config_hashes",
                                         "app_configuration_hash" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(telltale_of(names[i]), TEND_TELLTALE_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_as_exporters_give_them_tell),
        cmocka_unit_test(other_names_tell_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
