/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/hearing.h"

#include <stdio.h>

#include "verify/wire.h"
#include "json/json_write.h"

#define HEARD_ARENA_BYTES   ((size_t)1 << 20)
#define HEARD_EVENTS_FIRST  128u
#define HEARD_MESSAGE_BYTES 8192u

const char *heard_end_name(enum heard_end end)
{
    static const char *const names[] = {
        [HEARD_UNDER_WAY] = "under way", [HEARD_FINISHED] = "finished",
        [HEARD_CANCELLED] = "cancelled", [HEARD_FAILED] = "failed",
        [HEARD_SILENT] = "silent",       [HEARD_BROKEN] = "connection broken"};

    return names[end];
}

/* ---- the connection ---- */

bool hearing_open(struct inquiry *inquiry, const struct heard_options *options,
                  struct hearing *ret_hearing)
{
    struct error error = {0};
    const char *query = options->ticket ? "?ticket=" : "";

    *ret_hearing = (struct hearing){.inquiry = inquiry, .token = options->token};
    arena_init(&ret_hearing->arena, HEARD_ARENA_BYTES);
    if (inquiry_is_over(inquiry) ||
        json_parser_new(SOCKET_MESSAGE_BYTES_MAX, &ret_hearing->parser)) {
        inquiry_note(inquiry, inquiry_is_over(inquiry) ? OK : ERR_NO_MEMORY);
        return false;
    }
    (void)snprintf(ret_hearing->url, sizeof(ret_hearing->url), "%s/ws%s%s",
                   inquiry->urls[SERVICE_BACKEND], query, options->ticket ? options->ticket : "");
    int code =
        ws_client_open(&(struct ws_client_options){.url = ret_hearing->url,
                                                   .token = options->token,
                                                   .origin = options->origin,
                                                   .ca_file = inquiry->options->ca_file},
                       &ret_hearing->arena, &ret_hearing->handshake, &ret_hearing->socket, &error);
    if (code && code != ERR_DENIED) {
        inquiry_note(inquiry, evidence_observe(inquiry->evidence, "probe", "GET /ws",
                                               "%s (curl %d, errno %ld)", error.message,
                                               ret_hearing->handshake.curl_code,
                                               ret_hearing->handshake.os_errno));
    }
    return code == OK;
}

void hearing_close(struct hearing *hearing)
{
    uint64_t sent = hearing->handshake.bytes_sent;
    uint64_t received = hearing->handshake.bytes_received;

    if (hearing->socket) {
        sent = ws_client_bytes_sent(hearing->socket);
        received = ws_client_bytes_received(hearing->socket);
        ws_client_close(hearing->socket);
        hearing->socket = NULL;
    }
    if (hearing->handshake.started_us) {
        inquiry_note(hearing->inquiry,
                     evidence_keep_socket(hearing->inquiry->evidence, hearing->inquiry->check,
                                          hearing->url, &hearing->handshake, sent, received));
        hearing->handshake = (struct exchange){0};
    }
    json_parser_free(hearing->parser);
    hearing->parser = NULL;
    arena_done(&hearing->arena);
}

/* ---- messages ---- */

static void run_begin(struct heard_run *run)
{
    *run = (struct heard_run){.sent_us = wire_now_us()};
    arena_init(&run->arena, HEARD_RUN_BYTES_MAX);
}

void heard_run_done(struct heard_run *run)
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

static bool send_text(struct hearing *hearing, const struct buf *text, struct heard_run *run)
{
    struct error error = {0};

    if (!hearing->socket || buf_status(text) || inquiry_is_over(hearing->inquiry)) {
        run->end = HEARD_BROKEN;
        return false;
    }
    run->sent_us = wire_now_us();
    if (ws_client_send(hearing->socket, buf_str(text), &error)) {
        run->end = HEARD_BROKEN;
        (void)snprintf(run->failure, sizeof(run->failure), "%.190s", error.message);
        return false;
    }
    return true;
}

bool hearing_start(struct hearing *hearing, const struct heard_request *request,
                   struct heard_run *ret_run)
{
    cleanup(buf_done) struct buf text;

    run_begin(ret_run);
    buf_init(&text, HEARD_MESSAGE_BYTES);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    put(&w, "type", "run");
    put(&w, "prompt", request->prompt);
    put(&w, "threadId", request->thread_id);
    put(&w, "dataset", request->dataset);
    json_end_object(&w);
    return send_text(hearing, &text, ret_run);
}

bool hearing_resume(struct hearing *hearing, const char *run_id, uint64_t last_seq,
                    struct heard_run *ret_run)
{
    cleanup(buf_done) struct buf text;

    run_begin(ret_run);
    (void)snprintf(ret_run->run_id, sizeof(ret_run->run_id), "%s", run_id);
    buf_init(&text, HEARD_MESSAGE_BYTES);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    put(&w, "type", "resume");
    put(&w, "runId", run_id);
    json_key(&w, "lastSeq");
    json_put_i64(&w, (int64_t)last_seq);
    json_end_object(&w);
    return send_text(hearing, &text, ret_run);
}

bool hearing_cancel(struct hearing *hearing, const struct heard_run *run)
{
    cleanup(buf_done) struct buf text;
    struct error error = {0};

    buf_init(&text, HEARD_MESSAGE_BYTES);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    put(&w, "type", "cancel");
    put(&w, "runId", run->run_id);
    json_end_object(&w);
    return hearing->socket && buf_status(&text) == OK &&
           ws_client_send(hearing->socket, buf_str(&text), &error) == OK;
}

/* ---- events ---- */

static struct str copied(struct heard_run *run, struct json_value object, const char *name)
{
    struct str text = {0};

    if (!json_get_str(json_at(object, name), &text)) {
        return STR("");
    }
    text = arena_copy(&run->arena, text);
    return text.data ? text : STR("");
}

static struct str first_of(struct heard_run *run, struct json_value object,
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

static struct heard_event *add_event(struct heard_run *run)
{
    if (run->count == run->capacity) {
        size_t capacity = run->capacity ? run->capacity * 2 : HEARD_EVENTS_FIRST;
        struct heard_event *longer = capacity > HEARD_EVENTS_MAX
                                         ? NULL
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

static void read_end(struct heard_run *run, struct json_value root, struct str type)
{
    if (str_equal(type, STR("RUN_FINISHED"))) {
        bool is_success = answer_is(json_at(root, "outcome"), "type", "success");

        run->end = is_success ? HEARD_FINISHED : HEARD_CANCELLED;
    } else if (str_equal(type, STR("RUN_ERROR"))) {
        struct str message = {0};

        run->end = HEARD_FAILED;
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

static void read_meaning(struct heard_run *run, struct json_value root, struct str type)
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
static void read_refusal(struct heard_run *run, struct json_value root)
{
    struct json_value problem = json_at(json_at(root, "value"), "problem");
    struct str code = {0};

    if (!answer_is(root, "name", "error")) {
        return;
    }
    run->end = HEARD_FAILED;
    (void)json_get_str(json_at(problem, "code"), &code);
    (void)snprintf(run->failure, sizeof(run->failure), "refused: HTTP %d %.*s",
                   (int)answer_number(problem, "status"),
                   (int)(code.length < 60 ? code.length : 60), code.length ? code.data : "");
}

/* False: it is not one of this run. */
static bool take_event(struct heard_run *run, struct json_value root, int64_t at_us)
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
    struct heard_event *event = add_event(run);
    if (!event) {
        run->end = HEARD_FAILED;
        (void)snprintf(run->failure, sizeof(run->failure), "more events than are kept");
        return false;
    }
    *event = (struct heard_event){.at_us = at_us,
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
static bool next_frame(struct hearing *hearing, struct heard_run *run, struct json_value *ret_root,
                       int64_t *ret_at_us)
{
    struct ws_frame_seen frame = {0};
    struct error error = {0};
    int code = hearing->socket
                   ? ws_client_next(hearing->socket, HEARD_EVENT_WAIT_MS, &frame, &error)
                   : ERR_IO;

    if (code == OK && frame.is_close) {
        code = error_set(&error, ERR_IO, "closed with %u", frame.close_code);
    }
    code = code ? code : json_parse(hearing->parser, frame.text, ret_root, &error);
    if (code) {
        run->end = code == ERR_TIMEOUT ? HEARD_SILENT : HEARD_BROKEN;
        (void)snprintf(run->failure, sizeof(run->failure), "%.190s", error.message);
        return false;
    }
    *ret_at_us = frame.at_us;
    return true;
}

/* Known from now on as something to remove, once also with several runs in it. */
static void note_thread(struct hearing *hearing, struct heard_run *run)
{
    if (run->thread_id[0] && !run->is_noted) {
        run->is_noted = true;
        leaving_forget(hearing->inquiry, LEAVING_THREAD, run->thread_id);
        leaving_add(hearing->inquiry, LEAVING_THREAD, run->thread_id, hearing->token);
    }
}

bool hearing_next(struct hearing *hearing, struct heard_run *run)
{
    while (run->end == HEARD_UNDER_WAY) {
        struct json_value root;
        int64_t at_us = 0;

        if (inquiry_is_over(hearing->inquiry)) {
            run->end = HEARD_BROKEN;
            return false;
        }
        if (next_frame(hearing, run, &root, &at_us) && take_event(run, root, at_us)) {
            note_thread(hearing, run);
            return true;
        }
    }
    return false;
}

bool hearing_follow(struct hearing *hearing, struct heard_run *run)
{
    while (hearing_next(hearing, run)) {
    }
    return run->end == HEARD_FINISHED;
}

bool hearing_ask(struct hearing *hearing, const struct heard_request *request,
                 struct heard_run *ret_run)
{
    for (unsigned i = 0;; i++) {
        bool has_finished =
            hearing_start(hearing, request, ret_run) && hearing_follow(hearing, ret_run);

        if (has_finished || i + 1 == HEARD_LIMITED_TRIES || inquiry_is_over(hearing->inquiry) ||
            strncmp(ret_run->failure, "refused: HTTP 429", 17) != 0) {
            return has_finished;
        }
        heard_run_done(ret_run);
        inquiry_pause_ms(hearing->inquiry, HEARD_LIMITED_WAIT_MS);
    }
}

int64_t hearing_ping(struct hearing *hearing)
{
    struct heard_run nothing = {0};
    struct error error = {0};
    struct json_value root;
    int64_t sent_us = wire_now_us();
    int64_t at_us = 0;

    if (!hearing->socket || ws_client_send(hearing->socket, STR("{\"type\":\"ping\"}"), &error)) {
        return -1;
    }
    while (!inquiry_is_over(hearing->inquiry) && next_frame(hearing, &nothing, &root, &at_us)) {
        if (answer_is(root, "name", "pong")) {
            return at_us - sent_us;
        }
    }
    return -1;
}

/* ---- looking back ---- */

const struct heard_event *hearing_find(const struct heard_run *run, const char *type,
                                       const char *name)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct heard_event *event = &run->events[i];

        if (str_equal(event->type, str_from(type)) &&
            (!name || str_equal(event->name, str_from(name)))) {
            return event;
        }
    }
    return NULL;
}

size_t hearing_count(const struct heard_run *run, const char *type)
{
    size_t count = 0;

    for (size_t i = 0; i < run->count; i++) {
        count += str_equal(run->events[i].type, str_from(type));
    }
    return count;
}
