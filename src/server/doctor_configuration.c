/*
 * The configuration as a start reads it, by the functions of the start: what they refuse is a
 * problem. Then what they take and should not be: files with secrets that others may read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/access.h"
#include "server/doctor_state.h"
#include "server/models.h"

/* Files that hold a secret. The start refuses a loose auth.secret_file, mail.password_file and keys
 * of models by itself. */
static const enum config_key secret_files[] = {CONFIG_TOKEN_FILE, CONFIG_TLS_KEY_FILE,
                                               CONFIG_AUTH_OIDC_FILE};

static void look_at_secret_file(struct doctor *doctor, enum config_key key, unsigned *loose)
{
    const char *path = config_text_or_null(doctor->config, key);
    const char *name = config_rows[key].key;
    struct stat about;

    if (!path) {
        return;
    }
    if (stat(path, &about) || access(path, R_OK)) {
        ++*loose;
        doctor_say(doctor, DOCTOR_PROBLEM, "secrets",
                   "Put the file there, or take the key out of the configuration.",
                   "%s: %.150s cannot be read: %s", name, path, strerror(errno));
    } else if (about.st_mode & (S_IRWXG | S_IRWXO)) {
        ++*loose;
        doctor_say(doctor, DOCTOR_WARNING, "secrets", "chmod 600, and owned by who runs netra.",
                   "%s: others may read %.150s (mode %03o)", name, path,
                   (unsigned)about.st_mode & 0777);
    }
}

static void look_at_secrets(struct doctor *doctor)
{
    unsigned loose = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(secret_files); i++) {
        look_at_secret_file(doctor, secret_files[i], &loose);
    }
    if (!loose) {
        doctor_say(doctor, DOCTOR_OK, "secrets", NULL, "no file with a secret is open to others");
    }
}

static void look_at_values(struct doctor *doctor)
{
    config_environment_fn *environment = doctor->request->environment;
    struct config *config = doctor->request->config;
    struct access read = {0};
    struct models models = {0};
    struct error error = {0};
    int code = config_finish(config, environment, &error);

    code = code ? code : access_read(&read, config, environment, &error);
    access_done(&read);
    if (!code) {
        code = models_read(config, environment, &models, &error);
    }
    if (code) {
        doctor_say_error(doctor, DOCTOR_PROBLEM, "configuration", &error);
        return;
    }
    doctor_say(doctor, DOCTOR_OK, "configuration", NULL, "auth.mode %s, listens on %s, %zu models",
               config_text(config, CONFIG_AUTH_MODE), config_text(config, CONFIG_LISTEN),
               models.count);
    models_done(&models);
}

void doctor_look_at_configuration(struct doctor *doctor)
{
    struct error error = {0};

    if (doctor->request->unread) {
        doctor_say_error(doctor, DOCTOR_PROBLEM, "configuration", doctor->request->unread);
    } else {
        look_at_values(doctor);
        look_at_secrets(doctor);
    }
    if (config_find_data_dir(doctor->request->config, doctor->request->environment, &error)) {
        doctor_say_error(doctor, DOCTOR_PROBLEM, "data folder", &error);
    } else {
        doctor->data_dir = config_text(doctor->config, CONFIG_DATA_DIR);
    }
}
