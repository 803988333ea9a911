/*
 * Any bytes as what a target has written: read or refused with a message, and what was read is in
 * bounds. The first byte chooses the verb, the second how it ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include "deploy/target.h"

#define ARENA_BYTES ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str text)
{
    check(text.length <= TARGET_TEXT_BYTES_MAX && str_is_utf8(text));
    for (size_t i = 0; i < text.length; i++) {
        check((unsigned char)text.data[i] >= 0x20 && text.data[i] != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int ends[] = {0, 1, TARGET_EXIT_NOT_YET, -1};
    struct target_answer answer;
    struct error error = {0};
    struct arena arena;

    if (size < 2) {
        return 0;
    }
    arena_init(&arena, ARENA_BYTES);
    int code = target_read_answer((enum target_verb)(data[0] % TARGET_VERB_COUNT),
                                  (struct str){(const char *)data + 2, size - 2},
                                  ends[data[1] % ARRAY_LENGTH(ends)], &arena, &answer, &error);
    check(code == OK || error.message[0]);
    if (code == OK) {
        check(answer.service_count <= TARGET_SERVICES_MAX && answer.cost_count <= TARGET_COSTS_MAX);
        check(answer.result != TARGET_FAILED || answer.error_message.length);
        check_text(answer.error_message);
        check_text(answer.reason);
        check_text(answer.url);
        check(answer.url.length == 0 || str_starts_with(answer.url, STR("http")));
        check(answer.revision.length == 0 || target_is_id(answer.revision));
    }
    arena_done(&arena);
    return 0;
}
