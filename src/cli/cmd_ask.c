/*
 * netra ask: a question, the records, a report.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/run.h"
#include "base/check.h"
#include "cli/ask_model.h"
#include "cli/record_options.h"
#include "loop/clock.h"
#include "loop/uuid.h"

#define OUTPUT_BYTES_MAX ((size_t)1 << 30)
#define TERM_WIDTH       100u
#define TERM_WIDTH_MIN   40u
#define TERM_WIDTH_MAX   120u

enum {
    OPTION_FORMAT = 1,
    OPTION_OUT,
    OPTION_SEED,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_MODELS,
    OPTION_NO_MODELS,
    OPTION_SHOW_PROMPT
};

static const struct option options_table[] = {
    RECORD_OPTIONS,
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"out", required_argument, NULL, OPTION_OUT},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"models", required_argument, NULL, OPTION_MODELS},
    {"no-models", no_argument, NULL, OPTION_NO_MODELS},
    {"show-prompt", no_argument, NULL, OPTION_SHOW_PROMPT},
    {NULL, 0, NULL, 0},
};

enum format { FORMAT_TERM, FORMAT_MARKDOWN, FORMAT_HTML, FORMAT_JSON, FORMAT_CSV };

static const char *const format_names[] = {[FORMAT_TERM] = "term",
                                           [FORMAT_MARKDOWN] = "md",
                                           [FORMAT_HTML] = "html",
                                           [FORMAT_JSON] = "json",
                                           [FORMAT_CSV] = "csv"};

struct question {
    struct record_options records;
    const char *prompt;
    const char *out_path;
    enum format format;
    uint64_t seed;
    const char *chain; /* of --models; NULL: the configuration's */
    bool is_quiet;
    bool is_without_models;
    bool shows_prompt;
};

static int format_from(const char *name, enum format *ret_format)
{
    for (size_t i = 0; i < ARRAY_LENGTH(format_names); i++) {
        if (strcmp(name, format_names[i]) == 0) {
            *ret_format = (enum format)i;
            return OK;
        }
    }
    return ERR_USAGE;
}

/* The file's ending says the format when nothing else does. */
static void format_from_path(struct question *question)
{
    const char *dot = strrchr(question->out_path, '.');

    if (dot) {
        (void)format_from(strcmp(dot, ".htm") == 0 ? "html" : dot + 1, &question->format);
    }
}

static struct term_options term_options(const struct question *question)
{
    struct term_options options = {.width = TERM_WIDTH};
    bool is_terminal = !question->out_path && isatty(STDOUT_FILENO);
    struct winsize size;

    options.colour = is_terminal && !getenv("NO_COLOR");
    if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col) {
        options.width = size.ws_col;
    }
    options.width = options.width < TERM_WIDTH_MIN   ? TERM_WIDTH_MIN
                    : options.width > TERM_WIDTH_MAX ? TERM_WIDTH_MAX
                                                     : options.width;
    return options;
}

static void render(const struct question *question, const struct report *report, struct buf *text)
{
    struct term_options options = term_options(question);

    switch (question->format) {
    case FORMAT_TERM:
        report_render_term(report, &options, text);
        break;
    case FORMAT_MARKDOWN:
        report_render_markdown(report, text);
        break;
    case FORMAT_HTML:
        report_render_html(report, text);
        break;
    case FORMAT_JSON:
        report_render_json(report, text);
        break;
    case FORMAT_CSV:
        report_render_csv(report, text);
        break;
    }
}

static int write_out(const struct question *question, struct str text)
{
    FILE *out = question->out_path ? fopen(question->out_path, "we") : stdout;

    if (!out || fwrite(text.data, 1, text.length, out) != text.length ||
        (question->out_path && fclose(out))) {
        (void)fprintf(stderr, "netra: cannot write %s: %m\n",
                      question->out_path ? question->out_path : "the report");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* Agents and tools as they work, dimly, on a terminal. */
static void show_event(const struct run_event *event, void *arg)
{
    struct ask_model *model = (struct ask_model *)arg;

    if (event->kind == RUN_TOOL_STARTED) {
        (void)fprintf(stderr, "\r\033[K… %s", event->name);
    } else if (event->kind == RUN_MODEL_ASKED && model) {
        (void)fprintf(stderr, "\r\033[Kasking %s …", ask_model_name(model));
    } else if (event->kind == RUN_STEP_FINISHED || event->kind == RUN_MODEL_ANSWERED) {
        (void)fputs("\r\033[K", stderr);
    }
}

/* Rendering is the last thing before the report is handed over: response_delivered is closed when
 * the text that carries its time begins to be made, just before the one write. */
static int deliver(const struct question *question, struct run *run)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, OUTPUT_BYTES_MAX);
    run_delivered(run);
    render(question, run_report(run), &text);
    if (buf_status(&text)) {
        struct error error;

        error_set(&error, buf_status(&text), "cannot print the report: %s",
                  error_code_text(buf_status(&text)));
        return cli_fail(&error);
    }
    int code = write_out(question, buf_str(&text));
    return code == EXIT_DONE && run_lacks_records(run) ? EXIT_NO_RECORDS : code;
}

/* Drives the run to its end; what it asks a model is answered in between. */
static int drive(struct run *run, struct ask_model *model, const struct price_book *book,
                 struct error *error)
{
    bool done = false;
    int code = OK;

    while (!code && !done) {
        code = run_step(run, &done, error);
        while (!code && run_question(run)) {
            check(model);
            code = ask_model_answer(model, run, book, error);
        }
    }
    return code;
}

static int answer(const struct question *question, struct run_options *options)
{
    cleanup(ask_model_free_pointer) struct ask_model *model = NULL;
    cleanup(run_free_pointer) struct run *run = NULL;
    struct error error = {0};
    int code = question->is_without_models ? OK : ask_model_open(question->chain, &model, &error);

    if (code) {
        return cli_fail(&error);
    }
    options->has_model = model != NULL;
    options->observer = !question->is_quiet && isatty(STDERR_FILENO) ? show_event : NULL;
    options->observer_arg = model;
    code = run_new(options, &run, &error);
    if (!code) {
        code = drive(run, model, options->book, &error);
    }
    return code ? cli_fail(&error) : deliver(question, run);
}

static int show_prompt(const struct question *question, const struct run_options *options)
{
    cleanup(buf_done) struct buf text = {0};
    struct error error = {0};

    buf_init(&text, OUTPUT_BYTES_MAX);
    int code =
        ask_model_show(question->chain, !question->is_without_models, options, &text, &error);
    if (code) {
        return cli_fail(&error);
    }
    (void)fwrite(buf_str(&text).data, 1, text.length, stdout);
    return EXIT_DONE;
}

static int take_question(const struct question *question, const struct dataset *dataset)
{
    struct error error = {0};
    char id[UUID_BYTES];

    if (uuid_v7(id, &error)) {
        return cli_fail(&error);
    }
    struct run_options options = {
        .prompt = str_from(question->prompt),
        .dataset = dataset,
        .book = dataset->book,
        .id = str_from(id),
        .seed = question->seed,
        .clock = clock_now_us,
    };
    return question->shows_prompt ? show_prompt(question, &options) : answer(question, &options);
}

static int take_option(struct question *question, int option, const char *value)
{
    struct error error = {0};
    int code = record_options_take(&question->records, option, value, &error);

    if (code == ERR_USAGE) {
        return cli_usage(&command_ask, "%s", error.message);
    }
    if (code == OK) {
        return EXIT_DONE;
    }
    switch (option) {
    case OPTION_FORMAT:
        return format_from(value, &question->format)
                   ? cli_usage(&command_ask, "--format is term, md, html, json or csv, not '%s'",
                               value)
                   : EXIT_DONE;
    case OPTION_JSON:
        question->format = FORMAT_JSON;
        return EXIT_DONE;
    case OPTION_OUT:
        question->out_path = value;
        return EXIT_DONE;
    case OPTION_QUIET:
        question->is_quiet = true;
        return EXIT_DONE;
    case OPTION_MODELS:
        question->chain = value;
        return EXIT_DONE;
    case OPTION_NO_MODELS:
        question->is_without_models = true;
        return EXIT_DONE;
    case OPTION_SHOW_PROMPT:
        question->shows_prompt = true;
        return EXIT_DONE;
    case OPTION_SEED:
        return decimal_parse_u64(str_from(value), &question->seed)
                   ? cli_usage(&command_ask, "--seed takes a whole number, not '%s'", value)
                   : EXIT_DONE;
    default:
        return cli_usage(&command_ask, "an option is not known");
    }
}

static int run_command(int argc, char **argv)
{
    cleanup(dataset_close_pointer) struct dataset *dataset = NULL;
    struct question question = {.seed = 1};
    struct error error = {0};
    bool has_format = false;
    int option;

    record_options_init(&question.records);
    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        int code = take_option(&question, option, optarg);

        has_format |= option == OPTION_FORMAT || option == OPTION_JSON;
        if (code) {
            return code;
        }
    }
    if (argc - optind != 1) {
        return cli_usage(&command_ask, "%s",
                         optind == argc ? "ask what?" : "put the question in quotes");
    }
    if (question.chain && question.is_without_models) {
        return cli_usage(&command_ask, "--models and --no-models contradict each other");
    }
    question.prompt = argv[optind];
    if (question.out_path && !has_format) {
        format_from_path(&question);
    }
    if (record_options_open(&question.records, &dataset, &error) ||
        record_options_unreadable(dataset, &error)) {
        return cli_fail(&error);
    }
    return take_question(&question, dataset);
}

const struct command command_ask = {
    .name = "ask",
    .summary = "answer a question about usage records with a report",
    .help =
        "usage: netra ask PROMPT [--data FILE]… [options]\n"
        "\n"
        "  netra ask \"5-minute or 1-hour cache? Audit my KV caching\" --data traces.jsonl.gz\n"
        "\n" RECORD_OPTIONS_HELP
        "  --format F       term (default), md, html, json or csv (the facts); --json is --format\n"
        "                   json\n"
        "  --out FILE       write the report there; its ending chooses the format\n"
        "  --seed N         seed of everything random (default 1)\n"
        "  --quiet          no progress on the terminal\n"
        "  --models CHAIN   models that take part, instead of the configuration's llm.chain:\n"
        "                   anthropic:claude-haiku-4-5,openai:gpt-5-mini\n"
        "  --no-models      none takes part, and nothing is sent anywhere\n"
        "  --show-prompt    print exactly what a model would be sent, and send nothing\n"
        "\n"
        "Models take part where llm.chain of the configuration (~/.config/netra/netra.conf or\n"
        "NETRA_LLM_CHAIN) names some, with keys from ANTHROPIC_API_KEY, OPENAI_API_KEY,\n"
        "GEMINI_API_KEY or COMPATIBLE_API_KEY; `netra help serve` explains each llm key. Numbers\n"
        "are never theirs, and when none answers, the report comes all the same.\n"
        "\n"
        "Exit codes: 0 done (also with some rows left out), 1 failed, 2 wrong usage, 3 no usable\n"
        "record: a report that says which export to fetch.\n",
    .run = run_command,
};
