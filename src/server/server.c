/*
 * Wiring. Parts are made lowest first and freed in the other direction; each destructor takes NULL,
 * so that a start that fails half-way ends in the same place as a stop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "server/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/civil_time.h"
#include "loop/clock.h"
#include "monitor/fault.h"
#include "monitor/log.h"
#include "monitor/metrics.h"
#include "server/config_role.h"
#include "server/page.h"
#include "server/server_state.h"

#define WORKERS_LEAST            2
#define WORKERS_MOST             16
#define HOST_NAME_BYTES          128u
#define FILES_BESIDE_CONNECTIONS 256u /* stores, workers, uploads */
#define DIGEST_BYTES             48u
#define MODELS_NAMES_BYTES       1024u /* of the log's line about them */
#define EXIT_CUT                 1     /* a second signal */

static unsigned worker_count(const struct config *config)
{
    uint64_t asked = config_number(config, CONFIG_WORKERS);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (asked) {
        return (unsigned)asked;
    }
    return processors < WORKERS_LEAST  ? WORKERS_LEAST
           : processors > WORKERS_MOST ? WORKERS_MOST
                                       : (unsigned)processors;
}

static struct http_limits limits_of(const struct config *config)
{
    return (struct http_limits){
        .connections_max = (unsigned)config_number(config, CONFIG_HTTP_CONNECTIONS_MAX),
        .head_timeout_ms = config_number(config, CONFIG_HTTP_HEAD_TIMEOUT_MS),
        .body_timeout_ms = config_number(config, CONFIG_HTTP_BODY_TIMEOUT_MS),
        .idle_timeout_ms = config_number(config, CONFIG_HTTP_IDLE_TIMEOUT_MS),
        .write_timeout_ms = config_number(config, CONFIG_HTTP_WRITE_TIMEOUT_MS),
        .ws_ping_ms = config_number(config, CONFIG_HTTP_WS_PING_MS),
        .ws_messages_per_s = (unsigned)config_number(config, CONFIG_HTTP_WS_MESSAGES_PER_S),
        .queue_bytes_max = (size_t)config_number(config, CONFIG_HTTP_QUEUE_BYTES_MAX),
    };
}

/* Systems give a process 1024 open files and let it ask for more. Not getting them is no failure:
 * connections beyond them wait in the system's queue. Each question to a model may hold one, too.
 */
static void raise_file_limit(const struct config *config)
{
    rlim_t wanted = config_number(config, CONFIG_HTTP_CONNECTIONS_MAX) + HTTP_CLIENT_CALLS_MAX +
                    FILES_BESIDE_CONNECTIONS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int open_stores(struct server *server, struct error *error)
{
    const char *data_dir = config_text(server->config, CONFIG_DATA_DIR);

    if (config_role(server->config) == CONFIG_ROLE_FRONTEND) {
        return OK;
    }
    int code = store_open(server->loop, data_dir, &server->store, error);
    if (code || !config_has_runs(server->config)) {
        return code;
    }
    if (code == OK) {
        code = usage_store_open(data_dir, &server->records, error);
    }
    return code ? code : server_tidy_up(server->store, server->records, error);
}

/* Every request has a trace id, for the log; spans are gathered only where somebody takes them. */
static int make_traces(struct server *server, struct error *error)
{
    const char *endpoint = config_text_or_null(server->config, CONFIG_OTEL_ENDPOINT);
    struct traces_options options = {.loop = server->loop,
                                     .endpoint = endpoint,
                                     .headers = getenv("OTEL_EXPORTER_OTLP_HEADERS"),
                                     .deployment = config_text(server->config, CONFIG_DEPLOYMENT)};
    unsigned char seed[16];

    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        return error_set(error, ERR_IO, "the system gives no random bytes");
    }
    trace_start(endpoint != NULL,
                (double)config_number(server->config, CONFIG_OTEL_SAMPLE_PERCENT) / 100,
                /* follows_parent */ true, seed);
    return endpoint ? traces_new(&options, &server->traces, error) : OK;
}

/* "https://api… wss://api… https://auth…" */
static void print_connects(struct server *server)
{
    const char *backend = config_service_url(server->config, CONFIG_ROLE_BACKEND);
    const char *auth = config_service_url(server->config, CONFIG_ROLE_AUTH);

    if (backend && auth) {
        (void)snprintf(server->connects, sizeof(server->connects), "%s ws%s %s", backend,
                       backend + strlen("http"), auth);
    }
}

/* A client of its own: the authorities of model providers are not those of our services. */
static int make_service_client(struct server *server, struct error *error)
{
    const char *ca_file = config_text_or_null(server->config, CONFIG_SERVICE_CA_FILE);

    if (config_role(server->config) == CONFIG_ROLE_ALL) {
        return OK;
    }
    int code = http_client_new(server->loop, ca_file, &server->service_client, error);
    if (code == OK) {
        peers_init(&server->peers, server->loop, server->service_client, server->config);
        print_connects(server);
    }
    return code;
}

static int make_parts(struct server *server, const char *token, struct error *error)
{
    const char *prices = config_text_or_null(server->config, CONFIG_PRICES);
    char digest[DIGEST_BYTES];
    struct dataset_cache_options datasets = {
        .loop = server->loop,
        .store = server->records,
        .prices_path = prices,
        .bytes_max = (size_t)config_number(server->config, CONFIG_DATASET_CACHE_BYTES_MAX)};
    struct auth_options auth = {.loop = server->loop, .store = server->store, .token = token};
    int code = make_service_client(server, error);

    if (code == OK && server->records) {
        code = dataset_read_book(prices, &server->book, digest, error);
    }
    if (code == OK && server->records) {
        code = dataset_cache_new(&datasets, &server->datasets, error);
    }
    if (code == OK) {
        access_auth(&server->access, server->config, &auth);
        auth.client = auth.issuer_url ? server->service_client : NULL;
        code = auth_new(&auth, &server->auth, error);
    }
    if (code == OK) {
        code = server_make_sign_in(server, error);
    }
    access_forget(&server->access);
    return code;
}

static void tell_chain(const struct models *models)
{
    struct buf names;

    buf_init(&names, MODELS_NAMES_BYTES);
    for (size_t i = 0; i < models->count; i++) {
        buf_printf(&names, "%s%.*s/%.*s", i ? ", " : "", STR_ARGS(models->providers[i].name),
                   STR_ARGS(models->providers[i].model));
    }
    log_write(LOG_INFO, "server", "models that take part in runs: %.*s",
              STR_ARGS(models->count ? buf_str(&names) : STR("none")));
    buf_done(&names);
}

/* Without a chain nothing is made, and nothing can be sent. */
static int make_models(struct server *server, struct error *error)
{
    struct models *models = &server->models;
    int code = models->count && server->records ? models_start(models, server->config, server->loop,
                                                               &server->client, &server->llm, error)
                                                : OK;

    server->shown_models = (struct api_models){
        .llm = server->llm,
        .limits = models->limits,
        .tokens_per_run_max = models->tokens_per_run_max,
        .shown = models->count ? &models->providers[0] : models_example(),
    };
    return code;
}

/* What only one of three processes says. */
static void set_role(struct server *server, struct api_options *api)
{
    static const unsigned roles[CONFIG_ROLE_COUNT] = {[CONFIG_ROLE_BACKEND] = ROUTE_BACKEND,
                                                      [CONFIG_ROLE_AUTH] = ROUTE_AUTH,
                                                      [CONFIG_ROLE_FRONTEND] = ROUTE_FRONTEND};
    enum config_role role = config_role(server->config);

    if (role == CONFIG_ROLE_ALL) {
        return;
    }
    api->role = roles[role];
    api->services = server->peers.services;
    if (role == CONFIG_ROLE_FRONTEND) {
        api->page_connects = server->connects;
    } else {
        api->page = NULL;
        api->page_url = config_service_url(server->config, CONFIG_ROLE_FRONTEND);
    }
}

/* The api publishes for the runner, and the runner works for the api: the api is made first. */
static int make_api(struct server *server, struct error *error)
{
    struct api_options api = {
        .loop = server->loop,
        .store = server->store,
        .records = server->records,
        .datasets = server->datasets,
        .auth = server->auth,
        .mail = server->mail,
        .oidc = server->oidc,
        .allows_passwords = config_number(server->config, CONFIG_AUTH_PASSWORDS) != 0,
        .deployment = config_text(server->config, CONFIG_DEPLOYMENT),
        .limits = access_limits(&server->access, server->config),
        .health = &server->health,
        .page = &server_page,
        .models = &server->shown_models,
        .prices_path = config_text_or_null(server->config, CONFIG_PRICES),
        .public_url = server->url,
        .upload_bytes_max = config_number(server->config, CONFIG_UPLOAD_BYTES_MAX),
        .started_us = server->started_us};
    set_role(server, &api);
    int code = api_new(&api, &server->api, error);
    if (code || !server->records) {
        return code;
    }
    struct runner_options runner = {
        .loop = server->loop,
        .store = server->store,
        .datasets = server->datasets,
        .book = server->book,
        .llm = server->llm,
        .model_tokens_max = server->models.tokens_per_run_max,
        .concurrent_max = (unsigned)config_number(server->config, CONFIG_RUNS_CONCURRENT_MAX),
        .publish = api_publish,
        .arg = server->api};
    access_runner(&server->access, server->config, &runner);
    code = runner_new(&runner, &server->runner, error);
    if (code == OK) {
        api_set_runner(server->api, server->runner);
    }
    return code;
}

static bool is_reached_by_tls(const struct server *server)
{
    const char *url = config_own_url(server->config);

    return config_text(server->config, CONFIG_TLS_CERT_FILE)[0] ||
           (url && strncmp(url, "https:", 6) == 0);
}

static int listen_on(struct server *server, struct error *error)
{
    struct config_address listen = config_listen(server->config);
    struct http_server_options options = {.loop = server->loop,
                                          .address = listen.address,
                                          .port = listen.port,
                                          .inherited_fd = server->inherited_fd,
                                          .linger_ms = server->inherited_fd ? SERVER_LINGER_MS : 0,
                                          .limits = limits_of(server->config),
                                          .handler = &api_handler,
                                          .arg = server->api};
    access_http(&server->access, server->config, &options);
    options.always = api_security_headers(is_reached_by_tls(server), &options.always_count);
    int code = http_server_start(&options, &server->http, error);

    if (code) {
        return code;
    }
    api_set_server(server->api, server->http);
    return server_name_itself(server, &listen, error);
}

/* ---- stopping ---- */

static void stop_loop(void *arg)
{
    const struct server *server = arg;

    loop_stop(server->loop);
}

/* Last of all the spans of what has just ended. */
static void part_drained(void *arg)
{
    struct server *server = arg;

    check_cmp(server->draining, >, 0);
    if (--server->draining > 0) {
        return;
    }
    if (server->traces) {
        traces_drain(server->traces, stop_loop, server);
    } else {
        stop_loop(server);
    }
}

static void drain_runs(struct server *server, uint64_t grace_ms)
{
    if (server->runner) {
        runner_drain(server->runner, grace_ms, part_drained, server);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    const char *name = number == SIGINT ? "SIGINT" : "SIGTERM";
    uint64_t grace_ms = config_number(server->config, CONFIG_DRAIN_TIMEOUT_S) * 1000;

    if (server->is_stopping) {
        log_write(LOG_WARNING, "server", "%s again: cut", name);
        log_flush();
        _exit(EXIT_CUT);
    }
    log_write(LOG_INFO, "server", "%s: no new work, at most %llu s for what is under way", name,
              (unsigned long long)(grace_ms / 1000));
    log_flush();
    server->is_stopping = true;
    server->draining = server->runner ? 2 : 1;
    http_server_drain(server->http, grace_ms, part_drained, server);
    if (server->inherited_fd) {
        loop_timer_start(&server->linger, SERVER_LINGER_MS, /* repeat_ms */ 0);
    } else {
        server->health.stopping = "the server was told to stop";
        drain_runs(server, grace_ms);
    }
}

/* What came in meanwhile has its answer, and its runs are in the store. */
static void on_linger_over(void *arg)
{
    struct server *server = arg;

    drain_runs(server, config_number(server->config, CONFIG_DRAIN_TIMEOUT_S) * 1000);
}

/* SIGHUP: what administrators send when a certificate was renewed. Without TLS nothing happens. */
static void on_reload(uv_signal_t *handle, int number)
{
    const struct server *server = handle->data;
    struct error error = {0};

    (void)number;
    if (!server->access.tls.cert_file) {
        log_write(LOG_INFO, "server", "SIGHUP: there is no certificate to read again");
    } else if (http_server_reload(server->http, &error)) {
        log_write(LOG_ERROR, "server", "SIGHUP: the certificate stays as it was: %s",
                  error.message);
    } else {
        log_write(LOG_INFO, "server", "SIGHUP: the certificate was read again");
    }
}

static void on_tick(void *arg)
{
    fault_tick(clock_now_us());
    server_update_metrics(arg);
    log_flush();
}

static void on_look(void *arg)
{
    struct server *server = arg;

    watch_look(&server->watch, clock_now_us(), clock_elapsed_us());
}

static int start_handles(struct server *server, struct error *error)
{
    static const struct {
        int number;
        uv_signal_cb fn;
    } signals[SERVER_SIGNALS] = {{SIGTERM, on_signal}, {SIGINT, on_signal}, {SIGHUP, on_reload}};

    const char *data_dir = config_text(server->config, CONFIG_DATA_DIR);

    for (size_t i = 0; i < SERVER_SIGNALS; i++) {
        check(uv_signal_init(loop_uv(server->loop), &server->signals[i]) == 0);
        server->signals[i].data = server;
    }
    loop_timer_init(server->loop, &server->tick, on_tick, server);
    loop_timer_start(&server->tick, SERVER_TICK_MS, SERVER_TICK_MS);
    server->checks = (struct checks){.loop = server->loop,
                                     .store_file = server->store,
                                     .records_file = server->records,
                                     .llm = server->llm,
                                     .http = server->http,
                                     .data_dir = server->store ? data_dir : NULL};
    server->health.deployment = config_text(server->config, CONFIG_DEPLOYMENT);
    server->health.revision = config_text(server->config, CONFIG_REVISION);
    checks_start(&server->checks, &server->health);
    watch_init(&server->watch, clock_now_us(), clock_elapsed_us());
    watch_register(&server->watch, &server->health);
    loop_timer_init(server->loop, &server->linger, on_linger_over, server);
    loop_timer_init(server->loop, &server->looks, on_look, server);
    loop_timer_start(&server->looks, WATCH_EVERY_MS, WATCH_EVERY_MS);
    server->has_handles = true;
    if (server->service_client) {
        peers_start(&server->peers, server->url);
    }
    if (config_role(server->config) == CONFIG_ROLE_BACKEND) {
        peers_register(&server->peers, server->auth, &server->health);
    }
    if (server->traces) {
        health_register(&server->health,
                        &(struct health_probe){.name = "traces",
                                               .how = "whether the collector took the last spans",
                                               .probe = traces_probe,
                                               .arg = server->traces});
    }
    for (size_t i = 0; i < SERVER_SIGNALS; i++) {
        int failed = uv_signal_start(&server->signals[i], signals[i].fn, signals[i].number);

        if (failed) {
            return error_set(error, ERR_IO, "cannot wait for signals: %s", uv_strerror(failed));
        }
    }
    return OK;
}

static void free_parts(struct server *server)
{
    if (server->has_handles) {
        for (size_t i = 0; i < SERVER_SIGNALS; i++) {
            uv_close((uv_handle_t *)&server->signals[i], NULL);
        }
        loop_timer_close(&server->tick, /* closed */ NULL);
        loop_timer_close(&server->looks, /* closed */ NULL);
        loop_timer_close(&server->linger, /* closed */ NULL);
        checks_stop(&server->checks);
        peers_stop(&server->peers);
    }
    if (server->datasets) {
        dataset_cache_stop(server->datasets); /* whoever still waits for records is told soon */
    }
    mail_stop(server->mail);
    if (server->loop) {
        loop_finish_jobs(server->loop); /* every lease is back, but for those of parts freed now */
    }
    http_server_free(server->http);
    runner_free(server->runner);
    llm_free(server->llm);
    http_client_free(server->client);
    api_free(server->api);
    traces_free(server->traces);
    server_free_sign_in(server);
    auth_free(server->auth);
    http_client_free(server->service_client);
    dataset_cache_free(server->datasets);
    price_book_free(server->book);
    usage_store_close(server->records);
    store_close(server->store);
    loop_free(server->loop);
    models_done(&server->models);
    access_done(&server->access);
}

/* ---- starting ---- */

static int start(struct server *server, const char *token, struct error *error)
{
    static int (*const steps[])(struct server *, struct error *) = {make_models, make_api,
                                                                    listen_on, start_handles};
    /* First what is configured: a mistake is told before anything is opened. */
    int code = models_read(server->config, getenv, &server->models, error);

    if (code == OK) {
        code = access_read(&server->access, server->config, getenv, error);
    }
    if (code == OK) {
        code = loop_new(worker_count(server->config), &server->loop, error);
    }
    if (code == OK) {
        code = make_traces(server, error);
    }
    if (code == OK) {
        code = open_stores(server, error);
    }
    if (code == OK) {
        code = make_parts(server, token, error);
    }
    for (size_t i = 0; code == OK && i < ARRAY_LENGTH(steps); i++) {
        code = steps[i](server, error);
    }
    if (code == OK && server->runner) {
        code = runner_recover(server->runner, error);
    }
    return code ? code : server_announce(server, error);
}

int server_run(const struct config *config, const char *token, int inherited_fd,
               struct error *error)
{
    struct server *server = alloc_zeroed(1, sizeof(*server));
    struct log_options log = {.level = (enum log_level)config_number(config, CONFIG_LOG_LEVEL),
                              .is_json = config_number(config, CONFIG_LOG_FORMAT) != 0,
                              .fd = STDERR_FILENO,
                              .now_us = clock_now_us,
                              .lines_per_s = LOG_LINES_PER_S};

    if (!server) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    log_start(&log);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* ulimit -f: a write that fails, as on a full disk */
    raise_file_limit(config);
    fault_allow(config_number(config, CONFIG_FAULTS_ALLOWED) != 0);
    server->config = config;
    server->inherited_fd = inherited_fd;
    server->started_us = clock_now_us();
    metric_set(METRIC_START_TIME, 0, server->started_us / SECOND_US);
    int code = start(server, token, error);
    if (code == OK) {
        server_update_metrics(server);
        if (server->runner) {
            tell_chain(&server->models);
        }
        log_write(LOG_INFO, "server", "netra %s (role %s) listens on %s, data in %s, %u workers",
                  NETRA_VERSION, config_text(config, CONFIG_ROLE), server->url,
                  server->store ? config_text(config, CONFIG_DATA_DIR) : "no folder",
                  worker_count(config));
        loop_run(server->loop);
    }
    free_parts(server);
    if (code == OK) {
        log_write(LOG_INFO, "server", "stopped");
    }
    alloc_free(server);
    log_flush();
    return code;
}
