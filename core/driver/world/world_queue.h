#pragma once
/// World queue: how long a request is in an instance that has so many workers and so much room for those that wait.
///
/// M/M/c/K: requests come at random (Poisson), a worker needs an exponential time for one, `workers` (c) work at the
/// same time, and K = c + `room` fit in; who comes when it is full is refused. Gross, Shortle, Thompson, Harris,
/// Fundamentals of Queueing Theory, 4th ed., 2.5 (Kleinrock, Queueing Systems I, 3.6, for one worker):
///     p(n) = a^n/n! p(0) for n <= c,  a^n/(c^(n-c) c!) p(0) for n > c,  a = arrivals x service time
/// The mean time within is L / (arrivals (1 - p(K))), by Little. With one worker and room enough it is 1/(1 - u).
/// Pure functions.

#include <stddef.h>

enum { TEND_WORLD_WORKERS_MAX = 1000, TEND_WORLD_ROOM_MAX = 10000 };

struct tend_world_queue {
    double response; ///< mean time of a request that was let in, in service times; at least 1
    double refused;  ///< share of requests that found it full
};

/// @param use  utilisation: what is asked for, of what the workers can do; more than 1 is allowed
/// @param workers  1 … TEND_WORLD_WORKERS_MAX  @param room  0 … TEND_WORLD_ROOM_MAX
struct tend_world_queue tend_world_queue_at(double use, size_t workers, size_t room);
