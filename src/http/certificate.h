/*
 * certificate: the two files that TLS needs, read into an SSL_CTX, and whether they have changed.
 * Private to tls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_HTTP_CERTIFICATE_H
#define NETRA_HTTP_CERTIFICATE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* What tells one state of a file from another. */
struct file_mark {
    uint64_t inode;
    int64_t size;
    int64_t changed_s;
    int64_t changed_ns;
};

struct certificate_files {
    const char *cert_file;
    const char *key_file;
    struct file_mark cert_mark;
    struct file_mark key_mark;
};

/* Looks at the files; true when one of them is not what it was at the last look. */
bool certificate_has_changed(struct certificate_files *files);

/* A context that is ready for connections: protocols, ALPN, tickets. ERR_IO, ERR_INVALID,
 * ERR_NO_MEMORY. A key that others may read is said in the log. */
must_check int certificate_load(const struct certificate_files *files, SSL_CTX **ret_context,
                                int64_t *ret_ends_s, struct error *error);

#endif
