/*
 * Chains of whys: each cause from a fixture of facts; a fact that a chain cites, taken away, makes
 * the chain shorter or its end unknown; what is not in the facts is in no chain. And the tables
 * themselves: every claim, cause and place of a sentence leads somewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "verify/rules.h"

#define FACTS_MAX 10u
#define REFUSED                                                                                    \
    {"probe", "GET /health", "not answered: no connection: Connection refused"},                   \
        {"probe", "connect 127.0.0.1:8421", "refused"},                                            \
    {                                                                                              \
        "port", "listener of port 8421", "nobody"                                                  \
    }
#define EXITED(status)                                                                             \
    REFUSED,                                                                                       \
    {                                                                                              \
        "process", "exit status of process 7", status                                              \
    }
#define FAILED(cause, message)                                                                     \
    {                                                                                              \
        cause,                                                                                     \
        {                                                                                          \
            EXITED("1"),                                                                           \
            {                                                                                      \
                "log", "line 3 start", "netra: " message                                           \
            }                                                                                      \
        }                                                                                          \
    }
#define ANSWERED(cause, answer)                                                                    \
    {                                                                                              \
        cause,                                                                                     \
        {                                                                                          \
            {                                                                                      \
                "probe", "GET /api/threads", answer                                                \
            }                                                                                      \
        }                                                                                          \
    }
#define SICK(cause, name, state)                                                                   \
    {                                                                                              \
        cause,                                                                                     \
        {                                                                                          \
            {                                                                                      \
                "health", "check " name, state                                                     \
            }                                                                                      \
        }                                                                                          \
    }
#define TLS_FAILED                                                                                 \
    {                                                                                              \
        "probe", "GET /health", "not answered: the certificate is refused"                         \
    }

struct fact {
    const char *kind;
    const char *subject;
    const char *value;
};

struct fixture {
    const char *cause;
    struct fact facts[FACTS_MAX]; /* each is needed */
};

static const struct fixture fixtures[] = {
    {"not_deployed",
     {{"probe", "check basic", "failed: nothing answers"},
      {"revision", "serving", "no revision of staging serves"}}},
    {"name_unresolved",
     {{"probe", "GET /health", "not answered: the name of the host is not known"},
      {"probe", "name nowhere", "does not resolve: Name or service not known"}}},
    {"address_unreachable",
     {{"probe", "GET /health", "not answered: no connection"},
      {"probe", "connect 10.0.0.1:80", "unreachable: No route to host"}}},
    {"address_silent",
     {{"probe", "GET /health", "not answered: no answer in 3000 ms"},
      {"probe", "connect 10.0.0.1:80", "no answer in 2000 ms"}}},
    {"port_not_listening", {REFUSED}},
    {"asked_elsewhere", {REFUSED, {"config", "key listen", "127.0.0.1:9000"}}},
    {"listens_elsewhere",
     {REFUSED,
      {"process", "state of process 7", "alive (waiting)"},
      {"process", "listens, process 7", "port 9000"}}},
    {"process_killed",
     {REFUSED,
      {"process", "signal of process 7", "15 (SIGTERM)"},
      {"process", "kind of signal of process 7", "somebody else"}}},
    {"memory_killed",
     {REFUSED,
      {"process", "signal of process 7", "9 (SIGKILL)"},
      {"process", "memory limit of process 7", "1000 bytes (cgroup)"},
      {"process", "peak memory of process 7", "950"}}},
    {"memory_killed",
     {REFUSED,
      {"process", "signal of process 7", "9 (SIGKILL)"},
      {"process", "kills for memory of process 7", "1"}}},
    {"memory_limit_too_small",
     {EXITED("1"),
      {"log", "line 3 start", "netra: no memory for 4096 connections"},
      {"process", "memory limit of process 7", "1000 bytes (RLIMIT_DATA)"}}},
    {"memory_limit_too_small",
     {EXITED("127"),
      {"log", "line 1 start", "netra: error while loading shared libraries: x: cannot map pages"},
      {"process", "memory limit of process 7", "1000 bytes (RLIMIT_DATA)"}}},
    {"process_crashed",
     {REFUSED,
      {"process", "signal of process 7", "11 (SIGSEGV)"},
      {"process", "kind of signal of process 7", "a defect of its own"}}},
    {"process_crashed",
     {REFUSED,
      {"process", "signal of process 7", "6 (SIGABRT)"},
      {"log", "line 9 crash", "x.c:3: check failed: a"}}},
    {"stopped_in_order",
     {EXITED("0"), {"log", "line 9 stop", "SIGTERM: no new work, at most 10 s"}}},
    {"program_missing", {EXITED("127")}},
    {"program_missing", {EXITED("126")}},
    {"library_missing",
     {EXITED("127"),
      {"log", "line 1 start", "netra: error while loading shared libraries: x: cannot open"}}},
    {"config_invalid",
     {EXITED("2"), {"log", "line 1 start", "netra: netra.conf:4: log.level takes info"}}},
    FAILED("model_key_missing", "llm.chain names openai, but there is no key for it"),
    FAILED("start_failed", "something that no rule knows"),
    {"port_taken",
     {{"probe", "who answers", "not Netra: status 200, text/html"},
      {"process", "exit status of process 7", "1"},
      {"log", "line 3 start", "netra: cannot listen on 127.0.0.1 port 80: address already in use"},
      {"port", "listener of port 80", "process 9 (node)"}}},
    FAILED("port_privileged", "cannot listen on 127.0.0.1 port 80: permission denied"),
    FAILED("listen_address_not_here", "cannot listen on 10.1.1.1 port 80: address not available"),
    FAILED("listen_address_refused", "will not listen on 0.0.0.0:80: local mode serves one user"),
    {"data_dir_locked",
     {EXITED("1"),
      {"log", "line 1 start", "netra: cannot use the data directory d: process 9 is using it"},
      {"disk", "lock of d", "held by process 9"}}},
    {"data_dir_not_writable",
     {EXITED("1"),
      {"log", "line 1 start", "netra: cannot make d/lock: Permission denied"},
      {"disk", "rights of d", "a folder, mode 0555, of user 0"}}},
    {"file_system_read_only",
     {EXITED("1"),
      {"log", "line 1 start", "netra: cannot make d/lock: Read-only file system"},
      {"disk", "mount of d", "read-only"}}},
    {"disk_full",
     {EXITED("1"),
      {"log", "line 1 start", "netra: cannot write d/lock: No space left on device"},
      {"disk", "free bytes of d", "0"}}},
    {"disk_full",
     {{"health", "check store", "unhealthy: a row cannot be written: the disk is full: make room"},
      {"disk", "free bytes of d", "4096"}}},
    {"file_size_limited",
     {{"health", "check store", "unhealthy: a row cannot be written: the disk refuses it: look"},
      {"process", "file size limit of process 7", "4096"}}},
    {"database_corrupt",
     {EXITED("1"),
      {"log", "line 1 start", "netra: cannot open d/netra.db: file is not a database"},
      {"disk", "file d/netra.db", "no SQLite database"}}},
    SICK("database_corrupt", "store", "unhealthy: the file is damaged: put a back-up"),
    {"database_newer",
     {EXITED("1"),
      {"log", "line 1 start",
       "netra: cannot open d/netra.db: it is of version 9, and this program knows versions up to "
       "3"},
      {"disk", "file d/netra.db", "SQLite database of version 9"}}},
    FAILED("database_foreign", "cannot open d/netra.db: it is another program's file"),
    FAILED("secret_missing", "accounts mode needs a secret: there is none"),
    FAILED("secret_wrong", "the secret does not open the signing key 1"),
    FAILED("secret_file_open", "others may use the key file s"),
    FAILED("certificate_unusable", "cannot use the certificate \"c\": No such file or directory"),
    FAILED("certificate_key_mismatch", "cannot use the private key \"k\": key values mismatch"),
    {"certificate_expired", {TLS_FAILED, {"certificate", "validity", "ended at 2026-01-01"}}},
    {"certificate_not_yet_valid",
     {TLS_FAILED, {"certificate", "validity", "begins at 2030-01-01"}}},
    {"certificate_wrong_name",
     {TLS_FAILED, {"certificate", "name here", "is not among the certificate's names: there"}}},
    {"certificate_untrusted",
     {TLS_FAILED, {"certificate", "authority", "not trusted: self-signed certificate"}}},
    SICK("certificate_ends_soon", "certificate", "degraded: the certificate ends in 5 h"),
    {"plain_port",
     {{"probe", "GET /health", "not answered: no TLS: the handshake failed"},
      {"certificate", "handshake", "failed: wrong version number"},
      {"probe", "plain HTTP", "answered: HTTP/1.1 200 OK"}}},
    ANSWERED("tls_port", "answered 400: this port speaks TLS: the address begins with https://"),
    {"tls_port",
     {{"probe", "GET /health", "not answered: the connection was closed"},
      {"certificate", "handshake without being asked", "TLSv1.3 X"}}},
    {"other_program",
     {{"probe", "who answers", "not Netra: status 200, text/html"},
      {"probe", "GET /health", "answered 200"},
      {"port", "listener of port 80", "process 9 (node)"},
      {"port", "program of process 9", "node"}}},
    {"other_program",
     {{"probe", "GET /health", "not answered: no answer in 3000 ms"},
      {"probe", "connect 127.0.0.1:80", "connected"},
      {"port", "program of process 9", "node"}}},
    {"proxy_upstream_down",
     {{"probe", "who answers", "not Netra: status 502, text/html"},
      {"probe", "GET /health", "answered 502"}}},
    {"process_stopped",
     {{"probe", "GET /health", "not answered: no answer in 3000 ms"},
      {"probe", "connect 127.0.0.1:80", "connected"},
      {"port", "state of process 9", "stopped"}}},
    ANSWERED("host_refused", "answered 403: the server is not known by this name, needs Host"),
    ANSWERED("token_refused", "answered 401: the token is not valid any more"),
    ANSWERED("permission_lacking", "answered 403: this needs more, needs read"),
    ANSWERED("rate_limited", "answered 429: too many requests"),
    {"connections_used_up",
     {{"probe", "GET /health", "answered 503: too many connections"},
      {"port", "connections of port 80", "4096"}}},
    {"files_used_up",
     {{"probe", "GET /health", "answered 503: the server has no file descriptor left"},
      {"process", "files of process 7", "64 of 64"}}},
    {"draining",
     {{"health", "stopping", "the server was told to stop"},
      {"health", "status", "unhealthy"},
      {"log", "line 9 stop", "SIGTERM: no new work, at most 10 s"}}},
    {"fault_armed",
     {{"health", "check store", "unhealthy: a row cannot be written: the disk is full"},
      {"health", "faults armed", "store_full"}}},
    {"model_unreachable",
     {{"health", "check models", "degraded: not asked for a while: openai/x"},
      {"metric", "netra_llm_attempts_total{outcome=\"connect\"}", "5"}}},
    SICK("collector_unreachable", "traces", "degraded: the collector does not answer"),
    SICK("loop_late", "loop", "degraded: the loop was late"),
    SICK("workers_busy", "workers", "degraded: the last check is 40 s old"),
    SICK("clock_jumped", "clock", "degraded: the time of day jumped by 60 s"),
    {"clock_differs",
     {{"clock", "difference", "-3600 s"}, {"probe", "date of GET /health", "Mon, 23 Nov 2026"}}},
    {"wrong_revision",
     {{"revision", "compared", "differs: r2 was released, r1 serves"},
      {"revision", "of the server", "r1"},
      {"revision", "of the process file", "r2"}}},
    {"upgrade_stripped",
     {{"probe", "WebSocket /ws", "answered 400"},
      {"probe", "who answers", "Netra 0.1.0"},
      {"probe", "GET /api/threads", "answered 200"}}},
    {"way_slow",
     {{"probe", "time of GET /health", "median 300.1 ms of 10, longest 400.0 ms"},
      {"metric", "own time of GET /health", "0.1 ms"}}},
    {"runs_wait",
     {{"probe", "check performance", "failed: whole_request: p95 over 2000 ms"},
      {"metric", "netra_runs_waiting", "12"}}},
    {"service_down",
     {{"probe", "service auth", "not answered at http://a: no connection: Connection refused"}}},
    {"internal_error",
     {{"probe", "check basic", "failed: a thing"},
      {"log", "line 9 error", "internal error: out of luck"}}},
};

/* ---- facts and chains ---- */

static struct diagnoses *conclude(const struct fact *facts, size_t left_out)
{
    struct diagnoses *found = alloc_zeroed(1, sizeof(*found));

    assert_non_null(found);
    assert_int_equal(evidence_new(&found->facts), OK);
    for (size_t i = 0; i < FACTS_MAX && facts[i].kind; i++) {
        if (i != left_out) {
            assert_int_equal(evidence_observe(found->facts, facts[i].kind, facts[i].subject, "%s",
                                              facts[i].value),
                             OK);
        }
    }
    assert_int_equal(rules_apply(found), OK);
    return found;
}

static size_t count_facts(const struct fact *facts)
{
    size_t count = 0;

    while (count < FACTS_MAX && facts[count].kind) {
        count++;
    }
    return count;
}

static const struct diagnosis *chain_to(const struct diagnoses *found, const char *cause)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->items[i].cause && strcmp(found->items[i].cause, cause) == 0) {
            return &found->items[i];
        }
    }
    return NULL;
}

static bool is_cited(const struct diagnosis *chain, const struct fact *fact)
{
    for (size_t i = 0; i < chain->why_count; i++) {
        for (size_t k = 0; k < chain->whys[i].cite_count; k++) {
            const struct observation *cite = chain->whys[i].cites[k];

            if (str_equal(cite->subject, str_from(fact->subject)) &&
                str_equal(cite->kind, str_from(fact->kind))) {
                return true;
            }
        }
    }
    return str_equal(chain->symptom_cite->subject, str_from(fact->subject));
}

static void test_each_cause_is_found_from_its_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(fixtures); i++) {
        struct diagnoses *found = conclude(fixtures[i].facts, SIZE_MAX);
        const struct diagnosis *chain = chain_to(found, fixtures[i].cause);

        if (!chain) {
            fail_msg("%zu: %s is not concluded, but %s", i, fixtures[i].cause,
                     found->count ? found->items[0].cause : "nothing");
        }
        if (found->count != 1) {
            fail_msg("%zu: %s: %zu chains", i, fixtures[i].cause, found->count);
        }
        assert_in_range(chain->why_count, 1, DIAGNOSIS_WHYS_MAX);
        assert_true(chain->fix.length > 0 && chain->needs.length == 0);
        for (size_t k = 0; k < chain->why_count; k++) {
            assert_true(chain->whys[k].cite_count > 0 && chain->whys[k].because.length > 0);
        }
        for (size_t k = 0; k < count_facts(fixtures[i].facts); k++) {
            if (!is_cited(chain, &fixtures[i].facts[k])) {
                fail_msg("%zu: %s does not cite %s", i, fixtures[i].cause,
                         fixtures[i].facts[k].subject);
            }
        }
        diagnoses_free(found);
    }
}

static void test_every_cause_has_facts(void **state)
{
    (void)state;
    for (size_t i = 0; cause_at(i); i++) {
        bool is_there = false;

        for (size_t k = 0; k < ARRAY_LENGTH(fixtures); k++) {
            is_there = is_there || strcmp(fixtures[k].cause, cause_at(i)->id) == 0;
        }
        if (!is_there) {
            fail_msg("%s has no fixture", cause_at(i)->id);
        }
    }
}

/* The same chain must not be concluded from less: no chain of as many whys to the same cause from
 * the same symptom. */
static void test_a_chain_without_one_of_its_facts_is_shorter(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(fixtures); i++) {
        struct diagnoses *whole = conclude(fixtures[i].facts, SIZE_MAX);
        const struct diagnosis *chain = chain_to(whole, fixtures[i].cause);

        assert_non_null(chain);
        for (size_t k = 0; k < count_facts(fixtures[i].facts); k++) {
            struct diagnoses *less = conclude(fixtures[i].facts, k);
            const struct diagnosis *other = chain_to(less, fixtures[i].cause);
            bool is_same = other && str_equal(other->symptom, chain->symptom) &&
                           other->why_count >= chain->why_count;

            if (is_same) {
                fail_msg("%zu: %s is concluded as well without %s", i, fixtures[i].cause,
                         fixtures[i].facts[k].subject);
            }
            for (size_t n = 0; n < less->count; n++) {
                assert_false(is_cited(&less->items[n], &fixtures[i].facts[k]));
            }
            diagnoses_free(less);
        }
        diagnoses_free(whole);
    }
}

static void test_a_symptom_alone_is_unknown_and_says_what_it_needs(void **state)
{
    static const struct fact facts[FACTS_MAX] = {{"probe", "GET /health", "not answered: x"}};

    (void)state;
    struct diagnoses *found = conclude(facts, SIZE_MAX);
    assert_int_equal(found->count, 1);
    assert_null(found->items[0].cause);
    assert_int_equal(found->items[0].why_count, 0);
    assert_true(str_find(found->items[0].needs, STR("--url"), 0) != SIZE_MAX);
    assert_int_equal(found->items[0].fix.length, 0);
    diagnoses_free(found);
}

static void test_what_was_seen_later_counts(void **state)
{
    static const struct fact well[FACTS_MAX] = {
        REFUSED, {"probe", "GET /health", "answered 200"}, {"probe", "who answers", "Netra 1"}};
    static const struct fact changed[FACTS_MAX] = {
        {"probe", "GET /health", "not answered: no connection"},
        {"probe", "connect a:1", "unreachable: x"},
        {"probe", "connect a:1", "refused"},
        {"port", "listener of port 1", "nobody"}};

    static const struct fact part[FACTS_MAX] = {
        {"probe", "who answers", "Netra 1"},
        {"probe", "GET /api/threads", "answered 404: there is nothing here"},
        {"probe", "WebSocket /ws", "answered 404"}};

    (void)state;
    struct diagnoses *found = conclude(part, SIZE_MAX); /* one of three services */
    assert_int_equal(found->count, 0);
    diagnoses_free(found);
    found = conclude(well, SIZE_MAX);
    assert_int_equal(found->count, 0);
    diagnoses_free(found);
    found = conclude(changed, SIZE_MAX);
    assert_int_equal(found->count, 1);
    assert_string_equal(found->items[0].cause, "port_not_listening");
    diagnoses_free(found);
}

static void test_two_faults_are_two_chains_and_one_is_told_once(void **state)
{
    static const struct fact two[FACTS_MAX] = {
        {"health", "check loop", "degraded: late"},
        {"health", "check traces", "degraded: not taken"},
    };
    static const struct fact one[FACTS_MAX] = {
        {"health", "check store", "unhealthy: a row cannot be written: the disk is full"},
        {"health", "check records", "unhealthy: cannot load: disk I/O error"},
        {"health", "check disk", "unhealthy: 3 MiB are free where the data is"},
        {"disk", "free bytes of d", "4096"},
        {"probe", "check basic", "failed: a thread"},
    };

    (void)state;
    struct diagnoses *found = conclude(two, SIZE_MAX);
    assert_int_equal(found->count, 2);
    assert_non_null(chain_to(found, "loop_late"));
    assert_non_null(chain_to(found, "collector_unreachable"));
    diagnoses_free(found);
    found = conclude(one, SIZE_MAX);
    for (size_t i = 1; i < found->count; i++) {
        fail_msg("%.*s", STR_ARGS(found->items[i].symptom));
    }
    assert_string_equal(found->items[0].cause, "disk_full");
    diagnoses_free(found);
}

/* A service is not explained by another service, whichever was seen last. */
static void test_a_why_stays_with_what_its_chain_is_about(void **state)
{
    static const struct fact facts[FACTS_MAX] = {
        {"probe", "service auth", "not answered at http://a: x"},
        {"probe", "service frontend", "not answered at http://f: x"},
    };

    (void)state;
    struct diagnoses *found = conclude(facts, SIZE_MAX);
    assert_int_equal(found->count, 2);
    assert_ptr_equal(found->items[0].whys[0].cites[0], found->items[0].symptom_cite);
    assert_ptr_equal(found->items[1].whys[0].cites[0], found->items[1].symptom_cite);
    diagnoses_free(found);
}

static void test_more_symptoms_than_chains_are_left_out(void **state)
{
    struct diagnoses *found = alloc_zeroed(1, sizeof(*found));
    char subject[32];

    (void)state;
    assert_non_null(found);
    assert_int_equal(evidence_new(&found->facts), OK);
    for (unsigned i = 0; i < DIAGNOSES_MAX * 2; i++) {
        (void)snprintf(subject, sizeof(subject), "check c%u", i);
        assert_int_equal(evidence_observe(found->facts, "health", subject, "degraded: {v9} %%s"),
                         OK);
    }
    assert_int_equal(rules_apply(found), OK);
    assert_int_equal(found->count, DIAGNOSES_MAX);
    /* what was seen is no sentence of ours: its braces are text */
    assert_true(str_find(found->items[0].symptom, STR("{v9} %s"), 0) != SIZE_MAX);
    diagnoses_free(found);
}

/* In a child: check() ends the process. */
static void test_a_why_that_cites_nothing_is_a_defect(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct diagnosis diagnosis = {.why_count = 0};

        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        diagnosis_add_why(&diagnosis, STR("because I say so"), NULL, 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- the tables ---- */

static const struct rules *const tables[] = {&rules_of_starts, &rules_of_reaching,
                                             &rules_of_answers, &rules_of_health, &rules_of_checks};

typedef bool (*rule_fn)(const struct rule *rule, const void *arg);

static bool any_rule(rule_fn holds, const void *arg)
{
    for (size_t t = 0; t < ARRAY_LENGTH(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            if (holds(&tables[t]->items[i], arg)) {
                return true;
            }
        }
    }
    return false;
}

static bool makes_claim(const struct rule *rule, const void *claim)
{
    return rule->claim && strcmp(rule->claim, claim) == 0;
}

static bool names_cause(const struct rule *rule, const void *cause)
{
    return rule->cause && strcmp(rule->cause, cause) == 0;
}

static void check_sentence(const struct rule *rule)
{
    size_t count = 0;

    while (count < RULE_SIGHTS_MAX && rule->seen[count].kind) {
        count++;
    }
    assert_in_range(count, 1, RULE_SIGHTS_MAX);
    for (const char *at = strchr(rule->because, '{'); at; at = strchr(at + 1, '{')) {
        if (!strchr("vsabc", at[1]) || at[2] < '1' || (size_t)(at[2] - '0') > count ||
            at[3] != '}') {
            fail_msg("\"%s\" has a place that nothing fills", rule->because);
        }
    }
}

static void check_links(const struct rule *rule)
{
    char claim[64];
    int length;

    if (rule->of[0] == '\0' && (!rule->claim || rule->cause || rule->seen[1].kind)) {
        fail_msg("the symptom \"%s\" has one sight, a claim and no cause", rule->because);
    }
    if (!rule->claim && !rule->cause) {
        fail_msg("\"%s\" leads nowhere", rule->because);
    }
    if (rule->cause && !cause_find(rule->cause)) {
        fail_msg("%s is not in causes.def", rule->cause);
    }
    for (const char *at = rule->of; *at; at += strcspn(at, "|"), at += *at == '|') {
        length = (int)strcspn(at, "|");
        assert_in_range(length, 1, sizeof(claim) - 1);
        memcpy(claim, at, (size_t)length);
        claim[length] = '\0';
        if (!any_rule(makes_claim, claim)) {
            fail_msg("\"%s\" answers %s, which no rule claims", rule->because, claim);
        }
    }
}

static void test_every_rule_leads_somewhere(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LENGTH(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            check_sentence(&tables[t]->items[i]);
            check_links(&tables[t]->items[i]);
        }
    }
}

static void test_every_cause_has_a_rule_and_words(void **state)
{
    (void)state;
    for (size_t i = 0; cause_at(i); i++) {
        const struct cause *cause = cause_at(i);

        if (!any_rule(names_cause, cause->id)) {
            fail_msg("no rule leads to %s", cause->id);
        }
        assert_ptr_equal(cause_find(cause->id), cause);
        assert_true(cause->is[0] && cause->fix[0] && cause->needs[0]);
        assert_null(strchr(cause->fix, '{'));
    }
    assert_null(cause_find("no_such_cause"));
}

/* ---- memory ---- */

static void test_out_of_memory_is_told(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    for (uint64_t nth = 1;; nth++) {
        struct diagnoses *found = conclude(fixtures[7].facts, SIZE_MAX);
        found->count = 0;
        buf_clear(&out);
        (void)alloc_fail_from(nth);
        int code = rules_apply(found);
        code = code ? code : diagnoses_write_json(found, &out);
        code = code ? code : diagnoses_write_text(found, true, &out);
        (void)alloc_fail_from(0);
        diagnoses_free(found);
        if (code == OK) {
            break;
        }
        assert_int_equal(code, ERR_NO_MEMORY);
        assert_in_range(nth, 1, 10000);
        buf_done(&out);
        buf_init(&out, 1 << 20);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_cause_is_found_from_its_facts),
        cmocka_unit_test(test_every_cause_has_facts),
        cmocka_unit_test(test_a_chain_without_one_of_its_facts_is_shorter),
        cmocka_unit_test(test_a_symptom_alone_is_unknown_and_says_what_it_needs),
        cmocka_unit_test(test_what_was_seen_later_counts),
        cmocka_unit_test(test_two_faults_are_two_chains_and_one_is_told_once),
        cmocka_unit_test(test_a_why_stays_with_what_its_chain_is_about),
        cmocka_unit_test(test_more_symptoms_than_chains_are_left_out),
        cmocka_unit_test(test_a_why_that_cites_nothing_is_a_defect),
        cmocka_unit_test(test_every_rule_leads_somewhere),
        cmocka_unit_test(test_every_cause_has_a_rule_and_words),
        cmocka_unit_test(test_out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
