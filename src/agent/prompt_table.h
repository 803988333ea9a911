/*
 * prompt_table: the files of prompts/ as tools/embed_prompts.py writes them. Private to prompts.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AGENT_PROMPT_TABLE_H
#define NETRA_AGENT_PROMPT_TABLE_H

#include "agent/prompts.h"

extern const struct prompt_file prompt_table[];
extern const size_t prompt_table_count;

#endif
