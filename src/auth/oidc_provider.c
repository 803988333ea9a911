/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/oidc_provider.h"

#include <ctype.h>
#include <stdio.h>

#include "auth/email.h"
#include "auth/private_file.h"
#include "json/json_read.h"

#define ARENA_BYTES_MAX   ((size_t)256 << 10)
#define POINTER_BYTES_MAX 96
#define VARIABLE_BYTES    64

static const char *const members[] = {"id",
                                      "preset",
                                      "name",
                                      "issuer",
                                      "scopes",
                                      "client_id",
                                      "allowed_domains",
                                      "role",
                                      "client_secret_file",
                                      "workspace"};

/* One entry while it is read. */
struct reader {
    struct oidc_provider_list *list;
    const char *(*getenv)(const char *name);
    struct json_value entry;
    size_t index;
    struct error *error;
};

static int out_of_memory(struct reader *reader)
{
    return error_set(reader->error, ERR_NO_MEMORY, "no memory for the identity providers");
}

static int refuse(struct reader *reader, const char *member, const char *why)
{
    return error_set(reader->error, ERR_INVALID, "/providers/%zu/%s: %s", reader->index, member,
                     why);
}

static int keep(struct reader *reader, struct str text, struct str *ret)
{
    *ret = arena_copy(&reader->list->arena, text);
    return ret->data ? OK : out_of_memory(reader);
}

static bool is_visible(struct str text, bool allows_more)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < ' ' || c == 0x7f || (c == ' ' && !allows_more) || (c > '~' && !allows_more)) {
            return false;
        }
    }
    return text.length > 0;
}

/* Text of a member; *ret untouched where there is none. is_plain: visible ASCII without spaces. */
static int read_text(struct reader *reader, const char *member, bool is_plain, struct str *ret)
{
    struct json_value value = json_at(reader->entry, member);
    struct str text;

    if (json_is(value, JSON_MISSING)) {
        return OK;
    }
    if (!json_get_str(value, &text)) {
        return refuse(reader, member, "is no text");
    }
    if (!is_visible(text, !is_plain) || text.length > OIDC_TEXT_BYTES_MAX) {
        return refuse(reader, member, "is empty, too long or holds characters that it cannot have");
    }
    return keep(reader, text, ret);
}

/* ---- addresses ---- */

bool oidc_is_safe_url(struct str url)
{
    char text[OIDC_TEXT_BYTES_MAX + 1];
    bool is_https = str_starts_with(url, STR("https://"));
    size_t begin = is_https ? 8 : 7;

    if ((!is_https && !str_starts_with(url, STR("http://"))) || url.length >= sizeof(text)) {
        return false;
    }
    size_t end = begin;
    while (end < url.length && !strchr("/?", url.data[end])) {
        end++;
    }
    for (size_t i = 0; i < url.length; i++) {
        char c = url.data[i];

        if (c <= ' ' || c > '~' || strchr("\"#<>\\^`{|}", c) || (c == '@' && i < end)) {
            return false;
        }
    }
    memcpy(text, url.data, url.length);
    text[url.length] = '\0';
    return end > begin && (is_https || http_is_loopback_url(text));
}

/* ---- members ---- */

static int read_id(struct reader *reader, struct oidc_provider *row)
{
    int code = read_text(reader, "id", /* is_plain */ true, &row->id);

    if (code) {
        return code;
    }
    if (row->id.length == 0 || row->id.length > OIDC_ID_BYTES_MAX) {
        return refuse(reader, "id", "must be 1 to 32 characters of a-z, 0-9, _ and -");
    }
    for (size_t i = 0; i < row->id.length; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", row->id.data[i])) {
            return refuse(reader, "id", "must be 1 to 32 characters of a-z, 0-9, _ and -");
        }
    }
    for (size_t i = 0; i < reader->list->count; i++) {
        if (str_equal(reader->list->rows[i].id, row->id)) {
            return refuse(reader, "id", "is that of an earlier provider");
        }
    }
    return OK;
}

static int apply_preset(struct reader *reader, struct oidc_provider *row)
{
    struct str preset = STR("");
    int code = read_text(reader, "preset", /* is_plain */ true, &preset);

    if (code || preset.length == 0) {
        return code;
    }
    if (!str_equal(preset, STR("google"))) {
        return refuse(reader, "preset", "is not known; there is \"google\"");
    }
    row->is_google = true;
    row->name = STR("Google");
    row->issuer = STR("https://accounts.google.com");
    return OK;
}

static int read_texts(struct reader *reader, struct oidc_provider *row)
{
    int code = apply_preset(reader, row);

    code = code ? code : read_text(reader, "name", /* is_plain */ false, &row->name);
    code = code ? code : read_text(reader, "issuer", true, &row->issuer);
    code = code ? code : read_text(reader, "client_id", true, &row->client_id);
    code = code ? code : read_text(reader, "scopes", false, &row->scopes);
    code = code ? code : read_text(reader, "workspace", true, &row->workspace);
    if (code) {
        return code;
    }
    if (!oidc_is_safe_url(row->issuer) || str_find(row->issuer, STR("?"), 0) != SIZE_MAX) {
        return refuse(reader, "issuer",
                      "must be an address of https (http only on this machine) without a query");
    }
    if (row->client_id.length == 0) {
        return refuse(reader, "client_id", "is missing");
    }
    bool has_openid = false;
    struct str scopes = row->scopes;
    for (size_t begin = 0, i = 0; i <= scopes.length; i++) {
        if (i == scopes.length || scopes.data[i] == ' ') {
            has_openid = has_openid || str_equal(str_slice(scopes, begin, i), STR("openid"));
            begin = i + 1;
        }
    }
    return has_openid ? OK : refuse(reader, "scopes", "must name openid");
}

static int read_role(struct reader *reader, struct oidc_provider *row)
{
    struct str role = STR("viewer");
    int code = read_text(reader, "role", /* is_plain */ true, &role);

    if (code) {
        return code;
    }
    row->role = auth_role_from(role);
    return row->role == AUTH_ROLE_NONE ? refuse(reader, "role", "must be viewer, analyst or admin")
                                       : OK;
}

static int read_domains(struct reader *reader, struct oidc_provider *row)
{
    struct json_value list = json_at(reader->entry, "allowed_domains");
    char folded[EMAIL_DOMAIN_MAX + 1];
    struct str domain;

    if (!json_is(list, JSON_ARRAY) || json_count(list) == 0 ||
        json_count(list) > OIDC_DOMAINS_MAX) {
        return refuse(reader, "allowed_domains",
                      "must list the domains of e-mails that may come in, 1 to 32");
    }
    for (struct json_iterator it = json_iterate(list); json_next(&it);) {
        if (!json_get_str(it.value, &domain) || !email_read_domain(domain, folded)) {
            return error_set(reader->error, ERR_INVALID,
                             "/providers/%zu/allowed_domains/%zu: is no domain in ASCII",
                             reader->index, row->domain_count);
        }
        int code = keep(reader, str_from(folded), &row->domains[row->domain_count]);
        if (code) {
            return code;
        }
        row->domain_count++;
    }
    return OK;
}

/* ---- the secret ---- */

static int keep_secret(struct reader *reader, struct str secret, struct oidc_provider *row)
{
    if (!is_visible(secret, /* allows_more */ false) || secret.length > OIDC_SECRET_BYTES_MAX) {
        return refuse(reader, "client_secret_file",
                      "the secret is empty, too long or holds characters that it cannot have");
    }
    return keep(reader, secret, &row->client_secret);
}

static int read_secret_file(struct reader *reader, struct str path, struct oidc_provider *row)
{
    cleanup(private_file_wipe) struct private_file file = {.length = 0};
    struct error why = {.code = OK};
    int code = private_file_read(path.data, &file, &why); /* the arena's texts end with a NUL */

    if (code == ERR_NOT_FOUND) {
        return refuse(reader, "client_secret_file", "there is no such file");
    }
    if (code) {
        (void)error_set(reader->error, code, "/providers/%zu/client_secret_file: %s", reader->index,
                        why.message);
        if (why.hint[0]) {
            error_hint(reader->error, "%s", why.hint);
        }
        return code;
    }
    return keep_secret(reader, private_file_secret(&file), row);
}

/* The environment wins. */
static int read_secret(struct reader *reader, struct oidc_provider *row)
{
    char variable[VARIABLE_BYTES];
    struct str path = STR("");
    int code = read_text(reader, "client_secret_file", /* is_plain */ false, &path);

    if (code || !reader->getenv) {
        return code;
    }
    (void)snprintf(variable, sizeof(variable), "NETRA_OIDC_%.*s_SECRET", STR_ARGS(row->id));
    for (char *c = variable; *c; c++) {
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    }
    const char *given = reader->getenv(variable);
    if (given && given[0]) {
        return keep_secret(reader, str_from(given), row);
    }
    return path.length ? read_secret_file(reader, path, row) : OK;
}

/* ---- the file ---- */

static int refuse_unknown(struct reader *reader)
{
    for (struct json_iterator it = json_iterate(reader->entry); json_next(&it);) {
        bool is_known = false;

        for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
            is_known = is_known || str_equal(it.key, str_from(members[i]));
        }
        if (!is_known) {
            char member[POINTER_BYTES_MAX];

            (void)snprintf(member, sizeof(member), "%.*s",
                           (int)(it.key.length < 64 ? it.key.length : 64), it.key.data);
            return refuse(reader, member, "is not a member of a provider");
        }
    }
    return OK;
}

static int read_entry(struct reader *reader)
{
    struct oidc_provider row = {.scopes = STR("openid email profile"),
                                .workspace = STR(STORE_WORKSPACE_FIRST)};

    if (!json_is(reader->entry, JSON_OBJECT)) {
        return error_set(reader->error, ERR_INVALID, "/providers/%zu: is no object", reader->index);
    }
    int code = refuse_unknown(reader);
    code = code ? code : read_id(reader, &row);
    row.name = row.id;
    code = code ? code : read_texts(reader, &row);
    code = code ? code : read_role(reader, &row);
    code = code ? code : read_domains(reader, &row);
    code = code ? code : read_secret(reader, &row);
    if (code == OK) {
        reader->list->rows[reader->list->count++] = row;
    }
    return code;
}

static int read_list(struct json_value root, struct reader *reader)
{
    struct json_value list = json_at(root, "providers");

    if (!json_is(list, JSON_ARRAY)) {
        return error_set(reader->error, ERR_INVALID, "/providers: is no list");
    }
    if (json_count(list) > OIDC_PROVIDERS_MAX) {
        return error_set(reader->error, ERR_INVALID, "/providers: has more than %u entries",
                         OIDC_PROVIDERS_MAX);
    }
    for (struct json_iterator it = json_iterate(list); json_next(&it);) {
        reader->entry = it.value;
        int code = read_entry(reader);

        if (code) {
            return code;
        }
        reader->index++;
    }
    return OK;
}

int oidc_provider_list_parse(struct str text, const char *(*getenv)(const char *name),
                             struct oidc_provider_list *ret_list, struct error *error)
{
    cleanup(json_parser_free_pointer) struct json_parser *parser = NULL;
    struct reader reader = {.list = ret_list, .getenv = getenv, .error = error};
    struct json_value root;

    *ret_list = (struct oidc_provider_list){.count = 0};
    arena_init(&ret_list->arena, ARENA_BYTES_MAX);
    if (json_parser_new(OIDC_FILE_BYTES_MAX, &parser)) {
        return out_of_memory(&reader);
    }
    int code = json_parse(parser, text, &root, error);
    code = code ? code : read_list(root, &reader);
    if (code) {
        oidc_provider_list_done(ret_list);
    }
    return code;
}

void oidc_provider_list_done(struct oidc_provider_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct str secret = list->rows[i].client_secret;

        if (secret.length) {
            explicit_bzero((char *)secret.data, secret.length); /* in our arena */
        }
    }
    arena_done(&list->arena);
    *list = (struct oidc_provider_list){.count = 0};
}

bool oidc_provider_allows(const struct oidc_provider *provider, struct str folded_domain)
{
    for (size_t i = 0; i < provider->domain_count; i++) {
        if (str_equal(provider->domains[i], folded_domain)) {
            return true;
        }
    }
    return false;
}

struct str oidc_provider_hosted_domain(const struct oidc_provider *provider)
{
    /* Google says no "hd" of accounts that are nobody's but their own. */
    bool is_hosted = provider->is_google && provider->domain_count == 1 &&
                     !str_equal(provider->domains[0], STR("gmail.com")) &&
                     !str_equal(provider->domains[0], STR("googlemail.com"));

    return is_hosted ? provider->domains[0] : STR("");
}
