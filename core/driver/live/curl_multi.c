// libcurl's socket interface: libcurl says which sockets and which time to watch, libevent watches them.
//
// One event a socket, made when libcurl first names it and freed when it lets go of it; one timer for all transfers.
// Results are collected after each call into libcurl, never inside its callbacks, where it must not be called.

#include "driver/live/curl_multi.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct tend_curl_multi {
    struct event_base *base;
    CURLM *handle;
    struct event *timer;
};

struct transfer { // CURLOPT_PRIVATE of a handle that is added
    tend_curl_done_fn on_done;
    void *context;
};

static struct transfer *transfer_of(CURL *easy)
{
    char *transfer = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    return (struct transfer *)(void *)transfer;
}

static void collect_done(struct tend_curl_multi *multi)
{
    int left = 0;
    CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(multi->handle, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURL *easy = message->easy_handle; // the message dies with the removal
        const CURLcode result = message->data.result;
        const struct transfer transfer = *transfer_of(easy);
        tend_curl_multi_remove(multi, easy);
        transfer.on_done(transfer.context, result);
    }
}

static void on_socket_event(evutil_socket_t fd, short what, void *context)
{
    struct tend_curl_multi *multi = context;
    const int action = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running = 0;
    (void)curl_multi_socket_action(multi->handle, fd, action, &running);
    collect_done(multi);
}

static void on_timer_event(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct tend_curl_multi *multi = context;
    int running = 0;
    (void)curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_done(multi);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *watched)
{
    (void)easy;
    struct tend_curl_multi *multi = context;
    struct event *event = watched;
    if (what == CURL_POLL_REMOVE) {
        if (event != NULL) {
            event_free(event);
            (void)curl_multi_assign(multi->handle, fd, NULL);
        }
        return 0;
    }
    const int flags = ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0);
    const short events = (short)(flags | EV_PERSIST);
    if (event == NULL) {
        event = event_new(multi->base, fd, events, on_socket_event, multi);
        if (event == NULL) {
            return -1;
        }
        (void)curl_multi_assign(multi->handle, fd, event);
    } else {
        (void)event_del(event);
        if (event_assign(event, multi->base, fd, events, on_socket_event, multi) != 0) {
            return -1;
        }
    }
    return event_add(event, NULL);
}

static int set_timer(CURLM *handle, long timeout_ms, void *context)
{
    (void)handle;
    struct tend_curl_multi *multi = context;
    if (timeout_ms < 0) {
        return event_del(multi->timer);
    }
    const struct timeval delay = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
    return event_add(multi->timer, &delay);
}

enum tend_status tend_curl_multi_create(struct event_base *base, struct tend_curl_multi **out)
{
    (void)signal(SIGPIPE, SIG_IGN);
    struct tend_curl_multi *multi = calloc(1, sizeof *multi);
    if (multi == NULL) {
        return TEND_E_NOMEM;
    }
    multi->base = base;
    multi->handle = curl_multi_init();
    multi->timer = evtimer_new(base, on_timer_event, multi);
    if (multi->handle == NULL || multi->timer == NULL ||
        curl_multi_setopt(multi->handle, CURLMOPT_SOCKETFUNCTION, watch_socket) != CURLM_OK ||
        curl_multi_setopt(multi->handle, CURLMOPT_SOCKETDATA, multi) != CURLM_OK ||
        curl_multi_setopt(multi->handle, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK ||
        curl_multi_setopt(multi->handle, CURLMOPT_TIMERDATA, multi) != CURLM_OK ||
        curl_multi_setopt(multi->handle, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) != CURLM_OK) {
        tend_curl_multi_destroy(multi);
        return TEND_E_NOMEM;
    }
    *out = multi;
    return TEND_OK;
}

void tend_curl_multi_destroy(struct tend_curl_multi *multi)
{
    if (multi == NULL) {
        return;
    }
    if (multi->handle != NULL) {
        (void)curl_multi_cleanup(multi->handle);
    }
    if (multi->timer != NULL) {
        event_free(multi->timer);
    }
    free(multi);
}

enum tend_status tend_curl_multi_add(struct tend_curl_multi *multi, CURL *easy, tend_curl_done_fn on_done,
                                     void *context)
{
    struct transfer *transfer = malloc(sizeof *transfer);
    if (transfer == NULL) {
        return TEND_E_NOMEM;
    }
    *transfer = (struct transfer){ .on_done = on_done, .context = context };
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    if (curl_multi_add_handle(multi->handle, easy) != CURLM_OK) {
        (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
        free(transfer);
        return TEND_E_NOMEM;
    }
    return TEND_OK;
}

void tend_curl_multi_remove(struct tend_curl_multi *multi, CURL *easy)
{
    (void)curl_multi_remove_handle(multi->handle, easy);
    free(transfer_of(easy));
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
}

void tend_curl_multi_keep(struct tend_curl_multi *multi, size_t connections)
{
    const long count = connections > 1000000 ? 1000000 : (long)connections;
    (void)curl_multi_setopt(multi->handle, CURLMOPT_MAXCONNECTS, count);
}

static bool is_denied_ipv4(const struct in_addr *address)
{
    return (ntohl(address->s_addr) & 0xffff0000U) == 0xa9fe0000U; // 169.254/16
}

static bool is_denied_ipv6(const struct in6_addr *address)
{
    static const unsigned char metadata[16] = { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 };
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        struct in_addr inner;
        memcpy(&inner, address->s6_addr + 12, sizeof inner);
        return is_denied_ipv4(&inner);
    }
    return IN6_IS_ADDR_LINKLOCAL(address) || memcmp(address, metadata, sizeof metadata) == 0;
}

// The connected address, not the name or the URL, decides: whatever DNS said, this is where the bytes would go.
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *peer)
{
    (void)purpose;
    struct tend_curl_progress *progress = context;
    progress->resolved = true;
    progress->address[0] = '\0';
    progress->denied = false;
    if (peer->family == AF_INET) {
        struct sockaddr_in address;
        memcpy(&address, &peer->addr, sizeof address);
        (void)inet_ntop(AF_INET, &address.sin_addr, progress->address, sizeof progress->address);
        progress->denied = is_denied_ipv4(&address.sin_addr);
    } else if (peer->family == AF_INET6) {
        struct sockaddr_in6 address;
        memcpy(&address, &peer->addr, sizeof address);
        (void)inet_ntop(AF_INET6, &address.sin6_addr, progress->address, sizeof progress->address);
        progress->denied = is_denied_ipv6(&address.sin6_addr);
    }
    if (progress->denied) {
        return CURL_SOCKET_BAD;
    }
    const int fd = socket(peer->family, peer->socktype | SOCK_CLOEXEC, peer->protocol);
    progress->socket_errno = fd < 0 ? errno : 0;
    return fd;
}

// NOLINTNEXTLINE(readability-non-const-parameter): libcurl's signature
static int on_request(void *context, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    struct tend_curl_progress *progress = context;
    progress->request_sent = true;
    return CURL_PREREQFUNC_OK;
}

// libcurl's own times do not tell a slow connect from a slow handshake; the TLS context is made between the two.
static CURLcode on_tls(CURL *easy, void *tls, void *context)
{
    (void)easy;
    (void)tls;
    struct tend_curl_progress *progress = context;
    progress->tls_begun = true;
    return CURLE_OK;
}

enum tend_status tend_curl_harden(CURL *easy, struct tend_curl_progress *progress)
{
    const CURLcode results[] = {
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1),
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L),
        curl_easy_setopt(easy, CURLOPT_PROXY, ""), // "" also overrides http_proxy and the like
        curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED),
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L),
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L), // never wait for a resolver thread that hangs
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, progress),
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls),
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, progress),
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request),
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, progress),
    };
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (results[i] != CURLE_OK) {
            return results[i] == CURLE_OUT_OF_MEMORY ? TEND_E_NOMEM : TEND_E_INVALID;
        }
    }
    return TEND_OK;
}

void tend_curl_progress_clear(struct tend_curl_progress *progress)
{
    *progress = (struct tend_curl_progress){ .resolved = false };
}
