/* SPDX-License-Identifier: Apache-2.0 */
#include "api/late.h"

#include "api/api_state.h"
#include "api/callers.h"
#include "base/alloc.h"

struct late *late_new(const struct call *call)
{
    return late_new_sized(call, sizeof(struct late));
}

struct late *late_new_sized(const struct call *call, size_t size)
{
    struct late *late = (struct late *)alloc_zeroed(1, size);

    if (!late) {
        problem_reply(call->api, call->id, PROBLEM_SERVICE_UNAVAILABLE, NULL, "out of memory");
        return NULL;
    }
    late->next = call->api->late;
    late->api = call->api;
    late->id = call->id;
    late->who = *call->who;
    call->api->late = late;
    return late;
}

bool late_deletes_thread(const struct api *api, struct str workspace_id, struct str thread_id)
{
    const struct late *late = api->late;

    while (late && !(str_equal(str_from(late->deleted_thread_id), thread_id) &&
                     str_equal(caller_workspace(&late->who), workspace_id))) {
        late = late->next;
    }
    return late && thread_id.length > 0;
}

void late_free(struct late *late)
{
    if (late) {
        struct late **link = &late->api->late;

        while (*link != late) { /* as many as are on their way to the disk: few */
            link = &(*link)->next;
        }
        *link = late->next;
        alloc_free(late);
    }
}

void late_free_all(struct api *api)
{
    while (api->late) {
        late_free(api->late);
    }
}
