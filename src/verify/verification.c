/*
 * The order of the checks, who uses how much meanwhile, and the end: what was made is removed,
 * whatever happened, and the evidence is judged.
 *
 *     set-up ─► basic ─► endpoints ─► message_flow ─► features ─► performance ─► error_handling
 *            ─► authentication ─► isolation ─► (acceptance) ─► clean_up ─► meta-check
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/verification.h"

#include <sys/resource.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "verify/checks.h"
#include "verify/metrics_text.h"

struct row {
    const char *id;
    const char *title;
    void (*look)(struct inquiry *inquiry);
};

/* message_flow is the first to make a run: who looks for what happens to the first one finds it. */
static const struct row rows[] = {
    {"basic", "Basic functionality", check_basic},
    {"endpoints", "Critical endpoints", check_endpoints},
    {"message_flow", "Message flow, end to end", check_message_flow},
    {"features", "Business-critical features", check_features},
    {"performance", "Performance targets", check_performance},
    {"error_handling", "Error handling", check_error_handling},
    {"authentication", "Authentication", check_authentication},
    {"isolation", "Isolation of workspaces", check_isolation},
    {"acceptance", "Acceptance: the prompts", check_acceptance},
};

static const char *const profile_names[] = {
    [VERIFY_FLOOR] = "floor", [VERIFY_STRICT] = "strict", [VERIFY_ACCEPTANCE] = "acceptance"};

/* ---- who uses how much ---- */

struct usage {
    int64_t client_us;
    double server_s; /* negative: not known */
};

static int64_t client_cpu_us(struct rusage *ret_used)
{
    (void)getrusage(RUSAGE_SELF, ret_used);
    return (int64_t)(ret_used->ru_utime.tv_sec + ret_used->ru_stime.tv_sec) * SECOND_US +
           ret_used->ru_utime.tv_usec + ret_used->ru_stime.tv_usec;
}

static double metric(const struct answer *answer, const char *name, size_t *ret_matched)
{
    return metrics_sum(answer->what.body, name, NULL, 0, ret_matched);
}

/* Processor time so far; the peak (or, without one, the present) of its memory goes up with it. */
static double server_cpu_s(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer answer = {0};
    struct side *server = &inquiry->evidence->server;
    size_t has_cpu = 0;
    size_t has_memory = 0;
    size_t has_peak = 0;

    if (!ask(inquiry, &(struct question){.path = "/metrics"}, &answer) ||
        answer.what.status != 200) {
        return -1;
    }
    double cpu = metric(&answer, "netra_process_cpu_seconds_total", &has_cpu);
    double memory = metric(&answer, "netra_resident_memory_bytes", &has_memory);
    double peak = metric(&answer, "netra_resident_memory_peak_bytes", &has_peak);
    uint64_t seen = (uint64_t)(has_peak ? peak : has_memory && memory > 0 ? memory : 0);
    server->peak_rss_bytes = seen > server->peak_rss_bytes ? seen : server->peak_rss_bytes;
    return has_cpu ? cpu : -1;
}

static void begin_usage(struct inquiry *inquiry, struct usage *ret_usage)
{
    struct rusage used;

    ret_usage->client_us = client_cpu_us(&used);
    ret_usage->server_s = server_cpu_s(inquiry);
}

static void end_client(struct inquiry *inquiry, const struct usage *usage)
{
    struct side *client = &inquiry->evidence->client;
    struct rusage used;

    client->cpu_us = client_cpu_us(&used) - usage->client_us;
    client->peak_rss_bytes = (uint64_t)used.ru_maxrss * 1024;
    client->is_known = true;
}

static void end_usage(struct inquiry *inquiry, const struct usage *usage)
{
    struct side *server = &inquiry->evidence->server;
    double now_s = server_cpu_s(inquiry);

    end_client(inquiry, usage);
    server->is_known = now_s >= usage->server_s && usage->server_s >= 0;
    if (server->is_known) {
        server->cpu_us = (int64_t)((now_s - usage->server_s) * 1e6);
    } else {
        server->needs = STR("/metrics with netra_process_cpu_seconds_total");
    }
}

/* ---- the checks ---- */

static void run_check(struct inquiry *inquiry, const struct row *row)
{
    if (inquiry_is_over(inquiry)) {
        return;
    }
    int code = evidence_begin_check(inquiry->evidence, row->id, row->title, &inquiry->check);
    if (code) {
        inquiry_note(inquiry, code);
        return;
    }
    inquiry_progress(inquiry, "", 0, 0);
    row->look(inquiry);
    evidence_end_check(inquiry->evidence, inquiry->check);
    inquiry->check = NULL;
}

static void run_checks(struct inquiry *inquiry)
{
    static const struct row clean_up = {"clean_up", "What was made is removed", workplace_clean_up};
    bool is_acceptance = inquiry->options->profile == VERIFY_ACCEPTANCE;
    struct usage usage;

    begin_usage(inquiry, &usage);
    for (size_t i = 0; i < ARRAY_LENGTH(rows) - !is_acceptance; i++) {
        run_check(inquiry, &rows[i]);
    }
    bool is_over = inquiry_is_over(inquiry);
    if (is_over && inquiry->code == OK) {
        inquiry_note(inquiry, ERR_CANCELLED);
    }
    deployment_observe(inquiry);
    end_usage(inquiry, &usage);
    inquiry->is_cleaning = true;
    if (inquiry->leaving_count) {
        run_check(inquiry, &clean_up);
    }
}

/* ---- all of it ---- */

static int keep_text(struct evidence *evidence, const char *text, struct str *ret_text)
{
    *ret_text = arena_copy(&evidence->arena, str_from(text));
    return ret_text->data ? OK : ERR_NO_MEMORY;
}

static int begin(struct inquiry *inquiry, struct error *error)
{
    const struct verify_options *options = inquiry->options;
    const struct wire_options wire = {.ca_file = options->ca_file};
    int code = evidence_new(&inquiry->evidence);

    if (code) {
        return error_set(error, code, "out of memory");
    }
    struct evidence *evidence = inquiry->evidence;
    evidence->is_read_only = options->is_read_only;
    code = keep_text(evidence, options->url, &evidence->url);
    code = code ? code : keep_text(evidence, profile_names[options->profile], &evidence->profile);
    code = code ? code : keep_text(evidence, NETRA_VERSION, &evidence->client_version);
    if (code) {
        return error_set(error, code, "out of memory");
    }
    return wire_new(&wire, &inquiry->wire, error);
}

static int check_options(const struct verify_options *options, struct error *error)
{
    if (!options->url || !options->url[0]) {
        return error_set(error, ERR_USAGE, "there is no address to verify");
    }
    if (options->samples && options->samples < EVIDENCE_SAMPLES_LEAST) {
        return error_set(error, ERR_USAGE, "%u samples are too few: at least %u", options->samples,
                         EVIDENCE_SAMPLES_LEAST);
    }
    if (options->samples > EVIDENCE_SAMPLES_MAX) {
        return error_set(error, ERR_USAGE, "%u samples are too many: at most %u", options->samples,
                         EVIDENCE_SAMPLES_MAX);
    }
    if (options->token && strlen(options->token) >= INQUIRY_TOKEN_BYTES) {
        return error_set(error, ERR_USAGE, "the token is too long");
    }
    return OK;
}

static void inquiry_free(struct inquiry *inquiry)
{
    if (inquiry) {
        wire_free(inquiry->wire);
        evidence_free(inquiry->evidence);
        alloc_free(inquiry->leavings);
        alloc_free(inquiry);
    }
}

static void free_inquiry(struct inquiry **inquiry)
{
    inquiry_free(*inquiry);
}

int verify_run(const struct verify_options *options, struct evidence **ret_evidence,
               struct error *error)
{
    cleanup(free_inquiry) struct inquiry *inquiry = alloc_zeroed(1, sizeof(*inquiry));
    int code = check_options(options, error);

    if (code || !inquiry) {
        return code ? code : error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    inquiry->options = options;
    code = begin(inquiry, error);
    if (code) {
        return code;
    }
    if (deployment_find(inquiry)) {
        run_checks(inquiry);
    } else {
        struct usage none = {.server_s = -1};

        end_client(inquiry, &none);
        inquiry->evidence->server.needs = STR("an answer");
    }
    code = evidence_judge(inquiry->evidence);
    inquiry_note(inquiry, code);
    if (inquiry->code) {
        return error_set(error, inquiry->code, "the verification did not end: %s",
                         error_code_text(inquiry->code));
    }
    *ret_evidence = TAKE(inquiry->evidence);
    return OK;
}
