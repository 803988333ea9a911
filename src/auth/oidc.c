/*
 * The providers and what is kept of them. A document is fetched once for all who wait for it, kept
 * for OIDC_CACHE_S, and forgotten only when a newer one has come: a provider that is down for a
 * moment stops new metadata, not sign-ins with what is known.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/oidc.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/oidc_flow.h"
#include "base/alloc.h"
#include "base/civil_time.h"
#include "loop/clock.h"

#define AUDIT_BYTES      160u
#define URL_BYTES_MAX    (OIDC_TEXT_BYTES_MAX + 64u)
#define FILE_PIECE_BYTES 4096u
#define DISCOVERY_SUFFIX "/.well-known/openid-configuration"

/* ---- ops ---- */

int oidc_op_new(struct oidc *oidc, struct oidc_known *known, void *arg, struct oidc_op **ret_op,
                struct error *error)
{
    if (oidc->op_count == OIDC_OPS_MAX) {
        return error_set(error, ERR_LIMIT, "too many people sign in at this moment");
    }
    struct oidc_op *op = (struct oidc_op *)alloc_zeroed(1, sizeof(*op));
    if (!op) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    arena_init(&op->arena, OIDC_OP_BYTES_MAX);
    op->oidc = oidc;
    op->known = known;
    op->arg = arg;
    op->next = oidc->ops;
    oidc->ops = op;
    oidc->op_count++;
    *ret_op = op;
    return OK;
}

void oidc_op_free(struct oidc_op *op)
{
    struct oidc_op **link = &op->oidc->ops;

    while (*link != op) { /* OIDC_OPS_MAX at most */
        link = &(*link)->next;
    }
    *link = op->next;
    op->oidc->op_count--;
    oidc_fetch_stop(&op->fetch);
    oidc_sign_in_free(op->sign_in);
    arena_done(&op->arena);
    alloc_free(op);
}

bool oidc_op_keep(struct oidc_op *op, struct str text, struct str *ret)
{
    *ret = arena_copy(&op->arena, text);
    return ret->data != NULL;
}

/* ---- documents ---- */

static void wake(struct oidc_document *document, int code, const struct error *error)
{
    struct oidc_op *op = document->waiting;

    document->waiting = NULL;
    while (op) {
        struct oidc_op *next = op->next_waiting; /* resuming frees it, or lets it wait again */

        op->next_waiting = NULL;
        op->resume(op, code, error);
        op = next;
    }
}

static void on_about(struct oidc_fetch *fetch, int code, const struct error *error)
{
    struct oidc_known *known = fetch->arg;
    struct error why = *error;
    struct oidc_metadata metadata;

    if (code == OK) {
        code = oidc_metadata_read(known->oidc->parser, buf_str(&fetch->body), known->provider,
                                  &metadata, &why);
    }
    if (code == OK) {
        oidc_metadata_done(&known->metadata);
        known->metadata = metadata;
        known->about.fetched_us = clock_now_us();
    }
    wake(&known->about, code, &why);
}

/* The set stays text: it is read with each token, which happens seldom. */
static void on_keys(struct oidc_fetch *fetch, int code, const struct error *error)
{
    struct oidc_known *known = fetch->arg;

    if (code == OK) {
        buf_done(&known->key_set);
        known->key_set = fetch->body;
        fetch->body = (struct buf){.data = NULL};
        known->keys.fetched_us = clock_now_us();
    }
    wake(&known->keys, code, error);
}

static void wait_for(struct oidc_op *op, struct oidc_document *document, struct str url,
                     oidc_op_fn resume)
{
    struct oidc_question question = {.url = url};
    struct error why = {.code = OK};
    int code = OK;

    if (!document->fetch.id && !document->waiting) {
        document->asked_us = clock_now_us();
        code = oidc_fetch_start(&document->fetch, &question, &why);
    }
    if (code) {
        resume(op, code, &why);
        return;
    }
    op->resume = resume;
    op->next_waiting = document->waiting;
    document->waiting = op;
}

static bool is_fresh(const struct oidc_document *document)
{
    int64_t age_us = clock_now_us() - document->fetched_us;

    return document->fetched_us && age_us >= 0 && age_us < OIDC_CACHE_S * SECOND_US;
}

void oidc_with_metadata(struct oidc_op *op, oidc_op_fn resume)
{
    struct error none = {.code = OK};
    struct str issuer = op->known->provider->issuer;
    cleanup(buf_done) struct buf url;

    buf_init(&url, URL_BYTES_MAX);
    if (is_fresh(&op->known->about)) {
        resume(op, OK, &none);
        return;
    }
    buf_init(&url, URL_BYTES_MAX);
    buf_append(&url,
               str_ends_with(issuer, STR("/")) ? str_slice(issuer, 0, issuer.length - 1) : issuer);
    buf_append(&url, STR(DISCOVERY_SUFFIX));
    wait_for(op, &op->known->about, buf_str(&url), resume);
}

void oidc_with_keys(struct oidc_op *op, bool is_again, oidc_op_fn resume)
{
    struct oidc_document *keys = &op->known->keys;
    struct error none = {.code = OK};
    int64_t ago_us = clock_now_us() - keys->asked_us;
    bool may_ask = ago_us < 0 || ago_us >= OIDC_KEYS_AGAIN_S * SECOND_US;

    /* Whoever meets an unknown key while the keys are on their way waits for them, too. */
    if (is_fresh(keys) && !(is_again && (may_ask || keys->fetch.id))) {
        resume(op, OK, &none);
        return;
    }
    wait_for(op, keys, op->known->metadata.jwks_uri, resume);
}

/* ---- texts ---- */

void oidc_put_redirect_uri(const struct oidc *oidc, struct buf *out)
{
    buf_append(out, str_from(auth_url(oidc->auth)));
    buf_append(out, STR(OIDC_PATH_CALLBACK));
}

void oidc_put_parameter(struct buf *out, const char *name, struct str value)
{
    if (out->length) {
        buf_append_char(out, '&');
    }
    buf_append(out, str_from(name));
    buf_append_char(out, '=');
    oidc_put_form_text(out, value);
}

void oidc_put_form_text(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';

        if (is_plain) {
            buf_append_char(out, c);
        } else {
            buf_printf(out, "%%%02X", (unsigned char)c);
        }
    }
}

void oidc_audit(struct oidc *oidc, const struct oidc_provider *provider,
                const struct auth_caller *caller, struct str address, const char *why)
{
    char detail[AUDIT_BYTES];

    if (provider) { /* its id is plain */
        (void)snprintf(detail, sizeof(detail), "{\"why\":\"%s\",\"provider\":\"%.*s\"}", why,
                       STR_ARGS(provider->id));
    } else {
        (void)snprintf(detail, sizeof(detail), "{\"why\":\"%s\"}", why);
    }
    accounts_audit(oidc->auth, caller, "oidc.refused", STR(""), address, detail);
}

/* ---- the whole ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static int read_file(const char *path, struct buf *ret_text, struct error *error)
{
    cleanup(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = 0;

    if (fd < 0) {
        return error_set(error, ERR_IO, "cannot read %s: %m", path);
    }
    do {
        int code = buf_reserve(ret_text, FILE_PIECE_BYTES);

        if (code) {
            return error_set(error, code == ERR_LIMIT ? ERR_INVALID : code, "cannot read %s: %s",
                             path, error_code_text(code));
        }
        got = read(fd, ret_text->data + ret_text->length, FILE_PIECE_BYTES);
        ret_text->length += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    return got < 0 ? error_set(error, ERR_IO, "cannot read %s: %m", path) : OK;
}

static int read_providers(struct oidc *oidc, const struct oidc_options *options,
                          struct error *error)
{
    cleanup(buf_done) struct buf text;
    struct error why = {.code = OK};

    buf_init(&text, OIDC_FILE_BYTES_MAX + FILE_PIECE_BYTES);
    if (!options->file) {
        return OK;
    }
    int code = read_file(options->file, &text, error);
    if (code) {
        return code;
    }
    code = oidc_provider_list_parse(buf_str(&text), options->getenv, &oidc->list, &why);
    if (code) {
        (void)error_set(error, code, "%s: %s", options->file, why.message);
        if (why.hint[0]) {
            error_hint(error, "%s", why.hint);
        }
    }
    return code;
}

static void know(struct oidc *oidc, size_t index)
{
    struct oidc_known *known = &oidc->known[index];

    known->oidc = oidc;
    known->provider = &oidc->list.rows[index];
    known->about.fetch =
        (struct oidc_fetch){.client = oidc->client, .done = on_about, .arg = known};
    known->keys.fetch = (struct oidc_fetch){.client = oidc->client, .done = on_keys, .arg = known};
}

int oidc_new(const struct oidc_options *options, struct oidc **ret_oidc, struct error *error)
{
    struct oidc *oidc = alloc_zeroed(1, sizeof(*oidc));

    if (!oidc) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    oidc->auth = options->auth;
    oidc->client = options->client;
    int code = read_providers(oidc, options, error);
    if (code == OK && (oidc_states_init(&oidc->states, OIDC_STATES_MAX) ||
                       json_parser_new(OIDC_ANSWER_BYTES_MAX, &oidc->parser))) {
        code = error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    if (code) {
        oidc_free(oidc);
        return code;
    }
    for (size_t i = 0; i < oidc->list.count; i++) {
        know(oidc, i);
    }
    *ret_oidc = oidc;
    return OK;
}

void oidc_free(struct oidc *oidc)
{
    if (!oidc) {
        return;
    }
    while (oidc->ops) {
        oidc_op_free(oidc->ops);
    }
    for (size_t i = 0; i < oidc->list.count; i++) {
        oidc_fetch_stop(&oidc->known[i].about.fetch);
        oidc_fetch_stop(&oidc->known[i].keys.fetch);
        oidc_metadata_done(&oidc->known[i].metadata);
        buf_done(&oidc->known[i].key_set);
    }
    oidc_states_done(&oidc->states);
    json_parser_free(oidc->parser);
    oidc_provider_list_done(&oidc->list);
    alloc_free(oidc);
}

void oidc_providers(const struct oidc *oidc, oidc_provider_fn fn, void *arg)
{
    for (size_t i = 0; i < oidc->list.count; i++) {
        if (!fn(oidc->list.rows[i].id, oidc->list.rows[i].name, arg)) {
            return;
        }
    }
}
