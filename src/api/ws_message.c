/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ws_message.h"

static const char *const type_names[] = {
    [WS_MESSAGE_UNKNOWN] = NULL,    [WS_MESSAGE_RUN] = "run",   [WS_MESSAGE_RESUME] = "resume",
    [WS_MESSAGE_CANCEL] = "cancel", [WS_MESSAGE_PING] = "ping",
};

const char *ws_message_type_name(enum ws_message_type type)
{
    return type_names[type];
}

static bool read_type(struct json_value root, enum ws_message_type *ret_type,
                      struct body_fault *fault)
{
    struct str name;

    if (!json_is(root, JSON_OBJECT)) {
        return body_refuse(fault, "", "a message must be a JSON object");
    }
    if (!json_get_str(json_at(root, "type"), &name)) {
        return body_refuse(fault, "/type", "a message needs a type: run, resume, cancel or ping");
    }
    for (size_t i = WS_MESSAGE_RUN; i < ARRAY_LENGTH(type_names); i++) {
        if (str_equal(name, str_from(type_names[i]))) {
            *ret_type = (enum ws_message_type)i;
            return true;
        }
    }
    return body_refuse(fault, "/type", "a type is one of run, resume, cancel and ping");
}

static bool read_run_id(struct json_value root, struct str *ret_run_id, struct body_fault *fault)
{
    struct str run_id = {0};

    if (!body_id(root, "runId", &run_id, fault)) {
        return false;
    }
    if (run_id.length == 0) {
        return body_refuse(fault, "/runId", "runId is missing");
    }
    *ret_run_id = run_id;
    return true;
}

bool ws_message_read(struct json_value root, struct ws_message *ret_message,
                     struct body_fault *fault)
{
    *ret_message = (struct ws_message){0};
    if (!read_type(root, &ret_message->type, fault)) {
        return false;
    }
    switch (ret_message->type) {
    case WS_MESSAGE_RUN:
        return run_request_read(root, RUN_DIALECT_WS, &ret_message->run, fault);
    case WS_MESSAGE_RESUME:
        return read_run_id(root, &ret_message->run_id, fault) &&
               body_u64(root, "lastSeq", BODY_SEED_MAX, &ret_message->last_seq, fault);
    case WS_MESSAGE_CANCEL:
        return read_run_id(root, &ret_message->run_id, fault);
    case WS_MESSAGE_PING:
    case WS_MESSAGE_UNKNOWN:
        break;
    }
    return true;
}

bool ws_protocol_is_offered(struct str list, struct str protocol)
{
    while (list.length) {
        size_t comma = str_find(list, STR(","), 0);
        size_t end = comma < list.length ? comma : list.length;

        if (str_equal(str_trim(str_slice(list, 0, end)), protocol)) {
            return true;
        }
        list = str_slice(list, end < list.length ? end + 1 : end, list.length);
    }
    return false;
}
