/*
 * plan: a model adds to the built-in plan. It may call what changes nothing, up to the limits of a
 * run, and put one question to the user, which never holds up a report. Of what its calls give it
 * is told facts, in the next round.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/prompts.h"
#include "agent/run_state.h"
#include "report/template.h"
#include "tool/tool_args.h"

#define ASK_USER       "ask_user"
#define USER_NAMES_MAX 16u

static const char ask_user_schema[] =
    "{\"type\":\"object\",\"properties\":{\"question\":{\"type\":\"string\",\"description\":"
    "\"one short question, without numbers\"}},\"required\":[\"question\"],"
    "\"additionalProperties\":false}";

/* ---- what it may call ---- */

static int offer_tools(struct run *run)
{
    struct model_plan *plan = &run->model_plan;
    size_t count;
    const struct tool *const *tools = tool_registry(&count);
    struct buf text;
    int code = OK;

    buf_init(&text, MODEL_MATERIAL_BYTES_MAX);
    for (size_t i = 0; i < count && plan->tool_count < MODEL_TOOLS_MAX - 1 && !code; i++) {
        struct llm_tool *tool = &plan->tools[plan->tool_count];
        struct json_writer w = json_writer_on(&text);

        if (tools[i]->has_effect) {
            continue;
        }
        tool_write_schema(tools[i], &w);
        *tool = (struct llm_tool){.name = str_from(tools[i]->name),
                                  .description = str_from(tools[i]->description)};
        code = model_keep(run, &text, &tool->schema);
        plan->tool_count++;
    }
    buf_done(&text);
    plan->tools[plan->tool_count++] = (struct llm_tool){
        .name = STR(ASK_USER),
        .description = STR("Puts one question to the user, as a next step of the report. Nobody "
                           "answers it in this run."),
        .schema = str_from(ask_user_schema)};
    return code;
}

static void write_planned(struct json_writer *w, const char *tool, struct str args)
{
    json_begin_object(w);
    json_key(w, "tool");
    json_put_text(w, tool);
    json_key(w, "args");
    json_put_raw(w, args);
    json_end_object(w);
}

/* What runs anyway: the plan so far, and the one that actions will put together. */
static int write_plan(const struct run *run, struct buf *out)
{
    struct json_writer w = json_writer_on(out);
    struct buf args;

    buf_init(&args, RUN_ARGS_BYTES_MAX);
    json_begin_array(&w);
    for (size_t i = 0; i < run->call_count; i++) {
        write_planned(&w, run->calls[i].tool->name, run->calls[i].args);
    }
    if (actions_write_args(run, &args)) {
        write_planned(&w, "choose_plan", buf_str(&args));
    }
    json_end_array(&w);
    int code = buf_status(&args) ? buf_status(&args) : buf_status(out);
    buf_done(&args);
    return code;
}

static int write_material(struct run *run, struct str *ret_text)
{
    struct buf text;
    struct buf json;

    buf_init(&text, MODEL_MATERIAL_BYTES_MAX);
    buf_init(&json, MODEL_MATERIAL_BYTES_MAX);
    buf_append(&text, STR("The question, and what was understood of it:\n\n"));
    model_fence_question(run, &text);
    buf_append(&text, STR("\nThe analyses that are made in any case:\n\n"));
    int code = write_plan(run, &json);
    model_fence(run, "plan", buf_str(&json), &text);
    buf_done(&json);
    buf_append(&text, STR("\nCall what the question needs beside these, or nothing."));
    code = code ? code : model_keep(run, &text, ret_text);
    buf_done(&text);
    return code;
}

/* ---- what it wants ---- */

static struct str error_reply(struct run *run, const char *message)
{
    struct str reply = STR("");
    struct buf text;

    buf_init(&text, MODEL_MATERIAL_BYTES_MAX);
    struct json_writer w = json_writer_on(&text);
    json_begin_object(&w);
    json_key(&w, "error");
    json_put_text(&w, message);
    json_end_object(&w);
    int code = model_keep(run, &text, &reply);
    buf_done(&text);
    return code ? (struct str){NULL, 0} : reply;
}

/* message is for the model, why for the report: in the words of ours alone. */
static int refuse(struct run *run, struct model_wish *wish, struct error *refusal,
                  const char *message, const char *why)
{
    if (!refusal->code) {
        error_set(refusal, ERR_INVALID, "%s", why);
    }
    wish->is_refused = true;
    wish->reply = error_reply(run, message);
    return wish->reply.data ? OK : ERR_NO_MEMORY;
}

/* Names in backquotes that the records or the book have: whoever wrote the text was told them, or
 * everybody knows them. */
static size_t names_in(const struct run *run, struct str text, struct str names[USER_NAMES_MAX])
{
    struct template_piece piece;
    size_t count = 0;

    for (size_t at = 0; count < USER_NAMES_MAX && template_next(text, &at, &piece);) {
        if (piece.kind == TEMPLATE_NAME && model_knows_name(run, piece.text)) {
            names[count++] = piece.text;
        }
    }
    return count;
}

/* The judge's word on a question to the user. ERR_INVALID with its message. */
static int judge_question(struct run *run, struct str text, struct error *refusal)
{
    cleanup(prose_free_pointer) struct prose *prose = NULL;
    struct str names[USER_NAMES_MAX];
    struct prose_rules rules = {
        .facts = &run->report->facts, .names = names, .name_count = names_in(run, text, names)};
    struct buf shown;

    if (text.length > MODEL_USER_BYTES_MAX) {
        return error_set(refusal, ERR_INVALID, "the question is longer than %u bytes",
                         MODEL_USER_BYTES_MAX);
    }
    int code = prose_new(&rules, &prose);
    if (code) {
        return code;
    }
    buf_init(&shown, MODEL_MATERIAL_BYTES_MAX);
    code = prose_feed(prose, text, &shown, refusal);
    code = code ? code : prose_finish(prose, &shown, refusal);
    buf_done(&shown);
    if (!code && prose_paragraphs(prose)->count != 1) {
        code = error_set(refusal, ERR_INVALID, "the question is not one paragraph");
    }
    if (!code) {
        run->model_plan.question = arena_printf(&run->arena, "Netra asks: %.*s",
                                                STR_ARGS(prose_paragraphs(prose)->lines[0]));
        code = run->model_plan.question.data ? OK : ERR_NO_MEMORY;
    }
    return code;
}

/* A call of the tool that is none. */
static int take_question(struct run *run, struct model_wish *wish, struct error *refusal)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct error said = {0};
    struct json_value root;
    struct str question;

    if (run->model_plan.question.length) {
        return refuse(run, wish, refusal, "one question to the user is enough",
                      "it had a further question to the user");
    }
    int code = json_parser_new(LLM_ARGS_BYTES_MAX, &parser);
    code = code ? code : json_parse(parser, wish->call.args, &root, &said);
    if (!code && !json_get_str(json_at(root, "question"), &question)) {
        code = error_set(&said, ERR_INVALID, "/question must be a text");
    }
    code = code ? code : judge_question(run, question, &said);
    if (code == ERR_NO_MEMORY) {
        return code;
    }
    if (code) {
        return refuse(run, wish, refusal, said.message, "its question to the user was refused");
    }
    wish->reply = STR("{\"result\":\"it will be a next step of the report\"}");
    return OK;
}

static int take_call(struct run *run, struct model_wish *wish, struct error *refusal)
{
    const struct tool *tool = tool_find(wish->call.name);
    struct error said = {0};
    struct tool_args args;

    if (!tool) {
        return refuse(run, wish, refusal, "there is no tool of that name",
                      "it called a tool that does not exist");
    }
    if (tool->has_effect) {
        return refuse(run, wish, refusal, "it changes things: only people may call it",
                      "it called a tool that changes things");
    }
    int code = tool_args_parse(tool, wish->call.args, &run->arena, &args, &said);
    if (!code && args.json.length > RUN_ARGS_BYTES_MAX) {
        code = error_set(&said, ERR_INVALID, "its arguments are longer than %u bytes",
                         RUN_ARGS_BYTES_MAX);
    }
    code = code ? code : model_judge_args(run, &args, &said);
    if (!code) {
        code = run_plan_extra(run, tool, args.json, &wish->index);
    }
    if (code == ERR_NO_MEMORY) {
        return code;
    }
    if (code == ERR_LIMIT && !said.message[0]) {
        return refuse(run, wish, refusal, "this run has planned as many calls as it may",
                      "it called more tools than a run may");
    }
    return code ? refuse(run, wish, refusal, said.message,
                         "it called a tool with arguments that the tool or this run does not take")
                : OK;
}

/* The answer becomes part of the conversation. */
static int remember(struct run *run, const struct llm_answer *answer)
{
    struct model_plan *plan = &run->model_plan;
    struct llm_call *calls = arena_alloc(&run->arena, answer->call_count + 1, sizeof(*calls));
    struct str text;
    int code = model_keep_said(run, answer->text, &text);

    if (code || !calls) {
        return ERR_NO_MEMORY;
    }
    plan->wish_count = answer->call_count;
    for (size_t i = 0; i < answer->call_count; i++) {
        const struct llm_call *call = &answer->calls[i];

        calls[i] = (struct llm_call){.id = arena_copy(&run->arena, call->id),
                                     .name = arena_copy(&run->arena, call->name)};
        code = model_keep_said(run, call->args, &calls[i].args);
        if (code || !calls[i].id.data || !calls[i].name.data) {
            return ERR_NO_MEMORY;
        }
        plan->wishes[i] = (struct model_wish){.call = calls[i], .index = SIZE_MAX};
    }
    plan->messages[plan->message_count++] = (struct llm_message){
        .role = LLM_ASSISTANT, .text = text, .calls = calls, .call_count = answer->call_count};
    return OK;
}

static int take(struct run *run, const struct llm_answer *answer, const struct run_model *model,
                struct error *refusal)
{
    struct model_plan *plan = &run->model_plan;
    bool is_any_taken = false;
    int code;

    (void)model;
    if (answer->stop == LLM_STOP_LENGTH || answer->stop == LLM_STOP_REFUSED) {
        return error_set(refusal, ERR_INVALID, "the answer is not whole (%s)",
                         llm_stop_name(answer->stop));
    }
    code = remember(run, answer);
    for (size_t i = 0; i < plan->wish_count && !code; i++) {
        struct model_wish *wish = &plan->wishes[i];
        bool is_question = str_equal(wish->call.name, STR(ASK_USER));

        code = is_question ? take_question(run, wish, refusal) : take_call(run, wish, refusal);
        is_any_taken |= !wish->is_refused;
        plan->wants_results |= !is_question || wish->is_refused;
    }
    return code ? code : plan->wish_count && !is_any_taken ? ERR_INVALID : OK;
}

/* ---- what came of it ---- */

static int write_facts(struct run *run, const struct report *body, struct buf *out)
{
    struct offer offer = {0};
    int code = offer_init(&offer, run, body, MODEL_RESULT_FACTS_MAX);

    buf_append(out, STR("{\"facts\":["));
    if (!code) {
        offer_write_facts(&offer, MODEL_RESULT_BYTES_MAX, /* is_array */ true, out);
    }
    buf_append(out, STR("]}"));
    offer_done(&offer);
    return code;
}

/* {"result-TOKEN": {"facts": […]}} or {"result-TOKEN": {"error": "…"}}: JSON, which fences itself
 */
static int write_result(struct run *run, const struct model_wish *wish, struct str *ret_text)
{
    const struct run_call *call = wish->index == SIZE_MAX ? NULL : &run->calls[wish->index];
    struct str reply = call && !call->body ? error_reply(run, call->failure) : wish->reply;
    struct buf inner;
    struct buf text;
    int code = call || reply.data ? OK : ERR_NO_MEMORY;

    buf_init(&inner, MODEL_MATERIAL_BYTES_MAX);
    buf_init(&text, MODEL_MATERIAL_BYTES_MAX);
    if (!code && call && call->body) {
        code = write_facts(run, call->body, &inner);
    } else {
        buf_append(&inner, reply);
    }
    buf_printf(&text, "{\"result-%s\":", run->dialogue.token);
    model_append_json(&text, buf_str(&inner));
    buf_append_char(&text, '}');
    code = code ? code : buf_status(&inner);
    code = code ? code : model_keep(run, &text, ret_text);
    buf_done(&inner);
    buf_done(&text);
    return code;
}

static int add_results(struct run *run)
{
    struct model_plan *plan = &run->model_plan;
    int code = OK;

    for (size_t i = 0; i < plan->wish_count && !code; i++) {
        struct llm_message *message = &plan->messages[plan->message_count++];

        *message = (struct llm_message){.role = LLM_RESULT, .call = plan->wishes[i].call};
        code = write_result(run, &plan->wishes[i], &message->text);
    }
    return code;
}

/* ---- asking ---- */

static int begin(struct run *run)
{
    struct model_plan *plan = &run->model_plan;
    int code = model_begin(run);

    code = code ? code : offer_tools(run);
    code = code ? code : write_material(run, &plan->messages[0].text);
    plan->message_count = 1;
    return code;
}

int model_plan_ask(struct run *run, bool *ret_asked)
{
    struct model_plan *plan = &run->model_plan;
    struct model_asking asking = {.purpose = "plan",
                                  .system = prompt_find("plan")->text,
                                  .messages = plan->messages,
                                  .tools = plan->tools,
                                  .take = take};

    *ret_asked = false;
    if (plan->rounds == RUN_ROUNDS_MAX || (plan->rounds && !plan->wants_results)) {
        return OK;
    }
    int code = plan->rounds++ ? add_results(run) : begin(run);
    plan->wants_results = false;
    asking.message_count = plan->message_count;
    asking.tool_count = plan->tool_count;
    return code ? code : model_ask(run, &asking, ret_asked);
}
