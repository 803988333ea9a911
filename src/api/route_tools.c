/*
 * The tool registry over HTTP. A call is computed on a worker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "api/api_state.h"
#include "api/tool_request.h"
#include "api/work.h"
#include "monitor/metrics.h"
#include "tool/tool.h"

#define TOOL_LABEL_BYTES_MAX 128

static void put_tool(struct json_writer *w, const struct tool *tool)
{
    json_begin_object(w);
    json_key(w, "name");
    json_put_text(w, tool->name);
    json_key(w, "description");
    json_put_text(w, tool->description);
    json_key(w, "schema");
    tool_write_schema(tool, w);
    json_key(w, "needs_records");
    json_put_bool(w, tool->needs_records);
    json_key(w, "has_effect");
    json_put_bool(w, tool->has_effect);
    json_end_object(w);
}

static void get_tools(const struct call *call)
{
    size_t count;
    const struct tool *const *tools = tool_registry(&count);
    struct json_writer w = call_begin_json(call);

    json_begin_object(&w);
    json_key(&w, "tools");
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        put_tool(&w, tools[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

/* NULL when it has been answered with 404. */
static const struct tool *tool_of(const struct call *call)
{
    const struct tool *tool = tool_find(call->params[0]);

    if (!tool) {
        problem_reply(call->api, call->id, PROBLEM_NOT_FOUND, NULL, "there is no tool %.*s",
                      STR_ARGS(call->params[0]));
    }
    return tool;
}

static void get_tool(const struct call *call)
{
    const struct tool *tool = tool_of(call);

    if (tool) {
        struct json_writer w = call_begin_json(call);

        put_tool(&w, tool);
        call_reply_json(call, 200);
    }
}

/* ---- calling ---- */

/* The arguments' places are below "/args" for the client; the tool does not know that. */
static int call_tool(struct work *work, const struct dataset *dataset, struct buf *out,
                     struct error *error)
{
    cleanup(report_free_pointer) struct report *body = NULL;
    struct tool_context context = {
        .dataset = dataset, .book = dataset ? dataset->book : work->api->book, .seed = 1};
    int code = tool_call(work->tool, &context, buf_str(&work->input), &body, error);

    if (!code) {
        report_render_result_json(body, work->tool->name, /* one_line */ true, out);
    } else if (code == ERR_INVALID && error->message[0] == '/') {
        (void)error_set(error, code, "/args%s", error->message);
    }
    return code;
}

static void count_call(struct work *work, int code)
{
    char label[TOOL_LABEL_BYTES_MAX];

    (void)snprintf(label, sizeof(label), "%s %s", work->tool->name, code ? "error" : "ok");
    metric_add(METRIC_TOOL_CALLS, metric_label(METRIC_TOOL_CALLS, str_from(label)), 1);
}

static void post_tool(const struct call *call)
{
    const struct tool *tool = tool_of(call);
    struct body_fault fault = {0};
    struct str dataset_id = {0};
    struct json_value root;

    if (!tool) {
        return;
    }
    if (tool->has_effect) {
        problem_forbid(call->api, call->id, "the command line",
                       "%s writes files: it is not offered over HTTP", tool->name);
        return;
    }
    if (!call_json(call, &root)) {
        return;
    }
    struct work *work = work_new(call, call_tool, TOOL_ARGS_BYTES_MAX);
    if (!work) {
        return;
    }
    work->tool = tool;
    work->done = count_call;
    if (!tool_request_read(root, &work->input, &dataset_id, &fault)) {
        work_free(work);
        call_refuse(call, &fault);
        return;
    }
    work_start(work, dataset_id);
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/tools",
     .scope = AUTH_SCOPE_READ,
     .handle = get_tools,
     .summary = "The analyses with the schemas of their arguments.",
     .reply = "{\"type\":\"object\",\"required\":[\"tools\"],\"properties\":{\"tools\":{\"type\":"
              "\"array\",\"items\":" SCHEMA_REF("Tool") "}}}",
     .reply_status = 200},
    {.method = HTTP_GET,
     .pattern = "/api/tools/{name}",
     .scope = AUTH_SCOPE_READ,
     .handle = get_tool,
     .summary = "One analysis.",
     .reply = SCHEMA_REF("Tool"),
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/tools/{name}",
     .scope = AUTH_SCOPE_RUN,
     .place = ROUTE_PLACE_COSTLY,
     .handle = post_tool,
     .takes_json = true,
     .summary = "Runs an analysis on a dataset.",
     .request = "{\"type\":\"object\",\"properties\":{\"dataset\":{\"type\":\"string\"},\"args\":{"
                "\"type\":\"object\"}}}",
     .reply =
         "{\"type\":\"object\",\"required\":[\"tool\",\"facts\"],\"properties\":{\"tool\":{"
         "\"type\":\"string\"},\"facts\":{\"type\":\"object\"},\"tables\":{\"type\":\"array\"},"
         "\"figures\":{\"type\":\"array\"},\"sections\":{\"type\":\"array\"}}}",
     .reply_status = 200},
};

const struct route_table routes_tools = {"tools", routes, ARRAY_LENGTH(routes), ROUTE_BACKEND};
