/*
 * Two workspaces that know nothing of each other: what one makes is not there for the other, by any
 * way that leads to it. Each thing is read by its owner first: what nobody can read is not hidden.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "verify/checks.h"
#include "verify/hearing.h"

#define ISOLATION_PROMPT  "Where does our money go?"
#define ISOLATION_RECORDS 200u

struct tenant {
    char workspace[INQUIRY_ID_BYTES];
    char *key; /* the inquiry's */
    char dataset[INQUIRY_ID_BYTES];
    struct heard_run run;
};

static void tenant_done(struct tenant *tenant)
{
    heard_run_done(&tenant->run);
}

/* A workspace with a dataset and a run that has finished. */
static bool settle(struct inquiry *inquiry, const char *name, struct tenant *ret_tenant)
{
    struct hearing hearing;
    bool is_made = workspace_make(inquiry, name, ret_tenant->workspace, ret_tenant->key) &&
                   dataset_make(inquiry, ret_tenant->key, ISOLATION_RECORDS, ret_tenant->dataset);

    if (!is_made) {
        return false;
    }
    bool has_finished =
        hearing_open(inquiry, &(struct heard_options){.token = ret_tenant->key}, &hearing) &&
        hearing_ask(
            &hearing,
            &(struct heard_request){.prompt = ISOLATION_PROMPT, .dataset = ret_tenant->dataset},
            &ret_tenant->run);
    hearing_close(&hearing);
    return has_finished;
}

static int status_of(struct inquiry *inquiry, const char *method, const char *path,
                     const char *token)
{
    cleanup(answer_done) struct answer answer = {0};

    (void)ask(inquiry, &(struct question){.method = method, .path = path, .token = token}, &answer);
    return answer.what.status;
}

static void judge_thing(struct inquiry *inquiry, const char *id, const char *path,
                        const struct tenant *owner, const struct tenant *other)
{
    int by_owner = status_of(inquiry, "GET", path, owner->key);
    int by_other = status_of(inquiry, "GET", path, other->key);

    (void)found(inquiry, id, by_owner == 200 && by_other == 404,
                "HTTP 200 for its owner, 404 for another workspace", "HTTP %d, and %d", by_owner,
                by_other);
}

static void judge_things(struct inquiry *inquiry, const struct tenant *owner,
                         const struct tenant *other)
{
    const struct {
        const char *id;
        const char *format;
        const char *thing;
    } rows[] = {
        {"thread", "/api/threads/%s", owner->run.thread_id},
        {"messages", "/api/threads/%s/messages", owner->run.thread_id},
        {"runs", "/api/threads/%s/runs", owner->run.thread_id},
        {"run", "/api/runs/%s", owner->run.run_id},
        {"events", "/api/runs/%s/events", owner->run.run_id},
        {"report", "/api/reports/%s", owner->run.report_id},
        {"report_json", "/api/reports/%s.json", owner->run.report_id},
        {"report_html", "/api/reports/%s.html", owner->run.report_id},
        {"dataset", "/api/datasets/%s", owner->dataset},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char path[INQUIRY_PATH_BYTES];

        (void)snprintf(path, sizeof(path), rows[i].format, rows[i].thing);
        judge_thing(inquiry, rows[i].id, path, owner, other);
    }
}

/* Whether a list has a row with that id. */
static bool lists(struct inquiry *inquiry, const char *path, const char *token, const char *id)
{
    cleanup(answer_done) struct answer answer = {0};

    (void)ask(inquiry, &(struct question){.path = path, .token = token}, &answer);
    for (struct json_iterator it = json_iterate(json_at(answer.root, "items")); json_next(&it);) {
        if (answer_is(it.value, "id", id)) {
            return true;
        }
    }
    return false;
}

static void judge_lists(struct inquiry *inquiry, const char *id, const struct tenant *owner,
                        const struct tenant *other)
{
    bool is_thread_ours = lists(inquiry, "/api/threads", owner->key, owner->run.thread_id);
    bool is_thread_seen = lists(inquiry, "/api/threads", other->key, owner->run.thread_id);
    bool is_dataset_ours = lists(inquiry, "/api/datasets", owner->key, owner->dataset);
    bool is_dataset_seen = lists(inquiry, "/api/datasets", other->key, owner->dataset);

    (void)found(inquiry, id,
                is_thread_ours && is_dataset_ours && !is_thread_seen && !is_dataset_seen,
                "lists have what is the workspace's own, and nothing else",
                "thread: own %s, other's %s; dataset: own %s, other's %s",
                is_thread_ours ? "yes" : "no", is_thread_seen ? "yes" : "no",
                is_dataset_ours ? "yes" : "no", is_dataset_seen ? "yes" : "no");
}

/* What would change something of the owner's: refused, and it is still there. */
static void judge_changes(struct inquiry *inquiry, const struct tenant *owner,
                          const struct tenant *other)
{
    char path[INQUIRY_PATH_BYTES];

    (void)snprintf(path, sizeof(path), "/api/datasets/%s", owner->dataset);
    int dataset = status_of(inquiry, "DELETE", path, other->key);
    int left = status_of(inquiry, "GET", path, owner->key);
    (void)snprintf(path, sizeof(path), "/api/reports/%s/recompute", owner->run.report_id);
    int recompute = status_of(inquiry, "POST", path, other->key);
    (void)found(inquiry, "changes", dataset == 404 && left == 200 && recompute == 404,
                "404 for deleting and recomputing what is another's, which stays",
                "deleting %d, then its owner reads %d; recomputing %d", dataset, left, recompute);
}

/* A WebSocket of the other workspace asks for the run's events. */
static void judge_resume(struct inquiry *inquiry, const struct tenant *owner,
                         const struct tenant *other)
{
    struct heard_run run = {0};
    struct hearing hearing;

    if (hearing_open(inquiry, &(struct heard_options){.token = other->key}, &hearing) &&
        hearing_resume(&hearing, owner->run.run_id, 0, &run)) {
        (void)hearing_follow(&hearing, &run);
    }
    hearing_close(&hearing);
    (void)found(inquiry, "resume", run.count == 0 && run.end == HEARD_FAILED,
                "an error in the place of events", "%zu events; %s %s", run.count,
                heard_end_name(run.end), run.failure);
    heard_run_done(&run);
}

/* Keys and people are for admins of the workspace: a key of another sees none of it. */
static void judge_keys(struct inquiry *inquiry, const struct tenant *other)
{
    cleanup(answer_done) struct answer answer = {0};
    size_t rows = 0;

    (void)ask(inquiry,
              &(struct question){.service = SERVICE_AUTH, .path = "/api/keys", .token = other->key},
              &answer);
    rows = json_count(json_at(answer.root, "items"));
    (void)found(inquiry, "keys", answer.what.status == 200 && rows == 1, "only the key that asks",
                "HTTP %d, %zu keys", answer.what.status, rows);
}

void check_isolation(struct inquiry *inquiry)
{
    cleanup(tenant_done) struct tenant first = {.key = inquiry->tenant_keys[0]};
    cleanup(tenant_done) struct tenant second = {.key = inquiry->tenant_keys[1]};
    const char *needs = person_prepare(inquiry);

    if (needs) {
        not_exercised(inquiry, "workspaces", needs);
        return;
    }
    bool are_settled = settle(inquiry, "netra verify A (temporary)", &first) &&
                       settle(inquiry, "netra verify B (temporary)", &second);
    if (!found(inquiry, "workspaces", are_settled,
               "two workspaces, each with a dataset and a finished run",
               "the first: %s %s, the second: %s %s", heard_end_name(first.run.end),
               first.run.failure, heard_end_name(second.run.end), second.run.failure)) {
        return;
    }
    judge_things(inquiry, &first, &second);
    judge_lists(inquiry, "lists", &first, &second);
    judge_lists(inquiry, "lists.back", &second, &first);
    judge_changes(inquiry, &first, &second);
    judge_resume(inquiry, &first, &second);
    judge_keys(inquiry, &second);
}
