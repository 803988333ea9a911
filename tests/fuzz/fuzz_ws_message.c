/*
 * What a client says on /ws, and what it posts to /agui: any JSON is read or refused with a pointer
 * and a reason, and what is read keeps the promises that the runner relies on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdint.h>

#include "api/ws_message.h"
#include "ask/interpretation.h"
#include "base/check.h"
#include "store/store.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(struct str id)
{
    check(id.length == 0 || store_is_id(id));
}

static void check_request(const struct runner_request *request)
{
    check_id(request->run_id);
    check_id(request->thread_id);
    check_id(request->dataset_id);
    check(request->seed <= BODY_SEED_MAX);
    check(str_trim(request->prompt).length > 0);
    check(request->prompt.length <= ASK_PROMPT_BYTES_MAX);
    check(str_is_utf8(request->prompt));
}

static void check_fault(const struct body_fault *fault)
{
    check(fault->detail[0] != '\0');
    check(fault->pointer[0] == '\0' || fault->pointer[0] == '/');
}

static void read_ws(struct json_value root)
{
    struct body_fault fault = {0};
    struct ws_message message;

    if (!ws_message_read(root, &message, &fault)) {
        check_fault(&fault);
        return;
    }
    check(message.type != WS_MESSAGE_UNKNOWN && ws_message_type_name(message.type));
    if (message.type == WS_MESSAGE_RUN) {
        check_request(&message.run);
    } else if (message.type != WS_MESSAGE_PING) {
        check(store_is_id(message.run_id));
        check(message.last_seq <= BODY_SEED_MAX);
    }
}

static void read_agui(struct json_value root)
{
    cleanup(buf_done) struct buf joined;
    struct body_fault fault = {0};
    struct runner_request request;

    buf_init(&joined, TEXT_BYTES_MAX);
    if (run_request_read_agui(root, &joined, &request, &fault)) {
        check_request(&request);
    } else {
        check_fault(&fault);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct json_value root;

    (void)ws_protocol_is_offered(text, STR("ag-ui.v1+json"));
    if (size > TEXT_BYTES_MAX || json_parser_new(TEXT_BYTES_MAX, &parser) ||
        json_parse(parser, text, &root, NULL)) {
        return 0;
    }
    read_ws(root);
    read_agui(root);
    return 0;
}
