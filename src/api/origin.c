/* SPDX-License-Identifier: Apache-2.0 */
#include "api/origin.h"

#include "api/api_state.h"

enum origin_kind origin_of(const struct auth *auth, const struct http_request *request)
{
    struct str origin = http_header(request, "origin");

    if (!origin.data) {
        return ORIGIN_NONE;
    }
    if (auth_is_own_origin(auth, origin)) {
        return ORIGIN_OWN;
    }
    if (auth_is_page_origin(auth, origin)) {
        return ORIGIN_PAGE;
    }
    return origin.length <= ORIGIN_BYTES_MAX && auth_is_allowed_origin(auth, origin)
               ? ORIGIN_ALLOWED
               : ORIGIN_FOREIGN;
}

/* A browser says where the request comes from even when it leaves Origin out. Any other word than
 * these two comes from no browser that would keep the rest of its promises. */
static bool comes_from_elsewhere(const struct http_request *request)
{
    struct str site = http_header(request, "sec-fetch-site");

    return site.data && !str_equal(site, STR("same-origin")) && !str_equal(site, STR("none"));
}

bool origin_may(enum origin_kind kind, const struct http_request *request)
{
    bool only_looks = request->method == HTTP_GET || request->method == HTTP_HEAD ||
                      request->method == HTTP_OPTIONS;

    if (only_looks && !request->is_upgrade) {
        return true;
    }
    return kind != ORIGIN_FOREIGN && !(kind == ORIGIN_NONE && comes_from_elsewhere(request));
}

bool origin_is_preflight(const struct http_request *request)
{
    return request->method == HTTP_OPTIONS && http_header(request, "origin").data &&
           http_header(request, "access-control-request-method").data;
}

size_t origin_put_headers(struct str origin, bool with_cookie,
                          struct http_header ret[ORIGIN_HEADERS_MAX])
{
    ret[0] = (struct http_header){STR("Access-Control-Allow-Origin"), origin};
    ret[1] = (struct http_header){STR("Access-Control-Expose-Headers"),
                                  STR("ETag, Retry-After, RateLimit, RateLimit-Policy, Netra-Next, "
                                      "Idempotency-Replayed, traceresponse")};
    ret[2] = (struct http_header){STR("Vary"), STR("Origin")};
    ret[3] = (struct http_header){STR("Access-Control-Allow-Credentials"), STR("true")};
    return with_cookie ? ORIGIN_HEADERS_MAX : ORIGIN_HEADERS_MAX - 1;
}

/* The origin's own header is reply_send's. */
void origin_reply_preflight(struct api *api, http_id id, const struct router_path *path)
{
    char allow[ROUTER_ALLOW_BYTES];

    router_allow(path, allow);
    struct http_header headers[] = {
        {STR("Allow"), str_from(allow)},
        {STR("Access-Control-Allow-Methods"), str_from(allow)},
        {STR("Access-Control-Allow-Headers"),
         STR("Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, "
             "traceparent")},
        {STR("Access-Control-Max-Age"), STR(ORIGIN_MAX_AGE_S)},
    };
    reply_send(api, id,
               &(struct http_reply){
                   .status = 204, .headers = headers, .header_count = ARRAY_LENGTH(headers)});
}
