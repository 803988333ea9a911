/*
 * The text of an answer on its way through the judge. It may be heard piece by piece or come whole;
 * observers are told the same either way: started before its first words, withdrawn when it is
 * refused after words were shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

#define SHOWN_BYTES_MAX ((size_t)1 << 20) /* words of one text with its numbers filled in */

void model_text_show(struct run *run, struct str words)
{
    struct model_text *text = &run->model_text;

    if (words.length == 0) {
        return;
    }
    if (!text->is_shown) {
        text->is_shown = true;
        run_tell(run, (struct run_event){.kind = RUN_TEXT_STARTED});
    }
    run_tell(run, (struct run_event){.kind = RUN_TEXT, .text = words});
}

void model_text_withdraw(struct run *run, const char *why)
{
    char said[ERROR_MESSAGE_BYTES_MAX];

    if (run->model_text.is_shown) {
        run->model_text.is_shown = false;
        model_without_quotes(why, said);
        run_tell(run, (struct run_event){.kind = RUN_TEXT_WITHDRAWN, .failure = said});
    }
}

void model_text_reset(struct run *run)
{
    struct model_text *text = &run->model_text;

    prose_free(text->prose);
    text->prose = NULL;
    buf_clear(&text->heard);
    text->refusal = (struct error){0};
}

/* What the judge says of more bytes, or of the end; nothing after a refusal. */
static int judge(struct run *run, const struct str *bytes)
{
    struct model_text *text = &run->model_text;
    struct buf words;
    int code = text->prose ? OK : prose_new(&text->rules, &text->prose);

    if (code || text->refusal.code) {
        return code;
    }
    buf_init(&words, SHOWN_BYTES_MAX);
    code = bytes ? prose_feed(text->prose, *bytes, &words, &text->refusal)
                 : prose_finish(text->prose, &words, &text->refusal);
    if (code != ERR_NO_MEMORY) {
        model_text_show(run, buf_str(&words));
    }
    if (code == ERR_INVALID || code == ERR_LIMIT) {
        model_text_withdraw(run, text->refusal.message);
        code = OK; /* text->refusal has it */
    }
    code = code ? code : buf_status(&words);
    buf_done(&words);
    return code;
}

static int feed(struct run *run, struct str bytes)
{
    struct model_text *text = &run->model_text;

    if (text->refusal.code || bytes.length == 0) {
        return OK;
    }
    if (bytes.length > LLM_TEXT_BYTES_MAX - text->heard.length) {
        error_set(&text->refusal, ERR_INVALID, "the text is longer than %u bytes",
                  LLM_TEXT_BYTES_MAX);
        model_text_withdraw(run, text->refusal.message);
        return OK;
    }
    buf_append(&text->heard, bytes);
    int code = buf_status(&text->heard);
    return code ? code : judge(run, &bytes);
}

void model_text_hear(struct run *run, struct str delta)
{
    if (!run->model_text.failure) {
        run->model_text.failure = feed(run, delta);
    }
}

int model_text_judge(struct run *run, struct str answer, struct error *refusal)
{
    struct model_text *text = &run->model_text;

    if (text->failure) {
        return text->failure;
    }
    if (!str_starts_with(answer, buf_str(&text->heard))) {
        model_text_withdraw(run, "the answer is another text than what came of it");
        model_text_reset(run);
    }
    int code = feed(run, str_slice(answer, text->heard.length, answer.length));
    code = code ? code : judge(run, /* the end */ NULL);
    if (!code && text->refusal.code) {
        *refusal = text->refusal;
        code = ERR_INVALID;
    }
    return code;
}
