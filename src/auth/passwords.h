/*
 * passwords: argon2id on workers, at most ACCOUNTS_HASHES_MAX at once; the others wait in a queue
 * with an end. Hashes are in the usual text form ("$argon2id$v=19$m=19456,t=2,p=1$…$…"), so that
 * each says with what it was made.
 *
 * Private to auth/; loop thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_AUTH_PASSWORDS_H
#define NETRA_AUTH_PASSWORDS_H

#include "auth/password_rules.h"
#include "auth/ring.h"

#define PASSWORD_MEMORY_KIB  19456u /* OWASP's second choice of equal strength */
#define PASSWORD_PASSES      2u
#define PASSWORD_LANES       1u
#define PASSWORD_SALT_BYTES  16u
#define PASSWORD_HASH_BYTES  32u
#define PASSWORD_ENCODED_MAX 128u

struct passwords {
    struct loop *loop;
    struct ring waiting;
    unsigned waiting_count;
    unsigned running;
    uint64_t computed; /* jobs that have ended; each is one argon2id, but see passwords_check */
    bool is_closing;   /* done is not called any more */
};

void passwords_init(struct passwords *passwords, struct loop *loop);

/* Has the loop end what runs; drops what waits. */
void passwords_done(struct passwords *passwords);

/* code: OK, ERR_DENIED (it is another password), ERR_NO_MEMORY, ERR_IO (no randomness). encoded: of
 * passwords_make the hash; of passwords_check NULL, or the password hashed with the parameters of
 * today, when it is right and was hashed with others. Borrowed. */
typedef void (*password_fn)(int code, const char *encoded, void *arg);

/* Is it the password? encoded NULL: nobody has it, which takes as long to find out. password NULL:
 * none that could be (computed all the same). ERR_LIMIT (too many wait), ERR_NO_MEMORY. */
must_check int passwords_check(struct passwords *passwords, const struct password *password,
                               const char *encoded, password_fn done, void *arg);

must_check int passwords_make(struct passwords *passwords, const struct password *password,
                              password_fn done, void *arg);

#endif
