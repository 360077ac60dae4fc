/* What an import did and what it could not do: control totals, and every problem with its line and
 * reason. The same problem of many rows is one item with a count; a file, if one is wanted, has a
 * line for each (CSV, mode 0600: it quotes the source). */
#ifndef DUTYLOG_TOOLS_IMPORT_REPORT_H
#define DUTYLOG_TOOLS_IMPORT_REPORT_H

#include "tools/import_map.h"

#include <stdio.h>

#define IMPORT_ITEMS_MAX 8192

enum import_problem {
    IMPORT_VALUE,   /* a value that a table lacks: the event is made with mapping unknown, or not */
    IMPORT_DATE,    /* no day as the mapping spells them: the event is not made */
    IMPORT_AGENCY,  /* nobody knows which agency is meant: the row makes nothing */
    IMPORT_MEMBER,  /* a value that its member does not take: the event is not made */
    IMPORT_CHANGED, /* a row that is logged already, with other values: nothing is made */
    IMPORT_ORDER,   /* two days in the wrong order: the events are made as the source has them */
    IMPORT_BYTES,   /* no UTF-8: made, with U+FFFD in its place */
    IMPORT_REFUSED, /* refused by the log for what it says: the event is not made */
    IMPORT_LEFT,    /* known, and no code of ours: as the mapping says. No problem, but counted */
    IMPORT_PROBLEMS
};

struct import_item {
    enum import_problem problem;
    char *where; /* owned: a table, a column, an event */
    char *what;  /* owned: the value, or the reason */
    uint64_t count;
    uint64_t line; /* the first */
};

struct import_report {
    const struct import_map *map;
    FILE *file; /* NULL: none is wanted */
    bool again; /* a row is made again that was told and counted: nothing is added */
    uint64_t rows;
    uint64_t rows_made;    /* that made something in this run */
    uint64_t rows_before;  /* whose events are all made in an earlier run */
    uint64_t rows_nothing; /* of which nothing is made */
    uint64_t rows_changed;
    uint64_t rows_gone; /* logged from an earlier file, and not in this one */
    uint64_t made[IMPORT_EVENTS_MAX];
    uint64_t confidence[IMPORT_UNKNOWN + 1];
    uint64_t problems[IMPORT_PROBLEMS]; /* by rows and values */
    struct import_item *items;
    size_t item_count;
    uint64_t items_lost; /* problems that are counted, but of too many sorts to be kept apart */
    uint32_t *slots;
};

/* `path`: the file with a line for each problem, written anew; NULL: none. */
enum status import_report_open(struct import_report *report, const struct import_map *map,
                               const char *path, struct refusal *why) MUST_USE;
/* Makes sure that the file has all lines. IO: it has not. */
enum status import_report_flush(struct import_report *report, const char *path,
                                struct refusal *why) MUST_USE;
void import_report_close(struct import_report *report);
void import_report_add(struct import_report *report, uint64_t line, enum import_problem problem,
                       const char *where, struct bytes what);
/* The same, with more of this one line that the file alone has. */
void import_report_add_more(struct import_report *report, uint64_t line,
                            enum import_problem problem, const char *where, struct bytes what,
                            const char *more);
/* Is there anything but what the mapping leaves out on purpose? */
bool import_report_clean(const struct import_report *report);
uint64_t import_report_made(const struct import_report *report);
/* Returns-owned; NULL: out of memory. */
json_t *import_report_json(const struct import_report *report);
/* For people: totals, then the problems, the most frequent first, as many as fit on a page. */
void import_report_print(const struct import_report *report);

#endif
