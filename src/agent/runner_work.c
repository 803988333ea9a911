/*
 * What workers do for a run: its steps, one a job, so that runs take turns, and the rendering. What
 * the run tells while it works travels to the loop at once: encoded on the worker, pushed to the
 * run's inbox, and one message posted when none is on its way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/runner_state.h"
#include "base/alloc.h"
#include "monitor/fault.h"
#include "monitor/log.h"
#include "monitor/metrics.h"

#define DESCRIPTION_BYTES_MAX ((size_t)16 << 20)

/* ---- from the worker to the loop ---- */

/* The events of one run_event; they stay together. */
struct told {
    const struct run_event *event;
    struct note *newest;
    struct note *oldest;
};

static int keep_note(struct str json, void *arg)
{
    struct told *told = arg;
    struct note *note = note_new(json, told->event->time_us);

    if (!note) {
        return ERR_NO_MEMORY;
    }
    note->is_first_agent = told->event->kind == RUN_AGENT_STARTED && told->event->index == 0;
    note->next = told->newest;
    told->newest = note;
    told->oldest = told->oldest ? told->oldest : note;
    return OK;
}

static void on_message(void *arg)
{
    struct live_run *live = arg;

    atomic_store(&live->is_posted, false);
    live_take_notes(live);
    if (live->phase == LIVE_ASKING && live->is_cancel_wanted) {
        live_stop_asking(live);
        live_cancel(live);
    }
    live_flush(live, 0);
    live_settle(live);
}

static void push_notes(struct live_run *live, const struct told *told)
{
    struct note *before = atomic_load(&live->inbox);

    if (!told->newest) {
        return;
    }
    do {
        told->oldest->next = before;
    } while (!atomic_compare_exchange_weak(&live->inbox, &before, told->newest));
    if (live->is_on_worker) { /* on the loop whoever calls the run takes them */
        live_poke(live);
    }
}

static bool is_question(enum run_event_kind kind)
{
    return kind == RUN_MODEL_ASKED || kind == RUN_MODEL_ANSWERED;
}

static bool is_text(enum run_event_kind kind)
{
    return kind == RUN_TEXT_STARTED || kind == RUN_TEXT || kind == RUN_TEXT_FINISHED ||
           kind == RUN_TEXT_WITHDRAWN;
}

/* It becomes an event on the loop, where its message's id is known. */
static int keep_text(struct told *told)
{
    const struct run_event *event = told->event;
    struct str why = str_from(event->failure ? event->failure : "");
    int code = keep_note(event->kind == RUN_TEXT ? event->text : why, told);

    if (!code) {
        told->newest->is_text = true;
        told->newest->text_kind = event->kind;
    }
    return code;
}

static void count_event(const struct run_event *event)
{
    char label[96];

    if (event->kind == RUN_STEP_FINISHED) {
        metric_observe_us(METRIC_RUN_STEP_DURATION,
                          metric_label(METRIC_RUN_STEP_DURATION, str_from(event->name)),
                          event->duration_us);
    } else if (event->kind == RUN_TOOL_FINISHED) {
        (void)snprintf(label, sizeof(label), "%s %s", event->name, event->body ? "ok" : "failed");
        metric_add(METRIC_TOOL_CALLS, metric_label(METRIC_TOOL_CALLS, str_from(label)), 1);
    }
}

/* On the thread that has the run. */
static void on_run_event(const struct run_event *event, void *arg)
{
    struct live_run *live = arg;
    struct run_event told_event = *event;
    struct told told = {.event = &told_event};
    const struct run_question *question = live->run ? run_question(live->run) : NULL;

    told_event.delivered_to =
        live->is_delivered && event->kind == RUN_STEP_FINISHED ? &live->delivered_to : NULL;
    if (question && is_question(event->kind)) {
        told_event.text = question->prompt;
    }
    live->told++;
    count_event(event);
    live_trace(live, event);
    if (is_text(event->kind) ? keep_text(&told)
                             : run_events_of(&live->names, &told_event, keep_note, &told)) {
        atomic_store(&live->has_lost_note, true);
    }
    push_notes(live, &told);
}

void live_work_init(struct live_run *live)
{
    live->message.fn = on_message;
    live->message.arg = live;
}

void live_drop_notes(struct live_run *live)
{
    struct note *note = atomic_exchange(&live->inbox, NULL);

    while (note) {
        struct note *next = note->next;

        alloc_free(note);
        note = next;
    }
}

void live_take_notes(struct live_run *live)
{
    struct note *newest = atomic_exchange(&live->inbox, NULL);
    struct note *oldest = NULL;

    while (newest) {
        struct note *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct note *next = oldest->next;

        if (oldest->is_text) {
            live_text_take(live, oldest);
        } else {
            live_text_flush(live, /* must */ true);
            live_log(live, oldest);
        }
        oldest = next;
    }
    if (atomic_load(&live->has_lost_note)) {
        live_lose(live, ERR_NO_MEMORY);
    }
}

/* ---- jobs ---- */

static void submit(struct live_run *live, loop_fn work, loop_fn done)
{
    live->job.work = work;
    live->job.done = done;
    live->job.arg = live;
    live->is_on_worker = true;
    loop_work(live->runner->options.loop, &live->job);
}

static void render(void *arg)
{
    static void (*const renderers[RENDERED_COUNT])(const struct report *, struct buf *) = {
        [RENDERED_JSON] = report_render_json,
        [RENDERED_MARKDOWN] = report_render_markdown,
        [RENDERED_HTML] = report_render_html,
        [RENDERED_CSV] = report_render_csv,
    };
    struct live_run *live = arg;
    size_t left = RENDER_BYTES_MAX;

    live->code = OK;
    for (size_t i = 0; i < RENDERED_COUNT && !live->code; i++) {
        buf_init(&live->rendered[i], left);
        renderers[i](run_report(live->run), &live->rendered[i]);
        live->code = buf_status(&live->rendered[i]);
        left -= live->rendered[i].length;
    }
    if (live->code) {
        (void)error_set(&live->error, live->code, "cannot write the report: %s",
                        error_code_text(live->code));
    }
}

/* A code that no step should have: not of its input, not of what the machine lacks. */
static bool is_defect(int code)
{
    return code && code != ERR_CANCELLED && code != ERR_LIMIT && code != ERR_NO_MEMORY &&
           code != ERR_IO;
}

/* A job has ended. True: the run goes on. */
static bool goes_on(struct live_run *live)
{
    live->is_on_worker = false;
    live_take_notes(live);
    if (live->phase == LIVE_GONE) {
        return false;
    }
    if (live->differs) {
        live_fail(live, "REPLAY_DIFFERS", live->differs);
        return false;
    }
    if (live->code == ERR_CANCELLED || (live->is_cancel_wanted && !live_is_replaying(live))) {
        live_cancel(live);
        return false;
    }
    if (live->code) {
        live_fail(live, is_defect(live->code) ? "INTERNAL_ERROR" : error_code_name(live->code),
                  live->error.message);
        return false;
    }
    return true;
}

static void on_rendered(void *arg)
{
    struct live_run *live = arg;

    if (goes_on(live)) {
        live_deliver(live);
    }
    live_flush(live, 0);
    live_settle(live);
}

static int make_run(struct live_run *live)
{
    const struct dataset *dataset = live->lease ? dataset_lease_dataset(live->lease) : NULL;
    struct run_options options = {
        .prompt = live->row.prompt,
        .dataset = dataset,
        .book = dataset ? dataset->book : live->runner->options.book,
        .id = str_from(live->report_id),
        .seed = live->row.seed,
        .has_model = live->row.has_model,
        .clock = clock_now_us,
        .is_cancelled = &live->is_cancelled,
        .observer = on_run_event,
        .observer_arg = live,
    };

    return run_new(&options, &live->run, &live->error);
}

static void step(void *arg)
{
    struct live_run *live = arg;

    live->told = 0;
    live->code = live->run ? OK : make_run(live);
    if (!live->code && fault_hits(FAULT_STEP_FAILS)) {
        live->code = error_set(&live->error, ERR_INVALID, "a step has failed (fault step_fails)");
    } else if (!live->code) {
        live->code = run_step(live->run, &live->is_done, &live->error);
    }
}

static void log_defect(const struct live_run *live)
{
    char trace_id[TRACE_ID_TEXT_BYTES];

    trace_id_text(&live->trace.run, trace_id);
    log_write(LOG_ERROR, "agent", "run %.*s: a step has failed: %s: %s (trace %s)%s",
              STR_ARGS(live->names.run_id), error_code_name(live->code), live->error.message,
              trace_id, live->was_tried_again ? "" : "; it is tried once more");
}

/* A step is a function of what the run has; one that told nothing can be done anew without anybody
 * noticing. True: it is on its way again. */
static bool is_tried_again(struct live_run *live)
{
    if (!is_defect(live->code) || live->phase == LIVE_GONE || live->differs ||
        live->is_cancel_wanted) {
        return false;
    }
    log_defect(live);
    if (live->was_tried_again || live->told) {
        return false;
    }
    metric_add(METRIC_RUN_STEPS_AGAIN, 0, 1);
    live->was_tried_again = true;
    live_step(live);
    return true;
}

static void on_stepped(void *arg)
{
    struct live_run *live = arg;

    struct runner *runner = live->runner;

    live->is_on_worker = false;
    if (is_tried_again(live)) {
        return;
    }
    if (goes_on(live)) {
        live->was_tried_again = false;
        if (live->is_done) {
            live->phase = LIVE_RENDERING;
            submit(live, render, on_rendered);
        } else if (run_question(live->run)) {
            live_ask(live);
        } else {
            live_step(live);
        }
    }
    live_flush(live, 0);
    live_settle(live);
    runner_schedule(runner); /* it may have left its place */
}

void live_step(struct live_run *live)
{
    live->phase = LIVE_STEPPING;
    submit(live, step, on_stepped);
}

/* ---- the records ---- */

static void on_records(int code, const struct error *error, struct dataset_lease *lease, void *arg)
{
    struct live_run *live = arg;

    live->is_opening = false;
    live->lease = lease;
    if (live->phase != LIVE_GONE) {
        if (code == ERR_NOT_FOUND) {
            live_fail(live, "DATASET_GONE", "the records are not there any more");
        } else if (code) {
            live_fail(live, error_code_name(code), error ? error->message : error_code_text(code));
        } else {
            live_step(live);
        }
    }
    live_flush(live, 0);
    live_settle(live);
}

static bool keep_description(const struct store_dataset *row, void *arg)
{
    struct buf *description = arg;

    if (row->status == STORE_DATASET_READY) {
        buf_append(description, row->description);
    } else {
        description->status = ERR_NOT_FOUND;
    }
    return false;
}

void live_begin(struct live_run *live)
{
    const struct runner_options *options = &live->runner->options;
    cleanup(buf_done) struct buf description;

    buf_init(&description, DESCRIPTION_BYTES_MAX);
    if (live->phase == LIVE_GONE) {
        return;
    }
    if (live->row.dataset_id.length == 0) {
        live_step(live);
        return;
    }
    int code = store_get_dataset(options->store, live->row.workspace_id, live->row.dataset_id,
                                 keep_description, &description);
    code = code ? code : buf_status(&description);
    if (!code) {
        code = dataset_cache_get(options->datasets, live->row.dataset_id, buf_str(&description),
                                 live->row.now_us, on_records, live);
    }
    live->is_opening = !code;
    if (code == ERR_NOT_FOUND) {
        live_fail(live, "DATASET_GONE", "the records are not there any more");
    } else if (code) {
        live_fail(live, error_code_name(code), error_code_text(code));
    }
}
