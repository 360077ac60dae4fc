/* An import's mapping (specs/import.md#mapping): an INI file, written by a clerk, that says which
 * events a row of a table makes, which column gives which member, and what a source's own codes
 * are in ours, with how sure that is. Read and checked whole before a row is: every event is of a
 * kind, every code one that its member takes, every required member has a source. Fields are for
 * reading. */
#ifndef DUTYLOG_TOOLS_IMPORT_MAP_H
#define DUTYLOG_TOOLS_IMPORT_MAP_H

#include "ledger/kind.h"
#include "ledger/list.h"

#include <jansson.h>

#define IMPORT_MAP_SIZE_MAX 262144
#define IMPORT_LINE_MAX 198 /* inih's, less the newline */
#define IMPORT_COLUMNS_MAX 64
#define IMPORT_EVENTS_MAX 16
#define IMPORT_MEMBERS_MAX 24 /* of one event */
#define IMPORT_LINES_MAX 24   /* of one text */
#define IMPORT_WHENS_MAX 8
#define IMPORT_TABLES_MAX 32
#define IMPORT_VALUES_MAX 4096 /* of all tables together */
#define IMPORT_ALIASES_MAX 4096
#define IMPORT_ORDERS_MAX 16
#define IMPORT_NONE SIZE_MAX /* no column, no table */

/* How surely the source's own code became ours; the worst of several counts. */
enum import_confidence { IMPORT_EXACT, IMPORT_CLOSE, IMPORT_GUESSED, IMPORT_UNKNOWN };

struct import_column {
    const char *label;  /* what the mapping calls it */
    const char *header; /* in the file; the label, unless [columns] says otherwise */
    struct list_strips strips;
    const char *empties; /* normal forms that mean "nothing is said", as written: "N/A | NONE" */
    unsigned dates;      /* enum import_dates; 0: it is no date */
    bool renamed;        /* [columns] says the header */
    bool content;        /* part of what makes a row another row */
};

/* A line of a table: what values are which of our codes. */
struct import_value {
    const char *code; /* "-": known, and no code of ours */
    struct bytes pattern;
    enum import_confidence confidence;
    bool number;    /* of measures: the pattern's number is the term */
    uint32_t term;  /* the term said by the mapping itself; 0: none */
    bool months;    /* the term is in months, not days */
    bool says_paid; /* `paid` or `unpaid` was said */
    bool paid;
};

struct import_table {
    const char *name;
    bool measures;
    size_t first; /* in `values` */
    size_t count;
    size_t fallback; /* the line for all other values; IMPORT_NONE */
};

struct import_when {
    size_t column;
    const char *values; /* as written; NULL: any value */
    bool not ;          /* none of the values */
};

enum import_from {
    IMPORT_FROM_MAPPING, /* the same for every row */
    IMPORT_FROM_CELL,    /* a column */
    IMPORT_FROM_TABLE,   /* a column, through a table */
    IMPORT_FROM_LINES,   /* text with columns in it, a line each */
};

struct import_member {
    const struct kind_member *row;
    enum import_from from;
    json_t *fixed; /* owned */
    size_t column;
    size_t table;
    const char *lines[IMPORT_LINES_MAX]; /* as written */
    size_t line_count;
};

struct import_event {
    const char *name; /* the kind, and perhaps a word more: what tells a row's events apart */
    const struct kind *kind;
    struct import_when whens[IMPORT_WHENS_MAX];
    size_t when_count;
    struct import_member members[IMPORT_MEMBERS_MAX];
    size_t member_count;
    enum import_confidence confidence; /* at best */
    size_t mapping_column;             /* whose value, by a table, gives a confidence of its own */
    size_t mapping_table;
};

/* One way to spell an agency: the registry's name, or its ORI. */
struct import_alias {
    const char *spelling;
    const char *agency;
};

struct import_order {
    size_t early; /* column whose day should not be after that of `late` */
    size_t late;
};

enum import_subject { IMPORT_SUBJECT_NONE, IMPORT_SUBJECT_ROW, IMPORT_SUBJECT_COLUMN };

struct import_map {
    const char *source; /* whose case numbers these are */
    const char *table;  /* which file of that source */
    size_t case_column; /* IMPORT_NONE: each row is a case of its own */
    size_t keys[IMPORT_COLUMNS_MAX];
    size_t key_count;
    enum import_subject subject;
    size_t subject_column;
    const char *ori;   /* of all rows; or */
    size_t ori_column; /* a column that has it, or */
    size_t agency_column;
    const char *party;
    struct import_column columns[IMPORT_COLUMNS_MAX];
    size_t column_count;
    struct import_table tables[IMPORT_TABLES_MAX];
    size_t table_count;
    struct import_value *values;
    size_t value_count;
    struct import_event events[IMPORT_EVENTS_MAX];
    size_t event_count;
    struct import_alias *aliases;
    size_t alias_count;
    struct import_order orders[IMPORT_ORDERS_MAX];
    size_t order_count;
    struct hash file;  /* SHA-256 of the mapping's bytes */
    bool content_said; /* else all of a row's cells make it what it is */
    char *memory;      /* of all texts; owned */
    size_t memory_used;
    bool full; /* while it is read: the texts did not fit */
};

/* Reads and checks the file. Errors name the line, or the section and member. Release with
 * import_map_close, also after a failure; `out` is large: not for a stack. */
enum status import_map_open(const char *path, struct import_map *out, struct refusal *why) MUST_USE;
/* The same of bytes in memory; `name` for refusals. */
enum status import_map_parse(struct bytes text, const char *name, struct import_map *out,
                             struct refusal *why) MUST_USE;
void import_map_close(struct import_map *map);

/* The column of a label, added if it is new. IMPORT_NONE: there are too many. */
size_t import_map_column(struct import_map *map, struct bytes label);
/* The line of the table that a cell in its normal form fits: the first, else the fallback; NULL.
 * `number` as import_fits. */
const struct import_value *import_map_value(const struct import_map *map, size_t table,
                                            struct bytes cell, uint64_t *number);
/* Is the cell one of the values in a list "A | B"? */
bool import_map_listed(const char *list, struct bytes cell);
/* "{label}" at the front of `rest`, which goes on behind it; the label is IMPORT_NONE's if it is
 * none. For lines with columns in them. */
bool import_map_reference(struct bytes *rest, struct bytes *label);
const char *import_confidence_name(enum import_confidence confidence);

/* What follows the reading: references are resolved, and all is held against the kinds. For
 * import_map_parse alone. */
enum status import_map_resolve(struct import_map *map, const char *name,
                               struct refusal *why) MUST_USE;
#endif
