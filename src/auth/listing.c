/*
 * What there is, as rows. A page is found by one pass over what belongs to a user or workspace,
 * which is not kept in order: the smallest ids behind after, in a sorted array of a page. O(n), and
 * O(n·page) at worst; ids grow with time and records are entered in time, so that the order is
 * nearly there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/auth_state.h"
#include "loop/clock.h"

struct page {
    struct str after;
    unsigned limit;
    unsigned count;
    struct {
        struct str id;
        const void *record;
    } rows[STORE_PAGE_MAX];
};

static void begin_page(struct page *page, struct str after, unsigned limit)
{
    page->after = after;
    page->limit = limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX;
    page->count = 0;
}

static void offer(struct page *page, struct str id, const void *record)
{
    bool is_full = page->count == page->limit;

    if (str_compare(id, page->after) <= 0 || page->limit == 0 ||
        (is_full && str_compare(id, page->rows[page->count - 1].id) > 0)) {
        return;
    }
    unsigned at = is_full ? page->count - 1 : page->count++;
    while (at > 0 && str_compare(page->rows[at - 1].id, id) > 0) {
        page->rows[at] = page->rows[at - 1];
        at--;
    }
    page->rows[at].id = id;
    page->rows[at].record = record;
}

bool accounts_user(const struct auth *auth, struct str id, store_user_fn fn, void *arg)
{
    const struct user *user = directory_user(&auth->directory, id);

    if (user) {
        struct store_user row = user_row(user);

        (void)fn(&row, arg);
    }
    return user != NULL;
}

bool accounts_workspace(const struct auth *auth, struct str id, store_workspace_fn fn, void *arg)
{
    const struct workspace *workspace = directory_workspace(&auth->directory, id);

    if (workspace) {
        struct store_workspace row = workspace_row(workspace);

        (void)fn(&row, arg);
    }
    return workspace != NULL;
}

/* In local mode the one user is an admin of the first workspace, which no table says. */
static void local_membership(store_member_fn fn, void *arg)
{
    struct store_member row = {.workspace_id = STR(STORE_WORKSPACE_FIRST),
                               .user_id = STR(AUTH_LOCAL_USER),
                               .role = AUTH_ROLE_ADMIN};

    (void)fn(&row, arg);
}

void accounts_memberships(const struct auth *auth, struct str user_id, store_member_fn fn,
                          void *arg)
{
    const struct user *user = directory_user(&auth->directory, user_id);
    struct page page;
    struct str after = STR("");

    if (auth_is_local(auth)) {
        local_membership(fn, arg);
        return;
    }
    do { /* page by page: a user may be in more workspaces than a page has rows */
        begin_page(&page, after, STORE_PAGE_MAX);
        for (struct ring *at = user ? user->memberships.next : NULL; at && at != &user->memberships;
             at = at->next) {
            const struct member *member = RECORD_OF(at, struct member, of_user);

            offer(&page, str_from(member->workspace_id), member);
        }
        for (unsigned i = 0; i < page.count; i++) {
            struct store_member row = member_row(page.rows[i].record);

            after = page.rows[i].id;
            if (!fn(&row, arg)) {
                return;
            }
        }
    } while (page.count == STORE_PAGE_MAX);
}

void accounts_members(const struct auth *auth, struct str workspace_id, struct str after,
                      unsigned limit, store_member_fn fn, void *arg)
{
    const struct workspace *workspace = directory_workspace(&auth->directory, workspace_id);
    struct page page;

    begin_page(&page, after, limit);
    for (struct ring *at = workspace ? workspace->members.next : NULL;
         at && at != &workspace->members; at = at->next) {
        const struct member *member = RECORD_OF(at, struct member, of_workspace);

        offer(&page, str_from(member->user_id), member);
    }
    for (unsigned i = 0; i < page.count; i++) {
        struct store_member row = member_row(page.rows[i].record);

        if (!fn(&row, arg)) {
            return;
        }
    }
}

void accounts_invites(const struct auth *auth, struct str workspace_id, struct str after,
                      unsigned limit, store_code_fn fn, void *arg)
{
    const struct workspace *workspace = directory_workspace(&auth->directory, workspace_id);
    int64_t now_us = clock_now_us();
    struct page page;

    begin_page(&page, after, limit);
    for (struct ring *at = workspace ? workspace->invites.next : NULL;
         at && at != &workspace->invites; at = at->next) {
        const struct code *code = RECORD_OF(at, struct code, of_workspace);

        if (now_us < code->expires_us) {
            offer(&page, str_from(code->id), code);
        }
    }
    for (unsigned i = 0; i < page.count; i++) {
        struct store_code row = code_row(page.rows[i].record);

        if (!fn(&row, arg)) {
            return;
        }
    }
}

void accounts_sessions(const struct auth *auth, struct str user_id, store_session_fn fn, void *arg)
{
    const struct user *user = directory_user(&auth->directory, user_id);
    int64_t now_us = clock_now_us();
    struct page page;

    begin_page(&page, STR(""), STORE_PAGE_MAX);
    for (struct ring *at = user ? user->sessions.next : NULL; at && at != &user->sessions;
         at = at->next) {
        const struct session *session = RECORD_OF(at, struct session, of_user);

        if (now_us < session->expires_us &&
            (auth_is_local(auth) || auth_session_lives(auth, session, now_us))) {
            offer(&page, str_from(session->id), session);
        }
    }
    for (unsigned i = 0; i < page.count; i++) {
        struct store_session row = session_row(page.rows[i].record);

        if (!fn(&row, arg)) {
            return;
        }
    }
}

void accounts_keys(const struct auth *auth, struct str workspace_id, struct str user_id,
                   struct str after, unsigned limit, store_key_fn fn, void *arg)
{
    const struct workspace *workspace = directory_workspace(&auth->directory, workspace_id);
    struct page page;

    begin_page(&page, after, limit);
    for (struct ring *at = workspace ? workspace->keys.next : NULL; at && at != &workspace->keys;
         at = at->next) {
        const struct key *key = RECORD_OF(at, struct key, of_workspace);

        if (user_id.length == 0 || str_equal(str_from(key->user_id), user_id)) {
            offer(&page, str_from(key->id), key);
        }
    }
    for (unsigned i = 0; i < page.count; i++) {
        struct store_key row = key_row(page.rows[i].record);

        if (!fn(&row, arg)) {
            return;
        }
    }
}

void accounts_identities(const struct auth *auth, struct str user_id, store_identity_fn fn,
                         void *arg)
{
    const struct user *user = directory_user(&auth->directory, user_id);

    for (struct ring *at = user ? user->identities.next : NULL; at && at != &user->identities;
         at = at->next) {
        struct store_identity row = identity_row(RECORD_OF(at, struct identity, of_user));

        if (!fn(&row, arg)) {
            return;
        }
    }
}
