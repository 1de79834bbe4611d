// One pass over the words of a name; each word may set marks, and the marks decide in a fixed order. Order matters
// where words meet: "success_rate" is no traffic, "node_cpu" is the machine's, "client_p90" is a latency of somebody
// else.

#include "locate/column_kind.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum { WORD_BYTES = 32 };

enum mark {
    MACHINE = 1,
    CLIENT = 2,
    SERVER = 4,
    SUCCESS = 8,
    ERROR = 16,
    LATENCY = 32,
    RESOURCE = 64,
    NETWORK = 128,
    CALLS = 256,
    QUANTILE = 512,
    OWN = 1024,
    WAITING = 2048,
    BYTES = 4096,
    UNIT = 8192,    // of time: it makes a latency of what is said of calls
    STATUS = 16384, // of an answer that is a failure: 503
    COUNT = 32768,  // how many there were, whatever was measured of them
    SUM = 65536,    // what was measured of all of them
    FLOW = 131072,  // work done, by the word of what does it
    SLOW = 262144   // of work done, the part that was
};

struct word {
    const char *text;
    unsigned marks;
    bool is_prefix; // of a word: "mem" is in "memory"
};

static const struct word words[] = {
    { "self", OWN | LATENCY, false }, { "node", MACHINE, false },       { "host", MACHINE, false },
    { "machine", MACHINE, true },     { "client", CLIENT, false },      { "outbound", CLIENT, false },
    { "upstream", CLIENT, false },    { "server", SERVER, false },      { "dst", SERVER, false },
    { "des", SERVER, false },         { "destination", SERVER, false }, { "inbound", SERVER, false },
    { "success", SUCCESS, true },     { "avail", SUCCESS, true },       { "ok", SUCCESS, false },
    { "unavail", ERROR, true },       { "unsuccess", ERROR, true },     { "err", ERROR, true },
    { "fail", ERROR, true },          { "fault", ERROR, false },        { "faults", ERROR, false },
    { "exception", ERROR, true },     { "timeout", ERROR, true },       { "abort", ERROR, true },
    { "reject", ERROR, true },        { "retries", ERROR, false },      { "retry", ERROR, false },
    { "5xx", ERROR, false },          { "4xx", ERROR, false },          { "latenc", LATENCY, true },
    { "duration", LATENCY, true },    { "elapsed", LATENCY, false },    { "rt", LATENCY, false },
    { "rtt", LATENCY, false },        { "mrt", LATENCY, false },        { "response", LATENCY, false },
    { "time", LATENCY, false },       { "delay", LATENCY, true },       { "quantile", QUANTILE, true },
    { "percentile", QUANTILE, true }, { "cpu", RESOURCE, true },        { "mem", RESOURCE, true },
    { "rss", RESOURCE, false },       { "heap", RESOURCE, true },       { "gc", RESOURCE, false },
    { "disk", RESOURCE, true },       { "diskio", RESOURCE, false },    { "fs", RESOURCE, false },
    { "io", RESOURCE, false },        { "iops", RESOURCE, false },      { "syscall", NETWORK, true },
    { "fd", WAITING, false },         { "fds", WAITING, false },        { "file", RESOURCE, true },
    { "thread", WAITING, true },      { "queue", RESOURCE, true },      { "backlog", RESOURCE, false },
    { "pool", WAITING, true },        { "socket", WAITING, true },      { "sockets", WAITING, false },
    { "connection", WAITING, true },  { "restart", RESOURCE, true },    { "throttl", RESOURCE, true },
    { "cfs", RESOURCE, false },       { "load1", RESOURCE, false },     { "swap", RESOURCE, true },
    { "net", NETWORK, false },        { "network", NETWORK, false },    { "rx", NETWORK, false },
    { "tx", NETWORK, false },         { "packet", NETWORK, true },      { "receive", NETWORK, true },
    { "transmit", NETWORK, true },    { "bytes", BYTES, false },        { "request", CALLS, true },
    { "ops", CALLS, false },          { "call", CALLS, true },          { "qps", CALLS, false },
    { "rps", CALLS, false },          { "tps", CALLS, false },          { "traffic", CALLS, false },
    { "throughput", CALLS, false },   { "workload", CALLS, false },     { "hits", CALLS, false },
    { "invocation", CALLS, true },    { "count", COUNT, false },        { "size", BYTES, false },
    { "up", SUCCESS, false },         { "ready", SUCCESS, false },      { "conn", WAITING, false },
    { "conns", WAITING, false },      { "goroutine", WAITING, true },   { "inflight", WAITING, false },
    { "lag", RESOURCE, false },       { "sessions", WAITING, false },
};

// How something was measured, and what work is called by those who do it.
static const struct word measures[] = {
    { "sum", SUM, false },         { "total", SUM, false },        { "bucket", SUM, false },
    { "seconds", UNIT, false },    { "millis", UNIT, true },       { "ms", UNIT, false },
    { "micros", UNIT, true },      { "us", UNIT, false },          { "nanos", UNIT, true },
    { "resp", LATENCY, false },    { "responses", CALLS, false },  { "lock", WAITING, true },
    { "clients", WAITING, false }, { "activity", WAITING, false }, { "questions", FLOW, false },
    { "queries", FLOW, false },    { "query", FLOW, false },       { "commands", FLOW, false },
    { "commit", FLOW, true },      { "xact", FLOW, false },        { "transactions", FLOW, false },
    { "messages", FLOW, false },   { "msgs", FLOW, false },        { "slow", SLOW, false },
};

static unsigned find(const struct word *among, size_t count, const char *text, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(among[i].text);
        if (bytes >= length && (among[i].is_prefix || bytes == length) && memcmp(text, among[i].text, length) == 0) {
            return among[i].marks;
        }
    }
    return 0;
}

static unsigned marks_of(const char *text, size_t bytes)
{
    unsigned marks = find(words, sizeof words / sizeof *words, text, bytes);
    marks = marks != 0 ? marks : find(measures, sizeof measures / sizeof *measures, text, bytes);
    if (marks != 0) {
        return marks;
    }
    if (bytes == 3 && (text[0] == '4' || text[0] == '5') && isdigit((unsigned char)text[1]) &&
        isdigit((unsigned char)text[2])) {
        return STATUS;
    }
    // p50, p999: a quantile
    if (bytes >= 2 && bytes <= 5 && text[0] == 'p' && isdigit((unsigned char)text[1])) {
        return QUANTILE;
    }
    return 0;
}

// A word in lower case, cut to what the longest known one needs.
static unsigned marks_of_cased(const char *text, size_t bytes)
{
    char word[WORD_BYTES];
    const size_t length = bytes < WORD_BYTES ? bytes : WORD_BYTES;
    for (size_t i = 0; i < length; i++) {
        word[i] = (char)tolower((unsigned char)text[i]);
    }
    return length == 0 ? 0 : marks_of(word, length);
}

static unsigned marks_of_name(const char *metric, size_t bytes)
{
    unsigned marks = 0;
    for (size_t at = 0; at < bytes; at++) {
        const size_t begin = at;
        while (at < bytes && isalnum((unsigned char)metric[at])) {
            at++;
        }
        marks |= marks_of_cased(metric + begin, at - begin);
    }
    return marks;
}

// What words mean beside each other.
static unsigned put_together(unsigned marks)
{
    if ((marks & BYTES) != 0) {
        marks &= ~(unsigned)(LATENCY | QUANTILE | UNIT); // "response_bytes"
    }
    if ((marks & (CALLS | LATENCY)) != 0 && (marks & STATUS) != 0) {
        marks |= ERROR; // "requests_total_503"
    }
    if ((marks & COUNT) != 0 || ((marks & FLOW) != 0 && (marks & SLOW) == 0)) {
        marks |= CALLS;
    }
    if ((marks & UNIT) != 0 && (marks & CALLS) != 0 && (marks & (COUNT | SUM)) == 0) {
        marks |= LATENCY; // "requests_seconds_max"
    }
    if ((marks & COUNT) != 0 && (marks & (LATENCY | UNIT)) != 0) {
        marks &= ~(unsigned)(LATENCY | QUANTILE); // "duration_seconds_count"
    }
    return marks;
}

struct tend_column_class tend_column_classify(const char *metric, size_t bytes)
{
    const unsigned marks = put_together(marks_of_name(metric, bytes));
    struct tend_column_class class = { .kind = TEND_COLUMN_OTHER,
                                       .is_server_side = (marks & SERVER) != 0,
                                       .is_client_side = (marks & CLIENT) != 0,
                                       .is_own = (marks & OWN) != 0 };
    if ((marks & MACHINE) != 0) {
        class.kind = TEND_COLUMN_MACHINE;
    } else if ((marks & ERROR) != 0 || ((marks & SUCCESS) != 0 && (marks & RESOURCE) == 0)) { // but "mem_available"
        class.kind = TEND_COLUMN_ERROR;
        class.is_success = (marks & ERROR) == 0;
    } else if ((marks & RESOURCE) != 0) {
        class.kind = TEND_COLUMN_RESOURCE; // before latency: "cpu_time", "gc_duration"
    } else if ((marks & WAITING) != 0) {
        class.kind = TEND_COLUMN_WAITING;
    } else if ((marks & (LATENCY | QUANTILE)) != 0) {
        class.kind = (marks & CLIENT) != 0 ? TEND_COLUMN_CLIENT_LATENCY : TEND_COLUMN_LATENCY;
    } else if ((marks & CALLS) != 0) {
        class.kind = TEND_COLUMN_CALLS; // before the network: "request_bytes" follows the traffic too
    } else if ((marks & (NETWORK | BYTES)) != 0) {
        class.kind = TEND_COLUMN_NETWORK;
    }
    const bool is_time = class.kind == TEND_COLUMN_LATENCY || class.kind == TEND_COLUMN_CLIENT_LATENCY ||
                         (class.kind == TEND_COLUMN_CALLS && (marks & UNIT) != 0);
    class.is_time_sum = is_time && (marks & SUM) != 0;
    return class;
}

bool tend_column_is_memory(const char *metric)
{
    return strcasestr(metric, "mem") != NULL || strcasestr(metric, "rss") != NULL || strcasestr(metric, "heap") != NULL;
}

const char *tend_column_kind_text(enum tend_column_kind kind)
{
    static const char *const texts[TEND_COLUMN_KIND_COUNT] = { "resource", "waiting", "network",
                                                               "error",    "latency", "client_latency",
                                                               "calls",    "machine", "other" };
    return texts[kind];
}
