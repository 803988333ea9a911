/*
 * The whole server below cli/ on a free port, in a thread of its own, with a data folder of the
 * test's own; the test itself is a client on plain blocking sockets. Only what a client can see is
 * looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_API_FIXTURE_H
#define NETRA_TESTS_API_FIXTURE_H

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/api.h"
#include "auth/accounts.h"
#include "loop/clock.h"
#include "monitor/log.h"
#include "json/json_read.h"

#define HOUSE_TOKEN        "a-token-of-the-tests-0123456789"
#define HOUSE_PATIENCE_S   30
#define HOUSE_ANSWER_MAX   ((size_t)32 << 20)
#define HOUSE_DATASET_ROOM ((size_t)256 << 20)

struct house {
    char folder[64];
    pthread_t thread;
    sem_t is_up;
    struct loop_message stop;
    unsigned draining;
    uint16_t port;
    char url[64];
    struct loop *loop;
    struct store *store;
    struct usage_store *records;
    struct dataset_cache *datasets;
    struct auth *auth;
    struct health health;
    struct price_book *book;
    struct llm_provider *providers; /* set before house_open: a chain that nobody answers */
    size_t provider_count;
    const char *auth_secret;                 /* set before house_open: accounts mode */
    char setup_code[AUTH_SECRET_TEXT_BYTES]; /* of accounts mode, for the first admin */
    struct http_client *client;
    struct llm *llm;
    struct api_models models;
    struct api_limits limits; /* set before house_open */
    struct api *api;
    struct runner *runner;
    struct http_server *http;
    struct json_parser *parser; /* the client's */
};

/* A page of two files. */
static const struct http_file house_files[] = {
    {.path = "/",
     .content_type = "text/html; charset=utf-8",
     .etag = "\"index\"",
     .body = (const unsigned char *)"<!doctype html>",
     .body_bytes = 15},
    {.path = "/assets/a.js",
     .content_type = "text/javascript; charset=utf-8",
     .etag = "\"script\"",
     .body = (const unsigned char *)"1;",
     .body_bytes = 2,
     .is_immutable = true},
};
static const struct http_files house_page = {house_files, ARRAY_LENGTH(house_files)};

/* The form of requests where there is no chain. */
static const struct llm_provider house_example = {
    .name = {"openai", 6},
    .wire = &llm_wire_openai_responses,
    .url = {"https://api.openai.com/v1", 25},
    .key = {"secret-of-the-house", 19},
    .model = {"MODEL", 5},
};

/* ---- the server's thread ---- */

static inline void house_must(int code, const struct error *error)
{
    if (code) {
        (void)fprintf(stderr, "the server under test does not start: %s\n", error->message);
        abort();
    }
}

static inline void house_drained(void *arg)
{
    struct house *house = arg;

    if (--house->draining == 0) {
        loop_stop(house->loop);
    }
}

static inline void house_on_stop(void *arg)
{
    struct house *house = arg;

    house->draining = 2;
    http_server_drain(house->http, 200, house_drained, house);
    runner_drain(house->runner, 200, house_drained, house);
}

static inline void house_build_models(struct house *house)
{
    struct error error = {0};

    house->models =
        (struct api_models){.limits = {.attempts_max = 1, .wait_ms_max = 77, .breaker_failures = 3},
                            .tokens_per_run_max = 5000,
                            .shown = &house_example};
    if (house->provider_count == 0) {
        return;
    }
    house_must(http_client_new(house->loop, NULL, &house->client, &error), &error);
    struct llm_options options = {.loop = house->loop,
                                  .client = house->client,
                                  .providers = house->providers,
                                  .provider_count = house->provider_count,
                                  .limits = house->models.limits,
                                  .clock_us = clock_now_us,
                                  .seed = 1};
    house_must(llm_new(&options, &house->llm, &error), &error);
    house->models.llm = house->llm;
    house->models.shown = &house->providers[0];
}

static inline void house_build(struct house *house)
{
    struct error error = {0};
    char digest[48];
    char name[32];

    house_must(loop_new(2, &house->loop, &error), &error);
    house_must(store_open(house->loop, house->folder, &house->store, &error), &error);
    house_must(usage_store_open(house->folder, &house->records, &error), &error);
    house_must(dataset_read_book(NULL, &house->book, digest, &error), &error);
    struct dataset_cache_options datasets = {
        .loop = house->loop, .store = house->records, .bytes_max = HOUSE_DATASET_ROOM};
    house_must(dataset_cache_new(&datasets, &house->datasets, &error), &error);
    struct auth_options auth = {.loop = house->loop,
                                .store = house->store,
                                .mode = house->auth_secret ? AUTH_MODE_ACCOUNTS : AUTH_MODE_LOCAL,
                                .token = HOUSE_TOKEN,
                                .secret = str_from(house->auth_secret),
                                .allows_passwords = true,
                                .access_token_s = 900,
                                .session_days = 30,
                                .idle_days = 14,
                                .signing_key_days = 30,
                                .lockout_failures = 5};
    house_must(auth_new(&auth, &house->auth, &error), &error);
    house_build_models(house);
    struct api_options api = {.loop = house->loop,
                              .store = house->store,
                              .records = house->records,
                              .datasets = house->datasets,
                              .auth = house->auth,
                              .health = &house->health,
                              .page = &house_page,
                              .models = &house->models,
                              .public_url = house->url,
                              .allows_passwords = true,
                              .upload_bytes_max = (uint64_t)64 << 20,
                              .limits = house->limits,
                              .started_us = clock_now_us()};
    house_must(api_new(&api, &house->api, &error), &error);
    struct runner_options runner = {.loop = house->loop,
                                    .store = house->store,
                                    .datasets = house->datasets,
                                    .book = house->book,
                                    .llm = house->llm,
                                    .model_tokens_max = house->models.tokens_per_run_max,
                                    .concurrent_max = 2,
                                    .publish = api_publish,
                                    .arg = house->api};
    house_must(runner_new(&runner, &house->runner, &error), &error);
    api_set_runner(house->api, house->runner);
    struct http_server_options http = {.loop = house->loop,
                                       .address = "127.0.0.1",
                                       .limits = http_limits_default,
                                       .handler = &api_handler,
                                       .arg = house->api};
    house_must(http_server_start(&http, &house->http, &error), &error);
    api_set_server(house->api, house->http);
    house->port = http_server_port(house->http);
    (void)snprintf(name, sizeof(name), "127.0.0.1:%u", house->port);
    (void)snprintf(house->url, sizeof(house->url), "http://%s", name);
    house_must(auth_add_host(house->auth, name, &error), &error);
    auth_set_url(house->auth, house->url);
    if (house->auth_secret) {
        house_must(accounts_setup_code(house->auth, house->setup_code), &error);
    }
    house_must(runner_recover(house->runner, &error), &error);
}

static inline void *house_live(void *arg)
{
    struct house *house = arg;

    house_build(house);
    (void)sem_post(&house->is_up);
    loop_run(house->loop);
    dataset_cache_stop(house->datasets);
    loop_finish_jobs(house->loop);
    http_server_free(house->http);
    runner_free(house->runner);
    llm_free(house->llm);
    http_client_free(house->client);
    api_free(house->api);
    auth_free(house->auth);
    dataset_cache_free(house->datasets);
    price_book_free(house->book);
    usage_store_close(house->records);
    store_close(house->store);
    loop_free(house->loop);
    return NULL;
}

/* ---- starting and stopping ---- */

static inline void house_open(struct house *house)
{
    log_start(&(struct log_options){.level = LOG_ERROR, .fd = STDERR_FILENO});
    assert_int_equal(json_parser_new(HOUSE_ANSWER_MAX, &house->parser), OK);
    (void)snprintf(house->folder, sizeof(house->folder), "/tmp/netra-api-XXXXXX");
    assert_non_null(mkdtemp(house->folder));
    assert_int_equal(sem_init(&house->is_up, 0, 0), 0);
    assert_int_equal(pthread_create(&house->thread, NULL, house_live, house), 0);
    while (sem_wait(&house->is_up) && errno == EINTR) {
    }
}

static inline int house_remove(const char *path, const struct stat *stat, int type,
                               struct FTW *place)
{
    (void)stat;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void house_close(struct house *house)
{
    house->stop = (struct loop_message){.fn = house_on_stop, .arg = house};
    loop_post(house->loop, &house->stop);
    assert_int_equal(pthread_join(house->thread, NULL), 0);
    (void)sem_destroy(&house->is_up);
    json_parser_free(house->parser);
    assert_int_equal(nftw(house->folder, house_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- a client ---- */

struct answer {
    int status;
    struct buf text; /* head and body */
    struct str head;
    struct str body; /* of answers with a length; chunked ones keep their framing */
};

static inline void answer_done(struct answer *answer)
{
    buf_done(&answer->text);
}

static inline int house_connect(const struct house *house)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(house->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = HOUSE_PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static inline void house_send(int fd, struct str text)
{
    while (text.length) {
        ssize_t sent = send(fd, text.data, text.length, MSG_NOSIGNAL);

        assert_true(sent > 0);
        text = str_slice(text, (size_t)sent, text.length);
    }
}

/* Sends a request that asks for the connection's end, and reads until then. */
static inline struct answer house_raw(const struct house *house, struct str request)
{
    struct answer answer = {0};
    int fd = house_connect(house);
    ssize_t got;

    house_send(fd, request);
    buf_init(&answer.text, HOUSE_ANSWER_MAX);
    do {
        assert_int_equal(buf_reserve(&answer.text, 65536), OK);
        got = recv(fd, answer.text.data + answer.text.length, 65536, 0);
        assert_true(got >= 0);
        answer.text.length += (size_t)got;
    } while (got > 0);
    (void)close(fd);
    struct str text = buf_str(&answer.text);
    size_t end = str_find(text, STR("\r\n\r\n"), 0);
    assert_true(end != SIZE_MAX && str_starts_with(text, STR("HTTP/1.1 ")));
    answer.status = (text.data[9] - '0') * 100 + (text.data[10] - '0') * 10 + text.data[11] - '0';
    answer.head = str_slice(text, 0, end + 2);
    answer.body = str_slice(text, end + 4, text.length);
    return answer;
}

/* headers: "Name: value\r\n" …; body NULL: none. Signed in by the token. */
static inline struct answer house_ask_with(const struct house *house, const char *method,
                                           const char *target, const char *headers,
                                           const char *body)
{
    struct buf request;

    buf_init(&request, HOUSE_ANSWER_MAX);
    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s", method,
               target, house->port, headers);
    if (body) {
        buf_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    }
    buf_printf(&request, "\r\n%s", body ? body : "");
    struct answer answer = house_raw(house, buf_str(&request));
    buf_done(&request);
    return answer;
}

#define HOUSE_SIGNED "Authorization: Bearer " HOUSE_TOKEN "\r\n"
#define HOUSE_JSON   "Content-Type: application/json\r\n"

static inline struct answer house_get(const struct house *house, const char *target)
{
    return house_ask_with(house, "GET", target, HOUSE_SIGNED, NULL);
}

static inline struct answer house_post(const struct house *house, const char *target,
                                       const char *body)
{
    return house_ask_with(house, "POST", target, HOUSE_SIGNED HOUSE_JSON, body);
}

/* The answer's body as JSON, until the next one. */
static inline struct json_value house_json(struct house *house, const struct answer *answer)
{
    struct json_value root;

    if (json_parse(house->parser, answer->body, &root, NULL)) {
        fail_msg("not JSON: %.*s", STR_ARGS(answer->text.data ? buf_str(&answer->text) : STR("")));
    }
    return root;
}

static inline struct str house_text(struct json_value value, const char *key)
{
    struct str text = {0};

    (void)json_get_str(json_at(value, key), &text);
    return text;
}

/* A header of the answer, "" when there is none. */
static inline struct str answer_header(const struct answer *answer, const char *name)
{
    size_t from = 0;

    for (;;) {
        size_t end = str_find(answer->head, STR("\r\n"), from);
        if (end == SIZE_MAX) {
            return STR("");
        }
        struct str line = str_slice(answer->head, from, end);
        size_t colon = str_find(line, STR(":"), 0);
        if (colon != SIZE_MAX && str_equal_ascii_case(str_slice(line, 0, colon), str_from(name))) {
            return str_trim(str_slice(line, colon + 1, line.length));
        }
        from = end + 2;
    }
}

#define assert_status(answer, expected)                                                            \
    do {                                                                                           \
        if ((answer).status != (expected)) {                                                       \
            fail_msg("status %d, not %d: %.*s", (answer).status, (expected),                       \
                     STR_ARGS(buf_str(&(answer).text)));                                           \
        }                                                                                          \
    } while (0)

#endif
