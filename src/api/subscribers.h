/*
 * subscribers: who listens to which run: WebSockets and event streams. Each has the number of the
 * next event that it is to get; first it catches up from the store in pages, as fast as the client
 * reads, then durable events are passed on as they come. So each event is sent once, in order,
 * whatever happens first.
 *
 *     catching up: store_list_events(after) → send … until the log's end → live: publish → send
 *
 * One socket may listen to several runs. An event is encoded once for all WebSockets. Private to
 * api/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_SUBSCRIBERS_H
#define NETRA_API_SUBSCRIBERS_H

#include "api/route.h"

#define SUBSCRIBERS_PER_SOCKET_MAX 64u
#define SUBSCRIBERS_CATCH_UP_ROWS  64u

enum subscriber_kind { SUBSCRIBER_WEBSOCKET, SUBSCRIBER_STREAM };

must_check int subscribers_new(struct api *api, struct subscribers **ret_subscribers);
void subscribers_free(struct subscribers *subscribers); /* sends nothing any more */

/* Listens to a run from after + 1. The exchange's id is where events go; a stream (which must have
 * been begun) is ended after the run's last event. A second subscription of the same socket to the
 * same run replaces the first. ERR_NOT_FOUND (no such run), ERR_LIMIT, ERR_NO_MEMORY. An id that is
 * dead already is noticed when something is sent to it. */
must_check int subscribers_add(struct subscribers *subscribers, enum subscriber_kind kind,
                               http_id id, struct str workspace_id, struct str run_id,
                               uint64_t after);

/* The socket is gone. */
void subscribers_remove(struct subscribers *subscribers, http_id id);

/* The socket's queue is empty: goes on catching up. */
void subscribers_drained(struct subscribers *subscribers, http_id id);

/* api_publish. An event may be published before it is in the store (text of a model) and is then
 * published again when it is. Counts those that the event was written to now, not those that are
 * still catching up. */
unsigned subscribers_publish(struct subscribers *subscribers, struct str run_id, uint64_t seq,
                             struct str json, bool is_last);

/* A message beside the log, without a number, to the WebSockets that listen to the run and have
 * caught up. */
void subscribers_tell(struct subscribers *subscribers, struct str run_id, struct str json);

/* A comment to every stream, every 15 s; called by the api's timer. */
void subscribers_keep_alive(struct subscribers *subscribers);

#endif
