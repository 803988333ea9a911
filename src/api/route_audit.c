/*
 * The audit log: a page of it for admins, and the chain of its hashes computed anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "api/account_answer.h"
#include "api/api_state.h"
#include "api/walk.h"

#define LINES_DEFAULT     50u
#define CHECK_LINES_PAGE  500u /* of one turn of the loop */
#define HASH_TEXT_BYTES   (2 * STORE_HASH_BYTES)
#define AUDIT_BEFORE_MOST ((uint64_t)INT64_MAX)

static void put_hash(struct json_writer *w, const char *key,
                     const unsigned char hash[STORE_HASH_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char text[HASH_TEXT_BYTES];

    for (size_t i = 0; i < STORE_HASH_BYTES; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    put_text(w, key, (struct str){text, sizeof(text)});
}

static void put_filled(struct json_writer *w, const char *key, struct str text)
{
    if (text.length) {
        put_text(w, key, text);
    }
}

static void put_line(struct json_writer *w, const struct store_audit *row)
{
    json_begin_object(w);
    json_key(w, "n");
    json_put_i64(w, (int64_t)row->n);
    put_time(w, "time", row->time_us);
    put_filled(w, "actor", row->actor_id);
    put_filled(w, "credential", row->credential_id);
    put_text(w, "action", row->action);
    put_filled(w, "target", row->target);
    put_text(w, "address", row->address);
    json_key(w, "detail");
    json_put_raw(w, row->detail.length ? row->detail : STR("{}"));
    put_hash(w, "hash", row->hash);
    json_end_object(w);
}

struct page {
    struct json_writer w;
    unsigned count;
    uint64_t last;
};

static bool list_line(const struct store_audit *row, void *arg)
{
    struct page *page = (struct page *)arg;

    page->count++;
    page->last = row->n;
    put_line(&page->w, row);
    return true;
}

static void get_audit(const struct call *call)
{
    uint64_t before = 0;
    uint64_t limit = LINES_DEFAULT;

    if (!call_query_u64(call, "before", AUDIT_BEFORE_MOST, &before) ||
        !call_query_u64(call, "limit", STORE_PAGE_MAX, &limit)) {
        return;
    }
    if (limit == 0) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, NULL,
                      "the query parameter limit must be 1 to %u", STORE_PAGE_MAX);
        return;
    }
    struct page page = {.w = call_begin_json(call)};
    json_begin_object(&page.w);
    json_key(&page.w, "items");
    json_begin_array(&page.w);
    int code = store_list_audit(call->api->options.store, call->workspace,
                                /* with_deployment */ call->who->is_operator, before,
                                (unsigned)limit, list_line, &page);
    if (code && code != ERR_NOT_FOUND) {
        call_reply_store_error(call, code, "audit log");
        return;
    }
    json_end_array(&page.w);
    json_key(&page.w, "next");
    if (page.count == limit) {
        json_put_i64(&page.w, (int64_t)page.last);
    } else {
        json_put_null(&page.w);
    }
    json_end_object(&page.w);
    call_reply_json(call, 200);
}

/* ---- the chain ---- */

struct check_walk {
    struct walk walk; /* first: freed as one */
    uint64_t last;
    unsigned char hash[STORE_HASH_BYTES];
};

static void reply_check(struct check_walk *check, bool is_intact)
{
    struct api *api = check->walk.late.api;
    struct json_writer w = reply_begin_json(api);

    json_begin_object(&w);
    json_key(&w, "lines");
    json_put_i64(&w, (int64_t)check->last);
    put_hash(&w, "last_hash", check->hash);
    json_key(&w, "is_intact");
    json_put_bool(&w, is_intact);
    if (!is_intact) {
        json_key(&w, "first_broken");
        json_put_i64(&w, (int64_t)check->last);
    }
    json_end_object(&w);
    reply_json(api, check->walk.late.id, 200);
}

static bool check_page(struct walk *walk)
{
    struct check_walk *check = (struct check_walk *)walk;
    uint64_t before = check->last;
    int code = store_check_audit(walk->late.api->options.store, before, CHECK_LINES_PAGE,
                                 &check->last, check->hash);

    if (code == OK && check->last - before == CHECK_LINES_PAGE) {
        return true;
    }
    if (code == OK || code == ERR_INVALID) {
        reply_check(check, code == OK);
    } else {
        struct error error = {0};

        (void)error_set(&error, code, "cannot read the audit log");
        problem_reply_error(walk->late.api, walk->late.id, &error);
    }
    return false;
}

static void get_check(const struct call *call)
{
    struct walk *walk = walk_new(call, sizeof(struct check_walk), check_page, /* done */ NULL);

    if (walk) {
        walk_start(walk);
    }
}

static const struct route_query audit_queries[] = {
    {"before", "{\"type\":\"integer\",\"minimum\":0}", "n of the last line of the page before"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200,\"default\":50}",
     "lines of a page"},
    {NULL, NULL, NULL},
};

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/audit",
     .handle = get_audit,
     .scope = AUTH_SCOPE_ADMIN,
     .is_accounts = true,
     .summary = "Who did what in this workspace, newest first; operators see the deployment's "
                "lines, too.",
     .queries = audit_queries,
     .reply = "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{\"items\":{"
              "\"type\":\"array\",\"items\":" SCHEMA_REF("AuditLine") "},\"next\":{\"type\":["
                                                                      "\"integer\",\"null\"]}}}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/audit/check",
     .handle = get_check,
     .scope = AUTH_SCOPE_ADMIN,
     .place = ROUTE_PLACE_COSTLY,
     .is_accounts = true,
     .summary = "The chain of the log's hashes computed anew.",
     .reply = "{\"type\":\"object\",\"required\":[\"lines\",\"last_hash\",\"is_intact\"],"
              "\"properties\":{\"lines\":{\"type\":\"integer\"},\"last_hash\":{\"type\":\"string\","
              "\"pattern\":\"^[0-9a-f]{64}$\"},\"is_intact\":{\"type\":\"boolean\"},"
              "\"first_broken\":{\"type\":\"integer\"}}}",
     .reply_status = 200},
};

const struct route_table routes_audit = {"audit", routes, ARRAY_LENGTH(routes),
                                         ROUTE_BACKEND | ROUTE_AUTH};
