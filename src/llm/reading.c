/*
 * What the parts of an answer become while it arrives. A delta is a JSON string of its own event,
 * which the parser has found to be whole characters: nothing needs to be held back before on_text.
 *
 * The first failure is final. Bytes behind the format's end are not looked at, so the result is the
 * same however the stream was cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/reading_state.h"

#include "base/alloc.h"
#include "base/check.h"
#include "llm/wire_parts.h"

#define STREAM_ENDED 1 /* of take_event: not a failure, but nothing more is read */

/* ---- life ---- */

static int take_event(struct str name, struct str data, void *arg, struct error *error);

static size_t count_calls(const struct llm_request *request)
{
    size_t count = 0;

    for (size_t i = 0; i < request->message_count; i++) {
        count += request->messages[i].call_count;
    }
    return count;
}

int llm_reading_new(const struct llm_wire *wire, const struct llm_request *request,
                    llm_text_fn on_text, void *arg, struct llm_reading **ret_reading)
{
    struct llm_reading *reading = alloc_zeroed(1, sizeof(*reading));

    if (!reading) {
        return ERR_NO_MEMORY;
    }
    reading->wire = wire;
    reading->on_text = on_text;
    reading->arg = arg;
    reading->is_structured = wire_wants_json(request);
    reading->ids_made = count_calls(request);
    reading->aside = READING_NO_KEY;
    reading->answer_block = READING_NO_KEY;
    sse_init(&reading->sse, take_event, reading);
    buf_init(&reading->text, LLM_TEXT_BYTES_MAX);
    for (size_t i = 0; i < LLM_CALLS_MAX; i++) {
        buf_init(&reading->calls[i].args, LLM_ARGS_BYTES_MAX);
    }
    if (json_parser_new(SSE_EVENT_BYTES_MAX, &reading->json)) {
        llm_reading_free(reading);
        return ERR_NO_MEMORY;
    }
    *ret_reading = reading;
    return OK;
}

void llm_reading_free(struct llm_reading *reading)
{
    if (!reading) {
        return;
    }
    for (size_t i = 0; i < LLM_CALLS_MAX; i++) {
        buf_done(&reading->calls[i].args);
    }
    buf_done(&reading->text);
    json_parser_free(reading->json);
    sse_done(&reading->sse);
    alloc_free(reading);
}

const struct llm_usage *llm_reading_usage(const struct llm_reading *reading)
{
    return &reading->usage;
}

const struct llm_failure *llm_reading_failure(const struct llm_reading *reading)
{
    return &reading->failure;
}

/* ---- parts, for the wires ---- */

int reading_add_text(struct llm_reading *reading, struct str delta, struct error *error)
{
    if (delta.length == 0) {
        return OK;
    }
    buf_append(&reading->text, delta);
    int code = buf_status(&reading->text);
    if (code == ERR_LIMIT) {
        return error_set(error, code, "the answer is longer than %u bytes", LLM_TEXT_BYTES_MAX);
    }
    if (code) {
        return error_set(error, code, "cannot read the answer: out of memory");
    }
    if (reading->on_text) {
        reading->on_text(delta, reading->arg);
    }
    return OK;
}

struct reading_call *reading_find_call(struct llm_reading *reading, uint64_t key)
{
    for (size_t i = 0; i < reading->call_count; i++) {
        if (reading->calls[i].key == key) {
            return &reading->calls[i];
        }
    }
    return NULL;
}

static int set_name(char *name, struct str value, const char *what, struct error *error)
{
    if (value.length > LLM_NAME_BYTES_MAX) {
        return error_set(error, ERR_LIMIT, "the %s of a call is longer than %u bytes", what,
                         LLM_NAME_BYTES_MAX);
    }
    if (value.length) {
        memcpy(name, value.data, value.length);
        name[value.length] = '\0';
    }
    return OK;
}

int reading_open_call(struct llm_reading *reading, uint64_t key, struct str id, struct str name,
                      struct reading_call **ret_call, struct error *error)
{
    struct reading_call *call = reading_find_call(reading, key);

    if (!call) {
        if (reading->call_count == LLM_CALLS_MAX) {
            return error_set(error, ERR_LIMIT, "the answer calls more than %u tools",
                             LLM_CALLS_MAX);
        }
        call = &reading->calls[reading->call_count++];
        call->key = key;
    }
    int code = set_name(call->id, id, "id", error);
    if (!code) {
        code = set_name(call->name, name, "name", error);
    }
    if (!code) {
        *ret_call = call;
    }
    return code;
}

int reading_add_args(struct reading_call *call, struct str delta, struct error *error)
{
    if (delta.length) {
        buf_append(&call->args, delta);
    }
    int code = buf_status(&call->args);
    if (code == ERR_LIMIT) {
        return error_set(error, code, "the arguments of a call are longer than %u bytes",
                         LLM_ARGS_BYTES_MAX);
    }
    return code ? error_set(error, code, "cannot read a call: out of memory") : OK;
}

static void set_label(char *label, struct str value)
{
    if (value.length && value.length <= LLM_NAME_BYTES_MAX) {
        memcpy(label, value.data, value.length);
        label[value.length] = '\0';
    }
}

void reading_set_model(struct llm_reading *reading, struct str model)
{
    set_label(reading->model, model);
}

void reading_set_response_id(struct llm_reading *reading, struct str id)
{
    set_label(reading->response_id, id);
}

void reading_set_stop(struct llm_reading *reading, enum llm_stop stop)
{
    reading->stop = stop;
    reading->has_stop = true;
}

void reading_end(struct llm_reading *reading)
{
    reading->has_ended = true;
}

static int report_failure(const struct llm_reading *reading, struct error *error)
{
    return error_set(error, ERR_IO, "the provider failed: %s%s%s",
                     reading->failure.message[0] ? reading->failure.message : "it does not say why",
                     reading->failure.type[0] ? ", " : "", reading->failure.type);
}

int reading_fail(struct llm_reading *reading, struct json_value source, struct error *error)
{
    llm_failure_from(source, &reading->failure);
    return report_failure(reading, error);
}

int reading_fail_by_reason(struct llm_reading *reading, struct str reason, struct str message,
                           struct error *error)
{
    llm_failure_clean(message, reading->failure.message, sizeof(reading->failure.message));
    llm_failure_clean(reason, reading->failure.type, sizeof(reading->failure.type));
    return report_failure(reading, error);
}

/* ---- feeding ---- */

static int read_data(struct llm_reading *reading, struct str name, struct str data,
                     struct error *error)
{
    struct json_value root = {NULL, 0};

    if (!str_equal(data, STR("[DONE]"))) {
        struct error detail = {0};
        int code = json_parse(reading->json, data, &root, &detail);

        if (code) {
            return error_set(error, code, "an event of the stream is malformed: %s",
                             detail.message);
        }
    }
    return reading->wire->read_event(reading, name, root, error);
}

static int take_event(struct str name, struct str data, void *arg, struct error *error)
{
    struct llm_reading *reading = arg;
    struct str text = str_trim(data);

    if (text.length == 0) {
        return OK;
    }
    int code = read_data(reading, name, text, error);
    return code ? code : reading->has_ended ? STREAM_ENDED : OK;
}

int llm_reading_feed(struct llm_reading *reading, struct str bytes, struct error *error)
{
    if (reading->status) {
        return error_set(error, reading->status, "the answer was given up before");
    }
    if (reading->has_ended) {
        return OK;
    }
    size_t room = LLM_ANSWER_BYTES_MAX - reading->bytes;
    struct str piece = bytes.length > room ? str_slice(bytes, 0, room) : bytes;
    reading->bytes += piece.length;
    int code = sse_feed(&reading->sse, piece, error);
    if (code == STREAM_ENDED) {
        return OK;
    }
    if (!code && piece.length < bytes.length) {
        code = error_set(error, ERR_LIMIT, "the stream is longer than %zu bytes",
                         LLM_ANSWER_BYTES_MAX);
    }
    reading->status = code;
    return code;
}

/* ---- the end ---- */

static bool is_json(struct llm_reading *reading, struct str text, bool is_object, int *ret_code)
{
    struct json_value root;

    *ret_code = json_parse(reading->json, text, &root, NULL);
    return *ret_code == OK && (!is_object || json_is(root, JSON_OBJECT));
}

static int refuse_part(int code, const char *what, struct error *error)
{
    if (code == ERR_NO_MEMORY) {
        return error_set(error, code, "cannot read the answer: out of memory");
    }
    return error_set(error, ERR_INVALID, "%s", what);
}

static int check_parts(struct llm_reading *reading, struct error *error)
{
    int code = OK;

    if (reading->is_structured && !is_json(reading, buf_str(&reading->text), false, &code)) {
        return refuse_part(code, "the structured answer is no JSON", error);
    }
    for (size_t i = 0; i < reading->call_count; i++) {
        struct reading_call *call = &reading->calls[i];

        if (!call->name[0]) {
            return error_set(error, ERR_INVALID, "a call names no tool");
        }
        if (call->args.length && !is_json(reading, buf_str(&call->args), true, &code)) {
            return refuse_part(code, "the arguments of a call are no JSON object", error);
        }
    }
    return OK;
}

static int check_whole(struct llm_reading *reading, struct error *error)
{
    if (reading->status) {
        return error_set(error, reading->status, "the answer was given up before");
    }
    if (!reading->wire->is_complete(reading)) {
        return error_set(error, ERR_INVALID, "the stream ended before the answer did");
    }
    if (reading->has_refused) {
        reading_set_stop(reading, LLM_STOP_REFUSED);
    }
    if (reading->stop == LLM_STOP_REFUSED || reading->stop == LLM_STOP_LENGTH) {
        reading->call_count = 0; /* perhaps cut: nobody may act on them */
        return OK;
    }
    if (reading->stop == LLM_STOP_END && reading->call_count) {
        reading->stop = LLM_STOP_CALLS;
    }
    if (reading->stop == LLM_STOP_CALLS && !reading->call_count) {
        return error_set(error, ERR_INVALID, "the answer wants tools called and names none");
    }
    return check_parts(reading, error);
}

/* Providers refuse a conversation in which two calls have the same id. */
static bool has_own_id(const struct reading_call *call, const struct llm_answer *answer)
{
    for (size_t i = 0; i + 1 < answer->call_count; i++) {
        if (str_equal(answer->calls[i].id, str_from(call->id))) {
            return false;
        }
    }
    return call->id[0] != '\0';
}

static bool copy_call(struct llm_reading *reading, struct reading_call *call,
                      struct llm_answer *answer)
{
    struct llm_call *copy = &answer->calls[answer->call_count++];

    copy->id = has_own_id(call, answer)
                   ? arena_copy(&answer->arena, str_from(call->id))
                   : arena_printf(&answer->arena, "call_%zu", reading->ids_made++);
    copy->name = arena_copy(&answer->arena, str_from(call->name));
    copy->args = arena_copy(&answer->arena, call->args.length ? buf_str(&call->args) : STR("{}"));
    return copy->id.data && copy->name.data && copy->args.data;
}

static bool copy_answer(struct llm_reading *reading, struct llm_answer *answer)
{
    answer->text = arena_copy(&answer->arena, buf_str(&reading->text));
    answer->model = arena_copy(&answer->arena, str_from(reading->model));
    answer->response_id = arena_copy(&answer->arena, str_from(reading->response_id));
    answer->stop = reading->stop;
    answer->usage = reading->usage;
    for (size_t i = 0; i < reading->call_count; i++) {
        if (!copy_call(reading, &reading->calls[i], answer)) {
            return false;
        }
    }
    return answer->text.data && answer->model.data && answer->response_id.data;
}

int llm_reading_finish(struct llm_reading *reading, struct llm_answer *ret_answer,
                       struct error *error)
{
    struct llm_answer answer;
    int code = check_whole(reading, error);

    if (code) {
        reading->status = code;
        return code;
    }
    llm_answer_init(&answer);
    if (!copy_answer(reading, &answer)) {
        llm_answer_done(&answer);
        return error_set(error, ERR_NO_MEMORY, "cannot keep the answer: out of memory");
    }
    *ret_answer = answer;
    return OK;
}
