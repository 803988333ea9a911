/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "netra_process.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void exec_netra(const struct netra *netra, int out)
{
    const char *program = getenv("NETRA_BIN");

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(out, STDOUT_FILENO);
    (void)setenv("NETRA_TOKEN", NETRA_PROCESS_TOKEN, 1);
    (void)execl(program, program, "serve", "--listen", "127.0.0.1:0", "--data-dir", netra->folder,
                (char *)NULL);
    _exit(127);
}

int netra_make_folder(struct netra *netra)
{
    (void)snprintf(netra->folder, sizeof(netra->folder), "/tmp/netra-bench-XXXXXX");
    return mkdtemp(netra->folder) ? 0 : -1;
}

int netra_start(struct netra *netra)
{
    int pipe_fds[2];
    static const char listening[] = "listening: http";
    unsigned long port = 0;
    char line[512];

    if (pipe(pipe_fds)) {
        return -1;
    }
    netra->pid = fork();
    if (netra->pid == 0) {
        exec_netra(netra, pipe_fds[1]);
    }
    (void)close(pipe_fds[1]);
    FILE *out = fdopen(pipe_fds[0], "r");
    while (out && !port && fgets(line, sizeof(line), out)) {
        const char *colon = strrchr(line, ':'); /* http://127.0.0.1:8421, or https */

        port = strncmp(line, listening, strlen(listening)) == 0 ? strtoul(colon + 1, NULL, 10) : 0;
    }
    netra->port = (uint16_t)port;
    return port ? 0 : -1; /* the pipe stays open: the program may still print to it */
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

void netra_stop(const struct netra *netra)
{
    int status;

    (void)kill(netra->pid, SIGTERM);
    (void)waitpid(netra->pid, &status, 0);
}

void netra_remove_folder(const struct netra *netra)
{
    (void)nftw(netra->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
