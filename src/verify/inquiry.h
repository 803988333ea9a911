/*
 * inquiry: what the checks of one verification share: the deployment as it was found, how to ask it
 * something, how to write down what was seen. Private to verify/.
 *
 * What is looked at by one check is not judged by another: a check that needs a dataset, a token or
 * a run takes them as they come, so that one defect fails one check.
 *
 * Failures of the evidence itself (no memory, a limit, cancelled) are sticky in inquiry->code; what
 * the deployment does wrong never is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_INQUIRY_H
#define NETRA_VERIFY_INQUIRY_H

#include "verify/verification.h"
#include "json/json_read.h"

#define INQUIRY_ID_BYTES       80u   /* ids of the deployment, with their NUL */
#define INQUIRY_TOKEN_BYTES    4097u /* as the command line takes them */
#define INQUIRY_URL_BYTES      1024u /* addresses of services; longer ones are not used */
#define INQUIRY_PATH_BYTES     512u
#define INQUIRY_POLITE_TRIES   8u  /* of a request that is told to come again later */
#define INQUIRY_POLITE_WAIT_S  65u /* longer waits are not waited for */
#define INQUIRY_OBSERVED_BYTES 600
#define INQUIRY_TENANTS        2u

enum service { SERVICE_BACKEND, SERVICE_AUTH, SERVICE_FRONTEND, SERVICE_COUNT };
extern const char *const service_names[SERVICE_COUNT];

enum deployment_mode { MODE_UNKNOWN, MODE_LOCAL, MODE_ACCOUNTS };

/* What has to be removed at the end, latest first. */
enum leaving_kind {
    LEAVING_THREAD,
    LEAVING_DATASET,
    LEAVING_KEY,
    LEAVING_INVITE,
    LEAVING_WORKSPACE,
    LEAVING_PERSON, /* the temporary one: only once */
    LEAVING_FAULTS
};

struct leaving {
    enum leaving_kind kind;
    char id[INQUIRY_ID_BYTES];
    const char *token; /* who may remove it; lives as long as the inquiry */
};

/* The temporary person: an admin of the first workspace for the time of the verification. */
struct person {
    bool exists;
    char email[INQUIRY_ID_BYTES];
    char password[INQUIRY_ID_BYTES];
    char home[INQUIRY_ID_BYTES]; /* the first workspace: operators make others from there */
    bool is_away;
    char access[INQUIRY_TOKEN_BYTES];
};

/* Where runs are made: a temporary workspace with a key, or where the given token is at home. */
struct workplace {
    bool is_ready;
    bool is_temporary; /* a workspace of its own: it goes with everything in it */
    char token[INQUIRY_TOKEN_BYTES];
    char workspace[INQUIRY_ID_BYTES];
    char dataset[INQUIRY_ID_BYTES];
    uint64_t records; /* of the dataset, as uploaded */
};

struct inquiry {
    const struct verify_options *options;
    struct evidence *evidence;
    struct check *check; /* that is open; NULL: set-up, clean-up */
    struct wire *wire;   /* without a token of its own: each question says whose */
    int code;            /* sticky */
    bool is_cleaning;    /* nobody can cancel any more */

    /* ---- the deployment ---- */
    char urls[SERVICE_COUNT][INQUIRY_URL_BYTES];
    enum deployment_mode mode;
    bool has_passwords;
    bool allows_faults; /* and the token is one of an operator */
    bool has_token;     /* and it is taken */
    bool is_operator;
    bool may_run, may_upload;

    /* ---- what was made ---- */
    struct person person;
    struct workplace work;
    char tenant_keys[INQUIRY_TENANTS][INQUIRY_TOKEN_BYTES]; /* of isolation's workspaces */
    struct leaving *leavings;
    size_t leaving_count, leaving_capacity;
    unsigned serial; /* of names */
};

/* ---- asking ---- */

struct question {
    enum service service;
    const char *method; /* NULL: "GET" */
    const char *path;
    const char *token;  /* NULL: none is sent */
    const char *json;   /* a body; NULL: none */
    struct str bytes;   /* a body that is no JSON */
    bool takes_refusal; /* 429 is an answer; else what Retry-After says is waited for */
    bool is_fresh;
    unsigned timeout_ms;
};

struct answer {
    struct exchange what;
    struct json_value root; /* JSON_MISSING: no JSON */
    struct arena arena;
    struct json_parser *parser;
};

/* Asks and waits. True when there is an answer, whatever its status; what went wrong otherwise is
 * an observation. *ret_answer is to be released in any case. */
bool ask(struct inquiry *inquiry, const struct question *question, struct answer *ret_answer);
void answer_done(struct answer *answer);

/* One status, said in a single call: true when it came. */
bool ask_status(struct inquiry *inquiry, const struct question *question, int status);

/* A member as text, cut to the room; false (and empty) when it is none, or longer. */
bool answer_text(struct json_value object, const char *name, char *ret_text, size_t room);
#define ANSWER_TEXT(object, name, array) answer_text((object), (name), (array), sizeof(array))
/* 0 when it is none. */
int64_t answer_number(struct json_value object, const char *name);
bool answer_is(struct json_value object, const char *name, const char *text);
/* Microseconds since 1970; 0 when it is no time. */
int64_t answer_time(struct json_value object, const char *name);

/* What the answer's Date says, whole seconds as microseconds since 1970; 0: it has none. */
int64_t answer_date(const struct answer *answer);

/* "cannot connect", or "HTTP 503 …": what an answer was, for `observed`. */
void answer_say(const struct answer *answer, char ret_text[INQUIRY_OBSERVED_BYTES]);

/* ---- writing down ---- */

bool found(struct inquiry *inquiry, const char *id, bool is_right, const char *expected,
           const char *observed, ...) printf_like(5, 6); /* returns is_right */
void not_exercised(struct inquiry *inquiry, const char *id, const char *needs);
/* Keeps the first failure. */
void inquiry_note(struct inquiry *inquiry, int code);
void inquiry_progress(struct inquiry *inquiry, const char *what, unsigned done, unsigned of);

/* ---- time ---- */

bool inquiry_is_over(const struct inquiry *inquiry); /* cancelled, or failed itself */
void inquiry_pause_ms(struct inquiry *inquiry, unsigned ms);

/* ---- the deployment (deployment.c) ---- */

/* Finds services, mode and what the token may. False: nobody answers at the address. */
bool deployment_find(struct inquiry *inquiry);

/* What each health check says that is not well, the version, clocks and the certificate, as
 * observations. */
void deployment_observe(struct inquiry *inquiry);

/* Whether people and data are in different services: what one knows, the other hears later. */
bool deployment_is_apart(const struct inquiry *inquiry);

/* ---- things for the time of the verification (workplace.c) ---- */

/* A place for runs with a dataset; once. NULL, or what it would need ("a token that may run"). */
const char *workplace_prepare(struct inquiry *inquiry);
/* A temporary person with a session in the first workspace; once. NULL, or what it would need. */
const char *person_prepare(struct inquiry *inquiry);
/* A new session of the temporary person; false: there is none. */
bool person_sign_in(struct inquiry *inquiry, char ret_access[INQUIRY_TOKEN_BYTES],
                    char ret_refresh[INQUIRY_TOKEN_BYTES]);
/* A new workspace, removed at the end, and a key of a new service account in it. */
bool workspace_make(struct inquiry *inquiry, const char *name, char ret_id[INQUIRY_ID_BYTES],
                    char ret_key[INQUIRY_TOKEN_BYTES]);
/* Records of our own making, uploaded with the token, which lives as long as the inquiry. */
bool dataset_make(struct inquiry *inquiry, const char *token, unsigned records,
                  char ret_id[INQUIRY_ID_BYTES]);
/* To be removed at the end. */
void leaving_add(struct inquiry *inquiry, enum leaving_kind kind, const char *id,
                 const char *token);
/* Done already. */
void leaving_forget(struct inquiry *inquiry, enum leaving_kind kind, const char *id);
/* Removes all; a finding "clean_up" of a check of its own says what could not be. */
void workplace_clean_up(struct inquiry *inquiry);

/* ---- faults (faults.c) ---- */

/* Puts a fault in for that many times, half a minute at most. */
bool fault_put_in(struct inquiry *inquiry, const char *name, unsigned times, int argument);
/* How often it was met since the server began; -1: not known. */
int64_t fault_hit_count(struct inquiry *inquiry, const char *name);
void faults_take_out(struct inquiry *inquiry);

#endif
