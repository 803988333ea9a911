/*
 * Datasets shared by who asks: one opening for all of them, "now" as each would have it, the least
 * recently used goes first, and nothing is lost when a dataset is deleted or the server stops. The
 * loop and its workers are real, the store is a fake that can be held up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_usage_store.h"

#include "base/alloc.h"
#include "tool/dataset_cache.h"

#define RECORD_US INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z, the record's time */
#define FRESH_US  (RECORD_US + 3600 * SECOND_US)
#define STALE_US  (RECORD_US + 30 * DAY_US)

static const char record[] = "{\"time\":\"2026-01-01T00:00:00Z\",\"model\":\"gpt-4o\","
                             "\"input_tokens\":1000,\"output_tokens\":100}\n";
static const char description[] =
    "{\"name\":\"usage.jsonl\",\"digest\":\"xxh3-128:0\",\"maps\":[],\"import\":{"
    "\"format\":\"jsonl\",\"convention\":\"inclusive\",\"is_gzip\":false,\"bytes_in\":1,"
    "\"bytes_text\":1,\"rows_read\":1,\"rows_accepted\":1,\"rows_merged\":0,\"rows_rejected\":0,"
    "\"columns\":[],\"unused\":[],\"rejects\":[],\"notes\":[]}}";

struct bench {
    struct loop *loop;
    struct usage_store store;
    struct dataset_cache *cache;
    size_t outstanding; /* answers that the loop runs for */
};

struct asker {
    struct bench *bench;
    bool has_returned; /* dataset_cache_get() has */
    int answers;
    int code;
    struct dataset_lease *lease;
};

static void bench_init_with(struct bench *bench, size_t bytes_max, const char *prices_path)
{
    struct error error;

    *bench = (struct bench){.store = {.text = str_from(record)}};
    assert_int_equal(loop_new(2, &bench->loop, &error), OK);
    struct dataset_cache_options options = {.loop = bench->loop,
                                            .store = &bench->store,
                                            .bytes_max = bytes_max,
                                            .prices_path = prices_path};
    assert_int_equal(dataset_cache_new(&options, &bench->cache, &error), OK);
}

static void bench_init(struct bench *bench)
{
    bench_init_with(bench, /* bytes_max */ (size_t)1 << 30, NULL);
}

static void bench_done(struct bench *bench)
{
    assert_false(dataset_cache_is_opening(bench->cache));
    dataset_cache_free(bench->cache);
    loop_free(bench->loop);
}

static void on_ready(int code, const struct error *error, struct dataset_lease *lease, void *arg)
{
    struct asker *asker = arg;

    assert_true(asker->has_returned);
    assert_true((code == OK) == (lease != NULL));
    if (code) {
        assert_int_equal(error->code, code);
        assert_true(error->message[0] != '\0');
    }
    asker->answers++;
    asker->code = code;
    asker->lease = lease;
    if (--asker->bench->outstanding == 0) {
        loop_stop(asker->bench->loop);
    }
}

static int try_ask(struct bench *bench, struct asker *asker, const char *id, const char *text,
                   int64_t now_us)
{
    *asker = (struct asker){.bench = bench};
    bench->outstanding++;
    int code =
        dataset_cache_get(bench->cache, str_from(id), str_from(text), now_us, on_ready, asker);
    asker->has_returned = true;
    bench->outstanding -= code != OK;
    return code;
}

static void ask(struct bench *bench, struct asker *asker, const char *id, int64_t now_us)
{
    assert_int_equal(try_ask(bench, asker, id, description, now_us), OK);
}

static void wait_for_answers(struct bench *bench)
{
    while (bench->outstanding) {
        loop_run(bench->loop);
    }
}

/* Asked and answered: the lease. */
static struct dataset_lease *lease_of(struct bench *bench, const char *id, int64_t now_us)
{
    struct asker asker;

    ask(bench, &asker, id, now_us);
    wait_for_answers(bench);
    assert_int_equal(asker.code, OK);
    return asker.lease;
}

static void test_a_dataset_is_opened_once_and_shared(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    struct dataset_lease *first = lease_of(&bench, "a", STALE_US);
    struct dataset_lease *second = lease_of(&bench, "a", STALE_US);
    const struct dataset *dataset = dataset_lease_dataset(first);
    assert_ptr_equal(dataset_lease_dataset(second), dataset);
    assert_int_equal(dataset->table.count, 1);
    assert_int_equal(dataset->sums.priced, 1);
    assert_string_equal(dataset->inputs[0].path, "usage.jsonl");
    assert_int_equal(dataset_cache_bytes(bench.cache), dataset_bytes(dataset));
    dataset_lease_release(first);
    dataset_lease_release(second);
    dataset_lease_release(NULL);
    dataset_lease_release(lease_of(&bench, "a", STALE_US)); /* kept while nobody used it */
    assert_int_equal(bench.store.loads, 1);
    bench_done(&bench);
}

static void test_who_asks_meanwhile_waits_for_the_same_opening(void **state)
{
    struct asker askers[5];
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.store.is_held_up = true;
    for (size_t i = 0; i < ARRAY_LENGTH(askers); i++) {
        ask(&bench, &askers[i], "a", STALE_US);
    }
    assert_true(dataset_cache_is_opening(bench.cache));
    assert_int_equal(dataset_cache_bytes(bench.cache), 0);
    bench.store.is_held_up = false;
    wait_for_answers(&bench);
    assert_int_equal(bench.store.loads, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(askers); i++) {
        assert_int_equal(askers[i].answers, 1);
        assert_ptr_equal(dataset_lease_dataset(askers[i].lease),
                         dataset_lease_dataset(askers[0].lease));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(askers); i++) {
        dataset_lease_release(askers[i].lease);
    }
    bench_done(&bench);
}

/* Old records: their end is "now" for everybody. Fresh ones: each gets its own. */
static void test_now_is_part_of_what_is_shared(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    struct dataset_lease *stale = lease_of(&bench, "a", STALE_US);
    struct dataset_lease *later = lease_of(&bench, "a", STALE_US + DAY_US);
    assert_ptr_equal(dataset_lease_dataset(stale), dataset_lease_dataset(later));
    assert_int_equal(dataset_lease_dataset(stale)->as_of_us, RECORD_US);
    struct dataset_lease *fresh = lease_of(&bench, "a", FRESH_US);
    struct dataset_lease *same = lease_of(&bench, "a", FRESH_US);
    struct dataset_lease *other = lease_of(&bench, "a", FRESH_US + 1);
    assert_int_equal(dataset_lease_dataset(fresh)->as_of_us, FRESH_US);
    assert_ptr_equal(dataset_lease_dataset(same), dataset_lease_dataset(fresh));
    assert_int_equal(dataset_lease_dataset(other)->as_of_us, FRESH_US + 1);
    assert_int_equal(bench.store.loads, 3);
    dataset_lease_release(stale);
    dataset_lease_release(later);
    dataset_lease_release(fresh);
    dataset_lease_release(same);
    dataset_lease_release(other);
    bench_done(&bench);
}

/* Time goes on: nobody will ask for an earlier "now" again. */
static void test_fresh_records_are_kept_at_one_now_only(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    struct dataset_lease *lease = lease_of(&bench, "a", FRESH_US);
    size_t bytes = dataset_bytes(dataset_lease_dataset(lease));
    dataset_lease_release(lease);
    dataset_lease_release(lease_of(&bench, "b", FRESH_US));
    dataset_lease_release(lease_of(&bench, "a", FRESH_US + 1));
    assert_int_equal(dataset_cache_bytes(bench.cache), 2 * bytes); /* b, and a once */
    bench_done(&bench);
}

static void test_who_waited_for_another_now_is_sent_on(void **state)
{
    struct asker askers[4];
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.store.is_held_up = true;
    for (size_t i = 0; i < ARRAY_LENGTH(askers); i++) {
        ask(&bench, &askers[i], "a", FRESH_US + (int64_t)(i / 2));
    }
    bench.store.is_held_up = false;
    wait_for_answers(&bench);
    assert_int_equal(bench.store.loads, 2);
    for (size_t i = 0; i < ARRAY_LENGTH(askers); i++) {
        assert_int_equal(askers[i].answers, 1);
        assert_int_equal(dataset_lease_dataset(askers[i].lease)->as_of_us,
                         FRESH_US + (int64_t)(i / 2));
        dataset_lease_release(askers[i].lease);
    }
    bench_done(&bench);
}

static void test_the_least_recently_used_goes_first(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    struct dataset_lease *lease = lease_of(&bench, "a", STALE_US);
    size_t bytes = dataset_bytes(dataset_lease_dataset(lease));
    dataset_lease_release(lease);
    bench_done(&bench);

    bench_init_with(&bench, /* bytes_max */ 2 * bytes, NULL);
    struct dataset_lease *held = lease_of(&bench, "held", STALE_US);
    dataset_lease_release(lease_of(&bench, "a", STALE_US));
    dataset_lease_release(lease_of(&bench, "b", STALE_US));
    dataset_lease_release(lease_of(&bench, "a", STALE_US)); /* b is older now */
    assert_int_equal(bench.store.loads, 3);
    dataset_lease_release(lease_of(&bench, "c", STALE_US));
    assert_int_equal(dataset_cache_bytes(bench.cache), 3 * bytes);
    dataset_lease_release(lease_of(&bench, "a", STALE_US));
    assert_int_equal(bench.store.loads, 4); /* a was still there */
    dataset_lease_release(lease_of(&bench, "b", STALE_US));
    assert_int_equal(bench.store.loads, 5); /* b was not */
    dataset_lease_release(lease_of(&bench, "held", STALE_US));
    assert_int_equal(bench.store.loads, 5);
    dataset_lease_release(held);
    assert_int_equal(dataset_cache_bytes(bench.cache), 2 * bytes);
    bench_done(&bench);
}

static void test_without_room_nothing_stays(void **state)
{
    struct bench bench;

    (void)state;
    bench_init_with(&bench, /* bytes_max */ 0, NULL);
    dataset_lease_release(lease_of(&bench, "a", STALE_US));
    assert_int_equal(dataset_cache_bytes(bench.cache), 0);
    dataset_lease_release(lease_of(&bench, "a", STALE_US));
    assert_int_equal(bench.store.loads, 2);
    bench_done(&bench);
}

static void test_what_is_in_use_is_limited(void **state)
{
    struct dataset_lease *leases[DATASET_CACHE_OPEN_MAX];
    struct asker asker;
    struct bench bench;
    char id[16];

    (void)state;
    bench_init(&bench);
    for (size_t i = 0; i < ARRAY_LENGTH(leases); i++) {
        (void)snprintf(id, sizeof(id), "d%zu", i);
        leases[i] = lease_of(&bench, id, STALE_US);
    }
    assert_int_equal(try_ask(&bench, &asker, "one more", description, STALE_US), ERR_LIMIT);
    assert_int_equal(asker.answers, 0);
    dataset_lease_release(leases[7]); /* stays in the cache, but may go */
    leases[7] = lease_of(&bench, "one more", STALE_US);
    for (size_t i = 0; i < ARRAY_LENGTH(leases); i++) {
        dataset_lease_release(leases[i]);
    }
    bench_done(&bench);
}

static void test_a_deleted_dataset_goes_with_its_last_lease(void **state)
{
    struct asker asker;
    struct bench bench;

    (void)state;
    bench_init(&bench);
    struct dataset_lease *lease = lease_of(&bench, "a", STALE_US);
    dataset_lease_release(lease_of(&bench, "b", STALE_US));
    dataset_cache_forget(bench.cache, STR("a"));
    dataset_cache_forget(bench.cache, STR("b"));
    dataset_cache_forget(bench.cache, STR("never seen"));
    assert_int_equal(dataset_cache_bytes(bench.cache), dataset_bytes(dataset_lease_dataset(lease)));
    assert_int_equal(dataset_lease_dataset(lease)->table.count, 1); /* still whole */
    bench.store.unknown_id = "a";
    ask(&bench, &asker, "a", STALE_US);
    wait_for_answers(&bench);
    assert_int_equal(asker.code, ERR_NOT_FOUND);
    dataset_lease_release(lease);
    assert_int_equal(dataset_cache_bytes(bench.cache), 0);
    bench_done(&bench);
}

static void test_who_waits_for_a_deleted_dataset_is_told(void **state)
{
    struct asker askers[2];
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.store.is_held_up = true;
    ask(&bench, &askers[0], "a", STALE_US);
    ask(&bench, &askers[1], "a", STALE_US);
    dataset_cache_forget(bench.cache, STR("a"));
    wait_for_answers(&bench); /* the opening ends although it is still held up */
    assert_int_equal(askers[0].code, ERR_NOT_FOUND);
    assert_int_equal(askers[1].code, ERR_NOT_FOUND);
    bench_done(&bench);
}

static void test_stopping_ends_openings_and_keeps_leases(void **state)
{
    struct asker askers[3];
    struct bench bench;

    (void)state;
    bench_init(&bench);
    struct dataset_lease *lease = lease_of(&bench, "held", STALE_US);
    bench.store.is_held_up = true;
    ask(&bench, &askers[0], "a", STALE_US);
    ask(&bench, &askers[1], "b", STALE_US);
    ask(&bench, &askers[2], "held", STALE_US); /* answered already, only not told yet */
    dataset_cache_stop(bench.cache);
    wait_for_answers(&bench);
    assert_int_equal(askers[0].code, ERR_CANCELLED);
    assert_int_equal(askers[1].code, ERR_CANCELLED);
    assert_int_equal(askers[2].code, OK);
    assert_int_equal(try_ask(&bench, &askers[0], "c", description, STALE_US), ERR_CANCELLED);
    assert_int_equal(dataset_lease_dataset(lease)->table.count, 1);
    dataset_lease_release(lease);
    dataset_lease_release(askers[2].lease);
    bench_done(&bench);
}

static void test_what_cannot_be_opened_is_an_answer_and_is_not_kept(void **state)
{
    struct asker asker;
    struct bench bench;

    (void)state;
    bench_init(&bench);
    assert_int_equal(try_ask(&bench, &asker, "a", "{\"name\":1}", STALE_US), OK);
    wait_for_answers(&bench);
    assert_int_equal(asker.code, ERR_INVALID);
    assert_int_equal(try_ask(&bench, &asker, "a", "not JSON", STALE_US), OK);
    wait_for_answers(&bench);
    assert_int_equal(asker.code, ERR_INVALID);
    dataset_lease_release(lease_of(&bench, "a", STALE_US));
    bench_done(&bench);
    bench_init_with(&bench, 0, "/nowhere/prices.json");
    ask(&bench, &asker, "a", STALE_US);
    wait_for_answers(&bench);
    assert_int_equal(asker.code, ERR_IO);
    bench_done(&bench);
}

/* The loop waits while the worker allocates, so the count is one thread's at a time. */
static void test_asking_survives_every_failing_allocation(void **state)
{
    uint64_t nth = 1;
    bool is_open = false;

    (void)state;
    for (; !is_open; nth++) {
        struct asker asker;
        struct bench bench;

        assert_true(nth < 5000);
        bench_init(&bench);
        (void)alloc_fail_from(nth);
        int code = try_ask(&bench, &asker, "a", description, STALE_US);
        wait_for_answers(&bench);
        (void)alloc_fail_from(0);
        code = code ? code : asker.code;
        is_open = code == OK;
        assert_true(is_open || code == ERR_NO_MEMORY);
        if (is_open) {
            dataset_lease_release(asker.lease);
        }
        bench_done(&bench);
    }
    assert_true(nth > 10);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_dataset_is_opened_once_and_shared),
    cmocka_unit_test(test_who_asks_meanwhile_waits_for_the_same_opening),
    cmocka_unit_test(test_now_is_part_of_what_is_shared),
    cmocka_unit_test(test_fresh_records_are_kept_at_one_now_only),
    cmocka_unit_test(test_who_waited_for_another_now_is_sent_on),
    cmocka_unit_test(test_the_least_recently_used_goes_first),
    cmocka_unit_test(test_without_room_nothing_stays),
    cmocka_unit_test(test_what_is_in_use_is_limited),
    cmocka_unit_test(test_a_deleted_dataset_goes_with_its_last_lease),
    cmocka_unit_test(test_who_waits_for_a_deleted_dataset_is_told),
    cmocka_unit_test(test_stopping_ends_openings_and_keeps_leases),
    cmocka_unit_test(test_what_cannot_be_opened_is_an_answer_and_is_not_kept),
    cmocka_unit_test(test_asking_survives_every_failing_allocation),
};

UNIT_MAIN(tests)
