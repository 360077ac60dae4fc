/* A main for a harness: runs it on files, and on every file of folders, once each.
 *
 *     replay-<name> [FILE | FOLDER]...     default: what is in tests/fuzz/corpus/<name> and
 *                                          build/corpus/<name>
 *
 * A failed assertion ends the process; the file's name was printed before. Ends with "N passed, 0
 * failed". */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX (4u * 1024 * 1024)

static unsigned replayed;

static void replay_file(const char *path) {
    uint8_t *data = malloc(INPUT_MAX);
    FILE *file = fopen(path, "rb");
    if (file == NULL || data == NULL) {
        perror(path);
        exit(1);
    }
    size_t len = fread(data, 1, INPUT_MAX, file);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    /* A copy of exactly this size, so that a sanitizer sees a read past the end. */
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert(exact != NULL);
    memcpy(exact, data, len);
    free(data);
    int result = LLVMFuzzerTestOneInput(exact, len);
    assert(result == 0);
    free(exact);
    replayed++;
}

static void replay_folder(const char *path) {
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char file[4096];
        struct stat status;
        int n = snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        assert(n > 0 && (size_t)n < sizeof file);
        if (stat(file, &status) == 0 && S_ISREG(status.st_mode)) {
            replay_file(file);
        }
        free(names[i]);
    }
    free(names);
}

/* The harness's name, after the last "replay-" of the program's. */
static const char *harness_name(const char *program) {
    const char *base = strrchr(program, '/');
    base = base != NULL ? base + 1 : program;
    assert(strncmp(base, "replay-", 7) == 0);
    return base + 7;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            replay_folder(argv[i]);
        } else {
            replay_file(argv[i]);
        }
    }
    if (argc == 1) {
        char path[4096];
        snprintf(path, sizeof path, "tests/fuzz/corpus/%s", harness_name(argv[0]));
        replay_folder(path);
        snprintf(path, sizeof path, "build/corpus/%s", harness_name(argv[0]));
        replay_folder(path);
    }
    printf("%u passed, %u failed\n", replayed, replayed == 0 ? 1 : 0);
    return replayed == 0 ? 1 : 0;
}
