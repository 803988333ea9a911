/*
 * access: who may reach the server and how much of it they may use, out of the configuration into
 * the options of auth, http, api, runner and mail. 0 in a key of a limit means: none in local mode,
 * what suits a department in accounts mode.
 *
 *     access_read (secrets, lists) → access_auth, access_limits … → access_done (secrets wiped)
 *
 * Private to server/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_SERVER_ACCESS_H
#define NETRA_SERVER_ACCESS_H

#include "api/api.h"
#include "auth/private_file.h"
#include "http/mail.h"
#include "server/config.h"

#define ACCESS_LIST_MAX     16u
#define ACCESS_BURST_FACTOR 5u /* of address, user and key: so many seconds' worth at once */

/* A comma-separated list, taken apart. */
struct access_list {
    char text[CONFIG_VALUE_BYTES_MAX + 1];
    const char *items[ACCESS_LIST_MAX];
    size_t count;
};

struct access {
    bool has_accounts;
    struct private_file secret;        /* of accounts mode; length 0: none */
    struct private_file mail_password; /* length 0: none */
    struct access_list hosts;
    struct access_list origins;
    struct access_list proxies;
    struct http_tls_options tls;
};

/* ERR_USAGE: no secret where one is needed, one that is too short, in a file that others may read
 * or in the data folder; a list with too many names. access is to be done in any case. */
must_check int access_read(struct access *access, const struct config *config,
                           config_environment_fn *environment, struct error *error);
/* Wipes the secrets; the rest stays usable. */
void access_forget(struct access *access);
void access_done(struct access *access);

/* Each fills what configuration says, and leaves the parts alone. */
void access_auth(const struct access *access, const struct config *config,
                 struct auth_options *options);
void access_http(const struct access *access, const struct config *config,
                 struct http_server_options *options);
void access_runner(const struct access *access, const struct config *config,
                   struct runner_options *options);
struct api_limits access_limits(const struct access *access, const struct config *config);

/* False: no mail is configured. The texts are borrowed from both. */
bool access_mail(const struct access *access, const struct config *config,
                 struct mail_options *options);

#endif
