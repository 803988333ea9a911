/* SPDX-License-Identifier: Apache-2.0 */
#include "run_log.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "swarm.h"

#define LOG_BYTES_MAX ((size_t)16 << 20)

static int ask(uint16_t port, const char *token, const char *run_id)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    char request[512];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* HTTP/1.0: the answer comes whole, without chunks */
    int length = snprintf(request, sizeof(request),
                          "GET /api/runs/%s/events?after=0 HTTP/1.0\r\nHost: 127.0.0.1:%u\r\n"
                          "Authorization: Bearer %s\r\n\r\n",
                          run_id, port, token);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
        send(fd, request, (size_t)length, MSG_NOSIGNAL) != length) {
        return -1;
    }
    return fd;
}

/* One line of the stream. */
static int take_line(struct run_log *log, const char *line, size_t length)
{
    static const char data[] = "data: ";
    size_t skip = sizeof(data) - 1;

    if (length <= skip || memcmp(line, data, skip) != 0) {
        return 0;
    }
    const char *event = line + skip;
    size_t event_length = length - skip;
    if (event_length < 8 || memcmp(event, "{\"seq\":", 7) != 0 ||
        strtoull(event + 7, NULL, 10) != log->last_seq + 1) {
        return -1;
    }
    size_t head = event_length < 200 ? event_length : 200;
    log->last_seq++;
    log->hash = swarm_chain(log->hash, event, event_length);
    log->texts += memmem(event, head, "\"TEXT_MESSAGE_CONTENT\"", 22) != NULL;
    log->was_finished |= memmem(event, head, "\"type\":\"RUN_FINISHED\"", 21) != NULL;
    return 0;
}

int run_log_read(uint16_t port, const char *token, const char *run_id, struct run_log *ret_log)
{
    static char text[LOG_BYTES_MAX];
    size_t length = 0;
    int fd = ask(port, token, run_id);

    *ret_log = (struct run_log){.last_seq = 0};
    if (fd < 0) {
        return -1;
    }
    for (ssize_t got = 1; got > 0 && length < sizeof(text);) {
        got = read(fd, text + length, sizeof(text) - length);
        length += got > 0 ? (size_t)got : 0;
    }
    (void)close(fd);
    if (length < 12 || memcmp(text + 8, " 200", 4) != 0) {
        return -1;
    }
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t line = end ? (size_t)(end - text) - at : length - at;

        if (take_line(ret_log, text + at, line)) {
            return -1;
        }
        at += line + 1;
    }
    return 0;
}
