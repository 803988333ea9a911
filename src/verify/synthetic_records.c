/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/synthetic_records.h"

#include <inttypes.h>

#include "base/civil_time.h"
#include "base/random.h"

#define SEED          20251123u
#define FIRST_US      INT64_C(1785715200000000) /* 2026-08-03, a Monday */
#define SPAN_US       (28 * DAY_US)
#define FAILED_IN     50u /* one in so many */
#define PROMPTS       4000u
#define USERS         200u
#define LATENCY_MS_OF 900u /* and what each output token takes */

static const char *const features[] = {"support", "search", "chat", "summaries", "agent-tools"};
static const struct {
    const char *provider;
    const char *model;
} models[] = {{"openai", "gpt-4o"}, {"openai", "gpt-4o-mini"}, {"anthropic", "claude-sonnet-4-5"}};

static void write_one(unsigned index, int64_t time_us, struct random *random, struct buf *out)
{
    char stamp[CIVIL_STAMP_BYTES];
    uint32_t feature = random_below(random, ARRAY_LENGTH(features));
    uint32_t model = (feature + (random_below(random, 10) == 0)) % ARRAY_LENGTH(models);
    uint32_t prompt = random_below(random, PROMPTS);
    uint32_t input = 200 + 97 * (prompt % 61) + random_below(random, 300);
    uint32_t cached = random_below(random, 3) == 0 ? input / 256 * 128 : 0;
    uint32_t output = 20 + random_below(random, 600);
    bool has_failed = random_below(random, FAILED_IN) == 0;

    civil_stamp(time_us, stamp);
    buf_printf(out,
               "{\"request_id\":\"netra-verify-%06u\",\"time\":\"%s\","
               "\"source\":\"" SYNTHETIC_RECORDS_SOURCE "\",\"provider\":\"%s\",\"model\":\"%s\","
               "\"feature\":\"%s\",\"user\":\"user-%" PRIu32 "\",\"status\":\"%s\","
               "\"input_uncached\":%" PRIu32 ",\"cache_read\":%" PRIu32 ",\"output\":%" PRIu32
               ",\"latency_ms\":%" PRIu32 ",\"prompt_hash\":\"prompt-%" PRIu32 "-%" PRIu32 "\"}\n",
               index, stamp, models[model].provider, models[model].model, features[feature],
               random_below(random, USERS), has_failed ? "error" : "ok", input - cached, cached,
               has_failed ? 0 : output,
               LATENCY_MS_OF + 12 * output + random_below(random, LATENCY_MS_OF), feature, prompt);
}

void synthetic_records_write(unsigned count, struct buf *out)
{
    struct random random;

    random_init(&random, SEED, count);
    for (unsigned i = 0; i < count && buf_status(out) == 0; i++) {
        write_one(i + 1, FIRST_US + SPAN_US / count * i, &random, out);
    }
}
