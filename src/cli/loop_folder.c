/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/loop_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil_time.h"
#include "loop/clock.h"

static int too_long(struct error *error)
{
    return error_set(error, ERR_USAGE, "the path of the loop's folder is too long");
}

int loop_folder_at(const char *path, const char *here, char ret_folder[PATH_MAX],
                   struct error *error)
{
    int length = path[0] == '/' ? snprintf(ret_folder, PATH_MAX, "%s", path)
                                : snprintf(ret_folder, PATH_MAX, "%s/%s", here, path);

    return length < 0 || length >= PATH_MAX ? too_long(error) : OK;
}

static int find_project(const char *project, char ret_folder[PATH_MAX], struct error *error)
{
    const char *home = getenv("HOME");
    const char *state_home = getenv("XDG_STATE_HOME");
    bool has_state_home = state_home && state_home[0] == '/';

    if (strchr(project, '/') || project[0] == '.') {
        return error_set(error, ERR_USAGE, "a project is [a-z0-9-], not '%s'", project);
    }
    if (!has_state_home && (!home || home[0] != '/')) {
        return error_set(error, ERR_USAGE, "there is no HOME to keep the loop in: say --out DIR");
    }
    int length =
        snprintf(ret_folder, PATH_MAX, "%s%s/netra/loop/%s", has_state_home ? state_home : home,
                 has_state_home ? "" : "/.local/state", project);
    return length < 0 || length >= PATH_MAX ? too_long(error) : OK;
}

/* Names sort as their times do. */
static int append_name(char folder[PATH_MAX], const char *name, struct error *error)
{
    size_t length = strlen(folder);
    int more = snprintf(folder + length, PATH_MAX - length, "/%s", name);

    return more < 0 || (size_t)more >= PATH_MAX - length ? too_long(error) : OK;
}

int loop_folder_new(const char *project, char ret_folder[PATH_MAX], struct error *error)
{
    struct civil_time now = civil_from_us(clock_now_us());
    char name[64];
    int code = find_project(project, ret_folder, error);

    (void)snprintf(name, sizeof(name), "%04d%02d%02dT%02d%02d%02d.%06dZ", now.year, now.month,
                   now.day, now.hour, now.minute, now.second, now.microsecond);
    return code ? code : append_name(ret_folder, name, error);
}

int loop_folder_newest(const char *project, char ret_folder[PATH_MAX], struct error *error)
{
    char newest[NAME_MAX + 1] = "";
    int code = find_project(project, ret_folder, error);

    if (code) {
        return code;
    }
    DIR *folder = opendir(ret_folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, newest) > 0) {
            (void)snprintf(newest, sizeof(newest), "%s", entry->d_name);
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
    if (!newest[0]) {
        return error_set(error, ERR_USAGE, "no loop of %s was begun in %s", project, ret_folder);
    }
    return append_name(ret_folder, newest, error);
}
