/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/wire.h"

const struct llm_wire *llm_wire_find(struct str name)
{
    static const struct llm_wire *const wires[] = {
        &llm_wire_openai_responses, &llm_wire_openai_chat, &llm_wire_anthropic, &llm_wire_gemini};

    for (size_t i = 0; i < ARRAY_LENGTH(wires); i++) {
        if (str_equal(name, str_from(wires[i]->name))) {
            return wires[i];
        }
    }
    return NULL;
}
