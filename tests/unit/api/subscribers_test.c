/*
 * Whatever the order in which events become visible, are published (early, before they are visible,
 * and again, or once), sockets drain, break and come back: each subscriber gets each event of its
 * run once, in order, and a stream ends with the last.
 *
 * The sockets and the log are played by this file: its definitions of http's and the store's
 * functions are linked instead of the rooms'. So every interleaving can be drawn from a seed, and a
 * socket can break in the middle of being written to, as http does when a queue is full.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "api/api_state.h"
#include "api/subscription_table.h"
#include "base/alloc.h"
#include "base/decimal.h"
#include "base/random.h"

#define RUNS        4u
#define SOCKETS     12u
#define EVENTS_MAX  300u
#define SCHEDULES   400u
#define EVENT_BYTES 1000u /* as queued: 66 of them are more than one catch-up may leave waiting */
#define QUEUE_MAX   120000u
#define STEPS       1500u

/* One client on one run. */
struct socket {
    http_id id; /* 0: closed */
    enum subscriber_kind kind;
    size_t queued;
    bool is_fast; /* its queue is always empty */
    bool has_ended;
    uint64_t seen[RUNS]; /* last event of each run */
    bool listens[RUNS];
};

static struct socket sockets[SOCKETS];
static uint64_t visible[RUNS];
static uint64_t published[RUNS]; /* when they were visible */
static uint64_t heard[RUNS];     /* or early */
static uint64_t now_published[RUNS];
static uint64_t last_of[RUNS];
static http_id next_id;
static struct subscribers *subscribers;
static unsigned frames_made;
static unsigned frames_alive;
static uint64_t sent_in_publish;

struct ws_frame {
    unsigned references;
    uint64_t run;
    uint64_t seq;
};

static struct socket *socket_of(http_id id)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        if (id && sockets[i].id == id) {
            return &sockets[i];
        }
    }
    return NULL;
}

/* Closes it the way http does: calls back at once. */
static void break_socket(struct socket *socket)
{
    http_id id = socket->id;

    socket->id = 0;
    socket->has_ended = false;
    subscribers_remove(subscribers, id);
}

static int receive(struct socket *socket, uint64_t run, uint64_t seq)
{
    if (!socket) {
        return ERR_NOT_FOUND;
    }
    if (socket->queued + EVENT_BYTES > QUEUE_MAX) {
        break_socket(socket);
        return ERR_LIMIT;
    }
    assert_true(socket->listens[run]);
    assert_false(socket->has_ended);
    assert_int_equal(seq, socket->seen[run] + 1);
    assert_true(seq <= visible[run] || seq <= heard[run]);
    socket->seen[run] = seq;
    socket->queued += socket->is_fast ? 0 : EVENT_BYTES;
    sent_in_publish += seq == now_published[run];
    return OK;
}

/* ---- what http does ---- */

/* An event's text is "<run>:<seq>". */
static void parse_event(struct str text, uint64_t *ret_run, uint64_t *ret_seq)
{
    size_t colon = str_find(text, STR(":"), 0);

    assert_true(colon < text.length);
    assert_int_equal(decimal_parse_u64(str_slice(text, 0, colon), ret_run), OK);
    assert_int_equal(decimal_parse_u64(str_slice(text, colon + 1, text.length), ret_seq), OK);
}

struct ws_frame *ws_frame_text(struct str text)
{
    struct ws_frame *frame = alloc_zeroed(1, sizeof(*frame));

    if (frame) {
        parse_event(text, &frame->run, &frame->seq);
        frame->references = 1;
        frames_made++;
        frames_alive++;
    }
    return frame;
}

struct ws_frame *ws_frame_ref(struct ws_frame *frame)
{
    frame->references++;
    return frame;
}

void ws_frame_unref(struct ws_frame *frame)
{
    if (frame && --frame->references == 0) {
        frames_alive--;
        alloc_free(frame);
    }
}

int ws_send(struct http_server *server, http_id id, struct ws_frame *frame)
{
    (void)server;
    return receive(socket_of(id), frame->run, frame->seq);
}

void ws_close(struct http_server *server, http_id id, unsigned code, const char *reason)
{
    (void)server;
    (void)reason;
    assert_int_equal(code, 1013);
    if (socket_of(id)) {
        break_socket(socket_of(id));
    }
}

int http_stream_write(struct http_server *server, http_id id, struct str piece)
{
    struct str begin = STR("id: ");
    struct str middle = STR("\ndata: ");
    struct str end = STR("\n\n");
    uint64_t id_line = 0;
    uint64_t run = 0;
    uint64_t seq = 0;

    (void)server;
    if (str_equal(piece, STR(": keep-alive\n\n"))) {
        return socket_of(id) ? OK : ERR_NOT_FOUND;
    }
    size_t data = str_find(piece, middle, 0);
    assert_true(str_starts_with(piece, begin) && data < piece.length);
    assert_true(str_ends_with(piece, end));
    assert_int_equal(decimal_parse_u64(str_slice(piece, begin.length, data), &id_line), OK);
    parse_event(str_slice(piece, data + middle.length, piece.length - end.length), &run, &seq);
    assert_int_equal(id_line, seq);
    return receive(socket_of(id), run, seq);
}

int http_stream_end(struct http_server *server, http_id id)
{
    struct socket *socket = socket_of(id);

    (void)server;
    if (!socket) {
        return ERR_NOT_FOUND;
    }
    assert_false(socket->has_ended);
    socket->has_ended = true;
    return OK;
}

size_t http_queued(const struct http_server *server, http_id id)
{
    const struct socket *socket = socket_of(id);

    (void)server;
    return socket ? socket->queued : 0;
}

/* ---- what the store does ---- */

static unsigned run_index(struct str run_id)
{
    return run_id.length == 5 && str_starts_with(run_id, STR("run-"))
               ? (unsigned)(run_id.data[4] - '0')
               : RUNS;
}

int store_get_run(struct store *store, struct str workspace_id, struct str id, store_run_fn fn,
                  void *arg)
{
    (void)workspace_id;
    unsigned run = run_index(id);
    bool has_ended = run < RUNS && visible[run] == last_of[run];

    (void)store;
    if (run >= RUNS) {
        return ERR_NOT_FOUND;
    }
    (void)fn(
        &(struct store_run){.id = id, .status = has_ended ? STORE_RUN_FINISHED : STORE_RUN_RUNNING},
        arg);
    return OK;
}

static struct random *writer; /* the store's thread: commits between two reads, unseen */

int store_list_events(struct store *store, struct str workspace_id, struct str run_id,
                      uint64_t after, unsigned limit, store_event_fn fn, void *arg)
{
    (void)workspace_id;
    unsigned run = run_index(run_id);
    char json[64];
    bool goes_on = true;

    (void)store;
    uint64_t end = visible[run];
    for (uint64_t seq = after + 1; goes_on && seq <= end && seq <= after + limit; seq++) {
        int length = snprintf(json, sizeof(json), "%u:%lu", run, seq);

        goes_on =
            fn(&(struct store_event){.run_id = run_id, .seq = seq, .json = {json, (size_t)length}},
               arg);
    }
    if (writer && visible[run] < last_of[run] && random_below(writer, 4) == 0) {
        visible[run]++;
    }
    return OK;
}

/* ---- the schedule ---- */

static char run_names[RUNS][8];

static void publish(unsigned run, uint64_t seq)
{
    char json[64];
    int length = snprintf(json, sizeof(json), "%u:%lu", run, seq);
    sent_in_publish = 0;
    now_published[run] = seq;
    unsigned count = subscribers_publish(subscribers, str_from(run_names[run]), seq,
                                         (struct str){json, (size_t)length}, seq == last_of[run]);
    assert_int_equal(count, sent_in_publish);
    now_published[run] = 0;
}

static void publish_next(unsigned run)
{
    if (published[run] < visible[run]) {
        uint64_t seq = ++published[run];

        heard[run] = heard[run] > seq ? heard[run] : seq;
        unsigned frames_before = frames_made;
        publish(run, seq);
        assert_true(frames_made - frames_before <= 1);
    }
}

/* Text of a model: everything before it was published, and it is not the last event. */
static void publish_early(unsigned run)
{
    if (heard[run] >= visible[run] && heard[run] + 1 < last_of[run]) {
        publish(run, ++heard[run]);
    }
}

static void subscribe(struct socket *socket, unsigned run)
{
    if (!socket->id) {
        http_id id = ++next_id * 64 + (unsigned)(socket - sockets);

        socket->id = id;
        socket->queued = 0;
        socket->has_ended = false;
        memset(socket->listens, 0, sizeof(socket->listens));
    } else if (socket->kind == SUBSCRIBER_STREAM) {
        return; /* a stream is of one run */
    }
    socket->listens[run] = true;
    int code = subscribers_add(subscribers, socket->kind, socket->id, STR(STORE_WORKSPACE_FIRST),
                               str_from(run_names[run]), socket->seen[run]);
    assert_int_equal(code, OK);
}

static void drain(struct socket *socket)
{
    if (socket->id && socket->queued) {
        socket->queued = 0;
        subscribers_drained(subscribers, socket->id);
    }
}

static void step(struct random *random)
{
    struct socket *socket = &sockets[random_below(random, SOCKETS)];
    unsigned run = (unsigned)random_below(random, RUNS);

    switch (random_below(random, 9)) {
    case 0:
    case 1:
        if (visible[run] < last_of[run]) {
            uint64_t more = 1 + random_below(random, 5);

            visible[run] += more < last_of[run] - visible[run] ? more : last_of[run] - visible[run];
        }
        break;
    case 2:
    case 3:
    case 4:
        publish_next(run);
        break;
    case 5:
        publish_early(run % 2);
        break;
    case 6:
        subscribe(socket, run);
        break;
    case 7:
        drain(socket);
        break;
    default:
        if (socket->id && random_below(random, 8) == 0) {
            break_socket(socket);
        }
        subscribers_keep_alive(subscribers);
    }
}

/* Lets everything come to its end, then everybody must have everything. */
static void settle(struct random *random)
{
    writer = NULL;
    for (unsigned run = 0; run < RUNS; run++) {
        visible[run] = last_of[run];
        while (published[run] < last_of[run]) {
            publish_next(run);
            drain(&sockets[random_below(random, SOCKETS)]);
        }
    }
    for (size_t i = 0; i < SOCKETS; i++) {
        for (unsigned round = 0; round < EVENTS_MAX; round++) {
            drain(&sockets[i]);
        }
        for (unsigned run = 0; run < RUNS; run++) {
            if (sockets[i].id && sockets[i].listens[run]) {
                assert_int_equal(sockets[i].seen[run], last_of[run]);
            }
        }
        assert_int_equal(sockets[i].has_ended,
                         sockets[i].id && sockets[i].kind == SUBSCRIBER_STREAM);
    }
    assert_int_equal(frames_alive, 0);
}

static void begin(struct api *api, struct random *random)
{
    memset(sockets, 0, sizeof(sockets));
    for (unsigned run = 0; run < RUNS; run++) {
        (void)snprintf(run_names[run], sizeof(run_names[run]), "run-%u", run);
        visible[run] = random_below(random, 2) ? 0 : 100;
        last_of[run] = 100 + random_below(random, EVENTS_MAX - 100);
        published[run] = visible[run];
        heard[run] = visible[run];
    }
    for (size_t i = 0; i < SOCKETS; i++) {
        sockets[i].kind = i % 2 ? SUBSCRIBER_STREAM : SUBSCRIBER_WEBSOCKET;
        sockets[i].is_fast = random_below(random, 2);
    }
    assert_int_equal(subscribers_new(api, &subscribers), OK);
}

static void test_subscribers_get_each_event_once_in_order(void **state)
{
    struct api *api = alloc_zeroed(1, sizeof(*api));

    (void)state;
    assert_non_null(api);
    for (uint64_t seed = 0; seed < SCHEDULES; seed++) {
        struct random random;

        random_init(&random, seed, /* stream */ 1);

        writer = &random;
        begin(api, &random);
        for (unsigned i = 0; i < STEPS; i++) {
            step(&random);
        }
        settle(&random);
        subscribers_free(subscribers);
    }
    alloc_free(api);
}

static void test_subscribers_refuse_a_run_that_is_not_there(void **state)
{
    struct api *api = alloc_zeroed(1, sizeof(*api));

    (void)state;
    assert_non_null(api);
    assert_int_equal(subscribers_new(api, &subscribers), OK);
    assert_int_equal(subscribers_add(subscribers, SUBSCRIBER_WEBSOCKET, 1,
                                     STR(STORE_WORKSPACE_FIRST), STR("run-9"), 0),
                     ERR_NOT_FOUND);
    assert_int_equal(subscribers_add(subscribers, SUBSCRIBER_WEBSOCKET, 1,
                                     STR(STORE_WORKSPACE_FIRST), STR(""), 0),
                     ERR_NOT_FOUND);
    subscribers_free(subscribers);
    alloc_free(api);
}

static void test_subscription_table_bounds_the_runs_of_a_socket(void **state)
{
    struct subscription_table *table = alloc_zeroed(1, sizeof(*table));
    struct subscription *subscription = NULL;
    char name[16] = "";

    (void)state;
    assert_non_null(table);
    subscription_table_enter(table);
    for (unsigned i = 0; i <= SUBSCRIBERS_PER_SOCKET_MAX; i++) {
        (void)snprintf(name, sizeof(name), "r%u", i);
        assert_int_equal(subscription_table_add(table, SUBSCRIBER_WEBSOCKET, 7,
                                                STR(STORE_WORKSPACE_FIRST), str_from(name),
                                                &subscription),
                         i < SUBSCRIBERS_PER_SOCKET_MAX ? OK : ERR_LIMIT);
    }
    assert_null(subscription_table_topic(table, str_from(name))); /* nothing is left of it */
    struct listener *listener = subscription_table_listener(table, 7);
    assert_int_equal(listener->count, SUBSCRIBERS_PER_SOCKET_MAX);
    /* the same run again takes the place of the former, also at the limit */
    assert_int_equal(subscription_table_add(table, SUBSCRIBER_WEBSOCKET, 7,
                                            STR(STORE_WORKSPACE_FIRST), STR("r0"), &subscription),
                     OK);
    assert_int_equal(listener->count, SUBSCRIBERS_PER_SOCKET_MAX);
    subscription_table_leave(table);
    subscription_table_clear(table);
    assert_null(subscription_table_listener(table, 7));
    assert_null(subscription_table_topic(table, STR("r0")));
    alloc_free(table);
}

/* Without memory the client is refused or cut off, and comes back: it never gets a gap. */
static void test_subscribers_survive_lack_of_memory(void **state)
{
    struct api *api = alloc_zeroed(1, sizeof(*api));
    struct random random;
    bool has_succeeded = false;

    (void)state;
    assert_non_null(api);
    random_init(&random, 1, 1);
    writer = NULL;
    for (uint64_t nth = 1; !has_succeeded; nth++) {
        begin(api, &random);
        visible[0] = published[0] = heard[0] = 0;
        last_of[0] = 3;
        sockets[0] = (struct socket){.id = 64, .kind = nth % 2, .listens = {true}};
        (void)alloc_fail_from(nth);
        int code = subscribers_add(subscribers, sockets[0].kind, 64, STR(STORE_WORKSPACE_FIRST),
                                   STR("run-0"), 0);
        for (unsigned i = 0; i < 3; i++) {
            visible[0]++;
            publish_next(0);
        }
        has_succeeded = alloc_fail_from(0) < nth;
        assert_true(code == OK || code == ERR_NO_MEMORY);
        if (code) {
            assert_int_equal(sockets[0].seen[0], 0);
        }
        if (has_succeeded) {
            assert_int_equal(sockets[0].seen[0], 3);
        }
        subscribers_free(subscribers);
    }
    alloc_free(api);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_subscribers_get_each_event_once_in_order),
    cmocka_unit_test(test_subscribers_refuse_a_run_that_is_not_there),
    cmocka_unit_test(test_subscription_table_bounds_the_runs_of_a_socket),
    cmocka_unit_test(test_subscribers_survive_lack_of_memory),
};

UNIT_MAIN(tests)
