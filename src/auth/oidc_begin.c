/*
 * The way to the provider: a sign-in is entered once the provider's metadata are there, so that
 * what cannot go anywhere takes nobody's place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/sha.h>
#include <stdio.h>

#include <cjose/cjose.h>

#include "auth/oidc_flow.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define URL_BYTES_MAX 8192u

static struct oidc_known *find_known(struct oidc *oidc, struct str id)
{
    for (size_t i = 0; i < oidc->list.count; i++) {
        if (str_equal(oidc->list.rows[i].id, id)) {
            return &oidc->known[i];
        }
    }
    return NULL;
}

/* BASE64URL(SHA-256(verifier)), RFC 7636. */
static void put_challenge(struct buf *url, const char *verifier)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *text = NULL;
    size_t length = 0;
    cjose_err error;

    (void)SHA256((const unsigned char *)verifier, strlen(verifier), digest);
    if (!cjose_base64url_encode(digest, sizeof(digest), &text, &length, &error)) {
        url->status = ERR_NO_MEMORY;
        return;
    }
    oidc_put_parameter(url, "code_challenge", (struct str){text, length});
    cjose_get_dealloc()(text);
}

static void put_url(const struct oidc_op *op, const struct oidc_sign_in *sign_in, const char *state,
                    struct buf *url)
{
    const struct oidc_provider *provider = op->known->provider;
    struct str endpoint = op->known->metadata.authorization_endpoint;
    struct str hosted = oidc_provider_hosted_domain(provider);
    cleanup(buf_done) struct buf redirect;
    cleanup(buf_done) struct buf query;

    buf_init(&redirect, URL_BYTES_MAX);
    buf_init(&query, URL_BYTES_MAX);
    oidc_put_redirect_uri(op->oidc, &redirect);
    oidc_put_parameter(&query, "response_type", STR("code"));
    oidc_put_parameter(&query, "client_id", provider->client_id);
    oidc_put_parameter(&query, "redirect_uri", buf_str(&redirect));
    oidc_put_parameter(&query, "scope", provider->scopes);
    oidc_put_parameter(&query, "state", str_from(state));
    oidc_put_parameter(&query, "nonce", str_from(sign_in->nonce));
    put_challenge(&query, sign_in->verifier);
    oidc_put_parameter(&query, "code_challenge_method", STR("S256"));
    if (hosted.length) {
        oidc_put_parameter(&query, "hd", hosted);
    }
    buf_append(url, endpoint);
    buf_append_char(url, str_find(endpoint, STR("?"), 0) == SIZE_MAX ? '?' : '&');
    buf_append(url, buf_str(&query));
    if (buf_status(&redirect) || buf_status(&query)) {
        url->status = ERR_NO_MEMORY;
    }
}

static void tell(struct oidc_op *op, int code, const struct error *error, struct str url,
                 struct str cookie)
{
    oidc_begin_fn begun = op->begun;
    void *arg = op->arg;

    oidc_op_free(op);
    begun(code, error, url, cookie, arg);
}

static void send_away(struct oidc_op *op, int code, const struct error *error)
{
    const struct oidc_provider *provider = op->known->provider;
    char state[AUTH_SECRET_TEXT_BYTES];
    char browser[AUTH_SECRET_TEXT_BYTES];
    struct oidc_sign_in *sign_in = NULL;
    struct error why = {.code = OK};
    cleanup(buf_done) struct buf url;
    int64_t now_us = clock_now_us();

    buf_init(&url, URL_BYTES_MAX);
    if (code) {
        oidc_audit(op->oidc, provider, op->is_link ? &op->caller : NULL, STR(""),
                   code == ERR_INVALID ? "discovery" : "unreachable");
        code = error_set(&why, ERR_IO, "%.*s cannot be asked at the moment: %s",
                         STR_ARGS(provider->name), error->message);
        tell(op, code, &why, STR(""), STR(""));
        return;
    }
    code =
        oidc_states_add(&op->oidc->states, op->next_place, now_us + OIDC_STATE_MINUTES * MINUTE_US,
                        now_us, state, browser, &sign_in);
    if (code == OK) {
        sign_in->provider = (size_t)(op->known - op->oidc->known);
        sign_in->is_link = op->is_link;
        sign_in->caller = op->caller;
        put_url(op, sign_in, state, &url);
        code = buf_status(&url);
    }
    if (code) {
        (void)error_set(&why, code, "cannot begin to sign in: %s", error_code_text(code));
    }
    tell(op, code, &why, buf_str(&url), str_from(code ? "" : browser));
    explicit_bzero(state, sizeof(state));
    explicit_bzero(browser, sizeof(browser));
}

int oidc_begin(struct oidc *oidc, struct str provider, struct str next,
               const struct auth_caller *link, oidc_begin_fn done, void *arg, struct error *error)
{
    struct oidc_known *known = find_known(oidc, provider);
    struct oidc_op *op = NULL;

    if (!known) {
        return error_set(error, ERR_NOT_FOUND, "there is no such identity provider");
    }
    if (next.length > OIDC_NEXT_BYTES_MAX) {
        return error_set(error, ERR_INVALID, "next is longer than %u bytes", OIDC_NEXT_BYTES_MAX);
    }
    int code = oidc_op_new(oidc, known, arg, &op, error);
    if (code) {
        return code;
    }
    if (!oidc_op_keep(op, next, &op->next_place)) {
        oidc_op_free(op);
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    op->begun = done;
    if (link) {
        op->is_link = true;
        op->caller = *link;
    }
    oidc_with_metadata(op, send_away);
    return OK;
}

int oidc_unlink(struct oidc *oidc, const struct auth_caller *caller, struct str provider,
                const struct account_origin *origin, account_done_fn done, void *arg,
                struct error *error)
{
    /* A provider that the file has no more may have left links behind: any id will do. */
    return accounts_external_unlink(oidc->auth, caller, provider, origin, done, arg, error);
}
