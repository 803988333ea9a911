/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/live.h"

#include <stdio.h>

#include "json/json_write.h"
#include "verify/wire.h"

#define LIVE_ARENA_BYTES    ((size_t)1 << 20)
#define LIVE_EVENTS_FIRST   128u
#define LIVE_MESSAGE_BYTES  8192u

const char *live_end_name(enum live_end end)
{
    static const char *const names[] = {
        [LIVE_UNDER_WAY] = "under way", [LIVE_FINISHED] = "finished",
        [LIVE_CANCELLED] = "cancelled", [LIVE_FAILED] = "failed",
        [LIVE_SILENT] = "silent",       [LIVE_BROKEN] = "connection broken"};

    return names[end];
}

/* ---- the connection ---- */

bool live_open(struct inquiry *inquiry, const struct live_options *options, struct live *ret_live)
{
    struct error error = {0};
    const char *query = options->ticket ? "?ticket=" : "";

    *ret_live = (struct live){.inquiry = inquiry};
    arena_init(&ret_live->arena, LIVE_ARENA_BYTES);
    if (inquiry_is_over(inquiry) ||
        json_parser_new(SOCKET_MESSAGE_BYTES_MAX, &ret_live->parser)) {
        inquiry_note(inquiry, inquiry_is_over(inquiry) ? OK : ERR_NO_MEMORY);
        return false;
    }
    (void)snprintf(ret_live->url, sizeof(ret_live->url), "%s/ws%s%s",
                   inquiry->urls[SERVICE_BACKEND], query, options->ticket ? options->ticket : "");
    int code = ws_client_open(&(struct ws_client_options){.url = ret_live->url,
                                                          .token = options->token,
                                                          .origin = options->origin,
                                                          .ca_file = inquiry->options->ca_file},
                              &ret_live->arena, &ret_live->handshake, &ret_live->socket, &error);
    if (code && code != ERR_DENIED) {
        inquiry_note(inquiry, evidence_observe(inquiry->evidence, "probe", "GET /ws",
                                               "%s (curl %d, errno %ld)", error.message,
                                               ret_live->handshake.curl_code,
                                               ret_live->handshake.os_errno));
    }
    return code == OK;
}

void live_close(struct live *live)
{
    uint64_t sent = live->handshake.bytes_sent;
    uint64_t received = live->handshake.bytes_received;

    if (live->socket) {
        sent = ws_client_bytes_sent(live->socket);
        received = ws_client_bytes_received(live->socket);
        ws_client_close(live->socket);
        live->socket = NULL;
    }
    if (live->handshake.started_us) {
        inquiry_note(live->inquiry,
                     evidence_keep_socket(live->inquiry->evidence, live->inquiry->check, live->url,
                                          &live->handshake, sent, received));
        live->handshake = (struct exchange){0};
    }
    json_parser_free(live->parser);
    live->parser = NULL;
    arena_done(&live->arena);
}

/* ---- messages ---- */

static void run_begin(struct live_run *run)
{
    *run = (struct live_run){.sent_us = wire_now_us()};
    arena_init(&run->arena, LIVE_RUN_BYTES_MAX);
}

void live_run_done(struct live_run *run)
{
    arena_done(&run->arena);
    run->events = NULL;
    run->count = run->capacity = 0;
}

static void put(struct json_writer *w, const char *key, const char *text)
{
    if (text) {
        json_key(w, key);
        json_put_text(w, text);
    }
}

static bool send_text(struct live *live, const struct buf *text, struct live_run *run)
{
    struct error error = {0};

    if (!live->socket || buf_status(text) || inquiry_is_over(live->inquiry)) {
        run->end = LIVE_BROKEN;
        return false;
    }
    run->sent_us = wire_now_us();
    if (ws_client_send(live->socket, buf_str(text), &error)) {
        run->end = LIVE_BROKEN;
        (void)snprintf(run->failure, sizeof(run->failure), "%.190s", error.message);
        return false;
    }
    return true;
}

bool live_start(struct live *live, const struct live_request *request, struct live_run *ret_run)
{
    cleanup(buf_done) struct buf text;

    run_begin(ret_run);
    buf_init(&text, LIVE_MESSAGE_BYTES);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    put(&w, "type", "run");
    put(&w, "prompt", request->prompt);
    put(&w, "threadId", request->thread_id);
    put(&w, "dataset", request->dataset);
    json_end_object(&w);
    return send_text(live, &text, ret_run);
}

bool live_resume(struct live *live, const char *run_id, uint64_t last_seq, struct live_run *ret_run)
{
    cleanup(buf_done) struct buf text;

    run_begin(ret_run);
    (void)snprintf(ret_run->run_id, sizeof(ret_run->run_id), "%s", run_id);
    buf_init(&text, LIVE_MESSAGE_BYTES);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    put(&w, "type", "resume");
    put(&w, "runId", run_id);
    json_key(&w, "lastSeq");
    json_put_i64(&w, (int64_t)last_seq);
    json_end_object(&w);
    return send_text(live, &text, ret_run);
}

bool live_cancel(struct live *live, const struct live_run *run)
{
    cleanup(buf_done) struct buf text;
    struct error error = {0};

    buf_init(&text, LIVE_MESSAGE_BYTES);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    put(&w, "type", "cancel");
    put(&w, "runId", run->run_id);
    json_end_object(&w);
    return live->socket && buf_status(&text) == OK &&
           ws_client_send(live->socket, buf_str(&text), &error) == OK;
}

/* ---- events ---- */

static struct str copied(struct live_run *run, struct json_value object, const char *name)
{
    struct str text = {0};

    if (!json_get_str(json_at(object, name), &text)) {
        return STR("");
    }
    text = arena_copy(&run->arena, text);
    return text.data ? text : STR("");
}

static struct str first_of(struct live_run *run, struct json_value object,
                           const char *const names[3])
{
    for (unsigned i = 0; i < 3; i++) {
        if (json_is(json_at(object, names[i]), JSON_STRING)) {
            return copied(run, object, names[i]);
        }
    }
    return STR("");
}

static int64_t number_or_none(struct json_value object, const char *name)
{
    int64_t number = -1;

    return json_get_i64(json_at(object, name), &number) ? number : -1;
}

static struct live_event *add_event(struct live_run *run)
{
    if (run->count == run->capacity) {
        size_t capacity = run->capacity ? run->capacity * 2 : LIVE_EVENTS_FIRST;
        struct live_event *longer =
            capacity > LIVE_EVENTS_MAX ? NULL
                                       : arena_alloc(&run->arena, capacity, sizeof(*longer));

        if (!longer) {
            return NULL;
        }
        if (run->count) {
            memcpy(longer, run->events, run->count * sizeof(*longer));
        }
        run->events = longer;
        run->capacity = capacity;
    }
    return &run->events[run->count++];
}

static void read_end(struct live_run *run, struct json_value root, struct str type)
{
    if (str_equal(type, STR("RUN_FINISHED"))) {
        bool is_success = answer_is(json_at(root, "outcome"), "type", "success");

        run->end = is_success ? LIVE_FINISHED : LIVE_CANCELLED;
    } else if (str_equal(type, STR("RUN_ERROR"))) {
        struct str message = {0};

        run->end = LIVE_FAILED;
        (void)json_get_str(json_at(root, "message"), &message);
        (void)snprintf(run->failure, sizeof(run->failure), "RUN_ERROR: %.*s",
                       (int)(message.length < 160 ? message.length : 160),
                       message.length ? message.data : "");
    }
}

static bool is_full(struct json_value value)
{
    return json_is(value, JSON_OBJECT) && json_count(value) > 0;
}

static void read_meaning(struct live_run *run, struct json_value root, struct str type)
{
    if (str_equal(type, STR("RUN_STARTED"))) {
        (void)ANSWER_TEXT(root, "threadId", run->thread_id);
    } else if (str_equal(type, STR("STATE_SNAPSHOT"))) {
        run->has_interpretation |= is_full(json_at(json_at(root, "snapshot"), "interpretation"));
    } else if (str_equal(type, STR("ACTIVITY_SNAPSHOT"))) {
        struct json_value content = json_at(root, "content");

        (void)ANSWER_TEXT(content, "reportId", run->report_id);
        (void)ANSWER_TEXT(content, "type", run->report_type);
    } else {
        read_end(run, root, type);
    }
}

/* An answer to what was sent, without a number: a refusal ends the run that it is about. */
static void read_refusal(struct live_run *run, struct json_value root)
{
    struct json_value problem = json_at(json_at(root, "value"), "problem");
    struct str code = {0};

    if (!answer_is(root, "name", "error")) {
        return;
    }
    run->end = LIVE_FAILED;
    (void)json_get_str(json_at(problem, "code"), &code);
    (void)snprintf(run->failure, sizeof(run->failure), "refused: HTTP %d %.*s",
                   (int)answer_number(problem, "status"),
                   (int)(code.length < 60 ? code.length : 60), code.length ? code.data : "");
}

/* False: it is not one of this run. */
static bool take_event(struct live_run *run, struct json_value root, int64_t at_us)
{
    static const char *const names[] = {"stepName", "toolCallName", "name"};
    static const char *const ids[] = {"messageId", "toolCallId", "subagentRunId"};
    uint64_t seq = 0;

    if (!json_get_u64(json_at(root, "seq"), &seq)) {
        read_refusal(run, root);
        return false;
    }
    if (run->run_id[0] == '\0') {
        (void)ANSWER_TEXT(root, "runId", run->run_id);
    } else if (!answer_is(root, "runId", run->run_id)) {
        return false;
    }
    struct live_event *event = add_event(run);
    if (!event) {
        run->end = LIVE_FAILED;
        (void)snprintf(run->failure, sizeof(run->failure), "more events than are kept");
        return false;
    }
    *event = (struct live_event){.at_us = at_us,
                                 .timestamp_ms = answer_number(root, "timestamp"),
                                 .seq = seq,
                                 .type = copied(run, root, "type"),
                                 .name = first_of(run, root, names),
                                 .id = first_of(run, root, ids),
                                 .text = copied(run, root, "delta"),
                                 .number = number_or_none(root, "durationUs"),
                                 .delivered_to = number_or_none(root, "deliveredTo")};
    read_meaning(run, root, event->type);
    return true;
}

/* A frame as JSON; false: there is none, and the run has ended for us. */
static bool next_frame(struct live *live, struct live_run *run, struct json_value *ret_root,
                       int64_t *ret_at_us)
{
    struct ws_frame_seen frame = {0};
    struct error error = {0};
    int code = live->socket ? ws_client_next(live->socket, LIVE_EVENT_WAIT_MS, &frame, &error)
                            : ERR_IO;

    if (code == OK && frame.is_close) {
        code = error_set(&error, ERR_IO, "closed with %u", frame.close_code);
    }
    code = code ? code : json_parse(live->parser, frame.text, ret_root, &error);
    if (code) {
        run->end = code == ERR_TIMEOUT ? LIVE_SILENT : LIVE_BROKEN;
        (void)snprintf(run->failure, sizeof(run->failure), "%.190s", error.message);
        return false;
    }
    *ret_at_us = frame.at_us;
    return true;
}

/* Known from now on as something to remove, once also with several runs in it. */
static void note_thread(struct live *live, struct live_run *run)
{
    if (run->thread_id[0] && !run->is_noted) {
        run->is_noted = true;
        leaving_forget(live->inquiry, LEAVING_THREAD, run->thread_id);
        leaving_add(live->inquiry, LEAVING_THREAD, run->thread_id);
    }
}

bool live_next(struct live *live, struct live_run *run)
{
    while (run->end == LIVE_UNDER_WAY) {
        struct json_value root;
        int64_t at_us = 0;

        if (inquiry_is_over(live->inquiry)) {
            run->end = LIVE_BROKEN;
            return false;
        }
        if (next_frame(live, run, &root, &at_us) && take_event(run, root, at_us)) {
            note_thread(live, run);
            return true;
        }
    }
    return false;
}

bool live_follow(struct live *live, struct live_run *run)
{
    while (live_next(live, run)) {
    }
    return run->end == LIVE_FINISHED;
}

bool live_ask(struct live *live, const struct live_request *request, struct live_run *ret_run)
{
    for (unsigned i = 0;; i++) {
        bool has_finished =
            live_start(live, request, ret_run) && live_follow(live, ret_run);

        if (has_finished || i + 1 == LIVE_LIMITED_TRIES || inquiry_is_over(live->inquiry) ||
            strncmp(ret_run->failure, "refused: HTTP 429", 17) != 0) {
            return has_finished;
        }
        live_run_done(ret_run);
        inquiry_pause_ms(live->inquiry, LIVE_LIMITED_WAIT_MS);
    }
}

int64_t live_ping(struct live *live)
{
    struct live_run nothing = {0};
    struct error error = {0};
    struct json_value root;
    int64_t sent_us = wire_now_us();
    int64_t at_us = 0;

    if (!live->socket || ws_client_send(live->socket, STR("{\"type\":\"ping\"}"), &error)) {
        return -1;
    }
    while (!inquiry_is_over(live->inquiry) && next_frame(live, &nothing, &root, &at_us)) {
        if (answer_is(root, "name", "pong")) {
            return at_us - sent_us;
        }
    }
    return -1;
}

/* ---- looking back ---- */

const struct live_event *live_find(const struct live_run *run, const char *type, const char *name)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct live_event *event = &run->events[i];

        if (str_equal(event->type, str_from(type)) &&
            (!name || str_equal(event->name, str_from(name)))) {
            return event;
        }
    }
    return NULL;
}

size_t live_count(const struct live_run *run, const char *type)
{
    size_t count = 0;

    for (size_t i = 0; i < run->count; i++) {
        count += str_equal(run->events[i].type, str_from(type));
    }
    return count;
}
