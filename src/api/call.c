/*
 * What handlers read of a request: its JSON body and its query.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "api/api_state.h"
#include "api/body.h"
#include "base/decimal.h"

#define PAGE_ROWS_DEFAULT 50u

/* "application/json", with or without parameters. */
static bool is_json_type(struct str content_type)
{
    size_t semicolon = str_find(content_type, STR(";"), 0);
    struct str type =
        str_slice(content_type, 0, semicolon == SIZE_MAX ? content_type.length : semicolon);

    return str_equal_ascii_case(str_trim(type), STR("application/json"));
}

bool call_json(const struct call *call, struct json_value *ret_root)
{
    struct str body = call->request->body;
    struct error error = {0};

    if (body.length == 0) {
        body = STR("{}");
    } else if (!is_json_type(http_header(call->request, "content-type"))) {
        problem_reply(call->api, call->id, PROBLEM_MEDIA_TYPE, NULL,
                      "the body must be application/json");
        return false;
    }
    switch (json_parse(call->api->parser, body, ret_root, &error)) {
    case OK:
        return true;
    case ERR_NO_MEMORY:
        problem_reply_error(call->api, call->id, &error);
        return false;
    default:
        problem_reply(call->api, call->id, PROBLEM_BAD_REQUEST, "", "the body is not JSON: %s",
                      error.message);
        return false;
    }
}

void call_refuse(const struct call *call, const struct body_fault *fault)
{
    if (fault->is_ours) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "%s", fault->detail);
        return;
    }
    problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, fault->pointer, "%s",
                  fault->detail);
}

bool call_query_u64(const struct call *call, const char *name, uint64_t max, uint64_t *ret)
{
    struct buf *text = &call->api->query;
    uint64_t number;

    buf_clear(text);
    if (!http_query(call->request, name, 0, text)) {
        return true;
    }
    if (buf_status(text) || decimal_parse_u64(buf_str(text), &number) || number > max) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "the query parameter %s must be a whole number from 0 to %" PRIu64, name,
                      max);
        return false;
    }
    *ret = number;
    return true;
}

bool call_page(const struct call *call, struct call_page *ret_page)
{
    struct buf *after = &call->api->query;
    uint64_t limit = PAGE_ROWS_DEFAULT;

    if (!call_query_u64(call, "limit", STORE_PAGE_MAX, &limit)) {
        return false;
    }
    if (limit == 0) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "the query parameter limit must be 1 to %u", STORE_PAGE_MAX);
        return false;
    }
    buf_clear(after);
    if (http_query(call->request, "after", 0, after) &&
        (buf_status(after) || !store_is_id(buf_str(after)))) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "the query parameter after must be an id");
        return false;
    }
    *ret_page = (struct call_page){.limit = (unsigned)limit, .after = buf_str(after)};
    return true;
}
