/*
 * Any bytes as the file of identity providers: refused with a message, or entries that keep what
 * their header says: domains to compare with, an issuer that secrets may be sent to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth/email.h"
#include "auth/oidc_provider.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *environment(const char *name)
{
    return str_ends_with(str_from(name), STR("A_SECRET")) ? "a-secret" : NULL;
}

static void look_at(const struct oidc_provider *row)
{
    char folded[EMAIL_DOMAIN_MAX + 1];

    check(row->id.length && row->id.length <= OIDC_ID_BYTES_MAX && row->client_id.length);
    check(oidc_is_safe_url(row->issuer) && row->role != AUTH_ROLE_NONE);
    check(row->domain_count > 0 && row->domain_count <= OIDC_DOMAINS_MAX);
    for (size_t i = 0; i < row->domain_count; i++) {
        check(email_read_domain(row->domains[i], folded));
        check(str_equal(row->domains[i], str_from(folded)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oidc_provider_list list;
    struct error error = {0};
    int code = oidc_provider_list_parse((struct str){(const char *)data, size}, environment, &list,
                                        &error);

    check(code == OK || error.message[0]);
    for (size_t i = 0; code == OK && i < list.count; i++) {
        look_at(&list.rows[i]);
    }
    if (code == OK) {
        oidc_provider_list_done(&list);
    }
    return 0;
}
