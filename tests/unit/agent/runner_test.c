/*
 * Runs that last: what is stored, what is heard and in which order; cancelled at every event,
 * many at once, with a disk that is full and memory that runs out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "runner_fixture.h"

#include <signal.h>
#include <sys/resource.h>

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
        assert_int_equal(store_get_report_body(place->store, STR(STORE_WORKSPACE_FIRST),
                                               str_from(row.report_id), str_from(formats[i]),
                                               &body),
                         OK);
        assert_true(body.length > 500);
        buf_done(&body);
    }
    assert_true(says(log.json[log.count - 1], row.report_id));
    assert_int_equal(store_list_messages(place->store, STR(STORE_WORKSPACE_FIRST), STR("thread-1"),
                                         STR(""), 10, count_message, &messages),
                     OK);
    assert_int_equal(messages, 2);
    assert_int_equal(store_get_thread(place->store, STR(STORE_WORKSPACE_FIRST), STR("thread-1"),
                                      see_title, NULL),
                     OK);
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
    struct runner_request request = {.workspace_id = STR(STORE_WORKSPACE_FIRST),
                                     .prompt = STR(" \n")};
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
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("nobody")),
                     ERR_NOT_FOUND);

    start(place, "run-1", "");
    assert_int_equal(try_start(place, "run-1", "", &error), ERR_EXISTS);
    run_until_ended(place, 1);
    assert_int_equal(try_start(place, "run-1", "", &error), ERR_EXISTS);
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-1")),
                     ERR_NOT_FOUND);
    request = (struct runner_request){.workspace_id = STR(STORE_WORKSPACE_FIRST),
                                      .prompt = STR("hello")}; /* new ids */
    assert_int_equal(runner_start(place->runner, &request, on_accepted, place, &error), OK);
    run_until_ended(place, 2);
    free(long_prompt);
    place_close(place);
}

/* ---- cancelled ---- */

static void cancel_at(struct place *place, const struct heard *heard)
{
    if (heard->seq == place->at_seq) {
        assert_int_equal(
            runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), str_from(heard->run_id)), OK);
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
        bool is_open = runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), str_from(id)) == OK;
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
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-2")), OK);
    assert_int_equal(runner_cancel(place->runner, STR(STORE_WORKSPACE_FIRST), STR("run-2")), OK);
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

/* Nobody hears of an event that is not there; the server lives; the run goes on when there is room.
 */
static void test_a_full_disk_holds_a_run_up(void **state)
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
    while (runner_counts(place->runner).stalled == 0) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
    log_of(place, "run-1", &log);
    assert_int_equal(log.count, place->heard_count);
    assert_int_equal(place->ended, 0);
    log_free(&log);
    let_files_grow(true);
    place->on_event = NULL;
    start(place, "run-2", DATASET);
    run_until_ended(place, 2);
    assert_ended(place, "run-2", STORE_RUN_FINISHED);
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

/* One that fails behind the acceptance is made good later. */
static void test_acceptance_survives_every_failing_allocation(void **state)
{
    struct place *place = place_open(1);
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
    run_until_ended(place, 1);
    assert_int_equal(place->accepted, 1);
    place_close(place);
}

/* From one allocation on all fail, on whichever thread: the run ends or stands still, never hangs,
 * and its log holds as far as it goes; when there is memory it ends. */
static void test_a_run_survives_memory_running_out(void **state)
{
    struct place *place = place_open(1);
    int64_t since_us = clock_now_us();
    unsigned stalled = 0;

    (void)state;
    add_dataset(place, STORE_DATASET_READY);
    for (uint64_t nth = 1; nth < 900; nth += 1 + nth / 8) {
        unsigned ended = place->ended;
        char id[32];

        (void)snprintf(id, sizeof(id), "run-%u", (unsigned)nth);
        start(place, id, DATASET);
        (void)alloc_fail_from(nth);
        while (place->ended == ended && runner_counts(place->runner).stalled == 0) {
            (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
            assert_false(is_late(since_us));
        }
        (void)alloc_fail_from(0);
        if (place->ended == ended) {
            assert_true(row_of(place, id).status <= STORE_RUN_RUNNING);
            run_until_ended(place, ended + 1);
            assert_ended(place, id, STORE_RUN_FINISHED);
            stalled++;
        }
    }
    assert_true(stalled > 0);
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
    cmocka_unit_test(test_a_full_disk_holds_a_run_up),
    cmocka_unit_test(test_a_run_that_cannot_be_stored_is_not_accepted),
    cmocka_unit_test(test_acceptance_survives_every_failing_allocation),
    cmocka_unit_test(test_a_run_survives_memory_running_out),
};

int main(void)
{
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
