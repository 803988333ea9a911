/*
 * Understanding prompts: the whole set of tests/data/prompts.jsonl again and again. Prints the
 * throughput as every benchmark does, then p50 and p99 of single calls, and one prompt of 4 KiB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <string.h>

#include "ask/interpretation.h"
#include "json/json_read.h"

#define FILE_BYTES_MAX (1u << 20)
#define PROMPTS_MAX    512
#define ROUNDS         50
#define LONG_BYTES     4096

struct prompts {
    struct str texts[PROMPTS_MAX];
    size_t count;
    struct arena arena;
    double times_us[PROMPTS_MAX * ROUNDS];
};

static double parse_us(struct str prompt)
{
    struct arena arena;
    struct interpretation *in = NULL;
    double begin = bench_now_s();

    arena_init(&arena, ASK_ARENA_BYTES_MAX);
    int status = ask_parse(NULL, prompt, &arena, &in, NULL);
    bench_keep(status == OK ? (int64_t)in->constraint_count : -1);
    arena_done(&arena);
    return (bench_now_s() - begin) * 1e6;
}

static int run(void *arg)
{
    struct prompts *prompts = arg;

    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t i = 0; i < prompts->count; i++) {
            prompts->times_us[r * prompts->count + i] = parse_us(prompts->texts[i]);
        }
    }
    return 0;
}

static int read_prompts(struct prompts *prompts, const char *path)
{
    static char text[FILE_BYTES_MAX];
    struct json_parser *parser;
    FILE *in = fopen(path, "rb");

    if (!in || json_parser_new(FILE_BYTES_MAX, &parser)) {
        perror(path);
        return 1;
    }
    arena_init(&prompts->arena, FILE_BYTES_MAX);
    while (prompts->count < PROMPTS_MAX && fgets(text, sizeof(text), in)) {
        struct json_value root;
        struct str prompt;

        if (json_parse(parser, str_from(text), &root, NULL) ||
            !json_get_str(json_at(root, "prompt"), &prompt)) {
            break;
        }
        prompts->texts[prompts->count++] = arena_copy(&prompts->arena, prompt);
    }
    json_parser_free(parser);
    (void)fclose(in);
    return prompts->count == 0;
}

int main(int argc, char **argv)
{
    static struct prompts prompts;
    const char *path = argc > 1 ? argv[1] : "tests/data/prompts.jsonl";
    static char long_text[LONG_BYTES + 1];
    static const char sentence[] = "Reduce the cost of search by 12% but keep p95 under 2 s. ";

    if (read_prompts(&prompts, path)) {
        (void)fprintf(stderr, "prompt: no prompts in %s\n", path);
        return 1;
    }
    int status = bench_run(&(struct bench){.name = "ask.parse",
                                           .work = (double)(prompts.count * ROUNDS),
                                           .unit = "prompts",
                                           .run = run,
                                           .arg = &prompts});
    size_t n = prompts.count * ROUNDS;
    qsort(prompts.times_us, n, sizeof(double), bench_by_time);
    for (size_t i = 0; i < LONG_BYTES; i++) {
        long_text[i] = sentence[i % (sizeof(sentence) - 1)];
    }
    double long_us[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        long_us[i] = parse_us((struct str){long_text, LONG_BYTES});
    }
    qsort(long_us, ROUNDS, sizeof(double), bench_by_time);
    (void)fprintf(
        stderr,
        "{\"ask.parse.p50_us\":%.1f,\"ask.parse.p99_us\":%.1f,\"ask.parse.4KiB_us\":%.1f}\n",
        prompts.times_us[n / 2], prompts.times_us[n * 99 / 100], long_us[ROUNDS / 2]);
    arena_done(&prompts.arena);
    return status;
}
