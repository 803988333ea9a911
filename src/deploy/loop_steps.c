/*
 * The eight steps: which command each is, what its end means, which files it leaves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "deploy/loop_diagnosis.h"
#include "deploy/loop_evidence.h"
#include "deploy/loop_serving.h"
#include "deploy/loop_state.h"
#include "json/json_write.h"

#define PAGE_BYTES_MAX ((size_t)32 << 20)
#define EXIT_GREEN     0
#define EXIT_RED       1
#define EXIT_PARTIAL   4

static int no_memory(struct error *error)
{
    return error_set(error, ERR_NO_MEMORY, "out of memory");
}

static void keep_file(struct loop_result *result, const char *name)
{
    result->files[result->file_count++] = name;
}

static int write_file(struct deploy_loop *loop, const char *name, const struct buf *text,
                      struct error *error)
{
    const char *path = loop_path(loop, name);

    if (!path || buf_status(text)) {
        return error_set(error, path ? buf_status(text) : ERR_NO_MEMORY, "cannot write %s: %s",
                         name, error_code_text(path ? buf_status(text) : ERR_NO_MEMORY));
    }
    return loop_files_write(path, buf_str(text), error);
}

/* Of a step that has a reason to be called failed, whatever the errno of ours. An error that is the
 * loop's own stays one. */
static int fail_step(struct deploy_loop *loop, struct loop_result *result, int code,
                     const struct error *why, struct error *error)
{
    if (code == ERR_NO_MEMORY) {
        return no_memory(error);
    }
    result->outcome = LOOP_OUTCOME_FAILED;
    loop_reason(loop, result, "%s", why->message);
    return OK;
}

static const char *end_text(struct deploy_loop *loop, const struct loop_end *end)
{
    struct str text = end->exit_status < 0
                          ? arena_copy(&loop->arena, str_from(end->why))
                          : arena_printf(&loop->arena, "exit status %d", end->exit_status);

    return text.data ? text.data : "";
}

/* ---- 1 and 8: verify ---- */

static int plan_verify(struct deploy_loop *loop, const char *folder, struct loop_words *words,
                       struct error *error)
{
    struct loop_serving serving = {0};
    int code = loop_find_serving(loop, &serving, error);

    if (code) {
        return code;
    }
    words->is_command = serving.public_url.length > 0;
    if (!words->is_command) {
        loop_word(words, "built in: there is no address yet");
        return OK;
    }
    loop_word(words, loop->netra);
    loop_word(words, "verify");
    loop_word(words, "--url");
    loop_word(words, serving.public_url.data);
    loop_word_options(words, &loop->options, LOOP_USE_VERIFY);
    loop_word(words, "--out");
    loop_word(words, loop_path(loop, folder));
    return OK;
}

static int plan_check(struct deploy_loop *loop, struct loop_words *words, struct error *error)
{
    return plan_verify(loop, "evidence", words, error);
}

static int plan_confirm(struct deploy_loop *loop, struct loop_words *words, struct error *error)
{
    return plan_verify(loop, "success", words, error);
}

static int write_unserved(struct deploy_loop *loop, const char *folder, struct error *error)
{
    struct loop_serving serving = {0};
    int code = loop_find_serving(loop, &serving, error);

    return code ? code
                : loop_evidence_unserved(folder, loop_options_value(&loop->options, "project"),
                                         loop_options_value(&loop->options, "target"), serving.why,
                                         error);
}

static int exit_of(enum summary_outcome summary)
{
    static const int statuses[] = {[SUMMARY_GREEN] = EXIT_GREEN,
                                   [SUMMARY_FAILED] = EXIT_RED,
                                   [SUMMARY_INCOMPLETE] = EXIT_PARTIAL,
                                   [SUMMARY_UNREACHABLE] = EXIT_RED};

    return statuses[summary];
}

static void judge_summary(struct deploy_loop *loop, const struct loop_evidence *seen,
                          struct loop_result *result)
{
    switch (seen->summary) {
    case SUMMARY_GREEN:
        result->outcome = LOOP_OUTCOME_GREEN;
        loop_reason(loop, result, "%zu of %zu checks passed", seen->passed, seen->checks);
        break;
    case SUMMARY_INCOMPLETE:
        result->outcome =
            loop_options_has(&loop->options, "accept-incomplete") && loop->step != LOOP_CHECK
                ? LOOP_OUTCOME_ACCEPTED
                : LOOP_OUTCOME_INCOMPLETE;
        loop_reason(loop, result, "%zu of %zu checks passed; not exercised: %.*s", seen->passed,
                    seen->checks, STR_ARGS(seen->not_exercised));
        break;
    case SUMMARY_FAILED:
        result->outcome = LOOP_OUTCOME_RED;
        loop_reason(loop, result, "%zu of %zu checks passed; failed: %.*s", seen->passed,
                    seen->checks, STR_ARGS(seen->failed));
        break;
    case SUMMARY_UNREACHABLE:
        result->outcome = LOOP_OUTCOME_RED;
        loop_reason(loop, result, "nothing answers; failed: %.*s", STR_ARGS(seen->failed));
        break;
    }
}

/* The evidence of a command that ended, read and judged here. */
static int judge_evidence(struct deploy_loop *loop, const char *folder, const struct loop_end *end,
                          struct loop_result *result, struct error *error)
{
    struct loop_evidence seen = {.checks = 0};
    struct error why = {0};
    const char *path = loop_path(loop, folder);

    if (!path) {
        return no_memory(error);
    }
    int code = end ? OK : write_unserved(loop, path, error);
    if (code) {
        return code;
    }
    code = loop_evidence_read(path, &loop->arena, /* markdown */ NULL, &seen, &why);
    if (code) {
        if (end && end->exit_status != EXIT_GREEN && end->exit_status != EXIT_RED &&
            end->exit_status != EXIT_PARTIAL) {
            (void)error_set(&why, code, "netra verify left no evidence: %s", end_text(loop, end));
        }
        return fail_step(loop, result, code, &why, error);
    }
    result->from_us = seen.from_us;
    result->to_us = seen.to_us;
    memcpy(result->facts, seen.facts, sizeof(result->facts));
    if (seen.is_contradicted && loop->step == LOOP_CONFIRM) {
        result->outcome = LOOP_OUTCOME_REFUSED;
        loop_reason(loop, result,
                    "the evidence is not what it says of itself: judged again it is %s",
                    summary_name(seen.summary));
    } else if (!seen.is_contradicted && end && end->exit_status != exit_of(seen.summary)) {
        result->outcome = LOOP_OUTCOME_FAILED;
        loop_reason(loop, result, "netra verify ended with %s, and its evidence says %s",
                    end_text(loop, end), summary_name(seen.summary));
    } else {
        judge_summary(loop, &seen, result);
    }
    return OK;
}

static int judge_check(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                       struct loop_result *result, struct error *error)
{
    (void)out;
    keep_file(result, "evidence/evidence.json");
    keep_file(result, "evidence/samples.csv");
    return judge_evidence(loop, "evidence", end, result, error);
}

static int judge_confirm(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                         struct loop_result *result, struct error *error)
{
    (void)out;
    keep_file(result, "success/evidence.json");
    keep_file(result, "success/samples.csv");
    keep_file(result, "success/report.md");
    return judge_evidence(loop, "success", end, result, error);
}

/* ---- 2: document ---- */

static int plan_document(struct deploy_loop *loop, struct loop_words *words, struct error *error)
{
    (void)loop;
    (void)error;
    loop_word(words, "built in: judge the evidence again and write it down");
    return OK;
}

static int judge_document(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                          struct loop_result *result, struct error *error)
{
    cleanup(buf_done) struct buf page = {0};
    struct loop_evidence seen = {.checks = 0};
    struct error why = {0};
    const char *folder = loop_path(loop, "evidence");

    (void)end;
    (void)out;
    if (!folder) {
        return no_memory(error);
    }
    buf_init(&page, PAGE_BYTES_MAX);
    int code = loop_evidence_read(folder, &loop->arena, &page, &seen, &why);
    if (code) {
        return fail_step(loop, result, code, &why, error);
    }
    memcpy(result->facts, seen.facts, sizeof(result->facts));
    keep_file(result, "report.md");
    if (seen.is_contradicted) {
        result->outcome = LOOP_OUTCOME_REFUSED;
        loop_reason(loop, result,
                    "the evidence is not what it says of itself: judged again it is %s",
                    summary_name(seen.summary));
    } else {
        judge_summary(loop, &seen, result);
    }
    return write_file(loop, "report.md", &page, error);
}

/* ---- 3: diagnose ---- */

static void word_file(struct deploy_loop *loop, struct loop_words *words, const char *name,
                      struct str otherwise)
{
    if (!loop_options_has(&loop->options, name + 2) && otherwise.length) {
        loop_word(words, name);
        loop_word(words, otherwise.data);
    }
}

static int plan_diagnose(struct deploy_loop *loop, struct loop_words *words, struct error *error)
{
    struct loop_serving serving = {0};
    struct loop_deployed failed = {.reason = STR("")};
    int code = loop_find_serving(loop, &serving, error);

    code = code ? code : loop_find_failed(loop, &failed, error);
    if (code) {
        return code;
    }
    words->is_command = true;
    loop_word(words, loop->netra);
    loop_word(words, "diagnose");
    loop_word(words, "--evidence");
    loop_word(words, loop_path(loop, "evidence"));
    loop_word_options(words, &loop->options, LOOP_USE_DIAGNOSE);
    word_file(loop, words, "--process-file",
              failed.process_file.length ? failed.process_file : serving.process_file);
    word_file(loop, words, "--log-file",
              failed.log_file.length ? failed.log_file : serving.log_file);
    word_file(loop, words, "--data-dir", serving.data_dir);
    loop_word(words, "--json");
    return OK;
}

static int judge_diagnose(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                          struct loop_result *result, struct error *error)
{
    cleanup(buf_done) struct buf page = {0};
    struct loop_diagnosis found = {.count = 0};
    struct error why = {0};

    if (end->exit_status != EXIT_GREEN && end->exit_status != EXIT_PARTIAL) {
        result->outcome = LOOP_OUTCOME_FAILED;
        loop_reason(loop, result, "netra diagnose ended with %s", end_text(loop, end));
        return OK;
    }
    buf_init(&page, PAGE_BYTES_MAX);
    int code = loop_diagnosis_read(out, &loop->arena, &page, &found, &why);
    if (code) {
        return fail_step(loop, result, code, &why, error);
    }
    result->outcome =
        found.has_unknown || found.count == 0 ? LOOP_OUTCOME_INCOMPLETE : LOOP_OUTCOME_DONE;
    memcpy(result->facts, found.facts, sizeof(result->facts));
    loop_reason(loop, result, found.count ? "causes: %.*s" : "no cause was found%.*s",
                STR_ARGS(found.list));
    keep_file(result, "diagnosis.json");
    keep_file(result, "diagnosis.md");
    return write_file(loop, "diagnosis.md", &page, error);
}

/* ---- 4 and 5: the hooks ---- */

/* What the third step left. */
static int read_diagnosis(struct deploy_loop *loop, struct loop_diagnosis *ret_found,
                          struct error *error)
{
    cleanup(buf_done) struct buf text = {0};
    const char *path = loop_path(loop, "diagnosis.json");

    buf_init(&text, LOOP_FILE_BYTES_MAX);
    int code = path ? loop_files_read(path, &text, error) : no_memory(error);
    return code ? code
                : loop_diagnosis_read(buf_str(&text), &loop->arena, /* markdown */ NULL, ret_found,
                                      error);
}

const char *const *loop_hook_environment(struct deploy_loop *loop, struct error *error)
{
    struct loop_diagnosis found = {.count = 0};
    struct arena *arena = &loop->arena;
    const char **items = arena_alloc(arena, 5, sizeof(*items));
    const char *path = loop_path(loop, "diagnosis.json");

    if (!items || !path) {
        (void)no_memory(error);
        return NULL;
    }
    if (read_diagnosis(loop, &found, error)) {
        return NULL;
    }
    items[0] = arena_printf(arena, "NETRA_LOOP_CYCLE=%u", loop->cycle).data;
    items[1] = arena_printf(arena, "NETRA_LOOP_DIAGNOSIS=%s", path).data;
    items[2] =
        arena_printf(arena, "NETRA_LOOP_CAUSE=%s", found.count ? found.causes[0].data : "unknown")
            .data;
    items[3] = arena_printf(arena, "NETRA_LOOP_CAUSES=%s", found.list.data).data;
    for (int i = 0; i < 4; i++) {
        if (!items[i]) {
            (void)no_memory(error);
            return NULL;
        }
    }
    return items;
}

static int plan_hook(struct deploy_loop *loop, const char *option, struct loop_words *words)
{
    const char *program = loop_options_value(&loop->options, option);

    words->is_command = program != NULL;
    loop_word(words, program ? program : "built in: no hook was given");
    if (program) {
        loop_word(words, loop_path(loop, "diagnosis.json"));
    }
    return OK;
}

static int plan_fix(struct deploy_loop *loop, struct loop_words *words, struct error *error)
{
    (void)error;
    return plan_hook(loop, "fix", words);
}

static int plan_commit(struct deploy_loop *loop, struct loop_words *words, struct error *error)
{
    (void)error;
    return plan_hook(loop, "commit", words);
}

static int judge_hook(struct deploy_loop *loop, const char *name, const struct loop_end *end,
                      struct str out, struct loop_result *result)
{
    result->outcome = end->exit_status == 0 ? LOOP_OUTCOME_DONE : LOOP_OUTCOME_FAILED;
    loop_reason(loop, result, "the %s hook ended with %s", name, end_text(loop, end));
    return digest_texts(&out, 1, result->facts);
}

static int judge_fix(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                     struct loop_result *result, struct error *error)
{
    struct loop_diagnosis found = {.count = 0};

    if (end) {
        keep_file(result, "fix.out");
        return judge_hook(loop, "fix", end, out, result) ? no_memory(error) : OK;
    }
    int code = read_diagnosis(loop, &found, error);
    if (code) {
        return code;
    }
    if (found.mendable.length) {
        result->outcome = LOOP_OUTCOME_SKIPPED;
        loop_reason(loop, result, "no hook; a deployment mends %.*s", STR_ARGS(found.mendable));
    } else {
        result->outcome = LOOP_OUTCOME_FAILED;
        loop_reason(loop, result,
                    "a deployment alone mends none of the causes (%.*s), and there is no --fix",
                    STR_ARGS(found.list));
    }
    return OK;
}

static int judge_commit(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                        struct loop_result *result, struct error *error)
{
    if (end) {
        keep_file(result, "commit.out");
        return judge_hook(loop, "commit", end, out, result) ? no_memory(error) : OK;
    }
    result->outcome = LOOP_OUTCOME_SKIPPED;
    loop_reason(loop, result, "no hook");
    return OK;
}

/* ---- 6: deploy ---- */

static int plan_deploy(struct deploy_loop *loop, struct loop_words *words, struct error *error)
{
    (void)error;
    words->is_command = true;
    loop_word(words, loop->netra);
    loop_word(words, "deploy");
    loop_word_options(words, &loop->options, LOOP_USE_DEPLOY);
    loop_word(words, "--json");
    return OK;
}

static int judge_deploy(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                        struct loop_result *result, struct error *error)
{
    struct loop_deployed deployed = {.reason = STR("")};
    int code = loop_deployed_read(out, &loop->arena, &deployed);

    if (code == ERR_NO_MEMORY) {
        return no_memory(error);
    }
    keep_file(result, "deploy.json");
    bool is_known = code == OK;
    if (end->exit_status == EXIT_GREEN && is_known) {
        result->outcome = LOOP_OUTCOME_DONE;
        loop_reason(loop, result, "%.*s serves at %.*s", STR_ARGS(deployed.revision),
                    STR_ARGS(deployed.public_url));
    } else if (end->exit_status == EXIT_RED && is_known) {
        result->outcome = LOOP_OUTCOME_RED;
        loop_reason(loop, result, "%.*s: %.*s", STR_ARGS(deployed.outcome),
                    STR_ARGS(deployed.reason));
    } else {
        result->outcome = LOOP_OUTCOME_FAILED;
        loop_reason(loop, result, "netra deploy ended with %s%s", end_text(loop, end),
                    is_known ? "" : " and without an answer");
    }
    memcpy(result->facts, deployed.facts, sizeof(result->facts));
    return OK;
}

/* ---- 7: validate ---- */

static int plan_validate(struct deploy_loop *loop, struct loop_words *words, struct error *error)
{
    struct loop_serving serving = {0};
    int code = loop_find_serving(loop, &serving, error);

    if (!code) {
        loop_word(words, "built in: GET /health");
        loop_word(words, serving.public_url.length ? serving.public_url.data : "no address");
    }
    return code;
}

static void put_answer(struct json_writer *w, const struct loop_answer *answer)
{
    char stamp[CIVIL_STAMP_BYTES];

    civil_stamp(answer->at_us, stamp);
    json_begin_object(w);
    json_key(w, "time");
    json_put_text(w, stamp);
    json_key(w, "healthy");
    json_put_bool(w, answer->is_healthy);
    json_key(w, "status");
    json_put_i64(w, answer->status);
    json_key(w, "total_us");
    json_put_i64(w, answer->total_us);
    json_key(w, "peer");
    json_put_text(w, answer->peer);
    if (answer->why[0]) {
        json_key(w, "why");
        json_put_text(w, answer->why);
    }
    json_end_object(w);
}

/* Asks until enough answers in a row are healthy; ERR_CANCELLED: the loop is to stop. */
static int ask_until_healthy(struct deploy_loop *loop, const char *url, struct json_writer *w,
                             unsigned *ret_in_row, struct loop_answer *ret_last)
{
    const struct loop_world *world = loop->world;
    int64_t due_us = world->elapsed_us(world->arg) + LOOP_HEALTHY_WAIT_S * SECOND_US;
    unsigned in_row = 0;

    while (in_row < LOOP_HEALTHY_ANSWERS && world->elapsed_us(world->arg) < due_us) {
        if (in_row || ret_last->at_us) {
            world->wait_ms(LOOP_HEALTHY_EVERY_MS, world->arg);
        }
        if (world->is_interrupted && *world->is_interrupted) {
            return ERR_CANCELLED;
        }
        world->ask_health(url, ret_last, world->arg);
        put_answer(w, ret_last);
        in_row = ret_last->is_healthy ? in_row + 1 : 0;
    }
    *ret_in_row = in_row;
    return OK;
}

static int judge_validate(struct deploy_loop *loop, const struct loop_end *end, struct str out,
                          struct loop_result *result, struct error *error)
{
    cleanup(buf_done) struct buf text = {0};
    struct json_writer w = json_writer_indented(&text, 1);
    struct loop_serving serving = {0};
    struct loop_answer last = {.status = 0};
    unsigned in_row = 0;
    int code = loop_find_serving(loop, &serving, error);

    (void)end;
    (void)out;
    if (code) {
        return code;
    }
    if (!serving.public_url.length) {
        result->outcome = LOOP_OUTCOME_RED;
        loop_reason(loop, result, "it has no public address: %.*s", STR_ARGS(serving.why));
        return OK;
    }
    buf_init(&text, PAGE_BYTES_MAX);
    result->from_us = loop->world->now_us(loop->world->arg);
    json_begin_object(&w);
    json_key(&w, "url");
    json_put_str(&w, serving.public_url);
    json_key(&w, "answers");
    json_begin_array(&w);
    code = ask_until_healthy(loop, serving.public_url.data, &w, &in_row, &last);
    if (code) {
        (void)error_set(error, code, "the loop was interrupted while it validated the service");
        error_hint(error, "`netra loop --resume --out %s` goes on.", loop->folder);
        return code;
    }
    json_end_array(&w);
    json_end_object(&w);
    result->to_us = loop->world->now_us(loop->world->arg);
    result->outcome = in_row >= LOOP_HEALTHY_ANSWERS ? LOOP_OUTCOME_DONE : LOOP_OUTCOME_RED;
    loop_reason(loop, result,
                in_row >= LOOP_HEALTHY_ANSWERS ? "%u healthy answers in a row%s%s"
                                               : "%u healthy answers in a row at the end%s%s",
                in_row, last.why[0] ? "; " : "", last.why);
    keep_file(result, "availability.json");
    return write_file(loop, "availability.json", &text, error);
}

const struct loop_step_row loop_step_rows[LOOP_STEP_COUNT] = {
    [LOOP_CHECK] = {plan_check, judge_check, "check.out", {"evidence"}},
    [LOOP_DOCUMENT] = {plan_document, judge_document, NULL, {"report.md"}},
    [LOOP_DIAGNOSE] = {plan_diagnose, judge_diagnose, "diagnosis.json", {"diagnosis.md"}},
    [LOOP_FIX] = {plan_fix, judge_fix, "fix.out", {NULL}},
    [LOOP_COMMIT] = {plan_commit, judge_commit, "commit.out", {NULL}},
    [LOOP_DEPLOY] = {plan_deploy, judge_deploy, "deploy.json", {NULL}},
    [LOOP_VALIDATE] = {plan_validate, judge_validate, NULL, {"availability.json"}},
    [LOOP_CONFIRM] = {plan_confirm, judge_confirm, "confirm.out", {"success"}},
};
