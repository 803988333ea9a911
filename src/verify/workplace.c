/*
 * Where the checks work: a temporary workspace, made by a temporary person and used by a key of a
 * service account, or, where there are no accounts (or the token is none of an operator), the place
 * of the token itself. All that is made is remembered before anything else is done with it, and
 * removed at the end in the opposite order.
 *
 * A person, because a session is needed to be in a new workspace; an API key has its own for life.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "base/alloc.h"
#include "verify/inquiry.h"
#include "verify/synthetic_records.h"
#include "json/json_write.h"

#define LEAVINGS_FIRST    32u
#define LEAVINGS_MAX      20000u
#define SECRET_BYTES      24u
#define BODY_BYTES        1024u
#define REMOVE_TRIES      60u /* 409 while a run is at work */
#define REMOVE_WAIT_MS    250u
#define RECORDS_FLOOR     2000u
#define UPLOAD_TIMEOUT_MS 120000u
#define SAMPLE_SEED       7
#define NAMES_LEFT_BYTES  400u

/* ---- what is to be removed ---- */

void leaving_add(struct inquiry *inquiry, enum leaving_kind kind, const char *id, const char *token)
{
    if (kind == LEAVING_FAULTS) { /* once */
        leaving_forget(inquiry, kind, id);
    }
    if (inquiry->leaving_count == inquiry->leaving_capacity) {
        size_t capacity =
            inquiry->leaving_capacity ? inquiry->leaving_capacity * 2 : LEAVINGS_FIRST;
        struct leaving *longer = capacity > LEAVINGS_MAX ? NULL
                                                         : alloc_resize(inquiry->leavings, capacity,
                                                                        sizeof(*inquiry->leavings));

        if (!longer) {
            inquiry_note(inquiry, capacity > LEAVINGS_MAX ? ERR_LIMIT : ERR_NO_MEMORY);
            return;
        }
        inquiry->leavings = longer;
        inquiry->leaving_capacity = capacity;
    }
    struct leaving *leaving = &inquiry->leavings[inquiry->leaving_count++];
    leaving->kind = kind;
    leaving->token = token;
    (void)snprintf(leaving->id, sizeof(leaving->id), "%s", id);
}

void leaving_forget(struct inquiry *inquiry, enum leaving_kind kind, const char *id)
{
    for (size_t i = inquiry->leaving_count; i-- > 0;) {
        if (inquiry->leavings[i].kind == kind && strcmp(inquiry->leavings[i].id, id) == 0) {
            memmove(&inquiry->leavings[i], &inquiry->leavings[i + 1],
                    (inquiry->leaving_count - i - 1) * sizeof(*inquiry->leavings));
            inquiry->leaving_count--;
            return;
        }
    }
}

/* ---- bodies ---- */

struct member {
    const char *name;
    const char *text;
};

static const char *write_body(struct buf *out, const struct member *members, size_t count,
                              const char *more)
{
    struct json_writer w = json_writer_on(out);

    buf_clear(out);
    json_begin_object(&w);
    for (size_t i = 0; i < count; i++) {
        json_key(&w, members[i].name);
        json_put_text(&w, members[i].text);
    }
    if (more) {
        json_key(&w, "scopes");
        json_put_raw(&w, str_from(more));
    }
    json_end_object(&w);
    return buf_status(out) ? "{}" : out->data;
}
#define BODY(out, ...)                                                                             \
    write_body((out), (const struct member[]){__VA_ARGS__},                                        \
               sizeof((const struct member[]){__VA_ARGS__}) / sizeof(struct member), NULL)

/* ---- a person ---- */

static bool make_secret(char ret_text[2 * SECRET_BYTES + 1])
{
    unsigned char bytes[SECRET_BYTES];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(ret_text + (size_t)2 * i, 3, "%02x", bytes[i]);
    }
    return true;
}

/* The code of an invitation's link. */
static bool invite(struct inquiry *inquiry, struct buf *body, char code[INQUIRY_ID_BYTES],
                   char id[INQUIRY_ID_BYTES])
{
    cleanup(answer_done) struct answer answer = {0};
    char url[INQUIRY_URL_BYTES] = "";
    bool is_made =
        ask(inquiry,
            &(struct question){.service = SERVICE_AUTH,
                               .method = "POST",
                               .path = "/api/invites",
                               .token = inquiry->options->token,
                               .json =
                                   BODY(body, {"email", inquiry->person.email}, {"role", "admin"})},
            &answer) &&
        answer.what.status == 201 && answer_text(answer.root, "id", id, INQUIRY_ID_BYTES) &&
        ANSWER_TEXT(answer.root, "url", url);

    if (!is_made) {
        return false;
    }
    leaving_add(inquiry, LEAVING_INVITE, id, inquiry->options->token);
    size_t at = str_find(str_from(url), STR("invite="), 0);
    if (at == SIZE_MAX || strlen(url + at + 7) >= INQUIRY_ID_BYTES) {
        return false;
    }
    (void)snprintf(code, INQUIRY_ID_BYTES, "%s", url + at + 7);
    return true;
}

static bool take_access(struct inquiry *inquiry, struct json_value grant)
{
    return ANSWER_TEXT(grant, "access_token", inquiry->person.access);
}

static bool make_person(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer answer = {0};
    cleanup(buf_done) struct buf body;
    char secret[2 * SECRET_BYTES + 1];
    char code[INQUIRY_ID_BYTES] = "";
    char id[INQUIRY_ID_BYTES] = "";
    struct person *person = &inquiry->person;

    buf_init(&body, BODY_BYTES);
    if (!make_secret(secret)) {
        return false;
    }
    (void)snprintf(person->email, sizeof(person->email), "verify-%.16s@netra.invalid", secret);
    if (!make_secret(secret)) {
        return false;
    }
    (void)snprintf(person->password, sizeof(person->password), "%s", secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    if (!invite(inquiry, &body, code, id)) {
        return false;
    }
    bool is_made = ask(inquiry,
                       &(struct question){.service = SERVICE_AUTH,
                                          .method = "POST",
                                          .path = "/auth/register",
                                          .json = BODY(&body, {"code", code},
                                                       {"name", "netra verify (temporary)"},
                                                       {"password", person->password})},
                       &answer) &&
                   answer.what.status == 201;
    if (is_made) {
        person->exists = true;
        leaving_forget(inquiry, LEAVING_INVITE, id);
        leaving_add(inquiry, LEAVING_PERSON, "", inquiry->options->token);
        (void)ANSWER_TEXT(json_at(answer.root, "workspace"), "id", person->home);
    }
    return is_made && take_access(inquiry, answer.root);
}

const char *person_prepare(struct inquiry *inquiry)
{
    if (inquiry->mode != MODE_ACCOUNTS) {
        return "accounts mode";
    }
    if (!inquiry->has_token || !inquiry->is_operator) {
        return "an operator's credential";
    }
    if (inquiry->options->is_read_only) {
        return "a writing run";
    }
    if (!inquiry->has_passwords) {
        return "auth.passwords";
    }
    return inquiry->person.exists || make_person(inquiry) ? NULL
                                                          : "an invitation that can be accepted";
}

bool person_sign_in(struct inquiry *inquiry, char ret_access[INQUIRY_TOKEN_BYTES],
                    char ret_refresh[INQUIRY_TOKEN_BYTES])
{
    cleanup(answer_done) struct answer answer = {0};
    cleanup(buf_done) struct buf body;

    buf_init(&body, BODY_BYTES);
    return inquiry->person.exists &&
           ask(inquiry,
               &(struct question){.service = SERVICE_AUTH,
                                  .method = "POST",
                                  .path = "/auth/login",
                                  .json = BODY(&body, {"email", inquiry->person.email},
                                               {"password", inquiry->person.password})},
               &answer) &&
           answer.what.status == 200 &&
           answer_text(answer.root, "access_token", ret_access, INQUIRY_TOKEN_BYTES) &&
           answer_text(answer.root, "refresh_token", ret_refresh, INQUIRY_TOKEN_BYTES);
}

/* ---- workspaces ---- */

/* One request of the temporary person to the auth service; its answer has that status. */
static bool person_post(struct inquiry *inquiry, const char *path, const char *json, int status,
                        struct answer *ret_answer)
{
    return ask(inquiry,
               &(struct question){.service = SERVICE_AUTH,
                                  .method = "POST",
                                  .path = path,
                                  .token = inquiry->person.access,
                                  .json = json},
               ret_answer) &&
           ret_answer->what.status == status;
}

static bool enter_workspace(struct inquiry *inquiry, const char *id)
{
    cleanup(answer_done) struct answer answer = {0};
    cleanup(buf_done) struct buf body;

    buf_init(&body, BODY_BYTES);
    return person_post(inquiry, "/auth/workspace", BODY(&body, {"workspace", id}), 200, &answer) &&
           take_access(inquiry, answer.root);
}

static bool make_service_key(struct inquiry *inquiry, char ret_key[INQUIRY_TOKEN_BYTES])
{
    static const char scopes[] = "[\"read\",\"run\",\"data\"]";
    cleanup(answer_done) struct answer user = {0};
    cleanup(answer_done) struct answer key = {0};
    cleanup(buf_done) struct buf body;
    char id[INQUIRY_ID_BYTES] = "";

    buf_init(&body, BODY_BYTES);
    if (!person_post(inquiry, "/api/users",
                     BODY(&body, {"name", "netra verify"}, {"role", "analyst"}), 201, &user) ||
        !ANSWER_TEXT(user.root, "id", id)) {
        return false;
    }
    const struct member members[] = {{"name", "netra verify"}, {"user_id", id}};
    const char *json = write_body(&body, members, ARRAY_LENGTH(members), scopes);
    return person_post(inquiry, "/api/keys", json, 201, &key) &&
           answer_text(key.root, "key", ret_key, INQUIRY_TOKEN_BYTES);
}

bool workspace_make(struct inquiry *inquiry, const char *name, char ret_id[INQUIRY_ID_BYTES],
                    char ret_key[INQUIRY_TOKEN_BYTES])
{
    cleanup(answer_done) struct answer answer = {0};
    cleanup(buf_done) struct buf body;

    buf_init(&body, BODY_BYTES);
    if (inquiry->person.is_away && !enter_workspace(inquiry, inquiry->person.home)) {
        return false;
    }
    inquiry->person.is_away = true;
    if (!person_post(inquiry, "/api/workspaces", BODY(&body, {"name", name}), 201, &answer) ||
        !answer_text(answer.root, "id", ret_id, INQUIRY_ID_BYTES)) {
        return false;
    }
    leaving_add(inquiry, LEAVING_WORKSPACE, ret_id, inquiry->options->token);
    return enter_workspace(inquiry, ret_id) && make_service_key(inquiry, ret_key);
}

/* ---- records ---- */

/* A dataset that is ready; its records in *ret_records. */
static bool take_dataset(struct inquiry *inquiry, const struct answer *answer, const char *token,
                         char ret_id[INQUIRY_ID_BYTES], uint64_t *ret_records)
{
    if (answer->what.status != 201 || !answer_text(answer->root, "id", ret_id, INQUIRY_ID_BYTES)) {
        return false;
    }
    leaving_add(inquiry, LEAVING_DATASET, ret_id, token);
    *ret_records = (uint64_t)answer_number(answer->root, "records");
    return answer_is(answer->root, "status", "ready");
}

static bool upload(struct inquiry *inquiry, const char *token, unsigned records,
                   char ret_id[INQUIRY_ID_BYTES], uint64_t *ret_records)
{
    cleanup(answer_done) struct answer answer = {0};
    cleanup(buf_done) struct buf text;

    buf_init(&text, SYNTHETIC_RECORDS_BYTES_MAX);
    synthetic_records_write(records, &text);
    if (buf_status(&text)) {
        inquiry_note(inquiry, buf_status(&text));
        return false;
    }
    return ask(inquiry,
               &(struct question){.method = "POST",
                                  .path = "/api/datasets?name=netra-verify-synthetic.jsonl",
                                  .token = token,
                                  .bytes = buf_str(&text),
                                  .timeout_ms = UPLOAD_TIMEOUT_MS},
               &answer) &&
           take_dataset(inquiry, &answer, token, ret_id, ret_records);
}

bool dataset_make(struct inquiry *inquiry, const char *token, unsigned records,
                  char ret_id[INQUIRY_ID_BYTES])
{
    uint64_t count = 0;

    return upload(inquiry, token, records, ret_id, &count);
}

/* The prompts of MISSION's list ask about caching and sessions: the made-up team has them. */
static bool make_sample(struct inquiry *inquiry, struct workplace *work)
{
    cleanup(answer_done) struct answer answer = {0};
    char body[40];

    (void)snprintf(body, sizeof(body), "{\"seed\":%d}", SAMPLE_SEED);
    return ask(inquiry,
               &(struct question){.method = "POST",
                                  .path = "/api/datasets/sample",
                                  .token = work->token,
                                  .json = body,
                                  .timeout_ms = UPLOAD_TIMEOUT_MS},
               &answer) &&
           take_dataset(inquiry, &answer, work->token, work->dataset, &work->records);
}

/* ---- the place ---- */

static void choose_place(struct inquiry *inquiry)
{
    struct workplace *work = &inquiry->work;

    work->is_temporary =
        person_prepare(inquiry) == NULL &&
        workspace_make(inquiry, "netra verify (temporary)", work->workspace, work->token);
    if (!work->is_temporary) {
        (void)snprintf(work->token, sizeof(work->token), "%s", inquiry->options->token);
    }
}

const char *workplace_prepare(struct inquiry *inquiry)
{
    struct workplace *work = &inquiry->work;

    if (work->is_ready) {
        return NULL;
    }
    if (!inquiry->has_token) {
        return "a token that the deployment takes";
    }
    if (inquiry->options->is_read_only) {
        return "a writing run";
    }
    if (!inquiry->may_run || !inquiry->may_upload) {
        return "a token with the scopes run and data";
    }
    if (!work->token[0]) {
        choose_place(inquiry);
    }
    bool is_strict = inquiry->options->profile == VERIFY_STRICT;
    work->is_ready =
        inquiry->options->profile == VERIFY_ACCEPTANCE
            ? make_sample(inquiry, work)
            : upload(inquiry, work->token, is_strict ? SYNTHETIC_RECORDS_MAX : RECORDS_FLOOR,
                     work->dataset, &work->records);
    return work->is_ready ? NULL : "a dataset, and the upload was refused";
}

/* ---- the end ---- */

static const char *const kind_names[] = {
    [LEAVING_THREAD] = "thread",
    [LEAVING_DATASET] = "dataset",
    [LEAVING_KEY] = "key",
    [LEAVING_INVITE] = "invitation",
    [LEAVING_WORKSPACE] = "workspace",
    [LEAVING_PERSON] = "account",
    [LEAVING_FAULTS] = "faults",
};

/* 204 or 404; what is at work is waited for. */
static bool remove_by(struct inquiry *inquiry, const struct question *question)
{
    for (unsigned i = 0; i < REMOVE_TRIES; i++) {
        cleanup(answer_done) struct answer answer = {0};

        if (!ask(inquiry, question, &answer)) {
            return false;
        }
        if (answer.what.status != 409) {
            return answer.what.status == 204 || answer.what.status == 404;
        }
        inquiry_pause_ms(inquiry, REMOVE_WAIT_MS);
    }
    return false;
}

static bool remove_person(struct inquiry *inquiry)
{
    cleanup(buf_done) struct buf body;
    char access[INQUIRY_TOKEN_BYTES] = "";
    char refresh[INQUIRY_TOKEN_BYTES] = "";
    /* An auth service that stands apart has no threads; ours at the backend were removed before. */
    const char *threads = deployment_is_apart(inquiry) ? "keep" : "delete";

    buf_init(&body, BODY_BYTES);
    return person_sign_in(inquiry, access, refresh) &&
           remove_by(inquiry,
                     &(struct question){.service = SERVICE_AUTH,
                                        .method = "DELETE",
                                        .path = "/auth/me",
                                        .token = access,
                                        .json = BODY(&body, {"password", inquiry->person.password},
                                                     {"threads", threads})});
}

static bool remove_one(struct inquiry *inquiry, const struct leaving *leaving)
{
    static const struct {
        enum service service;
        const char *path;
    } rows[] = {
        [LEAVING_THREAD] = {SERVICE_BACKEND, "/api/threads/"},
        [LEAVING_DATASET] = {SERVICE_BACKEND, "/api/datasets/"},
        [LEAVING_KEY] = {SERVICE_AUTH, "/api/keys/"},
        [LEAVING_INVITE] = {SERVICE_AUTH, "/api/invites/"},
        [LEAVING_WORKSPACE] = {SERVICE_AUTH, "/api/workspaces/"},
        [LEAVING_PERSON] = {SERVICE_AUTH, ""},
        [LEAVING_FAULTS] = {SERVICE_BACKEND, "/api/faults"},
    };
    char path[INQUIRY_PATH_BYTES];
    bool is_of_work = leaving->kind == LEAVING_THREAD || leaving->kind == LEAVING_DATASET;

    if (leaving->kind == LEAVING_PERSON) {
        return remove_person(inquiry);
    }
    if (is_of_work && inquiry->work.is_temporary && !deployment_is_apart(inquiry)) {
        return true; /* goes with its workspace */
    }
    (void)snprintf(path, sizeof(path), "%s%s", rows[leaving->kind].path, leaving->id);
    return remove_by(inquiry, &(struct question){.service = rows[leaving->kind].service,
                                                 .method = "DELETE",
                                                 .path = path,
                                                 .token = leaving->token});
}

void workplace_clean_up(struct inquiry *inquiry)
{
    char left[NAMES_LEFT_BYTES] = "";
    size_t length = 0;
    size_t count = 0;
    size_t of = inquiry->leaving_count;

    inquiry->is_cleaning = true;
    while (inquiry->leaving_count) {
        struct leaving leaving = inquiry->leavings[--inquiry->leaving_count];

        inquiry_progress(inquiry, "removing what was made", (unsigned)(of - inquiry->leaving_count),
                         (unsigned)of);
        if (remove_one(inquiry, &leaving)) {
            continue;
        }
        count++;
        int more = snprintf(left + length, sizeof(left) - length, "%s%s %s", length ? ", " : "",
                            kind_names[leaving.kind], leaving.id);
        length += more > 0 && (size_t)more < sizeof(left) - length ? (size_t)more : 0;
    }
    (void)found(inquiry, "clean_up", count == 0, "what was made is removed",
                count ? "%zu of %zu left: %s" : "%zu of %zu left%s", count, of, left);
    alloc_free(inquiry->leavings);
    inquiry->leavings = NULL;
    inquiry->leaving_capacity = 0;
    OPENSSL_cleanse(&inquiry->person, sizeof(inquiry->person));
    OPENSSL_cleanse(inquiry->work.token, sizeof(inquiry->work.token));
    OPENSSL_cleanse(inquiry->tenant_keys, sizeof(inquiry->tenant_keys));
}
