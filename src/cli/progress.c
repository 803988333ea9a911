/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/civil_time.h"
#include "cli/record_options.h"
#include "loop/clock.h"

#define PROGRESS_AFTER_US SECOND_US
#define PROGRESS_EVERY_US (SECOND_US / 10)
#define PROGRESS_WIDTH    30
#define PATH_SHOWN        40

void progress_start(struct progress *progress)
{
    *progress = (struct progress){
        .is_terminal = isatty(STDERR_FILENO),
        .started_us = clock_now_us(),
    };
}

void progress_show(const char *path, uint64_t done, uint64_t total, void *arg)
{
    struct progress *progress = arg;
    int64_t now_us = clock_now_us();
    size_t length = strlen(path);

    if (!progress->is_terminal || now_us - progress->started_us < PROGRESS_AFTER_US ||
        now_us - progress->shown_us < PROGRESS_EVERY_US) {
        return;
    }
    progress->shown_us = now_us;
    progress->is_shown = true;
    path += length > PATH_SHOWN ? length - PATH_SHOWN : 0;
    if (total) {
        int filled = (int)(done * PROGRESS_WIDTH / total);

        (void)fprintf(stderr, "\r\033[Kreading %s [%.*s%*s] %3d %%", path, filled,
                      "##############################", PROGRESS_WIDTH - filled, "",
                      (int)(done * 100 / total));
    } else {
        (void)fprintf(stderr, "\r\033[Kreading %s: %.1f MB", path, (double)done / 1e6);
    }
    (void)fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
}
