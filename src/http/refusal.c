/* SPDX-License-Identifier: Apache-2.0 */
#include "http/refusal.h"

#include "base/check.h"
#include "json/json_write.h"

static const struct refusal_row {
    int status;
    const char *detail;
} rows[REFUSAL_COUNT] = {
    {0, ""},
#define REFUSAL(name, status, detail) {status, detail},
#include "http/refusal.def"
#undef REFUSAL
};

static const struct status_row {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {101, "Switching Protocols"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *status_phrase(int status)
{
    for (size_t i = 0; i < ARRAY_LENGTH(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Status";
}

int refusal_status(enum refusal refusal)
{
    check(refusal > REFUSAL_NONE && refusal < REFUSAL_COUNT);
    return rows[refusal].status;
}

const char *refusal_detail(enum refusal refusal)
{
    check(refusal > REFUSAL_NONE && refusal < REFUSAL_COUNT);
    return rows[refusal].detail;
}

static const char *code_of(int status)
{
    return status == 503   ? "SERVICE_UNAVAILABLE"
           : status == 429 ? "RATE_LIMITED"
                           : "INVALID_REQUEST";
}

static const char *recovery_of(int status)
{
    return status == 503 ? "failover" : status == 429 ? "exponential_backoff" : "return_error";
}

void refusal_write(enum refusal refusal, struct buf *out)
{
    int status = refusal_status(refusal);
    struct json_writer w = json_writer_on(out);

    json_begin_object(&w);
    json_key(&w, "type");
    json_put_text(&w, "about:blank");
    json_key(&w, "title");
    json_put_text(&w, status_phrase(status));
    json_key(&w, "status");
    json_put_i64(&w, status);
    json_key(&w, "detail");
    json_put_text(&w, refusal_detail(refusal));
    json_key(&w, "code");
    json_put_text(&w, code_of(status));
    json_key(&w, "recovery");
    json_put_text(&w, recovery_of(status));
    json_end_object(&w);
}
