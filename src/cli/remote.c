/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/read_file.h"
#include "report/visible.h"
#include "server/url.h"

#define AUTHORIZATION_BYTES (REMOTE_TOKEN_BYTES_MAX + 32)
#define URL_BYTES_MAX       4096
#define DETAIL_COLUMNS_MAX  200u
/* Of the file: read_file reads pieces of 64 KiB, and needs room for one more. */
#define TOKEN_FILE_BYTES_MAX ((size_t)131072)

bool remote_take_option(struct remote *remote, int option, const char *value)
{
    switch (option) {
    case REMOTE_OPTION_URL:
        remote->url = value;
        return true;
    case REMOTE_OPTION_TOKEN_FILE:
        remote->token_file = value;
        return true;
    case REMOTE_OPTION_CA_FILE:
        remote->ca_file = value;
        return true;
    case REMOTE_OPTION_JSON:
        remote->as_json = true;
        return true;
    default:
        return false;
    }
}

/* ---- opening ---- */

static void wipe(struct buf *secret)
{
    if (secret->data) {
        OPENSSL_cleanse(secret->data, secret->capacity);
    }
    buf_done(secret);
}

/* A token is one word of visible ASCII: nothing that could begin another header. */
static bool is_token(struct str token)
{
    for (size_t i = 0; i < token.length; i++) {
        if (token.data[i] <= ' ' || token.data[i] > '~') {
            return false;
        }
    }
    return true;
}

static int read_token(struct remote *remote, struct error *error)
{
    cleanup(wipe) struct buf text;
    const char *variable = getenv("NETRA_TOKEN");

    buf_init(&text, TOKEN_FILE_BYTES_MAX);
    if (remote->token_file) {
        int code = read_file(remote->token_file, &text, error);

        if (code) {
            return code;
        }
    } else if (variable) {
        buf_append(&text, str_from(variable));
    }
    struct str token = str_trim(buf_str(&text));
    if (buf_status(&text) || !is_token(token)) {
        return error_set(error, ERR_USAGE, "%s holds no token",
                         remote->token_file ? remote->token_file : "NETRA_TOKEN");
    }
    buf_append(&remote->token, token);
    return buf_status(&remote->token) ? error_set(error, ERR_NO_MEMORY, "out of memory") : OK;
}

int remote_open(struct remote *remote, struct error *error)
{
    const char *variable = getenv("NETRA_URL");
    bool is_seen = false;

    buf_init(&remote->token, REMOTE_TOKEN_BYTES_MAX);
    buf_init(&remote->answer, REMOTE_ANSWER_BYTES_MAX);
    if (!remote->url) {
        remote->url = variable && variable[0] ? variable : REMOTE_URL_DEFAULT;
    }
    const char *fault = url_fault(str_from(remote->url), &is_seen);
    if (!fault && is_seen) {
        fault = "is http, but not on this machine: the token would be seen";
    }
    if (fault) {
        (void)error_set(error, ERR_USAGE, "the server's address %s", fault);
        error_hint(error, "Say --url https://HOST, or NETRA_URL.");
        return ERR_USAGE;
    }
    int code = read_token(remote, error);
    if (code == OK && json_parser_new(REMOTE_ANSWER_BYTES_MAX, &remote->parser)) {
        code = error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    return code;
}

void remote_close(struct remote *remote)
{
    wipe(&remote->token);
    wipe(&remote->answer); /* it may show a key */
    json_parser_free(remote->parser);
    remote->parser = NULL;
}

/* ---- one request ---- */

static size_t take_piece(char *data, size_t one, size_t length, void *arg)
{
    struct buf *answer = (struct buf *)arg;

    buf_append(answer, (struct str){data, one * length});
    return buf_status(answer) ? 0 : one * length; /* 0 ends the transfer */
}

static void free_easy(CURL **easy)
{
    curl_easy_cleanup(*easy);
}

static void free_headers(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

/* Appends a line; false (and the list as it was): no memory. */
static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);

    *headers = longer ? longer : *headers;
    return longer != NULL;
}

static int set_headers(CURL *easy, const struct remote *remote, struct curl_slist **headers)
{
    char line[AUTHORIZATION_BYTES];
    bool is_set = add_header(headers, "Content-Type: application/json") &&
                  add_header(headers, "Accept: application/json");

    if (is_set && remote->token.length) {
        (void)snprintf(line, sizeof(line), "Authorization: Bearer %.*s",
                       STR_ARGS(buf_str(&remote->token)));
        is_set = add_header(headers, line);
        OPENSSL_cleanse(line, sizeof(line));
    }
    return !is_set || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
}

/* Nothing of the machine's netrc, cookies or redirects; proxies of the environment, but not to this
 * machine. */
static int set_options(CURL *easy, struct remote *remote, const char *url, const char *method,
                       const struct buf *body)
{
    int failed = curl_easy_setopt(easy, CURLOPT_URL, url);

    failed |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, REMOTE_CONNECT_MS);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, REMOTE_TIMEOUT_MS);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "netra/" NETRA_VERSION);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_piece);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, &remote->answer);
    if (remote->ca_file) {
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, remote->ca_file);
    }
    if (body) {
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data);
    }
    return failed;
}

/* What the server says about a refusal, as a message of ours. */
static int refused(const struct remote *remote, struct json_value root, struct error *error)
{
    struct str detail = STR("the server gives no reason");
    int code = ERR_INVALID;

    (void)json_get_str(json_at(root, "detail"), &detail);
    switch (remote->status) {
    case 401:
    case 403:
        code = ERR_DENIED;
        break;
    case 404:
        code = ERR_NOT_FOUND;
        break;
    case 409:
        code = ERR_EXISTS;
        break;
    case 429:
    case 503:
        code = ERR_LIMIT;
        break;
    default:
        break;
    }
    cleanup(buf_done) struct buf shown; /* whoever answers, the terminal obeys none of it */
    buf_init(&shown, ERROR_MESSAGE_BYTES_MAX);
    (void)visible_append_cut(&shown, detail, DETAIL_COLUMNS_MAX);
    (void)error_set(error, code, "%.*s (HTTP %d)", STR_ARGS(buf_str(&shown)), remote->status);
    if (remote->status == 401) {
        error_hint(error, "Set NETRA_TOKEN, or --token-file, to an API key or an access token of "
                          "this server.");
    }
    return code;
}

static int perform(struct remote *remote, CURL *easy, struct error *error)
{
    long status = 0;
    CURLcode failed = curl_easy_perform(easy);

    if (failed) {
        return error_set(error, ERR_IO, "cannot ask %s: %s", remote->url,
                         curl_easy_strerror(failed));
    }
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    remote->status = (int)status;
    return OK;
}

int remote_call(struct remote *remote, const char *method, const char *path, const struct buf *body,
                struct json_value *ret_root, struct error *error)
{
    cleanup(free_headers) struct curl_slist *headers = NULL;
    cleanup(free_easy) CURL *easy = curl_easy_init();
    char url[URL_BYTES_MAX];
    struct str base = str_from(remote->url);

    while (str_ends_with(base, STR("/"))) {
        base.length--;
    }
    int length = snprintf(url, sizeof(url), "%.*s%s", STR_ARGS(base), path);
    if (length < 0 || (size_t)length >= sizeof(url)) {
        return error_set(error, ERR_USAGE, "the server's address is too long");
    }
    buf_clear(&remote->answer);
    if (!easy || set_options(easy, remote, url, method, body) ||
        set_headers(easy, remote, &headers)) {
        return error_set(error, ERR_NO_MEMORY, "out of memory");
    }
    int code = perform(remote, easy, error);
    *ret_root = (struct json_value){0};
    if (code == OK && remote->answer.length) {
        code = json_parse(remote->parser, buf_str(&remote->answer), ret_root, error);
    }
    if (code && code != ERR_IO && code != ERR_NO_MEMORY) {
        return error_set(error, ERR_IO, "what answers at %s is no netra server (HTTP %d)",
                         remote->url, remote->status);
    }
    return code || remote->status < 400 ? code : refused(remote, *ret_root, error);
}

/* ---- printing ---- */

static bool is_obeyed(const unsigned char *at, size_t left)
{
    return at[0] < ' ' || at[0] == 0x7f || (at[0] == 0xc2 && left > 1 && at[1] < 0xa0);
}

void remote_print_text(struct str text, int width)
{
    int columns = 0;

    for (size_t i = 0; i < text.length; i++) {
        const unsigned char *at = (const unsigned char *)text.data + i;

        if (is_obeyed(at, text.length - i)) {
            (void)putchar('?');
            i += at[0] == 0xc2;
            columns++;
        } else {
            (void)putchar(*at);
            columns += (*at & 0xc0) != 0x80;
        }
    }
    for (; columns < width; columns++) {
        (void)putchar(' ');
    }
}

void remote_print_member(struct json_value row, const char *name, int width)
{
    struct json_value value = json_at(row, name);
    struct str text = STR("–");
    int64_t number;
    char printed[24];

    if (json_get_i64(value, &number)) {
        (void)snprintf(printed, sizeof(printed), "%lld", (long long)number);
        text = str_from(printed);
    } else {
        (void)json_get_str(value, &text);
    }
    remote_print_text(text, width);
    if (width) {
        (void)putchar(' ');
    }
}

void remote_print_answer(const struct remote *remote)
{
    (void)printf("%.*s\n", STR_ARGS(buf_str(&remote->answer)));
}
