/*
 * Answers that succeed. One scratch buf for all of them: the loop thread writes one at a time. What
 * is JSON here is somebody's data: nobody may keep it or guess its type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
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

void reply_send(struct api *api, http_id id, const struct http_reply *reply)
{
    (void)http_reply(api->server, id, reply);
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

void call_reply_json(const struct call *call, int status)
{
    reply_json(call->api, call->id, status);
}

void put_text(struct json_writer *w, const char *key, struct str text)
{
    json_key(w, key);
    json_put_str(w, text);
}

void put_time(struct json_writer *w, const char *key, int64_t time_us)
{
    char text[64];
    struct civil_time t = civil_from_us(time_us);

    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", t.year, t.month,
                   t.day, t.hour, t.minute, t.second, t.microsecond);
    json_key(w, key);
    json_put_text(w, text);
}
