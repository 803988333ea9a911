/*
 * What a provider says when it does not answer: how long to wait is read or refused, and the
 * sentence about it is one line of visible UTF-8 that holds no part of the key. The first line of
 * the input makes the key, the rest is what is said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include "base/civil_time.h"
#include "llm/attempt.h"
#include "llm/retry.h"

#define KEY_BYTES  40u
#define PART_BYTES 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_waits(struct str text)
{
    static const int64_t nows[] = {INT64_MIN, 0, INT64_C(784111777000000), INT64_MAX};
    uint64_t first = 0;
    uint64_t ms = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(nows); i++) {
        bool is_read = retry_after_read(text, nows[i], &ms);

        /* The later it is, the shorter is the wait; and time does not change what can be read. */
        check(i == 0 || is_read == retry_after_read(text, nows[0], &first));
        check(!is_read || i == 0 || ms <= first);
    }
    (void)retry_after_ms_read(text, &ms);
}

static bool holds_part_of(const char *failure, struct str key)
{
    for (size_t i = 0; i + PART_BYTES <= key.length; i++) {
        if (str_find(str_from(failure), str_slice(key, i, i + PART_BYTES), 0) != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

static void check_failure(struct str key, struct str text)
{
    char failure[LLM_FAILURE_BYTES];

    attempt_say(failure, key, "", text);
    check(memchr(failure, '\0', sizeof(failure)));
    check(str_is_utf8(str_from(failure)));
    for (const char *at = failure; *at; at++) {
        check((unsigned char)*at >= ' ' && *at != 0x7f);
    }
    check(!holds_part_of(failure, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    char key[KEY_BYTES];
    size_t length = 0;
    size_t at = 0;

    for (; at < size && data[at] != '\n'; at++) {
        if (length < KEY_BYTES) {
            key[length++] = (char)('!' + data[at] % ('~' - '!' + 1));
        }
    }
    text = str_slice(text, at, size);
    check_waits(str_trim(text));
    check_failure((struct str){key, length}, text);
    return 0;
}
