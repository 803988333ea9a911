/*
 * JSON lines, JSON documents and agentic traces import the same whole and in pieces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "import_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_import_twice(data, size);
    return 0;
}
