/* SPDX-License-Identifier: Apache-2.0 */
#include "swarm.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/attributes.h"
#include "base/check.h"
#include "base/random.h"

#define READ_BYTES      ((size_t)256 << 10)
#define CONNECTING_MAX  256u /* at once: the server's queue of connections is not what is tried */
#define SOURCES         16u
#define TICK_MS         20u
#define BACK_MS_MAX     2000u  /* a client that dropped is back within that */
#define AGAIN_MS_MAX    10000u /* before it drops another time */
#define DROPS_MAX       3u
#define FRAME_BYTES_MAX ((size_t)512 << 10)
#define HEAD_BYTES      512u /* of an event, in which seq, type and timestamp are looked for */
#define OP_TEXT         0x1
#define OP_CLOSE        0x8
#define OP_PING         0x9
#define OP_PONG         0xa

enum state {
    AWAY,       /* not connected; begins at due_ms */
    CONNECTING, /* also: the handshake is under way */
    LISTENING,
    LEAVING, /* a close frame was sent */
    DONE
};

struct client {
    struct swarm *swarm;
    uv_tcp_t tcp;
    uv_connect_t connect;
    enum state state;
    unsigned run;
    unsigned drops_left;
    bool is_open; /* tcp is */
    bool has_begun;
    bool was_finished;
    bool is_after_handshake;
    uint64_t due_ms; /* AWAY: when to connect; LISTENING: when to drop, 0 = never */
    uint64_t last_seq;
    uint64_t hash;
    int64_t subscribed_ms; /* events made before are from the log */
    char *held;            /* a frame that is not complete */
    size_t held_length;
};

struct swarm {
    struct swarm_options options;
    struct client *clients;
    unsigned connecting;
    unsigned started; /* clients that were told to connect for the first time */
    bool is_measuring;
    bool is_stopping;
    uv_timer_t tick;
    struct random random;
    struct swarm_counts counts;
    uint64_t late[SWARM_LATE_MS_MAX + 1];
    char fault[SWARM_FAULT_BYTES];
    char input[READ_BYTES];
};

static int64_t wall_us(void)
{
    struct timespec now;

    check(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void violate(struct client *client, const char *format, ...) printf_like(2, 3);

static void violate(struct client *client, const char *format, ...)
{
    struct swarm *swarm = client->swarm;
    char what[SWARM_FAULT_BYTES / 2];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (swarm->counts.violations++ == 0) {
        (void)snprintf(swarm->fault, sizeof(swarm->fault),
                       "client %td of run %s, after event %llu: %s", client - swarm->clients,
                       swarm->options.runs[client->run], (unsigned long long)client->last_seq,
                       what);
    }
}

uint64_t swarm_chain(uint64_t hash, const char *event, size_t length)
{
    return hash * UINT64_C(0x9e3779b97f4a7c15) + XXH3_64bits(event, length);
}

/* ---- writing ---- */

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* a connection that is gone is seen by the reader */
    free(write);
}

static void put(struct client *client, const char *head, size_t head_length, const char *body,
                size_t body_length)
{
    uv_write_t *write = malloc(sizeof(*write) + head_length + body_length);

    check(write);
    char *copy = (char *)(write + 1);
    memcpy(copy, head, head_length);
    memcpy(copy + head_length, body, body_length);
    uv_buf_t buf = uv_buf_init(copy, (unsigned)(head_length + body_length));
    if (!client->is_open || uv_write(write, (uv_stream_t *)&client->tcp, &buf, 1, on_written)) {
        free(write);
    }
}

/* A client's frames are masked; the mask may be 0. */
static void put_frame(struct client *client, unsigned opcode, const char *payload, size_t length)
{
    char head[6] = {(char)(0x80 | opcode), (char)(0x80 | length), 0, 0, 0, 0};

    check(length < 126);
    put(client, head, sizeof(head), payload, length);
}

static void subscribe(struct client *client)
{
    char text[125];
    int length =
        snprintf(text, sizeof(text), "{\"type\":\"resume\",\"runId\":\"%s\",\"lastSeq\":%llu}",
                 client->swarm->options.runs[client->run], (unsigned long long)client->last_seq);

    check(length > 0 && (size_t)length < sizeof(text));
    client->subscribed_ms = wall_us() / 1000;
    put_frame(client, OP_TEXT, text, (size_t)length);
    if (client->has_begun) {
        client->swarm->counts.resumed++;
        if (client->drops_left) {
            client->due_ms = uv_now(client->swarm->options.loop) + 1 +
                             random_below(&client->swarm->random, AGAIN_MS_MAX);
        }
    }
    client->has_begun = true;
}

/* ---- coming and going ---- */

static uint64_t now_ms(const struct swarm *swarm)
{
    return uv_now(swarm->options.loop);
}

static void set_state(struct client *client, enum state state)
{
    struct swarm *swarm = client->swarm;

    swarm->connecting -= client->state == CONNECTING;
    swarm->counts.subscribed -= client->state == LISTENING;
    swarm->connecting += state == CONNECTING;
    swarm->counts.subscribed += state == LISTENING;
    client->state = state;
}

static void on_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;

    client->is_open = false;
    if (client->state != DONE) {
        set_state(client, AWAY);
        client->due_ms = now_ms(client->swarm) + random_below(&client->swarm->random, BACK_MS_MAX);
    }
}

static void hang_up(struct client *client)
{
    if (client->is_open && !uv_is_closing((uv_handle_t *)&client->tcp)) {
        uv_close((uv_handle_t *)&client->tcp, on_closed);
    }
    client->held_length = 0;
}

/* Half of the drops say good-bye, the others are a cable that is pulled. */
static void drop(struct client *client)
{
    struct swarm *swarm = client->swarm;

    client->drops_left--;
    client->due_ms = 0;
    if (random_below(&swarm->random, 2)) {
        swarm->counts.closed++;
        set_state(client, LEAVING);
        put_frame(client, OP_CLOSE, "\x03\xe8", 2);
        return;
    }
    swarm->counts.cut++;
    set_state(client, AWAY);
    client->due_ms = UINT64_MAX; /* until it is closed */
    client->held_length = 0;
    if (uv_tcp_close_reset(&client->tcp, on_closed)) {
        hang_up(client); /* something was on its way out */
    }
}

static void end(struct client *client, bool was_finished)
{
    set_state(client, DONE);
    client->was_finished = was_finished;
    client->swarm->counts.done++;
}

/* ---- events ---- */

static bool find_number(const char *text, size_t length, const char *name, uint64_t *ret)
{
    const char *at = memmem(text, length, name, strlen(name));

    if (at) {
        *ret = strtoull(at + strlen(name), NULL, 10);
    }
    return at != NULL;
}

static void measure(struct client *client, int64_t made_ms)
{
    struct swarm *swarm = client->swarm;
    int64_t late_us = wall_us() - made_ms * 1000;
    int64_t late_ms = late_us < 0 ? 0 : late_us / 1000;

    if (made_ms <= client->subscribed_ms) {
        swarm->counts.replayed++;
    } else if (swarm->is_measuring) {
        swarm->late[late_ms < (int64_t)SWARM_LATE_MS_MAX ? late_ms : (int64_t)SWARM_LATE_MS_MAX]++;
    }
}

/* {"seq":7,"type":"…","timestamp":…: without a number it is a word between server and client. */
static void on_event(struct client *client, const char *event, size_t length)
{
    size_t head = length < HEAD_BYTES ? length : HEAD_BYTES;
    uint64_t seq = 0;
    uint64_t made_ms = 0;

    if (length < 8 || memcmp(event, "{\"seq\":", 7) != 0) {
        if (memmem(event, head, "\"problem\"", 9)) {
            violate(client, "refused: %.100s", event);
        }
        return;
    }
    seq = strtoull(event + 7, NULL, 10);
    if (seq != client->last_seq + 1) {
        violate(client, "event %llu %s", (unsigned long long)seq,
                seq <= client->last_seq ? "came again" : "came before others");
        if (seq <= client->last_seq) {
            return;
        }
    }
    client->last_seq = seq;
    client->hash = swarm_chain(client->hash, event, length);
    client->swarm->counts.events++;
    if (find_number(event, head, "\"timestamp\":", &made_ms)) {
        measure(client, (int64_t)made_ms);
    } else {
        violate(client, "an event without a timestamp");
    }
    if (memmem(event, head, "\"type\":\"RUN_FINISHED\"", 21) ||
        memmem(event, head, "\"type\":\"RUN_ERROR\"", 18)) {
        end(client, memmem(event, head, "RUN_FINISHED", 12) != NULL);
    }
}

/* ---- frames ---- */

static void on_frame(struct client *client, unsigned opcode, const char *payload, size_t length)
{
    if (opcode == OP_TEXT) {
        if (client->state == DONE) {
            violate(client, "an event behind the last one");
        } else {
            on_event(client, payload, length);
        }
    } else if (opcode == OP_PING) {
        put_frame(client, OP_PONG, payload, length);
    } else if (opcode == OP_CLOSE) {
        if (client->state != LEAVING && client->state != DONE && !client->swarm->is_stopping) {
            violate(client, "the server closes with %u",
                    length >= 2 ? (unsigned char)payload[0] * 256u + (unsigned char)payload[1] : 0);
        }
        hang_up(client);
    } else if (opcode != OP_PONG) {
        violate(client, "a frame with opcode %u", opcode);
    }
}

/* Bytes of the first frame in text, whole; 0: more are needed. */
static size_t frame_at(const char *text, size_t length, size_t *ret_head, size_t *ret_payload)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t head = 2;
    uint64_t payload = length >= 2 ? bytes[1] & 0x7f : 0;

    if (length < 2) {
        return 0;
    }
    unsigned more = payload == 126 ? 2 : payload == 127 ? 8 : 0;
    if (more) {
        head += more;
        payload = 0;
        for (size_t i = 2; i < head && i < length; i++) {
            payload = payload << 8 | bytes[i];
        }
    }
    if (length < head || length - head < payload) {
        return 0;
    }
    *ret_head = head;
    *ret_payload = (size_t)payload;
    return head + (size_t)payload;
}

/* Returns how much was used; a client that hung up uses everything. */
static size_t take_frames(struct client *client, const char *text, size_t length)
{
    size_t used = 0;
    size_t head = 0;
    size_t payload = 0;

    for (size_t size; (size = frame_at(text + used, length - used, &head, &payload)) > 0;) {
        const char *frame = text + used;

        if (((unsigned char)frame[0] & 0xf0) != 0x80 || ((unsigned char)frame[1] & 0x80)) {
            violate(client, "a frame in pieces, compressed or masked");
        }
        on_frame(client, (unsigned char)frame[0] & 0x0f, frame + head, payload);
        used += size;
        if (!client->is_open || uv_is_closing((uv_handle_t *)&client->tcp)) {
            return length;
        }
    }
    return used;
}

static size_t take_handshake(struct client *client, const char *text, size_t length)
{
    const char *end_of_head = memmem(text, length, "\r\n\r\n", 4);

    if (!end_of_head) {
        return 0;
    }
    if (length < 12 || memcmp(text, "HTTP/1.1 101", 12) != 0) {
        violate(client, "the handshake is answered %.12s", text);
        hang_up(client);
        return length;
    }
    client->is_after_handshake = true;
    set_state(client, LISTENING);
    subscribe(client);
    return (size_t)(end_of_head + 4 - text);
}

static size_t take(struct client *client, const char *text, size_t length)
{
    size_t used = client->is_after_handshake ? 0 : take_handshake(client, text, length);

    return client->is_after_handshake && used <= length && client->is_open
               ? used + take_frames(client, text + used, length - used)
               : used;
}

static void hold(struct client *client, const char *text, size_t length)
{
    if (client->held_length + length > FRAME_BYTES_MAX) {
        violate(client, "a frame longer than %zu bytes", FRAME_BYTES_MAX);
        hang_up(client);
        return;
    }
    char *grown = realloc(client->held, client->held_length + length);
    check(grown || client->held_length + length == 0);
    client->held = grown;
    memcpy(client->held + client->held_length, text, length);
    client->held_length += length;
}

static void take_input(struct client *client, const char *text, size_t length)
{
    if (client->held_length == 0) {
        size_t used = take(client, text, length);

        if (used < length) {
            hold(client, text + used, length - used);
        }
        return;
    }
    hold(client, text, length);
    size_t held = client->held_length;
    size_t used = take(client, client->held, held);
    if (client->held_length == 0) { /* it hung up */
        return;
    }
    client->held_length = held - used;
    memmove(client->held, client->held + used, client->held_length);
    if (client->held_length == 0) {
        free(client->held);
        client->held = NULL;
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct client *client = handle->data;

    (void)size;
    *buf = uv_buf_init(client->swarm->input, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct client *client = stream->data;

    if (count > 0) {
        take_input(client, buf->base, (size_t)count);
    } else if (count < 0) {
        if (client->state != LEAVING && client->state != DONE && !client->swarm->is_stopping) {
            violate(client, "the connection broke: %s", uv_strerror((int)count));
        }
        hang_up(client);
    }
}

/* ---- connecting ---- */

static void on_connected(uv_connect_t *connect, int status)
{
    struct client *client = connect->data;
    const struct swarm_options *options = &client->swarm->options;
    char request[512];

    if (status) {
        if (status != UV_ECANCELED) {
            violate(client, "cannot connect: %s", uv_strerror(status));
        }
        hang_up(client);
        return;
    }
    int length = snprintf(request, sizeof(request),
                          "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
                          "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ag-ui.v1+json\r\n"
                          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                          options->port, options->token);
    check(uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read) == 0);
    put(client, request, (size_t)length, "", 0);
}

/* The port is chosen when the other end is known: one source has 28,000 of them for each. */
static void bind_source(struct client *client)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    unsigned index = (unsigned)(client - client->swarm->clients);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    check(fd >= 0);
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + index % SOURCES);
    check(bind(fd, (struct sockaddr *)&source, sizeof(source)) == 0);
    check(uv_tcp_open(&client->tcp, fd) == 0);
}

static void connect_client(struct client *client)
{
    struct swarm *swarm = client->swarm;
    struct sockaddr_in address;

    check(uv_ip4_addr("127.0.0.1", swarm->options.port, &address) == 0);
    check(uv_tcp_init(swarm->options.loop, &client->tcp) == 0);
    client->tcp.data = client;
    client->connect.data = client;
    client->is_open = true;
    client->is_after_handshake = false;
    client->held_length = 0;
    bind_source(client);
    set_state(client, CONNECTING);
    client->due_ms = 0;
    check(uv_tcp_connect(&client->connect, &client->tcp, (struct sockaddr *)&address,
                         on_connected) == 0);
}

/* ---- the tick ---- */

static void on_tick(uv_timer_t *timer)
{
    struct swarm *swarm = timer->data;
    uint64_t now = now_ms(swarm);

    for (unsigned i = 0; i < swarm->options.clients && !swarm->is_stopping; i++) {
        struct client *client = &swarm->clients[i];

        if (client->state == AWAY && client->due_ms <= now && !client->is_open &&
            swarm->connecting < CONNECTING_MAX) {
            connect_client(client);
        } else if (client->state == LISTENING && client->due_ms && client->due_ms <= now &&
                   client->drops_left) {
            drop(client);
        }
    }
}

struct swarm *swarm_start(const struct swarm_options *options)
{
    struct swarm *swarm = calloc(1, sizeof(*swarm));

    check(swarm && options->clients <= SWARM_CLIENTS_MAX);
    swarm->options = *options;
    swarm->clients = calloc(options->clients, sizeof(*swarm->clients));
    check(swarm->clients);
    random_init(&swarm->random, options->seed, 1);
    for (unsigned i = 0; i < options->clients; i++) {
        swarm->clients[i].swarm = swarm;
        swarm->clients[i].run = i % options->run_count;
    }
    check(uv_timer_init(options->loop, &swarm->tick) == 0);
    swarm->tick.data = swarm;
    check(uv_timer_start(&swarm->tick, on_tick, 0, TICK_MS) == 0);
    return swarm;
}

/* Which ones drop is drawn without putting back. */
void swarm_go(struct swarm *swarm, uint64_t period_ms)
{
    unsigned left = swarm->options.dropping;

    swarm->is_measuring = true;
    for (unsigned i = 0; i < swarm->options.clients; i++) {
        struct client *client = &swarm->clients[i];

        if (random_below(&swarm->random, swarm->options.clients - i) < left) {
            left--;
            client->drops_left = 1 + random_below(&swarm->random, DROPS_MAX);
            client->due_ms = now_ms(swarm) + 1 + random_below(&swarm->random, (uint32_t)period_ms);
        }
    }
}

const struct swarm_counts *swarm_counts(const struct swarm *swarm)
{
    return &swarm->counts;
}

struct swarm_seen swarm_seen(const struct swarm *swarm, unsigned client)
{
    const struct client *one = &swarm->clients[client];

    return (struct swarm_seen){.run = one->run,
                               .last_seq = one->last_seq,
                               .hash = one->hash,
                               .is_done = one->state == DONE,
                               .was_finished = one->was_finished};
}

const char *swarm_fault(const struct swarm *swarm)
{
    return swarm->fault;
}

double swarm_latency_ms(const struct swarm *swarm, double share)
{
    uint64_t all = 0;
    uint64_t below = 0;
    unsigned ms = 0;

    for (unsigned i = 0; i <= SWARM_LATE_MS_MAX; i++) {
        all += swarm->late[i];
    }
    for (; ms <= SWARM_LATE_MS_MAX; ms++) {
        below += swarm->late[ms];
        if (all && (double)below >= share * (double)all) {
            break;
        }
    }
    return ms;
}

void swarm_stop(struct swarm *swarm)
{
    swarm->is_stopping = true;
    uv_close((uv_handle_t *)&swarm->tick, NULL);
    for (unsigned i = 0; i < swarm->options.clients; i++) {
        set_state(&swarm->clients[i], DONE);
        hang_up(&swarm->clients[i]);
    }
}
