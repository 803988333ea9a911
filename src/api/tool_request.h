/*
 * tool_request: how a client calls a tool: {dataset?, args}. A pure function; tools take their
 * arguments as JSON text, so args is written out again. Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_TOOL_REQUEST_H
#define NETRA_API_TOOL_REQUEST_H

#include "api/body.h"
#include "base/buf.h"

#define TOOL_REQUEST_DEPTH_MAX 8u /* tools take lists of texts and numbers, nothing deeper */

/* args (empty before) gets an object; its limit is that of the arguments. False and fault filled
 * when the body cannot be followed. dataset_id is borrowed from the parser. */
bool tool_request_read(struct json_value root, struct buf *args, struct str *ret_dataset_id,
                       struct body_fault *fault);

#endif
