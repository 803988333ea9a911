/*
 * Bodies of POST /api/runs and POST /api/tools/{name}, and lines of an event log: any JSON is read
 * or refused with a pointer and a reason. Arguments of tools that were read are JSON again; what a
 * log says is JSON, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdint.h>

#include "api/run_log.h"
#include "api/run_request.h"
#include "api/tool_request.h"
#include "ask/interpretation.h"
#include "base/check.h"
#include "store/store.h"
#include "tool/tool.h"

#define TEXT_BYTES_MAX  ((size_t)1 << 20)
#define EVENT_TIME_US   INT64_C(1700000000000000)
#define OUTPUT_MULTIPLE 8 /* escapes and the longest form of a double */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fault(const struct body_fault *fault)
{
    check(fault->detail[0] != '\0');
    check(fault->pointer[0] == '\0' || fault->pointer[0] == '/');
}

static void check_id(struct str id)
{
    check(id.length == 0 || store_is_id(id));
}

static void read_run(struct json_value root)
{
    struct runner_request request;
    struct body_fault fault = {0};

    if (!run_request_read(root, RUN_DIALECT_REST, &request, &fault)) {
        check_fault(&fault);
        return;
    }
    check_id(request.run_id);
    check_id(request.thread_id);
    check_id(request.dataset_id);
    check(request.seed <= BODY_SEED_MAX);
    check(str_trim(request.prompt).length > 0 && request.prompt.length <= ASK_PROMPT_BYTES_MAX);
}

/* The second parser: what was read is borrowed from the first. */
static void read_call(struct json_value root, struct json_parser *again)
{
    cleanup(buf_done) struct buf args;
    struct body_fault fault = {0};
    struct str dataset = {0};
    struct json_value copy;

    buf_init(&args, TOOL_ARGS_BYTES_MAX);
    if (!tool_request_read(root, &args, &dataset, &fault)) {
        check_fault(&fault);
        return;
    }
    check_id(dataset);
    int code = json_parse(again, buf_str(&args), &copy, NULL);
    check_cmp(code, ==, OK);
    check(json_is(copy, JSON_OBJECT));
    check(json_count(copy) == json_count(json_at(root, "args")));
}

static void read_event(struct str text, struct json_parser *parser)
{
    cleanup(run_log_free_pointer) struct run_log *log = run_log_new();
    cleanup(buf_done) struct buf out;
    struct json_value root;

    buf_init(&out, TEXT_BYTES_MAX * OUTPUT_MULTIPLE);
    if (!log || run_log_add(log, parser, EVENT_TIME_US, text)) {
        return;
    }
    struct json_writer w = json_writer_on(&out);
    json_begin_object(&w);
    run_log_write(log, &w);
    json_end_object(&w);
    int code = json_parse(parser, buf_str(&out), &root, NULL);
    check_cmp(code, ==, OK);
    check_cmp(json_count(root), ==, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(json_parser_free_pointer) struct json_parser *again = NULL;
    struct json_value root;

    if (size > TEXT_BYTES_MAX || json_parser_new(TEXT_BYTES_MAX * OUTPUT_MULTIPLE, &parser) ||
        json_parser_new(TEXT_BYTES_MAX * OUTPUT_MULTIPLE, &again) ||
        json_parse(parser, text, &root, NULL)) {
        return 0;
    }
    read_run(root);
    read_call(root, again);
    read_event(text, again);
    return 0;
}
