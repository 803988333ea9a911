/*
 * The way back. Each step resumes the next; whatever is wrong ends in refuse(), which writes the
 * line of the audit log and the sentence for people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/evp.h>
#include <stdio.h>

#include "auth/oidc_flow.h"
#include "base/civil_time.h"
#include "http/target.h"
#include "loop/clock.h"

#define CODE_BYTES_MAX  4096u
#define BASIC_BYTES_MAX 8192u

/* ---- ends ---- */

static void end(struct oidc_op *op, const struct account_outcome *outcome)
{
    account_done_fn done = op->done;
    void *arg = op->arg;

    oidc_op_free(op);
    done(outcome, arg);
}

static const char *generic_sentence(void)
{
    return "signing in did not work; please try again";
}

static int say_flaw(enum oidc_flaw flaw, const struct oidc_provider *provider, struct error *error)
{
    switch (flaw) {
    case OIDC_FLAW_EMAIL:
        return error_set(error, ERR_DENIED, "%.*s does not say an e-mail that can be used here",
                         STR_ARGS(provider->name));
    case OIDC_FLAW_UNVERIFIED:
        return error_set(error, ERR_DENIED, "%.*s has not verified your e-mail",
                         STR_ARGS(provider->name));
    case OIDC_FLAW_DOMAIN:
    case OIDC_FLAW_HOSTED_DOMAIN:
        return error_set(error, ERR_DENIED, "the domain of your e-mail may not sign in here");
    case OIDC_FLAW_NO_MEMORY:
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    default:
        return error_set(error, ERR_DENIED, "%s", generic_sentence());
    }
}

static void finish(struct oidc_op *op, int code, const struct error *error)
{
    struct account_outcome outcome = {.code = code, .error = error};

    end(op, &outcome);
}

static void refuse(struct oidc_op *op, enum oidc_flaw flaw)
{
    struct error error = {.code = OK};
    int code = say_flaw(flaw, op->known->provider, &error);

    oidc_audit(op->oidc, op->known->provider, NULL, op->origin.address, oidc_flaw_name(flaw));
    finish(op, code, &error);
}

/* The provider did not answer as it should. */
static void refuse_answer(struct oidc_op *op, const char *why, int code, const struct error *error)
{
    struct error told = {.code = OK};

    oidc_audit(op->oidc, op->known->provider, NULL, op->origin.address, why);
    /* "invalid_grant" and the like: the code is not (or no more) what it should be */
    code = code == ERR_INVALID && op->fetch.status >= 400 && op->fetch.status < 500
               ? error_set(&told, ERR_DENIED, "%s", generic_sentence())
               : error_set(&told, ERR_IO, "%.*s cannot be asked at the moment: %s",
                           STR_ARGS(op->known->provider->name), error->message);
    finish(op, code, &told);
}

/* ---- the account ---- */

static void on_account(const struct account_outcome *outcome, void *arg)
{
    struct oidc_op *op = arg;
    struct account_outcome told = *outcome;
    struct error error = {.code = OK};

    if (outcome->code == ERR_EXISTS) {
        oidc_audit(op->oidc, op->known->provider, NULL, op->origin.address,
                   op->sign_in->is_link ? "linked_elsewhere" : "must_link");
        told.code = error_set(
            &error, ERR_DENIED, "%s",
            op->sign_in->is_link
                ? "this identity is another account's, or yours has one of that provider already"
                : "your e-mail has an account here: sign in to it and link the provider there");
        told.error = &error;
    } else if (outcome->code == ERR_DENIED || outcome->code == ERR_NOT_FOUND ||
               outcome->code == ERR_INVALID || outcome->code == ERR_LIMIT) {
        oidc_audit(op->oidc, op->known->provider, NULL, op->origin.address, "account");
        told.code = error_set(&error, ERR_DENIED, "%s", generic_sentence());
        told.error = &error;
    }
    end(op, &told);
}

static void enter(struct oidc_op *op)
{
    const struct oidc_provider *provider = op->known->provider;
    struct oidc_sign_in *sign_in = op->sign_in;
    char email[ACCOUNTS_EMAIL_MAX + 1];
    struct error error = {.code = OK};
    enum oidc_flaw flaw = oidc_claims_judge(&op->claims, provider, email);

    if (flaw) {
        refuse(op, flaw);
        return;
    }
    struct str name = op->claims.name;
    struct external_identity identity = {
        .provider = provider->id,
        .subject = op->claims.subject,
        .email = str_from(email),
        .name = name.length <= ACCOUNTS_NAME_MAX ? name : STR(""),
        .workspace_id = provider->workspace,
        .role = provider->role,
        .next = str_from(sign_in->next),
    };
    int code = ERR_DENIED; /* whose account it was is not signed in any more */
    if (!sign_in->is_link) {
        code = accounts_external_sign_in(op->oidc->auth, &identity, &op->origin, on_account, op,
                                         &error);
    } else if (auth_still(op->oidc->auth, &sign_in->caller, AUTH_SCOPE_READ)) {
        code = accounts_external_link(op->oidc->auth, &sign_in->caller, &identity, &op->origin,
                                      on_account, op, &error);
    }
    if (code) {
        struct account_outcome outcome = {.code = code, .error = &error};

        on_account(&outcome, op);
    }
}

/* ---- userinfo, where the token names no e-mail ---- */

static void on_userinfo(struct oidc_fetch *fetch, int code, const struct error *error)
{
    struct oidc_op *op = fetch->arg;

    if (code) {
        refuse_answer(op, "userinfo", code, error);
        return;
    }
    enum oidc_flaw flaw = oidc_userinfo_read(buf_str(&fetch->body), &op->arena, &op->claims);
    if (flaw) {
        refuse(op, flaw);
        return;
    }
    enter(op);
}

static void ask_userinfo(struct oidc_op *op)
{
    struct error error = {.code = OK};
    cleanup(buf_done) struct buf bearer;

    buf_init(&bearer, OIDC_ANSWER_BYTES_MAX);
    buf_append(&bearer, STR("Bearer "));
    buf_append(&bearer, op->access_token);
    struct oidc_question question = {.url = op->known->metadata.userinfo_endpoint,
                                     .authorization = buf_str(&bearer)};
    op->fetch.done = on_userinfo;
    int code = buf_status(&bearer);
    if (code == OK) {
        code = oidc_fetch_start(&op->fetch, &question, &error);
    }
    if (bearer.data) {
        explicit_bzero(bearer.data, bearer.length);
    }
    if (code) {
        refuse_answer(op, "userinfo", code, &error);
    }
}

/* ---- the token ---- */

static void check_token(struct oidc_op *op, int code, const struct error *error)
{
    struct oidc_known *known = op->known;
    struct oidc_token_rules rules = {.provider = known->provider,
                                     .algorithms = known->metadata.algorithms,
                                     .nonce = str_from(op->sign_in->nonce),
                                     .access_token = op->access_token,
                                     .now_s = clock_now_us() / SECOND_US};

    if (code) {
        refuse_answer(op, "keys", code == ERR_INVALID ? ERR_IO : code, error);
        return;
    }
    enum oidc_flaw flaw =
        oidc_token_check(op->id_token, buf_str(&known->key_set), &rules, &op->arena, &op->claims);
    if (flaw == OIDC_FLAW_KEY && !op->has_asked_again) {
        op->has_asked_again = true; /* the provider may sign with a new one */
        oidc_with_keys(op, /* is_again */ true, check_token);
        return;
    }
    if (flaw) {
        refuse(op, flaw);
        return;
    }
    if (!op->claims.email.data && known->metadata.userinfo_endpoint.length &&
        op->access_token.length) {
        ask_userinfo(op);
        return;
    }
    enter(op);
}

static void on_token(struct oidc_fetch *fetch, int code, const struct error *error)
{
    struct oidc_op *op = fetch->arg;
    struct json_value root;
    struct str id_token = STR("");
    struct str access_token = STR("");
    struct error why = *error;

    if (code == OK) {
        code = json_parse(op->oidc->parser, buf_str(&fetch->body), &root, &why);
    }
    if (code) {
        refuse_answer(op, "code", code, &why);
        return;
    }
    (void)json_get_str(json_at(root, "access_token"), &access_token);
    if (!json_get_str(json_at(root, "id_token"), &id_token)) {
        refuse(op, OIDC_FLAW_MALFORMED);
        return;
    }
    if (!oidc_op_keep(op, id_token, &op->id_token) ||
        !oidc_op_keep(op, access_token, &op->access_token)) {
        refuse(op, OIDC_FLAW_NO_MEMORY);
        return;
    }
    oidc_with_keys(op, /* is_again */ false, check_token);
}

/* Basic: both parts are form-encoded first (RFC 6749, 2.3.1). */
static void put_basic(const struct oidc_provider *provider, struct buf *out)
{
    unsigned char encoded[BASIC_BYTES_MAX];
    cleanup(buf_done) struct buf pair;

    buf_init(&pair, BASIC_BYTES_MAX / 4 * 3 - 3);
    oidc_put_form_text(&pair, provider->client_id);
    buf_append_char(&pair, ':');
    oidc_put_form_text(&pair, provider->client_secret);
    if (buf_status(&pair)) {
        out->status = buf_status(&pair);
        return;
    }
    int length = EVP_EncodeBlock(encoded, (const unsigned char *)pair.data, (int)pair.length);
    buf_append(out, STR("Basic "));
    buf_append(out, (struct str){(const char *)encoded, (size_t)length});
    explicit_bzero(encoded, sizeof(encoded));
    explicit_bzero(pair.data, pair.length);
}

static void put_form(const struct oidc_op *op, struct buf *form)
{
    const struct oidc_provider *provider = op->known->provider;
    enum oidc_client_auth how = op->known->metadata.client_auth;
    cleanup(buf_done) struct buf redirect;

    buf_init(&redirect, OIDC_FORM_BYTES_MAX);
    oidc_put_redirect_uri(op->oidc, &redirect);
    oidc_put_parameter(form, "grant_type", STR("authorization_code"));
    oidc_put_parameter(form, "code", op->code);
    oidc_put_parameter(form, "redirect_uri", buf_str(&redirect));
    oidc_put_parameter(form, "code_verifier", str_from(op->sign_in->verifier));
    if (how != OIDC_CLIENT_SECRET_BASIC) {
        oidc_put_parameter(form, "client_id", provider->client_id);
    }
    if (how == OIDC_CLIENT_SECRET_POST) {
        oidc_put_parameter(form, "client_secret", provider->client_secret);
    }
    if (buf_status(&redirect)) {
        form->status = buf_status(&redirect);
    }
}

static void wipe(struct buf *buf)
{
    if (buf->data) {
        explicit_bzero(buf->data, buf->length);
    }
    buf_done(buf);
}

static void exchange(struct oidc_op *op, int code, const struct error *error)
{
    cleanup(wipe) struct buf form;
    cleanup(wipe) struct buf basic;
    struct error why = *error;

    buf_init(&form, OIDC_FORM_BYTES_MAX);
    buf_init(&basic, BASIC_BYTES_MAX);
    if (code) {
        refuse_answer(op, code == ERR_INVALID ? "discovery" : "unreachable", code, &why);
        return;
    }
    put_form(op, &form);
    if (op->known->metadata.client_auth == OIDC_CLIENT_SECRET_BASIC) {
        put_basic(op->known->provider, &basic);
    }
    struct oidc_question question = {.url = op->known->metadata.token_endpoint,
                                     .form = buf_str(&form),
                                     .authorization = buf_str(&basic)};
    op->fetch = (struct oidc_fetch){.client = op->oidc->client, .done = on_token, .arg = op};
    code = buf_status(&form) ? buf_status(&form) : buf_status(&basic);
    if (code == OK) {
        code = oidc_fetch_start(&op->fetch, &question, &why);
    }
    if (code) {
        refuse_answer(op, "code", code, &why);
    }
}

/* ---- the browser is back ---- */

/* What the browser brought. A parameter that comes twice is nobody's answer. */
struct answer {
    struct buf state;
    struct buf code;
    struct buf iss;
    struct buf fault; /* "error" */
    bool has_iss;
    bool has_fault;
};

static void answer_done(struct answer *answer)
{
    wipe(&answer->state);
    wipe(&answer->code);
    buf_done(&answer->iss);
    buf_done(&answer->fault);
}

static bool read_parameter(struct str query, const char *name, struct buf *out, bool *ret_is_there)
{
    struct buf again;

    buf_init(out, CODE_BYTES_MAX);
    buf_init(&again, CODE_BYTES_MAX);
    *ret_is_there = query_find(query, name, 0, out);
    bool is_once = !query_find(query, name, 1, &again);
    buf_done(&again);
    return is_once && buf_status(out) == OK;
}

static bool read_answer(struct str query, struct answer *answer)
{
    bool has_state = false;
    bool has_code = false;
    bool is_plain = read_parameter(query, "state", &answer->state, &has_state);

    is_plain = read_parameter(query, "code", &answer->code, &has_code) && is_plain;
    is_plain = read_parameter(query, "iss", &answer->iss, &answer->has_iss) && is_plain;
    is_plain = read_parameter(query, "error", &answer->fault, &answer->has_fault) && is_plain;
    return is_plain && has_state && has_code != answer->has_fault;
}

/* NULL: fine; else what is wrong with it, for the audit log. Mixed-up providers are told apart by
 * "iss" (RFC 9207) where they say it; metadata are known since the sign-in began. */
static const char *judge_answer(const struct answer *answer, const struct oidc_known *known)
{
    if (answer->has_iss ? !str_equal(buf_str(&answer->iss), known->provider->issuer)
                        : known->metadata.says_iss) {
        return "iss";
    }
    return answer->has_fault ? "provider" : NULL;
}

static int refuse_early(struct oidc *oidc, const struct oidc_provider *provider,
                        const struct account_origin *origin, const char *why, struct error *error)
{
    oidc_audit(oidc, provider, NULL, origin->address, why);
    return error_set(error, ERR_DENIED, "%s", generic_sentence());
}

static int start_exchange(struct oidc *oidc, struct oidc_sign_in *sign_in, struct str code_text,
                          const struct account_origin *origin, account_done_fn done, void *arg,
                          struct error *error)
{
    struct oidc_op *op = NULL;
    int code = oidc_op_new(oidc, &oidc->known[sign_in->provider], arg, &op, error);

    if (code) {
        oidc_sign_in_free(sign_in);
        return code;
    }
    op->sign_in = sign_in;
    op->done = done;
    if (!oidc_op_keep(op, code_text, &op->code) ||
        !oidc_op_keep(op, origin->address, &op->origin.address) ||
        !oidc_op_keep(op, origin->device, &op->origin.device)) {
        oidc_op_free(op);
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    oidc_with_metadata(op, exchange);
    return OK;
}

int oidc_callback(struct oidc *oidc, struct str query, struct str cookie,
                  const struct account_origin *origin, account_done_fn done, void *arg,
                  struct error *error)
{
    cleanup(answer_done) struct answer answer = {.has_iss = false};
    bool is_foreign = false;

    if (!read_answer(query, &answer)) {
        return refuse_early(oidc, NULL, origin, "answer", error);
    }
    struct oidc_sign_in *sign_in = oidc_states_take(&oidc->states, buf_str(&answer.state), cookie,
                                                    clock_now_us(), &is_foreign);
    if (!sign_in) {
        return refuse_early(oidc, NULL, origin, is_foreign ? "browser" : "state", error);
    }
    const struct oidc_known *known = &oidc->known[sign_in->provider];
    const char *why = judge_answer(&answer, known);
    if (why) {
        oidc_sign_in_free(sign_in);
        return refuse_early(oidc, known->provider, origin, why, error);
    }
    return start_exchange(oidc, sign_in, buf_str(&answer.code), origin, done, arg, error);
}
