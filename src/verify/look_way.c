/*
 * The name and the connection, each by itself: a client that fails says only the last of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "verify/look.h"
#include "verify/wire.h"

#define PORT_TEXT_BYTES    8
#define SUBJECT_BYTES      (LOOK_PLACE_BYTES + 16)
#define ADDRESSES_TRIED    4u /* of a name with many */
#define NUMERIC_HOST_BYTES 64

static void free_addresses(struct addrinfo **addresses)
{
    if (*addresses) {
        freeaddrinfo(*addresses);
    }
}

static void close_socket(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static bool is_same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family) {
        return false;
    }
    if (a->sa_family == AF_INET) {
        return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
    }
    return a->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

/* 127.0.0.0/8 and 0.0.0.0 are this machine whatever its interfaces are called. */
static bool is_of_this_machine(const struct sockaddr *address)
{
    struct ifaddrs *interfaces = NULL;
    bool is_found = false;

    if (address->sa_family == AF_INET) {
        uint32_t number =
            ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);

        if (number >> 24 == 127 || number == 0) {
            return true;
        }
    }
    if (getifaddrs(&interfaces)) {
        return false;
    }
    for (const struct ifaddrs *one = interfaces; one && !is_found; one = one->ifa_next) {
        is_found = one->ifa_addr && is_same_address(one->ifa_addr, address);
    }
    freeifaddrs(interfaces);
    return is_found;
}

/* 0, or the errno of why not; ETIMEDOUT is also what silence becomes. */
static int try_connect(const struct addrinfo *address)
{
    cleanup(close_socket) int fd =
        socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof(failure);

    if (fd < 0) {
        return errno;
    }
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    if (poll(&wait, 1, (int)LOOK_CONNECT_MS) <= 0) {
        return ETIMEDOUT;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) ? errno : failure;
}

static void note_connection(struct looking *looking, int failure)
{
    char subject[SUBJECT_BYTES];

    (void)snprintf(subject, sizeof(subject), "connect %s", looking->asked.place);
    switch (failure) {
    case 0:
        look_note(looking, "probe", subject, "connected");
        break;
    case ECONNREFUSED:
        look_note(looking, "probe", subject, "refused");
        break;
    case ETIMEDOUT:
        look_note(looking, "probe", subject, "no answer in %u ms", LOOK_CONNECT_MS);
        break;
    default:
        look_note(looking, "probe", subject, "unreachable: %s", strerror(failure));
        break;
    }
}

void look_at_way(struct looking *looking)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    cleanup(free_addresses) struct addrinfo *addresses = NULL;
    char port[PORT_TEXT_BYTES];
    char subject[SUBJECT_BYTES];
    char numeric[NUMERIC_HOST_BYTES] = "";
    int failure = ETIMEDOUT;
    unsigned tried = 0;

    (void)snprintf(port, sizeof(port), "%u", looking->asked.port % 65536);
    (void)snprintf(subject, sizeof(subject), "name %s", looking->asked.host);
    int missing = getaddrinfo(looking->asked.host, port, &hints, &addresses);
    if (missing || !addresses) {
        look_note(looking, "probe", subject, "does not resolve: %s", gai_strerror(missing));
        return;
    }
    (void)getnameinfo(addresses->ai_addr, addresses->ai_addrlen, numeric, sizeof(numeric), NULL, 0,
                      NI_NUMERICHOST);
    look_note(looking, "probe", subject, "resolves to %s", numeric);
    for (const struct addrinfo *one = addresses; one && failure && tried < ADDRESSES_TRIED;
         one = one->ai_next, tried++) {
        looking->asked.is_here = looking->asked.is_here || is_of_this_machine(one->ai_addr);
        failure = try_connect(one);
    }
    note_connection(looking, failure);
}
