/*
 * Errors: a negative code from one table (error.def) as a function's result, and, at I/O and parse
 * boundaries, a message in a struct error that the caller owns.
 *
 * A message is lower case, has no full stop and says what could not be done, the value and the
 * reason; the optional hint is a full sentence that says what to do. Text that comes from users or
 * records is passed as an argument, never as the format, and is shortened to fit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_BASE_ERROR_H
#define NETRA_BASE_ERROR_H

#include "base/attributes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum error_number {
    ERROR_NUMBER_NONE,
#define ERROR(name, text) ERROR_NUMBER_##name,
#include "base/error.def"
#undef ERROR
    ERROR_NUMBER_COUNT
};

/* Codes as functions return them: 0 is success, each failure is negative. */
enum error_code {
    OK = 0,
#define ERROR(name, text) ERR_##name = -ERROR_NUMBER_##name,
#include "base/error.def"
#undef ERROR
};

#define ERROR_MESSAGE_BYTES_MAX 256

struct error {
    int code;                              /* ERR_…, OK while nothing failed */
    char message[ERROR_MESSAGE_BYTES_MAX]; /* always ends with a NUL */
    char hint[ERROR_MESSAGE_BYTES_MAX];    /* empty when there is nothing to advise */
};

/* Fills error (NULL is allowed) and returns code, so that a function can end with it. */
int error_set(struct error *error, int code, const char *format, ...) printf_like(3, 4);

/* Adds the sentence that says what to do about it. */
void error_hint(struct error *error, const char *format, ...) printf_like(2, 3);

/* The table's name ("NO_MEMORY") and text of a code; "UNKNOWN" and a generic text for others. */
const char *error_code_name(int code);
const char *error_code_text(int code);

#ifdef __cplusplus
}
#endif

#endif
