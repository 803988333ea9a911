/*
 * A runner for tests: a real loop and a real store below a folder of the test's own; the cache of
 * datasets is played here, so that a test says which records there are and when they are gone.
 * What is published is kept and looked up in the store at once: an event that somebody hears of
 * must be there, or be a piece of text whose number is leased.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TESTS_RUNNER_FIXTURE_H
#define NETRA_TESTS_RUNNER_FIXTURE_H

#include "../tool/tool_fixture.h"

#include <time.h>

#include "agent/runner_state.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define HEARD_MAX  20000
#define LOG_MAX    600
#define PATIENCE_S 30
#define DATASET    "set-1"
#define QUESTION   "where does the money go?"
#define SHORT_TEXT 256

struct heard {
    uint64_t seq;
    bool is_last;
    bool is_early; /* the store has it not yet */
    char *json;    /* NULL unless the place keeps it */
    char run_id[STORE_ID_BYTES_MAX + 1];
};

struct place {
    char folder[64];
    struct loop *loop;
    struct store *store;
    struct runner *runner;
    struct price_book *book;
    struct llm *llm; /* of the next runner */
    uint64_t model_tokens_max;
    uint64_t model_tokens_day_max;
    unsigned concurrent_owner_max;
    unsigned waiting_owner_max;
    bool keeps_json;
    struct loop_timer tick; /* a test that waits in vain is to see that it is late */
    struct heard heard[HEARD_MAX];
    size_t heard_count;
    unsigned ended; /* runs whose last event was heard */
    unsigned accepted;
    unsigned refused; /* accepted with a code */
    bool is_drained;
    void (*on_event)(struct place *place, const struct heard *heard); /* may be NULL */
    uint64_t at_seq;                                                  /* for on_event */
};

/* ---- the cache of datasets, played ---- */

static struct dataset *played_dataset; /* NULL: gone */
static unsigned leases_out;

struct dataset_lease {
    struct loop_message message;
    dataset_ready_fn ready;
    void *arg;
};

static void tell_ready(void *arg)
{
    struct dataset_lease *lease = arg;
    struct error error = {0};

    if (played_dataset) {
        leases_out++;
        lease->ready(OK, NULL, lease, lease->arg);
    } else {
        error_set(&error, ERR_NOT_FOUND, "gone");
        lease->ready(ERR_NOT_FOUND, &error, NULL, lease->arg);
        free(lease);
    }
}

static struct loop *cache_loop;

int dataset_cache_get(struct dataset_cache *cache, struct str dataset_id, struct str description,
                      int64_t now_us, dataset_ready_fn ready, void *arg)
{
    struct dataset_lease *lease = calloc(1, sizeof(*lease));

    (void)cache;
    assert_non_null(lease);
    assert_str(dataset_id, DATASET);
    assert_str(description, "{}");
    assert_int_equal(now_us % MINUTE_US, 0);
    *lease = (struct dataset_lease){
        .message = {.fn = tell_ready, .arg = lease}, .ready = ready, .arg = arg};
    loop_post(cache_loop, &lease->message);
    return OK;
}

const struct dataset *dataset_lease_dataset(const struct dataset_lease *lease)
{
    (void)lease;
    return played_dataset;
}

void dataset_lease_release(struct dataset_lease *lease)
{
    leases_out -= lease != NULL;
    free(lease);
}

/* ---- opening and closing ---- */

struct sought {
    struct str json;
    bool is_there;
};

static bool has_json(const struct store_event *row, void *arg)
{
    struct sought *sought = arg;

    assert_true(str_equal(row->json, sought->json));
    sought->is_there = true;
    return false;
}

static bool keep_lease(const struct store_run *row, void *arg)
{
    *(uint64_t *)arg = row->seq_leased;
    return false;
}

static bool is_leased_text(struct place *place, struct str run_id, uint64_t seq, struct str json)
{
    uint64_t leased = 0;

    assert_int_equal(
        store_get_run(place->store, STR(STORE_WORKSPACE_FIRST), run_id, keep_lease, &leased), OK);
    return seq <= leased && memmem(json.data, json.length, "TEXT_MESSAGE_CONTENT", 20);
}

static unsigned hear(struct str run_id, uint64_t seq, struct str json, bool is_last, void *arg)
{
    struct place *place = arg;
    struct heard *heard = &place->heard[place->heard_count++];
    struct sought sought = {.json = json};

    assert_true(place->heard_count < HEARD_MAX);
    heard->seq = seq;
    heard->is_last = is_last;
    (void)snprintf(heard->run_id, sizeof(heard->run_id), "%.*s", STR_ARGS(run_id));
    assert_int_equal(store_list_events(place->store, STR(STORE_WORKSPACE_FIRST), run_id, seq - 1, 1,
                                       has_json, &sought),
                     OK);
    heard->is_early = !sought.is_there;
    assert_true(sought.is_there || is_leased_text(place, run_id, seq, json));
    heard->json = place->keeps_json ? strndup(json.data, json.length) : NULL;
    place->ended += is_last;
    if (place->on_event) {
        place->on_event(place, heard);
    }
    return 3;
}

static inline void place_runner(struct place *place, unsigned concurrent_max)
{
    struct error error = {0};
    struct runner_options options = {.loop = place->loop,
                                     .store = place->store,
                                     .book = place->book,
                                     .llm = place->llm,
                                     .model_tokens_max = place->model_tokens_max,
                                     .concurrent_max = concurrent_max,
                                     .concurrent_owner_max = place->concurrent_owner_max,
                                     .waiting_owner_max = place->waiting_owner_max,
                                     .model_tokens_day_max = place->model_tokens_day_max,
                                     .publish = hear,
                                     .arg = place};

    assert_int_equal(runner_new(&options, &place->runner, &error), OK);
}

static inline void tick(void *arg)
{
    (void)arg;
}

static inline struct place *place_open(unsigned concurrent_max)
{
    struct place *place = calloc(1, sizeof(*place));
    struct error error = {0};

    assert_non_null(place);
    /* what is tested is order, not the disk: in memory where there is such a place */
    (void)snprintf(place->folder, sizeof(place->folder), "%s/netra-test-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(place->folder));
    assert_int_equal(loop_new(2, &place->loop, &error), OK);
    if (store_open(place->loop, place->folder, &place->store, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(price_book_builtin(&place->book, &error), OK);
    cache_loop = place->loop;
    loop_timer_init(place->loop, &place->tick, tick, NULL);
    loop_timer_start(&place->tick, 200, 200);
    place_runner(place, concurrent_max);
    return place;
}

static inline bool is_late(int64_t since_us)
{
    return clock_now_us() - since_us > PATIENCE_S * SECOND_US;
}

/* Turns the loop until enough runs have ended. */
static inline void run_until_ended(struct place *place, unsigned ended)
{
    int64_t since_us = clock_now_us();

    while (place->ended < ended) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
}

static inline void set_drained(void *arg)
{
    ((struct place *)arg)->is_drained = true;
}

static inline void drain(struct place *place, uint64_t grace_ms)
{
    int64_t since_us = clock_now_us();

    place->is_drained = false;
    runner_drain(place->runner, grace_ms, set_drained, place);
    while (!place->is_drained) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
}

static inline void place_close(struct place *place)
{
    static const char *const files[] = {"netra.db", "netra.db-wal", "netra.db-shm", "lock",
                                        "netra.lock"};

    drain(place, 0);
    assert_int_equal(leases_out, 0);
    assert_int_equal(runner_counts(place->runner).working, 0);
    runner_free(place->runner);
    store_close(place->store);
    loop_timer_close(&place->tick, NULL);
    loop_free(place->loop);
    price_book_free(place->book);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", place->folder, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(place->folder), 0);
    for (size_t i = 0; i < place->heard_count; i++) {
        free(place->heard[i].json);
    }
    free(place);
}

/* ---- asking ---- */

static inline void on_accepted(int code, const char *run_id, const char *thread_id, void *arg)
{
    struct place *place = arg;

    assert_true(run_id[0] && thread_id[0]);
    place->accepted += code == OK;
    place->refused += code != OK;
}

static inline int try_start(struct place *place, const char *run_id, const char *dataset_id,
                            struct error *error)
{
    struct runner_request request = {.workspace_id = STR(STORE_WORKSPACE_FIRST),
                                     .run_id = str_from(run_id),
                                     .thread_id = STR("thread-1"),
                                     .prompt = STR(QUESTION),
                                     .dataset_id = str_from(dataset_id),
                                     .seed = 7};

    return runner_start(place->runner, &request, on_accepted, place, error);
}

static inline void start(struct place *place, const char *run_id, const char *dataset_id)
{
    struct error error = {0};

    if (try_start(place, run_id, dataset_id, &error)) {
        fail_msg("%s: %s", run_id, error.message);
    }
}

static inline void note_stored(int code, void *arg)
{
    assert_int_equal(code, OK);
    *(bool *)arg = true;
}

static inline void store_now(struct place *place, struct store_batch *batch)
{
    bool is_stored = false;
    int64_t since_us = clock_now_us();

    assert_int_equal(store_submit(place->store, batch, note_stored, &is_stored), OK);
    while (!is_stored) {
        (void)uv_run(loop_uv(place->loop), UV_RUN_ONCE);
        assert_false(is_late(since_us));
    }
}

static inline void add_dataset(struct place *place, enum store_dataset_status status)
{
    struct store_batch *batch = store_batch_new(STR(STORE_WORKSPACE_FIRST));

    assert_non_null(batch);
    store_put_dataset(batch, &(struct store_dataset){.id = STR(DATASET),
                                                     .name = STR("usage.csv"),
                                                     .status = status,
                                                     .description = STR("{}")});
    store_now(place, batch);
}

/* ---- what the store has ---- */

struct row {
    enum store_run_status status;
    char reason[SHORT_TEXT];
    char report_id[STORE_ID_BYTES_MAX + 1];
    struct store_run times; /* texts are not to be looked at */
};

static inline bool keep_row(const struct store_run *row, void *arg)
{
    struct row *kept = arg;

    kept->status = row->status;
    kept->times = *row;
    (void)snprintf(kept->reason, sizeof(kept->reason), "%.*s", STR_ARGS(row->reason));
    (void)snprintf(kept->report_id, sizeof(kept->report_id), "%.*s", STR_ARGS(row->report_id));
    return false;
}

static inline struct row row_of(struct place *place, const char *run_id)
{
    struct row row = {0};

    assert_int_equal(
        store_get_run(place->store, STR(STORE_WORKSPACE_FIRST), str_from(run_id), keep_row, &row),
        OK);
    return row;
}

struct stored_log {
    char *json[LOG_MAX];
    int64_t time_us[LOG_MAX];
    size_t count;
};

static inline bool keep_event(const struct store_event *row, void *arg)
{
    struct stored_log *log = arg;

    assert_true(log->count < LOG_MAX);
    assert_int_equal(row->seq, log->count + 1);
    log->time_us[log->count] = row->time_us;
    log->json[log->count] = strndup(row->json.data, row->json.length);
    assert_non_null(log->json[log->count++]);
    return true;
}

static inline void log_of(struct place *place, const char *run_id, struct stored_log *log)
{
    size_t before;

    log->count = 0;
    do {
        before = log->count;
        assert_int_equal(store_list_events(place->store, STR(STORE_WORKSPACE_FIRST),
                                           str_from(run_id), before, STORE_PAGE_MAX, keep_event,
                                           log),
                         OK);
    } while (log->count - before == STORE_PAGE_MAX);
}

static inline void log_free(struct stored_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free(log->json[i]);
    }
    log->count = 0;
}

static inline bool says(const char *json, const char *part)
{
    return strstr(json, part) != NULL;
}

/* The place of the first event that says it; the log's length when none does. */
static inline size_t where(const struct stored_log *log, const char *part)
{
    size_t i = 0;

    while (i < log->count && !says(log->json[i], part)) {
        i++;
    }
    return i;
}

static inline size_t times(const struct stored_log *log, const char *part)
{
    size_t count = 0;

    for (size_t i = 0; i < log->count; i++) {
        count += says(log->json[i], part);
    }
    return count;
}

/* ---- what a log must be ---- */

struct open_things {
    struct str names[16];
    size_t count;
};

static inline void open_one(struct open_things *open, struct str name)
{
    for (size_t i = 0; i < open->count; i++) {
        assert_false(str_equal(open->names[i], name));
    }
    assert_true(open->count < ARRAY_LENGTH(open->names));
    open->names[open->count++] = name;
}

static inline void close_one(struct open_things *open, struct str name)
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
static inline void assert_log_holds(const struct stored_log *log)
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

static inline void assert_ended(struct place *place, const char *run_id,
                                enum store_run_status status)
{
    struct stored_log log = {0};

    log_of(place, run_id, &log);
    assert_log_holds(&log);
    assert_int_equal(row_of(place, run_id).status, status);
    log_free(&log);
}

static inline void restart(struct place *place)
{
    struct error error = {0};

    runner_free(place->runner);
    place_runner(place, 2);
    assert_int_equal(runner_recover(place->runner, &error), OK);
}

/* ---- the records of a test program ---- */

static struct dataset *sample; /* of the whole program: records that answer the question */

static inline int open_sample(void **state)
{
    (void)state;
    sample = sample_dataset();
    played_dataset = sample;
    return 0;
}

static inline int close_sample(void **state)
{
    (void)state;
    dataset_close(sample);
    return 0;
}

#endif
