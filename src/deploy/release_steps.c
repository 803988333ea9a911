/*
 * The steps: a verb and its record, waiting for a revision, and what /health says of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "deploy/deployment.h"
#include "verify/verification.h"

#define PAUSE_SLICE_MS  50
#define STATUS_FIRST_MS 200 /* between two questions; doubled, at most STATUS_EVERY_MS */
#define STATUS_EVERY_MS 1000
#define HEALTH_PATH     "/health"
#define PROBE_WHOLE_FACTOR                                                                         \
    4 /* of the healthy time and of the red time: the limit of all probes                          \
       */
#define ARENA_BYTES_MAX ((size_t)80 << 20) /* one answer; the wire's own limit is below it */
#define DETAIL_BYTES    300u

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool is_cancelled(const struct deployment *deployment)
{
    return deployment->is_cancelled && *deployment->is_cancelled;
}

/* False: cancelled meanwhile. */
static bool pause_ms(const struct deployment *deployment, int64_t ms)
{
    int64_t until_us = now_us() + ms * 1000;

    while (!is_cancelled(deployment) && now_us() < until_us) {
        int64_t left_ms = (until_us - now_us()) / 1000 + 1;
        struct timespec slice = {.tv_nsec = (left_ms < PAUSE_SLICE_MS ? left_ms : PAUSE_SLICE_MS) *
                                            1000000};

        (void)nanosleep(&slice, NULL);
    }
    return !is_cancelled(deployment);
}

/* ---- what is told ---- */

void step_fail(struct deployment *deployment, const char *format, ...)
{
    struct release *release = deployment->release;
    char text[REASON_BYTES_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct str whole = release->reason.length ? arena_printf(&release->arena, "%.*s; %s",
                                                             STR_ARGS(release->reason), text)
                                              : arena_copy(&release->arena, str_from(text));
    if (whole.data) {
        release->reason = whole;
    }
}

static const char *name_of(const struct release_service *service)
{
    return service ? service->name.data : NULL;
}

void step_tell(struct deployment *deployment, const char *step,
               const struct release_service *service, const char *detail)
{
    const struct release_options *options = deployment->options;

    if (options->on_progress) {
        options->on_progress(step, name_of(service), detail, options->arg);
    }
}

static void note_step(struct deployment *deployment, const char *name,
                      const struct release_service *service, bool is_done, int64_t duration_us)
{
    struct release *release = deployment->release;

    if (release->step_count < RELEASE_STEPS_MAX) {
        release->steps[release->step_count++] =
            (struct release_step){.name = name,
                                  .service = service ? service->name : (struct str){"", 0},
                                  .is_done = is_done,
                                  .duration_us = duration_us};
    }
}

/* The end of a step that is no verb. */
static int end_step(struct deployment *deployment, const char *name,
                    const struct release_service *service, int64_t began_us, int code)
{
    int64_t duration_us = now_us() - began_us;

    note_step(deployment, name, service, code == OK, duration_us);
    if (journal_note_step(&deployment->journal, name, name_of(service), duration_us,
                          code == OK ? "done" : "failed",
                          code == OK ? NULL : deployment->release->reason.data)) {
        step_tell(deployment, name, service, "the record cannot be written");
    }
    return code;
}

/* ---- verbs ---- */

static struct target_call call_of(const struct deployment *deployment, enum target_verb verb,
                                  const struct release_service *service, const char *revision)
{
    const struct release_options *options = deployment->options;

    return (struct target_call){.path = options->target,
                                .verb = verb,
                                .project = options->project,
                                .service = name_of(service),
                                .revision = revision,
                                .image = service ? service->image.data : NULL,
                                .state = options->state,
                                .config = options->config,
                                .source = options->source,
                                .from = options->promote_from,
                                .builds_locally = options->builds_locally,
                                .on_line = options->on_line,
                                .is_cancelled = deployment->is_cancelled,
                                .arg = options->arg};
}

/* Without a line in the record and without a step: for questions that are asked again and again. */
static int ask_verb(struct deployment *deployment, const struct target_call *call,
                    struct target_answer *ret_answer, struct child_end *ret_end)
{
    struct error error = {0};

    *ret_answer = (struct target_answer){.result = TARGET_FAILED};
    int code = target_run(call, &deployment->release->arena, ret_answer, ret_end, &error);

    if (code) {
        step_fail(deployment, "%s", error.message);
        return code;
    }
    if (ret_answer->result != TARGET_FAILED) {
        return OK;
    }
    step_fail(deployment, "%s%s%s: %.*s (%.*s)", target_verb_name(call->verb),
              call->service ? " of " : "", call->service ? call->service : "",
              STR_ARGS(ret_answer->error_message), STR_ARGS(ret_answer->error_code));
    if (deployment->release->hint.length == 0) {
        deployment->release->hint = ret_answer->error_hint;
    }
    return ERR_IO;
}

int step_verb(struct deployment *deployment, enum target_verb verb,
              const struct release_service *service, const char *revision,
              struct target_answer *ret_answer)
{
    struct target_call call = call_of(deployment, verb, service, revision);
    const char *name = target_verb_name(verb);
    struct child_end end = {.exit_status = -1};
    struct target_answer answer = {.result = TARGET_FAILED};

    if (is_cancelled(deployment)) {
        step_fail(deployment, "cancelled before %s", name);
        return ERR_CANCELLED;
    }
    step_tell(deployment, name, service, "");
    int code = ask_verb(deployment, &call, &answer, &end);
    note_step(deployment, name, service, code == OK, end.duration_us);
    if (journal_note(&deployment->journal, &call, &end, code == OK ? "done" : "failed",
                     code == OK ? NULL : deployment->release->reason.data)) {
        step_tell(deployment, name, service, "the record cannot be written");
    }
    if (code == OK) {
        *ret_answer = answer;
    }
    return code;
}

static void keep_places(struct release_service *service, const struct target_answer *answer)
{
    service->process_file = answer->process_file;
    service->log_file = answer->log_file;
    service->data_dir = answer->data_dir;
}

static unsigned ready_seconds(const struct deployment *deployment)
{
    unsigned asked = deployment->options->ready_seconds;

    return asked ? asked : RELEASE_READY_DEFAULT;
}

static int wait_ready(struct deployment *deployment, struct release_service *service)
{
    struct target_call call =
        call_of(deployment, TARGET_STATUS, service, deployment->release->revision);
    int64_t until_us = now_us() + (int64_t)ready_seconds(deployment) * 1000000;
    struct target_answer answer;
    struct child_end end;
    int64_t wait_ms = STATUS_FIRST_MS;

    for (;;) {
        int code = ask_verb(deployment, &call, &answer, &end);

        if (code) {
            keep_places(service, &answer);
            return code;
        }
        if (answer.result == TARGET_DONE && answer.is_ready) {
            service->url = answer.url.length ? answer.url : service->url;
            keep_places(service, &answer);
            return OK;
        }
        step_tell(deployment, "status", service,
                  answer.reason.length ? answer.reason.data : "not ready yet");
        if (now_us() >= until_us) {
            step_fail(deployment, "%s is not ready after %u s: %.*s", service->name.data,
                      ready_seconds(deployment), STR_ARGS(answer.reason));
            return ERR_TIMEOUT;
        }
        if (!pause_ms(deployment, wait_ms)) {
            step_fail(deployment, "cancelled while %s was getting ready", service->name.data);
            return ERR_CANCELLED;
        }
        wait_ms = wait_ms * 2 < STATUS_EVERY_MS ? wait_ms * 2 : STATUS_EVERY_MS;
    }
}

int step_wait_ready(struct deployment *deployment, struct release_service *service)
{
    int64_t began_us = now_us();

    step_tell(deployment, "status", service, "");
    return end_step(deployment, "status", service, began_us, wait_ready(deployment, service));
}

/* ---- health ---- */

/* Whether an answer says "healthy", and for the revision that is meant; why not is left in detail.
 */
static bool judge_health(const struct exchange *exchange, const char *revision, char *detail)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct error error = {0};
    struct json_value root;
    struct str status = {"", 0};
    struct str seen = {"", 0};
    struct str why = {"", 0};

    if (exchange->code) {
        (void)snprintf(detail, DETAIL_BYTES, "/health is not answered: %s", exchange->failure);
        return false;
    }
    if (json_parser_new(TARGET_ANSWER_BYTES_MAX, &parser) ||
        json_parse(parser, exchange->body, &root, &error) ||
        !json_get_str(json_at(root, "status"), &status)) {
        (void)snprintf(detail, DETAIL_BYTES, "/health is %d and says no status", exchange->status);
        return false;
    }
    (void)json_get_str(json_at(root, "revision"), &seen);
    if (exchange->status != 200 || !str_equal(status, STR("healthy"))) {
        for (struct json_iterator it = json_iterate(json_at(root, "checks"));
             !why.length && json_next(&it);) {
            (void)json_get_str(json_at(it.value, "reason"), &why);
        }
        (void)snprintf(detail, DETAIL_BYTES, "/health is %d and says %.20s%s%.200s",
                       exchange->status, status.length ? status.data : "", why.length ? ": " : "",
                       why.length ? why.data : "");
        return false;
    }
    if (seen.length && !str_equal(seen, str_from(revision))) {
        (void)snprintf(detail, DETAIL_BYTES, "/health is of the revision %.*s", STR_ARGS(seen));
        return false;
    }
    return true;
}

static bool is_healthy(struct deployment *deployment, struct str address, char *detail)
{
    cleanup(arena_done) struct arena arena;
    struct exchange exchange;
    char url[TARGET_URL_BYTES_MAX + sizeof(HEALTH_PATH)];

    arena_init(&arena, ARENA_BYTES_MAX);
    while (address.length && address.data[address.length - 1] == '/') {
        address.length--;
    }
    (void)snprintf(url, sizeof(url), "%.*s" HEALTH_PATH, STR_ARGS(address));
    struct exchange_request request = {
        .method = "GET", .url = url, .is_anonymous = true, .is_fresh = true};
    (void)wire_exchange(deployment->wire, &request, &arena, &exchange);
    return judge_health(&exchange, deployment->release->revision, detail);
}

static int probe(struct deployment *deployment, const struct release_service *service)
{
    unsigned asked_s = deployment->options->healthy_seconds;
    int64_t needed_ms = (int64_t)(asked_s ? asked_s : RELEASE_HEALTHY_DEFAULT) * 1000;
    unsigned ready_s = ready_seconds(deployment);
    int64_t red_ms = (int64_t)(ready_s < RELEASE_RED_S ? ready_s : RELEASE_RED_S) * 1000;
    struct streak_rule rule = {.needed_ms = needed_ms,
                               .red_ms = red_ms,
                               .whole_ms = PROBE_WHOLE_FACTOR * (needed_ms + red_ms)};
    struct streak streak;
    char why[DETAIL_BYTES] = "";
    char detail[DETAIL_BYTES];

    streak_begin(&streak, &rule, now_us() / 1000);
    for (;;) {
        int64_t asked_ms = now_us() / 1000;
        bool is_green = is_healthy(deployment, service->url, why);
        enum streak_state state = streak_note(&streak, is_green, now_us() / 1000);

        (void)snprintf(detail, sizeof(detail), "%s, %u in a row (%lld of %lld s)",
                       is_green ? "healthy" : why, streak.in_row,
                       streak.in_row ? (long long)(streak.last_ms - streak.first_ms) / 1000 : 0,
                       (long long)needed_ms / 1000);
        step_tell(deployment, "probe", service, detail);
        if (state == STREAK_PASSED) {
            return OK;
        }
        if (state == STREAK_FAILED) {
            step_fail(
                deployment, "%s was not healthy for %lld s in a row (%u answers were, %u not): %s",
                service->name.data, (long long)needed_ms / 1000, streak.healthy, streak.red, why);
            return ERR_TIMEOUT;
        }
        if (!pause_ms(deployment, asked_ms + RELEASE_PROBE_MS - now_us() / 1000)) {
            step_fail(deployment, "cancelled while %s was probed", service->name.data);
            return ERR_CANCELLED;
        }
    }
}

int step_probe(struct deployment *deployment, const struct release_service *service)
{
    int64_t began_us = now_us();

    step_tell(deployment, "probe", service, service->url.data);
    return end_step(deployment, "probe", service, began_us, probe(deployment, service));
}

/* ---- after the switch ---- */

static int check_serving(struct deployment *deployment, struct release_service *service)
{
    const char *revision = deployment->release->revision;
    struct target_call call = call_of(deployment, TARGET_STATUS, service, revision);
    int64_t until_us = now_us() + (int64_t)RELEASE_CHECK_S * 1000000;
    struct target_answer answer;
    struct child_end end;
    char why[DETAIL_BYTES] = "";
    int code = ask_verb(deployment, &call, &answer, &end);

    if (code) {
        return code;
    }
    keep_places(service, &answer);
    if (!str_equal(answer.serving, str_from(revision))) {
        step_fail(deployment, "%s: the target says that %.*s serves, not %s", service->name.data,
                  STR_ARGS(answer.serving.length ? answer.serving : STR("nothing")), revision);
        return ERR_IO;
    }
    while (!is_healthy(deployment, service->public_url, why)) {
        if (now_us() >= until_us || !pause_ms(deployment, STATUS_FIRST_MS)) {
            step_fail(deployment, "%s at %.*s: %s", service->name.data,
                      STR_ARGS(service->public_url), is_cancelled(deployment) ? "cancelled" : why);
            return ERR_TIMEOUT;
        }
    }
    return OK;
}

int step_check(struct deployment *deployment, struct release_service *service)
{
    int64_t began_us = now_us();

    step_tell(deployment, "check", service, service->public_url.data);
    return end_step(deployment, "check", service, began_us, check_serving(deployment, service));
}

static void on_verify(const char *check, const char *what, unsigned done, unsigned of, void *arg)
{
    (void)done;
    (void)of;
    (void)what;
    step_tell(arg, "verify", NULL, check);
}

/* The first check that failed, and why. */
static int judge_evidence(struct deployment *deployment, const struct evidence *evidence)
{
    if (evidence->summary == SUMMARY_GREEN || evidence->summary == SUMMARY_INCOMPLETE) {
        return OK;
    }
    for (size_t i = 0; i < evidence->check_count; i++) {
        const struct check *check = &evidence->checks[i];

        if (check->outcome == OUTCOME_FAILED) {
            step_fail(deployment, "the verification: %.*s: %.*s", STR_ARGS(check->id),
                      STR_ARGS(check->reason));
            return ERR_IO;
        }
    }
    step_fail(deployment, "the verification is %s", summary_name(evidence->summary));
    return ERR_IO;
}

static int verify(struct deployment *deployment, const struct release_service *service)
{
    struct verify_options options = {.url = service->public_url.data,
                                     .token = deployment->options->token,
                                     .ca_file = deployment->options->ca_file,
                                     .profile = VERIFY_FLOOR,
                                     .is_read_only = true,
                                     .samples = EVIDENCE_SAMPLES_LEAST,
                                     .on_progress = on_verify,
                                     .is_cancelled = deployment->is_cancelled,
                                     .arg = deployment};
    struct evidence *evidence = NULL;
    struct error error = {0};
    int code = verify_run(&options, &evidence, &error);

    if (code) {
        step_fail(deployment, "the verification: %s", error.message);
    } else {
        code = judge_evidence(deployment, evidence);
    }
    evidence_free(evidence);
    return code;
}

int step_verify(struct deployment *deployment, const struct release_service *service)
{
    int64_t began_us = now_us();

    step_tell(deployment, "verify", service, service->public_url.data);
    return end_step(deployment, "verify", service, began_us, verify(deployment, service));
}
