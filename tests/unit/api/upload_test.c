/*
 * The pipe of an upload: what is sent is what is stored, whatever the pieces and however fast they
 * come; a sender that is too fast is held back and let go on; an upload that fails or is broken off
 * leaves nothing.
 *
 * A real loop with its workers; the records go into a store that this file plays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/upload.h"
#include "base/alloc.h"
#include "base/random.h"
#include "tool/dataset_description.h"

#define LINES          60000u
#define TEXT_BYTES_MAX ((size_t)64 << 20)
#define NEVER          SIZE_MAX

/* ---- the store ---- */

static uint64_t stored_rows;
static unsigned put_count;
static int put_code;

int usage_store_put(struct usage_store *store, struct str dataset_id,
                    const struct usage_table *table, struct error *error)
{
    (void)store;
    assert_str(dataset_id, "d1");
    put_count++;
    if (put_code) {
        return error_set(error, put_code, "the disk is full");
    }
    stored_rows = table->count;
    return OK;
}

/* ---- a sender ---- */

struct sender {
    struct loop *loop;
    struct upload *upload;
    struct loop_message message;
    struct random random;
    struct str text;
    size_t sent;
    size_t breaks_off_at; /* NEVER: sends all, then the end */
    unsigned pauses;
    unsigned resumes;
    bool is_held;
    bool is_done;
    unsigned finished;
    unsigned turns; /* of watch */
    struct error error;
    struct dataset_intake_counts counts;
    struct buf description;
};

/* One piece per turn of the loop, or many. */
static void send_some(void *arg)
{
    struct sender *sender = arg;
    unsigned pieces = 1 + random_below(&sender->random, 40);

    while (pieces-- && !sender->is_held && !sender->is_done) {
        size_t rest = sender->text.length - sender->sent;
        size_t size = 1 + random_below(&sender->random, UPLOAD_PIECE_BYTES_MAX);

        if (sender->sent >= sender->breaks_off_at) {
            sender->is_done = true;
            upload_abandon(sender->upload);
            return;
        }
        if (rest == 0) {
            sender->is_done = true;
            upload_end(sender->upload);
            return;
        }
        size = size < rest ? size : rest;
        sender->is_held = !upload_write(sender->upload,
                                        str_slice(sender->text, sender->sent, sender->sent + size));
        sender->pauses += sender->is_held;
        sender->sent += size;
        assert_int_equal(upload_counts(sender->upload).bytes, sender->sent);
    }
    if (!sender->is_held && !sender->is_done) {
        loop_post(sender->loop, &sender->message);
    }
}

static void on_resume(struct upload *upload, void *arg)
{
    struct sender *sender = arg;

    assert_ptr_equal(upload, sender->upload);
    assert_true(sender->is_held);
    sender->is_held = false;
    sender->resumes++;
    loop_post(sender->loop, &sender->message);
}

static void stop(void *arg)
{
    loop_stop(((struct sender *)arg)->loop);
}

static void on_finished(struct upload *upload, void *arg)
{
    struct sender *sender = arg;

    sender->finished++;
    sender->error = *upload_error(upload);
    sender->counts = upload_counts(upload);
    buf_append(&sender->description, upload_description(upload));
}

static struct error refusal; /* what the next upload is told: code OK: it is admitted */
static unsigned admitted_at; /* at the watch's so many-th turn; 0: at once */

static void admit(struct sender *sender)
{
    assert_int_equal(put_count, 0); /* nothing before */
    upload_admit(sender->upload, &refusal);
}

/* Ends the loop when both sides are done. */
static void watch(void *arg)
{
    struct sender *sender = arg;

    sender->turns++;
    if (admitted_at && sender->turns == admitted_at) {
        admit(sender);
    }
    if (sender->finished && sender->is_done) {
        stop(sender);
    }
}

static struct sender send_text(struct str text, size_t breaks_off_at, uint64_t seed)
{
    struct sender sender = {.text = text, .breaks_off_at = breaks_off_at};
    struct loop_timer timer;
    struct error error = {0};

    stored_rows = 0;
    put_count = 0;
    random_init(&sender.random, seed, 1);
    buf_init(&sender.description, TEXT_BYTES_MAX);
    assert_int_equal(loop_new(2, &sender.loop, &error), OK);
    const struct upload_options options = {.loop = sender.loop,
                                           .dataset_id = STR("d1"),
                                           .name = STR("usage.jsonl"),
                                           .resume = on_resume,
                                           .finished = on_finished,
                                           .arg = &sender};
    assert_int_equal(upload_new(&options, &sender.upload, &error), OK);
    if (admitted_at == 0) {
        admit(&sender);
    }
    sender.message = (struct loop_message){.fn = send_some, .arg = &sender};
    loop_post(sender.loop, &sender.message);
    loop_timer_init(sender.loop, &timer, watch, &sender);
    loop_timer_start(&timer, 1, 1);
    loop_run(sender.loop);
    loop_timer_close(&timer, NULL);
    upload_free(sender.upload);
    loop_free(sender.loop);
    assert_int_equal(sender.finished, 1);
    assert_int_equal(sender.pauses, sender.resumes);
    return sender;
}

static struct buf make_lines(unsigned count)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    for (unsigned i = 0; i < count; i++) {
        buf_printf(&text,
                   "{\"time\":\"2026-08-03T%02u:%02u:%02uZ\",\"model\":\"gpt-4o\","
                   "\"request_id\":\"r%u\",\"input_tokens\":%u,\"output_tokens\":%u}\n",
                   i / 3600 % 24, i / 60 % 60, i % 60, i, 100 + i % 1000, 1 + i % 300);
    }
    assert_int_equal(buf_status(&text), OK);
    return text;
}

static void test_upload_stores_what_was_sent(void **state)
{
    cleanup(buf_done) struct buf text = make_lines(LINES);
    unsigned pauses = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct sender sender = send_text(buf_str(&text), NEVER, seed);

        assert_string_equal(sender.error.message, "");
        assert_int_equal(sender.error.code, OK);
        assert_int_equal(put_count, 1);
        assert_int_equal(stored_rows, LINES);
        assert_int_equal(sender.counts.bytes, text.length);
        assert_int_equal(sender.counts.records, LINES);
        assert_int_equal(sender.counts.rejected, 0);
        assert_true(sender.counts.from_us > 0 && sender.counts.to_us > sender.counts.from_us);
        assert_true(str_find(buf_str(&sender.description), STR("\"usage.jsonl\""), 0) < SIZE_MAX);
        pauses += sender.pauses;
        buf_done(&sender.description);
    }
    assert_true(pauses > 0); /* or back-pressure was not met at all */
}

static void test_upload_that_is_broken_off_leaves_nothing(void **state)
{
    cleanup(buf_done) struct buf text = make_lines(LINES);
    static const size_t places[] = {0, 1, 1000000, 5000000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        struct sender sender = send_text(buf_str(&text), places[i], i);

        assert_int_equal(sender.error.code, ERR_CANCELLED);
        assert_int_equal(put_count, 0);
        buf_done(&sender.description);
    }
}

static void assert_fails(struct str text, int code, bool has_hint)
{
    struct sender sender = send_text(text, NEVER, 1);

    assert_int_equal(sender.error.code, code);
    assert_true(sender.error.message[0] != '\0');
    assert_int_equal(sender.error.hint[0] != '\0', has_hint);
    assert_int_equal(sender.sent, text.length); /* the rest of a bad body is still taken */
    assert_int_equal(stored_rows, 0);
    assert_int_equal(sender.description.length, 0);
    buf_done(&sender.description);
}

static void test_upload_says_why_it_failed(void **state)
{
    cleanup(buf_done) struct buf noise;

    (void)state;
    buf_init(&noise, TEXT_BYTES_MAX);
    for (unsigned i = 0; i < 3000000; i++) {
        buf_append_char(&noise, (char)(i * 2654435761u >> 13));
    }
    assert_fails(STR(""), ERR_NO_RECORDS, true);
    assert_fails(buf_str(&noise), ERR_INVALID, true);
    cleanup(buf_done) struct buf text = make_lines(3);
    put_code = ERR_IO;
    assert_fails(buf_str(&text), ERR_IO, false);
    put_code = OK;
}

/* However late it is said: all of the body may be there already. */
static void test_upload_stores_nothing_before_it_may(void **state)
{
    static const unsigned turns[] = {1, 5, 200};
    cleanup(buf_done) struct buf text = make_lines(3000);

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(turns); i++) {
        admitted_at = turns[i];
        struct sender sender = send_text(buf_str(&text), NEVER, i);
        assert_int_equal(sender.error.code, OK);
        assert_true(sender.turns >= turns[i]);
        assert_int_equal(put_count, 1);
        assert_int_equal(stored_rows, 3000);
        buf_done(&sender.description);
    }
    admitted_at = 0;
}

static void test_upload_that_is_refused_stores_nothing(void **state)
{
    static const unsigned turns[] = {0, 1, 200};
    cleanup(buf_done) struct buf text = make_lines(3000);

    (void)state;
    (void)error_set(&refusal, ERR_EXISTS, "the id is taken");
    for (size_t i = 0; i < ARRAY_LENGTH(turns); i++) {
        admitted_at = turns[i];
        struct sender sender = send_text(buf_str(&text), NEVER, i);
        assert_int_equal(sender.error.code, ERR_EXISTS);
        assert_string_equal(sender.error.message, "the id is taken");
        assert_int_equal(sender.sent, text.length);
        assert_int_equal(put_count, 0);
        buf_done(&sender.description);
    }
    admitted_at = 0;
    refusal = (struct error){0};
}

/* It waits to be admitted as any other. */
static void test_upload_synthesizes_a_sample(void **state)
{
    struct sender sender = {.is_done = true};
    struct error error = {0};
    struct loop_timer timer;

    (void)state;
    stored_rows = 0;
    put_count = 0;
    admitted_at = 20;
    buf_init(&sender.description, TEXT_BYTES_MAX);
    assert_int_equal(loop_new(2, &sender.loop, &error), OK);
    const struct upload_options options = {.loop = sender.loop,
                                           .dataset_id = STR("d1"),
                                           .name = STR("sample"),
                                           .resume = on_resume,
                                           .finished = on_finished,
                                           .arg = &sender};
    assert_int_equal(upload_new(&options, &sender.upload, &error), OK);
    upload_synthesize(sender.upload, 1);
    loop_timer_init(sender.loop, &timer, watch, &sender);
    loop_timer_start(&timer, 1, 1);
    loop_run(sender.loop);
    loop_timer_close(&timer, NULL);
    assert_int_equal(sender.error.code, OK);
    assert_true(stored_rows > 50000);
    assert_int_equal(sender.counts.records, stored_rows);
    assert_true(sender.counts.bytes > 1000000);
    assert_true(sender.turns >= admitted_at);
    admitted_at = 0;
    upload_free(sender.upload);
    loop_free(sender.loop);
    buf_done(&sender.description);
}

/* The pipe is refused, or fails, or works: nothing leaks and nothing is stored by halves. */
static void test_upload_survives_lack_of_memory_at_its_start(void **state)
{
    struct upload_options options = {.dataset_id = STR("d1"), .name = STR("a")};
    struct upload *upload = NULL;
    int code = ERR_NO_MEMORY;

    (void)state;
    for (uint64_t nth = 1; code; nth++) {
        (void)alloc_fail_from(nth);
        code = upload_new(&options, &upload, NULL);
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
    }
    upload_free(upload);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_upload_stores_what_was_sent),
    cmocka_unit_test(test_upload_that_is_broken_off_leaves_nothing),
    cmocka_unit_test(test_upload_says_why_it_failed),
    cmocka_unit_test(test_upload_stores_nothing_before_it_may),
    cmocka_unit_test(test_upload_that_is_refused_stores_nothing),
    cmocka_unit_test(test_upload_synthesizes_a_sample),
    cmocka_unit_test(test_upload_survives_lack_of_memory_at_its_start),
};

UNIT_MAIN(tests)
