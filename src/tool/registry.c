/*
 * The registry and the dispatch of a call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tool/registry.h"

#include "tool/analyses.h"
#include "tool/tool_args.h"

static const struct tool *const registry[] = {
    &tool_dataset_profile,     &tool_spend_breakdown, &tool_latency_profile,
    &tool_reliability_profile, &tool_cache_audit,     &tool_duplicate_calls,
    &tool_batch_eligibility,   &tool_what_if_model,   &tool_traffic_profile,
    &tool_choose_plan,         &tool_price_lookup,    &tool_synthesize_usage,
};

const struct tool *const *tool_registry(size_t *ret_count)
{
    *ret_count = ARRAY_LENGTH(registry);
    return registry;
}

const struct tool *tool_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(registry); i++) {
        if (str_equal(name, str_from(registry[i]->name))) {
            return registry[i];
        }
    }
    return NULL;
}

/* With analyses of its own when the caller shares none. */
static int run_tool(const struct tool *tool, const struct tool_context *context,
                    const struct tool_args *args, struct report *body, struct error *error)
{
    struct tool_context own = *context;
    struct analyses analyses;

    if (context->analyses) {
        return tool->run(context, args, body, error);
    }
    analyses_init(&analyses, context->dataset);
    own.analyses = &analyses;
    int code = tool->run(&own, args, body, error);
    analyses_done(&analyses);
    return code;
}

int tool_call(const struct tool *tool, const struct tool_context *context, struct str args_json,
              struct report **ret_body, struct error *error)
{
    cleanup(report_free_pointer) struct report *body = NULL;
    struct tool_args args;

    if (context->is_cancelled && atomic_load(context->is_cancelled)) {
        return error_set(error, ERR_CANCELLED, "%s was cancelled", tool->name);
    }
    int code = report_new(&body);
    if (code) {
        return error_set(error, code, "cannot start %s: %s", tool->name, error_code_text(code));
    }
    code = tool_args_parse(tool, args_json, &body->arena, &args, error);
    if (code) {
        return code;
    }
    if (tool->needs_records && (!context->dataset || context->dataset->table.count == 0)) {
        error_set(error, ERR_NO_RECORDS, "%s needs usage records", tool->name);
        error_hint(error, "Name a file with --data FILE.");
        return ERR_NO_RECORDS;
    }
    code = run_tool(tool, context, &args, body, error);
    if (!code) {
        *ret_body = TAKE(body);
    }
    return code;
}
