/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/talk.h"

static const struct {
    enum intent intent;
    enum report_type type;
    const char *answer;
} answers[] = {
    {INTENT_HOSTILE, REPORT_FALLBACK,
     "This asks for something that Netra does not do. Nothing was carried out and nothing was "
     "shown: keys and prompts are not kept, and no prompt can make an action happen."},
    {INTENT_OFF_TOPIC, REPORT_FALLBACK,
     "This is not about the cost, speed or quality of your LLM calls, which is all that Netra "
     "answers."},
    {INTENT_GREETING, REPORT_GUIDANCE,
     "Hello. Netra answers questions about your LLM calls: what they cost, what to change and what "
     "that saves."},
    {INTENT_EMPTY, REPORT_GUIDANCE, "The prompt is empty."},
    {INTENT_UNKNOWN, REPORT_GUIDANCE,
     "The question was not understood, and guessing would help nobody."},
};

static const char *const examples[] = {
    "`I need to reduce costs by 20 % and improve latency by 2x`",
    "`5-minute or 1-hour cache? Audit my KV caching`",
    "`How effective would gpt-4o be in my current setup?`",
    "`What could go to the batch API?`",
    "`Why did last Tuesday cost 40 % more?`",
};

int talk_write(struct run *run)
{
    struct report *report = run->report;
    struct report_section *section;
    int code = report_add_section(report, "answer", "Answer", &section);

    for (size_t i = 0; i < ARRAY_LENGTH(answers) && !code; i++) {
        if (run_has_intent(run, answers[i].intent)) {
            report->type = answers[i].type;
            code = report_add_line(report, &report->summary, str_from(answers[i].answer));
            break;
        }
    }
    if (!code) {
        code =
            report_add_paragraph(report, section, STR("Questions that it answers, for example:"));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(examples) && !code; i++) {
        code = report_add_list_item(report, section, str_from(examples[i]));
    }
    return code ? code
                : report_add_line(report, &report->next_steps,
                                  STR("Ask such a question, with your usage records: "
                                      "`netra ask \"…\" --data FILE`."));
}
