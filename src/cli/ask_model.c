/*
 * One question at a time: llm_ask, then the loop turns until it has been answered. The answer is
 * handed to the run from within the callback, because the texts of the attempts live no longer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/ask_model.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/preview.h"
#include "agent/run_model.h"
#include "base/alloc.h"
#include "server/models.h"

#define NAME_BYTES   (LLM_NAME_BYTES_MAX + 64)
#define LOOP_WORKERS 1 /* nothing is computed on it */

struct ask_model {
    struct config config;
    struct models models;
    struct loop *loop;
    struct http_client *client;
    struct llm *llm;
    uint64_t tokens_used; /* by this run */
    char name[NAME_BYTES];
    /* of the question under way */
    struct run *run;
    const struct price_book *book;
    uint64_t estimate; /* of one attempt */
    struct error *error;
    int code;
};

/* ---- the configuration ---- */

/* Where `netra serve` looks, too. */
static int read_config(struct config *config, const char *chain, struct error *error)
{
    cleanup(buf_done) struct buf path = {0};
    int code = config_init(config, error);

    buf_init(&path, CONFIG_VALUE_BYTES_MAX);
    if (code) {
        return code;
    }
    config_find_file(getenv, &path);
    if (path.length) {
        code = config_read_file(config, path.data, error);
    }
    if (code == OK) {
        code = config_read_environment(config, getenv, error);
    }
    if (code == OK && chain) {
        code = config_set(config, str_from(config_rows[CONFIG_LLM_CHAIN].key), str_from(chain),
                          CONFIG_FLAG, error);
    }
    return code;
}

/* ---- life ---- */

void ask_model_free(struct ask_model *model)
{
    if (model) {
        llm_free(model->llm);
        http_client_free(model->client);
        if (model->loop) {
            loop_free(model->loop);
        }
        models_done(&model->models);
        config_done(&model->config);
        alloc_free(model);
    }
}

void ask_model_free_pointer(struct ask_model **model)
{
    ask_model_free(*model);
}

static int make_llm(struct ask_model *model, struct error *error)
{
    int code = loop_new(LOOP_WORKERS, &model->loop, error);

    return code ? code
                : models_start(&model->models, &model->config, model->loop, &model->client,
                               &model->llm, error);
}

int ask_model_open(const char *chain, struct ask_model **ret_model, struct error *error)
{
    cleanup(ask_model_free_pointer) struct ask_model *model = alloc_zeroed(1, sizeof(*model));

    if (!model) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = read_config(&model->config, chain, error);
    if (code == OK) {
        code = models_read(&model->config, getenv, &model->models, error);
    }
    if (code == OK && model->models.count) {
        code = make_llm(model, error);
        if (code == OK) {
            *ret_model = TAKE(model);
        }
    }
    return code;
}

const char *ask_model_name(struct ask_model *model)
{
    size_t count = llm_provider_count(model->llm);
    struct llm_state state;
    size_t first = 0;

    do { /* when every breaker is open, the last one is as good as any */
        llm_provider_state(model->llm, first, &state);
    } while (strcmp(state.breaker, "open") == 0 && ++first < count);
    (void)snprintf(model->name, sizeof(model->name), "%.*s/%.*s", STR_ARGS(state.name),
                   STR_ARGS(state.model));
    return model->name;
}

/* ---- a question ---- */

static void on_text(struct str delta, void *arg)
{
    struct ask_model *model = (struct ask_model *)arg;

    run_hear(model->run, delta);
}

static void on_again(void *arg)
{
    struct ask_model *model = (struct ask_model *)arg;

    run_unhear(model->run);
}

/* Tokens that a provider did not tell count as many as they may have been. */
static uint64_t tokens_of_attempt(const struct llm_attempt *attempt, uint64_t estimate)
{
    bool is_sent = llm_attempt_was_made(attempt) && !attempt->never_sent;

    if (attempt->usage.is_known) {
        return llm_usage_input(&attempt->usage) + attempt->usage.output;
    }
    return is_sent ? estimate : 0;
}

static void on_done(int code, struct llm_answer *answer, const struct llm_attempt *attempts,
                    size_t attempt_count, void *arg)
{
    struct ask_model *model = (struct ask_model *)arg;
    char why[RUN_WHY_BYTES];
    struct run_model sum;

    run_model_sum(attempts, attempt_count, model->book, &sum);
    run_model_why(attempts, attempt_count, why);
    for (size_t i = 0; i < attempt_count; i++) {
        model->tokens_used += tokens_of_attempt(&attempts[i], model->estimate);
    }
    model->code = run_answer(model->run, code == OK ? answer : NULL, sum.attempts ? &sum : NULL,
                             code == OK ? NULL : why, model->error);
    if (code == OK) {
        llm_answer_done(answer);
    }
    loop_stop(model->loop);
}

int ask_model_answer(struct ask_model *model, struct run *run, const struct price_book *book,
                     struct error *error)
{
    const struct run_question *question = run_question(run);
    struct llm_listener listener = {.on_text = question->is_streamed ? on_text : NULL,
                                    .on_again = question->is_streamed ? on_again : NULL,
                                    .on_done = on_done};
    uint64_t most = model->models.tokens_per_run_max;
    uint64_t left = model->tokens_used < most ? most - model->tokens_used : 0;
    struct error why = {0};
    llm_id id;

    model->run = run;
    model->book = book;
    model->error = error;
    model->estimate = llm_estimate(question->request);
    int code = llm_ask(model->llm, question->request, left, &listener, model, &id, &why);
    if (code == ERR_NO_MEMORY) {
        *error = why;
        return code;
    }
    if (code) {
        return run_answer(run, /* answer */ NULL, /* model */ NULL, why.message, error);
    }
    /* A provider that closes a connection early must not end this process. */
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    loop_run(model->loop);
    (void)signal(SIGPIPE, before);
    return model->code;
}

/* ---- looking without asking ---- */

static int show_request(const struct run_question *question, struct str text, void *arg)
{
    struct buf *out = (struct buf *)arg;

    (void)question;
    if (out->length) {
        buf_append_char(out, '\n');
    }
    buf_append(out, text);
    if (!str_ends_with(text, STR("\n"))) {
        buf_append_char(out, '\n');
    }
    return buf_status(out);
}

int ask_model_show(const char *chain, bool has_models, const struct run_options *options,
                   struct buf *out, struct error *error)
{
    cleanup(config_done) struct config config = {0};
    cleanup(models_done) struct models models = {0};
    int code = OK;

    if (has_models) {
        code = read_config(&config, chain, error);
        if (code == OK) {
            code = models_read(&config, /* environment */ NULL, &models, error);
        }
    }
    return code ? code
                : run_preview(options, models.count ? &models.providers[0] : models_example(),
                              show_request, out, error);
}
