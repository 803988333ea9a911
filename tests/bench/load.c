/* Sockets that ask and listen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES      65536
#define CONNECTIONS_MAX 1024
#define WAIT_MS         20000
#define FDS_MAX         65536

static SSL_CTX *context;   /* NULL: plain */
static const char *bearer; /* NULL: none */
static SSL *links[FDS_MAX];
static SSL_SESSION *session; /* of the last ticket */

double load_cpu_s(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used)) {
        return -1;
    }
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

uint64_t load_resident_bytes(pid_t pid)
{
    char path[64];
    char line[256] = "";
    char *end = line;

    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file) {
        (void)!fgets(line, sizeof(line), file);
        (void)fclose(file);
    }
    (void)strtoull(line, &end, 10); /* size; resident follows */
    uint64_t pages = strtoull(end, NULL, 10);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int keep_session(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

void load_use_tls(SSL_CTX *use)
{
    context = use;
    if (context) {
        (void)SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
        (void)SSL_CTX_clear_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
        (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
}

void load_use_token(const char *token)
{
    bearer = token;
}

static int speak_tls(int fd, SSL_SESSION *resumed)
{
    SSL *ssl = fd < FDS_MAX ? SSL_new(context) : NULL;

    if (!ssl || SSL_set_fd(ssl, fd) != 1 || (resumed && SSL_set_session(ssl, resumed) != 1) ||
        SSL_connect(ssl) != 1 || (resumed && !SSL_session_reused(ssl))) {
        return -1;
    }
    links[fd] = ssl;
    return 0;
}

static int open_link(uint16_t port, SSL_SESSION *resumed)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return context && speak_tls(fd, resumed) ? -1 : fd;
}

static int open_socket(uint16_t port)
{
    return open_link(port, /* resumed */ NULL);
}

static void close_socket(int fd)
{
    if (fd >= 0 && fd < FDS_MAX && links[fd]) {
        (void)SSL_shutdown(links[fd]);
        SSL_free(links[fd]);
        links[fd] = NULL;
    }
    (void)close(fd);
}

/* Bytes; 0: none after all (TLS had something to say by itself); -1: the end. */
static ssize_t read_some(int fd, void *data, size_t size)
{
    size_t got = 0;

    if (!links[fd]) {
        ssize_t length = read(fd, data, size);

        return length > 0 ? length : -1;
    }
    int result = SSL_read_ex(links[fd], data, size, &got);
    bool may_go_on = result == 1 || SSL_get_error(links[fd], result) == SSL_ERROR_WANT_READ;
    return may_go_on ? (ssize_t)got : -1;
}

/* The first bytes that come. */
static ssize_t read_first(int fd, void *data, size_t size)
{
    ssize_t got;

    do {
        got = read_some(fd, data, size);
    } while (got == 0);
    return got;
}

static bool has_more(int fd)
{
    return links[fd] && SSL_pending(links[fd]) > 0;
}

static int send_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t wrote =
            links[fd] ? SSL_write(links[fd], data, (int)size) : send(fd, data, size, MSG_NOSIGNAL);

        if (wrote <= 0) {
            return -1;
        }
        data += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

int load_connections(uint16_t port, const char *path, int count, bool resumes)
{
    char request[512];
    char answer[4096];
    int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
                        path, port);

    for (int i = 0; i < count; i++) {
        int fd = open_link(port, resumes && i ? session : NULL);

        if (fd < 0 || send_all(fd, request, (size_t)size) ||
            read_first(fd, answer, sizeof(answer)) < 12 || memcmp(answer + 9, "200", 3) != 0) {
            return -1;
        }
        close_socket(fd);
    }
    return 0;
}

int load_requests(uint16_t port, const char *path, int connections, int count)
{
    static char answer[READ_BYTES];
    char request[4096];
    struct epoll_event events[CONNECTIONS_MAX];
    int fds[CONNECTIONS_MAX];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    int sent = 0;
    int answered = 0;
    int size = snprintf(request, sizeof(request),
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: load\r\n"
                        "Accept: application/json\r\n%s%s%s\r\n",
                        path, port, bearer ? "Authorization: Bearer " : "", bearer ? bearer : "",
                        bearer ? "\r\n" : "");

    if (poll < 0 || connections > CONNECTIONS_MAX) {
        return -1;
    }
    for (int i = 0; i < connections; i++) {
        struct epoll_event want = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

        fds[i] = open_socket(port);
        if (fds[i] < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &want) ||
            send_all(fds[i], request, (size_t)size)) {
            return -1;
        }
        sent++;
    }
    while (answered < count) {
        int ready = epoll_wait(poll, events, CONNECTIONS_MAX, WAIT_MS);

        if (ready <= 0) {
            return -1;
        }
        for (int i = 0; i < ready; i++) {
            int fd = fds[events[i].data.u32];
            ssize_t got = read_some(fd, answer, sizeof(answer));

            if (got == 0) {
                continue;
            }
            if (got < 12 || memcmp(answer + 9, "200", 3) != 0) {
                return -1;
            }
            answered++;
            if (sent < count) {
                sent++;
                if (send_all(fd, request, (size_t)size)) {
                    return -1;
                }
            }
        }
    }
    for (int i = 0; i < connections; i++) {
        close_socket(fds[i]);
    }
    (void)close(poll);
    return 0;
}

int load_request(uint16_t port, const char *token, const char *path, const char *json, char *text,
                 size_t size)
{
    static char bytes[READ_BYTES];
    size_t got = 0;
    int fd = open_socket(port);
    int status = -1;
    int length = snprintf(bytes, sizeof(bytes),
                          "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
                          "Connection: close\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          json ? "POST" : "GET", path, port, token, json ? strlen(json) : 0,
                          json ? json : "");

    if (fd < 0 || send_all(fd, bytes, (size_t)length)) {
        return -1;
    }
    for (ssize_t more = 0; more >= 0 && got < sizeof(bytes) - 1;) {
        more = read_some(fd, bytes + got, sizeof(bytes) - 1 - got);
        got += more > 0 ? (size_t)more : 0;
    }
    close_socket(fd);
    bytes[got] = '\0';
    char *body = strstr(bytes, "\r\n\r\n");
    if (body && strncmp(bytes, "HTTP/1.1 ", 9) == 0) {
        status = (int)strtol(bytes + 9, NULL, 10);
    }
    if (body && text) {
        (void)snprintf(text, size, "%s", body + 4);
    }
    return status;
}

int load_sockets_open(struct load_sockets *sockets, uint16_t port, const char *token, int count)
{
    char bytes[1024];
    int size = snprintf(bytes, sizeof(bytes),
                        "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
                        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Protocol: ag-ui.v1+json\r\n"
                        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                        port, token);

    memset(sockets, 0, sizeof(*sockets));
    sockets->poll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++) {
        struct epoll_event want = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        char answer[1024];
        int fd = open_socket(port);

        if (fd < 0) {
            return -1;
        }
        sockets->fds[sockets->count++] = fd;
        if (send_all(fd, bytes, (size_t)size) || read_first(fd, answer, sizeof(answer)) < 12 ||
            memcmp(answer + 9, "101", 3) != 0 ||
            epoll_ctl(sockets->poll, EPOLL_CTL_ADD, fd, &want)) {
            return -1;
        }
    }
    return 0;
}

void load_sockets_close(struct load_sockets *sockets)
{
    for (int i = 0; i < sockets->count; i++) {
        close_socket(sockets->fds[i]);
    }
    (void)close(sockets->poll);
    sockets->count = 0;
}

int load_sockets_send(struct load_sockets *sockets, int index, const char *json)
{
    char frame[1024] = {(char)0x81};
    size_t length = strlen(json);
    size_t at = 2;

    if (length > sizeof(frame) - 8) {
        return -1;
    }
    frame[1] = (char)(0x80 | (length < 126 ? length : 126));
    if (length >= 126) {
        frame[at++] = (char)(length >> 8);
        frame[at++] = (char)(length & 255);
    }
    at += 4; /* a mask of zeros */
    memcpy(frame + at, json, length);
    return send_all(sockets->fds[index], frame, at + length);
}

/* Takes a piece of one socket's bytes apart; counts whole text frames. */
static void take_bytes(struct load_sockets *sockets, int index, const unsigned char *data,
                       size_t size)
{
    uint64_t *rest = &sockets->state[index].rest;
    unsigned char *head = sockets->state[index].head;
    unsigned *head_count = &sockets->state[index].head_count;

    while (size) {
        if (*rest) {
            uint64_t take = *rest < size ? *rest : size;

            *rest -= take;
            data += take;
            size -= take;
            sockets->bytes += take;
            sockets->frames += *rest == 0 && (head[0] & 15) == 1;
            *head_count = *rest == 0 ? 0 : *head_count;
            continue;
        }
        head[(*head_count)++] = *data++;
        size--;
        if (*head_count == 2 && head[1] < 126) {
            *rest = head[1];
            *head_count = *rest ? *head_count : 0;
        } else if (*head_count == 4) {
            *rest = (uint64_t)head[2] << 8 | head[3];
        }
    }
}

int load_sockets_hear(struct load_sockets *sockets, uint64_t frames, int quiet_ms)
{
    static unsigned char data[READ_BYTES];
    struct epoll_event events[256];

    while (sockets->frames < frames) {
        int ready = epoll_wait(sockets->poll, events, 256, quiet_ms);

        if (ready <= 0) {
            return ready;
        }
        for (int i = 0; i < ready; i++) {
            int index = (int)events[i].data.u32;

            do {
                ssize_t got = read_some(sockets->fds[index], data, sizeof(data));

                if (got < 0) {
                    return -1;
                }
                take_bytes(sockets, index, data, (size_t)got);
            } while (has_more(sockets->fds[index]));
        }
    }
    return 0;
}
