/*
 * A span opens with …_STARTED or …_START and closes with the next …_FINISHED, …_ERROR or …_END of
 * its kind and key. The key of an agent is its subagentRunId, of a call its toolCallId, of a step
 * its name. A call lasts until its result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/run_log.h"

#include "api/route.h"
#include "base/alloc.h"
#include "base/arena.h"

#define RUN_LOG_TEXT_BYTES_MAX ((size_t)256 << 10)

enum span_kind { SPAN_STEP, SPAN_AGENT, SPAN_CALL };

struct span {
    enum span_kind kind;
    struct str key;
    struct str name;
    int64_t started_us;
    int64_t finished_us; /* 0: not yet */
    uint64_t duration_us;
    bool has_duration;
};

struct run_log {
    struct arena texts;
    struct span spans[RUN_LOG_SPANS_MAX];
    size_t count;
};

static const struct {
    const char *type;
    enum span_kind kind;
    bool is_opening;
} event_types[] = {
    {"STEP_STARTED", SPAN_STEP, true},      {"STEP_FINISHED", SPAN_STEP, false},
    {"SUBAGENT_STARTED", SPAN_AGENT, true}, {"SUBAGENT_FINISHED", SPAN_AGENT, false},
    {"SUBAGENT_ERROR", SPAN_AGENT, false},  {"TOOL_CALL_START", SPAN_CALL, true},
    {"TOOL_CALL_RESULT", SPAN_CALL, false},
};

static const struct {
    const char *key;
    const char *name;
    const char *list;
} members[] = {
    [SPAN_STEP] = {"stepName", "stepName", "steps"},
    [SPAN_AGENT] = {"subagentRunId", "name", "agents"},
    [SPAN_CALL] = {"toolCallId", "toolCallName", "tool_calls"},
};

struct run_log *run_log_new(void)
{
    struct run_log *log = (struct run_log *)alloc_zeroed(1, sizeof(*log));

    if (log) {
        arena_init(&log->texts, RUN_LOG_TEXT_BYTES_MAX);
    }
    return log;
}

void run_log_free_pointer(struct run_log **log)
{
    if (*log) {
        arena_done(&(*log)->texts);
        alloc_free(*log);
    }
}

static int open_span(struct run_log *log, enum span_kind kind, struct json_value event,
                     struct str key, int64_t time_us)
{
    struct str name = key;

    if (log->count == RUN_LOG_SPANS_MAX) {
        return OK;
    }
    (void)json_get_str(json_at(event, members[kind].name), &name);
    struct span span = {.kind = kind, .started_us = time_us};
    span.key = arena_copy(&log->texts, key);
    span.name = arena_copy(&log->texts, name);
    if (!span.key.data || !span.name.data) {
        return ERR_NO_MEMORY;
    }
    log->spans[log->count++] = span;
    return OK;
}

static void close_span(struct run_log *log, enum span_kind kind, struct json_value event,
                       struct str key, int64_t time_us)
{
    for (size_t i = log->count; i-- > 0;) {
        struct span *span = &log->spans[i];

        if (span->kind == kind && !span->finished_us && str_equal(span->key, key)) {
            span->finished_us = time_us;
            span->has_duration = json_get_u64(json_at(event, "durationUs"), &span->duration_us);
            return;
        }
    }
}

int run_log_add(struct run_log *log, struct json_parser *parser, int64_t time_us, struct str json)
{
    struct json_value event;
    struct str type;
    struct str key;
    int code = json_parse(parser, json, &event, NULL);

    if (code) {
        return code;
    }
    for (size_t i = 0; json_get_str(json_at(event, "type"), &type) && i < ARRAY_LENGTH(event_types);
         i++) {
        if (!str_equal(type, str_from(event_types[i].type)) ||
            !json_get_str(json_at(event, members[event_types[i].kind].key), &key)) {
            continue;
        }
        if (event_types[i].is_opening) {
            return open_span(log, event_types[i].kind, event, key, time_us);
        }
        close_span(log, event_types[i].kind, event, key, time_us);
    }
    return OK;
}

/* ---- from the store ---- */

struct reading {
    struct run_log *log;
    struct json_parser *parser;
    uint64_t last_seq;
    unsigned rows;
    int code;
};

static bool read_event(const struct store_event *row, void *arg)
{
    struct reading *reading = (struct reading *)arg;

    reading->rows++;
    reading->last_seq = row->seq;
    reading->code = run_log_add(reading->log, reading->parser, row->time_us, row->json);
    return reading->code == OK;
}

int run_log_read(struct store *store, struct str workspace_id, struct json_parser *parser,
                 struct str run_id, struct run_log **ret_log)
{
    cleanup(run_log_free_pointer) struct run_log *log = run_log_new();
    struct reading reading = {.log = log, .parser = parser};

    if (!log) {
        return ERR_NO_MEMORY;
    }
    do {
        reading.rows = 0;
        int code = store_list_events(store, workspace_id, run_id, reading.last_seq, STORE_PAGE_MAX,
                                     read_event, &reading);
        code = code == ERR_NOT_FOUND ? OK : code; /* no event (yet) */
        if (code || reading.code) {
            return code ? code : reading.code;
        }
    } while (reading.rows == STORE_PAGE_MAX);
    *ret_log = TAKE(log);
    return OK;
}

/* ---- as JSON ---- */

static void write_span(const struct span *span, struct json_writer *w)
{
    json_begin_object(w);
    if (span->kind == SPAN_CALL) {
        json_key(w, "id");
        json_put_str(w, span->key);
    }
    json_key(w, "name");
    json_put_str(w, span->name);
    put_time(w, "started_at", span->started_us);
    if (span->finished_us) {
        put_time(w, "finished_at", span->finished_us);
    }
    if (span->has_duration) {
        json_key(w, "duration_us");
        json_put_i64(w, (int64_t)span->duration_us);
    }
    json_end_object(w);
}

void run_log_write(const struct run_log *log, struct json_writer *w)
{
    for (enum span_kind kind = SPAN_STEP; kind <= SPAN_CALL; kind++) {
        json_key(w, members[kind].list);
        json_begin_array(w);
        for (size_t i = 0; i < log->count; i++) {
            if (log->spans[i].kind == kind) {
                write_span(&log->spans[i], w);
            }
        }
        json_end_array(w);
    }
}
