/* From a row to signed events (specs/import.md#events): each event of the mapping whose condition
 * holds, its members from cells by the mapping, its closed members under fresh salts. What cannot
 * be made is reported, and the row's other events are made all the same. */
#ifndef DUTYLOG_TOOLS_IMPORT_MAKE_H
#define DUTYLOG_TOOLS_IMPORT_MAKE_H

#include "ledger/vkey.h"
#include "tools/import_agency.h"
#include "tools/import_refused.h"
#include "tools/import_report.h"
#include "tools/import_rows.h"
#include "tools/import_send.h"
#include "tools/import_value.h"
#include "tools/place.h"

struct import_maker {
    const struct import_map *map;
    const struct import_agencies *agencies;
    struct import_state *state;
    struct import_report *report;
    const struct signer *signer; /* NULL: nothing is signed or kept */
    struct bytes issuer;
    struct place place;                 /* of the next event; moves on */
    uint64_t first_seq;                 /* of what this run signs */
    struct import_refused refused;      /* in this run */
    size_t row;                         /* which of the file is made */
    char last_day[IMPORT_DAY_SIZE + 1]; /* no day that is past may be after it */
    uint8_t table[IMPORT_TABLE_SIZE];
    size_t batch_max; /* events: fewer after a refusal, since all behind one is made again */
    struct import_batch batch; /* what was signed and is not committed yet */
};

/* The row's events that were not made before: signed, put into the state and the batch. The caller
 * has seen to it that the batch has room for them (import_maker_full). Fails only where the machine
 * does: what is wrong with the row is reported. */
enum status import_make_row(struct import_maker *maker, const struct import_cells *cells,
                            const struct import_row_id *id, struct refusal *why) MUST_USE;
/* Whether a row's events might not fit the batch any more. */
bool import_maker_full(const struct import_maker *maker);

/* What a member of an event says, by the row; NULL: nothing. */
struct import_said {
    json_t *value;                     /* owned */
    enum import_confidence confidence; /* of the tables that it went through */
    bool bad;                          /* reported: there is something, and it cannot be said */
};
/* For import_make.c alone. */
enum status import_say(struct import_maker *maker, const struct import_member *member,
                       const struct import_cells *cells, struct import_said *out) MUST_USE;
/* The confidence that a column's value has by a table of confidences. */
enum import_confidence import_say_mapping(const struct import_map *map, size_t table,
                                          struct bytes cell);

#endif
