/*
 * What a verification has left: its observations as they are, its checks that failed, and of its
 * exchanges the last with GET /health, if that got no answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>

#include "verify/facts.h"
#include "verify/look.h"

#define SUBJECT_BYTES 96u

/* Ids and times stay: they were given in the same order. */
static void copy_observations(struct looking *looking, const struct evidence *evidence)
{
    struct evidence *facts = looking->facts;

    for (size_t i = 0; i < evidence->observation_count && looking->code == OK; i++) {
        const struct observation *from = &evidence->observations[i];
        size_t count = facts->observation_count;

        /* Kinds and subjects of a file are texts that end with a NUL, as all texts of an arena. */
        look_note(looking, from->kind.data, from->subject.data, "%.*s", STR_ARGS(from->value));
        if (looking->code == OK) {
            check_cmp(facts->observation_count, ==, count + 1);
            facts->observations[count].at_us = from->at_us;
        }
    }
}

static void note_checks(struct looking *looking, const struct evidence *evidence)
{
    char subject[SUBJECT_BYTES];

    for (size_t i = 0; i < evidence->check_count; i++) {
        const struct check *check = &evidence->checks[i];

        if (check->outcome == OUTCOME_FAILED) {
            (void)snprintf(subject, sizeof(subject), "check %.*s", STR_ARGS(check->id));
            look_note(looking, "probe", subject, "failed: %.*s", STR_ARGS(check->reason));
        }
    }
}

static bool is_health(const struct kept_exchange *kept)
{
    return str_equal(kept->method, STR("GET")) && str_ends_with(kept->url, STR("/health")) &&
           !str_ends_with(kept->url, STR("/api/health"));
}

static void note_connection(struct looking *looking, const struct exchange *exchange)
{
    char subject[SUBJECT_BYTES + LOOK_PLACE_BYTES];

    (void)snprintf(subject, sizeof(subject), "connect %s", looking->asked.place);
    if (exchange->os_errno == ECONNREFUSED) {
        look_note(looking, "probe", subject, "refused");
    } else if (exchange->curl_code == CURLE_COULDNT_RESOLVE_HOST) {
        (void)snprintf(subject, sizeof(subject), "name %s", looking->asked.host);
        look_note(looking, "probe", subject, "does not resolve: %s", exchange->failure);
    } else if (exchange->os_errno && exchange->curl_code == CURLE_COULDNT_CONNECT) {
        look_note(looking, "probe", subject, "unreachable: %s", strerror((int)exchange->os_errno));
    } else if (exchange->connect_us) {
        look_note(looking, "probe", subject, "connected");
    } else if (exchange->code == ERR_TIMEOUT) {
        look_note(looking, "probe", subject, "no answer in time");
    }
}

static void note_health(struct looking *looking, const struct evidence *evidence)
{
    const struct kept_exchange *last = NULL;

    for (size_t i = 0; i < evidence->exchange_count; i++) {
        last = is_health(&evidence->exchanges[i]) ? &evidence->exchanges[i] : last;
    }
    if (!last || last->what.code == OK) {
        return;
    }
    look_note(looking, "probe", "GET /health", "not answered: %s%s",
              last->what.code == ERR_TIMEOUT ? "no answer in time: " : "", last->what.failure);
    note_connection(looking, &last->what);
}

void look_at_evidence(struct looking *looking)
{
    const struct evidence *evidence = looking->options->evidence;

    copy_observations(looking, evidence);
    note_health(looking, evidence);
    note_checks(looking, evidence);
}
