/*
 * A process whose accounts are the auth service's. It has a row of each workspace that something
 * was kept for, because the store keeps nothing of a workspace that is not there; it is made when
 * the first credential names it, ahead of whatever its bearer writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/auth_state.h"

#include <stdio.h>

#include "base/alloc.h"
#include "loop/clock.h"
#include "monitor/log.h"

/* A row on its way to the disk. */
struct made_workspace {
    struct auth *auth;
    char id[STORE_ID_BYTES_MAX + 1];
};

static void tell_known(http_id id, void *arg)
{
    struct auth *auth = arg;

    if (auth->on_known && !auth->is_closing) {
        auth->on_known(id, auth->known_arg);
    }
}

static void tell_revoked(void *arg)
{
    auth_tell_revoked(arg);
}

int auth_init_elsewhere(struct auth *auth, const struct auth_options *options, struct error *error)
{
    struct issuer_options issuer = {.loop = auth->loop,
                                    .client = options->client,
                                    .url = options->issuer_url,
                                    .data_dir = options->data_dir,
                                    .on_known = tell_known,
                                    .on_revoked = tell_revoked,
                                    .arg = auth};

    if (!options->client) {
        return OK;
    }
    int code = auth->store ? directory_load_workspaces(&auth->directory, auth->store) : OK;
    return code ? error_set(error, code, "cannot read the workspaces: %s", error_code_text(code))
                : issuer_new(&issuer, &auth->issuer, error);
}

void auth_tick_elsewhere(struct auth *auth)
{
    if (auth->issuer) {
        issuer_tick(auth->issuer);
        auth_tell_revoked(auth); /* sockets look, and what is old is asked about again */
    }
}

/* ---- workspaces ---- */

static void workspace_made(int code, void *arg)
{
    struct made_workspace *made = arg;
    struct auth *auth = made->auth;
    struct workspace *workspace = directory_workspace(&auth->directory, str_from(made->id));

    auth->in_store--;
    if (code && workspace) { /* the next one who names it tries again */
        log_write(LOG_WARNING, "auth", "a workspace's row was not kept: %s", error_code_text(code));
        directory_take_workspace(&auth->directory, workspace);
        record_free(&workspace->record);
    }
    alloc_free(made);
}

static void make_workspace(struct auth *auth, const char *id)
{
    struct store_workspace row = {
        .id = str_from(id), .name = str_from(id), .created_us = clock_now_us()};
    struct made_workspace *made = alloc_zeroed(1, sizeof(*made));
    struct workspace *workspace = made ? workspace_new(&row) : NULL;
    struct store_batch *batch = workspace ? store_batch_new(STR("")) : NULL;

    if (!batch) {
        record_free(workspace ? &workspace->record : NULL);
        alloc_free(made);
        return;
    }
    made->auth = auth;
    (void)snprintf(made->id, sizeof(made->id), "%s", id);
    directory_add_workspace(&auth->directory, workspace);
    store_put_workspace(batch, &row);
    auth->in_store++;
    int code = store_submit(auth->store, batch, workspace_made, made);
    if (code) {
        workspace_made(code, made);
    }
}

enum auth_result auth_judge_elsewhere(struct auth *auth, struct str secret, http_id waiter,
                                      int64_t now_us, struct auth_caller *ret_caller,
                                      enum auth_flaw *ret_flaw)
{
    if (!auth->issuer) {
        return AUTH_UNAVAILABLE;
    }
    switch (issuer_judge(auth->issuer, secret, waiter, now_us, ret_caller, ret_flaw)) {
    case ISSUER_GOOD:
        if (auth->store &&
            !directory_workspace(&auth->directory, str_from(ret_caller->workspace_id))) {
            make_workspace(auth, ret_caller->workspace_id);
        }
        return AUTH_OK;
    case ISSUER_BAD:
        return AUTH_INVALID;
    case ISSUER_WAIT:
        return AUTH_LATER;
    case ISSUER_SILENT:
        break;
    }
    return AUTH_UNAVAILABLE;
}
