/*
 * Why an address does not answer: its name, the way, the port, TLS, the process behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify/facts.h"
#include "verify/rules.h"

/* Another number than the one that was asked: "127.0.0.1:8421" against ":9000". */
static bool is_other_port(struct str asked, struct str configured)
{
    struct str stars[2];
    double a = 0;
    double b = 0;

    /* "*:*" gives the shortest host, so what is behind the last colon is looked for. */
    while (fact_matches("*:*", asked, stars)) {
        asked = stars[1];
    }
    while (fact_matches("*:*", configured, stars)) {
        configured = stars[1];
    }
    return fact_number(asked, &a) && fact_number(configured, &b) && a != b && b != 0;
}

static bool is_configured_elsewhere(const struct observation *const *seen)
{
    return is_other_port(seen[0]->subject, seen[1]->value);
}

static bool is_another_program(const struct observation *const *seen)
{
    return str_find(seen[0]->value, STR("netra"), 0) == SIZE_MAX;
}

static bool has_waiting(const struct observation *const *seen)
{
    double waiting = 0;

    return fact_number(seen[0]->value, &waiting) && waiting > 0;
}

#define HEALTH "GET /health"

static const struct rule items[] = {
    {"",
     {{"probe", HEALTH, "not answered: *"}},
     NULL,
     "GET /health is not answered: {b1}",
     "unanswered",
     NULL},

    /* ---- the way ---- */
    {"unanswered",
     {{"probe", "name *", "does not resolve: *"}},
     NULL,
     "the name {a1} does not resolve: {b1}",
     NULL,
     "name_unresolved"},
    {"unanswered",
     {{"probe", "connect *", "unreachable: *"}},
     NULL,
     "there is no way to {a1}: {b1}",
     NULL,
     "address_unreachable"},
    {"unanswered",
     {{"probe", "connect *", "no answer *"}},
     NULL,
     "a connection to {a1} gets {v1}",
     "silent",
     "address_silent"},
    {"unanswered",
     {{"probe", "connect *", "refused"}},
     NULL,
     "a connection to {a1} is {v1}",
     "refused",
     NULL},
    {"refused",
     {{"port", "listener of *", "nobody"}, {"config", "key listen", "*"}},
     is_configured_elsewhere,
     "{v1} listens on {a1}, and the configuration has listen = {v2}",
     NULL,
     "asked_elsewhere"},
    {"refused",
     {{"port", "listener of *", "nobody"}},
     NULL,
     "{v1} listens on {a1}",
     "nobody_listens",
     "port_not_listening"},
    {"nobody_listens",
     {{"process", "state of *", "alive*"}, {"process", "listens, *", "*"}},
     NULL,
     "{a1} is {v1} and listens on {v2}",
     NULL,
     "listens_elsewhere"},
    {"nobody_listens",
     {{"process", "state of *", "alive*"}},
     NULL,
     "{a1} is {v1} and does not listen",
     "runs_unheard",
     NULL},

    /* ---- TLS ---- */
    {"unanswered",
     {{"certificate", "handshake", "failed: *"}, {"probe", "plain HTTP", "answered: *"}},
     NULL,
     "the TLS handshake {v1}, and without TLS the port {v2}",
     NULL,
     "plain_port"},
    {"unanswered",
     {{"certificate", "validity", "ended *"}},
     NULL,
     "the certificate {v1}",
     NULL,
     "certificate_expired"},
    {"unanswered",
     {{"certificate", "validity", "begins *"}},
     NULL,
     "the certificate's validity {v1}",
     NULL,
     "certificate_not_yet_valid"},
    {"unanswered",
     {{"certificate", "name *", "is not among *"}},
     NULL,
     "the name {a1} {v1}",
     NULL,
     "certificate_wrong_name"},
    {"unanswered",
     {{"certificate", "authority", "not trusted: *"}},
     NULL,
     "the certificate's authority is {v1}",
     NULL,
     "certificate_untrusted"},

    /* ---- connected, and then nothing ---- */
    {"unanswered",
     {{"certificate", "handshake without being asked", "*"}},
     NULL,
     "the port speaks TLS: {v1}",
     NULL,
     "tls_port"},
    {"unanswered",
     {{"probe", HEALTH, "not answered: *no answer in *"}, {"probe", "connect *", "connected"}},
     NULL,
     "{a2} takes connections, and no answer comes",
     "silent",
     NULL},
    {"silent",
     {{"port", "state of *", "stopped"}},
     NULL,
     "{a1}, which listens there, is {v1}",
     NULL,
     "process_stopped"},
    {"silent",
     {{"process", "state of *", "stopped"}},
     NULL,
     "{a1} is {v1}",
     NULL,
     "process_stopped"},
    {"silent",
     {{"port", "program of *", "*"}},
     NULL,
     "{a1}, which listens there, runs {v1}",
     "not_netra_silent",
     NULL},
    {"not_netra_silent",
     {{"port", "program of *", "*"}},
     is_another_program,
     "{v1} is not Netra",
     NULL,
     "other_program"},
    {"not_netra_silent",
     {{"port", "waiting connections of *", "*"}},
     has_waiting,
     "{v1} connections to {a1} wait to be taken",
     "not_answering",
     NULL},
    {"unanswered",
     {{"probe", HEALTH, "not answered: *"}, {"probe", "connect *", "connected"}},
     NULL,
     "{a2} takes connections, and GET /health ends with: {b1}",
     "closed",
     NULL},
    {"closed",
     {{"port", "program of *", "*"}},
     is_another_program,
     "{a1}, which listens there, runs {v1}",
     NULL,
     "other_program"},

    /* ---- a certificate has more than one fault, or is all that was looked at ---- */
    {"", {{"certificate", "validity", "ended *"}}, NULL, "the certificate {v1}", "validity", NULL},
    {"", {{"certificate", "name *", "is not among *"}}, NULL, "the name {a1} {v1}", "names", NULL},
    {"",
     {{"certificate", "authority", "not trusted: *"}},
     NULL,
     "the certificate's authority is {v1}",
     "authority",
     NULL},
    {"validity",
     {{"certificate", "validity", "ended *"}},
     NULL,
     "it {v1}, and nobody renewed it",
     NULL,
     "certificate_expired"},
    {"names",
     {{"certificate", "name *", "is not among *"}},
     NULL,
     "it was issued for others: {a1} {v1}",
     NULL,
     "certificate_wrong_name"},
    {"authority",
     {{"certificate", "authority", "not trusted: *"}},
     NULL,
     "who issued it is not known here: {b1}",
     NULL,
     "certificate_untrusted"},
};

const struct rules rules_of_reaching = {items, ARRAY_LENGTH(items)};
