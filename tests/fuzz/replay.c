/*
 * Runs a fuzz target over every file of a corpus folder, so that what a fuzzer once found stays
 * tested by any compiler. Each input is placed right before an unmapped page: reading one byte too
 * far is a crash, with or without sanitizers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_guarded(const uint8_t *data, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page + 1;
    uint8_t *memory = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                           /* fd */ -1, /* offset */ 0);

    if (memory == MAP_FAILED || mprotect(memory + (pages - 1) * page, page, PROT_NONE)) {
        perror("mmap");
        exit(1);
    }
    uint8_t *input = memory + (pages - 1) * page - size;
    if (size) {
        memcpy(input, data, size);
    }
    (void)LLVMFuzzerTestOneInput(input, size);
    munmap(memory, pages * page);
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;

    if (!file || fstat(fileno(file), &info)) {
        perror(path);
        return 1;
    }
    uint8_t *data = malloc((size_t)info.st_size + 1);
    size_t size = data ? fread(data, 1, (size_t)info.st_size, file) : 0;
    run_guarded(data, size);
    free(data);
    (void)fclose(file);
    return 0;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int count = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
    int failed = 0;
    int files = 0;

    if (count < 0) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER (which must exist)\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < count; i++) {
        char path[4096];

        if (entries[i]->d_name[0] != '.') {
            (void)snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
            failed |= run_file(path);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    run_guarded((const uint8_t *)"", 0);
    printf("%d files replayed\n", files);
    return failed || files == 0;
}
