/* SPDX-License-Identifier: Apache-2.0 */
#include "http/packing.h"

#include "base/alloc.h"
#include "http/negotiate.h"

struct job {
    struct loop_job job;
    struct http_server *server;
    http_id id;
    struct http_reply reply; /* of what lies in text */
    struct http_header headers[HTTP_REPLY_HEADERS_MAX];
    struct buf text;
    struct buf gzip;
};

static bool has_header(const struct http_reply *reply, struct str name)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        if (str_equal_ascii_case(reply->headers[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Whether it depends on the client which form it gets. */
static bool has_two_forms(const struct conn *conn, const struct http_reply *reply)
{
    if (!conn->server->compresses || reply->keeps_plain) {
        return false;
    }
    if (reply->status == 304) {
        return true; /* of what it stands for we do not know better */
    }
    return reply->status >= 200 && reply->status != 204 && reply->status != 206 &&
           reply->body.length >= HTTP_COMPRESS_LEAST &&
           negotiate_is_compressible(reply->content_type) &&
           !has_header(reply, STR("Content-Encoding"));
}

enum packing packing_choose(const struct conn *conn, const struct http_reply *reply)
{
    if (!has_two_forms(conn, reply)) {
        return PACKING_NONE;
    }
    if (!conn->takes_gzip || reply->status == 304) {
        return PACKING_PLAIN;
    }
    if (reply->body.length <= HTTP_COMPRESS_INLINE) {
        return PACKING_INLINE;
    }
    /* Before the request is whole its body goes on coming in: nothing may wait then. */
    bool may_wait = conn->state == CONN_ANSWER && conn->server->compressing < PACKING_JOBS_MAX;
    return may_wait ? PACKING_WORKER : PACKING_PLAIN;
}

struct str packing_now(struct http_server *server, struct str body)
{
    int code = compress_gzip(&server->compressor, body, &server->packed);

    return code ? (struct str){"", 0} : buf_str(&server->packed);
}

/* ---- on a worker ---- */

static void free_job(struct job *job)
{
    buf_done(&job->text);
    buf_done(&job->gzip);
    alloc_free(job);
}

static void work(void *arg)
{
    struct job *job = arg;
    struct compressor compressor = {NULL};

    if (compress_gzip(&compressor, job->reply.body, &job->gzip)) {
        buf_done(&job->gzip);
    }
    compressor_done(&compressor);
}

static void done(void *arg)
{
    struct job *job = arg;
    struct http_server *server = job->server;
    struct conn *conn = server->is_freed ? NULL : conn_find(server, job->id);

    server->compressing--;
    if (conn && conn->is_deferred) {
        conn->is_deferred = false;
        if (reply_whole(conn, &job->reply, buf_str(&job->gzip), /* varies */ true) == OK) {
            conn_exchange_done(conn);
        }
    }
    free_job(job);
    server_look_whether_empty(server);
}

static struct str copy(struct buf *text, struct str from)
{
    size_t at = text->length;

    buf_append(text, from);
    return buf_status(text) ? (struct str){"", 0} : str_slice(buf_str(text), at, text->length);
}

/* All texts of the reply, in one piece of memory. False: no memory. */
static bool copy_reply(struct job *job, const struct http_reply *reply)
{
    size_t length = reply->content_type.length + reply->body.length;

    for (size_t i = 0; i < reply->header_count; i++) {
        length += reply->headers[i].name.length + reply->headers[i].value.length;
    }
    buf_init(&job->text, length + 1);
    buf_init(&job->gzip, reply->body.length + 1);
    if (buf_reserve(&job->text, length)) {
        return false; /* from here on nothing moves */
    }
    job->reply = *reply;
    job->reply.content_type = copy(&job->text, reply->content_type);
    job->reply.body = copy(&job->text, reply->body);
    for (size_t i = 0; i < reply->header_count; i++) {
        job->headers[i].name = copy(&job->text, reply->headers[i].name);
        job->headers[i].value = copy(&job->text, reply->headers[i].value);
    }
    job->reply.headers = job->headers;
    return buf_status(&job->text) == OK;
}

bool packing_defer(struct conn *conn, const struct http_reply *reply)
{
    struct http_server *server = conn->server;
    struct job *job = alloc_zeroed(1, sizeof(*job));

    if (!job) {
        return false;
    }
    if (!copy_reply(job, reply)) {
        free_job(job);
        return false;
    }
    job->job = (struct loop_job){.work = work, .done = done, .arg = job};
    job->server = server;
    job->id = conn->id;
    conn->is_deferred = true;
    conn->handler_knows = false;
    conn->status = reply->status;
    conn->answer_bytes = conn->method == HTTP_HEAD ? 0 : reply->body.length;
    reply_note(conn, conn->plan.context);
    conn->plan.context = NULL; /* the handler may have freed it */
    server->compressing++;
    loop_work(server->loop, &job->job);
    return true;
}
