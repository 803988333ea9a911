/*
 * accounts.h: each row is read as it was written, what belongs together goes together, and the
 * audit log shows when somebody has been at it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store_fixture.h"

#include <sqlite3.h>

#include "base/alloc.h"
#include "store/audit.h"

static void fill_hash(unsigned char hash[STORE_HASH_BYTES], char with)
{
    memset(hash, with, STORE_HASH_BYTES);
}

/* ---- one of each ---- */

static const struct store_user anna = {.id = STR("u-1"),
                                       .email = STR("anna@example.org"),
                                       .name = STR("Anna \xc3\xa9"),
                                       .is_email_verified = true,
                                       .password = STR("$argon2id$…"),
                                       .created_us = 5,
                                       .disabled_us = 6};

static void put_anna(struct store_batch *batch)
{
    store_put_user(batch, &anna);
    store_put_member(
        batch,
        &(struct store_member){.workspace_id = HERE, .user_id = anna.id, .role = 3, .since_us = 7});
}

static struct store_session session_of(const char *id, struct str user, char secret)
{
    struct store_session session = {.id = str_from(id),
                                    .user_id = user,
                                    .workspace_id = HERE,
                                    .kind = 1,
                                    .device = STR("curl"),
                                    .address = STR("192.0.2.0"),
                                    .created_us = 1,
                                    .used_us = 2,
                                    .expires_us = 3};

    fill_hash(session.hash, secret);
    return session;
}

static struct store_key key_of(const char *id, struct str user)
{
    struct store_key key = {.id = str_from(id),
                            .workspace_id = HERE,
                            .user_id = user,
                            .name = STR("ci"),
                            .scopes = 3,
                            .created_us = 1,
                            .used_us = 2,
                            .expires_us = 3};

    fill_hash(key.hash, id[0]);
    return key;
}

static struct store_code code_of(const char *id, struct str user, struct str email)
{
    struct store_code code = {.id = str_from(id),
                              .purpose = 1,
                              .workspace_id = HERE,
                              .email = email,
                              .role = 2,
                              .user_id = user,
                              .made_by = STR("u-1"),
                              .created_us = 1,
                              .expires_us = 2};

    fill_hash(code.hash, id[0]);
    return code;
}

static bool is_user(const struct store_user *row, void *arg)
{
    const struct store_user *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->email, want->email));
    assert_true(str_equal(row->name, want->name) && str_equal(row->password, want->password));
    assert_int_equal(row->is_service, want->is_service);
    assert_int_equal(row->is_email_verified, want->is_email_verified);
    assert_true(row->created_us == want->created_us && row->disabled_us == want->disabled_us);
    return true;
}

static bool is_session(const struct store_session *row, void *arg)
{
    const struct store_session *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->user_id, want->user_id));
    assert_true(str_equal(row->workspace_id, want->workspace_id));
    assert_true(str_equal(row->device, want->device) && str_equal(row->address, want->address));
    assert_memory_equal(row->hash, want->hash, STORE_HASH_BYTES);
    assert_memory_equal(row->last_hash, want->last_hash, STORE_HASH_BYTES);
    assert_true(row->kind == want->kind && row->created_us == want->created_us);
    assert_true(row->used_us == want->used_us && row->expires_us == want->expires_us);
    return true;
}

static bool is_key(const struct store_key *row, void *arg)
{
    const struct store_key *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->user_id, want->user_id));
    assert_true(str_equal(row->workspace_id, want->workspace_id));
    assert_true(str_equal(row->name, want->name) && row->scopes == want->scopes);
    assert_memory_equal(row->hash, want->hash, STORE_HASH_BYTES);
    assert_true(row->created_us == want->created_us && row->used_us == want->used_us);
    assert_true(row->expires_us == want->expires_us);
    return true;
}

static bool is_code(const struct store_code *row, void *arg)
{
    const struct store_code *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->user_id, want->user_id));
    assert_true(str_equal(row->workspace_id, want->workspace_id));
    assert_true(str_equal(row->email, want->email) && str_equal(row->made_by, want->made_by));
    assert_memory_equal(row->hash, want->hash, STORE_HASH_BYTES);
    assert_true(row->purpose == want->purpose && row->role == want->role);
    assert_true(row->created_us == want->created_us && row->expires_us == want->expires_us);
    return true;
}

static bool is_identity(const struct store_identity *row, void *arg)
{
    const struct store_identity *want = arg;

    assert_true(str_equal(row->provider, want->provider));
    assert_true(str_equal(row->subject, want->subject) && str_equal(row->email, want->email));
    assert_true(str_equal(row->user_id, want->user_id) && row->linked_us == want->linked_us);
    return true;
}

static bool is_signing_key(const struct store_signing_key *row, void *arg)
{
    const struct store_signing_key *want = arg;

    assert_true(str_equal(row->id, want->id) && str_equal(row->sealed, want->sealed));
    assert_true(str_equal(row->public_jwk, want->public_jwk));
    assert_true(row->created_us == want->created_us && row->retires_us == want->retires_us);
    assert_true(row->signs_from_us == want->signs_from_us);
    return true;
}

static bool is_throttle(const struct store_throttle *row, void *arg)
{
    const struct store_throttle *want = arg;

    assert_memory_equal(row->hash, want->hash, STORE_HASH_BYTES);
    assert_true(row->failures == want->failures && row->last_us == want->last_us);
    return true;
}

static bool note_workspace(const struct store_workspace *row, void *arg)
{
    (void)note_name(arg, row->id);
    return note_name(arg, row->name);
}

/* "workspace:user:role" */
static bool note_member(const struct store_member *row, void *arg)
{
    char name[160];

    (void)snprintf(name, sizeof(name), "%.*s:%.*s:%u", STR_ARGS(row->workspace_id),
                   STR_ARGS(row->user_id), row->role);
    return note_name(arg, str_from(name));
}

static bool note_user(const struct store_user *row, void *arg)
{
    return note_name(arg, row->id);
}

static bool note_key(const struct store_key *row, void *arg)
{
    return note_name(arg, row->id);
}

static bool note_identity(const struct store_identity *row, void *arg)
{
    return note_name(arg, row->subject);
}

/* "id<maker" */
static bool note_code(const struct store_code *row, void *arg)
{
    char name[160];

    (void)snprintf(name, sizeof(name), "%.*s<%.*s", STR_ARGS(row->id), STR_ARGS(row->made_by));
    return note_name(arg, str_from(name));
}

static void expect_accounts(struct fixture *f, const char *users, const char *members,
                            const char *sessions, const char *keys)
{
    struct names names;

    names_begin(&names);
    assert_int_equal(store_list_users(f->store, note_user, &names), OK);
    expect_names(&names, users);
    assert_int_equal(store_list_members(f->store, note_member, &names), OK);
    expect_names(&names, members);
    assert_int_equal(store_list_sessions(f->store, note_session, &names), OK);
    expect_names(&names, sessions);
    assert_int_equal(store_list_keys(f->store, note_key, &names), OK);
    expect_names(&names, keys);
    buf_done(&names.text);
}

static void test_accounts_are_read_as_they_were_written(void **state)
{
    struct store_session session = session_of("s-1", anna.id, 's');
    struct store_key key = key_of("k-1", anna.id);
    struct store_code code = code_of("c-1", STR(""), STR("bert@example.org"));
    struct store_identity identity = {STR("google"), STR("sub\0ject"), anna.id, STR("a@b"), 9};
    struct store_signing_key signing = {STR("kid"), STR("{}"), STR("sealed\0"), 1, 2, 3};
    struct store_throttle throttle = {.failures = 3, .last_us = 4};
    struct store_user user = anna;
    struct names names;
    struct fixture f;

    (void)state;
    names_begin(&names);
    fixture_begin(&f);
    fill_hash(throttle.hash, 't');
    for (int i = 0; i < 2; i++) { /* inserted, replaced */
        struct store_batch *batch = new_accounts_batch();

        store_put_user(batch, &user);
        store_put_workspace(batch, &(struct store_workspace){HERE, STR("Ours"), 1});
        store_put_member(batch, &(struct store_member){HERE, anna.id, .role = 2 + (unsigned)i, 7});
        store_put_identity(batch, &identity);
        store_put_code(batch, &code);
        store_put_session(batch, &session);
        store_put_key(batch, &key);
        store_put_signing_key(batch, &signing);
        store_put_throttle(batch, &throttle);
        assert_int_equal(apply(&f, batch), OK);
        assert_int_equal(store_list_users(f.store, is_user, &user), OK);
        assert_int_equal(store_list_identities(f.store, is_identity, &identity), OK);
        assert_int_equal(store_list_codes(f.store, is_code, &code), OK);
        assert_int_equal(store_list_sessions(f.store, is_session, &session), OK);
        assert_int_equal(store_list_keys(f.store, is_key, &key), OK);
        assert_int_equal(store_list_signing_keys(f.store, is_signing_key, &signing), OK);
        assert_int_equal(store_list_throttles(f.store, is_throttle, &throttle), OK);
        user = (struct store_user){.id = anna.id, .is_service = true, .created_us = 8};
        memcpy(session.last_hash, session.hash, STORE_HASH_BYTES);
        fill_hash(session.hash, 'n');
        session.kind = 0;
        key.scopes = 1;
        key.name = STR("");
        code.role = 1;
        code.user_id = anna.id;
        identity.email = STR("new");
        signing.retires_us = 77;
        throttle.failures = 4;
    }
    assert_int_equal(store_list_workspaces(f.store, note_workspace, &names), OK);
    expect_names(&names, "default Ours ");
    expect_accounts(&f, "u-1 ", "default:u-1:3 ", "s-1 ", "k-1 ");

    struct store_batch *batch = new_accounts_batch();
    store_delete_member(batch, HERE, anna.id);
    store_delete_identity(batch, STR("google"), anna.id);
    store_delete_code(batch, code.hash);
    store_delete_session(batch, session.id);
    store_delete_key(batch, key.id);
    store_delete_signing_key(batch, signing.id);
    store_delete_throttle(batch, throttle.hash);
    assert_int_equal(apply(&f, batch), OK);
    expect_accounts(&f, "u-1 ", "", "", "");
    assert_int_equal(store_list_identities(f.store, note_identity, &names), OK);
    assert_int_equal(store_list_codes(f.store, note_code, &names), OK);
    expect_names(&names, "");
    fixture_reopen(&f);
    expect_accounts(&f, "u-1 ", "", "", "");
    buf_done(&names.text);
    fixture_end(&f);
}

static void expect_invalid(struct fixture *f, struct store_batch *batch)
{
    assert_int_equal(apply(f, batch), ERR_INVALID);
}

static void test_accounts_keep_their_rules(void **state)
{
    struct store_session session = session_of("s-1", anna.id, 's');
    struct store_key key = key_of("k-1", STR("nobody"));
    struct store_user other = {.id = STR("u-2"), .email = anna.email};
    struct fixture f;

    (void)state;
    fixture_begin(&f);
    struct store_batch *batch = new_accounts_batch();
    put_anna(batch);
    store_put_session(batch, &session);
    assert_int_equal(apply(&f, batch), OK);

    batch = new_accounts_batch();
    store_put_user(batch, &other); /* an e-mail is one user's */
    expect_invalid(&f, batch);
    batch = new_accounts_batch();
    store_put_key(batch, &key); /* of nobody */
    expect_invalid(&f, batch);
    batch = new_accounts_batch();
    store_put_member(batch, &(struct store_member){STR("nowhere"), anna.id, 1, 1});
    expect_invalid(&f, batch);
    batch = new_accounts_batch();
    session = session_of("s-2", STR("nobody"), 'x');
    store_put_session(batch, &session);
    expect_invalid(&f, batch);
    batch = new_accounts_batch();
    session = session_of("s-2", anna.id, 's'); /* the secret of another */
    store_put_session(batch, &session);
    expect_invalid(&f, batch);
    batch = new_accounts_batch();
    session = session_of("s-2", STR("local"), 'l'); /* local mode has no row */
    store_put_session(batch, &session);
    other.email = STR(""); /* many have none */
    store_put_user(batch, &other);
    other.id = STR("u-3");
    store_put_user(batch, &other);
    assert_int_equal(apply(&f, batch), OK);
    expect_accounts(&f, "u-1 u-2 u-3 ", "default:u-1:3 ", "s-1 s-2 ", "");
    fixture_end(&f);
}

static void test_a_user_goes_with_all_that_is_theirs(void **state)
{
    struct store_session session = session_of("s-1", anna.id, 's');
    struct store_key key = key_of("k-1", anna.id);
    struct store_code codes[] = {code_of("a", anna.id, STR("")), code_of("b", STR(""), anna.email),
                                 code_of("c", STR(""), STR("bert@example.org"))};
    struct names names;
    struct fixture f;

    (void)state;
    names_begin(&names);
    fixture_begin(&f);
    struct store_batch *batch = new_accounts_batch();
    put_anna(batch);
    store_put_user(batch, &(struct store_user){.id = STR("u-2")});
    store_put_session(batch, &session);
    session = session_of("s-2", STR("u-2"), 't');
    store_put_session(batch, &session);
    store_put_key(batch, &key);
    store_put_identity(batch, &(struct store_identity){STR("g"), STR("sub"), anna.id, STR(""), 1});
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        store_put_code(batch, &codes[i]);
    }
    assert_int_equal(apply(&f, batch), OK);
    batch = new_accounts_batch();
    store_delete_user(batch, anna.id);
    store_delete_user(batch, STR("nobody"));
    assert_int_equal(apply(&f, batch), OK);
    expect_accounts(&f, "u-2 ", "", "s-2 ", "");
    assert_int_equal(store_list_identities(f.store, note_identity, &names), OK);
    expect_names(&names, "");
    assert_int_equal(store_list_codes(f.store, note_code, &names), OK);
    expect_names(&names, "c< ");
    buf_done(&names.text);
    fixture_end(&f);
}

/* ---- the audit log ---- */

static void add_line(struct store_batch *batch, const char *workspace, const char *actor,
                     const char *action)
{
    store_add_audit(batch, &(struct store_audit){.n = 99,
                                                 .time_us = 5,
                                                 .workspace_id = str_from(workspace),
                                                 .actor_id = str_from(actor),
                                                 .action = str_from(action),
                                                 .detail = STR("{}")});
}

/* "n:action" */
static bool note_line(const struct store_audit *row, void *arg)
{
    char name[160];

    (void)snprintf(name, sizeof(name), "%d:%.*s", (int)row->n, STR_ARGS(row->action));
    return note_name(arg, str_from(name));
}

static void write_lines(struct fixture *f)
{
    static const char *const lines[][3] = {{"", "", "setup"},
                                           {"default", "u-1", "login"},
                                           {"other", "u-2", "login"},
                                           {"default", "u-2", "key.created"},
                                           {"", "u-1", "logout"}};

    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        struct store_batch *batch = new_accounts_batch();

        add_line(batch, lines[i][0], lines[i][1], lines[i][2]);
        assert_int_equal(apply(f, batch), OK);
        batch = new_accounts_batch(); /* one that fails leaves no gap */
        add_line(batch, "", "", "lost");
        store_put_member(batch, &(struct store_member){.user_id = STR("nobody")});
        assert_int_equal(apply(f, batch), ERR_INVALID);
    }
}

static void expect_chain(struct fixture *f, int code, uint64_t last)
{
    unsigned char hash[STORE_HASH_BYTES];
    uint64_t at = 0;
    uint64_t before;
    int result;

    assert_int_equal(store_check_audit(f->store, 0, 200, &at, hash), code);
    assert_int_equal(at, last);
    at = 0; /* a line at a time says the same */
    do {
        before = at;
        result = store_check_audit(f->store, before, 1, &at, hash);
    } while (result == OK && at != before);
    assert_int_equal(result, code);
    assert_int_equal(at, last);
}

static void test_audit_lists_and_chain(void **state)
{
    struct names names;
    struct fixture f;

    (void)state;
    names_begin(&names);
    fixture_begin(&f);
    expect_chain(&f, OK, 0);
    write_lines(&f);
    assert_int_equal(store_list_audit(f.store, HERE, false, 0, 9, note_line, &names), OK);
    expect_names(&names, "4:key.created 2:login ");
    assert_int_equal(store_list_audit(f.store, HERE, true, 0, 9, note_line, &names), OK);
    expect_names(&names, "5:logout 4:key.created 2:login 1:setup ");
    assert_int_equal(store_list_audit(f.store, HERE, true, 5, 2, note_line, &names), OK);
    expect_names(&names, "4:key.created 2:login ");
    assert_int_equal(store_list_audit(f.store, STR(""), true, 0, 9, note_line, &names), OK);
    expect_names(&names, "5:logout 1:setup ");
    assert_int_equal(store_list_audit_of(f.store, STR("u-1"), 0, 9, note_line, &names), OK);
    expect_names(&names, "5:logout 2:login ");
    assert_int_equal(store_list_audit_of(f.store, STR("u-1"), 5, 9, note_line, &names), OK);
    expect_names(&names, "2:login ");
    expect_chain(&f, OK, 5);
    fixture_reopen(&f);
    write_lines(&f);
    expect_chain(&f, OK, 10);
    buf_done(&names.text);
    fixture_end(&f);
}

/* Another program at the file: what it was told. */
static int edit(const struct fixture *f, const char *sql)
{
    sqlite3 *db;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/netra.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    int result = sqlite3_exec(db, sql, NULL, NULL, NULL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return result;
}

static void test_audit_lines_stay(void **state)
{
    static const char *const attempts[] = {
        "UPDATE audit SET action = 'nothing' WHERE n = 2",
        "DELETE FROM audit WHERE n = 2",
        "DELETE FROM audit",
        "UPDATE audit SET n = n + 100",
        "INSERT OR REPLACE INTO audit SELECT n, time_us, workspace, actor, credential, 'x', target,"
        " address, detail, hash FROM audit WHERE n = 6 - n",
    };
    struct fixture f;

    (void)state;
    fixture_begin(&f);
    write_lines(&f);
    for (size_t i = 0; i < ARRAY_LENGTH(attempts); i++) {
        assert_int_equal(edit(&f, attempts[i]), SQLITE_CONSTRAINT);
    }
    expect_chain(&f, OK, 5);
    fixture_end(&f);
}

#define WITHOUT_TRIGGERS "DROP TRIGGER audit_stays; DROP TRIGGER audit_remains;"
#define ALL_BUT_N        "time_us, workspace, actor, credential, action, target, address, detail, hash"

/* Whoever takes the triggers away is found out by the hashes. */
static void test_audit_chain_shows_what_was_done_to_it(void **state)
{
    static const struct {
        const char *sql;
        uint64_t line;
    } deeds[] = {
        {"UPDATE audit SET actor = 'u-9' WHERE n = 3", 3},
        {"UPDATE audit SET time_us = time_us + 1 WHERE n = 1", 1},
        {"UPDATE audit SET action = target, target = action WHERE n = 2", 2},
        /* the same bytes in other fields */
        {"UPDATE audit SET actor = 'u-', credential = '1' WHERE n = 2", 2},
        {"UPDATE audit SET hash = zeroblob(32) WHERE n = 4", 4},
        {"DELETE FROM audit WHERE n = 1", 1},
        {"DELETE FROM audit WHERE n = 3", 3},
        {"DELETE FROM audit WHERE n = 5", 5}, /* the last */
        {"DELETE FROM audit WHERE n = 3; UPDATE audit SET n = n - 1 WHERE n > 3", 3},
        {"UPDATE audit SET n = 100 WHERE n = 2; UPDATE audit SET n = 2 WHERE n = 3;"
         "UPDATE audit SET n = 3 WHERE n = 100",
         2},
        {"INSERT INTO audit (n, " ALL_BUT_N ") SELECT 6, " ALL_BUT_N " FROM audit WHERE n = 5", 6},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(deeds); i++) {
        struct fixture f;

        fixture_begin(&f);
        write_lines(&f);
        assert_int_equal(edit(&f, WITHOUT_TRIGGERS), SQLITE_OK);
        expect_chain(&f, OK, 5);
        assert_int_equal(edit(&f, deeds[i].sql), SQLITE_OK);
        expect_chain(&f, ERR_INVALID, deeds[i].line);
        fixture_end(&f);
    }
}

/* The hash of a line, computed by another program over the bytes that audit.h draws. */
static void test_audit_hash_is_what_its_format_says(void **state)
{
    static const unsigned char zero[STORE_HASH_BYTES];
    unsigned char hash[STORE_HASH_BYTES];
    char text[2 * STORE_HASH_BYTES + 1];
    const struct store_audit line = {.n = 1,
                                     .time_us = 258,
                                     .workspace_id = STR("default"),
                                     .action = STR("login"),
                                     .detail = STR("{}")};

    (void)state;
    assert_int_equal(audit_hash(zero, &line, hash), OK);
    for (size_t i = 0; i < sizeof(hash); i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", hash[i]);
    }
    assert_string_equal(text, "4a21f5011e994d0c90ff0aa91edcf18a5ed0120391fe7a6e1f192736c43d40e9");
}

/* ---- answers, usage, erasure ---- */

static struct store_answer answer_of(const char *owner, const char *key, int64_t expires_us)
{
    struct store_answer answer = {.owner_id = str_from(owner),
                                  .key = str_from(key),
                                  .status = 201,
                                  .content_type = STR("application/json"),
                                  .body = STR("{\"a\":\"\0\"}"),
                                  .expires_us = expires_us};

    fill_hash(answer.fingerprint, 'f');
    return answer;
}

static bool is_answer(const struct store_answer *row, void *arg)
{
    const struct store_answer *want = arg;

    assert_true(str_equal(row->owner_id, want->owner_id) && str_equal(row->key, want->key));
    assert_memory_equal(row->fingerprint, want->fingerprint, 32);
    assert_true(str_equal(row->body, want->body) && row->status == want->status);
    assert_true(str_equal(row->content_type, want->content_type));
    assert_true(row->expires_us == want->expires_us);
    return true;
}

static void test_answers_are_kept_until_they_end(void **state)
{
    struct store_answer answers[] = {answer_of("u-1", "k", 50), answer_of("u-2", "k", 60),
                                     answer_of("u-1", "other key", 70)};
    struct fixture f;

    (void)state;
    fixture_begin(&f);
    for (int i = 0; i < 2; i++) {
        struct store_batch *batch = new_batch();

        for (size_t n = 0; n < ARRAY_LENGTH(answers); n++) {
            store_put_answer(batch, &answers[n]);
        }
        assert_int_equal(apply(&f, batch), OK);
        for (size_t n = 0; n < ARRAY_LENGTH(answers); n++) {
            assert_int_equal(store_get_answer(f.store, HERE, answers[n].owner_id, answers[n].key,
                                              is_answer, &answers[n]),
                             OK);
        }
        answers[0].status = 404; /* replaced */
    }
    struct store_batch *batch = new_accounts_batch();
    store_delete_ended_answers(batch, 60);
    assert_int_equal(apply(&f, batch), OK);
    for (size_t n = 0; n < ARRAY_LENGTH(answers); n++) {
        assert_int_equal(store_get_answer(f.store, HERE, answers[n].owner_id, answers[n].key,
                                          is_answer, &answers[n]),
                         n == 2 ? OK : ERR_NOT_FOUND);
    }
    fixture_end(&f);
}

static void put_bytes(struct store_batch *batch, const char *id, enum store_dataset_status status,
                      uint64_t bytes)
{
    store_put_dataset(
        batch, &(struct store_dataset){.id = str_from(id), .status = status, .bytes = bytes});
}

static void test_usage_counts_what_a_workspace_keeps(void **state)
{
    struct store_model_call call = {.run_id = STR("r-1"),
                                    .started_us = 1000,
                                    .input_uncached = 1,
                                    .cache_read = 20,
                                    .cache_write_5m = 300,
                                    .cache_write_1h = -1,
                                    .output = 4000,
                                    .reasoning = 7};
    struct store_usage usage = {0};
    struct fixture f;

    (void)state;
    fixture_begin(&f);
    assert_int_equal(store_get_usage(f.store, HERE, 0, &usage), OK);
    assert_true(usage.datasets == 0 && usage.dataset_bytes == 0 && usage.model_tokens == 0);
    struct store_batch *batch = new_batch();
    put_bytes(batch, "d-1", STORE_DATASET_READY, 100);
    put_bytes(batch, "d-2", STORE_DATASET_IMPORTING, 10);
    put_bytes(batch, "d-3", STORE_DATASET_FAILED, 1000);
    put_thread(batch, "t-1", 1);
    add_run(batch, "r-1", "t-1", 1);
    store_add_model_call(batch, &call);
    call.attempt = 1;
    call.started_us = 2000;
    store_add_model_call(batch, &call);
    assert_int_equal(apply(&f, batch), OK);
    assert_int_equal(store_get_usage(f.store, HERE, 1000, &usage), OK);
    assert_true(usage.datasets == 2 && usage.dataset_bytes == 110 && usage.open_runs == 1);
    assert_int_equal(usage.model_tokens, 2 * 4321);
    assert_int_equal(store_get_usage(f.store, HERE, 1001, &usage), OK);
    assert_int_equal(usage.model_tokens, 4321);
    batch = new_batch();
    store_delete_thread(batch, STR("t-1")); /* gives nothing back */
    assert_int_equal(apply(&f, batch), OK);
    assert_int_equal(store_get_usage(f.store, HERE, 0, &usage), OK);
    assert_true(usage.model_tokens == 2 * 4321 && usage.open_runs == 0);
    fixture_end(&f);
}

static bool note_owner_of_thread(const struct store_thread *row, void *arg)
{
    return note_name(arg, row->owner_id);
}

static bool note_owner_of_run(const struct store_run *row, void *arg)
{
    return note_name(arg, row->owner_id);
}

static void fill_owned(struct fixture *f)
{
    struct store_answer answer = answer_of("u-1", "k", 50);
    struct store_batch *batch = new_batch();

    for (int i = 1; i <= 2; i++) {
        char id[24];
        char owner[24];

        (void)snprintf(id, sizeof(id), "t-%d", i);
        (void)snprintf(owner, sizeof(owner), "u-%d", i);
        store_put_thread(batch, &(struct store_thread){.id = str_from(id),
                                                       .owner_id = str_from(owner),
                                                       .created_us = i});
    }
    struct store_run run = run_of("r-1", "t-2", 1); /* of the one, in the other's thread */
    run.owner_id = STR("u-1");
    store_add_run(batch, &run);
    store_put_dataset(batch, &(struct store_dataset){.id = STR("d-1"), .owner_id = STR("u-1")});
    store_put_answer(batch, &answer);
    assert_int_equal(apply(f, batch), OK);
}

static bool has_no_owner(const struct store_dataset *row, void *arg)
{
    (void)arg;
    assert_int_equal(row->owner_id.length, 0);
    return true;
}

static void test_an_owner_is_erased(void **state)
{
    (void)state;
    for (int with_threads = 0; with_threads < 2; with_threads++) {
        struct store_answer answer = answer_of("u-1", "k", 50);
        struct names names;
        struct fixture f;

        names_begin(&names);
        fixture_begin(&f);
        fill_owned(&f);
        struct store_batch *batch = new_accounts_batch();
        store_erase_owner(batch, STR("u-1"), with_threads != 0);
        assert_int_equal(apply(&f, batch), OK);
        batch = new_batch(); /* whoever has the run in hand still */
        struct store_run run = run_of("r-1", "t-2", 1);
        run.owner_id = STR("u-1");
        store_set_run(batch, &run);
        assert_int_equal(apply(&f, batch), OK);
        assert_int_equal(
            store_list_threads(f.store, HERE, STR(""), 9, note_owner_of_thread, &names), OK);
        expect_names(&names, with_threads ? "u-2 " : "u-2  ");
        assert_int_equal(store_get_run(f.store, HERE, STR("r-1"), note_owner_of_run, &names), OK);
        expect_names(&names, " ");
        assert_int_equal(store_get_dataset(f.store, HERE, STR("d-1"), has_no_owner, NULL), OK);
        assert_int_equal(
            store_get_answer(f.store, HERE, answer.owner_id, answer.key, is_answer, &answer),
            ERR_NOT_FOUND);
        buf_done(&names.text);
        fixture_end(&f);
    }
}

static void test_accounts_batch_walks_out_of_memory(void **state)
{
    struct fixture f;
    int code = ERR_NO_MEMORY;

    (void)state;
    fixture_begin(&f);
    for (uint64_t nth = 1; code; nth++) {
        (void)alloc_fail_from(nth);
        struct store_batch *batch = store_batch_new(STR(""));
        if (batch) {
            put_anna(batch);
            for (int i = 0; i < 300; i++) {
                add_line(batch, "default", "u-1", "a line of the log that takes some room");
            }
            code = store_submit(f.store, batch, NULL, NULL);
        }
        (void)alloc_fail_from(0);
        assert_true(code == OK || code == ERR_NO_MEMORY);
        assert_true(nth < 20);
    }
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts_are_read_as_they_were_written),
        cmocka_unit_test(test_accounts_keep_their_rules),
        cmocka_unit_test(test_a_user_goes_with_all_that_is_theirs),
        cmocka_unit_test(test_audit_lists_and_chain),
        cmocka_unit_test(test_audit_lines_stay),
        cmocka_unit_test(test_audit_chain_shows_what_was_done_to_it),
        cmocka_unit_test(test_audit_hash_is_what_its_format_says),
        cmocka_unit_test(test_answers_are_kept_until_they_end),
        cmocka_unit_test(test_usage_counts_what_a_workspace_keeps),
        cmocka_unit_test(test_an_owner_is_erased),
        cmocka_unit_test(test_accounts_batch_walks_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
