/*
 * ws_message: what a client says on /ws, as pure functions of the parsed text.
 *
 *     {"type":"run","prompt",…}             run_request.h reads the rest
 *     {"type":"resume","runId","lastSeq"}
 *     {"type":"cancel","runId"}
 *     {"type":"ping"}
 *
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_WS_MESSAGE_H
#define NETRA_API_WS_MESSAGE_H

#include "api/run_request.h"

enum ws_message_type {
    WS_MESSAGE_UNKNOWN,
    WS_MESSAGE_RUN,
    WS_MESSAGE_RESUME,
    WS_MESSAGE_CANCEL,
    WS_MESSAGE_PING
};

/* Borrowed from the parser. */
struct ws_message {
    enum ws_message_type type;
    struct runner_request run; /* run */
    struct str run_id;         /* resume, cancel */
    uint64_t last_seq;         /* resume */
};

/* False and fault filled when the message cannot be followed; type is set as far as it was
 * understood, for the answer's inReplyTo. */
bool ws_message_read(struct json_value root, struct ws_message *ret_message,
                     struct body_fault *fault);

/* "run" …; NULL for WS_MESSAGE_UNKNOWN. */
const char *ws_message_type_name(enum ws_message_type type);

/* Chooses of a Sec-WebSocket-Protocol header's list ("a, b"): whether protocol is in it. */
bool ws_protocol_is_offered(struct str list, struct str protocol);

#endif
