/*
 * conn: one connection and the server that it belongs to; private to http/.
 *
 *                        ┌────────────── next request ◄──────────────┐
 *     accept ─► HEAD ─► BODY ─► ANSWER ─┬─ http_reply ───────────────┤
 *                 │               │     └─ STREAM ── _end ───────────┤
 *                 │ refused       └─ WEBSOCKET ─┐                    │ last one
 *                 └─────────────────────────────┴──► END ◄───────────┘
 *                                                     │ what is queued, FIN, the client's FIN
 *                                                     └─► CLOSING ─► the slot is free
 *
 * Under TLS a connection begins in HANDSHAKE, before HEAD.
 *
 * Rules that hold everywhere:
 *  - An exchange has an id from before on_head until its answer is complete; on_gone is owed while
 *    handler_knows is set, and is called when the handle is closed, never within a handler's call.
 *  - Handlers run only from a socket's or a timer's event, never from within an answer: what
 *    waits behind an answer that came late is taken up by DEADLINE_NOW.
 *  - conn_close() only begins: memory stays until libuv calls back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_CONN_H
#define NETRA_HTTP_CONN_H

#include "http/address_table.h"
#include "http/compress.h"
#include "http/deadline.h"
#include "http/forwarded.h"
#include "http/handshake.h"
#include "http/listener.h"
#include "http/message.h"
#include "http/outbox.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/ws_reader.h"

#define CONN_SLOT_BITS     20u
#define CONN_SLOTS_MAX     ((1u << CONN_SLOT_BITS) - 1)
#define CONN_SPARE_SLOTS   32u      /* beyond connections_max, to say 503 on */
#define CONN_READ_BYTES    65536u   /* one read, in the server's buffer */
#define CONN_PENDING_BYTES 32768u   /* unread input of a connection that stops reading */
#define CONN_DISCARD_BYTES 4194304u /* read and thrown away after a refusal, so that it arrives */
#define CONN_END_MS        2000u    /* to wait for the client's FIN or close frame */
#define CONN_CODE_RESTART  1012u    /* of WebSockets that a drain closes */
#define ALWAYS_BYTES_MAX   8192u    /* of the headers of every answer */

enum conn_state {
    CONN_FREE,      /* in server->free_slots, or never used */
    CONN_HANDSHAKE, /* of TLS */
    CONN_HEAD,
    CONN_BODY,
    CONN_ANSWER,
    CONN_STREAM,
    CONN_WEBSOCKET,
    CONN_END,
    CONN_CLOSING,
};

struct conn {
    struct http_server *server;
    enum conn_state state;
    uint32_t slot;
    uint32_t next_free;
    uv_tcp_t tcp;

    struct tls *tls;          /* NULL: plain */
    enum refusal refusal;     /* to be said after the handshake; 0: none */
    bool is_at_door;          /* refused when it came in */
    bool is_counted;          /* in server->addresses */
    bool is_proxy;            /* of one that is trusted */
    struct peer peer;         /* of the connection */
    struct peer client;       /* whom the proxy speaks for in this exchange */
    const struct peer *shown; /* one of them */

    struct deadline wait;  /* for the client's bytes, or for its end */
    struct deadline write; /* for the client to take ours */
    struct outbox outbox;
    struct buf input;  /* what could not be taken yet; empty while idle */
    size_t head_seen;  /* of head_find_end */
    size_t discarded;  /* in END */
    size_t write_left; /* in libuv's queue when the write deadline was set */

    bool is_reading;
    bool is_taking;      /* conn_take is on the stack */
    bool is_half_closed; /* the client sent FIN and waits for its answer */
    bool is_shut;        /* we sent FIN */
    bool is_stalled;     /* FAULT_READER_STALLS: nothing is written any more */

    /* The exchange. */
    http_id id; /* 0: none */
    struct http_plan plan;
    bool handler_knows; /* on_head was called */
    bool must_close;
    bool is_http_1_0;
    bool is_paused;
    bool is_held;    /* on_head wants to be asked again; head is kept, the body is paused … */
    bool is_ask_due; /* … now */
    bool is_secure;
    bool takes_gzip;
    bool is_deferred; /* answered, and a worker compresses the answer */
    enum http_method method;
    int status;
    int64_t received_us; /* the time of day, for the handler; 0: nothing of a request is in */
    int64_t began_us; /* the same moment in elapsed time: a duration survives a clock that jumps */
    uint64_t answer_bytes;
    size_t body_bytes;
    struct message message;
    struct buf head; /* kept while the body comes in, or the handler is to be asked again */
    struct buf body;

    /* The WebSocket. */
    struct ws_reader *ws;
    uint64_t ws_window_ms;
    unsigned ws_frames;              /* of the client in this second */
    unsigned ws_pings;               /* sent and not answered */
    unsigned ws_code;                /* for on_gone */
    bool ws_is_cut;                  /* its queue was full */
    char ws_accept[WS_ACCEPT_BYTES]; /* empty: the request is no handshake */
};

/* Headers of every answer as bytes, and where each of them lies. */
struct always {
    struct buf bytes;
    size_t count;
    struct {
        struct str name;
        size_t begin;
        size_t end;
    } rows[HTTP_ALWAYS_MAX];
    uint64_t lengths; /* bit n: a name of n bytes (modulo 64) is there */
};

struct http_server {
    struct loop *loop;
    struct http_limits limits;
    const struct http_handler *handler;
    void *arg;
    struct listener listener;
    struct tls_server *tls; /* NULL: plain */
    struct ip_networks proxies;
    struct address_table addresses; /* of what limits.connections_per_address_max counts */
    unsigned at_door;               /* connections that were refused and not closed yet */
    struct always always;
    bool compresses;
    unsigned compressing; /* jobs that are with workers */
    uint16_t port;
    bool is_draining;
    bool is_lingering; /* draining, and idle connections may still ask */
    bool is_freed;     /* free when the last handle is closed; handlers are not called */
    bool has_timers;
    struct deadlines deadlines;
    struct loop_timer grace;
    struct loop_timer linger; /* while is_lingering */
    uint64_t linger_ms;
    loop_fn stopped;
    void *stopped_arg;
    unsigned open_handles; /* listener, timers, TLS; connections are counted by counts */

    struct conn *slots;
    unsigned slot_count;
    unsigned slots_used; /* those above were never touched */
    uint32_t free_slot;  /* UINT32_MAX: none */
    unsigned conns;      /* slots in use */
    uint64_t generation;
    struct http_server_counts counts;

    /* Shared by all connections: valid within one event. */
    struct head head;
    char path[HTTP_TARGET_BYTES_MAX + 1];
    char read_buffer[CONN_READ_BYTES];
    struct buf reply_head;
    struct buf scratch;
    struct buf common; /* headers of every answer, made once a second; last those of always */
    size_t common_own; /* bytes before always' */
    int64_t common_second;
    struct compressor compressor;
    struct buf packed;
};

/* ---- conn.c ---- */

bool conn_has_slot(const struct http_server *server);

/* A slot must be free. The caller opens conn->tcp. */
struct conn *conn_new(struct http_server *server);

/* Reads from now on. */
void conn_start(struct conn *conn);

/* The first bytes may come: of the handshake, or of a request. refusal: what is said instead of an
 * answer; 0: none. */
void conn_welcome(struct conn *conn, enum refusal refusal);

/* NULL when the client is gone. */
struct conn *conn_find(const struct http_server *server, http_id id);

/* A new exchange begins. */
void conn_new_id(struct conn *conn);

/* After the answer: the next request, or the end. */
void conn_exchange_done(struct conn *conn);

/* Sends what is queued, then FIN, and waits a little for the client's. */
void conn_end(struct conn *conn);

/* At once. */
void conn_close(struct conn *conn);

/* The outbox has become empty after it was not. */
void conn_drained(struct conn *conn);

/* For deadlines_init. */
void conn_deadline(struct deadline *deadline);

/* Frees what the exchange kept. */
void conn_forget_exchange(struct conn *conn);

/* Has the input looked at again in the next turn of the loop. */
void conn_take_soon(struct conn *conn);

/* ---- request.c: bytes → handler; returns how many were taken, 0: not now ---- */
size_t request_take_head(struct conn *conn, struct str input);
size_t request_take_body(struct conn *conn, struct str input);

/* Of one that is held and due. has_more: input is there. */
void request_ask_again(struct conn *conn, bool has_more);

/* ---- reply.c ---- */

/* The server answers by itself; the connection ends. */
void reply_refusal(struct conn *conn, enum refusal refusal);
/* The bytes of that answer, for a client without a slot; valid until the next answer. */
struct str reply_bare(struct http_server *server, enum refusal refusal);
void reply_continue(struct conn *conn);

/* Tells on_answered. */
void reply_note(struct conn *conn, void *context);

/* Sends the answer, whole. gzip: the same body compressed, or empty. varies: another client would
 * get it in the other form. ERR_NOT_FOUND: the client is as good as gone. */
int reply_whole(struct conn *conn, const struct http_reply *reply, struct str gzip, bool varies);

/* ---- websocket.c ---- */
void websocket_take(struct conn *conn, struct str input);
void websocket_ping_due(struct conn *conn);
void websocket_close(struct conn *conn, unsigned code, const char *reason);

/* ---- server.c ---- */

/* A connection is closed: another one may come in, or the drain may be over. */
void server_conn_closed(struct http_server *server);

/* The same for what else keeps the server from being freed. */
void server_look_whether_empty(struct http_server *server);

#endif
