/*
 * bench_server: the real program (NETRA_BIN) against a bare epoll server, in turn, in one run. What
 * is compared is the CPU that the server's process used, all threads, per request or per message.
 *
 *     server.health            GET /api/health through routing, limits, log and metrics
 *     server.thread_token      GET of a thread in accounts mode: access token (ES256), SQLite read
 *     server.thread_key        the same with an API key
 *     server.fan_out           an event to each of 200 WebSockets, beyond what the same runs cost
 *                              without
 *     server.start             from fork to the first healthy answer
 *     server.idle_memory       resident, after one request
 *     server.idle_socket       resident bytes per idle WebSocket
 *
 * With TLS 1.3, the reference being a second netra without TLS, in turn:
 *
 *     server.tls_health        as server.health
 *     server.tls_fan_out       as server.fan_out
 *     server.connection        a plain connection with one request
 *     server.tls_connection    the same with a full handshake (ECDSA P-256)
 *     server.tls_resumption    the same with a session that is resumed
 *     server.tls_idle_socket   resident bytes per idle WebSocket
 *
 * For the first two both servers and the load share one core: a wake-up across cores costs the
 * waker, and how many there are depends on who is faster, which would be measured instead.
 *
 * Fan-out: netra works one run at a time here; runs with records stand in front while the sockets
 * subscribe to short runs that wait behind them, so that every event of those is passed on live.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "certificate.h"
#include "epoll_reference.h"
#include "load.h"
#include "netra_process.h"

#define ROUNDS       7
#define REQUESTS     40000
#define CONNECTIONS  32
#define LISTENERS    200
#define FRONT_RUNS   6
#define FAN_RUNS     12
#define FAN_ROUNDS   5
#define STARTS       15
#define IDLE_SOCKETS 5000
#define TLS_SOCKETS  2000
#define HANDSHAKES   500
#define SETTLE_MS    2000 /* all runs behind the front have ended */
#define QUIET_MS     15000
#define TOKEN        NETRA_PROCESS_TOKEN

static struct load_sockets sockets; /* large: not on the stack */

static int by_value(const void *a, const void *b)
{
    return bench_by_time(a, b);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), by_value);
    return values[count / 2];
}

static void print_ratio(const char *name, const char *unit, double ours, double reference,
                        double target)
{
    printf("{\"name\":\"%s\",\"unit\":\"%s\",\"ours\":%.4f,\"reference\":%.4f,\"ratio\":%.3f,"
           "\"target\":%.2f}\n",
           name, unit, ours, reference, ours / reference, target);
}

/* target: at most; what is measured against a fixed number instead of a reference. */
static void print_value(const char *name, const char *unit, double ours, double target)
{
    printf("{\"name\":\"%s\",\"unit\":\"%s\",\"ours\":%.4f,\"target\":%.2f}\n", name, unit, ours,
           target);
}

/* ---- requests ---- */

/* CPU microseconds per request of one server. */
static double cpu_per_request_of(pid_t pid, uint16_t port, const char *path)
{
    double before = load_cpu_s(pid);

    if (load_requests(port, path, CONNECTIONS, REQUESTS)) {
        return -1;
    }
    return (load_cpu_s(pid) - before) / REQUESTS * 1e6;
}

static double cpu_per_request(pid_t pid, uint16_t port)
{
    return cpu_per_request_of(pid, port, "/api/health");
}

/* GET of a path, with a token or without, in turn with the reference. */
static int bench_requests(const char *name, const char *path, const char *token, double target,
                          const struct netra *netra, pid_t reference, uint16_t reference_port)
{
    double ours[ROUNDS];
    double theirs[ROUNDS];

    for (int i = -1; i < ROUNDS; i++) { /* -1: warm-up */
        load_use_token(token);
        double mine = cpu_per_request_of(netra->pid, netra->port, path);
        load_use_token(NULL);
        double bare = cpu_per_request(reference, reference_port);

        if (mine <= 0 || bare <= 0) {
            (void)fprintf(stderr, "%s: a request failed\n", name);
            return 1;
        }
        if (i >= 0) {
            ours[i] = mine;
            theirs[i] = bare;
        }
    }
    print_ratio(name, "us CPU/request", median(ours, ROUNDS), median(theirs, ROUNDS), target);
    return 0;
}

static int bench_thread(pid_t reference, uint16_t reference_port)
{
    struct netra netra;
    struct netra_admin admin;

    netra_want_accounts();
    int failed = netra_make_folder(&netra) || netra_start(&netra);
    netra_forget_accounts();
    if (failed || netra_make_admin(&netra, &admin)) {
        (void)fprintf(stderr, "server.thread: it did not start\n");
        return 1;
    }
    failed = bench_requests("server.thread_token", admin.thread_path, admin.token, 4, &netra,
                            reference, reference_port) ||
             bench_requests("server.thread_key", admin.thread_path, admin.key, 4, &netra, reference,
                            reference_port);
    netra_stop(&netra);
    netra_remove_folder(&netra);
    return failed;
}

/* ---- fan-out ---- */

static int start_run(const struct netra *netra, const char *id, const char *prompt,
                     const char *dataset)
{
    char json[512];

    (void)snprintf(json, sizeof(json), "{\"run_id\":\"%s\",\"prompt\":\"%s\"%s%s%s}", id, prompt,
                   dataset ? ",\"dataset\":\"" : "", dataset ? dataset : "", dataset ? "\"" : "");
    return load_request(netra->port, TOKEN, "/api/runs", json, NULL, 0) == 202 ? 0 : -1;
}

/* Waits until a run has ended; the number of its events, or 0. */
static unsigned events_of(const struct netra *netra, const char *id)
{
    char path[128];
    char text[65536];

    (void)snprintf(path, sizeof(path), "/api/runs/%s", id);
    for (int i = 0; i < 20000; i++) {
        if (load_request(netra->port, TOKEN, path, NULL, text, sizeof(text)) != 200) {
            return 0;
        }
        if (strstr(text, "\"status\":\"finished\"")) {
            const char *found = strstr(text, "\"last_seq\":");

            return found ? (unsigned)strtoul(found + 11, NULL, 10) : 0;
        }
        (void)usleep(5000);
    }
    return 0;
}

/* The same runs with `listeners` sockets on each: CPU seconds from the end of the runs in front to
 * the end of the last one, and the frames that were heard in that time. */
static int fan_round(const struct netra *netra, const char *dataset, int round, int listeners,
                     double *ret_cpu_s, uint64_t *ret_frames)
{
    char id[64];
    char json[128];

    for (int i = 0; i < FRONT_RUNS + FAN_RUNS; i++) {
        bool is_front = i < FRONT_RUNS;

        (void)snprintf(id, sizeof(id), "r%d-%d-%d", round, listeners, i);
        if (start_run(netra, id, is_front ? "Audit all uses of caching" : "hello",
                      is_front ? dataset : NULL)) {
            return -1;
        }
    }
    for (int n = 0; n < listeners; n++) {
        for (int i = FRONT_RUNS; i < FRONT_RUNS + FAN_RUNS; i++) {
            (void)snprintf(json, sizeof(json),
                           "{\"type\":\"resume\",\"runId\":\"r%d-%d-%d\",\"lastSeq\":0}", round,
                           listeners, i);
            if (load_sockets_send(&sockets, n, json)) {
                return -1;
            }
        }
    }
    /* each socket has heard RUN_STARTED of each run: it is subscribed, and the runs still wait */
    uint64_t before = sockets.frames;
    uint64_t expected = before + (uint64_t)listeners * FAN_RUNS;
    if (load_sockets_hear(&sockets, expected, QUIET_MS) || sockets.frames != expected) {
        (void)fprintf(stderr, "server.fan_out: the runs began before all had subscribed\n");
        return -1;
    }
    (void)snprintf(id, sizeof(id), "r%d-%d-%d", round, listeners, FRONT_RUNS - 1);
    if (!events_of(netra, id)) {
        return -1;
    }
    double cpu_s = load_cpu_s(netra->pid);
    before = sockets.frames;
    uint64_t whole = 0;
    (void)load_sockets_hear(&sockets, UINT64_MAX, SETTLE_MS);
    *ret_cpu_s = load_cpu_s(netra->pid) - cpu_s;
    *ret_frames = sockets.frames - before;
    for (int i = FRONT_RUNS; i < FRONT_RUNS + FAN_RUNS; i++) {
        (void)snprintf(id, sizeof(id), "r%d-%d-%d", round, listeners, i);
        whole += events_of(netra, id) - 1;
    }
    if (sockets.frames != expected + whole * (uint64_t)listeners) {
        (void)fprintf(stderr, "server.fan_out: heard %llu frames of %llu\n",
                      (unsigned long long)(sockets.frames - expected),
                      (unsigned long long)(whole * (uint64_t)listeners));
        return -1;
    }
    return 0;
}

/* CPU microseconds per message of the reference, for frames of that size. */
static double reference_fan_out(pid_t pid, uint16_t port, uint64_t frames, unsigned bytes)
{
    static struct load_sockets bare;
    char path[64];
    unsigned each = (unsigned)(frames / LISTENERS);

    if (load_sockets_open(&bare, port, TOKEN, LISTENERS)) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "/fan/%u/%u", 1, bytes);
    double cpu_s = load_cpu_s(pid);
    for (unsigned i = 0; i < each; i++) {
        if (load_requests(port, path, 1, 1) ||
            load_sockets_hear(&bare, (uint64_t)(i + 1) * LISTENERS, QUIET_MS)) {
            return -1;
        }
    }
    cpu_s = load_cpu_s(pid) - cpu_s;
    return cpu_s / (double)((uint64_t)each * LISTENERS) * 1e6;
}

/* The first "id" of an answer. */
static bool read_id(const char *text, char *id, size_t size)
{
    const char *begin = strstr(text, "\"id\":\"");
    const char *end = begin ? strchr(begin + 6, '"') : NULL;

    if (!end || (size_t)(end - begin) - 6 >= size) {
        return false;
    }
    memcpy(id, begin + 6, (size_t)(end - begin) - 6);
    id[end - begin - 6] = '\0';
    return true;
}

/* CPU microseconds per message of the server, and what was heard in the last round. */
static double fan_out(const struct netra *netra, uint64_t *ret_frames, unsigned *ret_bytes)
{
    double ours[FAN_ROUNDS];
    char text[65536];
    char dataset[64] = "";

    if (load_request(netra->port, TOKEN, "/api/datasets/sample", "{\"seed\":1}", text,
                     sizeof(text)) != 201 ||
        !read_id(text, dataset, sizeof(dataset)) ||
        load_sockets_open(&sockets, netra->port, TOKEN, LISTENERS)) {
        (void)fprintf(stderr, "server.fan_out: no sample, or a WebSocket was refused\n");
        return -1;
    }
    for (int i = 0; i < FAN_ROUNDS; i++) {
        double with_s = 0;
        double without_s = 0;
        uint64_t none = 0;
        uint64_t heard_bytes = sockets.bytes;

        if (fan_round(netra, dataset, i, 0, &without_s, &none) ||
            fan_round(netra, dataset, i, LISTENERS, &with_s, ret_frames) || !*ret_frames) {
            (void)fprintf(stderr, "server.fan_out: a round failed\n");
            return -1;
        }
        ours[i] = (with_s - without_s) / (double)*ret_frames * 1e6;
        *ret_bytes = (unsigned)((sockets.bytes - heard_bytes) / *ret_frames);
    }
    load_sockets_close(&sockets);
    return median(ours, FAN_ROUNDS);
}

static int bench_fan_out(const struct netra *netra, pid_t reference, uint16_t reference_port)
{
    uint64_t frames = 0;
    unsigned bytes = 256;
    double ours = fan_out(netra, &frames, &bytes);

    if (ours <= 0) {
        return 1;
    }
    double bare = reference_fan_out(reference, reference_port, frames, bytes < 126 ? 126 : bytes);
    if (bare <= 0) {
        (void)fprintf(stderr, "server.fan_out: the reference failed\n");
        return 1;
    }
    print_ratio("server.fan_out", "us CPU/message", ours, bare, 1.6);
    return 0;
}

/* ---- start, memory ---- */

/* From fork to the first answer; < 0: there was none. */
static double start_s(struct netra *netra)
{
    double began = bench_now_s();

    if (netra_start(netra) || load_requests(netra->port, "/api/health", 1, 1)) {
        return -1;
    }
    double took_s = bench_now_s() - began;
    netra_stop(netra);
    return took_s;
}

static int bench_start(void)
{
    double first_s[STARTS];
    double again_s[STARTS];

    for (int i = 0; i < STARTS; i++) {
        struct netra netra;

        if (netra_make_folder(&netra)) {
            return 1;
        }
        first_s[i] = start_s(&netra);
        again_s[i] = start_s(&netra);
        netra_remove_folder(&netra);
        if (first_s[i] < 0 || again_s[i] < 0) {
            (void)fprintf(stderr, "server.start: it did not answer\n");
            return 1;
        }
    }
    print_value("server.start", "ms", median(again_s, STARTS) * 1e3, 50);
    print_value("server.first_start", "ms", median(first_s, STARTS) * 1e3, 50);
    return 0;
}

/* Resident bytes per idle WebSocket; < 0: it failed. */
static double idle_socket_bytes(const struct netra *netra, int count)
{
    uint64_t idle = load_resident_bytes(netra->pid);

    if (load_sockets_open(&sockets, netra->port, TOKEN, count)) {
        (void)fprintf(stderr, "server.idle_socket: a WebSocket was refused (ulimit -n?)\n");
        return -1;
    }
    uint64_t full = load_resident_bytes(netra->pid);
    load_sockets_close(&sockets);
    return (double)(full - idle) / count;
}

static int bench_memory(void)
{
    struct netra netra;

    if (netra_make_folder(&netra) || netra_start(&netra) ||
        load_requests(netra.port, "/api/health", 1, 1)) {
        return 1;
    }
    print_value("server.idle_memory", "MB", (double)load_resident_bytes(netra.pid) / 1e6, 20);
    double bytes = idle_socket_bytes(&netra, IDLE_SOCKETS);
    if (bytes < 0) {
        return 1;
    }
    print_value("server.idle_socket", "kB", bytes / 1e3, 12);
    netra_stop(&netra);
    netra_remove_folder(&netra);
    return 0;
}

/* ---- TLS ---- */

/* CPU microseconds per connection with one request. */
static double cpu_per_connection(const struct netra *netra, bool resumes)
{
    double before = load_cpu_s(netra->pid);

    if (load_connections(netra->port, "/api/health", HANDSHAKES, resumes)) {
        return -1;
    }
    return (load_cpu_s(netra->pid) - before) / HANDSHAKES * 1e6;
}

struct tls_round {
    double request[ROUNDS];
    double plain_request[ROUNDS];
    double connection[ROUNDS];
    double resumption[ROUNDS];
    double plain_connection[ROUNDS];
};

static int measure_tls(const struct netra *tls, const struct netra *plain, SSL_CTX *context,
                       struct tls_round *ret_round)
{
    for (int i = -1; i < ROUNDS; i++) {
        int at = i < 0 ? 0 : i;

        load_use_tls(context);
        ret_round->request[at] = cpu_per_request(tls->pid, tls->port);
        ret_round->connection[at] = cpu_per_connection(tls, /* resumes */ false);
        ret_round->resumption[at] = cpu_per_connection(tls, /* resumes */ true);
        load_use_tls(NULL);
        ret_round->plain_request[at] = cpu_per_request(plain->pid, plain->port);
        ret_round->plain_connection[at] = cpu_per_connection(plain, /* resumes */ false);
        if (ret_round->request[at] <= 0 || ret_round->connection[at] <= 0 ||
            ret_round->resumption[at] <= 0 || ret_round->plain_request[at] <= 0 ||
            ret_round->plain_connection[at] <= 0) {
            (void)fprintf(stderr, "server.tls: a connection or a request failed\n");
            return 1;
        }
    }
    return 0;
}

static int bench_tls(const struct netra *tls, const struct netra *plain, SSL_CTX *context)
{
    struct tls_round round;
    uint64_t frames = 0;
    unsigned bytes = 0;

    if (measure_tls(tls, plain, context, &round)) {
        return 1;
    }
    print_ratio("server.tls_health", "us CPU/request", median(round.request, ROUNDS),
                median(round.plain_request, ROUNDS), 2);
    print_value("server.connection", "us CPU", median(round.plain_connection, ROUNDS), 20);
    print_value("server.tls_connection", "us CPU", median(round.connection, ROUNDS), 400);
    print_value("server.tls_resumption", "us CPU", median(round.resumption, ROUNDS), 300);
    load_use_tls(context);
    double sealed = fan_out(tls, &frames, &bytes);
    double socket_bytes = idle_socket_bytes(tls, TLS_SOCKETS);
    load_use_tls(NULL);
    double open = fan_out(plain, &frames, &bytes);
    if (sealed <= 0 || open <= 0 || socket_bytes < 0) {
        return 1;
    }
    print_ratio("server.tls_fan_out", "us CPU/message", sealed, open, 2);
    print_value("server.tls_idle_socket", "kB", socket_bytes / 1e3, 40);
    return 0;
}

/* Two servers that differ in nothing else. */
static int compare_tls(void)
{
    struct tls_files files;
    struct netra plain;
    struct netra tls;

    tls_files_make(&files);
    SSL_CTX *context = tls_client_context(&files);
    bool is_ready = netra_make_folder(&plain) == 0 && netra_start(&plain) == 0;
    (void)setenv("NETRA_TLS_CERT_FILE", files.cert, 1);
    (void)setenv("NETRA_TLS_KEY_FILE", files.key, 1);
    is_ready = is_ready && netra_make_folder(&tls) == 0 && netra_start(&tls) == 0;
    (void)unsetenv("NETRA_TLS_CERT_FILE");
    (void)unsetenv("NETRA_TLS_KEY_FILE");
    if (!is_ready) {
        (void)fprintf(stderr, "server.tls: it did not start\n");
        return 1;
    }
    int failed = bench_tls(&tls, &plain, context);
    netra_stop(&tls);
    netra_remove_folder(&tls);
    netra_stop(&plain);
    netra_remove_folder(&plain);
    SSL_CTX_free(context);
    tls_files_remove(&files);
    return failed;
}

/* All that is started from now on runs on the first core, or on any. */
static void use_cores(bool is_one)
{
    static cpu_set_t all;
    cpu_set_t one;

    if (is_one) {
        (void)sched_getaffinity(0, sizeof(all), &all);
        CPU_ZERO(&one);
        for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
            if (CPU_ISSET(i, &all)) {
                CPU_SET(i, &one);
            }
        }
        (void)sched_setaffinity(0, sizeof(one), &one);
    } else {
        (void)sched_setaffinity(0, sizeof(all), &all);
    }
}

int main(void)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
                                 "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
                                 "Content-Type: application/json\r\nContent-Length: 51\r\n\r\n"
                                 "{\"status\":\"healthy\",\"version\":\"0.1.0\",\"uptime_s\":1}";
    struct netra netra;
    uint16_t port = 0;
    int failed = 0;

    if (!getenv("NETRA_BIN")) {
        (void)fprintf(stderr, "server: NETRA_BIN says which program to measure\n");
        return 1;
    }
    (void)setenv("NETRA_RUNS_CONCURRENT_MAX", "1", 1);
    (void)setenv("NETRA_HTTP_CONNECTIONS_MAX", "16000", 1);
    use_cores(/* is_one */ true);
    pid_t reference = epoll_reference_start(answer, &port);
    if (reference < 0 || netra_make_folder(&netra) || netra_start(&netra)) {
        (void)fprintf(stderr, "server: it did not start\n");
        return 1;
    }
    failed |= bench_requests("server.health", "/api/health", NULL, 1.5, &netra, reference, port);
    failed |= bench_fan_out(&netra, reference, port);
    netra_stop(&netra);
    netra_remove_folder(&netra);
    failed |= bench_thread(reference, port);
    failed |= compare_tls();
    use_cores(/* is_one */ false);
    (void)kill(reference, SIGKILL);
    (void)waitpid(reference, NULL, 0);
    failed |= bench_start();
    failed |= bench_memory();
    return failed;
}
