/*
 * The connection is curl's, blocking in name only: its socket is waited for with poll(), so that
 * each read and write has a deadline. The handshake is ours (RFC 6455, 4.1), frames are wslay's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/socket.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <wslay/wslay.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "verify/wire.h"

#define WS_MAGIC             "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define WS_NONCE_BYTES       16u
#define WS_KEY_BYTES         25u /* 16 bytes in base64 and the NUL */
#define WS_ACCEPT_BYTES      29u /* 20 bytes */
#define WS_REQUEST_BYTES     8192u
#define WS_READ_BYTES        16384u
#define WS_CLOSE_WAIT_MS     200u
#define WS_SEND_TIMEOUT_MS   10000u
#define WS_REFUSAL_WAIT_MS   1000u
#define WS_STATUS_LINE_LEAST 12u
#define WS_CONTROL_BYTES_MAX 125u /* RFC 6455, 5.5 */
#define WS_NO_CLOSE_CODE     1005u

struct ws_client {
    CURL *easy;
    curl_socket_t fd;
    struct tls_seen tls;
    wslay_frame_context_ptr frames;
    struct wslay_frame_iocb frame; /* the one that is being read */
    bool is_in_frame;              /* a time-out may come in the middle of one */
    uint64_t frame_left;
    bool is_dead;     /* broken, or the protocol was: nothing more is read */
    struct buf early; /* bytes that came with the handshake's answer */
    size_t early_taken;
    struct buf message;
    struct buf control; /* payload of a ping or a close */
    bool is_partial;    /* message began and has not ended */
    int64_t read_at_us; /* the last byte */
    int64_t until_us;   /* of the present call */
    int code;           /* of the last read or write */
    uint64_t bytes_sent;
    uint64_t bytes_received;
};

/* ---- bytes ---- */

/* OK: ready. ERR_TIMEOUT, ERR_IO. */
static int wait_for(curl_socket_t fd, short events, int64_t until_us)
{
    for (;;) {
        int64_t left_us = until_us - wire_now_us();
        struct pollfd one = {.fd = fd, .events = events};

        if (left_us <= 0) {
            return ERR_TIMEOUT;
        }
        int ready = poll(&one, 1, (int)(left_us / 1000) + 1);
        if (ready > 0) {
            return OK;
        }
        if (ready < 0 && errno != EINTR) {
            return ERR_IO;
        }
    }
}

/* At least one byte, waited for until_us. ERR_TIMEOUT, ERR_IO (also at the end of the stream). */
static int receive(struct ws_client *socket, char *data, size_t size, int64_t until_us,
                   size_t *ret_length)
{
    for (;;) {
        size_t length = 0;
        CURLcode result = curl_easy_recv(socket->easy, data, size, &length);

        if (result == CURLE_OK && length > 0) {
            socket->bytes_received += length;
            socket->read_at_us = wire_now_us();
            *ret_length = length;
            return OK;
        }
        if (result != CURLE_AGAIN) {
            return ERR_IO;
        }
        int code = wait_for(socket->fd, POLLIN, until_us);
        if (code) {
            return code;
        }
    }
}

static int send_all(struct ws_client *socket, const char *data, size_t length, int64_t until_us)
{
    while (length) {
        size_t sent = 0;
        CURLcode result = curl_easy_send(socket->easy, data, length, &sent);

        if (result != CURLE_OK && result != CURLE_AGAIN) {
            return ERR_IO;
        }
        socket->bytes_sent += sent;
        data += sent;
        length -= sent;
        int code = sent ? OK : wait_for(socket->fd, POLLOUT, until_us);
        if (code) {
            return code;
        }
    }
    return OK;
}

/* ---- frames ---- */

static ssize_t on_recv(uint8_t *data, size_t size, int flags, void *arg)
{
    struct ws_client *socket = (struct ws_client *)arg;
    size_t length = 0;

    (void)flags;
    if (socket->early_taken < socket->early.length) { /* came with the handshake's answer */
        size_t left = socket->early.length - socket->early_taken;

        length = left < size ? left : size;
        memcpy(data, socket->early.data + socket->early_taken, length);
        socket->early_taken += length;
        return (ssize_t)length;
    }
    socket->code = receive(socket, (char *)data, size, socket->until_us, &length);
    return socket->code ? -1 : (ssize_t)length;
}

static ssize_t on_send(const uint8_t *data, size_t length, int flags, void *arg)
{
    struct ws_client *socket = (struct ws_client *)arg;

    (void)flags;
    socket->code = send_all(socket, (const char *)data, length, socket->until_us);
    return socket->code ? -1 : (ssize_t)length;
}

static int on_mask(uint8_t *data, size_t length, void *arg)
{
    (void)arg;
    return RAND_bytes(data, (int)length) == 1 ? 0 : -1;
}

static const struct wslay_frame_callbacks callbacks = {
    .recv_callback = on_recv, .send_callback = on_send, .genmask_callback = on_mask};

static int broken(const struct ws_client *socket, struct error *error)
{
    int code = socket->code ? socket->code : ERR_IO;

    return error_set(error, code, "the WebSocket %s",
                     code == ERR_TIMEOUT ? "said nothing in time" : "broke");
}

static int send_frame(struct ws_client *socket, uint8_t opcode, struct str payload)
{
    struct wslay_frame_iocb frame = {.fin = 1,
                                     .opcode = opcode,
                                     .mask = 1,
                                     .payload_length = payload.length,
                                     .data = (const uint8_t *)(payload.data ? payload.data : ""),
                                     .data_length = payload.length};

    socket->until_us = wire_now_us() + (int64_t)WS_SEND_TIMEOUT_MS * 1000;
    for (;;) {
        ssize_t sent = wslay_frame_send(socket->frames, &frame);

        if (sent < 0) {
            return socket->code ? socket->code : ERR_IO;
        }
        frame.data += sent;
        frame.data_length -= (size_t)sent;
        if (frame.data_length == 0) {
            return OK;
        }
    }
}

/* What RFC 6455 asks of a server's frame, and wslay's frame layer does not look at. */
static bool is_frame(const struct wslay_frame_iocb *frame)
{
    bool is_known = frame->opcode <= WSLAY_BINARY_FRAME ||
                    (frame->opcode >= WSLAY_CONNECTION_CLOSE && frame->opcode <= WSLAY_PONG);

    return is_known && !frame->mask && !frame->rsv;
}

static bool is_control(const struct wslay_frame_iocb *frame)
{
    return frame->opcode >= WSLAY_CONNECTION_CLOSE;
}

static void begin_frame(struct ws_client *socket, const struct wslay_frame_iocb *piece)
{
    socket->frame = *piece;
    socket->frame_left = piece->payload_length;
    socket->is_in_frame = true;
    if (is_control(piece)) {
        buf_clear(&socket->control);
    }
}

/* One frame, whole: a control frame's payload to socket->control, another's to the message. One
 * that has not come whole in time goes on with the next call. */
static int receive_frame(struct ws_client *socket)
{
    do {
        struct wslay_frame_iocb piece = {0};
        ssize_t length = wslay_frame_recv(socket->frames, &piece);

        if (length < 0) {
            return length == WSLAY_ERR_PROTO ? ERR_INVALID : socket->code ? socket->code : ERR_IO;
        }
        if (!socket->is_in_frame) {
            begin_frame(socket, &piece);
        }
        if (!is_frame(&socket->frame)) {
            return ERR_INVALID;
        }
        struct buf *out = is_control(&socket->frame) ? &socket->control : &socket->message;
        if (socket->frame_left > out->limit - out->length) {
            return ERR_LIMIT;
        }
        buf_append(out, (struct str){(const char *)piece.data, (size_t)length});
        if (buf_status(out)) {
            return buf_status(out);
        }
        socket->frame_left -= (uint64_t)length;
    } while (socket->frame_left);
    socket->is_in_frame = false;
    return OK;
}

/* ---- the handshake ---- */

/* Standard base64 of bytes; out has room for 4 characters for each 3 bytes and the NUL. */
static void print_base64(const unsigned char *bytes, int length, char *out)
{
    (void)EVP_EncodeBlock((unsigned char *)out, bytes, length);
}

static bool make_key(char key[WS_KEY_BYTES])
{
    unsigned char nonce[WS_NONCE_BYTES];

    if (RAND_bytes(nonce, sizeof(nonce)) != 1) {
        return false;
    }
    print_base64(nonce, sizeof(nonce), key);
    return true;
}

static bool make_accept(const char *key, char accept[WS_ACCEPT_BYTES])
{
    char joined[WS_KEY_BYTES + sizeof(WS_MAGIC)];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    (void)snprintf(joined, sizeof(joined), "%s%s", key, WS_MAGIC);
    if (EVP_Digest(joined, strlen(joined), digest, &length, EVP_sha1(), NULL) != 1) {
        return false;
    }
    print_base64(digest, (int)length, accept);
    return true;
}

/* Visible ASCII: can neither end a line of the handshake nor a word of it. */
static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return text.length > 0;
}

/* "http://host:1/path?query" or ws: into curl's address (scheme and authority), the host and the
 * path. False: not such an address, or one with a name of a user. */
static bool split_url(struct str url, char base[EXCHANGE_URL_BYTES_MAX], struct str *ret_host,
                      struct str *ret_path)
{
    bool is_tls = str_starts_with(url, STR("https://")) || str_starts_with(url, STR("wss://"));
    size_t colon = str_find(url, STR("://"), 0);

    if (!is_tls && !str_starts_with(url, STR("http://")) && !str_starts_with(url, STR("ws://"))) {
        return false;
    }
    struct str rest = str_slice(url, colon + 3, url.length);
    size_t slash = str_find(rest, STR("/"), 0);
    *ret_host = str_slice(rest, 0, slash == SIZE_MAX ? rest.length : slash);
    *ret_path = slash == SIZE_MAX ? STR("/") : str_slice(rest, slash, rest.length);
    int length = snprintf(base, EXCHANGE_URL_BYTES_MAX, "%s://%.*s", is_tls ? "https" : "http",
                          STR_ARGS(*ret_host));
    return length > 0 && (size_t)length < EXCHANGE_URL_BYTES_MAX && is_word(*ret_host) &&
           is_word(*ret_path) && str_find(*ret_host, STR("@"), 0) == SIZE_MAX &&
           str_find(url, STR("#"), 0) == SIZE_MAX;
}

static int send_handshake(struct ws_client *socket, const struct ws_client_options *options,
                          struct str host, struct str path, const char *key)
{
    cleanup(buf_done) struct buf request;

    buf_init(&request, WS_REQUEST_BYTES);
    buf_printf(&request,
               "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
               "Sec-WebSocket-Protocol: " SOCKET_PROTOCOL
               "\r\nUser-Agent: netra-verify/" NETRA_VERSION "\r\n",
               STR_ARGS(path), STR_ARGS(host), key);
    if (options->origin) {
        buf_printf(&request, "Origin: %s\r\n", options->origin);
    }
    if (options->token) {
        buf_printf(&request, "Authorization: Bearer %s\r\n", options->token);
    }
    buf_append(&request, STR("\r\n"));
    int code = buf_status(&request);
    if (code == OK) {
        code = send_all(socket, request.data, request.length, socket->until_us);
    }
    if (request.data) {
        OPENSSL_cleanse(request.data, request.length);
    }
    return code;
}

/* The answer's head into socket->early, with what came behind it; *ret_head is its length with the
 * blank line. */
static int receive_head(struct ws_client *socket, size_t *ret_head)
{
    char piece[WS_READ_BYTES];

    for (;;) {
        size_t length = 0;
        int code = receive(socket, piece, sizeof(piece), socket->until_us, &length);

        if (code) {
            return code;
        }
        buf_append(&socket->early, (struct str){piece, length});
        if (buf_status(&socket->early)) {
            return buf_status(&socket->early);
        }
        size_t end = str_find(buf_str(&socket->early), STR("\r\n\r\n"), 0);
        if (end != SIZE_MAX) {
            *ret_head = end + 4;
            return OK;
        }
    }
}

/* "HTTP/1.1 101 …"; 0: none. */
static int status_of(struct str head)
{
    int status = 0;

    if (head.length < WS_STATUS_LINE_LEAST || !str_starts_with(head, STR("HTTP/1."))) {
        return 0;
    }
    for (size_t i = 9; i < WS_STATUS_LINE_LEAST; i++) {
        if (head.data[i] < '0' || head.data[i] > '9') {
            return 0;
        }
        status = status * 10 + (head.data[i] - '0');
    }
    return status;
}

/* A refusal's body: as long as its head says, else what comes until the end of the stream or of a
 * short while. */
static void receive_refusal(struct ws_client *socket, const struct exchange *answer)
{
    int64_t until_us = wire_now_us() + (int64_t)WS_REFUSAL_WAIT_MS * 1000;
    size_t head_bytes = answer->head.length;
    char piece[WS_READ_BYTES];
    size_t length = 0;
    uint64_t wanted = UINT64_MAX;

    if (decimal_parse_u64(exchange_header_of(answer, "Content-Length"), &wanted)) {
        wanted = UINT64_MAX;
    }
    while (socket->early.length - head_bytes < wanted && buf_status(&socket->early) == OK &&
           receive(socket, piece, sizeof(piece), until_us, &length) == OK) {
        buf_append(&socket->early, (struct str){piece, length});
    }
}

/* Whether a 101 is one: for our key, with our protocol. */
static int check_switch(const struct exchange *answer, const char *key, struct error *error)
{
    char accept[WS_ACCEPT_BYTES];

    if (!make_accept(key, accept)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    if (!str_equal_ascii_case(exchange_header_of(answer, "Upgrade"), STR("websocket")) ||
        !str_equal_ascii_case(exchange_header_of(answer, "Connection"), STR("upgrade"))) {
        return error_set(error, ERR_INVALID, "the handshake does not upgrade to a WebSocket");
    }
    if (exchange_header_of(answer, "Sec-WebSocket-Extensions").length) {
        return error_set(error, ERR_INVALID, "the handshake has extensions that nobody asked for");
    }
    if (!str_equal(exchange_header_of(answer, "Sec-WebSocket-Accept"), str_from(accept))) {
        return error_set(error, ERR_INVALID, "the handshake's accept key is not that of our key");
    }
    if (!str_equal(exchange_header_of(answer, "Sec-WebSocket-Protocol"), STR(SOCKET_PROTOCOL))) {
        return error_set(error, ERR_INVALID, "the handshake does not agree to " SOCKET_PROTOCOL);
    }
    return OK;
}

static int keep_head(struct ws_client *socket, struct arena *arena, size_t head_bytes,
                     struct exchange *answer)
{
    struct str all = buf_str(&socket->early);

    answer->head = arena_copy(arena, str_slice(all, 0, head_bytes));
    answer->status = answer->head.data ? status_of(answer->head) : 0;
    socket->early_taken = head_bytes;
    if (answer->head.data && answer->status != 101) {
        receive_refusal(socket, answer);
        all = buf_str(&socket->early);
        answer->body = arena_copy(arena, str_slice(all, head_bytes, all.length));
    }
    return answer->head.data && answer->body.data ? OK : ERR_NO_MEMORY;
}

static int shake_hands(struct ws_client *socket, const struct ws_client_options *options,
                       struct str host, struct str path, struct arena *arena,
                       struct exchange *answer, struct error *error)
{
    char key[WS_KEY_BYTES];
    size_t head_bytes = 0;

    if (!make_key(key)) {
        return error_set(error, ERR_IO, "no randomness");
    }
    int code = send_handshake(socket, options, host, path, key);
    answer->sent_us = wire_now_us() - answer->started_monotonic_us;
    code = code ? code : receive_head(socket, &head_bytes);
    if (socket->bytes_received) {
        answer->first_byte_us = wire_now_us() - answer->started_monotonic_us;
    }
    code = code ? code : keep_head(socket, arena, head_bytes, answer);
    answer->total_us = wire_now_us() - answer->started_monotonic_us;
    answer->bytes_sent = socket->bytes_sent;
    answer->bytes_received = socket->bytes_received;
    if (code) {
        return error_set(error, code, "the WebSocket's handshake got no answer: %s",
                         error_code_text(code));
    }
    if (answer->status != 101) {
        return error_set(error, ERR_DENIED, "the WebSocket was answered with HTTP %d",
                         answer->status);
    }
    return check_switch(answer, key, error);
}

static int connect_socket(struct ws_client *socket, const struct ws_client_options *options,
                          const char *base, struct exchange *answer, struct error *error)
{
    unsigned timeout_ms = options->timeout_ms ? options->timeout_ms : EXCHANGE_TIMEOUT_MS;

    socket->easy = curl_easy_init();
    if (!socket->easy || wire_set_up(socket->easy, options->ca_file, timeout_ms, &socket->tls) ||
        curl_easy_setopt(socket->easy, CURLOPT_URL, base) ||
        curl_easy_setopt(socket->easy, CURLOPT_CONNECT_ONLY, 1L)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    socket->until_us = answer->started_monotonic_us + (int64_t)timeout_ms * 1000;
    CURLcode result = curl_easy_perform(socket->easy);
    answer->total_us = wire_now_us() - answer->started_monotonic_us;
    int code = wire_read_out(socket->easy, result, &socket->tls, answer);
    answer->is_new_connection = true;
    if (code == OK &&
        curl_easy_getinfo(socket->easy, CURLINFO_ACTIVESOCKET, &socket->fd) != CURLE_OK) {
        code = ERR_IO;
    }
    return code ? error_set(error, code, "no connection for a WebSocket: %s", answer->failure) : OK;
}

int ws_client_open(const struct ws_client_options *options, struct arena *arena,
                   struct exchange *ret_handshake, struct ws_client **ret_socket,
                   struct error *error)
{
    char base[EXCHANGE_URL_BYTES_MAX];
    struct str host = {"", 0};
    struct str path = {"", 0};
    struct ws_client *socket = alloc_zeroed(1, sizeof(*socket));

    *ret_handshake = (struct exchange){.head = {"", 0},
                                       .body = {"", 0},
                                       .started_us = wire_wall_us(),
                                       .started_monotonic_us = wire_now_us()};
    if (!socket) {
        return ret_handshake->code = error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    buf_init(&socket->early, EXCHANGE_HEAD_BYTES_MAX);
    buf_init(&socket->message, SOCKET_MESSAGE_BYTES_MAX);
    buf_init(&socket->control, WS_CONTROL_BYTES_MAX);
    bool is_fine = split_url(str_from(options->url), base, &host, &path) &&
                   (!options->token || is_word(str_from(options->token))) &&
                   (!options->origin || is_word(str_from(options->origin)));
    int code = is_fine ? connect_socket(socket, options, base, ret_handshake, error)
                       : error_set(error, ERR_INVALID, "not an http, https, ws or wss address");
    if (code == OK) {
        code = shake_hands(socket, options, host, path, arena, ret_handshake, error);
    }
    if (code == OK && wslay_frame_context_init(&socket->frames, &callbacks, socket)) {
        code = error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    ret_handshake->code = code == ERR_DENIED ? OK : code;
    if (code) {
        (void)snprintf(ret_handshake->failure, sizeof(ret_handshake->failure), "%.190s",
                       error ? error->message : error_code_text(code));
        ws_client_close(socket);
        return code;
    }
    *ret_socket = socket;
    return OK;
}

/* ---- messages ---- */

int ws_client_send(struct ws_client *socket, struct str text, struct error *error)
{
    socket->code = OK;
    return send_frame(socket, WSLAY_TEXT_FRAME, text) ? broken(socket, error) : OK;
}

/* A ping or a close. ERR_INVALID, ERR_IO … */
static int take_control(struct ws_client *socket, uint8_t opcode, struct ws_frame_seen *seen)
{
    struct str payload = buf_str(&socket->control);

    if (opcode == WSLAY_PING) {
        int64_t until_us = socket->until_us;
        int code = send_frame(socket, WSLAY_PONG, payload);

        socket->until_us = until_us;
        return code;
    }
    if (opcode == WSLAY_CONNECTION_CLOSE) {
        seen->is_close = true;
        seen->close_code = WS_NO_CLOSE_CODE;
        seen->text = STR("");
        if (payload.length == 1) {
            return ERR_INVALID;
        }
        if (payload.length >= 2) {
            seen->close_code =
                (unsigned)(unsigned char)payload.data[0] << 8 | (unsigned char)payload.data[1];
            seen->text = str_slice(payload, 2, payload.length);
            return str_is_utf8(seen->text) ? OK : ERR_INVALID;
        }
    }
    return OK;
}

/* A frame of a message: the first has an opcode, those that follow have none. */
static int take_data(struct ws_client *socket, struct ws_frame_seen *seen)
{
    const struct wslay_frame_iocb *frame = &socket->frame;
    bool is_first = frame->opcode == WSLAY_TEXT_FRAME;

    if (is_first == socket->is_partial ||
        (!is_first && frame->opcode != WSLAY_CONTINUATION_FRAME)) {
        return ERR_INVALID;
    }
    socket->is_partial = !frame->fin;
    if (frame->fin) {
        seen->text = buf_str(&socket->message);
        return str_is_utf8(seen->text) ? OK : ERR_INVALID;
    }
    return OK;
}

static int next_failed(struct ws_client *socket, int code, struct error *error)
{
    socket->is_dead = code != ERR_TIMEOUT;
    switch (code) {
    case ERR_INVALID:
        return error_set(error, code, "a frame that breaks the protocol of WebSockets");
    case ERR_LIMIT:
        return error_set(error, code, "a message of more than %u bytes", SOCKET_MESSAGE_BYTES_MAX);
    case ERR_NO_MEMORY:
        return error_set(error, code, "out of memory");
    default:
        return broken(socket, error);
    }
}

int ws_client_next(struct ws_client *socket, unsigned timeout_ms, struct ws_frame_seen *ret_frame,
                   struct error *error)
{
    struct ws_frame_seen seen = {.text = {NULL, 0}};
    int code = OK;

    socket->code = OK;
    if (socket->is_dead) {
        return broken(socket, error);
    }
    socket->until_us = wire_now_us() + (int64_t)timeout_ms * 1000;
    if (!socket->is_partial && !(socket->is_in_frame && !is_control(&socket->frame))) {
        buf_clear(&socket->message);
    }
    while (code == OK && !seen.text.data) {
        code = receive_frame(socket);
        if (code == OK) {
            code = is_control(&socket->frame) ? take_control(socket, socket->frame.opcode, &seen)
                                              : take_data(socket, &seen);
        }
    }
    if (code) {
        return next_failed(socket, code, error);
    }
    seen.at_us = socket->read_at_us;
    *ret_frame = seen;
    return OK;
}

void ws_client_close(struct ws_client *socket)
{
    static const char normal[2] = {0x03, (char)0xe8}; /* 1000 */
    struct ws_frame_seen seen;

    if (!socket) {
        return;
    }
    if (socket->frames && !socket->is_dead) {
        int64_t left_us = (int64_t)WS_CLOSE_WAIT_MS * 1000;
        int64_t until_us = wire_now_us() + left_us;
        int code = send_frame(socket, WSLAY_CONNECTION_CLOSE, (struct str){normal, 2});

        seen.is_close = code != OK;
        while (!seen.is_close && left_us > 0 &&
               ws_client_next(socket, (unsigned)(left_us / 1000) + 1, &seen, NULL) == OK) {
            left_us = until_us - wire_now_us();
        }
    }
    if (socket->frames) {
        wslay_frame_context_free(socket->frames);
    }
    curl_easy_cleanup(socket->easy);
    buf_done(&socket->early);
    buf_done(&socket->message);
    buf_done(&socket->control);
    alloc_free(socket);
}

uint64_t ws_client_bytes_sent(const struct ws_client *socket)
{
    return socket->bytes_sent;
}

uint64_t ws_client_bytes_received(const struct ws_client *socket)
{
    return socket->bytes_received;
}
