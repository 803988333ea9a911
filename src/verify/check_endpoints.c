/*
 * The five endpoints of the starting report: do they answer with state of now, and is what they say
 * so? Those with times are read twice, PAUSE_MS apart: a stub says the same both times. Whether the
 * state is a good one is for `basic`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/civil_time.h"
#include "verify/checks.h"

#define PAUSE_MS     1200u            /* a second more of uptime, whatever was kept for 100 ms */
#define FRESH_US     (5 * SECOND_US)  /* what an answer says of its own moment */
#define BEHIND_US    (60 * SECOND_US) /* what a check behind it says of its own */
#define UPTIME_OFF_S 3
#define CLOCK_OFF_US (5 * MINUTE_US) /* without a Date, our own clock has to do */

/* One endpoint, read twice. */
struct pair {
    struct answer first;
    struct answer second;
};

static void pair_done(struct pair *pair)
{
    answer_done(&pair->first);
    answer_done(&pair->second);
}

static bool read_endpoint(struct inquiry *inquiry, const char *path, struct answer *ret_answer)
{
    return ask(inquiry, &(struct question){.path = path}, ret_answer) &&
           ret_answer->what.status == 200 && json_is(ret_answer->root, JSON_OBJECT);
}

/* False: a finding says why. */
static bool answers(struct inquiry *inquiry, const char *id, const char *path,
                    struct answer *ret_answer)
{
    char said[INQUIRY_OBSERVED_BYTES] = "";
    bool is_read = read_endpoint(inquiry, path, ret_answer);

    answer_say(ret_answer, said);
    return found(inquiry, id, is_read, "HTTP 200 with a JSON object", "%s", said);
}

/* Whether a time is of now, by the deployment's own clock. */
static bool is_fresh(const struct answer *answer, int64_t time_us, int64_t most_us)
{
    int64_t now_us = answer_date(answer);

    if (now_us == 0) {
        now_us = answer->what.started_us + answer->what.total_us;
        most_us += CLOCK_OFF_US;
    }
    return time_us > now_us - most_us && time_us < now_us + FRESH_US;
}

static bool is_state(struct json_value object)
{
    return answer_is(object, "status", "healthy") || answer_is(object, "status", "degraded") ||
           answer_is(object, "status", "unhealthy");
}

static bool has_text(struct json_value object, const char *name)
{
    struct str text = {0};

    return json_get_str(json_at(object, name), &text) && text.length > 0;
}

/* ---- /health and /api/health ---- */

static size_t count_bad_checks(const struct answer *answer)
{
    size_t count = 0;

    for (struct json_iterator it = json_iterate(json_at(answer->root, "checks")); json_next(&it);) {
        bool is_good = has_text(it.value, "name") && has_text(it.value, "how") &&
                       is_state(it.value) &&
                       is_fresh(answer, answer_time(it.value, "checked_at"), BEHIND_US);

        count += !is_good;
    }
    return count;
}

/* Uptime goes on as time does. */
static void judge_uptime(struct inquiry *inquiry, const char *id, const struct pair *pair)
{
    int64_t passed_us =
        pair->second.what.started_monotonic_us - pair->first.what.started_monotonic_us;
    int64_t before = answer_number(pair->first.root, "uptime_s");
    int64_t after = answer_number(pair->second.root, "uptime_s");
    bool is_right = after > before && after - before <= passed_us / SECOND_US + UPTIME_OFF_S;

    (void)found(inquiry, id, is_right && is_state(pair->second.root), "a state, and uptime goes on",
                "uptime %" PRId64 " s, then %" PRId64 " s", before, after);
}

static void judge_health(struct inquiry *inquiry, const struct pair *pair)
{
    const struct answer *now = &pair->second;
    int64_t before_us = answer_time(pair->first.root, "checked_at");
    int64_t after_us = answer_time(now->root, "checked_at");
    size_t count = json_count(json_at(now->root, "checks"));
    size_t bad = count_bad_checks(now);

    judge_uptime(inquiry, "health.uptime", pair);
    (void)found(inquiry, "health.checked_at",
                is_fresh(now, after_us, FRESH_US) && after_us > before_us,
                "a time of now, another one each time", "%" PRId64 " us later than before",
                after_us - before_us);
    (void)found(inquiry, "health.checks", count > 0 && bad == 0,
                "checks that say what, how and when", "%zu checks, %zu do not", count, bad);
}

/* ---- /api/discovery/services ---- */

/* The service answers where discovery says that it is, if it says that it is up. */
static void judge_service(struct inquiry *inquiry, enum service service, const struct answer *now,
                          struct json_value first, struct json_value row)
{
    static const char *const paths[SERVICE_COUNT] = {"/health/live", "/auth/config", "/"};
    cleanup(answer_done) struct answer answer = {0};
    char id[INQUIRY_ID_BYTES] = "";
    int64_t after_us = answer_time(row, "checked_at");

    (void)snprintf(id, sizeof(id), "services.%s", service_names[service]);
    bool is_good = has_text(row, "url") && has_text(row, "how") && is_state(row) &&
                   is_fresh(now, after_us, BEHIND_US);
    if (!found(inquiry, id, is_good && after_us >= answer_time(first, "checked_at"),
               "address, state, how and when it was checked",
               is_good ? "said, at %" PRId64 " us since 1970"
                       : "not all of that, or of another time (%" PRId64 " us since 1970)",
               after_us)) {
        return;
    }
    (void)ask(inquiry, &(struct question){.service = service, .path = paths[service]}, &answer);
    bool is_up = answer.what.status == 200;
    (void)snprintf(id, sizeof(id), "services.%s.answers", service_names[service]);
    (void)found(inquiry, id, is_up == !answer_is(row, "status", "unhealthy"),
                "it answers, if it is said to be up", "HTTP %d of %s", answer.what.status,
                paths[service]);
}

static struct json_value service_named(const struct answer *answer, const char *name)
{
    for (struct json_iterator it = json_iterate(json_at(answer->root, "services"));
         json_next(&it);) {
        if (answer_is(it.value, "name", name)) {
            return it.value;
        }
    }
    return (struct json_value){0};
}

/* Others are looked at every few seconds; the one that answers says its own moment each time. */
static void judge_services(struct inquiry *inquiry, const struct pair *pair)
{
    size_t moved = 0;

    for (int i = 0; i < SERVICE_COUNT; i++) {
        struct json_value first = service_named(&pair->first, service_names[i]);
        struct json_value second = service_named(&pair->second, service_names[i]);

        judge_service(inquiry, (enum service)i, &pair->second, first, second);
        moved += answer_time(second, "checked_at") > answer_time(first, "checked_at");
    }
    (void)found(inquiry, "services.again_later", moved > 0, "at least one time is a later one",
                "%zu of them", moved);
}

/* ---- /api/mcp ---- */

static void judge_mcp_config(struct inquiry *inquiry, const struct answer *answer)
{
    cleanup(answer_done) struct answer other = {0};
    bool is_enabled = false;

    if (!found(inquiry, "mcp_config.enabled",
               json_get_bool(json_at(answer->root, "enabled"), &is_enabled), "whether it is on",
               "%s", json_is(json_at(answer->root, "enabled"), JSON_BOOL) ? "said" : "not said")) {
        return;
    }
    if (!is_enabled) { /* then nothing is there, and it says why */
        bool is_absent = ask(inquiry, &(struct question){.path = "/mcp"}, &other) &&
                         (other.what.status == 404 || other.what.status == 405);

        (void)found(inquiry, "mcp_config.is_so", is_absent && has_text(answer->root, "reason"),
                    "off, with a reason, and nothing answers at /mcp", "HTTP %d at /mcp",
                    other.what.status);
        return;
    }
    (void)ask(inquiry, &(struct question){.path = "/mcp"}, &other);
    (void)found(inquiry, "mcp_config.is_so",
                other.what.status > 0 && other.what.status != 404 && other.what.status < 500,
                "on, and something answers at /mcp", "HTTP %d at /mcp", other.what.status);
}

static void judge_mcp_servers(struct inquiry *inquiry, const struct answer *answer)
{
    struct json_value servers = json_at(answer->root, "servers");
    size_t bad = 0;

    for (struct json_iterator it = json_iterate(servers); json_next(&it);) {
        bool is_good = has_text(it.value, "name") && has_text(it.value, "status") &&
                       has_text(it.value, "how") &&
                       is_fresh(answer, answer_time(it.value, "checked_at"), BEHIND_US);

        bad += !is_good;
    }
    (void)found(inquiry, "mcp_servers.list", json_is(servers, JSON_ARRAY) && bad == 0,
                "a list; each server with its state, how and when it was checked",
                "%zu servers, %zu without that", json_count(servers), bad);
}

void check_endpoints(struct inquiry *inquiry)
{
    cleanup(pair_done) struct pair health = {0};
    cleanup(pair_done) struct pair briefly = {0};
    cleanup(pair_done) struct pair services = {0};
    cleanup(answer_done) struct answer config = {0};
    cleanup(answer_done) struct answer servers = {0};
    bool has_health = answers(inquiry, "health", "/health", &health.first);
    bool has_brief = answers(inquiry, "api_health", "/api/health", &briefly.first);
    bool has_services = answers(inquiry, "services", "/api/discovery/services", &services.first);

    inquiry_pause_ms(inquiry, PAUSE_MS);
    if (has_health && answers(inquiry, "health.again", "/health", &health.second)) {
        judge_health(inquiry, &health);
    }
    if (has_brief && answers(inquiry, "api_health.again", "/api/health", &briefly.second)) {
        judge_uptime(inquiry, "api_health.uptime", &briefly);
    }
    if (has_services &&
        answers(inquiry, "services.again", "/api/discovery/services", &services.second)) {
        judge_services(inquiry, &services);
    }
    if (answers(inquiry, "mcp_config", "/api/mcp/config", &config)) {
        judge_mcp_config(inquiry, &config);
    }
    if (answers(inquiry, "mcp_servers", "/api/mcp/servers", &servers)) {
        judge_mcp_servers(inquiry, &servers);
    }
}
