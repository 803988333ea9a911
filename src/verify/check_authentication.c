/*
 * Who is let in. Each finding is a credential that must not work, or one that must work and then no
 * more: no token, made-up tokens, tokens forged from a genuine one, pages of other origins, tickets
 * and refresh tokens that are used twice, sessions and keys that have ended, a key that may only
 * read.
 *
 * A token that has expired cannot be waited for where tokens live for minutes; a key can be made
 * that ends in two seconds, and it goes the same way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/civil_time.h"
#include "verify/checks.h"
#include "verify/forged_token.h"
#include "verify/hearing.h"
#include "verify/problem.h"
#include "verify/wire.h"

#define ME              "/auth/me"
#define LIST            "/api/threads?limit=1"
#define MADE_UP         "netra-verify-no-such-token"
#define FOREIGN_ORIGIN  "https://another-site.invalid"
#define HEARS_WITHIN_US (20 * SECOND_US)
#define HEARS_POLL_MS   500u
#define KEY_LIFE_S      2
#define KEY_ENDS_MS     3200u
#define JSON_BYTES      8400u

static int status_with(struct inquiry *inquiry, enum service service, const char *path,
                       const char *token)
{
    cleanup(answer_done) struct answer answer = {0};

    (void)ask(inquiry, &(struct question){.service = service, .path = path, .token = token},
              &answer);
    return answer.what.status;
}

/* Refused with 401 by both: who knows people, and who has the data. */
static void judge_refused(struct inquiry *inquiry, const char *id, const char *token)
{
    int at_auth = status_with(inquiry, SERVICE_AUTH, ME, token);
    int at_backend = status_with(inquiry, SERVICE_BACKEND, LIST, token);

    (void)found(inquiry, id, at_auth == 401 && at_backend == 401, "HTTP 401",
                "HTTP %d at the auth service, %d at the backend", at_auth, at_backend);
}

/* ---- forged tokens ---- */

static void judge_forgeries(struct inquiry *inquiry, const char *token)
{
    static const struct {
        enum forgery forgery;
        const char *id;
    } rows[] = {
        {FORGERY_SIGNATURE, "token.other_signature"},
        {FORGERY_CLAIMS, "token.other_role"},
        {FORGERY_AUDIENCE, "token.other_audience"},
        {FORGERY_EXPIRED, "token.other_expiry"},
        {FORGERY_NONE, "token.alg_none"},
        {FORGERY_OWN_KEY, "token.own_key"},
    };

    int status = status_with(inquiry, SERVICE_BACKEND, LIST, token);
    (void)found(inquiry, "token.genuine", status == 200, "HTTP 200", "HTTP %d", status);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        cleanup(buf_done) struct buf forged;

        buf_init(&forged, FORGED_TOKEN_BYTES_MAX);
        int code = forged_token_make(token, rows[i].forgery, &forged);
        if (code == OK) {
            judge_refused(inquiry, rows[i].id, forged.data);
        } else {
            inquiry_note(inquiry, code);
        }
    }
}

/* ---- published keys ---- */

static bool has_kid(struct json_value key, struct str header)
{
    struct str kid = {0};

    return json_get_str(json_at(key, "kid"), &kid) && kid.length &&
           str_find(header, kid, 0) != SIZE_MAX;
}

static void judge_jwks(struct inquiry *inquiry, const char *token)
{
    cleanup(answer_done) struct answer answer = {0};
    cleanup(buf_done) struct buf header;
    bool is_named = false;
    bool is_signed = false;

    buf_init(&header, FORGED_TOKEN_BYTES_MAX);
    inquiry_note(inquiry, token_part(token, 0, &header));
    (void)ask(inquiry,
              &(struct question){.service = SERVICE_AUTH, .path = "/.well-known/jwks.json"},
              &answer);
    for (struct json_iterator it = json_iterate(json_at(answer.root, "keys")); json_next(&it);) {
        struct str x = {0};
        struct str y = {0};

        if (has_kid(it.value, buf_str(&header)) && json_get_str(json_at(it.value, "x"), &x) &&
            json_get_str(json_at(it.value, "y"), &y)) {
            is_named = true;
            is_signed = token_is_signed_by(token, x, y);
        }
    }
    (void)found(inquiry, "jwks", answer.what.status == 200 && is_named && is_signed,
                "the token's key is published, and made its signature", "HTTP %d; %s, %s",
                answer.what.status, is_named ? "its kid is there" : "its kid is not there",
                is_signed ? "the signature is that key's" : "the signature is not that key's");
}

/* ---- WebSockets ---- */

static void judge_origin(struct inquiry *inquiry, const char *token)
{
    struct hearing hearing;
    bool is_open = hearing_open(
        inquiry, &(struct heard_options){.token = token, .origin = FOREIGN_ORIGIN}, &hearing);

    (void)found(inquiry, "origin.foreign", !is_open && hearing.handshake.status == 403,
                "HTTP 403 for a WebSocket of a page of " FOREIGN_ORIGIN, "HTTP %d",
                hearing.handshake.status);
    hearing_close(&hearing);
}

static int open_with_ticket(struct inquiry *inquiry, const char *ticket)
{
    struct hearing hearing;

    (void)hearing_open(inquiry, &(struct heard_options){.ticket = ticket}, &hearing);
    int status = hearing.handshake.status;
    hearing_close(&hearing);
    return status;
}

static void judge_ticket(struct inquiry *inquiry, const char *token)
{
    cleanup(answer_done) struct answer answer = {0};
    char ticket[INQUIRY_URL_BYTES] = "";

    (void)ask(inquiry,
              &(struct question){.method = "POST", .path = "/api/ws-ticket", .token = token},
              &answer);
    if (!found(inquiry, "ticket.made",
               answer.what.status == 201 && ANSWER_TEXT(answer.root, "ticket", ticket),
               "HTTP 201 with a ticket", "HTTP %d", answer.what.status)) {
        return;
    }
    int first = open_with_ticket(inquiry, ticket);
    int second = open_with_ticket(inquiry, ticket);
    (void)found(inquiry, "ticket.once", first == 101 && second == 401,
                "it opens one WebSocket, and no second one", "HTTP %d, then %d", first, second);
}

/* ---- sessions ---- */

/* The grant of a refresh token; its status. */
static int refresh(struct inquiry *inquiry, const char *token, char ret_access[INQUIRY_TOKEN_BYTES],
                   char ret_refresh[INQUIRY_TOKEN_BYTES])
{
    cleanup(answer_done) struct answer answer = {0};
    char json[JSON_BYTES];

    (void)snprintf(json, sizeof(json), "{\"refresh_token\":\"%s\"}", token);
    (void)ask(inquiry,
              &(struct question){
                  .service = SERVICE_AUTH, .method = "POST", .path = "/auth/refresh", .json = json},
              &answer);
    (void)answer_text(answer.root, "access_token", ret_access, INQUIRY_TOKEN_BYTES);
    (void)answer_text(answer.root, "refresh_token", ret_refresh, INQUIRY_TOKEN_BYTES);
    return answer.what.status;
}

static void judge_refresh(struct inquiry *inquiry)
{
    char access[INQUIRY_TOKEN_BYTES] = "";
    char first[INQUIRY_TOKEN_BYTES] = "";
    char second[INQUIRY_TOKEN_BYTES] = "";
    char spare[INQUIRY_TOKEN_BYTES] = "";

    bool is_in = person_sign_in(inquiry, access, first);
    if (!found(inquiry, "sign_in", is_in, "a person signs in with a password", "%s",
               access[0] ? "did" : "did not")) {
        return;
    }
    int rotated = refresh(inquiry, first, access, second);
    int works = status_with(inquiry, SERVICE_AUTH, ME, access);
    (void)found(
        inquiry, "refresh.rotates", rotated == 200 && works == 200 && strcmp(first, second) != 0,
        "a refresh token gives new ones", "HTTP %d, and the new access token %d", rotated, works);
    int again = refresh(inquiry, first, spare, spare);
    int ended = status_with(inquiry, SERVICE_AUTH, ME, access);
    int last = refresh(inquiry, second, spare, spare);
    (void)found(inquiry, "refresh.reuse", again == 401 && ended == 401 && last == 401,
                "one that comes again is refused and ends the session",
                "HTTP %d; then the access token %d, the newer refresh token %d", again, ended,
                last);
}

/* The backend's status for a token, looked at until it is the one that is due: a backend apart
 * believes what it heard of a token for some seconds (docs/operations.md). */
static int status_later(struct inquiry *inquiry, const char *token, int due)
{
    int64_t until_us = wire_now_us() + (deployment_is_apart(inquiry) ? HEARS_WITHIN_US : 0);
    int status = status_with(inquiry, SERVICE_BACKEND, LIST, token);

    while (status != due && wire_now_us() < until_us && !inquiry_is_over(inquiry)) {
        inquiry_pause_ms(inquiry, HEARS_POLL_MS);
        status = status_with(inquiry, SERVICE_BACKEND, LIST, token);
    }
    return status;
}

static void judge_logout(struct inquiry *inquiry)
{
    char access[INQUIRY_TOKEN_BYTES] = "";
    char spare[INQUIRY_TOKEN_BYTES] = "";

    if (!person_sign_in(inquiry, access, spare)) {
        (void)found(inquiry, "logout", false, "a session that is ended", "nobody could sign in");
        return;
    }
    int before = status_with(inquiry, SERVICE_BACKEND, LIST, access);
    bool is_out = ask_status(
        inquiry,
        &(struct question){
            .service = SERVICE_AUTH, .method = "POST", .path = "/auth/logout", .token = access},
        204);
    int at_auth = status_with(inquiry, SERVICE_AUTH, ME, access);
    int at_backend = status_later(inquiry, access, 401);
    (void)found(inquiry, "logout", before == 200 && is_out && at_auth == 401 && at_backend == 401,
                "the token of a session that has ended does not work any more",
                "HTTP %d before; after: %d at the auth service, %d at the backend", before, at_auth,
                at_backend);
}

/* ---- keys ---- */

/* A key of the temporary person with these scopes; life_s 0: it does not end by itself. */
static bool make_key(struct inquiry *inquiry, const char *scopes, int life_s,
                     char ret_key[INQUIRY_TOKEN_BYTES])
{
    cleanup(answer_done) struct answer answer = {0};
    char json[INQUIRY_PATH_BYTES];
    char stamp[CIVIL_STAMP_BYTES] = "";
    char ends[CIVIL_STAMP_BYTES + 24] = "";

    if (life_s) { /* by the server's clock, whole seconds up */
        cleanup(answer_done) struct answer now = {0};

        (void)ask(inquiry, &(struct question){.service = SERVICE_AUTH, .path = "/auth/config"},
                  &now);
        int64_t date_us = answer_date(&now);
        date_us = date_us ? date_us + SECOND_US : wire_wall_us();
        civil_stamp(date_us + life_s * SECOND_US, stamp);
        (void)snprintf(ends, sizeof(ends), ",\"expires_at\":\"%s\"", stamp);
    }
    (void)snprintf(json, sizeof(json), "{\"name\":\"netra verify\",\"scopes\":%s%s}", scopes, ends);
    return ask(inquiry,
               &(struct question){.service = SERVICE_AUTH,
                                  .method = "POST",
                                  .path = "/api/keys",
                                  .token = inquiry->person.access,
                                  .json = json},
               &answer) &&
           answer.what.status == 201 &&
           answer_text(answer.root, "key", ret_key, INQUIRY_TOKEN_BYTES);
}

static void judge_reading_key(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer answer = {0};
    char key[INQUIRY_TOKEN_BYTES] = "";
    char wrong[PROBLEM_WRONG_BYTES] = "";

    bool is_made = make_key(inquiry, "[\"read\"]", 0, key);
    if (!found(inquiry, "key.made", is_made, "a key that may read", "%s",
               key[0] ? "made" : "not made")) {
        return;
    }
    int reads = status_with(inquiry, SERVICE_BACKEND, LIST, key);
    (void)ask(inquiry,
              &(struct question){.method = "POST",
                                 .path = "/api/threads",
                                 .token = key,
                                 .json = "{\"title\":\"netra verify\"}"},
              &answer);
    bool is_refused = problem_fits(&answer, &problem_forbidden, wrong) &&
                      answer_is(answer.root, "needs", "scope:run");
    (void)found(inquiry, "key.reads_only", reads == 200 && is_refused,
                "it reads, and writing is 403 with needs scope:run",
                "HTTP %d reading; writing: HTTP %d %s", reads, answer.what.status, wrong);
}

static void judge_ending_key(struct inquiry *inquiry)
{
    char key[INQUIRY_TOKEN_BYTES] = "";

    if (!make_key(inquiry, "[\"read\"]", KEY_LIFE_S, key)) {
        (void)found(inquiry, "key.expires", false, "a key that ends in some seconds", "not made");
        return;
    }
    int before = status_with(inquiry, SERVICE_BACKEND, LIST, key);
    inquiry_pause_ms(inquiry, KEY_ENDS_MS);
    int after = status_with(inquiry, SERVICE_BACKEND, LIST, key);
    (void)found(inquiry, "key.expires", before == 200 && after == 401, "a key works until it ends",
                "HTTP %d, and after its end %d", before, after);
}

/* ---- all of it ---- */

static void judge_accounts(struct inquiry *inquiry)
{
    static const char *const ids[] = {"token", "jwks", "refresh", "logout", "key"};
    const char *needs = person_prepare(inquiry);
    const char *given = inquiry->options->token;

    if (needs) {
        bool is_jwt = inquiry->mode == MODE_ACCOUNTS && inquiry->has_token && token_is_jwt(given);

        for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
            if (!is_jwt || i > 1) {
                not_exercised(inquiry, ids[i], needs);
            }
        }
        if (is_jwt) {
            judge_forgeries(inquiry, given);
            judge_jwks(inquiry, given);
        }
        return;
    }
    judge_forgeries(inquiry, inquiry->person.access);
    judge_jwks(inquiry, inquiry->person.access);
    judge_refresh(inquiry);
    judge_logout(inquiry);
    judge_reading_key(inquiry);
    judge_ending_key(inquiry);
}

void check_authentication(struct inquiry *inquiry)
{
    const char *token = inquiry->work.token[0] ? inquiry->work.token : inquiry->options->token;

    judge_refused(inquiry, "no_token", NULL);
    judge_refused(inquiry, "made_up_token", MADE_UP);
    if (inquiry->options->token) {
        int status = status_with(inquiry, SERVICE_AUTH, ME, inquiry->options->token);

        (void)found(inquiry, "given_token", status == 200, "HTTP 200 with the token that was given",
                    "HTTP %d", status);
    }
    if (!inquiry->has_token) {
        not_exercised(inquiry, "origin", "a token that the deployment takes");
        not_exercised(inquiry, "ticket", "a token that the deployment takes");
    } else {
        judge_origin(inquiry, token);
        if (inquiry->options->is_read_only) {
            not_exercised(inquiry, "ticket", "a writing run");
        } else {
            judge_ticket(inquiry, token);
        }
    }
    judge_accounts(inquiry);
}
