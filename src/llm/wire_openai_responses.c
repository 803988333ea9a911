/*
 * OpenAI's Responses API: POST {url}/responses, Authorization: Bearer {key}.
 *
 * Body: {model, instructions, input: [item …], stream: true, store: false, max_output_tokens,
 * tools, text.format}. Items:
 *
 *     {role: "user" | "assistant", content: text}
 *     {type: "function_call", call_id, name, arguments: JSON as a string}
 *     {type: "function_call_output", call_id, output: text}
 *
 * A call is sent back without its item's own id: with it, the reasoning item before it would be
 * asked for, which is not kept. Tools say strict: false, as their arguments may be optional; where
 * strict is missing the API takes it for true.
 *
 * Events; each datum has a type (the event's name again) and a sequence_number:
 *
 *     response.created, .in_progress          response: {id, model}
 *     response.output_item.added              output_index, item: {type: "function_call", call_id,
 *                                             name} or {type: "message", phase}
 *     response.output_text.delta              output_index, delta
 *     response.refusal.delta                  the model will not answer; what it says is left out
 *     response.function_call_arguments.delta  output_index, delta
 *     response.function_call_arguments.done   output_index, arguments: all of them; taken where no
 *                                             delta came
 *     response.completed                      the end. response: {usage}
 *     response.incomplete                     the end. response: {usage, incomplete_details:
 *                                             {reason: "max_output_tokens" | "content_filter"}}
 *     response.failed                         response: {error: {code, message}, usage}
 *     error                                   code, message; at times within an object error
 *
 * Others (content parts, reasoning, annotations, …) are ignored, and so is a message of the phase
 * "commentary": what a model says before its final answer.
 *
 * usage: {input_tokens, input_tokens_details: {cached_tokens, cache_write_tokens}, output_tokens,
 * output_tokens_details: {reasoning_tokens}, total_tokens}; the details are parts of the whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/wire_parts.h"

static void write_path(struct str model, struct buf *out)
{
    (void)model;
    buf_append(out, STR("/responses"));
}

/* ---- body ---- */

static void put_message(struct json_writer *w, const char *role, struct str text)
{
    if (text.length) {
        json_begin_object(w);
        json_key(w, "role");
        json_put_text(w, role);
        wire_put_text(w, "content", text);
        json_end_object(w);
    }
}

static void put_call(struct json_writer *w, const struct llm_call *call)
{
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "function_call");
    json_key(w, "call_id");
    json_put_str(w, call->id);
    json_key(w, "name");
    json_put_str(w, call->name);
    json_key(w, "arguments");
    json_put_str(w, wire_args_of(call));
    json_end_object(w);
}

static void put_result(struct json_writer *w, const struct llm_message *message)
{
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "function_call_output");
    json_key(w, "call_id");
    json_put_str(w, message->call.id);
    json_key(w, "output");
    json_put_str(w, message->text);
    json_end_object(w);
}

static void put_input(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "input");
    json_begin_array(w);
    for (size_t i = 0; i < request->message_count; i++) {
        const struct llm_message *message = &request->messages[i];

        if (message->role == LLM_RESULT) {
            put_result(w, message);
            continue;
        }
        put_message(w, message->role == LLM_USER ? "user" : "assistant", message->text);
        for (size_t c = 0; c < message->call_count; c++) {
            put_call(w, &message->calls[c]);
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
        json_key(w, "name");
        json_put_str(w, request->tools[i].name);
        wire_put_text(w, "description", request->tools[i].description);
        wire_put_object(w, "parameters", request->tools[i].schema);
        json_key(w, "strict");
        json_put_bool(w, false);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_format(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "text");
    json_begin_object(w);
    json_key(w, "format");
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "json_schema");
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
    wire_put_text(&w, "instructions", request->system);
    put_input(&w, request);
    if (wire_wants_json(request)) {
        put_format(&w, request);
    } else if (request->tool_count) {
        put_tools(&w, request);
    }
    if (request->output_tokens_max) {
        json_key(&w, "max_output_tokens");
        json_put_i64(&w, request->output_tokens_max);
    }
    json_key(&w, "stream");
    json_put_bool(&w, true);
    json_key(&w, "store");
    json_put_bool(&w, false);
    json_end_object(&w);
}

/* ---- events ---- */

static uint64_t key_of(struct json_value data)
{
    return wire_index_at(data, "output_index", 0);
}

static int read_start(struct llm_reading *reading, struct json_value data, struct error *error)
{
    struct json_value response = json_at(data, "response");

    (void)error;
    reading_set_response_id(reading, wire_text_at(response, "id"));
    reading_set_model(reading, wire_text_at(response, "model"));
    return OK;
}

static int read_item(struct llm_reading *reading, struct json_value data, struct error *error)
{
    struct json_value item = json_at(data, "item");
    struct reading_call *call;

    if (str_equal(wire_text_at(item, "type"), STR("function_call"))) {
        return reading_open_call(reading, key_of(data), wire_text_at(item, "call_id"),
                                 wire_text_at(item, "name"), &call, error);
    }
    if (str_equal(wire_text_at(item, "phase"), STR("commentary"))) {
        reading->aside = key_of(data);
    }
    return OK;
}

static int read_text(struct llm_reading *reading, struct json_value data, struct error *error)
{
    if (key_of(data) == reading->aside) {
        return OK;
    }
    return reading_add_text(reading, wire_text_at(data, "delta"), error);
}

static int read_refusal(struct llm_reading *reading, struct json_value data, struct error *error)
{
    (void)data;
    (void)error;
    reading->has_refused = true;
    return OK;
}

static int read_args(struct llm_reading *reading, struct json_value data, struct error *error)
{
    struct reading_call *call = reading_find_call(reading, key_of(data));

    if (!call) {
        return error_set(error, ERR_INVALID, "arguments came for a call that was not begun");
    }
    return reading_add_args(call, wire_text_at(data, "delta"), error);
}

static int read_all_args(struct llm_reading *reading, struct json_value data, struct error *error)
{
    struct reading_call *call = reading_find_call(reading, key_of(data));

    if (!call || call->args.length) {
        return OK;
    }
    return reading_add_args(call, wire_text_at(data, "arguments"), error);
}

static void read_usage(struct llm_reading *reading, struct json_value response)
{
    static const struct wire_usage_names names = {
        .input = "input_tokens",
        .input_details = "input_tokens_details",
        .output = "output_tokens",
        .output_details = "output_tokens_details",
    };

    wire_read_openai_usage(reading, json_at(response, "usage"), &names);
}

static int read_completed(struct llm_reading *reading, struct json_value data, struct error *error)
{
    (void)read_start(reading, data, error);
    read_usage(reading, json_at(data, "response"));
    reading_set_stop(reading, LLM_STOP_END);
    reading_end(reading);
    return OK;
}

static int read_incomplete(struct llm_reading *reading, struct json_value data, struct error *error)
{
    struct json_value details = json_at(json_at(data, "response"), "incomplete_details");
    bool is_filtered = str_equal(wire_text_at(details, "reason"), STR("content_filter"));
    int code = read_completed(reading, data, error);

    reading_set_stop(reading, is_filtered ? LLM_STOP_REFUSED : LLM_STOP_LENGTH);
    return code;
}

static int read_failed(struct llm_reading *reading, struct json_value data, struct error *error)
{
    read_usage(reading, json_at(data, "response"));
    return reading_fail(reading, json_at(data, "response"), error);
}

static int read_event(struct llm_reading *reading, struct str name, struct json_value data,
                      struct error *error)
{
    static const struct {
        const char *type;
        int (*read)(struct llm_reading *reading, struct json_value data, struct error *error);
    } events[] = {
        {"response.output_text.delta", read_text},
        {"response.function_call_arguments.delta", read_args},
        {"response.function_call_arguments.done", read_all_args},
        {"response.refusal.delta", read_refusal},
        {"response.output_item.added", read_item},
        {"response.created", read_start},
        {"response.completed", read_completed},
        {"response.incomplete", read_incomplete},
        {"response.failed", read_failed},
        {"error", reading_fail},
    };
    struct str type = wire_event_type(name, data);

    for (size_t i = 0; i < ARRAY_LENGTH(events); i++) {
        if (str_equal(type, str_from(events[i].type))) {
            return events[i].read(reading, data, error);
        }
    }
    return OK;
}

static bool is_complete(const struct llm_reading *reading)
{
    return reading->has_ended;
}

const struct llm_wire llm_wire_openai_responses = {
    .name = "openai_responses",
    .write_path = write_path,
    .write_key = wire_write_bearer,
    .headers = {{"Accept", "text/event-stream"}},
    .write_body = write_body,
    .read_event = read_event,
    .is_complete = is_complete,
};
