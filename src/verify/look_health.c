/*
 * What /health says: each check with its reason, whether it stops, which faults are armed, which
 * revision it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "verify/facts.h"
#include "verify/look.h"

#define CHECKS_MAX    32u
#define SUBJECT_BYTES 96u
#define NAMES_BYTES   200u

static void note_check(struct looking *looking, struct json_value check)
{
    struct str name;
    struct str status;
    struct str reason = {"", 0};
    char subject[SUBJECT_BYTES];

    if (!json_get_str(json_at(check, "name"), &name) ||
        !json_get_str(json_at(check, "status"), &status)) {
        return;
    }
    (void)json_get_str(json_at(check, "reason"), &reason);
    (void)snprintf(subject, sizeof(subject), "check %.*s", STR_ARGS(name));
    look_note(looking, "health", subject, "%.*s%s%.*s", STR_ARGS(status), reason.length ? ": " : "",
              STR_ARGS(reason));
}

static void note_faults(struct looking *looking, struct json_value armed)
{
    char names[NAMES_BYTES] = "";
    size_t length = 0;
    struct str name;

    for (struct json_iterator it = json_iterate(armed); json_next(&it);) {
        if (json_get_str(it.value, &name) && length + name.length + 3 < sizeof(names)) {
            length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%.*s",
                                       length ? ", " : "", STR_ARGS(name));
        }
    }
    look_note(looking, "health", "faults armed", "%s", length ? names : "none");
}

static void note_revision(struct looking *looking, struct str served)
{
    struct str released = looking->revision;

    look_note(looking, "revision", "of the server", "%.*s",
              STR_ARGS(served.length ? served : STR("none")));
    if (released.length == 0) {
        return;
    }
    look_note(looking, "revision", "of the process file", "%.*s", STR_ARGS(released));
    if (str_equal(served, released)) {
        look_note(looking, "revision", "compared", "as released: %.*s", STR_ARGS(released));
    } else {
        look_note(looking, "revision", "compared", "differs: %.*s was released, %.*s serves",
                  STR_ARGS(released), STR_ARGS(served.length ? served : STR("none")));
    }
}

void look_at_health(struct looking *looking, struct json_value root)
{
    struct str text = {"", 0};
    unsigned count = 0;

    if (json_get_str(json_at(root, "status"), &text)) {
        look_note(looking, "health", "status", "%.*s", STR_ARGS(text));
    }
    if (json_get_str(json_at(root, "reason"), &text)) {
        look_note(looking, "health", "stopping", "%.*s", STR_ARGS(text));
    }
    for (struct json_iterator it = json_iterate(json_at(root, "checks"));
         count < CHECKS_MAX && json_next(&it); count++) {
        note_check(looking, it.value);
    }
    if (json_is(json_at(json_at(root, "faults"), "armed"), JSON_ARRAY)) {
        note_faults(looking, json_at(json_at(root, "faults"), "armed"));
    }
    text = (struct str){"", 0};
    (void)json_get_str(json_at(root, "revision"), &text);
    note_revision(looking, text);
}
