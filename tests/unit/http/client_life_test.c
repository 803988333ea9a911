/*
 * Exchanges that are cancelled, started and freed from anywhere: within each callback of their own
 * and of others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client_fixture.h"

#include <stdlib.h>

static struct street street;
static struct exchange one;
static struct exchange two;

static int open_street(void **state)
{
    (void)state;
    memset(&street, 0, sizeof(street));
    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
    street_open(&street);
    return 0;
}

static int close_street(void **state)
{
    (void)state;
    street_close(&street);
    return 0;
}

static void cancel_self(struct exchange *exchange)
{
    http_client_cancel(exchange->client, exchange->id);
    http_client_cancel(exchange->client, exchange->id);
    assert_int_equal(http_client_count(exchange->client), 0);
}

static void cancel_other(struct exchange *exchange)
{
    http_client_cancel(exchange->client, exchange->other->id);
}

static void start_other(struct exchange *exchange)
{
    struct error error;

    assert_int_equal(exchange_start(exchange->other, exchange->client, exchange->next, &error), OK);
}

static void test_client_is_silent_after_a_cancel(void **state)
{
    struct http_call call = call_of(&street, "");
    struct error error;

    (void)state;
    street.script.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf");
    assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    http_client_cancel(street.client, one.id);
    assert_int_equal(http_client_count(street.client), 0);
    http_call_id old = one.id;
    assert_int_equal(exchange_start(&two, street.client, &call, &error), OK);
    assert_true(old != two.id);
    http_client_cancel(street.client, old);
    http_client_cancel(street.client, 0);
    http_client_cancel(street.client, UINT64_MAX);
    turn_until(&street.house, two.dones);
    assert_int_equal(one.heads + one.dones, 0);

    memset(&one, 0, sizeof(one));
    one.in_head = cancel_self;
    assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    turn_until(&street.house, one.heads);
    turn_for(&street.house, 3);
    assert_int_equal(one.pieces + one.dones, 0);

    memset(&one, 0, sizeof(one));
    one.in_piece = cancel_self;
    assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    turn_until(&street.house, one.pieces);
    turn_for(&street.house, 3);
    assert_int_equal(one.dones, 0);
    assert_int_equal(http_client_count(street.client), 0);
}

static void test_client_cancels_another_within_a_callback(void **state)
{
    (void)state;
    for (unsigned where = 0; where < 3; where++) {
        struct http_call call = call_of(&street, ""); /* which does not answer */
        struct error error;

        memset(&one, 0, sizeof(one));
        memset(&two, 0, sizeof(two));
        assert_int_equal(exchange_start(&two, street.client, &call, &error), OK);
        turn_until(&street.house, street.script.open == 1);
        one.other = &two;
        one.in_head = where == 0 ? cancel_other : NULL;
        one.in_piece = where == 1 ? cancel_other : NULL;
        one.in_done = where == 2 ? cancel_other : NULL;
        call.url = address_of(&street, "/");
        exchange_run(&street, &one, &call);
        assert_int_equal(one.code, OK);
        turn_until(&street.house, street.script.open == 0);
        assert_int_equal(two.heads + two.dones, 0);
    }
}

/* One that waits for curl to return, by one that ends then. */
static void test_client_cancels_one_that_waits(void **state)
{
    struct http_call call = call_of(&street, "");
    struct http_call short_call = call;

    (void)state;
    street.script.answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    short_call.answer_bytes_max = 1;
    one.in_head = start_other;
    one.in_done = cancel_other;
    one.other = &two;
    one.next = &call;
    exchange_run(&street, &one, &short_call);
    assert_int_equal(one.code, ERR_LIMIT);
    turn(&street.house);
    assert_int_equal(two.heads + two.dones, 0);
    memset(&one, 0, sizeof(one));
    exchange_run(&street, &one, &call);
    assert_int_equal(one.code, OK);
}

static void test_client_starts_another_within_a_callback(void **state)
{
    struct http_call call = call_of(&street, "/");

    (void)state;
    for (unsigned where = 0; where < 3; where++) {
        struct error error;

        memset(&one, 0, sizeof(one));
        memset(&two, 0, sizeof(two));
        one.other = &two;
        one.next = &call;
        one.in_head = where == 0 ? start_other : NULL;
        one.in_piece = where == 1 ? start_other : NULL;
        one.in_done = where == 2 ? start_other : NULL;
        assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
        turn_until(&street.house, two.dones);
        assert_int_equal(one.dones, 1);
        assert_int_equal(two.code, OK);
    }
}

static void start_and_cancel_other(struct exchange *exchange)
{
    struct http_call call = *exchange->next;
    struct error error;

    call.url = address_of(&street, "/never");
    assert_int_equal(exchange_start(exchange->other, exchange->client, &call, &error), OK);
    cancel_other(exchange);
}

/* Before curl has heard of it. */
static void test_client_forgets_what_was_started_and_cancelled_at_once(void **state)
{
    struct http_call call = call_of(&street, "/");

    (void)state;
    one.other = &two;
    one.next = &call;
    one.in_head = start_and_cancel_other;
    exchange_run(&street, &one, &call);
    turn_for(&street.house, 3);
    assert_int_equal(two.heads + two.dones, 0);
    assert_false(house_noted(&street.house, "request /never"));
}

static void start_nonsense(struct exchange *exchange)
{
    struct http_call call = *exchange->next;
    struct error error;

    call.url = STR("ftp://x/");
    assert_int_equal(exchange_start(exchange->other, exchange->client, &call, &error), ERR_INVALID);
}

static void test_client_refuses_within_a_callback(void **state)
{
    struct http_call call = call_of(&street, "/");

    (void)state;
    one.other = &two;
    one.next = &call;
    one.in_piece = start_nonsense;
    exchange_run(&street, &one, &call);
    assert_int_equal(two.dones, 0);
}

static void free_client(struct exchange *exchange)
{
    http_client_free(exchange->client);
    street.client = NULL;
}

static void test_client_can_be_freed_at_any_time(void **state)
{
    struct error error;

    (void)state;
    for (unsigned where = 0; where < 4; where++) {
        struct http_call call = call_of(&street, "/late");

        memset(&one, 0, sizeof(one));
        memset(&two, 0, sizeof(two));
        assert_int_equal(exchange_start(&two, street.client, &call, &error), OK);
        turn_until(&street.house, street.house.late);
        call.url = address_of(&street, "/");
        one.in_head = where == 0 ? free_client : NULL;
        one.in_piece = where == 1 ? free_client : NULL;
        one.in_done = where == 2 ? free_client : NULL;
        if (where == 3) {
            call.url = address_of(&street, ""); /* which does not answer */
        }
        assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
        if (where == 3) {
            turn_for(&street.house, 2);
            free_client(&one);
        }
        turn_until(&street.house, !street.client);
        turn_for(&street.house, 3);
        assert_int_equal(two.heads + two.dones, 0);
        assert_int_equal(one.dones, where == 2);
        assert_int_equal(http_client_new(street.house.loop, NULL, &street.client, &error), OK);
        street.house.late = 0;
    }
}

static void test_client_can_be_freed_within_a_timeout(void **state)
{
    struct http_call call = call_of(&street, "");
    struct error error;

    (void)state;
    call.total_timeout_ms = 5;
    one.in_done = free_client;
    assert_int_equal(exchange_start(&one, street.client, &call, &error), OK);
    assert_int_equal(exchange_start(&two, street.client, &call, &error), OK);
    turn_until(&street.house, !street.client);
    turn_for(&street.house, 10);
    assert_int_equal(one.dones, 1);
    assert_int_equal(two.dones, 0);
}

#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, open_street, close_street)

static const struct CMUnitTest tests[] = {
    CLIENT_TEST(test_client_is_silent_after_a_cancel),
    CLIENT_TEST(test_client_cancels_another_within_a_callback),
    CLIENT_TEST(test_client_cancels_one_that_waits),
    CLIENT_TEST(test_client_starts_another_within_a_callback),
    CLIENT_TEST(test_client_forgets_what_was_started_and_cancelled_at_once),
    CLIENT_TEST(test_client_refuses_within_a_callback),
    CLIENT_TEST(test_client_can_be_freed_at_any_time),
    CLIENT_TEST(test_client_can_be_freed_within_a_timeout),
};

UNIT_MAIN(tests)
