/*
 * curl in the loop: its sockets, its timer, its memory. curl says which sockets it waits for, and
 * for how long; the loop says what has happened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/check.h"
#include "http/client_call.h"

/* ---- memory ---- */

/* Also from threads in which curl asks for the address of a name. */
static atomic_uint_fast64_t failed_allocations;

static void *counted(void *memory)
{
    if (!memory) {
        atomic_fetch_add_explicit(&failed_allocations, 1, memory_order_relaxed);
    }
    return memory;
}

static void *curl_alloc(size_t size)
{
    return counted(alloc_resize(NULL, 1, size ? size : 1));
}

static void *curl_resize(void *memory, size_t size)
{
    return counted(alloc_resize(memory, 1, size ? size : 1));
}

static void *curl_alloc_zeroed(size_t count, size_t size)
{
    return counted(alloc_zeroed(count, size));
}

static char *curl_copy_text(const char *text)
{
    return counted(alloc_text(text));
}

uint64_t client_failed_allocations(void)
{
    return atomic_load_explicit(&failed_allocations, memory_order_relaxed);
}

int client_curl_init(void)
{
    static bool is_done; /* loop thread */

    if (!is_done && curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_alloc, alloc_free, curl_resize,
                                         curl_copy_text, curl_alloc_zeroed)) {
        return ERR_NO_MEMORY;
    }
    is_done = true;
    return OK;
}

/* ---- sockets ---- */

static int curl_events(int events)
{
    return (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
           (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
}

static void watch(struct client_socket *socket);

/* A socket with an error (refused, reset) ends libuv's watch. curl is told what it waits for: when
 * it reads or writes, it takes what came before the error and finds the reason itself. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct client_socket *socket = poll->data;

    client_event(socket->client, socket->fd, status < 0 ? socket->wanted : curl_events(events));
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll)) {
        watch(socket);
    }
}

static void watch(struct client_socket *socket)
{
    int events = (socket->wanted & CURL_CSELECT_IN ? UV_READABLE : 0) |
                 (socket->wanted & CURL_CSELECT_OUT ? UV_WRITABLE : 0);

    if (events) {
        check(uv_poll_start(&socket->poll, events, on_poll) == 0);
    } else {
        (void)uv_poll_stop(&socket->poll);
    }
}

static struct client_socket *add_socket(struct http_client *client, curl_socket_t fd,
                                        enum call_fault *ret_fault)
{
    struct client_socket *socket = alloc_zeroed(1, sizeof(*socket));

    if (!socket || uv_poll_init_socket(loop_uv(client->loop), &socket->poll, fd)) {
        *ret_fault = socket ? CALL_UNWATCHED : CALL_WITHOUT_MEMORY;
        alloc_free(socket);
        return NULL;
    }
    socket->poll.data = socket;
    socket->client = client;
    socket->fd = fd;
    socket->next = client->sockets;
    if (socket->next) {
        socket->next->previous = socket;
    }
    client->sockets = socket;
    client->open_handles++;
    return socket;
}

static void socket_closed(uv_handle_t *handle)
{
    struct client_socket *socket = handle->data;
    struct http_client *client = socket->client;

    alloc_free(socket);
    client_handle_closed(client);
}

static void remove_socket(struct client_socket *socket)
{
    struct http_client *client = socket->client;

    if (socket->previous) {
        socket->previous->next = socket->next;
    } else {
        client->sockets = socket->next;
    }
    if (socket->next) {
        socket->next->previous = socket->previous;
    }
    uv_close((uv_handle_t *)&socket->poll, socket_closed);
}

/* Told to fail, curl would give up all transfers: only the one whose socket this is ends. */
static void give_up(CURL *easy, enum call_fault fault)
{
    struct call *call = NULL;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    if (call) {
        client_doom(call, fault);
    }
}

/* what: CURL_POLL_…, assigned: what was given to curl_multi_assign() for this socket. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    struct http_client *client = arg;
    struct client_socket *socket = assigned;
    enum call_fault fault;

    if (what == CURL_POLL_REMOVE) {
        if (socket) {
            remove_socket(socket);
        }
        return 0;
    }
    if (!socket) {
        socket = add_socket(client, fd, &fault);
        if (!socket) {
            give_up(easy, fault);
            return 0;
        }
        check(curl_multi_assign(client->multi, fd, socket) == CURLM_OK);
    }
    socket->wanted =
        (what & CURL_POLL_IN ? CURL_CSELECT_IN : 0) | (what & CURL_POLL_OUT ? CURL_CSELECT_OUT : 0);
    watch(socket);
    return 0;
}

/* ---- the timer ---- */

static void curl_timer_fired(void *arg)
{
    client_event(arg, CURL_SOCKET_TIMEOUT, /* events */ 0);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http_client *client = arg;

    (void)multi;
    if (timeout_ms < 0) {
        loop_timer_stop(&client->curl_timer);
    } else {
        loop_timer_start(&client->curl_timer, (uint64_t)timeout_ms, /* repeat_ms */ 0);
    }
    return 0;
}

/* ---- begin and end ---- */

int client_multi_open(struct http_client *client)
{
    CURLM *multi = curl_multi_init();

    if (!multi) {
        return ERR_NO_MEMORY;
    }
    check(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK);
    check(curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client) == CURLM_OK);
    check(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer) == CURLM_OK);
    check(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client) == CURLM_OK);
    check(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CLIENT_IDLE_CONNECTIONS_MAX) == CURLM_OK);
    client->multi = multi;
    return OK;
}

/* The loop lets go of the sockets before curl closes them. */
void client_multi_close(struct http_client *client)
{
    if (!client->multi) {
        return;
    }
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, (curl_socket_callback)NULL);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, (curl_multi_timer_callback)NULL);
    while (client->sockets) {
        remove_socket(client->sockets);
    }
    (void)curl_multi_cleanup(client->multi);
    client->multi = NULL;
    loop_timer_stop(&client->curl_timer);
}

void client_sockets_init(struct http_client *client)
{
    loop_timer_init(client->loop, &client->curl_timer, curl_timer_fired, client);
    client->open_handles++;
}

static void timer_closed(void *arg)
{
    client_handle_closed(arg);
}

void client_sockets_close(struct http_client *client)
{
    client_multi_close(client);
    loop_timer_close(&client->curl_timer, timer_closed);
}
