/*
 * The length of the prompt is checked here although the runner does it too: here it gets its JSON
 * pointer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/run_request.h"

#include <stdio.h>

#include "ask/interpretation.h"

static const struct body_text_rule prompt_rule = {.bytes_max = ASK_PROMPT_BYTES_MAX,
                                                  .is_required = true};

bool run_request_read(struct json_value root, enum run_dialect dialect,
                      struct runner_request *ret_request, struct body_fault *fault)
{
    bool is_ws = dialect == RUN_DIALECT_WS;
    struct runner_request request = {0};

    if (!body_is_object(root, fault) ||
        !body_text(root, "prompt", &prompt_rule, &request.prompt, fault) ||
        !body_id(root, is_ws ? "threadId" : "thread_id", &request.thread_id, fault) ||
        !body_id(root, is_ws ? "runId" : "run_id", &request.run_id, fault) ||
        !body_id(root, "dataset", &request.dataset_id, fault) ||
        !body_u64(root, "seed", BODY_SEED_MAX, &request.seed, fault)) {
        return false;
    }
    *ret_request = request;
    return true;
}

/* Text parts of a message's content, one per line; other parts (images, files) say nothing here. */
static bool join_parts(struct json_value parts, struct buf *joined, struct body_fault *fault)
{
    for (struct json_iterator it = json_iterate(parts); json_next(&it);) {
        struct str type;
        struct str text;

        if (!json_get_str(json_at(it.value, "type"), &type)) {
            return body_refuse(fault, "/messages", "a part of a message has no type");
        }
        if (!str_equal(type, STR("text"))) {
            continue;
        }
        if (!json_get_str(json_at(it.value, "text"), &text)) {
            return body_refuse(fault, "/messages", "a part of type text has no text");
        }
        if (joined->length) {
            buf_append_char(joined, '\n');
        }
        buf_append(joined, text);
    }
    if (buf_status(joined)) {
        return body_refuse(fault, "/messages", "the parts of the message are too long");
    }
    return true;
}

/* *ret_message is JSON_MISSING when no message is the user's. */
static bool find_last_user_message(struct json_value messages, struct json_value *ret_message,
                                   struct body_fault *fault)
{
    if (!json_is(messages, JSON_ARRAY)) {
        return body_refuse(fault, "/messages", "messages must be a list");
    }
    *ret_message = (struct json_value){0};
    for (struct json_iterator it = json_iterate(messages); json_next(&it);) {
        struct str role;

        if (!json_get_str(json_at(it.value, "role"), &role)) {
            return body_refuse(fault, "/messages", "a message has no role");
        }
        if (str_equal(role, STR("user"))) {
            *ret_message = it.value;
        }
    }
    return true;
}

static bool read_prompt(struct json_value root, struct buf *joined, struct str *ret_prompt,
                        struct body_fault *fault)
{
    struct json_value message = {0};
    struct str prompt;

    if (!find_last_user_message(json_at(root, "messages"), &message, fault)) {
        return false;
    }
    struct json_value content = json_at(message, "content");
    if (json_is(content, JSON_ARRAY)) {
        buf_clear(joined);
        if (!join_parts(content, joined, fault)) {
            return false;
        }
        prompt = buf_str(joined);
    } else if (!json_get_str(content, &prompt)) {
        return body_refuse(fault, "/messages", "no message of role user with a text");
    }
    if (str_trim(prompt).length == 0) {
        return body_refuse(fault, "/messages", "the last message of the user is empty");
    }
    if (prompt.length > ASK_PROMPT_BYTES_MAX) {
        return body_refuse(fault, "/messages",
                           "the last message of the user is longer than %u bytes",
                           ASK_PROMPT_BYTES_MAX);
    }
    *ret_prompt = prompt;
    return true;
}

static bool read_forwarded(struct json_value props, struct runner_request *request,
                           struct body_fault *fault)
{
    if (json_is(props, JSON_MISSING) || json_is(props, JSON_NULL)) {
        return true;
    }
    if (!json_is(props, JSON_OBJECT)) {
        return body_refuse(fault, "/forwardedProps", "forwardedProps must be an object");
    }
    struct body_fault inner = {0};
    if (!body_id(props, "dataset", &request->dataset_id, &inner) ||
        !body_u64(props, "seed", BODY_SEED_MAX, &request->seed, &inner)) {
        char pointer[BODY_POINTER_BYTES_MAX + 16];

        (void)snprintf(pointer, sizeof(pointer), "/forwardedProps%s", inner.pointer);
        return body_refuse(fault, pointer, "%s", inner.detail);
    }
    return true;
}

bool run_request_read_agui(struct json_value root, struct buf *joined,
                           struct runner_request *ret_request, struct body_fault *fault)
{
    struct runner_request request = {0};

    if (!body_is_object(root, fault) || !body_id(root, "threadId", &request.thread_id, fault) ||
        !body_id(root, "runId", &request.run_id, fault) ||
        !read_prompt(root, joined, &request.prompt, fault) ||
        !read_forwarded(json_at(root, "forwardedProps"), &request, fault)) {
        return false;
    }
    *ret_request = request;
    return true;
}
