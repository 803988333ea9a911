/*
 * How fast usage exports are read, in bytes of text: a narrow CSV (three columns, as the Azure
 * traces), a wide one, JSON lines of the sample generator, and an agentic trace, plain and
 * compressed. All are generated in memory from one seed; each run imports into a new table and must
 * accept every row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <inttypes.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/civil_time.h"
#include "base/random.h"
#include "usage/import.h"
#include "usage/synthesize.h"

#define TEXT_BYTES_MAX ((size_t)1 << 30)
#define PIECE_BYTES    65536u
#define SEED           20260821u
#define NARROW_ROWS    500000u
#define WIDE_ROWS      200000u
#define CONVERSATIONS  700u
#define REQUESTS       70u
#define START_US       INT64_C(1785715200000000)

struct input {
    struct buf bytes;
    uint64_t rows;
};

static int import_all(void *arg)
{
    const struct input *input = arg;
    struct import_options options = {.source = STR("bench")};
    struct str bytes = buf_str(&input->bytes);
    struct usage_import *import = NULL;
    struct usage_table table;

    usage_table_init(&table);
    int code = usage_import_begin(&options, &table, &import, NULL);
    while (!code && bytes.length) {
        size_t some = bytes.length < PIECE_BYTES ? bytes.length : PIECE_BYTES;

        code = usage_import_feed(import, str_slice(bytes, 0, some), NULL);
        bytes = str_slice(bytes, some, bytes.length);
    }
    if (!code) {
        code = usage_import_finish(import, NULL);
    }
    code |= table.count != input->rows;
    usage_import_free(import);
    usage_table_done(&table);
    return code;
}

static void put_time(struct buf *out, int64_t *time_us, struct random *random)
{
    *time_us += random_below(random, 2000000);
    civil_print(*time_us, out);
}

static void make_narrow(struct input *input, struct random *random)
{
    int64_t time_us = START_US;

    buf_append(&input->bytes, STR("TIMESTAMP,ContextTokens,GeneratedTokens\r\n"));
    for (uint32_t i = 0; i < NARROW_ROWS; i++) {
        put_time(&input->bytes, &time_us, random);
        buf_printf(&input->bytes, ",%" PRIu32 ",%" PRIu32 "\r\n", random_below(random, 8000),
                   random_below(random, 600));
    }
    input->rows = NARROW_ROWS;
}

static void make_wide(struct input *input, struct random *random)
{
    static const char *const models[] = {"gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"};
    int64_t time_us = START_US;

    buf_append(&input->bytes, STR("timestamp,model,feature,user,session,input_tokens,"
                                  "cached_tokens,output_tokens,latency_ms,ttft_ms,status\n"));
    for (uint32_t i = 0; i < WIDE_ROWS; i++) {
        put_time(&input->bytes, &time_us, random);
        buf_printf(&input->bytes, ",%s,feature-%" PRIu32 ",user-%" PRIu32 ",s-%" PRIu32,
                   models[random_below(random, 3)], random_below(random, 8),
                   random_below(random, 5000), i / 8);
        buf_printf(
            &input->bytes, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",ok\n",
            2000 + random_below(random, 8000), random_below(random, 2000),
            random_below(random, 900), random_below(random, 9000), random_below(random, 900));
    }
    input->rows = WIDE_ROWS;
}

/* A conversation whose prompt grows and now and then loses a block in its middle. */
static void make_conversation(struct buf *out, uint32_t number, struct random *random)
{
    uint32_t blocks = 200 + random_below(random, 1000);
    uint32_t gap = 0;

    buf_printf(out, "{\"id\":\"trace_%04" PRIu32 "\",\"block_size\":64,\"requests\":[", number);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        blocks += random_below(random, 40);
        if (random_below(random, 6) == 0) {
            gap = random_below(random, blocks - 100) + 50;
        }
        buf_printf(
            out,
            "%s{\"t\":%" PRIu32 ".25,\"type\":\"n\",\"model\":\"claude-opus-4-5\",\"in\":%" PRIu32
            ",\"out\":%" PRIu32 ",\"hash_ids\":[[1,%" PRIu32 "]",
            i ? "," : "", i * 20, blocks * 64, random_below(random, 900), gap ? gap : blocks);
        if (gap) {
            buf_printf(out, ",[%" PRIu32 ",%" PRIu32 "]", gap + 2, blocks - gap);
        }
        buf_append(out, STR("],\"input_types\":[\"tool_result\"],\"output_types\":[\"text\","
                            "\"thinking\",\"tool_use\"],\"stop\":\"tool_use\",\"api_time\":7.34,"
                            "\"think_time\":12.0}"));
    }
    buf_append(out, STR("]}\n"));
}

static void make_agentic(struct input *input, struct random *random)
{
    for (uint32_t i = 0; i < CONVERSATIONS; i++) {
        make_conversation(&input->bytes, i, random);
    }
    input->rows = (uint64_t)CONVERSATIONS * REQUESTS;
}

static int compress_input(const struct input *plain, struct input *ret)
{
    z_stream stream = {0};

    if (deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        buf_reserve(&ret->bytes, deflateBound(&stream, plain->bytes.length))) {
        return 1;
    }
    stream.next_in = (unsigned char *)plain->bytes.data;
    stream.avail_in = (unsigned)plain->bytes.length;
    stream.next_out = (unsigned char *)ret->bytes.data;
    stream.avail_out = (unsigned)(ret->bytes.capacity - 1);
    int result = deflate(&stream, Z_FINISH);
    ret->bytes.length = stream.total_out;
    ret->rows = plain->rows;
    (void)deflateEnd(&stream);
    return result != Z_STREAM_END;
}

static int measure(const char *name, struct input *input, size_t text_bytes)
{
    if (buf_status(&input->bytes)) {
        (void)fprintf(stderr, "%s: no memory for the input\n", name);
        return 1;
    }
    return bench_run(&(struct bench){.name = name,
                                     .work = (double)text_bytes,
                                     .unit = "bytes",
                                     .run = import_all,
                                     .arg = input});
}

static int bench_csv(struct random *random)
{
    struct input input = {0};

    buf_init(&input.bytes, TEXT_BYTES_MAX);
    make_narrow(&input, random);
    int failed = measure("import.csv_narrow", &input, input.bytes.length);
    buf_clear(&input.bytes);
    make_wide(&input, random);
    failed |= measure("import.csv_wide", &input, input.bytes.length);
    buf_done(&input.bytes);
    return failed;
}

static int bench_jsonl(void)
{
    struct synthesize_options options = synthesize_options_default(SEED);
    struct synthesize_key key;
    struct input input = {0};
    int failed = 1;

    buf_init(&input.bytes, SYNTHESIZE_BYTES_MAX);
    if (usage_synthesize(&options, &input.bytes, &key, NULL) == OK) {
        input.rows = key.total.calls;
        failed = measure("import.jsonl", &input, input.bytes.length);
        synthesize_key_done(&key);
    }
    buf_done(&input.bytes);
    return failed;
}

static int bench_agentic(struct random *random)
{
    struct input plain = {0};
    struct input gzip = {0};

    buf_init(&plain.bytes, TEXT_BYTES_MAX);
    buf_init(&gzip.bytes, TEXT_BYTES_MAX);
    make_agentic(&plain, random);
    int failed = measure("import.agentic", &plain, plain.bytes.length);
    failed |=
        compress_input(&plain, &gzip) || measure("import.agentic_gzip", &gzip, plain.bytes.length);
    buf_done(&plain.bytes);
    buf_done(&gzip.bytes);
    return failed;
}

int main(void)
{
    struct random random;

    random_init(&random, SEED, /* stream */ 1);
    return bench_csv(&random) | bench_jsonl() | bench_agentic(&random);
}
