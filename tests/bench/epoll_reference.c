/* The reference server: as little as possible, so that what it costs is what the kernel costs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "epoll_reference.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES  16384
#define FRAME_BYTES 8192
#define EVENTS      256

static const char upgrade_answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                     "Connection: Upgrade\r\nSec-WebSocket-Accept: none\r\n"
                                     "Sec-WebSocket-Protocol: ag-ui.v1+json\r\n\r\n";

static int listeners[EPOLL_REFERENCE_CONNECTIONS_MAX];
static int listener_count;

static void write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t wrote = write(fd, data, size);

        if (wrote <= 0) {
            return;
        }
        data += wrote;
        size -= (size_t)wrote;
    }
}

static void fan_out(const char *request)
{
    static char frame[FRAME_BYTES];
    char *end = NULL;
    long count = strtol(request + strlen("GET /fan/"), &end, 10);
    size_t bytes = (size_t)strtol(end + 1, NULL, 10);

    if (bytes < 126 || bytes > FRAME_BYTES - 4) {
        return;
    }
    memset(frame, 'x', sizeof(frame));
    frame[0] = (char)0x81;
    frame[1] = 126;
    frame[2] = (char)(bytes >> 8);
    frame[3] = (char)(bytes & 255);
    for (long i = 0; i < count; i++) {
        for (int n = 0; n < listener_count; n++) {
            write_all(listeners[n], frame, bytes + 4);
        }
    }
}

static void answer_request(int fd, const char *request, const char *answer, size_t answer_bytes)
{
    if (strncmp(request, "GET /ws ", 8) == 0 && listener_count < EPOLL_REFERENCE_CONNECTIONS_MAX) {
        listeners[listener_count++] = fd;
        write_all(fd, upgrade_answer, sizeof(upgrade_answer) - 1);
        return;
    }
    if (strncmp(request, "GET /fan/", 9) == 0) {
        fan_out(request);
    }
    write_all(fd, answer, answer_bytes);
}

static void serve(int listening, const char *answer)
{
    static char data[READ_BYTES + 1];
    struct epoll_event events[EVENTS];
    size_t answer_bytes = strlen(answer);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event want = {.events = EPOLLIN, .data.fd = listening};

    (void)epoll_ctl(poll, EPOLL_CTL_ADD, listening, &want);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;

            if (fd == listening) {
                int one = 1;
                struct epoll_event added = {.events = EPOLLIN};

                added.data.fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
                (void)setsockopt(added.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
                (void)epoll_ctl(poll, EPOLL_CTL_ADD, added.data.fd, &added);
                continue;
            }
            ssize_t got = read(fd, data, READ_BYTES);
            if (got <= 0) {
                (void)close(fd);
                continue;
            }
            data[got] = '\0';
            if (got >= 4 && strstr(data, "\r\n\r\n")) {
                answer_request(fd, data, answer, answer_bytes);
            }
        }
    }
}

pid_t epoll_reference_start(const char *answer, uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, sizeof(address)) ||
        listen(listening, 1024) || getsockname(listening, (struct sockaddr *)&address, &size)) {
        return -1;
    }
    *ret_port = ntohs(address.sin_port);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listening, answer);
        _exit(0);
    }
    (void)close(listening);
    return pid;
}
