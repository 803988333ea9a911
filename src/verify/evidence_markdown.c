/*
 * The report for people who were not there: what was asked, of whom, what came out, and how to ask
 * again. Whatever Markdown or HTML would obey in a text of the deployment is escaped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/civil_time.h"
#include "report/visible.h"
#include "verify/render.h"

#define PEERS_MAX 8u

/* No text is at the beginning of a line, where other characters would be obeyed too; an address is
 * not to become a link. */
static void put_escaped(struct buf *out, struct str text)
{
    static const char obeyed[] = "\\`*_[]<>#|~&";
    struct str bytes;
    unsigned width;

    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        bool is_link = bytes.data[0] == ':' && at < text.length && text.data[at] == '/';

        if (bytes.length == 1 && (is_link || strchr(obeyed, bytes.data[0]))) {
            buf_append_char(out, '\\');
        }
        buf_append(out, bytes);
    }
}

static void put_mark(struct buf *out, enum outcome outcome)
{
    static const char *const marks[] = {
        [OUTCOME_PASSED] = "✓ passed",
        [OUTCOME_FAILED] = "✗ **failed**",
        [OUTCOME_NOT_EXERCISED] = "– not exercised",
    };

    buf_append(out, str_from(marks[outcome]));
}

static void put_row(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, "| %s | ", name);
    if (value.length) {
        put_escaped(out, value);
    } else {
        buf_append(out, STR("unknown"));
    }
    buf_append(out, STR(" |\n"));
}

static void put_time(struct buf *out, int64_t us)
{
    char stamp[CIVIL_STAMP_BYTES];

    civil_stamp(us, stamp);
    buf_append(out, str_from(stamp));
}

/* ---- what was asked ---- */

static void put_head(struct buf *out, const struct evidence *evidence)
{
    buf_append(out, STR("# Evidence: "));
    render_summary(evidence, out);
    buf_append(out, STR("\n\n| | |\n|---|---|\n"));
    put_row(out, "Address", evidence->url);
    put_row(out, "Profile", evidence->profile);
    put_row(out, "Manner", evidence->is_read_only ? STR("read-only") : STR("writing"));
    put_row(out, "Client", evidence->client_version);
    put_row(out, "Server", evidence->server_version);
    put_row(out, "Deployment", evidence->deployment);
    buf_append(out, STR("| Begun | "));
    put_time(out, evidence->started_us);
    buf_append(out, STR(" |\n| Ended | "));
    put_time(out, evidence->finished_us);
    buf_append(out, STR(" |\n"));
}

struct peer {
    const struct exchange *first;
    size_t exchanges;
    size_t connections;
    uint64_t bytes_sent;
    uint64_t bytes_received;
};

static struct peer *find_peer(struct peer *peers, size_t *count, const struct exchange *exchange)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(peers[i].first->peer, exchange->peer) == 0 &&
            strcmp(peers[i].first->tls, exchange->tls) == 0) {
            return &peers[i];
        }
    }
    if (*count == PEERS_MAX) {
        return NULL;
    }
    peers[*count] = (struct peer){.first = exchange};
    return &peers[(*count)++];
}

static void put_peer(struct buf *out, const struct peer *peer)
{
    char sent[RENDER_FIGURE_BYTES];
    char received[RENDER_FIGURE_BYTES];

    render_bytes(peer->bytes_sent, sent);
    render_bytes(peer->bytes_received, received);
    buf_append(out, STR("| "));
    put_escaped(out, str_from(peer->first->peer));
    buf_append(out, STR(" | "));
    put_escaped(out, peer->first->tls[0] ? str_from(peer->first->tls) : STR("none"));
    buf_append(out, STR(" | "));
    if (peer->first->certificate_expires_us) {
        put_time(out, peer->first->certificate_expires_us);
    }
    buf_printf(out, " | %zu | %zu | %s | %s |\n", peer->exchanges, peer->connections, sent,
               received);
}

static void put_peers(struct buf *out, const struct evidence *evidence)
{
    struct peer peers[PEERS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < evidence->exchange_count; i++) {
        const struct exchange *exchange = &evidence->exchanges[i].what;
        struct peer *peer = exchange->peer[0] ? find_peer(peers, &count, exchange) : NULL;

        if (peer) {
            peer->exchanges++;
            peer->connections += exchange->is_new_connection;
            peer->bytes_sent += exchange->bytes_sent;
            peer->bytes_received += exchange->bytes_received;
        }
    }
    buf_append(out, STR("\n## Who answered\n\n"));
    if (count == 0) {
        buf_append(out, STR("Nobody: no connection was made.\n"));
        return;
    }
    buf_append(out, STR("| peer | TLS | certificate until | exchanges | connections | sent | "
                        "received |\n|---|---|---|---:|---:|---:|---:|\n"));
    for (size_t i = 0; i < count; i++) {
        put_peer(out, &peers[i]);
    }
    if (evidence->exchanges_not_kept) {
        buf_printf(out, "\n%zu exchanges more were counted and not kept.\n",
                   evidence->exchanges_not_kept);
    }
}

/* ---- checks ---- */

static void put_check_row(struct buf *out, const struct check *check)
{
    struct tally tally = tally_check(check);
    struct check_figures figures = render_figures(check);

    buf_append(out, STR("| "));
    put_escaped(out, check->id);
    buf_append(out, STR(" | "));
    put_mark(out, check->outcome);
    buf_printf(out, " | %zu | %zu | %zu | %s | %zu | %s | %s |\n", tally.passed, tally.failed,
               tally.not_exercised, figures.seconds, check->exchanges, figures.sent,
               figures.received);
}

static void put_finding_row(struct buf *out, const struct finding *finding)
{
    buf_append(out, STR("| "));
    put_escaped(out, finding->id);
    buf_append(out, STR(" | "));
    put_mark(out, finding->outcome);
    buf_append(out, STR(" | "));
    put_escaped(out, finding->expected);
    buf_append(out, STR(" | "));
    if (finding->outcome == OUTCOME_NOT_EXERCISED) {
        buf_append(out, STR("needs "));
        put_escaped(out, finding->needs);
    } else {
        put_escaped(out, finding->observed);
    }
    buf_append(out, STR(" |\n"));
}

static void put_finding_table(struct buf *out, const struct finding *findings, size_t count)
{
    if (count) {
        buf_append(out, STR("\n| finding | outcome | expected | observed |\n|---|---|---|---|\n"));
    }
    for (size_t i = 0; i < count; i++) {
        put_finding_row(out, &findings[i]);
    }
}

static void put_check(struct buf *out, const struct check *check)
{
    buf_append(out, STR("\n### "));
    put_escaped(out, check->title);
    buf_append(out, STR("\n\n"));
    put_mark(out, check->outcome);
    if (check->outcome != OUTCOME_PASSED) {
        buf_append(out, STR(": "));
        put_escaped(out, check->reason);
    }
    buf_append(out, STR("\n"));
    put_finding_table(out, check->findings, check->finding_count);
}

static void put_checks(struct buf *out, const struct evidence *evidence)
{
    buf_append(out, STR("\n## Checks\n\n| check | outcome | passed | failed | not exercised | time "
                        "| exchanges | sent | received |\n"
                        "|---|---|---:|---:|---:|---:|---:|---:|---:|\n"));
    for (size_t i = 0; i < evidence->check_count; i++) {
        put_check_row(out, &evidence->checks[i]);
    }
    for (size_t i = 0; i < evidence->check_count; i++) {
        put_check(out, &evidence->checks[i]);
    }
}

/* ---- targets ---- */

static size_t warm_up_of(const struct evidence *evidence, struct str name)
{
    for (size_t i = 0; i < evidence->set_count; i++) {
        if (str_equal(evidence->sets[i].name, name)) {
            return evidence->sets[i].warm_up;
        }
    }
    return 0;
}

static void put_target(struct buf *out, const struct evidence *evidence,
                       const struct target *target)
{
    const struct spread *spread = &target->spread_us;
    const double figures[] = {spread->p50, spread->p95,  spread->p99,      spread->min,
                              spread->max, spread->mean, spread->deviation};
    char text[RENDER_FIGURE_BYTES];

    buf_append(out, STR("| "));
    put_escaped(out, target->name);
    buf_append(out, STR(" | "));
    put_mark(out, target->outcome);
    if (target->needs.length) {
        buf_append(out, STR(" (needs "));
        put_escaped(out, target->needs);
        buf_append_char(out, ')');
    }
    buf_printf(out, " | %s ≤ %g | %zu | %zu", target->statistic, target->limit_ms, spread->n,
               warm_up_of(evidence, target->name));
    for (size_t i = 0; i < ARRAY_LENGTH(figures); i++) {
        render_ms(figures[i], text);
        buf_printf(out, " | %s", text);
    }
    buf_append(out, STR(" |\n"));
}

static void put_targets(struct buf *out, const struct evidence *evidence)
{
    buf_append(out, STR("\n## Targets, in milliseconds\n\n"
                        "Each sample is in samples.csv; a percentile is the smallest sample that "
                        "so many of all do not exceed, sd the deviation with n − 1.\n\n"
                        "| target | outcome | limit | n | warm-up | p50 | p95 | p99 | min | max | "
                        "mean | sd |\n"
                        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"));
    for (size_t i = 0; i < evidence->check_count; i++) {
        for (size_t k = 0; k < evidence->checks[i].target_count; k++) {
            put_target(out, evidence, &evidence->checks[i].targets[k]);
        }
    }
}

/* ---- the rest ---- */

static void put_not_exercised_row(struct buf *out, struct str check, struct str id,
                                  struct str needs)
{
    buf_append(out, STR("* "));
    put_escaped(out, check);
    buf_append_char(out, '/');
    put_escaped(out, id);
    buf_append(out, STR(": needs "));
    put_escaped(out, needs);
    buf_append_char(out, '\n');
}

static void put_not_exercised(struct buf *out, const struct evidence *evidence)
{
    size_t before = 0;

    buf_append(out, STR("\n## Not exercised\n\n"));
    before = out->length;
    for (size_t i = 0; i < evidence->check_count; i++) {
        const struct check *check = &evidence->checks[i];

        for (size_t k = 0; k < check->finding_count; k++) {
            if (check->findings[k].outcome == OUTCOME_NOT_EXERCISED) {
                put_not_exercised_row(out, check->id, check->findings[k].id,
                                      check->findings[k].needs);
            }
        }
        for (size_t k = 0; k < check->target_count; k++) {
            if (check->targets[k].outcome == OUTCOME_NOT_EXERCISED) {
                put_not_exercised_row(out, check->id, check->targets[k].name,
                                      check->targets[k].needs);
            }
        }
    }
    if (out->length == before) {
        buf_append(out, STR("Nothing was left out.\n"));
    }
}

static void put_meta_check(struct buf *out, const struct evidence *evidence)
{
    buf_append(out, STR("\n## Meta-check\n\n"));
    if (evidence->violation_count == 0) {
        buf_append(out,
                   STR("✓ Bytes, times, their order and their scatter agree with each other.\n"));
        return;
    }
    buf_append(out, STR("✗ This evidence contradicts itself.\n"));
    put_finding_table(out, evidence->violations, evidence->violation_count);
}

static void put_side(struct buf *out, const char *name, const struct side *side)
{
    struct buf text;

    buf_init(&text, 2 * EVIDENCE_TEXT_BYTES_MAX);
    render_side(side, &text);
    if (buf_status(&text) == ERR_NO_MEMORY) {
        out->status = ERR_NO_MEMORY;
    }
    buf_printf(out, "* %s: ", name);
    put_escaped(out, buf_str(&text));
    buf_append_char(out, '\n');
    buf_done(&text);
}

/* A word of the shell, within a block of code, which knows no escapes. */
static void put_quoted(struct buf *out, struct str text)
{
    struct str bytes;
    unsigned width;

    buf_append_char(out, '\'');
    for (size_t at = 0; visible_next(text, &at, &bytes, &width);) {
        if (bytes.data[0] == '\'') {
            buf_append(out, STR("'\\''"));
        } else {
            buf_append(out, bytes.data[0] == '`' ? STR("?") : bytes);
        }
    }
    buf_append_char(out, '\'');
}

static void put_repetition(struct buf *out, const struct evidence *evidence)
{
    buf_append(out, STR("\n## Again\n\n```\nnetra verify --url "));
    put_quoted(out, evidence->url);
    buf_append(out, STR(" --profile "));
    put_quoted(out, evidence->profile);
    if (evidence->set_count) {
        buf_printf(out, " --samples %zu", evidence->sets[0].count);
    }
    buf_append(out, evidence->is_read_only ? STR(" --read-only") : STR(""));
    buf_append(out, STR(" --out evidence\n```\n\nWith a token: `--token-file FILE`, or NETRA_TOKEN."
                        "\n"));
}

int evidence_write_markdown(const struct evidence *evidence, struct buf *out)
{
    put_head(out, evidence);
    put_peers(out, evidence);
    put_checks(out, evidence);
    put_targets(out, evidence);
    put_not_exercised(out, evidence);
    put_meta_check(out, evidence);
    buf_append(out, STR("\n## Resources\n\n"));
    put_side(out, "client", &evidence->client);
    put_side(out, "server", &evidence->server);
    put_repetition(out, evidence);
    return buf_status(out);
}
