/*
 * Chat completions, OpenAI's and those of the many servers that speak like it:
 * POST {url}/chat/completions, Authorization: Bearer {key}.
 *
 * Body: {model, messages, stream: true, stream_options: {include_usage: true},
 * max_completion_tokens, tools, response_format}. max_tokens is not sent: OpenAI's newer models
 * refuse it. Messages:
 *
 *     {role: "system" | "user", content: text}
 *     {role: "assistant", content: text or null, tool_calls: [{id, type: "function",
 *      function: {name, arguments: JSON as a string}}]}
 *     {role: "tool", tool_call_id, content: text}
 *
 * Events have no name; each datum is a chunk:
 *
 *     {id, model, choices: [{index, delta, finish_reason}], usage}
 *     delta.content                text; null or missing in between
 *     delta.refusal                the model will not answer; what it says is left out
 *     delta.tool_calls[]           {index, id, function: {name, arguments}}: id and name come
 * first, then arguments in fragments, by index finish_reason                "stop", "length",
 * "tool_calls", "content_filter"; null before usage                        on the last chunk, whose
 * choices are empty (OpenAI) or not (others); null on the chunks before it {error: {message, code}}
 * instead of a chunk: the provider failed half-way [DONE]                       the end
 *
 * The answer is whole with its finish_reason; [DONE] alone counts too. Some servers leave one of
 * them out. Others leave out the index of a call, or give each call the index 0: an id with a name
 * that is not the call's begins another one. reasoning_content and whatever else is ignored.
 *
 * usage: {prompt_tokens, prompt_tokens_details: {cached_tokens, cache_write_tokens},
 * completion_tokens, completion_tokens_details: {reasoning_tokens}, total_tokens}; DeepSeek's
 * prompt_cache_hit_tokens are cached ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/wire_parts.h"

static void write_path(struct str model, struct buf *out)
{
    (void)model;
    buf_append(out, STR("/chat/completions"));
}

/* ---- body ---- */

static void put_text_message(struct json_writer *w, const char *role, struct str text)
{
    json_begin_object(w);
    json_key(w, "role");
    json_put_text(w, role);
    json_key(w, "content");
    json_put_str(w, text);
    json_end_object(w);
}

static void put_call(struct json_writer *w, const struct llm_call *call)
{
    json_begin_object(w);
    json_key(w, "id");
    json_put_str(w, call->id);
    json_key(w, "type");
    json_put_text(w, "function");
    json_key(w, "function");
    json_begin_object(w);
    json_key(w, "name");
    json_put_str(w, call->name);
    json_key(w, "arguments");
    json_put_str(w, wire_args_of(call));
    json_end_object(w);
    json_end_object(w);
}

static void put_assistant(struct json_writer *w, const struct llm_message *message)
{
    if (message->call_count == 0) {
        if (message->text.length) {
            put_text_message(w, "assistant", message->text);
        }
        return;
    }
    json_begin_object(w);
    json_key(w, "role");
    json_put_text(w, "assistant");
    json_key(w, "content");
    if (message->text.length) {
        json_put_str(w, message->text);
    } else {
        json_put_null(w);
    }
    json_key(w, "tool_calls");
    json_begin_array(w);
    for (size_t i = 0; i < message->call_count; i++) {
        put_call(w, &message->calls[i]);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_result(struct json_writer *w, const struct llm_message *message)
{
    json_begin_object(w);
    json_key(w, "role");
    json_put_text(w, "tool");
    json_key(w, "tool_call_id");
    json_put_str(w, message->call.id);
    json_key(w, "content");
    json_put_str(w, message->text);
    json_end_object(w);
}

static void put_messages(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "messages");
    json_begin_array(w);
    if (request->system.length) {
        put_text_message(w, "system", request->system);
    }
    for (size_t i = 0; i < request->message_count; i++) {
        const struct llm_message *message = &request->messages[i];

        if (message->role == LLM_USER) {
            put_text_message(w, "user", message->text);
        } else if (message->role == LLM_ASSISTANT) {
            put_assistant(w, message);
        } else {
            put_result(w, message);
        }
    }
    json_end_array(w);
}

static void put_tools(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "tools");
    json_begin_array(w);
    for (size_t i = 0; i < request->tool_count; i++) {
        json_begin_object(w);
        json_key(w, "type");
        json_put_text(w, "function");
        json_key(w, "function");
        json_begin_object(w);
        json_key(w, "name");
        json_put_str(w, request->tools[i].name);
        wire_put_text(w, "description", request->tools[i].description);
        wire_put_object(w, "parameters", request->tools[i].schema);
        json_end_object(w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_format(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "response_format");
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "json_schema");
    json_key(w, "json_schema");
    json_begin_object(w);
    json_key(w, "name");
    json_put_str(w, request->answer_name);
    wire_put_object(w, "schema", request->answer_schema);
    json_key(w, "strict");
    json_put_bool(w, true);
    json_end_object(w);
    json_end_object(w);
}

static void write_body(const struct llm_request *request, struct str model, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_object(&w);
    json_key(&w, "model");
    json_put_str(&w, model);
    put_messages(&w, request);
    if (wire_wants_json(request)) {
        put_format(&w, request);
    } else if (request->tool_count) {
        put_tools(&w, request);
    }
    if (request->output_tokens_max) {
        json_key(&w, "max_completion_tokens");
        json_put_i64(&w, request->output_tokens_max);
    }
    json_key(&w, "stream");
    json_put_bool(&w, true);
    json_key(&w, "stream_options");
    json_put_raw(&w, STR("{\"include_usage\":true}"));
    json_end_object(&w);
}

/* ---- events ---- */

/* Another call than the one that has the index: see above. */
static bool is_another(const struct reading_call *call, struct str id, struct str name)
{
    return call && call->id[0] && id.length && name.length;
}

/* The fragment's key: that of the call with its id, else its index, else the last call's. */
static uint64_t key_of(struct llm_reading *reading, struct json_value fragment, struct str id,
                       struct str name)
{
    uint64_t last = 0;
    uint64_t free = 0;

    for (size_t i = 0; i < reading->call_count; i++) {
        struct reading_call *call = &reading->calls[i];

        if (id.length && str_equal(id, str_from(call->id))) {
            return call->key;
        }
        last = call->key;
        free = call->key < free ? free : call->key + 1;
    }
    uint64_t key = wire_index_at(fragment, "index", last);
    return is_another(reading_find_call(reading, key), id, name) ? free : key;
}

static int read_call(struct llm_reading *reading, struct json_value fragment, struct error *error)
{
    struct json_value function = json_at(fragment, "function");
    struct str id = wire_text_at(fragment, "id");
    struct str name = wire_text_at(function, "name");
    struct reading_call *call;
    int code =
        reading_open_call(reading, key_of(reading, fragment, id, name), id, name, &call, error);

    return code ? code : reading_add_args(call, wire_text_at(function, "arguments"), error);
}

static int read_delta(struct llm_reading *reading, struct json_value delta, struct error *error)
{
    int code = reading_add_text(reading, wire_text_at(delta, "content"), error);

    if (wire_text_at(delta, "refusal").length) {
        reading->has_refused = true;
    }
    for (struct json_iterator it = json_iterate(json_at(delta, "tool_calls"));
         !code && json_next(&it);) {
        code = read_call(reading, it.value, error);
    }
    return code;
}

static int read_reason(struct llm_reading *reading, struct json_value choice, struct error *error)
{
    static const struct wire_stop reasons[] = {
        {"stop", LLM_STOP_END},
        {"tool_calls", LLM_STOP_CALLS},
        {"length", LLM_STOP_LENGTH},
        {"content_filter", LLM_STOP_REFUSED},
        {"function_call", LLM_STOP_CALLS},
        {"eos", LLM_STOP_END}, /* from here on not OpenAI's */
        {"eos_token", LLM_STOP_END},
        {"end_turn", LLM_STOP_END},
        {"stop_sequence", LLM_STOP_END},
        {"max_tokens", LLM_STOP_LENGTH},
        {"model_length", LLM_STOP_LENGTH},
    };
    enum llm_stop stop;
    struct str reason = wire_text_at(choice, "finish_reason");

    if (reason.length == 0) {
        return OK;
    }
    if (wire_find_stop(reasons, ARRAY_LENGTH(reasons), reason, &stop)) {
        reading_set_stop(reading, stop);
        return OK;
    }
    return reading_fail_by_reason(reading, reason, STR("the answer broke off"), error);
}

static void read_usage(struct llm_reading *reading, struct json_value chunk)
{
    static const struct wire_usage_names names = {
        .input = "prompt_tokens",
        .input_details = "prompt_tokens_details",
        .output = "completion_tokens",
        .output_details = "completion_tokens_details",
    };

    wire_read_openai_usage(reading, json_at(chunk, "usage"), &names);
}

static int read_chunk(struct llm_reading *reading, struct json_value chunk, struct error *error)
{
    struct json_iterator choices = json_iterate(json_at(chunk, "choices"));

    reading_set_response_id(reading, wire_text_at(chunk, "id"));
    reading_set_model(reading, wire_text_at(chunk, "model"));
    read_usage(reading, chunk);
    if (!json_next(&choices)) {
        return OK;
    }
    int code = read_delta(reading, json_at(choices.value, "delta"), error);
    return code ? code : read_reason(reading, choices.value, error);
}

static int read_event(struct llm_reading *reading, struct str name, struct json_value data,
                      struct error *error)
{
    enum json_type failure = json_type(json_at(data, "error"));

    (void)name;
    if (json_is(data, JSON_MISSING)) {
        reading_end(reading);
        return OK;
    }
    if (!json_is(data, JSON_OBJECT)) {
        return error_set(error, ERR_INVALID, "an event of the stream is no JSON object");
    }
    if (failure == JSON_OBJECT || failure == JSON_STRING) {
        read_usage(reading, data);
        return reading_fail(reading, data, error);
    }
    return read_chunk(reading, data, error);
}

static bool is_complete(const struct llm_reading *reading)
{
    return reading->has_stop || reading->has_ended;
}

const struct llm_wire llm_wire_openai_chat = {
    .name = "openai_chat",
    .write_path = write_path,
    .write_key = wire_write_bearer,
    .headers = {{"Accept", "text/event-stream"}},
    .write_body = write_body,
    .read_event = read_event,
    .is_complete = is_complete,
};
