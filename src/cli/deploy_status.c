/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deploy_status.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/remote.h"

#define JSON_BYTES_MAX   ((size_t)1 << 20)
#define MEMORY_BYTES_MAX ((size_t)8 << 20)
#define STATUS_S         60u

static void put(struct json_writer *w, const char *name, struct str text)
{
    json_key(w, name);
    if (text.length) {
        json_put_str(w, text);
    } else {
        json_put_null(w);
    }
}

static void put_answer(struct json_writer *w, const char *service,
                       const struct target_answer *answer)
{
    json_begin_object(w);
    json_key(w, "service");
    json_put_text(w, service);
    json_key(w, "ready");
    json_put_bool(w, answer->is_ready);
    put(w, "serving", answer->serving);
    put(w, "public_url", answer->public_url);
    put(w, "reason", answer->result == TARGET_FAILED ? answer->error_message : answer->reason);
    put(w, "process_file", answer->process_file);
    put(w, "log_file", answer->log_file);
    put(w, "data_dir", answer->data_dir);
    json_end_object(w);
}

static void print_answer(const char *service, const struct target_answer *answer)
{
    struct str reason = answer->result == TARGET_FAILED ? answer->error_message : answer->reason;

    (void)printf("%s: ", service);
    remote_print_text(answer->serving.length ? answer->serving : STR("nothing"), 0);
    (void)printf(" serves%s", answer->public_url.length ? " at " : "");
    remote_print_text(answer->public_url, 0);
    (void)fputs(answer->is_ready ? ", ready" : ", not ready", stdout);
    (void)fputs(reason.length ? ": " : "", stdout);
    remote_print_text(reason, 0);
    (void)fputc('\n', stdout);
}

static int ask(const struct release_options *options, const char *service, struct arena *arena,
               struct target_answer *ret_answer, struct error *error)
{
    struct child_end end;
    const struct target_call call = {.path = options->target,
                                     .verb = TARGET_STATUS,
                                     .project = options->project,
                                     .service = service,
                                     .state = options->state,
                                     .config = options->config,
                                     .timeout_s = STATUS_S,
                                     .on_line = options->on_line,
                                     .is_cancelled = options->is_cancelled,
                                     .arg = options->arg};

    return target_run(&call, arena, ret_answer, &end, error);
}

int deploy_status(const struct release_options *options, bool as_json)
{
    cleanup(arena_done) struct arena arena = {0};
    cleanup(buf_done) struct buf text = {0};
    struct json_writer w = json_writer_on(&text);
    size_t count = options->service_count ? options->service_count : 1;
    bool is_ready = true;

    arena_init(&arena, MEMORY_BYTES_MAX);
    buf_init(&text, JSON_BYTES_MAX);
    json_begin_object(&w);
    json_key(&w, "services");
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        const char *service = options->service_count ? options->services[i] : "all";
        struct target_answer answer = {.result = TARGET_FAILED};
        struct error error = {0};

        if (ask(options, service, &arena, &answer, &error)) {
            return cli_fail(&error);
        }
        is_ready = is_ready && answer.is_ready;
        put_answer(&w, service, &answer);
        if (!as_json) {
            print_answer(service, &answer);
        }
    }
    json_end_array(&w);
    json_end_object(&w);
    if (as_json) {
        if (buf_status(&text)) {
            (void)fputs("netra: out of memory\n", stderr);
            return EXIT_FAILED;
        }
        (void)printf("%s\n", text.data);
    }
    return is_ready ? EXIT_DONE : EXIT_FAILED;
}
