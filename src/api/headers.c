/*
 * What every answer tells browsers, also the answers that http/ gives by itself. Answers that are
 * shown (the page, reports, /docs) bring a policy of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/api.h"

#include "base/attributes.h"

/* Cross-Origin-Resource-Policy is about requests without CORS (an image, a script): pages on the
 * list of allowed_origins ask with CORS and are not concerned. The last one is for TLS only. */
static const struct http_header headers[] = {
    {{"Content-Security-Policy", 23}, STR("default-src 'none'; frame-ancestors 'none'")},
    {{"Referrer-Policy", 15}, {"no-referrer", 11}},
    {{"Cross-Origin-Opener-Policy", 26}, {"same-origin", 11}},
    {{"Cross-Origin-Resource-Policy", 28}, {"same-origin", 11}},
    {{"Permissions-Policy", 18},
     STR("camera=(), microphone=(), geolocation=(), payment=(), usb=()")},
    {{"Strict-Transport-Security", 25}, {"max-age=31536000", 16}},
};
_Static_assert(ARRAY_LENGTH(headers) <= HTTP_ALWAYS_MAX, "http/ takes them all");

const struct http_header *api_security_headers(bool is_secure, size_t *ret_count)
{
    *ret_count = ARRAY_LENGTH(headers) - !is_secure;
    return headers;
}
