/*
 * The door of the generator: checks the options and runs the steps (see synthesize_call.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usage/synthesize.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/civil_time.h"
#include "usage/synthesize_call.h"

#define START_YEAR_MAX 9990
#define KEY_BYTES_MAX  (size_t)(256u << 20)

static int check_options(const struct synthesize_options *options, struct error *error)
{
    if (options->days < 1 || options->days > SYNTHESIZE_DAYS_MAX) {
        return error_set(error, ERR_USAGE, "cannot synthesize %" PRIu32 " days: must be 1 to %u",
                         options->days, SYNTHESIZE_DAYS_MAX);
    }
    if (options->scale < SYNTHESIZE_SCALE_MIN || options->scale > SYNTHESIZE_SCALE_MAX) {
        return error_set(error, ERR_USAGE,
                         "cannot synthesize at scale %" PRIu32 ": must be %u to %u", options->scale,
                         SYNTHESIZE_SCALE_MIN, SYNTHESIZE_SCALE_MAX);
    }
    if (options->days * options->scale > SYNTHESIZE_DAYS_SCALE_MAX) {
        error_set(error, ERR_USAGE,
                  "cannot synthesize %" PRIu32 " days at scale %" PRIu32
                  ": days times scale must be at most %u",
                  options->days, options->scale, SYNTHESIZE_DAYS_SCALE_MAX);
        error_hint(error, "Use fewer days or a smaller scale.");
        return ERR_USAGE;
    }
    struct civil_time last = {.year = START_YEAR_MAX, .month = 12, .day = 31};
    if (options->start_us < 0 || options->start_us > civil_to_us(&last)) {
        return error_set(error, ERR_USAGE,
                         "cannot synthesize from %" PRId64
                         " us after 1970: must lie in the years 1970 to %d",
                         options->start_us, START_YEAR_MAX);
    }
    return OK;
}

static int make_records(const struct synthesize_options *options, struct call_list *list,
                        struct buf *lines, struct synthesize_key *key)
{
    struct synthesize_plan plan;

    synthesize_plan_draw(options, &plan);
    int failed = calls_make(&plan, list);
    if (failed) {
        return failed;
    }
    calls_sort(list);
    failed = cache_record(&plan, list);
    if (failed) {
        return failed;
    }
    calls_write(&plan, list, lines);
    failed = buf_status(lines);
    return failed ? failed : synthesize_key_fill(&plan, list, key);
}

int usage_synthesize(const struct synthesize_options *options, struct buf *ret_jsonl,
                     struct synthesize_key *ret_key, struct error *error)
{
    cleanup(call_list_done) struct call_list list = {0};
    cleanup(synthesize_key_done) struct synthesize_key key = {0};
    cleanup(buf_done) struct buf lines;

    check(ret_jsonl->length == 0);
    buf_init(&lines, ret_jsonl->limit);
    arena_init(&key.arena, KEY_BYTES_MAX);
    int failed = check_options(options, error);
    if (failed) {
        return failed;
    }
    failed = make_records(options, &list, &lines, &key);
    if (failed == ERR_LIMIT) {
        return error_set(error, failed, "synthetic records do not fit into %zu bytes", lines.limit);
    }
    if (failed) {
        return error_set(error, failed, "out of memory while synthesizing records");
    }
    buf_done(ret_jsonl);
    *ret_jsonl = lines;
    buf_init(&lines, 0);
    *ret_key = key;
    key = (struct synthesize_key){0};
    return OK;
}
