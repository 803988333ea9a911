/*
 * load: the client side of the server benchmarks: sockets, plain or with TLS, one thread. It costs
 * CPU of its own, which is not counted: what is measured is the server's process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_LOAD_H
#define NETRA_TESTS_LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOAD_SOCKETS_MAX 16384

/* CPU that a process has used, in seconds, of all its threads; < 0 when it is gone. */
double load_cpu_s(pid_t pid);

/* Resident memory of a process in bytes. */
uint64_t load_resident_bytes(pid_t pid);

/* Sockets that are opened from now on speak TLS; NULL: plain. The context is borrowed. */
void load_use_tls(SSL_CTX *context);

/* load_requests sends it as a bearer from now on; NULL: none. Borrowed. */
void load_use_token(const char *token);

/* count connections, one after the other, each with one request; with TLS full handshakes, or
 * resumed ones but for the first. 0, or -1. */
int load_connections(uint16_t port, const char *path, int count, bool resumes);

/* count requests over `connections` kept-alive connections, one at a time on each. path begins with
 * "/". Every answer must be 200. 0, or -1. */
int load_requests(uint16_t port, const char *path, int connections, int count);

/* One request with a JSON body (NULL: GET) and the token; the body of the answer in text, cut to
 * size. Returns the status, or -1. */
int load_request(uint16_t port, const char *token, const char *path, const char *json, char *text,
                 size_t size);

/* WebSockets that listen. */
struct load_sockets {
    int fds[LOAD_SOCKETS_MAX];
    int count;
    int poll;
    uint64_t bytes;  /* of payload heard */
    uint64_t frames; /* whole ones */
    struct {
        uint64_t rest; /* bytes of the frame that is not complete */
        unsigned char head[4];
        unsigned head_count;
    } state[LOAD_SOCKETS_MAX];
};

/* Opens count sockets. 0, or -1. */
int load_sockets_open(struct load_sockets *sockets, uint16_t port, const char *token, int count);
void load_sockets_close(struct load_sockets *sockets);

/* Sends a text message on one socket (masked, as a client must). */
int load_sockets_send(struct load_sockets *sockets, int index, const char *json);

/* Reads until `frames` frames were heard in all, or nothing came for quiet_ms. 0, or -1 when a
 * socket broke. */
int load_sockets_hear(struct load_sockets *sockets, uint64_t frames, int quiet_ms);

#endif
