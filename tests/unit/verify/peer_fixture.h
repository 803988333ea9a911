/*
 * A server of a few fixed answers, on a thread of its own: each step reads one request (up to the
 * blank line, and the bytes of its Content-Length) and writes what the test has scripted, whether
 * that is HTTP or not. TLS when it has a context. It remembers every byte that it got.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_PEER_FIXTURE_H
#define NETRA_TESTS_PEER_FIXTURE_H

#include "unit.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_GOT_BYTES 262144u
#define PEER_PATIENCE  5000 /* ms: a test that hangs ends */

struct peer_step {
    struct str answer; /* "%ACCEPT%" becomes the accept key of the request */
    struct str second; /* sent when more bytes of the client came: a frame, or its end */
    bool is_kept;      /* the next step comes on this connection */
    bool must_hold;    /* nothing more is done until the client goes */
};

struct peer {
    int listener;
    char url[64];
    char ws_url[64];
    pthread_t thread;
    const struct peer_step *steps;
    size_t count;
    SSL_CTX *tls;
    SSL *ssl;
    int fd;
    unsigned connections;
    char got[PEER_GOT_BYTES];
    size_t got_bytes;
    size_t sent_bytes;
};

static inline ssize_t peer_read(struct peer *peer)
{
    struct pollfd one = {.fd = peer->fd, .events = POLLIN};
    char *at = peer->got + peer->got_bytes;
    size_t room = PEER_GOT_BYTES - 1 - peer->got_bytes;
    bool is_waiting = peer->ssl && SSL_pending(peer->ssl) > 0;

    if (room == 0 || (!is_waiting && poll(&one, 1, PEER_PATIENCE) <= 0)) {
        return -1;
    }
    ssize_t length = peer->ssl ? SSL_read(peer->ssl, at, (int)room) : read(peer->fd, at, room);
    if (length > 0) {
        peer->got_bytes += (size_t)length;
        peer->got[peer->got_bytes] = '\0';
    }
    return length;
}

static inline void peer_write(struct peer *peer, struct str bytes)
{
    while (bytes.length) {
        ssize_t length = peer->ssl ? SSL_write(peer->ssl, bytes.data, (int)bytes.length)
                                   : send(peer->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (length <= 0) {
            return; /* the client is gone: the test says whether it may be */
        }
        peer->sent_bytes += (size_t)length;
        bytes = str_slice(bytes, (size_t)length, bytes.length);
    }
}

/* The whole of the request that begins there; false: it did not come. */
static inline bool peer_read_request(struct peer *peer, size_t begin)
{
    for (;;) {
        const char *request = peer->got + begin;
        const char *end = strstr(request, "\r\n\r\n");

        if (end) {
            const char *length = strcasestr(request, "content-length:");
            size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
            size_t whole = (size_t)(end - request) + 4 + body;

            if (peer->got_bytes - begin >= whole) {
                return true;
            }
        }
        if (peer_read(peer) <= 0) {
            return false;
        }
    }
}

static inline void peer_accept_key(const char *request, char accept[64])
{
    const char *key = strcasestr(request, "sec-websocket-key: ");
    char salted[128] = "";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    (void)snprintf(salted, sizeof(salted), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                   key ? key + 19 : "");
    (void)EVP_Digest(salted, strlen(salted), digest, &length, EVP_sha1(), NULL);
    (void)EVP_EncodeBlock((unsigned char *)accept, digest, (int)length);
}

static inline void peer_answer(struct peer *peer, const char *request, struct str answer)
{
    size_t hole = str_find(answer, STR("%ACCEPT%"), 0);
    char accept[64];

    if (hole == SIZE_MAX) {
        peer_write(peer, answer);
        return;
    }
    peer_accept_key(request, accept);
    static char whole[1 << 20]; /* in one write: frames behind the head come with it */
    int length = snprintf(whole, sizeof(whole), "%.*s%s", (int)hole, answer.data, accept);
    struct str rest = str_slice(answer, hole + 8, answer.length);
    memcpy(whole + length, rest.data, rest.length);
    peer_write(peer, (struct str){whole, (size_t)length + rest.length});
}

static inline bool peer_take_connection(struct peer *peer)
{
    struct pollfd one = {.fd = peer->listener, .events = POLLIN};

    if (poll(&one, 1, PEER_PATIENCE) <= 0) {
        return false;
    }
    peer->fd = accept(peer->listener, NULL, NULL);
    peer->connections++;
    if (peer->tls) {
        peer->ssl = SSL_new(peer->tls);
        (void)SSL_set_fd(peer->ssl, peer->fd);
        return SSL_accept(peer->ssl) == 1;
    }
    return peer->fd >= 0;
}

static inline void peer_hang_up(struct peer *peer)
{
    if (peer->ssl) {
        (void)SSL_shutdown(peer->ssl);
        SSL_free(peer->ssl);
        peer->ssl = NULL;
    }
    if (peer->fd >= 0) {
        (void)close(peer->fd);
        peer->fd = -1;
    }
}

static inline void *peer_run(void *arg)
{
    struct peer *peer = arg;

    for (size_t i = 0; i < peer->count; i++) {
        const struct peer_step *step = &peer->steps[i];
        bool is_there = peer->fd >= 0 || peer_take_connection(peer);
        size_t begin = peer->got_bytes;

        if (is_there && peer_read_request(peer, begin)) {
            peer_answer(peer, peer->got + begin, step->answer);
            if (step->second.length && peer_read(peer) > 0) {
                peer_write(peer, step->second);
            }
            while (step->must_hold && peer_read(peer) > 0) {
            }
        }
        if (!step->is_kept) {
            peer_hang_up(peer);
        }
    }
    peer_hang_up(peer);
    return NULL;
}

static inline struct peer *peer_start(const struct peer_step *steps, size_t count, SSL_CTX *tls)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    assert_non_null(peer);
    peer->steps = steps;
    peer->count = count;
    peer->tls = tls;
    peer->fd = -1;
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(peer->listener, 8), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(peer->url, sizeof(peer->url), "%s://127.0.0.1:%u", tls ? "https" : "http",
                   ntohs(address.sin_port));
    (void)snprintf(peer->ws_url, sizeof(peer->ws_url), "%s://127.0.0.1:%u/ws?ticket=t",
                   tls ? "wss" : "ws", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
    return peer;
}

#define PEER_START(steps) peer_start(steps, ARRAY_LENGTH(steps), NULL)

/* When the script has ended: what was got may be looked at. */
static inline void peer_join(struct peer *peer)
{
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    (void)close(peer->listener);
}

static inline void peer_free(struct peer *peer)
{
    free(peer);
}

#endif
