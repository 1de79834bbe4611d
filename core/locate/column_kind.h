#pragma once
/// Column kind: what a column of exported data tells of its service, judged by its name alone.
///
/// Names are cut into words at everything that is no letter or digit, and between letters and digits; case does not
/// matter. Nothing allocates.

#include <stdbool.h>
#include <stddef.h>

enum tend_column_kind {
    TEND_COLUMN_RESOURCE,       ///< CPU, memory, disk, queues, restarts: what the service itself feels
    TEND_COLUMN_WAITING,        ///< threads, connections, sockets: more when it is called more, or waits for others
    TEND_COLUMN_NETWORK,        ///< bytes, packets, system calls: follow the traffic
    TEND_COLUMN_ERROR,          ///< failures; a ratio of successes is turned round
    TEND_COLUMN_LATENCY,        ///< time to answer, as the service sees it
    TEND_COLUMN_CLIENT_LATENCY, ///< time its own calls take: mostly the fault of whom it calls
    TEND_COLUMN_CALLS,          ///< traffic: what callers do to it
    TEND_COLUMN_MACHINE,        ///< of the machine, shared with others
    TEND_COLUMN_OTHER,
    TEND_COLUMN_KIND_COUNT
};

struct tend_column_class {
    enum tend_column_kind kind;
    bool is_success;     ///< an error column that counts successes: a share, or percent
    bool is_own;         ///< a latency less what calls to others took
    bool is_server_side; ///< of an edge: as the callee sees it
    bool is_client_side; ///< of calls that the service makes
    bool is_time_sum;    ///< time that all calls took: beside their count it makes a mean
};

struct tend_column_class tend_column_classify(const char *metric, size_t bytes);
bool tend_column_is_memory(const char *metric);                ///< what a process takes up
const char *tend_column_kind_text(enum tend_column_kind kind); ///< "resource", "client_latency" …
