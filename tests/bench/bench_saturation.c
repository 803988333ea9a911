/*
 * bench_saturation: what one process carries, and what then. Requests are offered at a rate, from a
 * quarter of what the server can do to half as much again, over CONNECTIONS connections; a request
 * that finds none free waits, and its latency counts from when it was due, so that a server that
 * falls behind is seen to. The loop is one thread: how busy it is, is that thread's CPU time.
 *
 *     saturation.health    GET /api/health
 *     saturation.thread    GET of a thread in accounts mode, with an access token
 *     saturation.limited   the same beyond limit.user_per_s: 429 for what is too much
 *
 * The table goes to standard error, what is asked (everything was answered, and half the load has
 * a short tail) as JSON to standard output. About 50 seconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench.h"
#include "load.h"
#include "netra_process.h"

#define CONNECTIONS       128
#define STEP_S            2.5
#define LATENCIES_MAX     4000000u
#define CAPACITY_REQUESTS 60000
#define LIMITED_PER_S     2000.0
#define LIMIT_PER_S       "200"
#define DRAIN_MS          20000
#define ANSWER_BYTES      65536

static double *latencies; /* seconds, in the order of the answers */

struct step {
    uint16_t port;
    const char *request;
    double per_s;
    int poll;
    int fds[CONNECTIONS];
    double due_s[CONNECTIONS]; /* of the request that is under way */
    int idle[CONNECTIONS];
    int idle_count;
    uint64_t sent;
    uint64_t answered;
    uint64_t limited; /* 429 */
    uint64_t wrong;   /* neither 200 nor 429, or no answer */
};

static int open_all(struct step *step)
{
    step->poll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < CONNECTIONS; i++) {
        struct epoll_event want = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

        step->fds[i] = load_open(step->port);
        if (step->fds[i] < 0 || epoll_ctl(step->poll, EPOLL_CTL_ADD, step->fds[i], &want)) {
            return -1;
        }
        step->idle[step->idle_count++] = i;
    }
    return 0;
}

static void close_all(struct step *step)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        (void)close(step->fds[i]);
    }
    (void)close(step->poll);
}

/* What has come in until now, or within wait_ms. -1: a connection broke. */
static int hear(struct step *step, int wait_ms)
{
    static char answer[ANSWER_BYTES];
    struct epoll_event events[CONNECTIONS];
    int ready = epoll_wait(step->poll, events, CONNECTIONS, wait_ms);
    double now_s = bench_now_s();

    for (int i = 0; i < ready; i++) {
        int at = (int)events[i].data.u32;
        ssize_t got = read(step->fds[at], answer, sizeof(answer));

        if (got < 12) {
            step->wrong++;
            return -1;
        }
        bool is_limited = memcmp(answer + 9, "429", 3) == 0;
        step->limited += is_limited;
        step->wrong += !is_limited && memcmp(answer + 9, "200", 3) != 0;
        if (step->answered < LATENCIES_MAX) {
            latencies[step->answered] = now_s - step->due_s[at];
        }
        step->answered++;
        step->idle[step->idle_count++] = at;
    }
    return ready;
}

/* Offers per_s for STEP_S, then waits for what is under way; what was never sent for want of a free
 * connection is not counted: it is the backlog that the latencies show. */
static int offer(struct step *step)
{
    double began_s = bench_now_s();
    size_t length = strlen(step->request);
    uint64_t due = 0; /* requests that were handed out */

    for (double now_s = began_s; now_s < began_s + STEP_S; now_s = bench_now_s()) {
        while (step->idle_count && began_s + (double)due / step->per_s <= now_s) {
            int at = step->idle[--step->idle_count];

            step->due_s[at] = began_s + (double)due++ / step->per_s;
            if (write(step->fds[at], step->request, length) != (ssize_t)length) {
                return -1;
            }
            step->sent++;
        }
        if (hear(step, 0) < 0) {
            return -1;
        }
    }
    while (step->answered < step->sent) {
        if (hear(step, DRAIN_MS) <= 0) {
            step->wrong += step->sent - step->answered;
            return -1;
        }
    }
    return 0;
}

/* CPU seconds of the loop, which is the first thread of the process. */
static double loop_cpu_s(pid_t pid)
{
    char path[64];
    unsigned long long ns = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    if (file) {
        char line[128] = "";

        (void)!fgets(line, sizeof(line), file);
        (void)fclose(file);
        ns = strtoull(line, NULL, 10);
    }
    return (double)ns * 1e-9;
}

static double percentile(uint64_t count, double share)
{
    return count ? latencies[(uint64_t)((double)(count - 1) * share)] * 1e3 : 0;
}

/* One row of the table; ret_p99_ms may be NULL. 0, or 1 when something was not answered. */
static int run_step(const char *name, const struct netra *netra, const char *request, double per_s,
                    double share, double *ret_p99_ms)
{
    static struct step step;
    double cpu_s = loop_cpu_s(netra->pid);
    double began_s = bench_now_s();

    step = (struct step){.port = netra->port, .request = request, .per_s = per_s};
    int failed = open_all(&step) || offer(&step);
    double took_s = bench_now_s() - began_s;
    double busy = (loop_cpu_s(netra->pid) - cpu_s) / took_s;
    close_all(&step);

    uint64_t count = step.answered < LATENCIES_MAX ? step.answered : LATENCIES_MAX;
    qsort(latencies, count, sizeof(*latencies), bench_by_time);
    (void)fprintf(stderr, "%-20s %6.0f %% %9.0f %9.0f %8.2f %8.2f %8.2f %6.0f %% %8llu %6llu\n",
                  name, share * 100, per_s, (double)step.answered / took_s, percentile(count, 0.5),
                  percentile(count, 0.99), percentile(count, 0.999), busy * 100,
                  (unsigned long long)step.limited, (unsigned long long)step.wrong);
    if (ret_p99_ms) {
        *ret_p99_ms = percentile(count, 0.99);
    }
    return failed || step.wrong;
}

/* Requests per second when as many are under way as there are connections. */
static double capacity(const struct netra *netra, const char *path, const char *token)
{
    load_use_token(token);
    double began_s = bench_now_s();
    int failed = load_requests(netra->port, path, CONNECTIONS, CAPACITY_REQUESTS);
    load_use_token(NULL);
    return failed ? 0 : CAPACITY_REQUESTS / (bench_now_s() - began_s);
}

static void write_request(char *text, size_t size, uint16_t port, const char *path,
                          const char *token)
{
    (void)snprintf(text, size,
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: load\r\n"
                   "Accept: application/json\r\nAuthorization: Bearer %s\r\n\r\n",
                   path, port, token);
}

static int sweep(const char *name, const struct netra *netra, const char *path, const char *token)
{
    static const double shares[] = {0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.2, 1.5};
    char request[NETRA_CREDENTIAL_BYTES + 256];
    double per_s = capacity(netra, path, token);
    double half_ms = 0;
    int failed = per_s <= 0;

    write_request(request, sizeof(request), netra->port, path, token);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]) && !failed; i++) {
        failed = run_step(name, netra, request, per_s * shares[i], shares[i],
                          shares[i] == 0.5 ? &half_ms : NULL);
    }
    (void)printf("{\"name\":\"%s.p99_at_half\",\"unit\":\"ms\",\"ours\":%.3f,\"target\":5}\n", name,
                 half_ms);
    (void)printf("{\"name\":\"%s.not_answered\",\"unit\":\"\",\"ours\":%d,\"target\":0}\n", name,
                 failed);
    return failed;
}

static int start_with_accounts(struct netra *netra, const char *user_per_s,
                               struct netra_admin *admin)
{
    netra_want_accounts();
    if (user_per_s) {
        (void)setenv("NETRA_LIMIT_USER_PER_S", user_per_s, 1);
    }
    int failed = netra_make_folder(netra) || netra_start(netra);
    netra_forget_accounts();
    return failed || netra_make_admin(netra, admin);
}

static int sweep_both(void)
{
    struct netra netra;
    struct netra_admin admin;

    if (start_with_accounts(&netra, NULL, &admin)) {
        return 1;
    }
    int failed = sweep("saturation.health", &netra, "/api/health", admin.token) |
                 sweep("saturation.thread", &netra, admin.thread_path, admin.token);
    netra_stop(&netra);
    netra_remove_folder(&netra);
    return failed;
}

static int offer_too_much(void)
{
    struct netra netra;
    struct netra_admin admin;
    char request[NETRA_CREDENTIAL_BYTES + 256];

    if (start_with_accounts(&netra, LIMIT_PER_S, &admin)) {
        return 1;
    }
    write_request(request, sizeof(request), netra.port, admin.thread_path, admin.token);
    int failed = run_step("saturation.limited", &netra, request, LIMITED_PER_S, 0, NULL);
    netra_stop(&netra);
    netra_remove_folder(&netra);
    return failed;
}

int main(void)
{
    latencies = calloc(LATENCIES_MAX, sizeof(*latencies));
    if (!latencies || !getenv("NETRA_BIN")) {
        (void)fprintf(stderr, "saturation: NETRA_BIN says which program to measure\n");
        return 1;
    }
    (void)setenv("NETRA_LOG_LEVEL", "warning", 1); /* its lines would stand within the table */
    (void)fprintf(stderr, "%-20s %8s %9s %9s %8s %8s %8s %8s %8s %6s\n", "", "load", "offered/s",
                  "done/s", "p50 ms", "p99 ms", "p99.9", "loop", "429", "wrong");
    int failed = sweep_both();
    failed |= offer_too_much();
    free(latencies);
    return failed;
}
