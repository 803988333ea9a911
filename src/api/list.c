/*
 * Pages of lists: {"items":[…],"next":ID|null}. One row more than the page is never asked for: a
 * full page names its last row as the place to go on, even when nothing follows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
#include "api/routes.h"

void list_begin(struct list *list, const struct call *call, const struct call_page *page)
{
    *list = (struct list){.call = call, .api = call->api, .limit = page->limit};
    list->w = call_begin_json(call);
    json_begin_object(&list->w);
    json_key(&list->w, "items");
    json_begin_array(&list->w);
}

void list_row(struct list *list, struct str id)
{
    list->count++;
    if (id.length <= sizeof(list->last)) {
        memcpy(list->last, id.data, id.length);
        list->last_length = id.length;
    }
}

void list_reply(struct list *list, int code)
{
    if (code == ERR_NOT_FOUND) {
        problem_reply(list->api, list->call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "the query parameter after names no row of this list");
        return;
    }
    if (code) {
        call_reply_store_error(list->call, code, "list");
        return;
    }
    json_end_array(&list->w);
    json_key(&list->w, "next");
    if (list->count == list->limit) {
        json_put_str(&list->w, (struct str){list->last, list->last_length});
    } else {
        json_put_null(&list->w);
    }
    json_end_object(&list->w);
    call_reply_json(list->call, 200);
}

void call_reply_store_error(const struct call *call, int code, const char *what)
{
    struct error error = {0};

    (void)error_set(&error, code,
                    code == ERR_NOT_FOUND ? "there is no such %s" : "cannot read the %s", what);
    problem_reply_error(call->api, call->id, &error);
}
