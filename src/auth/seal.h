/*
 * seal: AES-256-GCM under a key that HKDF-SHA256 makes of the deployment's secret, for what the
 * store keeps and nobody who only has the store may read.
 *
 *     sealed text = base64url( nonce 12 | ciphertext | tag 16 )
 *
 * A name goes in as associated data: what was sealed for one name does not open for another.
 *
 * Private to auth/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_SEAL_H
#define NETRA_AUTH_SEAL_H

#include "base/error.h"
#include "base/str.h"

#define SEAL_KEY_BYTES      32u
#define SEAL_PLAIN_MAX      1024u
#define SEAL_TEXT_BYTES_MAX 1416u /* of the sealed text, with its NUL */

struct seal {
    unsigned char key[SEAL_KEY_BYTES];
};

/* ERR_NO_MEMORY. */
must_check int seal_init(struct seal *seal, struct str secret);
void seal_wipe(struct seal *seal);

/* ERR_LIMIT (too long), ERR_IO (no randomness), ERR_NO_MEMORY. */
must_check int seal_close(const struct seal *seal, struct str name, struct str plain,
                          char text[SEAL_TEXT_BYTES_MAX]);

/* plain gets a NUL behind it. ERR_INVALID: another secret, another name, or damaged. */
must_check int seal_open(const struct seal *seal, struct str name, struct str text,
                         char plain[SEAL_PLAIN_MAX + 1], size_t *ret_length);

#endif
