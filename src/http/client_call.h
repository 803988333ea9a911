/*
 * client_call: one exchange of the client, and the client that it belongs to; private to http/.
 *
 *     http_client_start ─┬─ curl is not on the stack ─────────► RUNNING ─┬─ curl's message ─► FREE
 *                        └─ within on_head, on_piece ► WAITING ─┘        ├─ a time-out ─────► FREE
 *                                                                        └─ within on_head,
 *                                                                 on_piece ► DOOMED ────────► FREE
 *
 * libcurl calls on_head and on_piece from deep inside itself, where no transfer may be added or
 * removed. What is asked for there is kept in two lists, and client_settle() does it when curl has
 * returned. on_done is called with curl off the stack and the slot free already.
 *
 * A multi handle in which memory has failed is not used any more: libcurl 7.88 keeps an entry of
 * such a socket whose table has no slots, and divides by their number when the socket's number
 * comes again. Its calls end with ERR_NO_MEMORY, and the next call makes a new one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_CLIENT_CALL_H
#define NETRA_HTTP_CLIENT_CALL_H

#include <curl/curl.h>

#include "http/client.h"

#define CLIENT_SLOT_MASK            (HTTP_CLIENT_CALLS_MAX - 1u)
#define CLIENT_SLOT_BITS            10u
#define CLIENT_IDLE_CONNECTIONS_MAX 32L /* kept open for the next exchange */
#define CLIENT_ANSWER_HEADERS_MAX   256u
#define CLIENT_URL_BYTES_MAX        8192u
#define CLIENT_HEADER_BYTES_MAX     16384u /* one of a request */
#define CLIENT_CHECK_SLACK_MS       5u     /* a time-out may be so late, to be seen with others */

enum call_state {
    CALL_FREE,    /* in client->free_slots, or never used */
    CALL_WAITING, /* in client->waiting */
    CALL_RUNNING, /* in the multi handle */
    CALL_DOOMED,  /* in client->doomed, and perhaps still in the multi handle */
};

/* What we, not curl, found wrong with an answer. */
enum call_fault {
    CALL_FINE,
    CALL_HEAD_TOO_LONG,
    CALL_TOO_MANY_HEADERS,
    CALL_BODY_TOO_LONG,
    CALL_WITHOUT_HEAD,
    CALL_UNWATCHED, /* its socket */
    CALL_WITHOUT_MEMORY,
};

struct call {
    struct http_client *client;
    enum call_state state;
    uint32_t slot;
    uint32_t next_free;
    http_call_id id;   /* 0: cancelled, nobody is told anything */
    struct call *next; /* in waiting or doomed */
    struct http_call_listener listener;
    void *arg;

    CURL *easy;
    bool is_added; /* easy is in the multi handle */
    struct curl_slist *headers;
    char curl_error[CURL_ERROR_SIZE];
    uint64_t failed_allocations; /* of the process, when this began */

    uint64_t connect_timeout_ms;
    uint64_t first_byte_timeout_ms;
    uint64_t idle_timeout_ms;
    uint64_t total_timeout_ms;
    uint64_t wait_until_ms;  /* for the next byte of the body; UINT64_MAX: for ever */
    uint64_t total_until_ms; /* for the end */

    enum call_fault fault;
    bool has_head; /* on_head was called */
    bool has_body; /* a piece came */
    struct buf head;
    size_t head_bytes; /* interim answers and trailers too */
    size_t answer_bytes;
    size_t answer_bytes_max;
};

/* One of curl's sockets in the loop. */
struct client_socket {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t fd;
    int wanted; /* CURL_CSELECT_IN, _OUT */
    struct client_socket *previous;
    struct client_socket *next;
};

struct http_client {
    struct loop *loop;
    CURLM *multi;                /* NULL: the next call makes one */
    bool is_suspect;             /* memory failed within it: client_settle() gives it up */
    uint64_t failed_allocations; /* of the process, when curl was entered */
    char *ca_file;               /* NULL: the system's authorities */
    struct loop_timer curl_timer;
    struct loop_timer check;
    uint64_t check_at_ms; /* UINT64_MAX: it does not run */
    struct client_socket *sockets;
    unsigned open_handles; /* of libuv; the client goes with the last one */

    bool in_curl;  /* curl is on the stack: nothing may be added or removed */
    bool in_event; /* client_settle() will run */
    bool is_freed;

    struct call *slots; /* HTTP_CLIENT_CALLS_MAX */
    unsigned slots_used;
    uint32_t free_slot; /* UINT32_MAX: none */
    uint64_t generation;
    unsigned count; /* calls that were not cancelled */
    struct call *waiting;
    struct call *doomed;

    struct http_header headers[CLIENT_ANSWER_HEADERS_MAX]; /* for the call of on_head */
};

/* ---- client.c ---- */

/* Monotonic; the loop's own time stands still within a turn. */
uint64_t client_now_ms(void);

/* After the deadlines of a call were set: that it is looked at in time. */
void client_watch(struct http_client *client, const struct call *call);

/* Within curl: this call ends when curl has returned. */
void client_doom(struct call *call, enum call_fault fault);

/* curl has something to do: a socket's event, or fd = CURL_SOCKET_TIMEOUT. May free the client. */
void client_event(struct http_client *client, curl_socket_t fd, int events);

/* A handle of libuv is gone; the last one takes the client with it. */
void client_handle_closed(struct http_client *client);

/* ---- client_request.c ---- */

/* A curl handle with everything set. What was made is freed with the call also after a failure.
 * ERR_INVALID, ERR_LIMIT, ERR_NO_MEMORY. */
must_check int call_prepare(struct call *call, const struct http_call *wanted, struct error *error);

/* ---- client_answer.c ---- */

/* "Name: value" lines into headers, of which there are CLIENT_ANSWER_HEADERS_MAX; the status line,
 * folded lines and those without a name or a colon are passed over. ERR_LIMIT. */
must_check int client_head_split(struct str head, struct http_header *headers, size_t *ret_count);

size_t call_on_header(char *data, size_t size, size_t count, void *arg);
size_t call_on_body(char *data, size_t size, size_t count, void *arg);

/* What curl's result, or our own finding, means to who asked. */
int call_result(struct call *call, CURLcode result, struct error *error);

/* ---- client_socket.c ---- */

/* curl's memory comes from alloc.h. ERR_NO_MEMORY. Never undone: the TLS library does not bear it
 * well, and there is nothing to gain. */
must_check int client_curl_init(void);
uint64_t client_failed_allocations(void);

/* The multi handle, and what of curl is in the loop. ERR_NO_MEMORY. */
must_check int client_multi_open(struct http_client *client);
void client_multi_close(struct http_client *client);

void client_sockets_init(struct http_client *client);
void client_sockets_close(struct http_client *client);

#endif
