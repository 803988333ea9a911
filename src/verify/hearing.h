/*
 * hearing: runs as somebody sees them who sits at a WebSocket: each event with the moment at which
 * it came. Nothing is judged here but what cannot be read at all. Private to verify/.
 *
 * A run's events live in its own arena; heard_run_done releases them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_HEARING_H
#define NETRA_VERIFY_HEARING_H

#include "verify/inquiry.h"
#include "verify/socket.h"

#define HEARD_EVENTS_MAX      20000u
#define HEARD_RUN_BYTES_MAX   ((size_t)64 << 20)
#define HEARD_EVENT_WAIT_MS   30000u /* for the next event of a run */
#define HEARD_LIMITED_TRIES   40u /* a run that is refused with RATE_LIMITED is asked for again */
#define HEARD_LIMITED_WAIT_MS 1500u
#define HEARD_PROMPT_BYTES    1024u

struct heard_event {
    int64_t at_us;        /* monotonic: when its last byte was read */
    int64_t timestamp_ms; /* what it says itself */
    uint64_t seq;         /* 0: none */
    struct str type;
    struct str name;      /* stepName, toolCallName or name; empty */
    struct str id;        /* messageId, toolCallId or subagentRunId; empty */
    struct str text;      /* delta; empty */
    int64_t number;       /* durationUs; -1: none */
    int64_t delivered_to; /* -1: none */
};

enum heard_end {
    HEARD_UNDER_WAY,
    HEARD_FINISHED,  /* RUN_FINISHED, outcome success */
    HEARD_CANCELLED, /* RUN_FINISHED, outcome cancelled */
    HEARD_FAILED,    /* RUN_ERROR, or refused */
    HEARD_SILENT,    /* nothing came any more */
    HEARD_BROKEN     /* the connection */
};
const char *heard_end_name(enum heard_end end);

struct heard_run {
    struct arena arena;
    struct heard_event *events;
    size_t count, capacity;
    int64_t sent_us; /* monotonic: just before the message was sent */
    enum heard_end end;
    char run_id[INQUIRY_ID_BYTES];
    char thread_id[INQUIRY_ID_BYTES];
    char report_id[INQUIRY_ID_BYTES];
    char report_type[INQUIRY_ID_BYTES];
    bool is_noted;           /* its thread, as something to remove */
    bool has_interpretation; /* a STATE_SNAPSHOT with one that is not empty */
    char failure[200];
};

struct hearing {
    struct inquiry *inquiry;
    const char *token;        /* that it was opened with */
    struct ws_client *socket; /* NULL: not open */
    struct exchange handshake;
    struct arena arena;
    struct json_parser *parser;
    char url[EXCHANGE_URL_BYTES_MAX];
};

struct heard_options {
    const char *token;  /* NULL: none; lives as long as the inquiry */
    const char *ticket; /* NULL: none */
    const char *origin; /* NULL: none */
};

/* False: no WebSocket; hearing->handshake says what was answered. To be closed in any case. */
bool hearing_open(struct inquiry *inquiry, const struct heard_options *options,
                  struct hearing *ret_hearing);
void hearing_close(struct hearing *hearing);

struct heard_request {
    const char *prompt;
    const char *thread_id; /* NULL: a new one */
    const char *dataset;   /* NULL: none */
};

/* Sends the request for a run; the run is then to be followed. A thread that it opens is removed at
 * the end of the verification. */
bool hearing_start(struct hearing *hearing, const struct heard_request *request,
                   struct heard_run *ret_run);
/* Subscribes to a run that goes on: events after last_seq. */
bool hearing_resume(struct hearing *hearing, const char *run_id, uint64_t last_seq,
                    struct heard_run *ret_run);
bool hearing_cancel(struct hearing *hearing, const struct heard_run *run);
/* The next event of the run; false: there is none any more, run->end says why. */
bool hearing_next(struct hearing *hearing, struct heard_run *run);
/* Until it has ended: true when it finished. */
bool hearing_follow(struct hearing *hearing, struct heard_run *run);
/* Start and follow, asked again while it is refused with RATE_LIMITED. */
bool hearing_ask(struct hearing *hearing, const struct heard_request *request,
                 struct heard_run *ret_run);
/* One ping: microseconds to its pong; -1: none came. */
int64_t hearing_ping(struct hearing *hearing);
void heard_run_done(struct heard_run *run);

/* The first event of a type (and name, unless it is NULL); NULL: none. */
const struct heard_event *hearing_find(const struct heard_run *run, const char *type,
                                       const char *name);
size_t hearing_count(const struct heard_run *run, const char *type);

#endif
