/*
 * Problems: the one table of what a failure looks like to a client (RFC 9457), and the one place
 * that turns a room's error code into an HTTP status. What went wrong inside is logged under a
 * trace id and not told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "api/api_state.h"
#include "api/page.h"
#include "base/check.h"
#include "monitor/log.h"
#include "monitor/trace.h"

#define PROBLEM_DETAIL_BYTES  512
#define PROBLEM_POINTER_BYTES 128
#define LOGIN_URL_BYTES       512
#define HEADERS_MAX           6u
#define SECONDS_TEXT_BYTES    24

struct kind {
    int status;
    const char *title;
    const char *code;
    const char *recovery;
    const char *retry_after; /* seconds; NULL: no such header */
};

static const struct kind kinds[] = {
    [PROBLEM_AUTH_FAILED] = {401, "Not signed in", "AUTH_FAILED", "redirect_to_login", NULL},
    [PROBLEM_FORBIDDEN] = {403, "Not allowed", "FORBIDDEN", "return_error", NULL},
    [PROBLEM_RATE_LIMITED] = {429, "Too many requests", "RATE_LIMITED", "exponential_backoff", "1"},
    [PROBLEM_SERVICE_UNAVAILABLE] = {503, "Not available now", "SERVICE_UNAVAILABLE", "failover",
                                     "2"},
    [PROBLEM_INVALID_REQUEST] = {422, "Invalid request", "INVALID_REQUEST", "return_error", NULL},
    [PROBLEM_BAD_REQUEST] = {400, "Bad request", "INVALID_REQUEST", "return_error", NULL},
    [PROBLEM_NOT_FOUND] = {404, "Not found", "INVALID_REQUEST", "return_error", NULL},
    [PROBLEM_METHOD] = {405, "Method not allowed", "INVALID_REQUEST", "return_error", NULL},
    [PROBLEM_CONFLICT] = {409, "Conflict", "INVALID_REQUEST", "return_error", NULL},
    [PROBLEM_TOO_LARGE] = {413, "Too large", "INVALID_REQUEST", "return_error", NULL},
    [PROBLEM_MEDIA_TYPE] = {415, "Unsupported media type", "INVALID_REQUEST", "return_error", NULL},
    [PROBLEM_INTERNAL_ERROR] = {500, "Internal error", "INTERNAL_ERROR", "log_and_retry", NULL},
};

/* All that a problem may carry; NULL where it does not. */
struct note {
    enum problem problem;
    const char *detail;
    const char *pointer;
    const char *hint;
    const char *needs;
    const char *trace_id;
    const char *login_url;
    const struct limit_state *limit; /* of RATE_LIMITED */
    uint64_t retry_after_s;          /* 0: as the kind says */
};

static void put_member(struct json_writer *w, const char *key, const char *value)
{
    if (value && value[0]) {
        json_key(w, key);
        json_put_text(w, value);
    }
}

static void write_note(struct json_writer *w, const struct note *note)
{
    const struct kind *kind = &kinds[note->problem];

    json_begin_object(w);
    put_member(w, "type", "about:blank");
    put_member(w, "title", kind->title);
    json_key(w, "status");
    json_put_i64(w, kind->status);
    put_member(w, "detail", note->detail);
    put_member(w, "code", kind->code);
    put_member(w, "recovery", kind->recovery);
    put_member(w, "hint", note->hint);
    put_member(w, "needs", note->needs);
    put_member(w, "login_url", note->login_url);
    put_member(w, "trace_id", note->trace_id);
    if (note->limit) {
        json_key(w, "limit");
        json_put_i64(w, (int64_t)note->limit->limit);
        json_key(w, "remaining");
        json_put_i64(w, (int64_t)note->limit->remaining);
    }
    if (note->pointer) {
        json_key(w, "errors");
        json_begin_array(w);
        json_begin_object(w);
        json_key(w, "pointer");
        json_put_text(w, note->pointer);
        put_member(w, "detail", note->detail);
        json_end_object(w);
        json_end_array(w);
    }
    json_end_object(w);
}

/* A line in the log that has the reason, and the id of the trace that it is on. */
static void log_internal(const char *reason, char ret_trace_id[TRACE_ID_TEXT_BYTES])
{
    const struct trace_context *trace = trace_current();
    struct trace_context own;
    unsigned char parent_id[8];

    if (trace) {
        trace_id_text(trace, ret_trace_id);
        log_write(LOG_ERROR, "api", "internal error: %s", reason);
        return;
    }
    own = trace_of_request(STR(""), parent_id); /* its client has left */
    trace_id_text(&own, ret_trace_id);
    trace_set_current(&own);
    log_write(LOG_ERROR, "api", "internal error: %s", reason);
    trace_set_current(NULL);
}

/* Answers that come late are on the trace of their request, too. True: trace_leave is due. */
static bool trace_enter(const struct api *api, http_id id)
{
    const struct visit *visit = trace_current() ? NULL : visit_of(api, id);

    bool is_due = visit && visit->has_trace;

    if (is_due) {
        trace_set_current(&visit->trace);
    }
    return is_due;
}

static void trace_leave(bool is_due)
{
    if (is_due) {
        trace_set_current(NULL);
    }
}

static struct http_header header_of(const char *name, const char *value)
{
    return (struct http_header){str_from(name), str_from(value)};
}

/* A handler that only looks is tried once more before anybody hears of it. */
static bool is_tried_again(const struct api *api, http_id id, enum problem problem)
{
    struct visit *visit = problem == PROBLEM_INTERNAL_ERROR ? visit_of(api, id) : NULL;

    if (!visit || !visit->may_retry) {
        return false;
    }
    visit->must_retry = true;
    return true;
}

/* Texts that the headers of a problem borrow. */
struct header_texts {
    char retry_after[SECONDS_TEXT_BYTES];
    char limit[LIMIT_HEADER_BYTES];
    char policy[LIMIT_HEADER_BYTES];
};

/* When to come back, and what was used up. */
static size_t put_wait(const struct note *note, struct header_texts *texts,
                       struct http_header *headers)
{
    const struct kind *kind = &kinds[note->problem];
    size_t count = 0;

    if (note->retry_after_s) {
        (void)snprintf(texts->retry_after, sizeof(texts->retry_after), "%" PRIu64,
                       note->retry_after_s);
        headers[count++] = header_of("Retry-After", texts->retry_after);
    } else if (kind->retry_after) {
        headers[count++] = header_of("Retry-After", kind->retry_after);
    }
    if (note->limit) {
        limit_write_headers(note->limit, texts->limit, texts->policy);
        headers[count++] = header_of("RateLimit", texts->limit);
        headers[count++] = header_of("RateLimit-Policy", texts->policy);
    }
    return count;
}

/* challenge, allow: NULL where they do not belong. */
static void send_note(struct api *api, http_id id, const struct note *note, const char *allow,
                      bool has_credentials)
{
    const struct kind *kind = &kinds[note->problem];
    struct http_header headers[HEADERS_MAX] = {header_of("Cache-Control", "no-store")};
    struct header_texts texts;
    size_t count = 1;

    if (is_tried_again(api, id, note->problem)) {
        return;
    }
    struct json_writer w = reply_begin_json(api);

    write_note(&w, note);
    struct str body = buf_status(&api->scratch)
                          ? STR("{\"type\":\"about:blank\",\"title\":\"Not available now\","
                                "\"status\":503,\"detail\":\"out of memory\","
                                "\"code\":\"SERVICE_UNAVAILABLE\",\"recovery\":\"failover\"}")
                          : buf_str(&api->scratch);
    int status = buf_status(&api->scratch) ? 503 : kind->status;
    if (allow) {
        headers[count++] = header_of("Allow", allow);
    }
    count += put_wait(note, &texts, &headers[count]);
    if (note->problem == PROBLEM_AUTH_FAILED) {
        headers[count++] =
            header_of("WWW-Authenticate", has_credentials ? "Bearer realm=\"netra\", "
                                                            "error=\"invalid_token\""
                                                          : "Bearer realm=\"netra\"");
    }
    reply_send(api, id,
               &(struct http_reply){.status = status,
                                    .content_type = STR("application/problem+json"),
                                    .headers = headers,
                                    .header_count = count,
                                    .body = body});
}

/* Where people sign in: with accounts the page itself asks. */
static void print_login_url(const struct api *api, char ret_url[LOGIN_URL_BYTES])
{
    (void)snprintf(ret_url, LOGIN_URL_BYTES, "%s%s", page_url(api),
                   auth_mode(api->options.auth) == AUTH_MODE_LOCAL ? "/auth/sign-in" : "/");
}

void problem_reply(struct api *api, http_id id, enum problem problem, const char *pointer,
                   const char *format, ...)
{
    char detail[PROBLEM_DETAIL_BYTES];
    char trace_id[TRACE_ID_TEXT_BYTES];
    char login_url[LOGIN_URL_BYTES];
    struct note note = {.problem = problem, .detail = detail, .pointer = pointer};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    if (problem == PROBLEM_INTERNAL_ERROR) {
        bool is_due = trace_enter(api, id);

        log_internal(detail, trace_id);
        trace_leave(is_due);
        note.trace_id = trace_id;
        note.detail = "the server could not do it; its log says why under the trace id";
    } else if (problem == PROBLEM_AUTH_FAILED) {
        print_login_url(api, login_url);
        note.login_url = login_url;
    }
    send_note(api, id, &note, NULL, /* has_credentials */ false);
}

void problem_reply_auth(struct api *api, http_id id, bool has_credentials)
{
    static const char local_hint[] = "Open the sign-in link that `netra serve` printed, or send "
                                     "the header Authorization: Bearer with its token.";
    static const char hint[] = "Sign in on the page, or send the header Authorization: Bearer "
                               "with an access token or an API key.";
    bool has_accounts = auth_mode(api->options.auth) != AUTH_MODE_LOCAL;
    char login_url[LOGIN_URL_BYTES];

    print_login_url(api, login_url);
    send_note(api, id,
              &(struct note){.problem = PROBLEM_AUTH_FAILED,
                             .detail = has_credentials
                                           ? "the token, session or ticket is not valid any more"
                                           : "this needs a bearer token or a signed-in session",
                             .hint = has_accounts ? hint : local_hint,
                             .login_url = login_url},
              NULL, has_credentials);
}

void problem_forbid(struct api *api, http_id id, const char *needs, const char *format, ...)
{
    char detail[PROBLEM_DETAIL_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    send_note(api, id,
              &(struct note){.problem = PROBLEM_FORBIDDEN, .detail = detail, .needs = needs}, NULL,
              false);
}

void problem_reply_limited(struct api *api, http_id id, const struct limit_state *limit,
                           const char *detail)
{
    send_note(api, id,
              &(struct note){.problem = PROBLEM_RATE_LIMITED,
                             .detail = detail,
                             .limit = limit,
                             .retry_after_s = limit->wait_s ? limit->wait_s : 1},
              NULL, false);
}

void problem_reply_later(struct api *api, http_id id, uint64_t retry_after_s, const char *detail)
{
    send_note(api, id,
              &(struct note){.problem = PROBLEM_SERVICE_UNAVAILABLE,
                             .detail = detail,
                             .retry_after_s = retry_after_s},
              NULL, false);
}

void problem_write_limited(struct json_writer *w, const struct limit_state *limit,
                           const char *detail)
{
    write_note(w,
               &(struct note){.problem = PROBLEM_RATE_LIMITED, .detail = detail, .limit = limit});
}

void problem_write_needs(struct json_writer *w, const char *needs, const char *detail)
{
    write_note(w, &(struct note){.problem = PROBLEM_FORBIDDEN, .detail = detail, .needs = needs});
}

void problem_reply_method(struct api *api, http_id id, const char *allow)
{
    send_note(api, id,
              &(struct note){.problem = PROBLEM_METHOD,
                             .detail = "this resource does not know the method"},
              allow, false);
}

enum problem problem_of_error(int code)
{
    switch (code) {
    case ERR_NOT_FOUND:
        return PROBLEM_NOT_FOUND;
    case ERR_EXISTS:
        return PROBLEM_CONFLICT;
    case ERR_DENIED:
        return PROBLEM_FORBIDDEN;
    case ERR_QUOTA:
        return PROBLEM_RATE_LIMITED;
    case ERR_IO: /* a full disk is no bug of the program, and goes away */
    case ERR_LIMIT:
    case ERR_NO_MEMORY:
    case ERR_CANCELLED:
    case ERR_TIMEOUT:
        return PROBLEM_SERVICE_UNAVAILABLE;
    case ERR_INVALID:
    case ERR_UNKNOWN_PRICE:
    case ERR_UNSUPPORTED:
    case ERR_NO_RECORDS:
    case ERR_USAGE:
        return PROBLEM_INVALID_REQUEST;
    default:
        return PROBLEM_INTERNAL_ERROR;
    }
}

/* Rooms below name the place of a wrong value at the start: "/model is missing". */
static const char *pointer_of(const char *message, char pointer[PROBLEM_POINTER_BYTES])
{
    size_t length = strcspn(message, " ");

    if (message[0] != '/' || length >= PROBLEM_POINTER_BYTES) {
        return NULL;
    }
    memcpy(pointer, message, length);
    pointer[length] = '\0';
    return pointer;
}

/* The texts must live as long as the note: pointer and trace_id are the caller's. */
static struct note note_of_error(const struct error *error, char pointer[PROBLEM_POINTER_BYTES],
                                 char trace_id[TRACE_ID_TEXT_BYTES])
{
    struct note note = {.problem = problem_of_error(error->code),
                        .detail = error->message[0] ? error->message : error_code_text(error->code),
                        .hint = error->hint};

    if (note.problem == PROBLEM_INTERNAL_ERROR) {
        log_internal(note.detail, trace_id);
        note.trace_id = trace_id;
        note.detail = "the server could not do it; its log says why under the trace id";
        note.hint = NULL;
    } else if (error->code == ERR_IO) { /* the message may name paths */
        log_write(LOG_ERROR, "api", "%s", note.detail);
        note.detail = "the data directory cannot be read or written";
        note.hint = "GET /health says what is wrong; a full disk needs room.";
    } else if (note.problem == PROBLEM_INVALID_REQUEST) {
        note.pointer = pointer_of(error->message, pointer);
    }
    return note;
}

void problem_reply_error(struct api *api, http_id id, const struct error *error)
{
    char pointer[PROBLEM_POINTER_BYTES];
    char trace_id[TRACE_ID_TEXT_BYTES];
    bool is_due = trace_enter(api, id);
    struct note note = note_of_error(error, pointer, trace_id);

    trace_leave(is_due);
    send_note(api, id, &note, NULL, false);
}

void problem_write(struct json_writer *w, enum problem problem, const char *pointer,
                   const char *detail)
{
    write_note(w, &(struct note){.problem = problem, .pointer = pointer, .detail = detail});
}

void problem_write_error(struct json_writer *w, const struct error *error)
{
    char pointer[PROBLEM_POINTER_BYTES];
    char trace_id[TRACE_ID_TEXT_BYTES];
    struct note note = note_of_error(error, pointer, trace_id);

    write_note(w, &note);
}
