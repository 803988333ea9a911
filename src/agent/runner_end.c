/*
 * How runs end: the report is stored with its events in one batch, then, when it is durable and was
 * published, the run's end in another; or a reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/runner_state.h"
#include "base/civil_time.h"
#include "monitor/metrics.h"

#define CANCELLED_REASON "cancelled on request"

static const char *const formats[RENDERED_COUNT] = {
    [RENDERED_JSON] = "json",
    [RENDERED_MARKDOWN] = "md",
    [RENDERED_HTML] = "html",
    [RENDERED_CSV] = "csv",
};

static int log_json(struct str json, void *arg)
{
    struct live_run *live = arg;
    struct note *note = note_new(json, clock_now_us());

    if (!note) {
        return ERR_NO_MEMORY;
    }
    live_log(live, note);
    return OK;
}

/* ---- the report ---- */

static void add_report(struct live_run *live, struct store_batch *batch,
                       const struct report *report, const char *message_id, struct str summary)
{
    int64_t now_us = clock_now_us();

    store_add_report(batch, &(struct store_report){.id = report->id,
                                                   .run_id = live->names.run_id,
                                                   .thread_id = live->names.thread_id,
                                                   .type = str_from(report_type_name(report->type)),
                                                   .created_us = now_us});
    for (size_t i = 0; i < RENDERED_COUNT; i++) {
        store_add_report_body(batch, report->id, str_from(formats[i]), buf_str(&live->rendered[i]));
        buf_done(&live->rendered[i]);
    }
    store_add_message(batch, &(struct store_message){.id = str_from(message_id),
                                                     .thread_id = live->names.thread_id,
                                                     .role = STR("assistant"),
                                                     .content = summary,
                                                     .run_id = live->names.run_id,
                                                     .created_us = now_us});
    store_touch_thread(batch, live->names.thread_id, now_us);
}

/* The summary that a model wrote was told as it came. */
static int log_report(struct live_run *live, const struct report *report, const char *message_id,
                      bool is_begun)
{
    cleanup(buf_done) struct buf json;
    int64_t now_us = clock_now_us();
    int code = OK;

    buf_init(&json, RUN_EVENT_BYTES_MAX);
    if (!live->text.is_finished) {
        code = run_events_summary(&live->names, now_us, str_from(message_id), is_begun, report,
                                  log_json, live);
    }
    run_events_report(&live->names, now_us, report, &json);
    code = code ? code : buf_status(&json);
    return code ? code : log_json(buf_str(&json), live);
}

void live_deliver(struct live_run *live)
{
    const struct report *report = run_report(live->run);
    cleanup(buf_done) struct buf summary;
    char new_id[UUID_BYTES];

    buf_init(&summary, RUN_EVENT_BYTES_MAX);
    if (live_is_replaying(live)) {
        live_fail(live, "REPLAY_DIFFERS", "the run was made again and told less");
        return;
    }
    if (uuid_v7(new_id, &live->error)) {
        live_fail(live, error_code_name(live->error.code), live->error.message);
        return;
    }
    if (live->text.is_finished) {
        buf_append(&summary, buf_str(&live->text.told)); /* what was heard, to the letter */
    } else {
        run_events_summary_text(report, &summary);
    }
    struct store_batch *batch = live_batch(live);
    if (!batch) {
        return;
    }
    const char *open_id = live_text_take_open(live);
    const char *message_id = live->text.is_finished ? live->text.message_id
                             : open_id              ? open_id
                                                    : new_id;
    live->phase = LIVE_DELIVERING;
    add_report(live, batch, report, message_id, buf_str(&summary));
    int code = log_report(live, report, message_id, open_id != NULL);
    if (code || buf_status(&summary)) {
        live_lose(live, code ? code : buf_status(&summary));
        return;
    }
    live->has_report = true;
    live_log_row(live);
    live_flush(live, MARK_REPORT);
}

/* ---- the end ---- */

/* The last event and the row together. */
static void end(struct live_run *live, enum store_run_status status, const struct buf *json)
{
    if (live->phase == LIVE_GONE) {
        return; /* lost while it told how it ends */
    }
    live->phase = LIVE_ENDING;
    live->row.status = status;
    live->row.finished_us = clock_now_us();
    live->row.seq_leased = 0;
    live_log_json(live, json, live->row.finished_us);
    live_log_row(live);
    live_flush(live, MARK_END);
}

/* The step of a run whose report was stored before a restart. */
static void finish_delivery(struct live_run *live)
{
    int64_t now_us = clock_now_us();
    int64_t started_us = live->delivery_started_us;
    struct run_event event = {
        .kind = RUN_STEP_FINISHED,
        .name = "response_delivered",
        .time_us = now_us,
        .duration_us = now_us > started_us ? (uint64_t)(now_us - started_us) : 0,
        .delivered_to = &live->delivered_to,
    };
    int code = run_events_of(&live->names, &event, log_json, live);

    if (code) {
        live_lose(live, code);
    }
}

/* Tokens as events tell them. */
static void write_finished(struct live_run *live, bool is_cancelled, struct str report_id,
                           struct buf *json)
{
    struct run_events_usage usages[LIVE_USAGES_MAX];
    size_t count = live->asking.usage_count;

    for (size_t i = 0; i < count; i++) {
        const struct live_usage *usage = &live->asking.usages[i];

        usages[i] = (struct run_events_usage){usage->provider, usage->model, &usage->usage};
    }
    run_events_finished(&live->names, clock_now_us(), is_cancelled, report_id, usages, count, json);
}

void live_finish(struct live_run *live)
{
    cleanup(buf_done) struct buf json;

    if (live->run) {
        live->is_delivered = true;
        run_delivered(live->run);
        live_take_notes(live);
    } else {
        finish_delivery(live);
    }
    buf_init(&json, RUN_EVENT_BYTES_MAX);
    write_finished(live, /* is_cancelled */ false, str_from(live->report_id), &json);
    end(live, STORE_RUN_FINISHED, &json);
}

/* Closes what is open in the log; not while the log is ahead of the run. */
static void abandon(struct live_run *live, const char *why)
{
    if (live->run && !live_is_replaying(live)) {
        run_abandon(live->run, why);
        live_take_notes(live);
        live_text_close(live, why);
    }
}

void live_cancel(struct live_run *live)
{
    cleanup(buf_done) struct buf json;

    abandon(live, "the run was cancelled");
    (void)snprintf(live->reason, sizeof(live->reason), CANCELLED_REASON);
    buf_init(&json, RUN_EVENT_BYTES_MAX);
    write_finished(live, /* is_cancelled */ true, STR(""), &json);
    end(live, STORE_RUN_CANCELLED, &json);
}

void live_fail(struct live_run *live, const char *code, const char *message)
{
    cleanup(buf_done) struct buf json;

    if (live->differs) {
        live->differs = NULL;
    } else {
        abandon(live, message);
    }
    live->replay.count = live->replay.made; /* what comes now is new */
    live_text_close(live, message);         /* of the log, when there is no run */
    (void)snprintf(live->reason, sizeof(live->reason), "%s", message);
    buf_init(&json, RUN_EVENT_BYTES_MAX);
    run_events_error(&live->names, clock_now_us(), code, live->reason, &json);
    end(live, STORE_RUN_FAILED, &json);
}

void live_ended(struct live_run *live)
{
    struct runner_counts *counts = &live->runner->counts;
    int64_t took_us = clock_now_us() - live->row.created_us;
    struct str label = STR("finished");

    if (live->row.status == STORE_RUN_FINISHED) {
        counts->finished++;
    } else if (live->row.status == STORE_RUN_CANCELLED) {
        counts->cancelled++;
        label = STR("cancelled");
    } else {
        counts->failed++;
        label = STR("failed");
    }
    live_trace_end(live, label.data);
    metric_add(METRIC_RUNS, metric_label(METRIC_RUNS, label), 1);
    metric_observe_us(METRIC_RUN_DURATION, 0, took_us > 0 ? (uint64_t)took_us : 0);
    live->phase = LIVE_GONE;
    live->lost_code = OK;
}
