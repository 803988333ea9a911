/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/run_model.h"

#include <stdio.h>

#define NAME_BYTES_MAX 64u

/* Not asked at all, or no connection came about. */
static bool reached_provider(const struct llm_attempt *attempt)
{
    return llm_attempt_was_made(attempt) && !attempt->never_sent;
}

static void add_usage(struct llm_usage *sum, const struct llm_usage *usage)
{
    sum->input_uncached += usage->input_uncached;
    sum->cache_read += usage->cache_read;
    sum->cache_write_5m += usage->cache_write_5m;
    sum->cache_write_1h += usage->cache_write_1h;
    sum->output += usage->output;
    sum->reasoning += usage->reasoning;
}

/* One attempt that reached a provider. Without tokens it must be known to have cost nothing, else
 * the sum of tokens is not known either. */
static void add_attempt(struct run_model *sum, const struct llm_attempt *attempt,
                        const struct price_book *book)
{
    int64_t cost = 0;
    bool has_cost = llm_attempt_cost(attempt, book, &cost);

    sum->provider = attempt->provider_name;
    sum->model = attempt->model;
    sum->attempts++;
    sum->latency_us += attempt->latency_us;
    sum->has_cost = sum->has_cost && has_cost &&
                    !__builtin_add_overflow(sum->cost_pico_usd, cost, &sum->cost_pico_usd);
    if (attempt->usage.is_known) {
        add_usage(&sum->usage, &attempt->usage);
    } else if (!has_cost) {
        sum->usage.is_known = false;
    }
}

void run_model_sum(const struct llm_attempt *attempts, size_t attempt_count,
                   const struct price_book *book, struct run_model *ret_model)
{
    struct run_model sum = {.has_cost = true, .usage = {.is_known = true}};

    for (size_t i = 0; i < attempt_count; i++) {
        if (reached_provider(&attempts[i])) {
            add_attempt(&sum, &attempts[i], book);
        }
    }
    if (!sum.has_cost) {
        sum.cost_pico_usd = 0;
    }
    if (!sum.usage.is_known) {
        sum.usage = (struct llm_usage){0};
    }
    *ret_model = sum;
}

/* ---- why not ---- */

static const char *words_of(const struct llm_attempt *attempt)
{
    switch (attempt->outcome) {
    case LLM_REFUSED:
        return "refused";
    case LLM_LIMITED:
        return "is limited";
    case LLM_FAILED:
        return attempt->never_sent ? "could not be reached" : "failed";
    case LLM_TIMED_OUT:
        return "timed out";
    case LLM_MALFORMED:
        return "gave no usable answer";
    case LLM_BREAKER_OPEN:
        return "is not asked for now, it failed too often";
    case LLM_OVER_BUDGET:
        return "was not asked, the tokens of this run are used up";
    case LLM_CANCELLED:
        return "was cancelled";
    case LLM_ANSWERED:
        break;
    }
    return "answered too late";
}

/* A provider is named once, with what came of its last attempt. */
static bool is_last_of_provider(const struct llm_attempt *attempts, size_t attempt_count,
                                size_t index)
{
    for (size_t i = index + 1; i < attempt_count; i++) {
        if (attempts[i].provider == attempts[index].provider) {
            return false;
        }
    }
    return true;
}

static void append_attempt(const struct llm_attempt *attempt, struct buf *out)
{
    struct str name = attempt->provider_name;

    buf_append(out,
               str_slice(name, 0, name.length < NAME_BYTES_MAX ? name.length : NAME_BYTES_MAX));
    buf_printf(out, " %s", words_of(attempt));
    if (attempt->status && attempt->outcome != LLM_MALFORMED) {
        buf_printf(out, " (%d)", attempt->status);
    }
}

void run_model_why(const struct llm_attempt *attempts, size_t attempt_count,
                   char ret_why[RUN_WHY_BYTES])
{
    bool is_first = true;
    struct buf text;

    buf_init(&text, RUN_WHY_BYTES - 2); /* the full stop and the NUL */
    buf_append(&text, STR("No model answered"));
    for (size_t i = 0; i < attempt_count; i++) {
        if (is_last_of_provider(attempts, attempt_count, i)) {
            buf_append(&text, is_first ? STR(": ") : STR(", "));
            append_attempt(&attempts[i], &text);
            is_first = false;
        }
    }
    (void)snprintf(ret_why, RUN_WHY_BYTES, "%.*s.",
                   STR_ARGS(text.length ? buf_str(&text) : STR("No model answered")));
    buf_done(&text);
}
