/*
 * write: the summary in a model's words, numbers by naming facts. The judge of prose.h stands
 * between it and whoever reads along, the gate of the whole report between it and the report; what
 * either refuses is repaired once, then the built-in summary stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/prompts.h"
#include "agent/run_state.h"
#include "report/template.h"

#define ACTIONS_MAX 24u /* as many are told */

/* ---- taking ---- */

static int replace_summary(struct run *run, const struct report_lines *paragraphs)
{
    struct report *report = run->report;
    int code = OK;

    report->summary = (struct report_lines){0};
    for (size_t i = 0; i < paragraphs->count && !code; i++) {
        code = report_add_line(report, &report->summary, paragraphs->lines[i]);
    }
    if (!code && run->gap_count) {
        code = reporting_add_unknowns(run);
    }
    return code;
}

static bool names_fact(const struct report_lines *lines, struct str id)
{
    struct template_piece piece;

    for (size_t i = 0; i < lines->count; i++) {
        for (size_t at = 0; template_next(lines->lines[i], &at, &piece);) {
            if (piece.kind == TEMPLATE_FACT && str_equal(piece.text, id)) {
                return true;
            }
        }
    }
    return false;
}

/* Words without any number of the summary that they replace could say anything. */
static int judge_content(const struct report_lines *built_in, const struct report_lines *paragraphs,
                         struct error *refusal)
{
    struct template_piece piece;
    bool has_facts = false;

    for (size_t i = 0; i < built_in->count; i++) {
        for (size_t at = 0; template_next(built_in->lines[i], &at, &piece);) {
            has_facts |= piece.kind == TEMPLATE_FACT;
            if (piece.kind == TEMPLATE_FACT && names_fact(paragraphs, piece.text)) {
                return OK;
            }
        }
    }
    return has_facts ? error_set(refusal, ERR_INVALID,
                                 "the text names no fact that Netra's own summary names")
                     : OK;
}

/* The report with the text in it must hold as a whole, else it is as it was. */
static int take_summary(struct run *run, const struct run_model *model, struct error *refusal)
{
    struct report *report = run->report;
    struct report_lines built_in = report->summary;
    struct str name = model ? model->model : STR("a model");
    struct str by =
        model && model->provider.length
            ? arena_printf(&report->arena, "%.*s/%.*s", STR_ARGS(model->provider), STR_ARGS(name))
            : arena_copy(&report->arena, name);
    const struct report_lines *paragraphs = prose_paragraphs(run->model_text.prose);
    int code = by.data ? judge_content(&built_in, paragraphs, refusal) : ERR_NO_MEMORY;

    code = code ? code : replace_summary(run, paragraphs);
    if (!code) {
        code = report_gate(report, /* ret_count */ NULL, refusal);
    }
    if (code) {
        report->summary = built_in;
        return code;
    }
    report->summary_by = by;
    return OK;
}

/* The first refusal is told to who wrote the text. */
static int keep_refused(struct run *run, struct str refused, const struct error *refusal)
{
    struct model_text *text = &run->model_text;

    if (text->refused.length) {
        return OK;
    }
    /* providers take no empty messages */
    int code =
        model_keep_said(run, str_trim(refused).length ? refused : STR("(no text)"), &text->refused);
    text->refusal_said = arena_copy(&run->arena, str_from(refusal->message));
    text->wants_repair = true;
    return !code && text->refusal_said.data ? OK : ERR_NO_MEMORY;
}

static int take(struct run *run, const struct llm_answer *answer, const struct run_model *model,
                struct error *refusal)
{
    bool is_whole = answer->stop != LLM_STOP_LENGTH && answer->stop != LLM_STOP_REFUSED;
    int code = model_text_judge(run, answer->text, refusal);

    if (!code && !is_whole) {
        code = error_set(refusal, ERR_INVALID, "the text is not whole (%s)",
                         llm_stop_name(answer->stop));
    }
    code = code ? code : take_summary(run, model, refusal);
    if (code) {
        model_text_withdraw(run, refusal->message);
    } else if (run->model_text.is_shown) {
        if (run->gap_count) { /* Netra's own last sentence is read with the others */
            model_text_show(run, STR("\n"));
            model_text_show(run, run->report->summary.lines[run->report->summary.count - 1]);
        }
        run->model_text.is_shown = false;
        run_tell(run, (struct run_event){.kind = RUN_TEXT_FINISHED});
    }
    model_text_reset(run);
    if (code == ERR_INVALID && keep_refused(run, answer->text, refusal)) {
        code = ERR_NO_MEMORY;
    }
    return code;
}

/* ---- asking ---- */

static void write_summary(const struct report *report, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_array(&w);
    for (size_t i = 0; i < report->summary.count; i++) {
        json_put_str(&w, report->summary.lines[i]);
    }
    json_end_array(&w);
}

static void write_member(struct json_writer *w, const char *key, struct str text)
{
    if (text.length) {
        json_key(w, key);
        json_put_str(w, text);
    }
}

/* The plan, without which the facts about its actions say nothing. */
static void write_actions(const struct report *report, struct buf *out)
{
    struct json_writer w = json_writer_on(out);

    json_begin_array(&w);
    for (size_t i = 0; i < report->action_count && i < ACTIONS_MAX; i++) {
        const struct report_action *action = &report->actions[i];

        json_begin_object(&w);
        write_member(&w, "title", action->title);
        write_member(&w, "how", action->how);
        write_member(&w, "risk", action->risk);
        write_member(&w, "saving", action->saving_fact);
        json_key(&w, "needs_confirmation");
        json_put_bool(&w, action->needs_confirmation);
        json_end_object(&w);
    }
    json_end_array(&w);
}

/* One part of the material: JSON that write() puts into an own buf, inside of a fence. */
static void fence_of(const struct run *run, const char *name, struct buf *json, struct buf *out)
{
    model_fence(run, name, buf_str(json), out);
    if (buf_status(json) && !out->status) {
        out->status = buf_status(json);
    }
    buf_clear(json);
}

static int write_material(struct run *run, struct str *ret_text)
{
    struct offer *offer = &run->model_text.offer;
    struct buf text;
    struct buf json;

    buf_init(&text, MODEL_MATERIAL_BYTES_MAX);
    buf_init(&json, MODEL_MATERIAL_BYTES_MAX);
    buf_append(&text, STR("The question, and what was understood of it:\n\n"));
    model_fence_question(run, &text);
    buf_append(&text, STR("\nThe facts that you may name, one a line:\n\n"));
    offer_write_facts(offer, MODEL_FACTS_BYTES_MAX, /* is_array */ false, &json);
    fence_of(run, "facts", &json, &text);
    buf_append(&text, STR("\nThe names that may stand in backquotes:\n\n"));
    offer_write_names(offer, &json);
    fence_of(run, "names", &json, &text);
    buf_append(&text, STR("\nThe summary that Netra wrote itself; it is right, and plain:\n\n"));
    write_summary(run->report, &json);
    fence_of(run, "summary", &json, &text);
    if (run->report->action_count) {
        buf_append(&text,
                   STR("\nThe changes that it proposes, each with the id of its saving:\n\n"));
        write_actions(run->report, &json);
        fence_of(run, "actions", &json, &text);
    }
    buf_append(&text, STR("\nWrite the summary."));
    buf_done(&json);
    int code = model_keep(run, &text, ret_text);
    buf_done(&text);
    return code;
}

/* What the judge goes by: what was written out, no more. */
static int make_rules(struct run *run)
{
    struct model_text *text = &run->model_text;
    struct str *ids = arena_alloc(&run->arena, (size_t)text->offer.fact_count + 1, sizeof(*ids));

    if (!ids) {
        return ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < text->offer.fact_count; i++) {
        ids[i] = dict_text(&text->offer.ids, i);
    }
    text->rules = (struct prose_rules){.facts = &run->report->facts,
                                       .fact_ids = ids,
                                       .fact_count = text->offer.fact_count,
                                       .names = text->offer.names.by_id,
                                       .name_count = text->offer.names.count,
                                       .may_name_facts = true};
    return OK;
}

static int ask(struct run *run, const char *purpose, size_t message_count, bool *ret_asked)
{
    struct model_asking asking = {.purpose = purpose,
                                  .system = prompt_find("write")->text,
                                  .messages = run->model_text.messages,
                                  .message_count = message_count,
                                  .is_streamed = true,
                                  .take = take};

    return model_ask(run, &asking, ret_asked);
}

int model_write_ask(struct run *run, bool *ret_asked)
{
    struct model_text *text = &run->model_text;
    int code = model_begin(run);

    buf_init(&text->heard, LLM_TEXT_BYTES_MAX);
    code = code ? code : offer_init(&text->offer, run, run->report, PROSE_FACTS_MAX);
    code = code ? code : write_material(run, &text->messages[0].text);
    code = code ? code : make_rules(run);
    return code ? code : ask(run, "write", 1, ret_asked);
}

int model_repair_ask(struct run *run, bool *ret_asked)
{
    struct model_text *text = &run->model_text;
    struct buf out;
    struct buf json;

    *ret_asked = false;
    if (!text->wants_repair) {
        return OK;
    }
    text->wants_repair = false;
    text->messages[1] = (struct llm_message){.role = LLM_ASSISTANT, .text = text->refused};
    text->messages[2] = (struct llm_message){.role = LLM_USER};
    buf_init(&out, MODEL_MATERIAL_BYTES_MAX);
    buf_init(&json, MODEL_MATERIAL_BYTES_MAX);
    struct json_writer w = json_writer_on(&json);
    json_put_str(&w, text->refusal_said);
    buf_append(&out, prompt_find("repair")->text);
    buf_append_char(&out, '\n');
    fence_of(run, "refusal", &json, &out);
    buf_done(&json);
    int code = model_keep(run, &out, &text->messages[2].text);
    buf_done(&out);
    return code ? code : ask(run, "repair", 3, ret_asked);
}
