/*
 * Feeds a stream to a reading whole, byte by byte and cut at random places, and checks that the
 * result is the same; and writes bodies to compare them with what is expected.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_READING_FIXTURE_H
#define NETRA_TESTS_READING_FIXTURE_H

#include "unit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "llm/reading.h"
#include "json/json_read.h"

#define RANDOM_CUTS 8

/* What came of a stream. */
struct fed {
    int code; /* of the first call that failed */
    struct error error;
    struct llm_answer answer; /* empty when code is not OK */
    struct llm_usage usage;
    struct llm_failure failure;
    struct buf deltas; /* joined */
    size_t delta_count;
};

static const struct llm_request plain_request = {0};

static void take_delta(struct str delta, void *arg)
{
    struct fed *fed = arg;

    assert_true(delta.length > 0);
    assert_true(str_is_utf8(delta));
    buf_append(&fed->deltas, delta);
    fed->delta_count++;
}

/* piece 0: sizes at random from seed. */
static void feed_in_pieces(const struct llm_wire *wire, const struct llm_request *request,
                           struct str stream, size_t piece, unsigned seed, struct fed *fed)
{
    struct llm_reading *reading = NULL;

    *fed = (struct fed){0};
    llm_answer_init(&fed->answer);
    buf_init(&fed->deltas, LLM_TEXT_BYTES_MAX);
    assert_int_equal(llm_reading_new(wire, request, take_delta, fed, &reading), OK);
    while (stream.length && !fed->code) {
        size_t size = piece ? piece : 1 + (size_t)rand_r(&seed) % 97;

        size = size < stream.length ? size : stream.length;
        /* A copy of its own, so that a sanitizer sees a read behind the piece. */
        char *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, stream.data, size);
        fed->code = llm_reading_feed(reading, (struct str){copy, size}, &fed->error);
        free(copy);
        stream = str_slice(stream, size, stream.length);
    }
    if (!fed->code) {
        fed->code = llm_reading_finish(reading, &fed->answer, &fed->error);
    }
    fed->usage = *llm_reading_usage(reading);
    fed->failure = *llm_reading_failure(reading);
    assert_int_equal(buf_status(&fed->deltas), OK);
    llm_reading_free(reading);
}

static void fed_done(struct fed *fed)
{
    llm_answer_done(&fed->answer);
    buf_done(&fed->deltas);
}

static void assert_same_text(struct str a, struct str b)
{
    assert_true(str_equal(a, b));
}

static void assert_same_usage(const struct llm_usage *a, const struct llm_usage *b)
{
    assert_int_equal(a->is_known, b->is_known);
    assert_int_equal(a->input_uncached, b->input_uncached);
    assert_int_equal(a->cache_read, b->cache_read);
    assert_int_equal(a->cache_write_5m, b->cache_write_5m);
    assert_int_equal(a->cache_write_1h, b->cache_write_1h);
    assert_int_equal(a->output, b->output);
    assert_int_equal(a->reasoning, b->reasoning);
}

static void assert_same_answer(const struct llm_answer *a, const struct llm_answer *b)
{
    assert_same_text(a->text, b->text);
    assert_same_text(a->model, b->model);
    assert_same_text(a->response_id, b->response_id);
    assert_int_equal(a->stop, b->stop);
    assert_int_equal(a->call_count, b->call_count);
    for (size_t i = 0; i < a->call_count; i++) {
        assert_same_text(a->calls[i].id, b->calls[i].id);
        assert_same_text(a->calls[i].name, b->calls[i].name);
        assert_same_text(a->calls[i].args, b->calls[i].args);
    }
    assert_same_usage(&a->usage, &b->usage);
}

static void assert_same_result(const struct fed *a, const struct fed *b)
{
    assert_int_equal(a->code, b->code);
    assert_string_equal(a->error.message, b->error.message);
    assert_string_equal(a->failure.message, b->failure.message);
    assert_string_equal(a->failure.type, b->failure.type);
    assert_same_text(buf_str(&a->deltas), buf_str(&b->deltas));
    assert_int_equal(a->delta_count, b->delta_count);
    assert_same_usage(&a->usage, &b->usage);
    assert_same_answer(&a->answer, &b->answer);
}

/* The result of the whole stream; every other way to feed it gives the same. */
static void feed_str(const struct llm_wire *wire, const struct llm_request *request,
                     struct str stream, struct fed *fed)
{
    feed_in_pieces(wire, request, stream, stream.length + 1, 0, fed);
    if (!fed->code) {
        assert_same_text(fed->answer.text, buf_str(&fed->deltas));
    }
    for (unsigned seed = 0; seed <= RANDOM_CUTS; seed++) {
        struct fed cut;

        feed_in_pieces(wire, request, stream, seed ? 0 : 1, seed, &cut);
        assert_same_result(fed, &cut);
        fed_done(&cut);
    }
}

static inline void feed(const struct llm_wire *wire, const struct llm_request *request,
                        const char *stream, struct fed *fed)
{
    feed_str(wire, request, str_from(stream), fed);
}

/* An answer; shows why there is none. */
static inline void feed_well(const struct llm_wire *wire, const struct llm_request *request,
                             const char *stream, struct fed *fed)
{
    feed(wire, request, stream, fed);
    if (fed->code) {
        fail_msg("%s: %s", error_code_name(fed->code), fed->error.message);
    }
}

/* No answer, for a reason whose message has that in it. */
static inline void feed_badly(const struct llm_wire *wire, const struct llm_request *request,
                              const char *stream, int code, const char *in_message)
{
    struct fed fed;

    feed(wire, request, stream, &fed);
    assert_int_equal(fed.code, code);
    if (!strstr(fed.error.message, in_message)) {
        fail_msg("'%s' is not in '%s'", in_message, fed.error.message);
    }
    fed_done(&fed);
}

static inline void assert_usage(const struct llm_usage *usage, uint64_t uncached, uint64_t read,
                                uint64_t write_5m, uint64_t write_1h, uint64_t output,
                                uint64_t reasoning)
{
    struct llm_usage expected = {true, uncached, read, write_5m, write_1h, output, reasoning};

    assert_same_usage(usage, &expected);
}

static inline void assert_unknown(const struct llm_usage *usage)
{
    struct llm_usage expected = {.is_known = false};

    assert_same_usage(usage, &expected);
}

static inline void assert_body(const struct llm_wire *wire, const struct llm_request *request,
                               const char *model, const char *expected)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(buf_done) struct buf out = {.limit = LLM_REQUEST_BYTES_MAX};
    struct json_value root;

    wire->write_body(request, str_from(model), &out);
    assert_int_equal(buf_status(&out), OK);
    assert_string_equal(out.data, expected);
    assert_int_equal(json_parser_new(LLM_REQUEST_BYTES_MAX, &parser), OK);
    assert_int_equal(json_parse(parser, buf_str(&out), &root, NULL), OK);
}

/* A conversation with everything in it: text, two calls of one answer, their results. */
static const struct llm_call talk_calls[] = {
    {{"call_a", 6}, {"spend", 5}, {"{\"by\":\"model\"}", 14}},
    {{"call.b", 6}, {"latency", 7}, {"", 0}},
};
static const struct llm_message talk[] = {
    {.role = LLM_USER, .text = {"Why so \"expensive\"?", 19}},
    {.role = LLM_ASSISTANT, .text = {"I look.", 7}, .calls = talk_calls, .call_count = 2},
    {.role = LLM_RESULT, .text = {"{\"usd\":3}", 9}, .call = {{"call_a", 6}, {"spend", 5}, {0}}},
    {.role = LLM_RESULT, .text = {"{\"ms\":9}", 8}, .call = {{"call.b", 6}, {"latency", 7}, {0}}},
    {.role = LLM_USER, .text = {"Go on\n", 6}},
};
static const struct llm_tool talk_tools[] = {
    {{"spend", 5}, {"What it cost", 12}, {"{\"type\":\"object\"}", 17}},
    {{"latency", 7}, {"", 0}, {"{\"type\":\"object\"}", 17}},
};
static const struct llm_request talk_request = {
    .system = {"Be brief.", 9},
    .messages = talk,
    .message_count = ARRAY_LENGTH(talk),
    .tools = talk_tools,
    .tool_count = ARRAY_LENGTH(talk_tools),
    .output_tokens_max = 500,
};
static const struct llm_request structured_request = {
    .messages = talk,
    .message_count = 1,
    .answer_schema = {"{\"type\":\"object\",\"additionalProperties\":false}", 46},
    .answer_name = {"plan", 4},
    .output_tokens_max = 200,
};

#endif
