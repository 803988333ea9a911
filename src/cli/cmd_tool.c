/*
 * netra tool: the tool registry from the shell.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "cli/read_file.h"
#include "cli/record_options.h"
#include "tool/tool.h"

#define RESULT_BYTES_MAX     ((size_t)1 << 30)
#define ARGS_LINES_BYTES_MAX ((size_t)64 << 20)

enum { OPTION_ARGS = 1, OPTION_ARGS_LINES };

static const struct option options_table[] = {
    RECORD_OPTIONS,
    {"args", required_argument, NULL, OPTION_ARGS},
    {"args-lines", required_argument, NULL, OPTION_ARGS_LINES},
    {NULL, 0, NULL, 0},
};

struct call {
    struct record_options records;
    const struct tool *tool;
    const char *args;       /* JSON; NULL: none */
    const char *args_lines; /* a file of them; NULL: none */
};

static int list_tools(void)
{
    cleanup(buf_done) struct buf text;
    size_t count;
    const struct tool *const *tools = tool_registry(&count);

    buf_init(&text, RESULT_BYTES_MAX);
    struct json_writer w = json_writer_indented(&text, 2);
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&w);
        json_key(&w, "name");
        json_put_text(&w, tools[i]->name);
        json_key(&w, "description");
        json_put_text(&w, tools[i]->description);
        json_key(&w, "needs_records");
        json_put_bool(&w, tools[i]->needs_records);
        json_key(&w, "input_schema");
        tool_write_schema(tools[i], &w);
        json_end_object(&w);
    }
    json_end_array(&w);
    (void)printf("%.*s\n", STR_ARGS(buf_str(&text)));
    return EXIT_DONE;
}

/* One call, its result as JSON in text. */
static int call_tool(const struct tool *tool, const struct tool_context *context, struct str args,
                     bool one_line, struct buf *text, struct error *error)
{
    cleanup(report_free_pointer) struct report *body = NULL;
    int code = tool_call(tool, context, args, &body, error);

    if (code) {
        return code;
    }
    buf_clear(text);
    report_render_result_json(body, tool->name, one_line, text);
    return buf_status(text) ? error_set(error, buf_status(text), "cannot print the result: %s",
                                        error_code_text(buf_status(text)))
                            : OK;
}

static void print_line_error(const struct error *error)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, RESULT_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    json_key(&w, "error");
    json_begin_object(&w);
    json_key(&w, "code");
    json_put_text(&w, error_code_name(error->code));
    json_key(&w, "message");
    json_put_text(&w, error->message);
    json_end_object(&w);
    json_end_object(&w);
    (void)printf("%.*s\n", STR_ARGS(buf_str(&text)));
}

/* One JSON object a line in, one a line out; a bad line gives an error object and goes on. */
static int call_lines(const struct call *call, const struct tool_context *context)
{
    cleanup(buf_done) struct buf lines;
    cleanup(buf_done) struct buf text;
    struct error error = {0};
    int result = EXIT_DONE;

    buf_init(&lines, ARGS_LINES_BYTES_MAX);
    buf_init(&text, RESULT_BYTES_MAX);
    if (read_file(call->args_lines, &lines, &error)) {
        return cli_fail(&error);
    }
    for (struct str rest = buf_str(&lines); rest.length;) {
        size_t end = str_find(rest, STR("\n"), 0);
        struct str args = str_slice(rest, 0, end == SIZE_MAX ? rest.length : end);

        rest = str_slice(rest, end == SIZE_MAX ? rest.length : end + 1, rest.length);
        if (str_trim(args).length == 0) {
            continue;
        }
        if (call_tool(call->tool, context, args, /* one_line */ true, &text, &error)) {
            print_line_error(&error);
            result = EXIT_FAILED;
        } else {
            (void)fwrite(text.data, 1, text.length, stdout);
        }
    }
    return result;
}

static int run_call(const struct call *call)
{
    cleanup(dataset_close_pointer) struct dataset *dataset = NULL;
    cleanup(buf_done) struct buf text;
    struct error error = {0};

    buf_init(&text, RESULT_BYTES_MAX);
    if (record_options_open(&call->records, &dataset, &error) ||
        record_options_unreadable(dataset, &error)) {
        return cli_fail(&error);
    }
    record_options_tell_notes(dataset);
    struct tool_context context = {.dataset = dataset, .book = dataset->book};
    if (call->args_lines) {
        return call_lines(call, &context);
    }
    int code =
        call_tool(call->tool, &context, str_from(call->args), /* one_line */ false, &text, &error);
    if (code == ERR_NO_RECORDS) {
        (void)cli_fail(&error);
        return EXIT_NO_RECORDS;
    }
    if (code) {
        (void)cli_fail(&error);
        return code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    (void)fwrite(text.data, 1, text.length, stdout);
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    struct call call = {0};
    int option;

    record_options_init(&call.records);
    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        struct error error = {0};
        int code = record_options_take(&call.records, option, optarg, &error);

        if (code == ERR_USAGE) {
            return cli_usage(&command_tool, "%s", error.message);
        }
        if (option == OPTION_ARGS) {
            call.args = optarg;
        } else if (option == OPTION_ARGS_LINES) {
            call.args_lines = optarg;
        } else if (code) {
            return cli_usage(&command_tool, "an option is not known");
        }
    }
    if (optind == argc) {
        return list_tools();
    }
    call.tool = tool_find(str_from(argv[optind]));
    if (!call.tool) {
        (void)fprintf(stderr, "netra: there is no tool '%s'\n`netra tool` lists the tools.\n",
                      argv[optind]);
        return EXIT_USAGE;
    }
    if (optind + 1 < argc) {
        return cli_usage(&command_tool, "one tool at a time: '%s' is too much", argv[optind + 1]);
    }
    return run_call(&call);
}

const struct command command_tool = {
    .name = "tool",
    .summary = "run one analysis and print its result as JSON; without a name, list them",
    .help = "usage: netra tool [NAME] [--args JSON | --args-lines FILE] [--data FILE]…\n"
            "\n"
            "Runs one analysis on usage records and prints {facts, tables, figures, caveats, "
            "needs} as JSON.\n"
            "Without a name: the list of tools with the JSON schemas of their arguments.\n"
            "\n"
            "  --args JSON      the tool's arguments, an object\n"
            "  --args-lines F   one object of arguments a line in, one result a line "
            "out\n" RECORD_OPTIONS_HELP,
    .run = run,
};
