/*
 * The calls of a run: what is planned, running it, what came of it. Calls that a model wanted stand
 * in the same list, marked: nothing that the built-in plan does depends on them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "agent/run_state.h"
#include "tool/tool_args.h"

/* Whether a call's arguments say the same as canonical ones. Defaults count: {} may do so. */
static int has_args(const struct run_call *call, struct str canonical, bool *ret_has)
{
    struct tool_args args;
    struct arena arena;

    arena_init(&arena, 4 * (size_t)TOOL_ARGS_BYTES_MAX);
    int code = tool_args_parse(call->tool, call->args, &arena, &args, /* error */ NULL);
    *ret_has = !code && str_equal(args.json, canonical);
    arena_done(&arena);
    return code == ERR_NO_MEMORY ? code : OK;
}

/* The planned call of tool with these canonical arguments; SIZE_MAX: there is none. */
static int find_call(const struct run *run, const struct tool *tool, struct str canonical,
                     size_t *ret_index)
{
    int code = OK;

    *ret_index = SIZE_MAX;
    for (size_t i = 0; i < run->call_count && *ret_index == SIZE_MAX && !code; i++) {
        bool has = false;

        if (run->calls[i].tool == tool) {
            code = has_args(&run->calls[i], canonical, &has);
        }
        *ret_index = has ? i : SIZE_MAX;
    }
    return code;
}

static int add_call(struct run *run, const struct tool *tool, struct str args, bool is_extra)
{
    struct str copy = arena_copy(&run->arena, args);

    if (!copy.data) {
        return ERR_NO_MEMORY;
    }
    run->calls[run->call_count++] =
        (struct run_call){.tool = tool, .args = copy, .is_extra = is_extra};
    return OK;
}

/* A model wanted this call before the built-in plan does, and it worked: then it is built in. */
static int adopt_extra(struct run *run, const struct tool *tool, struct str args, bool *ret_adopted)
{
    struct tool_args parsed;
    size_t index = SIZE_MAX;
    int code = tool_args_parse(tool, args, &run->arena, &parsed, /* error */ NULL);

    code = code ? code : find_call(run, tool, parsed.json, &index);
    *ret_adopted = !code && index != SIZE_MAX && run->calls[index].body;
    if (*ret_adopted) {
        run->calls[index].is_extra = false;
    }
    return code == ERR_NO_MEMORY ? code : OK;
}

int run_plan_call(struct run *run, const char *tool_name, struct str args)
{
    const struct tool *tool = tool_find(str_from(tool_name));
    bool is_adopted = false;

    for (size_t i = 0; i < run->call_count; i++) {
        if (run->calls[i].tool == tool && str_equal(run->calls[i].args, args) &&
            !run->calls[i].is_extra) {
            return OK;
        }
    }
    if (run->model_plan.rounds) {
        int code = adopt_extra(run, tool, args, &is_adopted);

        if (code || is_adopted) {
            return code;
        }
    }
    if (run->call_count == RUN_CALLS_MAX) {
        run_add_gap(run, "more_calls", "the rest of the question",
                    "a shorter question: this one asks for too many analyses at once");
        return OK;
    }
    return add_call(run, tool, args, /* is_extra */ false);
}

int run_plan_extra(struct run *run, const struct tool *tool, struct str args, size_t *ret_index)
{
    size_t index;
    int code = find_call(run, tool, args, &index);

    if (!code && index == SIZE_MAX) {
        index = run->call_count;
        code = run->call_count < RUN_CALLS_MAX - RUN_CALLS_KEPT
                   ? add_call(run, tool, args, /* is_extra */ true)
                   : ERR_LIMIT;
    }
    if (!code) {
        *ret_index = index;
    }
    return code;
}

/* What a model wanted must not give a fact of the run another number. */
static void refuse_contradiction(struct run *run, struct run_call *call)
{
    for (size_t i = 0; i < run->calls_done && call->body; i++) {
        struct run_call *other = &run->calls[i];

        if (other == call || !other->body ||
            !run_contradicts(&other->body->facts, &call->body->facts)) {
            continue;
        }
        report_free(call->body);
        call->body = NULL;
        (void)snprintf(call->failure, sizeof(call->failure),
                       "its facts have the names of facts of another analysis in this run, but "
                       "other numbers; only one of them can be in a report");
    }
}

bool run_contradicts(struct fact_set *set, const struct fact_set *other)
{
    for (uint32_t i = 0; i < other->count; i++) {
        const struct fact *fact = &other->facts[i];

        /* adding what is there already changes nothing */
        if (fact_find(set, fact->id) && fact_set_add(set, fact)) {
            return true;
        }
    }
    return false;
}

int run_next_call(struct run *run, bool *ret_ran, struct error *error)
{
    struct tool_context context = {
        .dataset = run->options.dataset,
        .book = run->options.book,
        .analyses = &run->analyses,
        .is_cancelled = run->options.is_cancelled,
        .seed = run->options.seed,
    };
    struct error failure = {0};

    *ret_ran = run->calls_done < run->call_count;
    if (!*ret_ran) {
        return OK;
    }
    struct run_call *call = &run->calls[run->calls_done];
    struct run_event event = {.kind = RUN_TOOL_STARTED,
                              .name = call->tool->name,
                              .index = (unsigned)run->calls_done++,
                              .agent = run->agent_at_work,
                              .agent_index = run->agents_started - 1,
                              .args = call->args};
    run_tell(run, event);
    int code = tool_call(call->tool, &context, call->args, &call->body, &failure);
    event.kind = RUN_TOOL_FINISHED;
    event.body = call->body;
    event.failure = code ? failure.message : NULL;
    run_tell(run, event);
    if (code == ERR_NO_MEMORY || code == ERR_CANCELLED) {
        return error_set(error, code, "%s", failure.message);
    }
    if (code) {
        (void)snprintf(call->failure, sizeof(call->failure), "%s", failure.message);
    } else if (call->is_extra) {
        refuse_contradiction(run, call);
    }
    return OK;
}

const struct report *run_result(const struct run *run, const char *tool)
{
    for (size_t i = 0; i < run->calls_done; i++) {
        if (!run->calls[i].is_extra && strcmp(run->calls[i].tool->name, tool) == 0) {
            return run->calls[i].body;
        }
    }
    return NULL;
}

void run_add_gap(struct run *run, const char *id, const char *label, const char *needs)
{
    for (size_t i = 0; i < run->gap_count; i++) {
        if (strcmp(run->gaps[i].id, id) == 0) {
            return;
        }
    }
    if (run->gap_count < RUN_GAPS_MAX) {
        run->gaps[run->gap_count++] = (struct gap){id, label, needs};
    }
}
