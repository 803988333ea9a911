/*
 * Names are compared as they are written, without regard to case. Only the scheme's own port may be
 * left out: clients do so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/hosts.h"

#include "base/alloc.h"

static struct str without(struct str text, struct str suffix)
{
    return str_ends_with(text, suffix) ? str_slice(text, 0, text.length - suffix.length) : text;
}

int hosts_add(struct hosts *hosts, const char *name)
{
    if (name[0] == '\0' || hosts->count == AUTH_HOSTS_MAX) {
        return ERR_INVALID;
    }
    char *copy = alloc_text(name);
    if (!copy) {
        return ERR_NO_MEMORY;
    }
    hosts->lengths[hosts->count] = strlen(copy);
    hosts->names[hosts->count++] = copy;
    return OK;
}

void hosts_done(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        alloc_free(hosts->names[i]);
    }
    hosts->count = 0;
}

/* port: the scheme's own. */
static bool has(const struct hosts *hosts, struct str name, struct str port)
{
    struct str wanted = without(name, port);

    for (size_t i = 0; i < hosts->count && wanted.length; i++) {
        struct str known = {hosts->names[i], hosts->lengths[i]};

        if (str_equal_ascii_case(without(known, port), wanted)) {
            return true;
        }
    }
    return false;
}

bool hosts_has_host(const struct hosts *hosts, struct str host)
{
    return has(hosts, host, STR(":80"));
}

bool hosts_has_origin(const struct hosts *hosts, struct str origin)
{
    struct str http = STR("http://");
    struct str https = STR("https://");

    if (str_starts_with(origin, http)) {
        return has(hosts, str_slice(origin, http.length, origin.length), STR(":80"));
    }
    if (str_starts_with(origin, https)) {
        return has(hosts, str_slice(origin, https.length, origin.length), STR(":443"));
    }
    return false;
}
