/*
 * What the server says about itself. GET /api/health is asked all the time, by the page and by load
 * balancers: it allocates nothing and touches no disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
#include "api/routes.h"
#include "base/civil_time.h"
#include "monitor/fault.h"
#include "monitor/metrics.h"

#define STATUS_SCHEMA                                                                              \
    "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{\"status\":{\"type\":"         \
    "\"string\"}}}"

static const char *status_name(enum health_state state)
{
    static const char *const names[] = {
        [HEALTH_UP] = "healthy", [HEALTH_DEGRADED] = "degraded", [HEALTH_DOWN] = "unhealthy"};

    return names[state];
}

static int http_status(enum health_state state)
{
    return state == HEALTH_DOWN ? 503 : 200;
}

static void put_version(struct json_writer *w, const struct call *call)
{
    json_key(w, "version");
    json_put_text(w, NETRA_VERSION);
    json_key(w, "uptime_s");
    json_put_i64(w, (call->request->received_us - call->api->options.started_us) / SECOND_US);
}

static void get_health(const struct call *call)
{
    const struct health *health = call->api->options.health;
    int64_t now_us = call->request->received_us;
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    health_write(health, now_us, &w);
    put_version(&w, call);
    if (call->api->options.deployment && call->api->options.deployment[0]) {
        put_text(&w, "deployment", str_from(call->api->options.deployment));
    }
    json_key(&w, "faults_allowed");
    json_put_bool(&w, fault_is_allowed());
    json_end_object(&w);
    call_reply_json(call, http_status(health_state(health, now_us)));
}

/* The checks behind it run every few seconds: what they say is asked a few times a second, however
 * often somebody wants to know. */
#define SHORT_HEALTH_US (100 * INT64_C(1000))

static void get_short_health(const struct call *call)
{
    struct api *api = call->api;
    struct short_health *kept = &api->short_health;
    int64_t now_us = call->request->received_us;

    if (kept->text.length == 0 || now_us < kept->made_us ||
        now_us - kept->made_us >= SHORT_HEALTH_US) {
        enum health_state state = health_state(api->options.health, now_us);

        buf_clear(&kept->text);
        struct json_writer w = json_writer_on(&kept->text);

        json_begin_object(&w);
        json_key(&w, "status");
        json_put_text(&w, status_name(state));
        put_version(&w, call);
        json_end_object(&w);
        kept->made_us = now_us;
        kept->state = state;
    }
    if (buf_status(&kept->text)) {
        buf_clear(&kept->text); /* out of memory: a 200 without a body would be a lie */
        problem_reply(api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return;
    }
    reply_body(api, call->id, http_status(kept->state), "application/json", buf_str(&kept->text));
}

static void reply_status(const struct call *call, int status, const char *text)
{
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    json_key(&w, "status");
    json_put_text(&w, text);
    json_end_object(&w);
    call_reply_json(call, status);
}

static void get_live(const struct call *call)
{
    reply_status(call, 200, "live");
}

static void get_ready(const struct call *call)
{
    bool is_down =
        health_state(call->api->options.health, call->request->received_us) == HEALTH_DOWN;

    reply_status(call, is_down ? 503 : 200, is_down ? "not_ready" : "ready");
}

static void put_service(struct json_writer *w, const struct api_service *service)
{
    json_begin_object(w);
    put_text(w, "name", str_from(service->name));
    put_text(w, "url", str_from(service->url));
    put_text(w, "status", str_from(status_name(service->state)));
    put_time(w, "checked_at", service->checked_us);
    put_text(w, "how", str_from(service->how));
    json_end_object(w);
}

/* One process that is all three. */
static void put_own_services(struct json_writer *w, const struct call *call)
{
    const struct api_options *options = &call->api->options;
    int64_t now_us = call->request->received_us;
    bool has_page = options->page && http_file_find(options->page, STR("/"));
    bool has_accounts = auth_mode(options->auth) == AUTH_MODE_ACCOUNTS;
    const struct api_service services[API_SERVICES] = {
        {.name = "backend",
         .state = health_state(options->health, now_us),
         .how = "this process answers; /health has each check"},
        {.name = "auth",
         .state = HEALTH_UP,
         .how = has_accounts ? "accounts, sessions and keys are checked in this process"
                             : "local mode: tokens and sessions are checked in this process"},
        {.name = "frontend",
         .state = has_page ? HEALTH_UP : HEALTH_DOWN,
         .how = has_page ? "the page is built into this program and served at /"
                         : "this program was built without the page"},
    };

    for (size_t i = 0; i < API_SERVICES; i++) {
        struct api_service service = services[i];

        service.url = options->public_url;
        service.checked_us = now_us;
        put_service(w, &service);
    }
}

/* One of three processes: the other two as they were found last, where their address is known. */
static void put_services(struct json_writer *w, const struct call *call)
{
    const struct api_options *options = &call->api->options;
    int64_t now_us = call->request->received_us;

    for (size_t i = 0; i < API_SERVICES; i++) {
        struct api_service service = options->services[i];

        if (service.is_self) {
            service.state = health_state(options->health, now_us);
            service.checked_us = now_us;
        }
        if (service.url) {
            put_service(w, &service);
        }
    }
}

static void get_services(const struct call *call)
{
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    json_key(&w, "services");
    json_begin_array(&w);
    if (call->api->options.services) {
        put_services(&w, call);
    } else {
        put_own_services(&w, call);
    }
    json_end_array(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

static void get_mcp_config(const struct call *call)
{
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    json_key(&w, "enabled");
    json_put_bool(&w, false);
    json_key(&w, "reason");
    json_put_text(&w, "this version has no MCP server; tools are at /api/tools");
    json_end_object(&w);
    call_reply_json(call, 200);
}

static void get_mcp_servers(const struct call *call)
{
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    json_key(&w, "servers");
    json_begin_array(&w);
    json_end_array(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

/* Something that a writer of this room or of monitor/ puts into the scratch buf. */
static void reply_written(const struct call *call, const char *content_type,
                          void (*write)(struct buf *out))
{
    struct api *api = call->api;

    (void)call_begin_json(call);
    write(&api->scratch);
    if (buf_status(&api->scratch)) {
        call_reply_json(call, 200); /* says what failed */
        return;
    }
    reply_body(api, call->id, 200, content_type, buf_str(&api->scratch));
}

static void get_metrics(const struct call *call)
{
    reply_written(call, metrics_content_type, metrics_write);
}

/* The rows that there are in this mode. */
static void get_openapi(const struct call *call)
{
    (void)call_begin_json(call);
    api_write_openapi(&call->api->scratch, auth_mode(call->api->options.auth) != AUTH_MODE_LOCAL,
                      call->api->options.role);
    call_reply_json(call, 200);
}

static void get_docs(const struct call *call)
{
    static const struct http_header headers[] = {
        {STR("Content-Security-Policy"),
         STR("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")},
    };
    struct api *api = call->api;

    (void)call_begin_json(call);
    api_write_docs_page(&api->scratch);
    if (buf_status(&api->scratch)) {
        call_reply_json(call, 200);
        return;
    }
    reply_send(api, call->id,
               &(struct http_reply){.status = 200,
                                    .content_type = STR("text/html; charset=utf-8"),
                                    .headers = headers,
                                    .header_count = ARRAY_LENGTH(headers),
                                    .body = buf_str(&api->scratch)});
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/health",
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_FREE,
     .handle = get_health,
     .is_quiet = true,
     .summary = "What is up, how that was checked and when; 503 when it cannot answer questions.",
     .reply = SCHEMA_REF("Health"),
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/health/live",
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_FREE,
     .handle = get_live,
     .is_quiet = true,
     .summary = "The process turns.",
     .reply = STATUS_SCHEMA,
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/health/ready",
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_FREE,
     .handle = get_ready,
     .is_quiet = true,
     .summary = "Questions can be answered; else 503.",
     .reply = STATUS_SCHEMA,
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/health",
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_FREE,
     .handle = get_short_health,
     .is_quiet = true,
     .summary = "The same in short.",
     .reply = SCHEMA_REF("ShortHealth"),
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/discovery/services",
     .scope = ROUTE_PUBLIC,
     .handle = get_services,
     .is_quiet = true,
     .summary = "The services of this deployment and how each was checked.",
     .reply = SCHEMA_REF("Services"),
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/mcp/config",
     .services = ROUTE_BACKEND,
     .scope = ROUTE_PUBLIC,
     .handle = get_mcp_config,
     .summary = "Whether the tools are offered over MCP.",
     .reply = "{\"type\":\"object\",\"required\":[\"enabled\"],\"properties\":{\"enabled\":{"
              "\"type\":\"boolean\"},\"reason\":{\"type\":\"string\"}}}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/mcp/servers",
     .services = ROUTE_BACKEND,
     .scope = ROUTE_PUBLIC,
     .handle = get_mcp_servers,
     .summary = "MCP servers that this one uses.",
     .reply = "{\"type\":\"object\",\"required\":[\"servers\"],\"properties\":{\"servers\":{"
              "\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/metrics",
     .scope = ROUTE_PUBLIC,
     .place = ROUTE_PLACE_FREE,
     .handle = get_metrics,
     .is_quiet = true,
     .summary = "Counts about this process.",
     .reply = "{\"type\":\"string\"}",
     .reply_type = "application/openmetrics-text",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/openapi.json",
     .services = ROUTE_BACKEND | ROUTE_AUTH,
     .scope = ROUTE_PUBLIC,
     .handle = get_openapi,
     .summary = "This list as an OpenAPI 3.1 document.",
     .reply = "{\"type\":\"object\"}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/docs",
     .services = ROUTE_BACKEND | ROUTE_AUTH,
     .scope = ROUTE_PUBLIC,
     .handle = get_docs,
     .summary = "This list as a page.",
     .reply = "{\"type\":\"string\"}",
     .reply_type = "text/html",
     .reply_status = 200},
};

const struct route_table routes_system = {"system", routes, ARRAY_LENGTH(routes), ROUTE_EVERY};
