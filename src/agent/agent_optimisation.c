/*
 * optimisation: runs the planned analyses, one tool call a step.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/run_state.h"

static int step(struct run *run, bool *ret_done, struct error *error)
{
    bool ran;

    run->agent_state = 1;
    int code = run_next_call(run, &ran, error);
    *ret_done = !code && !ran;
    return code;
}

const struct agent agent_optimisation = {.name = "optimisation", .step = step};
