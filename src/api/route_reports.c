/*
 * Reports as they were stored. A report never changes, so its id and format are its ETag and a
 * browser may keep it for good; it is the user's, so nobody else may.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "api/api_state.h"
#include "api/route_recompute.h"

#define HEADERS_MAX     6u
#define ETAG_BYTES      (STORE_ID_BYTES_MAX + 16u)
#define FILE_NAME_BYTES (STORE_ID_BYTES_MAX + 64u)

enum report_format { FORMAT_JSON, FORMAT_MD, FORMAT_HTML, FORMAT_CSV, FORMAT_COUNT };

static const struct {
    const char *name;
    const char *content_type;
    bool is_download; /* a browser saves it under a name */
} formats[FORMAT_COUNT] = {
    [FORMAT_JSON] = {"json", "application/json", false},
    [FORMAT_MD] = {"md", "text/markdown; charset=utf-8", true},
    [FORMAT_HTML] = {"html", "text/html; charset=utf-8", false},
    [FORMAT_CSV] = {"csv", "text/csv; charset=utf-8", true},
};

static bool write_report(const struct store_report *row, void *arg)
{
    struct json_writer *w = (struct json_writer *)arg;

    json_begin_object(w);
    put_text(w, "id", row->id);
    put_text(w, "run_id", row->run_id);
    put_text(w, "thread_id", row->thread_id);
    put_text(w, "type", row->type);
    put_time(w, "created_at", row->created_us);
    json_key(w, "formats");
    json_begin_array(w);
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        json_put_text(w, formats[i].name);
    }
    json_end_array(w);
    json_end_object(w);
    return false;
}

static void get_report(const struct call *call)
{
    struct json_writer w = call_begin_json(call);
    int code = store_get_report(call->api->options.store, call->workspace, call->params[0],
                                write_report, &w);

    if (code) {
        call_reply_store_error(call, code, "report");
    } else {
        call_reply_json(call, 200);
    }
}

static bool ignore_report(const struct store_report *row, void *arg)
{
    (void)row;
    (void)arg;
    return false;
}

static struct http_header header_of(const char *name, const char *value)
{
    return (struct http_header){str_from(name), str_from(value)};
}

/* The id is [A-Za-z0-9_-]: it was found in the store, so it can stand in a header. */
static void reply_report(const struct call *call, enum report_format format)
{
    struct api *api = call->api;
    struct http_header headers[HEADERS_MAX];
    char etag[ETAG_BYTES];
    char disposition[FILE_NAME_BYTES];
    size_t count = 0;

    (void)snprintf(etag, sizeof(etag), "\"%.*s.%s\"", STR_ARGS(call->params[0]),
                   formats[format].name);
    (void)snprintf(disposition, sizeof(disposition), "attachment; filename=\"netra-%.*s.%s\"",
                   STR_ARGS(call->params[0]), formats[format].name);
    headers[count++] = header_of("ETag", etag);
    headers[count++] = header_of("Cache-Control", "private, max-age=31536000, immutable");
    if (formats[format].is_download) {
        headers[count++] = header_of("Content-Disposition", disposition);
    }
    if (format == FORMAT_HTML) {
        headers[count++] =
            header_of("Content-Security-Policy",
                      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                      "frame-ancestors 'self'");
    }
    struct http_reply reply = {.status = 304, .headers = headers, .header_count = count};
    if (!http_matches_etag(call->request, str_from(etag))) {
        reply.status = 200;
        reply.content_type = str_from(formats[format].content_type);
        reply.body = buf_str(&api->scratch);
    }
    reply_send(api, call->id, &reply);
}

static void get_body(const struct call *call, enum report_format format)
{
    struct api *api = call->api;
    int code =
        store_get_report(api->options.store, call->workspace, call->params[0], ignore_report, NULL);

    (void)call_begin_json(call);
    if (!code) {
        code = store_get_report_body(api->options.store, call->workspace, call->params[0],
                                     str_from(formats[format].name), &api->scratch);
    }
    if (code) {
        call_reply_store_error(call, code, "report");
    } else if (buf_status(&api->scratch)) {
        call_reply_json(call, 200); /* says what failed */
    } else {
        reply_report(call, format);
    }
}

static void get_json(const struct call *call)
{
    get_body(call, FORMAT_JSON);
}

static void get_md(const struct call *call)
{
    get_body(call, FORMAT_MD);
}

static void get_html(const struct call *call)
{
    get_body(call, FORMAT_HTML);
}

static void get_csv(const struct call *call)
{
    get_body(call, FORMAT_CSV);
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/reports/{id}",
     .scope = AUTH_SCOPE_READ,
     .handle = get_report,
     .summary = "What a report is and in which formats it can be had.",
     .reply = SCHEMA_REF("Report"),
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/reports/{id}.json",
     .scope = AUTH_SCOPE_READ,
     .handle = get_json,
     .summary = "A report with all its facts.",
     .reply = "{\"type\":\"object\"}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/reports/{id}.md",
     .scope = AUTH_SCOPE_READ,
     .handle = get_md,
     .summary = "A report as Markdown.",
     .reply = "{\"type\":\"string\"}",
     .reply_type = "text/markdown",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/reports/{id}.html",
     .scope = AUTH_SCOPE_READ,
     .handle = get_html,
     .summary = "A report as one self-contained page.",
     .reply = "{\"type\":\"string\"}",
     .reply_type = "text/html",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/reports/{id}.csv",
     .scope = AUTH_SCOPE_READ,
     .handle = get_csv,
     .summary = "The facts of a report as rows.",
     .reply = "{\"type\":\"string\"}",
     .reply_type = "text/csv",
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/reports/{id}/recompute",
     .scope = AUTH_SCOPE_RUN,
     .place = ROUTE_PLACE_COSTLY,
     .handle = route_recompute,
     .takes_json = true, /* {} is what many clients send when they have nothing to say */
     .summary = "Derives every fact of a report again from its records and compares.",
     .reply = SCHEMA_REF("Recomputation"),
     .reply_status = 200},
};

const struct route_table routes_reports = {"reports", routes, ARRAY_LENGTH(routes), ROUTE_BACKEND};
