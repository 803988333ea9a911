/*
 * soak: many WebSockets on many runs whose texts a model writes word by word, and a tenth of the
 * clients dropping at random. It starts the real program (NETRA_BIN) and a model on loopback:
 *
 *     runs are begun; each waits for its model → clients connect and subscribe → the models write
 *     → every client has seen the end → each is compared with the log of its run
 *
 * Exit: 0 when no event was lost, repeated or out of order; 1 when one was, 2 when it cannot be
 * tried here (too few file descriptors).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../bench/load.h"
#include "../bench/netra_process.h"
#include "base/check.h"
#include "model.h"
#include "run_log.h"
#include "swarm.h"

#define RUNS_MAX     200u
#define ID_BYTES     40u
#define BODY_BYTES   65536u
#define FILES_BESIDE 1600u /* of the server: questions to models, stores */
#define SUBSCRIBE_MS 180000u
#define BEGIN_MS     120000u
#define END_MS       180000u /* behind the last word */
#define SETTLE_MS    2000u
#define SAMPLE_MS    500u
#define WORDS_BESIDE 20u   /* the text goes on a little behind the period */
#define WORDS_MAX    1300u /* a summary is 8 KiB at most */
#define MEBIBYTE     1048576.0

struct soak {
    unsigned clients;
    unsigned run_count;
    unsigned seconds;
    uint64_t seed;
    uv_loop_t loop;
    uv_timer_t sampler;
    struct netra netra;
    struct model *model;
    struct swarm *swarm;
    char ids[RUNS_MAX][ID_BYTES];
    const char *runs[RUNS_MAX];
    uint64_t resident_empty;
    uint64_t resident_idle;
    uint64_t resident_most;
    double server_cpu_s;
    double own_cpu_s;
    double measured_s;
    uint64_t measured_events;
};

static double seconds_now(void)
{
    struct timespec now;

    check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double own_cpu_s(void)
{
    struct timespec used;

    check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0);
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

/* ---- limits ---- */

/* Both processes hold a descriptor for each client. */
static int raise_files(const struct soak *soak)
{
    struct rlimit limit;
    rlim_t wanted = soak->clients + FILES_BESIDE;

    check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max < wanted) {
        (void)fprintf(stderr,
                      "soak: %u clients need %llu open files, the hard limit is %llu; raise it "
                      "(ulimit -Hn) or ask for fewer: --clients %llu\n",
                      soak->clients, (unsigned long long)wanted, (unsigned long long)limit.rlim_max,
                      (unsigned long long)(limit.rlim_max > FILES_BESIDE
                                               ? limit.rlim_max - FILES_BESIDE
                                               : 0));
        return -1;
    }
    limit.rlim_cur = limit.rlim_cur > wanted ? limit.rlim_cur : wanted;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static void configure(const struct soak *soak)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "http://127.0.0.1:%u/v1", model_port(soak->model));
    (void)setenv("NETRA_LLM_COMPATIBLE_URL", text, 1);
    (void)snprintf(text, sizeof(text), "%u", soak->clients + FILES_BESIDE);
    (void)setenv("NETRA_HTTP_CONNECTIONS_MAX", text, 1);
    (void)setenv("NETRA_LLM_CHAIN", "compatible:soak", 1);
    (void)setenv("NETRA_LLM_ATTEMPTS_MAX", "1", 1);
    (void)setenv("NETRA_LLM_FIRST_TOKEN_TIMEOUT_MS", "600000", 1);
    (void)setenv("NETRA_LLM_IDLE_TIMEOUT_MS", "600000", 1);
    (void)setenv("NETRA_LLM_TOTAL_TIMEOUT_MS", "3600000", 1);
    (void)setenv("NETRA_LLM_QUESTION_TIMEOUT_MS", "3600000", 1);
    (void)setenv("NETRA_RUNS_CONCURRENT_MAX", "64", 1);
    (void)setenv("NETRA_LOG_LEVEL", "warning", 1);
}

/* ---- turning the loop ---- */

static void on_sample(uv_timer_t *timer)
{
    struct soak *soak = timer->data;
    uint64_t resident = load_resident_bytes(soak->netra.pid);

    soak->resident_most = resident > soak->resident_most ? resident : soak->resident_most;
}

typedef unsigned (*count_fn)(const struct soak *soak);

static unsigned texts_waiting(const struct soak *soak)
{
    return model_waiting(soak->model);
}

static unsigned clients_subscribed(const struct soak *soak)
{
    return swarm_counts(soak->swarm)->subscribed;
}

static unsigned clients_done(const struct soak *soak)
{
    return swarm_counts(soak->swarm)->done;
}

static unsigned nothing(const struct soak *soak)
{
    (void)soak;
    return 0;
}

/* Until count has reached wanted; -1: it has not within the time. The sampler's ticks end waits. */
static int turn(struct soak *soak, count_fn count, unsigned wanted, uint64_t within_ms)
{
    double until = seconds_now() + (double)within_ms / 1000;

    while (count(soak) < wanted && seconds_now() < until) {
        (void)uv_run(&soak->loop, UV_RUN_ONCE);
    }
    return count(soak) >= wanted ? 0 : -1;
}

/* ---- runs ---- */

static int begin_runs(struct soak *soak)
{
    static char body[BODY_BYTES];
    char question[256];
    char dataset[ID_BYTES] = "";
    const char *id = NULL;

    if (load_request(soak->netra.port, NETRA_PROCESS_TOKEN, "/api/datasets/sample", "{\"seed\":1}",
                     body, sizeof(body)) != 201 ||
        !(id = strstr(body, "\"id\":\""))) {
        return -1;
    }
    (void)snprintf(dataset, sizeof(dataset), "%.36s", id + 6);
    for (unsigned i = 0; i < soak->run_count; i++) {
        (void)snprintf(question, sizeof(question),
                       "{\"prompt\":\"Where does the money go?\",\"dataset\":\"%s\"}", dataset);
        if (load_request(soak->netra.port, NETRA_PROCESS_TOKEN, "/api/runs", question, body,
                         sizeof(body)) != 202 ||
            !(id = strstr(body, "\"id\":\""))) {
            (void)fprintf(stderr, "soak: run %u was not taken: %.300s\n", i, body);
            return -1;
        }
        (void)snprintf(soak->ids[i], ID_BYTES, "%.36s", id + 6);
        soak->runs[i] = soak->ids[i];
    }
    return turn(soak, texts_waiting, soak->run_count, BEGIN_MS);
}

/* ---- phases ---- */

static int connect_clients(struct soak *soak)
{
    struct swarm_options options = {.loop = &soak->loop,
                                    .port = soak->netra.port,
                                    .token = NETRA_PROCESS_TOKEN,
                                    .clients = soak->clients,
                                    .runs = soak->runs,
                                    .run_count = soak->run_count,
                                    .dropping = (soak->clients + 9) / 10,
                                    .seed = soak->seed};
    double began = seconds_now();

    soak->resident_empty = load_resident_bytes(soak->netra.pid);
    soak->swarm = swarm_start(&options);
    if (turn(soak, clients_subscribed, soak->clients, SUBSCRIBE_MS)) {
        (void)fprintf(stderr, "soak: only %u clients could connect: %s\n", clients_subscribed(soak),
                      swarm_fault(soak->swarm));
        return -1;
    }
    (void)printf("%u clients connected and subscribed in %.1f s\n", soak->clients,
                 seconds_now() - began);
    (void)turn(soak, nothing, 1, SETTLE_MS);
    soak->resident_idle = load_resident_bytes(soak->netra.pid);
    return 0;
}

/* The figures are of the period in which all models write; what comes behind it is only looked at.
 */
static int stream(struct soak *soak)
{
    uint64_t period_ms = (uint64_t)soak->seconds * 1000;
    uint64_t events = swarm_counts(soak->swarm)->events;
    double server = load_cpu_s(soak->netra.pid);
    double own = own_cpu_s();
    double began = seconds_now();

    model_go(soak->model);
    swarm_go(soak->swarm, period_ms);
    (void)turn(soak, nothing, 1, period_ms);
    soak->measured_s = seconds_now() - began;
    soak->measured_events = swarm_counts(soak->swarm)->events - events;
    soak->server_cpu_s = load_cpu_s(soak->netra.pid) - server;
    soak->own_cpu_s = own_cpu_s() - own;
    return turn(soak, clients_done, soak->clients, END_MS);
}

/* ---- the judgement ---- */

/* Clients whose events are not those of the log. */
static unsigned compare(const struct soak *soak, uint64_t *ret_texts)
{
    static struct run_log logs[RUNS_MAX];
    unsigned wrong = 0;

    *ret_texts = 0;
    for (unsigned i = 0; i < soak->run_count; i++) {
        if (run_log_read(soak->netra.port, NETRA_PROCESS_TOKEN, soak->runs[i], &logs[i]) ||
            !logs[i].was_finished) {
            (void)fprintf(stderr, "soak: the log of run %s has a gap or no end\n", soak->runs[i]);
            return soak->clients;
        }
        *ret_texts += logs[i].texts;
    }
    for (unsigned i = 0; i < soak->clients; i++) {
        struct swarm_seen seen = swarm_seen(soak->swarm, i);
        const struct run_log *log = &logs[seen.run];

        wrong += !seen.is_done || !seen.was_finished || seen.last_seq != log->last_seq ||
                 seen.hash != log->hash;
    }
    return wrong;
}

static void print_figures(const struct soak *soak, uint64_t texts)
{
    const struct swarm_counts *counts = swarm_counts(soak->swarm);
    double clients = soak->clients;
    double idle = (double)soak->resident_idle - (double)soak->resident_empty;
    double most = (double)soak->resident_most - (double)soak->resident_empty;

    (void)printf("runs             %u, each a text of %u words, a word every %u ms\n"
                 "events           %llu delivered (%llu from the log), %llu texts in the logs\n"
                 "rate             %.0f events/s over %.1f s\n"
                 "latency          p50 %.0f ms, p99 %.0f ms, p99.9 %.0f ms (made to received)\n"
                 "drops            %llu closed, %llu cut, %llu resumed\n"
                 "memory           %.1f KiB per connection idle, %.1f KiB under load; "
                 "server %.0f MiB before, %.0f MiB at most\n"
                 "cpu              server %.0f %%, client and models %.0f %% of one core\n",
                 soak->run_count, soak->seconds * 10 + WORDS_BESIDE, MODEL_WORD_MS,
                 (unsigned long long)counts->events, (unsigned long long)counts->replayed,
                 (unsigned long long)texts, (double)soak->measured_events / soak->measured_s,
                 soak->measured_s, swarm_latency_ms(soak->swarm, 0.5),
                 swarm_latency_ms(soak->swarm, 0.99), swarm_latency_ms(soak->swarm, 0.999),
                 (unsigned long long)counts->closed, (unsigned long long)counts->cut,
                 (unsigned long long)counts->resumed, idle / clients / 1024, most / clients / 1024,
                 (double)soak->resident_empty / MEBIBYTE, (double)soak->resident_most / MEBIBYTE,
                 100 * soak->server_cpu_s / soak->measured_s,
                 100 * soak->own_cpu_s / soak->measured_s);
}

/* The stream was what it should be: a text cut short would have made it all too easy. */
static int judge(const struct soak *soak)
{
    const struct swarm_counts *counts = swarm_counts(soak->swarm);
    uint64_t texts = 0;
    unsigned wrong = compare(soak, &texts);
    uint64_t least = (uint64_t)soak->run_count * soak->seconds * 10 * 9 / 10;
    int failed = 0;

    print_figures(soak, texts);
    if (texts < least) {
        (void)fprintf(stderr, "soak: FAILED: %llu events of text, at least %llu were to come\n",
                      (unsigned long long)texts, (unsigned long long)least);
        failed = 1;
    }
    if (counts->done < soak->clients) {
        (void)fprintf(stderr, "soak: FAILED: %u clients have not seen the end of their run\n",
                      soak->clients - counts->done);
        failed = 1;
    }
    if (counts->resumed < (soak->clients + 9) / 10) {
        (void)fprintf(stderr, "soak: FAILED: only %llu clients dropped and resumed\n",
                      (unsigned long long)counts->resumed);
        failed = 1;
    }
    if (wrong || counts->violations) {
        (void)fprintf(stderr, "soak: FAILED: %u clients differ from the log, %llu violations: %s\n",
                      wrong, (unsigned long long)counts->violations, swarm_fault(soak->swarm));
        failed = 1;
    }
    (void)printf("%s\n", failed ? "NOT every event came once and in order"
                                : "every event came once and in order, to every client");
    return failed;
}

static int run(struct soak *soak)
{
    if (begin_runs(soak)) {
        (void)fprintf(stderr, "soak: FAILED: %u of %u runs have come to their text\n",
                      texts_waiting(soak), soak->run_count);
        return 1;
    }
    if (connect_clients(soak)) {
        return 1;
    }
    if (stream(soak)) {
        (void)fprintf(stderr, "soak: %u of %u clients are done\n", clients_done(soak),
                      soak->clients);
    }
    return judge(soak);
}

static int read_number(const char *text, unsigned least, unsigned most, unsigned *ret)
{
    char *end = NULL;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;

    if (!text || *end || value < least || value > most) {
        return -1;
    }
    *ret = (unsigned)value;
    return 0;
}

static int read_arguments(struct soak *soak, int count, char **texts)
{
    unsigned seed = 1;

    for (int i = 1; i < count; i += 2) {
        const char *value = i + 1 < count ? texts[i + 1] : NULL;
        int bad = strcmp(texts[i], "--clients") == 0
                      ? read_number(value, 1, SWARM_CLIENTS_MAX, &soak->clients)
                  : strcmp(texts[i], "--runs") == 0
                      ? read_number(value, 1, RUNS_MAX, &soak->run_count)
                  : strcmp(texts[i], "--seconds") == 0
                      ? read_number(value, 5, (WORDS_MAX - WORDS_BESIDE) / 10, &soak->seconds)
                  : strcmp(texts[i], "--seed") == 0 ? read_number(value, 0, UINT32_MAX, &seed)
                                                    : -1;

        if (bad) {
            (void)fprintf(stderr,
                          "usage: soak [--clients N] [--runs N] [--seconds N] [--seed N]\n");
            return -1;
        }
    }
    soak->seed = seed;
    return 0;
}

int main(int count, char **texts)
{
    static struct soak soak = {.clients = 500, .run_count = 100, .seconds = 60};

    if (!getenv("NETRA_BIN")) {
        (void)fprintf(stderr, "soak: NETRA_BIN names no program\n");
        return 2;
    }
    if (read_arguments(&soak, count, texts) || raise_files(&soak)) {
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    check(uv_loop_init(&soak.loop) == 0 && uv_timer_init(&soak.loop, &soak.sampler) == 0);
    soak.sampler.data = &soak;
    check(uv_timer_start(&soak.sampler, on_sample, SAMPLE_MS, SAMPLE_MS) == 0);
    soak.model = model_start(&soak.loop, soak.seconds * 10 + WORDS_BESIDE);
    check(soak.model != NULL);
    configure(&soak);
    if (netra_make_folder(&soak.netra) || netra_start(&soak.netra)) {
        (void)fprintf(stderr, "soak: the program does not start\n");
        return 1;
    }
    int failed = run(&soak);
    netra_stop(&soak.netra);
    netra_remove_folder(&soak.netra);
    return failed;
}
