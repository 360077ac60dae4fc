/* Rows of an observed list (specs/lists.md): a published table as the sorted leaves of a Merkle
 * tree, so that one row's presence, or its absence, can be shown by itself.
 *
 * Vocabulary: a *cell* is a value of the table, normalised. *Key cells* say which record a row is
 * about (who, and of what), *other cells* what the list says of it. A *leaf* is the row as
 * `[[key cells],[other cells]]`, canonical JSON; a key's *prefix* is the part of its leaves up to
 * and with the comma in the middle: all rows of one key, and no other, begin with it, and in
 * bytewise order they stand together. Pure; the caller owns all memory. */
#ifndef DUTYLOG_LEDGER_LIST_H
#define DUTYLOG_LEDGER_LIST_H

#include "ledger/bytes.h"

#define LIST_CELLS_MAX 64        /* key cells and other cells, each */
#define LIST_LEAF_MAX 8192       /* bytes */
#define LIST_ROWS_MAX (1u << 20) /* of one list */
#define LIST_STRIPS_MAX 16
#define LIST_STRIP_SIZE_MAX 64

/* What is taken off the front of a cell: patterns in which `#` stands for one digit and everything
 * else for itself. */
struct list_strips {
    struct bytes patterns[LIST_STRIPS_MAX];
    size_t count;
};

/* The cell in its normal form (specs/lists.md#cells), written into `memory`, which has room for
 * raw.len bytes; `raw` is valid UTF-8. `strips` may be NULL. */
struct bytes list_cell(struct bytes raw, const struct list_strips *strips, uint8_t *memory);

/* Writes the leaf. The writer fails beyond its room. */
void list_leaf(struct writer *w, const struct bytes *keys, size_t key_count,
               const struct bytes *others, size_t other_count);
/* The prefix of a leaf of our own making, or of one that list_leaf_check took. */
struct bytes list_prefix(struct bytes leaf);
/* Is the leaf one of the key with this prefix? */
bool list_begins(struct bytes leaf, struct bytes prefix);
/* OK: the bytes are a leaf in canonical form. BAD_FORM, BAD_CANONICAL, TOO_LARGE. */
enum status list_leaf_check(struct bytes leaf, struct refusal *why) MUST_USE;
/* Calls back for each cell of a leaf that list_leaf_check took, as text; `other` is 0 for key
 * cells. The text is borrowed for the call. BAD_FORM as list_leaf_check. */
enum status list_cells(struct bytes leaf,
                       void (*each)(void *context, int other, size_t number, struct bytes text),
                       void *context) MUST_USE;

#endif
