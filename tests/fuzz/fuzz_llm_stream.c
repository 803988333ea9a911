/*
 * A stream of any bytes, whole and in pieces, gives the same answer or the same failure; an answer
 * keeps its limits and survives being logged. The first byte picks the wire (two bits) and whether
 * the answer must be JSON (the next); the rest is the stream, and a failed request's body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "llm/reading.h"
#include "json/json_read.h"

#define STREAM_BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fed {
    int code;
    struct error error;
    struct llm_answer answer;
    struct llm_usage usage;
    struct llm_failure failure;
    struct buf deltas;
};

static void take_delta(struct str delta, void *arg)
{
    struct fed *fed = arg;

    check(delta.length > 0 && str_is_utf8(delta));
    buf_append(&fed->deltas, delta);
}

static void feed(const struct llm_wire *wire, const struct llm_request *request, struct str bytes,
                 size_t piece, struct fed *fed)
{
    struct llm_reading *reading = NULL;

    *fed = (struct fed){0};
    llm_answer_init(&fed->answer);
    buf_init(&fed->deltas, LLM_TEXT_BYTES_MAX);
    fed->code = llm_reading_new(wire, request, take_delta, fed, &reading);
    check(fed->code == OK);
    while (bytes.length && !fed->code) {
        size_t some = piece < bytes.length ? piece : bytes.length;

        fed->code = llm_reading_feed(reading, str_slice(bytes, 0, some), &fed->error);
        bytes = str_slice(bytes, some, bytes.length);
    }
    if (!fed->code) {
        fed->code = llm_reading_finish(reading, &fed->answer, &fed->error);
    }
    fed->usage = *llm_reading_usage(reading);
    fed->failure = *llm_reading_failure(reading);
    llm_reading_free(reading);
    check(buf_status(&fed->deltas) == OK);
    check(fed->code == OK || fed->error.message[0]);
}

static void fed_done(struct fed *fed)
{
    llm_answer_done(&fed->answer);
    buf_done(&fed->deltas);
}

static void check_same_usage(const struct llm_usage *a, const struct llm_usage *b)
{
    check_cmp(a->is_known, ==, b->is_known);
    check_cmp(a->input_uncached, ==, b->input_uncached);
    check_cmp(a->cache_read, ==, b->cache_read);
    check_cmp(a->cache_write_5m, ==, b->cache_write_5m);
    check_cmp(a->cache_write_1h, ==, b->cache_write_1h);
    check_cmp(a->output, ==, b->output);
    check_cmp(a->reasoning, ==, b->reasoning);
}

static void check_same_answer(const struct llm_answer *a, const struct llm_answer *b)
{
    check(str_equal(a->text, b->text));
    check(str_equal(a->model, b->model));
    check(str_equal(a->response_id, b->response_id));
    check_cmp(a->stop, ==, b->stop);
    check_cmp(a->call_count, ==, b->call_count);
    for (size_t i = 0; i < a->call_count; i++) {
        check(str_equal(a->calls[i].id, b->calls[i].id));
        check(str_equal(a->calls[i].name, b->calls[i].name));
        check(str_equal(a->calls[i].args, b->calls[i].args));
    }
    check_same_usage(&a->usage, &b->usage);
}

static void check_same(const struct fed *a, const struct fed *b)
{
    check_cmp(a->code, ==, b->code);
    check(str_equal(str_from(a->error.message), str_from(b->error.message)));
    check(str_equal(str_from(a->failure.message), str_from(b->failure.message)));
    check(str_equal(str_from(a->failure.type), str_from(b->failure.type)));
    check(str_equal(buf_str(&a->deltas), buf_str(&b->deltas)));
    check_same_usage(&a->usage, &b->usage);
    check_same_answer(&a->answer, &b->answer);
}

static void check_json(struct str text, bool is_object)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;

    check(json_parser_new(STREAM_BYTES_MAX, &parser) == OK);
    check(json_parse(parser, text, &root, NULL) == OK);
    check(!is_object || json_is(root, JSON_OBJECT));
}

static void check_answer(const struct llm_request *request, const struct fed *fed)
{
    const struct llm_answer *answer = &fed->answer;
    cleanup(buf_done) struct buf log = {.limit = SIZE_MAX};
    struct llm_answer again;
    struct error error;

    check(str_equal(answer->text, buf_str(&fed->deltas)));
    check(answer->usage.reasoning <= answer->usage.output);
    check((answer->stop == LLM_STOP_CALLS) <= (answer->call_count > 0));
    for (size_t i = 0; i < answer->call_count; i++) {
        check(answer->calls[i].id.length && answer->calls[i].name.length);
        check_json(answer->calls[i].args, true);
    }
    if (request->answer_schema.length && answer->stop == LLM_STOP_END) {
        check_json(answer->text, false);
    }
    llm_answer_write(answer, &log);
    int code = llm_answer_read(buf_str(&log), &again, &error);
    check_cmp(code, ==, OK);
    check_same_answer(answer, &again);
    llm_answer_done(&again);
}

static void check_failure(const struct llm_failure *failure)
{
    check(str_is_utf8(str_from(failure->message)));
    check(str_is_utf8(str_from(failure->type)));
    for (size_t i = 0; failure->message[i]; i++) {
        check((unsigned char)failure->message[i] >= ' ' && failure->message[i] != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct llm_wire *const wires[] = {
        &llm_wire_openai_responses, &llm_wire_openai_chat, &llm_wire_anthropic, &llm_wire_gemini};
    struct llm_failure failure;
    struct fed whole;
    struct fed cut;

    if (size == 0 || size > STREAM_BYTES_MAX) {
        return 0;
    }
    const struct llm_wire *wire = wires[data[0] & 3];
    struct llm_request request = {.answer_schema = data[0] & 4 ? STR("{}") : STR("")};
    struct str stream = {(const char *)data + 1, size - 1};
    feed(wire, &request, stream, size, &whole);
    feed(wire, &request, stream, 1 + size % 61, &cut);
    check_same(&whole, &cut);
    check_failure(&whole.failure);
    if (!whole.code) {
        check_answer(&request, &whole);
    }
    fed_done(&whole);
    fed_done(&cut);
    llm_failure_read(stream, &failure);
    check_failure(&failure);
    return 0;
}
