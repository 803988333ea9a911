/*
 * Gemini's API: POST {url}/models/{model}:streamGenerateContent?alt=sse, x-goog-api-key: {key}.
 * {url} ends with the version: …/v1beta.
 *
 * Body: {systemInstruction: {parts: [{text}]}, contents, tools: [{functionDeclarations: [{name,
 * description, parametersJsonSchema}]}], generationConfig: {maxOutputTokens, responseMimeType,
 * responseJsonSchema}}. A content is {role: "user" | "model", parts: [part …]}:
 *
 *     {text}
 *     {functionCall: {id, name, args: object}, thoughtSignature}         of the model
 *     {functionResponse: {id, name, response: {output: text}}}          of the user; those of one
 *                                answer's calls in one content, so neighbours are put together
 *
 * Gemini 3 refuses calls that come back without the signature of the thought that led to them. It
 * is not kept (it may be long, and calls of other providers have none); Google documents a text in
 * its place that switches the examination off. Only the first call of an answer has one.
 *
 * Events have no name; each datum is a piece of the answer, of the form of the whole:
 *
 *     responseId, modelVersion
 *     candidates[0].content.parts[]       {text}, {text, thought: true}: ignored,
 *                                         {functionCall: {id, name, args}}: whole, the id may be
 *                                         missing
 *     candidates[0].finishReason          on the last piece: "STOP" (also of calls), "MAX_TOKENS",
 *                                         "SAFETY" and other filters, "MALFORMED_FUNCTION_CALL" …
 *     candidates[0].finishMessage         a sentence about it
 *     promptFeedback.blockReason          the question was refused: no candidates come
 *     usageMetadata                       on every piece, counts so far
 *     error                               {code, message, status}: it failed half-way
 *
 * usageMetadata: {promptTokenCount, cachedContentTokenCount (a part of it), toolUsePromptTokenCount
 * (beside it), candidatesTokenCount, thoughtsTokenCount (beside it), totalTokenCount}. Counts that
 * are 0 are left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "llm/wire_parts.h"

#define SIGNATURE_SKIP "skip_thought_signature_validator"

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Google's own lists name models with the folder before them. */
static void write_path(struct str model, struct buf *out)
{
    struct str folder = STR("models/");

    if (str_starts_with(model, folder)) {
        model = str_slice(model, folder.length, model.length);
    }
    buf_append(out, STR("/models/"));
    for (size_t i = 0; i < model.length; i++) {
        if (is_unreserved(model.data[i])) {
            buf_append_char(out, model.data[i]);
        } else {
            buf_printf(out, "%%%02X", (unsigned char)model.data[i]);
        }
    }
    buf_append(out, STR(":streamGenerateContent?alt=sse"));
}

static const char *write_key(struct str key, struct buf *out)
{
    if (key.length == 0) {
        return NULL;
    }
    buf_append(out, key);
    return "x-goog-api-key";
}

/* ---- body ---- */

static void put_text(struct json_writer *w, struct str text)
{
    if (text.length) {
        json_begin_object(w);
        wire_put_text(w, "text", text);
        json_end_object(w);
    }
}

static void put_call(struct json_writer *w, const struct llm_call *call, bool is_first)
{
    json_begin_object(w);
    json_key(w, "functionCall");
    json_begin_object(w);
    wire_put_text(w, "id", call->id);
    json_key(w, "name");
    json_put_str(w, call->name);
    wire_put_object(w, "args", call->args);
    json_end_object(w);
    if (is_first) {
        json_key(w, "thoughtSignature");
        json_put_text(w, SIGNATURE_SKIP);
    }
    json_end_object(w);
}

static void put_result(struct json_writer *w, const struct llm_message *message)
{
    json_begin_object(w);
    json_key(w, "functionResponse");
    json_begin_object(w);
    wire_put_text(w, "id", message->call.id);
    json_key(w, "name");
    json_put_str(w, message->call.name);
    json_key(w, "response");
    json_begin_object(w);
    json_key(w, "output");
    json_put_str(w, message->text);
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

static void put_parts(struct json_writer *w, const struct llm_message *message)
{
    if (message->role == LLM_RESULT) {
        put_result(w, message);
        return;
    }
    put_text(w, message->text);
    for (size_t i = 0; i < message->call_count; i++) {
        put_call(w, &message->calls[i], i == 0);
    }
}

static void put_contents(struct json_writer *w, const struct llm_request *request)
{
    static const struct wire_turns turns = {
        .list = "contents", .assistant = "model", .parts = "parts", .put_parts = put_parts};

    wire_put_turns(w, request, &turns);
}

static void put_tools(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "tools");
    json_begin_array(w);
    json_begin_object(w);
    json_key(w, "functionDeclarations");
    json_begin_array(w);
    for (size_t i = 0; i < request->tool_count; i++) {
        json_begin_object(w);
        json_key(w, "name");
        json_put_str(w, request->tools[i].name);
        wire_put_text(w, "description", request->tools[i].description);
        wire_put_object(w, "parametersJsonSchema", request->tools[i].schema);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
    json_end_array(w);
}

static void put_config(struct json_writer *w, const struct llm_request *request)
{
    json_key(w, "generationConfig");
    json_begin_object(w);
    if (request->output_tokens_max) {
        json_key(w, "maxOutputTokens");
        json_put_i64(w, request->output_tokens_max);
    }
    if (wire_wants_json(request)) {
        json_key(w, "responseMimeType");
        json_put_text(w, "application/json");
        wire_put_object(w, "responseJsonSchema", request->answer_schema);
    }
    json_end_object(w);
}

static void write_body(const struct llm_request *request, struct str model, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    (void)model; /* is in the path */
    json_begin_object(&w);
    if (request->system.length) {
        json_key(&w, "systemInstruction");
        json_begin_object(&w);
        json_key(&w, "parts");
        json_begin_array(&w);
        put_text(&w, request->system);
        json_end_array(&w);
        json_end_object(&w);
    }
    put_contents(&w, request);
    if (request->tool_count && !wire_wants_json(request)) {
        put_tools(&w, request);
    }
    put_config(&w, request);
    json_end_object(&w);
}

/* ---- events ---- */

static int read_call(struct llm_reading *reading, struct json_value function, struct error *error)
{
    struct json_value args = json_at(function, "args");
    struct reading_call *call;
    int code = reading_open_call(reading, reading->call_count, wire_text_at(function, "id"),
                                 wire_text_at(function, "name"), &call, error);

    if (code || json_is(args, JSON_MISSING)) {
        return code;
    }
    code = wire_print_value(args, &call->args);
    return code ? error_set(error, code, "the arguments of a call cannot be kept: %s",
                            error_code_text(code))
                : OK;
}

static int read_part(struct llm_reading *reading, struct json_value part, struct error *error)
{
    struct json_value function = json_at(part, "functionCall");
    bool is_thought = false;

    if (json_is(function, JSON_OBJECT)) {
        return read_call(reading, function, error);
    }
    (void)json_get_bool(json_at(part, "thought"), &is_thought);
    return is_thought ? OK : reading_add_text(reading, wire_text_at(part, "text"), error);
}

static int read_reason(struct llm_reading *reading, struct json_value candidate,
                       struct error *error)
{
    static const struct wire_stop reasons[] = {
        {"STOP", LLM_STOP_END},
        {"MAX_TOKENS", LLM_STOP_LENGTH},
        {"CONTINUATION", LLM_STOP_LENGTH},
        {"SAFETY", LLM_STOP_REFUSED},
        {"RECITATION", LLM_STOP_REFUSED},
        {"LANGUAGE", LLM_STOP_REFUSED},
        {"BLOCKLIST", LLM_STOP_REFUSED},
        {"PROHIBITED_CONTENT", LLM_STOP_REFUSED},
        {"SPII", LLM_STOP_REFUSED},
        {"IMAGE_SAFETY", LLM_STOP_REFUSED},
    };
    enum llm_stop stop;
    struct str reason = wire_text_at(candidate, "finishReason");

    if (reason.length == 0) {
        return OK;
    }
    if (wire_find_stop(reasons, ARRAY_LENGTH(reasons), reason, &stop)) {
        reading_set_stop(reading, stop);
        return OK;
    }
    struct str message = wire_text_at(candidate, "finishMessage");
    return reading_fail_by_reason(reading, reason,
                                  message.length ? message : STR("the answer broke off"), error);
}

static int read_candidate(struct llm_reading *reading, struct json_value candidate,
                          struct error *error)
{
    struct json_value parts = json_at(json_at(candidate, "content"), "parts");
    int code = OK;

    for (struct json_iterator it = json_iterate(parts); !code && json_next(&it);) {
        code = read_part(reading, it.value, error);
    }
    return code ? code : read_reason(reading, candidate, error);
}

static void read_usage(struct llm_reading *reading, struct json_value usage)
{
    struct wire_inclusive_counts counts = {0};
    uint64_t answer = 0;
    uint64_t tools = 0;

    if (!json_is(usage, JSON_OBJECT)) {
        return;
    }
    bool is_known = json_is(json_at(usage, "promptTokenCount"), JSON_INTEGER) &&
                    wire_count_at(usage, "promptTokenCount", &counts.input) &&
                    wire_count_at(usage, "cachedContentTokenCount", &counts.cache_read) &&
                    wire_count_at(usage, "toolUsePromptTokenCount", &tools) &&
                    wire_count_at(usage, "candidatesTokenCount", &answer) &&
                    wire_count_at(usage, "thoughtsTokenCount", &counts.reasoning);
    if (counts.cache_read > counts.input) {
        is_known = false; /* whatever tools added */
    }
    counts.input += tools;
    counts.output = answer + counts.reasoning;
    reading->usage = is_known ? wire_usage_of(&counts) : (struct llm_usage){.is_known = false};
}

static int read_event(struct llm_reading *reading, struct str name, struct json_value data,
                      struct error *error)
{
    struct json_iterator candidates = json_iterate(json_at(data, "candidates"));

    (void)name;
    if (json_is(data, JSON_MISSING)) {
        return OK;
    }
    if (!json_is(data, JSON_OBJECT)) {
        return error_set(error, ERR_INVALID, "an event of the stream is no JSON object");
    }
    reading_set_response_id(reading, wire_text_at(data, "responseId"));
    reading_set_model(reading, wire_text_at(data, "modelVersion"));
    read_usage(reading, json_at(data, "usageMetadata"));
    if (json_is(json_at(data, "error"), JSON_OBJECT)) {
        return reading_fail(reading, data, error);
    }
    if (wire_text_at(json_at(data, "promptFeedback"), "blockReason").length) {
        reading_set_stop(reading, LLM_STOP_REFUSED);
        return OK;
    }
    return json_next(&candidates) ? read_candidate(reading, candidates.value, error) : OK;
}

static bool is_complete(const struct llm_reading *reading)
{
    return reading->has_stop;
}

const struct llm_wire llm_wire_gemini = {
    .name = "gemini",
    .write_path = write_path,
    .write_key = write_key,
    .headers = {{"Accept", "text/event-stream"}},
    .write_body = write_body,
    .read_event = read_event,
    .is_complete = is_complete,
};
