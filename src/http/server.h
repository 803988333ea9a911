/*
 * server: HTTP/1.1, WebSocket (RFC 6455) and server-sent events on one listening socket. libuv
 * moves the bytes, llhttp parses, wslay reads frames; what is ours is strictness, limits,
 * time-outs, back-pressure and the life of a connection.
 *
 *     bytes → head_scan (strict) → llhttp → on_head → body, whole or streamed → on_request
 *                                                  ↘ http_upgrade → wslay → on_ws_message
 *
 * An exchange (a request and its answer) and the WebSocket that it may become are named by an
 * http_id: slot and generation, never a pointer, so that an answer that comes late (a job, the
 * store) finds that the client is gone instead of a freed connection. Everything here belongs to
 * the loop thread.
 *
 * An exchange must be answered exactly once: http_reply, http_stream_begin … _end, or
 * http_upgrade; that may be at any later time. on_gone tells when the client left before the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_SERVER_H
#define NETRA_HTTP_SERVER_H

#include "base/buf.h"
#include "loop/loop.h"

/* Limits that are not configured. */
#define HTTP_HEAD_BYTES_MAX    32768u /* request line and headers; more: 431 */
#define HTTP_HEADERS_MAX       100u   /* more: 431 */
#define HTTP_TARGET_BYTES_MAX  8192u  /* more: 414 */
#define HTTP_WS_MESSAGE_MAX    65536u /* from a client; more: 1009 */
#define HTTP_WS_FRAME_MAX      262144u
#define HTTP_REPLY_HEADERS_MAX 16u
#define HTTP_ALWAYS_MAX        8u
#define HTTP_COMPRESS_LEAST    1024u  /* bytes of a body; a shorter one goes as it is */
#define HTTP_COMPRESS_INLINE   65536u /* a longer one is compressed on a worker */

typedef uint64_t http_id; /* 0 is none */

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT /* any other is answered 501 before a handler sees it */
};

struct http_header {
    struct str name; /* as sent; compare with http_header(), which ignores case */
    struct str value;
};

/* One of 64 bits for a name, which is not empty: by its length and its first letter, of either
 * case. That the bit is not among those of some headers tells that none of them has the name. */
#define HTTP_NAME_BIT(length, first) (UINT64_C(1) << (((length) + 4 * (size_t)((first)&0x1f)) % 64))

static inline uint64_t http_name_bit(struct str name)
{
    return HTTP_NAME_BIT(name.length, (unsigned char)name.data[0]);
}

/* Borrowed for the call that it is passed to. */
struct http_request {
    http_id id;
    enum http_method method;
    struct str path;  /* percent-decoded, begins with "/", without "." and ".." segments */
    struct str query; /* raw, without "?" */
    const struct http_header *headers;
    size_t header_count;
    uint64_t names;  /* http_name_bit() of each of them; 0: not known */
    struct str body; /* on_request only */
    const char
        *peer; /* "127.0.0.1:53211": the client's address as far as it can be believed: of
                * the connection, or what a trusted proxy says (Forwarded, X-Forwarded-For) */
    struct str peer_address; /* the same without the port */
    bool is_secure;          /* it came over TLS, to us or to a trusted proxy (X-Forwarded-Proto) */
    bool is_upgrade;         /* a well-formed WebSocket handshake */
    int64_t received_us;
    void *context; /* what on_head put into the plan */
};

/* What a handler wants of a request's body; filled with defaults before on_head. */
struct http_plan {
    size_t body_bytes_max; /* more: 413; default 0: a body is refused with 413 */
    bool is_streamed;      /* on_body instead of a whole body */
    bool is_held;          /* not known yet: nothing more is read until http_ask_again, when on_head
                            * is called once more, with the same request and plan */
    void *context;         /* given back with every later call about this exchange */
};

/* What is known once an answer was handed to the socket. */
struct http_answer_note {
    enum http_method method; /* HTTP_GET also where none could be read */
    void *context;           /* of the plan */
    int status;
    uint64_t bytes;      /* of the answer's body */
    int64_t duration_us; /* from the first byte of the request */
    const char *peer;
};

/* The callbacks, called from events of the loop only; on_answered also from within http_reply,
 * http_stream_end and http_upgrade. Each may answer the exchange at once. */
struct http_handler {
    /* The head is in. Answering here refuses the body: the connection closes after the answer
     * unless there was none. */
    void (*on_head)(const struct http_request *request, struct http_plan *plan, void *arg);
    /* The whole request is in (streamed: the last piece was given). */
    void (*on_request)(const struct http_request *request, void *arg);
    /* A piece of a streamed body, borrowed. */
    void (*on_body)(http_id id, void *context, struct str piece, void *arg);
    /* The client left: before the answer was complete, or a WebSocket ended (code as RFC 6455 has
     * it, 1006 when it just broke). Also when the server itself refuses the rest of a request that
     * on_head has seen (body too long, malformed, too slow). Called once, never from within a call
     * of the handler's; the id is dead. Not called after a complete answer. A client that closes
     * its sending half after a whole request still gets its answer: it has not left; the reader of
     * a stream that does so has. */
    void (*on_gone)(http_id id, void *context, unsigned ws_code, void *arg);
    /* A whole text message of valid UTF-8, borrowed. Binary messages are closed with 1003. */
    void (*on_ws_message)(http_id id, void *context, struct str text, void *arg);
    /* The queue of a stream or a WebSocket has become empty after it was not. May be NULL. */
    void (*on_drained)(http_id id, void *context, void *arg);
    /* After each answer, also those that the server gave itself (context NULL): for metrics and the
     * access log. May be NULL. */
    void (*on_answered)(const struct http_answer_note *note, void *arg);
};

struct http_limits {
    unsigned connections_max;             /* more: 503 and closed */
    unsigned connections_per_address_max; /* 0: no limit of its own; more: 429 and closed. Trusted
                                           * proxies are not counted */
    uint64_t head_timeout_ms;             /* from the first byte to the end of the head: 408 */
    uint64_t body_timeout_ms;             /* without a byte of the body: 408 */
    uint64_t idle_timeout_ms;             /* keep-alive without a request: closed */
    uint64_t write_timeout_ms;            /* a client that takes nothing: closed */
    uint64_t ws_ping_ms;                  /* a ping that often; two without an answer: closed */
    unsigned ws_messages_per_s;           /* from one client, pings included; more: 1008 */
    size_t queue_bytes_max; /* of one stream or WebSocket: a slow reader is cut off, 1013 */
};

/* TLS 1.3, and 1.2 with ECDHE and AEAD ciphers; ALPN http/1.1; tickets, no renegotiation, no
 * compression. Plain HTTP is answered 400. Files are read again when they
 * change (looked at every HTTP_TLS_LOOK_MS) and on http_server_reload: new connections get the new
 * certificate, a pair that does not fit is refused, logged, and the old one stays. */
#define HTTP_TLS_LOOK_MS 5000u
struct http_tls_options {
    const char *cert_file; /* PEM, the chain, ours first */
    const char *key_file;  /* PEM, without a passphrase */
};

struct http_server_options {
    struct loop *loop;
    const char *address; /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;       /* 0: any free one */
    int inherited_fd;    /* listens already, and goes on when this server has closed it; not 0: then
                          * address and port are not looked at. The server's from now on */
    uint64_t linger_ms;  /* how long a drain still answers what comes in on idle connections */
    struct http_limits limits;
    const struct http_tls_options *tls; /* NULL: plain */
    /* Addresses or networks, "10.0.0.0/8", that may say who the client is: the rightmost address of
     * Forwarded or X-Forwarded-For that is not trusted itself. Where both headers are there they
     * must agree. What is malformed or hidden leaves the proxy's own address. */
    const char *const *trusted_proxies;
    size_t trusted_proxy_count;
    /* Sent with every answer, also with those that the server gives itself, unless the reply has a
     * header of that name; they outlive the server. */
    const struct http_header *always;
    size_t always_count; /* at most HTTP_ALWAYS_MAX */
    bool compresses;     /* gzip, where the client takes it and the reply allows it */
    const struct http_handler *handler;
    void *arg;
};

struct http_server;

/* Limits that suit a laptop and a department. */
extern const struct http_limits http_limits_default;

/* Listens. ERR_IO (address in use, not ours; a file of TLS that cannot be read), ERR_INVALID (a
 * certificate, a key, a proxy's address), ERR_LIMIT (always), ERR_NO_MEMORY. */
must_check int http_server_start(const struct http_server_options *options,
                                 struct http_server **ret_server, struct error *error);
uint16_t http_server_port(const struct http_server *server);

/* Reads the certificate again; nothing without TLS. ERR_INVALID, ERR_IO, ERR_NO_MEMORY: the old one
 * stays. */
must_check int http_server_reload(struct http_server *server, struct error *error);
/* When the certificate in force ends, seconds since 1970; 0 without TLS. */
int64_t http_server_certificate_ends(const struct http_server *server);

/* Accepts nothing more, lets exchanges end, closes WebSockets with 1012 and streams after what is
 * queued. Idle connections are closed after linger_ms, or behind the answer to a request that came
 * before: a client that sent one while it was being closed could not tell whether it was read.
 * stopped(arg) is called when the last connection is closed, at most grace_ms later (and not before
 * linger_ms): what is left then is cut. */
void http_server_drain(struct http_server *server, uint64_t grace_ms, loop_fn stopped, void *arg);

/* After stopped, or at once when the loop has ended. */
void http_server_free(struct http_server *server);

struct http_server_counts {
    unsigned connections;
    unsigned websockets;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t accepted;
    uint64_t refused;         /* malformed or beyond a limit, answered by the server itself */
    uint64_t accept_failures; /* no file descriptor: tried again a little later */
    uint64_t tls_failures;    /* handshakes that came to nothing */
};
struct http_server_counts http_server_counts(const struct http_server *server);

/* ---- reading a request ---- */

/* The value of the first header of that name, trimmed; {NULL, 0} when there is none. Most questions
 * are about headers that are not there: those are answered without a look at the names. */
struct str http_header_find(const struct http_request *request, struct str name);

static inline struct str http_header(const struct http_request *request, const char *name)
{
    struct str wanted = str_from(name);

    return request->names && !(request->names & http_name_bit(wanted))
               ? (struct str){NULL, 0}
               : http_header_find(request, wanted);
}

/* The value of a cookie, or {NULL, 0}. */
struct str http_cookie(const struct http_request *request, const char *name);

/* The decoded value of a query parameter, copied into out (sticky failure is its); false when there
 * is none. A broken encoding is ERR_INVALID in out, so that it is not taken for absent. With equal
 * names the nth (from 0). */
bool http_query(const struct http_request *request, const char *name, size_t nth, struct buf *out);

/* Whether the client takes gzip (Accept-Encoding with its weights, RFC 9110, 12.5.3). */
bool http_takes_gzip(const struct http_request *request);

/* Whether If-None-Match has the tag, which is quoted: "\"abc\"". Compared weakly: W/ on either side
 * is of no importance, so that the tag of a compressed answer matches (see http_reply). "*" matches
 * all. */
bool http_matches_etag(const struct http_request *request, struct str etag);

/* ---- answering ---- */

struct http_reply {
    int status;
    struct str content_type; /* empty: no body follows (204, 303, 304) */
    const struct http_header
        *headers;        /* beside those that the server adds: Date, Content-Length … */
    size_t header_count; /* at most HTTP_REPLY_HEADERS_MAX */
    struct str body;     /* copied as far as the socket does not take it at once */
    bool must_close;
    bool keeps_plain; /* never compressed: it has a secret beside text from outside (BREACH) */
};

/* ERR_NOT_FOUND: the client is gone (not worth a message). HEAD is answered without the body.
 * Control characters in the values of headers become spaces.
 *
 * Where the server compresses and the reply allows it, a body of HTTP_COMPRESS_LEAST bytes or more
 * of text or JSON goes out as gzip to clients that take it, with Vary: Accept-Encoding, and a
 * strong ETag becomes weak: W/"abc" (also in a 304 to such a client). A reply that has a
 * Content-Encoding is left alone. Beyond HTTP_COMPRESS_INLINE a worker compresses a copy: for the
 * handler the exchange is over when http_reply returns, on_answered tells the bytes of the plain
 * body. */
int http_reply(struct http_server *server, http_id id, const struct http_reply *reply);

/* An answer of unknown length: chunked (until close for HTTP/1.0). reply's body is the first piece.
 * Writing beyond queue_bytes_max cuts the connection off: ERR_LIMIT, and on_gone follows. */
int http_stream_begin(struct http_server *server, http_id id, const struct http_reply *reply);
int http_stream_write(struct http_server *server, http_id id, struct str piece);
int http_stream_end(struct http_server *server, http_id id);

/* on_head is called again for an exchange that it held, in the next turn of the loop. Nothing
 * happens when the client is gone or has its answer. Not from within a handler's call. */
void http_ask_again(struct http_server *server, http_id id);

/* Back-pressure for a streamed body: after _pause on_body is not called again until _resume; at
 * most one more piece of 64 KiB. */
void http_body_pause(struct http_server *server, http_id id);
void http_body_resume(struct http_server *server, http_id id);

/* ---- WebSocket ---- */

/* Answers 101 to a request with is_upgrade, from on_request on. protocol: the sub-protocol chosen
 * of those that the client offered, or NULL. The id now names the WebSocket; context replaces the
 * plan's. ERR_NOT_FOUND or ERR_NO_MEMORY: the client is gone or sent away, on_gone follows. */
int http_upgrade(struct http_server *server, http_id id, const char *protocol, void *context);

/* A frame that many sockets share: encoded once, counted references, loop thread only. */
struct ws_frame;
must_check struct ws_frame *ws_frame_text(struct str text); /* NULL: no memory, or too long */
struct ws_frame *ws_frame_ref(struct ws_frame *frame);
void ws_frame_unref(struct ws_frame *frame); /* NULL is allowed */

/* Queues a frame. ERR_NOT_FOUND (gone or closing); ERR_LIMIT: the queue is full, the reader is cut
 * off with 1013. */
int ws_send(struct http_server *server, http_id id, struct ws_frame *frame);

/* Sends a close frame behind what is queued and waits a little for the answer. */
void ws_close(struct http_server *server, http_id id, unsigned code, const char *reason);

/* What on_head put into the plan, or http_upgrade was given; NULL when the client is gone. */
void *http_context(const struct http_server *server, http_id id);

/* Bytes that are waiting in the program for a stream or a WebSocket; 0 when it is gone. */
size_t http_queued(const struct http_server *server, http_id id);

#endif
