/*
 * run_log: what a run did, gathered from its events: steps, agents, tool calls with their times.
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_RUN_LOG_H
#define NETRA_API_RUN_LOG_H

#include "store/store.h"
#include "json/json_read.h"
#include "json/json_write.h"

#define RUN_LOG_SPANS_MAX 256u /* steps, agents and calls together; later ones are left out */

struct run_log;

/* Reads the whole log, in pages; empty when there is none. ERR_INVALID (damaged), ERR_IO,
 * ERR_NO_MEMORY. */
must_check int run_log_read(struct store *store, struct str workspace_id,
                            struct json_parser *parser, struct str run_id,
                            struct run_log **ret_log);

/* One event of the log, in order; the parser is used for it. What is not about a step, an agent or
 * a call is passed over. ERR_INVALID when it is no JSON. */
must_check int run_log_add(struct run_log *log, struct json_parser *parser, int64_t time_us,
                           struct str json);

must_check struct run_log *run_log_new(void);
void run_log_free_pointer(struct run_log **log);

/* "steps", "agents" and "tool_calls" as members of an object that the caller has begun. */
void run_log_write(const struct run_log *log, struct json_writer *w);

#endif
