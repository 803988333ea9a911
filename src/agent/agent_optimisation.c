/*
 * optimisation: runs the planned analyses, one tool call a step. When a model wanted some, it is
 * told what came of them and may want more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

static int step(struct run *run, bool *ret_done, struct error *error)
{
    bool is_asked = false;
    bool ran;
    int code = run_next_call(run, &ran, error);

    if (!code && !ran && run->options.has_model) {
        code = model_or_none(model_plan_ask(run, &is_asked), &is_asked);
        code =
            code ? error_set(error, code, "cannot ask for more analyses: %s", error_code_text(code))
                 : OK;
    }
    *ret_done = !code && !ran && !is_asked;
    return code;
}

const struct agent agent_optimisation = {.name = "optimisation", .step = step};
