/*
 * synthesize_usage: sample records of a team that does not exist, with the answer key beside them.
 * The key's dollars are tokens × the built-in book, summed here; no analysis of the engine is used,
 * so that the key can check the engine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/registry.h"
#include "tool/tool_out.h"
#include "usage/synthesize.h"

#define PATH_BYTES_MAX 4200u
#define KEY_BYTES_MAX  ((size_t)64 << 20)
#define MONEY_SCALE    12

static const struct tool_arg arguments[] = {
    {.name = "out",
     .description = "folder to write usage.jsonl and answer_key.json to; made when missing",
     .type = TOOL_STRING,
     .is_required = true},
    {.name = "seed",
     .description = "the same seed gives the same records",
     .type = TOOL_INTEGER,
     .minimum = 0,
     .maximum = INT64_MAX,
     .default_json = "1"},
    {.name = "days",
     .description = "days of traffic",
     .type = TOOL_INTEGER,
     .minimum = 1,
     .maximum = SYNTHESIZE_DAYS_MAX,
     .default_json = "28"},
    {.name = "scale",
     .description = "amount of traffic per mille of the default",
     .type = TOOL_INTEGER,
     .minimum = SYNTHESIZE_SCALE_MIN,
     .maximum = SYNTHESIZE_SCALE_MAX,
     .default_json = "1000"},
};

static int write_whole(int fd, struct str text)
{
    while (text.length) {
        ssize_t written = write(fd, text.data, text.length);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return ERR_IO;
        }
        text = str_slice(text, (size_t)written, text.length);
    }
    return OK;
}

static int write_file(struct str folder, const char *name, struct str text, struct error *error)
{
    char path[PATH_BYTES_MAX];
    int length = snprintf(path, sizeof(path), "%.*s/%s", STR_ARGS(folder), name);

    if (length < 0 || (size_t)length >= sizeof(path)) {
        return error_set(error, ERR_INVALID, "/out is too long a path");
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return error_set(error, ERR_IO, "cannot write %s: %m", path);
    }
    int code = write_whole(fd, text);
    if (close(fd) || code) {
        return error_set(error, ERR_IO, "cannot write %s: %m", path);
    }
    return OK;
}

/* The folder and its parents. */
static int make_folder(struct str folder, struct error *error)
{
    char path[PATH_BYTES_MAX];

    if (folder.length == 0 || folder.length >= sizeof(path) - 32 ||
        memchr(folder.data, '\0', folder.length)) {
        return error_set(error, ERR_INVALID, "/out must be the path of a folder");
    }
    memcpy(path, folder.data, folder.length);
    path[folder.length] = '\0';
    for (size_t i = 1; i <= folder.length; i++) {
        char kept = path[i];

        if (kept != '/' && kept != '\0') {
            continue;
        }
        path[i] = '\0';
        if (mkdir(path, 0755) && errno != EEXIST) {
            return error_set(error, ERR_IO, "cannot make the folder %s: %m", path);
        }
        path[i] = kept;
    }
    return OK;
}

/* Money of token sums of one model; long-context tiers do not occur in the sample. */
static int128 price_sums(const struct price_row *row, const struct synthesize_tokens *sums)
{
    struct usage_tokens tokens = {.input_uncached = sums->input_uncached,
                                  .cache_read = sums->cache_read,
                                  .cache_write_5m = sums->cache_write_5m,
                                  .cache_write_1h = sums->cache_write_1h,
                                  .output = sums->output,
                                  .reasoning = sums->reasoning};
    struct price_options options = {.ignore_context_tiers = true};
    struct price_cost cost;

    /* the sums of a whole sample stay below what 64 bits of pico-dollars hold (9.2 million dollars)
     */
    return row && price_cost_of(row, USAGE_STANDARD, &tokens, &options, &cost) == OK
               ? cost.total_pico_usd
               : -1;
}

struct key_writer {
    const struct tool_context *context;
    const struct synthesize_key *key;
    struct json_writer w;
    bool is_unpriced; /* some model has no price */
};

static const struct price_row *row_of(const struct key_writer *writer, const char *model)
{
    return price_find(writer->context->book, STR(""), str_from(model), INT64_MAX, NULL);
}

static int128 price_model(struct key_writer *writer, const char *model,
                          const struct synthesize_tokens *sums)
{
    int128 cost = price_sums(row_of(writer, model), sums);

    writer->is_unpriced |= cost < 0;
    return cost < 0 ? 0 : cost;
}

static void put_usd(struct key_writer *writer, const char *name, int128 pico_usd)
{
    json_key(&writer->w, name);
    json_put_decimal_string(&writer->w, decimal_of(pico_usd, MONEY_SCALE));
}

static void put_unused(struct key_writer *writer)
{
    json_key(&writer->w, "unused_caching");
    json_begin_array(&writer->w);
    for (uint32_t i = 0; i < writer->key->unused_count; i++) {
        const struct synthesize_unused *unused = &writer->key->unused[i];
        int128 recorded = price_model(writer, unused->model, &unused->recorded);

        json_begin_object(&writer->w);
        json_key(&writer->w, "feature");
        json_put_text(&writer->w, unused->feature);
        put_usd(writer, "recorded", recorded);
        put_usd(writer, "saving_ttl_300",
                recorded - price_model(writer, unused->model, &unused->ttl_300));
        put_usd(writer, "saving_ttl_3600",
                recorded - price_model(writer, unused->model, &unused->ttl_3600));
        json_end_object(&writer->w);
    }
    json_end_array(&writer->w);
}

static void put_duplicates(struct key_writer *writer)
{
    int128 cost = 0;

    for (uint32_t f = 0; f < SYNTHESIZE_FEATURES; f++) {
        for (uint32_t m = 0; m < SYNTHESIZE_MODELS; m++) {
            const struct synthesize_tokens *sums = &writer->key->duplicates_by_feature_model[f][m];

            if (sums->calls) {
                cost += price_model(writer, writer->key->models[m], sums);
            }
        }
    }
    put_usd(writer, "duplicated_calls", cost);
}

static void put_total(struct key_writer *writer)
{
    int128 cost = 0;

    for (uint32_t f = 0; f < SYNTHESIZE_FEATURES; f++) {
        for (uint32_t m = 0; m < SYNTHESIZE_MODELS; m++) {
            const struct synthesize_tokens *sums = &writer->key->by_feature_model[f][m];

            if (sums->calls) {
                cost += price_model(writer, writer->key->models[m], sums);
            }
        }
    }
    put_usd(writer, "spend", cost);
}

static int write_key(const struct tool_context *context, const struct synthesize_key *key,
                     struct str folder, struct error *error)
{
    cleanup(buf_done) struct buf text;
    struct key_writer writer = {.context = context, .key = key};

    buf_init(&text, KEY_BYTES_MAX);
    writer.w = json_writer_indented(&text, 2);
    json_begin_object(&writer.w);
    json_key(&writer.w, "key");
    synthesize_key_write_json(key, &writer.w);
    json_key(&writer.w, "usd");
    json_begin_object(&writer.w);
    json_key(&writer.w, "prices_as_of");
    json_put_str(&writer.w, price_book_as_of(context->book));
    put_total(&writer);
    put_duplicates(&writer);
    put_unused(&writer);
    json_end_object(&writer.w);
    json_end_object(&writer.w);
    buf_append_char(&text, '\n');
    if (writer.is_unpriced) {
        return error_set(error, ERR_UNKNOWN_PRICE,
                         "the price book lacks a model of the sample: use the built-in book");
    }
    if (buf_status(&text)) {
        return error_set(error, buf_status(&text), "cannot write the answer key: %s",
                         error_code_text(buf_status(&text)));
    }
    return write_file(folder, "answer_key.json", buf_str(&text), error);
}

static int put_result(struct tool_out *out, const struct synthesize_key *key, struct str folder)
{
    struct str name = out_name(out, folder);

    out_section(out, "sample", "Synthetic records");
    out->method = "count of records written";
    out_count(out, FACT_ID("sample.records"), "synthetic records", UNIT_RECORDS, key->total.calls,
              key->total.calls);
    out_paragraph(out,
                  "{sample.records} records of a team that does not exist are in "
                  "`%.*s/usage.jsonl`; what is wrong with their spending is in "
                  "`%.*s/answer_key.json`.",
                  STR_ARGS(name), STR_ARGS(name));
    return out->status;
}

static int run(const struct tool_context *context, const struct tool_args *args,
               struct report *body, struct error *error)
{
    struct str folder = tool_arg_value(args, "out")->text;
    struct synthesize_options options =
        synthesize_options_default((uint64_t)tool_arg_value(args, "seed")->integer);
    struct tool_out out = tool_out_begin(body, args);
    cleanup(buf_done) struct buf records;
    struct synthesize_key key;

    options.days = (uint32_t)tool_arg_value(args, "days")->integer;
    options.scale = (uint32_t)tool_arg_value(args, "scale")->integer;
    buf_init(&records, SYNTHESIZE_BYTES_MAX);
    int code = make_folder(folder, error);
    if (!code) {
        code = usage_synthesize(&options, &records, &key, error);
    }
    if (code) {
        return code;
    }
    code = write_file(folder, "usage.jsonl", buf_str(&records), error);
    if (!code) {
        code = write_key(context, &key, folder, error);
    }
    if (!code) {
        (void)put_result(&out, &key, folder);
    }
    synthesize_key_done(&key);
    return code ? code : tool_out_status(&out, error);
}

const struct tool tool_synthesize_usage = {
    .name = "synthesize_usage",
    .description = "Writes sample records of a made-up team, labelled synthetic, with an answer "
                   "key.",
    .args = arguments,
    .arg_count = ARRAY_LENGTH(arguments),
    .has_effect = true,
    .run = run,
};
