/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/preview.h"

#define NOBODY "nobody is asked: this is a preview"

static int show(const struct run_question *question, const struct llm_provider *provider,
                preview_fn fn, void *arg)
{
    struct buf text;

    buf_init(&text, PREVIEW_BYTES_MAX);
    llm_print_request(provider, question->request, &text);
    int code = buf_status(&text) ? buf_status(&text) : fn(question, buf_str(&text), arg);
    buf_done(&text);
    return code;
}

int run_preview(const struct run_options *options, const struct llm_provider *provider,
                preview_fn fn, void *arg, struct error *error)
{
    cleanup(run_free_pointer) struct run *run = NULL;
    struct run_options quiet = *options;
    bool done = false;

    quiet.has_model = true;
    quiet.observer = NULL;
    int code = run_new(&quiet, &run, error);
    while (!code && !done) {
        code = run_step(run, &done, error);
        if (code || !run_question(run)) {
            continue;
        }
        code = show(run_question(run), provider, fn, arg);
        if (code) {
            return error_set(error, code, "cannot show the request: %s", error_code_text(code));
        }
        code = run_answer(run, /* answer */ NULL, /* model */ NULL, NOBODY, error);
    }
    return code;
}
