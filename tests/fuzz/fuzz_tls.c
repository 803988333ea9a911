/*
 * Bytes that a client sends to a TLS port: before the handshake and, when the first byte is odd,
 * after a real one. They arrive in pieces as the second byte says. Whatever they are, nothing of
 * them becomes plain, since nobody who sends them has a key; what the server says back is bounded;
 * and after it has failed it stays so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "certificate.h"
#include "http/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_files files;
static struct tls_server *server;
static SSL_CTX *client_context;

static void end(void)
{
    tls_files_remove(&files);
}

static void begin(void)
{
    struct error error;
    struct loop *loop;

    tls_files_make(&files);
    (void)atexit(end);
    check(loop_new(1, &loop, &error) == OK);
    check(tls_server_new(loop, &(struct http_tls_options){files.cert, files.key}, &server,
                         &error) == OK);
    client_context = tls_client_context(&files);
}

/* What one side has to say is carried to the other, until the client is done. */
static void shake_hands(struct tls *tls)
{
    SSL *client = SSL_new(client_context);
    BIO *to_client = BIO_new(BIO_s_mem());
    BIO *from_client = BIO_new(BIO_s_mem());
    char piece[8192];
    int length;

    check(client && to_client && from_client);
    SSL_set_bio(client, to_client, from_client);
    SSL_set_connect_state(client);
    for (int i = 0; i < 4; i++) {
        (void)SSL_do_handshake(client);
        while ((length = BIO_read(from_client, piece, sizeof(piece))) > 0) {
            struct str plain;

            (void)tls_take(tls, (struct str){piece, (size_t)length}, &plain);
            struct buf *out = tls_out(tls);
            if (out->length) {
                check(BIO_write(to_client, out->data, (int)out->length) == (int)out->length);
            }
            buf_clear(out);
        }
    }
    check(tls_state(tls) == TLS_OPEN);
    SSL_free(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!server) {
        begin();
    }
    if (size < 2) {
        return 0;
    }
    struct tls *tls = tls_new(server);
    check(tls);
    if (data[0] % 2) {
        shake_hands(tls);
    }
    enum tls_state before = tls_state(tls);
    size_t step = (size_t)data[1] * 64 + 1;
    for (size_t at = 2; at < size; at += step) {
        size_t length = step < size - at ? step : size - at;
        struct str plain;
        enum tls_state state = tls_take(tls, (struct str){(const char *)data + at, length}, &plain);

        check(plain.length == 0);
        check(before != TLS_FAILED || state == TLS_FAILED);
        check(before == TLS_OPEN || state != TLS_OPEN);
        check(tls_out(tls)->length < TLS_OUT_BYTES_MAX && buf_status(tls_out(tls)) == OK);
        buf_clear(tls_out(tls));
        before = state;
    }
    tls_end(tls);
    buf_clear(tls_out(tls));
    tls_free(tls);
    return 0;
}
