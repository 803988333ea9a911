/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_world.h"

#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "deploy/child.h"
#include "deploy/loop_files.h"
#include "deploy/loop_leftover.h"
#include "deploy/loop_serving.h"
#include "json/json_read.h"

#define ENVIRONMENT_MAX  4096u
#define HEALTH_MS        5000u
#define BODY_BYTES_MAX   ((size_t)1 << 20)
#define STATUS_S         120u
#define STATUS_BYTES_MAX ((size_t)1 << 20)

extern char **environ;

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static int64_t now_us(void *arg)
{
    (void)arg;
    return clock_us(CLOCK_REALTIME);
}

/* Also while the machine sleeps: the wall clock goes on then, too. */
static int64_t elapsed_us(void *arg)
{
    (void)arg;
    return clock_us(CLOCK_BOOTTIME);
}

static void wait_ms(unsigned ms, void *arg)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)arg;
    (void)nanosleep(&time, NULL); /* a signal ends it early: then there is something to look at */
}

static void say(struct str line, void *arg)
{
    const struct loop_machine *machine = arg;

    machine->say(line);
}

static void say_line(struct str line, void *arg)
{
    cleanup(buf_done) struct buf text = {0};

    buf_init(&text, CHILD_LINE_BYTES_MAX + 16);
    buf_append(&text, STR("    | "));
    buf_append(&text, line);
    say(buf_str(&text), arg);
}

/* ---- commands ---- */

static int end_left_over(const struct loop_command *command, const char *folder, void *arg,
                         struct error *error)
{
    int ended = loop_leftover_end(command->words, folder, error);

    if (ended > 0) {
        say(STR("a command of the loop before still ran: it was ended"), arg);
    }
    return ended < 0 ? ended : OK;
}

/* Ours, the loop's folder, by which a command is known again, and what was added; what is pointed
 * to stays where it is. */
static char **merge_environment(const char *const *added, const char *folder)
{
    char **all = alloc_zeroed(ENVIRONMENT_MAX + 1, sizeof(*all));
    size_t count = 0;

    if (all) {
        all[count++] = (char *)(uintptr_t)folder;
    }
    for (size_t i = 0; all && added && added[i] && count < ENVIRONMENT_MAX; i++) {
        all[count++] = (char *)(uintptr_t)added[i];
    }
    for (size_t i = 0; all && environ[i] && count < ENVIRONMENT_MAX; i++) {
        if (strncmp(environ[i], "NETRA_LOOP_", 11) != 0) {
            all[count++] = environ[i];
        }
    }
    return all;
}

static int run(const struct loop_command *command, const char *folder, struct buf *out,
               struct loop_end *ret_end, void *arg, struct error *error)
{
    const struct loop_machine *machine = arg;
    char place[LOOP_PATH_BYTES_MAX + sizeof(LOOP_LEFTOVER_VARIABLE)];
    cleanup(alloc_free_pointer) char **environment = NULL;
    cleanup(buf_done) struct buf why = {0};
    struct error failure = {0};
    struct child_end end = {.exit_status = -1};

    (void)snprintf(place, sizeof(place), LOOP_LEFTOVER_VARIABLE "%s", folder);
    environment = merge_environment(command->environment, place);
    if (!environment) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    const struct child_options options = {.arguments = command->words,
                                          .environment = environment,
                                          .timeout_ms = LOOP_COMMAND_S * 1000,
                                          .on_line = say_line,
                                          .is_cancelled = machine->is_to_end,
                                          .arg = arg};
    *ret_end = (struct loop_end){.exit_status = -1, .is_ended = true};
    int code = child_run(&options, out, &end, &failure);
    if (code == ERR_NO_MEMORY) {
        return error_set(error, code, "out of memory");
    }
    if (code) {
        (void)snprintf(ret_end->why, sizeof(ret_end->why), "%.180s", failure.message);
        return OK;
    }
    ret_end->exit_status = end.exit_status;
    ret_end->is_ended = !end.is_cancelled;
    buf_init(&why, LOOP_WHY_BYTES - 1);
    child_end_print(&end, &why);
    (void)snprintf(ret_end->why, sizeof(ret_end->why), "%.*s", STR_ARGS(buf_str(&why)));
    return OK;
}

/* ---- the service ---- */

static void judge_health(struct str body, struct loop_answer *answer)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct error ignored = {0};
    struct json_value root;
    struct str status = STR("no status");

    if (json_parser_new(BODY_BYTES_MAX, &parser) == OK &&
        json_parse(parser, body, &root, &ignored) == OK) {
        (void)json_get_str(json_at(root, "status"), &status);
    }
    answer->is_healthy = answer->status == 200 && str_equal(status, STR("healthy"));
    if (!answer->is_healthy) {
        (void)snprintf(answer->why, sizeof(answer->why), "/health is %d and says %.*s",
                       answer->status, (int)(status.length < 40 ? status.length : 40), status.data);
    }
}

static void ask_health(const char *url, struct loop_answer *ret_answer, void *arg)
{
    struct loop_machine *machine = arg;
    cleanup(arena_done) struct arena arena = {0};
    struct loop_answer answer = {.status = 0};
    struct exchange seen = {0};
    size_t length = strlen(url);

    arena_init(&arena, 4 * BODY_BYTES_MAX);
    length -= length > 0 && url[length - 1] == '/';
    struct str address = arena_printf(&arena, "%.*s/health", (int)length, url);
    const struct exchange_request request = {
        .method = "GET", .url = address.data, .is_anonymous = true, .is_fresh = true};

    answer.at_us = now_us(NULL);
    int code = address.data ? wire_exchange(machine->wire, &request, &arena, &seen) : ERR_NO_MEMORY;
    answer.status = seen.status;
    answer.total_us = seen.total_us;
    (void)snprintf(answer.peer, sizeof(answer.peer), "%s", seen.peer);
    if (code) {
        (void)snprintf(answer.why, sizeof(answer.why), "/health is not answered: %.160s",
                       seen.failure);
    } else {
        judge_health(seen.body, &answer);
    }
    *ret_answer = answer;
}

/* ---- the target ---- */

static int ask_target(const struct loop_options *options, struct arena *arena,
                      struct loop_serving *ret_serving, void *arg)
{
    const struct loop_machine *machine = arg;
    cleanup(buf_done) struct buf out = {0};
    struct loop_words words = {.arena = arena};
    struct error failure = {0};
    struct child_end end = {.exit_status = -1};

    loop_word(&words, machine->netra);
    loop_word(&words, "deploy");
    loop_word_options(&words, options, LOOP_USE_STATUS);
    loop_word(&words, "--status");
    loop_word(&words, "--json");
    if (words.status) {
        return ERR_NO_MEMORY;
    }
    const struct child_options child = {
        .arguments = words.items, .timeout_ms = STATUS_S * 1000, .on_line = say_line, .arg = arg};
    buf_init(&out, STATUS_BYTES_MAX);
    int code = child_run(&child, &out, &end, &failure);
    if (code == ERR_NO_MEMORY) {
        return code;
    }
    code = loop_serving_read(buf_str(&out), arena, ret_serving);
    if (code == ERR_INVALID) {
        ret_serving->why =
            arena_printf(arena, "netra deploy --status ended with exit status %d", end.exit_status);
        code = ret_serving->why.data ? OK : ERR_NO_MEMORY;
    }
    return code;
}

int loop_machine_open(struct loop_machine *machine, const char *ca_file, struct error *error)
{
    const struct wire_options options = {.ca_file = ca_file, .timeout_ms = HEALTH_MS};

    return wire_new(&options, &machine->wire, error);
}

void loop_machine_close(struct loop_machine *machine)
{
    wire_free(machine->wire);
    machine->wire = NULL;
}

struct loop_world loop_world_of(struct loop_machine *machine)
{
    return (struct loop_world){.now_us = now_us,
                               .elapsed_us = elapsed_us,
                               .wait_ms = wait_ms,
                               .run = run,
                               .end_left_over = end_left_over,
                               .ask_health = ask_health,
                               .ask_target = ask_target,
                               .say = say,
                               .is_interrupted = machine->is_interrupted,
                               .arg = machine};
}
