/*
 * What a deployment may send to a verification and is not JSON: metrics as text, and a token that
 * is forged. The first byte says which. Sums do not depend on lines that are none; no forgery is
 * the token itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "verify/forged_token.h"
#include "verify/metrics_text.h"

#define TOKEN_BYTES_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_metrics(struct str text)
{
    static const struct metric_label labels[] = {{"route", "/a"}, {"status", "200"}};
    size_t series = 0;
    size_t bad_line = 0;
    size_t all = 0;
    size_t some = 0;

    bool is_good = metrics_are_well_formed(text, &series, &bad_line);
    check(is_good == (bad_line == 0));
    (void)metrics_sum(text, "requests_total", NULL, 0, &all);
    (void)metrics_sum(text, "requests_total", labels, ARRAY_LENGTH(labels), &some);
    check(some <= all);
    check(!is_good || all <= series);
}

static void try_token(struct str text)
{
    static char token[TOKEN_BYTES_MAX + 1];

    if (text.length > TOKEN_BYTES_MAX || memchr(text.data, '\0', text.length)) {
        return;
    }
    memcpy(token, text.data, text.length);
    token[text.length] = '\0';
    (void)token_is_signed_by(token, str_slice(text, 0, text.length / 2), text);
    for (int i = FORGERY_SIGNATURE; i <= FORGERY_OWN_KEY; i++) {
        cleanup(buf_done) struct buf forged;

        buf_init(&forged, FORGED_TOKEN_BYTES_MAX);
        int code = forged_token_make(token, (enum forgery)i, &forged);
        check(code != OK || !str_equal(buf_str(&forged), str_from(token)));
        check(code != OK || token_is_jwt(token) || i != FORGERY_CLAIMS || forged.length > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct str rest = {(const char *)data + 1, size - 1};
    if (data[0] % 2) {
        try_metrics(rest);
    } else {
        try_token(rest);
    }
    return 0;
}
