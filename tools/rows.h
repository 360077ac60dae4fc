/* The rows of one observed list, in memory and as a file (specs/lists.md#rows): sorted leaves,
 * their hashes and root, and what was observed where and when. */
#ifndef DUTYLOG_TOOLS_ROWS_H
#define DUTYLOG_TOOLS_ROWS_H

#include "ledger/absence.h"
#include "net/buffer.h"
#include "tools/list_map.h"

#include <jansson.h>

#define ROWS_SIZE_MAX ((size_t)512 * 1024 * 1024)
#define ROWS_FILE_MAX ((size_t)256 * 1024 * 1024) /* a published file */

struct rows {
    struct observed about; /* list, observed, address; file, keys, root, count */
    struct hash mapping;
    json_t *labels[2];  /* of the key cells and of the other cells, arrays of texts; owned */
    struct buffer text; /* all leaves */
    struct bytes *leaves;
    struct hash *hashes;
    size_t count;
};

/* What is to be said of the file while it is read: at most once for a row. */
typedef void rows_dirty(void *context, uint64_t line, const char *reason);

/* From a published file, plain or gzip, or from what was fetched. The mapping's columns must be
 * there: BAD_FORM. Rows that cannot be taken are left out and reported. Release with rows_close,
 * also after a failure. */
enum status rows_of_csv(struct rows *rows, const char *path, const struct list_map *map,
                        rows_dirty *dirty, void *context, struct refusal *why) MUST_USE;
/* From a .rows file: sorted, and with the root that it says, or BAD_FORM, BAD_PROOF. */
enum status rows_read(struct rows *rows, const char *path, struct refusal *why) MUST_USE;
/* The same of a .rows file's bytes, which are copied; refusals name no file. */
enum status rows_read_bytes(struct rows *rows, struct bytes content, struct refusal *why) MUST_USE;
/* Writes the .rows file. Refuses to replace one. */
enum status rows_write(const struct rows *rows, const char *path, struct refusal *why) MUST_USE;
void rows_init(struct rows *rows);
void rows_close(struct rows *rows);

/* How many rows a .rows file says that it has: its second line, which is all that is read. */
enum status rows_count(const char *path, size_t *out, struct refusal *why) MUST_USE;
/* Is the file a .rows file, by its first line? */
bool rows_is_file(const char *path);
/* The first row whose leaf is not below `text`; `count` if all are. */
size_t rows_lower_bound(const struct rows *rows, struct bytes text);
/* The leaf at `index` with its inclusion proof; borrows. */
void rows_prove(const struct rows *rows, size_t index, struct absence_leaf *out);

#endif
