/*
 * The headers of any answer lie within its head, have names, do not reach over a line, and can be
 * looked up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/check.h"
#include "http/client_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct str part, struct str whole)
{
    check(part.length == 0 ||
          (part.data >= whole.data && part.data + part.length <= whole.data + whole.length));
    check(part.length == 0 || !memchr(part.data, '\n', part.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_header headers[CLIENT_ANSWER_HEADERS_MAX];
    struct str head = {(const char *)data, size};
    struct http_answer answer = {.status = 200, .headers = headers};

    if (client_head_split(head, headers, &answer.header_count)) {
        return 0;
    }
    check(answer.header_count <= CLIENT_ANSWER_HEADERS_MAX);
    for (size_t i = 0; i < answer.header_count; i++) {
        check(headers[i].name.length > 0);
        check(!memchr(headers[i].name.data, ':', headers[i].name.length));
        check_within(headers[i].name, head);
        check_within(headers[i].value, head);
    }
    check_within(http_answer_header(&answer, "retry-after"), head);
    return 0;
}
