/*
 * The error table and the two ways to fill a struct error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
} error_table[ERROR_NUMBER_COUNT] = {
    [ERROR_NUMBER_NONE] = {"OK", "no error"},
#define ERROR(name, text) [ERROR_NUMBER_##name] = {#name, text},
#include "base/error.def"
#undef ERROR
};

/* A cut in the middle of a UTF-8 sequence would make the message invalid: drop the rest of it. */
static void trim_partial_utf8(char *text)
{
    size_t length = strlen(text);
    size_t start = length;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return;
    }
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (length - (start - 1) < want) {
        text[start - 1] = '\0';
    }
}

/* By way of a second buffer, so that a message may be built from the one that is replaced. */
static void print_text(char text[ERROR_MESSAGE_BYTES_MAX], const char *format, va_list args)
{
    char made[ERROR_MESSAGE_BYTES_MAX];

    (void)vsnprintf(made, sizeof(made), format, args);
    trim_partial_utf8(made);
    memcpy(text, made, sizeof(made));
}

int error_set(struct error *error, int code, const char *format, ...)
{
    if (error) {
        va_list args;

        va_start(args, format);
        print_text(error->message, format, args);
        va_end(args);
        error->code = code;
        error->hint[0] = '\0';
    }
    return code;
}

void error_hint(struct error *error, const char *format, ...)
{
    va_list args;

    if (!error) {
        return;
    }
    va_start(args, format);
    print_text(error->hint, format, args);
    va_end(args);
}

const char *error_code_name(int code)
{
    if (code > 0 || code <= -ERROR_NUMBER_COUNT) {
        return "UNKNOWN";
    }
    return error_table[-code].name;
}

const char *error_code_text(int code)
{
    if (code > 0 || code <= -ERROR_NUMBER_COUNT) {
        return "unknown error";
    }
    return error_table[-code].text;
}
