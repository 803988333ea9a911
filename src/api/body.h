/*
 * body: members of a JSON body, checked one by one. A member that is wrong is a fault: where (a
 * JSON pointer) and what, for the "errors" of a problem. null counts as absent; members that nobody
 * asks for are ignored. Pure functions; texts are borrowed from the parser.
 *
 *     struct body_fault fault = {0};
 *     body_text(root, "title", &title_rule, &title, &fault) && body_id(root, "dataset", …)
 *
 * Private to api/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_API_BODY_H
#define NETRA_API_BODY_H

#include "base/error.h"
#include "json/json_read.h"

#define BODY_POINTER_BYTES_MAX 64
#define BODY_SEED_MAX          UINT64_C(9007199254740991) /* 2^53 - 1: every client reads it back */

/* detail is empty while nothing was wrong. */
struct body_fault {
    char pointer[BODY_POINTER_BYTES_MAX]; /* "/prompt"; "" is the whole body */
    char detail[ERROR_MESSAGE_BYTES_MAX];
    bool is_ours; /* want of memory: nothing was wrong with what was sent */
};

/* Fills fault and returns false, so that a reader can end with it. A text too long is cut. */
bool body_refuse(struct body_fault *fault, const char *pointer, const char *format, ...)
    printf_like(3, 4);

/* The body is an object. */
bool body_is_object(struct json_value root, struct body_fault *fault);

struct body_text_rule {
    size_t bytes_max;
    bool is_required; /* absent or blank is a fault */
};

/* Each: true and *ret set when the member is there and right; true and *ret untouched when it is
 * absent; false and fault filled when it is wrong. */
bool body_text(struct json_value root, const char *name, const struct body_text_rule *rule,
               struct str *ret, struct body_fault *fault);
bool body_id(struct json_value root, const char *name, struct str *ret, struct body_fault *fault);
bool body_u64(struct json_value root, const char *name, uint64_t max, uint64_t *ret,
              struct body_fault *fault);
bool body_bool(struct json_value root, const char *name, bool *ret, struct body_fault *fault);
/* RFC 3339, microseconds since 1970. */
bool body_time(struct json_value root, const char *name, int64_t *ret_us, struct body_fault *fault);

#endif
