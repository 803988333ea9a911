/*
 * Who has a port of this machine: its line in /proc/net/tcp names a socket, and the process that
 * has the socket among its files is its owner. Processes of other users are seen by root only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "verify/facts.h"
#include "verify/proc.h"

#define LISTENING       10u /* TCP_LISTEN, "0A" */
#define ESTABLISHED     1u
#define WORDS           10u
#define SUBJECT_BYTES   (LOOK_PLACE_BYTES + 64)
#define WHOSE_BYTES     32u
#define PLACES_BYTES    200u
#define FILES_LOOKED_AT 70000u /* of a process */

/* One line of /proc/net/tcp or tcp6. */
struct socket_line {
    unsigned port;
    unsigned state;
    unsigned long waiting; /* of a listening one: connections that nobody has taken yet */
    unsigned long inode;
};

static void close_file(FILE **file)
{
    if (*file) {
        (void)fclose(*file);
    }
}

static void close_folder(DIR **folder)
{
    if (*folder) {
        (void)closedir(*folder);
    }
}

/* "sl local remote st tx:rx tr:when retrnsmt uid timeout inode", numbers but the last two
 * hexadecimal, addresses "0100007F:20E5". */
static bool read_line(const char *line, struct socket_line *ret)
{
    struct str words[WORDS];

    if (proc_words(line, words, WORDS) < WORDS) {
        return false;
    }
    const char *port = memchr(words[1].data, ':', words[1].length);
    const char *waiting = memchr(words[4].data, ':', words[4].length);
    if (!port || !waiting) {
        return false; /* the head of the table */
    }
    ret->port = (unsigned)strtoul(port + 1, NULL, 16);
    ret->state = (unsigned)strtoul(words[3].data, NULL, 16);
    ret->waiting = strtoul(waiting + 1, NULL, 16);
    ret->inode = strtoul(words[9].data, NULL, 10);
    return true;
}

/* Calls found for each socket until it says false. */
static void each_socket(bool (*found)(const struct socket_line *line, void *arg), void *arg)
{
    static const char *const files[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    char line[512];

    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        cleanup(close_file) FILE *file = fopen(files[i], "re");
        struct socket_line socket;

        while (file && fgets(line, sizeof(line), file)) {
            if (read_line(line, &socket) && !found(&socket, arg)) {
                return;
            }
        }
    }
}

/* ---- owners ---- */

static bool has_socket(pid_t pid, unsigned long inode)
{
    char path[PROC_PATH_BYTES];
    char wanted[PROC_PATH_BYTES];
    char target[PROC_PATH_BYTES];
    unsigned looked_at = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    (void)snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    cleanup(close_folder) DIR *folder = opendir(path);
    for (const struct dirent *entry;
         folder && looked_at < FILES_LOOKED_AT && (entry = readdir(folder)); looked_at++) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);

        if (length > 0) {
            target[length] = '\0';
            if (strcmp(target, wanted) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* More than one may have it: a holder passes it on. The last that was started serves. 0: none that
 * can be seen. */
static pid_t owner_of(unsigned long inode)
{
    cleanup(close_folder) DIR *folder = opendir("/proc");
    pid_t owner = 0;

    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid > 0 && has_socket(pid, inode) && pid > owner) {
            owner = pid;
        }
    }
    return owner;
}

/* ---- the port that was asked ---- */

struct port_seen {
    unsigned port;
    bool is_listening;
    unsigned long waiting;
    unsigned long inode;
    unsigned connections;
};

static bool see(const struct socket_line *line, void *arg)
{
    struct port_seen *seen = arg;

    if (line->port == seen->port && line->state == LISTENING) {
        seen->is_listening = true;
        seen->waiting = line->waiting;
        seen->inode = line->inode;
    }
    seen->connections += line->port == seen->port && line->state == ESTABLISHED;
    return true;
}

static void note_owner(struct looking *looking, const char *subject, pid_t owner)
{
    char whose[WHOSE_BYTES];
    char about[SUBJECT_BYTES];
    char program[PROC_NAME_BYTES];
    char state[PROC_STATE_BYTES];

    (void)snprintf(whose, sizeof(whose), "process %d", (int)owner);
    if (!proc_program(owner, program) || !proc_state(owner, state)) {
        look_note(looking, "port", subject, "a process that ended meanwhile");
        return;
    }
    look_note(looking, "port", subject, "process %d (%s)", (int)owner, program);
    (void)snprintf(about, sizeof(about), "program of %s", whose);
    look_note(looking, "port", about, "%s", program);
    (void)snprintf(about, sizeof(about), "state of %s", whose);
    look_note(looking, "port", about, "%s", state);
    look_at_limits(looking, "port", whose, owner);
}

void look_at_port(struct looking *looking)
{
    struct port_seen seen = {.port = looking->asked.port};
    char subject[SUBJECT_BYTES];
    char about[SUBJECT_BYTES];

    if (access("/proc/net/tcp", R_OK)) {
        return;
    }
    each_socket(see, &seen);
    (void)snprintf(subject, sizeof(subject), "listener of port %u", seen.port);
    if (!seen.is_listening) {
        look_note(looking, "port", subject, "nobody");
        return;
    }
    pid_t owner = owner_of(seen.inode);
    if (owner) {
        note_owner(looking, subject, owner);
    } else {
        look_note(looking, "port", subject, "a process that this user may not see");
    }
    (void)snprintf(about, sizeof(about), "waiting connections of port %u", seen.port);
    look_note(looking, "port", about, "%lu", seen.waiting);
    (void)snprintf(about, sizeof(about), "connections of port %u", seen.port);
    look_note(looking, "port", about, "%u", seen.connections);
}

/* ---- the ports of a process ---- */

struct ports_of {
    pid_t pid;
    char text[PLACES_BYTES];
    size_t length;
};

static bool add_port(const struct socket_line *line, void *arg)
{
    struct ports_of *ports = arg;

    if (line->state == LISTENING && ports->length + 24 < sizeof(ports->text) &&
        has_socket(ports->pid, line->inode)) {
        ports->length +=
            (size_t)snprintf(ports->text + ports->length, sizeof(ports->text) - ports->length,
                             "%sport %u", ports->length ? ", " : "", line->port);
    }
    return true;
}

bool proc_listens_on(pid_t pid, char *ret_text, size_t capacity)
{
    struct ports_of ports = {.pid = pid};

    each_socket(add_port, &ports);
    (void)snprintf(ret_text, capacity, "%s", ports.text);
    return ports.length > 0;
}
