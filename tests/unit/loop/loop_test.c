/*
 * The loop runs messages in the order of posting, jobs on workers and their ends on the loop, and
 * timers when they are due; freeing it loses none of what was begun.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <pthread.h>

#include "base/alloc.h"
#include "loop/loop.h"
#include "loop/uuid.h"

#define MESSAGES 1000u

struct post {
    struct loop *loop;
    struct loop_message messages[MESSAGES];
    unsigned order[MESSAGES];
    unsigned ran;
    pthread_t thread; /* of the loop */
};

struct numbered {
    struct post *post;
    unsigned number;
};

static struct numbered numbered[MESSAGES];

static struct loop *new_loop(void)
{
    struct error error;
    struct loop *loop = NULL;

    assert_int_equal(loop_new(2, &loop, &error), OK);
    return loop;
}

static void note_number(void *arg)
{
    struct numbered *one = arg;
    struct post *post = one->post;

    assert_true(pthread_equal(pthread_self(), post->thread));
    post->order[post->ran++] = one->number;
    if (post->ran == MESSAGES) {
        loop_stop(post->loop);
    }
}

static void *post_all(void *arg)
{
    struct post *post = arg;

    for (unsigned i = 0; i < MESSAGES; i++) {
        numbered[i] = (struct numbered){post, i};
        post->messages[i] = (struct loop_message){.fn = note_number, .arg = &numbered[i]};
        loop_post(post->loop, &post->messages[i]);
    }
    return NULL;
}

static void test_loop_runs_messages_in_order(void **state)
{
    static struct post post;
    pthread_t poster;

    (void)state;
    post = (struct post){.loop = new_loop(), .thread = pthread_self()};
    assert_int_equal(pthread_create(&poster, NULL, post_all, &post), 0);
    loop_run(post.loop);
    assert_int_equal(pthread_join(poster, NULL), 0);
    assert_int_equal(post.ran, MESSAGES);
    for (unsigned i = 0; i < MESSAGES; i++) {
        assert_int_equal(post.order[i], i);
    }
    loop_free(post.loop);
}

static void test_loop_free_runs_messages_that_wait(void **state)
{
    static struct post post;

    (void)state;
    post = (struct post){.loop = new_loop(), .thread = pthread_self()};
    (void)post_all(&post);
    loop_free(post.loop);
    assert_int_equal(post.ran, MESSAGES);
}

struct relay {
    struct loop *loop;
    struct loop_message message;
    struct loop_job job;
    unsigned jobs_done;
};

static void relay_work(void *arg)
{
    (void)arg;
}

static void relay_post(void *arg)
{
    struct relay *relay = arg;

    relay->jobs_done++;
    loop_post(relay->loop, &relay->message);
}

/* The second job begins in a message that the end of the first one posted. */
static void relay_heard(void *arg)
{
    struct relay *relay = arg;

    if (relay->jobs_done < 2) {
        loop_work(relay->loop, &relay->job);
    }
}

static void test_loop_finish_jobs_leaves_no_message_behind(void **state)
{
    struct relay relay = {.loop = new_loop()};
    static struct post post;

    (void)state;
    post = (struct post){.loop = relay.loop, .thread = pthread_self()};
    (void)post_all(&post); /* and no job at all */
    loop_finish_jobs(relay.loop);
    assert_int_equal(post.ran, MESSAGES);

    relay.message = (struct loop_message){.fn = relay_heard, .arg = &relay};
    relay.job = (struct loop_job){.work = relay_work, .done = relay_post, .arg = &relay};
    loop_post(relay.loop, &relay.message);
    loop_finish_jobs(relay.loop);
    assert_int_equal(relay.jobs_done, 2);
    loop_free(relay.loop);
}

struct again {
    struct loop *loop;
    struct loop_message message;
    unsigned left;
};

static void post_again(void *arg)
{
    struct again *again = arg;

    if (--again->left) {
        loop_post(again->loop, &again->message);
    } else {
        loop_stop(again->loop);
    }
}

static void test_loop_message_may_post_itself(void **state)
{
    struct again again = {.loop = new_loop(), .left = 5};

    (void)state;
    again.message = (struct loop_message){.fn = post_again, .arg = &again};
    loop_post(again.loop, &again.message);
    loop_run(again.loop);
    assert_int_equal(again.left, 0);
    loop_free(again.loop);
}

struct sum {
    struct loop *loop;
    struct loop_job job;
    pthread_t loop_thread;
    unsigned rounds;
    unsigned result;
    bool stops;
};

static void work(void *arg)
{
    struct sum *sum = arg;

    assert_false(pthread_equal(pthread_self(), sum->loop_thread));
    sum->result += 7;
}

static void done(void *arg)
{
    struct sum *sum = arg;

    assert_true(pthread_equal(pthread_self(), sum->loop_thread));
    if (--sum->rounds) {
        loop_work(sum->loop, &sum->job);
    } else if (sum->stops) {
        loop_stop(sum->loop);
    }
}

static void test_loop_jobs_work_elsewhere_and_end_here(void **state)
{
    struct sum sum = {.loop = new_loop(), .rounds = 3, .loop_thread = pthread_self()};

    (void)state;
    sum.job = (struct loop_job){.work = work, .done = done, .arg = &sum};
    sum.stops = true;
    loop_work(sum.loop, &sum.job);
    loop_run(sum.loop);
    assert_int_equal(sum.result, 21);

    /* The end runs also when nobody runs the loop any more. */
    sum.rounds = 2;
    sum.stops = false;
    loop_work(sum.loop, &sum.job);
    loop_free(sum.loop);
    assert_int_equal(sum.result, 35);
    assert_int_equal(sum.rounds, 0);
}

struct ticks {
    struct loop *loop;
    struct loop_timer once;
    struct loop_timer often;
    struct loop_timer never;
    unsigned count;
    unsigned closed;
    uint64_t began_ms;
    uint64_t once_ms;
};

static void note_once(void *arg)
{
    struct ticks *ticks = arg;

    assert_int_equal(ticks->once_ms, 0);
    ticks->once_ms = loop_now_ms(ticks->loop);
}

static void note_never(void *arg)
{
    (void)arg;
    fail();
}

static void note_closed(void *arg)
{
    struct ticks *ticks = arg;

    ticks->closed++;
}

static void note_often(void *arg)
{
    struct ticks *ticks = arg;

    if (++ticks->count == 5) {
        loop_timer_close(&ticks->once, note_closed);
        loop_timer_close(&ticks->often, note_closed);
        loop_timer_close(&ticks->never, NULL);
        loop_stop(ticks->loop);
    }
}

static void test_loop_timers_fire_when_due(void **state)
{
    struct ticks ticks = {.loop = new_loop()};

    (void)state;
    loop_timer_init(ticks.loop, &ticks.once, note_once, &ticks);
    loop_timer_init(ticks.loop, &ticks.often, note_often, &ticks);
    loop_timer_init(ticks.loop, &ticks.never, note_never, &ticks);
    ticks.began_ms = loop_now_ms(ticks.loop);
    loop_timer_start(&ticks.once, 1000, 0);
    loop_timer_start(&ticks.once, 3, 0); /* restarts */
    loop_timer_start(&ticks.often, 2, 2);
    loop_timer_start(&ticks.never, 4, 0);
    loop_timer_stop(&ticks.never);
    loop_run(ticks.loop);
    assert_int_equal(ticks.count, 5);
    assert_true(ticks.once_ms >= ticks.began_ms + 3);
    loop_free(ticks.loop);
    assert_int_equal(ticks.closed, 2);
}

static void test_loop_new_survives_want_of_memory(void **state)
{
    struct error error;
    struct loop *loop = NULL;

    (void)state;
    (void)alloc_fail_from(1);
    assert_int_equal(loop_new(1, &loop, &error), ERR_NO_MEMORY);
    (void)alloc_fail_from(0);
    assert_null(loop);
    loop_free(NULL);
}

static void test_uuids_are_well_formed_and_differ(void **state)
{
    char first[UUID_BYTES];
    char second[UUID_BYTES];
    struct error error;

    (void)state;
    assert_int_equal(uuid_v7(first, &error), OK);
    assert_int_equal(uuid_v7(second, &error), OK);
    assert_int_equal(strlen(first), UUID_BYTES - 1);
    assert_int_equal(first[14], '7');
    assert_non_null(strchr("89ab", first[19]));
    assert_string_not_equal(first, second);
    assert_true(memcmp(first, second, 8) <= 0); /* they sort by time */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_loop_runs_messages_in_order),
    cmocka_unit_test(test_loop_free_runs_messages_that_wait),
    cmocka_unit_test(test_loop_finish_jobs_leaves_no_message_behind),
    cmocka_unit_test(test_loop_message_may_post_itself),
    cmocka_unit_test(test_loop_jobs_work_elsewhere_and_end_here),
    cmocka_unit_test(test_loop_timers_fire_when_due),
    cmocka_unit_test(test_loop_new_survives_want_of_memory),
    cmocka_unit_test(test_uuids_are_well_formed_and_differ),
};

UNIT_MAIN(tests)
