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

#include "load.h"

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

/* The rest of a line behind the word, without its end; "" when it is not there. */
static void copy_behind(const char *line, const char *word, char *text, size_t size)
{
    const char *found = strstr(line, word);

    (void)snprintf(text, size, "%.*s", found ? (int)strcspn(found + strlen(word), "\r\n") : 0,
                   found ? found + strlen(word) : "");
}

int netra_start(struct netra *netra)
{
    int pipe_fds[2];
    static const char listening[] = "listening: http";
    unsigned long port = 0;
    char line[512];

    netra->setup_code[0] = '\0';

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
    if (port && out && fgets(line, sizeof(line), out)) { /* "sign in: …", printed with the other */
        copy_behind(line, "?setup=", netra->setup_code, sizeof(netra->setup_code));
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

/* ---- accounts ---- */

static const char *const account_settings[][2] = {
    {"NETRA_AUTH_MODE", "accounts"},
    {"NETRA_AUTH_SECRET", "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"},
    {"NETRA_LIMIT_ADDRESS_PER_S", "1000000"},
    {"NETRA_LIMIT_USER_PER_S", "1000000"},
    {"NETRA_LIMIT_KEY_PER_S", "1000000"},
    {"NETRA_LIMIT_COSTLY_PER_MIN", "1000000"},
};
#define ACCOUNT_SETTINGS (sizeof(account_settings) / sizeof(account_settings[0]))

void netra_want_accounts(void)
{
    for (size_t i = 0; i < ACCOUNT_SETTINGS; i++) {
        (void)setenv(account_settings[i][0], account_settings[i][1], 1);
    }
}

void netra_forget_accounts(void)
{
    for (size_t i = 0; i < ACCOUNT_SETTINGS; i++) {
        (void)unsetenv(account_settings[i][0]);
    }
}

/* The first text member of that name in a JSON answer, which holds no escapes. */
static int read_text(const char *json, const char *name, char *text, size_t size)
{
    char quoted[64];

    (void)snprintf(quoted, sizeof(quoted), "\"%s\":\"", name);
    const char *begin = strstr(json, quoted);
    size_t length = begin ? strcspn(begin + strlen(quoted), "\"") : 0;
    if (length == 0 || length >= size) {
        return -1;
    }
    memcpy(text, begin + strlen(quoted), length);
    text[length] = '\0';
    return 0;
}

int netra_make_admin(const struct netra *netra, struct netra_admin *ret_admin)
{
    struct netra_admin *admin = ret_admin;
    char id[64];
    char json[512];
    char text[8192];

    (void)snprintf(json, sizeof(json),
                   "{\"code\":\"%s\",\"email\":\"admin@example.org\",\"name\":\"Admin\","
                   "\"password\":\"correct horse battery\"}",
                   netra->setup_code);
    if (load_request(netra->port, "none", "/auth/register", json, text, sizeof(text)) != 201 ||
        read_text(text, "access_token", admin->token, sizeof(admin->token)) ||
        load_request(netra->port, admin->token, "/api/keys",
                     "{\"name\":\"bench\",\"scopes\":[\"read\"]}", text, sizeof(text)) != 201 ||
        read_text(text, "key", admin->key, sizeof(admin->key)) ||
        load_request(netra->port, admin->token, "/api/threads", "{\"title\":\"Costs\"}", text,
                     sizeof(text)) != 201 ||
        read_text(text, "id", id, sizeof(id))) {
        (void)fprintf(stderr, "no admin could be made: %s\n", text);
        return -1;
    }
    (void)snprintf(admin->thread_path, sizeof(admin->thread_path), "/api/threads/%s", id);
    return 0;
}

void netra_remove_folder(const struct netra *netra)
{
    (void)nftw(netra->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
