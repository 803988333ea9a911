/*
 * The parts of messages that every purpose needs: fences around data, the question, what was
 * understood of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

int model_keep(struct run *run, struct buf *text, struct str *ret_text)
{
    struct str copy = arena_copy(&run->arena, buf_str(text));
    int code = buf_status(text) ? buf_status(text) : copy.data ? OK : ERR_NO_MEMORY;

    buf_clear(text);
    if (!code) {
        *ret_text = copy;
    }
    return code;
}

void model_append_json(struct buf *out, struct str json)
{
    size_t from = 0;

    /* '<' stands in JSON only inside of texts, where an escape means the same */
    for (size_t i = 0; i < json.length; i++) {
        if (json.data[i] == '<') {
            buf_append(out, str_slice(json, from, i));
            buf_append(out, STR("\\u003c"));
            from = i + 1;
        }
    }
    buf_append(out, str_slice(json, from, json.length));
}

int model_keep_said(struct run *run, struct str said, struct str *ret_copy)
{
    struct buf text;

    buf_init(&text, 8 * (size_t)LLM_TEXT_BYTES_MAX);
    model_append_json(&text, said);
    int code = model_keep(run, &text, ret_copy);
    buf_done(&text);
    return code;
}

void model_fence(const struct run *run, const char *name, struct str json, struct buf *out)
{
    buf_printf(out, "<data %s-%s>\n", name, run->dialogue.token);
    model_append_json(out, json);
    buf_printf(out, "\n</data %s-%s>\n", name, run->dialogue.token);
}

/* The beginning of a text that fits, up to a character. */
static struct str head_of(struct str text, size_t bytes_max)
{
    size_t end = text.length < bytes_max ? text.length : bytes_max;

    while (end < text.length && end > 0 && ((unsigned char)text.data[end] & 0xc0) == 0x80) {
        end--;
    }
    return str_slice(text, 0, end);
}

void model_fence_question(const struct run *run, struct buf *out)
{
    struct str question = head_of(run->options.prompt, MODEL_QUESTION_BYTES_MAX);
    struct buf json;

    buf_init(&json, MODEL_MATERIAL_BYTES_MAX);
    struct json_writer w = json_writer_on(&json);
    json_put_str(&w, question);
    if (buf_status(&json) && !out->status) {
        out->status = buf_status(&json);
    }
    model_fence(run, "question", buf_str(&json), out);
    buf_done(&json);
    model_fence(run, "interpretation", run->interpretation_json, out);
}
