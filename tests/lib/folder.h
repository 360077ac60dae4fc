/* Throw-away folders for tests. */
#ifndef DUTYLOG_TESTS_FOLDER_H
#define DUTYLOG_TESTS_FOLDER_H

struct folder {
    char path[512];
};

/* Makes an empty folder under $TMPDIR or /tmp. Asserts success. */
void folder_make(struct folder *folder);
/* Removes it with all that is in it. */
void folder_remove(const struct folder *folder);

#endif
