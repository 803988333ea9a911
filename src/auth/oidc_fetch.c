/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/oidc_fetch.h"

#define CONNECT_MS 5000u

/* "application/json; charset=utf-8", "application/jwk-set+json" */
static bool is_json_type(struct str type)
{
    size_t end = str_find(type, STR(";"), 0);
    struct str media = str_trim(end == SIZE_MAX ? type : str_slice(type, 0, end));

    return str_equal_ascii_case(media, STR("application/json")) ||
           (str_starts_with(media, STR("application/")) && str_ends_with(media, STR("+json")));
}

static void on_head(const struct http_answer *answer, void *arg)
{
    struct oidc_fetch *fetch = arg;

    fetch->status = answer->status;
    fetch->is_json = is_json_type(http_answer_header(answer, "content-type"));
}

static void on_piece(struct str piece, void *arg)
{
    struct oidc_fetch *fetch = arg;

    buf_append(&fetch->body, piece);
}

static void on_done(int code, const struct error *error, void *arg)
{
    struct oidc_fetch *fetch = arg;
    struct error why = *error;

    fetch->id = 0;
    if (code == OK) {
        code = buf_status(&fetch->body);
    }
    if (code == OK && fetch->status != 200) {
        code = error_set(&why, ERR_INVALID, "the provider answers with status %d", fetch->status);
    } else if (code == OK && !fetch->is_json) {
        code = error_set(&why, ERR_INVALID, "the provider's answer is not JSON");
    }
    fetch->done(fetch, code, &why);
}

int oidc_fetch_start(struct oidc_fetch *fetch, const struct oidc_question *question,
                     struct error *error)
{
    static const struct http_call_listener listener = {on_head, on_piece, on_done};
    struct http_header headers[3] = {{STR("Accept"), STR("application/json")}};
    size_t count = 1;

    bool is_form = question->form.length > 0;
    struct str body = is_form ? question->form : question->json;

    if (body.length) {
        headers[count++] = (struct http_header){STR("Content-Type"),
                                                is_form ? STR("application/x-www-form-urlencoded")
                                                        : STR("application/json")};
    }
    if (question->authorization.length) {
        headers[count++] = (struct http_header){STR("Authorization"), question->authorization};
    }
    struct http_call call = {.method = body.length ? HTTP_POST : HTTP_GET,
                             .url = question->url,
                             .headers = headers,
                             .header_count = count,
                             .body = body,
                             .connect_timeout_ms = CONNECT_MS,
                             .total_timeout_ms =
                                 question->timeout_ms ? question->timeout_ms : OIDC_TIMEOUT_MS,
                             .answer_bytes_max = OIDC_ANSWER_BYTES_MAX};
    buf_done(&fetch->body);
    buf_init(&fetch->body, OIDC_ANSWER_BYTES_MAX);
    fetch->status = 0;
    fetch->is_json = false;
    return http_client_start(fetch->client, &call, &listener, fetch, &fetch->id, error);
}

void oidc_fetch_stop(struct oidc_fetch *fetch)
{
    if (fetch->id) {
        http_client_cancel(fetch->client, fetch->id);
        fetch->id = 0;
    }
    if (fetch->body.data) {
        explicit_bzero(fetch->body.data, fetch->body.length);
    }
    buf_done(&fetch->body);
}
