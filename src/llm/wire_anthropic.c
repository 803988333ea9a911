/*
 * Anthropic's Messages API: POST {url}/v1/messages, x-api-key: {key}, anthropic-version.
 *
 * Body: {model, max_tokens, system, messages, tools, tool_choice, stream: true}. A message is
 * {role: "user" | "assistant", content: [block …]}:
 *
 *     {type: "text", text}                           never empty: an empty one is refused
 *     {type: "tool_use", id, name, input: object}    of the assistant
 *     {type: "tool_result", tool_use_id, content}    of the user; the results of one answer's calls
 *                                                    must come in one message, so neighbours of the
 *                                                    same role are put together
 *
 * A structured answer is a forced tool: tools: [{name, input_schema}], tool_choice: {type: "tool",
 * name, disable_parallel_tool_use}; its input is the answer. Models of generation 5 refuse to be
 * forced (while they think, which is their default, or ever); they are asked with output_config:
 * {format: {type: "json_schema", schema}}, which older ones do not know, and answer in text. Either
 * form is read, whichever was asked for.
 *
 * Events; each datum's type is the event's name again:
 *
 *     message_start           message: {id, model, usage}
 *     content_block_start     index, content_block: {type: "text", text} or {type: "tool_use", id,
 *                             name, input: {}}
 *     content_block_delta     index, delta: {type: "text_delta", text} or {type:
 *                             "input_json_delta", partial_json}; fragments that join to an object,
 *                             or to nothing where the tool takes no arguments
 *     content_block_stop      index
 *     message_delta           delta: {stop_reason}, usage: counts so far, not what is new
 *     message_stop            the end
 *     ping                    nothing
 *     error                   error: {type: "overloaded_error" …, message}
 *
 * Thinking (thinking_delta, signature_delta) and everything unknown is ignored.
 *
 * usage: {input_tokens, cache_read_input_tokens, cache_creation_input_tokens, cache_creation:
 * {ephemeral_5m_input_tokens, ephemeral_1h_input_tokens}, output_tokens, output_tokens_details:
 * {thinking_tokens}}. input_tokens are those beside the cache; cache_creation_input_tokens are the
 * two of cache_creation together. Of an answer that breaks off, output_tokens is message_start's: a
 * few.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/wire_parts.h"

/* max_tokens must be there. */
#define OUTPUT_TOKENS_DEFAULT 4096

static void write_path(struct str model, struct buf *out)
{
    (void)model;
    buf_append(out, STR("/v1/messages"));
}

static const char *write_key(struct str key, struct buf *out)
{
    if (key.length == 0) {
        return NULL;
    }
    buf_append(out, key);
    return "x-api-key";
}

/* ---- body ---- */

static void put_text(struct json_writer *w, struct str text)
{
    if (text.length) {
        json_begin_object(w);
        json_key(w, "type");
        json_put_text(w, "text");
        json_key(w, "text");
        json_put_str(w, text);
        json_end_object(w);
    }
}

/* An id may have letters, digits, _ and - only; ids of other providers have more. */
static void put_id(struct json_writer *w, const char *key, struct str id)
{
    char text[LLM_NAME_BYTES_MAX];
    size_t length = id.length < sizeof(text) ? id.length : sizeof(text);

    for (size_t i = 0; i < length; i++) {
        char c = id.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '_' || c == '-';

        text[i] = is_plain ? c : '_';
    }
    json_key(w, key);
    json_put_str(w, (struct str){text, length});
}

static void put_call(struct json_writer *w, const struct llm_call *call)
{
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "tool_use");
    put_id(w, "id", call->id);
    json_key(w, "name");
    json_put_str(w, call->name);
    wire_put_object(w, "input", call->args);
    json_end_object(w);
}

static void put_result(struct json_writer *w, const struct llm_message *message)
{
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "tool_result");
    put_id(w, "tool_use_id", message->call.id);
    json_key(w, "content");
    json_put_str(w, message->text);
    json_end_object(w);
}

static void put_blocks(struct json_writer *w, const struct llm_message *message)
{
    if (message->role == LLM_RESULT) {
        put_result(w, message);
        return;
    }
    put_text(w, message->text);
    for (size_t i = 0; i < message->call_count; i++) {
        put_call(w, &message->calls[i]);
    }
}

static void put_messages(struct json_writer *w, const struct llm_request *request)
{
    static const struct wire_turns turns = {
        .list = "messages", .assistant = "assistant", .parts = "content", .put_parts = put_blocks};

    wire_put_turns(w, request, &turns);
}

static void put_tool(struct json_writer *w, struct str name, struct str description,
                     struct str schema)
{
    json_begin_object(w);
    json_key(w, "name");
    json_put_str(w, name);
    wire_put_text(w, "description", description);
    wire_put_object(w, "input_schema", schema);
    json_end_object(w);
}

static void put_tools(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "tools");
    json_begin_array(w);
    for (size_t i = 0; i < request->tool_count; i++) {
        put_tool(w, request->tools[i].name, request->tools[i].description,
                 request->tools[i].schema);
    }
    json_end_array(w);
}

static bool refuses_to_be_forced(struct str model)
{
    static const char *const families[] = {"claude-fable-", "claude-mythos-", "claude-opus-5",
                                           "claude-sonnet-5", "claude-haiku-5"};

    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        if (str_starts_with(model, str_from(families[i]))) {
            return true;
        }
    }
    return false;
}

static void put_forced_tool(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "tools");
    json_begin_array(w);
    put_tool(w, request->answer_name, (struct str){NULL, 0}, request->answer_schema);
    json_end_array(w);
    json_key(w, "tool_choice");
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "tool");
    json_key(w, "name");
    json_put_str(w, request->answer_name);
    json_key(w, "disable_parallel_tool_use");
    json_put_bool(w, true);
    json_end_object(w);
}

static void put_format(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "output_config");
    json_begin_object(w);
    json_key(w, "format");
    json_begin_object(w);
    json_key(w, "type");
    json_put_text(w, "json_schema");
    wire_put_object(w, "schema", request->answer_schema);
    json_end_object(w);
    json_end_object(w);
}

static void write_body(const struct llm_request *request, struct str model, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_object(&w);
    json_key(&w, "model");
    json_put_str(&w, model);
    json_key(&w, "max_tokens");
    json_put_i64(&w,
                 request->output_tokens_max ? request->output_tokens_max : OUTPUT_TOKENS_DEFAULT);
    wire_put_text(&w, "system", request->system);
    put_messages(&w, request);
    if (!wire_wants_json(request)) {
        if (request->tool_count) {
            put_tools(&w, request);
        }
    } else if (refuses_to_be_forced(model)) {
        put_format(&w, request);
    } else {
        put_forced_tool(&w, request);
    }
    json_key(&w, "stream");
    json_put_bool(&w, true);
    json_end_object(&w);
}

/* ---- events ---- */

static bool read_counts(struct json_value usage, struct reading_counts *counts)
{
    struct json_value split = json_at(usage, "cache_creation");

    return wire_count_at(usage, "input_tokens", &counts->input) &&
           wire_count_at(usage, "cache_read_input_tokens", &counts->read) &&
           wire_count_at(usage, "cache_creation_input_tokens", &counts->written) &&
           wire_count_at(split, "ephemeral_5m_input_tokens", &counts->written_5m) &&
           wire_count_at(split, "ephemeral_1h_input_tokens", &counts->written_1h) &&
           wire_count_at(usage, "output_tokens", &counts->output) &&
           wire_count_at(json_at(usage, "output_tokens_details"), "thinking_tokens",
                         &counts->reasoning);
}

/* What was written and is in neither part of the split was written for five minutes. */
static uint64_t written_5m(const struct reading_counts *counts)
{
    uint64_t split = counts->written_5m + counts->written_1h;

    return counts->written_5m + (counts->written > split ? counts->written - split : 0);
}

static void read_usage(struct llm_reading *reading, struct json_value usage, bool is_first)
{
    struct reading_counts *counts = &reading->counts;

    if (!json_is(usage, JSON_OBJECT)) {
        return;
    }
    bool is_begun =
        is_first ? json_is(json_at(usage, "input_tokens"), JSON_INTEGER)
                 : reading->usage.is_known || json_is(json_at(usage, "input_tokens"), JSON_INTEGER);
    if (!read_counts(usage, counts) || !is_begun || counts->reasoning > counts->output) {
        reading->usage = (struct llm_usage){.is_known = false};
        return;
    }
    reading->usage = (struct llm_usage){.is_known = true,
                                        .input_uncached = counts->input,
                                        .cache_read = counts->read,
                                        .cache_write_5m = written_5m(counts),
                                        .cache_write_1h = counts->written_1h,
                                        .output = counts->output,
                                        .reasoning = counts->reasoning};
}

static int read_message_start(struct llm_reading *reading, struct json_value data,
                              struct error *error)
{
    struct json_value message = json_at(data, "message");

    (void)error;
    reading_set_response_id(reading, wire_text_at(message, "id"));
    reading_set_model(reading, wire_text_at(message, "model"));
    read_usage(reading, json_at(message, "usage"), true);
    return OK;
}

static uint64_t block_of(struct json_value data)
{
    return wire_index_at(data, "index", 0);
}

static int read_block_start(struct llm_reading *reading, struct json_value data,
                            struct error *error)
{
    struct json_value block = json_at(data, "content_block");
    struct reading_call *call;

    if (!str_equal(wire_text_at(block, "type"), STR("tool_use"))) {
        return reading_add_text(reading, wire_text_at(block, "text"), error);
    }
    if (reading->is_structured) {
        reading->answer_block = block_of(data);
        return OK;
    }
    return reading_open_call(reading, block_of(data), wire_text_at(block, "id"),
                             wire_text_at(block, "name"), &call, error);
}

static int read_input(struct llm_reading *reading, struct json_value data, struct str piece,
                      struct error *error)
{
    struct reading_call *call = reading_find_call(reading, block_of(data));

    if (reading->is_structured && block_of(data) == reading->answer_block) {
        return reading_add_text(reading, piece, error);
    }
    return call ? reading_add_args(call, piece, error) : OK; /* of a block that is ignored */
}

static int read_block_delta(struct llm_reading *reading, struct json_value data,
                            struct error *error)
{
    struct json_value delta = json_at(data, "delta");
    struct str type = wire_text_at(delta, "type");

    if (str_equal(type, STR("text_delta"))) {
        return reading_add_text(reading, wire_text_at(delta, "text"), error);
    }
    if (str_equal(type, STR("input_json_delta"))) {
        return read_input(reading, data, wire_text_at(delta, "partial_json"), error);
    }
    return OK;
}

static int read_reason(struct llm_reading *reading, struct str reason, struct error *error)
{
    static const struct wire_stop reasons[] = {
        {"end_turn", LLM_STOP_END},      {"tool_use", LLM_STOP_CALLS},
        {"max_tokens", LLM_STOP_LENGTH}, {"model_context_window_exceeded", LLM_STOP_LENGTH},
        {"stop_sequence", LLM_STOP_END}, {"refusal", LLM_STOP_REFUSED},
        {"pause_turn", LLM_STOP_LENGTH}, /* to be continued, which nobody does here */
    };
    enum llm_stop stop;

    if (reason.length == 0) {
        return OK;
    }
    if (wire_find_stop(reasons, ARRAY_LENGTH(reasons), reason, &stop)) {
        bool is_forced = reading->is_structured && stop == LLM_STOP_CALLS;

        reading_set_stop(reading, is_forced ? LLM_STOP_END : stop);
        return OK;
    }
    return reading_fail_by_reason(reading, reason, STR("the answer broke off"), error);
}

static int read_message_delta(struct llm_reading *reading, struct json_value data,
                              struct error *error)
{
    read_usage(reading, json_at(data, "usage"), false);
    return read_reason(reading, wire_text_at(json_at(data, "delta"), "stop_reason"), error);
}

static int read_message_stop(struct llm_reading *reading, struct json_value data,
                             struct error *error)
{
    (void)data;
    (void)error;
    reading_end(reading);
    return OK;
}

static int read_event(struct llm_reading *reading, struct str name, struct json_value data,
                      struct error *error)
{
    static const struct {
        const char *type;
        int (*read)(struct llm_reading *reading, struct json_value data, struct error *error);
    } events[] = {
        {"content_block_delta", read_block_delta}, {"content_block_start", read_block_start},
        {"message_start", read_message_start},     {"message_delta", read_message_delta},
        {"message_stop", read_message_stop},       {"error", reading_fail},
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

const struct llm_wire llm_wire_anthropic = {
    .name = "anthropic",
    .write_path = write_path,
    .write_key = write_key,
    .headers = {{"anthropic-version", "2023-06-01"}, {"Accept", "text/event-stream"}},
    .write_body = write_body,
    .read_event = read_event,
    .is_complete = is_complete,
};
