/* SPDX-License-Identifier: Apache-2.0 */
#include "api/account_read.h"

static const struct body_text_rule name_rule = {.bytes_max = ACCOUNTS_NAME_MAX,
                                                .is_required = true};
static const struct body_text_rule email_rule = {.bytes_max = ACCOUNTS_EMAIL_MAX,
                                                 .is_required = true};
static const struct body_text_rule role_rule = {.bytes_max = 16, .is_required = true};

bool account_read_role(struct json_value root, enum auth_role *ret_role, struct body_fault *fault)
{
    struct str name = {0};

    if (!body_text(root, "role", &role_rule, &name, fault)) {
        return false;
    }
    *ret_role = auth_role_from(name);
    return *ret_role != AUTH_ROLE_NONE ||
           body_refuse(fault, "/role", "role must be viewer, analyst or admin");
}

bool account_read_body(const struct call *call, unsigned members, struct account_body *ret_body)
{
    struct account_body body = {0};
    struct body_fault fault = {0};
    struct json_value root;

    if (!call_json(call, &root)) {
        return false;
    }
    if (!body_is_object(root, &fault) ||
        ((members & ACCOUNT_BODY_NAME) &&
         !body_text(root, "name", &name_rule, &body.name, &fault)) ||
        ((members & ACCOUNT_BODY_EMAIL) &&
         !body_text(root, "email", &email_rule, &body.email, &fault)) ||
        ((members & ACCOUNT_BODY_ROLE) && !account_read_role(root, &body.role, &fault))) {
        call_refuse(call, &fault);
        return false;
    }
    *ret_body = body;
    return true;
}

void account_keep_id(struct account_answer *answer, struct str id)
{
    if (id.length < sizeof(answer->text)) {
        memcpy(answer->text, id.data, id.length);
        answer->text[id.length] = '\0';
    }
}
