/* SPDX-License-Identifier: Apache-2.0 */
#include "server/access.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/config_access.h"
#include "server/config_role.h"

#define SECRET_VARIABLE        "NETRA_AUTH_SECRET"
#define MAIL_PASSWORD_VARIABLE "NETRA_MAIL_PASSWORD"

/* What a department gets where the configuration says 0. */
#define DEPARTMENT_ADDRESS_PER_S           200u
#define DEPARTMENT_USER_PER_S              50u
#define DEPARTMENT_KEY_PER_S               20u
#define DEPARTMENT_COSTLY_PER_MIN          60u
#define DEPARTMENT_WEBSOCKETS_PER_USER     50u
#define DEPARTMENT_CONNECTIONS_PER_ADDRESS 500u
#define DEPARTMENT_WAITING_PER_USER        50u
#define MINUTE_S                           60u

/* ---- secrets ---- */

/* Without white space at both ends, and ended by a NUL. */
static void trim(struct private_file *file)
{
    struct str trimmed = str_trim((struct str){file->text, file->length});

    memmove(file->text, trimmed.data ? trimmed.data : "", trimmed.length);
    explicit_bzero(file->text + trimmed.length, sizeof(file->text) - trimmed.length);
    file->length = trimmed.length;
}

static int keep_variable(const char *name, const char *value, struct private_file *ret_file,
                         struct error *error)
{
    size_t length = strlen(value);

    if (length > PRIVATE_FILE_BYTES_MAX) {
        return error_set(error, ERR_USAGE, "%s is too long", name);
    }
    memcpy(ret_file->text, value, length);
    ret_file->length = length;
    trim(ret_file);
    return OK;
}

/* The variable, else the file, else nothing. Messages never repeat any of it. */
static int read_secret(const char *variable, const char *value, const char *path,
                       struct private_file *ret_file, struct error *error)
{
    if (value && value[0]) {
        return keep_variable(variable, value, ret_file, error);
    }
    int code = path ? private_file_read(path, ret_file, error) : OK;
    if (code == ERR_NOT_FOUND) {
        return error_set(error, ERR_USAGE, "cannot read %s: there is no such file", path);
    }
    if (code) {
        error->code = ERR_USAGE;
        return ERR_USAGE;
    }
    trim(ret_file);
    return OK;
}

/* A back-up of the data folder must not hold what opens the keys in it. */
static bool is_inside(const char *path, const char *folder)
{
    char whole_path[PATH_MAX];
    char whole_folder[PATH_MAX];

    if (!realpath(path, whole_path) || !realpath(folder, whole_folder)) {
        return false; /* a folder that is not there yet holds nothing */
    }
    struct str inside = str_from(whole_path);
    struct str outer = str_from(whole_folder);
    return str_starts_with(inside, outer) && inside.length > outer.length &&
           (outer.data[outer.length - 1] == '/' || inside.data[outer.length] == '/');
}

static int refuse_secret(struct error *error, const char *why)
{
    (void)error_set(error, ERR_USAGE, "accounts mode needs a secret: %s", why);
    error_hint(error, "Make one: openssl rand -hex 32 >FILE; chmod 600 FILE; then "
                      "auth.secret_file = FILE, or " SECRET_VARIABLE ".");
    return ERR_USAGE;
}

static int read_auth_secret(struct access *access, const struct config *config,
                            config_environment_fn *environment, struct error *error)
{
    const char *path = config_text_or_null(config, CONFIG_AUTH_SECRET_FILE);
    int code =
        read_secret(SECRET_VARIABLE, environment(SECRET_VARIABLE), path, &access->secret, error);

    if (code) {
        return code;
    }
    if (path && is_inside(path, config_text(config, CONFIG_DATA_DIR))) {
        return refuse_secret(error, "auth.secret_file is in the data folder");
    }
    if (access->secret.length == 0) {
        return refuse_secret(error, "there is none");
    }
    if (private_file_secret(&access->secret).length < AUTH_SECRET_BYTES_MIN) {
        return refuse_secret(error, "this one is shorter than 32 visible characters");
    }
    return OK;
}

/* ---- lists ---- */

static int read_list(const struct config *config, enum config_key key, struct access_list *list,
                     struct error *error)
{
    const char *name = config_rows[key].key;
    char *at = list->text;

    (void)snprintf(list->text, sizeof(list->text), "%s", config_text(config, key));
    while (at) {
        char *comma = strchr(at, ',');

        if (comma) {
            *comma = '\0';
        }
        struct str item = str_trim(str_from(at));
        if (item.length) {
            if (list->count == ACCESS_LIST_MAX) {
                return error_set(error, ERR_USAGE, "%s has more than %u names", name,
                                 ACCESS_LIST_MAX);
            }
            at[(size_t)(item.data - at) + item.length] = '\0';
            list->items[list->count++] = item.data;
        }
        at = comma ? comma + 1 : NULL;
    }
    return OK;
}

/* ---- reading ---- */

/* The page of another process asks the backend with a bearer, as any that is allowed. */
static int add_page(const struct config *config, struct access_list *origins, struct error *error)
{
    const char *page = config_service_url(config, CONFIG_ROLE_FRONTEND);

    if (page && origins->count == ACCESS_LIST_MAX) {
        return error_set(error, ERR_USAGE, "allowed_origins has too many for the page to be one");
    }
    if (page) {
        origins->items[origins->count++] = page;
    }
    return OK;
}

int access_read(struct access *access, const struct config *config,
                config_environment_fn *environment, struct error *error)
{
    *access =
        (struct access){.has_accounts = config_has_accounts(config),
                        .tls = {.cert_file = config_text_or_null(config, CONFIG_TLS_CERT_FILE),
                                .key_file = config_text_or_null(config, CONFIG_TLS_KEY_FILE)}};
    bool needs_secret = access->has_accounts && config_keeps_accounts(config);
    int code = needs_secret ? read_auth_secret(access, config, environment, error) : OK;
    if (code == OK && config_text_or_null(config, CONFIG_MAIL_URL)) {
        code = read_secret(MAIL_PASSWORD_VARIABLE, environment(MAIL_PASSWORD_VARIABLE),
                           config_text_or_null(config, CONFIG_MAIL_PASSWORD_FILE),
                           &access->mail_password, error);
    }
    if (code == OK) {
        code = read_list(config, CONFIG_ALLOWED_HOSTS, &access->hosts, error);
    }
    if (code == OK) {
        code = read_list(config, CONFIG_ALLOWED_ORIGINS, &access->origins, error);
    }
    if (code == OK && config_role(config) == CONFIG_ROLE_BACKEND) {
        code = add_page(config, &access->origins, error);
    }
    if (code == OK) {
        code = read_list(config, CONFIG_HTTP_TRUSTED_PROXIES, &access->proxies, error);
    }
    return code;
}

void access_forget(struct access *access)
{
    private_file_wipe(&access->secret);
    private_file_wipe(&access->mail_password);
}

void access_done(struct access *access)
{
    access_forget(access);
    *access = (struct access){0};
}

/* ---- options ---- */

void access_auth(const struct access *access, const struct config *config,
                 struct auth_options *options)
{
    enum config_role role = config_role(config);

    options->mode = !access->has_accounts           ? AUTH_MODE_LOCAL
                    : config_keeps_accounts(config) ? AUTH_MODE_ACCOUNTS
                                                    : AUTH_MODE_ELSEWHERE;
    if (role == CONFIG_ROLE_AUTH) {
        options->page_origin = config_service_url(config, CONFIG_ROLE_FRONTEND);
    }
    if (role == CONFIG_ROLE_BACKEND) {
        options->issuer_url = config_service_url(config, CONFIG_ROLE_AUTH);
        options->data_dir = config_text(config, CONFIG_DATA_DIR);
    }
    options->hosts = access->hosts.items;
    options->host_count = access->hosts.count;
    options->origins = access->origins.items;
    options->origin_count = access->origins.count;
    options->secret = private_file_secret(&access->secret);
    options->allows_passwords = config_number(config, CONFIG_AUTH_PASSWORDS) != 0;
    options->access_token_s = (int64_t)config_number(config, CONFIG_AUTH_ACCESS_TOKEN_S);
    options->session_days = (int64_t)config_number(config, CONFIG_AUTH_SESSION_DAYS);
    options->idle_days = (int64_t)config_number(config, CONFIG_AUTH_IDLE_DAYS);
    options->signing_key_days = (int64_t)config_number(config, CONFIG_AUTH_SIGNING_KEY_DAYS);
    options->lockout_failures = (unsigned)config_number(config, CONFIG_AUTH_LOCKOUT_FAILURES);
}

/* The value of a key; where it says 0, what suits the mode. */
static uint64_t number_or(const struct access *access, const struct config *config,
                          enum config_key key, uint64_t of_department)
{
    uint64_t asked = config_number(config, key);

    return asked || !access->has_accounts ? asked : of_department;
}

void access_http(const struct access *access, const struct config *config,
                 struct http_server_options *options)
{
    options->limits.connections_per_address_max =
        (unsigned)number_or(access, config, CONFIG_HTTP_CONNECTIONS_PER_ADDRESS_MAX,
                            DEPARTMENT_CONNECTIONS_PER_ADDRESS);
    options->tls = access->tls.cert_file ? &access->tls : NULL;
    options->trusted_proxies = access->proxies.items;
    options->trusted_proxy_count = access->proxies.count;
    options->compresses = config_number(config, CONFIG_HTTP_COMPRESS) != 0;
}

void access_runner(const struct access *access, const struct config *config,
                   struct runner_options *options)
{
    unsigned half = (options->concurrent_max + 1) / 2;

    options->concurrent_owner_max =
        (unsigned)number_or(access, config, CONFIG_RUNS_PER_USER_MAX, half);
    options->waiting_owner_max = (unsigned)number_or(
        access, config, CONFIG_RUNS_WAITING_PER_USER_MAX, DEPARTMENT_WAITING_PER_USER);
    options->model_tokens_day_max = config_number(config, CONFIG_QUOTA_MODEL_TOKENS_PER_DAY);
}

static struct api_limit_rule per_second(uint64_t tokens)
{
    return (struct api_limit_rule){
        .tokens = tokens, .per_s = 1, .burst = tokens * ACCESS_BURST_FACTOR};
}

static struct api_limit_rule per_minute(uint64_t tokens)
{
    return (struct api_limit_rule){.tokens = tokens, .per_s = MINUTE_S, .burst = tokens};
}

struct api_limits access_limits(const struct access *access, const struct config *config)
{
    return (struct api_limits){
        .rules =
            {
                [API_LIMIT_ADDRESS] = per_second(number_or(
                    access, config, CONFIG_LIMIT_ADDRESS_PER_S, DEPARTMENT_ADDRESS_PER_S)),
                [API_LIMIT_USER] = per_second(
                    number_or(access, config, CONFIG_LIMIT_USER_PER_S, DEPARTMENT_USER_PER_S)),
                [API_LIMIT_KEY] = per_second(
                    number_or(access, config, CONFIG_LIMIT_KEY_PER_S, DEPARTMENT_KEY_PER_S)),
                [API_LIMIT_COSTLY] = per_minute(number_or(
                    access, config, CONFIG_LIMIT_COSTLY_PER_MIN, DEPARTMENT_COSTLY_PER_MIN)),
                /* In local mode there are no passwords, and codes of 256 bits are not guessed. */
                [API_LIMIT_SECRET] = per_minute(
                    access->has_accounts ? config_number(config, CONFIG_LIMIT_SECRET_PER_MIN) : 0),
            },
        .websockets_per_user = (unsigned)number_or(access, config, CONFIG_LIMIT_WEBSOCKETS_PER_USER,
                                                   DEPARTMENT_WEBSOCKETS_PER_USER),
        .storage_bytes = config_number(config, CONFIG_QUOTA_STORAGE_BYTES),
        .model_tokens_day = config_number(config, CONFIG_QUOTA_MODEL_TOKENS_PER_DAY),
    };
}

bool access_mail(const struct access *access, const struct config *config,
                 struct mail_options *options)
{
    options->url = config_text_or_null(config, CONFIG_MAIL_URL);
    options->from = config_text_or_null(config, CONFIG_MAIL_FROM);
    options->user = config_text_or_null(config, CONFIG_MAIL_USER);
    options->password = access->mail_password.length ? access->mail_password.text : NULL;
    return options->url != NULL && access->has_accounts && config_keeps_accounts(config);
}
