/*
 * What a client sees of ordinary exchanges over a real socket: answers, pipelining, bodies,
 * streams, time-outs, the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

static void test_server_answers_and_keeps_the_connection(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, NULL);
    struct client client = client_open(&house);
    client_send(&house, &client, STR("GET /a%20b?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    turn_until(&house, client_has(&client, "hello"));
    assert_true(client_has(&client, "HTTP/1.1 200 OK\r\nDate: "));
    assert_true(client_has(&client, "X-Content-Type-Options: nosniff\r\n"));
    assert_true(client_has(&client, "Content-Length: 5\r\n"));
    assert_true(house_noted(&house, "request /a b ?q=1 body 0\nanswered 200 5\n"));
    buf_clear(&client.got);
    client_send(&house, &client, STR("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    turn_until(&house, client_has(&client, "Content-Length: 5\r\n\r\n"));
    assert_false(client_has(&client, "hello"));
    assert_int_equal(http_server_counts(house.server).accepted, 1);
    client_close(&client);
    turn_until(&house, http_server_counts(house.server).connections == 0);
    assert_false(house_noted(&house, "gone"));
    house_close(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_answers_and_keeps_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
