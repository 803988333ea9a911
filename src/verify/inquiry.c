/*
 * One question, one answer, written down as evidence. What the deployment asks for (429 with
 * Retry-After) is done: a verification is a guest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/inquiry.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "base/decimal.h"

#define ANSWER_BYTES_MAX    (EXCHANGE_BODY_BYTES_MAX + ((size_t)1 << 20))
#define AUTHORIZATION_BYTES (INQUIRY_TOKEN_BYTES + 16u)
#define PAUSE_PIECE_MS      50u
#define DATE_BYTES          29u

const char *const service_names[SERVICE_COUNT] = {"backend", "auth", "frontend"};

/* ---- time, failures ---- */

void inquiry_note(struct inquiry *inquiry, int code)
{
    inquiry->code = inquiry->code ? inquiry->code : code;
}

bool inquiry_is_over(const struct inquiry *inquiry)
{
    const volatile int *is_cancelled = inquiry->options->is_cancelled;

    return !inquiry->is_cleaning && (inquiry->code || (is_cancelled && *is_cancelled));
}

void inquiry_pause_ms(struct inquiry *inquiry, unsigned ms)
{
    while (ms && !inquiry_is_over(inquiry)) {
        unsigned piece = ms < PAUSE_PIECE_MS ? ms : PAUSE_PIECE_MS;
        struct timespec wait = {.tv_nsec = (long)piece * 1000000};

        (void)nanosleep(&wait, NULL);
        ms -= piece;
    }
}

void inquiry_progress(struct inquiry *inquiry, const char *what, unsigned done, unsigned of)
{
    const struct verify_options *options = inquiry->options;

    if (options->on_progress) {
        options->on_progress(inquiry->check ? inquiry->check->id.data : "set-up", what, done, of,
                             options->arg);
    }
}

/* ---- asking ---- */

static bool make_url(const struct inquiry *inquiry, const struct question *question,
                     char url[EXCHANGE_URL_BYTES_MAX])
{
    int length = snprintf(url, EXCHANGE_URL_BYTES_MAX, "%s%s", inquiry->urls[question->service],
                          question->path);

    return length > 0 && (unsigned)length < EXCHANGE_URL_BYTES_MAX;
}

static void read_json(struct answer *answer)
{
    struct str body = answer->what.body;
    struct error error = {0};

    if (body.length && (body.data[0] == '{' || body.data[0] == '[') &&
        (answer->parser || json_parser_new(EXCHANGE_BODY_BYTES_MAX, &answer->parser) == OK) &&
        json_parse(answer->parser, body, &answer->root, &error)) {
        answer->root = (struct json_value){0};
    }
}

static void observe_failure(struct inquiry *inquiry, const struct question *question,
                            const struct exchange *what)
{
    char subject[INQUIRY_PATH_BYTES + 16];
    struct str path = str_from(question->path);
    size_t query = str_find(path, STR("?"), 0);

    path.length = query < path.length ? query : path.length;
    (void)snprintf(subject, sizeof(subject), "%s %.*s", question->method ? question->method : "GET",
                   STR_ARGS(path));
    if (what->code) {
        inquiry_note(inquiry, evidence_observe(inquiry->evidence, "probe", subject,
                                               "not answered: %s (curl %d, errno %ld)",
                                               what->failure, what->curl_code, what->os_errno));
    } else if (what->status >= 500) {
        inquiry_note(inquiry, evidence_observe(inquiry->evidence, "probe", subject, "answered %d",
                                               what->status));
    }
}

/* Once. A limit of what is kept is no failure: later exchanges are counted. */
static void exchange_once(struct inquiry *inquiry, const struct question *question,
                          struct answer *answer)
{
    char url[EXCHANGE_URL_BYTES_MAX];
    char bearer[AUTHORIZATION_BYTES];
    struct exchange_header headers[2];
    struct exchange_request request = {.method = question->method ? question->method : "GET",
                                       .url = url,
                                       .headers = headers,
                                       .is_anonymous = true,
                                       .is_fresh = question->is_fresh,
                                       .timeout_ms = question->timeout_ms};

    if (!make_url(inquiry, question, url)) {
        answer->what.code = ERR_LIMIT;
        return;
    }
    if (question->token) {
        (void)snprintf(bearer, sizeof(bearer), "Bearer %s", question->token);
        headers[request.header_count++] = (struct exchange_header){"Authorization", bearer};
    }
    request.body = str_from(question->json);
    if (question->bytes.data) {
        request.body = question->bytes;
        headers[request.header_count++] =
            (struct exchange_header){"Content-Type", "application/octet-stream"};
    }
    (void)wire_exchange(inquiry->wire, &request, &answer->arena, &answer->what);
    OPENSSL_cleanse(bearer, sizeof(bearer));
    inquiry_note(inquiry, evidence_keep_exchange(inquiry->evidence, inquiry->check, &request,
                                                 &answer->what));
    observe_failure(inquiry, question, &answer->what);
}

/* Seconds to wait, 0: the answer is to be taken as it is. */
static unsigned polite_wait(const struct question *question, const struct answer *answer)
{
    uint64_t seconds = 0;

    if (question->takes_refusal || answer->what.code || answer->what.status != 429 ||
        decimal_parse_u64(exchange_header_of(&answer->what, "retry-after"), &seconds) ||
        seconds > INQUIRY_POLITE_WAIT_S) {
        return 0;
    }
    return seconds ? (unsigned)seconds : 1;
}

bool ask(struct inquiry *inquiry, const struct question *question, struct answer *ret_answer)
{
    *ret_answer = (struct answer){0};
    arena_init(&ret_answer->arena, ANSWER_BYTES_MAX);
    for (unsigned i = 0; i < INQUIRY_POLITE_TRIES; i++) {
        if (inquiry_is_over(inquiry)) {
            ret_answer->what.code = ERR_CANCELLED;
            return false;
        }
        exchange_once(inquiry, question, ret_answer);
        unsigned wait_s = polite_wait(question, ret_answer);
        if (!wait_s) {
            break;
        }
        inquiry_pause_ms(inquiry, wait_s * 1000);
    }
    if (ret_answer->what.code == OK) {
        read_json(ret_answer);
    }
    return ret_answer->what.code == OK;
}

void answer_done(struct answer *answer)
{
    json_parser_free(answer->parser);
    answer->parser = NULL;
    answer->root = (struct json_value){0};
    arena_done(&answer->arena);
}

bool ask_status(struct inquiry *inquiry, const struct question *question, int status)
{
    cleanup(answer_done) struct answer answer = {0};

    return ask(inquiry, question, &answer) && answer.what.status == status;
}

/* ---- reading ---- */

bool answer_text(struct json_value object, const char *name, char *ret_text, size_t room)
{
    struct str text = {0};

    ret_text[0] = '\0';
    if (!json_get_str(json_at(object, name), &text) || text.length >= room ||
        memchr(text.data, '\0', text.length)) {
        return false;
    }
    memcpy(ret_text, text.data, text.length);
    ret_text[text.length] = '\0';
    return text.length > 0;
}

int64_t answer_number(struct json_value object, const char *name)
{
    int64_t number = 0;

    (void)json_get_i64(json_at(object, name), &number);
    return number;
}

bool answer_is(struct json_value object, const char *name, const char *text)
{
    struct str value = {0};

    return json_get_str(json_at(object, name), &value) && str_equal(value, str_from(text));
}

int64_t answer_time(struct json_value object, const char *name)
{
    struct str text = {0};
    int64_t time_us = 0;

    return json_get_str(json_at(object, name), &text) && civil_parse(text, &time_us) == OK ? time_us
                                                                                           : 0;
}

/* "Mon, 23 Nov 2026 10:37:56 GMT", the form that RFC 9110 has servers send. */
int64_t answer_date(const struct answer *answer)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct str date = exchange_header_of(&answer->what, "date");
    struct civil_time time = {0};
    char text[DATE_BYTES + 1] = "";

    if (date.length != DATE_BYTES) {
        return 0;
    }
    memcpy(text, date.data, DATE_BYTES);
    for (int i = 0; i < 12; i++) {
        time.month = memcmp(text + 8, months + (ptrdiff_t)3 * i, 3) == 0 ? i + 1 : time.month;
    }
    time.day = (int)strtol(text + 5, NULL, 10);
    time.year = (int)strtol(text + 12, NULL, 10);
    time.hour = (int)strtol(text + 17, NULL, 10);
    time.minute = (int)strtol(text + 20, NULL, 10);
    time.second = (int)strtol(text + 23, NULL, 10);
    bool is_date = time.month && time.year >= 1970 && time.year <= 9999 && time.day >= 1 &&
                   time.day <= 31 && time.hour >= 0 && time.hour < 24 && time.minute >= 0 &&
                   time.minute < 60 && time.second >= 0 && time.second <= 60;
    return is_date ? civil_to_us(&time) : 0;
}

void answer_say(const struct answer *answer, char ret_text[INQUIRY_OBSERVED_BYTES])
{
    struct str code = {0};

    if (answer->what.code) {
        (void)snprintf(ret_text, INQUIRY_OBSERVED_BYTES, "no answer: %s",
                       answer->what.failure[0] ? answer->what.failure
                                               : error_code_text(answer->what.code));
        return;
    }
    (void)json_get_str(json_at(answer->root, "code"), &code);
    (void)snprintf(ret_text, INQUIRY_OBSERVED_BYTES, "HTTP %d%s%.*s", answer->what.status,
                   code.length ? " " : "", (int)(code.length < 80 ? code.length : 80),
                   code.length ? code.data : "");
}

/* ---- writing down ---- */

bool found(struct inquiry *inquiry, const char *id, bool is_right, const char *expected,
           const char *observed, ...)
{
    char text[INQUIRY_OBSERVED_BYTES];
    va_list args;

    /* What was broken off says nothing about the deployment. */
    if (inquiry_is_over(inquiry) || !inquiry->check) {
        return is_right;
    }
    va_start(args, observed);
    (void)vsnprintf(text, sizeof(text), observed, args);
    va_end(args);
    inquiry_note(inquiry,
                 evidence_find(inquiry->evidence, inquiry->check, id,
                               is_right ? OUTCOME_PASSED : OUTCOME_FAILED, expected, "%s", text));
    return is_right;
}

void not_exercised(struct inquiry *inquiry, const char *id, const char *needs)
{
    if (!inquiry_is_over(inquiry) && inquiry->check) {
        inquiry_note(inquiry, evidence_not_exercised(inquiry->evidence, inquiry->check, id, needs));
    }
}
