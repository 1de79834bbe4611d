// What names of columns tell.

#include "locate/column_kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is(const char *metric, enum tend_column_kind kind)
{
    const struct tend_column_class class = tend_column_classify(metric, strlen(metric));
    if (class.kind != kind) {
        fail_msg("%s is %s and not %s", metric, tend_column_kind_text(class.kind), tend_column_kind_text(kind));
    }
}

static void names_tell_the_kind(void **state)
{
    (void)state;
    is("cpu_pct", TEND_COLUMN_RESOURCE);
    is("container_memory_working_set_bytes", TEND_COLUMN_RESOURCE);
    is("diskio", TEND_COLUMN_RESOURCE);
    is("gc_duration", TEND_COLUMN_RESOURCE);
    is("error_rate", TEND_COLUMN_ERROR);
    is("requests_failed", TEND_COLUMN_ERROR);
    is("latency-90", TEND_COLUMN_LATENCY);
    is("p99", TEND_COLUMN_LATENCY);
    is("server_p95", TEND_COLUMN_LATENCY);
    is("response.time", TEND_COLUMN_LATENCY);
    is("client_p90", TEND_COLUMN_CLIENT_LATENCY);
    is("requests", TEND_COLUMN_CALLS);
    is("workload", TEND_COLUMN_CALLS);
    is("net_rx", TEND_COLUMN_NETWORK);
    is("syscall_read", TEND_COLUMN_NETWORK);
    is("node_cpu_pct", TEND_COLUMN_MACHINE);
    is("tomcat_threads_busy", TEND_COLUMN_WAITING);
    is("hikaricp_connections_active", TEND_COLUMN_WAITING);
    is("open_fds", TEND_COLUMN_WAITING);
    is("tcp_conn", TEND_COLUMN_WAITING);
    is("istio_response_bytes_sum", TEND_COLUMN_NETWORK); // no time in it
    is("request_size_p99", TEND_COLUMN_CALLS);           // likewise
    is("up", TEND_COLUMN_ERROR);
    is("kafka_lag", TEND_COLUMN_RESOURCE);
    is("colour", TEND_COLUMN_OTHER);
    is("", TEND_COLUMN_OTHER);
}

static void words_count_and_not_parts_of_words(void **state)
{
    (void)state;
    is("ratio", TEND_COLUMN_OTHER); // no "io"
    is("p", TEND_COLUMN_OTHER);     // no quantile
    is("pods5", TEND_COLUMN_OTHER); // likewise
    is("CPU_Usage", TEND_COLUMN_RESOURCE);
}

static void units_and_counts_tell_times_from_traffic(void **state)
{
    (void)state;
    is("http_server_requests_seconds_max", TEND_COLUMN_LATENCY);
    is("http_client_requests_seconds_max", TEND_COLUMN_CLIENT_LATENCY);
    is("http_server_requests_seconds_count", TEND_COLUMN_CALLS);
    is("http_request_duration_seconds_count", TEND_COLUMN_CALLS);
    is("resp_ms", TEND_COLUMN_LATENCY);
    is("io_wait_ms", TEND_COLUMN_RESOURCE);
    is("process_uptime_seconds", TEND_COLUMN_OTHER);
    assert_true(tend_column_classify("http_server_requests_seconds_sum", 32).is_time_sum);
    assert_true(tend_column_classify("request_duration_seconds_sum", 28).is_time_sum);
    assert_false(tend_column_classify("istio_response_bytes_sum", 24).is_time_sum);
    assert_false(tend_column_classify("requests_total", 14).is_time_sum);
    assert_false(tend_column_classify("gc_duration_seconds_sum", 23).is_time_sum); // none that a caller waits for
}

static void work_done_is_traffic_by_whatever_name(void **state)
{
    (void)state;
    is("mysql_questions", TEND_COLUMN_CALLS);
    is("redis_commands_processed_total", TEND_COLUMN_CALLS);
    is("pg_stat_database_xact_commit", TEND_COLUMN_CALLS);
    is("mysql_slow_queries", TEND_COLUMN_OTHER);
    is("queue_messages_ready", TEND_COLUMN_RESOURCE); // what waits in a queue is no work done
    is("redis_connected_clients", TEND_COLUMN_WAITING);
    is("pg_locks_count", TEND_COLUMN_WAITING);
}

static void a_status_of_an_answer_tells_failures(void **state)
{
    (void)state;
    is("requests_total_503", TEND_COLUMN_ERROR);
    is("requests_total_200", TEND_COLUMN_CALLS);
    is("room_404", TEND_COLUMN_OTHER); // answers nothing
}

static void successes_are_errors_the_other_way_round(void **state)
{
    (void)state;
    const struct tend_column_class availability = tend_column_classify("availability", 12);
    assert_true(availability.kind == TEND_COLUMN_ERROR && availability.is_success);
    const struct tend_column_class unavailable = tend_column_classify("unavailable", 11);
    assert_true(unavailable.kind == TEND_COLUMN_ERROR && !unavailable.is_success);
    assert_true(tend_column_classify("success_pct", 11).is_success);
    is("memory_available_bytes", TEND_COLUMN_RESOURCE); // how much there is, and not whether
}

static void a_side_of_an_edge_and_time_of_its_own_are_known(void **state)
{
    (void)state;
    assert_true(tend_column_classify("server_latency_mean", 19).is_server_side);
    assert_true(tend_column_classify("des_p50", 7).is_server_side);
    assert_false(tend_column_classify("sou_p50", 7).is_server_side);
    assert_true(tend_column_classify("span_self_time", 14).is_own);
    assert_false(tend_column_classify("span_time", 9).is_own);
}

static void a_name_of_any_length_is_read(void **state)
{
    (void)state;
    char name[3000];
    memset(name, 'x', sizeof name);
    assert_int_equal(tend_column_classify(name, sizeof name).kind, TEND_COLUMN_OTHER);
    static const char end[] = { '_', 'c', 'p', 'u' };
    memcpy(name + 2995, end, sizeof end);
    assert_int_equal(tend_column_classify(name, 2999).kind, TEND_COLUMN_RESOURCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_tell_the_kind),
        cmocka_unit_test(words_count_and_not_parts_of_words),
        cmocka_unit_test(units_and_counts_tell_times_from_traffic),
        cmocka_unit_test(work_done_is_traffic_by_whatever_name),
        cmocka_unit_test(a_status_of_an_answer_tells_failures),
        cmocka_unit_test(successes_are_errors_the_other_way_round),
        cmocka_unit_test(a_side_of_an_edge_and_time_of_its_own_are_known),
        cmocka_unit_test(a_name_of_any_length_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
