/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/backup_print.h"

#include <signal.h>
#include <stdio.h>

#include "base/civil_time.h"
#include "cli/command.h"

static volatile sig_atomic_t is_stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    is_stopped = 1;
}

static bool show(const char *name, uint64_t done, uint64_t total, void *arg)
{
    progress_show(name, done, total, arg);
    return !is_stopped;
}

struct backup_progress backup_watch_start(struct backup_watch *watch)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    progress_start(&watch->progress);
    return (struct backup_progress){.fn = show, .arg = &watch->progress};
}

void backup_watch_end(struct backup_watch *watch)
{
    progress_end(&watch->progress);
}

static int print_json(const struct backup_manifest *manifest)
{
    cleanup(buf_done) struct buf text;

    buf_init(&text, BACKUP_MANIFEST_BYTES_MAX);
    backup_manifest_write(manifest, &text);
    if (buf_status(&text)) {
        (void)fputs("netra: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    (void)fwrite(text.data, 1, text.length, stdout);
    return EXIT_DONE;
}

int backup_print(const struct backup_manifest *manifest, const char *done, const char *place,
                 bool as_json)
{
    char created_at[CIVIL_STAMP_BYTES];

    if (manifest->datasets_without_records) {
        (void)fprintf(stderr,
                      "netra: %llu datasets have no records: they had none before, either. Upload "
                      "them again.\n",
                      (unsigned long long)manifest->datasets_without_records);
    }
    if (as_json) {
        return print_json(manifest);
    }
    civil_stamp(manifest->created_us, created_at);
    (void)printf("%s: %s, as of %s\n", done, place, created_at);
    for (unsigned i = 0; i < BACKUP_FILES; i++) {
        const struct backup_file *file = &manifest->files[i];
        int64_t rows = 0;

        for (unsigned t = 0; t < file->tables.count; t++) {
            rows += file->tables.tables[t].rows;
        }
        (void)printf("  %-9s schema %d, %.1f MB, %lld rows, SHA-256 %s\n", backup_file_names[i],
                     file->schema, (double)file->bytes / 1e6, (long long)rows, file->sha256);
    }
    return EXIT_DONE;
}
