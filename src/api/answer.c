/*
 * Answers that succeed. One scratch buf for all of them: the loop thread writes one at a time. What
 * is JSON here is somebody's data: nobody may keep it or guess its type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
#include "api/etag.h"
#include "api/idempotency.h"
#include "api/origin.h"
#include "base/check.h"
#include "base/civil_time.h"

#include <stdio.h>

/* Above it the scratch memory of a rare, large answer goes back. */
#define SCRATCH_KEPT_BYTES ((size_t)4 << 20)

static const struct http_header data_headers[] = {
    {{"Cache-Control", 13}, {"no-store", 8}},
};

struct json_writer reply_begin_json(struct api *api)
{
    if (api->scratch.capacity > SCRATCH_KEPT_BYTES) {
        buf_done(&api->scratch);
        buf_init(&api->scratch, ROUTE_REPLY_BYTES_MAX);
    }
    buf_clear(&api->scratch);
    return json_writer_on(&api->scratch);
}

/* The headers of a reply with those that every answer of its request has. */
struct stamped {
    struct http_header headers[HTTP_REPLY_HEADERS_MAX];
    char traceresponse[TRACE_PARENT_BYTES];
};

static struct http_reply stamp(const struct visit *visit, const struct http_reply *reply,
                               struct stamped *stamped)
{
    struct http_reply made = *reply;

    made.keeps_plain |= visit->exchange->has_secret;
    if (!visit->has_trace && !visit->origin) {
        return made;
    }
    size_t count = reply->header_count;

    check_cmp(count + 1 + ORIGIN_HEADERS_MAX, <=, HTTP_REPLY_HEADERS_MAX);
    for (size_t i = 0; i < count; i++) {
        stamped->headers[i] = reply->headers[i];
    }
    if (visit->has_trace) {
        trace_write_parent(&visit->trace, stamped->traceresponse);
        stamped->headers[count++] = (struct http_header){
            STR("traceresponse"), {stamped->traceresponse, TRACE_PARENT_BYTES - 1}};
    }
    if (visit->origin) {
        count +=
            origin_put_headers(str_from(visit->origin), visit->is_page, &stamped->headers[count]);
    }
    made.headers = stamped->headers;
    made.header_count = count;
    return made;
}

/* A client that is gone misses nothing. */
void reply_now(struct api *api, http_id id, const struct http_reply *reply)
{
    const struct visit *visit = visit_of(api, id);
    struct stamped stamped;

    if (visit) {
        struct http_reply made = stamp(visit, reply, &stamped);

        (void)http_reply(api->server, id, &made);
    } else {
        (void)http_reply(api->server, id, reply); /* there was no memory for a visit */
    }
}

void reply_send(struct api *api, http_id id, const struct http_reply *reply)
{
    if (!api->idempotents || !idempotency_take(api, id, reply)) {
        reply_now(api, id, reply);
    }
}

int reply_begin_stream(struct api *api, http_id id, const struct http_reply *reply)
{
    const struct visit *visit = visit_of(api, id);
    struct stamped stamped;

    if (!visit) {
        return ERR_NOT_FOUND;
    }
    struct http_reply made = stamp(visit, reply, &stamped);
    return http_stream_begin(api->server, id, &made);
}

void reply_body(struct api *api, http_id id, int status, const char *content_type, struct str body)
{
    reply_send(api, id,
               &(struct http_reply){.status = status,
                                    .content_type = str_from(content_type),
                                    .headers = data_headers,
                                    .header_count = ARRAY_LENGTH(data_headers),
                                    .body = body});
}

void reply_json(struct api *api, http_id id, int status)
{
    int code = buf_status(&api->scratch);

    if (code) {
        struct error error = {0};

        (void)error_set(&error, code, "the answer is too large: %s", error_code_text(code));
        problem_reply_error(api, id, &error);
        return;
    }
    reply_body(api, id, status, "application/json", buf_str(&api->scratch));
}

void reply_empty(struct api *api, http_id id)
{
    reply_send(api, id,
               &(struct http_reply){.status = 204,
                                    .headers = data_headers,
                                    .header_count = ARRAY_LENGTH(data_headers)});
}

struct json_writer call_begin_json(const struct call *call)
{
    return reply_begin_json(call->api);
}

/* What is looked at again and again has a tag, but for what changes with every look. */
static bool has_tag(const struct call *call, int status)
{
    return status == 200 && !call->route->is_quiet &&
           !visit_of(call->api, call->id)->exchange->has_secret &&
           (call->request->method == HTTP_GET || call->request->method == HTTP_HEAD);
}

/* An answer with a tag: whole, or 304 to who has it. */
static void reply_tagged(const struct call *call)
{
    struct str body = buf_str(&call->api->scratch);
    char etag[ETAG_TEXT_BYTES];

    etag_of(body, etag);
    const struct http_header headers[] = {
        {STR("ETag"), str_from(etag)},
        {STR("Cache-Control"),
         call->route->scope == ROUTE_PUBLIC ? STR("no-cache") : STR("private, no-cache")},
    };
    struct http_reply reply = {
        .status = 304, .headers = headers, .header_count = ARRAY_LENGTH(headers)};
    if (!http_matches_etag(call->request, reply.headers[0].value)) {
        reply.status = 200;
        reply.content_type = STR("application/json");
        reply.body = body;
    }
    reply_send(call->api, call->id, &reply);
}

void call_reply_json(const struct call *call, int status)
{
    if (has_tag(call, status) && buf_status(&call->api->scratch) == OK) {
        reply_tagged(call);
    } else {
        reply_json(call->api, call->id, status);
    }
}

void put_text(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, key);
    json_put_str(w, text);
}

void put_time(struct json_writer *w, const char *key, int64_t time_us)
{
    char text[CIVIL_STAMP_BYTES];

    civil_stamp(time_us, text);
    json_key(w, key);
    json_put_text(w, text);
}
