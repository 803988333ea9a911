/*
 * A chain of models whose providers are paths of one scripted server in the test's own loop:
 * provider n is http://127.0.0.1:PORT/n and plays its plays one after the other, the last one for
 * ever. The server is raw TCP, so that it can say what no HTTP server would. Questions write down
 * what they are told. Neither takes memory from alloc.h: what a test lets fail is the chain's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_LLM_FIXTURE_H
#define NETRA_TESTS_LLM_FIXTURE_H

#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "llm/llm.h"
#include "loop/clock.h"
#include "loop/loop.h"

#define PATIENCE_MS   10000
#define TICK_MS       5 /* so often a condition is looked at */
#define REQUEST_BYTES 65536u
#define TEXT_BYTES    40960u

/* ---- what providers say ---- */

#define HEAD(status, more) "HTTP/1.1 " status "\r\n" more "Connection: close\r\n\r\n"
#define OK_HEAD            HEAD("200 OK", "Content-Type: text/event-stream\r\n")

/* Events of openai_chat. */
#define DELTA(text)                                                                                \
    "data: "                                                                                       \
    "{\"id\":\"r-1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text     \
    "\"}}]}\n\n"
#define STOP(reason)                                                                               \
    "data: {\"id\":\"r-1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},"                \
    "\"finish_reason\":\"" reason "\"}]}\n\n"
#define USAGE       "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":7}}\n\n"
#define WHOLE(text) DELTA(text) STOP("stop") USAGE "data: [DONE]\n\n"

enum play_end {
    PLAY_CLOSES, /* FIN */
    PLAY_HANGS,
    PLAY_RESETS
};

struct play {
    const char *head; /* NULL: not even that */
    const char *body;
    unsigned repeats; /* of the body, beside the first */
    enum play_end end;
};

#define ANSWERS(text)                                                                              \
    {                                                                                              \
        OK_HEAD, WHOLE(text), 0, PLAY_CLOSES                                                       \
    }
#define SAYS(status, more, body)                                                                   \
    {                                                                                              \
        HEAD(status, more), body, 0, PLAY_CLOSES                                                   \
    }
#define HANGS                                                                                      \
    {                                                                                              \
        NULL, NULL, 0, PLAY_HANGS                                                                  \
    }

struct house;

struct provider_script {
    const struct play *plays;
    size_t play_count;
    unsigned asked;              /* requests that came */
    char request[REQUEST_BYTES]; /* the last one, with its NUL */
};

struct peer {
    struct house *house;
    uv_tcp_t tcp;
    char *got; /* the request so far, with its NUL */
    size_t got_bytes;
    const struct play *play;
    unsigned written; /* writes that are through */
    bool is_closing;
    struct peer *next; /* in house->peers, until it is closed */
};

struct house {
    struct loop *loop;
    struct http_client *client;
    struct llm *llm;
    struct loop_timer watchdog;
    bool is_late;
    uint64_t patient_until_ms;
    uv_tcp_t listener;
    unsigned port;
    struct peer *peers;
    struct provider_script scripts[LLM_PROVIDERS_MAX];
    struct llm_provider providers[LLM_PROVIDERS_MAX];
    char urls[LLM_PROVIDERS_MAX][64];
    size_t provider_count;
    struct llm_limits limits;
};

/* ---- the server ---- */

static inline void peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    struct peer **at = &peer->house->peers;

    while (*at != peer) {
        at = &(*at)->next;
    }
    *at = peer->next;
    free(peer->got);
    free(peer);
}

static inline void peer_close(struct peer *peer)
{
    if (!peer->is_closing) {
        peer->is_closing = true;
        uv_close((uv_handle_t *)&peer->tcp, peer_closed);
    }
}

static inline void peer_wrote(uv_write_t *write, int status)
{
    struct peer *peer = write->data;

    free(write);
    (void)status; /* the client may have gone */
    if (!peer->is_closing && --peer->written == 0) {
        if (peer->play->end == PLAY_CLOSES) {
            peer_close(peer);
        } else if (peer->play->end == PLAY_RESETS) {
            peer->is_closing = true;
            assert_int_equal(uv_tcp_close_reset(&peer->tcp, peer_closed), 0);
        }
    }
}

static inline void peer_write(struct peer *peer, const char *text)
{
    uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
    uv_write_t *write = malloc(sizeof(*write));

    assert_non_null(write);
    write->data = peer;
    peer->written++;
    assert_int_equal(uv_write(write, (uv_stream_t *)&peer->tcp, &bytes, 1, peer_wrote), 0);
}

static inline void peer_play(struct peer *peer, struct provider_script *script)
{
    size_t at = script->asked < script->play_count ? script->asked : script->play_count - 1;

    script->asked++;
    peer->play = &script->plays[at];
    (void)snprintf(script->request, sizeof(script->request), "%s", peer->got);
    if (peer->play->head) {
        peer_write(peer, peer->play->head);
    }
    for (unsigned i = 0; peer->play->body && i <= peer->play->repeats; i++) {
        peer_write(peer, peer->play->body);
    }
}

/* The whole request is in: all of the body that Content-Length announced. */
static inline bool peer_has_request(const struct peer *peer)
{
    const char *end = strstr(peer->got, "\r\n\r\n");
    const char *length = strstr(peer->got, "Content-Length: ");

    return end && length &&
           peer->got_bytes >= (size_t)(end + 4 - peer->got) + strtoul(length + 16, NULL, 10);
}

static inline void peer_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
    static char room[65536];

    (void)handle;
    (void)size;
    *ret = uv_buf_init(room, sizeof(room));
}

static inline void peer_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *bytes)
{
    struct peer *peer = stream->data;

    if (length < 0) {
        peer_close(peer);
        return;
    }
    peer->got = realloc(peer->got, peer->got_bytes + (size_t)length + 1);
    assert_non_null(peer->got);
    memcpy(peer->got + peer->got_bytes, bytes->base, (size_t)length);
    peer->got_bytes += (size_t)length;
    peer->got[peer->got_bytes] = '\0';
    if (!peer->play && peer_has_request(peer)) {
        unsigned index = (unsigned)(peer->got[sizeof("POST /") - 1] - '0');

        assert_true(index < LLM_PROVIDERS_MAX);
        peer_play(peer, &peer->house->scripts[index]);
    }
}

static inline void peer_came(uv_stream_t *listener, int status)
{
    struct house *house = listener->data;
    struct peer *peer = calloc(1, sizeof(*peer));

    assert_int_equal(status, 0);
    assert_non_null(peer);
    assert_int_equal(uv_tcp_init(loop_uv(house->loop), &peer->tcp), 0);
    peer->tcp.data = peer;
    peer->house = house;
    peer->next = house->peers;
    house->peers = peer;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&peer->tcp), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&peer->tcp, peer_alloc, peer_read), 0);
}

static inline void listen_anywhere(struct house *house)
{
    struct sockaddr_in address;
    int length = sizeof(address);

    assert_int_equal(uv_tcp_init(loop_uv(house->loop), &house->listener), 0);
    house->listener.data = house;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&house->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&house->listener, 1024, peer_came), 0);
    assert_int_equal(uv_tcp_getsockname(&house->listener, (struct sockaddr *)&address, &length), 0);
    house->port = ntohs(address.sin_port);
}

/* ---- the house ---- */

static inline void house_ticks(void *arg)
{
    struct house *house = arg;

    house->is_late = loop_now_ms(house->loop) > house->patient_until_ms;
}

/* Turns the loop until the condition holds; fails the test when it does not within PATIENCE_MS. */
#define turn_until(house, condition)                                                               \
    do {                                                                                           \
        (house)->is_late = false;                                                                  \
        (house)->patient_until_ms = loop_now_ms((house)->loop) + PATIENCE_MS;                      \
        loop_timer_start(&(house)->watchdog, TICK_MS, TICK_MS);                                    \
        while (!(condition)) {                                                                     \
            if ((house)->is_late) {                                                                \
                fail_msg("waited in vain for: %s", #condition);                                    \
            }                                                                                      \
            (void)uv_run(loop_uv((house)->loop), UV_RUN_ONCE);                                     \
        }                                                                                          \
        loop_timer_stop(&(house)->watchdog);                                                       \
    } while (0)

static inline void turn_some(struct house *house)
{
    for (unsigned i = 0; i < 20; i++) {
        (void)uv_run(loop_uv(house->loop), UV_RUN_NOWAIT);
    }
}

static const struct llm_limits patient_limits = {
    .attempts_max = 2,
    .wait_ms_first = 1,
    .wait_ms_max = 3000,
    .connect_timeout_ms = 3000,
    .first_token_timeout_ms = 4000,
    .idle_timeout_ms = 4000,
    .total_timeout_ms = 6000,
    .question_timeout_ms = 8000,
    .breaker_failures = 100,
    .breaker_open_ms = 1000,
};

/* Before house_build. */
static inline void house_open(struct house *house)
{
    struct error error;

    memset(house, 0, sizeof(*house));
    house->limits = patient_limits;
    assert_int_equal(loop_new(1, &house->loop, &error), OK);
    loop_timer_init(house->loop, &house->watchdog, house_ticks, house);
    listen_anywhere(house);
    assert_int_equal(http_client_new(house->loop, /* ca_file */ NULL, &house->client, &error), OK);
}

static const struct str provider_names[LLM_PROVIDERS_MAX] = {
    {"zero", 4}, {"one", 3},  {"two", 3}, {"three", 5},
    {"four", 4}, {"five", 4}, {"six", 3}, {"seven", 5},
};

/* One more link. port 0: the scripted server; else nobody is expected to listen there. */
static inline void house_add_at(struct house *house, unsigned port, const struct llm_wire *wire,
                                const struct play *plays, size_t play_count)
{
    size_t index = house->provider_count++;

    (void)snprintf(house->urls[index], sizeof(house->urls[index]), "http://127.0.0.1:%u/%zu",
                   port ? port : house->port, index);
    house->providers[index] = (struct llm_provider){
        .name = provider_names[index],
        .price_provider = STR("openai"),
        .wire = wire,
        .url = str_from(house->urls[index]),
        .key = STR("sk-secret-0123456789"),
        .model = STR("gpt-4o"),
    };
    house->scripts[index].plays = plays;
    house->scripts[index].play_count = play_count;
}

#define house_add(house, plays)                                                                    \
    house_add_at(house, 0, &llm_wire_openai_chat, plays, ARRAY_LENGTH(plays))

static inline struct llm_options house_options(struct house *house)
{
    return (struct llm_options){
        .loop = house->loop,
        .client = house->client,
        .providers = house->providers,
        .provider_count = house->provider_count,
        .limits = house->limits,
        .clock_us = clock_now_us,
        .seed = 1,
    };
}

static inline void house_build(struct house *house)
{
    struct llm_options options = house_options(house);
    struct error error;

    assert_int_equal(llm_new(&options, &house->llm, &error), OK);
}

static inline void house_close(struct house *house)
{
    llm_free(house->llm);
    http_client_free(house->client);
    for (struct peer *peer = house->peers; peer; peer = peer->next) {
        peer_close(peer);
    }
    uv_close((uv_handle_t *)&house->listener, NULL);
    loop_timer_close(&house->watchdog, NULL);
    loop_free(house->loop);
}

/* ---- questions ---- */

struct asked {
    struct house *house;
    llm_id id;
    char text[TEXT_BYTES]; /* that is not void */
    size_t text_bytes;
    unsigned texts;
    unsigned again;
    unsigned done;
    int code;
    struct llm_answer answer; /* code OK */
    struct llm_attempt attempts[LLM_ATTEMPTS_MAX];
    char response_id[LLM_NAME_BYTES_MAX + 1]; /* of the last one */
    size_t attempt_count;
    uint64_t began_ms;
    uint64_t ended_ms;
    /* What the test does within a callback. */
    void (*in_text)(struct asked *asked);
    void (*in_again)(struct asked *asked);
    void (*in_done)(struct asked *asked);
};

static inline void asked_on_text(struct str delta, void *arg)
{
    struct asked *asked = arg;

    assert_int_equal(asked->done, 0);
    assert_true(asked->text_bytes + delta.length < TEXT_BYTES);
    memcpy(asked->text + asked->text_bytes, delta.data, delta.length);
    asked->text_bytes += delta.length;
    asked->text[asked->text_bytes] = '\0';
    asked->texts++;
    if (asked->in_text) {
        asked->in_text(asked);
    }
}

static inline void asked_on_again(void *arg)
{
    struct asked *asked = arg;

    assert_int_equal(asked->done, 0);
    assert_true(asked->text_bytes > 0); /* exactly when text was given */
    asked->text_bytes = 0;
    asked->text[0] = '\0';
    asked->again++;
    if (asked->in_again) {
        asked->in_again(asked);
    }
}

static inline void asked_on_done(int code, struct llm_answer *answer,
                                 const struct llm_attempt *attempts, size_t attempt_count,
                                 void *arg)
{
    struct asked *asked = arg;

    assert_int_equal(asked->done++, 0);
    assert_int_equal(code == OK, answer != NULL);
    asked->code = code;
    if (answer) {
        asked->answer = *answer;
    }
    memcpy(asked->attempts, attempts, attempt_count * sizeof(*attempts));
    asked->attempt_count = attempt_count;
    if (attempt_count) {
        (void)snprintf(asked->response_id, sizeof(asked->response_id), "%.*s",
                       STR_ARGS(attempts[attempt_count - 1].response_id));
    }
    asked->ended_ms = loop_now_ms(asked->house->loop);
    if (asked->in_done) {
        asked->in_done(asked);
    }
}

static const struct llm_listener asked_listener = {asked_on_text, asked_on_again, asked_on_done};

static const struct llm_message hello_message = {.role = LLM_USER, .text = {"Hello?", 6}};
static const struct llm_request hello = {
    .messages = &hello_message, .message_count = 1, .output_tokens_max = 100};

static inline int try_ask(struct house *house, struct asked *asked)
{
    struct error error;

    asked->house = house;
    uv_update_time(loop_uv(house->loop));
    asked->began_ms = loop_now_ms(house->loop);
    int code = llm_ask(house->llm, &hello, UINT64_MAX, &asked_listener, asked, &asked->id, &error);
    assert_int_equal(asked->texts + asked->again + asked->done, 0);
    return code;
}

static inline void ask(struct house *house, struct asked *asked)
{
    memset(asked, 0, sizeof(*asked));
    assert_int_equal(try_ask(house, asked), OK);
    assert_true(asked->id != 0);
}

static inline void ask_and_wait(struct house *house, struct asked *asked)
{
    ask(house, asked);
    turn_until(house, asked->done);
}

static inline void asked_clear(struct asked *asked)
{
    if (asked->done && asked->code == OK) {
        llm_answer_done(&asked->answer);
    }
}

#define assert_attempt(asked, index, link, wanted)                                                 \
    do {                                                                                           \
        assert_true((index) < (asked)->attempt_count);                                             \
        assert_int_equal((asked)->attempts[index].provider, link);                                 \
        assert_string_equal(llm_outcome_name((asked)->attempts[index].outcome),                    \
                            llm_outcome_name(wanted));                                             \
    } while (0)

#endif
