/*
 * The prompts that Netra has to answer well, each with its follow-ups in the same thread, about the
 * records of the made-up team. A prompt is accepted when its run finishes, every fact of its report
 * is derived again without a difference, and each part of the question is either answered or named
 * as unknown with what it needs: each unknown is a finding of its own, so that it is counted and
 * read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "verify/checks.h"
#include "verify/hearing.h"

#define UNKNOWN_MAX 30u /* of a report that get a finding each; all are counted */

struct prompt {
    const char *id;
    const char *text;
    bool is_follow_up; /* in the thread of the prompt before */
};

static const struct prompt prompts[] = {
    {"reduce_and_grow",
     "I need to reduce costs by 20 % and improve latency by 2x; I also expect a 30 % increase in "
     "usage",
     false},
    {"reduce_and_grow.keep_opus", "keep support on opus", true},
    {"reduce_and_grow.doubles", "and if traffic doubles?", true},
    {"two_latencies",
     "For feature X I accept 500 ms, for Y keep 200 ms; reduce costs but keep quality", false},
    {"agent_growth",
     "I expect a 50 % increase in agent usage next month: what happens to costs and rate limits?",
     false},
    {"other_models", "How effective would gpt-4o or claude-sonnet be in my current setup?", false},
    {"caching_audit",
     "Audit all uses of KV caching and find what I leave on the table; 5-minute or 1-hour cache?",
     false},
    {"upgrade",
     "Was yesterday's upgrade to GPT-5 worth it? Roll back where quality didn't improve but cost "
     "went up",
     false},
    {"mini_model", "Move the chat to a mini model? Validate the quality impact", false},
    {"why_tuesday", "Why did last Tuesday cost 40 % more?", false},
    {"slow_tools", "My tools are too slow; 3x faster at the same money", false},
    {"batch", "What could go to the batch API?", false},
};

struct facts {
    size_t computed, bounded, unknown;
    size_t unnamed; /* unknown without what they need */
};

/* Says each fact that is unknown, and counts all. */
static void count_facts(struct inquiry *inquiry, const struct prompt *prompt,
                        struct json_value report, struct facts *ret_facts)
{
    struct facts *facts = ret_facts;

    *facts = (struct facts){0};
    for (struct json_iterator it = json_iterate(json_at(report, "facts")); json_next(&it);) {
        char id[INQUIRY_ID_BYTES];
        struct str label = {0};
        struct str needs = {0};

        facts->computed += answer_is(it.value, "state", "computed");
        facts->bounded += answer_is(it.value, "state", "bounded");
        if (!answer_is(it.value, "state", "unknown")) {
            continue;
        }
        facts->unknown++;
        (void)json_get_str(json_at(it.value, "label"), &label);
        bool is_named = json_get_str(json_at(it.value, "needs"), &needs) && needs.length > 0;
        facts->unnamed += !is_named;
        if (facts->unknown <= UNKNOWN_MAX) {
            (void)snprintf(id, sizeof(id), "%s.unknown_%zu", prompt->id, facts->unknown);
            (void)found(inquiry, id, is_named, "a value, or unknown and what it needs",
                        "%.*s: unknown, needs %.*s", STR_ARGS(label), STR_ARGS(needs));
        }
    }
}

/* Says each part of the question that stays open, with what it needs; how many there are. */
static size_t name_needs(struct inquiry *inquiry, const struct prompt *prompt,
                         struct json_value report)
{
    size_t count = 0;

    for (struct json_iterator it = json_iterate(json_at(report, "needs")); json_next(&it);) {
        char id[INQUIRY_ID_BYTES];
        struct str text = {0};
        bool is_said = json_get_str(json_at(it.value, "rendered"), &text) && text.length > 0;

        (void)snprintf(id, sizeof(id), "%s.open_%zu", prompt->id, ++count);
        if (count <= UNKNOWN_MAX) {
            (void)found(inquiry, id, is_said, "an answer, or what it needs", "%.*s",
                        STR_ARGS(text));
        }
    }
    return count;
}

/* Whether every fact was derived again without a difference. */
static void judge_recompute(struct inquiry *inquiry, const struct prompt *prompt,
                            const struct heard_run *run)
{
    cleanup(answer_done) struct answer answer = {0};
    char path[INQUIRY_PATH_BYTES];
    char id[INQUIRY_ID_BYTES];

    (void)snprintf(path, sizeof(path), "/api/reports/%s/recompute", run->report_id);
    (void)snprintf(id, sizeof(id), "%s.recompute", prompt->id);
    (void)ask(inquiry,
              &(struct question){.method = "POST", .path = path, .token = inquiry->work.token},
              &answer);
    int64_t different = answer_number(answer.root, "different");
    int64_t missing = answer_number(answer.root, "missing");
    (void)found(inquiry, id, answer.what.status == 200 && different == 0 && missing == 0,
                "every fact derived again, none different",
                "HTTP %d: %" PRId64 " facts, %" PRId64 " different, %" PRId64 " missing",
                answer.what.status, answer_number(answer.root, "facts"), different, missing);
}

static void judge_report(struct inquiry *inquiry, const struct prompt *prompt,
                         const struct heard_run *run)
{
    cleanup(answer_done) struct answer answer = {0};
    char path[INQUIRY_PATH_BYTES];
    char type[INQUIRY_ID_BYTES];
    char id[INQUIRY_ID_BYTES];
    struct facts facts;

    (void)snprintf(path, sizeof(path), "/api/reports/%s.json", run->report_id);
    (void)ask(inquiry, &(struct question){.path = path, .token = inquiry->work.token}, &answer);
    (void)ANSWER_TEXT(answer.root, "report_type", type);
    count_facts(inquiry, prompt, answer.root, &facts);
    size_t needs = name_needs(inquiry, prompt, answer.root);
    size_t next_steps = json_count(json_at(answer.root, "next_steps"));
    bool is_answered = facts.computed + facts.bounded > 0 || needs > 0;
    (void)snprintf(id, sizeof(id), "%s.report", prompt->id);
    (void)found(inquiry, id, type[0] && is_answered && facts.unnamed == 0 && next_steps > 0,
                "a report of some type with facts or named needs, and next steps",
                "%s: %zu facts computed, %zu bounded, %zu unknown (%zu unnamed); %zu needs, %zu "
                "next steps",
                type, facts.computed, facts.bounded, facts.unknown, facts.unnamed, needs,
                next_steps);
    judge_recompute(inquiry, prompt, run);
}

static void judge_prompt(struct inquiry *inquiry, struct hearing *hearing,
                         const struct prompt *prompt, char thread_id[INQUIRY_ID_BYTES])
{
    struct heard_run run = {0};
    char id[INQUIRY_ID_BYTES];
    bool has_finished =
        hearing_ask(hearing,
                    &(struct heard_request){.prompt = prompt->text,
                                            .thread_id = prompt->is_follow_up ? thread_id : NULL,
                                            .dataset = inquiry->work.dataset},
                    &run);

    (void)snprintf(id, sizeof(id), "%s.run", prompt->id);
    if (found(inquiry, id, has_finished && run.has_interpretation,
              "it finishes, and says how it was understood", "%s %s%s", heard_end_name(run.end),
              run.failure, run.has_interpretation ? "" : "; no interpretation")) {
        judge_report(inquiry, prompt, &run);
    }
    if (run.thread_id[0]) {
        memcpy(thread_id, run.thread_id, INQUIRY_ID_BYTES);
    }
    heard_run_done(&run);
}

void check_acceptance(struct inquiry *inquiry)
{
    const char *needs = workplace_prepare(inquiry);
    char thread_id[INQUIRY_ID_BYTES] = "";
    struct hearing hearing;

    if (needs) {
        not_exercised(inquiry, "prompts", needs);
        return;
    }
    bool is_open =
        hearing_open(inquiry, &(struct heard_options){.token = inquiry->work.token}, &hearing);
    if (found(inquiry, "connection", is_open, "a WebSocket", "HTTP %d", hearing.handshake.status)) {
        for (size_t i = 0; i < ARRAY_LENGTH(prompts) && !inquiry_is_over(inquiry); i++) {
            inquiry_progress(inquiry, prompts[i].id, (unsigned)i, ARRAY_LENGTH(prompts));
            judge_prompt(inquiry, &hearing, &prompts[i], thread_id);
        }
    }
    hearing_close(&hearing);
}
