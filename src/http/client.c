/*
 * The life of exchanges: slots and ids, start, cancel, time-outs, the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/client.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"
#include "http/client_call.h"

#define NO_SLOT  UINT32_MAX
#define FOR_EVER UINT64_MAX

_Static_assert(HTTP_CLIENT_CALLS_MAX == 1u << CLIENT_SLOT_BITS, "a slot fits into its bits");

uint64_t client_now_ms(void)
{
    return uv_hrtime() / 1000000u;
}

/* ---- curl on the stack ---- */

static void check_at(struct http_client *client, uint64_t at_ms);

static void enter_curl(struct http_client *client)
{
    check(!client->in_curl);
    client->in_curl = true;
    client->failed_allocations = client_failed_allocations();
}

/* Outside of an event the timer sees to it that the calls of a suspect handle end. */
static void leave_curl(struct http_client *client)
{
    client->in_curl = false;
    if (client->multi && client_failed_allocations() != client->failed_allocations) {
        client->is_suspect = true;
        check_at(client, client_now_ms());
    }
}

/* ---- slots and ids ---- */

static struct call *take_slot(struct http_client *client)
{
    uint32_t slot = client->free_slot;

    if (slot != NO_SLOT) {
        client->free_slot = client->slots[slot].next_free;
    } else if (client->slots_used < HTTP_CLIENT_CALLS_MAX) {
        slot = client->slots_used++;
    } else {
        return NULL;
    }
    struct call *call = &client->slots[slot];
    memset(call, 0, sizeof(*call));
    call->client = client;
    call->slot = slot;
    buf_init(&call->head, HTTP_CLIENT_HEAD_BYTES_MAX);
    return call;
}

static struct call *find_call(const struct http_client *client, http_call_id id)
{
    uint32_t slot = (uint32_t)(id & CLIENT_SLOT_MASK);

    if (id == 0 || slot >= client->slots_used) {
        return NULL;
    }
    struct call *call = &client->slots[slot];
    return call->state != CALL_FREE && call->id == id ? call : NULL;
}

/* Nobody is told anything from now on. */
static void silence(struct call *call)
{
    if (call->id) {
        call->id = 0;
        call->client->count--;
    }
}

static void free_slot(struct call *call)
{
    struct http_client *client = call->client;

    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    buf_done(&call->head);
    silence(call);
    call->state = CALL_FREE;
    call->next_free = client->free_slot;
    client->free_slot = call->slot;
}

static void remove_from_curl(struct call *call)
{
    if (call->is_added) {
        check(curl_multi_remove_handle(call->client->multi, call->easy) == CURLM_OK);
        call->is_added = false;
    }
}

static void release(struct call *call)
{
    struct http_client *client = call->client;

    enter_curl(client); /* removing may close sockets, and on_socket must not doom it */
    call->state = CALL_FREE;
    remove_from_curl(call);
    free_slot(call);
    leave_curl(client);
}

/* The slot is free before on_done is called: a next attempt finds room. */
static void end_call(struct call *call, int code, const struct error *error)
{
    struct http_call_listener listener = call->listener;
    void *arg = call->arg;
    bool is_told = call->id != 0;

    release(call);
    if (is_told) {
        listener.on_done(code, error, arg);
    }
}

/* ---- what could not be done while curl was on the stack ---- */

void client_doom(struct call *call, enum call_fault fault)
{
    struct http_client *client = call->client;

    check(client->in_curl);
    if (call->fault == CALL_FINE) {
        call->fault = fault;
    }
    if (call->state == CALL_RUNNING) {
        call->state = CALL_DOOMED;
        call->next = client->doomed;
        client->doomed = call;
    }
}

static int add_to_curl(struct call *call, struct error *error)
{
    struct http_client *client = call->client;

    enter_curl(client);
    call->is_added = (client->multi || !client_multi_open(client)) &&
                     curl_multi_add_handle(client->multi, call->easy) == CURLM_OK;
    leave_curl(client);
    if (!call->is_added) {
        return error_set(error, ERR_NO_MEMORY, "no memory for a request");
    }
    call->state = CALL_RUNNING;
    return OK;
}

static void start_waiting(struct call *call)
{
    struct error error = {.code = OK};

    int code = call->id ? add_to_curl(call, &error) : ERR_CANCELLED;
    if (code) {
        end_call(call, code, &error);
    }
}

static void end_by_curl(struct call *call, CURLcode result)
{
    struct error error = {.code = OK};

    int code = call_result(call, result, &error);
    end_call(call, code, &error);
}

/* Out of memory, and curl does not say for whom. */
static void give_multi_up(struct http_client *client)
{
    enter_curl(client);
    for (unsigned i = 0; i < client->slots_used; i++) {
        struct call *call = &client->slots[i];

        if (call->state == CALL_RUNNING) {
            client_doom(call, CALL_WITHOUT_MEMORY);
            remove_from_curl(call);
        }
    }
    client_multi_close(client);
    leave_curl(client);
    client->is_suspect = false;
}

/* Each end may start, cancel or free: the lists are looked at again from the beginning. */
static void settle(struct http_client *client)
{
    for (;;) {
        int left;
        CURLMsg *message;
        struct call *call;

        if ((call = client->doomed)) {
            client->doomed = call->next;
            end_by_curl(call, CURLE_ABORTED_BY_CALLBACK);
        } else if ((message = curl_multi_info_read(client->multi, &left))) {
            CURLcode result = message->data.result;

            check(message->msg == CURLMSG_DONE);
            check(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK);
            end_by_curl(call, result);
        } else if (client->is_suspect) {
            give_multi_up(client);
        } else if ((call = client->waiting)) {
            client->waiting = call->next;
            start_waiting(call);
        } else {
            return;
        }
    }
}

/* ---- events ---- */

static void timer_closed(void *arg)
{
    client_handle_closed(arg);
}

/* The memory goes with the last handle. */
static void destroy(struct http_client *client)
{
    for (unsigned i = 0; i < client->slots_used; i++) {
        if (client->slots[i].state != CALL_FREE) {
            release(&client->slots[i]);
        }
    }
    client_sockets_close(client);
    loop_timer_close(&client->check, timer_closed);
}

static void begin_event(struct http_client *client)
{
    check(!client->in_event);
    client->in_event = true;
}

static void end_event(struct http_client *client)
{
    settle(client);
    client->in_event = false;
    if (client->is_freed) {
        destroy(client);
    }
}

void client_event(struct http_client *client, curl_socket_t fd, int events)
{
    int running;

    begin_event(client);
    if (client->multi && !client->is_suspect) {
        enter_curl(client);
        CURLMcode code = curl_multi_socket_action(client->multi, fd, events, &running);
        leave_curl(client);
        client->is_suspect |= code != CURLM_OK; /* a transfer may not be watched any more */
    }
    end_event(client);
}

/* ---- time-outs ---- */

static uint64_t due_ms(const struct call *call)
{
    return call->wait_until_ms < call->total_until_ms ? call->wait_until_ms : call->total_until_ms;
}

static void check_at(struct http_client *client, uint64_t at_ms)
{
    uint64_t now = client_now_ms();

    if (at_ms < client->check_at_ms) {
        client->check_at_ms = at_ms;
        loop_timer_start(&client->check, (at_ms > now ? at_ms - now : 0) + CLIENT_CHECK_SLACK_MS,
                         /* repeat_ms */ 0);
    }
}

void client_watch(struct http_client *client, const struct call *call)
{
    check_at(client, due_ms(call));
}

static void time_out(struct call *call)
{
    struct error error;

    if (call->total_until_ms <= call->wait_until_ms) {
        (void)error_set(&error, ERR_TIMEOUT, "no whole answer after %llu ms",
                        (unsigned long long)call->total_timeout_ms);
    } else if (call->has_body) {
        (void)error_set(&error, ERR_TIMEOUT, "the answer stopped for %llu ms",
                        (unsigned long long)call->idle_timeout_ms);
    } else {
        (void)error_set(&error, ERR_TIMEOUT, "no first byte of an answer after %llu ms",
                        (unsigned long long)call->first_byte_timeout_ms);
    }
    /* The connection may be dead without knowing: with HTTP/2 the next attempt would be sent there.
     */
    (void)curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    end_call(call, ERR_TIMEOUT, &error);
}

/* All calls, n ≤ 1024, but only when the earliest of all deadlines that were set has passed. A
 * piece moves its call's deadline on without touching the timer. */
static void check_deadlines(void *arg)
{
    struct http_client *client = arg;
    uint64_t now = client_now_ms();
    uint64_t next = FOR_EVER;

    begin_event(client);
    client->check_at_ms = FOR_EVER;
    for (unsigned i = 0; i < client->slots_used; i++) {
        struct call *call = &client->slots[i];

        if (call->state == CALL_RUNNING && due_ms(call) <= now) {
            time_out(call);
        }
        if (call->state == CALL_RUNNING && due_ms(call) < next) {
            next = due_ms(call);
        }
    }
    if (next != FOR_EVER) {
        check_at(client, next);
    }
    end_event(client);
}

static uint64_t until(uint64_t now_ms, uint64_t timeout_ms)
{
    uint64_t at;

    return timeout_ms && !__builtin_add_overflow(now_ms, timeout_ms, &at) ? at : FOR_EVER;
}

/* ---- the contract ---- */

static void free_memory(struct http_client *client)
{
    (void)curl_multi_cleanup(client->multi);
    alloc_free(client->ca_file);
    alloc_free(client->slots);
    alloc_free(client);
}

void client_handle_closed(struct http_client *client)
{
    if (--client->open_handles == 0) {
        free_memory(client);
    }
}

int http_client_new(struct loop *loop, const char *ca_file, struct http_client **ret_client,
                    struct error *error)
{
    if (ca_file && access(ca_file, R_OK)) {
        return error_set(error, ERR_IO, "cannot read the certificates of '%s': %s", ca_file,
                         strerror(errno));
    }
    struct http_client *client = client_curl_init() ? NULL : alloc_zeroed(1, sizeof(*client));
    if (!client) {
        return error_set(error, ERR_NO_MEMORY, "no memory for an HTTP client");
    }
    client->loop = loop;
    client->free_slot = NO_SLOT;
    client->check_at_ms = FOR_EVER;
    client->slots = alloc_zeroed(HTTP_CLIENT_CALLS_MAX, sizeof(*client->slots));
    client->ca_file = ca_file ? alloc_text(ca_file) : NULL;
    if (!client->slots || (ca_file && !client->ca_file) || client_multi_open(client)) {
        free_memory(client);
        return error_set(error, ERR_NO_MEMORY, "no memory for an HTTP client");
    }
    client_sockets_init(client);
    loop_timer_init(loop, &client->check, check_deadlines, client);
    client->open_handles++;
    *ret_client = client;
    return OK;
}

void http_client_free(struct http_client *client)
{
    if (!client) {
        return;
    }
    check(!client->is_freed);
    client->is_freed = true;
    for (unsigned i = 0; i < client->slots_used; i++) {
        if (client->slots[i].state != CALL_FREE) {
            silence(&client->slots[i]);
        }
    }
    if (!client->in_event) {
        destroy(client);
    }
}

static void set_deadlines(struct call *call, const struct http_call *wanted)
{
    uint64_t now = client_now_ms();

    call->connect_timeout_ms = wanted->connect_timeout_ms;
    call->first_byte_timeout_ms = wanted->first_byte_timeout_ms;
    call->idle_timeout_ms = wanted->idle_timeout_ms;
    call->total_timeout_ms = wanted->total_timeout_ms;
    call->wait_until_ms = until(now, wanted->first_byte_timeout_ms);
    call->total_until_ms = until(now, wanted->total_timeout_ms);
}

int http_client_start(struct http_client *client, const struct http_call *wanted,
                      const struct http_call_listener *listener, void *arg, http_call_id *ret_id,
                      struct error *error)
{
    check(!client->is_freed && listener->on_head && listener->on_piece && listener->on_done);
    struct call *call = take_slot(client);
    if (!call) {
        return error_set(error, ERR_LIMIT, "%u requests are under way", HTTP_CLIENT_CALLS_MAX);
    }
    call->state = CALL_WAITING;
    int code = call_prepare(call, wanted, error);
    if (!code && !client->in_curl && !client->is_suspect) {
        code = add_to_curl(call, error);
    }
    if (code) {
        free_slot(call);
        return code;
    }
    call->listener = *listener;
    call->arg = arg;
    call->id = ++client->generation << CLIENT_SLOT_BITS | call->slot;
    client->count++;
    if (call->state == CALL_WAITING) {
        call->next = client->waiting;
        client->waiting = call;
    }
    set_deadlines(call, wanted);
    client_watch(client, call);
    *ret_id = call->id;
    return OK;
}

void http_client_cancel(struct http_client *client, http_call_id id)
{
    struct call *call = find_call(client, id);

    if (!call) {
        return;
    }
    silence(call);
    if (client->in_curl) {
        client_doom(call, CALL_FINE);
    } else if (call->state == CALL_RUNNING) { /* the others are dropped when their turn comes */
        release(call);
    }
}

unsigned http_client_count(const struct http_client *client)
{
    return client->count;
}
