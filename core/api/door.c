// The mode of a Unix socket comes from the descriptor's before bind (less the umask), so there is no moment at which
// the file is open to others; the chmod afterwards only gives back what the umask took.

#include "api/door.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAITING_CONNECTIONS = 64, SOCKET_MODE = 0660, PASSWD_LINE_BYTES = 4096 };

static const char *system_text(int number)
{
    return strerrordesc_np(number) != NULL ? strerrordesc_np(number) : "unknown error";
}

enum tend_status tend_door_open_unix(const char *path, int *out, struct tend_error *error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        tend_error_set(error, "%s: a socket's path may have %zu bytes at most; choose a shorter --state directory",
                       path, sizeof address.sun_path - 1);
        return TEND_E_INVALID;
    }
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    struct stat there;
    if (lstat(path, &there) == 0) {
        if (!S_ISSOCK(there.st_mode)) {
            tend_error_set(error, "%s: there is a file of that name that is no socket; move it away", path);
            return TEND_E_INVALID;
        }
        (void)unlink(path);
    }
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || fchmod(fd, SOCKET_MODE) != 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, SOCKET_MODE) != 0 || listen(fd, WAITING_CONNECTIONS) != 0) {
        tend_error_set(error, "%s: cannot listen on the control socket: %s", path, system_text(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return TEND_E_IO;
    }
    *out = fd;
    return TEND_OK;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof v6);
    return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    struct sockaddr_in v4; // the port of both families stands at the same place
    memcpy(&v4, address, sizeof v4);
    return ntohs(v4.sin_port);
}

// Reads "host:port" into an address; the port must be written.
static bool parse_address(const char *text, struct sockaddr_storage *out, socklen_t *out_bytes)
{
    static const char local[] = "localhost:";
    char numeric[INET6_ADDRSTRLEN + 16];
    if (strncmp(text, local, sizeof local - 1) == 0) {
        const int count = snprintf(numeric, sizeof numeric, "127.0.0.1:%s", text + sizeof local - 1);
        if (count < 0 || (size_t)count >= sizeof numeric) {
            return false;
        }
        text = numeric;
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
        return false;
    }
    // libevent refuses port 0, which here means "any": it is asked about port 1 and the true port is set after.
    char with_port[INET6_ADDRSTRLEN + 16];
    const bool any_port = strspn(colon + 1, "0") == strlen(colon + 1);
    const int count = any_port ? snprintf(with_port, sizeof with_port, "%.*s:1", (int)(colon - text), text)
                               : snprintf(with_port, sizeof with_port, "%s", text);
    int bytes = sizeof *out;
    memset(out, 0, sizeof *out);
    if (count < 0 || (size_t)count >= sizeof with_port ||
        evutil_parse_sockaddr_port(with_port, (struct sockaddr *)out, &bytes) != 0) {
        return false;
    }
    if (any_port) {
        struct sockaddr_in v4;
        memcpy(&v4, out, sizeof v4);
        v4.sin_port = 0;
        memcpy(out, &v4, sizeof v4);
    }
    *out_bytes = (socklen_t)bytes;
    return true;
}

enum tend_status tend_door_open_loopback(const char *address, int *out, uint16_t *port, struct tend_error *error)
{
    struct sockaddr_storage where;
    socklen_t bytes = sizeof where;
    if (!parse_address(address, &where, &bytes)) {
        tend_error_set(error, "listen = \"%s\" is no address with a port; write 127.0.0.1:9797", address);
        return TEND_E_INVALID;
    }
    if (!is_loopback(&where)) {
        tend_error_set(error,
                       "listen = \"%s\" can be reached from other machines; use a loopback address like "
                       "127.0.0.1:%u, behind a proxy if others must see it",
                       address, (unsigned)port_of(&where));
        return TEND_E_INVALID;
    }
    const int on = 1;
    const int fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t bound_bytes = sizeof where;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&where, bytes) != 0 || listen(fd, WAITING_CONNECTIONS) != 0 ||
        getsockname(fd, (struct sockaddr *)&where, &bound_bytes) != 0) {
        tend_error_set(error, "cannot listen on %s: %s", address, system_text(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return TEND_E_IO;
    }
    *port = port_of(&where);
    *out = fd;
    return TEND_OK;
}

void tend_door_who(int fd, struct tend_buffer *out)
{
    struct ucred peer = { .uid = (uid_t)-1 };
    socklen_t bytes = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 || peer.uid == (uid_t)-1) {
        tend_buffer_put_text(out, "unknown");
        return;
    }
    tend_buffer_printf(out, "uid %u", (unsigned)peer.uid);
    FILE *users = fopen("/etc/passwd", "re");
    if (users == NULL) {
        return;
    }
    struct passwd entry;
    struct passwd *found = NULL;
    char line[PASSWD_LINE_BYTES];
    while (fgetpwent_r(users, &entry, line, sizeof line, &found) == 0) {
        if (found->pw_uid == peer.uid) {
            tend_text_mend(found->pw_name); // it goes into JSON, and no program checks what a name is made of
            tend_buffer_printf(out, " (%s)", found->pw_name);
            break;
        }
    }
    (void)fclose(users);
}

bool tend_door_host_is_loopback(const char *host)
{
    if (host == NULL) {
        return false;
    }
    const bool bracketed = host[0] == '[';
    const char *end = bracketed ? strchr(host, ']') : strchrnul(host, ':');
    if (end == NULL) {
        return false;
    }
    const char *after = bracketed ? end + 1 : end;
    if (*after != '\0' && (*after != ':' || strspn(after + 1, "0123456789") != strlen(after + 1))) {
        return false;
    }
    const char *name = bracketed ? host + 1 : host;
    char text[INET6_ADDRSTRLEN];
    const int count = snprintf(text, sizeof text, "%.*s", (int)(end - name), name);
    if (count < 0 || (size_t)count >= sizeof text) {
        return false;
    }
    struct in6_addr v6;
    struct in_addr v4;
    if (bracketed) {
        return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return strcasecmp(text, "localhost") == 0 || (inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}
