/*
 * Asking a model and hearing its answer: the public half of run.h that concerns it. One question is
 * open at a time; who drives the run answers it between two steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "agent/prompts.h"
#include "agent/run_state.h"
#include "base/check.h"
#include "tool/content_digest.h"

#define SENTENCE_BYTES_MAX 2048u
#define WHY_BYTES_MAX      512u

/* What nobody took part in, in the words of the caveat; the bit of a purpose is its place. */
static const struct {
    const char *purpose;
    const char *words;
} purposes[] = {
    {"interpret", "reading the question"},
    {"plan", "choosing analyses"},
    {"write", "writing the summary"},
    {"repair", "repairing its summary"},
};

/* ---- asking ---- */

/* Sixteen hex digits of the run's id and question; the id is random, so nobody can write them into
 * a text beforehand. */
static int make_token(struct run *run)
{
    struct dialogue *dialogue = &run->dialogue;
    char text[CONTENT_DIGEST_BYTES];
    struct content_digest digest;
    int code = content_digest_init(&digest);

    if (code) {
        return code;
    }
    content_digest_add(&digest, run->options.id);
    content_digest_add(&digest, STR("\n"));
    content_digest_add(&digest, run->options.prompt);
    content_digest_print(&digest, text);
    content_digest_done(&digest);
    (void)snprintf(dialogue->token, sizeof(dialogue->token), "%s",
                   strchr(text, ':') + 1); /* cut to size */
    return OK;
}

int model_begin(struct run *run)
{
    return run->dialogue.token[0] ? OK : make_token(run);
}

int model_ask(struct run *run, const struct model_asking *asking, bool *ret_asked)
{
    struct dialogue *dialogue = &run->dialogue;

    check(!dialogue->is_open && dialogue->token[0]);
    *ret_asked = dialogue->asked < RUN_QUESTIONS_MAX;
    if (!*ret_asked) {
        return OK;
    }
    dialogue->request = (struct llm_request){
        .system = asking->system,
        .messages = asking->messages,
        .message_count = asking->message_count,
        .tools = asking->tools,
        .tool_count = asking->tool_count,
        .answer_schema = asking->answer_schema,
        .answer_name = asking->answer_name,
        .output_tokens_max = MODEL_OUTPUT_TOKENS_MAX,
    };
    dialogue->question = (struct run_question){
        .index = dialogue->asked++,
        .purpose = asking->purpose,
        .prompt = prompt_find(asking->purpose)->id,
        .request = &dialogue->request,
        .is_streamed = asking->is_streamed,
    };
    dialogue->take = asking->take;
    dialogue->is_open = true;
    run_tell(run, (struct run_event){.kind = RUN_MODEL_ASKED,
                                     .name = asking->purpose,
                                     .index = dialogue->question.index});
    return OK;
}

const struct run_question *run_question(const struct run *run)
{
    return run->dialogue.is_open ? &run->dialogue.question : NULL;
}

void run_hear(struct run *run, struct str delta)
{
    if (run->dialogue.is_open && run->dialogue.question.is_streamed) {
        model_text_hear(run, delta);
    }
}

void run_unhear(struct run *run)
{
    if (run->dialogue.is_open && run->dialogue.question.is_streamed) {
        model_text_withdraw(run, "the model broke off, another attempt begins");
        model_text_reset(run);
    }
}

/* ---- answers ---- */

/* The end of what a quotation opens at from: the last sign that closes it, or the end. */
static size_t end_of_quote(const char *message, size_t from, char closing)
{
    size_t length = strlen(message);
    size_t end = length;

    while (end > from + 1 && message[end - 1] != closing) {
        end--;
    }
    return end > from + 1 ? end : length;
}

/* The sign that closes what opens here, or 0. A single quote opens behind a space only ("Netra's"),
 * and a JSON pointer in such ones is ours. */
static char closing_at(const char *message, size_t at)
{
    static const char opening[] = "\"`{";
    static const char closing[] = "\"`}";
    const char *found = strchr(opening, message[at]);

    if (found) {
        return closing[found - opening];
    }
    return message[at] == '\'' && at > 0 && message[at - 1] == ' ' && message[at + 1] != '/' ? '\''
                                                                                             : '\0';
}

void model_without_quotes(const char *message, char ret_text[ERROR_MESSAGE_BYTES_MAX])
{
    size_t used = 0;

    for (size_t at = 0; message[at] && message[at] != ';' && used + 8 < ERROR_MESSAGE_BYTES_MAX;) {
        char end = closing_at(message, at);

        if (!end) {
            ret_text[used++] = message[at++];
            continue;
        }
        used += (size_t)snprintf(ret_text + used, 8, "%c…%c", message[at], end);
        at = end_of_quote(message, at, end);
    }
    ret_text[used] = '\0';
}

/* Nobody answered: the report will say so, with the reason of the first time. */
static int note_silence(struct run *run, const char *why)
{
    struct dialogue *dialogue = &run->dialogue;

    for (unsigned i = 0; i < ARRAY_LENGTH(purposes); i++) {
        if (strcmp(dialogue->question.purpose, purposes[i].purpose) == 0) {
            dialogue->silent |= 1u << i;
        }
    }
    if (dialogue->why.length == 0) {
        size_t length = strlen(why);

        dialogue->why = arena_copy(
            &run->arena, (struct str){why, length < WHY_BYTES_MAX ? length : WHY_BYTES_MAX});
    }
    return dialogue->why.data ? OK : ERR_NO_MEMORY;
}

/* Who was asked in vain is not named as who answered; what that cost is. */
static int add_model_call(struct run *run, bool is_answered, const struct run_model *model,
                          const char *failure)
{
    const struct run_question *question = &run->dialogue.question;
    struct report_model_call call = {
        .purpose = str_from(question->purpose),
        .prompt = question->prompt,
        .outcome = failure ? str_from(failure) : STR("used"),
    };

    if (model) {
        call.provider = is_answered ? model->provider : STR("");
        call.model = is_answered ? model->model : STR("");
        call.has_tokens = model->usage.is_known;
        call.input_tokens = llm_usage_input(&model->usage);
        call.output_tokens = model->usage.output;
        call.has_cost = model->has_cost;
        call.cost_pico_usd = model->cost_pico_usd;
        call.attempts = model->attempts;
    }
    return report_add_model_call(run->report, &call);
}

int run_answer(struct run *run, const struct llm_answer *answer, const struct run_model *model,
               const char *why, struct error *error)
{
    struct dialogue *dialogue = &run->dialogue;
    char said[ERROR_MESSAGE_BYTES_MAX];
    struct error refusal = {0};
    const char *failure = why && why[0] ? why : "no model answered";
    int code;

    check(dialogue->is_open);
    if (answer) {
        code = dialogue->take(run, answer, model, &refusal);
        model_without_quotes(refusal.message, said);
        failure = code ? said : NULL;
        code = code == ERR_INVALID ? OK : code;
    } else {
        model_text_withdraw(run, failure);
        model_text_reset(run);
        code = note_silence(run, failure);
    }
    code = code ? code : add_model_call(run, answer != NULL, model, failure);
    if (code) {
        return error_set(error, code, "cannot take the answer of a model: %s",
                         error_code_text(code));
    }
    run_tell(run, (struct run_event){.kind = RUN_MODEL_ANSWERED,
                                     .name = dialogue->question.purpose,
                                     .index = dialogue->question.index,
                                     .failure = failure,
                                     .model = model});
    dialogue->is_open = false;
    return OK;
}

/* ---- what the report says of it ---- */

/* "reading the question, choosing analyses and writing the summary" */
static void append_silent(const struct dialogue *dialogue, struct buf *out)
{
    unsigned left = dialogue->silent;

    for (unsigned i = 0; i < ARRAY_LENGTH(purposes); i++) {
        if (!(dialogue->silent & 1u << i)) {
            continue;
        }
        left &= ~(1u << i);
        buf_append(out, str_from(purposes[i].words));
        if (left) {
            buf_append(out, left & (left - 1) ? STR(", ") : STR(" and "));
        }
    }
}

int model_add_caveat(struct run *run)
{
    struct dialogue *dialogue = &run->dialogue;
    struct buf text;

    if (!dialogue->silent) {
        return OK;
    }
    buf_init(&text, SENTENCE_BYTES_MAX);
    buf_append(&text, STR("No model took part in "));
    append_silent(dialogue, &text);
    buf_append(&text, run->report->summary_by.length
                          ? STR(". Why: ")
                          : STR("; this report is in Netra's own words. Why: "));
    report_append_name(&text, dialogue->why);
    int code = buf_status(&text)
                   ? buf_status(&text)
                   : report_add_line(run->report, &run->report->caveats, buf_str(&text));
    buf_done(&text);
    return code;
}

void model_free(struct run *run)
{
    model_text_reset(run);
    buf_done(&run->model_text.heard);
    offer_done(&run->model_text.offer);
}
