/*
 * look: what can be seen of a deployment from outside, without changing it, written down as facts
 * (facts.h; the vocabulary is in verify/README.md). Each function looks at one thing and notes what
 * it saw, also that there was nothing to be seen. Private to verify/.
 *
 * What cannot be noted because memory or room ends is remembered in code; later notes do nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_LOOK_H
#define NETRA_VERIFY_LOOK_H

#include <curl/curl.h>
#include <sys/types.h>

#include "verify/diagnosis.h"
#include "json/json_read.h"

#define LOOK_CONNECT_MS     2000u
#define LOOK_ANSWER_MS      3000u
#define LOOK_HOST_BYTES     256u
#define LOOK_PLACE_BYTES    (LOOK_HOST_BYTES + 8u) /* "host:port" */
#define LOOK_FILE_BYTES_MAX ((size_t)65536)        /* of a process file, a configuration */
#define LOOK_LOG_BYTES_MAX  ((size_t)262144)       /* of the end of a log */
#define LOOK_LOG_LINES_MAX  40u                    /* that are noted */
#define LOOK_PATH_BYTES     4096u

/* An address taken apart. */
struct look_place {
    char url[EXCHANGE_URL_BYTES_MAX]; /* without a path */
    char host[LOOK_HOST_BYTES];       /* an IPv6 address without its brackets */
    char place[LOOK_PLACE_BYTES];     /* "127.0.0.1:8421" */
    unsigned port;
    bool is_tls;
    bool is_here; /* its name leads to this machine */
};

struct looking {
    const struct diagnose_options *options;
    struct evidence *facts;
    struct arena *arena; /* of answers and files that are looked through */
    struct json_parser *parser;
    int code;
    pid_t pid;                /* of the process file; 0: none */
    int64_t started_us;       /* of the process, as its file says; 0: unknown */
    bool has_ended;           /* its end is in the file */
    struct str revision;      /* that was released; empty: unknown */
    struct look_place asked;  /* host empty: nothing was asked */
    bool has_answer;          /* GET /health was */
    struct str health_answer; /* its body */
};

void look_note(struct looking *looking, const char *kind, const char *subject, const char *format,
               ...) printf_like(4, 5);

/* ERR_USAGE: not an address of http or https. */
must_check int look_take_apart(const char *url, struct look_place *ret_place, struct error *error);

/* Everything beneath an end of file, or its last bytes_max; the text lives in the arena. false: it
 * cannot be read; errno says why. */
bool look_read_end(struct looking *looking, const char *path, size_t bytes_max,
                   struct str *ret_text, bool *ret_is_cut);

void look_at_evidence(struct looking *looking); /* copies its observations and its failures */
void look_at_way(struct looking *looking);      /* name, connection */
void look_at_tls(struct looking *looking);      /* handshake and certificate */
void look_at_answers(struct looking *looking);  /* GET /health, token, WebSocket, metrics */
void look_at_health(struct looking *looking, struct json_value root);
void look_at_port(struct looking *looking);    /* who listens */
void look_at_process(struct looking *looking); /* of the process file */
void look_at_log(struct looking *looking);
void look_at_data(struct looking *looking);
void look_at_config(struct looking *looking);

/* What a process of this machine may have and has; kind "process" or "port". whose: "process 12" */
void look_at_limits(struct looking *looking, const char *kind, const char *whose, pid_t pid);

/* ---- the pure part of logs ---- */

struct log_line {
    struct str level;   /* "error", "warning" … ; empty: not a line of the log's */
    struct str room;    /* "store" */
    struct str message; /* of a line that is none: all of it */
    int64_t at_us;      /* 0: none */
};

/* A line of text, or of JSON with the parser; whatever it is. */
void log_line_read(struct json_parser *parser, struct str line, struct log_line *ret_line);

/* What kind of fact it is: "start" (why it could not start), "stop", "crash", "error", "warning";
 * NULL: nothing that a diagnosis needs. */
const char *log_line_kind(const struct log_line *line);

#endif
