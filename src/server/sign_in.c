/*
 * What people need to come in: the server's names, mail, identity providers, and the first line
 * that says where to begin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "auth/accounts.h"
#include "base/check.h"
#include "server/config_role.h"
#include "server/server_state.h"

#define HOST_NAME_BYTES 160u

/* ---- mail, identity providers ---- */

static int make_mail(struct server *server, struct error *error)
{
    struct mail_options options = {.loop = server->loop};

    if (!access_mail(&server->access, server->config, &options)) {
        return OK;
    }
    if (!options.from) {
        (void)error_set(error, ERR_USAGE, "mail.url needs mail.from");
        error_hint(error, "Say who sends: mail.from = netra@example.org.");
        return ERR_USAGE;
    }
    int code = mail_new(&options, &server->mail, error);
    return code == ERR_INVALID ? error_set(error, ERR_USAGE, "%s", error->message) : code;
}

static const char *variable(const char *name)
{
    return getenv(name);
}

/* A client of its own: the authorities of model providers are not those of people. */
static int make_oidc(struct server *server, struct error *error)
{
    const char *file = config_text_or_null(server->config, CONFIG_AUTH_OIDC_FILE);
    struct oidc_options options = {.auth = server->auth, .file = file, .getenv = variable};

    if (!file || !server->access.has_accounts) {
        return OK;
    }
    int code = http_client_new(server->loop, /* ca_file */ NULL, &server->oidc_client, error);
    options.client = server->oidc_client;
    if (code == OK) {
        code = oidc_new(&options, &server->oidc, error);
    }
    return code == ERR_INVALID ? error_set(error, ERR_USAGE, "%s", error->message) : code;
}

int server_make_sign_in(struct server *server, struct error *error)
{
    int code = make_mail(server, error);

    if (!config_keeps_accounts(server->config)) {
        return code;
    }
    return code ? code : make_oidc(server, error);
}

void server_free_sign_in(struct server *server)
{
    oidc_free(server->oidc);
    http_client_free(server->oidc_client);
    mail_free(server->mail);
}

/* ---- names ---- */

/* "https://netra.example.org" → "netra.example.org": as browsers send it in Host. */
static int add_public_host(struct server *server, struct error *error)
{
    struct str url = str_from(server->url);
    size_t scheme = str_find(url, STR("://"), 0);

    check(scheme != SIZE_MAX);
    return auth_add_host(server->auth, server->url + scheme + 3, error);
}

int server_name_itself(struct server *server, const struct config_address *listen,
                       struct error *error)
{
    unsigned port = http_server_port(server->http);
    const char *public_url = config_own_url(server->config);
    const char *scheme = server->access.tls.cert_file ? "https" : "http";
    char name[HOST_NAME_BYTES];

    int length =
        snprintf(name, sizeof(name), listen->is_ipv6 ? "[%s]:%u" : "%s:%u", listen->address, port);
    check(length > 0 && (size_t)length < sizeof(name));
    int code = auth_add_host(server->auth, name, error);
    (void)snprintf(server->listen_url, sizeof(server->listen_url), "%s://%.*s", scheme,
                   (int)(sizeof(server->listen_url) - sizeof("https://")), name);
    (void)snprintf(server->url, sizeof(server->url), "%s",
                   public_url ? public_url : server->listen_url);
    if (code == OK) {
        (void)snprintf(name, sizeof(name), "localhost:%u", port);
        code = auth_add_host(server->auth, name, error);
    }
    if (code == OK && public_url) {
        code = add_public_host(server, error);
    }
    auth_set_url(server->auth, server->url);
    return code;
}

/* ---- the two lines ---- */

/* Where people begin. */
static const char *page_of(const struct server *server)
{
    const char *page = config_service_url(server->config, CONFIG_ROLE_FRONTEND);

    return page && config_role(server->config) != CONFIG_ROLE_ALL ? page : server->url;
}

static int print_sign_in(struct server *server, struct error *error)
{
    char code[AUTH_SECRET_TEXT_BYTES];
    bool has_accounts = server->access.has_accounts;
    bool keeps_accounts = config_keeps_accounts(server->config);
    const char *page = page_of(server);
    int failed = OK;

    if (!keeps_accounts || (has_accounts && !accounts_need_setup(server->auth))) {
        (void)printf("sign in: %s/\n", page);
        return OK;
    }
    failed =
        has_accounts ? accounts_setup_code(server->auth, code) : auth_new_code(server->auth, code);
    if (failed) {
        return error_set(error, ERR_IO, "the system gives no random bytes");
    }
    (void)printf(has_accounts ? "sign in: %s/?setup=%s\n" : "sign in: %s/auth/sign-in?code=%s\n",
                 page, code);
    return OK;
}

int server_announce(struct server *server, struct error *error)
{
    (void)printf("listening: %s\n", server->listen_url);
    int code = print_sign_in(server, error);

    if (code) {
        return code;
    }
    return fflush(stdout) ? error_set(error, ERR_IO, "cannot write to standard output: %m") : OK;
}
