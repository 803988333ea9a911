/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/link.h"

void llm_print_request(const struct llm_provider *provider, const struct llm_request *request,
                       struct buf *out)
{
    cleanup(buf_done) struct buf secret = {0};
    cleanup(buf_done) struct buf body = {0};
    struct http_header headers[LLM_LINK_HEADERS_MAX];

    buf_init(&secret, LLM_KEY_BYTES_MAX);
    buf_init(&body, LLM_REQUEST_BYTES_MAX);
    struct str key = provider->key.length ? STR("…") : (struct str){NULL, 0};
    size_t count = llm_link_headers(provider, key, headers, &secret);
    provider->wire->write_body(request, provider->model, &body);
    buf_append(out, STR("POST "));
    llm_link_write_address(provider, out);
    for (size_t i = 0; i < count; i++) {
        buf_append(out, STR("\n"));
        buf_append(out, headers[i].name);
        buf_append(out, STR(": "));
        buf_append(out, headers[i].value);
    }
    buf_append(out, STR("\n\n"));
    buf_append(out, buf_str(&body));
    buf_append(out, STR("\n"));
    int failed = buf_status(&body) ? buf_status(&body) : buf_status(&secret);
    if (failed && !out->status) {
        out->status = failed; /* half of it must not be taken for the whole */
    }
}
