/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/recompute_calls.h"

#include "tool/analyses.h"
#include "tool/tool.h"

struct made_call {
    struct str query;    /* borrowed from the report */
    struct report *body; /* NULL: it cannot be made */
};

struct made_calls {
    struct tool_context context;
    struct analyses analyses;
    struct made_call calls[RECOMPUTE_CALLS_MAX];
    size_t count;
};

static void made_calls_done(struct made_calls *made)
{
    for (size_t i = 0; i < made->count; i++) {
        report_free(made->calls[i].body);
    }
    analyses_done(&made->analyses);
}

/* "cache_audit {…}": a name of the registry, a blank, arguments. What is no call gives nothing. */
static int make_call(const struct made_calls *made, struct made_call *call, struct error *error)
{
    size_t blank = str_find(call->query, STR(" "), 0);
    size_t name_length = blank == SIZE_MAX ? call->query.length : blank;
    const struct tool *tool = tool_find(str_slice(call->query, 0, name_length));
    struct error failure = {0};

    if (!tool || tool->has_effect) {
        return OK;
    }
    struct str args = str_trim(str_slice(call->query, name_length, call->query.length));
    int code = tool_call(tool, &made->context, args, &call->body, &failure);
    return code == ERR_NO_MEMORY || code == ERR_CANCELLED
               ? error_set(error, code, "%s", failure.message)
               : OK;
}

static int find_call(struct made_calls *made, struct str query, const struct made_call **ret_call,
                     struct error *error)
{
    for (size_t i = 0; i < made->count; i++) {
        if (str_equal(made->calls[i].query, query)) {
            *ret_call = &made->calls[i];
            return OK;
        }
    }
    if (made->count == RECOMPUTE_CALLS_MAX) {
        return error_set(error, ERR_LIMIT, "the report names more than %u calls",
                         RECOMPUTE_CALLS_MAX);
    }
    struct made_call *call = &made->calls[made->count++];
    *call = (struct made_call){.query = query};
    *ret_call = call;
    return make_call(made, call, error);
}

static int add_fact(struct made_calls *made, struct str id, struct json_value stored,
                    struct report *again, struct error *error)
{
    const struct made_call *call = NULL;
    struct str query = STR("");

    if (!json_get_str(json_at(stored, "query"), &query) || !query.length) {
        return OK;
    }
    int code = find_call(made, query, &call, error);
    if (code) {
        return code;
    }
    const struct fact *fact = call->body ? fact_find(&call->body->facts, id) : NULL;
    if (!fact) {
        return OK;
    }
    code = fact_set_add(&again->facts, fact);
    return code ? error_set(error, code, "cannot keep a fact: %s", error_code_text(code)) : OK;
}

int recompute_calls(struct json_value report, const struct dataset *dataset,
                    const struct price_book *book, struct report *again, struct error *error)
{
    struct made_calls made = {.context = {.dataset = dataset, .book = book, .seed = 1}};
    int code = OK;

    analyses_init(&made.analyses, dataset);
    made.context.analyses = &made.analyses;
    (void)json_get_u64(json_at(report, "seed"), &made.context.seed);
    for (struct json_iterator it = json_iterate(json_at(report, "facts"));
         !code && json_next(&it);) {
        code = add_fact(&made, it.key, it.value, again, error);
    }
    made_calls_done(&made);
    return code;
}
