/* SPDX-License-Identifier: Apache-2.0 */
#include "server/inherited.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NUMBER_DIGITS_MAX 9u

/* Digits and nothing else; -1 for anything that is no such number. */
static long number_of(const char *text)
{
    size_t length = text ? strspn(text, "0123456789") : 0;

    if (length == 0 || length > NUMBER_DIGITS_MAX || text[length]) {
        return -1;
    }
    return strtol(text, NULL, 10);
}

static bool listens_for_tcp(int fd)
{
    int type = 0;
    int accepts = 0;
    int protocol = 0;
    socklen_t size = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           protocol == IPPROTO_TCP &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts;
}

/* The address in the words of the configuration, so that its rules are applied to it. */
static int name_socket(int fd, struct inherited *inherited)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    char text[INET6_ADDRSTRLEN];

    if (getsockname(fd, (struct sockaddr *)&address, &size)) {
        return ERR_INVALID;
    }
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *ip4 = (const struct sockaddr_in *)&address;

        (void)inet_ntop(AF_INET, &ip4->sin_addr, text, sizeof(text));
        (void)snprintf(inherited->listen, sizeof(inherited->listen), "%s:%u", text,
                       (unsigned)ntohs(ip4->sin_port));
        return OK;
    }
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)&address;

        (void)inet_ntop(AF_INET6, &ip6->sin6_addr, text, sizeof(text));
        (void)snprintf(inherited->listen, sizeof(inherited->listen), "[%s]:%u", text,
                       (unsigned)ntohs(ip6->sin6_port));
        return OK;
    }
    return ERR_INVALID;
}

int inherited_find(config_environment_fn *environment, struct inherited *ret_inherited,
                   struct error *error)
{
    struct inherited found = {.fd = INHERITED_FD};
    const char *count = environment("LISTEN_FDS");

    if (!count || number_of(environment("LISTEN_PID")) != (long)getpid()) {
        *ret_inherited = (struct inherited){0};
        return OK;
    }
    if (number_of(count) != INHERITED_SOCKETS_MAX) {
        (void)error_set(error, ERR_USAGE, "cannot take LISTEN_FDS=%s: one socket is served", count);
        error_hint(error, "Give the socket unit one ListenStream=.");
        return ERR_USAGE;
    }
    if (!listens_for_tcp(found.fd) || name_socket(found.fd, &found)) {
        (void)error_set(error, ERR_USAGE,
                        "cannot take descriptor %d of LISTEN_FDS: not a TCP socket that listens",
                        found.fd);
        error_hint(error, "ListenStream= takes an address and a port, 127.0.0.1:8421; "
                          "Accept= must be no.");
        return ERR_USAGE;
    }
    *ret_inherited = found;
    return OK;
}

void inherited_forget(void)
{
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
}
