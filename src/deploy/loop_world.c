/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/loop_world.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/civil_time.h"
#include "deploy/child.h"
#include "deploy/loop_files.h"
#include "deploy/loop_serving.h"
#include "json/json_read.h"

#define ENVIRONMENT_MAX   4096u
#define RUNNING_BYTES_MAX 4096u
#define STAT_START_FIELD  19 /* start time, counted behind the name in parentheses */
#define END_WAIT_MS       10000
#define END_LOOK_MS       50
#define HEALTH_MS         5000u
#define BODY_BYTES_MAX    ((size_t)1 << 20)
#define STATUS_S          120u
#define STATUS_BYTES_MAX  ((size_t)1 << 20)

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

/* ---- the command under way ---- */

/* When a process began, in the kernel's ticks: with its id it is that process and no later one.
 * False: there is no such process, or it is a zombie. */
static bool start_of(int pid, uint64_t *ret_ticks)
{
    char path[64];
    cleanup(buf_done) struct buf text = {0};
    struct error ignored = {0};

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    buf_init(&text, (size_t)1 << 20);
    if (loop_files_read(path, &text, &ignored)) {
        return false;
    }
    const char *at = strrchr(text.data, ')');
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') {
        return false;
    }
    for (int field = 0; field <= STAT_START_FIELD && at; field++) {
        at = strchr(at + 1, ' ');
    }
    uint64_t ticks = 0;
    for (at = at ? at + 1 : NULL; at && *at >= '0' && *at <= '9'; at++) {
        ticks = ticks * 10 + (uint64_t)(*at - '0');
    }
    *ret_ticks = ticks;
    return at != NULL;
}

static void running_path(const char *folder, char ret_path[LOOP_PATH_BYTES_MAX])
{
    (void)snprintf(ret_path, LOOP_PATH_BYTES_MAX, "%s/running.json", folder);
}

/* Best effort: without it a command that outlives a killed loop is not ended at the resumption. */
static void keep_running(int pid, void *arg)
{
    const struct loop_machine *machine = arg;
    char path[LOOP_PATH_BYTES_MAX];
    cleanup(buf_done) struct buf text = {0};
    struct error ignored = {0};
    uint64_t ticks;

    if (start_of(pid, &ticks)) {
        running_path(machine->folder, path);
        buf_init(&text, RUNNING_BYTES_MAX);
        buf_printf(&text, "{\"pid\":%d,\"start_ticks\":%llu}\n", pid, (unsigned long long)ticks);
        if (loop_files_write(path, buf_str(&text), &ignored)) {
            say(STR("running.json could not be written"), arg);
        }
    }
}

static int read_running(const char *path, int *ret_pid, uint64_t *ret_ticks, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    cleanup(buf_done) struct buf text = {0};
    struct json_value root;
    uint64_t pid;

    buf_init(&text, (size_t)1 << 20);
    int code = loop_files_read(path, &text, error);
    if (!code && json_parser_new((size_t)1 << 20, &parser)) {
        code = error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    code = code ? code : json_parse(parser, buf_str(&text), &root, error);
    if (code) {
        return code;
    }
    if (!json_get_u64(json_at(root, "pid"), &pid) || pid < 2 || pid > INT32_MAX ||
        !json_get_u64(json_at(root, "start_ticks"), ret_ticks)) {
        return error_set(error, ERR_INVALID, "%s does not say which command ran", path);
    }
    *ret_pid = (int)pid;
    return OK;
}

static int end_left_over(const char *folder, void *arg, struct error *error)
{
    char path[LOOP_PATH_BYTES_MAX];
    uint64_t ticks = 0;
    uint64_t now;
    int pid = 0;

    running_path(folder, path);
    int code = read_running(path, &pid, &ticks, error);
    if (code) {
        return code == ERR_NOT_FOUND ? OK : code;
    }
    for (int waited = 0; start_of(pid, &now) && now == ticks; waited += END_LOOK_MS) {
        if (waited == 0) {
            say(STR("a command of the loop before still runs: it is ended"), arg);
        }
        if (waited == 0 || waited == END_WAIT_MS / 2) {
            (void)kill(-pid, waited ? SIGKILL : SIGTERM);
        }
        if (waited > END_WAIT_MS) {
            return error_set(error, ERR_IO, "process %d of the loop before does not end", pid);
        }
        wait_ms(END_LOOK_MS, NULL);
    }
    return loop_files_remove(path, error);
}

/* Ours and what was added; what is pointed to stays where it is. */
static char **merge_environment(const char *const *added)
{
    char **all = alloc_zeroed(ENVIRONMENT_MAX + 1, sizeof(*all));
    size_t count = 0;

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
    cleanup(alloc_free_pointer) char **environment = merge_environment(command->environment);
    cleanup(buf_done) struct buf why = {0};
    char path[LOOP_PATH_BYTES_MAX];
    struct error failure = {0};
    struct child_end end = {.exit_status = -1};

    if (!environment) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    const struct child_options options = {.arguments = command->words,
                                          .environment = environment,
                                          .timeout_ms = LOOP_COMMAND_S * 1000,
                                          .on_line = say_line,
                                          .on_start = keep_running,
                                          .is_cancelled = machine->is_to_end,
                                          .arg = arg};
    *ret_end = (struct loop_end){.exit_status = -1, .is_ended = true};
    int code = child_run(&options, out, &end, &failure);
    running_path(folder, path);
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
    return loop_files_remove(path, error);
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
