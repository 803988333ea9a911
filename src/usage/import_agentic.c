/*
 * Agentic traces: conversations with their requests, one conversation a line, or one as a document.
 *
 *     {"id": "trace_0001", "block_size": 64, "requests": [
 *        {"t": 19.0, "type": "s", "model": …, "in": 72762, "out": 296, "stop": "tool_use",
 *         "hash_ids": [[1,1136]], "api_time": 9.19, "ttft": 1.2},
 *        {"t": 134.2, "type": "subagent", "agent_id": "agent_001", "subagent_type": "Explore",
 *         "requests": […]} ],
 *      "totals": {"combined_tokens": {"input": …, "output": …}}}
 *
 * t is in seconds: of a request from the start of its conversation, of a sub-agent's request from
 * the sub-agent's t. hash_ids are ids or [start, length] runs of blocks from the start of the
 * prompt, local to the conversation; "in" counts the whole prompt, and nothing is known of what was
 * cached. Type "s" is streamed. A sub-agent has a prompt of its own, so its own cache scope:
 * conversation/agent_id#n, n being its place among the conversation's sub-agents.
 *
 * Rows are requests, numbered from 1 in the order of the file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "usage/importer.h"
#include "usage/lines.h"

#define SUBAGENT_DEPTH_MAX 8
#define SECONDS_MAX        1e11 /* of an offset: 3,000 years */
#define SCOPE_BYTES_MAX    200u

struct agentic_import {
    struct usage_import *import;
    struct error *error; /* of the current call */
    struct json_parser *parser;
    struct lines lines;
    struct buf document;
    uint64_t request_count; /* so far, rejected ones included */
    uint64_t conversation_count;
    uint64_t mismatch_count; /* conversations whose totals are not the sums */
    char mismatch_id[64];    /* the first of them */
    bool mismatch_is_input;
    uint64_t mismatch_said;
    uint64_t mismatch_summed;
};

struct conversation {
    struct str id;
    uint64_t block_size; /* 0: not given */
    uint64_t sum_in;
    uint64_t sum_out;
    unsigned subagent_count;
};

/* Where in a conversation requests stand. */
struct place {
    struct str scope;
    struct str agent;
    int64_t base_us;
    int depth;
};

/* The members of one element of a requests list. */
struct request {
    struct json_value in;
    struct json_value out;
    struct json_value blocks;
    struct json_value requests;
    double t;
    double api_time;
    double ttft;
    struct str type;
    struct str model;
    struct str stop;
    struct str agent_id;
    struct str subagent_type;
};

static int report_columns(struct usage_import *import)
{
    static const struct {
        enum field field;
        struct str name;
    } columns[] = {
        {FIELD_SESSION, {"id", 2}},      {FIELD_TIME, {"t", 1}},
        {FIELD_MODEL, {"model", 5}},     {FIELD_INPUT, {"in", 2}},
        {FIELD_OUTPUT, {"out", 3}},      {FIELD_STOP_REASON, {"stop", 4}},
        {FIELD_STREAMED, {"type", 4}},   {FIELD_LATENCY, {"api_time", 8}},
        {FIELD_TTFT, {"ttft", 4}},       {FIELD_AGENT, {"subagent_type", 13}},
        {FIELD_BLOCKS, {"hash_ids", 8}}, {FIELD_BLOCK_SIZE, {"block_size", 10}},
    };
    int code = OK;

    for (size_t i = 0; i < ARRAY_LENGTH(columns) && !code; i++) {
        code = import->mapped_fields & field_bit(columns[i].field)
                   ? OK
                   : importer_report_column(
                         import,
                         (struct import_column){.field = str_from(field_name(columns[i].field)),
                                                .column = columns[i].name});
    }
    return code;
}

static int agentic_begin(struct usage_import *import, struct error *error)
{
    struct agentic_import *state = alloc_zeroed(1, sizeof(*state));

    if (!state) {
        return error_set(error, ERR_NO_MEMORY, "cannot read the trace: out of memory");
    }
    state->import = import;
    import->state = state;
    lines_init(&state->lines, IMPORT_LINE_BYTES_MAX);
    buf_init(&state->document, IMPORT_DOCUMENT_BYTES_MAX);
    int code = json_parser_new(IMPORT_DOCUMENT_BYTES_MAX, &state->parser);
    if (!code) {
        code = importer_resolve_maps(import, NULL, 0, error);
    }
    import->reader.seen |= field_bit(FIELD_MODEL) | field_bit(FIELD_TIME);
    import->reader.time = ROW_TIME_RELATIVE;
    import->reader.relative_unit = UNIT_S;
    return code ? code : report_columns(import);
}

static void agentic_free(void *arg)
{
    struct agentic_import *state = arg;

    if (state) {
        json_parser_free(state->parser);
        lines_done(&state->lines);
        buf_done(&state->document);
        alloc_free(state);
    }
}

static bool key_is(struct str key, const char *name, size_t length)
{
    return key.length == length && memcmp(key.data, name, length) == 0;
}
#define KEY_IS(key, literal) key_is(key, literal, sizeof(literal) - 1)

static void read_short_member(struct str key, struct json_value value, struct request *request)
{
    if (KEY_IS(key, "t")) {
        (void)json_get_double(value, &request->t);
    } else if (KEY_IS(key, "in")) {
        request->in = value;
    } else if (KEY_IS(key, "out")) {
        request->out = value;
    } else if (KEY_IS(key, "type")) {
        (void)json_get_str(value, &request->type);
    } else if (KEY_IS(key, "stop")) {
        (void)json_get_str(value, &request->stop);
    } else if (KEY_IS(key, "ttft")) {
        (void)json_get_double(value, &request->ttft);
    } else if (KEY_IS(key, "model")) {
        (void)json_get_str(value, &request->model);
    }
}

static void read_long_member(struct str key, struct json_value value, struct request *request)
{
    if (KEY_IS(key, "hash_ids")) {
        request->blocks = value;
    } else if (KEY_IS(key, "api_time")) {
        (void)json_get_double(value, &request->api_time);
    } else if (KEY_IS(key, "requests")) {
        request->requests = value;
    } else if (KEY_IS(key, "agent_id")) {
        (void)json_get_str(value, &request->agent_id);
    } else if (KEY_IS(key, "subagent_type")) {
        (void)json_get_str(value, &request->subagent_type);
    }
}

static struct request read_members(struct json_value object)
{
    struct request request = {.t = NAN, .api_time = NAN, .ttft = NAN};

    for (struct json_iterator it = json_iterate(object); json_next(&it);) {
        if (it.key.length <= 5) {
            read_short_member(it.key, it.value, &request);
        } else {
            read_long_member(it.key, it.value, &request);
        }
    }
    return request;
}

static bool seconds_to_us(double seconds, int64_t *ret_us)
{
    if (!(seconds >= 0 && seconds < SECONDS_MAX)) {
        return false;
    }
    *ret_us = llround(seconds * 1e6);
    return true;
}

static bool seconds_to_ms(double seconds, uint64_t *ret_ms)
{
    if (!(seconds >= 0 && seconds * 1000 < UINT32_MAX)) {
        return false;
    }
    *ret_ms = (uint64_t)llround(seconds * 1000);
    return true;
}

static void reject(struct agentic_import *state, const struct conversation *conversation,
                   const char *what)
{
    char reason[160];

    (void)snprintf(reason, sizeof(reason), "a request of %.*s: %s",
                   STR_ARGS(cell_cut(conversation->id, 48)), what);
    importer_reject(state->import, state->request_count, reason);
}

static bool read_count(struct json_value value, uint64_t *ret_count)
{
    return json_get_u64(value, ret_count) && *ret_count <= USAGE_TOKENS_MAX;
}

static int read_blocks(struct agentic_import *state, const struct conversation *conversation,
                       const struct request *request, struct usage_record *record)
{
    struct blocks *blocks = &state->import->reader.blocks;

    if (!request->blocks.document) {
        return OK;
    }
    int code = blocks_read_json(blocks, request->blocks);
    if (code) {
        return code;
    }
    if (conversation->block_size == 0) {
        state->import->reader.default_block_size_rows++;
    }
    record->block_size =
        conversation->block_size ? (uint32_t)conversation->block_size : ROW_BLOCK_SIZE_DEFAULT;
    record->runs = blocks->runs;
    record->run_count = blocks->run_count;
    record->present |= USAGE_HAS_BLOCKS;
    return OK;
}

static void put_texts(struct agentic_import *state, const struct conversation *conversation,
                      const struct place *place, const struct request *request,
                      struct usage_record *record)
{
    record->names[USAGE_MODEL] = cell_cut(request->model, USAGE_NAME_BYTES_MAX);
    record->names[USAGE_AGENT] = place->agent;
    record->names[USAGE_STOP_REASON] = cell_cut(request->stop, USAGE_NAME_BYTES_MAX);
    record->names[USAGE_SOURCE] = state->import->reader.source;
    record->ids[USAGE_SESSION] = conversation->id;
    record->ids[USAGE_CACHE_SCOPE] = place->scope;
    if (conversation->id.length) {
        record->present |= USAGE_HAS_SESSION;
    }
    if (KEY_IS(request->type, "s") || KEY_IS(request->type, "n")) {
        record->present |= USAGE_HAS_STREAMED;
        record->streamed = request->type.data[0] == 's';
    }
}

static int take_request(struct agentic_import *state, struct conversation *conversation,
                        const struct place *place, const struct request *request)
{
    struct usage_record record = {.present = USAGE_HAS_TIME};
    int64_t offset_us;

    state->request_count++;
    state->import->report.rows_read++;
    if (!read_count(request->in, &record.input_uncached) ||
        !read_count(request->out, &record.output)) {
        reject(state, conversation, "in or out is not a count of tokens");
        return OK;
    }
    if (!seconds_to_us(request->t, &offset_us)) {
        reject(state, conversation, "t is not a number of seconds");
        return OK;
    }
    record.time_us = place->base_us + offset_us;
    record.present |= USAGE_HAS_INPUT | USAGE_HAS_OUTPUT;
    if (seconds_to_ms(request->api_time, &record.latency_ms)) {
        record.present |= USAGE_HAS_LATENCY;
    }
    if (seconds_to_ms(request->ttft, &record.ttft_ms)) {
        record.present |= USAGE_HAS_TTFT;
    }
    int code = read_blocks(state, conversation, request, &record);
    if (code == ERR_INVALID || code == ERR_LIMIT) {
        reject(state, conversation, "hash_ids is not a list of block ids");
        return OK;
    }
    if (code) {
        return code;
    }
    put_texts(state, conversation, place, request, &record);
    row_apply_constants(&state->import->reader, &record);
    conversation->sum_in += record.input_uncached;
    conversation->sum_out += record.output;
    state->import->reader.inclusive_rows++;
    return importer_append(state->import, &record, state->request_count, state->error);
}

static int take_requests(struct agentic_import *state, struct conversation *conversation,
                         const struct place *place, struct json_value list);

static int take_subagent(struct agentic_import *state, struct conversation *conversation,
                         const struct place *place, const struct request *request)
{
    char scope[SCOPE_BYTES_MAX + 32];
    int64_t offset_us;

    if (place->depth == SUBAGENT_DEPTH_MAX || !seconds_to_us(request->t, &offset_us)) {
        state->request_count++;
        state->import->report.rows_read++;
        reject(state, conversation, "a sub-agent without t, or nested too deep");
        return OK;
    }
    struct str id = cell_cut(conversation->id, SCOPE_BYTES_MAX / 2);
    struct str agent = cell_cut(request->agent_id, SCOPE_BYTES_MAX / 2);
    int length = snprintf(scope, sizeof(scope), "%.*s/%.*s#%u", STR_ARGS(id), STR_ARGS(agent),
                          ++conversation->subagent_count);
    struct place inside = {
        .scope = {scope, (size_t)length},
        .agent = cell_cut(request->subagent_type, USAGE_NAME_BYTES_MAX),
        .base_us = place->base_us + offset_us,
        .depth = place->depth + 1,
    };
    return take_requests(state, conversation, &inside, request->requests);
}

static int take_requests(struct agentic_import *state, struct conversation *conversation,
                         const struct place *place, struct json_value list)
{
    int code = OK;

    for (struct json_iterator it = json_iterate(list); !code && json_next(&it);) {
        struct request request = read_members(it.value);

        code = json_is(request.requests, JSON_ARRAY)
                   ? take_subagent(state, conversation, place, &request)
                   : take_request(state, conversation, place, &request);
    }
    return code;
}

/* Remembers the first conversation whose own totals are not what its requests sum up to. */
static void check_total(struct agentic_import *state, const struct conversation *conversation,
                        struct json_value totals)
{
    struct json_value combined = json_at(totals, "combined_tokens");
    uint64_t input;
    uint64_t output;

    if (!json_get_u64(json_at(combined, "input"), &input) ||
        !json_get_u64(json_at(combined, "output"), &output) ||
        (input == conversation->sum_in && output == conversation->sum_out)) {
        return;
    }
    if (state->mismatch_count++ == 0) {
        bool is_input = input != conversation->sum_in;

        (void)snprintf(state->mismatch_id, sizeof(state->mismatch_id), "%.*s",
                       STR_ARGS(cell_cut(conversation->id, sizeof(state->mismatch_id) - 1)));
        state->mismatch_is_input = is_input;
        state->mismatch_said = is_input ? input : output;
        state->mismatch_summed = is_input ? conversation->sum_in : conversation->sum_out;
    }
}

static int take_conversation(struct agentic_import *state, struct json_value root, uint64_t line)
{
    struct conversation conversation = {.id = {"", 0}};
    struct json_value list = json_at(root, "requests");
    char reason[96];

    if (!json_is(list, JSON_ARRAY)) {
        (void)snprintf(reason, sizeof(reason), "line %" PRIu64 " is no conversation with requests",
                       line);
        state->import->report.rows_read++;
        importer_reject(state->import, line, reason);
        return OK;
    }
    (void)json_get_str(json_at(root, "id"), &conversation.id);
    conversation.id = cell_cut(conversation.id, USAGE_NAME_BYTES_MAX);
    (void)json_get_u64(json_at(root, "block_size"), &conversation.block_size);
    if (conversation.block_size > UINT16_MAX) {
        conversation.block_size = 0;
    }
    state->conversation_count++;
    struct place place = {.scope = conversation.id, .agent = {"", 0}};
    int code = take_requests(state, &conversation, &place, list);
    if (!code) {
        check_total(state, &conversation, json_at(root, "totals"));
    }
    return code;
}

static int take_line(const struct line *line, void *arg)
{
    struct agentic_import *state = arg;
    struct json_value root = {0};
    struct error why = {0};
    int code = OK;

    if (line->is_too_long) {
        (void)error_set(&why, ERR_INVALID, "longer than %zu bytes", IMPORT_LINE_BYTES_MAX);
    } else if (str_trim(line->text).length == 0) {
        return OK;
    } else {
        code = json_parse(state->parser, line->text, &root, &why);
    }
    if (code == ERR_NO_MEMORY) {
        return code;
    }
    if (why.code) {
        char reason[160];

        (void)snprintf(reason, sizeof(reason), "line %" PRIu64 ": %.100s", line->number,
                       why.message);
        if (line->is_last_open && !line->is_too_long) {
            importer_note(state->import, "The last line is cut off; it was not read.");
        }
        state->import->report.rows_read++;
        importer_reject(state->import, line->number, reason);
        return OK;
    }
    return take_conversation(state, root, line->number);
}

static int conclude(struct agentic_import *state)
{
    if (state->mismatch_count) {
        importer_note(state->import,
                      "The totals of %" PRIu64 " of %" PRIu64
                      " conversations are not the sums of their requests; the first is %s: "
                      "%s %" PRIu64 " said, %" PRIu64 " summed.",
                      state->mismatch_count, state->conversation_count, state->mismatch_id,
                      state->mismatch_is_input ? "input" : "output", state->mismatch_said,
                      state->mismatch_summed);
    }
    importer_note(state->import, "What the provider's cache read and wrote is not in an agentic "
                                 "trace; input counts whole prompts.");
    return OK;
}

static int lines_feed_trace(struct usage_import *import, struct str text, struct error *error)
{
    struct agentic_import *state = import->state;

    state->error = error;
    return lines_feed(&state->lines, text, take_line, state);
}

static int lines_finish_trace(struct usage_import *import, struct error *error)
{
    struct agentic_import *state = import->state;

    state->error = error;
    int code = lines_finish(&state->lines, take_line, state);
    return code ? code : conclude(state);
}

static int document_feed(struct usage_import *import, struct str text, struct error *error)
{
    struct agentic_import *state = import->state;

    buf_append(&state->document, text);
    if (buf_status(&state->document) == ERR_LIMIT) {
        (void)error_set(error, ERR_LIMIT, "the JSON document is larger than %zu MiB",
                        IMPORT_DOCUMENT_BYTES_MAX >> 20);
        error_hint(error, "Write one conversation a line.");
    }
    return buf_status(&state->document);
}

static int document_finish(struct usage_import *import, struct error *error)
{
    struct agentic_import *state = import->state;
    struct json_value root;

    state->error = error;
    int code = json_parse(state->parser, buf_str(&state->document), &root, error);
    if (!code) {
        code = take_conversation(state, root, 1);
    }
    return code ? code : conclude(state);
}

const struct import_ops import_agentic = {
    .format = IMPORT_AGENTIC,
    .name = "agentic trace",
    .begin = agentic_begin,
    .feed = lines_feed_trace,
    .finish = lines_finish_trace,
    .free = agentic_free,
};

const struct import_ops import_agentic_document = {
    .format = IMPORT_AGENTIC,
    .name = "agentic trace",
    .begin = agentic_begin,
    .feed = document_feed,
    .finish = document_finish,
    .free = agentic_free,
};
