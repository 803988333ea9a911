/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/guests.h"

#include <string.h>

#include "auth/auth_state.h"
#include "loop/clock.h"

static bool is_kept(const struct guests *guests, const char *id)
{
    for (unsigned i = 0; i < GUESTS_KEPT; i++) {
        if (strcmp(guests->ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* Which of several is not told: all are made again. */
static void row_stored(int code, void *arg)
{
    struct auth *auth = (struct auth *)arg;

    auth->in_store--;
    if (code) {
        memset(auth->guests.ids, 0, sizeof(auth->guests.ids));
    }
}

void guests_let_in(struct auth *auth, const char *workspace_id)
{
    struct guests *guests = &auth->guests;
    size_t length = strlen(workspace_id);

    if (!auth->store || length == 0 || length > STORE_ID_BYTES_MAX ||
        str_equal(str_from(workspace_id), STR(STORE_WORKSPACE_FIRST)) ||
        is_kept(guests, workspace_id)) {
        return;
    }
    struct store_batch *batch = store_batch_new(STR(""));
    if (!batch) {
        return;
    }
    struct store_workspace row = {
        .id = str_from(workspace_id), .name = str_from(workspace_id), .created_us = clock_now_us()};
    store_put_workspace(batch, &row);
    memcpy(guests->ids[guests->next], workspace_id, length + 1);
    guests->next = (guests->next + 1) % GUESTS_KEPT;
    auth->in_store++;
    int code = store_submit(auth->store, batch, row_stored, auth);
    if (code) {
        row_stored(code, auth);
    }
}
