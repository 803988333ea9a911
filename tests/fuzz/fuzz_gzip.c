/*
 * Bytes behind a gzip magic inflate, or do not, the same whole and in pieces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/alloc.h"
#include "import_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = alloc_zeroed(size + 2, 1);

    check(copy != NULL);
    copy[0] = 0x1f;
    copy[1] = 0x8b;
    memcpy(copy + 2, data, size);
    fuzz_import_twice(copy, size + 2);
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) { /* a whole file of the corpus */
        fuzz_import_twice(data, size);
    }
    alloc_free(copy);
    return 0;
}
