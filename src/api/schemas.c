/*
 * A few macros keep the texts readable: MEMBER("id", TEXT) is "id":{"type":"string"}. Members that
 * are not required may be absent; members may be added, so nothing forbids others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/schemas.h"

#include "api/route.h"

#define TEXT                 "{\"type\":\"string\"}"
#define NUMBER               "{\"type\":\"integer\"}"
#define BOOL                 "{\"type\":\"boolean\"}"
#define TIME                 "{\"type\":\"string\",\"format\":\"date-time\"}"
#define ID                   "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_-]{1,64}$\"}"
#define MAP                  "{\"type\":\"object\"}"
#define LIST(item)           "{\"type\":\"array\",\"items\":" item "}"
#define ENUM(names)          "{\"type\":\"string\",\"enum\":[" names "]}"
#define MEMBER(name, schema) "\"" name "\":" schema
#define OBJECT(required, members)                                                                  \
    "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" members "}}"
#define Q(name) "\"" name "\""

#define SPAN_MEMBERS                                                                               \
    MEMBER("name", TEXT) "," MEMBER("started_at", TIME) "," MEMBER("finished_at", TIME)

const struct schema schemas[] = {
    {"Problem",
     OBJECT(
         Q("title") "," Q("status") "," Q("code") "," Q("recovery"),
         MEMBER("type", TEXT) "," MEMBER("title", TEXT) "," MEMBER("status", NUMBER) "," MEMBER(
             "detail",
             TEXT) "," MEMBER("code",
                              ENUM(
                                  Q("AUTH_FAILED") "," Q(
                                      "FORBIDDEN") "," Q("RATE_LIMITED") "," Q("SERVICE_"
                                                                               "UNAVAILABLE") "," Q("INVALID_REQUEST") "," Q("INTERNAL_ERROR"))) "," MEMBER("recovery",
                                                                                                                                                            ENUM(
                                                                                                                                                                Q(
                                                                                                                                                                    "redirect_to_login") "," Q("return_"
                                                                                                                                                                                               "error") "," Q("exponential_backoff") "," Q("failover") "," Q("log_and_retry"))) "," MEMBER("hint", TEXT) "," MEMBER("needs",
                                                                                                                                                                                                                                                                                                                    TEXT) "," MEMBER("login_url", TEXT) "," MEMBER("trace_id",
                                                                                                                                                                                                                                                                                                                                                                   TEXT) "," MEMBER("errors",
                                                                                                                                                                                                                                                                                                                                                                                    LIST(
                                                                                                                                                                                                                                                                                                                                                                                        OBJECT(
                                                                                                                                                                                                                                                                                                                                                                                            Q("pointer"), MEMBER(
                                                                                                                                                                                                                                                                                                                                                                                                              "pointer", TEXT) "," MEMBER("detail",
                                                                                                                                                                                                                                                                                                                                                                                                                                          TEXT)))))},
    {"Thread", OBJECT(Q("id") "," Q("title") "," Q("created_at") "," Q("updated_at"),
                      MEMBER("id", ID) "," MEMBER("title", TEXT) "," MEMBER(
                          "created_at", TIME) "," MEMBER("updated_at", TIME))},
    {"Message",
     OBJECT(
         Q("id") "," Q("thread_id") "," Q("role") "," Q("content") "," Q("created_at"),
         MEMBER("id", ID) "," MEMBER("thread_id", ID) "," MEMBER(
             "role",
             ENUM(
                 Q("user") "," Q(
                     "assistant"))) "," MEMBER("content",
                                               TEXT) "," MEMBER("run_id",
                                                                ID) "," MEMBER("created_at",
                                                                               TIME))},
    {"RunRequest",
     OBJECT(Q("prompt"),
            MEMBER("prompt", "{\"type\":\"string\",\"minLength\":1}") "," MEMBER("thread_id", ID) "," MEMBER(
                "run_id", ID) "," MEMBER("dataset",
                                         ID) "," MEMBER("seed",
                                                        "{\"type\":\"integer\","
                                                        "\"minimum\":0}"))},
    {"Run",
     OBJECT(Q("id") "," Q("thread_id") "," Q("status") "," Q("prompt") "," Q("seed") "," Q(
                "created_at") "," Q("last_seq"),
            MEMBER("id", ID) "," MEMBER("thread_id", ID) "," MEMBER(
                "status", ENUM(Q("queued") "," Q("running") "," Q("finished") "," Q("failed") "," Q(
                              "cancelled"))) "," MEMBER("prompt",
                                                        TEXT) "," MEMBER("dataset",
                                                                         ID) "," MEMBER("seed", NUMBER) "," MEMBER("created_at", TIME) "," MEMBER("started_at", TIME) "," MEMBER("finished_at", TIME) "," MEMBER("reason",
                                                                                                                                                                                                                 TEXT) "," MEMBER("report_id", ID) "," MEMBER("last_seq",
                                                                                                                                                                                                                                                              NUMBER) "," MEMBER("steps",
                                                                                                                                                                                                                                                                                 LIST(OBJECT(
                                                                                                                                                                                                                                                                                     Q("name") "," Q(
                                                                                                                                                                                                                                                                                         "started_at"),
                                                                                                                                                                                                                                                                                     SPAN_MEMBERS
                                                                                                                                                                                                                                                                                     "," MEMBER("duration_us", NUMBER)))) "," MEMBER("agents",
                                                                                                                                                                                                                                                                                                                                     LIST(OBJECT(Q("name") "," Q("started_at"), SPAN_MEMBERS))) "," MEMBER("tool_calls", LIST(OBJECT(Q("id") "," Q("name") "," Q("started_at"), MEMBER("id", TEXT) "," SPAN_MEMBERS))))},
    {"Report",
     OBJECT(Q("id") "," Q("run_id") "," Q("thread_id") "," Q("type") "," Q("created_at") "," Q(
                "formats"),
            MEMBER("id", ID) "," MEMBER("run_id", ID) "," MEMBER("thread_id", ID) "," MEMBER(
                "type",
                TEXT) "," MEMBER("created_at", TIME) "," MEMBER("formats", LIST(TEXT)))},
    {"Dataset",
     OBJECT(
         Q("id") "," Q("name") "," Q("status") "," Q("bytes") "," Q("records") "," Q(
             "rejected") "," Q("created_at"),
         MEMBER("id", ID) "," MEMBER("name", TEXT) "," MEMBER("status", ENUM(Q("importing") "," Q("ready") "," Q("failed"))) "," MEMBER("bytes", NUMBER) "," MEMBER("records", NUMBER) "," MEMBER("rejected", NUMBER) "," MEMBER(
             "from",
             TIME) "," MEMBER("to",
                              TIME) "," MEMBER("reason",
                                               TEXT) "," MEMBER("created_at",
                                                                TIME) "," MEMBER("import", MAP))},
    {"Tool",
     OBJECT(
         Q("name") "," Q("description") "," Q("schema") "," Q("needs_records") "," Q("has_effect"),
         MEMBER("name", TEXT) "," MEMBER("description", TEXT) "," MEMBER("schema", MAP) "," MEMBER(
             "needs_records", BOOL) "," MEMBER("has_effect", BOOL))},
    {"Price",
     OBJECT(
         Q("provider") "," Q("model") "," Q("usd_per_million_tokens"), MEMBER("provider", TEXT) "," MEMBER("model", TEXT) "," MEMBER("effective_from", TIME) "," MEMBER("effective_to", TIME) "," MEMBER("context_window", NUMBER) "," MEMBER("max_output", NUMBER) "," MEMBER("usd_per_million_tokens", MAP) "," MEMBER("book", TEXT) "," MEMBER(
                                                                           "as_of",
                                                                           TEXT) "," MEMBER("match",
                                                                                            TEXT) "," MEMBER("source",
                                                                                                             TEXT) "," MEMBER("source_date",
                                                                                                                              TEXT) "," MEMBER("note",
                                                                                                                                               TEXT))},
    {"ShortHealth",
     OBJECT(Q("status") "," Q("version") "," Q("uptime_s"),
            MEMBER("status", ENUM(Q("healthy") "," Q("degraded") "," Q("unhealthy"))) "," MEMBER(
                "version", TEXT) "," MEMBER("uptime_s", NUMBER))},
    {"Health",
     OBJECT(
         Q("status") "," Q("version") "," Q("uptime_s") "," Q("checks"),
         MEMBER("status", ENUM(Q("healthy") "," Q("degraded") "," Q("unhealthy"))) "," MEMBER(
             "version",
             TEXT) "," MEMBER("uptime_s",
                              NUMBER) "," MEMBER("checked_at",
                                                 TIME) "," MEMBER("checks",
                                                                  LIST(OBJECT(
                                                                      Q("name") "," Q("status") "," Q(
                                                                          "how"),
                                                                      MEMBER("name", TEXT) "," MEMBER("status", TEXT) "," MEMBER(
                                                                          "how",
                                                                          TEXT) "," MEMBER("checked"
                                                                                           "_at",
                                                                                           TIME) "," MEMBER("rea"
                                                                                                            "so"
                                                                                                            "n",
                                                                                                            TEXT)))))},
    {"Services",
     OBJECT(Q("services"),
            MEMBER("services",
                   LIST(OBJECT(Q("name") "," Q("url") "," Q("status"),
                               MEMBER("name", TEXT) "," MEMBER("url", TEXT) "," MEMBER(
                                   "status", TEXT) "," MEMBER("checked_at",
                                                              TIME) "," MEMBER("how", TEXT)))))},
};

const size_t schema_count = ARRAY_LENGTH(schemas);
