/*
 * Faults that operators put into the running server (monitor/fault.h), where the configuration
 * allows it. Each change is a line of the audit log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/api_state.h"
#include "api/body.h"
#include "auth/accounts.h"
#include "monitor/fault.h"

#define SECONDS_DEFAULT  60u
#define NAME_BYTES_MAX   64u
#define DETAIL_BYTES_MAX 160

/* False when it has been answered. */
static bool is_allowed(const struct call *call)
{
    if (fault_is_allowed()) {
        return true;
    }
    problem_forbid(call->api, call->id, "faults.allowed",
                   "this server takes no faults: the key faults.allowed of its configuration is "
                   "off");
    return false;
}

static bool find(struct str name, enum fault *ret_fault)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (str_equal(str_from(fault_descriptions[i].name), name)) {
            *ret_fault = (enum fault)i;
            return true;
        }
    }
    return false;
}

static void put_integer(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_put_i64(w, value);
}

static void put_armed(struct json_writer *w, const struct fault_description *description,
                      const struct fault_state *state)
{
    json_key(w, "armed");
    json_begin_object(w);
    if (state->times_left) {
        put_integer(w, "times_left", (int64_t)state->times_left);
    } else {
        json_key(w, "times_left");
        json_put_null(w);
    }
    if (description->argument[0]) {
        put_integer(w, "argument", state->argument);
    }
    put_time(w, "ends_at", state->ends_us);
    json_end_object(w);
}

static void put_fault(struct json_writer *w, enum fault fault)
{
    const struct fault_description *description = &fault_descriptions[fault];
    struct fault_state state = fault_state(fault);

    json_begin_object(w);
    put_text(w, "name", str_from(description->name));
    put_text(w, "what", str_from(description->text));
    if (description->argument[0]) {
        put_text(w, "argument", str_from(description->argument));
        put_integer(w, "least", description->least);
        put_integer(w, "most", description->most);
    }
    if (state.is_armed) {
        put_armed(w, description, &state);
    }
    put_integer(w, "hits", (int64_t)state.hits);
    json_end_object(w);
}

static void get_faults(const struct call *call)
{
    if (!is_allowed(call)) {
        return;
    }
    struct json_writer w = call_begin_json(call);
    json_begin_object(&w);
    json_key(&w, "allowed");
    json_put_bool(&w, true);
    json_key(&w, "faults");
    json_begin_array(&w);
    for (int i = 0; i < FAULT_COUNT; i++) {
        put_fault(&w, (enum fault)i);
    }
    json_end_array(&w);
    json_end_object(&w);
    call_reply_json(call, 200);
}

struct request {
    enum fault fault;
    uint64_t times;
    uint64_t seconds;
    int64_t argument;
};

static bool read_argument(struct json_value root, struct request *request, struct body_fault *fault)
{
    const struct fault_description *description = &fault_descriptions[request->fault];
    struct json_value value = json_at(root, "argument");
    bool is_absent = json_is(value, JSON_MISSING) || json_is(value, JSON_NULL);

    if (description->argument[0] == '\0') {
        return is_absent ||
               body_refuse(fault, "/argument", "%s takes no argument", description->name);
    }
    if (!json_get_i64(value, &request->argument) || request->argument < description->least ||
        request->argument > description->most) {
        return body_refuse(
            fault, "/argument", "%s of %s must be a whole number from %" PRId64 " to %" PRId64,
            description->argument, description->name, description->least, description->most);
    }
    return true;
}

static bool read_request(struct json_value root, struct request *request, struct body_fault *fault)
{
    static const struct body_text_rule rule = {.bytes_max = NAME_BYTES_MAX, .is_required = true};
    struct str name = {0};

    if (!body_is_object(root, fault) || !body_text(root, "name", &rule, &name, fault) ||
        !body_u64(root, "times", FAULT_TIMES_MAX, &request->times, fault) ||
        !body_u64(root, "seconds", FAULT_SECONDS_MAX, &request->seconds, fault)) {
        return false;
    }
    if (request->seconds == 0) {
        return body_refuse(fault, "/seconds", "seconds must be 1 to %u", FAULT_SECONDS_MAX);
    }
    if (!find(name, &request->fault)) {
        return body_refuse(fault, "/name", "there is no such fault: GET /api/faults lists them");
    }
    return read_argument(root, request, fault);
}

static void audit(const struct call *call, const char *action, const char *name, const char *detail)
{
    accounts_audit(call->api->options.auth, call->who, action, str_from(name),
                   call->request->peer_address, detail);
}

static void post_fault(const struct call *call)
{
    struct request request = {.seconds = SECONDS_DEFAULT};
    struct body_fault fault = {0};
    struct json_value root;
    char detail[DETAIL_BYTES_MAX];

    if (!is_allowed(call) || !call_json(call, &root)) {
        return;
    }
    if (!read_request(root, &request, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    (void)snprintf(detail, sizeof(detail),
                   "{\"times\":%" PRIu64 ",\"seconds\":%" PRIu64 ",\"argument\":%" PRId64 "}",
                   request.times, request.seconds, request.argument);
    audit(call, "fault.armed", fault_descriptions[request.fault].name, detail);
    int code = fault_arm(request.fault, request.times, request.argument, (unsigned)request.seconds,
                         call->request->received_us);
    if (code) {
        struct error error = {0};

        (void)error_set(&error, code, "the fault was not armed: %s", error_code_text(code));
        problem_reply_error(call->api, call->id, &error);
        return;
    }
    struct json_writer w = call_begin_json(call);
    put_fault(&w, request.fault);
    call_reply_json(call, 201);
}

static void delete_fault(const struct call *call)
{
    enum fault fault;

    if (!is_allowed(call)) {
        return;
    }
    if (!find(call->params[0], &fault)) {
        problem_reply(call->api, call->id, PROBLEM_NOT_FOUND, NULL, "there is no such fault");
        return;
    }
    fault_disarm(fault);
    audit(call, "fault.disarmed", fault_descriptions[fault].name, NULL);
    reply_empty(call->api, call->id);
}

static void delete_faults(const struct call *call)
{
    if (is_allowed(call)) {
        fault_disarm_all();
        audit(call, "fault.disarmed", "all", NULL);
        reply_empty(call->api, call->id);
    }
}

static const struct route routes[] = {
    {.method = HTTP_GET,
     .pattern = "/api/faults",
     .scope = ROUTE_OPERATOR,
     .handle = get_faults,
     .summary = "Faults that can be put into this server, and those that are; 403 where "
                "faults.allowed is off.",
     .reply =
         "{\"type\":\"object\",\"required\":[\"allowed\",\"faults\"],\"properties\":{"
         "\"allowed\":{\"type\":\"boolean\"},\"faults\":{\"type\":\"array\",\"items\":" SCHEMA_REF(
             "Fault") "}}}",
     .reply_status = 200},
    {.method = HTTP_POST,
     .pattern = "/api/faults",
     .scope = ROUTE_OPERATOR,
     .handle = post_fault,
     .takes_json = true,
     .summary = "Puts a fault in, for a number of times or a while.",
     .request = "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{"
                "\"type\":\"string\"},\"times\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":"
                "1000000},\"argument\":{\"type\":\"integer\"},\"seconds\":{\"type\":\"integer\","
                "\"minimum\":1,\"maximum\":600,\"default\":60}}}",
     .reply = SCHEMA_REF("Fault"),
     .reply_status = 201},
    {.method = HTTP_DELETE,
     .pattern = "/api/faults",
     .scope = ROUTE_OPERATOR,
     .handle = delete_faults,
     .summary = "Takes all faults out.",
     .reply_status = 204},
    {.method = HTTP_DELETE,
     .pattern = "/api/faults/{name}",
     .scope = ROUTE_OPERATOR,
     .handle = delete_fault,
     .summary = "Takes one fault out.",
     .reply_status = 204},
};

const struct route_table routes_faults = {"faults", routes, ARRAY_LENGTH(routes),
                                          ROUTE_BACKEND | ROUTE_AUTH};
