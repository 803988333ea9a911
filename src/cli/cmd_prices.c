/*
 * netra prices: look at price books, read and compare lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "cli/record_options.h"
#include "price/price_book_write.h"
#include "tool/tool.h"

#define OUTPUT_BYTES_MAX ((size_t)1 << 30)
#define DIGEST_BYTES     48

enum { OPTION_OUT = 1, OPTION_FROM };

static const struct option options_table[] = {
    {"out", required_argument, NULL, OPTION_OUT},
    {"prices", required_argument, NULL, OPTION_FROM},
    {NULL, 0, NULL, 0},
};

static void print_price(const struct price_vector *price, enum price_kind kind)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, DECIMAL_TEXT_BYTES);
    if (price->known & PRICE_BIT(kind)) {
        /* pico-dollars a token are micro-dollars a million tokens */
        decimal_print(decimal_of(price->pico_usd[kind], 6), &text);
        (void)printf(" %10.*s", STR_ARGS(buf_str(&text)));
    } else {
        (void)printf(" %10s", "–");
    }
}

static int list_book(const struct price_book *book)
{
    (void)printf("USD per million tokens, standard tier, lowest context tier; – is unknown\n"
                 "%-16s %-44s %10s %10s %10s %10s %10s\n",
                 "provider", "model", "input", "cache read", "write 5m", "write 1h", "output");
    for (size_t i = 0; i < price_book_count(book); i++) {
        const struct price_row *row = price_book_row(book, i);
        const struct price_service *standard = &row->services[USAGE_STANDARD];
        static const struct price_vector nothing;
        const struct price_vector *price = standard->count ? &standard->tiers[0].price : &nothing;

        (void)printf("%-16.*s %-44.*s", STR_ARGS(row->provider), STR_ARGS(row->model));
        print_price(price, PRICE_INPUT);
        print_price(price, PRICE_CACHE_READ);
        print_price(price, PRICE_CACHE_WRITE_5M);
        print_price(price, PRICE_CACHE_WRITE_1H);
        print_price(price, PRICE_OUTPUT);
        (void)putchar('\n');
    }
    return EXIT_DONE;
}

static int read_book(const char *path, struct price_book **ret_book)
{
    char digest[DIGEST_BYTES];
    struct error error = {0};
    int code = dataset_read_book(path, ret_book, digest, &error);

    return code ? cli_fail(&error) : EXIT_DONE;
}

/* Everything the book knows of one model, as the tool price_lookup says it. */
static int show_model(const struct price_book *book, const char *model)
{
    cleanup(report_free_pointer) struct report *body = NULL;
    cleanup(buf_done) struct buf args;
    cleanup(buf_done) struct buf text;
    struct tool_context context = {.book = book};
    struct error error = {0};

    buf_init(&args, TOOL_ARGS_BYTES_MAX);
    buf_init(&text, OUTPUT_BYTES_MAX);
    struct json_writer w = json_writer_on(&args);
    json_begin_object(&w);
    json_key(&w, "model");
    json_put_text(&w, model);
    json_end_object(&w);
    if (tool_call(tool_find(STR("price_lookup")), &context, buf_str(&args), &body, &error)) {
        return cli_fail(&error);
    }
    report_render_result_json(body, "price_lookup", /* one_line */ false, &text);
    (void)printf("%.*s", STR_ARGS(buf_str(&text)));
    return price_find(book, STR(""), str_from(model), INT64_MAX, NULL) ? EXIT_DONE : EXIT_FAILED;
}

/* Reads a list, says what could be used, writes it in Netra's form. */
static int import_list(const char *path, const char *out_path)
{
    cleanup(price_book_free_pointer) struct price_book *book = NULL;
    cleanup(buf_done) struct buf text;

    buf_init(&text, OUTPUT_BYTES_MAX);
    int code = read_book(path, &book);
    if (code) {
        return code;
    }
    struct json_writer w = json_writer_indented(&text, 1);
    price_book_write_json(book, &w);
    buf_append_char(&text, '\n');
    FILE *out = out_path ? fopen(out_path, "we") : stdout;
    if (!out || fwrite(text.data, 1, text.length, out) != text.length ||
        (out_path && fclose(out))) {
        (void)fprintf(stderr, "netra: cannot write %s: %m\n", out_path ? out_path : "the book");
        return EXIT_FAILED;
    }
    (void)fprintf(stderr, "netra: %zu prices read, %zu entries left out%s%s\n",
                  price_book_count(book), price_book_skipped(book),
                  out_path ? "; use them with --prices " : "", out_path ? out_path : "");
    return EXIT_DONE;
}

static const struct price_vector *standard_price(const struct price_row *row)
{
    return row->services[USAGE_STANDARD].count ? &row->services[USAGE_STANDARD].tiers[0].price
                                               : NULL;
}

static size_t diff_row(const struct price_row *ours, const struct price_row *theirs)
{
    const struct price_vector *left = standard_price(ours);
    const struct price_vector *right = standard_price(theirs);
    size_t differences = 0;

    for (int kind = 0; left && right && kind < PRICE_KIND_COUNT; kind++) {
        uint32_t both = left->known & right->known & PRICE_BIT(kind);

        if (both && left->pico_usd[kind] != right->pico_usd[kind]) {
            (void)printf("%.*s %s:", STR_ARGS(ours->model), price_kind_name((enum price_kind)kind));
            print_price(left, (enum price_kind)kind);
            (void)printf(" here,");
            print_price(right, (enum price_kind)kind);
            (void)printf(" there\n");
            differences++;
        }
    }
    return differences;
}

static int diff_lists(const struct price_book *book, const char *path)
{
    cleanup(price_book_free_pointer) struct price_book *other = NULL;
    size_t differences = 0;
    size_t compared = 0;
    int code = read_book(path, &other);

    for (size_t i = 0; !code && i < price_book_count(book); i++) {
        const struct price_row *ours = price_book_row(book, i);
        const struct price_row *theirs =
            price_find(other, ours->provider, ours->model, INT64_MAX, NULL);

        if (theirs) {
            compared++;
            differences += diff_row(ours, theirs);
        }
    }
    if (!code) {
        (void)printf("%zu models in both, %zu prices differ (standard tier, USD per million)\n",
                     compared, differences);
    }
    return code;
}

static int dispatch(const struct price_book *book, const char *verb, const char *what,
                    const char *out_path)
{
    if (strcmp(verb, "list") == 0) {
        return list_book(book);
    }
    if (strcmp(verb, "import") == 0 && what) {
        return import_list(what, out_path);
    }
    if (strcmp(verb, "show") == 0 && what) {
        return show_model(book, what);
    }
    if (strcmp(verb, "diff") == 0 && what) {
        return diff_lists(book, what);
    }
    return cli_usage(&command_prices, "'%s' is not list, show MODEL, import FILE or diff FILE",
                     verb);
}

static int run(int argc, char **argv)
{
    cleanup(price_book_free_pointer) struct price_book *book = NULL;
    const char *out_path = NULL;
    const char *from = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        if (option == OPTION_OUT) {
            out_path = optarg;
        } else if (option == OPTION_FROM) {
            from = optarg;
        } else {
            return cli_usage(&command_prices, "an option is not known");
        }
    }
    if (optind == argc || argc - optind > 2) {
        return cli_usage(&command_prices, "say list, show MODEL, import FILE or diff FILE");
    }
    int code = read_book(from, &book);
    return code ? code : dispatch(book, argv[optind], argv[optind + 1], out_path);
}

const struct command command_prices = {
    .name = "prices",
    .summary = "the price book: list, show a model, import a list, compare with one",
    .help =
        "usage: netra prices list|show MODEL|import FILE|diff FILE [--prices FILE] [--out FILE]\n"
        "\n"
        "  list             every model of the book\n"
        "  show MODEL       its prices, tiers, source and date, as JSON\n"
        "  import FILE      read LiteLLM's model_prices_and_context_window.json or a book, and\n"
        "                   write it in Netra's form to --out (default: standard output)\n"
        "  diff FILE        where that list differs from the book\n"
        "  --prices FILE    look at this book instead of the built-in one\n",
    .run = run,
};
