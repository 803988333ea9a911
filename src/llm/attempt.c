/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/attempt.h"

#include "base/check.h"
#include "base/error.h"
#include "report/visible.h"

#define KEY_PART_BYTES 8u

const char *llm_outcome_name(enum llm_outcome outcome)
{
    static const char *const names[] = {
        [LLM_ANSWERED] = "answered",         [LLM_REFUSED] = "refused",
        [LLM_LIMITED] = "limited",           [LLM_FAILED] = "failed",
        [LLM_TIMED_OUT] = "timed_out",       [LLM_MALFORMED] = "malformed",
        [LLM_BREAKER_OPEN] = "breaker_open", [LLM_OVER_BUDGET] = "over_budget",
        [LLM_CANCELLED] = "cancelled",
    };

    check((size_t)outcome < ARRAY_LENGTH(names));
    return names[outcome];
}

static struct attempt_verdict verdict(enum llm_outcome outcome, enum attempt_then then,
                                      enum breaker_news news)
{
    return (struct attempt_verdict){outcome, then, news};
}

static struct attempt_verdict judge_start(int code)
{
    return verdict(LLM_FAILED, code == ERR_INVALID ? ATTEMPT_NEXT : ATTEMPT_RETRY,
                   BREAKER_SAYS_NOTHING);
}

static struct attempt_verdict judge_status(int status)
{
    switch (status) {
    case 429:
        return verdict(LLM_LIMITED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
    case 408:
        return verdict(LLM_TIMED_OUT, ATTEMPT_RETRY, BREAKER_SAYS_NOTHING);
    case 409:
        return verdict(LLM_FAILED, ATTEMPT_RETRY, BREAKER_SAYS_NOTHING);
    default:
        break;
    }
    if (status >= 500) {
        return verdict(LLM_FAILED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
    }
    return verdict(LLM_REFUSED, ATTEMPT_NEXT, BREAKER_SAYS_NOTHING);
}

static struct attempt_verdict judge_reading(const struct attempt_end *end)
{
    switch (end->reading) {
    case ERR_IO:
        return verdict(end->is_limited ? LLM_LIMITED : LLM_FAILED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
    case ERR_NO_MEMORY:
        return verdict(LLM_FAILED, ATTEMPT_RETRY, BREAKER_SAYS_NOTHING);
    default:
        return verdict(LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_BAD);
    }
}

static struct attempt_verdict judge_code(const struct attempt_end *end)
{
    switch (end->code) {
    case ERR_TIMEOUT:
        return verdict(LLM_TIMED_OUT, end->had_its_time ? ATTEMPT_NEXT : ATTEMPT_RETRY,
                       BREAKER_WENT_BAD);
    case ERR_LIMIT:
        return verdict(LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_BAD);
    case ERR_NO_MEMORY:
        return verdict(LLM_FAILED, ATTEMPT_RETRY, BREAKER_SAYS_NOTHING);
    default:
        return verdict(LLM_FAILED, ATTEMPT_RETRY, BREAKER_WENT_BAD);
    }
}

/* Whole, but of use? A provider that says no or all that we let it say works well. */
static struct attempt_verdict judge_answer(const struct attempt_end *end)
{
    if (end->stop == LLM_STOP_REFUSED) {
        return verdict(LLM_REFUSED, ATTEMPT_NEXT, BREAKER_WENT_WELL);
    }
    if (end->stop == LLM_STOP_LENGTH) {
        return verdict(LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_WELL);
    }
    if (end->is_empty) {
        return verdict(LLM_MALFORMED, ATTEMPT_NEXT, BREAKER_WENT_BAD);
    }
    return verdict(LLM_ANSWERED, ATTEMPT_ANSWERED, BREAKER_WENT_WELL);
}

struct attempt_verdict attempt_judge(const struct attempt_end *end)
{
    if (!end->was_started) {
        return judge_start(end->code);
    }
    if (end->status && !attempt_is_success(end->status)) {
        return judge_status(end->status);
    }
    if (end->reading) {
        return judge_reading(end);
    }
    return end->code ? judge_code(end) : judge_answer(end);
}

/* Bytes at the beginning of text that stand in a row in the key. O(key). */
static size_t key_part_length(struct str text, struct str key)
{
    size_t longest = 0;

    for (size_t i = 0; i < key.length; i++) {
        size_t length = 0;

        while (i + length < key.length && length < text.length &&
               key.data[i + length] == text.data[length]) {
            length++;
        }
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* The visible part of a text, as much of it as there is room for. */
static struct str keep_visible(struct str text, char *room, size_t room_bytes)
{
    struct str result = {room, 0};
    struct str piece;
    unsigned width;

    for (size_t at = 0; visible_next(text, &at, &piece, &width);) {
        if (piece.length > room_bytes - result.length) {
            break;
        }
        memcpy(room + result.length, piece.data, piece.length);
        result.length += piece.length;
    }
    return result;
}

void attempt_say(char ret_failure[LLM_FAILURE_BYTES], struct str key, const char *before,
                 struct str text)
{
    char room[2 * LLM_FAILURE_BYTES];
    struct str visible = keep_visible(text, room, sizeof(room));
    size_t used = strnlen(before, LLM_FAILURE_BYTES - 1);
    struct str piece;
    unsigned width;

    memcpy(ret_failure, before, used);
    for (size_t at = 0; at < visible.length;) {
        size_t hidden = key_part_length(str_slice(visible, at, visible.length), key);

        if (hidden && (hidden >= KEY_PART_BYTES || hidden == key.length)) {
            piece = STR("…");
            at += hidden;
        } else if (!visible_next(visible, &at, &piece, &width)) {
            break;
        }
        if (piece.length >= LLM_FAILURE_BYTES - used) {
            break;
        }
        memcpy(ret_failure + used, piece.data, piece.length);
        used += piece.length;
    }
    ret_failure[used] = '\0';
}
