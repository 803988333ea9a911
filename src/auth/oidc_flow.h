/*
 * oidc_flow: what the files of oidc share: a sign-in that waits for its provider (an op), and the
 * two documents that are kept of a provider.
 *
 *     oidc.c            the providers, the documents, who waits for them
 *     oidc_begin.c      the way to the provider
 *     oidc_callback.c   the way back: code → token → keys → (userinfo) → account
 *
 * Private to auth/. Loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_OIDC_FLOW_H
#define NETRA_AUTH_OIDC_FLOW_H

#include "auth/external.h"
#include "auth/oidc_fetch.h"
#include "auth/oidc_metadata.h"
#include "auth/oidc_state.h"
#include "auth/oidc_token.h"
#include "json/json_read.h"

#define OIDC_OPS_MAX        256u /* that wait for providers at once; more: ERR_LIMIT */
#define OIDC_OP_BYTES_MAX   ((size_t)1 << 20)
#define OIDC_FORM_BYTES_MAX 16384u
#define OIDC_PATH_CALLBACK  "/auth/callback"

struct oidc_op;

typedef void (*oidc_op_fn)(struct oidc_op *op, int code, const struct error *error);

/* One of the two. While it is fetched, ops wait in a list. */
struct oidc_document {
    struct oidc_fetch fetch;
    int64_t fetched_us; /* 0: there is none */
    int64_t asked_us;   /* when it was last asked for */
    struct oidc_op *waiting;
};

struct oidc_known {
    struct oidc *oidc;
    const struct oidc_provider *provider;
    struct oidc_document about; /* what metadata is from */
    struct oidc_document keys;  /* what key_set is from */
    struct oidc_metadata metadata;
    struct buf key_set; /* JSON */
};

struct oidc_op {
    struct oidc *oidc;
    struct oidc_op *next; /* in oidc->ops */
    struct oidc_op *next_waiting;
    struct oidc_known *known;
    oidc_op_fn resume; /* when what it waits for is there */
    void *arg;         /* of the caller's done */
    /* the way there */
    oidc_begin_fn begun;
    struct str next_place;
    bool is_link;
    struct auth_caller caller;
    /* the way back */
    account_done_fn done;
    struct account_origin origin;
    struct oidc_sign_in *sign_in;
    struct str code;
    struct str id_token;
    struct str access_token;
    struct oidc_claims claims;
    bool has_asked_again; /* for keys, once */
    struct oidc_fetch fetch;
    struct arena arena; /* owns the texts */
};

struct oidc {
    struct auth *auth;
    struct http_client *client;
    struct oidc_provider_list list;
    struct oidc_known known[OIDC_PROVIDERS_MAX];
    struct oidc_states states;
    struct json_parser *parser;
    struct oidc_op *ops;
    unsigned op_count;
};

/* ERR_LIMIT, ERR_NO_MEMORY. */
must_check int oidc_op_new(struct oidc *oidc, struct oidc_known *known, void *arg,
                           struct oidc_op **ret_op, struct error *error);
void oidc_op_free(struct oidc_op *op);

/* A borrowed text, kept as long as the op; false: no memory. */
must_check bool oidc_op_keep(struct oidc_op *op, struct str text, struct str *ret);

/* Calls resume at once where metadata are known, else when they came, or with why they did not. */
void oidc_with_metadata(struct oidc_op *op, oidc_op_fn resume);

/* The same for keys. is_again: a kid was unknown; within OIDC_KEYS_AGAIN_S of the last time what is
 * there must do. */
void oidc_with_keys(struct oidc_op *op, bool is_again, oidc_op_fn resume);

/* "https://netra.example.org/auth/callback" */
void oidc_put_redirect_uri(const struct oidc *oidc, struct buf *out);

/* Appends "name=value" as application/x-www-form-urlencoded, with "&" where something is before. */
void oidc_put_parameter(struct buf *out, const char *name, struct str value);

/* The value alone. */
void oidc_put_form_text(struct buf *out, struct str value);

/* A line of the audit log: {"why":…,"provider":…}; why: a word of ours. */
void oidc_audit(struct oidc *oidc, const struct oidc_provider *provider,
                const struct auth_caller *caller, struct str address, const char *why);

#endif
