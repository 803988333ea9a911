/*
 * An answer's life, and its form in a run's log:
 *
 *     {"text": "…", "calls": [{"id": "…", "name": "…", "args": "{…}"}], "stop": "end",
 *      "model": "…", "response_id": "…",
 *      "usage": {"input_uncached": 1, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0,
 *                "output": 1, "reasoning": 0}}                     usage: null when unknown
 *
 * args is a string, so that what is read back is what was written, byte by byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/message.h"

#include "base/buf.h"
#include "base/error.h"
#include "json/json_read.h"
#include "json/json_write.h"

/* Every text at its limit, with what an arena adds to each. */
#define ANSWER_ARENA_BYTES_MAX                                                                     \
    (LLM_TEXT_BYTES_MAX + LLM_CALLS_MAX * (LLM_ARGS_BYTES_MAX + 2 * LLM_NAME_BYTES_MAX + 64) +     \
     2 * LLM_NAME_BYTES_MAX + 64)
#define ANSWER_JSON_BYTES_MAX ((size_t)2 << 20) /* each byte of a text may be six: \u001f */

static const char *const stop_names[] = {
    [LLM_STOP_END] = "end",
    [LLM_STOP_CALLS] = "calls",
    [LLM_STOP_LENGTH] = "length",
    [LLM_STOP_REFUSED] = "refused",
};

void llm_answer_init(struct llm_answer *answer)
{
    *answer = (struct llm_answer){.stop = LLM_STOP_END};
    arena_init(&answer->arena, ANSWER_ARENA_BYTES_MAX);
}

void llm_answer_done(struct llm_answer *answer)
{
    arena_done(&answer->arena);
    llm_answer_init(answer);
}

const char *llm_stop_name(enum llm_stop stop)
{
    return (size_t)stop < ARRAY_LENGTH(stop_names) ? stop_names[stop] : "unknown";
}

/* The counts by name: one table for both directions. */
struct usage_count {
    const char *name;
    size_t offset;
};

static const struct usage_count usage_counts[] = {
    {"input_uncached", offsetof(struct llm_usage, input_uncached)},
    {"cache_read", offsetof(struct llm_usage, cache_read)},
    {"cache_write_5m", offsetof(struct llm_usage, cache_write_5m)},
    {"cache_write_1h", offsetof(struct llm_usage, cache_write_1h)},
    {"output", offsetof(struct llm_usage, output)},
    {"reasoning", offsetof(struct llm_usage, reasoning)},
};

static uint64_t *count_of(struct llm_usage *usage, const struct usage_count *count)
{
    return (uint64_t *)(void *)((char *)usage + count->offset);
}

/* ---- writing ---- */

static void put_text(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, key);
    json_put_str(w, text);
}

static void put_calls(struct json_writer *w, const struct llm_answer *answer)
{
    json_key(w, "calls");
    json_begin_array(w);
    for (size_t i = 0; i < answer->call_count; i++) {
        json_begin_object(w);
        put_text(w, "id", answer->calls[i].id);
        put_text(w, "name", answer->calls[i].name);
        put_text(w, "args", answer->calls[i].args);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_usage(struct json_writer *w, struct llm_usage usage)
{
    json_key(w, "usage");
    if (!usage.is_known) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    for (size_t i = 0; i < ARRAY_LENGTH(usage_counts); i++) {
        json_key(w, usage_counts[i].name);
        json_put_decimal(w, decimal_of((int128)*count_of(&usage, &usage_counts[i]), 0));
    }
    json_end_object(w);
}

void llm_answer_write(const struct llm_answer *answer, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_object(&w);
    put_text(&w, "text", answer->text);
    put_calls(&w, answer);
    json_key(&w, "stop");
    json_put_text(&w, llm_stop_name(answer->stop));
    put_text(&w, "model", answer->model);
    put_text(&w, "response_id", answer->response_id);
    put_usage(&w, answer->usage);
    json_end_object(&w);
}

/* ---- reading ---- */

static int refuse(const char *member, struct error *error)
{
    return error_set(error, ERR_INVALID, "cannot read a logged answer: its %s is not as written",
                     member);
}

static int read_text(struct json_value object, const char *key, size_t bytes_max,
                     struct arena *arena, struct str *ret_text, struct error *error)
{
    struct str text;

    if (!json_get_str(json_at(object, key), &text)) {
        return refuse(key, error);
    }
    if (text.length > bytes_max) {
        return error_set(error, ERR_LIMIT, "cannot read a logged answer: its %s is longer than %zu",
                         key, bytes_max);
    }
    *ret_text = arena_copy(arena, text);
    return ret_text->data ? OK : error_set(error, ERR_NO_MEMORY, "out of memory");
}

static int read_call(struct json_value value, struct llm_answer *answer, struct error *error)
{
    struct llm_call *call = &answer->calls[answer->call_count];
    struct arena *arena = &answer->arena;

    if (answer->call_count == LLM_CALLS_MAX) {
        return error_set(error, ERR_LIMIT, "cannot read a logged answer: more than %u calls",
                         LLM_CALLS_MAX);
    }
    answer->call_count++;
    int code = read_text(value, "id", LLM_NAME_BYTES_MAX, arena, &call->id, error);
    if (!code) {
        code = read_text(value, "name", LLM_NAME_BYTES_MAX, arena, &call->name, error);
    }
    if (!code) {
        code = read_text(value, "args", LLM_ARGS_BYTES_MAX, arena, &call->args, error);
    }
    return code;
}

static int read_calls(struct json_value calls, struct llm_answer *answer, struct error *error)
{
    int code = json_is(calls, JSON_ARRAY) ? OK : refuse("calls", error);

    for (struct json_iterator it = json_iterate(calls); !code && json_next(&it);) {
        code = read_call(it.value, answer, error);
    }
    return code;
}

static int read_stop(struct json_value value, enum llm_stop *ret_stop, struct error *error)
{
    struct str name;

    if (json_get_str(value, &name)) {
        for (size_t i = 0; i < ARRAY_LENGTH(stop_names); i++) {
            if (str_equal(name, str_from(stop_names[i]))) {
                *ret_stop = (enum llm_stop)i;
                return OK;
            }
        }
    }
    return refuse("stop", error);
}

static int read_usage(struct json_value value, struct llm_usage *ret_usage, struct error *error)
{
    struct llm_usage usage = {.is_known = true};

    if (json_is(value, JSON_NULL)) {
        *ret_usage = (struct llm_usage){.is_known = false};
        return OK;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(usage_counts); i++) {
        if (!json_get_u64(json_at(value, usage_counts[i].name),
                          count_of(&usage, &usage_counts[i]))) {
            return refuse("usage", error);
        }
    }
    *ret_usage = usage;
    return OK;
}

static int read_members(struct json_value root, struct llm_answer *answer, struct error *error)
{
    struct arena *arena = &answer->arena;
    int code = read_text(root, "text", LLM_TEXT_BYTES_MAX, arena, &answer->text, error);

    if (!code) {
        code = read_calls(json_at(root, "calls"), answer, error);
    }
    if (!code) {
        code = read_stop(json_at(root, "stop"), &answer->stop, error);
    }
    if (!code) {
        code = read_text(root, "model", LLM_NAME_BYTES_MAX, arena, &answer->model, error);
    }
    if (!code) {
        code =
            read_text(root, "response_id", LLM_NAME_BYTES_MAX, arena, &answer->response_id, error);
    }
    return code ? code : read_usage(json_at(root, "usage"), &answer->usage, error);
}

/* The parser is free for it once every member was copied. */
static int check_args(struct json_parser *parser, const struct llm_answer *answer,
                      struct error *error)
{
    for (size_t i = 0; i < answer->call_count; i++) {
        struct json_value root;
        int code = json_parse(parser, answer->calls[i].args, &root, NULL);

        if (code == ERR_NO_MEMORY) {
            return error_set(error, code, "cannot read a logged answer: out of memory");
        }
        if (code || !json_is(root, JSON_OBJECT)) {
            return refuse("args", error);
        }
    }
    return OK;
}

int llm_answer_read(struct str json, struct llm_answer *ret_answer, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;
    struct llm_answer answer;

    if (json_parser_new(ANSWER_JSON_BYTES_MAX, &parser)) {
        return error_set(error, ERR_NO_MEMORY, "cannot read a logged answer: out of memory");
    }
    int code = json_parse(parser, json, &root, error);
    if (code) {
        return code;
    }
    llm_answer_init(&answer);
    code = read_members(root, &answer, error);
    if (!code) {
        code = check_args(parser, &answer, error);
    }
    if (code) {
        llm_answer_done(&answer);
        return code;
    }
    *ret_answer = answer;
    return OK;
}
