#include "tests/lib/folder.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void folder_make(struct folder *folder) {
    const char *base = getenv("TMPDIR");
    int n = snprintf(folder->path, sizeof folder->path, "%s/dutylog-test-XXXXXX",
                     base != NULL && *base != '\0' ? base : "/tmp");
    assert(n > 0 && (size_t)n < sizeof folder->path);
    char *made = mkdtemp(folder->path);
    assert(made != NULL);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void folder_remove(const struct folder *folder) {
    (void)nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
