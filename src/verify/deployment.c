/*
 * What is at the address: its services, how one signs in there, what the token may. Nothing here is
 * a finding; the checks judge, this looks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/civil_time.h"
#include "verify/inquiry.h"

/* ---- addresses ---- */

/* Where a token may travel: over TLS, or within this machine. */
static bool is_private_way(struct str url)
{
    static const char *const here[] = {"http://127.", "http://localhost:", "http://localhost/",
                                       "http://[::1]"};

    for (size_t i = 0; i < ARRAY_LENGTH(here); i++) {
        if (str_starts_with(url, str_from(here[i]))) {
            return true;
        }
    }
    return str_starts_with(url, STR("https://"));
}

static bool set_url(char ret_url[INQUIRY_URL_BYTES], struct str url)
{
    while (str_ends_with(url, STR("/"))) {
        url.length--;
    }
    if (url.length == 0 || url.length >= INQUIRY_URL_BYTES) {
        return false;
    }
    memcpy(ret_url, url.data, url.length);
    ret_url[url.length] = '\0';
    return true;
}

/* The addresses that discovery names; one for all means: one process, and the address that was
 * given is the way to it (a tunnel has another name than the process knows). */
static void read_services(struct inquiry *inquiry, struct json_value root)
{
    struct str urls[SERVICE_COUNT] = {0};

    for (struct json_iterator it = json_iterate(json_at(root, "services")); json_next(&it);) {
        for (unsigned i = 0; i < SERVICE_COUNT; i++) {
            if (answer_is(it.value, "name", service_names[i])) {
                (void)json_get_str(json_at(it.value, "url"), &urls[i]);
            }
        }
    }
    if (str_equal(urls[SERVICE_BACKEND], urls[SERVICE_AUTH]) &&
        str_equal(urls[SERVICE_BACKEND], urls[SERVICE_FRONTEND])) {
        return;
    }
    for (unsigned i = 0; i < SERVICE_COUNT; i++) {
        if (urls[i].length && !is_private_way(urls[i])) {
            inquiry_note(inquiry, evidence_observe(inquiry->evidence, "config", service_names[i],
                                                   "discovery names an address that a token must "
                                                   "not travel to"));
        } else {
            (void)set_url(inquiry->urls[i], urls[i]);
        }
    }
}

static void find_services(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer answer = {0};

    if (ask(inquiry, &(struct question){.path = "/api/discovery/services"}, &answer)) {
        read_services(inquiry, answer.root);
    }
    if (inquiry->options->auth_url) {
        (void)set_url(inquiry->urls[SERVICE_AUTH], str_from(inquiry->options->auth_url));
    }
}

/* ---- who one is there ---- */

static void find_mode(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer answer = {0};

    if (ask(inquiry, &(struct question){.service = SERVICE_AUTH, .path = "/auth/config"},
            &answer)) {
        inquiry->mode = answer_is(answer.root, "mode", "accounts") ? MODE_ACCOUNTS
                        : answer_is(answer.root, "mode", "local")  ? MODE_LOCAL
                                                                   : MODE_UNKNOWN;
        (void)json_get_bool(json_at(answer.root, "passwords"), &inquiry->has_passwords);
    }
}

static bool has_scope(struct json_value me, const char *name)
{
    for (struct json_iterator it = json_iterate(json_at(me, "scopes")); json_next(&it);) {
        struct str scope = {0};

        if (json_get_str(it.value, &scope) && str_equal(scope, str_from(name))) {
            return true;
        }
    }
    return false;
}

static void find_rights(struct inquiry *inquiry)
{
    cleanup(answer_done) struct answer answer = {0};
    bool is_operator = false;

    if (!inquiry->options->token ||
        !ask(inquiry,
             &(struct question){
                 .service = SERVICE_AUTH, .path = "/auth/me", .token = inquiry->options->token},
             &answer) ||
        answer.what.status != 200) {
        return;
    }
    inquiry->has_token = true;
    inquiry->may_run = has_scope(answer.root, "run");
    inquiry->may_upload = has_scope(answer.root, "data");
    (void)json_get_bool(json_at(answer.root, "is_operator"), &is_operator);
    inquiry->is_operator = is_operator && has_scope(answer.root, "admin");
}

/* ---- what it says of itself ---- */

static struct str keep(struct inquiry *inquiry, struct json_value object, const char *name)
{
    struct str text = {0};

    if (!json_get_str(json_at(object, name), &text)) {
        return (struct str){0};
    }
    text.length = text.length < EVIDENCE_TEXT_BYTES_MAX ? text.length : EVIDENCE_TEXT_BYTES_MAX;
    text = arena_copy(&inquiry->evidence->arena, text);
    inquiry_note(inquiry, text.data ? OK : ERR_NO_MEMORY);
    return text;
}

static void observe_checks(struct inquiry *inquiry, struct json_value health)
{
    for (struct json_iterator it = json_iterate(json_at(health, "checks")); json_next(&it);) {
        char name[INQUIRY_ID_BYTES];
        char subject[INQUIRY_ID_BYTES + 8];
        struct str status = {0};
        struct str reason = {0};

        if (!ANSWER_TEXT(it.value, "name", name) ||
            !json_get_str(json_at(it.value, "status"), &status) ||
            str_equal(status, STR("healthy"))) {
            continue;
        }
        (void)json_get_str(json_at(it.value, "reason"), &reason);
        (void)snprintf(subject, sizeof(subject), "check %s", name);
        inquiry_note(inquiry, evidence_observe(inquiry->evidence, "health", subject, "%.*s: %.*s",
                                               STR_ARGS(status), STR_ARGS(reason)));
    }
}

static void observe_clock(struct inquiry *inquiry, const struct answer *answer)
{
    int64_t date_us = answer_date(answer);

    if (date_us) {
        int64_t ahead_us = date_us - (answer->what.started_us + answer->what.total_us);

        inquiry_note(inquiry, evidence_observe(inquiry->evidence, "clock", "difference",
                                               "%.1f s ahead of ours (Date has whole seconds)",
                                               (double)ahead_us / 1e6));
    }
}

static void observe_certificate(struct inquiry *inquiry, const struct exchange *what)
{
    char stamp[CIVIL_STAMP_BYTES];

    if (what->certificate_expires_us) {
        civil_stamp(what->certificate_expires_us, stamp);
        inquiry_note(inquiry, evidence_observe(inquiry->evidence, "certificate", what->peer,
                                               "expires %s", stamp));
    }
}

static bool look_at_health(struct inquiry *inquiry, bool is_first)
{
    cleanup(answer_done) struct answer answer = {0};
    bool allows_faults = false;

    if (!ask(inquiry, &(struct question){.path = "/health", .is_fresh = is_first}, &answer)) {
        return false;
    }
    if (is_first) {
        inquiry->evidence->server_version = keep(inquiry, answer.root, "version");
        inquiry->evidence->deployment = keep(inquiry, answer.root, "deployment");
        (void)json_get_bool(json_at(answer.root, "faults_allowed"), &allows_faults);
        inquiry->allows_faults = allows_faults;
        inquiry_note(inquiry, evidence_observe(inquiry->evidence, "revision", "GET /health",
                                               "version %.*s, deployment %.*s",
                                               STR_ARGS(inquiry->evidence->server_version),
                                               STR_ARGS(inquiry->evidence->deployment)));
        observe_clock(inquiry, &answer);
        observe_certificate(inquiry, &answer.what);
    }
    observe_checks(inquiry, answer.root);
    return true;
}

void deployment_observe(struct inquiry *inquiry)
{
    (void)look_at_health(inquiry, /* is_first */ false);
}

bool deployment_is_apart(const struct inquiry *inquiry)
{
    return strcmp(inquiry->urls[SERVICE_AUTH], inquiry->urls[SERVICE_BACKEND]) != 0;
}

bool deployment_find(struct inquiry *inquiry)
{
    for (unsigned i = 0; i < SERVICE_COUNT; i++) {
        if (!set_url(inquiry->urls[i], str_from(inquiry->options->url))) {
            return false;
        }
    }
    if (!look_at_health(inquiry, /* is_first */ true)) {
        return false;
    }
    find_services(inquiry);
    find_mode(inquiry);
    find_rights(inquiry);
    inquiry->allows_faults = inquiry->allows_faults && inquiry->is_operator;
    return true;
}
