/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prompts.h"

#include "agent/prompt_table.h"
#include "base/check.h"

const struct prompt_file *prompt_files(size_t *ret_count)
{
    *ret_count = prompt_table_count;
    return prompt_table;
}

const struct prompt_file *prompt_find(const char *name)
{
    const struct prompt_file *found = NULL;

    for (size_t i = 0; i < prompt_table_count && !found; i++) {
        found = strcmp(prompt_table[i].name, name) == 0 ? &prompt_table[i] : NULL;
    }
    check(found != NULL);
    return found;
}
