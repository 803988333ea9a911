/*
 * live: runs as somebody sees them who sits at a WebSocket: each event with the moment at which it
 * came. Nothing is judged here but what cannot be read at all. Private to verify/.
 *
 * A run's events live in its own arena; live_run_done releases them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_LIVE_H
#define NETRA_VERIFY_LIVE_H

#include "verify/inquiry.h"
#include "verify/socket.h"

#define LIVE_EVENTS_MAX      20000u
#define LIVE_RUN_BYTES_MAX   ((size_t)64 << 20)
#define LIVE_EVENT_WAIT_MS   30000u /* for the next event of a run */
#define LIVE_LIMITED_TRIES   40u    /* a run that is refused with RATE_LIMITED is asked for again */
#define LIVE_LIMITED_WAIT_MS 1500u
#define LIVE_PROMPT_BYTES    1024u

struct live_event {
    int64_t at_us;        /* monotonic: when its last byte was read */
    int64_t timestamp_ms; /* what it says itself */
    uint64_t seq;         /* 0: none */
    struct str type;
    struct str name; /* stepName, toolCallName or name; empty */
    struct str id;   /* messageId, toolCallId or subagentRunId; empty */
    struct str text; /* delta; empty */
    int64_t number;  /* durationUs; -1: none */
    int64_t delivered_to; /* -1: none */
};

enum live_end {
    LIVE_UNDER_WAY,
    LIVE_FINISHED,  /* RUN_FINISHED, outcome success */
    LIVE_CANCELLED, /* RUN_FINISHED, outcome cancelled */
    LIVE_FAILED,    /* RUN_ERROR, or refused */
    LIVE_SILENT,    /* nothing came any more */
    LIVE_BROKEN     /* the connection */
};
const char *live_end_name(enum live_end end);

struct live_run {
    struct arena arena;
    struct live_event *events;
    size_t count, capacity;
    int64_t sent_us; /* monotonic: just before the message was sent */
    enum live_end end;
    char run_id[INQUIRY_ID_BYTES];
    char thread_id[INQUIRY_ID_BYTES];
    char report_id[INQUIRY_ID_BYTES];
    char report_type[INQUIRY_ID_BYTES];
    bool is_noted;           /* its thread, as something to remove */
    bool has_interpretation; /* a STATE_SNAPSHOT with one that is not empty */
    char failure[200];
};

struct live {
    struct inquiry *inquiry;
    struct ws_client *socket; /* NULL: not open */
    struct exchange handshake;
    struct arena arena;
    struct json_parser *parser;
    char url[EXCHANGE_URL_BYTES_MAX];
};

struct live_options {
    const char *token;  /* NULL: none */
    const char *ticket; /* NULL: none */
    const char *origin; /* NULL: none */
};

/* False: no WebSocket; live->handshake says what was answered. To be closed in any case. */
bool live_open(struct inquiry *inquiry, const struct live_options *options, struct live *ret_live);
void live_close(struct live *live);

struct live_request {
    const char *prompt;
    const char *thread_id; /* NULL: a new one */
    const char *dataset;   /* NULL: none */
};

/* Sends the request for a run; the run is then to be followed. A thread that it opens is removed at
 * the end of the verification. */
bool live_start(struct live *live, const struct live_request *request, struct live_run *ret_run);
/* Subscribes to a run that goes on: events after last_seq. */
bool live_resume(struct live *live, const char *run_id, uint64_t last_seq,
                 struct live_run *ret_run);
bool live_cancel(struct live *live, const struct live_run *run);
/* The next event of the run; false: there is none any more, run->end says why. */
bool live_next(struct live *live, struct live_run *run);
/* Until it has ended: true when it finished. */
bool live_follow(struct live *live, struct live_run *run);
/* Start and follow, asked again while it is refused with RATE_LIMITED. */
bool live_ask(struct live *live, const struct live_request *request, struct live_run *ret_run);
/* One ping: microseconds to its pong; -1: none came. */
int64_t live_ping(struct live *live);
void live_run_done(struct live_run *run);

/* The first event of a type (and name, unless it is NULL); NULL: none. */
const struct live_event *live_find(const struct live_run *run, const char *type, const char *name);
size_t live_count(const struct live_run *run, const char *type);

#endif
