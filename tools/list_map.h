/* A list's mapping (specs/lists.md#mapping): an INI file that says which columns of a published
 * table make its rows, and how their text is normalised and compared. Fields are for reading. */
#ifndef DUTYLOG_TOOLS_LIST_MAP_H
#define DUTYLOG_TOOLS_LIST_MAP_H

#include "ledger/list.h"

#define LIST_MAP_SIZE_MAX 65536
#define LIST_MAP_FINDS_MAX 32

/* How a change of a cell is weighed. */
enum list_outcome {
    OUTCOME_NONE,  /* it is no outcome */
    OUTCOME_RANKS, /* values in ranks, the gravest first */
    OUTCOME_ITEMS, /* measures, each perhaps with a number: "SUSPENSION (30 DAYS), REPRIMAND" */
};

struct list_map_cell {
    const char *label;  /* what the mapping calls the cell */
    const char *column; /* the column's header; the label, unless [columns] says otherwise */
    struct list_strips strips;
    enum list_outcome outcome;
    const char *ranks; /* of OUTCOME_RANKS, as written: "A, B | C" */
};

struct list_map_find {
    const char *name;
    const char *texts; /* as written: "TEXT | TEXT" */
};

struct list_map {
    struct list_map_cell keys[LIST_CELLS_MAX];
    size_t key_count;
    struct list_map_cell others[LIST_CELLS_MAX];
    size_t other_count;
    size_t person; /* which key cell is the officer; key_count: none is */
    struct list_map_find finds[LIST_MAP_FINDS_MAX];
    size_t find_count;
    struct hash file;    /* SHA-256 of the mapping's bytes */
    struct hash keys_id; /* of the part that makes keys (specs/lists.md#keys) */
    char *memory;        /* of all texts; owned */
    size_t memory_used;
};

/* Reads the file. Errors name the line. Release with list_map_close, also after a failure; `out`
 * is large: not for a stack. */
enum status list_map_open(const char *path, struct list_map *out, struct refusal *why) MUST_USE;
void list_map_close(struct list_map *map);
/* Has [find] this name? */
bool list_map_names_find(const struct list_map *map, const char *name);
/* Does one of the texts of a find (or, of a name that [find] lacks, the text itself) stand in the
 * cell or leaf? */
bool list_map_finds(const struct list_map *map, const char *name, struct bytes text);

#endif
