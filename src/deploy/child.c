/*
 * posix_spawn, two pipes and poll. The end of the process is looked for between two looks at the
 * pipes: a descriptor for it (pidfd) would save those, at the price of kernels that have none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS    20
#define READ_BYTES 16384u
#define PIPES      2

struct running {
    const struct child_options *options;
    struct buf *out;
    struct child_end *end;
    pid_t pid;
    int fds[PIPES]; /* standard output, standard error; -1: closed, or not ours */
    char line[CHILD_LINE_BYTES_MAX];
    size_t line_length;
    int64_t began_us;
    int64_t ended_us; /* 0: it runs */
    int64_t kill_us;  /* when SIGKILL is due; 0: it was not told to end */
};

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- its output ---- */

static void tell_line(struct running *running)
{
    running->options->on_line((struct str){running->line, running->line_length},
                              running->options->arg);
    running->line_length = 0;
}

static void take_error(struct running *running, struct str piece)
{
    for (size_t i = 0; i < piece.length; i++) {
        if (piece.data[i] == '\n') {
            tell_line(running);
            continue;
        }
        if (running->line_length == sizeof(running->line)) {
            tell_line(running);
        }
        running->line[running->line_length++] = piece.data[i];
    }
}

static void take_output(struct running *running, struct str piece)
{
    struct buf *out = running->out;
    size_t room = out->limit - out->length;

    running->end->out_bytes += piece.length;
    buf_append(out, str_slice(piece, 0, piece.length < room ? piece.length : room));
}

static void read_pipe(struct running *running, int which)
{
    char bytes[READ_BYTES];
    ssize_t length = read(running->fds[which], bytes, sizeof(bytes));

    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (length <= 0) {
        (void)close(running->fds[which]);
        running->fds[which] = -1;
        return;
    }
    struct str piece = {bytes, (size_t)length};
    if (which == 0) {
        take_output(running, piece);
    } else {
        take_error(running, piece);
    }
}

/* Waits a moment for something to read. */
static void look_at_pipes(struct running *running)
{
    struct pollfd polled[PIPES];

    for (int i = 0; i < PIPES; i++) {
        polled[i] = (struct pollfd){.fd = running->fds[i], .events = POLLIN};
    }
    if (poll(polled, PIPES, LOOK_MS) <= 0) {
        return;
    }
    for (int i = 0; i < PIPES; i++) {
        if (running->fds[i] >= 0 && polled[i].revents) {
            read_pipe(running, i);
        }
    }
}

/* ---- its end ---- */

static void look_for_end(struct running *running)
{
    int status;

    if (running->ended_us || waitpid(running->pid, &status, WNOHANG) != running->pid) {
        return;
    }
    running->ended_us = now_us();
    running->end->duration_us = running->ended_us - running->began_us;
    running->end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    running->end->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_due(struct running *running, int64_t at_us)
{
    const struct child_options *options = running->options;

    if (options->is_cancelled && *options->is_cancelled) {
        running->end->is_cancelled = true;
    } else if (options->timeout_ms &&
               at_us - running->began_us >= (int64_t)options->timeout_ms * 1000) {
        running->end->is_timed_out = true;
    }
    return running->end->is_cancelled || running->end->is_timed_out;
}

static void end_group(struct running *running)
{
    int64_t at_us = now_us();

    if (!running->kill_us && is_due(running, at_us)) {
        (void)kill(-running->pid, SIGTERM);
        running->kill_us = at_us + (int64_t)CHILD_KILL_MS * 1000;
    } else if (running->kill_us && at_us >= running->kill_us) {
        (void)kill(-running->pid, SIGKILL);
    }
}

static bool is_over(const struct running *running)
{
    bool is_silent = running->fds[0] < 0 && running->fds[1] < 0;

    return running->ended_us &&
           (is_silent || now_us() - running->ended_us >= (int64_t)CHILD_REST_MS * 1000);
}

/* ---- its beginning ---- */

static void close_pipe(int pipe_fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (pipe_fds[i] >= 0) {
            (void)close(pipe_fds[i]);
        }
        pipe_fds[i] = -1;
    }
}

static int plan_files(posix_spawn_file_actions_t *actions, const struct child_options *options,
                      int out, int err)
{
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (!failed && out >= 0) {
        failed = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    }
    if (!failed && err >= 0) {
        failed = posix_spawn_file_actions_adddup2(actions, err, STDERR_FILENO);
    }
    if (!failed && options->folder) {
        failed = posix_spawn_file_actions_addchdir_np(actions, options->folder);
    }
    return failed;
}

/* A group of its own, and signals as if nobody had ever ignored one. */
static int plan_signals(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    int flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    int failed = posix_spawnattr_setflags(attributes, (short)flags);
    if (!failed) {
        failed = posix_spawnattr_setpgroup(attributes, 0);
    }
    if (!failed) {
        failed = posix_spawnattr_setsigdefault(attributes, &all);
    }
    return failed ? failed : posix_spawnattr_setsigmask(attributes, &none);
}

static int spawn(struct running *running, int out, int err)
{
    const struct child_options *options = running->options;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);

    if (failed) {
        return failed;
    }
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = plan_files(&actions, options, out, err);
        if (!failed) {
            failed = plan_signals(&attributes);
        }
        if (!failed) {
            failed = posix_spawnp(&running->pid, options->arguments[0], &actions, &attributes,
                                  (char *const *)(uintptr_t)options->arguments,
                                  options->environment ? options->environment : environ);
        }
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static int begin(struct running *running, struct error *error)
{
    int pipes[PIPES][2] = {{-1, -1}, {-1, -1}};
    int failed = 0;

    if ((running->out && pipe2(pipes[0], O_CLOEXEC)) ||
        (running->options->on_line && pipe2(pipes[1], O_CLOEXEC))) {
        failed = errno;
    }
    running->began_us = now_us();
    if (!failed) {
        failed = spawn(running, pipes[0][1], pipes[1][1]);
    }
    if (!failed) {
        for (int i = 0; i < PIPES; i++) {
            running->fds[i] = pipes[i][0];
            pipes[i][0] = -1;
        }
    }
    close_pipe(pipes[0]);
    close_pipe(pipes[1]);
    return failed ? error_set(error, ERR_IO, "cannot start %s: %s", running->options->arguments[0],
                              strerror(failed))
                  : OK;
}

int child_run(const struct child_options *options, struct buf *out, struct child_end *ret_end,
              struct error *error)
{
    struct child_end end = {.exit_status = -1};
    struct running running = {.options = options, .out = out, .end = &end, .fds = {-1, -1}};
    int code = begin(&running, error);

    if (code) {
        return code;
    }
    if (options->on_start) {
        options->on_start(running.pid, options->arg);
    }
    while (!is_over(&running)) {
        look_at_pipes(&running);
        look_for_end(&running);
        if (!running.ended_us) {
            end_group(&running);
        }
    }
    if (running.kill_us) {
        (void)kill(-running.pid, SIGKILL); /* what it has left behind in its group */
    }
    if (running.line_length) {
        tell_line(&running);
    }
    close_pipe(running.fds);
    *ret_end = end;
    return out && buf_status(out) == ERR_NO_MEMORY
               ? error_set(error, ERR_NO_MEMORY, "out of memory")
               : OK;
}

void child_end_print(const struct child_end *end, struct buf *out)
{
    if (end->is_cancelled) {
        buf_append(out, STR("cancelled"));
    } else if (end->is_timed_out) {
        buf_printf(out, "no end within %lld s", (long long)(end->duration_us / 1000000));
    } else if (end->signal) {
        buf_printf(out, "signal %d", end->signal);
    } else {
        buf_printf(out, "exit status %d", end->exit_status);
    }
}
