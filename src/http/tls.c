/*
 * OpenSSL reads from and writes to memory through a BIO of our own: what came from the socket is
 * read where it lies, and what goes out is gathered, so that several records cost one write.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/tls.h"

#include <limits.h>
#include <openssl/err.h>

#include "base/alloc.h"
#include "base/check.h"
#include "http/certificate.h"
#include "monitor/log.h"

#define RECORD_PLAIN_BYTES 16384u

struct tls_server {
    SSL_CTX *context;
    BIO_METHOD *method;
    char *cert_file;
    char *key_file;
    struct certificate_files files;
    int64_t ends_s;
    struct loop_timer look;
    loop_fn closed;
    void *closed_arg;
    unsigned users; /* connections: the server's part outlives them */
    bool is_look_closed;

    /* Shared by all connections: valid within one event. */
    const struct tls *out_owner;
    struct buf out;
    char plain[TLS_PLAIN_BYTES];
    char record[RECORD_PLAIN_BYTES]; /* small parts, gathered */
};

struct tls {
    struct tls_server *server;
    SSL *ssl;
    enum tls_state state;
    bool has_begun;
    bool has_ended; /* tls_end was called */
    struct str in;  /* what OpenSSL has not read yet */
};

/* ---- what OpenSSL reads and writes ---- */

static int bio_read(BIO *bio, char *bytes, int size)
{
    struct tls *tls = BIO_get_data(bio);
    size_t length = tls->in.length < (size_t)size ? tls->in.length : (size_t)size;

    BIO_clear_retry_flags(bio);
    if (length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(bytes, tls->in.data, length);
    tls->in = str_slice(tls->in, length, tls->in.length);
    return (int)length;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
    struct tls *tls = BIO_get_data(bio);
    struct buf *out = &tls->server->out;

    BIO_clear_retry_flags(bio);
    check(out->length == 0 || tls->server->out_owner == tls);
    tls->server->out_owner = tls;
    buf_append(out, (struct str){bytes, (size_t)size});
    return buf_status(out) ? -1 : size;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/* OpenSSL has few numbers to give away: one for all servers of the process. */
static BIO_METHOD *new_method(void)
{
    static int type = 0;

    if (type == 0) {
        int index = BIO_get_new_index();

        if (index < 0) {
            return NULL;
        }
        type = index | BIO_TYPE_SOURCE_SINK;
    }
    BIO_METHOD *method = BIO_meth_new(type, "netra");
    if (method && !(BIO_meth_set_read(method, bio_read) && BIO_meth_set_write(method, bio_write) &&
                    BIO_meth_set_ctrl(method, bio_control))) {
        BIO_meth_free(method);
        method = NULL;
    }
    return method;
}

/* ---- the server's part ---- */

int tls_server_reload(struct tls_server *server, struct error *error)
{
    SSL_CTX *context;
    int64_t ends_s;

    (void)certificate_has_changed(&server->files);
    int code = certificate_load(&server->files, &context, &ends_s, error);
    if (code) {
        return code;
    }
    SSL_CTX_free(server->context); /* connections hold it as long as they need it */
    server->context = context;
    server->ends_s = ends_s;
    return OK;
}

static void on_look(void *arg)
{
    struct tls_server *server = arg;
    struct error error;

    if (!certificate_has_changed(&server->files)) {
        return; /* nor has what was refused: it was said once */
    }
    if (tls_server_reload(server, &error)) {
        log_write(LOG_WARNING, "http", "the certificate in force stays: %s", error.message);
    } else {
        log_write(LOG_INFO, "http", "the certificate was read again from %s", server->cert_file);
    }
}

static void free_server(struct tls_server *server)
{
    SSL_CTX_free(server->context);
    BIO_meth_free(server->method);
    buf_done(&server->out);
    alloc_free(server->cert_file);
    alloc_free(server->key_file);
    alloc_free(server);
}

/* Connections of a server that is freed close a little later than it. */
static void free_unless_used(struct tls_server *server)
{
    loop_fn closed = server->closed;
    void *closed_arg = server->closed_arg;

    if (server->is_look_closed && server->users == 0) {
        free_server(server);
        closed(closed_arg);
    }
}

static void on_look_closed(void *arg)
{
    struct tls_server *server = arg;

    server->is_look_closed = true;
    free_unless_used(server);
}

int tls_server_new(struct loop *loop, const struct http_tls_options *options,
                   struct tls_server **ret_server, struct error *error)
{
    struct tls_server *server = alloc_zeroed(1, sizeof(*server));

    if (!server) {
        return error_set(error, ERR_NO_MEMORY, "no memory for TLS");
    }
    buf_init(&server->out, TLS_OUT_BYTES_MAX);
    server->cert_file = alloc_text(options->cert_file);
    server->key_file = alloc_text(options->key_file);
    server->method = new_method();
    server->files =
        (struct certificate_files){.cert_file = server->cert_file, .key_file = server->key_file};
    int code = server->cert_file && server->key_file && server->method
                   ? tls_server_reload(server, error)
                   : error_set(error, ERR_NO_MEMORY, "no memory for TLS");
    if (code) {
        free_server(server);
        return code;
    }
    loop_timer_init(loop, &server->look, on_look, server);
    loop_timer_start(&server->look, HTTP_TLS_LOOK_MS, HTTP_TLS_LOOK_MS);
    *ret_server = server;
    return OK;
}

void tls_server_close(struct tls_server *server, loop_fn closed, void *arg)
{
    server->closed = closed;
    server->closed_arg = arg;
    loop_timer_close(&server->look, on_look_closed);
}

int64_t tls_server_ends(const struct tls_server *server)
{
    return server->ends_s;
}

/* ---- a connection's part ---- */

struct tls *tls_new(struct tls_server *server)
{
    struct tls *tls = alloc_zeroed(1, sizeof(*tls));
    BIO *bio = BIO_new(server->method);
    SSL *ssl = SSL_new(server->context);

    if (!tls || !bio || !ssl) {
        ERR_clear_error();
        SSL_free(ssl);
        (void)BIO_free(bio);
        alloc_free(tls);
        return NULL;
    }
    tls->server = server;
    server->users++;
    tls->ssl = ssl;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls) {
        struct tls_server *server = tls->server;

        SSL_free(tls->ssl);
        alloc_free(tls);
        server->users--;
        free_unless_used(server);
    }
}

enum tls_state tls_state(const struct tls *tls)
{
    return tls->state;
}

bool tls_has_begun(const struct tls *tls)
{
    return tls->has_begun;
}

struct buf *tls_out(struct tls *tls)
{
    return &tls->server->out;
}

/* After a call of OpenSSL's that gave nothing. */
static void note_reason(struct tls *tls, int result)
{
    int reason = SSL_get_error(tls->ssl, result);

    if (reason == SSL_ERROR_ZERO_RETURN) {
        tls->state = TLS_ENDED;
    } else if (reason != SSL_ERROR_WANT_READ) {
        tls->state = TLS_FAILED;
    }
    ERR_clear_error();
}

static void shake_hands(struct tls *tls)
{
    int result = SSL_do_handshake(tls->ssl);

    if (result == 1) {
        tls->state = TLS_OPEN;
    } else {
        note_reason(tls, result);
        tls->state = tls->state == TLS_ENDED ? TLS_FAILED : tls->state;
    }
}

enum tls_state tls_take(struct tls *tls, struct str sealed, struct str *ret_plain)
{
    struct tls_server *server = tls->server;
    size_t length = 0;

    check_cmp(sealed.length, <=, TLS_TAKE_BYTES_MAX);
    /* The queue of errors is the thread's, curl uses it too: what is left there would be taken for
     * ours. */
    ERR_clear_error();
    tls->in = sealed;
    tls->has_begun = true;
    if (tls->state == TLS_HANDSHAKE) {
        shake_hands(tls);
    }
    while (tls->state == TLS_OPEN) {
        size_t got = 0;

        check(length < sizeof(server->plain));
        int result =
            SSL_read_ex(tls->ssl, server->plain + length, sizeof(server->plain) - length, &got);
        length += got;
        if (result != 1) {
            note_reason(tls, result);
            break;
        }
    }
    /* After the client's end there is nothing to read. */
    tls->in = (struct str){NULL, 0};
    *ret_plain = (struct str){server->plain, length};
    return tls->state;
}

static bool seal_record(struct tls *tls, const char *bytes, size_t length)
{
    size_t written = 0;

    if (SSL_write_ex(tls->ssl, bytes, length, &written) != 1 || written != length) {
        tls->state = TLS_FAILED;
        ERR_clear_error();
        return false;
    }
    return true;
}

/* Where the parts are read. */
struct cursor {
    const uv_buf_t *part;
    unsigned left; /* parts, with this one */
    size_t at;     /* in this one */
};

static void skip(struct cursor *cursor, size_t bytes)
{
    while (cursor->left && bytes >= cursor->part->len - cursor->at) {
        bytes -= cursor->part->len - cursor->at;
        cursor->part++;
        cursor->left--;
        cursor->at = 0;
    }
    if (cursor->left) {
        cursor->at += bytes;
    }
}

/* The next record: from the part itself when it fills one or is the last. */
static int seal_next(struct tls *tls, struct cursor *cursor)
{
    char *record = tls->server->record;
    size_t here = cursor->part->len - cursor->at;
    size_t length = 0;

    if (here >= RECORD_PLAIN_BYTES || cursor->left == 1) {
        length = here < RECORD_PLAIN_BYTES ? here : RECORD_PLAIN_BYTES;
        bool is_sealed = seal_record(tls, cursor->part->base + cursor->at, length);

        skip(cursor, length);
        return is_sealed ? (int)length : ERR_IO;
    }
    while (cursor->left && length < RECORD_PLAIN_BYTES) {
        size_t room = RECORD_PLAIN_BYTES - length;
        size_t more = cursor->part->len - cursor->at;

        more = more < room ? more : room;
        memcpy(record + length, cursor->part->base + cursor->at, more);
        length += more;
        skip(cursor, more);
    }
    return seal_record(tls, record, length) ? (int)length : ERR_IO;
}

int tls_seal(struct tls *tls, const uv_buf_t *parts, unsigned count, size_t from)
{
    struct cursor cursor = {.part = parts, .left = count};
    int sealed = 0;

    if (tls->state != TLS_OPEN && tls->state != TLS_ENDED) {
        return ERR_IO;
    }
    ERR_clear_error();
    skip(&cursor, from);
    while (cursor.left && (unsigned)sealed < TLS_SEAL_BYTES) {
        int length = seal_next(tls, &cursor);

        if (length < 0) {
            return length;
        }
        sealed += length;
    }
    return sealed;
}

void tls_end(struct tls *tls)
{
    if (!tls->has_ended && (tls->state == TLS_OPEN || tls->state == TLS_ENDED)) {
        tls->has_ended = true;
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
    }
}
