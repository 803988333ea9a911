/* SPDX-License-Identifier: Apache-2.0 */
#include "server/doctor_state.h"

#include <stdarg.h>
#include <stdio.h>

const char *doctor_state_name(enum doctor_state state)
{
    static const char *const names[DOCTOR_STATES] = {
        [DOCTOR_OK] = "ok",
        [DOCTOR_WARNING] = "warning",
        [DOCTOR_PROBLEM] = "problem",
        [DOCTOR_UNKNOWN] = "unknown",
    };

    return names[state];
}

static void tell(struct doctor *doctor, const struct doctor_finding *finding)
{
    doctor->counts[finding->state]++;
    doctor->request->tell(finding, doctor->request->arg);
}

void doctor_say(struct doctor *doctor, enum doctor_state state, const char *check,
                const char *advice, const char *format, ...)
{
    struct doctor_finding finding = {.state = state, .check = check};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(finding.text, sizeof(finding.text), format, args);
    va_end(args);
    (void)snprintf(finding.advice, sizeof(finding.advice), "%s", advice ? advice : "");
    tell(doctor, &finding);
}

void doctor_say_error(struct doctor *doctor, enum doctor_state state, const char *check,
                      const struct error *error)
{
    doctor_say(doctor, state, check, error->hint, "%s",
               error->message[0] ? error->message : error_code_text(error->code));
}

bool doctor_read_text(const char *path, char *text, size_t size)
{
    FILE *stream = fopen(path, "re");

    if (!stream) {
        return false;
    }
    size_t length = fread(text, 1, size - 1, stream);
    bool is_read = !ferror(stream) && length > 0;
    text[length] = '\0';
    (void)fclose(stream);
    return is_read;
}

void doctor_run(const struct doctor_request *request, unsigned counts[DOCTOR_STATES])
{
    struct doctor doctor = {.request = request, .config = request->config, .counts = counts};

    doctor_look_at_program(&doctor);
    doctor_look_at_configuration(&doctor);
    doctor_look_at_folder(&doctor);
    doctor_look_at_databases(&doctor);
    doctor_look_at_machine(&doctor);
    doctor_look_at_backups(&doctor);
}
