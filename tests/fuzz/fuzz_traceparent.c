/*
 * A traceparent as it comes from outside: what is taken is of the form that the W3C gives it, comes
 * out again with the same ids, and a request goes on with it; what is not begins a trace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "monitor/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char none[8];
    struct str text = {(const char *)data, size};
    struct trace_context read;
    struct trace_context again;
    unsigned char parent_id[8];
    char written[TRACE_PARENT_BYTES];

    bool is_taken = trace_read_parent(text, &read);
    struct trace_context own = trace_of_request(text, parent_id);

    check(trace_is_set(&own));
    check(is_taken == (memcmp(parent_id, none, sizeof(none)) != 0));
    if (is_taken) {
        trace_write_parent(&read, written);
        check(trace_read_parent(str_from(written), &again));
        check(memcmp(&read.trace_id, &again.trace_id, 16) == 0);
        check(memcmp(&read.span_id, &again.span_id, 8) == 0);
        check(read.is_sampled == again.is_sampled);
        check(memcmp(written + 3, data + 3, 50) == 0); /* the ids, byte for byte */
        check(memcmp(own.trace_id, read.trace_id, 16) == 0);
    }
    return 0;
}
