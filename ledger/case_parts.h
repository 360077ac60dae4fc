/* What the files of gathering a case share: case_gather.c (rounds, and what is taken),
 * case_rows.c (rows of the index), case_left_out.c (what is not looked at), case_logs.c (which
 * logs, and what they count for). */
#ifndef DUTYLOG_LEDGER_CASE_PARTS_H
#define DUTYLOG_LEDGER_CASE_PARTS_H

#include "ledger/case.h"

struct gather {
    struct store_txn *txn;
    const struct case_ask *ask;
    struct case_memory *memory;
    struct case_view *view;
    struct refusal *why;
    char asked_ori[ORI_SIZE + 1]; /* for which memory->recognised is; "": for none */
    bool wide;                    /* the last round: no house has a bound of its own */
    bool full;                    /* rows were left aside, since there was no room */
    bool counting;                /* rows are counted by house, and not kept */
    struct {
        enum house_group group;
        uint8_t house[CASE_HOUSE_SIZE];
        size_t own;    /* of these, of the case's own, */
        size_t naming; /* and of those that name others, were taken */
    } houses[CASE_HOUSES_MAX];
    size_t house_count;
    /* Whose signer is asked for. */
    size_t current;
    struct issuer issuer;
    struct case_bonds bonds;
};

#define NOT_NAMED SIZE_MAX

/* --- case_logs.c --- */

/* Are the logs that the asker names held, as far? UNKNOWN_LOG, CONFLICT_SIZE. */
enum status case_check_named(struct gather *g) MUST_USE;
/* Takes the asker's pins into the view, and finds the agencies that are one with the case's. */
enum status case_join_agencies(struct gather *g) MUST_USE;
/* The view's log of a number of the store; NOT_NAMED. TOO_LARGE. */
enum status case_find_log(struct gather *g, uint32_t number, size_t *out) MUST_USE;
/* The group in which the log's events by signers of `group` are looked at: GROUPS if they do not
 * count. */
enum house_group case_group_of(const struct case_log *log, enum house_group group);
/* Names the entries by which the logs that contribute count, or count no more. */
enum status case_name_recognisers(struct gather *g) MUST_USE;
/* Puts the logs with events of the case's own in the view, of too many those with the highest
 * signers. */
enum status case_choose_logs(struct gather *g) MUST_USE;

/* --- case_rows.c --- */

/* Adds the rows under a prefix to memory->rows: of each log and house the first `each`. Only those
 * of logs in the view if `known`. */
enum status case_collect(struct gather *g, const struct case_prefix *prefix, size_t each,
                         bool known) MUST_USE;
/* By group if not g->wide, then by stamp, origin, index. */
void case_sort_rows(const struct gather *g);
/* The view's count of a house; a fresh one is zero. */
struct case_left_out *case_house(struct case_view *view, enum house_group group,
                                 const uint8_t house[static CASE_HOUSE_SIZE]);

/* --- case_left_out.c --- */

/* Counts what the view lacks. */
enum status case_count_left_out(struct gather *g) MUST_USE;

/* --- case_gather.c --- */

/* Is the entry among the view's items? */
bool case_has(const struct case_view *view, size_t log, uint64_t index);
enum status case_read_event(struct gather *g, size_t log, uint64_t index, uint64_t *stamp_ms,
                            struct event *out) MUST_USE;

#endif
