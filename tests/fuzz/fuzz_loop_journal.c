/*
 * Any bytes as a loop's journal: as they are, and once more with the right hash behind each line,
 * which no fuzzer finds by itself. What is accepted gives a position or is refused, its times can
 * be compared, and nothing is read beyond the input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "deploy/loop_course.h"
#include "deploy/loop_journal_line.h"
#include "deploy/loop_options.h"

#define TEXT_BYTES_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(struct str text)
{
    cleanup(loop_journal_free_pointer) struct loop_journal *journal = NULL;
    cleanup(arena_done) struct arena arena = {0};
    struct loop_contradictions times = {.count = 0};
    struct loop_position at = {.cycle = 0};
    struct error error = {0};

    arena_init(&arena, TEXT_BYTES_MAX);
    check(loop_journal_new(&journal) == OK);
    int code = loop_journal_parse(journal, text, &error);
    check(code == OK || ((code == ERR_INVALID || code == ERR_LIMIT) && error.message[0]));
    check(journal->sound_bytes <= text.length);
    check(loop_check_times(journal, &arena, &times) == OK);
    check(times.count <= LOOP_CONTRADICTIONS_MAX);
    code = loop_position_of(journal, LOOP_CYCLES_MAX, &at, &error);
    check(code == ERR_INVALID || (at.cycle >= 1 && at.cycle <= LOOP_CYCLES_MAX));
    for (unsigned cycle = 0; cycle < 4; cycle++) {
        (void)loop_is_nothing_new(journal, cycle);
    }
}

/* Each line of the input becomes the body of a line of the chain. */
static void chain(struct str text, struct buf *out)
{
    char hash[DIGEST_TEXT_BYTES];
    size_t begin = 0;

    memset(hash, '0', sizeof(hash) - 1);
    hash[sizeof(hash) - 1] = '\0';
    while (begin < text.length) {
        size_t end = str_find(text, STR("\n"), begin);
        struct str body = str_slice(text, begin, end == SIZE_MAX ? text.length : end);

        check(loop_journal_line_hash(hash, body, hash) == OK);
        buf_append(out, body);
        buf_printf(out, LOOP_JOURNAL_HASH_NAME "%s\"}\n", hash);
        begin += body.length + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup(buf_done) struct buf chained = {0};
    struct str text = {(const char *)data, size};

    look_at(text);
    buf_init(&chained, TEXT_BYTES_MAX);
    chain(text, &chained);
    if (buf_status(&chained) == OK) {
        look_at(buf_str(&chained));
    }
    return 0;
}
