/*
 * One function per kind of event. Lengths are counted in bytes as they are written, escapes
 * included, so that a text of control characters is cut as early as it must be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_events.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/decimal.h"
#include "report/template.h"

#define PROMPT_BYTES_MAX         ((size_t)192 << 10)
#define INTERPRETATION_BYTES_MAX ((size_t)128 << 10)
#define ECHO_BYTES_MAX           ((size_t)64 << 10)
#define ARGS_BYTES_MAX           ((size_t)64 << 10)
#define ARGS_BEGIN_BYTES_MAX     ((size_t)2 << 10)
#define LINE_BYTES_MAX           ((size_t)3 << 10) /* of a summary: RUN_SUMMARY_LINES_MAX times */
#define LABEL_BYTES_MAX          ((size_t)200)
#define CONTENT_BYTES_MAX        ((size_t)16 << 10) /* of a tool's result */
#define MESSAGE_BYTES_MAX        ((size_t)4 << 10)
#define ID_BYTES                 128
#define FACTS_SHOWN              5u
#define EVENT_TEXT_BYTES_MAX     (RUN_EVENT_BYTES_MAX - RUN_EVENT_SEQ_BYTES_MAX)

/* ---- texts ---- */

/* Bytes of the character at *at as JSON; *at moves behind it. */
static size_t escaped_next(struct str text, size_t *at)
{
    unsigned char c = (unsigned char)text.data[(*at)++];

    if (c < 0x80) {
        bool is_plain = c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
        return is_plain ? 1 : 6;
    }
    size_t bytes = 3; /* a byte that is no UTF-8 becomes U+FFFD */
    while (*at < text.length && ((unsigned char)text.data[*at] & 0xc0) == 0x80) {
        (*at)++;
        bytes += 3;
    }
    return bytes;
}

/* The longest beginning that takes at most bytes_max as JSON, up to a character. */
static struct str cut(struct str text, size_t bytes_max)
{
    size_t taken = 0;
    size_t at = 0;

    while (at < text.length) {
        size_t next = at;

        taken += escaped_next(text, &next);
        if (taken > bytes_max) {
            break;
        }
        at = next;
    }
    return str_slice(text, 0, at);
}

static void put_cut(struct json_writer *w, struct str text, size_t bytes_max)
{
    struct str head = cut(text, bytes_max);
    struct buf marked;

    if (head.length == text.length) {
        json_put_str(w, text);
        return;
    }
    buf_init(&marked, head.length + 16);
    buf_append(&marked, head);
    buf_append(&marked, STR("… (cut)"));
    json_put_str(w, buf_str(&marked));
    if (buf_status(&marked) && !w->out->status) {
        w->out->status = buf_status(&marked);
    }
    buf_done(&marked);
}

static void put_u64(struct json_writer *w, uint64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    json_put_raw(w, str_from(text));
}

/* "RUN-agent-3" */
static void put_id(struct json_writer *w, const char *key, const struct run_names *names,
                   const char *kind, unsigned index)
{
    char id[ID_BYTES];

    (void)snprintf(id, sizeof(id), "%.*s-%s-%u", STR_ARGS(names->run_id), kind, index);
    json_key(w, key);
    json_put_text(w, id);
}

static void put_text(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, key);
    json_put_str(w, text);
}

static struct json_writer begin(const struct run_names *names, const char *type, int64_t time_us,
                                struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_object(&w);
    put_text(&w, "type", str_from(type));
    json_key(&w, "timestamp");
    json_put_i64(&w, time_us / 1000);
    put_text(&w, "runId", names->run_id);
    return w;
}

/* ---- the run ---- */

void run_events_started(const struct run_names *names, int64_t time_us, struct str message_id,
                        struct str prompt, struct str dataset_id, uint64_t seed, struct buf *out)
{
    struct json_writer w = begin(names, "RUN_STARTED", time_us, out);

    put_text(&w, "threadId", names->thread_id);
    put_text(&w, "protocolVersion", STR("1.0"));
    json_key(&w, "input");
    json_begin_object(&w);
    put_text(&w, "threadId", names->thread_id);
    put_text(&w, "runId", names->run_id);
    json_key(&w, "messages");
    json_begin_array(&w);
    json_begin_object(&w);
    put_text(&w, "id", message_id);
    put_text(&w, "role", STR("user"));
    json_key(&w, "content");
    put_cut(&w, prompt, PROMPT_BYTES_MAX);
    json_end_object(&w);
    json_end_array(&w);
    json_key(&w, "forwardedProps");
    json_begin_object(&w);
    if (dataset_id.length) {
        put_text(&w, "dataset", dataset_id);
    }
    json_key(&w, "seed");
    put_u64(&w, seed);
    json_end_object(&w);
    json_end_object(&w);
    json_end_object(&w);
}

static void put_count(struct json_writer *w, const char *key, uint64_t count)
{
    json_key(w, key);
    put_u64(w, count);
}

static void put_usage(struct json_writer *w, const struct run_events_usage *used)
{
    const struct llm_usage *usage = used->usage;

    json_begin_object(w);
    put_text(w, "provider", used->provider);
    put_text(w, "model", used->model);
    put_count(w, "inputTokens", llm_usage_input(usage));
    put_count(w, "outputTokens", usage->output);
    put_count(w, "totalTokens", llm_usage_input(usage) + usage->output);
    put_count(w, "reasoningTokens", usage->reasoning);
    put_count(w, "cachedInputTokens", usage->cache_read);
    put_count(w, "cacheWriteInputTokens", usage->cache_write_5m + usage->cache_write_1h);
    json_end_object(w);
}

void run_events_finished(const struct run_names *names, int64_t time_us, bool is_cancelled,
                         struct str report_id, const struct run_events_usage *usages,
                         size_t usage_count, struct buf *out)
{
    struct json_writer w = begin(names, "RUN_FINISHED", time_us, out);

    put_text(&w, "threadId", names->thread_id);
    json_key(&w, "outcome");
    json_begin_object(&w);
    put_text(&w, "type", is_cancelled ? STR("cancelled") : STR("success"));
    json_end_object(&w);
    if (!is_cancelled) {
        json_key(&w, "result");
        json_begin_object(&w);
        put_text(&w, "reportId", report_id);
        json_end_object(&w);
    }
    json_key(&w, "usage");
    json_begin_array(&w);
    for (size_t i = 0; i < usage_count; i++) {
        put_usage(&w, &usages[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
}

void run_events_error(const struct run_names *names, int64_t time_us, const char *code,
                      const char *message, struct buf *out)
{
    struct json_writer w = begin(names, "RUN_ERROR", time_us, out);

    json_key(&w, "message");
    put_cut(&w, str_from(message), MESSAGE_BYTES_MAX);
    put_text(&w, "code", str_from(code));
    json_end_object(&w);
}

/* Up to the members of its value. */
static struct json_writer begin_custom(const struct run_names *names, const char *name,
                                       int64_t time_us, struct buf *out)
{
    struct json_writer w = begin(names, "CUSTOM", time_us, out);

    put_text(&w, "name", str_from(name));
    json_key(&w, "value");
    json_begin_object(&w);
    return w;
}

static void end_custom(struct json_writer *w)
{
    json_end_object(w);
    json_end_object(w);
}

void run_events_resumed(const struct run_names *names, int64_t time_us, unsigned attempt,
                        struct buf *out)
{
    struct json_writer w = begin_custom(names, "netra.resumed", time_us, out);

    put_count(&w, "attempt", attempt);
    end_custom(&w);
}

void run_events_skipped(const struct run_names *names, int64_t time_us, struct buf *out)
{
    struct json_writer w = begin_custom(names, "netra.skipped", time_us, out);

    end_custom(&w);
}

/* ---- questions to models ---- */

static void put_cost(struct json_writer *w, int64_t pico_usd)
{
    struct buf text;

    buf_init(&text, DECIMAL_TEXT_BYTES);
    decimal_print(decimal_of(pico_usd, 12), &text);
    put_text(w, "costUsd", buf_str(&text));
    if (buf_status(&text) && !w->out->status) {
        w->out->status = buf_status(&text);
    }
    buf_done(&text);
}

static void put_model(struct json_writer *w, const struct run_model *model)
{
    if (model->provider.length) {
        put_text(w, "provider", model->provider);
        put_text(w, "model", model->model);
    }
    put_count(w, "attempts", model->attempts);
    if (model->usage.is_known) {
        put_count(w, "inputTokens", llm_usage_input(&model->usage));
        put_count(w, "outputTokens", model->usage.output);
    }
    if (model->has_cost) {
        put_cost(w, model->cost_pico_usd);
    }
}

static void question(const struct run_names *names, const struct run_event *event, struct buf *out)
{
    bool is_answer = event->kind == RUN_MODEL_ANSWERED;
    struct json_writer w = begin_custom(
        names, is_answer ? "netra.model_answered" : "netra.model_asked", event->time_us, out);

    put_count(&w, "question", event->index);
    put_text(&w, "purpose", str_from(event->name));
    put_text(&w, "prompt", event->text);
    if (event->model) {
        put_model(&w, event->model);
    } else if (is_answer) {
        put_count(&w, "attempts", 0);
    }
    if (event->failure) {
        json_key(&w, "failure");
        put_cut(&w, str_from(event->failure), MESSAGE_BYTES_MAX);
    }
    end_custom(&w);
}

/* ---- steps, agents, what was understood ---- */

static void step(const struct run_names *names, const struct run_event *event, struct buf *out)
{
    bool is_end = event->kind == RUN_STEP_FINISHED;
    struct json_writer w =
        begin(names, is_end ? "STEP_FINISHED" : "STEP_STARTED", event->time_us, out);

    put_text(&w, "stepName", str_from(event->name));
    if (is_end) {
        json_key(&w, "durationUs");
        put_u64(&w, event->duration_us);
    }
    if (event->delivered_to) {
        json_key(&w, "deliveredTo");
        json_put_i64(&w, *event->delivered_to);
    }
    json_end_object(&w);
}

static void agent(const struct run_names *names, const struct run_event *event, struct buf *out)
{
    const char *type = event->kind == RUN_AGENT_STARTED    ? "SUBAGENT_STARTED"
                       : event->kind == RUN_AGENT_FINISHED ? "SUBAGENT_FINISHED"
                                                           : "SUBAGENT_ERROR";
    struct json_writer w = begin(names, type, event->time_us, out);

    put_id(&w, "subagentRunId", names, "agent", event->index);
    put_text(&w, "name", str_from(event->name));
    if (event->kind == RUN_AGENT_FAILED) {
        json_key(&w, "message");
        put_cut(&w, str_from(event->failure), MESSAGE_BYTES_MAX);
    }
    json_end_object(&w);
}

static void interpretation(const struct run_names *names, const struct run_event *event,
                           struct buf *out)
{
    struct json_writer w = begin(names, "STATE_SNAPSHOT", event->time_us, out);
    bool is_small = event->interpretation_json.length <= INTERPRETATION_BYTES_MAX;

    json_key(&w, "snapshot");
    json_begin_object(&w);
    json_key(&w, "interpretation");
    if (is_small) {
        json_put_raw(&w, event->interpretation_json);
    } else {
        json_put_null(&w); /* it is in the report */
    }
    json_key(&w, "text");
    put_cut(&w, event->interpretation_text, ECHO_BYTES_MAX);
    if (event->model) {
        char by[2 * LLM_NAME_BYTES_MAX + 2];

        (void)snprintf(by, sizeof(by), "%.*s/%.*s", STR_ARGS(event->model->provider),
                       STR_ARGS(event->model->model));
        put_text(&w, "by", str_from(by));
    }
    json_end_object(&w);
    json_end_object(&w);
}

/* ---- tool calls ---- */

static struct json_writer begin_call(const struct run_names *names, const struct run_event *event,
                                     const char *type, struct buf *out)
{
    struct json_writer w = begin(names, type, event->time_us, out);

    put_id(&w, "toolCallId", names, "call", event->index);
    put_id(&w, "subagentRunId", names, "agent", event->agent_index);
    return w;
}

/* Arguments that are too long stay JSON: a note and how they begin. */
static void call_args(const struct run_names *names, const struct run_event *event, struct buf *out)
{
    struct str args = event->args.length ? event->args : STR("{}");
    struct json_writer w = begin_call(names, event, "TOOL_CALL_ARGS", out);
    struct buf note;

    json_key(&w, "delta");
    if (cut(args, ARGS_BYTES_MAX).length == args.length) {
        json_put_str(&w, args);
        json_end_object(&w);
        return;
    }
    buf_init(&note, ARGS_BYTES_MAX);
    struct json_writer n = json_writer_on(&note);
    json_begin_object(&n);
    put_text(&n, "note", STR("too long to be shown"));
    json_key(&n, "bytes");
    put_u64(&n, args.length);
    json_key(&n, "begin");
    put_cut(&n, args, ARGS_BEGIN_BYTES_MAX);
    json_end_object(&n);
    json_put_str(&w, buf_str(&note));
    json_end_object(&w);
    if (buf_status(&note) && !out->status) {
        out->status = buf_status(&note);
    }
    buf_done(&note);
}

static size_t count_blocks(const struct report *body, enum report_block_kind kind)
{
    size_t count = 0;

    for (size_t s = 0; s < body->section_count; s++) {
        for (size_t b = 0; b < body->sections[s].block_count; b++) {
            count += body->sections[s].blocks[b].kind == kind;
        }
    }
    return count;
}

static void put_first_facts(struct json_writer *w, const struct report *body)
{
    json_key(w, "first");
    json_begin_array(w);
    for (uint32_t i = 0; i < body->facts.count && i < FACTS_SHOWN; i++) {
        const struct fact *fact = &body->facts.facts[i];
        struct buf printed;

        buf_init(&printed, LABEL_BYTES_MAX);
        fact_print(fact, &printed);
        json_begin_object(w);
        json_key(w, "label");
        put_cut(w, fact->label, LABEL_BYTES_MAX);
        json_key(w, "printed");
        put_cut(w, buf_str(&printed), LABEL_BYTES_MAX);
        json_end_object(w);
        buf_done(&printed);
    }
    json_end_array(w);
}

/* The result in a few words, as JSON in a JSON string: a model's tool message is text. */
static void call_result(const struct run_names *names, const struct run_event *event,
                        struct buf *out)
{
    struct json_writer w = begin_call(names, event, "TOOL_CALL_RESULT", out);
    struct buf content;

    buf_init(&content, CONTENT_BYTES_MAX);
    struct json_writer c = json_writer_on(&content);
    json_begin_object(&c);
    if (event->body) {
        json_key(&c, "facts");
        put_u64(&c, event->body->facts.count);
        json_key(&c, "tables");
        put_u64(&c, count_blocks(event->body, BLOCK_TABLE));
        json_key(&c, "figures");
        put_u64(&c, count_blocks(event->body, BLOCK_FIGURE));
        put_first_facts(&c, event->body);
    } else {
        json_key(&c, "error");
        put_cut(&c, str_from(event->failure), MESSAGE_BYTES_MAX);
    }
    json_end_object(&c);
    put_id(&w, "messageId", names, "result", event->index);
    put_text(&w, "role", STR("tool"));
    put_text(&w, "content", buf_str(&content));
    json_end_object(&w);
    if (buf_status(&content) && !out->status) {
        out->status = buf_status(&content);
    }
    buf_done(&content);
}

/* ---- one after the other ---- */

static int emit_and_clear(struct buf *out, run_events_emit_fn emit, void *arg)
{
    int code = buf_status(out) ? buf_status(out) : emit(buf_str(out), arg);

    buf_clear(out);
    return code;
}

/* The arguments of a call are known when it starts, so they are complete at once. */
static int call_started(const struct run_names *names, const struct run_event *event,
                        struct buf *out, run_events_emit_fn emit, void *arg)
{
    struct json_writer w = begin_call(names, event, "TOOL_CALL_START", out);

    put_text(&w, "toolCallName", str_from(event->name));
    json_end_object(&w);
    int code = emit_and_clear(out, emit, arg);
    if (!code) {
        call_args(names, event, out);
        code = emit_and_clear(out, emit, arg);
    }
    if (!code) {
        w = begin_call(names, event, "TOOL_CALL_END", out);
        json_end_object(&w);
        code = emit_and_clear(out, emit, arg);
    }
    return code;
}

int run_events_of(const struct run_names *names, const struct run_event *event,
                  run_events_emit_fn emit, void *arg)
{
    cleanup(buf_done) struct buf out;

    buf_init(&out, EVENT_TEXT_BYTES_MAX);
    switch (event->kind) {
    case RUN_STEP_STARTED:
    case RUN_STEP_FINISHED:
        step(names, event, &out);
        break;
    case RUN_AGENT_STARTED:
    case RUN_AGENT_FINISHED:
    case RUN_AGENT_FAILED:
        agent(names, event, &out);
        break;
    case RUN_TOOL_STARTED:
        return call_started(names, event, &out, emit, arg);
    case RUN_TOOL_FINISHED:
        call_result(names, event, &out);
        break;
    case RUN_INTERPRETED:
        interpretation(names, event, &out);
        break;
    case RUN_MODEL_ASKED:
    case RUN_MODEL_ANSWERED:
        question(names, event, &out);
        break;
    case RUN_TEXT_STARTED:
    case RUN_TEXT:
    case RUN_TEXT_FINISHED:
    case RUN_TEXT_WITHDRAWN:
        return OK;
    }
    return emit_and_clear(&out, emit, arg);
}

/* ---- text ---- */

static struct json_writer begin_text(const struct run_names *names, const char *type,
                                     int64_t time_us, struct str message_id, struct buf *out)
{
    struct json_writer w = begin(names, type, time_us, out);

    put_text(&w, "messageId", message_id);
    return w;
}

void run_events_text_started(const struct run_names *names, int64_t time_us, struct str message_id,
                             struct buf *out)
{
    struct json_writer w = begin_text(names, "TEXT_MESSAGE_START", time_us, message_id, out);

    put_text(&w, "role", STR("assistant"));
    json_end_object(&w);
}

void run_events_text(const struct run_names *names, int64_t time_us, struct str message_id,
                     struct str delta, struct buf *out)
{
    struct json_writer w = begin_text(names, "TEXT_MESSAGE_CONTENT", time_us, message_id, out);

    put_text(&w, "delta", delta);
    json_end_object(&w);
}

void run_events_text_finished(const struct run_names *names, int64_t time_us, struct str message_id,
                              struct buf *out)
{
    struct json_writer w = begin_text(names, "TEXT_MESSAGE_END", time_us, message_id, out);

    json_end_object(&w);
}

void run_events_text_withdrawn(const struct run_names *names, int64_t time_us,
                               struct str message_id, struct str reason, struct buf *out)
{
    struct json_writer w = begin_custom(names, "netra.text_withdrawn", time_us, out);

    put_text(&w, "messageId", message_id);
    json_key(&w, "reason");
    put_cut(&w, reason, MESSAGE_BYTES_MAX);
    end_custom(&w);
}

/* ---- the report ---- */

static const struct report_lines *summary_lines(const struct report *report)
{
    return report->summary.count ? &report->summary : &report->next_steps;
}

static size_t summary_count(const struct report *report)
{
    size_t count = summary_lines(report)->count;

    return count < RUN_SUMMARY_LINES_MAX ? count : RUN_SUMMARY_LINES_MAX;
}

/* One line in words, short enough for any event; with what separates it from the next. */
static void print_line(const struct report *report, size_t index, const char *end, struct buf *out)
{
    struct buf line;

    buf_init(&line, RUN_EVENT_BYTES_MAX);
    template_print_plain(&line, summary_lines(report)->lines[index], &report->facts);
    struct str text = buf_str(&line);
    struct str head = cut(text, LINE_BYTES_MAX);
    buf_append(out, head);
    buf_append(out, head.length < text.length ? STR("… (cut)") : STR(""));
    buf_append(out, str_from(end));
    if (buf_status(&line) == ERR_NO_MEMORY && !out->status) {
        out->status = ERR_NO_MEMORY;
    }
    buf_done(&line);
}

void run_events_summary_text(const struct report *report, struct buf *out)
{
    for (size_t i = 0; i < summary_count(report); i++) {
        print_line(report, i, i + 1 < summary_count(report) ? "\n" : "", out);
    }
}

int run_events_summary(const struct run_names *names, int64_t time_us, struct str message_id,
                       bool is_begun, const struct report *report, run_events_emit_fn emit,
                       void *arg)
{
    cleanup(buf_done) struct buf out;
    cleanup(buf_done) struct buf line;

    buf_init(&out, EVENT_TEXT_BYTES_MAX);
    buf_init(&line, RUN_EVENT_BYTES_MAX);
    if (!is_begun) {
        run_events_text_started(names, time_us, message_id, &out);
    }
    int code = is_begun ? OK : emit_and_clear(&out, emit, arg);
    for (size_t i = 0; i < summary_count(report) && !code; i++) {
        buf_clear(&line);
        print_line(report, i, i + 1 < summary_count(report) ? "\n" : "", &line);
        run_events_text(names, time_us, message_id, buf_str(&line), &out);
        code = buf_status(&line) ? buf_status(&line) : emit_and_clear(&out, emit, arg);
    }
    if (!code) {
        run_events_text_finished(names, time_us, message_id, &out);
        code = emit_and_clear(&out, emit, arg);
    }
    return code;
}

void run_events_report(const struct run_names *names, int64_t time_us, const struct report *report,
                       struct buf *out)
{
    static const char *const formats[] = {"json", "md", "html", "csv"};
    struct json_writer w = begin(names, "ACTIVITY_SNAPSHOT", time_us, out);
    char url[ID_BYTES];
    struct buf line;

    (void)snprintf(url, sizeof(url), "/api/reports/%.*s", STR_ARGS(report->id));
    put_id(&w, "messageId", names, "report", 0);
    put_text(&w, "activityType", STR("netra.report"));
    json_key(&w, "content");
    json_begin_object(&w);
    put_text(&w, "reportId", report->id);
    put_text(&w, "url", str_from(url));
    put_text(&w, "type", str_from(report_type_name(report->type)));
    json_key(&w, "summary");
    json_begin_array(&w);
    buf_init(&line, RUN_EVENT_BYTES_MAX);
    for (size_t i = 0; i < summary_count(report); i++) {
        print_line(report, i, "", &line);
        json_put_str(&w, buf_str(&line));
        if (buf_status(&line) && !out->status) {
            out->status = buf_status(&line);
        }
        buf_clear(&line);
    }
    buf_done(&line);
    json_end_array(&w);
    json_key(&w, "formats");
    json_begin_array(&w);
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        json_put_text(&w, formats[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    json_end_object(&w);
}
