/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_role.h"

#include "server/config_access.h"
#include "server/url.h"

static const enum config_key url_keys[CONFIG_ROLE_COUNT] = {
    [CONFIG_ROLE_BACKEND] = CONFIG_SERVICE_BACKEND_URL,
    [CONFIG_ROLE_AUTH] = CONFIG_SERVICE_AUTH_URL,
    [CONFIG_ROLE_FRONTEND] = CONFIG_SERVICE_FRONTEND_URL,
};

const char *config_service_url(const struct config *config, enum config_role role)
{
    return role == CONFIG_ROLE_ALL ? NULL : config_text_or_null(config, url_keys[role]);
}

const char *config_own_url(const struct config *config)
{
    const char *url = config_text_or_null(config, CONFIG_PUBLIC_URL);

    return url ? url : config_service_url(config, config_role(config));
}

/* Origins are compared, and paths are added: nothing may stand behind the name. */
static int check_url(const struct config *config, enum config_key key, struct error *error)
{
    struct str url = str_from(config_text(config, key));
    bool is_seen = false;

    if (url.length == 0) {
        return OK;
    }
    const char *fault = url_fault(url, &is_seen);
    size_t begin = str_starts_with(url, STR("https://")) ? 8 : 7;
    if (!fault && url.length > CONFIG_PUBLIC_URL_BYTES_MAX) {
        fault = "is too long";
    }
    if (!fault && str_find(url, STR("/"), begin) != SIZE_MAX) {
        fault = "has something behind the name";
    }
    if (!fault && is_seen) {
        fault = "is http beyond this machine: tokens would be seen on their way";
    }
    if (!fault) {
        return OK;
    }
    (void)error_set(error, ERR_USAGE, "%s %s", config_rows[key].key, fault);
    error_hint(error, "Say https://auth.netra.example.org, as browsers reach it, without a path.");
    return ERR_USAGE;
}

static int need_url(const struct config *config, enum config_role role, struct error *error)
{
    if (config_service_url(config, role)) {
        return OK;
    }
    (void)error_set(error, ERR_USAGE, "role %s needs %s", config_text(config, CONFIG_ROLE),
                    config_rows[url_keys[role]].key);
    error_hint(error, "Say where browsers and the other services reach it: https://… (docs/"
                      "operations.md, Three processes).");
    return ERR_USAGE;
}

static int check_own_url(const struct config *config, struct error *error)
{
    const char *public_url = config_text_or_null(config, CONFIG_PUBLIC_URL);
    enum config_role role = config_role(config);
    const char *own = config_service_url(config, role);

    if (!public_url || !own || strcmp(public_url, own) == 0) {
        return OK;
    }
    (void)error_set(error, ERR_USAGE, "public_url and %s are two addresses of one process",
                    config_rows[url_keys[role]].key);
    error_hint(error, "Leave public_url out: %s says it.", config_rows[url_keys[role]].key);
    return ERR_USAGE;
}

int config_check_role(const struct config *config, struct error *error)
{
    enum config_role role = config_role(config);
    int code = OK;

    for (enum config_role each = CONFIG_ROLE_BACKEND; code == OK && each < CONFIG_ROLE_COUNT;
         each++) {
        code = check_url(config, url_keys[each], error);
    }
    if (code || role == CONFIG_ROLE_ALL) {
        return code;
    }
    if (!config_has_accounts(config)) {
        (void)error_set(error, ERR_USAGE, "role %s needs auth.mode = accounts",
                        config_text(config, CONFIG_ROLE));
        error_hint(error, "Local mode is one process on one machine: role all.");
        return ERR_USAGE;
    }
    code = check_own_url(config, error);
    if (code == OK && role != CONFIG_ROLE_AUTH) {
        code = need_url(config, CONFIG_ROLE_AUTH, error);
    }
    if (code == OK && role == CONFIG_ROLE_FRONTEND) {
        code = need_url(config, CONFIG_ROLE_BACKEND, error);
    }
    return code;
}
