/*
 * remote: a running server as the commands of administration ask it: one request at a time, waited
 * for.
 *
 *     --url, else NETRA_URL, else http://127.0.0.1:8421
 *     --token-file, else NETRA_TOKEN: an API key or an access token; local mode: its token
 *
 * The token travels over https, or to this machine: elsewhere it would be seen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_CLI_REMOTE_H
#define NETRA_CLI_REMOTE_H

#include <getopt.h>

#include "base/buf.h"
#include "base/error.h"
#include "json/json_read.h"

#define REMOTE_URL_DEFAULT      "http://127.0.0.1:8421"
#define REMOTE_ANSWER_BYTES_MAX ((size_t)16 << 20)
#define REMOTE_TOKEN_BYTES_MAX  4096u
#define REMOTE_PATH_BYTES_MAX   512
#define REMOTE_CONNECT_MS       10000L
#define REMOTE_TIMEOUT_MS       60000L

/* Options of every command that asks a server; a command's own begin at REMOTE_OPTION_OWN. */
enum {
    REMOTE_OPTION_URL = 1,
    REMOTE_OPTION_TOKEN_FILE,
    REMOTE_OPTION_CA_FILE,
    REMOTE_OPTION_JSON,
    REMOTE_OPTION_OWN
};
#define REMOTE_OPTIONS                                                                             \
    {"url", required_argument, NULL, REMOTE_OPTION_URL},                                           \
        {"token-file", required_argument, NULL, REMOTE_OPTION_TOKEN_FILE},                         \
        {"ca-file", required_argument, NULL, REMOTE_OPTION_CA_FILE},                               \
    {                                                                                              \
        "json", no_argument, NULL, REMOTE_OPTION_JSON                                              \
    }
#define REMOTE_HELP                                                                                \
    "  --url URL          the server; else NETRA_URL, else " REMOTE_URL_DEFAULT "\n"               \
    "  --token-file FILE  an API key or access token; else NETRA_TOKEN\n"                          \
    "  --ca-file FILE     authorities for the server's certificate, instead of the system's\n"     \
    "  --json             the server's answers as they come, one a line\n"

struct remote {
    const char *url;
    const char *token_file;
    const char *ca_file;
    bool as_json;
    struct buf token;  /* wiped */
    struct buf answer; /* of the last call */
    struct json_parser *parser;
    int status; /* of the last answer */
};

/* What getopt gave; false when it is none of the common ones. */
bool remote_take_option(struct remote *remote, int option, const char *value);

/* After the options. ERR_USAGE: an address that is none, or one that the token must not travel to;
 * what holds no token. ERR_IO: a token file that cannot be read. The remote is to be closed in any
 * case. */
must_check int remote_open(struct remote *remote, struct error *error);
void remote_close(struct remote *remote);

/* body: JSON, or NULL. *ret_root: the answer, until the next call; JSON_MISSING for 204. ERR_IO (no
 * connection), and for answers that refuse ERR_DENIED (401, 403), ERR_NOT_FOUND, ERR_EXISTS (409),
 * ERR_LIMIT (429, 503), ERR_INVALID: the message is the server's. */
must_check int remote_call(struct remote *remote, const char *method, const char *path,
                           const struct buf *body, struct json_value *ret_root,
                           struct error *error);

/* ---- printing what others wrote ---- */

/* A text of an answer with "?" for what a terminal would obey. */
void remote_print_text(struct str text, int width);
/* A member of a row, "–" when it is absent. */
void remote_print_member(struct json_value row, const char *name, int width);
/* The answer as it came, on a line. */
void remote_print_answer(const struct remote *remote);

#endif
