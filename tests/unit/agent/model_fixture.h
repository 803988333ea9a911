/*
 * A fake model for tests of runs: it answers questions from a table, is heard in pieces of any size
 * or not at all, and keeps what it was sent. What a run tells is kept as lines of text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_MODEL_FIXTURE_H
#define NETRA_TESTS_MODEL_FIXTURE_H

#include "../tool/tool_fixture.h"

#include "agent/run.h"

#define FAKE_REPLIES_MAX 12
#define FAKE_CALLS_MAX   4
#define FAKE_STEPS_MAX   1000
#define FAKE_LOG_BYTES   ((size_t)16 << 20)

struct fake_call {
    const char *name;
    const char *args;
};

/* The answer to the next question of that purpose. */
struct fake_reply {
    const char *purpose;
    const char *text;
    struct fake_call calls[FAKE_CALLS_MAX]; /* a NULL name ends */
    enum llm_stop stop;
    const char *why; /* nobody answers, and this is why */
    bool is_used;    /* the driver's */
};

struct fake_model {
    struct fake_reply replies[FAKE_REPLIES_MAX]; /* a NULL purpose ends; nobody answers the rest */
    size_t heard_bytes; /* pieces in which text is heard; 0: it is not heard */
    unsigned unheard;   /* so often the text breaks off and begins again */
    struct buf sent;    /* all requests, a text */
    struct buf told;    /* what the run told, a line each; RUN_TEXT without an end */
    struct buf shown;   /* what whoever reads along sees now */
    unsigned asked;
    unsigned tools_run; /* calls that began */
};

/* It stands still: how often it is looked at must not show in a report. */
static inline int64_t fake_clock(void)
{
    return INT64_C(1767225600) * 1000000;
}

static inline void fake_init(struct fake_model *fake)
{
    buf_init(&fake->sent, FAKE_LOG_BYTES);
    buf_init(&fake->told, FAKE_LOG_BYTES);
    buf_init(&fake->shown, FAKE_LOG_BYTES);
}

static inline void fake_done(struct fake_model *fake)
{
    buf_done(&fake->sent);
    buf_done(&fake->told);
    buf_done(&fake->shown);
}

static inline const char *fake_kind_name(enum run_event_kind kind)
{
    static const char *const names[] = {
        "step_started",  "step_finished", "agent_started", "agent_finished", "tool_started",
        "tool_finished", "agent_failed",  "interpreted",   "model_asked",    "answered",
        "text_started",  "text",          "text_finished", "text_withdrawn"};

    return names[kind];
}

static inline void fake_observe(const struct run_event *event, void *arg)
{
    struct fake_model *fake = arg;

    fake->tools_run += event->kind == RUN_TOOL_STARTED;
    if (event->kind == RUN_TEXT) {
        buf_append(&fake->shown, event->text);
        return; /* the pieces may differ */
    }
    if (event->kind == RUN_TEXT_WITHDRAWN) {
        buf_clear(&fake->shown);
    }
    buf_printf(&fake->told, "%s %s %u %s %.*s\n", fake_kind_name(event->kind),
               event->name ? event->name : "-", event->index, event->failure ? event->failure : "-",
               STR_ARGS(event->args));
    if (event->kind == RUN_INTERPRETED && event->model) {
        buf_printf(&fake->told, "refined by %.*s/%.*s\n", STR_ARGS(event->model->provider),
                   STR_ARGS(event->model->model));
    }
}

static inline void fake_keep_request(struct fake_model *fake, const struct llm_request *request)
{
    buf_append(&fake->sent, request->system);
    for (size_t i = 0; i < request->message_count; i++) {
        const struct llm_message *message = &request->messages[i];

        buf_append(&fake->sent, STR("\n----\n"));
        buf_append(&fake->sent, message->text);
        for (size_t c = 0; c < message->call_count; c++) {
            buf_append(&fake->sent, message->calls[c].args);
        }
    }
    for (size_t i = 0; i < request->tool_count; i++) {
        buf_append(&fake->sent, request->tools[i].name);
        buf_append(&fake->sent, request->tools[i].description);
        buf_append(&fake->sent, request->tools[i].schema);
    }
    buf_append(&fake->sent, request->answer_schema);
    buf_append(&fake->sent, STR("\n====\n"));
}

static inline struct fake_reply *fake_reply_to(struct fake_model *fake, const char *purpose)
{
    for (size_t i = 0; i < FAKE_REPLIES_MAX && fake->replies[i].purpose; i++) {
        struct fake_reply *reply = &fake->replies[i];

        if (!reply->is_used && strcmp(reply->purpose, purpose) == 0) {
            reply->is_used = true;
            return reply;
        }
    }
    return NULL;
}

static inline void fake_say(struct fake_model *fake, struct run *run, struct str text)
{
    for (unsigned again = 0; again <= fake->unheard; again++) {
        size_t end = again < fake->unheard ? text.length / 2 : text.length;

        for (size_t at = 0; at < end; at += fake->heard_bytes) {
            size_t to = at + fake->heard_bytes < end ? at + fake->heard_bytes : end;

            run_hear(run, str_slice(text, at, to));
        }
        if (again < fake->unheard) {
            run_unhear(run);
        }
    }
}

static inline int fake_answer(struct fake_model *fake, struct run *run, struct error *error)
{
    static const struct run_model model = {
        .provider = {"openai", 6},
        .model = {"gpt-5-mini", 10},
        .usage = {.is_known = true, .input_uncached = 100, .cache_read = 20, .output = 30},
        .attempts = 1,
        .has_cost = true,
        .cost_pico_usd = 5000};
    const struct run_question *question = run_question(run);
    struct fake_reply *reply = fake_reply_to(fake, question->purpose);
    struct llm_answer answer = {0};

    assert_int_equal(question->index, fake->asked++);
    fake_keep_request(fake, question->request);
    if (!reply || reply->why) {
        return run_answer(run, NULL, NULL, reply ? reply->why : "No model answered.", error);
    }
    answer.text = str_from(reply->text ? reply->text : "");
    answer.stop = reply->stop;
    for (size_t i = 0; i < FAKE_CALLS_MAX && reply->calls[i].name; i++) {
        answer.calls[answer.call_count++] = (struct llm_call){
            .id = STR("call-a"),
            .name = str_from(reply->calls[i].name),
            .args = str_from(reply->calls[i].args),
        };
    }
    if (fake->heard_bytes && question->is_streamed) {
        fake_say(fake, run, answer.text);
    }
    return run_answer(run, &answer, &model, NULL, error);
}

static inline int fake_drive(struct fake_model *fake, struct run *run, struct error *error)
{
    bool done = false;
    int code = OK;

    for (int i = 0; i < FAKE_STEPS_MAX && !done && !code; i++) {
        code = run_step(run, &done, error);
        if (!code && run_question(run)) {
            assert_false(done);
            code = fake_answer(fake, run, error);
        }
    }
    assert_true(done || code);
    return code;
}

static inline struct run_options fake_options(struct fake_model *fake, const char *prompt,
                                              const struct dataset *dataset)
{
    return (struct run_options){.prompt = str_from(prompt),
                                .dataset = dataset,
                                .book = dataset->book,
                                .id = STR("0190b1f0-0000-7000-8000-000000000000"),
                                .seed = 1,
                                .clock = fake_clock,
                                .has_model = true,
                                .observer = fake_observe,
                                .observer_arg = fake};
}

/* A whole run with a model that answers as the table says; the caller has filled in replies. */
static inline struct run *fake_run(struct fake_model *fake, const char *prompt,
                                   const struct dataset *dataset)
{
    struct run_options options = fake_options(fake, prompt, dataset);
    struct error error = {0};
    struct run *run;

    fake_init(fake);
    assert_int_equal(run_new(&options, &run, &error), OK);
    if (fake_drive(fake, run, &error)) {
        fail_msg("%s: %s", prompt, error.message);
    }
    assert_non_null(run_report(run));
    if (report_gate(run_report(run), NULL, &error)) {
        fail_msg("%s", error.message);
    }
    return run;
}

static inline bool fake_told(const struct fake_model *fake, const char *part)
{
    return str_find(buf_str(&fake->told), str_from(part), 0) != SIZE_MAX;
}

static inline bool fake_sent(const struct fake_model *fake, const char *part)
{
    return str_find(buf_str(&fake->sent), str_from(part), 0) != SIZE_MAX;
}

static inline size_t fake_count(struct str text, const char *part)
{
    size_t count = 0;

    for (size_t at = 0; (at = str_find(text, str_from(part), at)) != SIZE_MAX; at++) {
        count++;
    }
    return count;
}

/* What came of the nth question, as the report keeps it. */
static inline struct str fake_outcome(const struct run *run, size_t index)
{
    assert_true(index < run_report(run)->model_call_count);
    return run_report(run)->model_calls[index].outcome;
}

/* The facts as JSON, all of them or those that other has too. */
static inline void fake_write_facts(const struct report *report, const struct report *other,
                                    struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    buf_init(out, FAKE_LOG_BYTES);
    json_begin_object(&w);
    for (uint32_t i = 0; i < report->facts.count; i++) {
        if (fact_find(&other->facts, report->facts.facts[i].id)) {
            json_key_str(&w, report->facts.facts[i].id);
            fact_write_json(&report->facts.facts[i], &w);
        }
    }
    json_end_object(&w);
    assert_int_equal(buf_status(out), OK);
}

/* The facts of a run without a model are in the one with it, byte for byte; is_same: no others. */
static inline void assert_floor(const struct run *with, const char *prompt,
                                const struct dataset *dataset, bool is_same)
{
    struct fake_model nobody = {0};
    struct run_options options = fake_options(&nobody, prompt, dataset);
    struct error error = {0};
    struct run *run;
    struct buf one;
    struct buf two;

    fake_init(&nobody);
    options.has_model = false;
    assert_int_equal(run_new(&options, &run, &error), OK);
    assert_int_equal(fake_drive(&nobody, run, &error), OK);
    assert_int_equal(nobody.asked, 0);
    fake_write_facts(run_report(run), run_report(run), &one);
    fake_write_facts(run_report(with), is_same ? run_report(with) : run_report(run), &two);
    assert_true(str_equal(buf_str(&one), buf_str(&two)));
    assert_int_equal(run_report(run)->type, run_report(with)->type);
    buf_done(&one);
    buf_done(&two);
    run_free(run);
    fake_done(&nobody);
}

#endif
