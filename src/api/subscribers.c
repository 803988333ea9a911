/*
 * The order of things is decided by one number, subscription->last. Reading the log and publishing
 * both happen on the loop thread, and an event is visible in the store before it is published: so
 * what a page does not hold yet will be published after it, and what a page holds before it was
 * published is left out when it is. Whether a run has ended is asked before the page is read, never
 * after: its last events may become visible in between.
 *
 * Text of a model is published twice: early, as it comes, and again when it is stored. Who was sent
 * it early leaves it out the second time. Who was not, because he was reading the log, has a gap
 * before what is published early next: the log is read for him up to where it goes, and the rest
 * reaches him when it is stored, or from then on early, if nothing is missing between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/subscribers.h"

#include <inttypes.h>

#include "api/api_state.h"
#include "api/subscription_table.h"
#include "base/alloc.h"
#include "base/check.h"
#include "monitor/metrics.h"

#define STREAM_FRAME_BYTES 64u    /* around the JSON of an event: "id: …\ndata: …\n\n" */
#define CATCH_UP_QUEUE_MAX 65536u /* bytes that wait for the client; more: it must read first */
#define WS_TRY_AGAIN_LATER 1013u

struct subscribers {
    struct api *api;
    struct subscription_table table;
    struct buf text;         /* of the event that is on its way, as a stream has it */
    unsigned sent_labels[2]; /* by kind of subscriber */
};

/* ---- sending ---- */

/* An event on its way to any number of subscribers: each form is made for the first that needs it.
 */
struct outgoing {
    struct str json;
    uint64_t seq;
    struct ws_frame *frame;
    bool has_text;
};

static int send_frame(struct subscribers *subscribers, http_id id, struct outgoing *event)
{
    if (!event->frame) {
        event->frame = ws_frame_text(event->json);
    }
    if (!event->frame) {
        ws_close(subscribers->api->server, id, WS_TRY_AGAIN_LATER, "out of memory");
        return ERR_NO_MEMORY;
    }
    return ws_send(subscribers->api->server, id, event->frame);
}

static int send_text(struct subscribers *subscribers, http_id id, struct outgoing *event)
{
    struct buf *text = &subscribers->text;

    if (!event->has_text) {
        buf_clear(text);
        buf_printf(text, "id: %" PRIu64 "\ndata: ", event->seq);
        buf_append(text, event->json);
        buf_append(text, STR("\n\n"));
        event->has_text = true;
    }
    if (buf_status(text)) {
        (void)http_stream_end(subscribers->api->server, id);
        return buf_status(text);
    }
    return http_stream_write(subscribers->api->server, id, buf_str(text));
}

/* False when the subscription is dead now. After a failure nothing more may be sent: the client has
 * a gap, and comes back with the last number that it saw. */
static bool send_event(struct subscribers *subscribers, struct subscription *subscription,
                       struct outgoing *event)
{
    const struct listener *listener = subscription->listener;
    unsigned label = subscribers->sent_labels[listener->kind];

    check_cmp(event->seq, >, subscription->last);
    subscription->last = event->seq; /* first: what calls back from below must see it as sent */
    int code = listener->kind == SUBSCRIBER_WEBSOCKET ? send_frame(subscribers, listener->id, event)
                                                      : send_text(subscribers, listener->id, event);
    if (code) {
        metric_add(METRIC_SUBSCRIBERS_CUT, 0, code == ERR_LIMIT);
        subscription_table_drop(&subscribers->table, subscription);
    } else {
        metric_add(METRIC_EVENTS_SENT, label, 1);
    }
    return !subscription->is_dead;
}

/* Nothing more will come. */
static void finish(struct subscribers *subscribers, struct subscription *subscription)
{
    http_id id = subscription->listener->id;
    bool is_stream = subscription->listener->kind == SUBSCRIBER_STREAM;

    subscription_table_drop(&subscribers->table, subscription);
    if (is_stream) {
        (void)http_stream_end(subscribers->api->server, id);
    }
}

/* ---- catching up ---- */

struct page {
    struct subscribers *subscribers;
    struct subscription *subscription;
    http_id id;
    unsigned rows;
    bool must_wait; /* _drained goes on */
};

static bool must_wait(struct subscribers *subscribers, http_id id)
{
    return http_queued(subscribers->api->server, id) > CATCH_UP_QUEUE_MAX;
}

static bool send_row(const struct store_event *row, void *arg)
{
    struct page *page = arg;
    struct outgoing event = {.json = row->json, .seq = row->seq};
    bool is_alive = send_event(page->subscribers, page->subscription, &event);

    ws_frame_unref(event.frame);
    page->rows++;
    page->must_wait = is_alive && must_wait(page->subscribers, page->id);
    return is_alive && !page->must_wait;
}

static bool note_ended(const struct store_run *run, void *arg)
{
    bool *ret_ended = arg;

    *ret_ended = run->status != STORE_RUN_QUEUED && run->status != STORE_RUN_RUNNING;
    return false;
}

/* One page. *ret_more: there is another one to read. */
static int read_page(struct page *page, struct str run_id, bool *ret_more)
{
    struct subscribers *subscribers = page->subscribers;
    struct subscription *subscription = page->subscription;
    struct store *store = subscribers->api->options.store;
    struct str workspace_id = str_from(subscription->topic->workspace_id);
    bool has_ended = subscription->topic->has_ended;

    *ret_more = false;
    if (must_wait(subscribers, page->id)) {
        return OK;
    }
    int code = has_ended ? OK : store_get_run(store, workspace_id, run_id, note_ended, &has_ended);
    if (!code) {
        code = store_list_events(store, workspace_id, run_id, subscription->last,
                                 SUBSCRIBERS_CATCH_UP_ROWS, send_row, page);
    }
    if (code || subscription->is_dead || page->must_wait) {
        return code;
    }
    *ret_more = page->rows == SUBSCRIBERS_CATCH_UP_ROWS;
    if (!*ret_more && has_ended) {
        finish(subscribers, subscription);
    } else if (!*ret_more) {
        subscription->is_live = true;
    }
    return OK;
}

/* The log cannot be read, or is gone: the client may try again. */
static void break_off(struct subscribers *subscribers, struct subscription *subscription)
{
    if (subscription->listener->kind == SUBSCRIBER_WEBSOCKET) {
        ws_close(subscribers->api->server, subscription->listener->id, WS_TRY_AGAIN_LATER,
                 "the log of the run cannot be read");
    }
    if (!subscription->is_dead) {
        finish(subscribers, subscription);
    }
}

/* Sends pages until the log's end, or until the client must read first. */
static void catch_up(struct subscribers *subscribers, struct subscription *subscription)
{
    char copy[STORE_ID_BYTES_MAX]; /* the topic may go while a page is sent */
    struct str run_id = {copy, subscription->topic->run_id_length};
    bool has_more = true;
    int code = OK;

    if (subscription->is_reading) { /* sending has emptied the queue: the outer call goes on */
        return;
    }
    memcpy(copy, subscription->topic->run_id, run_id.length);
    subscription_table_enter(&subscribers->table);
    subscription->is_reading = true;
    subscription->is_live = false;
    while (has_more && !code) {
        struct page page = {.subscribers = subscribers,
                            .subscription = subscription,
                            .id = subscription->listener->id};

        code = read_page(&page, run_id, &has_more);
    }
    subscription->is_reading = false;
    if (code && !subscription->is_dead) {
        break_off(subscribers, subscription);
    }
    subscription_table_leave(&subscribers->table);
}

/* ---- what api/ calls ---- */

static bool note_there(const struct store_run *run, void *arg)
{
    (void)run;
    (void)arg;
    return false;
}

int subscribers_add(struct subscribers *subscribers, enum subscriber_kind kind, http_id id,
                    struct str workspace_id, struct str run_id, uint64_t after)
{
    struct subscription *subscription = NULL;
    int code = ERR_NOT_FOUND;

    if (run_id.length > 0 && run_id.length <= STORE_ID_BYTES_MAX) {
        code =
            store_get_run(subscribers->api->options.store, workspace_id, run_id, note_there, NULL);
    }
    if (code) {
        return code;
    }
    subscription_table_enter(&subscribers->table);
    code =
        subscription_table_add(&subscribers->table, kind, id, workspace_id, run_id, &subscription);
    if (!code) {
        subscription->last = after;
        catch_up(subscribers, subscription);
    }
    subscription_table_leave(&subscribers->table);
    return code;
}

void subscribers_remove(struct subscribers *subscribers, http_id id)
{
    struct listener *listener = subscription_table_listener(&subscribers->table, id);

    if (!listener) {
        return;
    }
    subscription_table_enter(&subscribers->table);
    for (struct subscription *s = listener->first; s; s = s->listener_next) {
        subscription_table_drop(&subscribers->table, s); /* the last one frees the listener */
    }
    subscription_table_leave(&subscribers->table);
}

void subscribers_drained(struct subscribers *subscribers, http_id id)
{
    struct listener *listener = subscription_table_listener(&subscribers->table, id);

    if (!listener) {
        return;
    }
    subscription_table_enter(&subscribers->table);
    for (struct subscription *s = listener->first; s; s = s->listener_next) {
        if (!s->is_dead && !s->is_live) {
            catch_up(subscribers, s);
        }
    }
    subscription_table_leave(&subscribers->table);
}

/* True when the event was written to it just now. */
static bool publish_to(struct subscribers *subscribers, struct subscription *subscription,
                       struct outgoing *event, bool is_last)
{
    bool is_sent = false;

    if (subscription->is_dead || !subscription->is_live) {
        return false; /* it reads the event from the store, or has done so */
    }
    if (event->seq > subscription->last + 1) { /* text that was early, when it did not listen */
        catch_up(subscribers, subscription);
        event->has_text = false; /* the buf has another event now */
        if (subscription->is_dead || !subscription->is_live || subscription->last >= event->seq) {
            return subscription->last >= event->seq;
        }
    }
    if (event->seq == subscription->last + 1) {
        is_sent = send_event(subscribers, subscription, event);
    }
    if (is_last && !subscription->is_dead) {
        finish(subscribers, subscription);
    }
    return is_sent;
}

unsigned subscribers_publish(struct subscribers *subscribers, struct str run_id, uint64_t seq,
                             struct str json, bool is_last)
{
    struct topic *topic = subscription_table_topic(&subscribers->table, run_id);
    struct outgoing event = {.json = json, .seq = seq};
    unsigned count = 0;

    if (!topic) {
        return 0;
    }
    subscription_table_enter(&subscribers->table);
    topic->has_ended |= is_last;
    for (struct subscription *s = topic->first; s; s = s->topic_next) {
        count += publish_to(subscribers, s, &event, is_last);
    }
    subscription_table_leave(&subscribers->table);
    ws_frame_unref(event.frame);
    return count;
}

void subscribers_tell(struct subscribers *subscribers, struct str run_id, struct str json)
{
    struct topic *topic = subscription_table_topic(&subscribers->table, run_id);
    struct outgoing event = {.json = json};

    if (!topic) {
        return;
    }
    subscription_table_enter(&subscribers->table);
    for (struct subscription *s = topic->first; s; s = s->topic_next) {
        if (!s->is_dead && s->is_live && s->listener->kind == SUBSCRIBER_WEBSOCKET &&
            send_frame(subscribers, s->listener->id, &event)) {
            subscription_table_drop(&subscribers->table, s);
        }
    }
    subscription_table_leave(&subscribers->table);
    ws_frame_unref(event.frame);
}

void subscribers_keep_alive(struct subscribers *subscribers)
{
    for (size_t i = 0; i < SUBSCRIPTION_BUCKETS; i++) {
        struct listener *next = NULL;

        for (struct listener *l = subscribers->table.listeners[i]; l; l = next) {
            http_id id = l->id;

            next = l->next; /* writing may end this socket, but no other */
            if (l->kind == SUBSCRIBER_STREAM &&
                http_stream_write(subscribers->api->server, id, STR(": keep-alive\n\n"))) {
                subscribers_remove(subscribers, id);
            }
        }
    }
}

int subscribers_new(struct api *api, struct subscribers **ret_subscribers)
{
    struct subscribers *subscribers = alloc_zeroed(1, sizeof(*subscribers));

    if (!subscribers) {
        return ERR_NO_MEMORY;
    }
    subscribers->api = api;
    subscribers->sent_labels[SUBSCRIBER_WEBSOCKET] =
        metric_label(METRIC_EVENTS_SENT, STR("websocket"));
    subscribers->sent_labels[SUBSCRIBER_STREAM] = metric_label(METRIC_EVENTS_SENT, STR("stream"));
    buf_init(&subscribers->text, RUNNER_EVENT_BYTES_MAX + STREAM_FRAME_BYTES);
    *ret_subscribers = subscribers;
    return OK;
}

void subscribers_free(struct subscribers *subscribers)
{
    if (!subscribers) {
        return;
    }
    check_cmp(subscribers->table.depth, ==, 0);
    subscription_table_clear(&subscribers->table);
    buf_done(&subscribers->text);
    alloc_free(subscribers);
}
