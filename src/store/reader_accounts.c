/*
 * The read half of accounts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/audit.h"
#include "store/reader.h"

/* ---- rows ---- */

static bool show_user(struct query *query, union row_fn fn, void *arg)
{
    const struct store_user row = {
        .id = query_text(query, 0),
        .email = query_text(query, 1),
        .name = query_text(query, 2),
        .is_service = query_integer(query, 3) != 0,
        .is_email_verified = query_integer(query, 4) != 0,
        .password = query_text(query, 5),
        .created_us = query_integer(query, 6),
        .disabled_us = query_integer(query, 7),
    };

    return !query->code && fn.user(&row, arg);
}

static bool show_workspace(struct query *query, union row_fn fn, void *arg)
{
    const struct store_workspace row = {
        .id = query_text(query, 0),
        .name = query_text(query, 1),
        .created_us = query_integer(query, 2),
    };

    return !query->code && fn.workspace(&row, arg);
}

static bool show_member(struct query *query, union row_fn fn, void *arg)
{
    const struct store_member row = {
        .workspace_id = query_text(query, 0),
        .user_id = query_text(query, 1),
        .role = (unsigned)query_integer(query, 2),
        .since_us = query_integer(query, 3),
    };

    return !query->code && fn.member(&row, arg);
}

static bool show_identity(struct query *query, union row_fn fn, void *arg)
{
    const struct store_identity row = {
        .provider = query_text(query, 0),
        .subject = query_text(query, 1),
        .user_id = query_text(query, 2),
        .email = query_text(query, 3),
        .linked_us = query_integer(query, 4),
    };

    return !query->code && fn.identity(&row, arg);
}

static bool show_code(struct query *query, union row_fn fn, void *arg)
{
    struct store_code row = {
        .id = query_text(query, 1),
        .purpose = (unsigned)query_integer(query, 2),
        .workspace_id = query_text(query, 3),
        .email = query_text(query, 4),
        .role = (unsigned)query_integer(query, 5),
        .user_id = query_text(query, 6),
        .made_by = query_text(query, 7),
        .created_us = query_integer(query, 8),
        .expires_us = query_integer(query, 9),
    };

    query_hash(query, 0, row.hash);
    return !query->code && fn.code(&row, arg);
}

static bool show_session(struct query *query, union row_fn fn, void *arg)
{
    struct store_session row = {
        .id = query_text(query, 0),
        .user_id = query_text(query, 1),
        .workspace_id = query_text(query, 2),
        .kind = (unsigned)query_integer(query, 3),
        .device = query_text(query, 6),
        .address = query_text(query, 7),
        .created_us = query_integer(query, 8),
        .used_us = query_integer(query, 9),
        .expires_us = query_integer(query, 10),
    };

    query_hash(query, 4, row.hash);
    query_hash(query, 5, row.last_hash);
    return !query->code && fn.session(&row, arg);
}

static bool show_key(struct query *query, union row_fn fn, void *arg)
{
    struct store_key row = {
        .id = query_text(query, 0),
        .workspace_id = query_text(query, 1),
        .user_id = query_text(query, 2),
        .name = query_text(query, 3),
        .scopes = (unsigned)query_integer(query, 4),
        .created_us = query_integer(query, 6),
        .used_us = query_integer(query, 7),
        .expires_us = query_integer(query, 8),
    };

    query_hash(query, 5, row.hash);
    return !query->code && fn.key(&row, arg);
}

static bool show_signing_key(struct query *query, union row_fn fn, void *arg)
{
    const struct store_signing_key row = {
        .id = query_text(query, 0),
        .public_jwk = query_text(query, 1),
        .sealed = query_text(query, 2),
        .created_us = query_integer(query, 3),
        .signs_from_us = query_integer(query, 4),
        .retires_us = query_integer(query, 5),
    };

    return !query->code && fn.signing_key(&row, arg);
}

static bool show_throttle(struct query *query, union row_fn fn, void *arg)
{
    struct store_throttle row = {
        .failures = (unsigned)query_integer(query, 1),
        .last_us = query_integer(query, 2),
    };

    query_hash(query, 0, row.hash);
    return !query->code && fn.throttle(&row, arg);
}

static struct store_audit read_audit(struct query *query)
{
    struct store_audit row = {
        .n = (uint64_t)query_integer(query, 0),
        .time_us = query_integer(query, 1),
        .workspace_id = query_text(query, 2),
        .actor_id = query_text(query, 3),
        .credential_id = query_text(query, 4),
        .action = query_text(query, 5),
        .target = query_text(query, 6),
        .address = query_text(query, 7),
        .detail = query_text(query, 8),
    };

    query_hash(query, 9, row.hash);
    return row;
}

static bool show_audit(struct query *query, union row_fn fn, void *arg)
{
    const struct store_audit row = read_audit(query);

    return !query->code && fn.audit(&row, arg);
}

/* ---- accounts.h ---- */

static int list_all(struct store *store, enum read_statement which, show_fn show, union row_fn fn,
                    void *arg)
{
    cleanup(query_end) struct query query = query_begin_all(store, which);

    return query_show_rows(&query, show, fn, arg);
}

int store_list_users(struct store *store, store_user_fn fn, void *arg)
{
    return list_all(store, READ_USERS, show_user, (union row_fn){.user = fn}, arg);
}

int store_list_workspaces(struct store *store, store_workspace_fn fn, void *arg)
{
    return list_all(store, READ_WORKSPACES, show_workspace, (union row_fn){.workspace = fn}, arg);
}

int store_list_members(struct store *store, store_member_fn fn, void *arg)
{
    return list_all(store, READ_MEMBERS, show_member, (union row_fn){.member = fn}, arg);
}

int store_list_identities(struct store *store, store_identity_fn fn, void *arg)
{
    return list_all(store, READ_IDENTITIES, show_identity, (union row_fn){.identity = fn}, arg);
}

int store_list_codes(struct store *store, store_code_fn fn, void *arg)
{
    return list_all(store, READ_CODES, show_code, (union row_fn){.code = fn}, arg);
}

int store_list_sessions(struct store *store, store_session_fn fn, void *arg)
{
    return list_all(store, READ_SESSIONS, show_session, (union row_fn){.session = fn}, arg);
}

int store_list_keys(struct store *store, store_key_fn fn, void *arg)
{
    return list_all(store, READ_KEYS, show_key, (union row_fn){.key = fn}, arg);
}

int store_list_signing_keys(struct store *store, store_signing_key_fn fn, void *arg)
{
    return list_all(store, READ_SIGNING_KEYS, show_signing_key, (union row_fn){.signing_key = fn},
                    arg);
}

int store_list_throttles(struct store *store, store_throttle_fn fn, void *arg)
{
    return list_all(store, READ_THROTTLES, show_throttle, (union row_fn){.throttle = fn}, arg);
}

static void bind_page_before(struct query *query, uint64_t before, unsigned limit)
{
    query_bind_integer(query, 1, before == 0 || before > INT64_MAX ? INT64_MAX : (int64_t)before);
    query_bind_limit(query, 2, limit);
}

int store_list_audit(struct store *store, struct str workspace_id, bool with_deployment,
                     uint64_t before, unsigned limit, store_audit_fn fn, void *arg)
{
    cleanup(query_end) struct query query =
        query_begin(store, with_deployment ? READ_AUDIT_WITH_DEPLOYMENT : READ_AUDIT, workspace_id);

    bind_page_before(&query, before, limit);
    return query_show_rows(&query, show_audit, (union row_fn){.audit = fn}, arg);
}

int store_list_audit_of(struct store *store, struct str actor_id, uint64_t before, unsigned limit,
                        store_audit_fn fn, void *arg)
{
    cleanup(query_end) struct query query = query_begin_all(store, READ_AUDIT_OF);

    bind_page_before(&query, before, limit);
    query_bind_text(&query, 3, actor_id);
    return query_show_rows(&query, show_audit, (union row_fn){.audit = fn}, arg);
}

/* ---- the chain ---- */

struct chain {
    uint64_t last; /* looked at */
    uint64_t end;  /* written */
    unsigned char hash[STORE_HASH_BYTES];
};

/* Where a page of the check begins: the line before it, which the page before has looked at. */
static int begin_chain(struct store *store, uint64_t after, struct chain *chain)
{
    *chain = (struct chain){.last = after};
    if (after == 0) {
        return OK;
    }
    cleanup(query_end) struct query query = query_begin_all(store, READ_AUDIT_LINE);
    query_bind_integer(&query, 1, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    if (query_step(&query)) {
        query_hash(&query, 9, chain->hash);
        return query.code;
    }
    return query.code ? query.code : ERR_INVALID;
}

/* Goes one line on; ERR_INVALID: chain->last is the number of a line that is wrong, or missing. */
static int check_line(struct query *query, struct chain *chain)
{
    const struct store_audit line = read_audit(query);
    unsigned char hash[STORE_HASH_BYTES];
    int code = query->code;

    chain->last++;
    if (!code && line.n != chain->last) {
        code = ERR_INVALID;
    }
    code = code ? code : audit_hash(chain->hash, &line, hash);
    if (!code && memcmp(hash, line.hash, sizeof(hash)) != 0) {
        code = ERR_INVALID;
    }
    memcpy(chain->hash, line.hash, sizeof(line.hash));
    return code;
}

/* How many lines were ever written. */
static int read_end(struct store *store, uint64_t *ret_end)
{
    cleanup(query_end) struct query query = query_begin_all(store, READ_AUDIT_END);

    *ret_end = query_step(&query) ? (uint64_t)query_integer(&query, 0) : 0;
    return query.code;
}

static int check_lines(struct store *store, unsigned limit, struct chain *chain)
{
    cleanup(query_end) struct query query = query_begin_all(store, READ_AUDIT_LINES);
    unsigned count = 0;
    int code = OK;

    query_bind_integer(&query, 1, (int64_t)chain->last);
    query_bind_integer(&query, 2, limit);
    for (; !code && query_step(&query); count++) {
        code = check_line(&query, chain);
    }
    code = code ? code : query.code;
    if (!code && count < limit && chain->last < chain->end) {
        chain->last++;
        code = ERR_INVALID;
    }
    return code;
}

int store_check_audit(struct store *store, uint64_t after, unsigned limit, uint64_t *ret_last,
                      unsigned char ret_hash[STORE_HASH_BYTES])
{
    struct chain chain = {0};
    uint64_t end = 0;
    int code = read_end(store, &end); /* first: lines that come meanwhile are not missing */

    code = code ? code : begin_chain(store, after, &chain);
    if (code && code != ERR_INVALID) {
        return code;
    }
    chain.end = end;
    if (!code) {
        code = check_lines(store, limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX, &chain);
    }
    if (!code || code == ERR_INVALID) {
        *ret_last = chain.last;
        memcpy(ret_hash, chain.hash, sizeof(chain.hash));
    }
    return code;
}
