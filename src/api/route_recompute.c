/*
 * A report's numbers derived again from the stored records, on a worker, with the run's own "now".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "api/route_recompute.h"

#include "agent/recompute.h"
#include "api/api_state.h"
#include "api/work.h"

#define DIFFERENCES_MAX 20u

/* ---- on a worker ---- */

/* The differences come while the counts are not known yet: they are written first. */
struct listing {
    struct json_writer w;
    unsigned count;
};

static void put_difference(struct str id, struct str in_report, struct str again, void *arg)
{
    struct listing *listing = (struct listing *)arg;

    if (listing->count++ < DIFFERENCES_MAX) {
        json_begin_object(&listing->w);
        put_text(&listing->w, "id", id);
        put_text(&listing->w, "in_report", in_report);
        put_text(&listing->w, "again", again);
        json_end_object(&listing->w);
    }
}

static void put_count(struct json_writer *w, const char *key, size_t count)
{
    json_key(w, key);
    json_put_i64(w, (int64_t)count);
}

static int derive(struct work *work, const struct dataset *dataset, struct buf *out,
                  struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct listing listing = {.w = json_writer_on(out)};
    struct recompute_counts counts;
    struct json_value report;
    int code = json_parser_new(WORK_RESULT_BYTES_MAX, &parser);

    if (code) {
        return error_set(error, code, "cannot read the report: out of memory");
    }
    code = json_parse(parser, buf_str(&work->input), &report, error);
    code = code ? code : recompute_check_inputs(report, dataset, error);
    if (code) {
        return code;
    }
    json_begin_object(&listing.w);
    json_key(&listing.w, "differences");
    json_begin_array(&listing.w);
    code = recompute_report(report, dataset, dataset ? dataset->book : work->api->book,
                            put_difference, &listing, &counts, error);
    if (code) {
        return code;
    }
    json_end_array(&listing.w);
    put_count(&listing.w, "facts", counts.facts);
    put_count(&listing.w, "different", counts.different);
    put_count(&listing.w, "missing", counts.missing);
    json_end_object(&listing.w);
    return OK;
}

/* ---- on the loop ---- */

/* What a report was made from, as far as the store knows. */
struct origin {
    char run_id[STORE_ID_BYTES_MAX];
    size_t run_id_length;
    char dataset_id[STORE_ID_BYTES_MAX];
    size_t dataset_id_length;
    int64_t now_us;
};

static size_t keep_id(char *copy, struct str id)
{
    size_t length = id.length < STORE_ID_BYTES_MAX ? id.length : STORE_ID_BYTES_MAX;

    memcpy(copy, id.data ? id.data : "", length);
    return length;
}

static bool keep_run_id(const struct store_report *row, void *arg)
{
    struct origin *origin = (struct origin *)arg;

    origin->run_id_length = keep_id(origin->run_id, row->run_id);
    return false;
}

static bool keep_run(const struct store_run *row, void *arg)
{
    struct origin *origin = (struct origin *)arg;

    origin->dataset_id_length = keep_id(origin->dataset_id, row->dataset_id);
    origin->now_us = row->now_us;
    return false;
}

static int find_origin(const struct call *call, struct origin *ret_origin)
{
    struct store *store = call->api->options.store;
    int code = store_get_report(store, call->workspace, call->params[0], keep_run_id, ret_origin);

    return code ? code
                : store_get_run(store, call->workspace,
                                (struct str){ret_origin->run_id, ret_origin->run_id_length},
                                keep_run, ret_origin);
}

void route_recompute(const struct call *call)
{
    struct store *store = call->api->options.store;
    struct origin origin = {.now_us = 0};
    int code = find_origin(call, &origin);

    if (code) {
        call_reply_store_error(call, code, "report");
        return;
    }
    struct work *work = work_new(call, derive, WORK_RESULT_BYTES_MAX);
    if (!work) {
        return;
    }
    code =
        store_get_report_body(store, call->workspace, call->params[0], STR("json"), &work->input);
    code = code ? code : buf_status(&work->input);
    if (code) {
        work_free(work);
        call_reply_store_error(call, code, "report");
        return;
    }
    work->now_us = origin.now_us;
    work_start(work, (struct str){origin.dataset_id, origin.dataset_id_length});
}
