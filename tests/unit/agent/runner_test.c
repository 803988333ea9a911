/*
 * Runs that last: what is stored, what is heard and in which order; cancelled at every event,
 * many at once, taken up again from every point of their log, with a disk that is full, drained.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "runner_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "agent/runner_state.h"

static struct dataset *sample; /* of the whole program: records that answer the question */

/* ---- what a log must be ---- */

struct open_things {
    struct str names[16];
    size_t count;
};

static void open_one(struct open_things *open, struct str name)
{
    for (size_t i = 0; i < open->count; i++) {
        assert_false(str_equal(open->names[i], name));
    }
    assert_true(open->count < ARRAY_LENGTH(open->names));
    open->names[open->count++] = name;
}

static void close_one(struct open_things *open, struct str name)
{
    for (size_t i = 0; i < open->count; i++) {
        if (str_equal(open->names[i], name)) {
            open->names[i] = open->names[--open->count];
            return;
        }
    }
    fail_msg("%.*s ends and was not begun", STR_ARGS(name));
}

/* The text behind "key":" up to the next quote. */
static struct str member(const char *json, const char *key)
{
    const char *at = strstr(json, key);

    if (!at) {
        fail_msg("there is no %s in %s", key, json);
        return STR("");
    }
    at += strlen(key);
    return (struct str){at, strcspn(at, "\"")};
}

/* The rules of AG-UI for one run: it starts once, ends once, everything that was begun is ended
 * before a RUN_FINISHED, nothing follows. Numbers were checked when the log was read. */
static void assert_log_holds(const struct stored_log *log)
{
    struct open_things steps = {0};
    struct open_things agents = {0};
    struct open_things calls = {0};
    struct open_things texts = {0};

    for (size_t i = 0; i < log->count; i++) {
        const char *json = log->json[i];
        struct str type = member(json, "\"type\":\"");

        assert_int_equal(str_equal(type, STR("RUN_STARTED")), i == 0);
        if (str_equal(type, STR("STEP_STARTED"))) {
            open_one(&steps, member(json, "\"stepName\":\""));
        } else if (str_equal(type, STR("STEP_FINISHED"))) {
            close_one(&steps, member(json, "\"stepName\":\""));
        } else if (str_equal(type, STR("SUBAGENT_STARTED"))) {
            open_one(&agents, member(json, "\"subagentRunId\":\""));
        } else if (str_starts_with(type, STR("SUBAGENT_"))) {
            close_one(&agents, member(json, "\"subagentRunId\":\""));
        } else if (str_equal(type, STR("TOOL_CALL_START"))) {
            open_one(&calls, member(json, "\"toolCallId\":\""));
        } else if (str_equal(type, STR("TOOL_CALL_END"))) {
            close_one(&calls, member(json, "\"toolCallId\":\""));
        } else if (str_equal(type, STR("TEXT_MESSAGE_START"))) {
            open_one(&texts, member(json, "\"messageId\":\""));
        } else if (str_equal(type, STR("TEXT_MESSAGE_END"))) {
            close_one(&texts, member(json, "\"messageId\":\""));
        } else if (str_equal(type, STR("RUN_FINISHED"))) {
            assert_int_equal(steps.count + agents.count + calls.count + texts.count, 0);
        }
        assert_int_equal(says(json, "\"type\":\"RUN_FINISHED\"") ||
                             says(json, "\"type\":\"RUN_ERROR\""),
                         i + 1 == log->count);
    }
}

static void assert_ended(struct place *place, const char *run_id, enum store_run_status status)
{
    struct stored_log log = {0};

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    assert_int_equal(row_of(place, run_id).status, status);
    log_free(&log);
}

/* ---- one run ---- */

static const char *const in_order[] = {
    "\"type\":\"RUN_STARTED\"",
    "STEP_STARTED\",\"timestamp\"",
    "\"stepName\":\"user_input_received\",\"durationUs\"",
    "\"stepName\":\"message_validated\",\"durationUs\"",
    "\"type\":\"STATE_SNAPSHOT\"",
    "\"name\":\"triage\"",
    "\"stepName\":\"agent_selected\",\"durationUs\"",
    "\"name\":\"data\"",
    "\"toolCallName\":\"dataset_profile\"",
    "\"type\":\"TOOL_CALL_RESULT\"",
    "\"name\":\"optimisation\"",
    "\"toolCallName\":\"spend_breakdown\"",
    "\"stepName\":\"agent_executed\",\"durationUs\"",
    "\"name\":\"reporting\"",
    "\"stepName\":\"response_generated\",\"durationUs\"",
    "\"type\":\"TEXT_MESSAGE_START\"",
    "\"type\":\"TEXT_MESSAGE_CONTENT\"",
    "\"type\":\"TEXT_MESSAGE_END\"",
    "\"type\":\"ACTIVITY_SNAPSHOT\"",
    "\"deliveredTo\":3",
    "\"type\":\"RUN_FINISHED\"",
};

static bool count_message(const struct store_message *row, void *arg)
{
    unsigned *seen = arg;

    assert_str(row->role, *seen == 0 ? "user" : "assistant");
    assert_true(row->content.length > 10);
    (*seen)++;
    return true;
}

static bool see_title(const struct store_thread *row, void *arg)
{
    (void)arg;
    assert_str(row->title, QUESTION);
    return false;
}

static void test_a_run_is_stored_as_it_is_heard(void **state)
{
    static const char *const formats[] = {"json", "md", "html", "csv"};
    struct place *place = place_open(1);
    struct stored_log log = {0};
    unsigned messages = 0;
    size_t before = 0;

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    start(place, "run-1", DATASET);
    run_until_ended(place, 1);
    assert_int_equal(place->accepted, 1);
    log_of(place, "run-1", &log);
    assert_int_equal(log.count, place->heard_count);
    for (size_t i = 0; i < place->heard_count; i++) {
        assert_int_equal(place->heard[i].seq, i + 1);
    }
    assert_log_holds(&log);
    for (size_t i = 0; i < ARRAY_LENGTH(in_order); i++) {
        size_t at = where(&log, in_order[i]);

        if (at == log.count || at < before) {
            fail_msg("%s is at %zu of %zu, behind %zu", in_order[i], at, log.count, before);
        }
        before = at;
    }
    struct row row = row_of(place, "run-1");
    assert_int_equal(row.status, STORE_RUN_FINISHED);
    assert_int_equal(row.times.now_us, civil_floor(row.times.created_us, MINUTE_US));
    assert_true(row.times.created_us <= row.times.started_us &&
                row.times.started_us <= row.times.finished_us);
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++) {
        struct buf body;

        buf_init(&body, (size_t)64 << 20);
        assert_int_equal(store_get_report_body(place->store, str_from(row.report_id),
                                               str_from(formats[i]), &body),
                         OK);
        assert_true(body.length > 500);
        buf_done(&body);
    }
    assert_true(says(log.json[log.count - 1], row.report_id));
    assert_int_equal(
        store_list_messages(place->store, STR("thread-1"), STR(""), 10, count_message, &messages),
        OK);
    assert_int_equal(messages, 2);
    assert_int_equal(store_get_thread(place->store, STR("thread-1"), see_title, NULL), OK);
    log_free(&log);
    place_close(place);
}

/* Events of a tool that works are heard before it has ended: the result comes in a later batch. */
static void test_without_records_there_is_guidance(void **state)
{
    struct place *place = place_open(2);
    struct stored_log log = {0};

    (void)state;
    start(place, "run-1", "");
    run_until_ended(place, 1);
    log_of(place, "run-1", &log);
    assert_log_holds(&log);
    assert_true(where(&log, "\"type\":\"guidance\"") < log.count);
    assert_true(where(&log, "Export the records") < log.count);
    assert_int_equal(row_of(place, "run-1").status, STORE_RUN_FINISHED);
    log_free(&log);
    place_close(place);
}

static void test_requests_that_cannot_be_are_refused(void **state)
{
    struct place *place = place_open(1);
    struct error error = {0};
    char *long_prompt = malloc(ASK_PROMPT_BYTES_MAX + 1);
    char long_id[STORE_ID_BYTES_MAX + 2];

    (void)state;
    assert_non_null(long_prompt);
    memset(long_prompt, 'a', ASK_PROMPT_BYTES_MAX + 1);
    memset(long_id, 'a', sizeof(long_id));
    struct runner_request request = {.prompt = STR(" \n")};
    assert_int_equal(runner_start(place->runner, &request, NULL, NULL, &error), ERR_INVALID);
    request.prompt = (struct str){long_prompt, ASK_PROMPT_BYTES_MAX + 1};
    assert_int_equal(runner_start(place->runner, &request, NULL, NULL, &error), ERR_INVALID);
    assert_true(says(error.message, "65536"));
    request.prompt = STR("hello");
    request.run_id = STR("a/b");
    assert_int_equal(runner_start(place->runner, &request, NULL, NULL, &error), ERR_INVALID);
    request.run_id = (struct str){long_id, STORE_ID_BYTES_MAX + 1};
    assert_int_equal(runner_start(place->runner, &request, NULL, NULL, &error), ERR_INVALID);
    request.run_id = STR("");
    request.dataset_id = STR(DATASET);
    assert_int_equal(runner_start(place->runner, &request, NULL, NULL, &error), ERR_NOT_FOUND);
    add_dataset(place, STORE_DATASET_IMPORTING);
    assert_int_equal(runner_start(place->runner, &request, NULL, NULL, &error), ERR_NOT_FOUND);
    assert_true(says(error.message, "not ready"));
    assert_int_equal(runner_cancel(place->runner, STR("nobody")), ERR_NOT_FOUND);

    start(place, "run-1", "");
    assert_int_equal(try_start(place, "run-1", "", &error), ERR_EXISTS);
    run_until_ended(place, 1);
    assert_int_equal(try_start(place, "run-1", "", &error), ERR_EXISTS);
    assert_int_equal(runner_cancel(place->runner, STR("run-1")), ERR_NOT_FOUND);
    request = (struct runner_request){.prompt = STR("hello")}; /* new ids */
    assert_int_equal(runner_start(place->runner, &request, on_accepted, place, &error), OK);
    run_until_ended(place, 2);
    free(long_prompt);
    place_close(place);
}

/* ---- cancelled ---- */

static void cancel_at(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        assert_int_equal(runner_cancel(place->runner, str_from(heard->run_id)), OK);
    }
}

/* The work may be ahead of the disk, then it is too late; whatever happens the log holds. */
static void test_a_run_can_be_cancelled_at_every_event(void **state)
{
    struct place *place = place_open(1);
    unsigned cancelled = 0;

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    place->on_event = cancel_at;
    for (uint64_t seq = 1; seq < 80; seq++) {
        char id[32];

        place->at_seq = seq;
        (void)snprintf(id, sizeof(id), "run-%u", (unsigned)seq);
        start(place, id, DATASET);
        run_until_ended(place, place->ended + 1);
        bool was_cancelled = row_of(place, id).status == STORE_RUN_CANCELLED;
        cancelled += was_cancelled;
        assert_ended(place, id, was_cancelled ? STORE_RUN_CANCELLED : STORE_RUN_FINISHED);
        assert_int_equal(row_of(place, id).reason[0] != '\0', was_cancelled);
    }
    assert_int_equal(runner_counts(place->runner).cancelled, cancelled);
    place_close(place);
}

/* Asked for after so many turns of the loop, before anything is heard. */
static void test_a_run_can_be_cancelled_while_it_works(void **state)
{
    struct place *place = place_open(1);
    struct stored_log log = {0};
    unsigned with_agent = 0;

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    for (int turns = 0; turns < 40; turns++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%d", turns);
        start(place, id, DATASET);
        for (int i = 0; i < turns && place->ended <= (unsigned)turns; i++) {
            (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        }
        bool is_open = runner_cancel(place->runner, str_from(id)) == OK;
        run_until_ended(place, (unsigned)turns + 1);
        assert_true(turns > 0 || is_open);
        enum store_run_status status = row_of(place, id).status;
        assert_true(status == STORE_RUN_CANCELLED || turns > 0);
        assert_ended(place, id, status);
        log_of(place, id, &log);
        with_agent += times(&log, "\"type\":\"SUBAGENT_ERROR\"") > 0;
        log_free(&log);
    }
    assert_true(runner_counts(place->runner).cancelled > 0);
    print_message("cancelled %u of 40, %u inside an agent\n",
                  (unsigned)runner_counts(place->runner).cancelled, with_agent);
    place_close(place);
}

static void test_a_waiting_run_is_cancelled_at_once(void **state)
{
    struct place *place = place_open(1);
    struct stored_log log = {0};

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    start(place, "run-1", DATASET);
    start(place, "run-2", DATASET);
    start(place, "run-3", DATASET);
    assert_int_equal(runner_counts(place->runner).waiting, 2);
    assert_int_equal(runner_cancel(place->runner, STR("run-2")), OK);
    assert_int_equal(runner_cancel(place->runner, STR("run-2")), OK);
    assert_int_equal(runner_counts(place->runner).waiting, 1);
    run_until_ended(place, 3);
    assert_int_equal(place->accepted, 3);
    log_of(place, "run-2", &log);
    assert_int_equal(log.count, 2);
    assert_true(says(log.json[1], "\"outcome\":{\"type\":\"cancelled\"}"));
    log_free(&log);
    assert_ended(place, "run-2", STORE_RUN_CANCELLED);
    assert_ended(place, "run-3", STORE_RUN_FINISHED);
    place_close(place);
}

/* ---- many ---- */

static void see_limit(struct place *place, const struct heard *heard)
{
    (void)heard;
    assert_true(runner_counts(place->runner).working <= 3);
}

static void test_many_runs_take_turns_below_the_limit(void **state)
{
    enum { RUNS = 24 };
    struct place *place = place_open(3);
    int64_t before_us = 0;

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    place->on_event = see_limit;
    for (unsigned i = 0; i < RUNS; i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", i);
        start(place, id, DATASET);
    }
    run_until_ended(place, RUNS);
    for (unsigned i = 0; i < RUNS; i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", i);
        assert_ended(place, id, STORE_RUN_FINISHED);
        assert_true(row_of(place, id).times.started_us >= before_us);
        before_us = row_of(place, id).times.started_us;
    }
    assert_int_equal(runner_counts(place->runner).finished, RUNS);
    place_close(place);
}

static void test_the_queue_has_an_end(void **state)
{
    struct place *place = place_open(1);
    struct error error = {0};
    char id[32];

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    for (unsigned i = 0; i <= RUNNER_QUEUE_MAX; i++) {
        (void)snprintf(id, sizeof(id), "run-%u", i);
        start(place, id, DATASET);
    }
    assert_int_equal(try_start(place, "one-more", DATASET, &error), ERR_LIMIT);
    drain(place, 0);
    assert_int_equal(place->accepted, RUNNER_QUEUE_MAX + 1);
    assert_int_equal(try_start(place, "late", DATASET, &error), ERR_LIMIT);
    place_close(place);
}

/* ---- after a restart ---- */

static const char run_of_log[] = "run-000"; /* whose log is left in pieces */

/* Ids inside a log hold that of its run; all are of one length. */
static void rename_run(char *json, const char *from, const char *to)
{
    for (char *at = json; (at = strstr(at, from)) != NULL; at++) {
        memcpy(at, to, strlen(to));
    }
}

/* What the last process left: a run with the beginning of a log. */
static void leave(struct place *place, const char *run_id, const struct stored_log *log,
                  size_t count, const char *report_id)
{
    struct store_batch *batch = store_batch_new();

    assert_non_null(batch);
    store_put_thread(batch, &(struct store_thread){.id = STR("thread-1"), .title = STR("t")});
    store_add_run(batch,
                  &(struct store_run){.id = str_from(run_id),
                                      .thread_id = STR("thread-1"),
                                      .status = count > 1 ? STORE_RUN_RUNNING : STORE_RUN_QUEUED,
                                      .prompt = STR(QUESTION),
                                      .dataset_id = STR(DATASET),
                                      .seed = 7,
                                      .created_us = log->time_us[0],
                                      .report_id = str_from(report_id)});
    for (size_t i = 0; i < count; i++) {
        rename_run(log->json[i], run_of_log, run_id);
        store_add_event(batch, &(struct store_event){.run_id = str_from(run_id),
                                                     .seq = i + 1,
                                                     .time_us = log->time_us[i],
                                                     .json = str_from(log->json[i])});
        rename_run(log->json[i], run_id, run_of_log);
    }
    store_now(place, batch);
}

static void restart(struct place *place)
{
    struct error error = {0};

    runner_free(place->runner);
    place_runner(place, 2);
    assert_int_equal(runner_recover(place->runner, &error), OK);
}

/* A log to be left in pieces. */
static void make_log(struct place *place, struct stored_log *log)
{
    add_dataset(place, STORE_DATASET_READY);
    start(place, run_of_log, DATASET);
    run_until_ended(place, 1);
    log_of(place, run_of_log, log);
}

static void assert_completed(struct place *place, const char *run_id, const struct stored_log *full,
                             size_t left)
{
    struct stored_log log = {0};

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    for (size_t i = 0; i < left; i++) {
        rename_run(log.json[i], run_id, run_of_log);
        assert_string_equal(log.json[i], full->json[i]);
    }
    assert_int_equal(log.count, full->count + 1);
    assert_true(says(log.json[left], "\"name\":\"netra.resumed\",\"value\":{\"attempt\":1}"));
    for (size_t i = left; i < full->count; i++) {
        assert_true(str_equal(member(log.json[i + 1], "\"type\":\""),
                              member(full->json[i], "\"type\":\"")));
    }
    assert_int_equal(row_of(place, run_id).status, STORE_RUN_FINISHED);
    log_free(&log);
}

static void test_a_run_is_completed_from_every_point_of_its_log(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    size_t last = where(&full, "\"type\":\"TEXT_MESSAGE_START\"");
    drain(place, 0);
    for (size_t left = 1; left <= last; left++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%03zu", left);
        leave(place, id, &full, left, "");
    }
    restart(place);
    run_until_ended(place, 1 + (unsigned)last);
    for (size_t left = 1; left <= last; left++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%03zu", left);
        assert_completed(place, id, &full, left);
    }
    log_free(&full);
    place_close(place);
}

/* The report was stored, its end was not. */
static void test_a_report_that_is_stored_is_not_made_again(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};
    struct stored_log log = {0};

    (void)state;
    make_log(place, &full);
    size_t left = where(&full, "\"type\":\"ACTIVITY_SNAPSHOT\"") + 1;
    drain(place, 0);
    leave(place, "run-001", &full, left, "report-1");
    restart(place);
    run_until_ended(place, 2);
    log_of(place, "run-001", &log);
    assert_log_holds(&log);
    assert_int_equal(log.count, full.count);
    assert_true(says(log.json[left], "\"deliveredTo\":0"));
    assert_true(says(log.json[left + 1], "\"reportId\":\"report-1\""));
    assert_int_equal(row_of(place, "run-001").status, STORE_RUN_FINISHED);
    assert_string_equal(row_of(place, "run-001").report_id, "report-1");
    log_free(&log);
    log_free(&full);
    place_close(place);
}

static void assert_failed(struct place *place, const char *run_id, const char *code)
{
    struct stored_log log = {0};
    char part[64];

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    (void)snprintf(part, sizeof(part), "\"code\":\"%s\"", code);
    if (!says(log.json[log.count - 1], part)) {
        fail_msg("%s is not in %s", part, log.json[log.count - 1]);
    }
    assert_int_equal(row_of(place, run_id).status, STORE_RUN_FAILED);
    assert_true(row_of(place, run_id).reason[0] != '\0');
    log_free(&log);
}

static void test_a_run_that_goes_another_way_fails(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    size_t call = where(&full, "\"toolCallName\":\"dataset_profile\"");
    char *name = strstr(full.json[call], "dataset_profile");
    drain(place, 0);
    memcpy(name, "dataset_PROFILE", 15);
    leave(place, "run-001", &full, call + 4, "");
    /* a log that has more than the run makes before its report */
    memcpy(name, "dataset_profile", 15);
    size_t last = where(&full, "\"type\":\"TEXT_MESSAGE_START\"");
    leave(place, "run-002", &full, last + 1, "");
    restart(place);
    run_until_ended(place, 3);
    assert_failed(place, "run-001", "REPLAY_DIFFERS");
    assert_failed(place, "run-002", "REPLAY_DIFFERS");
    assert_int_equal(runner_counts(place->runner).failed, 2);
    log_free(&full);
    place_close(place);
}

static void test_records_that_are_gone_are_a_reason(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    drain(place, 0);
    leave(place, "run-001", &full, 5, "");
    leave(place, "run-002", &full, 1, "");
    played_dataset = NULL;
    restart(place);
    run_until_ended(place, 3);
    assert_failed(place, "run-001", "DATASET_GONE");
    assert_failed(place, "run-002", "DATASET_GONE");
    log_free(&full);
    place_close(place);
    played_dataset = sample;
}

/* Each attempt is in the log; after the last one that is allowed the run is given up. */
static void test_a_run_is_not_tried_for_ever(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};
    struct stored_log log = {0};

    (void)state;
    make_log(place, &full);
    drain(place, 0);
    leave(place, "run-001", &full, 7, "");
    for (unsigned attempt = 1; attempt <= RUNNER_ATTEMPTS_MAX; attempt++) {
        restart(place);
        drain(place, 0);
        log_of(place, "run-001", &log);
        assert_int_equal(times(&log, "netra.resumed"), attempt);
        log_free(&log);
    }
    restart(place);
    run_until_ended(place, 2);
    assert_failed(place, "run-001", "GAVE_UP");
    log_free(&full);
    place_close(place);
}

static void test_a_run_that_is_taken_up_can_be_cancelled(void **state)
{
    struct place *place = place_open(2);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    size_t last = where(&full, "\"type\":\"TEXT_MESSAGE_START\"");
    drain(place, 0);
    leave(place, "run-001", &full, 20, "");
    leave(place, "run-002", &full, 1, "");
    leave(place, "run-003", &full, last, "");
    restart(place);
    assert_int_equal(runner_cancel(place->runner, STR("run-001")), OK);
    assert_int_equal(runner_cancel(place->runner, STR("run-002")), OK);
    assert_int_equal(runner_cancel(place->runner, STR("run-003")), OK);
    run_until_ended(place, 4);
    assert_ended(place, "run-001", STORE_RUN_CANCELLED);
    assert_ended(place, "run-002", STORE_RUN_CANCELLED);
    assert_ended(place, "run-003", STORE_RUN_CANCELLED);
    log_free(&full);
    place_close(place);
}

/* ---- drained ---- */

static void test_what_is_at_work_has_its_time_to_end(void **state)
{
    struct place *place = place_open(2);

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    start(place, "run-1", DATASET);
    start(place, "run-2", DATASET);
    start(place, "run-3", DATASET);
    drain(place, 20000);
    assert_ended(place, "run-1", STORE_RUN_FINISHED);
    assert_ended(place, "run-2", STORE_RUN_FINISHED);
    assert_int_equal(row_of(place, "run-3").status, STORE_RUN_QUEUED);
    restart(place);
    run_until_ended(place, 3);
    assert_ended(place, "run-3", STORE_RUN_FINISHED);
    place_close(place);
}

static void stop_at(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        place->on_event = NULL;
        runner_drain(place->runner, 0, set_drained, place);
    }
}

/* Stopped in the middle, again and again at later events: never ended, never twice the same. */
static void test_a_run_that_is_stopped_goes_on_in_the_next_process(void **state)
{
    struct place *place = place_open(1);
    struct stored_log full = {0};

    (void)state;
    make_log(place, &full);
    drain(place, 0);
    for (unsigned seq = 1; seq < full.count; seq += 4) {
        char id[32];
        int64_t since_us = clock_now_us();
        unsigned ended = place->ended;

        (void)snprintf(id, sizeof(id), "run-%u", seq);
        restart(place);
        place->at_seq = seq;
        place->is_drained = false;
        place->on_event = stop_at;
        start(place, id, DATASET);
        while (!place->is_drained) {
            (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
            assert_false(is_late(since_us));
        }
        place->on_event = NULL;
        restart(place);
        run_until_ended(place, ended + 1);
        assert_ended(place, id, STORE_RUN_FINISHED);
        drain(place, 0);
    }
    log_free(&full);
    place_close(place);
}

/* ---- failures ---- */

static void let_files_grow(bool may_grow)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = may_grow ? limit.rlim_max : 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void fill_disk(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        let_files_grow(false);
    }
}

/* Nobody hears of an event that is not there; the server lives; the next process ends the run. */
static void test_a_full_disk_ends_the_run_in_memory(void **state)
{
    struct place *place = place_open(1);
    struct stored_log log = {0};
    int64_t since_us = clock_now_us();

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    add_dataset(place, STORE_DATASET_READY);
    place->on_event = fill_disk;
    place->at_seq = 6;
    start(place, "run-1", DATASET);
    while (runner_counts(place->runner).failed == 0) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
    let_files_grow(true);
    place->on_event = NULL;
    log_of(place, "run-1", &log);
    assert_int_equal(log.count, place->heard_count);
    assert_int_equal(place->ended, 0);
    log_free(&log);

    start(place, "run-2", DATASET);
    run_until_ended(place, 1);
    assert_ended(place, "run-2", STORE_RUN_FINISHED);
    drain(place, 0);
    restart(place);
    run_until_ended(place, 2);
    assert_ended(place, "run-1", STORE_RUN_FINISHED);
    place_close(place);
}

static void test_a_run_that_cannot_be_stored_is_not_accepted(void **state)
{
    struct place *place = place_open(1);
    int64_t since_us = clock_now_us();

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    add_dataset(place, STORE_DATASET_READY);
    let_files_grow(false);
    start(place, "run-1", DATASET);
    start(place, "run-2", DATASET);
    while (place->refused < 2) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
    let_files_grow(true);
    assert_int_equal(place->heard_count, 0);
    start(place, "run-1", DATASET);
    run_until_ended(place, 1);
    assert_int_equal(place->accepted, 1);
    assert_ended(place, "run-1", STORE_RUN_FINISHED);
    place_close(place);
}

/* One that fails behind the acceptance loses the run in this process. */
static void test_acceptance_survives_every_failing_allocation(void **state)
{
    struct place *place = place_open(1);
    int64_t since_us = clock_now_us();
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code; nth++) {
        struct error error = {0};

        assert_true(nth < 200);
        (void)alloc_fail_from(nth);
        code = try_start(place, "run-1", "", &error);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_int_equal(code == OK, error.message[0] == '\0');
    }
    while (place->ended == 0 && runner_counts(place->runner).failed == 0) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
    assert_int_equal(place->accepted, 1);
    place_close(place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_run_is_stored_as_it_is_heard),
    cmocka_unit_test(test_without_records_there_is_guidance),
    cmocka_unit_test(test_requests_that_cannot_be_are_refused),
    cmocka_unit_test(test_a_run_can_be_cancelled_at_every_event),
    cmocka_unit_test(test_a_run_can_be_cancelled_while_it_works),
    cmocka_unit_test(test_a_waiting_run_is_cancelled_at_once),
    cmocka_unit_test(test_many_runs_take_turns_below_the_limit),
    cmocka_unit_test(test_the_queue_has_an_end),
    cmocka_unit_test(test_a_run_is_completed_from_every_point_of_its_log),
    cmocka_unit_test(test_a_report_that_is_stored_is_not_made_again),
    cmocka_unit_test(test_a_run_that_goes_another_way_fails),
    cmocka_unit_test(test_records_that_are_gone_are_a_reason),
    cmocka_unit_test(test_a_run_is_not_tried_for_ever),
    cmocka_unit_test(test_a_run_that_is_taken_up_can_be_cancelled),
    cmocka_unit_test(test_what_is_at_work_has_its_time_to_end),
    cmocka_unit_test(test_a_run_that_is_stopped_goes_on_in_the_next_process),
    cmocka_unit_test(test_a_full_disk_ends_the_run_in_memory),
    cmocka_unit_test(test_a_run_that_cannot_be_stored_is_not_accepted),
    cmocka_unit_test(test_acceptance_survives_every_failing_allocation),
};

static int open_sample(void **state)
{
    (void)state;
    sample = sample_dataset();
    played_dataset = sample;
    return 0;
}

static int close_sample(void **state)
{
    (void)state;
    dataset_close(sample);
    return 0;
}

int main(void)
{
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
