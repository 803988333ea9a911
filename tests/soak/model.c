/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define MODEL_CALLS_MAX     1024u
#define REQUEST_BYTES_MAX   ((size_t)1 << 20)
#define WORDS_PER_PARAGRAPH 90u
#define CHUNK_BYTES         512u
#define HEAD                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"            \
    "Connection: close\r\n\r\n"

/* Sentences without numbers, names or claims. */
static const char *const sentences[] = {
    "The table below shows where the money goes.",
    "Some features ask for long answers, and others ask for short ones.",
    "It helps to look at the largest feature before the others.",
    "The records say which model was asked and how long the answer was.",
    "A shorter prompt is worth a look where the same text is sent again and again.",
    "What is not in the records stays unknown here.",
    "Ask the people who run a feature before anything is changed.",
    "The same question can be asked again when there are more records.",
};

/* One request of Netra's. */
struct ask {
    struct model *model;
    uv_tcp_t tcp;
    uv_timer_t timer;
    char *request;
    size_t length;
    unsigned words; /* written */
    uint64_t begun_ms;
    bool is_text; /* a summary: written slowly */
    bool is_begun;
    bool is_closed;
};

struct model {
    uv_loop_t *loop;
    uv_tcp_t listener;
    uint16_t port;
    unsigned words;
    bool is_going;
    unsigned waiting;
    unsigned finished;
    uint64_t written;
    unsigned count;
    struct ask *asks[MODEL_CALLS_MAX];
    char **text; /* its words */
};

/* ---- the text ---- */

/* Every word with the space or the line breaks behind it; the facts come first. */
static char **make_words(unsigned count)
{
    static const char *const first[] = {"Your ",          "records ", "cost ",
                                        "{spend.total} ", "in ",      "total. "};
    char **words = calloc(count, sizeof(*words));
    unsigned made = 0;
    unsigned in_paragraph = 0;
    size_t sentence = 0;

    check(words && count > sizeof(first) / sizeof(first[0]));
    for (; made < sizeof(first) / sizeof(first[0]); made++) {
        words[made] = strdup(first[made]);
    }
    while (made < count) {
        char text[256];
        char *rest = text;

        (void)snprintf(text, sizeof(text), "%s",
                       sentences[sentence++ % (sizeof(sentences) / sizeof(sentences[0]))]);
        for (char *word = strtok_r(text, " ", &rest); word && made < count;
             word = strtok_r(NULL, " ", &rest)) {
            bool ends = in_paragraph++ > WORDS_PER_PARAGRAPH && strchr(word, '.');
            char piece[64];

            (void)snprintf(piece, sizeof(piece), "%s%s", word, ends ? "\\n\\n" : " ");
            words[made++] = strdup(piece);
            in_paragraph = ends ? 0 : in_paragraph;
        }
    }
    free(words[count - 1]);
    words[count - 1] = strdup("again.");
    return words;
}

/* ---- writing ---- */

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void close_ask(struct ask *ask)
{
    if (!ask->is_closed) {
        ask->is_closed = true;
        if (ask->is_text && !ask->is_begun) {
            ask->model->waiting--;
        }
        uv_close((uv_handle_t *)&ask->tcp, on_closed);
        uv_close((uv_handle_t *)&ask->timer, on_closed);
    }
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write);
}

static void say(struct ask *ask, const char *text)
{
    size_t length = strlen(text);
    uv_write_t *write = malloc(sizeof(*write) + length);

    check(write);
    char *copy = (char *)(write + 1);
    memcpy(copy, text, length);
    uv_buf_t buf = uv_buf_init(copy, (unsigned)length);
    if (ask->is_closed || uv_write(write, (uv_stream_t *)&ask->tcp, &buf, 1, on_written)) {
        free(write);
    }
}

static void say_delta(struct ask *ask, const char *text)
{
    char chunk[CHUNK_BYTES];

    (void)snprintf(chunk, sizeof(chunk),
                   "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                   "\"model\":\"soak\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
                   "\"finish_reason\":null}]}\n\n",
                   text);
    say(ask, chunk);
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    (void)status;
    close_ask(shutdown->data);
    free(shutdown);
}

static void say_end(struct ask *ask)
{
    say(ask, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
             "\"soak\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
             "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
             "\"soak\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":100,"
             "\"total_tokens\":200}}\n\ndata: [DONE]\n\n");
    uv_shutdown_t *shutdown = malloc(sizeof(*shutdown));
    check(shutdown);
    shutdown->data = ask;
    if (uv_shutdown(shutdown, (uv_stream_t *)&ask->tcp, on_shut)) {
        free(shutdown);
        close_ask(ask);
    }
}

/* A tick that comes late writes what is due: ten words a second they stay. */
static void on_tick(uv_timer_t *timer)
{
    struct ask *ask = timer->data;
    struct model *model = ask->model;
    uint64_t due = (uv_now(model->loop) - ask->begun_ms) / MODEL_WORD_MS + 1;

    while (ask->words < due && ask->words < model->words) {
        say_delta(ask, model->text[ask->words++]);
        model->written++;
    }
    if (ask->words == model->words) {
        (void)uv_timer_stop(timer);
        model->finished++;
        say_end(ask);
    }
}

static void begin_text(struct ask *ask, uint64_t after_ms)
{
    ask->is_begun = true;
    ask->begun_ms = uv_now(ask->model->loop) + after_ms;
    check(uv_timer_start(&ask->timer, on_tick, after_ms, MODEL_WORD_MS) == 0);
}

/* ---- reading ---- */

/* What is asked for shows in what may be answered: JSON of a schema, calls of tools, or text. */
static void answer(struct ask *ask)
{
    struct model *model = ask->model;

    say(ask, HEAD);
    if (strstr(ask->request, "\"response_format\"")) {
        say_delta(ask, "{}");
        say_end(ask);
    } else if (strstr(ask->request, "\"tools\"")) {
        say_delta(ask, "Nothing more is needed.");
        say_end(ask);
    } else {
        ask->is_text = true;
        model->waiting++;
        if (model->is_going) {
            model->waiting--;
            begin_text(ask, 0);
        }
    }
}

static bool is_whole(const struct ask *ask)
{
    const char *end = strstr(ask->request, "\r\n\r\n");
    const char *length = strcasestr(ask->request, "\r\ncontent-length:");

    return end && length && length < end &&
           ask->length >= (size_t)(end + 4 - ask->request) + strtoul(length + 17, NULL, 10);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct ask *ask = handle->data;

    (void)size;
    *buf = uv_buf_init(ask->request + ask->length, (unsigned)(REQUEST_BYTES_MAX - 1 - ask->length));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct ask *ask = stream->data;

    (void)buf;
    if (count < 0) {
        close_ask(ask);
        return;
    }
    ask->length += (size_t)count;
    ask->request[ask->length] = '\0';
    if (is_whole(ask)) {
        answer(ask);
        ask->length = 0; /* nothing more is expected */
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct model *model = listener->data;
    struct ask *ask = calloc(1, sizeof(*ask));

    check(status == 0 && ask && model->count < MODEL_CALLS_MAX);
    ask->model = model;
    ask->request = malloc(REQUEST_BYTES_MAX); /* touched only as far as a request reaches */
    check(ask->request);
    model->asks[model->count++] = ask;
    check(uv_tcp_init(model->loop, &ask->tcp) == 0 && uv_timer_init(model->loop, &ask->timer) == 0);
    ask->tcp.data = ask;
    ask->timer.data = ask;
    check(uv_accept(listener, (uv_stream_t *)&ask->tcp) == 0);
    (void)uv_tcp_nodelay(&ask->tcp, 1);
    check(uv_read_start((uv_stream_t *)&ask->tcp, on_alloc, on_read) == 0);
}

/* ---- the whole ---- */

struct model *model_start(uv_loop_t *loop, unsigned words)
{
    struct model *model = calloc(1, sizeof(*model));
    struct sockaddr_in address;
    int length = sizeof(address);

    check(model && uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    model->loop = loop;
    model->words = words;
    model->text = make_words(words);
    check(uv_tcp_init(loop, &model->listener) == 0);
    model->listener.data = model;
    if (uv_tcp_bind(&model->listener, (struct sockaddr *)&address, 0) ||
        uv_listen((uv_stream_t *)&model->listener, 512, on_connection) ||
        uv_tcp_getsockname(&model->listener, (struct sockaddr *)&address, &length)) {
        return NULL;
    }
    model->port = ntohs(address.sin_port);
    return model;
}

uint16_t model_port(const struct model *model)
{
    return model->port;
}

unsigned model_waiting(const struct model *model)
{
    return model->waiting;
}

void model_go(struct model *model)
{
    model->is_going = true;
    for (unsigned i = 0; i < model->count; i++) {
        struct ask *ask = model->asks[i];

        if (ask->is_text && !ask->is_begun && !ask->is_closed) {
            begin_text(ask, i % MODEL_WORD_MS);
        }
    }
    model->waiting = 0;
}

unsigned model_finished(const struct model *model)
{
    return model->finished;
}

uint64_t model_words(const struct model *model)
{
    return model->written;
}

void model_stop(struct model *model)
{
    for (unsigned i = 0; i < model->count; i++) {
        close_ask(model->asks[i]);
    }
    uv_close((uv_handle_t *)&model->listener, on_closed);
}
