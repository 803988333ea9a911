/*
 * Requests whose handler cannot say at once what it wants of them: nothing of theirs is read or
 * answered until it is asked again, with the same request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_fixture.h"

#include "base/alloc.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nX-Sign: here\r\n\r\n"

static struct {
    unsigned asked;
    unsigned holds; /* so often it is held */
    http_id id;
    bool must_refuse; /* when it is asked for the last time */
} hold;

/* Of paths that begin with /held; the others are as ever. */
static void on_head(const struct http_request *request, struct http_plan *plan, void *arg)
{
    struct house *house = arg;

    if (!str_starts_with(request->path, STR("/held"))) {
        house_on_head(request, plan, arg);
        return;
    }
    assert_str(http_header(request, "x-sign"), "here");
    assert_ptr_equal(plan->context, hold.asked ? house : NULL);
    assert_true(hold.asked == 0 || hold.id == request->id);
    hold.asked++;
    hold.id = request->id;
    plan->context = house;
    plan->body_bytes_max = BODY_LIMIT;
    if (hold.asked <= hold.holds) {
        plan->is_held = true;
    } else if (hold.must_refuse) {
        reply_text(house, request->id, 403, STR("no"));
    }
}

static struct http_handler handler;

static void open_house(struct house *house, unsigned holds)
{
    handler = house_handler;
    handler.on_head = on_head;
    memset(&hold, 0, sizeof(hold));
    hold.holds = holds;
    house_open_with(
        house, (struct http_server_options){.limits = http_limits_default, .handler = &handler});
}

static void test_held_request_is_answered_when_it_is_asked_about_again(void **state)
{
    struct house house;

    (void)state;
    open_house(&house, /* holds */ 2);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/held?a=b") GET("/next")));
    turn_until(&house, hold.asked == 1);
    turn_for(&house, 20);
    assert_false(client_has(&client, "HTTP"));
    assert_int_equal(hold.asked, 1);
    http_ask_again(house.server, hold.id);
    assert_int_equal(hold.asked, 1); /* never from within */
    turn_until(&house, hold.asked == 2);
    turn_for(&house, 20);
    assert_false(client_has(&client, "HTTP"));
    http_ask_again(house.server, hold.id);
    turn_until(&house, client_has(&client, "hello") && client_count(&client, "hello") == 2);
    assert_string_equal(house.notes.data, "request /held ?a=b body 0\nanswered 200 5\n"
                                          "request /next ? body 0\nanswered 200 5\n");
    http_ask_again(house.server, hold.id); /* it has its answer */
    turn_for(&house, 10);
    assert_int_equal(hold.asked, 3);
    client_close(&client);
    house_close(&house);
}

/* The body waits where it is, whether it came with the head or would come later. */
static void test_held_body_waits(void **state)
{
    static const char head[] =
        "POST /held HTTP/1.1\r\nHost: x\r\nX-Sign: here\r\nContent-Length: 6\r\n\r\n";
    static const struct {
        const char *first;
        const char *later;
    } ways[] = {
        {"abcdef" GET("/next"), ""}, {"abc", "def" GET("/next")}, {"", "abcdef" GET("/next")}};
    struct house house;

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
        open_house(&house, /* holds */ 1);
        struct client client = client_open(&house);
        client_send(&house, &client, str_from(head));
        client_send(&house, &client, str_from(ways[i].first));
        turn_until(&house, hold.asked == 1);
        turn_for(&house, 5);
        client_send(&house, &client, str_from(ways[i].later));
        turn_for(&house, 5);
        assert_false(client_has(&client, "HTTP"));
        http_ask_again(house.server, hold.id);
        turn_until(&house, client_has(&client, "hello"));
        assert_true(client_has(&client, "\r\n\r\nabcdef"));
        assert_string_equal(house.notes.data, "request /held ? body 6\nanswered 200 6\n"
                                              "request /next ? body 0\nanswered 200 5\n");
        client_close(&client);
        house_close(&house);
    }
}

/* Who asks before sending is told to go on when it is known that they may. */
static void test_held_client_is_not_told_to_go_on(void **state)
{
    struct house house;

    (void)state;
    open_house(&house, /* holds */ 1);
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("POST /held HTTP/1.1\r\nHost: x\r\nX-Sign: here\r\nContent-Length: 3\r\n"
                    "Expect: 100-continue\r\n\r\n"));
    turn_until(&house, hold.asked == 1);
    turn_for(&house, 10);
    assert_false(client_has(&client, "HTTP"));
    http_ask_again(house.server, hold.id);
    turn_until(&house, client_has(&client, "HTTP/1.1 100 "));
    client_send(&house, &client, STR("abc"));
    turn_until(&house, client_has(&client, "\r\n\r\nabc"));
    client_close(&client);
    house_close(&house);
}

static void test_held_request_may_be_refused_in_the_end(void **state)
{
    struct house house;

    (void)state;
    open_house(&house, /* holds */ 1);
    hold.must_refuse = true;
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("POST /held HTTP/1.1\r\nHost: x\r\nX-Sign: here\r\nContent-Length: 3\r\n\r\n"));
    turn_until(&house, hold.asked == 1);
    http_ask_again(house.server, hold.id);
    turn_until(&house, client_ended(&client));
    assert_true(client_has(&client, "HTTP/1.1 403 "));
    assert_true(client_has(&client, "Connection: close\r\n"));
    assert_string_equal(house.notes.data, "answered 403 2\n");
    client_close(&client);
    house_close(&house);
}

/* It may also be answered while it is held. */
static void test_held_request_may_be_answered_as_it_is(void **state)
{
    struct house house;

    (void)state;
    open_house(&house, /* holds */ 1);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/held") GET("/next")));
    turn_until(&house, hold.asked == 1);
    reply_text(&house, hold.id, 503, STR("busy"));
    turn_until(&house, client_has(&client, "hello"));
    assert_true(client_has(&client, "HTTP/1.1 503 "));
    http_ask_again(house.server, hold.id);
    turn_for(&house, 10);
    assert_int_equal(hold.asked, 1);
    client_close(&client);
    house_close(&house);
}

static void test_held_client_that_leaves_is_gone(void **state)
{
    struct house house;

    (void)state;
    open_house(&house, /* holds */ 9);
    struct client client = client_open(&house);
    client_send(&house, &client, STR(GET("/held")));
    turn_until(&house, hold.asked == 1);
    struct linger hard = {.l_onoff = 1};
    assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    client_close(&client);
    turn_until(&house, house_noted(&house, "gone 0\n"));
    http_ask_again(house.server, hold.id);
    turn_for(&house, 10);
    assert_int_equal(hold.asked, 1);
    house_close(&house);
}

/* No deadline of the client's runs while the handler has the turn. */
static void test_held_request_has_time(void **state)
{
    struct http_limits limits = http_limits_default;
    struct house house;

    (void)state;
    limits.head_timeout_ms = limits.body_timeout_ms = limits.idle_timeout_ms = 30;
    open_house(&house, /* holds */ 1);
    http_server_free(house.server);
    struct error error;
    struct http_server_options options = {.loop = house.loop,
                                          .address = "127.0.0.1",
                                          .limits = limits,
                                          .handler = &handler,
                                          .arg = &house};
    assert_int_equal(http_server_start(&options, &house.server, &error), OK);
    struct client client = client_open(&house);
    client_send(&house, &client,
                STR("POST /held HTTP/1.1\r\nHost: x\r\nX-Sign: here\r\nContent-Length: 3\r\n\r\n"));
    turn_until(&house, hold.asked == 1);
    turn_for(&house, 150);
    assert_false(client_has(&client, "HTTP"));
    http_ask_again(house.server, hold.id);
    turn_until(&house, client_has(&client, "HTTP/1.1 408 ")); /* now the client is slow */
    client_close(&client);
    house_close(&house);
}

static void test_held_head_survives_want_of_memory(void **state)
{
    struct house house;
    bool has_answer = false;

    (void)state;
    for (unsigned long nth = 1; !has_answer && nth < 200; nth++) {
        open_house(&house, /* holds */ 1);
        struct client client = client_open(&house);
        (void)alloc_fail_from(nth);
        client_send(&house, &client, STR(GET("/held")));
        for (unsigned i = 0; i < 50; i++) {
            turn(&house);
        }
        (void)alloc_fail_from(0);
        http_ask_again(house.server, hold.id);
        turn_for(&house, 5);
        has_answer = client_has(&client, "hello");
        client_close(&client);
        house_close(&house);
    }
    assert_true(has_answer);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_held_request_is_answered_when_it_is_asked_about_again),
    cmocka_unit_test(test_held_body_waits),
    cmocka_unit_test(test_held_client_is_not_told_to_go_on),
    cmocka_unit_test(test_held_request_may_be_refused_in_the_end),
    cmocka_unit_test(test_held_request_may_be_answered_as_it_is),
    cmocka_unit_test(test_held_client_that_leaves_is_gone),
};
static const struct CMUnitTest plain_tests[] = {
    cmocka_unit_test(test_held_request_has_time),
    cmocka_unit_test(test_held_head_survives_want_of_memory),
};

int main(void)
{
    int failed = 0;

    house_files_make();
    failed += cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("time and memory", plain_tests, NULL, NULL);
    house_is_tls = true;
    failed += cmocka_run_group_tests_name("over TLS", tests, NULL, NULL);
    house_files_remove();
    return failed;
}
