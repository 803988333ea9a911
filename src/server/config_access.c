/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_access.h"

#include "server/config_role.h"
#include "server/url.h"

static bool has_text(const struct config *config, enum config_key key)
{
    return config_text_or_null(config, key) != NULL;
}

static bool has_https(const struct config *config)
{
    const char *url = config_own_url(config);

    return has_text(config, CONFIG_TLS_CERT_FILE) ||
           (url && str_starts_with(str_from(url), STR("https://")));
}

static int check_tls(const struct config *config, struct error *error)
{
    if (has_text(config, CONFIG_TLS_CERT_FILE) == has_text(config, CONFIG_TLS_KEY_FILE)) {
        return OK;
    }
    (void)error_set(error, ERR_USAGE, "tls.cert_file and tls.key_file belong together");
    error_hint(error, "Set both, or neither and a proxy in front with public_url.");
    return ERR_USAGE;
}

/* Nothing behind the name: links are made by adding a path, and browsers compare origins. */
static int check_public_url(const struct config *config, struct error *error)
{
    struct str url = str_from(config_text(config, CONFIG_PUBLIC_URL));
    bool is_seen;

    if (url.length == 0) {
        return OK;
    }
    const char *fault = url_fault(url, &is_seen);
    size_t scheme = str_starts_with(url, STR("https://")) ? 8 : 7;
    if (!fault && url.length > CONFIG_PUBLIC_URL_BYTES_MAX) {
        fault = "is too long";
    }
    if (!fault && str_find(url, STR("/"), scheme) != SIZE_MAX) {
        fault = "has something behind the name";
    }
    if (!fault && !str_starts_with(url, STR("https://")) &&
        has_text(config, CONFIG_TLS_CERT_FILE)) {
        fault = "is http, but the server speaks TLS";
    }
    if (!fault) {
        return OK;
    }
    (void)error_set(error, ERR_USAGE, "public_url %s", fault);
    error_hint(error, "Say https://netra.example.org, as people write it, without a path.");
    return ERR_USAGE;
}

static int refuse_local_mode(const struct config *config, struct error *error)
{
    (void)error_set(error, ERR_USAGE,
                    "will not listen on %s: local mode serves one user on loopback only",
                    config_text(config, CONFIG_LISTEN));
    error_hint(error, "For several people: auth.mode = accounts with TLS (docs/operations.md). For "
                      "yourself: ssh -L 8421:127.0.0.1:8421 HOST.");
    return ERR_USAGE;
}

static int refuse_plain(const struct config *config, struct error *error)
{
    (void)error_set(error, ERR_USAGE,
                    "will not listen on %s without TLS: passwords and tokens would be seen",
                    config_text(config, CONFIG_LISTEN));
    error_hint(error, "Set tls.cert_file and tls.key_file, or a public_url of https when a proxy "
                      "with TLS is in front.");
    return ERR_USAGE;
}

static int check_beyond_loopback(const struct config *config, struct error *error)
{
    if (!config_has_accounts(config)) {
        return refuse_local_mode(config, error);
    }
    if (!has_https(config)) {
        return refuse_plain(config, error);
    }
    if (config_number(config, CONFIG_FAULTS_ALLOWED) != 0 &&
        !str_equal(str_from(config_text(config, CONFIG_DEPLOYMENT)), STR(CONFIG_STAGING))) {
        (void)error_set(error, ERR_USAGE, "will not take faults on %s",
                        config_text(config, CONFIG_LISTEN));
        error_hint(error, "faults.allowed is for loopback, or for a deployment that is called "
                          "staging.");
        return ERR_USAGE;
    }
    return OK;
}

int config_check_access(const struct config *config, struct error *error)
{
    int code = check_tls(config, error);

    if (code == OK) {
        code = check_public_url(config, error);
    }
    return code || config_listen(config).is_loopback ? code : check_beyond_loopback(config, error);
}
