/*
 * tool_args: JSON arguments checked against a tool's table. Private to tool/ and to who plans calls
 * before they are made (agent/run_calls.c, agent/model_plan.c); the doors use tool_call().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_TOOL_TOOL_ARGS_H
#define NETRA_TOOL_TOOL_ARGS_H

#include "tool/tool.h"

/* Texts are copied to the arena. ERR_INVALID with the JSON pointer of the argument, ERR_NO_MEMORY.
 */
must_check int tool_args_parse(const struct tool *tool, struct str json, struct arena *arena,
                               struct tool_args *ret_args, struct error *error);

#endif
