// How long requests are in a queue: numbers worked out by hand from the formulas of M/M/1, M/M/c and M/M/c/K.

#include "driver/world/world_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_near(double actual, double expected)
{
    if (!(actual >= expected - 1e-9 && actual <= expected + 1e-9)) {
        fail_msg("%.12g is not %.12g", actual, expected);
    }
}

static void nobody_waits_where_nobody_comes(void **state)
{
    (void)state;
    const struct tend_world_queue queue = tend_world_queue_at(0.0, 1, 100);
    assert_near(queue.response, 1.0);
    assert_near(queue.refused, 0.0);
}

static void one_worker_at_half_its_capacity_takes_twice_the_service_time(void **state)
{
    (void)state;
    assert_near(tend_world_queue_at(0.5, 1, 1000).response, 2.0); // 1 / (1 - 0.5)
    assert_near(tend_world_queue_at(0.8, 1, 1000).response, 5.0); // 1 / (1 - 0.8)
}

// M/M/2 at a = 1.6: Erlang's C is 2 B / (2 - a (1 - B)) with B = (a^2/2) / (1 + a + a^2/2) = 1.28 / 3.88, so C =
// 0.711111; the time is 1 + C / (2 - a) = 2.777778. (The same by the closed form of M/M/2: 1 / (1 - u^2) = 1 / 0.36.)
static void two_workers_wait_less_than_one_that_is_as_busy(void **state)
{
    (void)state;
    assert_near(tend_world_queue_at(0.8, 2, 10000).response, 1.0 / 0.36);
}

// M/M/2/2 is Erlang's loss formula: a = 1: (1/2) / (1 + 1 + 1/2) = 1/5.
static void without_room_who_finds_all_workers_busy_is_refused(void **state)
{
    (void)state;
    const struct tend_world_queue queue = tend_world_queue_at(0.5, 2, 0);
    assert_near(queue.refused, 0.2);
    assert_near(queue.response, 1.0);
}

// M/M/1/2 at u = 1: all three states are as likely; L = 1, let in are 2/3.
static void a_full_queue_refuses(void **state)
{
    (void)state;
    const struct tend_world_queue queue = tend_world_queue_at(1.0, 1, 1);
    assert_near(queue.refused, 1.0 / 3.0);
    assert_near(queue.response, 1.5);
}

// Twice of what can be served: half is refused, and who is let in waits behind nearly all of the room.
static void far_too_much_load_has_an_answer_too(void **state)
{
    (void)state;
    const struct tend_world_queue queue = tend_world_queue_at(2.0, 1, 100);
    assert_near(queue.refused, 0.5);
    assert_near(queue.response, 100.0); // K - 1/(u - 1), K = 101
    const struct tend_world_queue flood = tend_world_queue_at(1e6, 1000, 10000);
    assert_near(flood.refused, 1.0 - 1e-6);
    assert_true(flood.response > 10.9 && flood.response <= 11.0); // (1000 + 10000) / 1000
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_where_nobody_comes),
        cmocka_unit_test(one_worker_at_half_its_capacity_takes_twice_the_service_time),
        cmocka_unit_test(two_workers_wait_less_than_one_that_is_as_busy),
        cmocka_unit_test(without_room_who_finds_all_workers_busy_is_refused),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(far_too_much_load_has_an_answer_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
