/*
 * How a prompt is understood: what `netra parse` prints. Computed on a worker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api_state.h"
#include "api/body.h"
#include "api/work.h"
#include "ask/interpretation.h"

/* The same names as a run has: models of the book, then of the records; features of the records. */
static int parse_prompt(struct work *work, const struct dataset *dataset, struct buf *out,
                        struct error *error)
{
    cleanup(arena_done) struct arena arena;
    const struct price_book *book = dataset ? dataset->book : work->api->book;
    const struct dict *features = dataset ? &dataset->table.name_dicts[USAGE_FEATURE] : NULL;
    const struct dict *used = dataset ? &dataset->table.name_dicts[USAGE_MODEL] : NULL;
    size_t listed = price_book_count(book);
    size_t count = listed + (used ? used->count : 0);
    struct interpretation *interpretation;

    arena_init(&arena, ASK_ARENA_BYTES_MAX);
    struct str *models = (struct str *)arena_alloc(&arena, count + 1, sizeof(*models));
    if (!models) {
        return error_set(error, ERR_NO_MEMORY, "cannot read the prompt: out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        models[i] =
            i < listed ? price_book_row(book, i)->model : dict_text(used, (uint32_t)(i - listed));
    }
    struct ask_vocabulary vocabulary = {
        .features = features ? features->by_id : NULL,
        .feature_count = features ? features->count : 0,
        .models = models,
        .model_count = count,
    };
    int code = ask_parse(&vocabulary, buf_str(&work->input), &arena, &interpretation, error);
    if (code) {
        return code == ERR_LIMIT ? ERR_INVALID : code;
    }
    struct json_writer w = json_writer_on(out);
    interpretation_write_json(interpretation, &w);
    return OK;
}

static void post_parse(const struct call *call)
{
    static const struct body_text_rule prompt_rule = {.bytes_max = ASK_PROMPT_BYTES_MAX};
    struct body_fault fault = {0};
    struct str dataset_id = {0};
    struct str prompt = {0};
    struct json_value root;

    if (!call_json(call, &root)) {
        return;
    }
    if (!body_is_object(root, &fault) ||
        !body_text(root, "prompt", &prompt_rule, &prompt, &fault) ||
        !body_id(root, "dataset", &dataset_id, &fault)) {
        call_refuse(call, &fault);
        return;
    }
    if (!prompt.data) {
        problem_reply(call->api, call->id, PROBLEM_INVALID_REQUEST, "/prompt", "prompt is missing");
        return;
    }
    struct work *work = work_new(call, parse_prompt, ASK_PROMPT_BYTES_MAX);
    if (work) {
        buf_append(&work->input, prompt);
        work_start(work, dataset_id);
    }
}

static const struct route routes[] = {
    {.method = HTTP_POST,
     .pattern = "/api/parse",
     .scope = AUTH_SCOPE_RUN,
     .handle = post_parse,
     .takes_json = true,
     .summary = "How a prompt is understood, with the names of a dataset or without.",
     .request = "{\"type\":\"object\",\"required\":[\"prompt\"],\"properties\":{\"prompt\":{"
                "\"type\":\"string\"},\"dataset\":{\"type\":\"string\"}}}",
     .reply = "{\"type\":\"object\",\"required\":[\"intents\"],\"properties\":{\"intents\":{"
              "\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}",
     .reply_status = 200},
};

const struct route_table routes_parse = {"interpretation", routes, ARRAY_LENGTH(routes),
                                         ROUTE_BACKEND};
