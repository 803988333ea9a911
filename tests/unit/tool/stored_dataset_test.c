/*
 * The whole way of an upload: intake, the real usage_store, the cache on a real loop. What comes
 * out says the same as the file, byte for byte, for every format.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stored_fixture.h"

#include "tool/dataset_cache.h"
#include "tool/dataset_intake.h"

#define DESCRIPTION_BYTES_MAX ((size_t)1 << 20)
#define NOW_US                (INT64_C(1769904000) * 1000000)

struct waiting {
    struct loop *loop;
    int code;
    struct error error;
    struct dataset_lease *lease;
};

static void on_ready(int code, const struct error *error, struct dataset_lease *lease, void *arg)
{
    struct waiting *waiting = arg;

    waiting->code = code;
    waiting->lease = lease;
    if (code) {
        waiting->error = *error;
    }
    loop_stop(waiting->loop);
}

/* Stores the text under id; its description. */
static void upload(struct usage_store *store, const char *id, const char *name,
                   enum stored_input kind, struct str text, struct buf *description)
{
    struct dataset_intake *intake;
    struct error error = {0};

    assert_int_equal(
        dataset_intake_new(str_from(name), stored_maps, stored_map_count(kind), &intake, &error),
        OK);
    while (text.length) {
        size_t some = text.length < 7000 ? text.length : 7000;

        assert_int_equal(dataset_intake_feed(intake, str_slice(text, 0, some), &error), OK);
        text = str_slice(text, some, text.length);
    }
    if (dataset_intake_finish(intake, store, str_from(id), &error)) {
        fail_msg("%s", error.message);
    }
    buf_init(description, DESCRIPTION_BYTES_MAX);
    dataset_intake_describe(intake, description);
    assert_int_equal(buf_status(description), OK);
    dataset_intake_free(intake);
}

static void assert_upload_is_file(struct usage_store *store, struct loop *loop,
                                  struct dataset_cache *cache, enum stored_input kind)
{
    struct waiting waiting = {.loop = loop};
    char id[] = {'d', (char)('0' + (int)kind), '\0'};
    struct fixture fixture;
    struct dataset *file;
    struct buf description;
    struct buf text;

    stored_text(kind, &text);
    fixture_init(&fixture);
    fixture_write(&fixture, buf_str(&text));
    open_file(&fixture, kind, &file);
    upload(store, id, fixture.path, kind, buf_str(&text), &description);
    assert_int_equal(
        dataset_cache_get(cache, str_from(id), buf_str(&description), NOW_US, on_ready, &waiting),
        OK);
    buf_done(&description);
    loop_run(loop);
    if (waiting.code) {
        fail_msg("%s", waiting.error.message);
    }
    assert_same_dataset(file, dataset_lease_dataset(waiting.lease));
    dataset_lease_release(waiting.lease);
    dataset_close(file);
    fixture_done(&fixture);
    buf_done(&text);
}

/* A folder of the test's own with a store, removed with everything in it. */
static void remove_store(const char *folder)
{
    static const char *const names[] = {"usage.db", "usage.db-wal", "usage.db-shm"};
    char path[FIXTURE_PATH_BYTES];

    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void test_an_upload_says_the_same_as_its_file(void **state)
{
    char folder[] = "/tmp/netra-test-XXXXXX";
    struct dataset_cache *cache;
    struct usage_store *store;
    struct loop *loop;
    struct error error = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    if (usage_store_open(folder, &store, &error) || loop_new(2, &loop, &error)) {
        fail_msg("%s", error.message);
    }
    struct dataset_cache_options options = {.loop = loop, .store = store};
    assert_int_equal(dataset_cache_new(&options, &cache, &error), OK);
    for (int kind = 0; kind < STORED_INPUT_COUNT; kind++) {
        assert_upload_is_file(store, loop, cache, (enum stored_input)kind);
    }

    /* deleted: it is not found, and the cache has not kept it (it may keep nothing) */
    struct waiting waiting = {.loop = loop};
    struct buf description;
    struct buf text;

    stored_text(STORED_CSV, &text);
    upload(store, "gone", "u", STORED_CSV, buf_str(&text), &description);
    assert_int_equal(usage_store_delete(store, STR("gone"), &error), OK);
    assert_int_equal(
        dataset_cache_get(cache, STR("gone"), buf_str(&description), NOW_US, on_ready, &waiting),
        OK);
    loop_run(loop);
    assert_int_equal(waiting.code, ERR_NOT_FOUND);
    buf_done(&description);
    buf_done(&text);
    dataset_cache_free(cache);
    loop_free(loop);
    usage_store_close(store);
    remove_store(folder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_upload_says_the_same_as_its_file),
};

UNIT_MAIN(tests)
