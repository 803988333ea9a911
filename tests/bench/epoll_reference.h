/*
 * epoll_reference: the least that a server can do, for comparison: one thread, epoll, read, look
 * for the end of the head, write a fixed answer. No parsing, no limits, no routing, no time-outs:
 * nobody should run it, but nobody can do with less. It speaks just enough to be driven by the same
 * load:
 *
 *     GET /ws              answered 101; the connection is a listener from then on
 *     GET /fan/N/BYTES     N frames of BYTES of text to each listener, one write per frame and
 * listener GET anything else    200 with the given body
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_EPOLL_REFERENCE_H
#define NETRA_TESTS_EPOLL_REFERENCE_H

#include <stdint.h>
#include <sys/types.h>

#define EPOLL_REFERENCE_CONNECTIONS_MAX 16384

/* Forks the server; *ret_port is where it listens on loopback. answer: the whole response, head
 * included. Returns its pid, or -1. Kill it with SIGKILL and wait for it. */
pid_t epoll_reference_start(const char *answer, uint16_t *ret_port);

#endif
