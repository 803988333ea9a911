/*
 * interpret: a model reads the question again. What it proposes goes through ask_refine, which
 * takes it whole or not at all: closed vocabularies, the user's own numbers and names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/prompts.h"
#include "agent/run_state.h"
#include "ask/refine.h"

static int tell_refined(struct run *run, const struct run_model *model, struct error *refusal)
{
    int code = run_write_interpretation(run, refusal);

    if (!code) {
        run_tell(run, (struct run_event){.kind = RUN_INTERPRETED,
                                         .name = "interpretation",
                                         .interpretation_json = run->interpretation_json,
                                         .interpretation_text = run->interpretation_text,
                                         .model = model});
    }
    return code;
}

static int take(struct run *run, const struct llm_answer *answer, const struct run_model *model,
                struct error *refusal)
{
    struct interpretation *refined;

    if (answer->stop == LLM_STOP_LENGTH || answer->stop == LLM_STOP_REFUSED) {
        return error_set(refusal, ERR_INVALID, "the answer is not whole (%s)",
                         llm_stop_name(answer->stop));
    }
    int code = ask_refine(&run->vocabulary, run->options.prompt, run->interpretation, answer->text,
                          &run->arena, &refined, refusal);
    if (code) {
        return code == ERR_LIMIT ? ERR_INVALID : code;
    }
    if (interpretation_equal(run->interpretation, refined)) {
        return OK;
    }
    run->own_reading = run->interpretation;
    run->interpretation = refined;
    return tell_refined(run, model, refusal);
}

static int write_schema(struct run *run, struct str *ret_schema)
{
    struct buf text;

    buf_init(&text, MODEL_MATERIAL_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    ask_write_proposal_schema(&w);
    int code = model_keep(run, &text, ret_schema);
    buf_done(&text);
    return code;
}

static int write_material(struct run *run, struct llm_message *message)
{
    struct buf text;

    buf_init(&text, MODEL_MATERIAL_BYTES_MAX);
    buf_append(&text, STR("The question, and what Netra understood of it:\n\n"));
    model_fence_question(run, &text);
    buf_append(&text, STR("\nGive your corrections in the form of the schema."));
    int code = model_keep(run, &text, &message->text);
    buf_done(&text);
    return code;
}

int model_interpret_ask(struct run *run, bool *ret_asked)
{
    struct model_asking asking = {.purpose = "interpret",
                                  .system = prompt_find("interpret")->text,
                                  .message_count = 1,
                                  .answer_name = STR("interpretation"),
                                  .take = take};
    struct llm_message *message = arena_alloc(&run->arena, 1, sizeof(*message));

    if (!message) {
        return ERR_NO_MEMORY;
    }
    int code = model_begin(run);
    code = code ? code : write_schema(run, &asking.answer_schema);
    code = code ? code : write_material(run, message);
    asking.messages = message;
    return code ? code : model_ask(run, &asking, ret_asked);
}
