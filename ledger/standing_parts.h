/* What the files of standing share: standing.c (the passes), standing_right.c (who may what, which
 * events are twins), standing_correct.c (what is corrected, and by whom), standing_slot.c (what is
 * in a slot), standing_effect.c (what takes the place of what). */
#ifndef DUTYLOG_LEDGER_STANDING_PARTS_H
#define DUTYLOG_LEDGER_STANDING_PARTS_H

#include "ledger/standing.h"

/* An event at work, at its place. */
struct effect_of {
    struct standing_case *c;
    struct standing_subject *subject;
    size_t event;
    size_t position;         /* in the order of places */
    size_t firm[SLOT_COUNT]; /* of the acts on the slot so far that it does not set aside: 1 + the
                                place of the last */
};

/* --- standing.c --- */

/* Gives an event its standing, for good. */
void standing_settle(struct standing_case *c, size_t event, enum standing standing,
                     enum standing_why why, size_t other);
/* It has a standing already. */
bool standing_settled(const struct standing_case *c, size_t event);
/* The event of that id, or STANDING_NONE. */
size_t standing_find(const struct standing_case *c, const struct hash *id);

/* --- standing_right.c: of the signers of events `a` and `b` --- */

bool standing_above(const struct standing_case *c, size_t a, size_t b); /* of a higher rank */
bool standing_over(const struct standing_case *c, size_t a, size_t b);
bool standing_one_house(const struct standing_case *c, size_t a, size_t b);
bool standing_may_correct(const struct standing_case *c, size_t a, size_t b);
bool standing_may_undo(const struct standing_case *c, size_t a, size_t b);
/* Settles `event` as without authority over `other`: by rank, or as a stranger. */
void standing_deny(struct standing_case *c, size_t event, size_t other);
/* Was `a` there before `b`, whatever a log's operator did with stamps? */
bool standing_surely_before(const struct standing_case *c, size_t a, size_t b);
/* Do the two say one fact? */
bool standing_alike(const struct standing_case *c, size_t a, size_t b);

/* --- standing_correct.c --- */

/* Which corrections hold, what they correct, and what stands in for it. */
void standing_correct(struct standing_case *c);

/* --- standing_slot.c --- */

/* Begins the work of an event at its place. */
struct effect_of standing_at_work(struct standing_case *c, struct standing_subject *subject,
                                  size_t position);
/* Is the event set aside by the one at work? */
bool standing_aside(const struct effect_of *w, size_t event);
/* Is what the event did nothing to the one at work? */
bool standing_overlooks(const struct effect_of *w, size_t event);
bool standing_is_in(const struct effect_of *w, size_t event, enum standing_slot slot);
bool standing_is_free(const struct effect_of *w, enum standing_slot slot);
/* Does the one at work see the event in that slot? */
bool standing_sees(const struct effect_of *w, size_t event, enum standing_slot slot);
/* The first in it, and the first that it sees there; STANDING_NONE. */
size_t standing_first_in(const struct effect_of *w, enum standing_slot slot);
size_t standing_first_seen(const struct effect_of *w, enum standing_slot slot);

/* May it undo the event, what upholds it, and its twins? STANDING_NONE; or whom it may not. */
size_t standing_denies(const struct effect_of *w, size_t event);
/* The same of what emptied the slot, but for what it leaves beside itself. */
size_t standing_denies_emptier(const struct effect_of *w, enum standing_slot slot);
/* Marks what is in the slot, and, if it clears the slot, also what it sees there: all but what it
 * leaves beside itself. */
void standing_mark(const struct effect_of *w, enum standing_slot slot, bool clears);
/* Of what is marked, the first that it may not undo; STANDING_NONE. */
size_t standing_denies_marked(const struct effect_of *w, enum standing_slot slot);

/* Takes out what is marked; marks nothing any more. */
void standing_take_out(const struct effect_of *w, enum standing_slot slot, enum standing_why how);
/* Takes one out, if it is in the slot; and supersedes it in any case. */
void standing_take_one(const struct effect_of *w, size_t event, enum standing_slot slot,
                       enum standing_why how);
/* The same as take_out; and it emptied the slot, if it saw any of them. */
void standing_empty(const struct effect_of *w, enum standing_slot slot, enum standing_why how);
/* Takes the slot. */
void standing_put_in(const struct effect_of *w, enum standing_slot slot);
/* Gives an event back to a slot, and upholds it. */
void standing_give_back(const struct effect_of *w, size_t event, enum standing_slot slot);
void standing_supersede(const struct effect_of *w, size_t event, enum standing_why how);

/* --- standing_effect.c --- */

/* What an event that counts and is not corrected does to its subject. False: it was found without
 * authority, and settled as that. */
bool standing_effect(const struct effect_of *w);
/* An appeal.filed says what it contests, whatever becomes of it. */
void standing_contest(const struct effect_of *w);
/* What the event stands for: what it is a duplicate of, and what stands in its place; to the one at
 * work, unless that sets aside what it is a duplicate of (`w` NULL: to all). STANDING_NONE. */
size_t standing_stands_for(const struct standing_case *c, const struct effect_of *w, size_t event);

#endif
