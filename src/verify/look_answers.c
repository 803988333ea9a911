/*
 * What the address answers, by few requests that only read: /health (ten times, for the time that
 * it takes), a list with the token, the handshake of a WebSocket, /metrics, discovery.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil_time.h"
#include "verify/facts.h"
#include "verify/look.h"
#include "verify/socket.h"

#define TIMES            10u
#define URL_BYTES        (EXCHANGE_URL_BYTES_MAX + 64)
#define SUBJECT_BYTES    96u
#define DETAIL_BYTES     240u
#define MS               1000.0
#define SERVICES_MAX     8u
#define METRIC_LINES_MAX 24u /* that are noted */

static void free_wire(struct wire **wire)
{
    wire_free(*wire);
}

static const struct exchange *ask(struct looking *looking, struct wire *wire, const char *path,
                                  bool is_anonymous, struct exchange *exchange)
{
    char url[URL_BYTES];

    (void)snprintf(url, sizeof(url), "%s%s", looking->asked.url, path);
    const struct exchange_request request = {
        .method = "GET", .url = url, .is_anonymous = is_anonymous};
    (void)wire_exchange(wire, &request, looking->arena, exchange);
    return exchange;
}

/* "refused" and the like: the words of the rules. What curl calls the rest is kept. */
static void note_unanswered(struct looking *looking, const char *subject,
                            const struct exchange *exchange)
{
    if (exchange->code == ERR_TIMEOUT) {
        look_note(looking, "probe", subject, "not answered: no answer in %u ms", LOOK_ANSWER_MS);
    } else {
        look_note(looking, "probe", subject, "not answered: %s", exchange->failure);
    }
}

/* The detail of a problem (RFC 9457) and what it needs; else the beginning of the body. */
static void put_detail(struct looking *looking, const struct exchange *exchange,
                       char ret_detail[DETAIL_BYTES])
{
    struct json_value root = {0};
    struct str detail = {"", 0};
    struct str needs = {"", 0};

    if (exchange->body.length && json_parse(looking->parser, exchange->body, &root, NULL) == OK &&
        json_get_str(json_at(root, "detail"), &detail)) {
        bool has_needs = json_get_str(json_at(root, "needs"), &needs);

        (void)snprintf(ret_detail, DETAIL_BYTES, ": %.*s%s%.*s", STR_ARGS(detail),
                       has_needs ? ", needs " : "", STR_ARGS(needs));
    } else {
        ret_detail[0] = '\0';
    }
}

static void note_answer(struct looking *looking, const char *subject,
                        const struct exchange *exchange)
{
    char detail[DETAIL_BYTES];

    if (exchange->code) {
        note_unanswered(looking, subject, exchange);
    } else if (exchange->status >= 200 && exchange->status < 300) {
        look_note(looking, "probe", subject, "answered %d", exchange->status);
    } else {
        put_detail(looking, exchange, detail);
        look_note(looking, "probe", subject, "answered %d%s", exchange->status, detail);
    }
}

/* ---- /health ---- */

/* True of an answer that only Netra gives: its health, or one of its problems. */
static bool is_netra(struct looking *looking, const struct exchange *exchange)
{
    struct json_value root;
    struct str version;
    struct str code;

    if (exchange->body.length == 0 ||
        json_parse(looking->parser, exchange->body, &root, NULL) != OK) {
        return false;
    }
    if (json_get_str(json_at(root, "version"), &version) &&
        json_is(json_at(root, "checks"), JSON_ARRAY)) {
        look_note(looking, "probe", "who answers", "Netra %.*s", STR_ARGS(version));
        return true;
    }
    if (json_get_str(json_at(root, "code"), &code) &&
        json_is(json_at(root, "detail"), JSON_STRING)) {
        look_note(looking, "probe", "who answers", "Netra, which refuses");
        return true;
    }
    return false;
}

static void note_date(struct looking *looking, const struct exchange *exchange)
{
    struct str date = exchange_header_of(exchange, "Date");
    char text[SUBJECT_BYTES];

    (void)snprintf(text, sizeof(text), "%.*s", STR_ARGS(date));
    time_t told = date.length ? curl_getdate(text, NULL) : -1;
    if (told < 0) {
        return;
    }
    int64_t here_s = (exchange->started_us + exchange->first_byte_us) / SECOND_US;
    look_note(looking, "probe", "date of GET /health", "%s", text);
    look_note(looking, "clock", "difference", "%" PRId64 " s", (int64_t)told - here_s);
}

static void look_at_who(struct looking *looking, const struct exchange *exchange)
{
    struct str type = exchange_header_of(exchange, "Content-Type");
    struct str server = exchange_header_of(exchange, "Server");

    if (!is_netra(looking, exchange)) {
        look_note(looking, "probe", "who answers", "not Netra: status %d, %.*s%s%.*s",
                  exchange->status, STR_ARGS(type.length ? type : STR("no type")),
                  server.length ? ", Server: " : "", STR_ARGS(server));
        return;
    }
    looking->has_answer = exchange->status == 200 || exchange->status == 503;
    looking->health_answer = exchange->body;
    note_date(looking, exchange);
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* On one connection: what is measured is the answer, not the way to it. */
static void look_at_times(struct looking *looking, struct wire *wire)
{
    int64_t times_us[TIMES];
    struct exchange exchange;
    unsigned count = 0;

    for (unsigned i = 0; i < TIMES; i++) {
        if (ask(looking, wire, "/health", /* is_anonymous */ true, &exchange)->code) {
            return;
        }
        if (exchange.status == 200) {
            times_us[count++] = exchange.total_us;
        }
    }
    if (count == TIMES) {
        qsort(times_us, count, sizeof(times_us[0]), compare_times);
        look_note(looking, "probe", "time of GET /health", "median %.3f ms of %u, longest %.3f ms",
                  (double)times_us[TIMES / 2] / MS, count, (double)times_us[count - 1] / MS);
    }
}

/* ---- /metrics ---- */

/* Gauges and counters that rules read; a histogram only as its sum and count. */
static bool is_wanted(struct str name)
{
    static const char *const wanted[] = {
        "netra_runs_waiting",     "netra_runs_working",   "netra_runs_stalled",
        "netra_open_files",       "netra_open_files_max", "netra_resident_memory_bytes",
        "netra_http_connections",
    };

    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        if (str_equal(name, str_from(wanted[i]))) {
            return true;
        }
    }
    return str_starts_with(name, STR("netra_llm_attempts_total{"));
}

static void note_metric(struct looking *looking, struct str name, struct str value)
{
    char subject[FACT_TEXT_BYTES];

    (void)snprintf(subject, sizeof(subject), "%.*s", STR_ARGS(name));
    look_note(looking, "metric", subject, "%.*s", STR_ARGS(value));
}

static bool next_line(struct str *rest, struct str *ret_line)
{
    size_t end = str_find(*rest, STR("\n"), 0);

    if (rest->length == 0) {
        return false;
    }
    *ret_line = str_slice(*rest, 0, end == SIZE_MAX ? rest->length : end);
    *rest = str_slice(*rest, end == SIZE_MAX ? rest->length : end + 1, rest->length);
    return true;
}

/* The server's own time of /health: what /metrics has summed up since its start. */
static void note_own_time(struct looking *looking, double sum_s, double count)
{
    if (count > 0) {
        look_note(looking, "metric", "own time of GET /health", "%.3f ms", sum_s * 1000 / count);
    }
}

static void look_at_metrics(struct looking *looking, struct wire *wire)
{
    struct exchange exchange;
    double sum_s = 0;
    double count = 0;
    unsigned noted = 0;

    if (ask(looking, wire, "/metrics", true, &exchange)->code || exchange.status != 200) {
        return;
    }
    struct str rest = exchange.body;
    for (struct str line; noted < METRIC_LINES_MAX && next_line(&rest, &line);) {
        struct str stars[2];

        if (line.length == 0 || line.data[0] == '#' || !fact_matches("* *", line, stars)) {
            continue;
        }
        if (is_wanted(stars[0])) {
            note_metric(looking, stars[0], stars[1]);
            noted++;
        } else if (str_starts_with(stars[0], STR("netra_http_request_duration_seconds_")) &&
                   str_ends_with(stars[0], STR("{route=\"/health\"}"))) {
            bool is_sum = str_find(stars[0], STR("_sum{"), 0) != SIZE_MAX;
            bool is_count = str_find(stars[0], STR("_count{"), 0) != SIZE_MAX;

            (void)fact_number(stars[1], is_sum ? &sum_s : is_count ? &count : &(double){0});
        }
    }
    note_own_time(looking, sum_s, count);
}

/* ---- the token and the WebSocket ---- */

static void look_at_socket(struct looking *looking)
{
    char url[URL_BYTES];
    char detail[DETAIL_BYTES];
    struct exchange handshake = {0};
    struct ws_client *socket = NULL;
    struct error error = {0};
    const struct ws_client_options options = {.url = url,
                                              .token = looking->options->token,
                                              .ca_file = looking->options->ca_file,
                                              .timeout_ms = LOOK_ANSWER_MS};

    (void)snprintf(url, sizeof(url), "%s/ws", looking->asked.url);
    int code = ws_client_open(&options, looking->arena, &handshake, &socket, &error);
    if (code == OK) {
        look_note(looking, "probe", "WebSocket /ws", "opened");
    } else if (handshake.status) {
        put_detail(looking, &handshake, detail);
        look_note(looking, "probe", "WebSocket /ws", "answered %d%s", handshake.status, detail);
    } else {
        look_note(looking, "probe", "WebSocket /ws", "not answered: %s",
                  handshake.failure[0] ? handshake.failure : error.message);
    }
    ws_client_close(socket);
}

/* ---- discovery ---- */

static bool is_asked(const struct looking *looking, const char *url)
{
    struct look_place place;
    struct error ignored = {0};

    return look_take_apart(url, &place, &ignored) == OK &&
           strcmp(place.place, looking->asked.place) == 0;
}

/* Another service is asked for its health, as whoever uses this deployment would reach it. */
static void look_at_service(struct looking *looking, struct wire *wire, struct str name,
                            const char *base)
{
    char url[URL_BYTES];
    char subject[SUBJECT_BYTES];
    struct exchange exchange;
    const struct exchange_request request = {.method = "GET", .url = url, .is_anonymous = true};

    (void)snprintf(url, sizeof(url), "%s/health", base);
    (void)snprintf(subject, sizeof(subject), "service %.*s", STR_ARGS(name));
    if (wire_exchange(wire, &request, looking->arena, &exchange)) {
        look_note(looking, "probe", subject, "not answered at %s: %s", base, exchange.failure);
    } else {
        look_note(looking, "probe", subject, "%s %d at %s",
                  exchange.status == 200 ? "answered" : "refuses with", exchange.status, base);
    }
}

static void look_at_services(struct looking *looking, struct wire *wire)
{
    char base[EXCHANGE_URL_BYTES_MAX];
    struct exchange exchange;
    struct json_value root;
    struct str name;
    struct str url;
    unsigned count = 0;

    if (ask(looking, wire, "/api/discovery/services", false, &exchange)->code ||
        exchange.status != 200 || json_parse(looking->parser, exchange.body, &root, NULL) != OK) {
        return;
    }
    for (struct json_iterator it = json_iterate(json_at(root, "services"));
         count < SERVICES_MAX && json_next(&it); count++) {
        if (!json_get_str(json_at(it.value, "name"), &name) ||
            !json_get_str(json_at(it.value, "url"), &url)) {
            continue;
        }
        (void)snprintf(base, sizeof(base), "%.*s", STR_ARGS(url));
        if (!is_asked(looking, base)) {
            look_at_service(looking, wire, name, base);
        }
    }
}

void look_at_answers(struct looking *looking)
{
    const struct wire_options options = {.ca_file = looking->options->ca_file,
                                         .token = looking->options->token,
                                         .connect_ms = LOOK_CONNECT_MS,
                                         .timeout_ms = LOOK_ANSWER_MS};
    cleanup(free_wire) struct wire *wire = NULL;
    struct exchange exchange;
    struct json_value root;
    struct error error = {0};

    if (looking->code || wire_new(&options, &wire, &error)) {
        looking->code = looking->code ? looking->code : ERR_NO_MEMORY;
        return;
    }
    (void)ask(looking, wire, "/health", /* is_anonymous */ true, &exchange);
    if (exchange.code) {
        note_unanswered(looking, "GET /health", &exchange);
        return;
    }
    note_answer(looking, "GET /health", &exchange);
    look_at_who(looking, &exchange);
    if (!looking->has_answer ||
        json_parse(looking->parser, looking->health_answer, &root, NULL) != OK) {
        return;
    }
    look_at_health(looking, root);
    look_at_times(looking, wire);
    look_at_metrics(looking, wire);
    look_at_services(looking, wire);
    if (looking->options->token) {
        note_answer(looking, "GET /api/threads",
                    ask(looking, wire, "/api/threads?limit=1", false, &exchange));
        look_at_socket(looking);
    }
}
